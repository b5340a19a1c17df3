//! What is known about the files: loads, saves, rewrites and the append-only file.
//!
//! Whoever loads and saves reports here; `INFO`, `LASTSAVE` and the gates read. A gate asks one
//! byte ([`Persistence::hindrances`]), which is nothing as long as all is well.

use std::ops::BitOr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use keyspace::{DbIndex, Lapsed};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::sync::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Mutex};

/// Why commands may have to be refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hindrances(u8);

impl Hindrances {
    pub const NONE: Hindrances = Hindrances(0);
    /// Data is being loaded.
    pub const LOADING: Hindrances = Hindrances(1);
    /// The last background save failed.
    pub const SAVE_FAILED: Hindrances = Hindrances(1 << 1);
    /// The append-only file cannot be written.
    pub const LOG_FAILED: Hindrances = Hindrances(1 << 2);
    /// Other data is being loaded, to take the place of what is there.
    pub const LOADING_BESIDE: Hindrances = Hindrances(1 << 3);

    #[inline]
    pub fn has(self, any: Hindrances) -> bool {
        self.0 & any.0 != 0
    }
}

impl BitOr for Hindrances {
    type Output = Hindrances;

    fn bitor(self, other: Hindrances) -> Hindrances {
        Hindrances(self.0 | other.0)
    }
}

#[derive(Debug, Default)]
pub struct Persistence {
    hindrances: AtomicU8,
    /// Copies on their way that are to be loaded beside the data.
    copies_beside: AtomicUsize,
    pub load: Load,
    pub progress: Progress,
    pub log_file: LogFile,
    saves: Mutex<Saves>,
    rewrites: Mutex<Rewrites>,
}

/// The data that is being loaded, or was last.
#[derive(Debug, Default)]
pub struct Load {
    started_ms: AtomicI64,
    bytes_total: AtomicU64,
    bytes: AtomicU64,
    memory_when_saved: AtomicU64,
    keys: AtomicU64,
    keys_expired: AtomicU64,
    keys_empty: AtomicU64,
    lapsed: Mutex<Vec<Lapsed>>,
}

/// A [`Load`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadFigures {
    pub started: UnixMillis,
    /// How long the files are.
    pub bytes_total: u64,
    pub bytes: u64,
    /// The memory that the snapshot's data took where it was saved, as the snapshot says.
    pub memory_when_saved: u64,
    pub keys: u64,
    /// Keys that were left out because they were past their expiry.
    pub keys_expired: u64,
    /// Keys that were left out because they held collections of nothing.
    pub keys_empty: u64,
}

impl Load {
    /// Counts bytes that were read.
    pub fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub fn set_memory_when_saved(&self, bytes: u64) {
        self.memory_when_saved.store(bytes, Relaxed);
    }

    /// Counts keys of a snapshot, and those of them that were left out.
    pub fn count(&self, keys: u64, keys_expired: u64) {
        self.keys.fetch_add(keys, Relaxed);
        self.keys_expired.fetch_add(keys_expired, Relaxed);
    }

    /// Counts a key that was left out, for it held a collection of nothing.
    pub fn count_empty(&self) {
        self.keys_empty.fetch_add(1, Relaxed);
    }

    /// Notes a key that was left out because it was past its expiry.
    pub(crate) fn note_lapsed(&self, db: DbIndex, key: &[u8]) {
        let key = key.into();
        self.lapsed.lock().push(Lapsed { db, key });
    }

    /// The keys that were noted.
    pub fn take_lapsed(&self) -> Vec<Lapsed> {
        std::mem::take(&mut *self.lapsed.lock())
    }

    pub fn figures(&self) -> LoadFigures {
        LoadFigures {
            started: UnixMillis(self.started_ms.load(Relaxed)),
            bytes_total: self.bytes_total.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            memory_when_saved: self.memory_when_saved.load(Relaxed),
            keys: self.keys.load(Relaxed),
            keys_expired: self.keys_expired.load(Relaxed),
            keys_empty: self.keys_empty.load(Relaxed),
        }
    }

    pub(crate) fn begin(&self, now: UnixMillis, bytes_total: u64) {
        self.started_ms.store(now.0, Relaxed);
        self.bytes_total.store(bytes_total, Relaxed);
        let from_zero = [
            &self.bytes,
            &self.memory_when_saved,
            &self.keys,
            &self.keys_expired,
            &self.keys_empty,
        ];
        from_zero.iter().for_each(|figure| figure.store(0, Relaxed));
    }
}

