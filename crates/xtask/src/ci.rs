//! `cargo xtask ci`: the one entry point, the same on a laptop and on a build machine.
//!
//! Cheap steps first; the first failure ends it, with the command that repeats the step.

use crate::{oracle, suite, tree, twins};
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(clap::Args)]
pub struct Options {
    /// Leave Redis's own suite out.
    #[arg(long)]
    without_suite: bool,
}

struct Step {
    name: &'static str,
    words: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const CHECKS: &[Step] = &[
    Step {
        name: "format",
        words: &["fmt", "--all", "--check"],
        environment: &[],
    },
    Step {
        name: "clippy",
        words: &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
        environment: &[],
    },
];

const NEXTEST: Step = Step {
    name: "tests",
    words: &[
        "nextest",
        "run",
        "--workspace",
        "--no-tests",
        "pass",
        "--no-fail-fast",
    ],
    environment: &[],
};

const CARGO_TEST: Step = Step {
    name: "tests",
    words: &["test", "--workspace", "--all-targets"],
    environment: &[],
};

/// Locks, log and waits under many schedules. Apart from the tests, since a feature changes the
/// locks.
const INTERLEAVINGS: Step = Step {
    name: "interleavings",
    words: &[
        "test",
        "--package",
        "keyspace",
        "--package",
        "engine",
        "--package",
        "commands",
        "--features",
        "shuttle",
        "--test",
        "interleavings",
    ],
    environment: &[],
};

/// The random sessions that are played: the same ones on every machine, however fast it is.
const FUZZING_SESSIONS: usize = 5_000;
const FUZZING_SEED: u64 = 7;
/// When a machine is too slow for all of them.
const FUZZING_SECONDS_MAX: u64 = 180;

const DOCS: Step = Step {
    name: "docs",
    words: &["doc", "--workspace", "--no-deps"],
    environment: &[("RUSTDOCFLAGS", "-D warnings")],
};

/// Simulations that play seeds nobody has played before, and how many seeds of each at most. A
/// seed that fails says how to play it again.
const FRESH_SEEDS: &[(&str, &[&str], &str)] = &[
    ("replication", &[], "200"),
    ("clusters", &["cluster"], "40"),
    ("Sentinels", &["sentinel"], "40"),
];
/// However slow the machine is, each of them ends then.
const FRESH_SECONDS_MAX: &str = "9";

pub fn run(options: &Options) -> Result<()> {
    let begun = Instant::now();
    for step in CHECKS {
        step.run()?;
    }
    if has_nextest() {
        NEXTEST.run()?
    } else {
        CARGO_TEST.run()?
    }
    INTERLEAVINGS.run()?;
    DOCS.run()?;
    run_fresh_seeds()?;
    run_oracle()?;
    run_fuzzer()?;
    run_twins()?;
    run_suite(options)?;
    println!("ci: all passed in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

impl Step {
    fn run(&self) -> Result<()> {
        println!("ci: {}", self.name);
        let begun = Instant::now();
        let status = cargo()
            .args(self.words)
            .envs(self.environment.iter().copied())
            .status()
            .context("running cargo")?;
        if !status.success() {
            bail!(
                "ci: {} failed; repeat it with\n  {}",
                self.name,
                self.repeat()
            );
        }
        println!(
            "ci: {} took {:.1} s",
            self.name,
            begun.elapsed().as_secs_f64()
        );
        Ok(())
    }

    fn repeat(&self) -> String {
        let variables = self
            .environment
            .iter()
            .map(|(name, value)| format!("{name}='{value}' "));
        format!(
            "{}cargo {}",
            variables.collect::<String>(),
            self.words.join(" ")
        )
    }
}

/// The fixed seeds are tests. These are others each time, so that in time many are played.
fn run_fresh_seeds() -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let from = now.map_or(0, |since| since.as_secs()).to_string();
    for (name, world, count) in FRESH_SEEDS {
        println!("ci: fresh seeds of {name}, from {from}");
        let limits = [*count, "--from", &from, "--seconds", FRESH_SECONDS_MAX];
        let words = [
            &["run", "--quiet", "--package", "sim", "--"],
            *world,
            &limits,
        ]
        .concat();
        let status = cargo().args(&words).status().context("running cargo")?;
        if !status.success() {
            let words = words.join(" ");
            bail!("ci: a fresh seed of {name} broke a promise; repeat all with\n  cargo {words}");
        }
    }
    Ok(())
}

fn run_oracle() -> Result<()> {
    if let Some(reason) = oracle::missing() {
        println!("ci: oracle skipped, {reason}");
        return Ok(());
    }
    println!("ci: oracle");
    let begun = Instant::now();
    oracle::run(&oracle::Options::of_ci())
        .context("ci: oracle failed; repeat it with\n  cargo xtask oracle")?;
    println!("ci: oracle took {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn run_twins() -> Result<()> {
    if let Some(reason) = twins::missing() {
        println!("ci: twins skipped, {reason}");
        return Ok(());
    }
    println!("ci: twins");
    let begun = Instant::now();
    twins::run(&twins::Options::of_ci())
        .context("ci: twins failed; repeat it with\n  cargo xtask twins")?;
    println!("ci: twins took {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// The same random sessions every time: a change is judged by what it changes. New ones are for
/// whoever looks for new differences.
fn run_fuzzer() -> Result<()> {
    if let Some(reason) = oracle::missing() {
        println!("ci: fuzzer skipped, {reason}");
        return Ok(());
    }
    println!("ci: fuzzer");
    let (sessions, seed, seconds) = (FUZZING_SESSIONS, FUZZING_SEED, FUZZING_SECONDS_MAX);
    oracle::run(&oracle::Options::of_fuzzer(sessions, seed, seconds)).with_context(|| {
        format!(
            "ci: the fuzzer found a difference; repeat it with\n  \
             cargo xtask oracle --fuzz {seconds} --sessions {sessions} --seed {seed}"
        )
    })
}

fn run_suite(options: &Options) -> Result<()> {
    if options.without_suite {
        println!("ci: suite skipped, as asked");
        return Ok(());
    }
    if !suite::has_ratcheted_files(suite::Mode::External)? {
        println!("ci: suite skipped, no file of it is in suite/passing.tsv yet");
        return Ok(());
    }
    if let Some(reason) = suite::missing() {
        println!("ci: suite skipped, {reason}");
        return Ok(());
    }
    for mode in [
        suite::Mode::External,
        suite::Mode::Binary,
        suite::Mode::Sentinel,
        suite::Mode::Cluster,
    ] {
        let (name, begun) = (mode.name(), Instant::now());
        println!("ci: suite, {name} mode");
        let options = suite::Options::of_ci(mode);
        suite::run(&options).with_context(|| {
            let command = options.command();
            format!("ci: suite failed; repeat it with\n  {command}")
        })?;
        let seconds = begun.elapsed().as_secs_f64();
        println!("ci: suite, {name} mode, took {seconds:.1} s");
    }
    Ok(())
}

fn has_nextest() -> bool {
    let output = cargo().args(["nextest", "--version"]).output();
    output.is_ok_and(|output| output.status.success())
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(tree::root());
    command
}
