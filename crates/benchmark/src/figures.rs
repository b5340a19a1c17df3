//! What was measured, as figures.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::load::Outcome;

/// What was measured of one test.
pub struct Figures {
    /// In microseconds.
    pub latencies: Histogram<u64>,
    pub requests: u64,
    pub elapsed: Duration,
    /// Microseconds of the processor that a request took here.
    pub client_cpu: f64,
    /// The same for the server, if it tells.
    pub server_cpu: Option<f64>,
    /// How often a node of a cluster sent a request on to another.
    pub redirections: u64,
}

/// A line of a distribution: so many requests, of all, took no longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub percent: f64,
    /// In microseconds.
    pub latency: u64,
    pub count: u64,
}

/// The steps of the cumulative distribution in microseconds, and where the wide ones begin.
const FINE_STEP: u64 = 100;
const WIDE_STEP: u64 = 1000;
const FINE_MAX: u64 = 2000;

impl Figures {
    /// `server_cpu` is what the server took while `outcome` came about.
    pub fn new(outcome: Outcome, server_cpu: Option<Duration>) -> Figures {
        let requests = outcome.requests_of_all.max(1) as f64;
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / requests;
        Figures {
            latencies: outcome.latencies,
            requests: outcome.requests,
            elapsed: outcome.elapsed,
            redirections: outcome.redirections,
            client_cpu: each(outcome.cpu),
            server_cpu: server_cpu.map(each),
        }
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        match self.elapsed.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.requests as f64 / seconds,
        }
    }

    /// In milliseconds, like all that follow.
    pub fn mean(&self) -> f64 {
        self.latencies.mean() / 1000.0
    }

    pub fn min(&self) -> f64 {
        self.latencies.min() as f64 / 1000.0
    }

    pub fn max(&self) -> f64 {
        self.latencies.max() as f64 / 1000.0
    }

    pub fn percentile(&self, percent: f64) -> f64 {
        self.latencies.value_at_percentile(percent) as f64 / 1000.0
    }

    /// Percentiles, each half as far from 100 as the one before.
    pub fn percentiles(&self) -> Vec<Line> {
        let total = self.latencies.len();
        let (mut lines, mut count, mut percent) = (Vec::new(), 0, 0.0);
        for value in self.latencies.iter_recorded() {
            count += value.count_at_value();
            let reached = 100.0 * count as f64 / total as f64;
            while percent <= reached {
                lines.push(Line {
                    percent,
                    latency: value.value_iterated_to(),
                    count,
                });
                percent += half_of_rest(percent);
                if count == total {
                    break;
                }
            }
        }
        if let Some(last) = lines.last().copied() {
            let percent = 100.0;
            lines.push(Line { percent, ..last });
        }
        without_repetitions(lines, total)
    }

    /// How many took no longer than each of evenly spaced latencies.
    pub fn steps(&self) -> Vec<Line> {
        let total = self.latencies.len();
        let mut recorded = self.latencies.iter_recorded().peekable();
        let (mut lines, mut count) = (Vec::new(), 0);
        let (mut level, mut step) = (FINE_STEP, FINE_STEP);
        loop {
            let latency = self.latencies.highest_equivalent(level);
            while let Some(value) = recorded.next_if(|value| value.value_iterated_to() <= latency) {
                count += value.count_at_value();
            }
            lines.push(Line {
                percent: 100.0 * count as f64 / total as f64,
                latency,
                count,
            });
            level += step;
            if latency > FINE_MAX {
                step = WIDE_STEP;
            }
            // A wide bucket may hold several levels; each is told.
            if count == total && self.latencies.lowest_equivalent(level) > latency {
                return without_repetitions(lines, total);
            }
        }
    }
}

/// Half of what is missing to 100, if that was halved before.
fn half_of_rest(percent: f64) -> f64 {
    // What stands at a power of two must not fall below it by rounding.
    let halvings = ((100.0 / (100.0 - percent)).log2() + 1e-9).floor() + 1.0;
    100.0 / halvings.exp2()
}

/// Without lines that tell no more than the one before, unless it is all.
fn without_repetitions(lines: Vec<Line>, total: u64) -> Vec<Line> {
    let mut before = None;
    let mut kept = lines;
    kept.retain(|line| {
        let is_more = before.is_none_or(|before| line.count > before);
        before = Some(line.count);
        is_more || line.count == total
    });
    kept
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::load::histogram;

    /// Figures of these latencies in microseconds.
    pub fn figures(precision: u8, latencies: &[u64]) -> Figures {
        let mut recorded = histogram(precision);
        for latency in latencies {
            recorded
                .record(*latency)
                .expect("samples are within bounds");
        }
        Figures {
            requests: recorded.len(),
            latencies: recorded,
            elapsed: Duration::from_millis(500),
            client_cpu: 5.0,
            server_cpu: Some(6.25),
            redirections: 0,
        }
    }

    fn text(lines: Vec<Line>) -> Vec<String> {
        lines
            .iter()
            .map(|line| format!("{:.3} {} {}", line.percent, line.latency, line.count))
            .collect()
    }

    #[test]
    fn percentiles_approach_the_end_by_halves() {
        let all: Vec<u64> = (1..=1000).map(|number| number * 8).collect();
        let lines = text(figures(3, &all).percentiles());
        assert_eq!(
            lines[..3],
            ["0.000 15 1", "50.000 4007 500", "75.000 6007 750"]
        );
        assert_eq!(lines.len(), 12);
        assert_eq!(lines[10..], ["99.902 8007 1000", "100.000 8007 1000"]);
        // Half of the first is reached with the first, and not told again.
        let two = text(figures(3, &[351, 383]).percentiles());
        assert_eq!(two, ["0.000 351 1", "75.000 383 2", "100.000 383 2"]);
        let one = text(figures(3, &[335]).percentiles());
        assert_eq!(one, ["0.000 335 1", "100.000 335 1"]);
    }

    #[test]
    fn steps_are_fine_up_to_two_milliseconds() {
        let lines = text(figures(3, &[50, 250, 1950, 2050, 2450, 70_527]).steps());
        assert_eq!(
            lines,
            [
                "16.667 103 1",
                "33.333 303 2",
                "50.000 2007 3",
                "66.667 2103 4",
                "83.333 3103 5",
                "100.000 71103 6"
            ]
        );
    }

    #[test]
    fn a_wide_bucket_is_told_for_each_of_its_levels() {
        let lines = text(figures(1, &[400, 73_000]).steps());
        assert_eq!(
            lines,
            [
                "0.000 103 0",
                "50.000 415 1",
                "100.000 73727 2",
                "100.000 73727 2",
                "100.000 73727 2",
                "100.000 73727 2"
            ]
        );
    }

    #[test]
    fn nothing_measured_is_no_number_too_much() {
        let none = figures(3, &[]);
        assert_eq!(none.percentiles(), []);
        assert_eq!(none.steps().len(), 1);
        assert_eq!((none.rate(), none.mean(), none.max()), (0.0, 0.0, 0.0));
    }
}
