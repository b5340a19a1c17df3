//! The cluster manager: a plan from a view of the cluster, then its actions.
//!
//! ```text
//!   request   what was asked for                view     what is known of the cluster
//!   plan      what to do, decided purely        fleet    the view, and a link to every node
//!   command   asks, plans, says, performs       carrier  moves slots
//!   local     nodes of this machine              doctor   what is wrong with it, or a server
//! ```
//!
//! One program under three names: `ochre cluster`, `ochre cli --cluster` and `redis-trib`. They
//! differ in how they are asked and in what they say (`voice::Dialect`), not in what they do.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod allocation;
mod carrier;
mod command;
mod doctor;
mod fleet;
mod install;
mod link;
mod local;
mod node;
mod place;
mod plan;
mod program;
mod request;
mod slots;
mod view;
mod voice;

pub use doctor::doctor;
pub use install::install;
pub use local::local;
pub use program::{Entry, Setting, cli, ochre, trib};
pub use voice::Dialect;
