//! The target of a migration, as its commands and its sweeper act.

use cluster::Command;
use cluster::migration::Import;

use super::{Answer, Coming, Letter, Piece, Request, Step};
use crate::cluster::world::{Event, World};

impl World {
    /// A request arrives, if the line is not cut and whom it is for is there.
    pub(super) fn deliver(&mut self, letter: Letter) {
        let (from, to) = (letter.from, letter.to);
        if self.is_deaf(from, to) {
            let until_ms = self.deaf_until_ms[from][to];
            let in_ms = until_ms - self.now_ms;
            return self.schedule(in_ms, Event::Move(Step::Arrive { letter }));
        }
        let life = self.sites[to].life;
        let is_there = self.sites[to].machine.is_some();
        let is_meant = letter.life.is_none_or(|meant| meant == life);
        let answer = match is_there && is_meant {
            true => self.serve(&letter),
            false => Answer::Broken,
        };
        let is_take = matches!(letter.request, Request::Take { .. });
        if is_take && answer == Answer::Done && self.options.partitions && self.chance(10) {
            // Nobody hears of it for longer than the source asks.
            let in_ms = self.draw(20_000);
            self.cut_off(to, in_ms);
        }
        let is_gone = is_there && is_meant && !self.lives(to, life);
        if letter.is_lost || is_gone {
            return;
        }
        let (name, serial) = (letter.name, letter.serial);
        if letter.request == Request::Establish
            && answer == Answer::Done
            && let Some(leaving) = self.moves().leaving.get_mut(&name)
        {
            leaving.wire = Some(Some(life));
        }
        let cut_ms = self.deaf_until_ms[to][from].saturating_sub(self.now_ms);
        let in_ms = cut_ms + self.latency();
        let node = from;
        let answered = Step::Answered {
            name,
            node,
            serial,
            answer,
        };
        self.schedule(in_ms, Event::Move(answered));
    }

    fn serve(&mut self, letter: &Letter) -> Answer {
        let (to, name) = (letter.to, letter.name);
        let answer = match &letter.request {
            Request::Establish => self.establish(to, name, letter.from),
            Request::Feed(pieces) => self.receive(to, name, pieces),
            Request::Take { beyond } => self.take(to, name, *beyond),
            Request::State => self.tell_state(to, name),
            Request::Drop => {
                self.sites[to].imports.remove(&name);
                Answer::Done
            }
        };
        if self.is_traced {
            let (kind, now_ms) = (letter.request.name(), self.now_ms);
            println!("{now_ms:>8} {to} migration {name}: {kind} is {answer:?}");
        }
        answer
    }

    fn establish(&mut self, to: usize, name: u64, from: usize) -> Answer {
        let Some(leaving) = self.moves().leaving.get(&name) else {
            // Whoever asked is dead; nobody hears the answer.
            return Answer::Refused;
        };
        let (slots, me) = (leaving.slots.clone(), leaving.me);
        debug_assert_eq!(leaving.node, from);
        let flaw = self.moves().flaw;
        let site = &self.sites[to];
        if site.following.is_some() || site.imports.contains_key(&name) {
            return Answer::Refused;
        }
        let is_ok = site.map.as_ref().is_some_and(|map| map.ok);
        let is_free = |slot: u16| {
            let tags = site.data.slots.get(&slot);
            !site.data.hidden.contains(&slot) && tags.is_none_or(Vec::is_empty)
        };
        if !self.sees_owner(to, me, &slots) || !is_ok || !slots.iter().all(is_free) {
            return Answer::Busy;
        }
        let import = Import::new(site.local(self.now_ms)).with_flaw(flaw);
        let coming = Coming {
            import,
            slots: slots.clone(),
            from: me,
        };
        let site = &mut self.sites[to];
        site.imports.insert(name, coming);
        site.data.hidden.extend(slots.iter());
        self.replicate(to);
        Answer::Done
    }

    fn receive(&mut self, to: usize, name: u64, pieces: &[(u16, Piece)]) -> Answer {
        let now_ms = self.sites[to].local(self.now_ms);
        let site = &mut self.sites[to];
        let Some(coming) = site.imports.get_mut(&name) else {
            return Answer::Refused;
        };
        if !coming
            .slots
            .iter()
            .all(|slot| site.data.hidden.contains(&slot))
        {
            site.imports.remove(&name);
            return Answer::Refused;
        }
        for (slot, piece) in pieces {
            let tags = site.data.slots.entry(*slot).or_default();
            match piece {
                Piece::Whole(whole) => *tags = whole.clone(),
                Piece::More(more) => tags.extend(more),
            }
        }
        site.data.offset += pieces.len() as u64;
        coming.import.note_received(now_ms);
        self.replicate(to);
        Answer::Done
    }

