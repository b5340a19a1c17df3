//! What is counted, and the report of it.
//!
//! Every worker has counters of its own, which only it changes; who reports adds them up.

use crate::configuration::Monitor;
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

    /// Sets it to 0, from any thread; an addition at the same time may be lost.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long requests took that a monitor watches, in one worker.
#[derive(Debug)]
pub struct Samples {
    /// One for each span, and one for all that took longer: how many, and their sum.
    pub cells: Vec<(Counter, Counter)>,
}

impl Samples {
    pub fn of(monitors: &[Monitor]) -> Vec<Samples> {
        let cells = |monitor: &Monitor| (0..=monitor.spans_us.len()).map(|_| Default::default());
        let samples = monitors.iter().map(|monitor| Samples {
            cells: cells(monitor).collect(),
        });
        samples.collect()
    }

    pub fn add(&self, monitor: &Monitor, took_us: u64) {
        let at = monitor.spans_us.partition_point(|span| *span < took_us);
        let (count, sum) = &self.cells[at];
        count.add(1);
        sum.add(took_us);
    }

    pub fn reset(&self) {
        for (count, sum) in &self.cells {
            count.reset();
            sum.reset();
        }
    }
}

/// How long replies took, by powers of two of microseconds.
#[derive(Debug, Default)]
pub struct Latency {
    pub buckets: [Counter; LATENCY_BUCKETS],
    pub sum_us: Counter,
}

/// The last holds all that took longer than 2^26 us, which is a minute.
pub const LATENCY_BUCKETS: usize = 28;

impl Latency {
    #[inline]
    pub fn add(&self, took_us: u64) {
        let bits = (u64::BITS - took_us.saturating_sub(1).leading_zeros()) as usize;
        self.buckets[bits.min(LATENCY_BUCKETS - 1)].add(1);
        self.sum_us.add(took_us);
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
    /// Requests that have waited for a server to come back.
    pub held: Counter,
    /// Requests sent again, because no server had run them.
    pub resent: Counter,
    /// Clients closed because of what they left unread, or because memory was short.
    pub closed_for_memory: Counter,
    /// Bytes held for clients and servers.
    pub memory: Counter,
    pub monitors: Vec<Samples>,
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
    pub latency: Latency,
    pub monitors: Vec<Samples>,
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
