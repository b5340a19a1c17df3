//! The locks of the keyspace.
//!
//! A command says beforehand which shards it touches. Their locks are taken once, in ascending
//! order, and given back together: two commands can wait for each other's shards only in the same
//! order, so there is no deadlock, and a command over many shards is as atomic as one over a single
//! key. [`Locked`] remembers its shards as a bitmap, which is ordered and free of duplicates by
//! nature, and costs no allocation.

use std::cell::UnsafeCell;

use datatypes::table::Table;
use stdx::time::UnixMillis;

use crate::DbIndex;
use crate::db::{Db, Expire, Lapsed};
use crate::entry::Entry;
use crate::recall::Recall;
use crate::shard::{Detached, STEP_ELEMENTS, Shard};
use crate::slot::{Key, KeyHasher, SHARDS, Slot};
use raw::RawLock;

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSet([u64; SHARDS / 64]);

impl ShardSet {
    pub const ALL: ShardSet = ShardSet([u64::MAX; SHARDS / 64]);
    pub const NONE: ShardSet = ShardSet([0; SHARDS / 64]);

    #[inline]
    pub fn insert(&mut self, shard: usize) {
        self.0[shard / 64] |= 1 << (shard % 64);
    }

    #[inline]
    pub fn contains(&self, shard: usize) -> bool {
        self.0[shard / 64] & 1 << (shard % 64) != 0
    }

    /// One shard.
    pub fn of(shard: usize) -> ShardSet {
        let mut set = ShardSet::NONE;
        set.insert(shard);
        set
    }

    pub fn is_empty(&self) -> bool {
        *self == ShardSet::NONE
    }

    pub fn union(&self, other: &ShardSet) -> ShardSet {
        let mut union = *self;
        union
            .0
            .iter_mut()
            .zip(other.0)
            .for_each(|(word, more)| *word |= more);
        union
    }

    /// Calls `visit` with the shards, ascending.
    #[inline]
    pub fn for_each(&self, mut visit: impl FnMut(usize)) {
        for (index, mut word) in self.0.into_iter().enumerate() {
            while word != 0 {
                visit(index * 64 + word.trailing_zeros() as usize);
                word &= word - 1;
            }
        }
    }
}

/// One lock and what it guards, on cache lines of their own.
#[repr(align(64))]
struct Guarded {
    lock: RawLock,
    shard: UnsafeCell<Shard>,
}

// SAFETY: the shard is reached only through `Locked`, by whoever holds the lock.
unsafe impl Sync for Guarded {}

/// All keys of all dbs.
pub struct Keyspace {
    shards: Box<[Guarded]>,
    hasher: KeyHasher,
    dbs: u16,
}

impl Keyspace {
    /// `seed` must not be known to clients.
    pub fn new(dbs: u16, seed: u64) -> Keyspace {
        let guarded = |_| Guarded {
            lock: RawLock::new(),
            shard: UnsafeCell::new(Shard::new(dbs)),
        };
        let shards = (0..SHARDS).map(guarded).collect();
        Keyspace {
            shards,
            hasher: KeyHasher::seeded(seed),
            dbs,
        }
    }

    /// An empty one whose keys this one may take over.
    pub fn sibling(&self) -> Keyspace {
        let guarded = |_| Guarded {
            lock: RawLock::new(),
            shard: UnsafeCell::new(Shard::new(self.dbs)),
        };
        Keyspace {
            shards: (0..SHARDS).map(guarded).collect(),
            hasher: self.hasher.clone(),
            dbs: self.dbs,
        }
    }

    /// The shards, for whoever is the last to know of this keyspace.
    pub(crate) fn into_shards(self) -> impl Iterator<Item = Shard> {
        let shards = self.shards.into_vec().into_iter();
        shards.map(|guarded| guarded.shard.into_inner())
    }

    /// How many dbs there are.
    pub fn dbs(&self) -> u16 {
        self.dbs
    }

