//! A shard: the tables of 64 slots in every db, and who waits for or watches their keys.

use std::mem;

use datatypes::table::{Place, Ref, Table, prefetch};
use stdx::time::UnixMillis;

use crate::DbIndex;
use crate::entry::Entry;
use crate::slot::{Key, KeyHasher, Slot};
use crate::snapshot::{FrozenPlace, SnapshotMarks};
use crate::waiters::Waiters;
use crate::watch::Watchers;

pub(crate) struct Shard {
    /// As many as were ever written to.
    dbs: Vec<ShardDb>,
    pub watchers: Watchers,
    pub waiters: Waiters,
    pub marks: SnapshotMarks,
    /// A bit for every slot whose keys nobody is shown.
    pub hidden: u64,
    walk: Option<ExpiryWalk>,
}

/// What a key held before its first change under a snapshot.
enum Old {
    /// A copy was saved.
    Saved,
    Copied(Entry),
    /// It stays where it is, and shows what it held: this is the rest.
    Frozen(Entry),
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
///
/// Slots without keys have no table: those of the others stand in the order of their slots, so a
/// slot's place is the number of occupied slots before it. A db with few keys takes little, and one
/// with many has all its tables in a row.
#[derive(Default)]
pub(crate) struct ShardDb {
    /// A bit for every slot that holds a key.
    pub occupied: u64,
    pub keys: usize,
    pub volatile: usize,
    tables: Vec<SlotTable>,
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

impl ShardDb {
    /// The keys of a slot; `None` if it has none.
    #[inline]
    pub fn slot(&self, within: usize) -> Option<&SlotTable> {
        let is_occupied = self.occupied & 1 << within != 0;
        is_occupied.then(|| &self.tables[self.place(within)])
    }

    #[inline]
    fn slot_mut(&mut self, within: usize) -> Option<&mut SlotTable> {
        let (is_occupied, place) = (self.occupied & 1 << within != 0, self.place(within));
        is_occupied.then(|| &mut self.tables[place])
    }

    #[inline]
    fn slot_or_new(&mut self, within: usize) -> &mut SlotTable {
        let place = self.place(within);
        if self.occupied & 1 << within == 0 {
            self.occupied |= 1 << within;
            self.tables.insert(place, SlotTable::default());
        }
        &mut self.tables[place]
    }

    /// Takes the table of an occupied slot out.
    fn take_slot(&mut self, within: usize) -> SlotTable {
        let table = self.tables.remove(self.place(within));
        self.occupied &= !(1 << within);
        table
    }

    /// The tables of the occupied slots, in their order.
    pub fn slots(&self) -> impl Iterator<Item = &SlotTable> {
        self.tables.iter()
    }

    /// As [`ShardDb::slots`], without those of which a bit is set.
    pub fn slots_without(&self, hidden: u64) -> impl Iterator<Item = &SlotTable> {
        let mut shown = self.occupied & !hidden;
        std::iter::from_fn(move || {
            let within = (shown != 0).then(|| shown.trailing_zeros() as usize)?;
            shown &= shown - 1;
            self.slot(within)
        })
    }

    #[inline]
    fn place(&self, within: usize) -> usize {
        (self.occupied & ((1 << within) - 1)).count_ones() as usize
    }
}

#[inline]
fn place<'a>(dbs: &'a mut [ShardDb], index: DbIndex, key: &Key<'_>) -> Option<Place<'a, Entry>> {
    let db = dbs.get_mut(usize::from(index.0))?;
    let slot = db.slot_mut(key.slot.within())?;
    slot.table
        .find_mut(key.hash, |entry| entry.key() == key.bytes)
}

impl Shard {
    pub fn new(dbs: u16) -> Shard {
        Shard {
            dbs: Vec::new(),
            watchers: Watchers::default(),
            waiters: Waiters::default(),
            marks: SnapshotMarks::new(dbs),
            hidden: 0,
            walk: None,
        }
    }

