//! `cargo xtask ci`: the one entry point, the same on a laptop and on a build machine.
//!
//! Cheap steps first; the first failure ends it, with the command that repeats the step.

use crate::{oracle, product, suite, tree, twins};
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
        "--profile",
        "ci",
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
        NEXTEST.run_with(&["--test-threads", &test_threads()])?
    } else {
        CARGO_TEST.run()?
    }
    INTERLEAVINGS.run()?;
    DOCS.run()?;
    run_fresh_seeds()?;
    run_comparisons(options)?;
    println!("ci: all passed in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Two for each core: many tests watch processes, and mostly wait.
fn test_threads() -> String {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    (2 * cores).to_string()
}

impl Step {
    fn run(&self) -> Result<()> {
        self.run_with(&[])
    }

    fn run_with(&self, more: &[&str]) -> Result<()> {
        println!("ci: {}", self.name);
        let begun = Instant::now();
        let status = cargo()
            .args(self.words)
            .args(more)
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

/// The comparisons with what Redis's own programs do. Each waits much of its time, so the columns
/// run beside each other, and each is a process, which ends no more than what it has started.
fn run_comparisons(options: &Options) -> Result<()> {
    product::build(product::EVERYDAY_PROFILE)?;
    let columns = [
        [
            comparison_words(),
            suite_words(options, suite::Mode::Binary)?,
        ]
        .concat(),
        [
            suite_words(options, suite::Mode::External)?,
            suite_words(options, suite::Mode::Sentinel)?,
            suite_words(options, suite::Mode::Cluster)?,
        ]
        .concat(),
    ];
    let results = std::thread::scope(|scope| {
        let columns = columns.map(|column| scope.spawn(move || run_column(&column)));
        columns.map(|column| column.join().expect("a column does not panic"))
    });
    results.into_iter().collect()
}

/// Verbs of this program, one after another; what each has printed is shown when it has ended.
fn run_column(verbs: &[String]) -> Result<()> {
    for verb in verbs {
        let begun = Instant::now();
        let program = std::env::current_exe().context("finding this program")?;
        let output = Command::new(program)
            .args(verb.split(' '))
            .output()
            .with_context(|| format!("running {verb}"))?;
        let seconds = begun.elapsed().as_secs_f64();
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        println!("ci: cargo xtask {verb}\n{said}ci: that took {seconds:.1} s");
        if !output.status.success() {
            bail!("ci: a comparison failed; repeat it with\n  cargo xtask {verb}");
        }
    }
    Ok(())
}

/// The same random sessions every time: a change is judged by what it changes. New ones are for
/// whoever looks for new differences.
fn comparison_words() -> Vec<String> {
    let mut verbs = Vec::new();
    match oracle::missing() {
        Some(reason) => println!("ci: oracle and fuzzer skipped, {reason}"),
        None => verbs.extend([
            "oracle --still".to_owned(),
            format!(
                "oracle --fuzz {FUZZING_SECONDS_MAX} --sessions {FUZZING_SESSIONS} \
                 --seed {FUZZING_SEED}"
            ),
        ]),
    }
    match twins::missing() {
        Some(reason) => println!("ci: twins skipped, {reason}"),
        None => verbs.push("twins --quick".to_owned()),
    }
    verbs
}

fn suite_words(options: &Options, mode: suite::Mode) -> Result<Vec<String>> {
    let name = mode.name();
    let reason = if options.without_suite {
        Some("as asked".to_owned())
    } else if !suite::has_ratcheted_files(mode)? {
        Some("no file of it is in suite/passing.tsv yet".to_owned())
    } else {
        suite::missing()
    };
    Ok(match reason {
        Some(reason) => {
            println!("ci: suite, {name} mode, skipped, {reason}");
            Vec::new()
        }
        None => vec![format!("suite --mode {name} --quick")],
    })
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
