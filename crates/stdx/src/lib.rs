//!
//! Everything here is a pure function of its arguments: no clock, no files, no sockets, no
//! threads, no randomness but what a caller seeds. Nothing here knows what a key or a command is.

#![forbid(unsafe_code)]

mod binary;
pub mod crc16;
pub mod crc64;
pub mod extended;
pub mod float;
pub mod glob;
pub mod number;
pub mod prng;
pub mod text;
pub mod time;
