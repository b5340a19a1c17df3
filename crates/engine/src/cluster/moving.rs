//! Slots on their way to another node as a whole: copied one by one, followed in the log, held
//! while they are handed over.
//!
//! A slot is copied under its shard's lock, and its copy is of the offset that the log has then:
//! what the log says of the slot from there on belongs behind the copy. So no moment is marked for
//! all slots, nothing is saved for later, and any number of migrations copy at the same time.

use ::cluster::{NodeId, SlotSet};
use ::persistence::aof::commands::{write_key, write_restore};
use keyspace::{DbIndex, Entry, Expire, ShardSet, Slot};

use super::large::LargeCopies;
use crate::Engine;
use crate::command::Flags;
use crate::dispatch::find_keys;
use crate::log::Reader;
use crate::snapshot::with_value;

/// What a command of the log has touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    Nothing,
    Slot(Slot),
    /// Keys of several slots, or all there are.
    More,
}

/// A slot as it was at one offset of the log.
pub struct SlotCopy<'e> {
    pub offset: u64,
    /// How many keys there were.
    pub keys: usize,
    /// Its large collections, which are still to be copied.
    pub rest: Option<LargeCopies<'e>>,
}

impl Engine {
    /// Begins to read in the log about slots: what is copied of them from now on, and what is
    /// read, make the whole.
    pub fn follow_slots(&self, slots: &SlotSet) -> Reader {
        let locked = self.keyspace.lock(ShardSet::ALL);
        self.log.subscribe_to(&locked, slots)
    }

    /// Appends commands that make the keys of a slot, but for large collections: they come later.
    /// `None` while a snapshot is being taken, if the slot holds any of these.
    pub fn copy_slot(&self, slot: u16, into: &mut Vec<u8>) -> Option<SlotCopy<'_>> {
        let slot = Slot::new(slot);
        let compress = self.config.load().persistence.rdb_compression;
        let mut locked = self.keyspace.lock(ShardSet::of(slot.shard()));
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        let has_large = db.has_large(slot);
        if has_large && !self.hold_off_snapshots() {
            return None;
        }
        db.freeze_slot(slot, |entry| copy_key(entry, compress, into));
        Some(SlotCopy {
            offset: self.log.offset(),
            keys: db.full_slot_len(slot),
            rest: has_large.then(|| LargeCopies::new(self, slot)),
        })
    }

    /// What a command of the log has touched.
    pub fn touched(&self, words: &[&[u8]]) -> Touched {
        let Some(entry) = self.table.resolve(words) else {
            return Touched::Nothing;
        };
        if entry.flags.has(Flags::WRITE) && entry.reaches_everything(words) {
            return Touched::More;
        }
        let mut touched = Touched::Nothing;
        let found = find_keys(entry, words, |word| {
            let slot = Slot::of(words[word]);
            touched = match touched {
                Touched::Nothing => Touched::Slot(slot),
                Touched::Slot(other) if other == slot => touched,
                _ => Touched::More,
            };
        });
        match found {
            Ok(()) => touched,
            Err(_) => Touched::Nothing,
        }
    }

    /// Has writes to these slots wait. When this returns, nothing is under way that would have
    /// had to: what the log holds of them is all there is.
    pub fn hold_slots(&self, slots: &SlotSet) {
        self.cluster.change_map(|_, held| {
            for slot in slots.iter() {
                held.insert(slot);
            }
        });
        self.pause.hold_slots(true);
        let mut shards = ShardSet::NONE;
        slots
            .iter()
            .for_each(|slot| shards.insert(Slot::new(slot).shard()));
        drop(self.keyspace.lock(shards));
    }

    /// Lets writes to these slots go on: here, or where the map says.
    pub fn release_slots(&self, slots: &SlotSet) {
        self.cluster.change_map(|_, held| {
            for slot in slots.iter() {
                held.remove(slot);
            }
        });
        self.pause.hold_slots(false);
    }

    /// Whether a node owns all of these slots, as far as is known here.
    pub fn owns_slots(&self, node: NodeId, slots: &SlotSet) -> bool {
        let map = self.cluster.map();
        let place = map
            .map
            .nodes
            .iter()
            .position(|endpoint| endpoint.id == node);
        place.is_some_and(|place| slots.iter().all(|slot| map.is_of(Slot::new(slot), place)))
    }

    /// Where a node is reached by other nodes that speak as clients do: by TLS if the bus does.
    pub fn place_of(&self, node: NodeId) -> Option<(String, u16)> {
        let map = self.cluster.map();
        let endpoint = map.map.nodes.iter().find(|endpoint| endpoint.id == node)?;
        Some((endpoint.ip.clone(), endpoint.port))
    }

    /// Whether all of these slots are hidden.
    pub(super) fn hides_all(&self, slots: &SlotSet) -> bool {
        let mut locked = self.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        db.hides_all(slots.iter().map(Slot::new))
    }

    /// The hidden slots, ascending.
    pub fn hidden_slots(&self) -> Vec<u16> {
        let mut locked = self.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        db.hidden_slots().iter().map(|slot| slot.number()).collect()
    }
}

fn copy_key(entry: &Entry, compress: bool, into: &mut Vec<u8>) {
    let expiry = entry.expiry().map(|at| at.0);
    // What is in a small encoding may have many elements yet.
    with_value(entry, |value| match entry.is_large() {
        false => write_restore(entry.key(), value, expiry, compress, into),
        true => write_key(entry.key(), &value, expiry, into),
    });
}