    /// Whether nobody is shown the keys of a slot.
    #[inline]
    pub fn hides(&self, within: usize) -> bool {
        self.hidden & 1 << within != 0
    }

    /// How many keys of a db are to be shown, and how many of these have an expiry.
    pub fn shown(&self, index: DbIndex) -> (usize, usize) {
        let Some(db) = self.db(index) else {
            return (0, 0);
        };
        let (mut keys, mut volatile) = (db.keys, db.volatile);
        let mut hidden = db.occupied & self.hidden;
        while hidden != 0 {
            let slot = db.slot(hidden.trailing_zeros() as usize);
            hidden &= hidden - 1;
            keys -= slot.map_or(0, |slot| slot.table.len());
            volatile -= slot.map_or(0, |slot| slot.volatile as usize);
        }
        (keys, volatile)
    }

    #[inline]
    pub fn db(&self, index: DbIndex) -> Option<&ShardDb> {
        self.dbs.get(usize::from(index.0))
    }

    #[inline]
    fn db_mut(&mut self, index: DbIndex) -> Option<&mut ShardDb> {
        self.dbs.get_mut(usize::from(index.0))
    }

    #[inline]
    fn db_or_new(&mut self, index: DbIndex) -> &mut ShardDb {
        let at = usize::from(index.0);
        if at >= self.dbs.len() {
            self.dbs.resize_with(at + 1, ShardDb::default);
        }
        &mut self.dbs[at]
    }

    /// The keys of one slot in every db.
    pub fn tables(&self, slot: Slot) -> impl Iterator<Item = (DbIndex, &Table<Entry>)> {
        let dbs = (0..).map(DbIndex).zip(&self.dbs);
        dbs.filter_map(move |(index, db)| Some((index, &db.slot(slot.within())?.table)))
    }

    /// Shows the keys of one slot in every db, to be exchanged, beside what the snapshot knows.
    pub fn for_each_table(
        &mut self,
        slot: Slot,
        mut visit: impl FnMut(&mut SnapshotMarks, DbIndex, &mut Table<Entry>),
    ) {
        for (index, db) in (0..).map(DbIndex).zip(&mut self.dbs) {
            if let Some(slot) = db.slot_mut(slot.within()) {
                visit(&mut self.marks, index, &mut slot.table);
            }
        }
    }

    #[inline]
    pub fn table(&self, index: DbIndex, slot: Slot) -> Option<&Table<Entry>> {
        Some(&self.db(index)?.slot(slot.within())?.table)
    }

    /// Fetches the table of a slot ahead of its use.
    #[inline]
    pub fn prefetch_table(&self, index: DbIndex, slot: Slot) {
        if let Some(db) = self.db(index) {
            prefetch(db.tables.as_ptr().wrapping_add(db.place(slot.within())));
        }
    }

    /// As [`Shard::table`], unless nobody is shown what the slot holds.
    pub fn shown_table(&self, index: DbIndex, slot: Slot) -> Option<&Table<Entry>> {
        match self.hides(slot.within()) {
            true => None,
            false => self.table(index, slot),
        }
    }

