//! The log of a simulated node: bytes from an offset on.

use std::collections::VecDeque;

use replication::Span;

#[derive(Debug, Default)]
pub struct Log {
    bytes: VecDeque<u8>,
    start: u64,
    /// Bytes of the past that are kept though nobody reads. Nothing, if no log is kept.
    pub kept: Option<u64>,
    /// The db that the last `SELECT` chose, if the next reader would know it.
    pub db: Option<u8>,
}

impl Log {
    pub fn at(offset: u64) -> Log {
        Log {
            start: offset,
            ..Log::default()
        }
    }

    pub fn span(&self) -> Span {
        Span {
            start: self.start,
            end: self.end(),
        }
    }

    pub fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Copies up to `len` bytes from `offset` on.
    pub fn read(&self, offset: u64, len: usize) -> Vec<u8> {
        let at = (offset - self.start) as usize;
        self.bytes.iter().skip(at).take(len).copied().collect()
    }

    /// Forgets what nobody holds and the past that is too long ago.
    pub fn trim(&mut self, held: Option<u64>) {
        let past = self.end().saturating_sub(self.kept.unwrap_or(0));
        let first = held.map_or(past, |held| held.min(past)).max(self.start);
        self.bytes.drain(..(first - self.start) as usize);
        self.start = first;
    }

    /// Goes on from another offset, without a past.
    pub fn restart(&mut self, offset: u64) {
        self.bytes.clear();
        self.start = offset;
    }
}
