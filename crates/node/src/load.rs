//! Loading files into the engine.
//!
//! A snapshot is scanned from its front, which is quick, into batches of records; making values of
//! them takes long, and is done by whoever the [`Crew`] is: the server's has a thread per core.
//! Commands of an append-only file run one after the other, for their order is all they have.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::persistence::aof::reader::{Broken, End, Reader};
use ::persistence::aof::{Record as LogRecord, reader::Opening};
use ::persistence::rdb::{self, Item, ScanOptions, Scanner};
use engine::Engine;
use engine::load::{Expired, LoadError, LoadPolicy, Replay, decode};
use engine::snapshot::HIDDEN_SLOTS;
use keyspace::{DbIndex, Expire, Keyspace, ShardSet};

use crate::keeper::{notice, warning};
use crate::replication::SavedHistory;
use crate::storage::system_words;

/// Bytes read at once. What a batch becomes, several times as much, should fit the cache that a
/// processor has to itself: with 512 KiB loading takes a third more time.
const READ_BYTES: usize = 128 * 1024;

/// Bytes read at once while every key takes its time, for a test.
const SLOW_READ_BYTES: usize = 1024;

/// Between two lines about the progress.
const REPORT_NANOS: u64 = 5_000_000_000;

/// A snapshot that is followed by nothing, of a node that lets keys expire.
const FRESH: LoadPolicy = LoadPolicy {
    expired: Expired::Noted,
    replaces: false,
};

/// A snapshot that is followed by more: commands of the append-only file, which were meant for the
/// keys as they were then, or a primary's stream. It is the primary who lets keys expire.
const CONTINUED: LoadPolicy = LoadPolicy {
    expired: Expired::Kept,
    replaces: false,
};

/// Why a file cannot be loaded.
#[derive(Debug)]
pub enum Problem {
    /// It cannot be read.
    Read {
        offset: u64,
        cause: io::Error,
    },
    Snapshot(rdb::Error),
    Record(LoadError),
    Log(Broken),
    /// It ends within a command or a transaction that begins here.
    Truncated {
        valid: u64,
    },
    UnknownCommand {
        offset: u64,
        name: Vec<u8>,
    },
    /// It holds data of a module.
    Module(String),
    /// There is something behind its end.
    Excess {
        offset: u64,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Read { offset, cause } => {
                let words = system_words(cause);
                write!(out, "{words} (at offset {offset})")
            }
            Problem::Snapshot(error) => error.fmt(out),
            Problem::Record(LoadError::Db(db)) => write!(
                out,
                "it holds keys of database {}, and there are fewer ('databases')",
                db.0
            ),
            Problem::Record(LoadError::Duplicate { db, key }) => write!(
                out,
                "key '{}' of database {} is there twice",
                String::from_utf8_lossy(key),
                db.0
            ),
            Problem::Log(broken) => write!(out, "at offset {}, {}", broken.offset, broken.what),
            Problem::Truncated { valid } => {
                write!(out, "unexpected end of file behind offset {valid}")
            }
            Problem::UnknownCommand { offset, name } => write!(
                out,
                "unknown command '{}' at offset {offset}",
                String::from_utf8_lossy(name)
            ),
            Problem::Excess { offset } => {
                write!(out, "bytes behind its end (at offset {offset})")
            }
            Problem::Module(name) => {
                write!(
                    out,
                    "it holds data of the module '{name}', which is not there"
                )
            }
        }
    }
}

/// Whoever turns the batches of a snapshot into keys.
pub trait Crew {
    /// Loads all batches there are.
    fn load(&self, engine: &Engine, batches: &mut Batches<'_>) -> Result<(), Problem>;
}

/// A crew of one.
pub struct Alone;

impl Crew for Alone {
    fn load(&self, engine: &Engine, batches: &mut Batches<'_>) -> Result<(), Problem> {
        while let Some(batch) = batches.next(engine)? {
            batch.load(engine)?;
        }
        Ok(())
    }
}

/// A file that is being read, and how far that is.
pub struct Source<'a> {
    name: &'a str,
    reader: Box<dyn Read + Send>,
    offset: u64,
    began: u64,
    reported: u64,
}

