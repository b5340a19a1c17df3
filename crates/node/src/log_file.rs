//! The append-only file as it grows: what the engine's log holds, written to the last increment.
//!
//! Whoever needs its effects in the file writes everything there is, for everyone; who comes
//! meanwhile finds it done. Three offsets of the log tell how far things are:
//!
//! ```text
//!   the log   ──────────────────────────────────────────────────▶
//!             in the files, and synced │ in the files │ in memory
//!                                   synced         written     end
//! ```
//!
//! * `always`: replies wait until `synced` has passed their effects. One of those who wait writes
//!   and syncs for all, or has a thread do so.
//! * `everysec`: replies wait for `written`. A thread syncs once a second. While a sync takes long
//!   the system may have writers wait, so writes are postponed then, but not for long.
//! * `no`: replies wait for `written`; the system syncs when it likes.
//!
//! **Failures.** Of a write that failed nothing stays in the file, and everything in memory: it is
//! tried again. After a sync that failed the system may have dropped what it could not write and
//! call the file clean, so nothing can make that increment trustworthy: only a rewrite heals, which
//! begins another one and writes all data. Until then clients that write are refused.
//!
//! **Notes.** What is written at once may be preceded by the time, and by its own sum: half of it
//! is nothing then, and damage is found before anything is done of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};

use config::AppendFsync;
use engine::log::{Log, Reader};
use keyspace::Locked;
use parking_lot::Mutex;
use persistence::aof::annotation;

use crate::storage::{Failure, File, Storage};

/// A sync may take this long before writes are postponed rather than made to wait for it.
const SYNC_NANOS_MAX: u64 = 50_000_000;

/// Writes are postponed for at most this long.
const POSTPONED_NANOS_MAX: u64 = 2_000_000_000;

/// The buffer for writing is given back if it has become larger.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

pub struct LogFile {
    storage: Arc<dyn Storage>,
    queue: Mutex<Queue>,
    /// Held while writing.
    writer: Mutex<Writer>,
    is_on: AtomicBool,
    written: AtomicU64,
    synced: AtomicU64,
    /// Nobody can be promised anything about what ends here or before and is not synced.
    lost: AtomicU64,
    /// When the sync under way began, and since when writes are postponed; 0 if not.
    sync_began: AtomicU64,
    postponed_since: AtomicU64,
    /// Writes that were not postponed any longer.
    delayed: AtomicU64,
    /// Bytes of all increments that were written.
    bytes: AtomicU64,
    /// Held while syncing.
    syncing: Mutex<()>,
    /// Increments that were written to since they were last synced.
    unsynced: Mutex<Vec<Arc<Increment>>>,
    trouble: Mutex<Trouble>,
    waiting: Mutex<Vec<(u64, Waker)>>,
}

/// What is on its way from the log to the files.
#[derive(Default)]
struct Queue {
    reader: Option<Reader>,
    /// The last of these goes on growing.
    segments: VecDeque<Segment>,
}

struct Segment {
    increment: Arc<Increment>,
    bytes: Vec<u8>,
    /// The offset of the log where it ends.
    end: u64,
}

#[derive(Default)]
struct Writer {
    spare: Vec<u8>,
    /// What was written to last.
    increment: Option<Arc<Increment>>,
    /// The second of the last note of the time in the files.
    stamped: i64,
    /// The files end within what was written last, and its rest comes next.
    is_torn: bool,
}

impl Writer {
    /// What is written before `bytes`.
    fn notes(&mut self, bytes: &[u8], wanted: Notes) -> Vec<u8> {
        let mut notes = Vec::new();
        if self.is_torn {
            return notes;
        }
        if let Some(stamp) = wanted.stamp.filter(|now| *now > self.stamped) {
            self.stamped = stamp;
            annotation::write_timestamp(stamp, &mut notes);
        }
        if wanted.sums {
            annotation::write_check(bytes, &mut notes);
        }
        notes
    }
}

/// A file of effects.
pub struct Increment {
    file: Box<dyn File>,
    path: Mutex<String>,
    /// Bytes of whole effects.
    size: AtomicU64,
}

impl Increment {
    /// Opens a file to write at its end, where it holds `size` bytes.
    pub fn open(storage: &dyn Storage, path: &str, size: u64) -> Result<Increment, Failure> {
        Ok(Increment {
            file: storage.append(path)?,
            path: Mutex::new(path.to_owned()),
            size: AtomicU64::new(size),
        })
    }

    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// The file has another name from now on.
    pub fn note_rename(&self, path: &str) {
        path.clone_into(&mut self.path.lock());
    }

