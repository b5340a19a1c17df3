//! How far something is that is counted in keys or bytes: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::carrying::human_bytes;
use crate::voice::Voice;

/// Between two lines that tell how far it is, where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Keys,
    Bytes,
}

/// How far something is.
pub struct Meter {
    voice: Voice,
    bar: Option<ProgressBar>,
    what: &'static str,
    unit: Unit,
    begun: Instant,
    shown: Instant,
    done: u64,
    /// 0 is not known.
    total: u64,
}

impl Meter {
    pub fn new(voice: &Voice, what: &'static str, unit: Unit, total: u64) -> Meter {
        let watched = !voice.document && !voice.hushed && std::io::stdout().is_terminal();
        let bar = watched.then(|| {
            let form = match total {
                0 => "{wide_msg}",
                _ => "{bar:16} {wide_msg}",
            };
            let style = ProgressStyle::with_template(form).expect("the form is well-formed");
            let bar = ProgressBar::new(total);
            bar.set_style(style);
            bar
        });
        let now = Instant::now();
        Meter {
            voice: voice.clone(),
            bar,
            what,
            unit,
            begun: now,
            shown: now,
            done: 0,
            total,
        }
    }

    pub fn add(&mut self, amount: u64) {
        self.set(self.done + amount);
    }

    pub fn set(&mut self, done: u64) {
        self.done = done;
        if let Some(bar) = &self.bar {
            bar.set_length(self.total.max(done));
            bar.set_position(done);
        }
        let text = format!("{}: {}", self.what, self.figures());
        self.show(&text);
    }

    /// Shows something else, which takes the place of what was shown.
    pub fn show(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.shown.elapsed() >= LINE_EVERY => {
                self.shown = Instant::now();
                self.voice.line(text);
            }
            None => {}
        }
    }

    /// A line that stays.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.voice.line(text)),
            None => self.voice.line(text),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn figures(&self) -> String {
        let total = self.total.max(self.done);
        let (done, total) = match self.unit {
            Unit::Keys => (self.done.to_string(), total.to_string()),
            Unit::Bytes => (human_bytes(self.done), human_bytes(total)),
        };
        let unit = match self.unit {
            Unit::Keys => " keys",
            Unit::Bytes => "",
        };
        if self.total == 0 {
            return format!("{done}{unit}");
        }
        let share = self.done as f64 / self.total as f64;
        format!(
            "{done} of {total}{unit}, {}",
            time_left(self.begun.elapsed(), share)
        )
    }
}

/// How much time is left if the rest takes as long as this share took.
pub fn time_left(elapsed: Duration, share: f64) -> String {
    if share <= 0.0 {
        return "time left unknown".to_owned();
    }
    let seconds = elapsed.as_secs_f64() * (1.0 / share.min(1.0) - 1.0);
    format!("{seconds:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_what_is_done_took() {
        let left = |seconds, share| time_left(Duration::from_secs(seconds), share);
        assert_eq!(left(10, 0.25), "30 s left");
        assert_eq!(left(10, 2.0), "0 s left");
        assert_eq!(left(10, 0.0), "time left unknown");
    }
}
