//! What befalls nodes between which slots move.

use cluster::migration::Export;
use cluster::{Command, Failover, Machine, SlotSet};

use super::{Leaving, Step};
use crate::cluster::world::{Event, World};

impl World {
    /// Somebody writes, and is told so if all replicas have it.
    pub(in crate::cluster) fn write_everywhere(&mut self, slot: u16) {
        let servers = self.servers(slot);
        if servers.is_empty() {
            return;
        }
        let node = servers[self.draw(servers.len() as u64) as usize];
        if !self.hears_most(node, None) || !self.replicate(node) {
            return;
        }
        self.next_tag += 1;
        let tag = self.next_tag;
        let data = &mut self.sites[node].data;
        data.slots.entry(slot).or_default().push(tag);
        data.offset += 1;
        self.replicate(node);
        self.acknowledged.insert(tag);
        if self.is_traced {
            println!("{:>8} {node} slot {slot}: write {tag}", self.now_ms);
        }
        self.moves().written.insert(tag, slot);
    }

    pub(in crate::cluster) fn fate_of_moves(&mut self) {
        let nodes = self.sites.len() as u64;
        let (node, other) = (self.draw(nodes) as usize, self.draw(nodes) as usize);
        let timeout_ms = self.options.timeout_ms;
        let options = self.options.clone();
        match self.draw(100) {
            0..12 if options.crashes => {
                // Who is at one end of a migration is hit more often than others.
                let node = self
                    .an_end()
                    .filter(|_| self.now_ms.is_multiple_of(2))
                    .unwrap_or(node);
                let is_power_cut = options.power_cuts && self.chance(50);
                if self.hands_over_unheard(node) {
                    return;
                }
                self.crash(node, is_power_cut);
                let in_ms = 10 + self.draw(3 * timeout_ms);
                self.schedule(in_ms, Event::Restart { node });
            }
            12..22 if options.partitions => self.part(node, other),
            22..28 if options.partitions => self.isolate(node, other),
            28..36 if options.pauses => {
                let node = self.an_end().unwrap_or(node);
                let pause_ms = 100 + self.draw(3 * timeout_ms + 4_000);
                self.sites[node].frozen_until_ms = self.now_ms + pause_ms;
            }
            36..42 if options.resets => self.reset_link(),
            42..48 if options.disk_faults => {
                let node = self.an_end().unwrap_or(node);
                let in_ms = self.draw(2 * timeout_ms);
                self.sites[node].disk_fails_until_ms = self.now_ms + in_ms;
            }
            48..54 if options.operators => self.order_failover(node, Failover::Agreed),
            // Of one that was replaced and does not know it yet, it would make the owner again.
            54..56 if options.operators && self.sites[node].may_write(self.now_ms) => {
                let _ = self.command(node, Command::BumpEpoch);
            }
            56..60 => self.cancel_moves(node),
            60..90 => self.begin_export(node, other),
            _ => {}
        }
    }

    /// Whether a node has told another to take slots that cannot be heard. Who starts again then
    /// does not know any more that he is to wait for an answer.
    pub(in crate::cluster) fn hands_over_unheard(&self, node: usize) -> bool {
        let machine = self.sites[node].machine.as_ref();
        if !machine.is_some_and(Machine::is_handing_over) {
            return false;
        }
        let leaving = self.moves.iter().flat_map(|moves| moves.leaving.values());
        let mut mine = leaving.filter(|it| it.node == node);
        mine.any(|it| !self.hears_most(it.place, Some(node)))
    }

    /// Nobody hears a node, and it hears nobody.
    pub(super) fn cut_off(&mut self, node: usize, in_ms: u64) {
        let until_ms = self.now_ms + in_ms;
        for other in (0..self.sites.len()).filter(|other| *other != node) {
            self.deaf_until_ms[node][other] = until_ms;
            self.deaf_until_ms[other][node] = until_ms;
        }
    }

    /// Whether a node is where most are, clients among them: who is cut off serves for a moment
    /// more, and what it was told then may be lost, as at any failover.
    fn hears_most(&self, node: usize, but: Option<usize>) -> bool {
        let is_heard =
            |other: &usize| *other == node || (Some(*other) != but && self.can_reach(node, *other));
        let heard = (0..self.sites.len()).filter(is_heard).count();
        heard * 2 > self.sites.len()
    }

    /// A node that is one end of some migration.
    fn an_end(&mut self) -> Option<usize> {
        let leaving = self.moves().leaving.values();
        let ends: Vec<usize> = leaving.flat_map(|it| [it.node, it.place]).collect();
        (!ends.is_empty()).then(|| ends[self.draw(ends.len() as u64) as usize])
    }

    fn cancel_moves(&mut self, node: usize) {
        let mut names = Vec::new();
        for (name, leaving) in &mut self.moves().leaving {
            if leaving.node == node && leaving.export.cancel() {
                names.push(*name);
            }
        }
        // Each sees it when it is at its next step, as its thread would.
        for name in names {
            self.schedule(1, Event::Move(Step::Resume { name, node }));
        }
    }

    fn begin_export(&mut self, node: usize, place: usize) {
        let (site, target) = (&self.sites[node], &self.sites[place]);
        let (Some(me), Some(to)) = (site.id(), target.id()) else {
            return;
        };
        let is_at_work = site.is_awake(self.now_ms) && site.following.is_none();
        if node == place || !is_at_work || !target.is_primary() {
            return;
        }
        let leaving = self.moves().leaving.values();
        let busy: Vec<u16> = leaving
            .filter(|it| it.node == node)
            .flat_map(|it| it.slots.iter().collect::<Vec<_>>())
            .collect();
        let owned = World::slots().filter(|slot| self.sites[node].owns(*slot));
        let free: Vec<u16> = owned.filter(|slot| !busy.contains(slot)).collect();
        if free.is_empty() {
            return;
        }
        let count = 1 + self.draw(free.len().min(6) as u64) as usize;
        let first = self.draw((free.len() - count + 1) as u64) as usize;
        let slots: SlotSet = free[first..first + count].iter().copied().collect();
        let now_ms = self.sites[node].local(self.now_ms);
        let moves = self.moves();
        let export = Export::new(now_ms).with_flaw(moves.flaw);
        moves.begun += 1;
        let name = moves.begun;
        let leaving = Leaving {
            node,
            me,
            to,
            place,
            uncopied: slots.iter().collect(),
            slots,
            export,
            sent: Default::default(),
            serial: 0,
            wire: None,
            last_ms: 0,
            holds_since_ms: None,
        };
        moves.leaving.insert(name, leaving);
        self.schedule(1, Event::Move(Step::Resume { name, node }));
    }
}
