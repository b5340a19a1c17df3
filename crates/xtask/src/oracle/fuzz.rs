//! `cargo xtask oracle --fuzz SECONDS`: random sessions, played on Ochre and on a real server.
//!
//! Sessions are written by the command table's own syntax over a few keys, and played on both at
//! once; every reply is compared, and in the end everything both hold. What differs is made small,
//! shown as a transcript and kept in a file that `--replay` plays again.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::Workplace;
use crate::{product, server, tree};

use super::Options;
use super::differences::Differences;
use duel::{Difference, Duel, Outcome};
use session::Author;
use side::Side;
use step::Step;

mod contents;
mod duel;
mod excluded;
mod normaliser;
mod sentence;
mod session;
mod shrinker;
mod side;
mod step;
mod vocabulary;

/// How many differences are shown before it ends.
const DIFFERENCES_MAX: usize = 12;

/// How often a session is played again to see whether it differs every time.
const REPEATS: usize = 3;

/// How long a difference may be made smaller.
const SHRINKING_MAX: Duration = Duration::from_secs(15);

/// Of a reply, this much is shown.
const SHOWN_MAX: usize = 2_000;

#[derive(Default)]
struct Tally {
    sessions: usize,
    commands: usize,
    excused: usize,
    unsteady: usize,
    /// What differs, by the command's name.
    found: BTreeMap<String, usize>,
}

/// Runs for as long as the options say.
pub fn run(options: &Options, seconds: u64) -> Result<()> {
    let differences = Differences::read()?;
    let workplace = Workplace::open()?;
    let table = commands::table();
    let verbs = sentence::verbs(&table);
    let mut duel = open(options, &verbs, &workplace, &differences)?;
    let author = Author::new(&verbs, &options.filters);
    let (begun, mut shown) = (Instant::now(), Instant::now());
    let mut tally = Tally::default();
    println!(
        "fuzzing with --seed {} for at most {seconds} s",
        options.seed
    );
    let limit = Duration::from_secs(seconds);
    while begun.elapsed() < limit
        && tally.sessions < options.sessions
        && tally.found.len() < DIFFERENCES_MAX
    {
        let number = tally.sessions as u64;
        let steps = author.session(options.seed.wrapping_mul(1_000_003).wrapping_add(number));
        let outcome = duel.play(&steps, false)?;
        tally.sessions += 1;
        tally.commands += outcome.commands;
        tally.excused += usize::from(outcome.excused);
        if let Some(difference) = outcome.difference {
            examine(&mut duel, &steps, &difference, options.seed, &mut tally)?;
        }
        if shown.elapsed() > Duration::from_millis(500) {
            shown = Instant::now();
            show_progress(&tally, begun.elapsed());
        }
    }
    clear_progress();
    println!("{}", summary(&tally, begun.elapsed()));
    match tally.found.len() {
        0 => Ok(()),
        count => bail!("{count} commands differ; the seed was {}", options.seed),
    }
}

/// Plays a transcript, and says whether all is the same.
pub fn replay(options: &Options, file: &Path) -> Result<()> {
    let text = std::fs::read_to_string(file);
    let steps = step::parse(&text.with_context(|| format!("reading {}", file.display()))?)?;
    let differences = Differences::read()?;
    let workplace = Workplace::open()?;
    let verbs = sentence::verbs(&commands::table());
    let mut duel = open(options, &verbs, &workplace, &differences)?;
    let outcome = duel.play(&steps, true)?;
    print!("{}", indented(&outcome.transcript));
    match outcome.difference {
        None => println!("all the same"),
        Some(difference) => bail!("differs\n{}", described(&difference)),
    }
    Ok(())
}

fn open<'a>(
    options: &Options,
    verbs: &[sentence::Verb],
    workplace: &Workplace,
    differences: &'a Differences,
) -> Result<Duel<'a>> {
    let reference = server::locate(&options.server_bin)?;
    let tested = match &options.ochre_bin {
        Some(binary) => server::locate(binary)?,
        None => product::build(product::EVERYDAY_PROFILE)?,
    };
    let side = |binary: PathBuf, name: &str| Side::new(binary, workplace.folder().join(name));
    let (reference, tested) = (side(reference, "redis"), side(tested, "ochre"));
    Ok(Duel::new(reference, tested, verbs, differences))
}

