//! When requests are due, if they are due at a rate.

use std::time::{Duration, Instant};

/// The timer's step. Requests closer together are due at once, a few at every step, so that no
/// latency holds what the timer is late.
const STEP: Duration = Duration::from_micros(100);

/// When one thread's pipelines are due.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    /// Between two pipelines, in seconds.
    interval: f64,
    step: Duration,
    next: u64,
}

impl Schedule {
    /// `rate` is in requests a second of all threads, of which this is number `index`.
    pub fn new(start: Instant, rate: f64, pipeline: usize, index: usize, threads: usize) -> Self {
        let between = pipeline as f64 / rate;
        let interval = between * threads as f64;
        Schedule {
            start: start + Duration::from_secs_f64(between * index as f64),
            interval,
            step: step(interval),
            next: 0,
        }
    }

    /// When the next pipeline is due.
    pub fn due(&self) -> Instant {
        let steps = (self.next as f64 * self.interval / self.step.as_secs_f64()).floor();
        self.start + self.step.mul_f64(steps)
    }

    pub fn advance(&mut self) {
        self.next += 1;
    }
}

/// How often a timer has to ring for pipelines so many seconds apart.
pub fn step(interval: f64) -> Duration {
    Duration::from_secs_f64(interval).max(STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(mut schedule: Schedule, start: Instant, count: usize) -> Vec<u128> {
        (0..count)
            .map(|_| {
                let due = schedule.due().duration_since(start).as_micros();
                schedule.advance();
                due
            })
            .collect()
    }

    #[test]
    fn a_slow_rate_is_even_and_threads_take_turns() {
        let start = Instant::now();
        let one = Schedule::new(start, 1000.0, 1, 0, 2);
        assert_eq!(dues(one, start, 3), [0, 2000, 4000]);
        let other = Schedule::new(start, 1000.0, 1, 1, 2);
        assert_eq!(dues(other, start, 3), [1000, 3000, 5000]);
        let pipelined = Schedule::new(start, 1000.0, 10, 0, 1);
        assert_eq!(dues(pipelined, start, 3), [0, 10_000, 20_000]);
    }

    #[test]
    fn a_fast_rate_is_due_in_steps_and_loses_nothing() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 40_000.0, 1, 0, 1);
        let dues = dues(schedule, start, 40_001);
        assert_eq!(dues[..6], [0, 0, 0, 0, 100, 100]);
        assert_eq!(dues[40_000], 1_000_000);
    }
}
