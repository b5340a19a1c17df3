//! RESP2 and RESP3: incremental request parser, reply writer, reply reader.
//!
//! Bytes in, slices out, and back. This crate knows neither a command nor a socket.

#![forbid(unsafe_code)]

pub mod decoder;
pub mod reply;
pub mod request;
pub mod scan;
pub mod value;

/// The version of the protocol a connection speaks. `HELLO` changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    Resp2,
    Resp3,
}
