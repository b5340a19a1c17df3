//! Bringing what files hold into the keyspace.
//!
//! Keys of a snapshot may come from any number of threads: each hands over batches of records, and
//! a shard's lock is taken once for all of a batch's keys. They come in any order, so that each
//! lies in another place of the memory: the places of many are fetched at once. Commands of the
//! append-only file come in their order, from one [`Replay`], which runs them as a client's, but
//! for the gates: nothing is refused, nothing is appended to the log, and no key expires by itself.

use std::borrow::Cow;
use std::io::{self, Read as _};
use std::sync::atomic::Ordering;

use ::persistence::rdb::{self, Item, ScanOptions, Scanner};
use ::persistence::{Limits, Value};
use datatypes::{HashLimits, SetLimits, SortedSetLimits, list};
use keyspace::{
    Db, DbIndex, Entry, Expire, Key, Keyspace, SLOTS, SLOTS_PER_SHARD, ShardSet, Slot, Usage,
};
use resp::request::Batch;
use stdx::number::parse_i64;
use stdx::time::UnixMillis;

use crate::Engine;
use crate::dispatch::{Worker, recall};
use crate::session::{Origin, Session};
use crate::snapshot::HIDDEN_SLOTS;

/// Keys whose places are fetched at once.
const GROUP_KEYS: usize = 32;

/// One key of a snapshot.
pub struct Record<'a> {
    pub db: DbIndex,
    pub key: Cow<'a, [u8]>,
    /// What belongs under the key, which it carries.
    pub entry: Entry,
    pub usage: Usage,
}

/// What becomes of records that do not simply fill an empty keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPolicy {
    pub expired: Expired,
    /// A key that is there already is replaced; else it is an error.
    pub replaces: bool,
}

/// What becomes of keys past their expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// They stay: whoever wrote what comes behind the snapshot knew of them.
    Kept,
    /// Nobody will miss them.
    LeftOut,
    /// They are left out, and [noted](crate::persistence::Load::take_lapsed): replicas may hold
    /// them.
    Noted,
}

/// Why a record cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// There are fewer dbs.
    Db(DbIndex),
    /// The key is there already.
    Duplicate { db: DbIndex, key: Vec<u8> },
}

impl Engine {
    /// What decides about the encodings of values that are read.
    pub fn value_limits(&self) -> Limits {
        let config = self.config.load();
        let encodings = &config.encodings;
        let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
        let seed = self.hash_seed;
        Limits {
            list: list::Limits {
                plain_bytes_min: self.switches.list_plain_bytes_min.load(Ordering::Relaxed),
                ..list::Limits::of_directive(encodings.list_node_size_max)
            },
            set: SetLimits {
                ints_max: size(encodings.set_integers_max),
                seed,
            },
            sorted_set: SortedSetLimits {
                entries_max: size(encodings.sorted_set_entries_max),
                value_bytes_max: size(encodings.sorted_set_value_max.0),
                seed,
            },
            hash: HashLimits {
                entries_max: size(encodings.hash_entries_max),
                value_bytes_max: size(encodings.hash_value_max.0),
                seed,
            },
        }
    }

    /// Puts records into the keyspace, and counts them. Any thread may do so, with no lock held.
    pub fn load(&self, records: Vec<Record<'_>>, policy: LoadPolicy) -> Result<(), LoadError> {
        self.load_into(&self.keyspace, records, policy)
    }

    /// As [`Engine::load`], into a keyspace beside the engine's own.
    pub fn load_into(
        &self,
        keyspace: &Keyspace,
        records: Vec<Record<'_>>,
        policy: LoadPolicy,
    ) -> Result<(), LoadError> {
        let (now, config) = (self.now(), self.config.load());
        let (names, mut contents): (Vec<_>, Vec<_>) = records
            .into_iter()
            .map(|record| (record.key, Some((record.db, record.entry, record.usage))))
            .unzip();
        let keys: Vec<Key<'_>> = names.iter().map(|name| keyspace.key(name)).collect();
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_cached_key(|&at| {
            let slot = keys[at].slot;
            slot.shard() * SLOTS_PER_SHARD + slot.within()
        });
        for shard in order.chunk_by(|&a, &b| keys[a].slot.shard() == keys[b].slot.shard()) {
            let mut locked = keyspace.lock(ShardSet::of(keys[shard[0]].slot.shard()));
            // Nothing is used while it is loaded, so no chance is asked for.
            locked.set_recall(recall(&config, || 0));
            let mut tally = Tally::of(self);
            for group in shard.chunks(GROUP_KEYS) {
                let first = contents[group[0]].as_ref();
                let index = first.map_or(DbIndex(0), |(index, ..)| *index);
                locked.prefetch(index, group.iter().map(|&at| &keys[at]));
                let mut db = locked.db(index, now, Expire::Ignore);
                for &at in group {
                    let (index, entry, usage) = contents[at].take().expect("each comes once");
                    let is_kept = self.put(&mut db, index, &keys[at], entry, usage, policy)?;
                    tally.count(is_kept);
                }
            }
        }
        Ok(())
    }