    fn take(&mut self, to: usize, name: u64, beyond: u64) -> Answer {
        // What its replicas do not have yet a failover would lose, as any write.
        if !self.replicate(to) {
            return Answer::Busy;
        }
        let local_ms = self.sites[to].local(self.now_ms);
        let site = &mut self.sites[to];
        let machine = site.machine.as_ref();
        if machine.is_some_and(cluster::Machine::is_handing_over) {
            return Answer::Busy;
        }
        let Some(coming) = site.imports.remove(&name) else {
            return Answer::Refused;
        };
        let (slots, life) = (coming.slots, site.life);
        let is_whole = slots.iter().all(|slot| site.data.hidden.contains(&slot));
        let is_ok = site.map.as_ref().is_some_and(|map| map.ok);
        let may = coming.import.may_take(local_ms) && is_whole && is_ok;
        if !may || !self.sees_owner(to, coming.from, &slots) {
            return Answer::Refused;
        }
        let taken = self.command(
            to,
            Command::TakeSlots {
                slots: &slots,
                beyond,
            },
        );
        if !self.lives(to, life) {
            return Answer::Broken;
        }
        let site = &mut self.sites[to];
        let owns = slots.iter().all(|slot| site.owns(slot));
        if taken.is_err() || !owns {
            return Answer::Refused;
        }
        slots.iter().for_each(|slot| {
            site.data.hidden.remove(&slot);
        });
        self.replicate(to);
        Answer::Done
    }

    fn tell_state(&mut self, to: usize, name: u64) -> Answer {
        let Some(leaving) = self.moves().leaving.get(&name) else {
            return Answer::Refused;
        };
        let slots = leaving.slots.clone();
        match slots.iter().all(|slot| self.sites[to].owns(slot)) {
            true => Answer::Done,
            false => Answer::Refused,
        }
    }

    /// Ends the migrations of silent sources, and deletes what is hidden and nobody's.
    pub(super) fn sweep(&mut self, node: usize) {
        let local_ms = self.sites[node].local(self.now_ms);
        let site = &mut self.sites[node];
        if !site.is_awake(self.now_ms) {
            return;
        }
        site.imports
            .retain(|_, coming| !coming.import.is_forsaken(local_ms));
        if site.following.is_some() {
            return;
        }
        let is_coming = |slot: u16| {
            let mut comings = site.imports.values();
            comings.any(|coming| coming.slots.contains(slot))
        };
        let hidden = site.data.hidden.iter().copied();
        let forsaken: Vec<u16> = hidden.filter(|slot| !is_coming(*slot)).collect();
        if forsaken.is_empty() {
            return;
        }
        for slot in forsaken {
            // What was taken right before the node went down is shown.
            if !site.owns(slot) {
                site.data.slots.remove(&slot);
            }
            site.data.hidden.remove(&slot);
        }
        site.data.offset += 1;
        self.replicate(node);
    }

    /// Has all replicas hold what a primary holds. False if one cannot be reached.
    pub(super) fn replicate(&mut self, node: usize) -> bool {
        let sites = self.sites.iter().enumerate();
        let replicas = sites.filter(|(at, site)| *at != node && site.following == Some(node));
        let replicas: Vec<usize> = replicas.map(|(at, _)| at).collect();
        let mut are_all = true;
        for replica in replicas {
            if !self.can_reach(node, replica) {
                are_all = false;
                continue;
            }
            let heard_ms = self.sites[replica].local(self.now_ms);
            self.sites[replica].data = self.sites[node].data.clone();
            self.sites[replica].heard_ms = Some(heard_ms);
        }
        are_all
    }
}

impl Request {
    fn name(&self) -> &'static str {
        match self {
            Request::Establish => "ESTABLISH",
            Request::Feed(_) => "FEED",
            Request::Take { .. } => "TAKE",
            Request::State => "STATE",
            Request::Drop => "DROP",
        }
    }
}
