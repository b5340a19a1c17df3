//! The proxy program: routes, splits and merges requests over a pool of servers.
//!
//! ```text
//!   configuration   what a file says                 placement  where a key lives
//!   table           which commands there are         split      one request over several servers
//!   listener ─▶ worker ─▶ session ─▶ backend ─▶ link ─▶ server
//!                            client ◀──────────── link ◀─ server
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admin;
mod arguments;
mod backend;
mod client;
pub mod configuration;
mod hold;
mod hot;
mod house;
mod identity;
mod link;
mod listener;
mod log;
mod memcached;
mod metrics;
mod moving;
pub mod placement;
mod plan;
mod pool;
mod program;
mod report;
mod sentinel;
mod session;
mod slow;
pub mod split;
mod stats;
mod stream;
mod system;
pub mod table;
mod tls;
mod worker;

pub use program::main;
