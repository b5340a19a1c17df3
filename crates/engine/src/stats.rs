//! What is counted: per worker while commands run, summed when asked.
//!
//! A worker's numbers are written by that worker alone, so counting is a load and a store on a
//! cache line nobody else writes. Rare events are counted in one place, under a lock or atomically.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::command::CommandId;
use crate::sync::Mutex;

/// A number that one thread writes and all may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub fn add(&self, more: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(more),
            Ordering::Relaxed,
        );
    }

    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// How one command fared.
#[derive(Debug)]
pub struct CommandStats {
    pub calls: Counter,
    pub nanos: Counter,
    pub rejected: Counter,
    pub failed: Counter,
    /// Calls by duration: bucket `n` counts those of less than 2^n nanoseconds.
    histogram: [Counter; HISTOGRAM_BUCKETS],
}

/// Up to 2^40 nanoseconds, 18 minutes.
pub const HISTOGRAM_BUCKETS: usize = 41;

impl Default for CommandStats {
    fn default() -> Self {
        CommandStats {
            calls: Counter::default(),
            nanos: Counter::default(),
            rejected: Counter::default(),
            failed: Counter::default(),
            histogram: [const { Counter(AtomicU64::new(0)) }; HISTOGRAM_BUCKETS],
        }
    }
}

impl CommandStats {
    /// Counts calls that took so long each.
    #[inline]
    pub fn record(&self, calls: u64, nanos: u64) {
        self.calls.add(calls);
        self.nanos.add(calls * nanos);
    }

    /// Counts them in the histogram, as long as `latency-tracking` is on.
    #[inline]
    pub fn track(&self, calls: u64, nanos: u64) {
        let bucket = (64 - nanos.leading_zeros() as usize).min(HISTOGRAM_BUCKETS - 1);
        self.histogram[bucket].add(calls);
    }
}

/// One worker's numbers.
#[derive(Debug)]
#[repr(align(128))]
pub struct WorkerStats {
    pub commands: Box<[CommandStats]>,
    pub hits: Counter,
    pub misses: Counter,
    pub expired: Counter,
    pub evicted: Counter,
    pub dirty: Counter,
    pub bytes_in: Counter,
    pub bytes_out: Counter,
    pub reads: Counter,
    pub writes: Counter,
}

/// The sum over all workers, of one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandTotals {
    pub calls: u64,
    pub nanos: u64,
    pub rejected: u64,
    pub failed: u64,
    pub histogram: Vec<u64>,
}

impl CommandTotals {
    /// How many calls the histogram has.
    pub fn tracked(&self) -> u64 {
        self.histogram.iter().sum()
    }

    /// The duration that `percentile` percent of the tracked calls did not exceed, in nanoseconds.
    /// Within a bucket the calls are taken to be spread evenly. 0 without calls.
    pub fn percentile_nanos(&self, percentile: f64) -> f64 {
        let rank = (percentile / 100.0 * self.tracked() as f64).max(1.0);
        let mut below = 0.0;
        for (bucket, &calls) in self.histogram.iter().enumerate().filter(|(_, n)| **n > 0) {
            let calls = calls as f64;
            if below + calls >= rank {
                let (from, to) = (lower_bound(bucket), lower_bound(bucket + 1));
                return from + (to - from) * (rank - below) / calls;
            }
            below += calls;
        }
        0.0
    }
}

/// The shortest duration that histogram bucket `bucket` counts, in nanoseconds.
fn lower_bound(bucket: usize) -> f64 {
    if bucket == 0 {
        0.0
    } else {
        (1u64 << (bucket - 1)) as f64
    }
}

/// The sum over all workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub commands: u64,
    pub hits: u64,
    pub misses: u64,
    pub expired: u64,
    pub evicted: u64,
    pub dirty: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub reads: u64,
    pub writes: u64,
}

