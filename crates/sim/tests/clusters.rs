//! Fixed seeds of clusters keep their promises, and each mistake is noticed.
//!
//! More seeds: `cargo run --release -p sim -- --cluster 10000`.

use cluster::Flaw;

/// How many seeds a mistake may survive.
const FLAW_SEEDS_MAX: u64 = 1_000;

#[test]
fn fixed_seeds_keep_all_promises() {
    for seed in 0..40 {
        if let Err(failure) = sim::cluster::play(seed, None, false) {
            panic!("seed {seed}: {failure}");
        }
    }
}

#[test]
fn a_seed_is_the_same_twice() {
    for seed in 0..5 {
        let first = sim::cluster::play(seed, None, false).map_err(|failure| failure.to_string());
        let second = sim::cluster::play(seed, None, false).map_err(|failure| failure.to_string());
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn every_mistake_is_noticed() {
    for &flaw in Flaw::ALL {
        let is_found = |seed: &u64| sim::cluster::play(*seed, Some(flaw), false).is_err();
        let found = (0..FLAW_SEEDS_MAX).find(is_found);
        assert!(found.is_some(), "{flaw:?} survives {FLAW_SEEDS_MAX} seeds");
    }
}
