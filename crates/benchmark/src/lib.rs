//! The benchmark program: load, histogram, report.
//!
//! ```text
//!   options   what was asked for            load      threads that send requests and count replies
//!   suite     the tests and their words     figures   what was measured
//!   request   a pipeline, ready to send     report    figures as text, CSV or JSON
//!   program   which tests run, in order     compare   two servers in turns
//!   site      the servers, and what they keep
//! ```
//!
//! The load is made by plain threads, each with its own poll and its own connections: a request
//! that is ready is one `write`, and a reply is counted without being decoded, so that the figures
//! are the server's and not this program's.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cluster;
mod compare;
mod control;
mod cpu;
mod figures;
mod idle;
mod live;
mod load;
mod options;
mod program;
mod report;
mod request;
mod site;
mod suite;
mod usage;

pub use program::main;
