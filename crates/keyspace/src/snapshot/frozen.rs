//! Large collections of a snapshot: shown in steps, each under their shard's lock.
//!
//! ```text
//!   frozen in its place ──── shown, step by step ────▶ nothing is left to be shown
//!           └── deleted, replaced, flushed: kept here ──────┘
//! ```

use datatypes::Shown;
use datatypes::table::Place;

use super::SnapshotMarks;
use crate::entry::Entry;
use crate::shard::Detached;
use crate::{Db, DbIndex};

/// A collection that is frozen, and has not shown all it held.
pub(super) struct Frozen {
    /// What the db was called at the moment of the snapshot, and what it is called now.
    name: DbIndex,
    index: DbIndex,
    /// The key's, for its table.
    hash: u64,
    key: Box<[u8]>,
    /// The entry as it was, but for the elements, until somebody begins to show it.
    head: Option<Entry>,
    /// The collection, if it is in no db any more.
    kept: Option<Entry>,
}

/// Where a frozen collection is.
pub(crate) enum FrozenPlace<'a> {
    Kept(&'a mut Entry),
    InDb {
        index: DbIndex,
        key: Box<[u8]>,
        hash: u64,
    },
}

/// A large collection whose elements are going to be shown.
pub struct FrozenHead {
    /// The db it was in.
    pub db: DbIndex,
    /// The entry as it was, but for the elements.
    pub entry: Entry,
    /// How many elements it held.
    pub len: usize,
}

/// Freezes a large collection in its place. Returns all but its elements.
pub(super) fn head(place: &mut Place<'_, Entry>) -> Option<Entry> {
    place.update(|mut entry| {
        let head = entry.freeze().then(|| entry.without_elements());
        (entry, head)
    })
}

impl Frozen {
    pub fn swap_dbs(&mut self, a: DbIndex, b: DbIndex) {
        if self.kept.is_none() && [a, b].contains(&self.index) {
            self.index = if self.index == a { b } else { a };
        }
    }

    fn is_at(&self, index: DbIndex, key: &[u8]) -> bool {
        self.kept.is_none() && self.index == index && *self.key == *key
    }
}

impl SnapshotMarks {
    #[inline]
    pub fn has_frozen(&self) -> bool {
        !self.frozen.is_empty()
    }

    pub fn note_frozen(&mut self, index: DbIndex, hash: u64, head: Entry) {
        self.frozen.push_back(Frozen {
            name: self.name(index),
            index,
            hash,
            key: head.key().into(),
            head: Some(head),
            kept: None,
        });
    }

    /// Keeps the collection of an entry that is given up, if it is frozen. Returns an entry to be
    /// freed.
    pub fn keep_if_frozen(&mut self, index: DbIndex, entry: Entry) -> Entry {
        if entry.frozen_len().is_none() {
            return entry;
        }
        let mut frozen = self.frozen.iter_mut();
        let frozen = frozen.find(|frozen| frozen.is_at(index, entry.key()));
        let frozen = frozen.expect("what is frozen waits to be shown");
        let rest = entry.without_elements();
        frozen.kept = Some(entry);
        rest
    }

    /// The keys of frozen collections in a db, with their hashes.
    pub fn frozen_in(&self, index: DbIndex) -> Vec<(Box<[u8]>, u64)> {
        let here = |frozen: &&Frozen| frozen.kept.is_none() && frozen.index == index;
        let frozen = self.frozen.iter().filter(here);
        frozen
            .map(|frozen| (frozen.key.clone(), frozen.hash))
            .collect()
    }

    pub fn first_frozen(&mut self) -> Option<FrozenPlace<'_>> {
        let frozen = self.frozen.front_mut()?;
        Some(match &mut frozen.kept {
            Some(entry) => FrozenPlace::Kept(entry),
            None => FrozenPlace::InDb {
                index: frozen.index,
                key: frozen.key.clone(),
                hash: frozen.hash,
            },
        })
    }

    /// The first of the frozen collections has shown everything. Returns it if it is in no db.
    fn end_first(&mut self) -> Option<Entry> {
        self.frozen.pop_front()?.kept
    }
}

impl Db<'_> {
    /// The large collection of a shard that is to be shown next, if there is one.
    pub fn next_frozen(&mut self, shard: usize) -> Option<FrozenHead> {
        self.visit_shard(shard, |shard| {
            let frozen = shard.marks.frozen.front_mut()?;
            let (db, entry) = (frozen.name, frozen.head.take()?);
            let len = shard.with_first_frozen(|entry| entry.frozen_len())??;
            Some(FrozenHead { db, entry, len })
        })
    }

    /// Shows about `budget` more elements of the collection that [`Db::next_frozen`] gave. Returns
    /// whether any are left.
    pub fn show_frozen(
        &mut self,
        shard: usize,
        budget: usize,
        visit: &mut dyn FnMut(Shown<'_>),
    ) -> bool {
        self.advance_frozen(shard, |entry| entry.show_frozen(budget, visit))
    }

    /// Gives up what waits to be shown: frees about `budget` elements. Returns whether any are
    /// left.
    pub fn abandon_frozen(&mut self, shard: usize, budget: usize) -> bool {
        self.advance_frozen(shard, |entry| entry.thaw(budget));
        self.visit_shard(shard, |shard| shard.marks.has_frozen())
    }

    fn advance_frozen(&mut self, shard: usize, step: impl FnOnce(&mut Entry) -> bool) -> bool {
        // Step follows upon step: those who write to the collection would wait through many.
        let (more, kept) =
            self.visit_shard_in_turn(shard, |shard| match shard.with_first_frozen(step) {
                Some(true) => (true, None),
                _ => (false, shard.marks.end_first()),
            });
        if let Some(entry) = kept {
            self.discard_later(Detached::entry(entry));
        }
        more
    }
}
