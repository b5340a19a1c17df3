//! What befalls the world: clients, faults, strangers, and operators.

use cluster::bus::{Beat, Body, Header, Marks, Packet};
use cluster::{Command, Failover, Flags, Input, LinkId, NodeId, SlotSet, SlotState};

use super::options::ip;
use super::world::{Event, World};
use crate::chronicle::Violation;

/// The link of somebody nobody knows.
const STRANGER: LinkId = LinkId::In(1 << 50);

impl World {
    pub fn begin_chaos(&mut self) {
        self.is_chaos = true;
        self.schedule(1, Event::Client);
        self.schedule(1, Event::Fate);
    }

    /// Somebody writes to a node that takes it.
    pub fn client(&mut self) {
        if !self.is_chaos {
            return;
        }
        let next = 1 + self.draw(2 * self.options.write_every_ms);
        self.schedule(next, Event::Client);
        let slots: Vec<u16> = World::slots().collect();
        let slot = slots[self.draw(slots.len() as u64) as usize];
        if self.moves.is_some() {
            return self.write_everywhere(slot);
        }
        let servers = self.servers(slot);
        if servers.is_empty() {
            return;
        }
        let node = servers[self.draw(servers.len() as u64) as usize];
        self.next_tag += 1;
        let tag = self.next_tag;
        let data = &mut self.sites[node].data;
        data.slots.entry(slot).or_default().push(tag);
        data.offset += 1;
        self.acknowledged.insert(tag);
    }

    pub fn fate(&mut self) {
        if !self.is_chaos {
            return;
        }
        let next = 1 + self.draw(2 * self.options.fault_every_ms);
        self.schedule(next, Event::Fate);
        if self.moves.is_some() {
            return self.fate_of_moves();
        }
        let nodes = self.sites.len() as u64;
        let (node, other) = (self.draw(nodes) as usize, self.draw(nodes) as usize);
        let timeout_ms = self.options.timeout_ms;
        let options = self.options.clone();
        match self.draw(100) {
            0..15 if options.crashes => {
                let is_power_cut = options.power_cuts && self.chance(50);
                self.crash(node, is_power_cut);
                let in_ms = 10 + self.draw(3 * timeout_ms);
                self.schedule(in_ms, Event::Restart { node });
                if self.chance(20) {
                    // Two at once: their heirs ask at the same time.
                    self.crash(other, is_power_cut);
                    self.schedule(in_ms, Event::Restart { node: other });
                }
            }
            15..30 if options.partitions => self.part(node, other),
            30..38 if options.partitions => self.isolate(node, other),
            38..46 if options.pauses => {
                let pause_ms = 100 + self.draw(3 * timeout_ms);
                self.sites[node].frozen_until_ms = self.now_ms + pause_ms;
            }
            46..54 if options.resets => self.reset_link(),
            54..60 if options.disk_faults => {
                let in_ms = self.draw(2 * timeout_ms);
                self.sites[node].disk_fails_until_ms = self.now_ms + in_ms;
            }
            60..66 if options.clock_jumps => {
                let jump_ms = [3_600_000, -3_600_000, 700, -700][self.draw(4) as usize];
                self.sites[node].wall_ms += jump_ms;
            }
            66..74 if options.strangers => self.stranger(node),
            74..80 if options.operators => self.order_failover(node, Failover::Agreed),
            80..86 if options.operators => self.begin_move(other),
            86..91 if options.operators => self.take_many(node, other),
            91..93 if options.operators => {
                let _ = self.command(node, Command::BumpEpoch);
            }
            93..94 if options.rough_operators => self.order_failover(node, Failover::Force),
            94..95 if options.rough_operators => self.order_failover(node, Failover::Takeover),
            95..100 if options.rough_operators => self.forget(node),
            _ => {}
        }
    }

    /// One direction, or both, are dead for a while.
    pub fn part(&mut self, node: usize, other: usize) {
        let until_ms = self.now_ms + 100 + self.draw(4 * self.options.timeout_ms);
        self.deaf_until_ms[node][other] = until_ms;
        if self.chance(50) {
            self.deaf_until_ms[other][node] = until_ms;
        }
    }

