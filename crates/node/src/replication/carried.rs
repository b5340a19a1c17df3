//! What has come of the primary's log and cannot be applied yet, since the copy that it follows is
//! not the data. Nobody but the primary's writers bounds it: it is what they write meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use engine::Engine;

/// Bytes of a chunk, which are applied in one go.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) struct Carried {
    chunks: VecDeque<Vec<u8>>,
    engine: Arc<Engine>,
}

impl Carried {
    pub fn new(engine: &Arc<Engine>) -> Carried {
        Carried {
            chunks: VecDeque::new(),
            engine: Arc::clone(engine),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self
                .chunks
                .back()
                .map_or(0, |chunk| chunk.capacity() - chunk.len());
            if room == 0 {
                let chunk = Vec::with_capacity(CHUNK_BYTES);
                let carried = &self.engine.standing.carried_bytes;
                carried.fetch_add(chunk.capacity() as u64, Ordering::Relaxed);
                self.chunks.push_back(chunk);
                continue;
            }
            let (first, rest) = bytes.split_at(room.min(bytes.len()));
            let chunk = self.chunks.back_mut().expect("it has room");
            chunk.extend_from_slice(first);
            bytes = rest;
        }
    }

    /// The oldest bytes.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        let chunk = self.chunks.pop_front()?;
        let carried = &self.engine.standing.carried_bytes;
        carried.fetch_sub(chunk.capacity() as u64, Ordering::Relaxed);
        Some(chunk)
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
