//! What a machine is told.

use crate::settings::Settings;

/// A link of the bus, one way each: every node speaks to every other on a link of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkId {
    /// One that this machine asked for, with its number.
    Out(u64),
    /// One that was accepted, with a number the shell never gives twice.
    In(u64),
}

/// What the machine may look at while it decides.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Milliseconds of a clock that never goes back.
    pub now_ms: u64,
    /// Milliseconds since 1970; only shown, and told to peers.
    pub wall_ms: u64,
    /// Where the log ends: what this primary has written, or this replica has applied.
    pub replication_offset: u64,
    pub primary_link: PrimaryLink,
    /// Whether there is any key.
    pub holds_keys: bool,
}

/// How replication from the primary stands, for a replica. What it says of a primary is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryLink {
    /// The stream is followed; this is when something last arrived.
    Up { heard_ms: u64 },
    /// The stream is not followed, and has not been since then; never, if it never was.
    Down { since_ms: Option<u64> },
}

/// What happened. Slices lie in the caller's buffers; nothing of them is kept but what is small.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A deadline has come.
    Tick,
    Configured(Settings),
    /// The data is loaded; these slots hold keys. Comes once, before any link.
    Loaded {
        slots: &'a [u16],
    },

    /// Somebody has connected to the bus. The addresses are those of the socket's two ends.
    Accepted {
        link: LinkId,
        peer: &'a str,
        local: &'a str,
    },
    /// A link that was asked for stands.
    Connected {
        link: LinkId,
    },
    /// A link could not be made, or broke.
    Lost {
        link: LinkId,
        why: &'a str,
    },
    /// Bytes of a link, cut anywhere.
    Received {
        link: LinkId,
        bytes: &'a [u8],
    },
    /// How many bytes wait on a link to be sent, and how many are held for them. Told when it
    /// has changed, at the latest before a tick.
    Unsent {
        link: LinkId,
        held: u64,
        used: u64,
    },

    /// The file could not be written.
    Unsaved,

    /// A client publishes a message, which goes to all nodes; or to those of a slot.
    Publish {
        channel: &'a [u8],
        message: &'a [u8],
        sharded: bool,
    },
}
