//! Bringing what files hold into the keyspace.
//!
//! Keys of a snapshot may come from any number of threads: each hands over batches of records, and
//! a shard's lock is taken once for all of a batch's keys. Commands of the append-only file come in
//! their order, from one [`Replay`], which runs them as a client's, but for the gates: nothing is
//! refused, nothing is appended to the log, and no key expires by itself.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::persistence::rdb::{self, Item, ScanOptions, Scanner};
use ::persistence::{Limits, Value};
use datatypes::{HashLimits, SetLimits, SortedSetLimits, list};
use keyspace::{Db, DbIndex, Entry, Expire, Keyspace, ShardSet, Usage};
use resp::request::Batch;
use stdx::time::UnixMillis;

use crate::Engine;
use crate::clients::{Client, ClientId, Endpoints};
use crate::dispatch::{Worker, recall};
use crate::session::{Origin, Session};

/// One key of a snapshot.
pub struct Record {
    pub db: DbIndex,
    pub key: Vec<u8>,
    pub value: Value,
    pub expiry: Option<UnixMillis>,
    pub usage: Usage,
}

/// What becomes of records that do not simply fill an empty keyspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadPolicy {
    /// Keys past their expiry are kept, as a replica does.
    pub keeps_expired: bool,
    /// A key that is there already is replaced; else it is an error.
    pub replaces: bool,
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
    pub fn load(&self, records: Vec<Record>, policy: LoadPolicy) -> Result<(), LoadError> {
        self.load_into(&self.keyspace, records, policy)
    }

    /// As [`Engine::load`], into a keyspace beside the engine's own.
    pub fn load_into(
        &self,
        keyspace: &Keyspace,
        records: Vec<Record>,
        policy: LoadPolicy,
    ) -> Result<(), LoadError> {
        let (now, config) = (self.now(), self.config.load());
        let mut sorted: Vec<(usize, Record)> = records
            .into_iter()
            .map(|record| (keyspace::Slot::of(&record.key).shard(), record))
            .collect();
        sorted.sort_by_key(|(shard, _)| *shard);
        let mut sorted = sorted.into_iter().peekable();
        while let Some(&(shard, _)) = sorted.peek() {
            let mut locked = keyspace.lock(ShardSet::of(shard));
            // Nothing is used while it is loaded, so no chance is asked for.
            locked.set_recall(recall(&config, || 0));
            let mut db = locked.db(DbIndex(0), now, Expire::Ignore);
            while let Some((_, record)) = sorted.next_if(|(at, _)| *at == shard) {
                self.load_record(&mut db, record, policy)?;
            }
        }
        Ok(())
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
    pub fn load_record(
        &self,
        db: &mut keyspace::Db<'_>,
        record: Record,
        policy: LoadPolicy,
    ) -> Result<(), LoadError> {
        if record.db.0 >= self.keyspace.dbs() {
            return Err(LoadError::Db(record.db));
        }
        let is_expired = record.expiry.is_some_and(|at| at < db.now());
        if is_expired && !policy.keeps_expired {
            self.persistence.load.count(0, 1);
            return Ok(());
        }
        db.select(record.db);
        let key = db.key(&record.key);
        if db.contains(&key) {
            if !policy.replaces {
                let (db, key) = (record.db, record.key);
                return Err(LoadError::Duplicate { db, key });
            }
            let replaced = db.take(&key);
            replaced.into_iter().for_each(|entry| db.discard(entry));
        }
        let entry = entry(&record.key, record.value, record.expiry);
        db.create_used(&key, entry, record.usage);
        self.persistence.load.count(1, 0);
        Ok(())
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
            verify: self.config.load().persistence.rdb_checksum,
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
pub fn decode(
    bytes: &[u8],
    found: &rdb::Record,
    limits: &Limits,
) -> Result<Option<Record>, rdb::Error> {
    let value = match rdb::decode(found.kind, &bytes[found.value()], limits) {
        Err(error) if error.is_empty_collection() => return Ok(None),
        value => value.map_err(|error| error.moved(found.offset))?,
    };
    Ok(Some(Record {
        // A number that no db has is refused when the record is put in.
        db: DbIndex(u16::try_from(found.db).unwrap_or(u16::MAX)),
        key: rdb::string(&bytes[found.key()])?.into_bytes().into_owned(),
        value,
        expiry: found.expiry.map(UnixMillis),
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
        let endpoints = Endpoints {
            addr: String::new(),
            laddr: String::new(),
            fd: 0,
            unix: false,
            local: true,
        };
        let client = Client::new(ClientId(0), endpoints, engine.now().0, Arc::default());
        let mut session = Session::new(Arc::new(client), true);
        session.origin = Origin::LogFile;
        Replay {
            session,
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
