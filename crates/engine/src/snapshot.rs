//! Writing all data as it is at one moment, while it goes on changing.
//!
//! [`Engine::begin_snapshot`] marks the moment under all locks; [`Snapshot::step`] then takes slot
//! after slot, each under its shard's lock alone, and appends what it holds to a buffer. Slots are
//! visited so that all shards get on evenly, and every visit takes along what writers had to copy
//! in that shard since the last: copies never wait for long, and are written without any lock. So
//! are the small strings of a slot: under the lock they are only copied.
//!
//! ```text
//!   slot      0    1    2  …  255  256  257  …            16383
//!   shard     0    1    2  …  255    0    1  …              255   one lock each, for one slot
//! ```
//!
//! A large collection is written in steps, too, under its shard's lock for one step at a time:
//! the keyspace freezes it, and shows what it held.
//!
//! Whoever holds every lock until the end needs no marks: [`Snapshot::under_locks`].

use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use ::persistence::aof::commands::LargeKey;
use ::persistence::rdb::{self, WriteOptions, Writer};
use ::persistence::{ValueRef, aof};
use config::Config;
use datatypes::{Hash, List, Set, Shown, SortedSet, Text};
use keyspace::{
    Copies, Db, DbIndex, Entry, Expire, FrozenHead, Kind, Locked, Recall, SHARDS, SLOTS, Saved,
    ShardSet, Slot,
};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::dispatch::recall;

/// As what a snapshot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A snapshot file.
    Rdb,
    /// Commands that make the same data.
    Commands,
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub keys: usize,
    pub keys_total: usize,
}

/// The name under which a snapshot file lists the slots whose keys nobody is shown.
pub const HIDDEN_SLOTS: &str = "hidden-slots";

/// A snapshot that is being written. One that was begun by [`Engine::begin_snapshot`] must come to
/// its end or be abandoned: until then there is no other.
#[must_use]
pub struct Snapshot {
    writing: Box<Writing>,
    next_slot: usize,
    /// The small strings of a slot, which are not written yet: who waits for the lock does not wait
    /// for that.
    taken: Copies,
    /// What writers saved that is not written yet.
    saved: Saved,
    /// The large collection that is being written.
    large: Option<Large>,
    /// A shard whose large collections have waited since its last visit.
    with_large: Option<usize>,
    /// Whether the moment is marked, and not every lock held.
    is_marked: bool,
    stage: Stage,
}

/// Where a large collection is that is being written.
enum Large {
    InShard(usize),
    /// In no db any more.
    Saved(Entry),
}

/// Elements of a large collection that are written under the lock at once.
pub(crate) const ELEMENTS_AT_ONCE: usize = 250;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Keys,
    Over,
}

/// What is written, and how far.
struct Writing {
    form: Output,
    /// The large collection that is being written as commands.
    large: Option<LargeKey>,
    aux: Vec<(String, String)>,
    /// The slots whose keys nobody is shown.
    hidden: Vec<u16>,
    recall: Recall,
    known: KnownUse,
    /// The keys of each db, and how many of them expire, until the db is first written of.
    sizes: Vec<Option<(usize, usize)>>,
    /// The db that is written of.
    selected: Option<DbIndex>,
    progress: Progress,
}

enum Output {
    Rdb(Writer),
    Commands,
}

/// What is written about the use of keys: what the policy of eviction chooses by.
#[derive(Clone, Copy)]
enum KnownUse {
    Nothing,
    Recency,
    Frequency,
}

