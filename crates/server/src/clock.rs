//! What time it is, at the price of reading a counter.
//!
//! The moment of every request is asked for, and the system's answer costs twice what the counter
//! does. So the system is asked now and then, and the counter says what has passed since.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use engine::host::Moment;

/// The system is asked again after so long: by then it may have been set to another time.
const TRUSTED_NANOS: u64 = 10_000_000;

/// It is asked so many times in a row.
const TIMES: usize = 3;

pub struct Clock {
    counter: quanta::Clock,
    /// What to add to the counter's nanoseconds for those of Unix time.
    ahead: AtomicI64,
    /// When the system was asked for it.
    asked_at: AtomicU64,
}

impl Clock {
    pub fn new() -> Clock {
        let clock = Clock {
            counter: quanta::Clock::new(),
            ahead: AtomicI64::new(0),
            asked_at: AtomicU64::new(0),
        };
        clock.ask();
        clock
    }

    /// Nanoseconds since some moment.
    #[inline]
    pub fn nanos(&self) -> u64 {
        self.counter.delta_as_nanos(0, self.counter.raw())
    }

    /// The moment by both clocks, of which one goes with the system's.
    #[inline]
    pub fn moment(&self) -> Moment {
        let nanos = self.nanos();
        let asked_at = self.asked_at.load(Ordering::Relaxed);
        let ahead = match nanos.saturating_sub(asked_at) > TRUSTED_NANOS {
            true => self.ask(),
            false => self.ahead.load(Ordering::Relaxed),
        };
        let unix_micros = (nanos as i64 + ahead) / 1000;
        Moment { unix_micros, nanos }
    }

    /// Asks the system what to add to the counter. Of several answers the quickest counts: who is
    /// kept from the processor meanwhile does not know of which moment the answer was.
    #[cold]
    fn ask(&self) -> i64 {
        let answers = [(); TIMES].map(|()| self.ask_once());
        let quickest = answers.into_iter().min_by_key(|answer| answer.took);
        let best = quickest.expect("it is asked");
        self.ahead.store(best.ahead, Ordering::Relaxed);
        self.asked_at.store(best.at, Ordering::Relaxed);
        best.ahead
    }

    fn ask_once(&self) -> Answer {
        let at = self.nanos();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let took = self.nanos().saturating_sub(at);
        let ahead = since.unwrap_or_default().as_nanos() as i64 - at as i64;
        Answer { at, took, ahead }
    }
}

/// What the system said, by the counter's nanoseconds.
struct Answer {
    at: u64,
    took: u64,
    ahead: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_agrees_with_the_system() {
        let clock = Clock::new();
        // What was said long ago does not count any more.
        clock.ahead.store(0, Ordering::Relaxed);
        clock.asked_at.store(0, Ordering::Relaxed);
        for _ in 0..1000 {
            let system = || {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                since.expect("a clock past 1970").as_micros() as i64
            };
            let (before, now, after) = (system(), clock.moment().unix_micros, system());
            // The counter's speed is measured, and the system's is being corrected.
            assert!(
                (before - 1000..=after + 1000).contains(&now),
                "{before} {now} {after}"
            );
        }
    }
}