    /// Some nodes are cut off from the others, in one direction or both.
    pub fn isolate(&mut self, node: usize, other: usize) {
        let until_ms = self.now_ms + 100 + self.draw(6 * self.options.timeout_ms);
        let (is_both, is_out) = (self.chance(60), self.chance(50));
        for far in 0..self.sites.len() {
            if far == node || far == other {
                continue;
            }
            for inside in [node, other] {
                if is_both || is_out {
                    self.deaf_until_ms[inside][far] = until_ms;
                }
                if is_both || !is_out {
                    self.deaf_until_ms[far][inside] = until_ms;
                }
            }
        }
    }

    pub fn reset_link(&mut self) {
        let ends: Vec<_> = self.pipes.keys().copied().collect();
        if ends.is_empty() {
            return;
        }
        let end = ends[self.draw(ends.len() as u64) as usize];
        let in_ms = self.draw(100);
        self.schedule(in_ms, Event::Lost { end });
        if let Some(to) = self.pipes.get(&end).map(|pipe| pipe.to) {
            self.schedule(in_ms, Event::Lost { end: to });
        }
    }

    /// C8: somebody nobody knows says impossible things.
    fn stranger(&mut self, node: usize) {
        if !self.sites[node].is_awake(self.now_ms) {
            return;
        }
        let all: SlotSet = (0..cluster::SLOTS).collect();
        let Some(sender) = NodeId::parse(&[b'f'; 40]) else {
            return;
        };
        let victim = self.sites[node].id().unwrap_or(sender);
        let body = match self.draw(5) {
            0 => Body::Fail(victim),
            1 => Body::AskVote,
            2 => Body::StartFailover,
            3 => Body::Update {
                config_epoch: 1 << 40,
                node: victim,
                slots: all.as_bytes(),
            },
            _ => Body::Heartbeat {
                beat: Beat::Ping,
                gossip: Vec::new(),
                extensions: Vec::new(),
            },
        };
        let header = Header {
            port: 1,
            plain_port: 0,
            bus_port: 1,
            current_epoch: 1 << 40,
            config_epoch: 1 << 40,
            offset: 1 << 40,
            sender,
            slots: all.as_bytes(),
            primary: None,
            ip: "",
            flags: Flags::PRIMARY,
            is_down: false,
            marks: Marks::default(),
        };
        let bytes = Packet { header, body }.encode();
        let (peer, local) = ("10.9.9.9", ip(node));
        let link = STRANGER;
        let accepted = Input::Accepted {
            link,
            peer,
            local: &local,
        };
        let life = self.sites[node].life;
        // What is due by itself is not the stranger's doing.
        self.input(node, Input::Tick);
        if !self.lives(node, life) {
            return;
        }
        let before = self.state(node);
        self.input(node, accepted);
        self.input(
            node,
            Input::Received {
                link,
                bytes: &bytes,
            },
        );
        let why = "gone";
        self.input(node, Input::Lost { link, why });
        if self.lives(node, life) && self.state(node) != before {
            self.accuse("C8", format!("a stranger has changed node {node}"));
        }
    }

    fn state(&self, node: usize) -> Option<(u64, u64, Vec<u16>)> {
        let machine = self.sites[node].machine.as_ref()?;
        let owners = machine.map().owners;
        Some((machine.current_epoch(), machine.last_vote_epoch(), owners))
    }

    pub fn order_failover(&mut self, node: usize, how: Failover) {
        let site = &mut self.sites[node];
        let before_ms = site.manual_until_ms;
        site.manual_until_ms = site.local(self.now_ms) + 5_200;
        if self.command(node, Command::Failover(how)).is_err() {
            self.sites[node].manual_until_ms = before_ms;
            return;
        }
        if how != Failover::Agreed {
            // Whoever forces it takes what comes of it until all have heard of it.
            let excuse_ms = 5_000 + 10 * self.options.timeout_ms;
            self.judge.excused_until_ms = self.now_ms + excuse_ms;
        }
    }

    fn slot_and_owner(&mut self) -> Option<(u16, usize)> {
        let slots: Vec<u16> = World::slots().collect();
        let slot = slots[self.draw(slots.len() as u64) as usize];
        let servers = self.servers(slot);
        (servers.len() == 1).then(|| (slot, servers[0]))
    }

    pub fn can_reach(&self, a: usize, b: usize) -> bool {
        self.sites[a].is_awake(self.now_ms)
            && self.sites[b].is_awake(self.now_ms)
            && !self.is_deaf(a, b)
            && !self.is_deaf(b, a)
    }

