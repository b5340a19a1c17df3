//! What operators and clients are shown.

use crate::id::NodeId;

/// A row of `CLUSTER SLOTS`: a range and who serves it, its owner first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotsRow {
    pub first: u16,
    pub last: u16,
    pub nodes: Vec<NodeRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// What clients should connect to; nothing where they should use what they know already.
    pub endpoint: Option<String>,
    pub port: u16,
    pub id: NodeId,
    /// What else the node can be called, by kind.
    pub metadata: Vec<(&'static str, String)>,
}

/// An entry of `CLUSTER SHARDS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardRow {
    /// First and last of each run.
    pub slots: Vec<(u16, u16)>,
    pub nodes: Vec<ShardNode>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardNode {
    pub id: NodeId,
    /// 0 where there is none; then it is not shown.
    pub port: u16,
    pub tls_port: u16,
    pub ip: String,
    pub endpoint: Option<String>,
    /// Shown if it is not empty.
    pub hostname: String,
    pub is_primary: bool,
    pub replication_offset: u64,
    pub health: Health,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Online,
    Failed,
    Loading,
}

/// An entry of `CLUSTER LINKS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    pub direction: Direction,
    pub node: NodeId,
    /// Since 1970.
    pub created_ms: u64,
    /// What is waited for: `r` always, `w` while something is to be sent.
    pub writable: bool,
    pub held_bytes: u64,
    pub used_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    To,
    From,
}
