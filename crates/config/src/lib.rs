//! The typed configuration and its directive rows, in the syntax of redis.conf.
//!
//! One fact has one place. What a setting *is* stands in [`Config`]: a struct of groups whose
//! fields have types, and whose `Default` holds every default. How an operator *names* it stands
//! in one [`Directive`] row in `table/<area>.rs`, which points at the field. How a value is read,
//! printed and refused belongs to the type of the field (`value/`). Everything else is derived
//! from the rows:
//!
//! ```text
//!   file + argv ──load──▶ Config ──get──▶ CONFIG GET
//!                          │  ▲
//!                  rewrite │  │ set       CONFIG SET, all or nothing, with the effects due
//!                          ▼  │
//!                        redis.conf
//! ```
//!
//! The crate reads no file and knows no directive's meaning. Included files come through a
//! closure; a changed directive yields an [`Effect`] which the server carries out.

#![forbid(unsafe_code)]

mod argv;
mod directive;
mod get;
mod load;
mod rewrite;
mod set;
mod settings;
mod syntax;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use argv::CommandLine;
pub use directive::{Check, Directive, Effect, Field, Limits, Mutability};
pub use load::{Include, LoadError, Loaded, Origin, Sources, load};
pub use rewrite::rewrite;
pub use set::{Change, Policy, SetError};
pub use settings::{
    Clients, Cluster, Config, Encodings, Latency, Logging, Memory, Modules, Network, Persistence,
    Process, Replication, Scripting, Security, Sentinel, Tls,
};
pub use table::{directive, directives};
pub use value::{
    AclPubsub, Addresses, AppendFsync, ByteSize, Choice, DisklessLoad, EndpointType,
    EvictionPolicy, HostPort, How, KeyspaceEvents, Line, Lines, LogLevel, MemoryShare, OomMode,
    OomScores, OutputLimit, OutputLimits, Percentiles, Permission, Permit, PropagationError,
    Refusal, SanitizeDump, SavePoint, SavePoints, ShutdownMode, Statements, Supervised,
    SyslogFacility, Text, Threads, TlsClients, Value,
};