    #[inline]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Key<'a> {
        Key {
            bytes,
            slot: Slot::of(bytes),
            hash: self.hasher.hash(bytes),
        }
    }

    pub(crate) fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    /// Waits for the locks of `shards`.
    #[inline]
    pub fn lock(&self, shards: ShardSet) -> Locked<'_> {
        shards.for_each(|shard| self.shards[shard].lock.lock());
        Locked {
            keyspace: self,
            held: shards,
            notes: Notes::default(),
        }
    }

    /// Waits for the locks of `shards`, and for those of all that is touched by serving the waits
    /// at them, and the waits that this serves in turn.
    ///
    /// Which these are is known only under the locks. If they are more, everything is given back
    /// and taken anew, in order: nothing has happened yet. The set only grows, so this ends.
    #[inline]
    pub fn lock_to_serve(&self, shards: ShardSet) -> Locked<'_> {
        let mut locked = self.lock(shards);
        loop {
            let reach = locked.reach();
            if reach == locked.held {
                return locked;
            }
            drop(locked);
            locked = self.lock(reach);
        }
    }
}

/// The shards a command may touch. Dropping it gives the locks back.
pub struct Locked<'k> {
    keyspace: &'k Keyspace,
    held: ShardSet,
    notes: Notes,
}

/// What a db shares with all it is lent to under the same locks.
#[derive(Default)]
pub(crate) struct Notes {
    pub recall: Recall,
    /// None as long as nothing of it has happened: under most locks nothing does.
    events: Option<Box<Events>>,
}

/// A key and its db.
type DbKey = (DbIndex, Box<[u8]>);

/// What has happened under the locks, and is seen to later.
#[derive(Default)]
pub(crate) struct Events {
    /// The keys found past their expiry, and deleted.
    pub lapsed: Vec<Lapsed>,
    /// The awaited keys that have come to hold something.
    pub ready: Vec<DbKey>,
    /// The keys that were created, if anybody wants to know.
    pub created: Option<Vec<DbKey>>,
    /// Entries that are to be freed step by step.
    pub discarded: Vec<Detached>,
    /// What the command waits for to be freed.
    pub discarded_now: Vec<Detached>,
}

impl Notes {
    /// Where to note created keys, if anybody wants to know.
    #[inline]
    pub fn created(&mut self) -> Option<&mut Vec<DbKey>> {
        self.events.as_deref_mut()?.created.as_mut()
    }

    /// How many keys are noted as ready, and as created.
    pub fn made(&self) -> (usize, usize) {
        self.events.as_deref().map_or((0, 0), |events| {
            let created = events.created.as_ref().map_or(0, Vec::len);
            (events.ready.len(), created)
        })
    }

    /// Takes back what was noted of keys since there were so many.
    pub fn forget_made(&mut self, (ready, created): (usize, usize)) {
        if let Some(events) = self.events.as_deref_mut() {
            events.ready.truncate(ready);
            events
                .created
                .iter_mut()
                .for_each(|list| list.truncate(created));
        }
    }

    /// Where to note that something has happened.
    pub fn note(&mut self) -> &mut Events {
        self.events.get_or_insert_default()
    }

    /// Hands over a list of what has happened.
    #[inline]
    pub fn take<T>(&mut self, list: impl FnOnce(&mut Events) -> &mut Vec<T>) -> Vec<T> {
        match self.events.as_deref_mut() {
            Some(events) => std::mem::take(list(events)),
            None => Vec::new(),
        }
    }

    #[inline]
    pub fn has_lapsed(&self) -> bool {
        self.events
            .as_deref()
            .is_some_and(|events| !events.lapsed.is_empty())
    }

    #[inline]
    pub fn has_ready(&self) -> bool {
        self.events
            .as_deref()
            .is_some_and(|events| !events.ready.is_empty())
    }

    /// Frees a small entry at once, and keeps a large one for later.
    pub fn discard(&mut self, entry: Entry) {
        if entry.elements() > STEP_ELEMENTS {
            self.note().discarded.push(Detached::entry(entry));
        }
    }
}