/// How often workers have read from clients, and how many bytes went to and fro.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    pub reads: u64,
    pub bytes: u64,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Stats {
    commands: usize,
    workers: Mutex<Vec<Arc<WorkerStats>>>,
    /// Blocks whose worker has ended, for the next one.
    idle: Mutex<Vec<Arc<WorkerStats>>>,
    pub connections: AtomicU64,
    pub rejected_connections: AtomicU64,
    pub evicted_clients: AtomicU64,
    pub output_limit_disconnections: AtomicU64,
    pub query_limit_disconnections: AtomicU64,
    pub expire_cycle_micros: AtomicU64,
    pub expire_time_cap_reached: AtomicU64,
    pub auth_failures: AtomicU64,
    pub unexpected_errors: AtomicU64,
    /// Error replies by their first word.
    errors: Mutex<BTreeMap<String, u64>>,
    pub total_errors: AtomicU64,
    /// The rate of commands, bytes in and bytes out per second, over the last samples.
    pub rates: Mutex<Rates>,
    /// Writes at the last save, so that `rdb_changes_since_last_save` is their difference.
    pub dirty_at_save: AtomicU64,
    /// Average time left of the keys that the last walk of expiry saw, by db, in milliseconds.
    pub average_ttl_ms: Mutex<BTreeMap<u16, u64>>,
    /// Percent of the keys that active expiry saw and found due, in hundredths.
    pub stale_hundredths: AtomicU64,
}

impl Stats {
    pub fn new(commands: usize) -> Stats {
        Stats {
            commands,
            workers: Mutex::default(),
            idle: Mutex::default(),
            connections: AtomicU64::default(),
            rejected_connections: AtomicU64::default(),
            evicted_clients: AtomicU64::default(),
            output_limit_disconnections: AtomicU64::default(),
            query_limit_disconnections: AtomicU64::default(),
            expire_cycle_micros: AtomicU64::default(),
            expire_time_cap_reached: AtomicU64::default(),
            auth_failures: AtomicU64::default(),
            unexpected_errors: AtomicU64::default(),
            errors: Mutex::default(),
            total_errors: AtomicU64::default(),
            rates: Mutex::default(),
            dirty_at_save: AtomicU64::default(),
            average_ttl_ms: Mutex::default(),
            stale_hundredths: AtomicU64::default(),
        }
    }

    /// Numbers for a worker that begins.
    pub fn join(&self) -> Arc<WorkerStats> {
        if let Some(stats) = self.idle.lock().pop() {
            return stats;
        }
        let stats = Arc::new(WorkerStats {
            commands: (0..self.commands)
                .map(|_| CommandStats::default())
                .collect(),
            hits: Counter::default(),
            misses: Counter::default(),
            expired: Counter::default(),
            evicted: Counter::default(),
            dirty: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            reads: Counter::default(),
            writes: Counter::default(),
        });
        self.workers.lock().push(Arc::clone(&stats));
        stats
    }

    /// Takes the numbers of a worker that ends; they still count.
    pub fn leave(&self, stats: Arc<WorkerStats>) {
        self.idle.lock().push(stats);
    }

    pub fn command(&self, id: CommandId) -> CommandTotals {
        let mut totals = CommandTotals {
            histogram: vec![0; HISTOGRAM_BUCKETS],
            ..CommandTotals::default()
        };
        for worker in self.workers.lock().iter() {
            let stats = &worker.commands[usize::from(id.0)];
            totals.calls += stats.calls.get();
            totals.nanos += stats.nanos.get();
            totals.rejected += stats.rejected.get();
            totals.failed += stats.failed.get();
            let sums = totals.histogram.iter_mut().zip(&stats.histogram);
            sums.for_each(|(sum, bucket)| *sum += bucket.get());
        }
        totals
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for worker in self.workers.lock().iter() {
            totals.commands += worker
                .commands
                .iter()
                .map(|stats| stats.calls.get())
                .sum::<u64>();
            totals.hits += worker.hits.get();
            totals.misses += worker.misses.get();
            totals.expired += worker.expired.get();
            totals.evicted += worker.evicted.get();
            totals.dirty += worker.dirty.get();
            totals.bytes_in += worker.bytes_in.get();
            totals.bytes_out += worker.bytes_out.get();
            totals.reads += worker.reads.get();
            totals.writes += worker.writes.get();
        }
        totals
    }

