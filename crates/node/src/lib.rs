//! A whole node without sockets: engine, machines and timers; run by server and simulator alike.
//!
//! ```text
//!   storage    the files, as far as a node may know them
//!   draft      a file that appears whole or not at all
//!   keeper     keeps what the engine holds in files: what all who take part share
//!   log_file   the append-only file as it grows
//!   jobs       saves and rewrites in the background, step by step
//!   schedule   when they begin by themselves
//!   load       files into the engine
//!   start      what is loaded when a node starts
//!   cluster    the machine of the cluster, performed but for sockets
//!   replication  the machine of replication, performed but for sockets
//!   sentinel   the machine of Sentinel, likewise
//! ```

#![forbid(unsafe_code)]

pub mod cluster;
pub mod draft;
pub mod jobs;
pub mod keeper;
pub mod load;
pub mod log_file;
pub mod replication;
pub mod rewrite;
pub mod save;
pub mod schedule;
pub mod sentinel;
pub mod start;
pub mod storage;
