//! Keeps what the engine holds in files: what is shared between all who take part.
//!
//! ```text
//!   connections   flush the log before their replies leave, or wait for a sync
//!   one thread    syncs
//!   one thread    runs the jobs: saves and rewrites (see `jobs`)
//!   commands      ask for jobs, or save on the spot
//! ```
//!
//! Whoever asks for a job has it counted as under way at once, for nobody may begin another then.
//! Its thread takes it up a moment later.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use config::{AppendFsync, Config};
use engine::Engine;
use engine::host::{LogLevel, Produce, Refused, SaveError, Shutdown, ShutdownFailed, Started};
use engine::snapshot::{Form, Snapshot, of_nothing};
use keyspace::{DbIndex, Expire, ShardSet};
use parking_lot::Mutex;
use persistence::aof::annotation;
use persistence::aof::names::{temporary_base, temporary_snapshot};
use persistence::aof::plan::abandon_temporary_increment;
use persistence::aof::{Format, Manifest, Names};

use crate::log_file::{Flushed, Increment, LogFile, Notes, Now};
use crate::replication::{Replication, SavedHistory};
use crate::rewrite::perform;
use crate::save::SaveJob;
use crate::storage::{Failure, Lock, Storage, remove_if_there};

/// Bytes of a snapshot between two looks at whether it is still wanted.
const STEP_BYTES: usize = 256 * 1024;

/// Looks at a job that was called off are so far apart.
const LOOK_MICROS: u64 = 1_000;

/// Whoever lingers looks so often whether it is still wanted.
const LINGER_MICROS: u64 = 5_000;

pub struct Keeper {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) names: Names,
    pub(crate) process: u32,
    pub log_file: LogFile,
    pub(crate) set: Mutex<LogSet>,
    pub(crate) wanted: Mutex<Wanted>,
    /// The job under way is to be given up.
    pub(crate) called_off: AtomicBool,
    /// The job under way is to fail once it has begun.
    pub(crate) is_to_fail: AtomicBool,
    /// Whether there is a job that may hold marks in the keyspace.
    pub(crate) is_busy: AtomicBool,
    /// The process ends: no job begins any more.
    pub(crate) is_ending: AtomicBool,
    /// How many hold a [`LogPause`].
    log_pauses: AtomicUsize,
    /// Held by whoever saves on the spot, from before the locks of the keyspace.
    saving: Mutex<()>,
    /// Which history the snapshot file that was loaded at the start is of.
    pub(crate) saved_history: Mutex<SavedHistory>,
    replication: OnceLock<Weak<Replication>>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// The files that make up the append-only file.
#[derive(Default)]
pub(crate) struct LogSet {
    pub manifest: Manifest,
    pub current: Option<Arc<Increment>>,
    /// The current increment is not listed yet: the log was switched on, and has no base.
    pub is_temporary: bool,
    /// The bytes of the set after its last rewrite or at the start, and how much the log file had
    /// written by then.
    pub settled_bytes: u64,
    pub bytes_at_settling: u64,
    /// Keeps other servers out of the folder.
    pub lock: Option<Box<dyn Lock>>,
}

/// Jobs that were asked for and have not been taken up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub save: bool,
    pub rewrite: bool,
}

impl Keeper {
    pub fn new(storage: Arc<dyn Storage>, config: &Config, process: u32) -> Keeper {
        let persistence = &config.persistence;
        let folder = persistence.append_dirname.to_string();
        let names = Names::new(folder, persistence.append_filename.to_string());
        Keeper {
            log_file: LogFile::new(Arc::clone(&storage)),
            storage,
            names,
            process,
            set: Mutex::default(),
            wanted: Mutex::default(),
            called_off: AtomicBool::new(false),
            is_to_fail: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            log_pauses: AtomicUsize::new(0),
            saving: Mutex::default(),
            saved_history: Mutex::default(),
            replication: OnceLock::new(),
            wake: OnceLock::new(),
        }
    }

