//! A shard: the tables of 64 slots in every db, and who waits for or watches their keys.

use std::mem;

use datatypes::table::{Place, Ref, Table};
use stdx::time::UnixMillis;

use crate::DbIndex;
use crate::entry::Entry;
use crate::slot::{Key, KeyHasher, SLOTS_PER_SHARD, Slot};
use crate::snapshot::SnapshotMarks;
use crate::waiters::Waiters;
use crate::watch::Watchers;

pub(crate) struct Shard {
    dbs: Vec<Option<Box<ShardDb>>>,
    pub watchers: Watchers,
    pub waiters: Waiters,
    pub marks: SnapshotMarks,
    walk: Option<ExpiryWalk>,
}

/// A search for the earliest expiry of one slot, which may take several turns under the lock.
struct ExpiryWalk {
    db: DbIndex,
    slot: Slot,
    earliest: UnixMillis,
}

impl ExpiryWalk {
    fn is_over(&self, db: DbIndex, slot: Slot) -> bool {
        self.db == db && self.slot == slot
    }
}

/// The part of a db that lies in one shard.
pub(crate) struct ShardDb {
    pub slots: [SlotTable; SLOTS_PER_SHARD],
    /// A bit for every slot that holds a key.
    pub occupied: u64,
    pub keys: usize,
    pub volatile: usize,
}

/// The keys of one slot in one db.
pub(crate) struct SlotTable {
    pub table: Table<Entry>,
    /// Keys that have an expiry.
    pub volatile: u32,
    /// No key expires before this. Exact after a walk, early after a key was deleted.
    pub earliest: UnixMillis,
}

const NEVER: UnixMillis = UnixMillis(i64::MAX);

impl Default for SlotTable {
    fn default() -> Self {
        SlotTable {
            table: Table::default(),
            volatile: 0,
            earliest: NEVER,
        }
    }
}

impl Default for ShardDb {
    fn default() -> Self {
        let slots = std::array::from_fn(|_| SlotTable::default());
        ShardDb {
            slots,
            occupied: 0,
            keys: 0,
            volatile: 0,
        }
    }
}

impl Shard {
    pub fn new(dbs: u16) -> Shard {
        Shard {
            // The first db is used by nearly everybody: it is there from the start.
            dbs: (0..dbs)
                .map(|index| (index == 0).then(Box::default))
                .collect(),
            watchers: Watchers::default(),
            waiters: Waiters::default(),
            marks: SnapshotMarks::new(dbs),
            walk: None,
        }
    }

    #[inline]
    pub fn db(&self, index: DbIndex) -> Option<&ShardDb> {
        self.dbs[usize::from(index.0)].as_deref()
    }

    pub fn dbs(&self) -> impl Iterator<Item = (DbIndex, &ShardDb)> {
        let numbered = (0..).map(DbIndex).zip(&self.dbs);
        numbered.filter_map(|(index, db)| Some((index, db.as_deref()?)))
    }

    #[inline]
    pub fn table(&self, index: DbIndex, slot: Slot) -> Option<&Table<Entry>> {
        Some(&self.db(index)?.slots[slot.within()].table)
    }