impl Engine {
    /// Makes this the moment of a snapshot, and runs `at_moment` there, under all locks. `None`
    /// while another is being taken. `aux` are the fields at the head of a snapshot file.
    pub fn begin_snapshot(
        &self,
        form: Form,
        aux: &[(&str, String)],
        at_moment: impl FnOnce(&Locked<'_>),
    ) -> Option<Snapshot> {
        if self.snapshot_taken.swap(1, AcqRel) != 0 {
            return None;
        }
        let mut locked = self.keyspace.lock(ShardSet::ALL);
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        let mut snapshot = Snapshot::under_locks(self, &mut db, form, aux);
        snapshot.is_marked = true;
        locked.mark_snapshot();
        at_moment(&locked);
        Some(snapshot)
    }
}

/// A whole snapshot file of no data.
pub fn of_nothing(engine: &Engine, aux: &[(&str, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Output::Rdb(mut writer) = Output::new(Form::Rdb, &engine.config.load()) {
        writer.header(&mut bytes);
        for (name, value) in aux {
            writer.aux(name, value.as_bytes(), &mut bytes);
        }
        writer.end(0, &mut bytes);
    }
    bytes
}

impl Engine {
    /// Has no snapshot begin until [`Engine::allow_snapshots`]. Returns false while one is being
    /// taken.
    pub fn hold_off_snapshots(&self) -> bool {
        self.snapshot_taken.swap(1, AcqRel) == 0
    }

    pub fn allow_snapshots(&self) {
        self.snapshot_taken.store(0, Release);
    }
}

impl Snapshot {
    /// A snapshot for whoever holds every lock until it is written, by [`Snapshot::step_under`].
    pub fn under_locks(
        engine: &Engine,
        db: &mut Db<'_>,
        form: Form,
        aux: &[(&str, String)],
    ) -> Snapshot {
        let config = engine.config.load();
        let here = db.index();
        let sizes: Vec<Option<(usize, usize)>> = (0..engine.keyspace.dbs())
            .map(|index| {
                db.select(DbIndex(index));
                Some(db.count())
            })
            .collect();
        db.select(here);
        let progress = Progress {
            keys: 0,
            keys_total: sizes.iter().flatten().map(|(keys, _)| keys).sum(),
        };
        let shared = &engine.persistence.progress;
        shared.keys.store(0, Relaxed);
        shared.keys_total.store(progress.keys_total, Relaxed);
        shared.copied_bytes.store(0, Relaxed);
        let owned = |(name, value): &(&str, String)| (String::from(*name), value.clone());
        Snapshot {
            writing: Box::new(Writing {
                form: Output::new(form, &config),
                large: None,
                aux: aux.iter().map(owned).collect(),
                hidden: db.hidden_slots().iter().map(|slot| slot.number()).collect(),
                recall: recall(&config, || 0),
                known: KnownUse::of(&config),
                sizes,
                selected: None,
                progress,
            }),
            next_slot: 0,
            taken: Copies::default(),
            saved: Saved::default(),
            large: None,
            with_large: None,
            is_marked: false,
            stage: Stage::Head,
        }
    }

    /// Adds a field to the head, of which nothing is written yet.
    pub fn add_fact(&mut self, name: &str, value: String) {
        debug_assert!(self.stage == Stage::Head, "the head is written first");
        self.writing.aux.push((name.to_owned(), value));
    }

    /// Appends about `bytes` to `into`. Returns false when the end is written.
    pub fn step(&mut self, engine: &Engine, bytes: usize, into: &mut Vec<u8>) -> bool {
        let mut locked = engine.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        self.advance(engine, &mut db, bytes, into, |db, slot, saved, take| {
            db.take_snapshot_slot(slot, saved, take);
        });
        engine.garbage.add(locked.take_discarded());
        if self.stage == Stage::Over {
            engine.snapshot_taken.store(0, Release);
        }
        self.stage != Stage::Over
    }

    /// As [`Snapshot::step`], of one that was begun under all locks, which are still held.
    pub fn step_under(
        &mut self,
        engine: &Engine,
        db: &mut Db<'_>,
        bytes: usize,
        into: &mut Vec<u8>,
    ) -> bool {
        self.advance(engine, db, bytes, into, |db, slot, _, take| {
            db.show_slot(slot, take);
        });
        self.stage != Stage::Over
    }

    fn advance(
        &mut self,
        engine: &Engine,
        db: &mut Db<'_>,
        bytes: usize,
        into: &mut Vec<u8>,
        visit: impl Fn(&mut Db<'_>, Slot, &mut Saved, &mut dyn FnMut((DbIndex, &Entry))),
    ) {
        let start = into.len();
        let full = start.saturating_add(bytes.max(1));
        if self.stage == Stage::Head {
            self.writing.head(into);
            self.stage = Stage::Keys;
        }
        let (shared, now) = (&engine.persistence.progress, db.now());
        while self.stage == Stage::Keys && into.len() < full {
            if self.large.is_some() {
                self.write_elements(db, into);
            } else if let Some(shard) = self.with_large {
                self.begin_next_large(db, shard, into);
            } else if self.write_copy(now, into) {
                continue;
            } else if let Some((index, entry)) = self.saved.next() {
                self.write_saved(index, entry, now, into);
            } else if self.next_slot < SLOTS {
                let slot = Slot::new(self.next_slot as u16);
                let (taken, writing) = (&mut self.taken, &mut self.writing);
                visit(db, slot, &mut self.saved, &mut |(index, entry)| {
                    if taken.push(index, entry).is_none() {
                        writing.entry(index, entry, now, into);
                    }
                });
                self.with_large = self.is_marked.then_some(slot.shard());
                self.next_slot += 1;
                let copied = self.saved.copied_bytes();
                shared.copied_bytes.fetch_add(copied, Relaxed);
            } else {
                self.writing.end(start, into);
                self.stage = Stage::Over;
            }
        }
        if self.stage != Stage::Over {
            self.writing.sum(&into[start..]);
        }
        shared.keys.store(self.writing.progress.keys, Relaxed);
    }

    /// Writes one of the small strings that were copied. Returns whether any was left.
    fn write_copy(&mut self, now: UnixMillis, into: &mut Vec<u8>) -> bool {
        let writing = &mut self.writing;
        let mut write = |(index, entry): (DbIndex, &Entry)| writing.entry(index, entry, now, into);
        self.taken.show_next(&mut write) || self.saved.show_copy(&mut write)
    }

    fn write_saved(
        &mut self,
        index: DbIndex,
        mut entry: Entry,
        now: UnixMillis,
        into: &mut Vec<u8>,
    ) {
        if !entry.freeze() {
            return self.writing.entry(index, &entry, now, into);
        }
        let (head, len) = (entry.without_elements(), entry.elements());
        self.writing.begin_large(index, &head, len, now, into);
        self.large = Some(Large::Saved(entry));
    }

    /// Begins with the next large collection that waits in a shard, if any does.
    fn begin_next_large(&mut self, db: &mut Db<'_>, shard: usize, into: &mut Vec<u8>) {
        match db.next_frozen(shard) {
            None => self.with_large = None,
            Some(FrozenHead {
                db: index,
                entry,
                len,
            }) => {
                self.writing.begin_large(index, &entry, len, db.now(), into);
                self.large = Some(Large::InShard(shard));
            }
        }
    }

    fn write_elements(&mut self, db: &mut Db<'_>, into: &mut Vec<u8>) {
        let (Some(large), writing) = (&mut self.large, &mut self.writing) else {
            return;
        };
        let mut write = |element: Shown<'_>| writing.element(element, into);
        let more = match large {
            Large::InShard(shard) => db.show_frozen(*shard, ELEMENTS_AT_ONCE, &mut write),
            Large::Saved(entry) => entry.show_frozen(ELEMENTS_AT_ONCE, &mut write),
        };
        if !more {
            self.large = None;
            self.writing.end_large(into);
        }
    }

    pub fn progress(&self) -> Progress {
        self.writing.progress
    }

    /// Gives up a snapshot that was begun by [`Engine::begin_snapshot`], before its end.
    pub fn abandon(self, engine: &Engine) {
        if self.stage == Stage::Over {
            return;
        }
        let mut locked = engine.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        for slot in self.next_slot..SLOTS {
            drop(db.abandon_snapshot_slot(Slot::new(slot as u16)));
        }
        for shard in 0..SHARDS {
            while db.abandon_frozen(shard, ELEMENTS_AT_ONCE) {}
        }
        engine.garbage.add(locked.take_discarded());
        engine.snapshot_taken.store(0, Release);
    }
}

impl Output {
    fn new(form: Form, config: &Config) -> Output {
        match form {
            Form::Rdb => Output::Rdb(Writer::new(WriteOptions {
                compress: config.persistence.rdb_compression,
                checksum: config.persistence.rdb_checksum,
            })),
            Form::Commands => Output::Commands,
        }
    }
}

impl KnownUse {
    fn of(config: &Config) -> KnownUse {
        let policy = config.memory.policy;
        match (policy.keeps_recency(), policy.keeps_frequency()) {
            (true, _) => KnownUse::Recency,
            (_, true) => KnownUse::Frequency,
            _ => KnownUse::Nothing,
        }
    }
}

impl Writing {
    fn head(&mut self, into: &mut Vec<u8>) {
        let is_all_shown = self.hidden.is_empty();
        match &mut self.form {
            Output::Rdb(writer) => {
                writer.header(into);
                for (name, value) in &self.aux {
                    writer.aux(name, value.as_bytes(), into);
                }
                if !is_all_shown {
                    let slots: Vec<String> = self.hidden.iter().map(u16::to_string).collect();
                    writer.aux(HIDDEN_SLOTS, slots.join(" ").as_bytes(), into);
                }
            }
            Output::Commands if is_all_shown => {}
            Output::Commands => aof::commands::write_hidden(&self.hidden, into),
        }
    }

    /// Notes a piece that is written.
    fn sum(&mut self, piece: &[u8]) {
        if let Output::Rdb(writer) = &mut self.form {
            writer.sum(piece);
        }
    }

    /// Writes the end. The last piece begins at `start`.
    fn end(&mut self, start: usize, into: &mut Vec<u8>) {
        if let Output::Rdb(writer) = &mut self.form {
            writer.end(start, into);
        }
    }

    fn entry(&mut self, index: DbIndex, entry: &Entry, now: UnixMillis, into: &mut Vec<u8>) {
        self.begin_entry(index, into);
        let (usage, form) = (self.usage(entry, now), &mut self.form);
        let expiry = entry.expiry().map(|at| at.0);
        with_value(entry, |value| match form {
            Output::Rdb(writer) => writer.record(&record(entry, value, usage), into),
            Output::Commands => aof::commands::write_key(entry.key(), &value, expiry, into),
        });
    }

    /// Begins a collection of `len` elements; `head` is all but these.
    fn begin_large(
        &mut self,
        index: DbIndex,
        head: &Entry,
        len: usize,
        now: UnixMillis,
        into: &mut Vec<u8>,
    ) {
        self.begin_entry(index, into);
        let usage = self.usage(head, now);
        self.large = with_value(head, |value| match &mut self.form {
            Output::Rdb(writer) => {
                writer.begin_large(&record(head, value, usage), len as u64, into);
                None
            }
            Output::Commands => {
                let expiry = head.expiry().map(|at| at.0);
                Some(LargeKey::new(head.key(), &value, expiry, len))
            }
        });
    }

    fn element(&mut self, element: Shown<'_>, into: &mut Vec<u8>) {
        match (&mut self.form, &mut self.large) {
            (Output::Rdb(writer), _) => writer.element(element, into),
            (_, Some(large)) => large.element(element, into),
            (_, None) => unreachable!("elements are those of a collection"),
        }
    }

    fn end_large(&mut self, into: &mut Vec<u8>) {
        if let Some(large) = self.large.take() {
            large.end(into);
        }
    }

    fn begin_entry(&mut self, index: DbIndex, into: &mut Vec<u8>) {
        if self.selected != Some(index) {
            self.select(index, into);
        }
        self.progress.keys += 1;
    }

    fn select(&mut self, index: DbIndex, into: &mut Vec<u8>) {
        self.selected = Some(index);
        let at = usize::from(index.0);
        match &mut self.form {
            Output::Rdb(writer) => {
                writer.select(at as u64, into);
                // Told once: whoever loads makes room for all of the db's keys.
                if let Some((keys, volatile)) = self.sizes.get_mut(at).and_then(Option::take) {
                    writer.sizes(keys as u64, volatile as u64, into);
                }
            }
            Output::Commands => aof::commands::write_select(at, into),
        }
    }

    fn usage(&self, entry: &Entry, now: UnixMillis) -> rdb::Usage {
        let access = entry.access();
        match self.known {
            KnownUse::Nothing => rdb::Usage::Unknown,
            KnownUse::Recency => rdb::Usage::Idle(self.recall.idle_seconds(access, now).into()),
            KnownUse::Frequency => rdb::Usage::Frequency(self.recall.frequency(access, now)),
        }
    }
}

fn record<'a>(entry: &'a Entry, value: ValueRef<'a>, usage: rdb::Usage) -> rdb::Entry<'a> {
    rdb::Entry {
        key: Text::Bytes(entry.key()),
        value,
        expiry: entry.expiry().map(|at| at.0),
        usage,
    }
}

/// Gives `write` what an entry holds.
pub fn with_value<R>(entry: &Entry, write: impl FnOnce(ValueRef<'_>) -> R) -> R {
    const KNOWN: &str = "an entry holds what its kind says";
    match entry.kind() {
        Kind::String => write(ValueRef::String(entry.text())),
        Kind::List => write(ValueRef::List(&entry.value::<List>().expect(KNOWN))),
        Kind::Set => write(ValueRef::Set(&entry.value::<Set>().expect(KNOWN))),
        Kind::SortedSet => write(ValueRef::SortedSet(
            &entry.value::<SortedSet>().expect(KNOWN),
        )),
        Kind::Hash => write(ValueRef::Hash(&entry.value::<Hash>().expect(KNOWN))),
    }
}