    /// How to wake whoever runs the jobs.
    pub fn set_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        // There is one who runs them.
        drop(self.wake.set(Box::new(wake)));
    }

    fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// What a snapshot says about itself.
    pub(crate) fn facts(&self, engine: &Engine, is_base: bool) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("redis-ver", "7.0.15".to_owned()),
            ("redis-bits", "64".to_owned()),
            ("ctime", (engine.now().0 / 1000).to_string()),
            ("used-mem", engine.host.memory_used().to_string()),
        ];
        if is_base {
            facts.push(("aof-base", "1".to_owned()));
        }
        facts
    }

    /// Which history a snapshot of this moment is of. Every lock is held.
    fn history_facts(&self, engine: &Engine) -> Vec<(&'static str, String)> {
        let replication = self.replication.get().and_then(Weak::upgrade);
        replication.map_or_else(Vec::new, |replication| replication.facts(engine))
    }

    /// Begins a snapshot for the snapshot file. `None` while another is being taken.
    pub(crate) fn begin_snapshot(&self, engine: &Engine) -> Option<Snapshot> {
        let (facts, mut own_facts) = (self.facts(engine, false), Vec::new());
        let mut snapshot = engine.begin_snapshot(Form::Rdb, &facts, |_| {
            own_facts = self.history_facts(engine);
        })?;
        for (name, value) in own_facts {
            snapshot.add_fact(name, value);
        }
        Some(snapshot)
    }

    /// What replication is asked of which history the data is.
    pub fn set_replication(&self, replication: &Arc<Replication>) {
        // It is set once.
        drop(self.replication.set(Arc::downgrade(replication)));
    }

    /// Appends a piece of a snapshot, and returns whether there is more.
    pub(crate) fn produce(
        &self,
        engine: &Engine,
        snapshot: &mut Snapshot,
        into: &mut Vec<u8>,
    ) -> bool {
        if engine.config.load().persistence.key_save_delay == 0 {
            return snapshot.step(engine, STEP_BYTES, into);
        }
        let before = snapshot.progress().keys;
        let more = snapshot.step(engine, 1, into);
        self.linger(engine, snapshot.progress().keys - before);
        more
    }

    /// Takes the time that `rdb-key-save-delay` wants for so many keys, unless the job is called
    /// off meanwhile.
    fn linger(&self, engine: &Engine, keys: usize) {
        let (delay, keys) = (engine.config.load().persistence.key_save_delay, keys as u64);
        let mut left = match u64::try_from(delay) {
            Ok(micros) => micros.saturating_mul(keys),
            // Some microseconds for so many keys.
            Err(_) => keys / delay.unsigned_abs(),
        };
        let is_unwanted =
            || self.called_off.load(Ordering::Acquire) || self.is_to_fail.load(Ordering::Acquire);
        while left > 0 && !is_unwanted() {
            let piece = left.min(LINGER_MICROS);
            engine.host.sleep(piece);
            left -= piece;
        }
    }

    /// As [`Keeper::produce`], for whoever holds every lock.
    pub(crate) fn produce_under(
        &self,
        engine: &Engine,
        snapshot: &mut Snapshot,
        db: &mut keyspace::Db<'_>,
        into: &mut Vec<u8>,
    ) -> bool {
        if engine.config.load().persistence.key_save_delay == 0 {
            return snapshot.step_under(engine, db, STEP_BYTES, into);
        }
        let before = snapshot.progress().keys;
        let more = snapshot.step_under(engine, db, 1, into);
        self.linger(engine, snapshot.progress().keys - before);
        more
    }
}

/// The snapshot file, on the spot.
impl Keeper {
    /// Saves all data before it returns. No lock is held.
    pub fn save(&self, engine: &Engine) -> Result<(), SaveError> {
        let _saving = self.saving.lock();
        if engine.persistence.saves().started.is_some() {
            return Err(SaveError::Busy);
        }
        let changes = engine.stats.totals().dirty;
        match self.begin_snapshot(engine) {
            Some(mut snapshot) => {
                let mut more = true;
                let written = self.write_snapshot(engine, &mut |into| {
                    more = more && self.produce(engine, &mut snapshot, into);
                    more
                });
                if more {
                    snapshot.abandon(engine);
                }
                written?;
            }
            // A rewrite has marks in the keyspace: then everybody waits.
            None => {
                let mut locked = engine.keyspace.lock(ShardSet::ALL);
                let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
                self.save_under_locks(engine, &mut db)?;
            }
        }
        engine.note_save(changes);
        Ok(())
    }

    fn save_under_locks(
        &self,
        engine: &Engine,
        db: &mut keyspace::Db<'_>,
    ) -> Result<(), SaveError> {
        let mut facts = self.facts(engine, false);
        facts.extend(self.history_facts(engine));
        let mut snapshot = Snapshot::under_locks(engine, db, Form::Rdb, &facts);
        self.write_snapshot(engine, &mut |into| {
            self.produce_under(engine, &mut snapshot, db, into)
        })
    }