/// How far the snapshot under way is, whoever has it taken.
#[derive(Debug, Default)]
pub struct Progress {
    pub keys: AtomicUsize,
    pub keys_total: AtomicUsize,
    /// Bytes of the values that writers had to copy.
    pub copied_bytes: AtomicUsize,
}

impl Progress {
    fn reset(&self) {
        let figures = [&self.keys, &self.keys_total, &self.copied_bytes];
        figures.iter().for_each(|figure| figure.store(0, Relaxed));
    }
}

/// The append-only file. What changes with every write is atomic.
#[derive(Debug, Default)]
pub struct LogFile {
    enabled: AtomicU8,
    /// Bytes of all its parts.
    pub bytes: AtomicU64,
    /// Bytes of all its parts after the last rewrite or start.
    pub base_bytes: AtomicU64,
    /// Bytes that are to be written yet.
    pub buffered_bytes: AtomicU64,
    /// Syncs that run in the background.
    pub pending_syncs: AtomicU64,
    /// Writes that had to wait for one.
    pub delayed_syncs: AtomicU64,
    write_error: Mutex<Option<String>>,
}

impl LogFile {
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed) != 0
    }

    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(u8::from(enabled), Relaxed);
    }

    /// The system's words on why the last write failed, if it did.
    pub fn write_error(&self) -> Option<String> {
        self.write_error.lock().clone()
    }
}

/// How something ended that ran in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
    /// It was called off, which is no failure.
    Abandoned,
}

/// The saves so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saves {
    /// When the background save under way began.
    pub started: Option<UnixMillis>,
    /// One is to begin once nothing else is under way.
    pub scheduled: bool,
    /// When the data was last saved, or the server began.
    pub last_done: UnixMillis,
    /// When a background save was last tried.
    pub last_tried: UnixMillis,
    /// Whether the last background save succeeded.
    pub last_ok: bool,
    /// How long the last background save took.
    pub last_seconds: Option<i64>,
    pub last_copied_bytes: usize,
    pub count: u64,
    /// Those of them that ran in the background.
    pub background_count: u64,
    /// All changes when the save under way began.
    changes_at_start: u64,
}

impl Default for Saves {
    fn default() -> Saves {
        Saves {
            started: None,
            scheduled: false,
            last_done: UnixMillis(0),
            last_tried: UnixMillis(0),
            last_ok: true,
            last_seconds: None,
            last_copied_bytes: 0,
            count: 0,
            background_count: 0,
            changes_at_start: 0,
        }
    }
}

/// The rewrites of the append-only file so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrites {
    /// When the rewrite under way began.
    pub started: Option<UnixMillis>,
    /// One is to begin once nothing else is under way.
    pub scheduled: bool,
    pub last_ok: bool,
    pub last_seconds: Option<i64>,
    pub last_copied_bytes: usize,
    pub count: u64,
    pub failures_in_a_row: u64,
}

impl Default for Rewrites {
    fn default() -> Rewrites {
        Rewrites {
            started: None,
            scheduled: false,
            last_ok: true,
            last_seconds: None,
            last_copied_bytes: 0,
            count: 0,
            failures_in_a_row: 0,
        }
    }
}

impl Persistence {
    /// `now` counts as the last save: there is nothing yet to be saved.
    pub(crate) fn new(now: UnixMillis) -> Persistence {
        let persistence = Persistence::default();
        persistence.saves.lock().last_done = now;
        persistence
    }

    #[inline]
    pub fn hindrances(&self) -> Hindrances {
        Hindrances(self.hindrances.load(Acquire))
    }

    fn hinder(&self, hindrance: Hindrances, is_there: bool) {
        match is_there {
            true => self.hindrances.fetch_or(hindrance.0, AcqRel),
            false => self.hindrances.fetch_and(!hindrance.0, AcqRel),
        };
    }

    pub fn is_loading(&self) -> bool {
        self.hindrances().has(Hindrances::LOADING)
    }

    pub fn saves(&self) -> Saves {
        self.saves.lock().clone()
    }

    pub fn rewrites(&self) -> Rewrites {
        self.rewrites.lock().clone()
    }

    /// Counts a save that somebody waits for, however it will end.
    pub fn count_save(&self) {
        self.saves.lock().count += 1;
    }

    pub fn schedule_save(&self, scheduled: bool) {
        self.saves.lock().scheduled = scheduled;
    }

    pub fn schedule_rewrite(&self, scheduled: bool) {
        self.rewrites.lock().scheduled = scheduled;
    }

    /// From now on commands that cannot do without the data are refused. `bytes_total` is how long
    /// the files are.
    pub fn begin_load(&self, now: UnixMillis, bytes_total: u64) {
        self.load.begin(now, bytes_total);
        self.hinder(Hindrances::LOADING, true);
    }

