//! The program's own log: lines as operators of Redis know them, to a file or the standard output.
//!
//! ```text
//!   4711:M 20 Nov 2026 23:37:58.123 * Ready to accept connections
//!   └ pid:role            time     └ level: . debug  - verbose  * notice  # warning
//! ```

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use config::LogLevel as Verbosity;
use engine::host::LogLevel;
use indicatif::ProgressBar;
use parking_lot::Mutex;

use crate::machine::system_words;

/// Where lines go, and from which level on.
pub struct Journal {
    target: Mutex<Target>,
}

struct Target {
    /// Empty for the standard output.
    file: String,
    level: Verbosity,
    role: char,
    /// What stands below the lines on a terminal.
    bar: Option<ProgressBar>,
}

impl Journal {
    pub fn new() -> Journal {
        let target = Target {
            file: String::new(),
            level: Verbosity::Notice,
            role: 'C',
            bar: None,
        };
        Journal {
            target: Mutex::new(target),
        }
    }

    /// Changes where lines go. The error says why the file cannot be written.
    pub fn configure(&self, file: &str, level: Verbosity) -> Result<(), String> {
        if !file.is_empty() {
            let opened = OpenOptions::new().append(true).create(true).open(file);
            opened.map_err(|error| format!("Can't open the log file: {}", system_words(&error)))?;
        }
        let mut target = self.target.lock();
        (target.file, target.level) = (file.to_owned(), level);
        Ok(())
    }

    /// From here on the process serves: `M` instead of `C`, or `S` for a replica.
    pub fn serve_as(&self, role: char) {
        self.target.lock().role = role;
    }

    /// Shows a bar below the lines, or no longer, if they go to the standard output.
    pub fn set_bar(&self, bar: Option<ProgressBar>) {
        self.target.lock().bar = bar;
    }

    /// Whether somebody watches the lines on a terminal.
    pub fn is_watched(&self) -> bool {
        self.target.lock().file.is_empty() && std::io::stdout().is_terminal()
    }

    pub fn line(&self, level: LogLevel, text: &str) {
        let target = self.target.lock();
        if rank(level) < least(target.level) {
            return;
        }
        let mark = [".", "-", "*", "#"][rank(level)];
        let line = format!(
            "{}:{} {} {mark} {text}\n",
            std::process::id(),
            target.role,
            local_time()
        );
        target.write(&line);
    }
}

/// Writes a warning to the standard output, for a program that serves nobody.
pub fn warn(text: &str) {
    Journal::new().line(LogLevel::Warning, text);
}

impl Target {
    /// A line that cannot be written is lost: there is nobody to tell.
    fn write(&self, line: &str) {
        let print = || std::io::stdout().lock().write_all(line.as_bytes());
        let written = match (self.file.is_empty(), &self.bar) {
            (true, Some(bar)) => bar.suspend(print),
            (true, None) => print(),
            (false, _) => OpenOptions::new()
                .append(true)
                .create(true)
                .open(&self.file)
                .and_then(|mut file| file.write_all(line.as_bytes())),
        };
        drop(written);
    }
}

fn rank(level: LogLevel) -> usize {
    match level {
        LogLevel::Debug => 0,
        LogLevel::Verbose => 1,
        LogLevel::Notice => 2,
        LogLevel::Warning => 3,
    }
}

fn least(verbosity: Verbosity) -> usize {
    match verbosity {
        Verbosity::Debug => 0,
        Verbosity::Verbose => 1,
        Verbosity::Notice => 2,
        Verbosity::Warning => 3,
    }
}

/// `20 Nov 2026 23:37:58.123`, in Universal Time.
fn local_time() -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = civil_date((seconds / 86_400) as i64);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let month = MONTHS[month - 1];
    format!("{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Year, month and day of a day counted from 1 January 1970, in the Gregorian calendar.
fn civil_date(days: i64) -> (i64, usize, i64) {
    // Years that begin in March put the leap day at the end.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::civil_date;

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(civil_date(0), (1970, 1, 1));
        assert_eq!(civil_date(59), (1970, 3, 1));
        assert_eq!(civil_date(11_016), (2000, 2, 29));
        assert_eq!(civil_date(20_777), (2026, 11, 20));
    }
}
