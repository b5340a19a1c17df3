//! The simulator: seeds to clusters of nodes in a virtual world, with checkers.
//!
//! A seed decides everything: the nodes, the network, the faults, the clients and what the operator
//! does. Nodes run the product's replication machine; time, links, processes and disks are made up.
//! A run has three parts: chaos, then the end of all faults, then quiet, in which everybody must
//! come to hold the same within a bound of time. What is promised (see [`chronicle`]) is checked
//! after every event.
//!
//! ```text
//!   seed ─▶ Options ─▶ World: (time, number) ordered events ─▶ Report, or the broken promise
//!                        │ Node = Machine + Store + Log
//!                        └ Chronicle: what each position of each history was
//! ```

#![forbid(unsafe_code)]

pub mod chronicle;
pub mod cluster;
mod fate;
mod log;
mod network;
mod node;
mod options;
pub mod store;
mod world;

use std::collections::BTreeMap;

use replication::{Flaw, Role};

use crate::chronicle::Violation;
use crate::node::Node;
use crate::store::{Model, Store};
use crate::world::World;

/// How long quiet is looked at.
const QUIET_MS: u64 = 20_000;

/// Events that a node may cause in a second of quiet.
const QUIET_EVENTS_MAX: u64 = 40;

/// Full copies that one primary may begin while all come back: a few each, never a loop.
const COPIES_MAX: u32 = 4;

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub events: u64,
    /// Over everything that happened; the same seed gives the same.
    pub hash: u64,
    pub simulated_ms: u64,
}

/// A seed that breaks a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    pub flaw: Option<Flaw>,
    pub violation: Violation,
    pub at_ms: u64,
    pub options: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} (after {} ms)", self.violation, self.at_ms)?;
        writeln!(f, "  {}", self.options)?;
        write!(
            f,
            "  replay: cargo run --release -p sim -- --trace {}",
            self.seed
        )?;
        match self.flaw {
            Some(flaw) => write!(f, " --flaw {flaw:?}"),
            None => Ok(()),
        }
    }
}

/// Plays one seed.
pub fn play(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> Result<Report, Box<Failure>> {
    play_with::<Model>(seed, flaw, is_traced)
}

/// Plays one seed with nodes that hold their data in `S`.
pub fn play_with<S: Store>(
    seed: u64,
    flaw: Option<Flaw>,
    is_traced: bool,
) -> Result<Report, Box<Failure>> {
    let mut world = World::<S>::new(seed, flaw, is_traced);
    match live(&mut world) {
        Ok(()) => Ok(Report {
            events: world.events,
            hash: world.hash,
            simulated_ms: world.now_ms,
        }),
        Err(violation) => Err(Box::new(Failure {
            seed,
            flaw,
            violation,
            at_ms: world.now_ms,
            options: world.options.to_string(),
        })),
    }
}

fn live<S: Store>(world: &mut World<S>) -> Result<(), Violation> {
    world.run_until(world.options.chaos_ms)?;
    world.heal();
    let copies = copies(world);
    come_together(world)?;
    let limited = world.options.output_limit_bytes > 0;
    for (index, before) in copies {
        let made = count_copies(world, index).saturating_sub(before);
        let nodes = world.options.nodes as u32;
        if made > COPIES_MAX * nodes && !limited {
            return broken("L3", format!("node {index} began {made} full copies"));
        }
    }
    let events = world.events;
    world.run_until(world.now_ms + QUIET_MS)?;
    let bound = QUIET_EVENTS_MAX * world.options.nodes as u64 * QUIET_MS / 1000;
    if world.events - events > bound {
        let count = world.events - events;
        return broken("L5", format!("{count} events in a quiet {QUIET_MS} ms"));
    }
    judge_data(world)
}

fn broken(invariant: &'static str, what: String) -> Result<(), Violation> {
    Err(Violation { invariant, what })
}

fn count_copies<S: Store>(world: &World<S>, index: usize) -> u32 {
    world.sites[index]
        .node
        .as_ref()
        .map_or(0, |node| node.full_syncs)
}

fn copies<S: Store>(world: &World<S>) -> BTreeMap<usize, u32> {
    let nodes = 0..world.sites.len();
    nodes
        .map(|index| (index, count_copies(world, index)))
        .collect()
}

/// L3: when faults are over, everybody follows again, soon.
fn come_together<S: Store>(world: &mut World<S>) -> Result<(), Violation> {
    let until_ms = world.now_ms + world.options.patience_ms();
    while world.now_ms < until_ms {
        world.run_until(world.now_ms + 370)?;
        world.insist(world.now_ms % 16_000 < 370);
        if is_together(world) {
            return Ok(());
        }
    }
    let states = nodes(world).map(|node| (node.machine.link_state(), node.log.end()));
    let states = states.collect::<Vec<_>>();
    broken("L3", format!("nodes do not follow again: {states:?}"))
}

fn nodes<S: Store>(world: &World<S>) -> impl Iterator<Item = &Node<S>> {
    world.sites.iter().filter_map(|site| site.node.as_ref())
}

fn is_together<S: Store>(world: &World<S>) -> bool {
    let primaries = nodes(world).filter(|node| node.role == Role::Primary);
    // A link that is dead but not missed yet may stand at the same offset of another history.
    let places = nodes(world).map(|node| node.place());
    let follow = |node: &Node<S>| node.role == Role::Primary || node.is_online();
    let mut places = places.collect::<Vec<_>>();
    places.dedup();
    primaries.count() == 1 && places.len() == 1 && nodes(world).all(follow)
}

/// D3 and D10: everybody holds the same, which is what clients wrote, once, in their order.
fn judge_data<S: Store>(world: &World<S>) -> Result<(), Violation> {
    let digests = nodes(world)
        .map(|node| node.store.digest())
        .collect::<Vec<_>>();
    if digests.windows(2).any(|pair| pair[0] != pair[1]) {
        return broken("D10", format!("digests differ: {digests:x?}"));
    }
    for list in nodes(world).flat_map(|node| node.store.lists()) {
        if let Some(tag) = list.iter().find(|tag| **tag / 4 > world.next_tag) {
            return broken("D3", format!("nobody wrote {tag}"));
        }
        for client in 0..4 {
            let tags = list
                .iter()
                .filter(|tag| **tag % 4 == client)
                .collect::<Vec<_>>();
            if tags.windows(2).any(|pair| pair[0] >= pair[1]) {
                return broken("D3", format!("the writes of client {client} are {tags:?}"));
            }
        }
    }
    Ok(())
}
