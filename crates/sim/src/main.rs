//! Plays seeds from the command line.
//!
//! ```text
//!   sim 10000              seeds 0 to 9999, each twice
//!   sim 10000 --from 500   others
//!   sim 1000 --flaw NAME   until one finds the mistake
//!   sim --trace SEED       one seed, with all that its machines decide
//!   sim cluster ...        the same with clusters
//!   sim cluster --nodes N  one large cluster: how soon all agree, and what the bus costs
//!   sim moves ...          the same with slots that move as a whole between nodes
//!   sim sentinel ...       the same with Sentinels that watch nodes
//!   sim ... --seconds N    no more seeds after this time
//!   sim ... --go-on        tell all seeds that break a promise
//! ```

#![forbid(unsafe_code)]

use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Wanted {
    count: u64,
    from: u64,
    trace: Option<u64>,
    /// The name of a mistake.
    flaw: Option<String>,
    is_cluster: bool,
    is_moves: bool,
    /// How many nodes a large cluster has.
    nodes: Option<usize>,
    /// When no further seed is begun.
    seconds: Option<u64>,
    /// Whether broken promises are only told.
    goes_on: bool,
}

impl Wanted {
    fn is_over(&self, begun: Instant) -> bool {
        let is_over = |seconds: u64| begun.elapsed() >= Duration::from_secs(seconds);
        self.seconds.is_some_and(is_over)
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("sentinel") {
        return sim::sentinel::program::run(std::env::args().skip(2));
    }
    let Some(wanted) = parse(std::env::args().skip(1)) else {
        eprintln!(
            "usage: sim [cluster|moves|sentinel] COUNT [--from SEED] [--seconds N] [--flaw NAME] \
             [--go-on]\n       \
             sim [cluster|moves|sentinel] --trace SEED [--flaw NAME]\n       \
             sim cluster --nodes N [--from SEED]"
        );
        return ExitCode::FAILURE;
    };
    if let Some(nodes) = wanted.nodes {
        return play_crowd(nodes, wanted.from);
    }
    let seeds = match wanted.trace {
        Some(seed) => seed..seed + 1,
        None => wanted.from..wanted.from + wanted.count,
    };
    let is_kept = match (wanted.is_cluster, wanted.is_moves) {
        (true, _) => play_clusters(&wanted, seeds),
        (_, true) => play_moves(&wanted, seeds),
        _ => play_replication(&wanted, seeds),
    };
    match is_kept {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// The mistake of this name among all, if one is wanted.
fn find<F: Copy + std::fmt::Debug>(name: Option<&String>, all: &[F]) -> Option<F> {
    let name = name?;
    let found = all
        .iter()
        .copied()
        .find(|flaw| format!("{flaw:?}") == *name);
    Some(found.unwrap_or_else(|| panic!("there is no mistake {name}")))
}

fn play_replication(wanted: &Wanted, seeds: Range<u64>) -> bool {
    let begun = Instant::now();
    let flaw = find(wanted.flaw.as_ref(), replication::Flaw::ALL);
    let (mut events, mut simulated_ms) = (0, 0);
    let mut played = 0;
    for seed in seeds.take_while(|_| !wanted.is_over(begun)) {
        played += 1;
        let report = match sim::play(seed, flaw, wanted.trace.is_some()) {
            Ok(report) => report,
            Err(failure) => {
                println!("seed {seed}: {failure}");
                return false;
            }
        };
        let is_checked = wanted.trace.is_none() && flaw.is_none();
        if is_checked && sim::play(seed, None, false).ok() != Some(report) {
            println!("seed {seed}: two runs differ");
            return false;
        }
        events += report.events;
        simulated_ms += report.simulated_ms;
    }
    print_sum(played, events, simulated_ms, begun);
    true
}

fn play_clusters(wanted: &Wanted, seeds: Range<u64>) -> bool {
    let begun = Instant::now();
    let flaw = find(wanted.flaw.as_ref(), ::cluster::Flaw::ALL);
    let mut sum = sim::cluster::Report::default();
    let mut over_ms = Vec::new();
    let mut dual_seed = 0;
    let mut broken = 0;
    let mut played = 0;
    for seed in seeds.take_while(|_| !wanted.is_over(begun)) {
        played += 1;
        let report = match sim::cluster::play(seed, flaw, wanted.trace.is_some()) {
            Ok(report) => report,
            Err(failure) => {
                println!("seed {seed}: {failure}");
                if !wanted.goes_on {
                    return false;
                }
                broken += 1;
                continue;
            }
        };
        sum.events += report.events;
        sum.simulated_ms += report.simulated_ms;
        sum.acknowledged += report.acknowledged;
        sum.lost += report.lost;
        if report.dual_ms > sum.dual_ms {
            (sum.dual_ms, dual_seed) = (report.dual_ms, seed);
        }
        over_ms.extend(report.failover_over_ms());
    }
    print_sum(played, sum.events, sum.simulated_ms, begun);
    if broken > 0 {
        println!("{broken} seeds break a promise");
    }
    over_ms.sort_unstable();
    let at = |part: usize| {
        over_ms
            .get(over_ms.len() * part / 100)
            .copied()
            .unwrap_or(0)
    };
    println!(
        "{} of {} acknowledged writes lost; two served one slot for at most {} ms (seed \
         {dual_seed}); {} failovers took the node timeout and {} ms (median), {} ms (95 %), {} ms \
         (99 %)",
        sum.lost,
        sum.acknowledged,
        sum.dual_ms,
        over_ms.len(),
        at(50),
        at(95),
        at(99),
    );
    broken == 0
}

fn play_moves(wanted: &Wanted, seeds: Range<u64>) -> bool {
    let begun = Instant::now();
    let flaw = find(wanted.flaw.as_ref(), ::cluster::MoveFlaw::ALL);
    let mut sum = sim::cluster::Report::default();
    let mut ended = sim::cluster::moves::Ended::default();
    let (mut broken, mut played) = (0, 0);
    for seed in seeds.take_while(|_| !wanted.is_over(begun)) {
        played += 1;
        match sim::cluster::moves::play(seed, flaw, wanted.trace.is_some()) {
            Ok((report, of_seed)) => {
                sum.events += report.events;
                sum.simulated_ms += report.simulated_ms;
                sum.acknowledged += report.acknowledged;
                ended.successes += of_seed.successes;
                ended.failures += of_seed.failures;
                ended.cancellations += of_seed.cancellations;
                ended.reclaims += of_seed.reclaims;
            }
            Err(failure) => {
                println!("seed {seed}: {failure}");
                broken += 1;
                if !wanted.goes_on {
                    return false;
                }
            }
        }
    }
    print_sum(played, sum.events, sum.simulated_ms, begun);
    println!("{} writes kept; {ended:?}", sum.acknowledged);
    if broken > 0 {
        println!("{broken} seeds break a promise");
    }
    broken == 0
}

fn play_crowd(nodes: usize, seed: u64) -> ExitCode {
    if !(6..=10_000).contains(&nodes) {
        eprintln!("a large cluster has 6 to 10000 nodes");
        return ExitCode::FAILURE;
    }
    let begun = Instant::now();
    let report = sim::cluster::crowd::play(nodes, seed);
    let shown = |ms: Option<u64>| ms.map_or("never".to_owned(), |ms| format!("after {ms} ms"));
    println!(
        "{nodes} nodes, node timeout {} ms, {:.1} s",
        report.timeout_ms,
        begun.elapsed().as_secs_f64()
    );
    println!("agree {} of the first MEET", shown(report.started_ms));
    let healed = shown(report.healed_ms);
    println!("agree {healed} of the death of {} primaries", report.killed);
    let rows = [
        ("sent", report.per_node()),
        ("Redis at most", report.per_node_of_redis()),
    ];
    for (name, (packets, bytes)) in rows {
        println!("{name:>14}: {packets} messages and {bytes} bytes per node and second");
    }
    match (report.started_ms, report.healed_ms) {
        (Some(_), Some(_)) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn print_sum(seeds: u64, events: u64, simulated_ms: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{seeds} seeds, {events} events, {} simulated hours, {seconds:.1} s",
        simulated_ms / 3_600_000
    );
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    while let Some(word) = words.next() {
        match &*word {
            "--from" => wanted.from = words.next()?.parse().ok()?,
            "--trace" => wanted.trace = Some(words.next()?.parse().ok()?),
            "--flaw" => wanted.flaw = Some(words.next()?),
            "--go-on" => wanted.goes_on = true,
            "--seconds" => wanted.seconds = Some(words.next()?.parse().ok()?),
            "--nodes" => wanted.nodes = Some(words.next()?.parse().ok()?),
            "cluster" => wanted.is_cluster = true,
            "moves" => wanted.is_moves = true,
            count => wanted.count = count.parse().ok()?,
        }
    }
    Some(wanted)
}
