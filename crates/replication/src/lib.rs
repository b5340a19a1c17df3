//! PSYNC as a machine: both ends, backlog, offsets.
//!
//! One [`Machine`] per node decides everything about replication and does nothing itself. It is
//! told what happened ([`Input`]), looks at the clock and the log's bounds ([`View`]), and says
//! what is to be done ([`Output`]). It owns no data, only positions: the replication offset *is*
//! the offset of the node's log, and a replica appends its primary's stream to its own log
//! verbatim, so that the same bytes stand at the same offsets in every node of a chain.
//!
//! ```text
//!   sessions ── REPLCONF, PSYNC, WAIT ──▶ ┌─────────┐ ──▶ replies, snapshots, feeds of the log
//!   the operator ─ REPLICAOF, FAILOVER ─▶ │ Machine │ ──▶ connect, bytes to the primary
//!   the primary's link ── bytes, ends ──▶ └─────────┘ ──▶ log lines, what the gates must know
//! ```
//!
//! Whoever performs the outputs keeps four rules:
//!
//! 1. Outputs are performed in order, before the next input.
//! 2. The machine stands behind one lock, and a change of role ([`Input::ReplicaOf`],
//!    [`Input::Failover`], a `PSYNC ... FAILOVER`) is stepped while all shards are locked: the
//!    log's end in the [`View`] is then the last word of the old role.
//! 3. A unit of the primary's stream is applied, appended to the log and reported
//!    ([`Input::Applied`]) as one; after [`Output::CloseLink`] nothing of that link is applied.
//! 4. While [`Output::Load`] is under way the link to the primary is not read, unless its copy
//!    carries the log ([`frames`]): then what comes is kept, and applied when that is loaded.

#![forbid(unsafe_code)]

mod failover;
mod flaw;
mod follow;
pub mod frames;
mod identity;
mod input;
mod machine;
mod output;
mod report;
mod serve;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod wait;

pub use failover::Request as FailoverRequest;
#[cfg(any(test, feature = "flaws"))]
pub use flaw::Flaw;
pub use identity::{History, ReplicationId, Second, Span};
pub use input::{Input, Loaded, View};
pub use machine::{Born, Machine};
pub use output::{Counter, Level, Outcome, Output, Parts, Target, WaitKind, Way};
pub use report::{LinkState, OnlineReplica, Role};
pub use settings::{Primary, Settings};
pub use stream::{Corrupt, Cutter, Unit};

/// A session that asks to replicate, or a client that waits: the shell's own number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// One attempt to reach the primary. Whatever is told about an earlier one is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// One snapshot made for replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId(pub u64);
