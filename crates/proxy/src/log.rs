//! The log: lines with a time, of a level up to the one that is wanted.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::pool::unix_us;

/// How much a line matters: the smaller, the more.
pub const ALERT: i32 = 1;
pub const ERROR: i32 = 3;
pub const NOTICE: i32 = 5;

pub const LEVEL_MAX: i32 = 11;

pub struct Log {
    path: Option<String>,
    level: AtomicI32,
    file: Mutex<Option<File>>,
}

impl Log {
    /// To a file, or to the standard error.
    pub fn open(path: Option<String>, level: i32) -> std::io::Result<Log> {
        let log = Log {
            path,
            level: AtomicI32::new(level),
            file: Mutex::new(None),
        };
        log.reopen()?;
        Ok(log)
    }

    /// Begins a new file, should the old one have been moved away.
    pub fn reopen(&self) -> std::io::Result<()> {
        let file = match &self.path {
            Some(path) => Some(OpenOptions::new().append(true).create(true).open(path)?),
            None => None,
        };
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }

    /// Has more lines written, or fewer. Returns the level.
    pub fn change_level(&self, by: i32) -> i32 {
        let level = (self.level.load(Ordering::Relaxed) + by).clamp(0, LEVEL_MAX);
        self.level.store(level, Ordering::Relaxed);
        level
    }

    pub fn line(&self, level: i32, text: &str) {
        if level > self.level.load(Ordering::Relaxed) {
            return;
        }
        let line = format!("[{}] proxy {text}\n", time_text(unix_us() / 1000));
        // A log that cannot be written is no reason to stop serving.
        drop(
            match &mut *self.file.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(file) => file.write_all(line.as_bytes()),
                None => std::io::stderr().write_all(line.as_bytes()),
            },
        );
    }
}

/// `2020-11-21 22:32:48.123`, of universal time.
pub fn time_text(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    // Counted from the first of March of year 0, so that leap days come last.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let (seconds, ms) = (ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}.{ms:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time_text(0), "1970-01-01 00:00:00.000");
        assert_eq!(time_text(951_782_400_001), "2000-02-29 00:00:00.001");
        assert_eq!(time_text(1_606_001_568_123), "2020-11-21 23:32:48.123");
        assert_eq!(time_text(4_107_542_399_999), "2100-02-28 23:59:59.999");
    }
}
