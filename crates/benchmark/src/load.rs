//! The load: threads that send requests over many connections, and count replies.
//!
//! Every thread has a poll, connections and a histogram of its own. What they share is how many
//! requests have been begun, so that together they send as many as were asked for.
//!
//! Without a rate the loop is closed: a connection sends again as soon as its replies are there.
//! With one it is open: requests are due at times fixed beforehand, and a latency counts from the
//! time its request was due, so a server that stalls is charged for all that had to wait meanwhile.
//!
//! A client of a cluster sends keys of one slot, and follows that slot: what a node does not serve
//! is sent where it says, and the latency goes on counting.

mod connection;
mod endpoint;
mod redirection;
mod schedule;
mod transport;
mod worker;

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use client::Tls;
use hdrhistogram::Histogram;

use crate::cpu;
use crate::request::Shape;
use crate::suite::Request;
pub use endpoint::Endpoint;
use worker::Worker;

/// The shortest and the longest latency that are told apart, in microseconds.
const LATENCY_MIN: u64 = 10;
const LATENCY_MAX: u64 = 3_600_000_000;

/// Between two looks at the threads' progress.
pub const GLANCE: Duration = Duration::from_millis(250);

/// What to send where.
pub struct Job<'a> {
    pub nodes: &'a [Node],
    pub request: &'a Request,
    pub clients: usize,
    pub threads: usize,
    pub requests: u64,
    pub pipeline: usize,
    pub keyspace: Option<u64>,
    pub payload: &'a [u8],
    pub keep_alive: bool,
    pub warmup: Duration,
    /// Requests a second that are due.
    pub rate: Option<f64>,
    /// What every connection says first.
    pub greeting: &'a Greeting,
    pub precision: u8,
    pub seed: u64,
    /// Whether the nodes are of a cluster, whose slots may move.
    pub is_cluster: bool,
    pub tls: Option<&'a Tls>,
}

impl Job<'_> {
    /// How long one request is.
    pub fn request_bytes(&self) -> usize {
        let shape = Shape {
            requests: 1,
            keyspace: None,
            payload: self.payload,
            tag: None,
        };
        crate::request::encode(self.request, shape).len()
    }
}

/// A server, and the tags that lead to its slots if it is one of a cluster.
pub struct Node {
    pub endpoint: Endpoint,
    pub tags: Vec<[u8; 3]>,
}

/// What a connection says before its first request, and how many replies that has.
#[derive(Default)]
pub struct Greeting {
    pub bytes: Vec<u8>,
    pub replies: usize,
}

/// What came of it.
pub struct Outcome {
    /// In microseconds.
    pub latencies: Histogram<u64>,
    pub requests: u64,
    pub elapsed: Duration,
    /// With those of the warm-up.
    pub requests_of_all: u64,
    /// The processor's time that this program took for all of them.
    pub cpu: Duration,
    /// How often a request was sent on to another node.
    pub redirections: u64,
}

/// Why there are no figures.
#[derive(Debug)]
pub enum Failure {
    Connect(client::Error),
    Lost(client::Error),
    /// An error for a reply, and whose if there are several servers.
    Refused {
        node: Option<String>,
        text: String,
    },
    System(std::io::Error),
    /// A cluster that has changed does not tell how.
    Lookup(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Connect(error) => error.fmt(f),
            Failure::Lost(error) => write!(f, "Error: {error}"),
            Failure::Refused { node, text } => match node {
                Some(node) => write!(f, "Error from server {node}: {text}"),
                None => write!(f, "Error from server: {text}"),
            },
            Failure::Lookup(text) => f.write_str(text),
            Failure::System(error) => write!(f, "ochre: cannot watch sockets: {error}"),
        }
    }
}

/// What all threads of a run know.
struct Shared {
    /// Requests begun, those of the warm-up apart.
    begun: AtomicU64,
    failed: AtomicBool,
    start: OnceLock<Instant>,
    /// Passed once when all are connected, and again when all may begin.
    gate: Barrier,
    progress: Vec<Progress>,
}

/// How far a thread has got, in a cache line of its own.
#[derive(Default)]
#[repr(align(128))]
struct Progress {
    requests: AtomicU64,
    /// The sum of their latencies, in microseconds.
    latency: AtomicU64,
}

/// How far all have got.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub requests: u64,
    pub latency: u64,
    pub elapsed: Duration,
}

