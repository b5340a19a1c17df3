//! The contents of all slots at one moment, without a fork and without stopping.
//!
//! [`Locked::mark_snapshot`](crate::Locked::mark_snapshot) marks every slot pending, under all
//! locks: that is the moment. From then on slots are taken one by one
//! ([`Db::take_snapshot_slot`](crate::Db::take_snapshot_slot)), each under its shard's lock.
//! Whoever is about to change a key of a slot that is still pending first saves a copy of what the
//! key holds, and sets a bit in its entry that says so; an entry that comes into a pending slot has
//! the bit from the start. Taking a slot gives all entries without the bit, and clears it where it
//! is set; what was saved gives the rest.
//!
//! ```text
//!   mark ──┬── write k1: save k1's old value, set its bit ──┬── take: saved k1 + entries without
//!          ├── write k1 again: its bit is set already       │         the bit; clear the others
//!          └── write k2 (not there before): it has the bit ─┘
//! ```
//!
//! So a snapshot during which nothing is written writes nothing to the tables either, and a write
//! costs one copy at most. A deleted key needs no bit: its saved value is all that is left of it.
//! Copies of small strings lie in one piece of memory (`entry/copies.rs`), whose room goes from
//! shard to shard as they are taken out, so that no write allocates for one.
//!
//! A large collection is neither copied nor written out at once: it is frozen
//! ([`Entry::freeze`]), by the first who changes it or by whoever takes its slot, and then waits
//! to be shown in steps (`snapshot/frozen.rs`).
//!
//! A flush gives whole tables away at once: those of pending slots are kept until they are taken.
//! A swap of two dbs swaps only the names under which entries are saved: the bits go with the
//! entries. What is saved may be fetched at any time ([`Db::take_saved`](crate::Db::take_saved)),
//! so that it does not pile up.

use std::collections::VecDeque;

use datatypes::table::Table;

use crate::entry::{Copies, Entry};
use crate::shard::Detached;
use crate::slot::{SHARDS, Slot};
use crate::{Db, DbIndex, Locked};

mod frozen;

use frozen::Frozen;
pub use frozen::FrozenHead;
pub(crate) use frozen::FrozenPlace;

/// One key of a snapshot: the db it was in, and its entry.
pub type SnapshotItem<'a> = (DbIndex, &'a Entry);

/// What a shard knows about the snapshot being taken.
pub(crate) struct SnapshotMarks {
    /// A bit for every slot that was not taken yet.
    pending: u64,
    /// A bit for every slot of which an entry may be changed.
    changed: u64,
    /// What each db was called at the moment of the snapshot.
    names: Vec<DbIndex>,
    saved: Saved,
    /// Large collections that are to be shown.
    frozen: VecDeque<Frozen>,
}

/// What a snapshot needs of a shard that is no longer to be found in its tables.
#[derive(Default)]
pub struct Saved {
    /// Small strings.
    copies: Copies,
    entries: Vec<(DbIndex, Entry)>,
    /// Of dbs that were flushed. Changed entries are among the others.
    tables: Vec<(DbIndex, Table<Entry>)>,
    copied_bytes: usize,
}

impl Saved {
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty() && self.entries.is_empty() && self.tables.is_empty()
    }

    /// Bytes of the entries that writers have copied.
    pub fn copied_bytes(&self) -> usize {
        self.copied_bytes
    }

    /// Gives `show` one of the small strings. Returns whether any was left.
    pub fn show_copy(&mut self, show: impl FnOnce(SnapshotItem<'_>)) -> bool {
        self.copies.show_next(show)
    }

    fn save(&mut self, name: DbIndex, entry: Entry) {
        self.copied_bytes += entry.memory();
        self.entries.push((name, entry));
    }
}

/// Takes out one entry after the other, but for small strings.
impl Iterator for Saved {
    type Item = (DbIndex, Entry);

    fn next(&mut self) -> Option<(DbIndex, Entry)> {
        while self.entries.is_empty() {
            let (name, table) = self.tables.last_mut()?;
            let Some(entries) = table.take_bucket() else {
                self.tables.pop();
                continue;
            };
            let unchanged = entries.into_iter().filter(|entry| !entry.is_changed());
            self.entries.extend(unchanged.map(|entry| (*name, entry)));
        }
        self.entries.pop()
    }
}

impl SnapshotMarks {
    pub fn new(dbs: u16) -> SnapshotMarks {
        SnapshotMarks {
            pending: 0,
            changed: 0,
            names: (0..dbs).map(DbIndex).collect(),
            saved: Saved::default(),
            frozen: VecDeque::new(),
        }
    }

    #[inline]
    pub fn is_pending(&self, slot: Slot) -> bool {
        self.pending & 1 << slot.within() != 0
    }

    fn mark_all(&mut self) {
        assert!(self.pending == 0, "one snapshot is taken at a time");
        let is_empty = self.saved.is_empty() && self.frozen.is_empty();
        assert!(is_empty, "a snapshot takes all it saved");
        (self.pending, self.changed) = (u64::MAX, 0);
        self.names = (0..).map(DbIndex).take(self.names.len()).collect();
    }

    fn name(&self, index: DbIndex) -> DbIndex {
        self.names[usize::from(index.0)]
    }

    pub fn swap_dbs(&mut self, a: DbIndex, b: DbIndex) {
        self.names.swap(usize::from(a.0), usize::from(b.0));
        self.frozen
            .iter_mut()
            .for_each(|frozen| frozen.swap_dbs(a, b));
    }