    #[inline]
    pub fn find(&self, index: DbIndex, key: &Key<'_>) -> Option<Ref<'_, Entry>> {
        self.table(index, key.slot)?
            .find(key.hash, |entry| entry.key() == key.bytes)
    }

    /// The place of a key that is about to change.
    #[inline]
    pub fn place(&mut self, index: DbIndex, key: &Key<'_>) -> Option<Place<'_, Entry>> {
        place(&mut self.dbs, index, key)
    }

    /// What must happen before any change to `key`: its watchers learn of it, and a snapshot that
    /// has not come to its slot yet keeps the value it has now.
    #[inline]
    pub fn before_write(&mut self, index: DbIndex, key: &Key<'_>) {
        self.tell_watchers(index, key);
        self.before_edit(index, key);
    }

    #[inline]
    pub fn tell_watchers(&mut self, index: DbIndex, key: &Key<'_>) {
        if !self.watchers.is_empty() {
            self.watchers.touch(index, key.bytes);
        }
    }

    /// As [`Shard::before_write`], for a key that goes because its time has come.
    pub fn before_lapse(&mut self, index: DbIndex, key: &Key<'_>) {
        self.watchers.lapse(index, key.bytes);
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
        let (dbs, marks) = (&mut self.dbs, &mut self.marks);
        let Some(mut place) = place(dbs, index, key) else {
            return;
        };
        if place.get().is_changed() {
            return;
        }
        let old = place.update(|mut entry| {
            let old = if marks.save_copy(index, &entry) {
                Old::Saved
            } else if entry.freeze() {
                Old::Frozen(entry.without_elements())
            } else {
                Old::Copied(entry.duplicate(key.bytes))
            };
            entry.set_changed(true);
            (entry, old)
        });
        match old {
            Old::Saved => {}
            Old::Frozen(head) => marks.note_frozen(index, key.hash, head),
            Old::Copied(copy) => marks.save(index, copy),
        }
        marks.note_changed(key.slot);
    }

    /// An entry that is given up, without what a snapshot still needs of it: the snapshot keeps
    /// that.
    #[inline]
    pub fn give_up(&mut self, index: DbIndex, entry: Entry) -> Entry {
        match self.marks.has_frozen() {
            true => self.marks.keep_if_frozen(index, entry),
            false => entry,
        }
    }

    /// Shows the first of the frozen entries, wherever it is.
    pub fn with_first_frozen<R>(&mut self, show: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        let (index, key, hash) = match self.marks.first_frozen()? {
            FrozenPlace::Kept(entry) => return Some(show(entry)),
            FrozenPlace::InDb { index, key, hash } => (index, key, hash),
        };
        let key = Key {
            bytes: &key,
            slot: Slot::of(&key),
            hash,
        };
        let place = self.place(index, &key);
        let mut place = place.expect("a frozen entry is in its db or kept");
        Some(place.update(|mut entry| {
            let result = show(&mut entry);
            (entry, result)
        }))
    }

    /// Adds an entry under a key that is not there.
    pub fn insert(&mut self, index: DbIndex, key: &Key<'_>, mut entry: Entry, hasher: &KeyHasher) {
        let is_pending = self.marks.is_pending(key.slot);
        entry.set_changed(is_pending);
        if is_pending {
            self.marks.note_changed(key.slot);
        }
        let db = self.db_or_new(index);
        let expiry = entry.expiry();
        let slot = db.slot_or_new(key.slot.within());
        slot.table
            .insert(key.hash, entry, |entry| hasher.hash(entry.key()));
        db.keys += 1;
        if expiry.is_some() {
            self.expiry_changed(index, key.slot, None, expiry);
        }
    }

    pub fn remove(&mut self, index: DbIndex, key: &Key<'_>) -> Option<Entry> {
        let db = self.db_mut(index)?;
        let slot = db.slot_mut(key.slot.within())?;
        let entry = slot
            .table
            .remove(key.hash, |entry| entry.key() == key.bytes)?;
        db.keys -= 1;
        self.expiry_changed(index, key.slot, entry.expiry(), None);
        self.forget_if_empty(index, key.slot);
        Some(self.give_up(index, entry))
    }

    #[inline]
    fn forget_if_empty(&mut self, index: DbIndex, slot: Slot) {
        let Some(db) = self.db_mut(index) else {
            return;
        };
        if db
            .slot(slot.within())
            .is_some_and(|slot| slot.table.is_empty())
        {
            db.take_slot(slot.within());
        }
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
        let Some(db) = self.db_mut(index) else {
            return;
        };
        match (from.is_some(), to.is_some()) {
            (false, true) => db.volatile += 1,
            (true, false) => db.volatile -= 1,
            _ => {}
        };
        let Some(table) = db.slot_mut(slot.within()) else {
            return;
        };
        match (from.is_some(), to.is_some()) {
            (false, true) => table.volatile += 1,
            (true, false) => table.volatile -= 1,
            _ => {}
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
        let db = self.db_mut(index);
        if let Some(table) = db.and_then(|db| db.slot_mut(slot.within())) {
            table.earliest = walk.earliest;
        }
    }

    /// Takes all keys of a db away, to be freed by whoever has time.
    pub fn detach(&mut self, index: DbIndex) -> Option<Detached> {
        // There is nothing left to be hidden, and whoever hid it can tell that it has gone.
        self.hidden = 0;
        let mut db = mem::take(self.db_mut(index)?);
        if db.keys == 0 {
            return None;
        }
        self.walk = None;
        self.watchers.lose_matching(index, |key| contains(&db, key));
        for (key, hash) in self.marks.frozen_in(index) {
            let slot = db.slot_mut(Slot::of(&key).within());
            let entry = slot.and_then(|slot| slot.table.remove(hash, |entry| entry.key() == &*key));
            let entry = entry.expect("a frozen entry is in its db or kept");
            db.keys -= 1;
            drop(self.marks.keep_if_frozen(index, entry));
        }
        let mut detached = Detached::db(db);
        self.marks.save_all(index, &mut detached);
        Some(detached)
    }

    /// Takes over the dbs of another shard. This one's are empty.
    pub fn take_over(&mut self, other: Shard) {
        self.walk = None;
        (self.dbs, self.hidden) = (other.dbs, other.hidden);
        for (index, db) in self.dbs.iter().enumerate() {
            let holds = |key: &[u8]| contains(db, key);
            self.watchers.touch_matching(DbIndex(index as u16), holds);
        }
    }

    pub fn swap_dbs(&mut self, a: DbIndex, b: DbIndex) {
        for index in [a, b] {
            let other = if index == a { b } else { a };
            let (here, there) = (self.db(index), self.db(other));
            let holds = |key: &[u8]| [here, there].iter().flatten().any(|db| contains(db, key));
            self.watchers.touch_matching(index, holds);
        }
        self.walk = None;
        self.db_or_new(a.max(b));
        self.dbs.swap(usize::from(a.0), usize::from(b.0));
        self.marks.swap_dbs(a, b);
    }
}

/// Whether the db holds `key`, found without its hash: watched keys are few and flushes rare.
fn contains(db: &ShardDb, key: &[u8]) -> bool {
    let slot = db.slot(Slot::of(key).within());
    slot.is_some_and(|slot| slot.table.iter().any(|entry| entry.key() == key))
}

/// Entries with more elements than this are torn down step by step. A step of tearing down a db
/// then frees a few thousand elements at most.
pub(crate) const STEP_ELEMENTS: usize = 64;

/// Keys that are no longer in any db, but still take memory.
#[derive(Default)]
pub struct Detached {
    db: Option<ShardDb>,
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
    fn db(db: ShardDb) -> Detached {
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
            Some(db) => db.detach_slot(within),
            None => Table::default(),
        }
    }
}

impl ShardDb {
    /// Takes out the entries of some bucket; `None` when none is left.
    fn take_bucket(&mut self) -> Option<Vec<Entry>> {
        while let Some(slot) = self.tables.last_mut() {
            if let Some(entries) = slot.table.take_bucket() {
                self.keys -= entries.len();
                return Some(entries);
            }
            self.tables.pop();
            self.occupied &= !(1 << self.occupied.ilog2());
        }
        None
    }

    /// Takes the entries of a slot out.
    fn detach_slot(&mut self, within: usize) -> Table<Entry> {
        if self.slot(within).is_none() {
            return Table::default();
        }
        let table = self.take_slot(within).table;
        self.keys -= table.len();
        table
    }
}
