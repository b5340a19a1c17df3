//! The log: the order of the world.
//!
//! Whatever changes data appends its effect here, in RESP as replicas read it, while it still holds
//! the locks of its shards. So for every key the log has the changes in the order they happened,
//! and whoever replays it ends with the same data. The backlog, each replica's feed, the
//! append-only file and a migrating slot's feed are [`Reader`]s of this one log at an offset;
//! nobody copies it per consumer. With nobody to read it, now or later, nothing is appended, and
//! writers only look at one flag. While slots on the move are all that anybody reads about, nothing
//! is appended of commands that certainly touch other slots only.
//!
//! ```text
//!   offset 1000                                        offset 1160
//!          │ *2 SELECT 0 │ *3 SET k v │ *2 DEL x │ … │
//!          ▲ kept from here                     ▲ a reader
//! ```
//!
//! The offset is that of replication. A primary writes effects; a replica writes its primary's
//! stream as it came ([`Log::append_stream`]), so that the same bytes stand at the same offsets in
//! both, and what is changed on it otherwise is in no log.

use std::sync::atomic::Ordering;
use std::task::Waker;

use ::cluster::SlotSet;
use ::replication::Span;
use bytes::Bytes;
use keyspace::{DbIndex, Locked, Slot};
use resp::reply::write_request;

use crate::sync::{AtomicU8, AtomicUsize, Mutex};
use pieces::Pieces;
use topics::Topics;

mod pieces;
mod topics;

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

/// All effects from the oldest that a reader still needs, or that are kept for those to come.
#[derive(Debug, Default)]
pub struct Log {
    kept: Mutex<Kept>,
    /// Which effects are to be appended: a [`Wanted`].
    wanted: AtomicU8,
    /// The slots of [`Wanted::Topics`].
    topics: Topics,
    /// Whether the past is kept: 1 or 0.
    is_kept: AtomicU8,
    /// How many readers are to be woken when there is more.
    waiting: AtomicUsize,
}

/// Which effects are to be appended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Wanted {
    Nothing,
    /// Those that may touch slots which somebody reads about.
    Topics,
    All,
}

#[derive(Debug, Default)]
struct Kept {
    pieces: Pieces,
    /// The db that the log's last `SELECT` chose, if it was an effect's.
    db: Option<DbIndex>,
    /// The log is another node's, whose commands are about this db at its end.
    followed: Option<DbIndex>,
    readers: Vec<Place>,
    /// Whether any of them may be dropped for being slow.
    are_bounded: bool,
    next_reader: ReaderId,
    past: Option<Past>,
    /// Effects are missing that happened before this offset.
    whole_from: u64,
    /// The last bytes that are no effect end here. Somebody waits for what readers say to them.
    asked_until: u64,
}

/// How much is kept without a reader.
#[derive(Clone, Copy, Debug)]
struct Past {
    bytes: u64,
    /// Nothing is known of what was before.
    from: u64,
}

type ReaderId = u64;

#[derive(Debug)]
struct Place {
    id: ReaderId,
    at: u64,
    /// The reader is to be told this db first, for its `SELECT` was before its beginning.
    db: Option<DbIndex>,
    /// The slots that it is about, if it is not about all.
    topics: Option<SlotSet>,
    /// With more than this unread it is dropped.
    unread_max: u64,
    /// It was: nothing is kept for it, and it reads nothing any more.
    is_dropped: bool,
    waker: Option<Waker>,
}

/// What a reader has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    pub len: u64,
    /// The offset at its end.
    pub end: u64,
    /// Somebody waits until it is read.
    pub is_awaited: bool,
}

/// A place in the log that moves on as it is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Reader(ReaderId);

impl Place {
    fn is_bounded(&self) -> bool {
        self.unread_max < u64::MAX
    }
}

