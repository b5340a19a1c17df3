//! When the machine stood still, so that nobody takes that for a server's doing.
//!
//! The cores of a virtual machine are paused by its host, for many milliseconds at times, and who
//! waits for a server meanwhile waits for the host. So a thread on every core, which goes before
//! all that is not in real time, sleeps for a moment again and again. No server's work makes it
//! late, nor does a kernel that works for one; when it wakes late, nothing ran on its core.
//!
//! ```text
//!   core 0    |    |    |    |         ······|    |    |    |
//!   core 1    |    |    |         ···|    |    |    |    |
//!                                 ╰─────────╯ the machine stood still
//! ```
//!
//! A core that stands still may keep others waiting, if it held what they wait for. So the time in
//! which any core did counts, though some of it may have cost nobody anything.
//!
//! Without the right to go before others nothing is known: who is late may have met the load.

use anyhow::{Result, anyhow, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// What a thread sleeps at a time.
const SLEEP: Duration = Duration::from_micros(250);

/// Waking takes a little while on an idle core, too.
const LATE: Duration = Duration::from_micros(300);

/// Watches all cores, until it is ended.
pub struct Watch {
    begun: Instant,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<Vec<Range<Instant>>>>>,
}

impl Watch {
    pub fn start() -> Result<Watch> {
        let (begun, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let cores = sched_getaffinity(None)?;
        let cores = (0..CpuSet::MAX_CPU).filter(|core| cores.is_set(*core));
        let threads = cores.map(|core| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || watch_core(core, &stop))
        });
        Ok(Watch {
            begun,
            threads: threads.collect(),
            stop,
        })
    }

    /// What it has seen. Whatever began before was noted.
    pub fn finish(self) -> Result<Standstill> {
        self.stop.store(true, Ordering::Relaxed);
        let mut spans = Some(Vec::new());
        for thread in self.threads {
            let seen = thread.join().map_err(|_| anyhow!("a watch panicked"))?;
            match (&mut spans, seen) {
                (Some(spans), Ok(seen)) => spans.extend(seen),
                _ => spans = None,
            }
        }
        Ok(Standstill {
            watched: self.begun.elapsed(),
            is_known: spans.is_some(),
            spans: union(spans.unwrap_or_default()),
        })
    }
}

fn watch_core(core: usize, stop: &AtomicBool) -> Result<Vec<Range<Instant>>> {
    let mut here = CpuSet::new();
    here.set(core);
    sched_setaffinity(None, &here)?;
    go_first()?;
    let (mut late, mut awake) = (Vec::new(), Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let due = awake + SLEEP;
        std::thread::sleep(SLEEP);
        awake = Instant::now();
        if awake > due + LATE {
            late.push(due..awake);
        }
    }
    Ok(late)
}

/// Has this thread run before all that is not in real time.
pub fn go_first() -> Result<()> {
    let first = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, first);
    ensure!(set.is_ok(), "no right to go before others");
    Ok(())
}

/// Joins what overlaps.
fn union<T: Ord + Copy>(mut spans: Vec<Range<T>>) -> Vec<Range<T>> {
    spans.sort_by_key(|span| span.start);
    spans.dedup_by(|next, span| {
        let overlaps = next.start <= span.end;
        if overlaps {
            span.end = span.end.max(next.end);
        }
        overlaps
    });
    spans
}

/// The parts of `whole` that are in one of `spans`, which are apart and in order.
fn overlaps<T: Ord + Copy>(spans: &[Range<T>], whole: &Range<T>) -> impl Iterator<Item = Range<T>> {
    let first = spans.partition_point(|span| span.end <= whole.start);
    let inside = spans[first..].iter();
    let inside = inside.take_while(|span| span.start < whole.end);
    inside.map(|span| span.start.max(whole.start)..span.end.min(whole.end))
}

fn len(span: &Range<Instant>) -> Duration {
    span.end.duration_since(span.start)
}

/// When the machine stood still while it was watched.
pub struct Standstill {
    watched: Duration,
    is_known: bool,
    /// Apart, and in order.
    spans: Vec<Range<Instant>>,
}

impl Standstill {
    /// How much of this the machine ran.
    pub fn running(&self, span: &Range<Instant>) -> Duration {
        let still: Duration = overlaps(&self.spans, span).map(|part| len(&part)).sum();
        len(span) - still
    }
}

/// How much the machine stood still in all.
#[derive(Default)]
pub struct Tally {
    watched: Cell<Duration>,
    still: Cell<Duration>,
    longest: Cell<Duration>,
    is_unknown: Cell<bool>,
}

impl Tally {
    pub fn add(&self, standstill: &Standstill) {
        let spans = || standstill.spans.iter().map(len);
        self.watched.set(self.watched.get() + standstill.watched);
        self.still.set(self.still.get() + spans().sum::<Duration>());
        self.longest
            .set(spans().fold(self.longest.get(), Duration::max));
        self.is_unknown
            .set(self.is_unknown.get() | !standstill.is_known);
    }

    /// What the reader of latencies has to know.
    pub fn sentence(&self) -> Option<String> {
        if self.is_unknown.get() {
            let text = "No right to real-time priority: what this machine stood still is in the \
                        latencies of GET.";
            return Some(text.to_owned());
        }
        let watched = self.watched.get();
        (!watched.is_zero()).then(|| {
            format!(
                "This machine stood still for {:.1} % of the time, for {:.1} ms at most: the \
                 latencies of GET are without that.",
                100.0 * self.still.get().as_secs_f64() / watched.as_secs_f64(),
                self.longest.get().as_secs_f64() * 1e3
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{overlaps, union};
    use stdx::prng::Prng;

    /// Every moment counts once, whatever spans it is in.
    #[test]
    fn overlaps_are_the_moments_that_are_in_both() {
        for seed in 0..2_000 {
            let mut prng = Prng::new(seed);
            let mut span = || {
                let start = prng.below(60);
                start..start + prng.below(12)
            };
            let spans: Vec<_> = (0..8).map(|_| span()).collect();
            let whole = span();
            let apart = union(spans.clone());
            assert!(apart.windows(2).all(|pair| pair[0].end < pair[1].start));
            let found: Vec<u64> = overlaps(&apart, &whole).flatten().collect();
            let is_still = |moment: &u64| spans.iter().any(|span| span.contains(moment));
            let expected: Vec<u64> = whole.filter(is_still).collect();
            assert_eq!(found, expected, "seed {seed}");
        }
    }
}
