//! `cargo xtask oracle`: the commands' transcripts, replayed against a real server.
//!
//! A transcript is a test of Ochre and a claim about Redis. Every one is found by reading the
//! sources, played on a fresh server over TCP, and compared reply by reply. What may differ is
//! written down with its reason in `oracle-differences.tsv`.

mod differences;
mod fuzz;
mod player;
mod scan;

use crate::process::Workplace;
use crate::server::{self, Server};
use anyhow::{Result, bail};
use differences::Differences;
use player::TcpPlayer;
use scan::{Line, Transcript};
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::{Player, render};

/// A transcript in which more time passes is skipped: a real clock cannot be moved.
const ADVANCE_MAX: Duration = Duration::from_secs(3);

/// What every server is started with, so that it refuses nothing the virtual node allows.
const ARGUMENTS: &[&str] = &["--enable-debug-command", "yes"];

/// How often a transcript is played until its moments fit.
const PLAYS_MAX: usize = 5;

/// Of a reply that differs, this much is shown.
const SHOWN_LINES_MAX: usize = 30;
const SHOWN_LETTERS_MAX: usize = 160;

const AFTER_HELP: &str = "\
A difference names the test, the command, what the transcript has and what the server replied.

  cargo xtask oracle
  cargo xtask oracle string/tests getkeys
  cargo xtask oracle --fuzz 60 --seed 7
  cargo xtask oracle --fuzz 60 set sorted-set
  cargo xtask oracle --replay target/oracle/7-12.txt
  cargo xtask oracle --server-bin ./redis-server-7.2";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// Only transcripts whose file or test has one of these in its name; with `--fuzz`, only
    /// commands of these groups.
    filters: Vec<String>,
    /// Only transcripts in which no time passes: a busy machine misses the others' moments.
    #[arg(long)]
    still: bool,
    /// The server to ask.
    #[arg(long, value_name = "PATH", default_value = SERVER)]
    server_bin: PathBuf,
    /// Play random sessions on both servers instead, for so long.
    #[arg(long, value_name = "SECONDS")]
    fuzz: Option<u64>,
    /// With `--fuzz`, no more sessions than this.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    sessions: usize,
    /// Which random sessions.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Play a session that `--fuzz` has kept.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// The Ochre that `--fuzz` and `--replay` play on, instead of building one.
    #[arg(long, value_name = "PATH")]
    ochre_bin: Option<PathBuf>,
}

/// Where Debian puts the server.
const SERVER: &str = "/usr/bin/redis-server";

/// Why the transcripts cannot be compared on this machine, or nothing.
pub fn missing() -> Option<String> {
    let is_there = Path::new(SERVER).is_file();
    (!is_there).then(|| format!("{SERVER} is not installed (`cargo xtask setup`)"))
}

/// What came of one run.
#[derive(Default)]
struct Tally {
    played: usize,
    skipped: usize,
    same: usize,
    excused: usize,
    differing: usize,
}

pub fn run(options: &Options) -> Result<()> {
    match (&options.replay, options.fuzz) {
        (Some(file), _) => fuzz::replay(options, file),
        (None, Some(seconds)) => fuzz::run(options, seconds),
        (None, None) => compare_transcripts(options),
    }
}

fn compare_transcripts(options: &Options) -> Result<()> {
    let binary = server::locate(&options.server_bin)?;
    let differences = Differences::read()?;
    let workplace = Workplace::open()?;
    let mut tally = Tally::default();
    for transcript in scan::transcripts()? {
        let name = transcript.name();
        let wanted = |filter: &String| name.contains(filter.as_str());
        if !options.filters.is_empty() && !options.filters.iter().any(wanted) {
            continue;
        }
        if options.still && !transcript.time().is_zero() {
            tally.skipped += 1;
            continue;
        }
        if transcript.time() > ADVANCE_MAX {
            println!("skipped {name}: {:?} would have to pass", transcript.time());
            tally.skipped += 1;
            continue;
        }
        let folder = workplace.folder().join("oracle");
        let outcome = play_fairly(&transcript, &binary, &folder, &differences)?;
        outcome.reports.iter().for_each(|report| print!("{report}"));
        tally.same += outcome.same;
        tally.excused += outcome.excused;
        tally.differing += outcome.reports.len();
        tally.played += 1;
    }
    let all = options.filters.is_empty() && !options.still;
    differences.unused().filter(|_| all).for_each(|row| {
        println!("no longer differs: {row}");
    });
    println!(
        "{} transcripts played, {} skipped; replies: {} same, {} differ with a reason, {} differ",
        tally.played, tally.skipped, tally.same, tally.excused, tally.differing
    );
    match tally.differing {
        0 => Ok(()),
        count => bail!("{count} replies are not the server's"),
    }
}

/// What came of one transcript.
#[derive(Default)]
struct Outcome {
    same: usize,
    excused: usize,
    /// The replies that differ, as they are shown.
    reports: Vec<String>,
}

/// Plays a transcript, more than once if a reply differs: a real clock never stops at the very
/// millisecond that a transcript is about. What really differs does so every time.
fn play_fairly(
    transcript: &Transcript,
    binary: &Path,
    folder: &Path,
    differences: &Differences,
) -> Result<Outcome> {
    let mut outcome = play(transcript, binary, folder, differences)?;
    for _ in 1..PLAYS_MAX {
        if outcome.reports.is_empty() {
            break;
        }
        outcome = play(transcript, binary, folder, differences)?;
    }
    Ok(outcome)
}

fn play(
    transcript: &Transcript,
    binary: &Path,
    folder: &Path,
    differences: &Differences,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    // What the transcript before has saved would be loaded.
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let server = Server::start(binary, folder, ARGUMENTS)?;
    let mut player = TcpPlayer::new(server.port);
    for line in &transcript.lines {
        let (client, words, expected) = match line {
            Line::Advance(time) => {
                player.advance(*time);
                continue;
            }
            Line::Command {
                client,
                words,
                reply,
                ..
            } => (client, words, reply),
        };
        player.expect_silence(expected == scan::NO_REPLY);
        let reply = player.command(client, words);
        let reply = reply.map_or(scan::NO_REPLY.to_owned(), |value| render(&value));
        if reply == *expected {
            outcome.same += 1;
        } else if differences.excuse(&transcript.name(), line.text()) {
            outcome.excused += 1;
        } else {
            let report = report(transcript, line.text(), expected, &reply);
            outcome.reports.push(report);
        }
    }
    Ok(outcome)
}

fn report(transcript: &Transcript, command: &str, expected: &str, reply: &str) -> String {
    let mut report = format!("{}:\n  {command}\n", transcript.name());
    for (mark, text) in [("-", expected), ("+", reply)] {
        let shown = text.lines().take(SHOWN_LINES_MAX);
        shown.for_each(|line| report += &format!("  {mark} {line:.SHOWN_LETTERS_MAX$}\n"));
    }
    report
}
