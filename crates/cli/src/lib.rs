//! The command line: line editor, hints, rendering, special modes.
//!
//! ```text
//!   options   what was asked for           session   a conversation with a server
//!   program   which mode runs              output    replies as text
//!   line      a line of input, run         shell     lines typed by a person
//! ```
//!
//! Every special mode (`--stat`, `--scan`, ...) is a file of its own.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod eval;
mod help;
mod info;
mod keys;
mod latency;
mod line;
mod lru;
mod options;
mod output;
mod pipe;
mod preferences;
mod program;
mod replica;
mod session;
mod shell;
mod stat;
mod terminal;
mod top;
mod tree;
mod usage;

pub use program::{ClusterCall, cluster_call, main};
