//! Large collections of a slot on the move: copied piece by piece, as they were when the slot was.
//!
//! They are frozen under the lock under which the slot is copied, as a snapshot freezes them, and
//! then shown in bounded steps. A collection can be frozen for one moment at a time, so no snapshot
//! begins before all of them have been shown.

use ::persistence::aof::commands::LargeKey;
use datatypes::Shown;
use keyspace::{DbIndex, Expire, ShardSet, Slot};

use crate::Engine;
use crate::snapshot::{ELEMENTS_AT_ONCE, with_value};

/// The large collections of a slot that are still to be copied.
pub struct LargeCopies<'e> {
    engine: &'e Engine,
    shard: usize,
    /// The one under way.
    key: Option<LargeKey>,
    /// The beginning of a command that wants more elements.
    begun: Vec<u8>,
}

impl<'e> LargeCopies<'e> {
    /// Those that have just been frozen. Snapshots are held off.
    pub(super) fn new(engine: &'e Engine, slot: Slot) -> LargeCopies<'e> {
        LargeCopies {
            engine,
            shard: slot.shard(),
            key: None,
            begun: Vec::new(),
        }
    }

    /// Appends about `bytes` of whole commands that make them. Returns whether anything is left.
    pub fn step(&mut self, bytes: usize, into: &mut Vec<u8>) -> bool {
        let full = into.len().saturating_add(bytes.max(1));
        while into.len() < full {
            if !self.copy_elements(into) {
                return false;
            }
        }
        true
    }

    /// Takes the shard's lock for a bounded number of elements.
    fn copy_elements(&mut self, into: &mut Vec<u8>) -> bool {
        let engine = self.engine;
        let mut locked = engine.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        match &mut self.key {
            None => {
                let Some(head) = db.next_frozen(self.shard) else {
                    return false;
                };
                let (entry, expiry) = (&head.entry, head.entry.expiry().map(|at| at.0));
                self.key = Some(with_value(entry, |value| {
                    LargeKey::new(entry.key(), &value, expiry, head.len)
                }));
            }
            Some(key) => {
                let (begun, mut whole) = (&mut self.begun, 0);
                let mut show = |element: Shown<'_>| {
                    key.element(element, begun);
                    if key.is_whole() {
                        whole = begun.len();
                    }
                };
                let more = db.show_frozen(self.shard, ELEMENTS_AT_ONCE, &mut show);
                into.extend(begun.drain(..whole));
                if let Some(key) = self.key.take_if(|_| !more) {
                    key.end(into);
                }
            }
        }
        engine.garbage.add(locked.take_discarded());
        true
    }
}

/// What was not shown is given up.
impl Drop for LargeCopies<'_> {
    fn drop(&mut self) {
        let engine = self.engine;
        let mut locked = engine.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        while db.abandon_frozen(self.shard, ELEMENTS_AT_ONCE) {}
        engine.garbage.add(locked.take_discarded());
        engine.allow_snapshots();
    }
}