    /// Writes the snapshot file with what `produce` appends, again and again until it returns
    /// false. Locks may be held.
    pub fn write_snapshot(
        &self,
        engine: &Engine,
        produce: &mut Produce<'_>,
    ) -> Result<(), SaveError> {
        let written = self.begin_save(engine).and_then(|mut job| {
            loop {
                match job.step(produce) {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    Err(failure) => return self.give_up(engine, job).and(Err(failure)),
                }
            }
        });
        match written {
            Ok(()) => {
                notice(engine, "DB saved on disk");
                Ok(())
            }
            Err(failure) => {
                warning(engine, &format!("Error saving DB on disk: {failure}"));
                Err(SaveError::Failed)
            }
        }
    }

    pub(crate) fn begin_save(&self, engine: &Engine) -> Result<SaveJob, Failure> {
        let config = engine.config.load();
        let target = config.persistence.dbfilename.to_string();
        let incremental = config.persistence.rdb_incremental_fsync;
        SaveJob::begin(&self.storage, self.process, &target, incremental)
    }

    pub(crate) fn give_up(&self, engine: &Engine, job: SaveJob) -> Result<(), Failure> {
        if let Err(failure) = job.abandon() {
            warning(engine, &failure.to_string());
        }
        Ok(())
    }

    /// The snapshot file. An error is the system's words.
    pub fn open_snapshot(&self, engine: &Engine) -> Result<Box<dyn io::Read + Send>, String> {
        let name = engine.config.load().persistence.dbfilename.to_string();
        let opened = self.storage.open(&name);
        opened.map_err(|failure| failure.words())
    }
}

/// Asking for jobs.
impl Keeper {
    /// Begins to save in the background.
    pub fn save_in_background(&self, engine: &Engine, schedule: bool) -> Result<Started, Refused> {
        let mut wanted = self.wanted.lock();
        if engine.persistence.saves().started.is_some() {
            return Err(Refused::Saving);
        }
        if engine.persistence.rewrites().started.is_some() {
            if !schedule {
                return Err(Refused::Rewriting);
            }
            engine.persistence.schedule_save(true);
            return Ok(Started::Later);
        }
        engine.begin_background_save();
        wanted.save = true;
        drop(wanted);
        let line = format!("Background saving started by pid {}", self.process);
        notice(engine, &line);
        self.wake();
        Ok(Started::Now)
    }

    /// Begins to rewrite the append-only file in the background.
    pub fn rewrite_log(&self, engine: &Engine) -> Result<Started, Refused> {
        let mut wanted = self.wanted.lock();
        if engine.persistence.rewrites().started.is_some() {
            return Err(Refused::Rewriting);
        }
        if engine.persistence.saves().started.is_some() {
            engine.persistence.schedule_rewrite(true);
            return Ok(Started::Later);
        }
        engine.persistence.begin_rewrite(engine.now());
        wanted.rewrite = true;
        drop(wanted);
        let pid = self.process;
        let line = format!("Background append only file rewriting started by pid {pid}");
        notice(engine, &line);
        self.wake();
        Ok(Started::Now)
    }

    /// Takes what was asked for, and counts as busy with it.
    pub(crate) fn take_wanted(&self) -> Wanted {
        let mut wanted = self.wanted.lock();
        let any = wanted.save || wanted.rewrite;
        self.is_busy.store(any, Ordering::Release);
        std::mem::take(&mut *wanted)
    }

    /// All data was deleted on purpose: a save under way is called off. If there are save points,
    /// the snapshot file holds nothing from now on, or soon if somebody writes it just now.
    /// `changes` are those that are not counted yet. Every lock is held.
    pub fn save_emptiness(&self, engine: &Engine, changes: u64) {
        let is_saving = engine.persistence.saves().started.is_some();
        if is_saving {
            self.called_off.store(true, Ordering::Release);
            self.wake();
        }
        if engine.config.load().persistence.save.0.is_empty() {
            return;
        }
        // Whoever saves on the spot may wait for the locks, which must not be waited for here.
        let turn = self.saving.try_lock().filter(|_| !is_saving);
        if turn.is_none() || self.write_emptiness(engine, changes).is_err() {
            engine.persistence.schedule_save(true);
            self.wake();
        }
    }

