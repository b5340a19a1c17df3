//! A connection whose client is a replica: it is sent the pieces of its feed in place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use engine::Engine;
use engine::clients::ClientFlags;
use engine::log::Unread;
use node::replication::feed::{Feed, Next};
use replication::Input;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, End};
use crate::worker::{Tools, wake_behind_others};

/// Bytes of pieces taken at once.
const PIECES_BYTES: usize = 256 * 1024;

/// Pieces written at once.
const SLICES: usize = 64;

/// Bytes written before other connections have their turn.
const BYTES_PER_TURN: usize = 1 << 20;

/// So much of the log is not kept back any longer for what others add to it.
const GATHERED_BYTES: u64 = 16 * 1024;

/// Nor is anything for longer than this, unless the thread comes late.
const GATHERS_NANOS: u64 = 250_000;

/// What is on its way to a replica.
pub(super) struct Replica {
    feed: Arc<Feed>,
    /// What the socket did not take yet, and the offset of the log at its end.
    pieces: Vec<Bytes>,
    next: usize,
    left: usize,
    log_end: Option<u64>,
    gathering: Gathering,
}

/// What is there of the log waits for what others add to it. A client's batch wakes the replica's
/// task, and others have a batch, too: one write takes all of them if they go first. So it waits as
/// long as each look at the sockets brings more, within limits.
#[derive(Default)]
struct Gathering {
    /// When it began, and the offset of the log's end at the last look.
    under_way: Option<(u64, u64)>,
}

impl Gathering {
    /// Whether to wait for another look at the sockets.
    fn goes_on(&mut self, unread: Unread, now_nanos: u64) -> bool {
        let (since, seen) = self.under_way.take().unwrap_or((now_nanos, 0));
        let is_due = unread.end == seen
            || unread.len >= GATHERED_BYTES
            || unread.is_awaited && seen > 0
            || now_nanos.saturating_sub(since) >= GATHERS_NANOS;
        if unread.len == 0 || is_due {
            return false;
        }
        self.under_way = Some((since, unread.end));
        true
    }
}

impl Replica {
    fn new(feed: Arc<Feed>) -> Replica {
        Replica {
            feed,
            pieces: Vec::new(),
            next: 0,
            left: 0,
            log_end: None,
            gathering: Gathering::default(),
        }
    }

    /// Whether to send later what is there now. Then the task is woken to ask again.
    fn gathers(&mut self, engine: &Engine, cx: &mut Context<'_>) -> bool {
        let now_nanos = engine.host.monotonic_nanos();
        let unread = self.feed.unread(engine);
        let gathers = unread.is_some_and(|unread| self.gathering.goes_on(unread, now_nanos));
        if gathers {
            wake_behind_others(cx);
        }
        gathers
    }

