//! What a configuration file says, whichever of the formats it is written in.

use std::fmt;
use std::path::PathBuf;

use crate::placement::hash::Hash;
use crate::placement::ring::Distribution;
use crate::placement::roster::Ejection;

pub mod nutcracker;
mod outline;

/// Everything that a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Never empty; ordered by name.
    pub pools: Vec<Pool>,
}

/// Where a socket listens, or a server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What the servers of a pool speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Redis,
    Memcached,
}

/// One listener, and the servers behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    pub name: String,
    pub listen: Address,
    /// The permissions of a Unix socket, if they are not to follow from the process.
    pub permissions: Option<u32>,
    pub backlog: u32,
    /// The most clients at a time; 0 is any number.
    pub client_connections: u32,
    pub client_keepalive: bool,
    pub reuse_port: bool,
    pub language: Language,
    pub hash: Hash,
    pub hash_tag: Option<[u8; 2]>,
    pub distribution: Distribution,
    /// How long a request may take; 0 is for ever.
    pub timeout_ms: u64,
    pub preconnect: bool,
    /// What clients must say, and what servers are told.
    pub password: Option<String>,
    pub db: u32,
    pub server_connections: u32,
    pub ejection: Ejection,
    /// Sorted as placement wants it. Never empty.
    pub servers: Vec<Server>,
}

/// A server of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What is hashed for its place, and what statistics call it.
    pub label: String,
    pub address: Address,
    pub weight: u32,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Counted from 1; 0 if it is about the whole file.
    pub line: usize,
    pub what: String,
}

impl Refusal {
    pub fn new(line: usize, what: impl Into<String>) -> Refusal {
        let what = what.into();
        Refusal { line, what }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.what),
            line => write!(f, "line {line}: {}", self.what),
        }
    }
}

impl std::error::Error for Refusal {}