    /// What clients have exchanged with workers, which is cheaper to add up than everything.
    pub fn traffic(&self) -> Traffic {
        let workers = self.workers.lock();
        let add = |sum: Traffic, worker: &Arc<WorkerStats>| Traffic {
            reads: sum.reads + worker.reads.get(),
            bytes: sum.bytes + worker.bytes_in.get() + worker.bytes_out.get(),
        };
        workers.iter().fold(Traffic::default(), add)
    }

    /// Whether clients have kept this server at work lately.
    pub fn is_busy(&self) -> bool {
        let [commands, ..] = self.rates.lock().average();
        commands >= BUSY_COMMANDS_A_SECOND
    }

    /// Counts an error reply by its code, the first word of `message`. Redis stops telling codes
    /// apart after 128 of them, lest a script invent any number.
    pub fn count_error(&self, message: &[u8]) {
        self.total_errors.fetch_add(1, Ordering::Relaxed);
        let code = message
            .split(|byte| *byte == b' ')
            .next()
            .unwrap_or_default();
        let mut errors = self.errors.lock();
        let code = String::from_utf8_lossy(code);
        if errors.len() < ERROR_CODES_MAX || errors.contains_key(&*code) {
            *errors.entry(code.into_owned()).or_default() += 1;
        }
    }

    pub fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.lock().clone()
    }

    /// `CONFIG RESETSTAT`.
    pub fn reset(&self) {
        for worker in self.workers.lock().iter() {
            worker.commands.iter().for_each(CommandStats::reset);
            let WorkerStats {
                hits,
                misses,
                expired,
                evicted,
                bytes_in,
                bytes_out,
                reads,
                writes,
                ..
            } = &**worker;
            let counters = [
                hits, misses, expired, evicted, bytes_in, bytes_out, reads, writes,
            ];
            counters.iter().for_each(|counter| counter.reset());
        }
        let counters = [
            &self.connections,
            &self.rejected_connections,
            &self.evicted_clients,
            &self.output_limit_disconnections,
            &self.query_limit_disconnections,
            &self.expire_cycle_micros,
            &self.expire_time_cap_reached,
            &self.auth_failures,
            &self.unexpected_errors,
            &self.total_errors,
        ];
        counters
            .iter()
            .for_each(|counter| counter.store(0, Ordering::Relaxed));
        self.errors.lock().clear();
        *self.rates.lock() = Rates::default();
    }
}

impl CommandStats {
    fn reset(&self) {
        let counters = [&self.calls, &self.nanos, &self.rejected, &self.failed];
        counters.iter().for_each(|counter| counter.reset());
        self.histogram.iter().for_each(Counter::reset);
    }
}

const ERROR_CODES_MAX: usize = 128;

/// With fewer commands whatever goes on besides finds a core that has nothing to do.
const BUSY_COMMANDS_A_SECOND: u64 = 1000;

/// What is sampled: commands, bytes in and out, and those of replication.
const RATES: usize = 5;

/// Samples of what happened per second.
#[derive(Debug, Default)]
pub struct Rates {
    last: Option<(i64, [u64; RATES])>,
    samples: std::collections::VecDeque<[u64; RATES]>,
}

/// How many samples the average goes over.
const RATE_SAMPLES: usize = 16;

impl Rates {
    /// Adds a sample: the running totals at `now_ms`.
    pub fn sample(&mut self, now_ms: i64, totals: [u64; RATES]) {
        if let Some((then_ms, before)) = self.last {
            let span = (now_ms - then_ms).max(1) as u64;
            let rate = |index: usize| totals[index].saturating_sub(before[index]) * 1000 / span;
            self.samples.push_back(std::array::from_fn(rate));
            if self.samples.len() > RATE_SAMPLES {
                self.samples.pop_front();
            }
        }
        self.last = Some((now_ms, totals));
    }

    /// The average of the samples.
    pub fn average(&self) -> [u64; RATES] {
        let count = self.samples.len().max(1) as u64;
        let sum = |index: usize| self.samples.iter().map(|rates| rates[index]).sum::<u64>();
        std::array::from_fn(|index| sum(index) / count)
    }
}

#[cfg(test)]
mod tests;
