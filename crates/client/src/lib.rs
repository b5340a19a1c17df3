//! An async client: connection, URIs, redirections, generated command table.
//!
//! [`Connection`] sends requests and reads replies of one server, any that speaks RESP. What a
//! program does about redirections and lost connections is its own decision; [`Redirection`] reads
//! what a cluster's node answered.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod connection;
pub mod docs;
mod error;
mod redirection;
pub mod snapshot;
mod tls;
mod uri;

pub use address::Address;
pub use connection::{Connection, Family, Options};
pub use error::{Error, reason};
pub use redirection::Redirection;
pub use tls::{Admission, Clients, Fault, Sessions, Tls, TlsError, Versions};
pub use uri::{Uri, UriError};
