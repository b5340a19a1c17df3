//! Being followed: what replicas say, what they are sent, and how they are given up.

mod copy;
mod request;

use std::collections::VecDeque;

use crate::flaw::flawed;
use crate::identity::{History, ReplicationId};
use crate::input::View;
use crate::machine::Machine;
use crate::output::{Level, Output, Parts};
use crate::{PeerId, SnapshotId};

/// How far a replica has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The session has only told about itself.
    Known,
    /// It waits for a snapshot to be begun.
    Waiting { since_ms: u64 },
    /// Its snapshot is being made.
    Making(SnapshotId),
    /// It is sent a file.
    Sending(SnapshotId),
    /// It reads the log; unless it has yet to confirm that its copy is loaded.
    Online { is_fed: bool },
}

/// A session that replicates, or will.
#[derive(Debug)]
pub(crate) struct Replica {
    pub stage: Stage,
    pub address: String,
    pub announced_ip: Option<String>,
    pub port: i64,
    pub can_eof: bool,
    pub can_psync2: bool,
    /// It takes the log with a copy.
    pub can_carry: bool,
    pub rdb_only: bool,
    pub parts: Parts,
    /// A peer that speaks `SYNC` does not acknowledge.
    pub is_silent: bool,
    pub acked: u64,
    /// Whether it has confirmed anything yet; offset 0 is a place like any other.
    pub has_acked: bool,
    pub fsynced: u64,
    pub acked_ms: u64,
    /// Its copy carries the log, and says where it ends.
    pub is_carrying: bool,
    /// The snapshot that it was sent.
    pub copied_by: Option<SnapshotId>,
    /// When it asked to replicate.
    pub since_ms: u64,
    /// How far its socket has taken the log.
    pub sent: u64,
    pub moved_ms: u64,
    /// Since when it has been above the soft limit.
    pub above_soft_ms: Option<u64>,
}

impl Replica {
    fn of(now_ms: u64) -> Replica {
        Replica {
            stage: Stage::Known,
            address: String::new(),
            announced_ip: None,
            port: 0,
            can_eof: false,
            can_psync2: false,
            can_carry: false,
            rdb_only: false,
            parts: Parts::ALL,
            is_silent: false,
            acked: 0,
            has_acked: false,
            fsynced: 0,
            acked_ms: now_ms,
            is_carrying: false,
            copied_by: None,
            since_ms: now_ms,
            sent: 0,
            moved_ms: now_ms,
            above_soft_ms: None,
        }
    }

    /// Whether INFO lists it.
    pub fn is_listed(&self) -> bool {
        self.stage != Stage::Known
    }

    pub fn ip(&self) -> &str {
        match &self.announced_ip {
            Some(ip) => ip,
            None => self
                .address
                .rsplit_once(':')
                .map_or(&*self.address, |(ip, _)| ip),
        }
    }

    /// How log lines call it.
    pub fn name(&self) -> String {
        match self.port {
            0 => format!("{}:<unknown-replica-port>", self.ip()),
            port => format!("{}:{port}", self.ip()),
        }
    }

    pub fn snapshot(&self) -> Option<SnapshotId> {
        match self.stage {
            Stage::Making(id) | Stage::Sending(id) => Some(id),
            Stage::Known | Stage::Waiting { .. } | Stage::Online { .. } => None,
        }
    }
}

/// Replicas that were given up because they read too slowly, so that they are not sent one full
/// copy after another.
#[derive(Debug, Default)]
pub(crate) struct Overflows(VecDeque<Overflow>);

#[derive(Debug)]
struct Overflow {
    name: String,
    count: u32,
    last_ms: u64,
}

/// Names remembered.
const OVERFLOWS_MAX: usize = 128;

/// The first pause, which doubles twice each time.
const OVERFLOW_PAUSE_MS: u64 = 60_000;
const OVERFLOW_PAUSE_MS_MAX: u64 = 960_000;

