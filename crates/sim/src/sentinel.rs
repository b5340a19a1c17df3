//! Sentinels in a virtual world: nodes that replicate, Sentinels that watch them, and fate.
//!
//! The Sentinels run the product's machine. Nodes are modelled: a role, an offset, who follows
//! whom. After the chaos all faults end, everybody must come to agree, and then the master of each
//! group is killed once more: how long that takes is bounded. What is promised (see `judge`) is
//! checked after every step of every Sentinel.

mod agreement;
mod answer;
mod fate;
mod judge;
mod network;
mod node;
mod options;
pub mod program;
mod site;
mod world;

use sentinel::Flaw;

use crate::chronicle::Violation;
use crate::sentinel::world::World;

/// Events that one site may cause in a second of quiet.
const EVENTS_MAX: u64 = 100;

/// What one Sentinel may say while it is quiet: a role that it only now has heard of.
const SAID_MAX: u64 = 8;

/// What a run did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub events: u64,
    /// Over everything that happened; the same seed gives the same.
    pub hash: u64,
    pub simulated_ms: u64,
    /// Failovers that Sentinels ended.
    pub switches: u64,
    /// For each group, how long after the kill of its master another node was one.
    pub failovers: Vec<Failover>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failover {
    pub took_ms: u64,
    /// What it should take when the first election succeeds.
    pub usual_ms: u64,
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
            "  replay: cargo run --release -p sim -- sentinel --trace {}",
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
    let mut world = World::new(seed, flaw, is_traced);
    match live(&mut world) {
        Ok(failovers) => Ok(Report {
            events: world.events,
            hash: world.hash,
            simulated_ms: world.now_ms,
            switches: world.judge.switches,
            failovers,
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

fn live(world: &mut World) -> Result<Vec<Failover>, Violation> {
    world.run_until(world.options.chaos_ms)?;
    world.heal();
    come_together(world)?;
    let mut failovers = Vec::new();
    for group in 0..world.options.groups {
        stay_quiet(world)?;
        failovers.push(fail_over(world, group)?);
        come_together(world)?;
    }
    Ok(failovers)
}

/// N6, and the end of N2: within a bound everybody agrees, and goes on to.
fn come_together(world: &mut World) -> Result<(), Violation> {
    let until_ms = world.now_ms + world.options.patience_ms();
    let mut agreed = 0;
    while world.now_ms < until_ms {
        world.run_until(world.now_ms + 500)?;
        agreed = match world.disagreement() {
            None => agreed + 1,
            Some(_) => 0,
        };
        if agreed == 10 {
            return Ok(());
        }
        world.adopt_orphans();
    }
    let what = world.disagreement();
    Err(Violation {
        invariant: "N6",
        what: what.unwrap_or_else(|| "agreement does not last".to_owned()),
    })
}

/// L5: where nothing happens, nothing is said. Afterwards no attempt of before delays the next one.
fn stay_quiet(world: &mut World) -> Result<(), Violation> {
    let quiet_ms = 2 * world.options.failover_timeout_ms + 2_000;
    let (said, events) = (world.said, world.events);
    world.run_until(world.now_ms + quiet_ms)?;
    let said = world.said - said;
    let bound = EVENTS_MAX * world.sites.len() as u64 * quiet_ms / 1_000;
    let events = world.events - events;
    if said > SAID_MAX * world.options.sentinels as u64 || events > bound {
        return Err(Violation {
            invariant: "L5",
            what: format!("{said} things are said in {events} events of quiet {quiet_ms} ms"),
        });
    }
    Ok(())
}

/// L2: the master of a group dies, and another takes its place in time. Then it comes back.
fn fail_over(world: &mut World, group: usize) -> Result<Failover, Violation> {
    let killed = world.kill_master(group);
    let begun_ms = world.now_ms;
    let limit_ms = world.options.failover_max_ms();
    while world.master_of(group).is_none() {
        if world.now_ms - begun_ms > limit_ms {
            return Err(Violation {
                invariant: "L2",
                what: format!("no master of group {group} after {limit_ms} ms"),
            });
        }
        world.run_until(world.now_ms + 10)?;
    }
    let took_ms = world.now_ms - begun_ms;
    world.run_until(world.now_ms + 1_000)?;
    world.revive(killed);
    Ok(Failover {
        took_ms,
        usual_ms: world.options.failover_usual_ms(),
    })
}
