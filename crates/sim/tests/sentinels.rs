//! Fixed seeds of Sentinels keep their promises, and each mistake is noticed.
//!
//! More seeds: `cargo run --release -p sim -- sentinel 10000`.

use sentinel::Flaw;
use sim::sentinel::play;

/// How many seeds are played each time.
const SEEDS: u64 = 40;

/// How many seeds a mistake may survive. All of them were found far sooner.
const FLAW_SEEDS_MAX: u64 = 400;

#[test]
fn seeds_keep_all_promises() {
    let mut failovers = Vec::new();
    for seed in 0..SEEDS {
        match play(seed, None, false) {
            Ok(report) => failovers.extend(report.failovers),
            Err(failure) => panic!("seed {seed}: {failure}"),
        }
    }
    // Most masters are replaced by the first election.
    let late = failovers.iter();
    let late = late.filter(|failover| failover.took_ms > failover.usual_ms);
    assert!(late.count() * 20 <= failovers.len());
}

#[test]
fn a_seed_is_the_same_twice() {
    for seed in 0..3 {
        let first = play(seed, None, false).map_err(|failure| failure.to_string());
        let second = play(seed, None, false).map_err(|failure| failure.to_string());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn every_mistake_is_noticed() {
    for &flaw in Flaw::ALL {
        let found = (0..FLAW_SEEDS_MAX).find(|seed| play(*seed, Some(flaw), false).is_err());
        assert!(found.is_some(), "{flaw:?} survives {FLAW_SEEDS_MAX} seeds");
    }
}