    fn write_emptiness(&self, engine: &Engine, changes: u64) -> Result<(), SaveError> {
        let facts = self.facts(engine, false);
        let mut bytes = Some(of_nothing(engine, &facts));
        self.write_snapshot(engine, &mut |into| {
            into.append(&mut bytes.take().unwrap_or_default());
            false
        })?;
        engine.note_save(engine.stats.totals().dirty + changes);
        Ok(())
    }

    /// Has the job under way fail, once it has begun.
    pub fn fail_job(&self, engine: &Engine) {
        let persistence = &engine.persistence;
        let is_busy = persistence.saves().started.is_some();
        if is_busy || persistence.rewrites().started.is_some() {
            self.is_to_fail.store(true, Ordering::Release);
            self.wake();
        }
    }

    /// `appendonly` has another value. The log follows in the background.
    pub fn follow_append_only(&self, engine: &Engine, config: &Config) {
        let wanted = config.persistence.append_only;
        let persistence = &engine.persistence;
        let ends = !wanted && persistence.log_file.is_enabled();
        persistence.log_file.set_enabled(wanted);
        if wanted && !self.log_file.is_on() {
            // The base is what a log begins with. If it cannot be written now, it will be soon.
            let _ = self.rewrite_log(engine);
        }
        if ends {
            self.switch_log_off(engine);
        }
        if !config.persistence.keep_history {
            self.remove_history(engine);
        }
        self.wake();
    }

    /// Nothing that changes from now on is kept. A rewrite under way is called off, and whoever
    /// runs it ends the log then.
    fn switch_log_off(&self, engine: &Engine) {
        let persistence = &engine.persistence;
        persistence.schedule_rewrite(false);
        // No rewrite begins meanwhile.
        let _wanted = self.wanted.lock();
        if persistence.rewrites().started.is_some() {
            let line = format!("Killing running AOF rewrite child: {}", self.process);
            notice(engine, &line);
            self.called_off.store(true, Ordering::Release);
        } else if self.log_file.is_on() {
            self.end_log(engine);
        }
    }

    /// Removes what rewrites have made obsolete, unless a rewrite is about to.
    fn remove_history(&self, engine: &Engine) {
        // No rewrite begins meanwhile.
        let _wanted = self.wanted.lock();
        if engine.persistence.rewrites().started.is_some() {
            return;
        }
        let mut set = self.set.lock();
        let Some(plan) = set.manifest.remove_history(&self.names) else {
            return;
        };
        let storage = self.storage.as_ref();
        let done = plan
            .actions
            .iter()
            .try_for_each(|action| perform(storage, action));
        match done {
            Ok(()) => set.manifest = plan.manifest,
            // It stays listed, and is tried again after the next rewrite.
            Err(failure) => warning(engine, &format!("Removing AOF history: {failure}")),
        }
    }
}

/// The append-only file.
impl Keeper {
    /// The time, as far as the log file needs it.
    pub fn now(&self, engine: &Engine) -> Now {
        let config = engine.config.load();
        let stamped = config.persistence.append_timestamps;
        Now {
            nanos: engine.host.monotonic_nanos(),
            notes: Notes {
                stamp: stamped.then(|| engine.now().0 / 1000),
                sums: config.persistence.append_sums,
            },
        }
    }

    /// What a base of commands begins with, if the time is to be noted in the files.
    pub(crate) fn time_note(&self, engine: &Engine, format: Format) -> Option<Vec<u8>> {
        let seconds = self.now(engine).notes.stamp?;
        let mut note = Vec::new();
        annotation::write_timestamp(seconds, &mut note);
        (format == Format::Commands).then_some(note)
    }

    /// Has everything that the log holds up to an offset be in the files, or be so soon.
    pub fn flush(&self, engine: &Engine, up_to: u64) {
        self.delay_flush(engine, up_to);
        let fsync = engine.config.load().persistence.append_fsync;
        let had_trouble = engine.persistence.log_file.write_error().is_some();
        let was_postponed = self.log_file.postponed_since() > 0;
        let flushed = self
            .log_file
            .flush(&engine.log, fsync, up_to, self.now(engine));
        if matches!(flushed, Flushed::Postponed) && !was_postponed {
            let line = "A sync of the AOF file takes long. Until it is over, what is acknowledged \
                        may be in memory alone";
            engine.host.log(LogLevel::Verbose, line);
        }
        match flushed {
            Flushed::All | Flushed::Postponed if !had_trouble => {}
            Flushed::All | Flushed::Postponed => self.publish_trouble(engine),
            Flushed::Failed(failure) => {
                if !had_trouble {
                    let line = format!("Error writing to the AOF file: {failure}");
                    warning(engine, &line);
                }
                self.publish_trouble(engine);
            }
        }
    }

