//! The bytes of the log, in pieces that are shared with whoever sends them.
//!
//! ```text
//!   start                                              end
//!     │ whole piece │ whole piece │ split │ split │ tail │ room
//!                                 └──── one chunk ───────────┘
//! ```
//!
//! What is written goes into the tail. A reader who follows closely has the tail's bytes split off
//! as a piece of their own, without a copy; when the chunk is full its pieces are joined again, so
//! that a long past does not consist of crumbs.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Bytes of a chunk, unless something longer is written at once.
const CHUNK_BYTES: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Each with the offset of its first byte.
    whole: VecDeque<(u64, Bytes)>,
    tail: BytesMut,
    /// The offset behind the last byte.
    end: u64,
    /// So many of the last pieces were split off the tail's chunk.
    split: usize,
}

impl Pieces {
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The offset of the first byte that is there.
    pub fn start(&self) -> u64 {
        match self.whole.front() {
            Some((start, _)) => *start,
            None => self.tail_start(),
        }
    }

    fn tail_start(&self) -> u64 {
        self.end - self.tail.len() as u64
    }

    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.tail.capacity() - self.tail.len() {
            return self.extend_beyond(bytes);
        }
        self.tail.extend_from_slice(bytes);
        self.end += bytes.len() as u64;
    }

    /// As [`Pieces::extend`], of more than the chunk has room for.
    #[cold]
    fn extend_beyond(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(self.tail.capacity() - self.tail.len());
        self.tail.extend_from_slice(first);
        self.end += first.len() as u64;
        self.end_chunk();
        self.tail = BytesMut::with_capacity(rest.len().max(CHUNK_BYTES));
        self.tail.extend_from_slice(rest);
        self.end += rest.len() as u64;
    }

    /// Makes the chunk one piece.
    fn end_chunk(&mut self) {
        let split = std::mem::take(&mut self.split).min(self.whole.len());
        let mut start = self.tail_start();
        let mut chunk = std::mem::take(&mut self.tail).freeze();
        if split > 0 {
            let first = self.whole.len() - split;
            start = self.whole[first].0;
            let mut joined = Vec::with_capacity((self.end - start) as usize);
            for (_, piece) in self.whole.drain(first..) {
                joined.extend_from_slice(&piece);
            }
            joined.extend_from_slice(&chunk);
            chunk = Bytes::from(joined);
        }
        if !chunk.is_empty() {
            self.whole.push_back((start, chunk));
        }
    }

    /// Gives up the pieces that end at an offset or before.
    #[inline]
    pub fn forget(&mut self, up_to: u64) {
        while let Some((start, piece)) = self.whole.front() {
            if start + piece.len() as u64 > up_to {
                return;
            }
            self.whole.pop_front();
        }
        if up_to == self.end {
            self.tail.clear();
        }
    }

    /// Whether [`Pieces::forget`] would give anything up.
    #[inline]
    pub fn could_forget(&self, up_to: u64) -> bool {
        let first = self.whole.front();
        first.is_some_and(|(start, piece)| start + piece.len() as u64 <= up_to)
    }

    /// Gives up everything, and goes on at another offset.
    pub fn restart(&mut self, at: u64) {
        *self = Pieces {
            end: at,
            ..Pieces::default()
        };
    }

    /// Appends all bytes from `at` on to `into`.
    pub fn copy(&self, at: u64, into: &mut Vec<u8>) {
        into.reserve((self.end - at) as usize);
        for (start, piece) in self.whole.iter().skip(self.piece_at(at)) {
            into.extend_from_slice(&piece[at.saturating_sub(*start) as usize..]);
        }
        let skipped = at.saturating_sub(self.tail_start()) as usize;
        into.extend_from_slice(&self.tail[skipped..]);
    }

    /// Adds to `into` the pieces from `at` on, of at most `most` bytes together. Returns how many
    /// bytes they have.
    pub fn share(&mut self, at: u64, most: usize, into: &mut Vec<Bytes>) -> usize {
        let reaches_tail = at.saturating_add(most as u64) > self.tail_start();
        if reaches_tail && !self.tail.is_empty() {
            let start = self.tail_start();
            self.whole.push_back((start, self.tail.split().freeze()));
            self.split += 1;
        }
        let mut left = most;
        for (start, piece) in self.whole.iter().skip(self.piece_at(at)) {
            let from = at.saturating_sub(*start) as usize;
            let len = (piece.len() - from).min(left);
            if len == 0 {
                break;
            }
            into.push(piece.slice(from..from + len));
            left -= len;
        }
        most - left
    }

    /// The place of the piece that holds the byte at an offset.
    fn piece_at(&self, at: u64) -> usize {
        self.whole
            .partition_point(|(start, piece)| start + piece.len() as u64 <= at)
    }

    /// The memory they take.
    pub fn memory(&self) -> u64 {
        let places = self.whole.capacity() * size_of::<(u64, Bytes)>();
        let tail = self.tail.capacity() - self.tail.len();
        self.end - self.start() + (places + tail) as u64
    }
}

#[cfg(test)]
mod tests;
