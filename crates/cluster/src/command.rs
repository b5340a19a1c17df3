//! What operators ask for.

use std::fmt;
use std::ops::RangeInclusive;

use crate::id::NodeId;
use crate::slots::SlotSet;

/// A `CLUSTER` subcommand that changes something. Its words have been read already.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// Shake hands with a node. `ip` is a number, not a name; `bus_port` is told or computed.
    Meet {
        ip: &'a str,
        port: u16,
        bus_port: u16,
    },
    AddSlots(&'a [RangeInclusive<u16>]),
    DelSlots(&'a [RangeInclusive<u16>]),
    /// Give up all slots; there must be no key.
    FlushSlots,
    /// `keys` counts the keys of the slot here.
    SetSlot {
        slot: u16,
        state: SlotState<'a>,
        keys: u64,
    },
    /// The last step of a migration that moves many slots at once: own these from now on, and
    /// let everyone know. Their owner has claimed them with no greater epoch than `beyond`. If this
    /// cannot be written to the file, nothing is taken.
    TakeSlots {
        slots: &'a SlotSet,
        beyond: u64,
    },
    /// Another node is about to be told to take these slots, which are this node's: take no other
    /// epoch until that is settled, for it would be beyond the one that the other takes.
    HandOver(&'a SlotSet),
    /// They are not handed over, for the other node has said so.
    Keep(&'a SlotSet),
    /// The other end of that: these slots, which are this node's, are another's from now on, who
    /// has said so.
    GiveSlots {
        slots: &'a SlotSet,
        to: NodeId,
    },
    /// Nobody knows what became of the node that was to take these slots: claim what is this
    /// node's with an epoch that is beyond what the other can have. Refused as long as others are
    /// being handed over.
    Reclaim(&'a SlotSet),
    Replicate(&'a [u8]),
    Reset {
        hard: bool,
    },
    Forget(&'a [u8]),
    Failover(Failover),
    SetConfigEpoch(u64),
    BumpEpoch,
    SaveConfig,

    // For those who look for faults.
    /// Cut the link to a node, the one from it, or both.
    CutLinks {
        node: &'a [u8],
        to: bool,
        from: bool,
    },
    /// Take no packet of this kind, by its number, as if it had never come; or all again.
    Ignore(Option<u16>),
}

/// The nodes of `SETSLOT` as they were written.
#[derive(Clone, Copy, Debug)]
pub enum SlotState<'a> {
    Migrating(&'a [u8]),
    Importing(&'a [u8]),
    Stable,
    Node(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failover {
    /// The primary stops writes until the replica has everything.
    Agreed,
    /// The primary is not asked, the others are.
    Force,
    /// Nobody is asked.
    Takeover,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Ok,
    /// `BUMPEPOCH` has raised the epoch to this.
    Bumped(u64),
    /// `BUMPEPOCH` has found the epoch the greatest already.
    Still(u64),
}

/// Why nothing was done: the error, with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl Refused {
    pub(crate) fn new(text: impl fmt::Display) -> Refused {
        Refused(format!("ERR {text}"))
    }

    pub(crate) fn unknown(node: &[u8]) -> Refused {
        Refused::new(format_args!(
            "Unknown node {}",
            String::from_utf8_lossy(node)
        ))
    }
}

/// What a node is called by whoever writes its name.
pub(crate) fn named(text: &[u8]) -> Result<NodeId, Refused> {
    NodeId::parse(text).ok_or_else(|| Refused::unknown(text))
}
