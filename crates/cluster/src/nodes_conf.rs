//! The file in which a node keeps what it knows of the cluster, in Redis's format.

use std::fmt;

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corrupt {
    /// The line, counted from 1.
    Line(usize),
    /// A word among a node's flags that is none.
    UnknownFlag(String),
    /// No line says which node this is.
    NoMyself,
    Empty,
}

/// The line that is logged, as operators know it.
impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Corrupt::UnknownFlag(_) => f.write_str("Unknown flag in redis cluster config file"),
            Corrupt::Line(_) | Corrupt::NoMyself | Corrupt::Empty => {
                f.write_str("Unrecoverable error: corrupted cluster config file.")
            }
        }
    }
}