    /// An operator moves a slot: first both ends are told, then the keys go, then all is said.
    fn begin_move(&mut self, to: usize) {
        let Some((slot, from)) = self.slot_and_owner() else {
            return;
        };
        if from == to || !self.can_reach(from, to) || !self.sites[to].is_primary() {
            return;
        }
        let (Some(source), Some(target)) = (self.sites[from].id(), self.sites[to].id()) else {
            return;
        };
        let set = |state| Command::SetSlot {
            slot,
            state,
            keys: 1,
        };
        let importing = set(SlotState::Importing(source.as_bytes()));
        if self.command(to, importing).is_ok() {
            let migrating = set(SlotState::Migrating(target.as_bytes()));
            let _ = self.command(from, migrating);
            let in_ms = 1 + self.draw(500);
            self.schedule(in_ms, Event::Finish { slot, from, to });
        }
    }

    /// The keys go from one to the other in one piece, and the slot with them.
    pub fn finish_move(&mut self, slot: u16, from: usize, to: usize) {
        let (Some(source), Some(target)) = (self.sites[from].id(), self.sites[to].id()) else {
            return;
        };
        let moves = |map: &cluster::Map| map.migrating.iter().any(|(moved, _)| *moved == slot);
        let takes = |map: &cluster::Map| map.importing.iter().any(|(moved, _)| *moved == slot);
        let still = self.sites[from].map.as_ref().is_some_and(moves)
            && self.sites[to].map.as_ref().is_some_and(takes);
        let servers = self.servers(slot);
        if !still || servers != [from] || !self.can_reach(from, to) || source == target {
            return;
        }
        let set = |keys| Command::SetSlot {
            slot,
            state: SlotState::Node(target.as_bytes()),
            keys,
        };
        // While the source holds the slot nobody else writes to it: this is one moment.
        if let Some(tags) = self.sites[from].data.slots.remove(&slot) {
            self.sites[to].data.slots.insert(slot, tags);
            self.sites[from].data.offset += 1;
            self.sites[to].data.offset += 1;
        }
        let _ = self.command(to, set(1));
        if self.chance(90) {
            let _ = self.command(from, set(0));
        }
    }

    /// Many slots go at once.
    fn take_many(&mut self, from: usize, to: usize) {
        let may = |node: usize| self.sites[node].may_write(self.now_ms);
        if from == to || !may(from) || !may(to) || !self.can_reach(from, to) {
            return;
        }
        let owned: Vec<u16> = World::slots()
            .filter(|slot| self.sites[from].owns(*slot))
            .collect();
        if owned.len() < 2 || owned.iter().any(|slot| self.servers(*slot) != [from]) {
            return;
        }
        let slots: SlotSet = owned[..owned.len() / 2].iter().copied().collect();
        // The source takes part in the hand-over; unless the answer is lost, and it is left to find
        // out, and to delete. Until then it holds writes back.
        let is_told = !self.options.rough_operators || self.chance(50);
        for slot in slots.iter() {
            if let Some(tags) = self.sites[from].data.slots.get(&slot).cloned() {
                self.sites[to].data.slots.insert(slot, tags);
            }
            if is_told {
                self.sites[from].data.slots.remove(&slot);
            } else {
                self.sites[from].held.insert(slot);
            }
        }
        self.sites[from].data.offset += 1;
        self.sites[to].data.offset += 1;
        let beyond = 0;
        let take = Command::TakeSlots {
            slots: &slots,
            beyond,
        };
        let life = self.sites[to].life;
        let is_refused = self.command(to, take).is_err();
        let is_there = self.lives(to, life);
        if is_refused || is_there && slots.iter().any(|slot| !self.sites[to].owns(slot)) {
            // It cannot serve, or not write down what it would take: nothing has happened.
            for slot in slots.iter() {
                if let Some(tags) = self.sites[to].data.slots.remove(&slot) {
                    self.sites[from].data.slots.insert(slot, tags);
                }
                self.sites[from].held.remove(&slot);
            }
            return;
        }
        let Some(target) = self.sites[to].id().filter(|_| is_told) else {
            return;
        };
        for slot in slots.iter() {
            let state = SlotState::Node(target.as_bytes());
            let _ = self.command(
                from,
                Command::SetSlot {
                    slot,
                    state,
                    keys: 0,
                },
            );
        }
    }