    /// Hides the keys of slots that a snapshot file says were hidden when it was written. `db` is
    /// one of those that are loaded.
    pub fn hide_loaded(db: &mut Db<'_>, listed: &[u8]) {
        let words = listed.split(|&byte| byte == b' ');
        let numbers = words.filter_map(parse_i64);
        let slots = numbers.filter_map(|number| u16::try_from(number).ok());
        for slot in slots.filter(|&slot| usize::from(slot) < SLOTS) {
            db.hide_slot(Slot::new(slot), true);
        }
    }

    /// Gives all keys of all dbs up, for what is loaded takes their place. No lock is held.
    pub fn clear(&self) {
        let mut locked = self.keyspace.lock(ShardSet::ALL);
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        for index in 0..self.keyspace.dbs() {
            db.select(DbIndex(index));
            self.garbage.add(db.detach_all());
        }
    }

    /// Replaces all keys by those of a sibling of the keyspace. Every lock is held, and snapshots
    /// are [held off](Engine::hold_off_snapshots).
    pub fn take_over(&self, locked: &mut keyspace::Locked<'_>, sibling: Keyspace) {
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        self.garbage.add(db.take_over(sibling));
    }

    /// Puts one record into the keyspace, under the lock of its shard.
    fn load_record(
        &self,
        db: &mut Db<'_>,
        record: Record<'_>,
        policy: LoadPolicy,
    ) -> Result<(), LoadError> {
        let key = db.key(&record.key);
        let is_kept = self.put(db, record.db, &key, record.entry, record.usage, policy)?;
        Tally::of(self).count(is_kept);
        Ok(())
    }

    /// Puts an entry into a db, and returns whether it is there: it may be past its expiry.
    fn put(
        &self,
        db: &mut Db<'_>,
        index: DbIndex,
        key: &Key<'_>,
        entry: Entry,
        usage: Usage,
        policy: LoadPolicy,
    ) -> Result<bool, LoadError> {
        if index.0 >= self.keyspace.dbs() {
            return Err(LoadError::Db(index));
        }
        if entry.expiry().is_some_and(|at| at < db.now()) {
            match policy.expired {
                Expired::Kept => {}
                Expired::LeftOut => return Ok(false),
                Expired::Noted => {
                    self.persistence.load.note_lapsed(index, key.bytes);
                    return Ok(false);
                }
            }
        }
        db.select(index);
        if db.contains(key) {
            if !policy.replaces {
                let key = key.bytes.to_vec();
                return Err(LoadError::Duplicate { db: index, key });
            }
            let replaced = db.take(key);
            replaced.into_iter().for_each(|entry| db.discard(entry));
        }
        db.create_used(key, entry, usage);
        Ok(true)
    }
}

/// What has been loaded, told at the end: threads that load would fight over counters.
struct Tally<'e> {
    engine: &'e Engine,
    keys: u64,
    keys_expired: u64,
}

impl Tally<'_> {
    fn of(engine: &Engine) -> Tally<'_> {
        Tally {
            engine,
            keys: 0,
            keys_expired: 0,
        }
    }

    fn count(&mut self, is_kept: bool) {
        match is_kept {
            true => self.keys += 1,
            false => self.keys_expired += 1,
        }
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        let load = &self.engine.persistence.load;
        load.count(self.keys, self.keys_expired);
    }
}

/// Bytes of a file that are read at once.
const READ_BYTES: usize = 64 << 10;

/// Why a snapshot file cannot be loaded.
#[derive(Debug)]
pub enum LoadFileError {
    Read(io::Error),
    Malformed(rdb::Error),
    Record(LoadError),
}

