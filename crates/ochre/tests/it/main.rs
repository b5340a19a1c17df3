//! The real program as a process: what an operator starts, breaks and ends.
//!
//! Nothing here waits for a time, only for something to happen, and no test asserts how long that
//! took. A process ends with the value that started it, a folder with the value that made it.
//!
//! ```text
//!   papers    certificates
//!   process   programs started, their output, their end
//!   wire      a client that blocks
//! ```

#![allow(clippy::unwrap_used)]

mod addresses;
mod benchmark;
mod check_aof;
mod check_rdb;
mod cli;
mod cluster;
mod clusters;
mod crowd;
mod debugger;
mod doctor;
mod encryption;
mod ending;
mod files;
mod hostile;
mod interchange;
mod limits;
mod live;
mod local;
mod manager_clusters;
mod manager_deeds;
mod manager_imports;
mod manager_kills;
mod manager_notes;
mod manager_texts;
mod papers;
mod partitions;
mod primary;
mod process;
mod replication;
mod screens;
mod sentinel;
mod services;
mod sessions;
mod side;
mod slot_moves;
mod starting;
mod stress;
mod tls;
mod wire;
