//! Plays seeds from the command line.
//!
//! ```text
//!   sim 10000              seeds 0 to 9999, each twice
//!   sim 10000 --from 500   others
//!   sim 1000 --flaw NAME   until one finds the mistake
//!   sim --trace SEED       one seed, with all that its machines decide
//!   sim sentinel ...       the same, of Sentinels that watch nodes
//! ```

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Instant;

use replication::Flaw;

#[derive(Default)]
struct Wanted {
    count: u64,
    from: u64,
    trace: Option<u64>,
    flaw: Option<Flaw>,
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("sentinel") {
        return sim::sentinel::program::run(std::env::args().skip(2));
    }
    let Some(wanted) = parse(std::env::args().skip(1)) else {
        eprintln!("usage: sim COUNT [--from SEED] [--flaw NAME] | --trace SEED [--flaw NAME]");
        return ExitCode::FAILURE;
    };
    let begun = Instant::now();
    let (mut events, mut simulated_ms) = (0, 0);
    let seeds = match wanted.trace {
        Some(seed) => seed..seed + 1,
        None => wanted.from..wanted.from + wanted.count,
    };
    for seed in seeds.clone() {
        let report = match sim::play(seed, wanted.flaw, wanted.trace.is_some()) {
            Ok(report) => report,
            Err(failure) => {
                println!("seed {seed}: {failure}");
                return ExitCode::FAILURE;
            }
        };
        if wanted.trace.is_none()
            && wanted.flaw.is_none()
            && sim::play(seed, None, false).ok() != Some(report)
        {
            println!("seed {seed}: two runs differ");
            return ExitCode::FAILURE;
        }
        events += report.events;
        simulated_ms += report.simulated_ms;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} seeds, {events} events, {} simulated hours, {seconds:.1} s: all promises kept",
        seeds.end - seeds.start,
        simulated_ms / 3_600_000
    );
    ExitCode::SUCCESS
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    while let Some(word) = words.next() {
        match &*word {
            "--from" => wanted.from = words.next()?.parse().ok()?,
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