    /// Writes all of `bytes`, or takes back what it has written of them. The error comes with how
    /// many bytes could not be taken back.
    fn write(&self, storage: &dyn Storage, bytes: &[u8]) -> Result<(), (usize, Failure)> {
        let mut done = 0;
        while done < bytes.len() {
            match self.file.write(&bytes[done..]) {
                Ok(len) => done += len,
                Err(failure) => return Err((self.take_back(storage, done), failure)),
            }
        }
        self.size.fetch_add(done as u64, Ordering::Relaxed);
        Ok(())
    }

    fn take_back(&self, storage: &dyn Storage, done: usize) -> usize {
        let path = self.path.lock();
        if done == 0 || storage.truncate(&path, self.size()).is_ok() {
            return 0;
        }
        // Half an effect stays there, and its other half will follow.
        self.size.fetch_add(done as u64, Ordering::Relaxed);
        done
    }
}

/// What keeps the append-only file from being kept.
#[derive(Clone, Default)]
enum Trouble {
    #[default]
    None,
    /// The last write failed.
    Write { words: String },
    /// A sync of an increment failed.
    Sync {
        words: String,
        increment: Arc<Increment>,
    },
}

impl Trouble {
    fn words(&self) -> Option<&str> {
        match self {
            Trouble::None => None,
            Trouble::Write { words } | Trouble::Sync { words, .. } => Some(words),
        }
    }
}

/// What a client's writes cannot be promised: that they outlast anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// How a flush went.
#[derive(Debug)]
pub enum Flushed {
    /// Everything is in the files.
    All,
    /// It will be when the sync that takes so long is over.
    Postponed,
    Failed(Failure),
}