    #[inline]
    pub fn find(&self, index: DbIndex, key: &Key<'_>) -> Option<Ref<'_, Entry>> {
        self.table(index, key.slot)?
            .find(key.hash, |entry| entry.key() == key.bytes)
    }

    /// The place of a key that is about to change.
    #[inline]
    pub fn place(&mut self, index: DbIndex, key: &Key<'_>) -> Option<Place<'_, Entry>> {
        let table = &mut self.dbs[usize::from(index.0)].as_deref_mut()?.slots[key.slot.within()];
        table
            .table
            .find_mut(key.hash, |entry| entry.key() == key.bytes)
    }

    /// What must happen before any change to `key`: its watchers learn of it, and a snapshot that
    /// has not come to its slot yet keeps the value it has now.
    #[inline]
    pub fn before_write(&mut self, index: DbIndex, key: &Key<'_>) {
        if !self.watchers.is_empty() {
            self.watchers.touch(index, key.bytes);
        }
        self.before_edit(index, key);
    }

    /// As [`Shard::before_write`], for an edit that may yet turn out to change nothing: watchers
    /// are told when it has changed something.
    #[inline]
    pub fn before_edit(&mut self, index: DbIndex, key: &Key<'_>) {
        if self.marks.is_pending(key.slot) {
            self.save_before_write(index, key);
        }
    }

    /// Whether anybody has to learn of a change to `key` before it happens.
    #[inline]
    pub fn is_observed(&self, key: &Key<'_>) -> bool {
        !self.watchers.is_empty() || self.marks.is_pending(key.slot)
    }

    #[cold]
    fn save_before_write(&mut self, index: DbIndex, key: &Key<'_>) {
        let old = self
            .find(index, key)
            .map(|entry| entry.duplicate(key.bytes));
        self.marks.save(index, key, old);
    }

    /// Adds an entry under a key that is not there.
    pub fn insert(&mut self, index: DbIndex, key: &Key<'_>, entry: Entry, hasher: &KeyHasher) {
        let db = self.dbs[usize::from(index.0)].get_or_insert_default();
        let expiry = entry.expiry();
        let slot = &mut db.slots[key.slot.within()];
        slot.table
            .insert(key.hash, entry, |entry| hasher.hash(entry.key()));
        db.occupied |= 1 << key.slot.within();
        db.keys += 1;
        if expiry.is_some() {
            self.expiry_changed(index, key.slot, None, expiry);
        }
    }

    pub fn remove(&mut self, index: DbIndex, key: &Key<'_>) -> Option<Entry> {
        let db = self.dbs[usize::from(index.0)].as_deref_mut()?;
        let slot = &mut db.slots[key.slot.within()];
        let entry = slot
            .table
            .remove(key.hash, |entry| entry.key() == key.bytes)?;
        if slot.table.is_empty() {
            db.occupied &= !(1 << key.slot.within());
        }
        db.keys -= 1;
        self.expiry_changed(index, key.slot, entry.expiry(), None);
        Some(entry)
    }

    /// Keeps the counts of keys that expire, and the earliest expiry, after one key's has changed.
    pub fn expiry_changed(
        &mut self,
        index: DbIndex,
        slot: Slot,
        from: Option<UnixMillis>,
        to: Option<UnixMillis>,
    ) {
        if from == to {
            return;
        }
        let Some(db) = self.dbs[usize::from(index.0)].as_deref_mut() else {
            return;
        };
        let table = &mut db.slots[slot.within()];
        match (from.is_some(), to.is_some()) {
            (false, true) => (table.volatile += 1, db.volatile += 1),
            (true, false) => (table.volatile -= 1, db.volatile -= 1),
            _ => ((), ()),
        };
        table.earliest = match to {
            Some(at) => table.earliest.min(at),
            None if table.volatile == 0 => NEVER,
            None => table.earliest,
        };
        if let Some(at) = to {
            self.seen_on_walk(index, slot, at);
        }
    }

    /// Begins to look for the earliest expiry in a slot.
    pub fn begin_walk(&mut self, db: DbIndex, slot: Slot) {
        let earliest = NEVER;
        self.walk = Some(ExpiryWalk { db, slot, earliest });
    }

    /// An expiry that the walk came across, or that was set behind its back.
    pub fn seen_on_walk(&mut self, db: DbIndex, slot: Slot, at: UnixMillis) {
        if let Some(walk) = self.walk.as_mut().filter(|walk| walk.is_over(db, slot)) {
            walk.earliest = walk.earliest.min(at);
        }
    }

    /// The walk has seen the whole slot: its earliest expiry is known exactly.
    pub fn end_walk(&mut self, index: DbIndex, slot: Slot) {
        let Some(walk) = self.walk.take_if(|walk| walk.is_over(index, slot)) else {
            return;
        };
        if let Some(db) = self.dbs[usize::from(index.0)].as_deref_mut() {
            db.slots[slot.within()].earliest = walk.earliest;
        }
    }

    /// Takes all keys of a db away, to be freed by whoever has time.
    pub fn detach(&mut self, index: DbIndex) -> Option<Detached> {
        let db = self.dbs[usize::from(index.0)].take()?;
        self.walk = None;
        self.watchers
            .touch_matching(index, |key| contains(&db, key));
        let mut detached = Detached::db(db);
        self.marks.save_all(index, &mut detached);
        Some(detached)
    }

    pub fn swap_dbs(&mut self, a: DbIndex, b: DbIndex) {
        for index in [a, b] {
            let other = if index == a { b } else { a };
            let (here, there) = (self.db(index), self.db(other));
            let holds = |key: &[u8]| [here, there].iter().flatten().any(|db| contains(db, key));
            self.watchers.touch_matching(index, holds);
        }
        self.walk = None;
        self.dbs.swap(usize::from(a.0), usize::from(b.0));
        self.marks.swap_dbs(a, b);
    }
}

/// Whether the db holds `key`, found without its hash: watched keys are few and flushes rare.
fn contains(db: &ShardDb, key: &[u8]) -> bool {
    let slot = Slot::of(key);
    db.slots[slot.within()]
        .table
        .iter()
        .any(|entry| entry.key() == key)
}

/// Entries with more elements than this are torn down step by step. A step of tearing down a db
/// then frees a few thousand elements at most.
pub(crate) const STEP_ELEMENTS: usize = 64;

/// Keys that are no longer in any db, but still take memory.
#[derive(Default)]
pub struct Detached {
    db: Option<Box<ShardDb>>,
    /// Entries that take several steps to free.
    large: Vec<Entry>,
}

/// What a step of tearing down has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Keys of which nothing is left.
    pub keys: usize,
    /// Whether nothing is left at all.
    pub finished: bool,
}

impl Detached {
    fn db(db: Box<ShardDb>) -> Detached {
        let (db, large) = (Some(db), Vec::new());
        Detached { db, large }
    }

