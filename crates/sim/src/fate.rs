//! What befalls the world: clients, faults, and an operator who does not always know what he does.

use replication::{FailoverRequest, Input, PeerId, Primary, WaitKind};

use crate::chronicle::Place;
use crate::node::{host, port};
use crate::store::Store;
use crate::world::{Event, World};

/// Clients that write. Each numbers its writes.
const CLIENTS: u64 = 4;

/// Who gives orders.
const OPERATOR: PeerId = PeerId(u64::MAX);

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

impl<S: Store> World<S> {
    pub(crate) fn client(&mut self) {
        if self.is_healed {
            return;
        }
        let next = 1 + self.draw(2 * self.options.write_every_ms);
        self.schedule(next, Event::Client);
        let primaries = self.primaries();
        if primaries.is_empty() {
            return;
        }
        let index = primaries[self.draw(primaries.len() as u64) as usize];
        let db = u8::from(self.chance(20));
        let count = if self.chance(15) { 3 } else { 1 };
        let commands = (0..count).map(|_| self.command()).collect::<Vec<_>>();
        let waits = self.chance(25).then(|| {
            let replicas = 1 + self.draw(2) as u32;
            let kind = if self.chance(50) {
                WaitKind::Wait
            } else {
                WaitKind::Write
            };
            (kind, replicas, 50 + self.draw(4_000))
        });
        self.with_node(index, |node, now_ms, chronicle| {
            let has_written = node.write(db, &commands, chronicle);
            if let Some((kind, replicas, timeout_ms)) = waits.filter(|_| has_written) {
                node.wait(now_ms, kind, replicas, timeout_ms, chronicle);
            }
        });
    }

    fn command(&mut self) -> Vec<Vec<u8>> {
        let key = self.draw(4);
        match self.draw(100) {
            0..70 => {
                self.next_tag += 1;
                let tag = self.next_tag * CLIENTS + self.draw(CLIENTS);
                words(&["RPUSH", &format!("l{key}"), &tag.to_string()])
            }
            70..90 => words(&["INCR", &format!("c{key}")]),
            90..98 => words(&["DEL", &format!("l{key}")]),
            _ => words(&["FLUSHALL"]),
        }
    }

    pub(crate) fn fate(&mut self) {
        if self.is_healed {
            return;
        }
        let next = 1 + self.draw(2 * self.options.fault_every_ms);
        self.schedule(next, Event::Fate);
        let node = self.draw(self.options.nodes as u64) as usize;
        let other = self.draw(self.options.nodes as u64) as usize;
        match self.draw(100) {
            0..15 if self.options.partitions => self.part(node, other),
            15..30 => self.reset(),
            30..42 if self.options.crashes => self.crash_and_restart(node),
            42..50 if self.options.pauses => {
                let pause_ms = 100 + self.draw(2 * self.options.timeout_ms);
                self.sites[node].frozen_until_ms = self.now_ms + pause_ms;
            }
            50..62 if node != other => self.order(node, Some(other)),
            62..68 => self.order(node, None),
            68..80 => self.fail_over(),
            80..88 => self.elect(),
            88..100 => self.follow_one(),
            _ => {}
        }
    }

    /// One direction, or both, are dead for a while.
    fn part(&mut self, node: usize, other: usize) {
        let until_ms = self.now_ms + 100 + self.draw(3 * self.options.timeout_ms);
        self.deaf_until_ms[node][other] = until_ms;
        if self.chance(50) {
            self.deaf_until_ms[other][node] = until_ms;
        }
    }

    fn reset(&mut self) {
        let ids = self.conns.keys().copied().collect::<Vec<_>>();
        if ids.is_empty() {
            return;
        }
        let conn = ids[self.draw(ids.len() as u64) as usize];
        let in_ms = self.draw(100);
        for end in 0..2 {
            if self.chance(80) {
                self.schedule(in_ms, Event::Lost { conn, end });
            }
        }
    }

    fn crash_and_restart(&mut self, node: usize) {
        let saves = self.chance(40);
        let held_data = self.sites[node]
            .node
            .as_ref()
            .is_some_and(|node| !node.store.is_empty());
        self.crash(node, saves);
        if self.options.losses && self.chance(30) {
            self.sites[node].disk.saved = None;
            self.sites[node].has_lost |= held_data;
        }
        self.sites[node].ordered = None;
        let in_ms = 10 + self.draw(3_000);
        self.schedule(in_ms, Event::Restart { node });
    }