impl Log {
    /// Whether effects are to be appended. Stable while a shard is locked, since readers begin and
    /// the role changes under all locks.
    #[inline]
    pub fn is_read(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) != Wanted::Nothing as u8
    }

    /// As [`Log::is_read`], of effects that certainly touch keys of these slots only.
    #[inline]
    pub fn is_read_about(&self, slots: impl IntoIterator<Item = Slot>) -> bool {
        // What is read about was said before.
        let wanted = self.wanted.load(Ordering::Acquire);
        wanted != Wanted::Nothing as u8
            && (wanted == Wanted::All as u8 || self.topics.hold_any(slots))
    }

    /// Whether the past is kept for readers to come.
    #[inline]
    pub fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed) != 0
    }

    /// Appends effects and empties them, and returns the offset behind them. The caller holds the
    /// locks of the shards they touched, and has the readers woken when it has given them back.
    pub fn append(&self, effects: &mut Effects) -> u64 {
        let mut kept = self.kept.lock();
        if kept.followed.is_some() {
            effects.clear();
            return kept.pieces.end();
        }
        let mut start = 0;
        for &(db, end) in &effects.ends {
            if kept.db != Some(db) {
                kept.db = Some(db);
                kept.pieces.extend(&select(db));
            }
            kept.pieces.extend(&effects.bytes[start..end]);
            start = end;
        }
        effects.clear();
        kept.forget_past();
        kept.pieces.end()
    }

    /// Appends bytes that are no effect. Returns the offset behind them.
    pub fn append_verbatim(&self, bytes: &[u8]) -> u64 {
        let mut kept = self.kept.lock();
        kept.pieces.extend(bytes);
        kept.forget_past();
        let end = kept.pieces.end();
        kept.asked_until = end;
        drop(kept);
        self.wake_readers();
        end
    }

    /// Appends bytes of the stream that this node follows; the commands behind them are about
    /// `db`. The caller holds the locks of the shards that they touched. Returns the offset behind
    /// them; nothing is appended if this node follows no one any longer.
    pub fn append_stream(&self, bytes: &[u8], db: DbIndex) -> u64 {
        let mut kept = self.kept.lock();
        if kept.followed.is_some() {
            kept.followed = Some(db);
            kept.pieces.extend(bytes);
            kept.forget_past();
        }
        kept.pieces.end()
    }

    /// Wakes those who wait for more.
    #[inline]
    pub fn wake_readers(&self) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut kept = self.kept.lock();
        let end = kept.pieces.end();
        let behind = kept.readers.iter_mut().filter(|place| place.at < end);
        let wakers: Vec<_> = behind.filter_map(|place| place.waker.take()).collect();
        self.note_readers(&mut kept);
        drop(kept);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Begins to read at the end. The caller holds every lock: what it sees in the keyspace now,
    /// and what the reader will be given, make the whole.
    pub fn subscribe(&self, all: &Locked<'_>) -> Reader {
        self.begin_at_end(all, None)
    }

    /// As [`Log::subscribe`], of one that wants to know of these slots: of others it may be told,
    /// or not.
    pub fn subscribe_to(&self, all: &Locked<'_>, slots: &SlotSet) -> Reader {
        self.begin_at_end(all, Some(slots.clone()))
    }

    fn begin_at_end(&self, _all: &Locked<'_>, topics: Option<SlotSet>) -> Reader {
        let mut kept = self.kept.lock();
        let db = kept.followed;
        // The reader knows of no SELECT before its beginning.
        kept.db = None;
        let at = kept.pieces.end();
        self.begin(&mut kept, at, db, topics)
    }

    /// Begins to read at an offset of the past; `None` if that is not there. It is, if another
    /// reader of everything is there or before.
    pub fn hold(&self, from: u64) -> Option<Reader> {
        let mut kept = self.kept.lock();
        let is_there = (kept.whole_start()..=kept.pieces.end()).contains(&from);
        is_there.then(|| self.begin(&mut kept, from, None, None))
    }

    /// What is kept, and a reader at its beginning: as long as that stays there, so does the past.
    pub fn hold_all(&self) -> (Span, Reader) {
        let mut kept = self.kept.lock();
        let span = kept.span();
        (span, self.begin(&mut kept, span.start, None, None))
    }

    fn begin(
        &self,
        kept: &mut Kept,
        at: u64,
        db: Option<DbIndex>,
        topics: Option<SlotSet>,
    ) -> Reader {
        kept.next_reader += 1;
        let id = kept.next_reader;
        kept.readers.push(Place {
            id,
            at,
            db,
            topics,
            unread_max: u64::MAX,
            is_dropped: false,
            waker: None,
        });
        self.note_readers(kept);
        Reader(id)
    }

    /// Appends to `into` what came since the reader last read, and returns how many bytes of the
    /// log that was. Before the first of them there may be a `SELECT` that is not in the log.
    pub fn read(&self, reader: &Reader, into: &mut Vec<u8>) -> usize {
        let mut kept = self.kept.lock();
        let end = kept.pieces.end();
        let place = kept.place(reader);
        let (at, db) = (place.at, place.db);
        if at == end || place.is_dropped {
            return 0;
        }
        (place.at, place.db) = (end, None);
        db.into_iter().for_each(|db| into.extend(select(db)));
        kept.pieces.copy(at, into);
        kept.forget();
        (end - at) as usize
    }

    /// As [`Log::read`], of at most `most` bytes, which are shared and not copied.
    pub fn share(&self, reader: &Reader, most: usize, into: &mut Vec<Bytes>) -> usize {
        let mut kept = self.kept.lock();
        let place = kept.place(reader);
        if place.is_dropped {
            return 0;
        }
        let (at, db) = (place.at, place.db.take());
        into.extend(db.map(|db| Bytes::from(select(db))));
        let len = kept.pieces.share(at, most, into);
        kept.place(reader).at = at + len as u64;
        kept.forget();
        len
    }

    /// Has a reader go on at an offset that others have brought it to.
    pub fn advance(&self, reader: &Reader, to: u64) {
        let mut kept = self.kept.lock();
        debug_assert!(to <= kept.pieces.end(), "nobody has read that");
        let place = kept.place(reader);
        place.at = place.at.max(to);
        kept.forget();
    }

    /// Drops a reader as soon as it leaves more than so many bytes unread: the log does not grow
    /// for the sake of one that is too slow.
    pub fn bound(&self, reader: &Reader, unread_max: u64) {
        let mut kept = self.kept.lock();
        kept.are_bounded = true;
        kept.place(reader).unread_max = unread_max;
        kept.drop_slow();
        kept.forget();
    }

    /// Whether a reader was too slow.
    pub fn is_dropped(&self, reader: &Reader) -> bool {
        self.kept.lock().place(reader).is_dropped
    }

    /// Whether there is more than the reader has read. If not, `waker` is woken when there is.
    pub fn has_more(&self, reader: &Reader, waker: &Waker) -> bool {
        let mut kept = self.kept.lock();
        let end = kept.pieces.end();
        let place = kept.place(reader);
        if place.at < end {
            return true;
        }
        place.waker = Some(waker.clone());
        self.note_readers(&mut kept);
        false
    }

    /// What is there that the reader has not read.
    pub fn unread(&self, reader: &Reader) -> Unread {
        let mut kept = self.kept.lock();
        let (end, asked_until) = (kept.pieces.end(), kept.asked_until);
        let at = kept.place(reader).at;
        Unread {
            len: end - at,
            end,
            is_awaited: at < asked_until,
        }
    }

    /// The offset of the next byte that a reader is given.
    pub fn place(&self, reader: &Reader) -> u64 {
        self.kept.lock().place(reader).at
    }

    pub fn unsubscribe(&self, reader: Reader) {
        let mut kept = self.kept.lock();
        kept.readers.retain(|place| place.id != reader.0);
        kept.are_bounded = kept.readers.iter().any(Place::is_bounded);
        self.note_readers(&mut kept);
        kept.forget();
    }

    /// Keeps so many bytes of the past from now on, though nobody reads them. The caller holds
    /// every lock, unless nobody is to know of what was written before.
    pub fn keep(&self, bytes: u64) {
        let mut kept = self.kept.lock();
        let from = kept.past.map_or(kept.pieces.end(), |past| past.from);
        kept.past = Some(Past { bytes, from });
        self.note_readers(&mut kept);
        kept.forget();
    }

    /// Keeps nothing any longer but what is read.
    pub fn free(&self) {
        let mut kept = self.kept.lock();
        kept.past = None;
        self.note_readers(&mut kept);
        kept.forget();
    }

    /// From now on the log is another node's, or this node's own. The caller holds every lock.
    pub fn follow(&self, follows: bool) {
        let mut kept = self.kept.lock();
        kept.db = None;
        kept.followed = match follows {
            true => kept.followed.or(Some(DbIndex(0))),
            false => None,
        };
        self.note_readers(&mut kept);
    }

    /// The db that the followed stream's commands are about, if there is such a stream.
    pub fn followed_db(&self) -> Option<DbIndex> {
        self.kept.lock().followed
    }

    /// The next effect says its db: somebody begins here who was told of none.
    pub fn say_db_again(&self) {
        self.kept.lock().db = None;
    }

    /// The log is empty and goes on from an offset: all data is another. Readers go on there, too;
    /// they know nothing of the data between. The caller holds every lock.
    pub fn restart(&self, offset: u64) {
        let mut kept = self.kept.lock();
        kept.pieces.restart(offset);
        kept.asked_until = offset;
        kept.whole_from = offset;
        kept.db = None;
        kept.followed = kept.followed.map(|_| DbIndex(0));
        for place in &mut kept.readers {
            place.at = offset;
        }
        if let Some(past) = &mut kept.past {
            past.from = offset;
        }
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.kept.lock().pieces.end()
    }

    /// What is kept of the past, whoever reads.
    pub fn span(&self) -> Span {
        self.kept.lock().span()
    }

    /// The memory it takes.
    pub fn memory(&self) -> u64 {
        self.kept.lock().pieces.memory()
    }

    /// Has everybody see who reads. The lock is held.
    fn note_readers(&self, kept: &mut Kept) {
        let wanted = kept.wanted();
        let lacked_some = self.wanted.load(Ordering::Relaxed) == Wanted::Topics as u8;
        if lacked_some || wanted == Wanted::Topics {
            kept.whole_from = kept.pieces.end();
            let topics = kept
                .readers
                .iter()
                .filter_map(|place| place.topics.as_ref());
            self.topics.set(topics);
        }
        self.wanted.store(wanted as u8, Ordering::Release);
        let is_kept = u8::from(kept.past.is_some());
        self.is_kept.store(is_kept, Ordering::Release);
        let waiting = kept.readers.iter().filter(|place| place.waker.is_some());
        self.waiting.store(waiting.count(), Ordering::Release);
    }
}

