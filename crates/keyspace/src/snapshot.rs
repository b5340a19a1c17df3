//! The contents of all slots at one moment, without a fork and without stopping.
//!
//! [`Locked::mark_snapshot`](crate::Locked::mark_snapshot) marks every slot pending, under all
//! locks: that is the moment. From then on slots are taken one by one
//! ([`Db::take_snapshot_slot`](crate::Db::take_snapshot_slot)), each under its shard's lock.
//! Whoever is about to change a key of a slot that is still pending first saves the value it has,
//! and notes the key in the slot's skip set; taking the slot gives the saved values, and all others
//! but the skipped.
//!
//! ```text
//!   mark ──┬── write k1: save k1's old value, skip k1 ──┬── take: saved k1 + table without k1
//!          └── write k2 (not there before): skip k2 ────┘
//! ```
//!
//! A flush gives the whole table away at once: the slot is then settled, and only its saved values
//! are left to be taken. A swap of two dbs swaps only the names under which entries are saved.

use std::collections::{BTreeMap, BTreeSet};

use crate::entry::Entry;
use crate::shard::Detached;
use crate::slot::{Key, SHARDS, SLOTS_PER_SHARD, Slot};
use crate::{Db, DbIndex, Locked};

/// One key of a snapshot: the db it was in, and its entry.
pub type SnapshotItem<'a> = (DbIndex, &'a Entry);

/// What a shard knows about the snapshot being taken.
pub(crate) struct SnapshotMarks {
    /// A bit for every slot that was not taken yet and may still be read from its table.
    pending: u64,
    /// What each db was called at the moment of the snapshot.
    names: Vec<DbIndex>,
    slots: Vec<SlotMarks>,
}

#[derive(Default)]
struct SlotMarks {
    saved: Vec<(DbIndex, Entry)>,
    skip: BTreeMap<DbIndex, BTreeSet<Box<[u8]>>>,
}

impl SlotMarks {
    /// Whether this is the key's first change since the mark.
    fn skip(&mut self, name: DbIndex, key: &[u8]) -> bool {
        self.skip.entry(name).or_default().insert(key.into())
    }

    fn skips(&self, name: DbIndex, key: &[u8]) -> bool {
        self.skip.get(&name).is_some_and(|keys| keys.contains(key))
    }
}

impl SnapshotMarks {
    pub fn new(dbs: u16) -> SnapshotMarks {
        SnapshotMarks {
            pending: 0,
            names: (0..dbs).map(DbIndex).collect(),
            slots: Vec::new(),
        }
    }

    #[inline]
    pub fn is_pending(&self, slot: Slot) -> bool {
        self.pending & 1 << slot.within() != 0
    }

    fn mark_all(&mut self) {
        assert!(self.pending == 0, "one snapshot is taken at a time");
        self.pending = u64::MAX;
        self.names = (0..).map(DbIndex).take(self.names.len()).collect();
        self.slots.resize_with(SLOTS_PER_SHARD, SlotMarks::default);
    }

    fn name(&self, index: DbIndex) -> DbIndex {
        self.names[usize::from(index.0)]
    }

    pub fn swap_dbs(&mut self, a: DbIndex, b: DbIndex) {
        self.names.swap(usize::from(a.0), usize::from(b.0));
    }

    /// Saves the value a key has before its first change since the mark; `None` if it has none.
    pub fn save(&mut self, index: DbIndex, key: &Key<'_>, old: Option<Entry>) {
        let name = self.name(index);
        let marks = &mut self.slots[key.slot.within()];
        if marks.skip(name, key.bytes) {
            marks.saved.extend(old.map(|entry| (name, entry)));
        }
    }

    /// Saves all that a pending snapshot still needs of a db that is being given up.
    pub fn save_all(&mut self, index: DbIndex, detached: &mut Detached) {
        let (name, mut pending) = (self.name(index), self.pending);
        while pending != 0 {
            let within = pending.trailing_zeros() as usize;
            pending &= pending - 1;
            let marks = &mut self.slots[within];
            for entry in detached.take_slot(within).into_elements() {
                if marks.skip(name, entry.key()) {
                    marks.saved.push((name, entry));
                }
            }
        }
    }
}

impl Locked<'_> {
    /// Makes this the moment of a snapshot. All locks must be held.
    pub fn mark_snapshot(&mut self) {
        let mut shards = self.shards();
        (0..SHARDS).for_each(|shard| shards.get(shard).marks.mark_all());
    }
}

impl Db<'_> {
    /// Gives `take` the entries that a slot had, in all dbs, when the snapshot was marked.
    pub fn take_snapshot_slot(&mut self, slot: Slot, mut take: impl FnMut(SnapshotItem<'_>)) {
        self.visit_shard(slot.shard(), |shard| {
            assert!(
                shard.marks.is_pending(slot),
                "a slot is taken once a snapshot"
            );
            let marks = std::mem::take(&mut shard.marks.slots[slot.within()]);
            marks
                .saved
                .iter()
                .for_each(|(name, entry)| take((*name, entry)));
            for (index, db) in shard.dbs() {
                let name = shard.marks.name(index);
                let table = db.slot(slot.within()).map(|slot| slot.table.iter());
                for entry in table.into_iter().flatten() {
                    if !marks.skips(name, entry.key()) {
                        take((name, &entry));
                    }
                }
            }
            shard.marks.pending &= !(1 << slot.within());
        });
    }
}

#[cfg(test)]
mod tests;
