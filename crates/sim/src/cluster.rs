//! Clusters: seeds to nodes that speak the bus with each other, and what holds among them.
//!
//! A seed decides how many primaries and replicas there are, how good the network, disks, clocks
//! and operators. Chaos comes first, then all faults end and everybody must agree again, then it
//! must be quiet, and at last one primary is killed to see how soon it is replaced.

pub mod crowd;
mod fate;
mod judge;
pub mod moves;
mod network;
mod options;
mod site;
mod world;

use cluster::Flaw;

use crate::chronicle::Violation;
use world::World;

/// How long quiet is looked at.
const QUIET_MS: u64 = 20_000;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub events: u64,
    /// Over everything that happened; the same seed gives the same.
    pub hash: u64,
    pub simulated_ms: u64,
    /// Writes that were acknowledged, and those of them that nobody holds in the end.
    pub acknowledged: u64,
    pub lost: u64,
    /// The longest that two primaries served one slot.
    pub dual_ms: u64,
    /// How long a primary that was killed was missing, and how long a node waits to suspect.
    pub failover_ms: Option<u64>,
    pub timeout_ms: u64,
}

impl Report {
    /// How much longer than the node timeout nobody served what the killed primary had.
    pub fn failover_over_ms(&self) -> Option<u64> {
        let failover_ms = self.failover_ms?;
        Some(failover_ms.saturating_sub(self.timeout_ms))
    }
}

/// A seed that breaks a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    /// The name of the mistake that was switched on.
    pub flaw: Option<String>,
    /// What the world is called on the command line.
    pub world: &'static str,
    pub violation: Violation,
    pub at_ms: u64,
    pub options: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} (after {} ms)", self.violation, self.at_ms)?;
        writeln!(f, "  {}", self.options)?;
        let (seed, world) = (self.seed, self.world);
        write!(
            f,
            "  replay: cargo run --release -p sim -- {world} --trace {seed}"
        )?;
        match &self.flaw {
            Some(flaw) => write!(f, " --flaw {flaw}"),
            None => Ok(()),
        }
    }
}

/// Plays one seed.
pub fn play(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> Result<Report, Box<Failure>> {
    let mut world = World::new(seed, flaw, is_traced);
    match live(&mut world) {
        Ok(()) => Ok(world.report()),
        Err(violation) => Err(Box::new(Failure {
            seed,
            flaw: flaw.map(|flaw| format!("{flaw:?}")),
            world: "cluster",
            violation,
            at_ms: world.now_ms,
            options: world.options.to_string(),
        })),
    }
}

fn live(world: &mut World) -> Result<(), Violation> {
    world.create()?;
    world.begin_chaos();
    world.run_until(world.now_ms + world.options.chaos_ms)?;
    world.heal();
    world.come_together()?;
    let sent = world.sent_packets();
    world.run_until(world.now_ms + QUIET_MS)?;
    world.judge_quiet(world.sent_packets() - sent, QUIET_MS)?;
    world.judge_data()?;
    world.kill_one()
}

fn broken<T>(invariant: &'static str, what: String) -> Result<T, Violation> {
    Err(Violation { invariant, what })
}
