//! What the machine wants done that needs every lock of the keyspace, in its order.

use std::collections::{BTreeSet, VecDeque};

use ::cluster::{Address, Map};
use engine::Engine;
use engine::pause::Holder;
use parking_lot::{Condvar, Mutex};
use replication::{Input, Primary};

pub(super) enum Duty {
    /// Replicate from this node, or from none.
    Follow(Option<Address>),
    Publish(Box<Map>),
    /// Writes wait. Once this is done under all locks, what was let through before is over.
    Pause,
    /// Writes go on.
    Resume,
    /// It is being done.
    Taken,
}

impl Duty {
    /// Whether maps that come later have to wait for it: the node would own what it refuses to
    /// write, or an older map would come behind.
    fn holds_maps(&self) -> bool {
        matches!(self, Duty::Follow(None) | Duty::Publish(_))
    }
}

#[derive(Default)]
pub(super) struct Duties {
    open: Mutex<Open>,
    has_passed: Condvar,
}

#[derive(Default)]
struct Open {
    duties: VecDeque<Duty>,
    /// How many of them pause writes, and how many hold maps back.
    pauses: usize,
    holding_maps: usize,
    lost_slots: BTreeSet<u16>,
}

impl Duties {
    pub fn add(&self, duty: Duty) {
        let mut open = self.open.lock();
        open.pauses += usize::from(matches!(duty, Duty::Pause));
        open.holding_maps += usize::from(duty.holds_maps());
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

    /// Whether a map has to wait until something else is done.
    pub fn hold_maps(&self) -> bool {
        self.open.lock().holding_maps > 0
    }

    /// Waits until no pause is still to begin.
    pub fn await_pause(&self) {
        let mut open = self.open.lock();
        while open.pauses > 0 {
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
                Some(duty) => std::mem::replace(duty, Duty::Taken),
            };
            let is_pause = matches!(duty, Duty::Pause);
            let held_maps = duty.holds_maps();
            drop(open);
            perform(engine, duty);
            let mut open = self.open.lock();
            open.duties.pop_front();
            open.holding_maps -= usize::from(held_maps);
            if is_pause {
                open.pauses -= 1;
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
        Duty::Pause => engine.pause.hold_writes(Holder::ManualFailover, true),
        Duty::Resume => engine.pause.hold_writes(Holder::ManualFailover, false),
        Duty::Taken => {}
    }
}
