//! What a machine wants done, in this order.

use bytes::Bytes;

use crate::input::LinkId;
use crate::settings::Address;
use crate::slots::SlotSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write [`Machine::nodes_conf`](crate::Machine::nodes_conf) to the file, in one piece; with
    /// `sync` it must outlast a loss of power before anything behind it is performed.
    Save {
        sync: bool,
    },

    /// Connect to the bus of a node. Where nobody answers at the address, and the node has told
    /// a host name, that may be looked up and tried, as long as nothing waits for it.
    Connect {
        link: LinkId,
        address: Address,
        hostname: String,
    },
    Send {
        link: LinkId,
        bytes: Bytes,
    },
    Close {
        link: LinkId,
    },

    /// Replicate from this node from now on.
    Follow {
        primary: Address,
    },
    /// Be a primary: follow nobody.
    Promote,
    /// Delete all keys, as `FLUSHALL`.
    DeleteAll,
    /// Delete the keys of slots that others own now.
    DeleteKeys {
        slots: SlotSet,
    },
    /// [`Machine::map`](crate::Machine::map) says something else than it did.
    MapChanged,
    /// A primary with slots may run writes until its clock shows this. `u64::MAX` is for ever.
    Lease {
        until_ms: u64,
    },
    /// Clients' writes wait, at most until the clock shows this.
    PauseWrites {
        until_ms: u64,
    },
    /// Clients' writes need not wait any longer.
    ResumeWrites,

    /// A peer's client published a message: it goes to the subscribers here.
    Deliver {
        channel: Bytes,
        message: Bytes,
        sharded: bool,
    },
    Log {
        level: Level,
        line: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Verbose,
    Notice,
    Warning,
}