    /// Takes the time that `DEBUG` wants a write to take.
    fn delay_flush(&self, engine: &Engine, up_to: u64) {
        let delay = &engine.switches.log_flush_delay_micros;
        let micros = delay.load(Ordering::Relaxed);
        if micros > 0 && self.log_file.lacks(up_to) {
            engine.host.sleep(micros);
        }
    }

    /// Syncs what was written; with `always`, writes everything first.
    pub fn sync(&self, engine: &Engine) {
        let always = engine.config.load().persistence.append_fsync == AppendFsync::Always;
        if always {
            self.delay_flush(engine, engine.log.offset());
        }
        self.sync_files(engine, always);
    }

    /// Writes and syncs everything there is, however long a sync under way takes.
    pub(crate) fn sync_all(&self, engine: &Engine) {
        self.sync_files(engine, true);
    }

    fn sync_files(&self, engine: &Engine, write_first: bool) {
        let had_trouble = engine.persistence.log_file.write_error().is_some();
        let began = engine.host.monotonic_nanos();
        let synced = self
            .log_file
            .sync(&engine.log, write_first, self.now(engine));
        let nanos = engine.host.monotonic_nanos().saturating_sub(began);
        if write_first {
            engine.note_latency("aof-fsync-always", nanos);
        }
        if let Err(failure) = synced
            && !had_trouble
        {
            let line = format!("Fail to fsync the AOF file: {failure}");
            warning(engine, &line);
        }
        self.publish_trouble(engine);
    }

    /// Whether syncing is left to the system while a job runs.
    pub fn leaves_sync(&self, engine: &Engine) -> bool {
        engine.config.load().persistence.no_fsync_on_rewrite && self.is_busy.load(Ordering::Relaxed)
    }

    /// Has the gates know whether the log can be kept.
    fn publish_trouble(&self, engine: &Engine) {
        let trouble = self.log_file.trouble();
        let known = engine.persistence.log_file.write_error();
        if trouble == known {
            return;
        }
        if trouble.is_none() {
            let line = "AOF write error looks solved: writes are taken again.";
            warning(engine, line);
        }
        engine.persistence.note_log_write(trouble);
    }

    /// Has others know how large the files are.
    pub(crate) fn publish_size(&self, engine: &Engine, set: &LogSet, is_settled: bool) {
        let figures = &engine.persistence.log_file;
        let written = self.log_file.bytes() - set.bytes_at_settling;
        let bytes = set.settled_bytes + written;
        figures.bytes.store(bytes, Ordering::Relaxed);
        if is_settled {
            figures.base_bytes.store(bytes, Ordering::Relaxed);
        }
    }

    /// Has others know how the files stand.
    pub(crate) fn publish(&self, engine: &Engine) {
        let figures = &engine.persistence.log_file;
        self.publish_size(engine, &self.set.lock(), false);
        let buffered = self.log_file.buffered(&engine.log);
        figures.buffered_bytes.store(buffered, Ordering::Relaxed);
        let pending = u64::from(self.log_file.is_syncing());
        figures.pending_syncs.store(pending, Ordering::Relaxed);
        let delayed = self.log_file.delayed();
        figures.delayed_syncs.store(delayed, Ordering::Relaxed);
        self.publish_trouble(engine);
    }

    /// Ends the log: what there is is written and synced, and nothing follows.
    pub(crate) fn end_log(&self, engine: &Engine) {
        self.sync_all(engine);
        self.log_file.end(&engine.log);
        engine.persistence.note_log_write(None);
        let mut set = self.set.lock();
        set.current = None;
        if std::mem::take(&mut set.is_temporary) {
            let name = self.names.temporary_increment();
            notice(engine, &format!("Removing the temp incr aof file {name}"));
            let removed = perform(
                self.storage.as_ref(),
                &abandon_temporary_increment(&self.names),
            );
            if let Err(failure) = removed {
                warning(engine, &failure.to_string());
            }
        }
    }
}

/// Another history.
impl Keeper {
    /// All data is about to be replaced, and the log to go on elsewhere: the append-only file ends
    /// here, and is written anew when the pause is over. No lock is held.
    pub fn pause_log(self: &Arc<Keeper>, engine: &Engine) -> LogPause {
        let pause = LogPause(Arc::clone(self));
        self.log_pauses.fetch_add(1, Ordering::AcqRel);
        self.call_off_job(engine);
        if self.log_file.is_on() {
            self.end_log(engine);
        }
        pause
    }