/// Sees whether a difference is there every time, makes it small, shows and keeps it.
fn examine(
    duel: &mut Duel<'_>,
    steps: &[Step],
    difference: &Difference,
    seed: u64,
    tally: &mut Tally,
) -> Result<()> {
    if let Some(count) = tally.found.get_mut(&name_of(difference)) {
        *count += 1;
        return Ok(());
    }
    let steps = &steps[..difference.steps.min(steps.len())];
    for _ in 0..REPEATS {
        if duel.play(steps, false)?.difference.is_none() {
            note_unsteady(tally, difference);
            return Ok(());
        }
    }
    let deadline = Instant::now() + SHRINKING_MAX;
    let shrunk = shrinker::shrink(steps.to_vec(), deadline, |steps| {
        let outcome = duel.play(steps, false);
        outcome.is_ok_and(|outcome| outcome.difference.is_some())
    });
    let outcome = duel.play(&shrunk, true)?;
    // On a busy machine a key with a millisecond to live may differ many times in a row.
    let Some(shown) = &outcome.difference else {
        note_unsteady(tally, difference);
        return Ok(());
    };
    let first = shown.command.lines().next().unwrap_or_default();
    if duel.differences.excuse("fuzz", first) {
        tally.excused += 1;
        return Ok(());
    }
    let count = tally.found.entry(name_of(shown)).or_default();
    *count += 1;
    if *count > 1 {
        return Ok(());
    }
    let file = keep(&outcome, seed, tally.sessions)?;
    clear_progress();
    let (was, is) = (steps.len(), shrunk.len());
    println!("session {} differs, {is} steps of {was}:\n", tally.sessions);
    println!("{}", indented(&outcome.transcript));
    println!("{}", described(shown));
    println!(
        "play it again with\n  cargo xtask oracle --replay {}\n",
        file.display()
    );
    Ok(())
}

fn note_unsteady(tally: &mut Tally, difference: &Difference) {
    tally.unsteady += 1;
    clear_progress();
    println!("differed and then not again: {}", described(difference));
}

fn keep(outcome: &Outcome, seed: u64, session: usize) -> Result<PathBuf> {
    let folder = tree::target().join("oracle");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let file = folder.join(format!("{seed}-{session}.txt"));
    let written = std::fs::write(&file, &outcome.transcript);
    written.with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// What is compared when two differences are to be told apart.
fn name_of(difference: &Difference) -> String {
    let command = &difference.command;
    let last = command.lines().last().unwrap_or_default();
    let words = last.split("> ").nth(1).unwrap_or(last);
    let name = words.split(' ').next().unwrap_or_default().to_uppercase();
    let marks = if command.ends_with("(messages)") {
        " messages"
    } else {
        ""
    };
    name + marks
}

fn described(difference: &Difference) -> String {
    let cut = |text: &str| indented(&text.chars().take(SHOWN_MAX).collect::<String>());
    format!(
        "{}\n  the server replies\n{}  Ochre replies\n{}",
        difference
            .command
            .chars()
            .take(SHOWN_MAX)
            .collect::<String>(),
        cut(&difference.reference),
        cut(&difference.tested)
    )
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("        {line}\n"))
        .collect()
}

fn summary(tally: &Tally, elapsed: Duration) -> String {
    let rate = tally.commands as f64 / elapsed.as_secs_f64();
    format!(
        "{} sessions, {} commands, {rate:.0} a second; {} sessions end with a known difference, \
         {} differed once only, {} commands differ",
        tally.sessions,
        tally.commands,
        tally.excused,
        tally.unsteady,
        tally.found.len()
    )
}

fn show_progress(tally: &Tally, elapsed: Duration) {
    if std::io::stderr().is_terminal() {
        eprint!(
            "\r\x1b[K{:.0} s: {}",
            elapsed.as_secs_f64(),
            summary(tally, elapsed)
        );
        // It is only for the eye.
        let _ = std::io::stderr().flush();
    }
}

fn clear_progress() {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
}
