//! The node as one of a cluster, as far as commands feel it: who owns which slot, and where a
//! client is sent that asks the wrong node.
//!
//! What is decided is the machine's (crate `cluster`), behind the [`Host`](crate::host::Host).
//! Whoever performs what it says publishes the map here. A command reads it without a lock before
//! it takes those of its keys, and looks under them whether it still is the same map: so a slot
//! that was given away has no command under way that came too late to hear of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::cluster::{Endpoint, Map, NOBODY, SlotSet};
use arc_swap::{ArcSwap, Guard};
use config::{Config, EndpointType};
use keyspace::{Key, Slot};

use crate::Engine;
use crate::command::{Entry, Flags};
use crate::session::{Origin, Session};
use crate::sync::{AtomicU64, Mutex};

pub(crate) use route::Route;

pub use import::{Importer, Rejected};
pub use large::LargeCopies;
pub use moving::{SlotCopy, Touched};

mod import;
mod large;
mod leave;
mod moving;
mod route;

/// What commands must know of the cluster.
#[derive(Debug)]
pub struct Cluster {
    is_on: bool,
    map: ArcSwap<SlotMap>,
    /// The map's generation, which is cheaper to look at than the map.
    generation: AtomicU64,
    /// Held by whoever replaces the map, so that nothing in it is lost.
    changing_map: Mutex<()>,
    /// Until when a primary may run writes, by the clock that never goes back.
    lease_until_ms: AtomicU64,
}

/// The map, and what follows from it for the slots that need no second look.
#[derive(Debug)]
pub struct SlotMap {
    /// How many maps there were before.
    generation: u64,
    map: Map,
    /// Slots whose writes wait, because they are being handed over.
    held: SlotSet,
    /// Served here, whatever the command.
    open: SlotSet,
    /// Served here to clients that said they read from replicas, if the command only reads.
    readable: SlotSet,
}

impl SlotMap {
    fn new(generation: u64, map: Map, held: SlotSet) -> SlotMap {
        let owned_by = |node: u16| {
            let owners = (0..).zip(&map.owners);
            owners.filter_map(move |(slot, &owner)| (owner == node).then_some(slot))
        };
        let mut open: SlotSet = owned_by(map.myself).collect();
        let mut readable: SlotSet = map.primary.into_iter().flat_map(owned_by).collect();
        for &(slot, _) in map.migrating.iter().chain(&map.importing) {
            open.remove(slot);
            readable.remove(slot);
        }
        for slot in held.iter() {
            open.remove(slot);
        }
        if !map.ok {
            (open, readable) = (SlotSet::default(), SlotSet::default());
        }
        SlotMap {
            generation,
            map,
            held,
            open,
            readable,
        }
    }

    /// Whether this node owns a slot.
    fn is_mine(&self, slot: Slot) -> bool {
        self.is_of(slot, self.map.myself.into())
    }

    /// Whether the node at a place of the map's list owns a slot.
    fn is_of(&self, slot: Slot, node: usize) -> bool {
        self.owner(slot).map(usize::from) == Some(node)
    }

    /// Who owns a slot.
    fn owner(&self, slot: Slot) -> Option<u16> {
        let owner = self.map.owners.get(usize::from(slot.number()));
        owner.copied().filter(|&owner| owner != NOBODY)
    }

    /// Whether messages of the slot's channels reach this node: it belongs to its owner's shard.
    fn hears(&self, slot: Slot) -> bool {
        let owner = self.owner(slot);
        owner.is_some() && (owner == Some(self.map.myself) || owner == self.map.primary)
    }

    fn target(moves: &[(u16, u16)], slot: Slot) -> Option<u16> {
        let at = moves.binary_search_by_key(&slot.number(), |&(slot, _)| slot);
        at.ok().map(|at| moves[at].1)
    }

    /// The place that a client is sent to.
    fn place(&self, config: &Config, node: u16, encrypted: bool) -> String {
        let Some(node) = self.map.nodes.get(usize::from(node)) else {
            return ":0".to_owned();
        };
        let port = match node.plain_port {
            plain if plain != 0 && !encrypted => plain,
            _ => node.port,
        };
        format!("{}:{port}", endpoint(config, node))
    }
}

