//! Fixed seeds of clusters keep their promises, and each mistake is noticed.
//!
//! More seeds: `cargo run --release -p sim -- cluster 10000`.

use cluster::Flaw;

/// How many seeds a mistake may survive.
const FLAW_SEEDS_MAX: u64 = 1_000;

/// Mistakes that few seeds notice, and one that does: it is tried first.
const HINTS: [(Flaw, u64); 4] = [
    (Flaw::ForgetBlacklist, 45),
    (Flaw::KeepLostKeys, 39),
    (Flaw::NeverUpdate, 27),
    (Flaw::VoteTwice, 23),
];

#[test]
fn fixed_seeds_keep_all_promises() {
    for seed in 0..120 {
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
        let hints = HINTS
            .iter()
            .filter(|(known, _)| *known == flaw)
            .map(|(_, seed)| *seed);
        let found = hints.chain(0..FLAW_SEEDS_MAX).find(is_found);
        assert!(found.is_some(), "{flaw:?} survives {FLAW_SEEDS_MAX} seeds");
    }
}
