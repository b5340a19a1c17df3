//! A whole node without sockets: engine, machines and timers; run by server and simulator alike.
//!
//! ```text
//!   storage    the files, as far as a node may know them
//!   log_file   the append-only file as it grows
//! ```

#![forbid(unsafe_code)]

pub mod log_file;
pub mod storage;
