//! What is wrong with a dump, where, and what was being done.

use std::fmt;

/// Why bytes are no dump, or none that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// How far the bytes were read when it showed, counted from the first that was given.
    pub offset: u64,
    pub reason: Reason,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The bytes end too early.
    Truncated,
    /// It does not begin as a dump.
    Signature,
    /// A version that nobody here knows, as it is written.
    Version(u32),
    /// No type at all.
    Type(u8),
    /// A type whose values cannot be held here.
    Unsupported(u8),
    /// A library of functions in a form that was never released.
    FunctionForm,
    /// A length whose first two bits are these, and which has no form known of them.
    Length(u8),
    /// A string in an unknown form.
    StringForm(u8),
    /// A string that does not decompress to what it announces.
    Compression,
    /// A value whose parts contradict each other.
    Structure(&'static str),
    /// A collection without elements.
    Empty,
    /// A value with bytes behind its end.
    Excess,
    /// When data of a module is to be read: neither before nor after the keys.
    When,
    Checksum {
        announced: u64,
        found: u64,
    },
}

/// What was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Start,
    Type,
    Expiry,
    Key,
    Value,
    Length,
    Aux,
    ModuleAux,
    Functions,
    Checksum,
}

impl Error {
    /// The same error of a part that begins at `offset`.
    pub fn moved(mut self, offset: u64) -> Error {
        self.offset += offset;
        self
    }

    /// Whether the value is a collection without elements: who loads a file leaves the key out.
    pub fn is_empty_collection(&self) -> bool {
        self.reason == Reason::Empty
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset {}", self.reason, self.offset)?;
        write!(f, ", while doing {})", self.phase)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Truncated => f.write_str("Unexpected EOF reading RDB file"),
            Reason::Signature => f.write_str("Wrong signature trying to load DB from file"),
            Reason::Version(version) => write!(f, "Can't handle RDB format version {version}"),
            Reason::Type(kind) => write!(f, "Invalid object type: {kind}"),
            Reason::Unsupported(kind) => {
                let name = super::kind::name(*kind);
                write!(f, "Values of type {kind} ({name}) are not supported")
            }
            Reason::FunctionForm => f.write_str("Pre-release function format not supported"),
            Reason::Length(form) => write!(f, "Unknown length encoding {form}"),
            Reason::StringForm(form) => write!(f, "Unknown RDB string encoding type {form}"),
            Reason::Compression => f.write_str("Invalid LZF compressed string"),
            Reason::Structure(what) => f.write_str(what),
            Reason::Empty => f.write_str("Collection without elements"),
            Reason::Excess => f.write_str("Bytes behind the end of a value"),
            Reason::When => f.write_str("bad when_opcode"),
            Reason::Checksum { .. } => f.write_str("RDB CRC error"),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Start => "start",
            Phase::Type => "read-type",
            Phase::Expiry => "read-expire",
            Phase::Key => "read-key",
            Phase::Value => "read-object-value",
            Phase::Length => "read-len",
            Phase::Aux => "read-aux",
            Phase::ModuleAux => "read-module-aux",
            Phase::Functions => "read-functions",
            Phase::Checksum => "check-sum",
        })
    }
}
