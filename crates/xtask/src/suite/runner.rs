//! Runs one file of the suite, and again without a test that hung, so that what stands after it is
//! judged too.

use super::output::{Attempt, Outcome};
use super::ports::PortBlock;
use super::{Mode, layout};
use crate::process;
use crate::server::Server;
use anyhow::{Context, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Hanging tests after which a file is given up.
const RETRIES_MAX: usize = 5;
/// What the suite needs, beyond its own limit, to notice a stall and say where.
const STALL_GRACE: Duration = Duration::from_secs(30);
const TURN: Duration = Duration::from_millis(50);
const NOTE_CHARS_MAX: usize = 150;

/// What the suite's external mode asks of a server beyond its defaults. One thread, for the suite
/// sends commands on two connections and relies on their running in that order.
const EXTERNAL_ARGUMENTS: &[&str] = &[
    "--enable-debug-command",
    "yes",
    "--enable-protected-configs",
    "yes",
    "--enable-module-command",
    "yes",
    "--io-threads",
    "1",
];

pub struct Runner {
    pub mode: Mode,
    pub tree: PathBuf,
    pub binary: PathBuf,
    /// Where servers keep their files.
    pub folder: PathBuf,
    pub logs: PathBuf,
    pub ports: PortBlock,
    pub stall: Duration,
    pub limit: Duration,
}

/// Why an attempt ended.
#[derive(PartialEq, Eq)]
enum End {
    Finished,
    Stalled,
    OverLimit,
}

impl Runner {
    pub fn run(&self, file: &str, tags: &str, skips: &[String]) -> Result<Outcome> {
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        self.empty_scratch()?;
        if self.mode.has_program() {
            layout::leave_out(&self.tree, file, skips)?;
        }
        for number in 0..=RETRIES_MAX {
            let left = self.limit.saturating_sub(begun.elapsed());
            let log = self
                .logs
                .join(format!("{}.{number}.log", file.replace('/', "_")));
            let server = match self.start_server() {
                Ok(server) => server,
                Err(error) => {
                    outcome.crashed = 1;
                    outcome.note = format!("{error:#}");
                    break;
                }
            };
            let skipped: Vec<&String> = skips.iter().chain(&outcome.hung).collect();
            let command = self.command(file, tags, &skipped, server.as_ref());
            let end = self.attend(command, &log, left)?;
            drop(server);
            process::sweep();
            let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
            if !outcome.take(Attempt::read(&text), &end) {
                break;
            }
        }
        outcome.note = outcome.note.replace(['\t', '\n'], " ");
        outcome.took = begun.elapsed();
        Ok(outcome)
    }

    /// What one file left must not meet the next.
    fn empty_scratch(&self) -> Result<()> {
        let scratch = self.tree.join("tests/tmp");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch)?;
        }
        Ok(std::fs::create_dir_all(&scratch)?)
    }

    fn start_server(&self) -> Result<Option<Server>> {
        if self.mode != Mode::External {
            return Ok(None);
        }
        // A fresh folder and server per attempt: the suite leaves configuration behind.
        let _ = std::fs::remove_dir_all(&self.folder);
        Server::start(&self.binary, &self.folder, EXTERNAL_ARGUMENTS).map(Some)
    }

    fn command(
        &self,
        file: &str,
        tags: &str,
        skipped: &[&String],
        server: Option<&Server>,
    ) -> Command {
        let mut command = Command::new("tclsh");
        command.current_dir(&self.tree);
        if self.mode.has_program() {
            // It takes parts of names, and nothing else that matters here.
            let name = file.rsplit('/').next().unwrap_or(file);
            let program = format!("tests/{}/run.tcl", self.mode.name());
            command.args([&program, "--single", name]);
            return command;
        }
        command.args(["tests/test_helper.tcl", "--single", file]);
        command.args(["--durable", "--clients", "1", "--no-latency", "--timeout"]);
        command.arg(self.stall.as_secs().to_string());
        if !tags.trim().is_empty() {
            command.args(["--tags", tags]);
        }
        command.args(["--baseport", &self.ports.first().to_string()]);
        command.args(["--portcount", &PortBlock::LENGTH.to_string()]);
        if let Some(server) = server {
            command.args(["--host", "127.0.0.1", "--port", &server.port.to_string()]);
        }
        for test in skipped {
            command.arg("--skiptest").arg(test);
        }
        command
    }

    /// Waits for the run's end, or ends it when it is silent or over its limit.
    fn attend(&self, mut command: Command, log: &Path, left: Duration) -> Result<End> {
        let output = File::create(log)?;
        command
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output);
        let mut child = command.spawn().context("starting tclsh")?;
        let begun = Instant::now();
        let (mut size, mut grown) = (0, begun);
        loop {
            if child.try_wait()?.is_some() {
                return Ok(End::Finished);
            }
            let now = std::fs::metadata(log)?.len();
            if now != size {
                (size, grown) = (now, Instant::now());
            }
            if begun.elapsed() > left {
                return stop(&mut child, End::OverLimit);
            }
            if grown.elapsed() > self.stall + STALL_GRACE {
                return stop(&mut child, End::Stalled);
            }
            std::thread::sleep(TURN);
        }
    }
}

fn stop(child: &mut Child, end: End) -> Result<End> {
    process::sweep();
    child.wait()?;
    Ok(end)
}

impl Outcome {
    /// Takes an attempt over; true when the file deserves another one.
    fn take(&mut self, attempt: Attempt, end: &End) -> bool {
        let empty = attempt.is_empty();
        self.passed = attempt.passed;
        self.failed = attempt.failed;
        // A test put on the skip list here is counted as hung.
        self.skipped = attempt.skipped.saturating_sub(self.hung.len() as u32);
        self.failures = self
            .hung
            .iter()
            .map(|test| format!("HUNG {test}"))
            .collect();
        self.failures.extend(attempt.failures);
        (self.crashed, self.note) = (0, String::new());
        if let Some(test) = attempt.stalled_in {
            let again = *end != End::OverLimit && !self.hung.contains(&test);
            self.failures.push(format!("HUNG {test}"));
            self.crashed = 1;
            self.note = format!("no progress in: {test}");
            if again {
                self.hung.push(test);
            }
            return again;
        }
        match (end, attempt.exception) {
            (End::OverLimit, _) => self.crash("over the limit of seconds"),
            (End::Stalled, _) => self.crash("no progress"),
            (End::Finished, Some(exception)) => self.crash(&exception),
            (End::Finished, None) if empty => self.note = "ran no test".to_owned(),
            (End::Finished, None) => {}
        }
        false
    }

    fn crash(&mut self, note: &str) {
        self.crashed = 1;
        self.note = note.chars().take(NOTE_CHARS_MAX).collect();
        self.failures.push(format!("CRASHED {note}"));
    }
}
