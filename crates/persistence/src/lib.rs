//! RDB and AOF as codecs and plans: bytes to values and back, manifest to file actions.
//!
//! ```text
//!   rdb    a snapshot: header, one record a key, checksum; also what DUMP gives and RESTORE takes
//!   aof    the append-only file: its manifest, its records, and values as commands
//!   value  what a key holds, between bytes and keyspace
//! ```
//!
//! Everything here is pure and total: bytes from outside give a value or an error that names the
//! offset, never a panic, and never take more memory than a small multiple of their length.

#![forbid(unsafe_code)]

pub mod aof;
pub mod rdb;
mod value;

pub use value::{Limits, Value, ValueRef};