impl Locked<'_> {
    /// The keys of db `index`, as they are at `now`.
    #[inline]
    pub fn db(&mut self, index: DbIndex, now: UnixMillis, expire: Expire) -> Db<'_> {
        let shards = Shards {
            keyspace: self.keyspace,
            held: self.held,
        };
        Db::new(shards, index, now, expire, &mut self.notes)
    }

    /// Fetches what the tables hold about `keys` into the cache: each step of the way there, from
    /// the slot's table to the entry, for all of them before the next.
    #[inline]
    pub fn prefetch<'a>(
        &mut self,
        index: DbIndex,
        keys: impl Iterator<Item = &'a Key<'a>> + Clone,
    ) {
        // Neighbours often are one key.
        let differing = keys.scan(None, |last, key| {
            let is_new = last.replace(key.hash) != Some(key.hash);
            Some(is_new.then_some(key))
        });
        let keys = differing.flatten();
        let mut shards = self.shards();
        for key in keys.clone() {
            shards.get(key.slot.shard()).prefetch_table(index, key.slot);
        }
        shards.for_each_table(index, keys.clone(), Table::prefetch_directory);
        shards.for_each_table(index, keys.clone(), Table::prefetch_bucket);
        shards.for_each_table(index, keys, Table::prefetch_element);
    }

    /// Fetches what a look at a member of what `key` holds reads, if that is large.
    #[inline]
    pub fn prefetch_member(&mut self, index: DbIndex, key: &Key<'_>, member: &[u8]) {
        if let Some(entry) = self.shards().get(key.slot.shard()).find(index, key) {
            entry.prefetch_member(member);
        }
    }

    pub(crate) fn shards(&mut self) -> Shards<'_> {
        Shards {
            keyspace: self.keyspace,
            held: self.held,
        }
    }

    /// The shards that are held, and those that waits at them touch beyond.
    #[inline]
    fn reach(&mut self) -> ShardSet {
        let held = self.held;
        if held == ShardSet::ALL {
            return held;
        }
        let (mut reach, shards) = (held, self.shards());
        held.for_each(|shard| {
            let waiters = &shards.shared(shard).waiters;
            waiters.beyond().for_each(|beyond| reach.insert(beyond));
        });
        reach
    }

    /// The keys that were found to be past their expiry, and deleted, since this was last asked.
    pub fn take_lapsed(&mut self) -> Vec<Lapsed> {
        self.notes.take(|events| &mut events.lapsed)
    }

    pub fn has_lapsed(&self) -> bool {
        self.notes.has_lapsed()
    }

    /// Large values that were given up under these locks, to be freed by whoever has time.
    pub fn take_discarded(&mut self) -> Vec<Detached> {
        self.notes.take(|events| &mut events.discarded)
    }

    /// What was given up under these locks, and is to be freed before the command is over.
    pub fn take_discarded_now(&mut self) -> Vec<Detached> {
        self.notes.take(|events| &mut events.discarded_now)
    }

    /// The awaited keys that have come to hold something since this was last asked, in order.
    pub fn take_ready(&mut self) -> Vec<DbKey> {
        self.notes.take(|events| &mut events.ready)
    }

    /// Has keys that are created reported by [`Db::take_created`].
    pub fn report_created(&mut self) {
        self.notes.note().created = Some(Vec::new());
    }

    /// What entries remember of their use; the last of it, unless this says otherwise.
    pub fn set_recall(&mut self, recall: Recall) {
        self.notes.recall = recall;
    }

    /// Gives the locks to those who wait for them.
    fn hand_on(mut self) {
        std::mem::replace(&mut self.held, ShardSet::NONE).for_each(|shard| {
            // SAFETY: `Keyspace::lock` took these locks for this value, which has none any more.
            unsafe { self.keyspace.shards[shard].lock.hand_on() };
        });
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        self.held.for_each(|shard| {
            // SAFETY: `Keyspace::lock` took these locks for this value alone.
            unsafe { self.keyspace.shards[shard].lock.unlock() };
        });
    }
}

/// The way from a held lock to its shard. Made by [`Locked`], one at a time.
pub(crate) struct Shards<'a> {
    keyspace: &'a Keyspace,
    held: ShardSet,
}

