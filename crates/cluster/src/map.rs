//! Who owns which slot, as clients are told.

use crate::id::NodeId;

/// The owner of a slot that nobody owns.
pub const NOBODY: u16 = u16::MAX;

/// What redirections need to know. Nodes are named by their places in `nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Whether commands are served at all.
    pub ok: bool,
    pub nodes: Vec<Endpoint>,
    pub myself: u16,
    /// Whom this node replicates.
    pub primary: Option<u16>,
    /// For each slot its owner, or [`NOBODY`].
    pub owners: Vec<u16>,
    /// Slots that move from here to a node, ascending.
    pub migrating: Vec<(u16, u16)>,
    /// Slots that move to here from a node, ascending.
    pub importing: Vec<(u16, u16)>,
}

/// Where clients reach a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub id: NodeId,
    pub ip: String,
    /// Empty if it has told none.
    pub hostname: String,
    /// The port of the bus's own kind: the one with TLS if the bus has TLS.
    pub port: u16,
    /// Beside a port with TLS, the one without, or 0.
    pub plain_port: u16,
}
