//! A connection whose client is a replica: it is sent the pieces of its feed in place.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use engine::clients::ClientFlags;
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

/// What is on its way to a replica.
pub(super) struct Replica {
    feed: Arc<Feed>,
    /// What the socket did not take yet, and the offset of the log at its end.
    pieces: Vec<Bytes>,
    next: usize,
    left: usize,
    log_end: Option<u64>,
    /// What is there has waited for what others add to it.
    has_gathered: bool,
}

impl Replica {
    fn new(feed: Arc<Feed>) -> Replica {
        Replica {
            feed,
            pieces: Vec::new(),
            next: 0,
            left: 0,
            log_end: None,
            has_gathered: false,
        }
    }

    /// Whether to send later what is there now. A client's batch wakes the replica's task, and all
    /// others who are ready have a batch, too: one write takes all of it if they go first.
    fn gathers(&mut self, cx: &mut Context<'_>) -> bool {
        if self.left > 0 || std::mem::take(&mut self.has_gathered) {
            return false;
        }
        self.has_gathered = true;
        wake_behind_others(cx);
        true
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
        if self
            .replica
            .as_mut()
            .is_some_and(|replica| replica.gathers(cx))
        {
            return Ok(());
        }
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
