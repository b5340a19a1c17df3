//! Machines against each other, in a small world with time of its own.

mod failover;
mod files;
mod hostile;
mod operators;
mod world;

use world::{TIMEOUT_MS, World};

/// Nobody needs longer than this to replace a primary: to notice, to agree, to be elected.
const FAILOVER_MS_MAX: u64 = TIMEOUT_MS + 3000;

/// Three primaries, each with a replica.
fn six(seed: u64) -> World {
    let mut world = World::new(6, seed, None);
    world.create(3);
    world
}
