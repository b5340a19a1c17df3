//! Sentinel as a machine: monitoring, quorum, election, failover.
//!
//! One [`Machine`] per Sentinel decides everything and does nothing itself. It is told what
//! happened ([`Input`]), looks at two clocks ([`View`]), and says what is to be done ([`Output`]).
//!
//! ```text
//!   clients ── SENTINEL ... ──────────▶ ┌─────────┐ ──▶ answers
//!   nodes ──── replies, hellos ───────▶ │ Machine │ ──▶ connect, requests, close
//!   peers ──── hellos, asked votes ───▶ │         │ ──▶ events, log lines, scripts
//!   the file ─ statements, at start ──▶ └─────────┘ ──▶ save: statements, in the same file
//! ```
//!
//! Whoever performs the outputs keeps three rules:
//!
//! 1. Outputs are performed in order, before the next input and before the [`Answer`] is sent.
//! 2. [`Output::Save`] is done when the file is on the disk: a vote that is forgotten is a vote
//!    given twice.
//! 3. Requests may be sent on a connection that does not stand yet; they are kept until it does.
//!    Replies are told in the order of their requests, and nothing after [`Output::Close`].

#![forbid(unsafe_code)]

mod address;
mod answer;
mod command;
mod core;
mod down;
mod failover;
pub mod file;
mod flaw;
pub mod hello;
mod info;
mod input;
mod link;
mod machine;
mod master;
mod monitor;
mod output;
mod reply;
mod report;
mod script;
mod settings;
mod statement;
#[cfg(test)]
mod tests;
mod vote;

pub use answer::Answer;
#[cfg(any(test, feature = "flaws"))]
pub use flaw::Flaw;
pub use input::{Input, ScriptEnd, View};
pub use machine::{CanRun, Machine, Refusal};
pub use output::{Level, Output, Way};
pub use report::{FailoverState, Watched};
pub use settings::{Settings, Statement};

/// One attempt to reach an instance. Whatever is told about an earlier one is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One script that is to run, through all its attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptId(pub u64);

/// The channel on which Sentinels find each other.
pub const HELLO_CHANNEL: &str = "__sentinel__:hello";
