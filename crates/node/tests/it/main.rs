//! A node's files through every failure: each operation fails once, and each is once the last.

#![allow(clippy::unwrap_used)]

mod log_file;
mod rewrite;
mod rig;
mod save;
mod start;
