//! What goes to one replica, in its order: lines, a snapshot, then the log.
//!
//! The pieces of a snapshot and of the log are shared by all who are sent them; a feed only holds
//! places. Whoever owns the replica's socket takes pieces as the socket does.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use bytes::Bytes;
use engine::Engine;
use engine::clients::Client;
use engine::log::{Reader, Unread};
use parking_lot::{Condvar, Mutex};

/// Bytes of a file that are read at once.
const FILE_BYTES: usize = 64 * 1024;

/// What is sent to one replica.
pub struct Feed {
    pub client: Arc<Client>,
    line: Mutex<Line>,
    /// How far the socket has taken the log.
    sent: AtomicU64,
    /// Whether the socket has taken anything of a snapshot since this was last asked.
    moved: AtomicBool,
    room: Arc<Room>,
}

#[derive(Default)]
struct Line {
    items: VecDeque<Item>,
    /// Bytes of the snapshot, and of the log that comes with it, that wait in `items`.
    waiting: usize,
    reader: Option<Reader>,
    is_fed: bool,
    is_over: bool,
}

enum Item {
    Bytes(Bytes),
    /// A piece of a snapshot, or of the log that comes with it: of that, if this is its end, with
    /// the offset behind.
    Piece(Bytes, Option<u64>),
    File(Box<dyn Read + Send>),
    /// All of a snapshot was sent when this comes to the front.
    SnapshotEnd,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Pieces to send. The last of them ends at this offset of the log, if they are of the log.
    Pieces { log_end: Option<u64> },
    /// The snapshot was sent, and replication is to be told.
    SnapshotSent,
    /// Nothing yet; whoever asked is woken when there is more.
    Nothing,
    /// The replica was given up, or what it is sent cannot be read.
    Over,
}

impl Feed {
    pub fn new(client: Arc<Client>, room: Arc<Room>) -> Feed {
        Feed {
            client,
            line: Mutex::default(),
            sent: AtomicU64::new(0),
            moved: AtomicBool::new(false),
            room,
        }
    }

    pub(super) fn push(&self, bytes: Vec<u8>) {
        self.add(Item::Bytes(bytes.into()));
    }

    /// Adds a piece of a snapshot, unless the replica is gone. Returns whether it is there.
    pub(super) fn push_piece(&self, bytes: Bytes) -> bool {
        let mut line = self.line.lock();
        if line.is_over {
            return false;
        }
        line.waiting += bytes.len();
        line.items.push_back(Item::Piece(bytes, None));
        drop(line);
        self.client.wake();
        true
    }

    /// As [`Feed::push_piece`], of a part of the log in several pieces, which ends at `end`: up to
    /// there the log is not kept for this replica any longer.
    pub(super) fn push_log(&self, engine: &Engine, pieces: &[Bytes], end: u64) -> bool {
        let mut line = self.line.lock();
        let (false, Some((last, pieces))) = (line.is_over, pieces.split_last()) else {
            return !line.is_over;
        };
        line.waiting += last.len() + pieces.iter().map(Bytes::len).sum::<usize>();
        let pieces = pieces.iter().cloned();
        line.items
            .extend(pieces.map(|piece| Item::Piece(piece, None)));
        line.items.push_back(Item::Piece(last.clone(), Some(end)));
        if let Some(reader) = &line.reader {
            engine.log.advance(reader, end);
        }
        drop(line);
        self.client.wake();
        true
    }

    pub(super) fn end_snapshot(&self) {
        self.add(Item::SnapshotEnd);
    }

    pub(super) fn push_file(&self, file: Box<dyn Read + Send>) {
        self.add(Item::File(file));
        self.end_snapshot();
    }

    fn add(&self, item: Item) {
        self.line.lock().items.push_back(item);
        self.client.wake();
    }

    /// Has the log be kept from where `reader` is.
    pub(super) fn hold(&self, engine: &Engine, reader: Reader) {
        let place = engine.log.place(&reader);
        self.sent.store(place, Ordering::Relaxed);
        let earlier = self.line.lock().reader.replace(reader);
        if let Some(earlier) = earlier {
            engine.log.unsubscribe(earlier);
        }
    }

