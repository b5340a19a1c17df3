//! What was deleted but not freed yet: torn down in bounded steps, by whoever has time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use keyspace::Detached;

use crate::sync::Mutex;

#[derive(Default)]
pub struct Garbage {
    detached: Mutex<VecDeque<Detached>>,
    /// Keys that wait to be freed.
    pub pending: AtomicU64,
    /// Keys that were freed.
    pub freed: AtomicU64,
}

impl Garbage {
    pub fn add(&self, detached: Vec<Detached>) {
        let keys: usize = detached.iter().map(Detached::keys).sum();
        self.pending.fetch_add(keys as u64, Ordering::Relaxed);
        self.detached.lock().extend(detached);
    }

    /// Counts what is freed from nought again.
    pub fn reset(&self) {
        self.freed.store(0, Ordering::Relaxed);
    }

    /// Frees about `budget` elements. Returns whether there was anything to free.
    pub fn free_some(&self, budget: usize) -> bool {
        let Some(mut detached) = self.detached.lock().pop_front() else {
            return false;
        };
        let freed = detached.free_some(budget);
        self.pending.fetch_sub(freed.keys as u64, Ordering::Relaxed);
        self.freed.fetch_add(freed.keys as u64, Ordering::Relaxed);
        if !freed.finished {
            self.detached.lock().push_front(detached);
        }
        true
    }
}