    /// Saves what a key holds before its first change since the mark.
    pub fn save(&mut self, index: DbIndex, old: Entry) {
        let name = self.name(index);
        self.saved.save(name, old);
    }

    /// As [`SnapshotMarks::save`], of a small string. Returns whether it is one.
    pub fn save_copy(&mut self, index: DbIndex, old: &Entry) -> bool {
        let name = self.name(index);
        let copied = self.saved.copies.push(name, old);
        self.saved.copied_bytes += copied.unwrap_or(0);
        copied.is_some()
    }

    /// Notes that a pending slot holds an entry that is changed.
    pub fn note_changed(&mut self, slot: Slot) {
        self.changed |= 1 << slot.within();
    }

    /// Saves all that a pending snapshot still needs of a db that is being given up.
    pub fn save_all(&mut self, index: DbIndex, detached: &mut Detached) {
        let (name, mut pending) = (self.name(index), self.pending);
        while pending != 0 {
            let within = pending.trailing_zeros() as usize;
            pending &= pending - 1;
            let table = detached.take_slot(within);
            if !table.is_empty() {
                self.saved.tables.push((name, table));
            }
        }
    }

    /// The slot is taken. Returns whether any of its entries may be changed.
    fn settle(&mut self, slot: Slot) -> bool {
        let bit = 1 << slot.within();
        self.pending &= !bit;
        let changed = self.changed & bit != 0;
        self.changed &= !bit;
        changed
    }

    /// Exchanges what was saved for what is empty, and has room for what will be saved.
    fn hand_over(&mut self, saved: &mut Saved) {
        debug_assert!(
            saved.is_empty(),
            "what was saved is taken before there is more"
        );
        std::mem::swap(&mut self.saved, saved);
        match self.pending {
            0 => self.saved = Saved::default(),
            _ => self.saved.copied_bytes = 0,
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
    /// Gives `take` the entries that a slot still has of when the snapshot was marked, in all dbs;
    /// but for large collections, which then wait to be shown ([`Db::next_frozen`]). `saved`, which
    /// is empty, gets what was saved in the slot's shard since that was last taken: once all slots
    /// of a shard are taken, nothing more is saved there.
    pub fn take_snapshot_slot(
        &mut self,
        slot: Slot,
        saved: &mut Saved,
        mut take: impl FnMut(SnapshotItem<'_>),
    ) {
        let keyspace = self.keyspace();
        self.visit_shard(slot.shard(), |shard| {
            let is_pending = shard.marks.is_pending(slot);
            assert!(is_pending, "a slot is taken once a snapshot");
            shard.for_each_table(slot, |marks, index, table| {
                let name = marks.name(index);
                table.for_each_place(|mut place| {
                    if place.get().is_changed() {
                        place.update(cleared);
                    } else if let Some(head) = frozen::head(&mut place) {
                        let hash = keyspace.key(head.key()).hash;
                        marks.note_frozen(index, hash, head);
                    } else {
                        take((name, &place.get()));
                    }
                });
            });
            shard.marks.settle(slot);
            shard.marks.hand_over(saved);
        });
    }

    /// Whether a slot holds large collections: such as are frozen, and not copied.
    pub fn has_large(&mut self, slot: Slot) -> bool {
        let index = self.index();
        self.visit_shard(slot.shard(), |shard| {
            let table = shard.table(index, slot);
            table.is_some_and(|table| table.iter().any(|entry| entry.is_large()))
        })
    }

    /// Gives `take` the entries of a slot as they are now, but for large collections: these are
    /// frozen, and wait to be shown ([`Db::next_frozen`]). No snapshot is being taken, nor is one
    /// until they have been shown or given up.
    pub fn freeze_slot(&mut self, slot: Slot, mut take: impl FnMut(&Entry)) {
        let (here, keyspace) = (self.index(), self.keyspace());
        self.visit_shard(slot.shard(), |shard| {
            shard.for_each_table(slot, |marks, index, table| {
                if index != here {
                    return;
                }
                table.for_each_place(|mut place| match frozen::head(&mut place) {
                    Some(head) => {
                        let hash = keyspace.key(head.key()).hash;
                        marks.note_frozen(index, hash, head);
                    }
                    None => take(&place.get()),
                });
            });
        });
    }

    /// Takes what was saved in a shard so far.
    pub fn take_saved(&mut self, shard: usize) -> Saved {
        self.visit_shard(shard, |shard| std::mem::take(&mut shard.marks.saved))
    }

    /// Gives up a slot of a snapshot, unless it was taken. Returns what was saved in the slot's
    /// shard since that was last taken: nobody needs it now.
    pub fn abandon_snapshot_slot(&mut self, slot: Slot) -> Saved {
        self.visit_shard(slot.shard(), |shard| {
            if shard.marks.settle(slot) {
                shard.for_each_table(slot, |_, _, table| {
                    table.for_each_place(|mut place| {
                        if place.get().is_changed() {
                            place.update(cleared);
                        }
                    });
                });
            }
            std::mem::take(&mut shard.marks.saved)
        })
    }

    /// Gives `take` all entries of a slot, in all dbs, as they are now.
    pub fn show_slot(&mut self, slot: Slot, mut take: impl FnMut(SnapshotItem<'_>)) {
        self.visit_shard(slot.shard(), |shard| {
            for (index, table) in shard.tables(slot) {
                table.iter().for_each(|entry| take((index, &entry)));
            }
        });
    }
}

fn cleared(mut entry: Entry) -> (Entry, ()) {
    entry.set_changed(false);
    (entry, ())
}

#[cfg(test)]
mod tests;
