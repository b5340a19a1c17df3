//! A node as another knows it.

use std::fmt;

use crate::id::{NodeId, ShardId};
use crate::input::LinkId;
use crate::table::Seat;

/// A node. Times are of the clock that never goes back.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub id: NodeId,
    pub flags: Flags,
    pub ip: String,
    pub port: u16,
    pub plain_port: u16,
    pub bus_port: u16,
    pub hostname: String,
    pub primary: Option<Seat>,
    pub shard: Option<ShardId>,
    pub config_epoch: u64,
    pub slot_count: u16,
    /// How it was last heard that the node has more slots, with the epoch it has now.
    pub gained: Option<Gained>,
    pub offset: u64,
    pub created_ms: u64,
    /// Since when an answer is waited for, or cannot be asked for.
    pub pinged_ms: Option<u64>,
    /// When a pong arrived, here or at somebody who told.
    pub pong_ms: Option<u64>,
    /// When the ping left that is not answered yet.
    pub asked_ms: Option<u64>,
    /// When the ping left that was answered last.
    pub answered_ms: Option<u64>,
    /// When this node last answered its ping, or voted for it: it may serve by that for a while.
    pub assured_ms: Option<u64>,
    /// When anything of it arrived.
    pub heard_ms: u64,
    /// When it was said to have failed.
    pub failed_ms: u64,
    /// When a replica of it last got this node's vote.
    pub voted_ms: Option<u64>,
    /// Since when it is a primary whose replicas are all gone.
    pub orphaned_ms: Option<u64>,
    /// The number of the link to it.
    pub link: Option<u64>,
    /// The number of the link from it.
    pub inbound: Option<u64>,
    /// Who says that it cannot be reached, and when that was last said.
    pub reports: Vec<(Seat, u64)>,
    /// Whether it reads extensions that Redis 7.0 complains about.
    pub extended: bool,
    /// When it was last gossiped about, by the number of the ping.
    pub gossiped: u64,
}

/// How slots came to a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gained {
    /// The link on which it said so itself.
    pub link: Option<LinkId>,
    pub at_ms: u64,
}

impl Node {
    pub fn new(id: NodeId, flags: Flags, now_ms: u64) -> Node {
        Node {
            id,
            flags,
            ip: String::new(),
            port: 0,
            plain_port: 0,
            bus_port: 0,
            hostname: String::new(),
            primary: None,
            shard: None,
            config_epoch: 0,
            slot_count: 0,
            gained: None,
            offset: 0,
            created_ms: now_ms,
            pinged_ms: None,
            pong_ms: None,
            asked_ms: None,
            answered_ms: None,
            assured_ms: None,
            heard_ms: now_ms,
            failed_ms: 0,
            voted_ms: None,
            orphaned_ms: None,
            link: None,
            inbound: None,
            reports: Vec::new(),
            extended: false,
            gossiped: 0,
        }
    }

    pub fn is_primary(&self) -> bool {
        self.flags.has(Flags::PRIMARY)
    }

    pub fn is_replica(&self) -> bool {
        self.flags.has(Flags::REPLICA)
    }

    /// Whether it counts where majorities are counted.
    pub fn is_voter(&self) -> bool {
        self.is_primary() && self.slot_count > 0
    }

    pub fn is_suspect(&self) -> bool {
        self.flags.has(Flags::MAYBE_FAILED | Flags::FAILED)
    }

    pub fn has_failed(&self) -> bool {
        self.flags.has(Flags::FAILED)
    }

    pub fn is_handshake(&self) -> bool {
        self.flags.has(Flags::HANDSHAKE)
    }
}

/// What is known of a node, a bit each, as on the bus.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    pub const PRIMARY: Flags = Flags(1);
    pub const REPLICA: Flags = Flags(2);
    /// This node cannot reach it.
    pub const MAYBE_FAILED: Flags = Flags(4);
    /// A majority could not reach it.
    pub const FAILED: Flags = Flags(8);
    pub const MYSELF: Flags = Flags(16);
    /// It has not told its name yet.
    pub const HANDSHAKE: Flags = Flags(32);
    pub const NO_ADDRESS: Flags = Flags(64);
    /// It is to be sent a MEET.
    pub const MEET: Flags = Flags(128);
    /// It had replicas, or took over from one that had: replicas may migrate to it.
    pub const MIGRATE_TO: Flags = Flags(256);
    pub const NO_FAILOVER: Flags = Flags(512);
    /// It reads what stands behind the gossip of a ping.
    pub const EXTENSIONS: Flags = Flags(1024);

    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    pub fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    pub fn clear(&mut self, other: Flags) {
        self.0 &= !other.0;
    }

    /// Without what only the node that says it knows.
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// The words of files and reports, in their order.
const WORDS: [(Flags, &str); 8] = [
    (Flags::MYSELF, "myself"),
    (Flags::PRIMARY, "master"),
    (Flags::REPLICA, "slave"),
    (Flags::MAYBE_FAILED, "fail?"),
    (Flags::FAILED, "fail"),
    (Flags::HANDSHAKE, "handshake"),
    (Flags::NO_ADDRESS, "noaddr"),
    (Flags::NO_FAILOVER, "nofailover"),
];

impl Flags {
    /// Reads the words of a file, with commas between them; gives back the first unknown one.
    pub fn parse(text: &str) -> Result<Flags, &str> {
        let mut flags = Flags::default();
        for word in text.split(',') {
            match WORDS.iter().find(|(_, known)| *known == word) {
                Some((flag, _)) => flags.set(*flag),
                None if word == "noflags" => {}
                None => return Err(word),
            }
        }
        Ok(flags)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (flag, word) in WORDS {
            if self.has(flag) {
                write!(f, "{separator}{word}")?;
                separator = ",";
            }
        }
        match separator {
            "" => f.write_str("noflags"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