/// Who is told what happens during a run.
pub trait Watch {
    /// All are connected, and nothing is sent yet.
    fn connected(&mut self) {}
    fn progress(&mut self, seen: Seen);
}

pub fn histogram(precision: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(LATENCY_MIN, LATENCY_MAX, precision)
        .expect("the bounds are apart and the precision is checked")
}

/// Sends everything, and returns when the last reply is there.
pub fn run(job: &Job<'_>, watch: &mut dyn Watch) -> Result<Outcome, Failure> {
    let threads = job.threads.min(job.clients).max(1);
    let shared = Shared {
        begun: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        start: OnceLock::new(),
        gate: Barrier::new(threads + 1),
        progress: (0..threads).map(|_| Progress::default()).collect(),
    };
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for index in 0..threads {
            let (sender, shared) = (sender.clone(), &shared);
            scope.spawn(move || {
                let outcome = work(job, shared, index, threads);
                if outcome.is_err() {
                    shared.failed.store(true, Ordering::Relaxed);
                }
                // Nobody listens any longer when another thread has failed first.
                drop(sender.send(outcome));
            });
        }
        shared.gate.wait();
        watch.connected();
        let cpu = cpu::of_process();
        shared.gate.wait();
        let mut whole = Whole::new(job, cpu);
        for _ in 0..threads {
            let outcome = loop {
                match receiver.recv_timeout(GLANCE) {
                    Ok(outcome) => break outcome?,
                    Err(RecvTimeoutError::Timeout) => watch.progress(shared.seen(job)),
                    Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is kept here"),
                }
            };
            whole.add(outcome);
        }
        drop(sender);
        Ok(whole.end(shared.start.get(), job))
    })
}

/// Opens the connections and keeps them, and looks now and then how many there are.
pub fn hold(job: &Job<'_>, mut watch: impl FnMut(usize)) -> Result<Infallible, Failure> {
    let shared = Shared {
        begun: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        start: OnceLock::new(),
        gate: Barrier::new(1),
        progress: vec![Progress::default()],
    };
    Worker::connect(job, &shared, 0, 1)?.hold(&mut watch)
}

/// One thread, from its first connection to its last reply.
fn work(
    job: &Job<'_>,
    shared: &Shared,
    index: usize,
    threads: usize,
) -> Result<worker::Part, Failure> {
    let worker = Worker::connect(job, shared, index, threads);
    if worker.is_err() {
        shared.failed.store(true, Ordering::Relaxed);
    }
    // The others wait here, whatever happened.
    shared.gate.wait();
    shared.gate.wait();
    worker?.run()
}

impl Shared {
    fn seen(&self, job: &Job<'_>) -> Seen {
        let sum = |part: fn(&Progress) -> &AtomicU64| -> u64 {
            let parts = self.progress.iter().map(part);
            parts.map(|part| part.load(Ordering::Relaxed)).sum()
        };
        let start = self.start.get().map(|start| *start + job.warmup);
        Seen {
            requests: sum(|progress| &progress.requests),
            latency: sum(|progress| &progress.latency),
            elapsed: start.map_or(Duration::ZERO, |start| start.elapsed()),
        }
    }
}

/// The parts of all threads, put together.
struct Whole {
    latencies: Histogram<u64>,
    requests_of_all: u64,
    redirections: u64,
    cpu_before: Duration,
    end: Option<Instant>,
}

impl Whole {
    fn new(job: &Job<'_>, cpu_before: Duration) -> Whole {
        Whole {
            latencies: histogram(job.precision),
            requests_of_all: 0,
            redirections: 0,
            cpu_before,
            end: None,
        }
    }

    fn add(&mut self, part: worker::Part) {
        self.latencies
            .add(part.latencies)
            .expect("all histograms have the same bounds");
        self.requests_of_all += part.requests_of_all;
        self.redirections += part.redirections;
        self.end = self.end.max(part.end);
    }

    fn end(self, start: Option<&Instant>, job: &Job<'_>) -> Outcome {
        let cpu = cpu::of_process().saturating_sub(self.cpu_before);
        let elapsed = match (start, self.end) {
            (Some(start), Some(end)) => end.saturating_duration_since(*start + job.warmup),
            _ => Duration::ZERO,
        };
        Outcome {
            requests: self.latencies.len(),
            latencies: self.latencies,
            elapsed,
            requests_of_all: self.requests_of_all,
            cpu,
            redirections: self.redirections,
        }
    }
}
