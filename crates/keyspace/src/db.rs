//! A db, as a command sees it: keys and values at one moment, behind locks that are held.

use std::sync::Arc;

use datatypes::Text;
use datatypes::table::Ref;
use stdx::time::UnixMillis;

use crate::DbIndex;
use crate::entry::Entry;
use crate::kind::Kind;
use crate::lock::{Keyspace, Notes, Shards};
use crate::shard::{Detached, Shard};
use crate::slot::{Key, SHARDS, SLOTS, SLOTS_PER_SHARD, Slot, SlotPosition};
use crate::watch::WatchFlag;

mod edit;
mod many;
mod wait;

/// What happens to a key that is found to be past its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// It is deleted, and reported as [`Lapsed`].
    Delete,
    /// It is not shown, but stays: a replica waits for its primary to delete it.
    Hide,
    /// It is shown.
    Ignore,
}

/// A key that was deleted because its time had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lapsed {
    pub db: DbIndex,
    pub key: Box<[u8]>,
}

/// The key holds a value of another kind than the command works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

/// The expiry of a value that is being set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ttl {
    #[default]
    Clear,
    Keep,
    At(UnixMillis),
}

/// One db behind held locks.
pub struct Db<'a> {
    shards: Shards<'a>,
    index: DbIndex,
    now: UnixMillis,
    expire: Expire,
    touches: bool,
    notes: &'a mut Notes,
}

