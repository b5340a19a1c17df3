//! What the machine wants done that needs every lock of the keyspace, in its order.

use std::collections::{BTreeSet, VecDeque};

use ::cluster::{Address, Map};
use engine::Engine;
use parking_lot::{Condvar, Mutex};
use replication::{Input, Primary};

pub(super) enum Duty {
    /// Replicate from this node, or from none.
    Follow(Option<Address>),
    Publish(Box<Map>),
    /// Nothing but that all locks were taken since it was asked for: what was let through before
    /// writes were paused is over.
    Barrier,
}

#[derive(Default)]
pub(super) struct Duties {
    open: Mutex<Open>,
    has_passed: Condvar,
}

#[derive(Default)]
struct Open {
    duties: VecDeque<Duty>,
    barriers: usize,
    lost_slots: BTreeSet<u16>,
}

impl Duties {
    pub fn add(&self, duty: Duty) {
        let mut open = self.open.lock();
        open.barriers += usize::from(matches!(duty, Duty::Barrier));
        open.duties.push_back(duty);
    }

    /// The keys of these slots are to go.
    pub fn lose(&self, slots: impl Iterator<Item = u16>) {
        self.open.lock().lost_slots.extend(slots);
    }

    pub fn next_lost_slot(&self) -> Option<u16> {
        self.open.lock().lost_slots.pop_first()
    }

    pub fn are_there(&self) -> bool {
        !self.open.lock().duties.is_empty()
    }

    /// Waits until no barrier is in the way.
    pub fn await_barrier(&self) {
        let mut open = self.open.lock();
        while open.barriers > 0 {
            self.has_passed.wait(&mut open);
        }
    }

    /// Does everything. Every lock is held.
    pub fn work_off(&self, engine: &Engine) {
        loop {
            // It stays in the list until it is done, so that what comes behind it waits.
            let mut open = self.open.lock();
            let duty = match open.duties.front_mut() {
                None => return,
                Some(duty) => std::mem::replace(duty, Duty::Barrier),
            };
            let was_barrier = matches!(duty, Duty::Barrier);
            drop(open);
            perform(engine, duty);
            let mut open = self.open.lock();
            open.duties.pop_front();
            if was_barrier {
                open.barriers -= 1;
                self.has_passed.notify_all();
            }
        }
    }
}

fn perform(engine: &Engine, duty: Duty) {
    match duty {
        Duty::Follow(primary) => {
            let primary = primary.map(|address| Primary {
                host: address.ip,
                port: address.port,
            });
            let input = Input::ReplicaOf {
                primary,
                by: "the cluster",
            };
            // No session asks.
            engine.host.replicate(engine, input, &mut Vec::new());
        }
        Duty::Publish(map) => engine.publish_map(*map),
        Duty::Barrier => {}
    }
}
