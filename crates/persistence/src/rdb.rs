//! RDB: a snapshot as a file, and the payload of `DUMP`.
//!
//! ```text
//!  │ REDIS0010 │ facts │ db, sizes │ expiry, type, key, value │ ‥ │ db ‥ │ ff │ checksum │
//! ```
//!
//! Everything is made of bytes that say what follows, lengths, and strings (`text.rs`). What lies
//! in a value depends on its type (`kind.rs`); small collections are their own bytes in memory.
//!
//! ```text
//!   Writer    snapshot ▶ bytes, appended to whatever the caller has
//!   Scanner   bytes, in pieces of any size ▶ records: which key and value lie where
//!   decode    the bytes of a value ▶ the value, in the encoding that is asked for here
//!   dump      value ▶ payload          restore   payload ▶ value
//! ```
//!
//! Written is version 10, which Redis 7.0 and all later ones read; read is every version, from
//! every vendor, as far as its types are known here.

mod decoder;
mod error;
mod frame;
mod input;
pub mod kind;
pub mod lzf;
mod payload;
mod scanner;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod writer;
mod ziplist;
mod zipmap;

pub use decoder::{decode, string};
pub use error::{Error, Phase, Reason};
pub use payload::{RestoreError, dump, restore};
pub use scanner::{Item, Record, ScanOptions, Scanner, Sum, Usage, VERSION_SUMMED};
pub use text::Str;
pub use writer::{Entry, WriteOptions, Writer};

/// The version that is written.
pub const VERSION: u32 = 10;

/// The last version that is read.
pub const VERSION_READ_MAX: u32 = 12;