fn select(db: DbIndex) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_request(&mut bytes, &["SELECT", &db.0.to_string()]);
    bytes
}

impl Kept {
    fn place(&mut self, reader: &Reader) -> &mut Place {
        let place = self.readers.iter_mut().find(|place| place.id == reader.0);
        place.expect("a reader is subscribed until it is given back")
    }

    fn wanted(&self) -> Wanted {
        let is_about_all = |place: &Place| place.topics.is_none();
        match (&self.past, self.followed) {
            (_, Some(_)) => Wanted::Nothing,
            (Some(_), None) => Wanted::All,
            (None, None) if self.readers.iter().any(is_about_all) => Wanted::All,
            (None, None) if self.readers.is_empty() => Wanted::Nothing,
            (None, None) => Wanted::Topics,
        }
    }

    /// From here on everything is there.
    fn whole_start(&self) -> u64 {
        let lacks_some = self.wanted() == Wanted::Topics;
        let whole_from = if lacks_some {
            self.pieces.end()
        } else {
            self.whole_from
        };
        self.pieces.start().max(whole_from)
    }

    fn span(&self) -> Span {
        let end = self.pieces.end();
        let start = self.past.map_or(end, |past| self.past_start(past));
        Span { start, end }
    }

    /// What is kept for a slow reader may serve others, too.
    fn past_start(&self, past: Past) -> u64 {
        let oldest = self.pieces.end().saturating_sub(past.bytes);
        let read_from = self.needed().map(|place| place.at);
        let oldest = read_from.fold(oldest, u64::min);
        oldest.max(past.from).max(self.pieces.start())
    }

    /// The readers for whom something is kept.
    fn needed(&self) -> impl Iterator<Item = &Place> {
        self.readers.iter().filter(|place| !place.is_dropped)
    }

    fn drop_slow(&mut self) {
        let end = self.pieces.end();
        for place in &mut self.readers {
            place.is_dropped |= end.saturating_sub(place.at) > place.unread_max;
        }
    }

    /// Drops what nobody needs any longer.
    fn forget(&mut self) {
        let needed = self.needed_from();
        self.pieces.forget(needed);
    }

    fn needed_from(&self) -> u64 {
        let readers = self.needed().map(|place| place.at);
        readers.chain([self.span().start]).min().unwrap_or(0)
    }

    /// As [`Kept::forget`], after something was appended.
    #[inline]
    fn forget_past(&mut self) {
        if self.are_bounded {
            self.drop_slow();
        }
        if self.pieces.could_forget(self.span().start) {
            self.forget();
        }
    }
}

#[cfg(test)]
mod tests;
