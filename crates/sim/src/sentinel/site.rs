//! Who lives in the world, and the connections between them.

use std::collections::BTreeMap;

use sentinel::{ConnectionId, Machine};

use crate::sentinel::node::{Node, Words};

/// A place where a node or a Sentinel lives, dies and lives again.
#[derive(Debug)]
pub struct Site {
    /// Which of its lives this is. What was meant for an earlier one is lost.
    pub life: u32,
    pub is_up: bool,
    pub frozen_until_ms: u64,
    /// How far its wall clock is off.
    pub wall_off_ms: i64,
    /// Until when it answers nonsense.
    pub raves_until_ms: u64,
    pub tenant: Tenant,
}

#[derive(Debug)]
pub enum Tenant {
    Node(Node),
    Sentinel(Box<Sentinel>),
}

#[derive(Debug)]
pub struct Sentinel {
    /// `None` while it is dead.
    pub machine: Option<Machine>,
    /// What its file says.
    pub saved: Vec<Words>,
    /// It dies after so many outputs.
    pub dies_in: Option<u64>,
    pub connections: BTreeMap<ConnectionId, u64>,
}

#[derive(Debug)]
pub struct Conn {
    pub dialer: usize,
    pub connection: ConnectionId,
    pub listener: usize,
    /// Which life has accepted it.
    pub listener_life: Option<u32>,
    /// Whether the dialer knows that it stands.
    pub is_standing: bool,
    pub subscribes: bool,
    pub transaction: Option<Vec<Words>>,
    /// When the last thing arrives that is on its way, for each direction.
    pub last_ms: [u64; 2],
}