impl LogFile {
    pub fn new(storage: Arc<dyn Storage>) -> LogFile {
        LogFile {
            storage,
            queue: Mutex::default(),
            writer: Mutex::default(),
            is_on: AtomicBool::new(false),
            written: AtomicU64::new(0),
            synced: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            sync_began: AtomicU64::new(0),
            postponed_since: AtomicU64::new(0),
            delayed: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            syncing: Mutex::default(),
            unsynced: Mutex::default(),
            trouble: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// Whether effects are written to files.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// When the first of the writes that are postponed now was; 0 if none is.
    pub(crate) fn postponed_since(&self) -> u64 {
        self.postponed_since.load(Ordering::Relaxed)
    }

    pub fn delayed(&self) -> u64 {
        self.delayed.load(Ordering::Relaxed)
    }

    /// Bytes written to increments since the beginning.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes that are not in the files yet.
    pub fn buffered(&self, log: &Log) -> u64 {
        let buffered = log.offset().saturating_sub(self.written());
        if self.is_on() { buffered } else { 0 }
    }

    /// Whether a sync is under way.
    pub fn is_syncing(&self) -> bool {
        self.sync_began.load(Ordering::Relaxed) > 0
    }

    /// Whether something up to an offset of the log is still to be written.
    pub fn lacks(&self, up_to: u64) -> bool {
        self.is_on() && self.written() < up_to
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// The system's words on why the files cannot be kept, if they cannot.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().words().map(str::to_owned)
    }

    /// Whether only a rewrite makes the files trustworthy again.
    pub fn needs_rewrite(&self) -> bool {
        matches!(*self.trouble.lock(), Trouble::Sync { .. })
    }

    /// Has every effect from now on written to `increment`. This touches no file, for every lock is
    /// held: it is the moment between what a base holds and what follows it.
    pub fn switch(&self, log: &Log, all: &Locked<'_>, increment: Arc<Increment>) {
        let mut queue = self.queue.lock();
        queue.read(log);
        if let Some(reader) = queue.reader.take() {
            log.unsubscribe(reader);
        }
        queue.reader = Some(log.subscribe(all));
        let end = log.offset();
        if !self.is_on() {
            // The log may have gone back, if it was another history's before.
            self.written.store(end, Ordering::Release);
            self.synced.store(end, Ordering::Release);
            self.lost.store(0, Ordering::Release);
        }
        queue.segments.push_back(Segment {
            increment,
            bytes: Vec::new(),
            end,
        });
        self.is_on.store(true, Ordering::Relaxed);
    }

    /// Ends the writing. What could not be written is given up.
    pub fn end(&self, log: &Log) {
        let _writer = self.writer.lock();
        let mut queue = self.queue.lock();
        if let Some(reader) = queue.reader.take() {
            log.unsubscribe(reader);
        }
        queue.segments.clear();
        self.is_on.store(false, Ordering::Relaxed);
        self.unsynced.lock().clear();
        *self.trouble.lock() = Trouble::None;
        drop(queue);
        self.wake(u64::MAX);
    }

    /// Writes everything there is, unless all up to an offset of the log is written already.
    pub fn flush(&self, log: &Log, fsync: AppendFsync, up_to: u64, now: Now) -> Flushed {
        if !self.is_on() || self.written() >= up_to {
            return Flushed::All;
        }
        if fsync != AppendFsync::Always && self.should_postpone(now.nanos) {
            return Flushed::Postponed;
        }
        let mut writer = self.writer.lock();
        if self.written() >= up_to {
            return Flushed::All;
        }
        match self.write_out(log, &mut writer, now.notes) {
            Ok(()) => Flushed::All,
            Err(failure) => Flushed::Failed(failure),
        }
    }

    /// Whether a sync takes so long that a write would have to wait, and may wait here as well.
    fn should_postpone(&self, now: u64) -> bool {
        let began = self.sync_began.load(Ordering::Relaxed);
        if began == 0 || now.saturating_sub(began) <= SYNC_NANOS_MAX {
            return false;
        }
        let since = self.postponed_since.load(Ordering::Relaxed);
        if since == 0 {
            self.postponed_since.store(now.max(1), Ordering::Relaxed);
            return true;
        }
        if now.saturating_sub(since) < POSTPONED_NANOS_MAX {
            return true;
        }
        self.postponed_since.store(0, Ordering::Relaxed);
        self.delayed.fetch_add(1, Ordering::Relaxed);
        false
    }

    fn write_out(&self, log: &Log, writer: &mut Writer, notes: Notes) -> Result<(), Failure> {
        self.postponed_since.store(0, Ordering::Relaxed);
        loop {
            let spare = std::mem::take(&mut writer.spare);
            let Some((increment, mut bytes, end)) = self.queue.lock().take(log, spare) else {
                break;
            };
            if let Err(failure) = self.turn_to(log, &increment, writer) {
                self.queue.lock().give_back(bytes);
                return Err(failure);
            }
            let stamped = writer.stamped;
            let before = writer.notes(&bytes, notes);
            let notes_len = before.len();
            bytes.splice(0..0, before);
            let result = increment.write(self.storage.as_ref(), &bytes);
            if let Err((kept, failure)) = result {
                if kept > 0 {
                    writer.is_torn = true;
                    bytes.drain(..kept);
                } else {
                    // The notes are made anew, for more may be written then.
                    writer.stamped = stamped;
                    bytes.drain(..notes_len);
                }
                self.queue.lock().give_back(bytes);
                self.fail_write(log, &failure);
                return Err(failure);
            }
            writer.is_torn = false;
            self.note_written(increment, bytes.len() as u64, end);
            bytes.clear();
            bytes.shrink_to(BUFFER_BYTES_KEPT);
            writer.spare = bytes;
        }
        let mut trouble = self.trouble.lock();
        if matches!(*trouble, Trouble::Write { .. }) {
            *trouble = Trouble::None;
        }
        Ok(())
    }

    /// Begins to write to an increment. What is in those before must outlast a crash by then: a
    /// hole in the middle could not be told from the end.
    fn turn_to(
        &self,
        log: &Log,
        increment: &Arc<Increment>,
        writer: &mut Writer,
    ) -> Result<(), Failure> {
        let is_current = |last: &Arc<Increment>| Arc::ptr_eq(last, increment);
        if writer.increment.as_ref().is_some_and(is_current) {
            return Ok(());
        }
        if writer.increment.is_some() {
            self.sync_files(log)?;
        }
        writer.increment = Some(Arc::clone(increment));
        Ok(())
    }

    fn note_written(&self, increment: Arc<Increment>, bytes: u64, end: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut unsynced = self.unsynced.lock();
        if !unsynced.iter().any(|other| Arc::ptr_eq(other, &increment)) {
            unsynced.push(increment);
        }
        self.written.store(end, Ordering::Release);
    }

    fn fail_write(&self, log: &Log, failure: &Failure) {
        let mut trouble = self.trouble.lock();
        if !matches!(*trouble, Trouble::Sync { .. }) {
            let words = failure.words();
            *trouble = Trouble::Write { words };
        }
        drop(trouble);
        self.lose(log);
    }

    /// Tells whoever waits that there is nothing to wait for.
    fn lose(&self, log: &Log) {
        self.lost.fetch_max(log.offset(), Ordering::AcqRel);
        self.wake(u64::MAX);
    }

    /// Syncs all that has been written, on behalf of whoever waits for that. With `write_first`,
    /// everything there is.
    pub fn sync(&self, log: &Log, write_first: bool, now: Now) -> Result<(), Failure> {
        self.sync_began.store(now.nanos.max(1), Ordering::Relaxed);
        let synced = self.write_and_sync(log, write_first, now.notes);
        // Before anybody is woken, or who waits for the end would go on waiting.
        self.sync_began.store(0, Ordering::Relaxed);
        let written = synced.inspect_err(|_| self.wake(0))?;
        if self.needs_rewrite() {
            // The part that failed stays in doubt, and with it all that comes behind.
            self.lose(log);
        } else {
            self.synced.fetch_max(written, Ordering::AcqRel);
            self.wake(written);
        }
        Ok(())
    }

    /// Returns up to which offset of the log everything is synced.
    fn write_and_sync(&self, log: &Log, write_first: bool, notes: Notes) -> Result<u64, Failure> {
        if write_first && self.is_on() && self.written() < log.offset() {
            let mut writer = self.writer.lock();
            self.write_out(log, &mut writer, notes)?;
        }
        let written = self.written();
        self.sync_files(log)?;
        Ok(written)
    }

    /// Syncs every increment that was written to.
    fn sync_files(&self, log: &Log) -> Result<(), Failure> {
        let _syncing = self.syncing.lock();
        let unsynced = std::mem::take(&mut *self.unsynced.lock());
        for increment in unsynced {
            if let Err(failure) = increment.file.sync() {
                let words = failure.words();
                *self.trouble.lock() = Trouble::Sync { words, increment };
                self.lose(log);
                return Err(failure);
            }
        }
        Ok(())
    }

    /// A rewrite is whole: `current` follows a base that holds all that came before it.
    pub fn heal(&self, current: &Arc<Increment>) {
        let mut trouble = self.trouble.lock();
        if let Trouble::Sync { increment, .. } = &*trouble
            && !Arc::ptr_eq(increment, current)
        {
            *trouble = Trouble::None;
        }
    }

    /// Whether there is anything to sync.
    pub fn needs_sync(&self) -> bool {
        !self.unsynced.lock().is_empty()
    }

    /// How many wait for a sync.
    pub fn awaiting(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Whether all up to an offset of the log is synced, or never will be for certain. If neither,
    /// `waker` is woken when this should be asked again.
    pub fn poll_synced(&self, up_to: u64, waker: &Waker) -> Poll<Result<(), Lost>> {
        let standing = || {
            if self.synced() >= up_to || !self.is_on() {
                return Poll::Ready(Ok(()));
            }
            match self.lost.load(Ordering::Acquire) >= up_to {
                true => Poll::Ready(Err(Lost)),
                false => Poll::Pending,
            }
        };
        if standing().is_pending() {
            self.waiting.lock().push((up_to, waker.clone()));
        }
        // It may have come between the look and the entry in the list.
        standing()
    }

    /// Whether no sync is under way. If one is, `waker` is woken when it is over.
    pub fn poll_idle(&self, waker: &Waker) -> Poll<()> {
        if self.is_syncing() {
            self.waiting.lock().push((0, waker.clone()));
        }
        // It may have ended between the look and the entry in the list.
        match self.is_syncing() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    fn wake(&self, up_to: u64) {
        let mut waiting = self.waiting.lock();
        let awake: Vec<_> = waiting.extract_if(.., |(at, _)| *at <= up_to).collect();
        drop(waiting);
        awake.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// The time, as far as the files need it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Of a clock that never goes back.
    pub nanos: u64,
    pub notes: Notes,
}

/// What is noted in the files beside the effects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notes {
    /// The second of Unix time.
    pub stamp: Option<i64>,
    /// The sum of what is written at once.
    pub sums: bool,
}

impl Queue {
    /// Takes what came to the log into the last segment.
    fn read(&mut self, log: &Log) {
        if let (Some(reader), Some(last)) = (&self.reader, self.segments.back_mut()) {
            last.end += log.read(reader, &mut last.bytes) as u64;
        }
    }

    /// The oldest bytes there are, the increment they belong to, and the offset they reach to.
    /// `spare` takes their place.
    fn take(&mut self, log: &Log, spare: Vec<u8>) -> Option<(Arc<Increment>, Vec<u8>, u64)> {
        self.read(log);
        while self.segments.len() > 1 && self.segments[0].bytes.is_empty() {
            self.segments.pop_front();
        }
        let first = self.segments.front_mut()?;
        if first.bytes.is_empty() {
            return None;
        }
        let bytes = std::mem::replace(&mut first.bytes, spare);
        Some((Arc::clone(&first.increment), bytes, first.end))
    }

    /// Puts back what was taken and could not be written. More may have come since.
    fn give_back(&mut self, mut bytes: Vec<u8>) {
        if let Some(first) = self.segments.front_mut() {
            bytes.append(&mut first.bytes);
            first.bytes = bytes;
        }
    }
}