impl<'a> Source<'a> {
    pub fn new(engine: &Engine, name: &'a str, reader: Box<dyn Read + Send>) -> Source<'a> {
        let began = engine.host.monotonic_nanos();
        Source {
            name,
            reader,
            offset: 0,
            began,
            reported: began,
        }
    }

    /// Appends the next bytes, and returns how many these are: none at the end.
    fn read(&mut self, engine: &Engine, into: &mut Vec<u8>) -> Result<usize, Problem> {
        let bytes = match engine.config.load().persistence.key_load_delay {
            0 => READ_BYTES,
            _ => SLOW_READ_BYTES,
        };
        let start = into.len();
        into.resize(start + bytes, 0);
        let read = loop {
            match self.reader.read(&mut into[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let len = *read.as_ref().unwrap_or(&0);
        into.truncate(start + len);
        let offset = self.offset;
        read.map_err(|cause| Problem::Read { offset, cause })?;
        self.offset += len as u64;
        engine.persistence.load.advance(len as u64);
        self.report(engine);
        Ok(len)
    }

    /// Says how far loading is, every few seconds.
    fn report(&mut self, engine: &Engine) {
        let now = engine.host.monotonic_nanos();
        if now.saturating_sub(self.reported) < REPORT_NANOS {
            return;
        }
        self.reported = now;
        let figures = engine.persistence.load.figures();
        let percent = 100.0 * figures.bytes as f64 / figures.bytes_total.max(1) as f64;
        let seconds = now.saturating_sub(self.began) as f64 / 1e9;
        let rate = self.offset as f64 / seconds.max(1e-9) / 1e6;
        let line = format!(
            "Loading {}: {percent:.0}% of all data, {rate:.0} MB/s, {} keys",
            self.name, figures.keys
        );
        notice(engine, &line);
    }
}

/// The records of a snapshot that came at once.
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<rdb::Record>,
    policy: LoadPolicy,
    beside: Option<Arc<Keyspace>>,
}

impl Batch {
    /// Makes values of the records, and puts them into the keyspace. Any thread may do so.
    pub fn load(self, engine: &Engine) -> Result<(), Problem> {
        let limits = engine.value_limits();
        let mut records = Vec::with_capacity(self.records.len());
        for found in &self.records {
            match decode(&self.bytes, found, &limits).map_err(Problem::Snapshot)? {
                Some(record) => records.push(record),
                None => {
                    let key = rdb::string(&self.bytes[found.key()]).map_err(Problem::Snapshot)?;
                    let key = key.into_bytes();
                    let key = String::from_utf8_lossy(&key);
                    let line = format!("Loading RDB, skipping empty key: {key}");
                    warning(engine, &line);
                    engine.persistence.load.count_empty();
                }
            }
        }
        let delay = engine.config.load().persistence.key_load_delay;
        if delay > 0 {
            let micros = delay.unsigned_abs().saturating_mul(records.len() as u64);
            engine.host.sleep(micros);
        }
        let loaded = match &self.beside {
            Some(keyspace) => engine.load_into(keyspace, records, self.policy),
            None => engine.load(records, self.policy),
        };
        loaded.map_err(Problem::Record)
    }
}

/// A snapshot, as batches.
pub struct Batches<'a> {
    source: Source<'a>,
    scanner: Scanner,
    buffer: Vec<u8>,
    policy: LoadPolicy,
    /// What keys go into instead of the engine's own.
    beside: Option<Arc<Keyspace>>,
    history: SavedHistory,
    /// Whether what the snapshot says of itself is told to the operator.
    tells: bool,
    is_over: bool,
}

impl<'a> Batches<'a> {
    /// A snapshot that begins with the bytes of `buffer`.
    fn new(
        engine: &Engine,
        source: Source<'a>,
        buffer: Vec<u8>,
        policy: LoadPolicy,
    ) -> Batches<'a> {
        let options = ScanOptions {
            verify: engine.config.load().persistence.rdb_checksum
                && !engine.switches.skips_checksums.load(Ordering::Relaxed),
            ..ScanOptions::default()
        };
        Batches {
            source,
            scanner: Scanner::new(options),
            buffer,
            policy,
            beside: None,
            history: SavedHistory::default(),
            tells: true,
            is_over: false,
        }
    }

    /// The next records; none behind the last.
    pub fn next(&mut self, engine: &Engine) -> Result<Option<Batch>, Problem> {
        while !self.is_over {
            let mut records = Vec::new();
            while let Some(item) = self.scanner.next(&self.buffer).map_err(Problem::Snapshot)? {
                match item {
                    Item::Record(record) => records.push(record),
                    Item::End(_) => {
                        self.is_over = true;
                        break;
                    }
                    Item::Aux { name, value } => {
                        self.history.note(&name, &value);
                        if name == HIDDEN_SLOTS.as_bytes() {
                            self.hide(engine, &value);
                        }
                        if self.tells {
                            note_fact(engine, &name, &String::from_utf8_lossy(&value));
                        }
                    }
                    item if self.tells => note_item(engine, item)?,
                    _ => {}
                }
            }
            let consumed = self.scanner.take_consumed();
            let rest = self.buffer.split_off(consumed);
            let bytes = std::mem::replace(&mut self.buffer, rest);
            if !records.is_empty() {
                return Ok(Some(Batch {
                    bytes,
                    records,
                    policy: self.policy,
                    beside: self.beside.clone(),
                }));
            }
            if !self.is_over && self.source.read(engine, &mut self.buffer)? == 0 {
                self.scanner
                    .finish(&self.buffer)
                    .map_err(Problem::Snapshot)?;
                self.is_over = true;
            }
        }
        Ok(None)
    }

    /// Hides slots of the keyspace that is loaded into.
    fn hide(&self, engine: &Engine, listed: &[u8]) {
        let keyspace = self.beside.as_deref().unwrap_or(&engine.keyspace);
        let mut locked = keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        Engine::hide_loaded(&mut db, listed);
    }

    /// What is left of the file behind the snapshot.
    fn into_rest(self) -> (Source<'a>, Vec<u8>) {
        (self.source, self.buffer)
    }
}

/// Something in a snapshot that is no key.
fn note_item(engine: &Engine, item: Item) -> Result<(), Problem> {
    match item {
        Item::ModuleAux(name) => Err(Problem::Module(name)),
        Item::Function(_) => {
            let line = "Left out a library of functions: there are no functions yet";
            warning(engine, line);
            Ok(())
        }
        Item::Aux { .. }
        | Item::Select(_)
        | Item::Sizes { .. }
        | Item::Record(_)
        | Item::End(_) => Ok(()),
    }
}

fn note_fact(engine: &Engine, name: &[u8], value: &str) {
    match name {
        b"redis-ver" => {
            let line = format!("Loading RDB produced by version {value}");
            notice(engine, &line);
        }
        b"ctime" => {
            let age = value.parse().map(|at: i64| engine.now().0 / 1000 - at);
            let line = format!("RDB age {} seconds", age.unwrap_or(0).max(0));
            notice(engine, &line);
        }
        b"used-mem" => {
            let bytes = value.parse().unwrap_or(0);
            engine.persistence.load.set_memory_when_saved(bytes);
            let megabytes = bytes as f64 / f64::from(1 << 20);
            let line = format!("RDB memory usage when created {megabytes:.2} Mb");
            notice(engine, &line);
        }
        b"aof-base" if value != "0" => notice(engine, "RDB is base AOF"),
        _ => {}
    }
}

/// Loads a snapshot, and says what is behind it and of which history it is.
fn snapshot<'a>(
    engine: &Engine,
    crew: &dyn Crew,
    (source, buffer): (Source<'a>, Vec<u8>),
    (policy, beside): (LoadPolicy, Option<Arc<Keyspace>>),
) -> Result<(Source<'a>, Vec<u8>, SavedHistory), Problem> {
    let before = engine.persistence.load.figures();
    let mut batches = Batches::new(engine, source, buffer, policy);
    batches.beside = beside;
    crew.load(engine, &mut batches)?;
    let figures = engine.persistence.load.figures();
    let mut line = format!(
        "Done loading RDB, keys loaded: {}, keys expired: {}",
        figures.keys - before.keys,
        figures.keys_expired - before.keys_expired
    );
    match figures.keys_empty - before.keys_empty {
        0 => line.push('.'),
        empty => line.push_str(&format!(", empty keys skipped: {empty}.")),
    }
    notice(engine, &line);
    let history = batches.history;
    let (source, rest) = batches.into_rest();
    Ok((source, rest, history))
}

/// Loads a snapshot file. Nothing may be behind the snapshot: that would be a sign of damage.
pub fn snapshot_file(
    engine: &Engine,
    crew: &dyn Crew,
    source: Source<'_>,
) -> Result<SavedHistory, Problem> {
    let policy = match engine.config.load().replication.primary {
        Some(_) => CONTINUED,
        None => FRESH,
    };
    whole_file(engine, crew, source, (policy, None))
}

/// Loads a copy of a primary's data, or `beside` that of this node.
pub fn copy(
    engine: &Engine,
    crew: &dyn Crew,
    source: Source<'_>,
    beside: Option<Arc<Keyspace>>,
) -> Result<SavedHistory, Problem> {
    whole_file(engine, crew, source, (CONTINUED, beside))
}

fn whole_file(
    engine: &Engine,
    crew: &dyn Crew,
    source: Source<'_>,
    to: (LoadPolicy, Option<Arc<Keyspace>>),
) -> Result<SavedHistory, Problem> {
    let (mut source, mut rest, history) = snapshot(engine, crew, (source, Vec::new()), to)?;
    let offset = source.offset - rest.len() as u64;
    match rest.is_empty() && source.read(engine, &mut rest)? == 0 {
        true => Ok(history),
        false => Err(Problem::Excess { offset }),
    }
}

/// Whether a snapshot file holds any key. If `is_thorough`, all of it is looked at, and anything
/// that is wrong with it found but for what is wrong within values.
pub fn holds_keys(engine: &Engine, source: Source<'_>, is_thorough: bool) -> Result<bool, Problem> {
    let mut batches = Batches::new(engine, source, Vec::new(), CONTINUED);
    batches.tells = false;
    let mut holds_keys = false;
    while batches.next(engine)?.is_some() {
        holds_keys = true;
        if !is_thorough {
            break;
        }
    }
    Ok(holds_keys)
}

/// Loads a file of the append-only file: commands, with a snapshot before them or without.
pub fn log(engine: &Engine, crew: &dyn Crew, mut source: Source<'_>) -> Result<(), Problem> {
    let mut bytes = Vec::new();
    while Opening::of(&bytes) == Opening::Unknown {
        if source.read(engine, &mut bytes)? == 0 {
            break;
        }
    }
    let mut offset = 0;
    if Opening::of(&bytes) == Opening::Snapshot {
        notice(engine, "Reading RDB base file on AOF loading...");
        (source, bytes, _) = snapshot(engine, crew, (source, bytes), (CONTINUED, None))?;
        offset = source.offset - bytes.len() as u64;
    }
    let mut reader = Reader::new(offset);
    let mut replay = Replay::new(engine, 0);
    let replayed = run_commands(engine, &mut replay, &mut source, &mut reader, bytes);
    replay.end(engine);
    replayed
}

fn run_commands(
    engine: &Engine,
    replay: &mut Replay,
    source: &mut Source<'_>,
    reader: &mut Reader,
    mut bytes: Vec<u8>,
) -> Result<(), Problem> {
    loop {
        reader.feed(&bytes);
        loop {
            let offset = reader.offset();
            match reader.next().map_err(Problem::Log)? {
                None => break,
                Some(LogRecord::Command(arguments)) => {
                    let run = replay.run(engine, &arguments.iter().collect::<Vec<_>>());
                    run.map_err(|unknown| Problem::UnknownCommand {
                        offset,
                        name: unknown.0,
                    })?;
                }
                Some(LogRecord::Timestamp(_) | LogRecord::Annotation(_)) => {}
            }
        }
        bytes.clear();
        if source.read(engine, &mut bytes)? == 0 {
            break;
        }
    }
    match reader.end() {
        End::Clean => Ok(()),
        End::Truncated { valid, .. } => Err(Problem::Truncated { valid }),
    }
}