/// What clients are told to connect to; nothing where they should use what they know already.
fn endpoint<'n>(config: &Config, node: &'n Endpoint) -> &'n str {
    match config.cluster.preferred_endpoint {
        EndpointType::Ip => &node.ip,
        EndpointType::Hostname if node.hostname.is_empty() => "?",
        EndpointType::Hostname => &node.hostname,
        EndpointType::UnknownEndpoint => "",
    }
}

impl Cluster {
    pub(crate) fn new(is_on: bool) -> Cluster {
        let nobody = Map {
            ok: false,
            nodes: Vec::new(),
            myself: 0,
            primary: None,
            owners: Vec::new(),
            migrating: Vec::new(),
            importing: Vec::new(),
        };
        Cluster {
            is_on,
            map: ArcSwap::from_pointee(SlotMap::new(0, nobody, SlotSet::default())),
            generation: AtomicU64::new(0),
            changing_map: Mutex::default(),
            lease_until_ms: AtomicU64::new(u64::MAX),
        }
    }

    /// Whether the node is one of a cluster, which does not change while it runs.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn map(&self) -> Guard<Arc<SlotMap>> {
        self.map.load()
    }

    /// Whether `map` is what commands are judged by now.
    #[inline]
    pub(crate) fn is_current(&self, map: &SlotMap) -> bool {
        self.generation.load(Ordering::Acquire) == map.generation
    }

    /// Has commands be judged by another map from now on.
    fn change_map(&self, change: impl FnOnce(&mut Map, &mut SlotSet)) -> Arc<SlotMap> {
        let _changing = self.changing_map.lock();
        let current = self.map.load();
        let (mut map, mut held) = (current.map.clone(), current.held.clone());
        change(&mut map, &mut held);
        let generation = current.generation + 1;
        let map = Arc::new(SlotMap::new(generation, map, held));
        self.map.store(Arc::clone(&map));
        self.generation.store(generation, Ordering::Release);
        map
    }

    /// Writes are run until then, by the clock that never goes back, and no longer.
    pub fn lease(&self, until_ms: u64) {
        self.lease_until_ms.store(until_ms, Ordering::Release);
    }

    fn is_lease_over(&self, engine: &Engine) -> bool {
        let until_ms = self.lease_until_ms.load(Ordering::Acquire);
        until_ms != u64::MAX && engine.host.monotonic_nanos() / 1_000_000 >= until_ms
    }
}

impl Engine {
    /// How many links of the bus there are, and the bytes that wait to be sent on them.
    pub(crate) fn bus_figures(&self) -> (usize, u64) {
        let mut figures = (0, 0);
        if self.cluster.is_on {
            self.host.look_at_cluster(self, &mut |machine, view| {
                let rows = machine.link_rows(view);
                figures = (rows.len(), rows.iter().map(|row| row.held_bytes).sum());
            });
        }
        figures
    }
}

/// What commands may change.
const MAY_WRITE: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE);

impl Engine {
    /// Whether commands of this session are judged by who owns their slots.
    #[inline]
    pub(crate) fn is_routed(&self, session: &Session) -> bool {
        self.cluster.is_on && session.origin == Origin::Client
    }

    /// Whether a primary has to stop writes, because it may have been replaced unheard.
    #[inline]
    pub(crate) fn has_lost_touch(&self) -> bool {
        self.cluster.is_on && self.cluster.is_lease_over(self)
    }

    /// Whether a command with these keys is served here without a second look.
    #[inline]
    pub(crate) fn serves<'k>(
        &self,
        map: &SlotMap,
        session: &Session,
        entry: &Entry,
        mut keys: impl Iterator<Item = &'k Key<'k>>,
    ) -> bool {
        let Some(first) = keys.next() else {
            return true;
        };
        let slot = first.slot;
        let reads = session.reads_replica && !entry.flags.has(MAY_WRITE);
        let is_served =
            map.open.contains(slot.number()) || reads && map.readable.contains(slot.number());
        is_served && keys.all(|key| key.slot == slot)
    }
}
