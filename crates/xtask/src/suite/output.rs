//! What the suite prints, read into counts.

use std::time::Duration;

/// How one file of the suite went.
#[derive(Default)]
pub struct Outcome {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
    /// Tests that made no progress, each put on the skip list before the file was run again.
    pub hung: Vec<String>,
    /// Files whose run ended before their end.
    pub crashed: u32,
    pub took: Duration,
    pub note: String,
    pub failures: Vec<String>,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.hung.extend(other.hung.iter().cloned());
        self.crashed += other.crashed;
        self.took += other.took;
    }

    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.crashed == 0 && self.hung.is_empty()
    }

    pub fn row(&self, name: &str) -> String {
        let Self {
            passed,
            failed,
            skipped,
            crashed,
            note,
            ..
        } = self;
        let (hung, seconds) = (self.hung.len(), self.took.as_secs());
        format!("{name}\t{passed}\t{failed}\t{skipped}\t{hung}\t{crashed}\t{seconds}\t{note}")
    }
}

/// The counts and marks of one attempt at a file.
#[derive(Default)]
pub struct Attempt {
    pub passed: u32,
    pub failed: u32,
    pub skipped: u32,
    pub failures: Vec<String>,
    /// The test the suite was in when it gave up waiting.
    pub stalled_in: Option<String>,
    pub exception: Option<String>,
}

impl Attempt {
    pub fn read(log: &str) -> Self {
        let mut attempt = Self::default();
        let mut before = "";
        let log = without_colours(log);
        for line in log.lines() {
            // An error that nobody catches, such as of the program that hands out the tests.
            if line == "    while executing" && attempt.is_empty() {
                attempt.exception.get_or_insert_with(|| before.to_owned());
            }
            attempt.take(line);
            before = line;
        }
        attempt
    }

    pub fn is_empty(&self) -> bool {
        self.passed + self.failed + self.skipped == 0
    }

    fn take(&mut self, line: &str) {
        // When its own time is up, the suite says what each of its clients was at.
        if let Some((_, state)) = line
            .split_once(" => ")
            .filter(|(c, _)| c.starts_with("sock"))
        {
            match state.strip_prefix("(IN PROGRESS) ") {
                Some(test) => self.stalled_in = Some(test.to_owned()),
                None => self.exception = Some(format!("no progress outside a test: {state}")),
            }
            return;
        }
        let mark = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let Some((mark, rest)) = mark else {
            return self.take_of_program(line);
        };
        let rest = rest.trim_start_matches(':').trim_start();
        match mark {
            "ok" => self.passed += 1,
            "err" => {
                self.failed += 1;
                self.failures.push(rest.to_owned());
            }
            "skip" | "ignore" => self.skipped += 1,
            "exception" => self.exception = Some(rest.to_owned()),
            _ => {}
        }
    }
}

impl Attempt {
    /// The programs for Sentinel and for clusters tell the time, the test, and how it went.
    fn take_of_program(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("FAILED: caught an error") {
            self.exception = Some(rest.trim_start_matches(" in the test").trim().to_owned());
            return;
        }
        let Some((time, rest)) = line.split_once("> ") else {
            return;
        };
        let is_time = time.len() == 8 && time.bytes().all(|b| b == b':' || b.is_ascii_digit());
        if !is_time {
            return;
        }
        if rest.contains(": ") && rest.ends_with("OK") {
            self.passed += 1;
        } else if let Some((test, why)) = rest.split_once("FAILED: ") {
            // Some tests show how far they are, by letters and dots.
            let test = test.trim_end_matches(|c: char| c.is_ascii_uppercase() || c == '.');
            let test = test.trim_end_matches(": ");
            self.failed += 1;
            self.failures.push(format!("{test}: {why}"));
        }
    }
}

/// The text without terminal escapes (`ESC [ … m`).
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_counted_and_failures_kept() {
        let log = "\x1b[33m[ok]\x1b[0m: SET (3 ms)\n[err]: GET in tests/a.tcl\nExpected 1\n\
                   [skip]: x\n[ignore]: y\n[testing]: z\n\
                   [exception]: Executing test client: oops.\n";
        let attempt = Attempt::read(log);
        assert_eq!((attempt.passed, attempt.failed, attempt.skipped), (1, 1, 2));
        assert_eq!(attempt.failures, ["GET in tests/a.tcl"]);
        assert_eq!(
            attempt.exception.as_deref(),
            Some("Executing test client: oops.")
        );
    }

    #[test]
    fn the_words_of_the_programs_are_read() {
        let log = "Testing unit: 05-manual.tcl\n10:11:12> Manual failover works: OK\n\
                   10:11:13> (init) Restart killed instances: redis/0 OK\n\
                   10:11:14> The port is 1 > 0: FAILED: Expected x\n\
                   10:11:14> Live resharding: WWW...WFAILED: caught y\n\
                   FAILED: caught an error in the test oops\n";
        let attempt = Attempt::read(log);
        assert_eq!((attempt.passed, attempt.failed), (2, 2));
        let failures = ["The port is 1 > 0: Expected x", "Live resharding: caught y"];
        assert_eq!(attempt.failures, failures);
        assert_eq!(attempt.exception.as_deref(), Some("oops"));
    }

    #[test]
    fn an_error_before_the_first_test_is_kept() {
        let log = "Starting test server\ncouldn't open socket: address already in use\n    \
                   while executing\n\"socket -server\"\n";
        let exception = Attempt::read(log).exception;
        let expected = "couldn't open socket: address already in use";
        assert_eq!(exception.as_deref(), Some(expected));
    }

    #[test]
    fn a_stalled_test_is_named() {
        let attempt = Attempt::read("sock55 => (IN PROGRESS) BLPOP, first\n");
        assert_eq!(attempt.stalled_in.as_deref(), Some("BLPOP, first"));
    }
}