    /// One entry.
    pub fn entry(entry: Entry) -> Detached {
        let (db, large) = (None, vec![entry]);
        Detached { db, large }
    }

    pub fn keys(&self) -> usize {
        self.db.as_ref().map_or(0, |db| db.keys) + self.large.len()
    }

    /// Frees about `budget` elements.
    pub fn free_some(&mut self, budget: usize) -> Freed {
        let (mut keys, mut elements) = (0, 0);
        while elements < budget {
            if let Some(entry) = self.large.last_mut() {
                match entry.free_some(budget - elements) {
                    0 => {
                        self.large.pop();
                        (keys, elements) = (keys + 1, elements + 1);
                    }
                    freed => elements += freed,
                }
            } else if let Some(entries) = self.db.as_mut().and_then(|db| db.take_bucket()) {
                for entry in entries {
                    match entry.elements() {
                        large if large > STEP_ELEMENTS => self.large.push(entry),
                        small => (keys, elements) = (keys + 1, elements + small),
                    }
                }
            } else {
                self.db = None;
                return Freed {
                    keys,
                    finished: true,
                };
            }
        }
        Freed {
            keys,
            finished: false,
        }
    }

    /// Frees everything.
    pub fn free(mut self) {
        while !self.free_some(usize::MAX).finished {}
    }

    /// Takes the entries of one slot out.
    pub(crate) fn take_slot(&mut self, within: usize) -> Table<Entry> {
        match &mut self.db {
            Some(db) => db.take_slot(within),
            None => Table::default(),
        }
    }
}

impl ShardDb {
    /// Takes out the entries of some bucket; `None` when none is left.
    fn take_bucket(&mut self) -> Option<Vec<Entry>> {
        while self.occupied != 0 {
            let slot = &mut self.slots[self.occupied.trailing_zeros() as usize];
            match slot.table.take_bucket() {
                Some(entries) => {
                    self.keys -= entries.len();
                    return Some(entries);
                }
                None => self.occupied &= self.occupied - 1,
            }
        }
        None
    }

    fn take_slot(&mut self, within: usize) -> Table<Entry> {
        self.keys -= self.slots[within].table.len();
        self.occupied &= !(1 << within);
        mem::take(&mut self.slots[within].table)
    }
}
