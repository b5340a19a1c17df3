//! The packets of the bus, byte for byte those of Redis 7.0.
//!
//! Every packet begins with the same 2256 bytes; numbers are big-endian, texts end with zeros.
//!
//! ```text
//!    0 "RCmb"              4 length of all        8 version, 1         10 port
//!   12 kind               14 count of gossip     16 current epoch      24 configuration epoch
//!   32 replication offset 40 sender              80 slots, 2048 bytes 2128 primary, or zeros
//! 2168 address, or zeros 2214 count of extensions                     2216 30 unused
//! 2246 port without TLS  2248 bus port         2250 flags             2252 state, 1 is down
//! 2253 marks: paused 1, forced 2, extensions 4 2254 unused            2255 ours
//! ```
//!
//! Behind it stands what the kind says: 104 bytes for each node that is gossiped about and then
//! extensions in multiples of eight bytes; a name; a message; epoch, name and slots.

mod decode;
mod encode;
mod frames;
#[cfg(test)]
mod tests;

use crate::id::{NodeId, ShardId};
use crate::node::Flags;
use crate::slots::SlotSet;

pub use decode::decode;
pub use frames::{Frames, Next, NotABus};

/// How long the part is that all packets have.
pub const HEADER_BYTES: usize = 2256;

/// How long a node is in gossip.
pub const GOSSIP_BYTES: usize = 104;

/// How many bytes an address may take, with its end.
const IP_BYTES: usize = 46;

/// How long a host name may be.
pub const HOST_NAME_BYTES_MAX: usize = 255;

/// How long a name that was forgotten stays forgotten is told in as many bytes as this.
const EXTENSION_HEAD_BYTES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub header: Header<'a>,
    pub body: Body<'a>,
}

/// What every packet says of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub port: u16,
    pub plain_port: u16,
    pub bus_port: u16,
    pub current_epoch: u64,
    /// Of the sender, or of its primary.
    pub config_epoch: u64,
    pub offset: u64,
    pub sender: NodeId,
    /// Of the sender, or of its primary.
    pub slots: &'a [u8; SlotSet::BYTES],
    pub primary: Option<NodeId>,
    /// Empty if whoever reads it should take the address the packet came from.
    pub ip: &'a str,
    pub flags: Flags,
    pub is_down: bool,
    pub marks: Marks,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The sender has stopped writes, and its offset stands.
    pub paused: bool,
    /// Vote even though the primary is not known to have failed.
    pub forced: bool,
    /// The sender reads extensions that Redis 7.0 complains about.
    pub extended: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Ping, pong and meet are one in all but their effect.
    Heartbeat {
        beat: Beat,
        gossip: Vec<Gossip<'a>>,
        extensions: Vec<Extension<'a>>,
    },
    Fail(NodeId),
    Publish {
        channel: &'a [u8],
        message: &'a [u8],
        sharded: bool,
    },
    AskVote,
    Vote,
    /// Somebody has these slots, and the receiver did not know.
    Update {
        config_epoch: u64,
        node: NodeId,
        slots: &'a [u8; SlotSet::BYTES],
    },
    /// Stop writes: the sender is about to take over.
    StartFailover,
    /// Of a module, which nobody here is.
    Module,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beat {
    Ping,
    Pong,
    Meet,
}

/// What a sender says of another node. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gossip<'a> {
    pub id: NodeId,
    pub ping_sent_s: u32,
    pub pong_s: u32,
    pub ip: &'a str,
    pub port: u16,
    pub bus_port: u16,
    pub flags: Flags,
    pub plain_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension<'a> {
    HostName(&'a str),
    /// A node that was forgotten, and is not to be met again for so many seconds.
    Forgotten {
        id: NodeId,
        ttl_s: u64,
    },
    Shard(ShardId),
    Unknown(u16),
}

/// Kinds of packets, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Ping,
    Pong,
    Meet,
    Fail,
    Publish,
    AskVote,
    Vote,
    Update,
    StartFailover,
    Module,
    PublishShard,
}

impl Kind {
    pub const COUNT: usize = 11;

    /// In the order of their numbers on the bus.
    pub const ALL: [Kind; Kind::COUNT] = [
        Kind::Ping,
        Kind::Pong,
        Kind::Meet,
        Kind::Fail,
        Kind::Publish,
        Kind::AskVote,
        Kind::Vote,
        Kind::Update,
        Kind::StartFailover,
        Kind::Module,
        Kind::PublishShard,
    ];

    /// What reports and logs call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ping => "ping",
            Kind::Pong => "pong",
            Kind::Meet => "meet",
            Kind::Fail => "fail",
            Kind::Publish => "publish",
            Kind::AskVote => "auth-req",
            Kind::Vote => "auth-ack",
            Kind::Update => "update",
            Kind::StartFailover => "mfstart",
            Kind::Module => "module",
            Kind::PublishShard => "publishshard",
        }
    }
}

impl Body<'_> {
    pub fn kind(&self) -> Kind {
        match self {
            Body::Heartbeat { beat, .. } => match beat {
                Beat::Ping => Kind::Ping,
                Beat::Pong => Kind::Pong,
                Beat::Meet => Kind::Meet,
            },
            Body::Fail(_) => Kind::Fail,
            Body::Publish { sharded: false, .. } => Kind::Publish,
            Body::Publish { sharded: true, .. } => Kind::PublishShard,
            Body::AskVote => Kind::AskVote,
            Body::Vote => Kind::Vote,
            Body::Update { .. } => Kind::Update,
            Body::StartFailover => Kind::StartFailover,
            Body::Module => Kind::Module,
        }
    }
}

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub offset: usize,
    pub what: &'static str,
}
