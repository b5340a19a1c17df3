//! Fixed seeds keep their promises, and each mistake is noticed.
//!
//! More seeds: `cargo run --release -p sim -- 10000`.

use replication::Flaw;

/// How many seeds a mistake may survive. All of them were found far sooner.
const FLAW_SEEDS_MAX: u64 = 1_000;

#[test]
fn two_hundred_seeds_keep_all_promises() {
    for seed in 0..200 {
        if let Err(failure) = sim::play(seed, None, false) {
            panic!("seed {seed}: {failure}");
        }
    }
}

#[test]
fn a_seed_is_the_same_twice() {
    for seed in 0..20 {
        let first = sim::play(seed, None, false).map_err(|failure| failure.to_string());
        let second = sim::play(seed, None, false).map_err(|failure| failure.to_string());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn every_mistake_is_noticed() {
    for &flaw in Flaw::ALL {
        let found = (0..FLAW_SEEDS_MAX).find(|seed| sim::play(*seed, Some(flaw), false).is_err());
        assert!(found.is_some(), "{flaw:?} survives {FLAW_SEEDS_MAX} seeds");
    }
}
