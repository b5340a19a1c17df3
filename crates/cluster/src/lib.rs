//! The cluster bus as a machine: gossip, slots, epochs, failover.
//!
//! One [`Machine`] per node decides everything about the cluster and does nothing itself. It is
//! told what happened ([`Input`]) and what operators ask ([`Command`]), looks at the clocks and at
//! where replication stands ([`View`]), and says what is to be done ([`Output`]). It speaks the
//! bus of Redis 7.0 byte for byte ([`bus`]) and keeps what it knows in Redis's file
//! ([`nodes_conf`]), so its peers may be of either kind.
//!
//! ```text
//!   links ── accepted, connected, bytes, lost ──▶ ┌─────────┐ ──▶ connect, send, close
//!   the clock ─────────────────────────── tick ─▶ │ Machine │ ──▶ save nodes.conf
//!   operators ── MEET, SETSLOT, FAILOVER … ─────▶ └─────────┘ ──▶ follow, promote, new slot map
//! ```
//!
//! Whoever performs the outputs keeps five rules:
//!
//! 1. Outputs are performed in order, before the next input.
//! 2. [`Output::Save`] stands before whatever depends on it. If the file could not be written,
//!    nothing is sent of what stands behind it in the same batch, and the machine is told
//!    ([`Input::Unsaved`]); it stays silent until the file could be written.
//! 3. [`Machine::tick`](Input::Tick) comes when [`Machine::next_deadline`] says so, and links are
//!    read, however long commands take.
//! 4. After [`Output::Close`] nothing of that link is told any more.
//! 5. A primary runs no write later than [`Output::Lease`] says.

#![forbid(unsafe_code)]

pub mod bus;
mod command;
mod flaw;
mod id;
mod input;
mod machine;
mod map;
pub mod migration;
mod node;
pub mod nodes_conf;
mod output;
mod report;
mod settings;
mod slots;
mod table;
#[cfg(test)]
mod tests;

pub use command::{Answer, Command, Failover, Refused, SlotState};
#[cfg(any(test, feature = "flaws"))]
pub use flaw::{Flaw, MoveFlaw};
pub use id::{NodeId, ShardId};
pub use input::{Input, LinkId, PrimaryLink, View};
pub use machine::Machine;
pub use map::{Endpoint, Map, NOBODY};
pub use node::Flags;
pub use output::{Level, Output};
pub use report::{Direction, Health, LinkRow, NodeRow, ShardNode, ShardRow, SlotsRow};
pub use settings::{Address, Settings};
pub use slots::{SLOTS, SlotSet};
