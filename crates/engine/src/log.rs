//! The log: the order of the world.
//!
//! Whatever changes data appends its effect here, in RESP as replicas read it, while it still holds
//! the locks of its shards. So for every key the log has the changes in the order they happened,
//! and whoever replays it ends with the same data. The backlog, each replica's feed, the
//! append-only file and a migrating slot's feed are [`Reader`]s of this one log at an offset;
//! nobody copies it per consumer. With no reader nothing is appended, and writers only look at one
//! flag.
//!
//! ```text
//!   offset 1000                                        offset 1160
//!          │ *2 SELECT 0 │ *3 SET k v │ *2 DEL x │ … │
//!          ▲ kept from here                     ▲ a reader
//! ```

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use keyspace::{DbIndex, Locked};
use resp::reply::write_request;

use crate::sync::{AtomicUsize, Mutex};

/// Effects of one locked group of commands, on their way into the log.
#[derive(Debug, Default)]
pub struct Effects {
    bytes: Vec<u8>,
    /// The db of each effect, and where it ends.
    ends: Vec<(DbIndex, usize)>,
}

impl Effects {
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn push<T: AsRef<[u8]>>(&mut self, db: DbIndex, words: &[T]) {
        write_request(&mut self.bytes, words);
        self.ends.push((db, self.bytes.len()));
    }

    /// Puts the effects from `first` on between `MULTI` and `EXEC`, if they are more than one.
    pub fn wrap_transaction(&mut self, first: usize) {
        if self.len() - first < 2 {
            return;
        }
        let start = first.checked_sub(1).map_or(0, |before| self.ends[before].1);
        let db = self.ends[first].0;
        let mut multi = Vec::new();
        write_request(&mut multi, &["MULTI"]);
        self.bytes.splice(start..start, multi.iter().copied());
        self.ends[first..]
            .iter_mut()
            .for_each(|(_, end)| *end += multi.len());
        self.ends.insert(first, (db, start + multi.len()));
        let db = self.ends[self.ends.len() - 1].0;
        self.push(db, &["EXEC"]);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// All effects from the oldest that a reader still needs.
#[derive(Debug, Default)]
pub struct Log {
    kept: Mutex<Kept>,
    readers: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: VecDeque<u8>,
    /// The offset of the first byte kept.
    start: u64,
    /// The db that the log's last `SELECT` chose.
    db: Option<DbIndex>,
    /// Where each reader stands.
    readers: Vec<(u64, ReaderId)>,
    next_reader: ReaderId,
}

type ReaderId = u64;

/// A place in the log that moves on as it is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Reader(ReaderId);

impl Log {
    /// Whether anybody reads. Stable while a shard is locked, since readers begin under all locks.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// Appends effects and empties them, and returns the offset behind them. The caller holds the
    /// locks of the shards they touched.
    pub fn append(&self, effects: &mut Effects) -> u64 {
        let mut kept = self.kept.lock();
        let mut start = 0;
        for &(db, end) in &effects.ends {
            if kept.db != Some(db) {
                kept.db = Some(db);
                let mut select = Vec::new();
                write_request(&mut select, &["SELECT", &db.0.to_string()]);
                kept.bytes.extend(select);
            }
            kept.bytes.extend(&effects.bytes[start..end]);
            start = end;
        }
        effects.clear();
        kept.end()
    }

    /// Begins to read at the end. The caller holds every lock: what it sees in the keyspace now,
    /// and what the reader will be given, make the whole.
    pub fn subscribe(&self, _all: &Locked<'_>) -> Reader {
        let mut kept = self.kept.lock();
        kept.next_reader += 1;
        let (at, id) = (kept.end(), kept.next_reader);
        kept.readers.push((at, id));
        // The reader knows of no SELECT before its beginning.
        kept.db = None;
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reader(id)
    }

    /// Appends to `into` what came since the reader last read, and returns how much that was.
    pub fn read(&self, reader: &Reader, into: &mut Vec<u8>) -> usize {
        let mut kept = self.kept.lock();
        let end = kept.end();
        let start = kept.start;
        let place = kept.readers.iter_mut().find(|(_, id)| *id == reader.0);
        let place = place.expect("a reader is subscribed until it is given back");
        let at = (place.0 - start) as usize;
        place.0 = end;
        let before = into.len();
        let (front, back) = kept.bytes.as_slices();
        into.extend_from_slice(&front[at.min(front.len())..]);
        into.extend_from_slice(&back[at.saturating_sub(front.len())..]);
        kept.forget();
        into.len() - before
    }

    pub fn unsubscribe(&self, reader: Reader) {
        let mut kept = self.kept.lock();
        kept.readers.retain(|(_, id)| *id != reader.0);
        kept.forget();
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.kept.lock().end()
    }
}

impl Kept {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Drops what every reader has read.
    fn forget(&mut self) {
        let oldest = self
            .readers
            .iter()
            .map(|(at, _)| *at)
            .min()
            .unwrap_or(self.end());
        self.bytes.drain(..(oldest - self.start) as usize);
        self.start = oldest;
    }
}
