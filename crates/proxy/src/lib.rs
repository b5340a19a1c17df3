//! The proxy program: routes, splits and merges requests over a pool of servers.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod configuration;
pub mod placement;
pub mod split;
pub mod table;