impl Engine {
    /// Puts what a snapshot file holds into the keyspace, under every lock. Keys that come before
    /// what is wrong in it stay.
    pub fn load_snapshot(
        &self,
        db: &mut Db<'_>,
        file: &mut dyn io::Read,
        policy: LoadPolicy,
    ) -> Result<(), LoadFileError> {
        let (here, limits) = (db.index(), self.value_limits());
        let options = ScanOptions {
            verify: self.config.load().persistence.rdb_checksum
                && !self.switches.skips_checksums.load(Ordering::Relaxed),
            ..ScanOptions::default()
        };
        let (mut scanner, mut buffer) = (Scanner::new(options), Vec::new());
        self.persistence.load.begin(db.now(), 0);
        loop {
            let malformed = LoadFileError::Malformed;
            match scanner.next(&buffer).map_err(malformed)? {
                Some(Item::Record(found)) => {
                    if let Some(record) = decode(&buffer, &found, &limits).map_err(malformed)? {
                        let loaded = self.load_record(db, record, policy);
                        loaded.map_err(LoadFileError::Record)?;
                    }
                }
                Some(Item::End(_)) => break,
                Some(Item::Aux { name, value }) if *name == *HIDDEN_SLOTS.as_bytes() => {
                    Engine::hide_loaded(db, &value);
                }
                Some(_) => {}
                None => {
                    buffer.drain(..scanner.take_consumed());
                    let more = file.take(READ_BYTES as u64).read_to_end(&mut buffer);
                    if more.map_err(LoadFileError::Read)? == 0 {
                        scanner.finish(&buffer).map_err(malformed)?;
                    }
                }
            }
        }
        db.select(here);
        Ok(())
    }
}

/// The key and value of a record in `bytes`. A collection without elements is no key.
pub fn decode<'a>(
    bytes: &'a [u8],
    found: &rdb::Record,
    limits: &Limits,
) -> Result<Option<Record<'a>>, rdb::Error> {
    let key = rdb::string(&bytes[found.key()])?.into_bytes();
    let (value, expiry) = (&bytes[found.value()], found.expiry.map(UnixMillis));
    // Most values are strings, which need no place of their own on the way.
    let entry = match found.kind {
        rdb::kind::STRING => rdb::string(value).map(|text| match text {
            rdb::Str::Int(number) => Entry::int(&key, number, expiry),
            rdb::Str::Bytes(text) => Entry::string(&key, &text, expiry),
        }),
        kind => rdb::decode(kind, value, limits).map(|value| entry(&key, value, expiry)),
    };
    let entry = match entry {
        Err(error) if error.is_empty_collection() => return Ok(None),
        entry => entry.map_err(|error| error.moved(found.offset))?,
    };
    Ok(Some(Record {
        // A number that no db has is refused when the record is put in.
        db: DbIndex(u16::try_from(found.db).unwrap_or(u16::MAX)),
        key,
        entry,
        usage: match found.usage {
            rdb::Usage::Unknown => Usage::Unknown,
            rdb::Usage::Idle(seconds) => Usage::IdleSeconds(seconds),
            rdb::Usage::Frequency(count) => Usage::Frequency(count),
        },
    }))
}

/// A key with a value that was read.
pub fn entry(key: &[u8], value: Value, expiry: Option<UnixMillis>) -> Entry {
    match value {
        Value::String(text) => Entry::string(key, &text, expiry),
        Value::List(list) => Entry::holding(key, list, expiry),
        Value::Set(set) => Entry::holding(key, set, expiry),
        Value::SortedSet(set) => Entry::holding(key, set, expiry),
        Value::Hash(hash) => Entry::holding(key, hash, expiry),
    }
}

/// Runs the commands of an append-only file.
pub struct Replay {
    session: Session,
    worker: Worker,
    replies: Vec<u8>,
}

/// The append-only file holds a command that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCommand(pub Vec<u8>);

impl Replay {
    pub fn new(engine: &Engine, seed: u64) -> Replay {
        Replay {
            session: Session::of_nobody(engine.now(), Origin::LogFile),
            worker: Worker::new(engine, seed),
            replies: Vec::new(),
        }
    }

    /// Runs one command. What it replies is of no interest: where it failed, it failed when it was
    /// logged, too.
    pub fn run(&mut self, engine: &Engine, words: &[&[u8]]) -> Result<(), UnknownCommand> {
        let mut batch = Batch::default();
        batch.add(words);
        self.replies.clear();
        let known = engine.replay(
            &mut self.session,
            &mut self.worker,
            &batch,
            &mut self.replies,
        );
        match known {
            true => Ok(()),
            false => Err(UnknownCommand(words[0].to_vec())),
        }
    }

    /// Whether a transaction has begun and not ended: none of it was run.
    pub fn is_in_transaction(&self) -> bool {
        self.session.transaction.is_some()
    }

    pub fn end(self, engine: &Engine) {
        engine.stats.leave(self.worker.stats);
    }
}