impl<'a> Shards<'a> {
    pub fn keyspace(&self) -> &'a Keyspace {
        self.keyspace
    }

    pub fn reborrow(&mut self) -> Shards<'_> {
        Shards {
            keyspace: self.keyspace,
            held: self.held,
        }
    }

    pub fn holds(&self, shard: usize) -> bool {
        self.held.contains(shard)
    }

    #[inline]
    pub fn get(&mut self, shard: usize) -> &mut Shard {
        assert!(
            self.held.contains(shard),
            "a command touches only the shards it declared"
        );
        // SAFETY: the lock is held by the `Locked` this was made by, which is borrowed for as long
        // as this lives, and this is borrowed for as long as the shard.
        unsafe { &mut *self.keyspace.shards[shard].shard.get() }
    }

    /// Calls `visit` with the table that each key belongs to, where there is one, and its hash.
    #[inline]
    fn for_each_table<'k>(
        &mut self,
        index: DbIndex,
        keys: impl Iterator<Item = &'k Key<'k>>,
        visit: impl Fn(&Table<Entry>, u64),
    ) {
        for key in keys {
            if let Some(table) = self.get(key.slot.shard()).table(index, key.slot) {
                visit(table, key.hash);
            }
        }
    }

    /// A shard, to look at while others are looked at too.
    pub fn shared(&self, shard: usize) -> &Shard {
        assert!(
            self.held.contains(shard),
            "a command touches only the shards it declared"
        );
        // SAFETY: as in `get`, and shared for as long as the shard.
        unsafe { &*self.keyspace.shards[shard].shard.get() }
    }

    /// Runs `visit` on a shard, under its lock, which is taken for the moment if it is not held.
    ///
    /// Only who holds every lock or none may do this: anything between could deadlock.
    pub fn visit<R>(&mut self, shard: usize, visit: impl FnOnce(&mut Shard) -> R) -> R {
        self.visit_and(shard, visit, drop)
    }

    /// As [`Shards::visit`], for who comes again at once: others that wait for the lock have it
    /// before.
    pub fn visit_in_turn<R>(&mut self, shard: usize, visit: impl FnOnce(&mut Shard) -> R) -> R {
        self.visit_and(shard, visit, Locked::hand_on)
    }

    fn visit_and<R>(
        &mut self,
        shard: usize,
        visit: impl FnOnce(&mut Shard) -> R,
        give_back: fn(Locked<'a>),
    ) -> R {
        if self.held.contains(shard) {
            return visit(self.get(shard));
        }
        assert!(self.held.is_empty(), "a walk holds all locks or none");
        let held = std::mem::replace(&mut self.held, ShardSet::NONE);
        let mut one = ShardSet::NONE;
        one.insert(shard);
        let locked = self.keyspace.lock(one);
        let result = visit(
            Shards {
                keyspace: self.keyspace,
                held: one,
            }
            .get(shard),
        );
        give_back(locked);
        self.held = held;
        result
    }
}

#[cfg(not(feature = "shuttle"))]
mod raw {
    use parking_lot::RawMutex;
    use parking_lot::lock_api::{RawMutex as _, RawMutexFair as _};

    /// One byte; a waiter spins a little, then sleeps.
    pub struct RawLock(RawMutex);

    impl RawLock {
        pub fn new() -> RawLock {
            RawLock(RawMutex::INIT)
        }

        #[inline]
        pub fn lock(&self) {
            self.0.lock();
        }

        /// # Safety
        /// The caller holds the lock.
        #[inline]
        pub unsafe fn unlock(&self) {
            // SAFETY: the caller's promise.
            unsafe { self.0.unlock() };
        }

        /// As [`RawLock::unlock`], but whoever waits has it at once.
        ///
        /// # Safety
        /// The caller holds the lock.
        pub unsafe fn hand_on(&self) {
            // SAFETY: the caller's promise.
            unsafe { self.0.unlock_fair() };
        }
    }
}

/// The same lock, for the checker of interleavings.
#[cfg(feature = "shuttle")]
mod raw {
    use shuttle::sync::{Condvar, Mutex};

    pub struct RawLock {
        held: Mutex<bool>,
        freed: Condvar,
    }

    impl RawLock {
        pub fn new() -> RawLock {
            RawLock {
                held: Mutex::new(false),
                freed: Condvar::new(),
            }
        }

        pub fn lock(&self) {
            let held = self.held.lock().expect("no holder panics");
            let mut held = self
                .freed
                .wait_while(held, |held| *held)
                .expect("no holder panics");
            *held = true;
        }

        /// # Safety
        /// The caller holds the lock.
        pub unsafe fn unlock(&self) {
            *self.held.lock().expect("no holder panics") = false;
            self.freed.notify_one();
        }

        /// # Safety
        /// The caller holds the lock.
        pub unsafe fn hand_on(&self) {
            // SAFETY: the caller's promise.
            unsafe { self.unlock() };
        }
    }
}
