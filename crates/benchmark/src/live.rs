//! The line that a person sees while a test runs.

use std::io::IsTerminal;
use std::time::Duration;

use crate::load::Seen;
use crate::program::emit;

/// The line that a person sees while a test runs. Nobody else does.
pub struct Live<'a> {
    title: &'a str,
    is_shown: bool,
    before: Seen,
    /// How long the line was that has to be wiped.
    width: usize,
}

impl<'a> Live<'a> {
    pub fn new(title: &'a str, is_wanted: bool) -> Live<'a> {
        Live {
            title,
            is_shown: is_wanted && std::io::stdout().is_terminal(),
            before: Seen::default(),
            width: 0,
        }
    }

    pub fn show(&mut self, seen: Seen) {
        if self.is_shown {
            let line = line(self.title, self.before, seen);
            emit(format!("{}{line}\r", self.wiped()).as_bytes());
            self.width = line.len();
            self.before = seen;
        }
    }

    /// Makes room for what is printed next.
    pub fn wipe(&mut self) {
        if self.is_shown {
            emit(self.wiped().as_bytes());
            self.width = 0;
        }
    }

    fn wiped(&self) -> String {
        format!("{:width$}\r", "", width = self.width)
    }
}

fn line(title: &str, before: Seen, seen: Seen) -> String {
    let since = Seen {
        requests: seen.requests.saturating_sub(before.requests),
        latency: seen.latency.saturating_sub(before.latency),
        elapsed: seen.elapsed.saturating_sub(before.elapsed),
    };
    format!(
        "{title}: rps={:.1} (overall: {:.1}) avg_msec={:.3} (overall: {:.3})",
        since.rate(),
        seen.rate(),
        since.mean(),
        seen.mean()
    )
}

impl Seen {
    fn rate(&self) -> f64 {
        match self.elapsed {
            Duration::ZERO => 0.0,
            elapsed => self.requests as f64 / elapsed.as_secs_f64(),
        }
    }

    /// In milliseconds.
    fn mean(&self) -> f64 {
        match self.requests {
            0 => 0.0,
            requests => self.latency as f64 / 1000.0 / requests as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_now_and_of_all() {
        let seen = |requests, latency, milliseconds| Seen {
            requests,
            latency,
            elapsed: Duration::from_millis(milliseconds),
        };
        assert_eq!(
            line("SET", seen(100, 50_000, 250), seen(300, 250_000, 500)),
            "SET: rps=800.0 (overall: 600.0) avg_msec=1.000 (overall: 0.833)"
        );
        assert_eq!(
            line("SET", Seen::default(), Seen::default()),
            "SET: rps=0.0 (overall: 0.0) avg_msec=0.000 (overall: 0.000)"
        );
    }
}