    pub(super) fn begin(&self) {
        self.line.lock().is_fed = true;
        self.client.wake();
    }

    /// Gives everything up.
    pub(super) fn end(&self, engine: &Engine) {
        let mut line = self.line.lock();
        let reader = line.reader.take();
        *line = Line {
            is_over: true,
            ..Line::default()
        };
        drop(line);
        if let Some(reader) = reader {
            engine.log.unsubscribe(reader);
        }
        self.room.tell();
        self.client.wake();
    }

    /// The bytes of a copy that wait for the socket.
    pub(super) fn waiting(&self) -> usize {
        self.line.lock().waiting
    }

    /// How far the socket has taken the log.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The socket has taken the log up to here.
    pub fn note_sent(&self, offset: u64) {
        self.sent.store(offset, Ordering::Relaxed);
    }

    /// The socket has taken something.
    pub fn note_moved(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_moved(&self) -> bool {
        self.moved.swap(false, Ordering::Relaxed)
    }

    /// What is there of the log, if that is what comes next.
    pub fn unread(&self, engine: &Engine) -> Option<Unread> {
        let line = self.line.lock();
        let reader = line.reader.as_ref();
        let reader = reader.filter(|_| line.is_fed && line.items.is_empty())?;
        Some(engine.log.unread(reader))
    }

    /// Takes pieces of about `most` bytes.
    pub fn next(&self, engine: &Engine, waker: &Waker, most: usize, into: &mut Vec<Bytes>) -> Next {
        let mut line = self.line.lock();
        if line.is_over {
            return Next::Over;
        }
        let Line {
            items,
            waiting,
            reader,
            is_fed,
            ..
        } = &mut *line;
        let mut len = 0;
        while len < most {
            match items.front_mut() {
                Some(Item::Bytes(bytes)) => {
                    len += bytes.len();
                    into.push(std::mem::take(bytes));
                }
                Some(Item::Piece(bytes, log_end)) => {
                    len += bytes.len();
                    *waiting -= bytes.len();
                    into.push(std::mem::take(bytes));
                    if let Some(end) = *log_end {
                        self.note_sent(end);
                    }
                }
                Some(Item::File(file)) => match read_piece(file) {
                    Err(_) => return Next::Over,
                    Ok(bytes) if !bytes.is_empty() => {
                        len += bytes.len();
                        into.push(bytes);
                        continue;
                    }
                    Ok(_) => {}
                },
                Some(Item::SnapshotEnd) if len > 0 => break,
                Some(Item::SnapshotEnd) => {
                    items.pop_front();
                    return Next::SnapshotSent;
                }
                None => break,
            }
            items.pop_front();
        }
        if len > 0 {
            drop(line);
            self.room.tell();
            return Next::Pieces { log_end: None };
        }
        let Some(reader) = reader.as_ref().filter(|_| *is_fed) else {
            return Next::Nothing;
        };
        if !engine.log.has_more(reader, waker) {
            return Next::Nothing;
        }
        engine.log.share(reader, most, into);
        let log_end = Some(engine.log.place(reader));
        Next::Pieces { log_end }
    }
}

fn read_piece(file: &mut Box<dyn Read + Send>) -> std::io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(FILE_BYTES);
    file.take(FILE_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Where whoever makes a snapshot waits for room at the replicas.
#[derive(Default)]
pub struct Room {
    told: Mutex<bool>,
    condvar: Condvar,
}

impl Room {
    /// There may be room.
    pub(super) fn tell(&self) {
        *self.told.lock() = true;
        self.condvar.notify_all();
    }

    /// Waits until there may be room, but not for long.
    pub(super) fn wait(&self) {
        let mut told = self.told.lock();
        if !*told {
            let moment = std::time::Duration::from_millis(50);
            self.condvar.wait_for(&mut told, moment);
        }
        *told = false;
    }
}
