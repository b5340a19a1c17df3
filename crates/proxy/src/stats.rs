//! What is counted, and the report of it.
//!
//! Every worker has counters of its own, which only it changes; who reports adds them up.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A number that one thread changes and any may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub fn add(&self, more: u64) {
        // The only writer needs no locked instruction.
        self.0
            .store(self.0.load(Ordering::Relaxed) + more, Ordering::Relaxed);
    }

    #[inline]
    pub fn sub(&self, less: u64) {
        let value = self.0.load(Ordering::Relaxed).saturating_sub(less);
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A pool's figures in one worker.
#[derive(Debug, Default)]
pub struct PoolCounters {
    pub client_eof: Counter,
    pub client_err: Counter,
    pub client_connections: Counter,
    pub clients_accepted: Counter,
    pub client_bytes_in: Counter,
    pub client_bytes_out: Counter,
    pub requests: Counter,
    pub forward_error: Counter,
    pub fragments: Counter,
}

/// A server's figures in one worker.
#[derive(Debug, Default)]
pub struct ServerCounters {
    pub server_eof: Counter,
    pub server_err: Counter,
    pub server_timedout: Counter,
    pub server_connections: Counter,
    pub connects: Counter,
    pub requests: Counter,
    pub request_bytes: Counter,
    pub responses: Counter,
    pub response_bytes: Counter,
    pub in_queue: Counter,
    pub in_queue_bytes: Counter,
}

/// What all workers change.
#[derive(Debug, Default)]
pub struct Shared {
    pub server_ejects: AtomicU64,
    /// Clients there are now.
    pub clients: AtomicI64,
}

/// One key and number of the report, what it tells and where it is kept.
pub type Field<T> = (&'static str, &'static str, fn(&T) -> &Counter);

pub const SERVER_FIELDS: &[Field<ServerCounters>] = &[
    ("requests", "requests sent", |c| &c.requests),
    ("request_bytes", "bytes of requests sent", |c| {
        &c.request_bytes
    }),
    ("responses", "replies received", |c| &c.responses),
    ("response_bytes", "bytes of replies received", |c| {
        &c.response_bytes
    }),
    ("in_queue", "requests not sent yet", |c| &c.in_queue),
    ("in_queue_bytes", "bytes of requests not sent yet", |c| {
        &c.in_queue_bytes
    }),
];
