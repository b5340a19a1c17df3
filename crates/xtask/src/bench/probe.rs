//! A bystander: one connection that asks GET after GET and notes how long each answer took.

use super::load::{connect, get_request};
use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any answer worth waiting for.
const LATENCY_NANOS_MAX: u64 = 600_000_000_000;

/// The pace at which others are taken to ask. A loop that waits for each answer meets a long stall
/// once; those who came during it waited too, and are counted as if they had asked at this pace.
const INTERVAL_NANOS: u64 = 100_000;

pub struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Histogram<u64>>>,
}

impl Probe {
    /// Asks again as soon as it is answered.
    pub fn start(port: u16) -> Self {
        Self::paced(port, Duration::ZERO)
    }

    /// Asks so often, or later if an answer takes longer.
    pub fn paced(port: u16, pace: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || watch(port, pace, &stopped));
        Self { stop, thread }
    }

    /// Ends the probe and returns its latencies in nanoseconds.
    pub fn finish(self) -> Result<Histogram<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread
            .join()
            .map_err(|_| anyhow!("the probe panicked"))?
    }
}

/// Probes for a time and returns the latencies.
pub fn watch_for(port: u16, duration: Duration) -> Result<Histogram<u64>> {
    let probe = Probe::start(port);
    std::thread::sleep(duration);
    probe.finish()
}

pub fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

fn watch(port: u16, pace: Duration, stop: &AtomicBool) -> Result<Histogram<u64>> {
    let mut stream = connect(port)?;
    let mut latencies = Histogram::new_with_max(LATENCY_NANOS_MAX, 3)?;
    let request = get_request(0);
    let mut reply = [0; 64];
    let interval = INTERVAL_NANOS.max(pace.as_nanos() as u64);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        stream.write_all(&request)?;
        let mut len = 0;
        // `$-1\r\n` until the key is there, then `$16\r\n`, 16 bytes and `\r\n`.
        while len < 5 || (reply[1] != b'-' && len < 23) {
            let read = stream.read(&mut reply[len..])?;
            if read == 0 {
                return Err(anyhow!("the server closed the probe's connection"));
            }
            len += read;
        }
        let waited = begun.elapsed();
        let nanos = waited.as_nanos() as u64;
        latencies.record_correct(nanos.min(LATENCY_NANOS_MAX), interval)?;
        if waited < pace {
            std::thread::sleep(pace - waited);
        }
    }
    Ok(latencies)
}
