//! A place where a node runs, or does not at the moment: its disk, its clock, its data.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Machine, Map, NodeId, PrimaryLink, View};

/// How long after silence a replica says that the stream is not followed.
const STALE_MS: u64 = 1_000;

const WALL_MS: u64 = 1_795_000_000_000;

/// What a node holds: what was written to each slot, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    pub offset: u64,
    pub slots: BTreeMap<u16, Vec<u64>>,
    /// Slots on their way here, and those that came to nothing and are not deleted yet.
    pub hidden: BTreeSet<u16>,
}

impl Data {
    /// The slots that hold what everybody may see.
    pub fn shown(&self) -> Vec<u16> {
        let slots = self.slots.keys().filter(|slot| !self.hidden.contains(slot));
        slots.copied().collect()
    }
}

#[derive(Default)]
pub struct Site {
    pub machine: Option<Machine>,
    pub life: u32,
    /// When the machine is looked after next.
    pub tick_ms: Option<u64>,
    /// What is in the file, and what would be there after a power cut.
    pub file: Option<String>,
    pub durable: Option<String>,
    pub data: Data,
    pub following: Option<usize>,
    /// By the node's own clock, as all below.
    pub heard_ms: Option<u64>,
    pub paused_until_ms: u64,
    pub lease_ms: u64,
    pub map: Option<Map>,
    pub clock_ms: u64,
    pub wall_ms: i64,
    pub frozen_until_ms: u64,
    pub disk_fails_until_ms: u64,
    /// What was told to others: no later life may know less.
    pub told_epoch: u64,
    pub told_config_epoch: u64,
    pub last_epoch: u64,
    pub last_config_epoch: u64,
    /// When votes were last asked for without an operator's word.
    pub asked_ms: Option<u64>,
    /// For which epoch.
    pub asked_epoch: u64,
    pub manual_until_ms: u64,
    pub sent: u64,
    /// Slots of others whose keys this node held when it took its primary's place. A primary
    /// that dies right after it gave a slot away may take the deletion of the keys with it. They
    /// are shown to nobody, and not deleted either: where the news of who has a slot died with
    /// the primary, they are all there is.
    pub guests: BTreeSet<u16>,
    /// Slots whose writes wait, for this node told another to take them and heard no answer.
    pub held: BTreeSet<u16>,
    /// A replica that has not heard its primary yet says so.
    pub tells_no_old_offset: bool,
    /// Migrations of slots to here.
    pub imports: BTreeMap<u64, super::moves::Coming>,
    /// Slots whose owners do not claim them, as the last files said, the latest one last.
    pub released: [BTreeSet<u16>; 2],
    /// Owners of the slots that are looked at, and their epochs.
    pub owners: BTreeMap<u16, (NodeId, u64)>,
}

impl Site {
    pub fn local(&self, now_ms: u64) -> u64 {
        now_ms + self.clock_ms
    }

    pub fn view(&self, now_ms: u64) -> View {
        let local_ms = self.local(now_ms);
        View {
            now_ms: local_ms,
            wall_ms: (WALL_MS + now_ms).saturating_add_signed(self.wall_ms),
            replication_offset: match self.following.is_some() && self.heard_ms.is_none() {
                // What is to be replaced by a copy is nobody's history.
                true if self.tells_no_old_offset => 0,
                _ => self.data.offset,
            },
            primary_link: match self.heard_ms {
                Some(heard_ms) if heard_ms + STALE_MS >= local_ms => PrimaryLink::Up { heard_ms },
                since_ms => PrimaryLink::Down { since_ms },
            },
            holds_keys: !self.data.shown().is_empty(),
        }
    }

    pub fn is_awake(&self, now_ms: u64) -> bool {
        self.machine.is_some() && self.frozen_until_ms <= now_ms
    }

    /// Whether a write would run here now, if it is for a slot of this node.
    pub fn may_write(&self, now_ms: u64) -> bool {
        let local_ms = self.local(now_ms);
        let serves = |map: &Map| map.ok && map.primary.is_none();
        self.is_awake(now_ms)
            && self.map.as_ref().is_some_and(serves)
            && local_ms < self.lease_ms
            && self.paused_until_ms <= local_ms
    }

    pub fn owns(&self, slot: u16) -> bool {
        let owns = |map: &Map| map.owners[usize::from(slot)] == map.myself;
        self.map.as_ref().is_some_and(owns)
    }

    /// Whether a write for a slot would run.
    pub fn serves(&self, slot: u16, now_ms: u64) -> bool {
        self.may_write(now_ms) && self.owns(slot) && !self.held.contains(&slot)
    }

    pub fn note_guests(&mut self) {
        let Some(map) = self.machine.as_ref().map(Machine::map) else {
            return;
        };
        let is_guest = |slot: &&u16| map.owners[usize::from(**slot)] != map.myself;
        self.guests = self.data.slots.keys().filter(is_guest).copied().collect();
    }

    pub fn id(&self) -> Option<NodeId> {
        self.machine.as_ref().map(Machine::myself)
    }

    pub fn is_primary(&self) -> bool {
        self.map.as_ref().is_some_and(|map| map.primary.is_none()) && self.machine.is_some()
    }
}