impl<'a> Db<'a> {
    pub(crate) fn new(
        shards: Shards<'a>,
        index: DbIndex,
        now: UnixMillis,
        expire: Expire,
        notes: &'a mut Notes,
    ) -> Db<'a> {
        Db {
            shards,
            index,
            now,
            expire,
            touches: true,
            notes,
        }
    }

    /// The same, lent to a command within a command.
    pub fn reborrow(&mut self) -> Db<'_> {
        let Db {
            index,
            now,
            expire,
            touches,
            ..
        } = *self;
        Db {
            shards: self.shards.reborrow(),
            index,
            now,
            expire,
            touches,
            notes: self.notes,
        }
    }

    pub fn has_lapsed(&self) -> bool {
        self.notes.has_lapsed()
    }

    /// The keys that were found past their expiry, and deleted, since this was last asked.
    pub fn take_lapsed(&mut self) -> Vec<Lapsed> {
        self.notes.take(|events| &mut events.lapsed)
    }

    pub fn index(&self) -> DbIndex {
        self.index
    }

    pub fn now(&self) -> UnixMillis {
        self.now
    }

    /// What happens here to keys past their expiry.
    pub fn expire_mode(&self) -> Expire {
        self.expire
    }

    /// Whether the lock of the key's shard is held: a walk holds all locks or none.
    pub fn holds(&self, key: &Key<'_>) -> bool {
        self.shards.holds(key.slot.shard())
    }

    /// Whether reading a key counts as a use of it. It does unless this says otherwise.
    pub fn set_touches(&mut self, touches: bool) {
        self.touches = touches;
    }

    /// The same locks, another db.
    pub fn select(&mut self, index: DbIndex) {
        self.index = index;
    }

    /// Where a key belongs.
    #[inline]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.shards.keyspace().key(bytes)
    }

    /// What the key holds. Counts as a use of it.
    #[inline]
    pub fn get(&mut self, key: &Key<'_>) -> Option<Ref<'_, Entry>> {
        self.expire_if_due(key);
        let (index, expire, now, touches) = (self.index, self.expire, self.now, self.touches);
        let mut place = self.shards.get(key.slot.shard()).place(index, key)?;
        let entry = place.get();
        if expire == Expire::Hide && is_past(entry.expiry(), now) {
            return None;
        }
        if touches {
            let access = self.notes.recall.used(entry.access(), now);
            if entry.access() != access {
                place.update(|mut entry| {
                    entry.set_access(access);
                    (entry, ())
                });
            }
        }
        Some(place.into_ref())
    }

    /// What the key holds, without counting as a use of it.
    pub fn peek(&mut self, key: &Key<'_>) -> Option<Ref<'_, Entry>> {
        self.expire_if_due(key);
        let (index, expire, now) = (self.index, self.expire, self.now);
        let entry = self.shards.get(key.slot.shard()).find(index, key)?;
        (expire != Expire::Hide || !is_past(entry.expiry(), now)).then_some(entry)
    }

    /// What is kept under the key, though it may be past its expiry. It is left as it is.
    pub fn find(&mut self, key: &Key<'_>) -> Option<Ref<'_, Entry>> {
        let index = self.index;
        self.shards.get(key.slot.shard()).find(index, key)
    }

    pub fn contains(&mut self, key: &Key<'_>) -> bool {
        self.peek(key).is_some()
    }

    /// The string the key holds, given to `read`; `None` if it holds nothing.
    #[inline]
    pub fn string<R>(
        &mut self,
        key: &Key<'_>,
        read: impl FnOnce(Text<'_>) -> R,
    ) -> Result<Option<R>, WrongType> {
        match self.get(key) {
            None => Ok(None),
            Some(entry) if entry.kind() == Kind::String => Ok(Some(read(entry.text()))),
            Some(_) => Err(WrongType),
        }
    }

    /// Makes the key hold a string, whatever it held before.
    #[inline]
    pub fn set_string(&mut self, key: &Key<'_>, value: &[u8], ttl: Ttl) {
        self.expire_if_due(key);
        let (index, now) = (self.index, self.now);
        let hasher = self.shards.keyspace().hasher();
        let shard = self.shards.get(key.slot.shard());
        shard.before_write(index, key);
        let Some(mut place) = shard.place(index, key) else {
            let expiry = if let Ttl::At(at) = ttl {
                Some(at)
            } else {
                None
            };
            let mut entry = Entry::string(key.bytes, value, expiry);
            entry.set_access(self.notes.recall.created(now));
            shard.insert(index, key, entry, hasher);
            return self.note_created(key);
        };
        let mut replaced = None;
        let (from, to) = place.update(|entry| {
            let from = entry.expiry();
            let to = match ttl {
                Ttl::Clear => None,
                Ttl::Keep => from,
                Ttl::At(at) => Some(at),
            };
            let access = self.notes.recall.used(entry.access(), now);
            let changed = entry.is_changed();
            let mut entry = match entry.kind() {
                Kind::String => entry.with_string(value),
                _ => {
                    let string = Entry::string(key.bytes, value, from);
                    replaced = Some(entry);
                    string
                }
            };
            if from != to {
                entry = entry.with_expiry(to);
            }
            entry.succeed(changed, access);
            (entry, (from, to))
        });
        shard.expiry_changed(index, key.slot, from, to);
        if let Some(entry) = replaced {
            let entry = shard.give_up(index, entry);
            self.notes.discard(entry);
        }
    }

    /// Replaces the entry of a key that is there by what `change` makes of it. The key and the
    /// expiry must stay the same. Returns what `change` returns.
    pub fn change<R>(
        &mut self,
        key: &Key<'_>,
        change: impl FnOnce(Entry) -> (Entry, R),
    ) -> Option<R> {
        self.expire_if_due(key);
        let (index, now) = (self.index, self.now);
        let shard = self.shards.get(key.slot.shard());
        shard.before_write(index, key);
        let mut place = shard.place(index, key)?;
        Some(place.update(|entry| {
            let access = self.notes.recall.used(entry.access(), now);
            let changed = entry.is_changed();
            let (mut entry, result) = change(entry);
            entry.succeed(changed, access);
            (entry, result)
        }))
    }

    /// Gives a key that is there another expiry, or none.
    pub fn set_expiry(&mut self, key: &Key<'_>, to: Option<UnixMillis>) {
        let index = self.index;
        let shard = self.shards.get(key.slot.shard());
        shard.before_write(index, key);
        if let Some(mut place) = shard.place(index, key) {
            let from = place.get().expiry();
            place.update(|entry| (entry.with_expiry(to), ()));
            shard.expiry_changed(index, key.slot, from, to);
        }
    }

    /// Adds an entry under a key that is not there. The entry carries the same key.
    pub fn insert(&mut self, key: &Key<'_>, entry: Entry) {
        let index = self.index;
        self.shards.get(key.slot.shard()).tell_watchers(index, key);
        self.insert_unheard(key, entry);
    }

    /// As [`Db::insert`], but no watcher is told.
    fn insert_unheard(&mut self, key: &Key<'_>, entry: Entry) {
        debug_assert_eq!(entry.key(), key.bytes, "an entry is found by its own key");
        let index = self.index;
        let hasher = self.shards.keyspace().hasher();
        let shard = self.shards.get(key.slot.shard());
        shard.before_edit(index, key);
        debug_assert!(shard.find(index, key).is_none(), "a key is inserted once");
        let is_awaited = !shard.waiters.is_empty() && shard.waiters.contains(index, key.bytes);
        shard.insert(index, key, entry, hasher);
        if is_awaited {
            self.notes.note().ready.push((index, key.bytes.into()));
        }
        self.note_created(key);
    }

    #[inline]
    fn note_created(&mut self, key: &Key<'_>) {
        if let Some(created) = self.notes.created() {
            created.push((self.index, key.bytes.into()));
        }
    }

    /// The keys that were created since this was last asked, if they are reported.
    pub fn take_created(&mut self) -> Vec<(DbIndex, Box<[u8]>)> {
        self.notes.created().map(std::mem::take).unwrap_or_default()
    }

    /// Has what is no longer in any db freed right after the locks are given back.
    pub fn discard_now(&mut self, mut detached: Vec<Detached>) {
        self.notes.note().discarded_now.append(&mut detached);
    }

    /// Frees an entry that is no longer in any db; a large one later, after the locks are given
    /// back.
    pub fn discard(&mut self, entry: Entry) {
        self.notes.discard(entry);
    }

    /// Takes a key out of the db. What it held is to be freed: of a collection that a snapshot
    /// still needs no element is left in it.
    pub fn remove(&mut self, key: &Key<'_>) -> Option<Entry> {
        self.expire_if_due(key);
        self.take(key)
    }

    /// As [`Db::remove`], to be put elsewhere. A collection that a snapshot still needs is copied.
    pub fn extract(&mut self, key: &Key<'_>) -> Option<Entry> {
        self.expire_if_due(key);
        let index = self.index;
        let shard = self.shards.get(key.slot.shard());
        shard.find(index, key)?;
        shard.before_write(index, key);
        let entry = shard.find(index, key)?;
        let copy = entry.frozen_len().map(|_| entry.duplicate(key.bytes));
        let removed = shard.remove(index, key)?;
        Some(copy.unwrap_or(removed))
    }

    /// As [`Db::remove`], but a key past its expiry is one that was there: it is not said to have
    /// expired.
    pub fn take(&mut self, key: &Key<'_>) -> Option<Entry> {
        let index = self.index;
        let shard = self.shards.get(key.slot.shard());
        shard.find(index, key)?;
        shard.before_write(index, key);
        shard.remove(index, key)
    }

    /// Raises `flag` when the key is changed from now on. That a key goes which is past its expiry
    /// already is no change.
    pub fn watch(&mut self, key: &Key<'_>, flag: &Arc<WatchFlag>) {
        let (index, was_due) = (self.index, self.is_due(key));
        self.shards
            .get(key.slot.shard())
            .watchers
            .add(index, key.bytes, flag, was_due);
    }

    /// Whether a key that the owner of `flag` saw alive is past its expiry now, and still there.
    pub fn has_ended(&mut self, key: &Key<'_>, flag: &Arc<WatchFlag>) -> bool {
        let index = self.index;
        self.is_due(key) && {
            let watchers = &self.shards.get(key.slot.shard()).watchers;
            !watchers.was_due(index, key.bytes, flag)
        }
    }

    pub fn unwatch(&mut self, key: &Key<'_>, flag: &Arc<WatchFlag>) {
        let index = self.index;
        self.shards
            .get(key.slot.shard())
            .watchers
            .remove(index, key.bytes, flag);
    }

    /// Whether the key is there but past its expiry.
    pub fn is_due(&mut self, key: &Key<'_>) -> bool {
        let (index, now) = (self.index, self.now);
        let entry = self.shards.get(key.slot.shard()).find(index, key);
        entry.is_some_and(|entry| is_past(entry.expiry(), now))
    }

    /// Deletes the key if its time has come.
    #[inline]
    fn expire_if_due(&mut self, key: &Key<'_>) {
        let (index, now) = (self.index, self.now);
        let shard = self.shards.get(key.slot.shard());
        let nothing_due = shard
            .db(index)
            .and_then(|db| db.slot(key.slot.within()))
            .is_none_or(|slot| slot.earliest >= now);
        if !nothing_due && self.expire == Expire::Delete {
            self.expire_now_if_due(key);
        }
    }

    #[cold]
    fn expire_now_if_due(&mut self, key: &Key<'_>) {
        if self.is_due(key) {
            let index = self.index;
            let shard = self.shards.get(key.slot.shard());
            shard.before_lapse(index, key);
            let removed = shard.remove(index, key);
            removed
                .into_iter()
                .for_each(|entry| self.notes.discard(entry));
            self.notes.note().lapsed.push(Lapsed {
                db: index,
                key: key.bytes.into(),
            });
        }
    }

    /// Seconds since an entry was last used.
    pub fn idle_seconds(&self, entry_access: u32) -> u32 {
        self.notes.recall.idle_seconds(entry_access, self.now)
    }

    /// How often an entry was used: a logarithm that decays.
    pub fn frequency(&self, entry_access: u32) -> u8 {
        self.notes.recall.frequency(entry_access, self.now)
    }

    /// Has what is in no db any more freed after the locks are given back.
    pub(crate) fn discard_later(&mut self, detached: Detached) {
        self.notes.note().discarded.push(detached);
    }

    pub(crate) fn keyspace(&self) -> &'a Keyspace {
        self.shards.keyspace()
    }

    pub(crate) fn visit_shard<R>(
        &mut self,
        shard: usize,
        visit: impl FnOnce(&mut Shard) -> R,
    ) -> R {
        self.shards.visit(shard, visit)
    }

    pub(crate) fn visit_shard_in_turn<R>(
        &mut self,
        shard: usize,
        visit: impl FnOnce(&mut Shard) -> R,
    ) -> R {
        self.shards.visit_in_turn(shard, visit)
    }
}

/// What concerns all keys of a db. Such a command holds every lock, or none: then each shard's lock
/// is taken for the moment it is visited, and other commands run in between.
impl Db<'_> {
    /// How many keys there are, and how many of them have an expiry.
    pub fn count(&mut self) -> (usize, usize) {
        let index = self.index;
        let (mut keys, mut volatile) = (0, 0);
        for shard in 0..SHARDS {
            let counts = self.shards.visit(shard, |shard| shard.shown(index));
            (keys, volatile) = (keys + counts.0, volatile + counts.1);
        }
        (keys, volatile)
    }

    /// Shows every key that is not past its expiry. No lock is held for longer than one slot.
    pub fn walk(&mut self, mut visit: impl FnMut(&Entry)) {
        for shard in 0..SHARDS {
            let mut occupied = self.occupied(shard);
            while occupied != 0 {
                let within = occupied.trailing_zeros() as usize;
                occupied &= occupied - 1;
                self.walk_slot(Slot::from_parts(shard, within), &mut visit);
            }
        }
    }

    /// Shows every key of one slot that is not past its expiry.
    pub fn walk_slot(&mut self, slot: Slot, mut visit: impl FnMut(&Entry)) {
        let (index, now, expire) = (self.index, self.now, self.expire);
        self.shards.visit(slot.shard(), |shard| {
            let entries = shard.shown_table(index, slot).map(|table| table.iter());
            entries
                .into_iter()
                .flatten()
                .filter(|entry| expire == Expire::Ignore || !is_past(entry.expiry(), now))
                .for_each(|entry| visit(&entry));
        });
    }

    /// Shows keys from `from` on until at least `count` were visited. Returns where to go on, 0 at
    /// the end. Keys past their expiry are shown: the caller deletes them by asking for them.
    pub fn scan(
        &mut self,
        from: SlotPosition,
        count: usize,
        mut visit: impl FnMut(&Entry),
    ) -> SlotPosition {
        let index = self.index;
        let (mut ordinal, mut position) = (from.ordinal(), from.position());
        let (mut seen, mut steps) = (0, 0);
        while ordinal < SLOTS {
            let (shard, within) = (ordinal / SLOTS_PER_SHARD, ordinal % SLOTS_PER_SHARD);
            let ahead = self.occupied(shard) >> within;
            if ahead == 0 {
                (ordinal, position) = ((shard + 1) * SLOTS_PER_SHARD, 0);
                continue;
            }
            if ahead & 1 == 0 {
                (ordinal, position) = (ordinal + ahead.trailing_zeros() as usize, 0);
                continue;
            }
            position = self.shards.visit(shard, |shard| {
                let slot = shard.db(index).and_then(|db| db.slot(within));
                let Some(slot) = slot else { return 0 };
                slot.table.scan(position, |entry| {
                    seen += 1;
                    visit(entry);
                })
            });
            ordinal += usize::from(position == 0);
            steps += 1;
            // Like Redis, give up on a sparse table after ten times as many buckets.
            if seen >= count || steps >= count.saturating_mul(10) {
                break;
            }
        }
        SlotPosition::new(ordinal, position)
    }

    /// A key that `random` chooses, all being equally likely but for chance within a slot.
    pub fn random_key(&mut self, mut random: impl FnMut(u64) -> u64) -> Option<Box<[u8]>> {
        let index = self.index;
        let (keys, _) = self.count();
        if keys == 0 {
            return None;
        }
        let mut nth = random(keys as u64) as usize;
        for shard in 0..SHARDS {
            let found =
                self.shards
                    .visit(shard, |shard| match nth.checked_sub(shard.shown(index).0) {
                        Some(rest) => {
                            nth = rest;
                            None
                        }
                        None => sample(shard, index, nth, &mut random),
                    });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Takes all keys away. Needs every lock.
    pub fn detach_all(&mut self) -> Vec<Detached> {
        let index = self.index;
        (0..SHARDS)
            .filter_map(|shard| self.shards.get(shard).detach(index))
            .collect()
    }

    /// Takes all keys of all dbs away, and has those of a sibling instead. Needs every lock, and
    /// that no snapshot is being taken.
    pub fn take_over(&mut self, sibling: Keyspace) -> Vec<Detached> {
        let here = self.index;
        let mut detached = Vec::new();
        for index in (0..sibling.dbs()).map(DbIndex) {
            self.index = index;
            detached.extend(self.detach_all());
        }
        for (at, shard) in sibling.into_shards().enumerate() {
            self.shards.get(at).take_over(shard);
        }
        self.index = here;
        detached
    }

    /// Exchanges the contents of two dbs. Needs every lock.
    ///
    /// A watched key that is past its expiry goes first: its coming or going is no change that
    /// the watcher of the other db could see.
    pub fn swap(&mut self, a: DbIndex, b: DbIndex) {
        let here = self.index;
        for shard in 0..SHARDS {
            for watched in self.shards.get(shard).watchers.keys() {
                for index in [a, b] {
                    self.index = index;
                    let key = self.key(&watched);
                    self.expire_if_due(&key);
                }
            }
            self.shards.get(shard).swap_dbs(a, b);
        }
        self.index = here;
        self.note_ready(a);
        self.note_ready(b);
    }

    fn occupied(&mut self, shard: usize) -> u64 {
        let index = self.index;
        self.shards.visit(shard, |shard| {
            shard.db(index).map_or(0, |db| db.occupied & !shard.hidden)
        })
    }
}

impl Db<'_> {
    /// How many keys a slot holds, those past their expiry included.
    pub fn slot_len(&mut self, slot: Slot) -> usize {
        let index = self.index;
        self.shards.visit(slot.shard(), |shard| {
            let table = shard.shown_table(index, slot);
            table.map_or(0, |table| table.len())
        })
    }

    /// Up to `max` keys of a slot, for the price of those that are returned.
    pub fn slot_keys(&mut self, slot: Slot, max: usize) -> Vec<Box<[u8]>> {
        let index = self.index;
        self.shards.visit(slot.shard(), |shard| {
            let entries = shard.shown_table(index, slot).into_iter();
            let entries = entries.flat_map(|table| table.iter());
            entries.take(max).map(|entry| entry.key().into()).collect()
        })
    }
}

impl Db<'_> {
    /// The shape of a slot's table, for those who look into memory: keys, buckets, and buckets
    /// that needed an overflow.
    pub fn table_shape(&mut self, slot: Slot) -> (usize, usize, usize) {
        let index = self.index;
        let Some(table) = self.shards.get(slot.shard()).table(index, slot) else {
            return (0, 0, 0);
        };
        let (buckets, chained) = table.shape();
        (table.len(), buckets, chained)
    }
}

/// The `nth` key of a shard's part of a db: the right slot, and any key in it.
fn sample(
    shard: &Shard,
    index: DbIndex,
    mut nth: usize,
    random: &mut impl FnMut(u64) -> u64,
) -> Option<Box<[u8]>> {
    for slot in shard.db(index)?.slots_without(shard.hidden) {
        match nth.checked_sub(slot.table.len()) {
            Some(rest) => nth = rest,
            None => {
                return slot
                    .table
                    .sample(|| random(u64::MAX))
                    .map(|entry| entry.key().into());
            }
        }
    }
    None
}

/// A key lives through the millisecond of its expiry.
pub(crate) fn is_past(expiry: Option<UnixMillis>, now: UnixMillis) -> bool {
    expiry.is_some_and(|at| at < now)
}

#[cfg(test)]
mod tests;
