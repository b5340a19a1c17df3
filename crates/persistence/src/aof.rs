//! The append-only file: its manifest, its records, and values as commands.
//!
//! An append-only file is a set of files in one folder, and a manifest that lists them:
//!
//! ```text
//!   appendonly.aof.manifest      what belongs to it, in the order of loading
//!   appendonly.aof.2.base.rdb    the data as of one moment: a snapshot, or (.aof) commands
//!   appendonly.aof.2.incr.aof    every change since: commands as replicas read them
//! ```
//!
//! A rewrite opens an increment, writes a base of the moment the increment begins with, and then
//! lists both and nothing older. Whatever is listed is whole on the disk before it is listed, and
//! whatever is removed is off the list first, or there only as history: whenever the machine
//! stops, the manifest describes a set that can be loaded.
//!
//! ```text
//!   annotation lines among the records: the time, and sums
//!   manifest   the text of the list
//!   names      of the files, temporary ones too
//!   plan       from one list to the next, as steps for whoever has a disk
//!   reader     the records of a file, from pieces of any size
//!   rebuild    the list from the names of the files, after it was lost
//!   commands   a key as the commands that make it
//! ```

pub mod annotation;
pub mod commands;
pub mod manifest;
pub mod names;
pub mod plan;
pub mod reader;
pub mod rebuild;

pub use manifest::{Manifest, Part};
pub use names::{Format, Names};
pub use plan::{Action, Plan};
pub use reader::{Reader, Record};
