//! The memory that clients take: of each, by what it is for, and of all together.
//!
//! A client's figures are its own; whoever changes one has it counted anew. Only the difference to
//! what was counted before reaches the common sum, so a client whose memory stays as it is touches
//! nothing that others read.

use std::mem::size_of;
use std::sync::atomic::Ordering;

use crate::session::Session;
use crate::sync::{AtomicU64, AtomicUsize};

use super::Client;

/// What a watched key or a subscription takes beside its name, which the client's own list holds
/// and everybody's, too.
const PLACE_BYTES: usize = 96;

/// What a watched key or a subscription takes.
pub(crate) fn name_bytes(name: &[u8]) -> u64 {
    (2 * name.len() + PLACE_BYTES) as u64
}

/// Stands for the count of a client that has gone.
const GONE: u64 = u64::MAX;

/// What one client takes, in bytes.
#[derive(Debug, Default)]
pub struct Usage {
    /// Input that is not understood yet.
    pub query: AtomicU64,
    /// Arguments of a request that has not arrived to its end.
    pub arguments: AtomicU64,
    /// What is left of the buffer that both are in.
    pub query_free: AtomicU64,
    pub query_capacity: AtomicU64,
    /// Queued commands.
    pub queued: AtomicU64,
    /// Watched keys.
    pub watched: AtomicU64,
    pub subscribed: AtomicU64,
    /// Replies that the socket did not take yet.
    pub unsent: AtomicU64,
    pub unsent_capacity: AtomicU64,
    /// What others sent, and the session has not taken yet.
    pub inbox: AtomicU64,
    pub inbox_capacity: AtomicU64,
    /// How much of it all is in the common sum.
    counted: AtomicU64,
}

/// Input that waits for more, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input {
    /// What is not understood yet.
    pub query: usize,
    /// The arguments before it.
    pub arguments: usize,
    /// What is left of the buffer that both are in.
    pub free: usize,
    pub capacity: usize,
}

impl Usage {
    /// What a client takes that does nothing.
    const IDLE: u64 = (size_of::<Client>() + size_of::<Session>()) as u64;

    pub fn total(&self) -> u64 {
        let parts = [
            &self.query_capacity,
            &self.queued,
            &self.watched,
            &self.subscribed,
            &self.unsent_capacity,
            &self.inbox_capacity,
        ];
        let parts = parts.iter().map(|part| part.load(Ordering::Relaxed));
        Usage::IDLE + parts.sum::<u64>()
    }

    /// Bytes that wait to be written.
    pub fn output(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed) + self.inbox.load(Ordering::Relaxed)
    }

    /// Has what is taken now be part of the sum.
    pub(super) fn count(&self, tally: &Tally) {
        let total = self.total();
        let mut before = self.counted.load(Ordering::Relaxed);
        while before != total && before != GONE {
            let replaced = self.counted.compare_exchange_weak(
                before,
                total,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            match replaced {
                Ok(_) => return tally.replace(before, total),
                Err(other) => before = other,
            }
        }
    }

    /// Takes everything out of the sum, for good.
    pub(super) fn leave(&self, tally: &Tally) {
        let before = self.counted.swap(GONE, Ordering::AcqRel);
        if before != GONE {
            tally.replace(before, 0);
        }
    }
}

/// What all clients take together.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: AtomicU64,
    /// How many of them may be closed for their memory.
    pub(super) evictable: AtomicUsize,
    /// How many leave more replies unread than they may for long.
    pub(crate) slow: AtomicUsize,
}

impl Tally {
    #[inline]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether closing clients can help to get below `limit`.
    #[inline]
    pub(crate) fn can_shrink_to(&self, limit: u64) -> bool {
        self.bytes() > limit && self.evictable.load(Ordering::Relaxed) > 0
    }

    fn replace(&self, before: u64, after: u64) {
        let more = after.wrapping_sub(before);
        self.bytes.fetch_add(more, Ordering::AcqRel);
    }
}