    /// Whether no job may begin, for what it would write belongs together no longer.
    pub(crate) fn is_log_paused(&self) -> bool {
        self.log_pauses.load(Ordering::Acquire) > 0
    }
}

/// Keeps the append-only file from being begun, until it is dropped.
pub struct LogPause(Arc<Keeper>);

impl Drop for LogPause {
    fn drop(&mut self) {
        self.0.log_pauses.fetch_sub(1, Ordering::AcqRel);
        self.0.wake();
    }
}

/// The end.
impl Keeper {
    /// Brings everything into the files, for the process is about to end. From then on nobody can
    /// change data any more: the locks are never given back. An error leaves all as it was.
    pub fn shut_down(&self, engine: &Engine, how: Shutdown) -> Result<(), ShutdownFailed> {
        self.is_ending.store(true, Ordering::Release);
        let ended = self.bring_home(engine, how);
        if ended.is_err() {
            self.is_ending.store(false, Ordering::Release);
            let line =
                "Errors trying to shut down the server. Check the logs for more information.";
            warning(engine, line);
        }
        ended
    }

    fn bring_home(&self, engine: &Engine, how: Shutdown) -> Result<(), ShutdownFailed> {
        if self.lacks_base(engine) {
            if !how.force {
                warning(engine, "Writing initial AOF, can't exit.");
                return Err(ShutdownFailed);
            }
            warning(engine, "Writing initial AOF. Exit anyway.");
        }
        self.call_off_job(engine);
        let _saving = self.saving.lock();
        let mut locked = engine.keyspace.lock(ShardSet::ALL);
        if self.log_file.is_on() {
            notice(engine, "Calling fsync() on the AOF file.");
            self.sync_all(engine);
            if self.log_file.trouble().is_some() && !how.force {
                warning(engine, "Error writing the AOF file, can't exit.");
                return Err(ShutdownFailed);
            }
        }
        let has_points = !engine.config.load().persistence.save.0.is_empty();
        // Half the data must not take the place of all of it.
        if how.save.unwrap_or(has_points) && !engine.persistence.is_loading() {
            notice(engine, "Saving the final RDB snapshot before exiting.");
            let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
            if self.save_under_locks(engine, &mut db).is_err() {
                if !how.force {
                    warning(engine, "Error trying to save the DB, can't exit.");
                    return Err(ShutdownFailed);
                }
                warning(engine, "Error trying to save the DB. Exit anyway.");
            }
        }
        std::mem::forget(locked);
        Ok(())
    }

    /// Whether the log was switched on, and the base that it begins with is not written yet.
    fn lacks_base(&self, engine: &Engine) -> bool {
        if self.log_file.is_on() {
            return self.set.lock().is_temporary;
        }
        // Who writes the base begins with it in a moment.
        let persistence = &engine.persistence;
        persistence.log_file.is_enabled() && persistence.rewrites().started.is_some()
    }

    /// The process ends at once: what it writes at this moment must not stay behind.
    pub fn remove_drafts(&self) {
        let drafts = [
            temporary_snapshot(self.process),
            temporary_base(self.process),
        ];
        for path in drafts {
            // What is left is removed at the next start.
            drop(remove_if_there(self.storage.as_ref(), &path));
        }
    }

    /// Has the job under way given up, and waits until it is.
    pub(crate) fn call_off_job(&self, engine: &Engine) {
        let persistence = &engine.persistence;
        if persistence.saves().started.is_some() {
            let line = "There is a child saving an .rdb. Killing it!";
            warning(engine, line);
        }
        if persistence.rewrites().started.is_some() {
            let line = "There is a child rewriting the AOF. Killing it!";
            warning(engine, line);
        }
        self.called_off.store(true, Ordering::Release);
        self.wake();
        while self.is_busy.load(Ordering::Acquire) {
            engine.host.sleep(LOOK_MICROS);
        }
        self.called_off.store(false, Ordering::Release);
    }
}

pub(crate) fn notice(engine: &Engine, line: &str) {
    engine.host.log(LogLevel::Notice, line);
}

pub(crate) fn warning(engine: &Engine, line: &str) {
    engine.host.log(LogLevel::Warning, line);
}