/// When a replica is forgiven.
const OVERFLOW_MEMORY_MS: u64 = 3_600_000;

impl Overflows {
    fn note(&mut self, name: String, now_ms: u64) {
        let known = self.0.iter().position(|overflow| overflow.name == name);
        let count = known
            .and_then(|index| self.0.remove(index))
            .map_or(0, |known| {
                match now_ms.saturating_sub(known.last_ms) < OVERFLOW_MEMORY_MS {
                    true => known.count,
                    false => 0,
                }
            });
        if self.0.len() == OVERFLOWS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Overflow {
            name,
            count: count + 1,
            last_ms: now_ms,
        });
    }

    /// When a full copy may begin for a replica.
    pub fn allowed_ms(&self, name: &str) -> u64 {
        let known = self.0.iter().find(|overflow| overflow.name == name);
        known.map_or(0, |overflow| {
            let pause_ms = OVERFLOW_PAUSE_MS << (2 * (overflow.count - 1)).min(8);
            overflow.last_ms + pause_ms.min(OVERFLOW_PAUSE_MS_MAX)
        })
    }
}

/// A replica is heard every second. One that has not been heard for longer since it came back on
/// another link is no longer there on this one.
const ECHO_MS: u64 = 2000;

impl Machine {
    /// Whether this is a link that a replica has left behind, coming back on another. Until it is
    /// noticed that nobody is there, the same replica would be counted twice.
    pub(crate) fn is_left_behind(&self, replica: &Replica) -> bool {
        let came_back = |other: &Replica| {
            other.is_listed()
                && other.since_ms > replica.since_ms
                && (other.port, other.ip()) == (replica.port, replica.ip())
                && replica.acked_ms <= other.since_ms + ECHO_MS
        };
        let mut others = self
            .replicas
            .values()
            .filter(|other| !std::ptr::eq(*other, replica));
        replica.port > 0 && others.any(came_back)
    }

    pub(crate) fn note_life(&mut self, view: &View, peer: PeerId) {
        if let Some(replica) = self.replicas.get_mut(&peer) {
            replica.acked_ms = view.now_ms;
        }
    }

    pub(crate) fn note_sent(
        &mut self,
        view: &View,
        peer: PeerId,
        offset: u64,
        out: &mut Vec<Output>,
    ) {
        if let Some(replica) = self.replicas.get_mut(&peer) {
            replica.sent = replica.sent.max(offset);
            self.check_output(view, peer, out);
        }
    }

    pub(crate) fn note_snapshot_moved(&mut self, view: &View, peer: PeerId) {
        if let Some(replica) = self.replicas.get_mut(&peer) {
            replica.moved_ms = view.now_ms;
        }
    }

    /// Gives up a replica that leaves too much of the log unread.
    fn check_output(&mut self, view: &View, peer: PeerId, out: &mut Vec<Output>) {
        let limit = self.settings.output_limit;
        let Some(replica) = self.replicas.get_mut(&peer) else {
            return;
        };
        let reads = matches!(
            replica.stage,
            Stage::Making(_) | Stage::Sending(_) | Stage::Online { .. }
        );
        if !reads {
            return;
        }
        let unread = view.log.end.saturating_sub(replica.sent);
        // A replica may always be as far behind as the backlog is long.
        let raised = |bytes: u64| bytes.max(self.settings.backlog_bytes);
        if limit.soft.0 > 0 && unread > raised(limit.soft.0) {
            replica.above_soft_ms.get_or_insert(view.now_ms);
        } else {
            replica.above_soft_ms = None;
        }
        let soft_ms = limit.soft_seconds.saturating_mul(1000);
        let above_soft = replica
            .above_soft_ms
            .is_some_and(|since| view.now_ms.saturating_sub(since) > soft_ms);
        if above_soft || limit.hard.0 > 0 && unread > raised(limit.hard.0) {
            let name = replica.name();
            let line = format!(
                "Replica {name} scheduled to be closed ASAP for overcoming of output buffer \
                 limits: {unread} bytes are unread."
            );
            self.overflows.note(name, view.now_ms);
            self.log(Level::Warning, line, out);
            self.drop_replica(peer, out);
        }
    }