    /// The socket has taken so many bytes.
    fn advance(&mut self, mut len: usize) {
        self.left -= len;
        while len > 0 {
            let piece = &mut self.pieces[self.next];
            let taken = len.min(piece.len());
            piece.advance(taken);
            len -= taken;
            if piece.is_empty() {
                self.next += 1;
            }
        }
        if self.left == 0 {
            self.pieces.clear();
            self.next = 0;
        }
        self.feed.note_moved();
        if let Some(end) = self.log_end {
            self.feed.note_sent(end.saturating_sub(self.left as u64));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Whether the client is a replica. It is one from the moment it asked for the data.
    pub(super) fn is_replica(&mut self) -> bool {
        if self.replica.is_some() {
            return true;
        }
        let client = &self.session.client;
        if !client.has(ClientFlags::REPLICA) {
            return false;
        }
        let feed = self.durability.replication.feed(client.peer());
        self.replica = feed.map(|feed| Box::new(Replica::new(feed)));
        self.replica.is_some()
    }

    /// Sends what the socket takes of the feed.
    pub(super) fn feed(&mut self, tools: &mut Tools, cx: &mut Context<'_>) -> Result<(), End> {
        let mut sent = 0;
        let fed = loop {
            if sent >= BYTES_PER_TURN {
                wake_behind_others(cx);
                break Ok(());
            }
            match self.feed_once(cx) {
                Ok(Poll::Ready(len)) => sent += len,
                Ok(Poll::Pending) => break Ok(()),
                Err(end) => break Err(end),
            }
        };
        if sent > 0 {
            let bytes_out = &self.engine.standing.syncs.bytes_out;
            bytes_out.fetch_add(sent as u64, Ordering::Relaxed);
            tools.worker.stats.writes.add(1);
        }
        fed
    }

    fn feed_once(&mut self, cx: &mut Context<'_>) -> Result<Poll<usize>, End> {
        let Some(replica) = &mut self.replica else {
            return Ok(Poll::Pending);
        };
        if replica.left == 0 {
            if replica.gathers(&self.engine, cx) {
                return Ok(Poll::Pending);
            }
            let feed = &replica.feed;
            match feed.next(&self.engine, cx.waker(), PIECES_BYTES, &mut replica.pieces) {
                Next::Nothing => return Ok(Poll::Pending),
                Next::Over => return Err(End::Closed),
                Next::SnapshotSent => {
                    let peer = feed.client.peer();
                    let replication = &self.durability.replication;
                    replication.tell(&self.engine, Input::SnapshotSent { peer });
                    return Ok(Poll::Ready(0));
                }
                Next::Pieces { log_end } => {
                    replica.log_end = log_end;
                    replica.left = replica.pieces.iter().map(Bytes::len).sum();
                    if replica.left == 0 {
                        replica.pieces.clear();
                        return Ok(Poll::Ready(0));
                    }
                }
            }
        }
        self.is_unflushed = true;
        let mut slices = [IoSlice::new(&[]); SLICES];
        let pieces = &replica.pieces[replica.next..];
        let count = pieces.len().min(SLICES);
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece);
        }
        match Pin::new(&mut self.stream).poll_write_vectored(cx, &slices[..count]) {
            Poll::Ready(Ok(0)) => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Poll::Ready(Ok(len)) => {
                replica.advance(len);
                Ok(Poll::Ready(len))
            }
            Poll::Ready(Err(error)) => Err(error.into()),
            Poll::Pending => Ok(Poll::Pending),
        }
    }

    /// A replica sends empty lines while it is busy with its copy.
    pub(super) fn note_newlines(&mut self, input: &[u8]) {
        if self.replica.is_some() && input.iter().all(|byte| *byte == b'\n') {
            let peer = self.session.client.peer();
            let replication = &self.durability.replication;
            replication.tell(&self.engine, Input::Newline { peer });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(len: u64, is_awaited: bool) -> Unread {
        Unread {
            len,
            end: 1000 + len,
            is_awaited,
        }
    }

    #[test]
    fn a_feed_gathers_while_each_look_brings_more() {
        let mut gathering = Gathering::default();
        assert!(!gathering.goes_on(unread(0, false), 0));
        for len in 1..10 {
            assert!(gathering.goes_on(unread(len, false), len));
        }
        assert!(!gathering.goes_on(unread(9, false), 10));
        assert!(gathering.goes_on(unread(9, false), 11));
    }

    #[test]
    fn a_feed_gathers_neither_much_nor_long() {
        let mut gathering = Gathering::default();
        assert!(!gathering.goes_on(unread(GATHERED_BYTES, false), 0));
        assert!(gathering.goes_on(unread(1, false), 5));
        assert!(gathering.goes_on(unread(2, false), 4 + GATHERS_NANOS));
        assert!(!gathering.goes_on(unread(3, false), 5 + GATHERS_NANOS));
    }

    #[test]
    fn what_somebody_waits_for_is_gathered_once() {
        let mut gathering = Gathering::default();
        assert!(gathering.goes_on(unread(1, true), 0));
        assert!(!gathering.goes_on(unread(2, true), 0));
    }
}
