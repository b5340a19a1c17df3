//! Plays seeds from the command line.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use sentinel::Flaw;

use crate::sentinel::{Failover, play};

#[derive(Default)]
struct Wanted {
    count: u64,
    from: u64,
    trace: Option<u64>,
    flaw: Option<Flaw>,
    /// Whether broken promises are only told.
    goes_on: bool,
    /// When no further seed is begun.
    seconds: Option<u64>,
}

/// What came of many seeds.
#[derive(Default)]
struct Sum {
    events: u64,
    simulated_ms: u64,
    switches: u64,
    failovers: Vec<Failover>,
}

pub fn run(words: impl Iterator<Item = String>) -> ExitCode {
    let Some(wanted) = parse(words) else {
        eprintln!(
            "usage: sim sentinel COUNT [--from SEED] [--seconds N] [--flaw NAME] [--go-on] \
             | --trace SEED"
        );
        return ExitCode::FAILURE;
    };
    let begun = Instant::now();
    let seeds = match wanted.trace {
        Some(seed) => seed..seed + 1,
        None => wanted.from..wanted.from + wanted.count,
    };
    let mut sum = Sum::default();
    let is_over = |seconds: u64| begun.elapsed() >= Duration::from_secs(seconds);
    let (mut played, mut broken) = (0, 0);
    for seed in seeds.take_while(|_| !wanted.seconds.is_some_and(is_over)) {
        played += 1;
        let report = match play(seed, wanted.flaw, wanted.trace.is_some()) {
            Ok(report) => report,
            Err(failure) => {
                println!("seed {seed}: {failure}");
                if !wanted.goes_on {
                    return ExitCode::FAILURE;
                }
                broken += 1;
                continue;
            }
        };
        // Now and then, a seed shows that it is the same twice.
        let is_checked = seed % 10 == 0 && wanted.trace.is_none() && wanted.flaw.is_none();
        if is_checked && play(seed, None, false).ok().as_ref() != Some(&report) {
            println!("seed {seed}: two runs differ");
            return ExitCode::FAILURE;
        }
        sum.events += report.events;
        sum.simulated_ms += report.simulated_ms;
        sum.switches += report.switches;
        sum.failovers.extend(report.failovers);
    }
    let late = sum.failovers.iter();
    let late = late.filter(|failover| failover.took_ms > failover.usual_ms);
    println!(
        "{played} seeds, {} events, {} simulated hours, {} switches, {:.1} s",
        sum.events,
        sum.simulated_ms / 3_600_000,
        sum.switches,
        begun.elapsed().as_secs_f64()
    );
    if broken > 0 {
        println!("{broken} seeds break a promise");
        return ExitCode::FAILURE;
    }
    println!(
        "{} masters killed, {} failovers needed another election",
        sum.failovers.len(),
        late.count()
    );
    ExitCode::SUCCESS
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    while let Some(word) = words.next() {
        match &*word {
            "--from" => wanted.from = words.next()?.parse().ok()?,
            "--go-on" => wanted.goes_on = true,
            "--seconds" => wanted.seconds = Some(words.next()?.parse().ok()?),
            "--trace" => wanted.trace = Some(words.next()?.parse().ok()?),
            "--flaw" => {
                let name = words.next()?;
                let mut flaws = Flaw::ALL.iter().copied();
                wanted.flaw = Some(flaws.find(|flaw| format!("{flaw:?}") == name)?);
            }
            count => wanted.count = count.parse().ok()?,
        }
    }
    Some(wanted)
}
