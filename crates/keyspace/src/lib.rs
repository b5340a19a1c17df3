//! Dbs, slots, shards and locks; expiry, eviction, watchers, waiters, snapshot marks.
//!
//! ```text
//!   key ──crc16 of its hash tag──▶ slot (16384) ──mod 256──▶ shard ──▶ one lock
//!                                                              │
//!                                           db 0  db 1  …      │  each made when first written
//!                                            │                 │
//!                                   64 tables, one a slot ◀────┘
//! ```
//!
//! [`Keyspace::lock`] takes the locks of a set of shards, ascending, once; the [`Db`] it lends is
//! the only door to keys and values, and touching a shard that was not locked is an assertion. This
//! crate has no clock: whoever locks says what time it is.

mod db;
mod entry;
mod eviction;
mod expiry;
mod hidden;
mod kind;
mod lock;
mod recall;
mod shard;
mod slot;
mod snapshot;
mod waiters;
mod watch;

pub use datatypes::Text;
pub use db::{Db, Expire, Lapsed, Ttl, WrongType};
pub use entry::{Copies, Entry};
pub use expiry::{ExpiryCursor, Lapsing};
pub use kind::{Kind, Value};
pub use lock::{Keyspace, Locked, ShardSet};
pub use recall::{Frequency, Recall, Usage};
pub use shard::{Detached, Freed};
pub use slot::{Key, SHARDS, SLOTS, SLOTS_PER_SHARD, Slot, SlotPosition};
pub use snapshot::{FrozenHead, Saved, SnapshotItem};
pub use waiters::WaiterId;
pub use watch::WatchFlag;

/// The number of a database, below `databases`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DbIndex(pub u16);
