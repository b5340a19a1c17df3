//! A bystander: one connection that asks GET after GET and notes how long each answer took, without
//! what the machine stood still meanwhile.

use super::load::{connect, get_request};
use super::standstill::{Tally, Watch, go_first};
use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use std::io::{Read, Write};
use std::ops::Range;
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
    pace: Duration,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Vec<Range<Instant>>>>,
    watch: Watch,
}

impl Probe {
    /// Asks again as soon as it is answered.
    pub fn start(port: u16) -> Result<Self> {
        Self::paced(port, Duration::ZERO)
    }

    /// Asks so often, or later if an answer takes longer.
    pub fn paced(port: u16, pace: Duration) -> Result<Self> {
        let watch = Watch::start()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || ask(port, pace, &stopped));
        Ok(Self {
            pace,
            stop,
            thread,
            watch,
        })
    }

    /// Ends the probe and returns its latencies in nanoseconds.
    pub fn finish(self, tally: &Tally) -> Result<Histogram<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        let asked = self.thread.join();
        let asked = asked.map_err(|_| anyhow!("the probe panicked"))??;
        let standstill = self.watch.finish()?;
        tally.add(&standstill);
        let mut latencies = Histogram::new_with_max(LATENCY_NANOS_MAX, 3)?;
        let interval = INTERVAL_NANOS.max(self.pace.as_nanos() as u64);
        for span in &asked {
            let nanos = standstill.running(span).as_nanos() as u64;
            latencies.record_correct(nanos.min(LATENCY_NANOS_MAX), interval)?;
        }
        Ok(latencies)
    }
}

pub fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

/// When each question was asked, and when it was answered.
fn ask(port: u16, pace: Duration, stop: &AtomicBool) -> Result<Vec<Range<Instant>>> {
    // While this thread waits for a core, no server keeps it waiting. Without the right it waits.
    drop(go_first());
    let mut stream = connect(port)?;
    let mut asked = Vec::new();
    let request = get_request(0);
    let mut reply = [0; 64];
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
        let answered = Instant::now();
        asked.push(begun..answered);
        let waited = answered - begun;
        if waited < pace {
            std::thread::sleep(pace - waited);
        }
    }
    Ok(asked)
}