    /// Ends a replica's session. What it asked for is forgotten with it.
    pub(crate) fn drop_replica(&mut self, peer: PeerId, out: &mut Vec<Output>) {
        if let Some(replica) = self.replicas.remove(&peer) {
            out.push(Output::Drop { peer });
            if replica.is_listed() {
                let line = format!("Connection with replica {} lost.", replica.name());
                self.log(Level::Warning, line, out);
            }
            self.drop_idle_snapshot(out);
        }
    }

    /// All replicas must ask again, since the history they follow has another name, or is gone.
    pub(crate) fn drop_replicas(&mut self, out: &mut Vec<Output>) {
        let listed = self
            .replicas
            .iter()
            .filter(|(_, replica)| replica.is_listed());
        for peer in listed.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.drop_replica(peer, out);
        }
    }

    /// Gives this node's data another name, since what follows is another history.
    pub(crate) fn change_history(&mut self, history: History, out: &mut Vec<Output>) {
        self.history = history;
        if !flawed!(self, KeepReplicasOnNewHistory) {
            self.drop_replicas(out);
        }
    }

    /// The second name that a promotion leaves.
    pub(crate) fn rename_history(&mut self, view: &View, out: &mut Vec<Output>) {
        let old = self.history.id;
        let id: ReplicationId = match flawed!(self, KeepNameOnPromotion) {
            true => old,
            false => self.draw_id(),
        };
        let limit = view.log.end + 1;
        self.log(
            Level::Warning,
            format!(
                "Setting secondary replication ID to {old}, valid up to offset: {limit}. \
                 New replication ID is {id}"
            ),
            out,
        );
        let history = self.history.renamed(id, view.log.end);
        self.change_history(history, out);
    }

    pub(crate) fn look_after_replicas(&mut self, view: &View, out: &mut Vec<Output>) {
        self.drop_silent_replicas(view, out);
        let peers = self.replicas.keys().copied().collect::<Vec<_>>();
        for peer in peers {
            self.check_output(view, peer, out);
        }
        let through_file = self.snapshot_id_of_file();
        for (&peer, replica) in &self.replicas {
            let waits = match replica.stage {
                Stage::Waiting { .. } => true,
                Stage::Making(id) => Some(id) == through_file,
                Stage::Known | Stage::Sending(_) | Stage::Online { .. } => false,
            };
            if waits {
                let bytes = b"\n".to_vec();
                out.push(Output::Send { peer, bytes });
            }
        }
        self.begin_snapshot(view, out);
    }

    fn drop_silent_replicas(&mut self, view: &View, out: &mut Vec<Output>) {
        let timeout_ms = self.settings.timeout_ms;
        let is_late = |since_ms: u64| view.now_ms.saturating_sub(since_ms) > timeout_ms;
        let mut late = Vec::new();
        for (&peer, replica) in &self.replicas {
            let what = match replica.stage {
                Stage::Online { .. } if !replica.is_silent && is_late(replica.acked_ms) => {
                    "streaming sync"
                }
                Stage::Sending(_) if is_late(replica.moved_ms) => "full sync",
                Stage::Making(_) if is_late(replica.moved_ms.max(replica.acked_ms)) => {
                    // A file is being written; its replicas have nothing to read yet.
                    match replica.snapshot() == self.snapshot_id_of_file() {
                        true => continue,
                        false => "full sync",
                    }
                }
                _ => continue,
            };
            late.push((peer, what, replica.name()));
        }
        if flawed!(self, NeverTimeOut) {
            return;
        }
        for (peer, what, name) in late {
            let line = format!("Disconnecting timedout replica ({what}): {name}");
            self.log(Level::Warning, line, out);
            self.drop_replica(peer, out);
        }
    }
}