    /// An operator has everybody forget a replica, and resets it.
    fn forget(&mut self, node: usize) {
        let Some(id) = self.sites[node].id() else {
            return;
        };
        if self.sites[node].is_primary() {
            return;
        }
        let others = (0..self.sites.len()).filter(|other| *other != node);
        let mut is_by_all = true;
        for other in others.collect::<Vec<_>>() {
            let is_told = self.command(other, Command::Forget(id.as_bytes())).is_ok();
            // Who cannot write that down, or dies of it, knows the node again when he restarts.
            let file = self.sites[other].durable.as_deref().unwrap_or("");
            is_by_all &= is_told && !file.contains(id.as_str());
        }
        let _ = self.command(node, Command::Reset { hard: false });
        if is_by_all {
            self.judge.forgotten.insert(id, self.now_ms + 55_000);
        }
    }

    /// All faults end.
    pub fn heal(&mut self) {
        self.is_chaos = false;
        self.judge.forgotten.clear();
        self.deaf_until_ms
            .iter_mut()
            .flatten()
            .for_each(|until_ms| *until_ms = 0);
        for node in 0..self.sites.len() {
            self.sites[node].frozen_until_ms = 0;
            self.sites[node].disk_fails_until_ms = 0;
            if self.sites[node].machine.is_none() {
                self.begin(node);
            }
        }
    }

    /// C7: everybody comes to agree, while an operator mends what he has left half done.
    pub fn come_together(&mut self) -> Result<(), Violation> {
        let timeout_ms = self.options.timeout_ms;
        let until_ms = self.now_ms + 20 * timeout_ms + 4 * self.options.patience_ms() + 90_000;
        while !self.is_together() {
            if self.now_ms > until_ms {
                let picture = self.picture();
                return super::broken("C7", format!("nodes do not agree\n{picture}"));
            }
            self.run_until(self.now_ms + 1_000 + timeout_ms)?;
            self.mend();
        }
        self.run_until(self.now_ms + 1_000 + 4 * self.options.lag_ms)
    }

    fn mend(&mut self) {
        let count = self.sites.len();
        let knows_all = |map: &cluster::Map| map.nodes.len() == count;
        let all_known = |site: &super::site::Site| site.map.as_ref().is_some_and(knows_all);
        if !self.sites.iter().all(all_known) {
            self.meet_all();
        }
        for node in 0..count {
            let Some(map) = self.sites[node].map.clone() else {
                continue;
            };
            let moving = map.migrating.iter().chain(&map.importing);
            for slot in moving.map(|(slot, _)| *slot).collect::<Vec<_>>() {
                let owns = |other: &usize| {
                    self.sites[*other].is_primary() && self.sites[*other].owns(slot)
                };
                let owner = (0..count).find(owns);
                if owner.is_none() && self.options.operators && self.moves.is_none() {
                    // Its keys go home when it has one.
                    continue;
                }
                let state = SlotState::Stable;
                let _ = self.command(
                    node,
                    Command::SetSlot {
                        slot,
                        state,
                        keys: 0,
                    },
                );
                self.bring_home(slot, node, owner);
            }
        }
        if self.options.operators && self.moves.is_none() {
            self.cover();
        }
    }

    /// A slot whose target has died with the news of it is nobody's: its keys say where it goes.
    fn cover(&mut self) {
        for slot in World::slots().collect::<Vec<_>>() {
            let primaries = (0..self.sites.len()).filter(|node| self.sites[*node].is_primary());
            let primaries: Vec<usize> = primaries.collect();
            if primaries.is_empty() || primaries.iter().any(|node| self.sites[*node].owns(slot)) {
                continue;
            }
            let holds = |node: &&usize| self.sites[**node].data.slots.contains_key(&slot);
            let home = *primaries.iter().find(holds).unwrap_or(&primaries[0]);
            let _ = self.command(home, Command::DelSlots(&[slot..=slot]));
            let _ = self.command(home, Command::AddSlots(&[slot..=slot]));
            let _ = self.command(home, Command::BumpEpoch);
            for node in primaries {
                self.bring_home(slot, node, Some(home));
            }
        }
    }

    /// Keys that are nowhere else go to the owner.
    fn bring_home(&mut self, slot: u16, node: usize, owner: Option<usize>) {
        let Some(owner) = owner.filter(|owner| *owner != node && self.sites[*owner].is_primary())
        else {
            return;
        };
        if !self.sites[node].is_primary() || self.moves.is_some() {
            return;
        }
        if let Some(tags) = self.sites[node].data.slots.remove(&slot) {
            let home = self.sites[owner].data.slots.entry(slot).or_default();
            home.extend(tags);
            home.sort_unstable();
            home.dedup();
            self.sites[owner].data.offset += 1;
        }
    }
}