    pub fn end_load(&self) {
        self.hinder(Hindrances::LOADING, false);
    }

    /// As [`Persistence::begin_load`], of data beside what is there: only what would meddle with
    /// that is refused.
    pub fn begin_load_beside(&self, now: UnixMillis, bytes_total: u64) {
        self.load.begin(now, bytes_total);
        self.hinder(Hindrances::LOADING_BESIDE, true);
    }

    pub fn end_load_beside(&self) {
        self.hinder(Hindrances::LOADING_BESIDE, false);
    }

    /// A copy begins to arrive that is to be loaded beside what is there. Nothing is refused yet.
    pub fn begin_copy_beside(&self, now: UnixMillis) {
        self.load.begin(now, 0);
        self.copies_beside.fetch_add(1, AcqRel);
    }

    pub fn end_copy_beside(&self) {
        self.copies_beside.fetch_sub(1, AcqRel);
    }

    /// Whether other data arrives or is loaded, to take the place of what is there.
    pub fn is_loading_beside(&self) -> bool {
        self.hindrances().has(Hindrances::LOADING_BESIDE) || self.copies_beside.load(Acquire) > 0
    }

    pub fn begin_rewrite(&self, now: UnixMillis) {
        let mut rewrites = self.rewrites.lock();
        (rewrites.started, rewrites.scheduled) = (Some(now), false);
        rewrites.count += 1;
    }

    pub fn end_rewrite(&self, now: UnixMillis, outcome: Outcome) {
        let mut rewrites = self.rewrites.lock();
        rewrites.last_seconds = rewrites.started.take().map(|began| seconds(began, now));
        rewrites.last_copied_bytes = self.progress.copied_bytes.load(Relaxed);
        match outcome {
            Outcome::Done => (rewrites.last_ok, rewrites.failures_in_a_row) = (true, 0),
            Outcome::Failed => {
                rewrites.last_ok = false;
                rewrites.failures_in_a_row += 1;
            }
            Outcome::Abandoned => {}
        }
        self.progress.reset();
    }

    /// Notes how writing the append-only file went: the system's words if it failed.
    pub fn note_log_write(&self, error: Option<String>) {
        let failed = error.is_some();
        *self.log_file.write_error.lock() = error;
        self.hinder(Hindrances::LOG_FAILED, failed);
    }
}

/// Reports of saves: which changes are saved by them is what the engine counts.
impl Engine {
    /// Changes of data that no save has seen.
    pub fn unsaved_changes(&self) -> u64 {
        let saved = self.stats.dirty_at_save.load(Relaxed);
        self.stats.totals().dirty.saturating_sub(saved)
    }

    /// A save in the background begins: what is changed from now on is not in it.
    pub fn begin_background_save(&self) {
        let now = self.now();
        let mut saves = self.persistence.saves.lock();
        (saves.started, saves.scheduled, saves.last_tried) = (Some(now), false, now);
        saves.changes_at_start = self.stats.totals().dirty;
        saves.count += 1;
        saves.background_count += 1;
    }

    pub fn end_background_save(&self, outcome: Outcome) {
        let now = self.now();
        let persistence = &self.persistence;
        let mut saves = persistence.saves.lock();
        saves.last_seconds = saves.started.take().map(|began| seconds(began, now));
        saves.last_copied_bytes = persistence.progress.copied_bytes.load(Relaxed);
        match outcome {
            Outcome::Done => {
                (saves.last_ok, saves.last_done) = (true, now);
                let changes = saves.changes_at_start;
                self.stats.dirty_at_save.store(changes, Relaxed);
                persistence.hinder(Hindrances::SAVE_FAILED, false);
            }
            Outcome::Failed => {
                saves.last_ok = false;
                persistence.hinder(Hindrances::SAVE_FAILED, true);
            }
            Outcome::Abandoned => {}
        }
        persistence.progress.reset();
    }

    /// Everything as it was after `changes` changes is saved, by somebody who waited for it.
    pub fn note_save(&self, changes: u64) {
        let mut saves = self.persistence.saves.lock();
        (saves.last_ok, saves.last_done) = (true, self.now());
        self.stats.dirty_at_save.store(changes, Relaxed);
        self.persistence.hinder(Hindrances::SAVE_FAILED, false);
    }

    /// What is there now is what the files hold: nothing is unsaved.
    pub fn note_loaded(&self) {
        let changes = self.stats.totals().dirty;
        self.stats.dirty_at_save.store(changes, Relaxed);
    }
}

fn seconds(from: UnixMillis, to: UnixMillis) -> i64 {
    (to.0 - from.0).max(0) / 1000
}