    fn fail_over(&mut self) {
        let primaries = self.primaries();
        if primaries.is_empty() {
            return;
        }
        let index = primaries[self.draw(primaries.len() as u64) as usize];
        let target = self.draw(self.options.nodes as u64) as usize;
        let target = self.chance(50).then(|| Primary {
            host: host(target),
            port: port(target),
        });
        let timeout_ms = self.chance(60).then(|| 100 + self.draw(5_000));
        let force = target.is_some() && timeout_ms.is_some() && self.chance(20);
        let request = match self.chance(15) {
            true => FailoverRequest::Abort,
            false => FailoverRequest::Begin {
                target,
                force,
                timeout_ms,
            },
        };
        self.with_node(index, |node, now_ms, chronicle| {
            let client = OPERATOR;
            node.step(now_ms, Input::Failover { client, request }, chronicle);
        });
    }

    /// The operator promotes whoever has the most, as a failover does that sees everybody.
    fn elect(&mut self) {
        let live = self.live();
        let place = |index: usize| self.sites[index].node.as_ref().map(|node| node.place());
        let knows = |index: &usize| {
            let node = self.sites[*index].node.as_ref();
            node.is_some_and(|node| node.machine.name_to_save().is_some())
        };
        let places = live.iter().filter(|index| knows(index));
        let places = places
            .filter_map(|&index| Some((index, place(index)?)))
            .collect::<Vec<_>>();
        if places.is_empty() {
            return;
        }
        // Offsets are compared among those of one history.
        let id = places[self.draw(places.len() as u64) as usize].1.id;
        let alike = places.into_iter().filter(|(_, place)| place.id == id);
        let alike = alike.collect::<Vec<(usize, Place)>>();
        let best = alike.iter().max_by_key(|(_, place)| place.offset);
        let Some(&(best, at)) = best else {
            return;
        };
        self.chronicle.elect(best, at, &alike);
        self.order(best, None);
        for (index, _) in alike {
            if index != best && self.chance(80) {
                self.order(index, Some(best));
            }
        }
    }

    /// Everybody follows a primary, or each the one before it.
    fn follow_one(&mut self) {
        let Some(&primary) = self.primaries().first() else {
            return;
        };
        let is_chain = self.chance(40);
        let mut last = primary;
        for index in self.live() {
            if index != primary {
                self.order(index, Some(last));
                if is_chain {
                    last = index;
                }
            }
        }
    }

    /// All faults end, and the operator says once more who follows whom.
    pub fn heal(&mut self) {
        self.is_healed = true;
        self.deaf_until_ms
            .iter_mut()
            .flatten()
            .for_each(|until_ms| *until_ms = 0);
        for index in 0..self.sites.len() {
            self.sites[index].frozen_until_ms = 0;
            if self.sites[index].node.is_none() {
                self.begin_node(index);
            }
            self.with_node(index, |node, now_ms, chronicle| {
                let (client, request) = (OPERATOR, FailoverRequest::Abort);
                node.step(now_ms, Input::Failover { client, request }, chronicle);
            });
        }
        let primaries = self.primaries();
        let primary = match primaries.is_empty() {
            true => {
                self.order(0, None);
                0
            }
            false => primaries[self.draw(primaries.len() as u64) as usize],
        };
        let is_chain = self.chance(40);
        let mut last = primary;
        for index in (0..self.sites.len()).filter(|index| *index != primary) {
            self.plan.push((index, last));
            if is_chain {
                last = index;
            }
        }
        self.insist(true);
    }

    /// Repeats the last order to whoever does not keep to it, for a failover may have been under
    /// way; and, now and then, to whoever refuses to give up his data for an empty primary.
    pub fn insist(&mut self, to_all: bool) {
        for (index, primary) in self.plan.clone() {
            let wanted = port(primary);
            let site = &self.sites[index];
            let followed = site.disk.primary.as_ref().map(|primary| primary.port);
            let lacks_link = site.node.as_ref().is_some_and(|node| !node.is_online());
            if followed != Some(wanted) || to_all && lacks_link {
                self.order(index, Some(primary));
            }
        }
    }
}
