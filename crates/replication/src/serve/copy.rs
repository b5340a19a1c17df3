//! Full copies: when one begins, who shares it, and what comes after it.

use crate::flaw::flawed;
use crate::frames;
use crate::input::View;
use crate::machine::{Machine, Snapshot};
use crate::output::{Level, Output, Parts, Target};
use crate::serve::Stage;
use crate::{PeerId, SnapshotId};

impl Machine {
    pub(crate) fn snapshot_id_of_file(&self) -> Option<SnapshotId> {
        let snapshot = self.snapshot.as_ref()?;
        (snapshot.target == Target::File).then_some(snapshot.id)
    }

    /// Has a replica share the snapshot under way, if that is a file and what it wants.
    pub(crate) fn join_snapshot(&mut self, view: &View, peer: PeerId, out: &mut Vec<Output>) {
        let Some(snapshot) = &self.snapshot else {
            self.begin_snapshot(view, out);
            return;
        };
        let (id, offset) = (snapshot.id, snapshot.offset);
        let (is_file, len) = (snapshot.target == Target::File, snapshot.len);
        let parts = snapshot.parts;
        let replica = self
            .replicas
            .get_mut(&peer)
            .expect("the peer has just asked");
        if !is_file {
            let line = "Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC";
            self.log(Level::Notice, line, out);
            return;
        }
        if replica.parts != parts {
            let line = "Can't attach the replica to the current BGSAVE. \
                        Waiting for next BGSAVE for SYNC";
            self.log(Level::Notice, line, out);
            return;
        }
        replica.stage = Stage::Making(id);
        replica.moved_ms = view.now_ms;
        replica.sent = view.log.end;
        self.log(Level::Notice, "Waiting for end of BGSAVE for SYNC", out);
        match offset {
            Some(offset) if offset < view.log.start => {
                // The log has moved on: this copy cannot be completed any more.
                let replica = self.replicas.get_mut(&peer).expect("it is here, see above");
                let since_ms = view.now_ms;
                replica.stage = Stage::Waiting { since_ms };
            }
            Some(offset) => {
                self.begin_copy(view, peer, offset, out);
                if let Some(len) = len {
                    self.send_file_to(view, peer, id, len, out);
                }
            }
            None => {}
        }
    }

    /// Begins a snapshot for those who wait, when it is time.
    pub(crate) fn begin_snapshot(&mut self, view: &View, out: &mut Vec<Output>) {
        if self.snapshot.is_some() {
            return;
        }
        let waiting = self.waiting(view.now_ms);
        let Some(&(first, _)) = waiting.first() else {
            return;
        };
        let parts = self.replicas[&first].parts;
        let (diskless, delay_ms) = (self.settings.diskless_sync, self.settings.diskless_delay_ms);
        let is_alike = |peer: &PeerId| self.replicas[peer].parts == parts;
        let alike = waiting
            .iter()
            .filter(|(peer, _)| is_alike(peer))
            .collect::<Vec<_>>();
        let waited_ms = alike.iter().map(|(_, waited_ms)| *waited_ms).max();
        let all_eof = alike.iter().all(|(peer, _)| self.replicas[peer].can_eof);
        let sockets = all_eof && (diskless || parts != Parts::ALL);
        let enough = self.settings.diskless_replicas;
        if sockets && waited_ms < Some(delay_ms) && (enough == 0 || alike.len() < enough) {
            return;
        }
        let peers = alike.into_iter().map(|(peer, _)| *peer).collect::<Vec<_>>();
        let target = match sockets {
            true => self.draw_stream(&peers),
            false => Target::File,
        };
        self.take_snapshot(view, &peers, target, out);
    }

    /// A snapshot for sockets carries the log if all who share it can take that.
    fn draw_stream(&mut self, peers: &[PeerId]) -> Target {
        let can_carry = |peer: &PeerId| {
            let replica = &self.replicas[peer];
            replica.can_carry && !replica.is_silent && !replica.rdb_only
        };
        let is_whole = self.replicas[&peers[0]].parts == Parts::ALL;
        if is_whole && peers.iter().all(can_carry) {
            return Target::WithLog;
        }
        let id = self.draw_id();
        let mark = id.as_str().as_bytes().first_chunk();
        Target::Sockets {
            mark: *mark.expect("an id is as long"),
        }
    }

    fn take_snapshot(
        &mut self,
        view: &View,
        peers: &[PeerId],
        target: Target,
        out: &mut Vec<Output>,
    ) {
        self.snapshots_made += 1;
        let id = SnapshotId(self.snapshots_made);
        let parts = self.replicas[&peers[0]].parts;
        for peer in peers {
            let replica = self.replicas.get_mut(peer).expect("it waits");
            replica.stage = Stage::Making(id);
            replica.moved_ms = view.now_ms;
            // Nothing of the log is unread before the copy is taken.
            replica.sent = view.log.end;
        }
        let name = match target {
            Target::Sockets { .. } | Target::WithLog => "replicas sockets",
            Target::File => "disk",
        };
        let line = format!("Starting BGSAVE for SYNC with target: {name}");
        self.log(Level::Notice, line, out);
        out.push(Output::TakeSnapshot {
            snapshot: id,
            target,
            parts,
        });
        self.snapshot = Some(Snapshot {
            id,
            target,
            parts,
            offset: None,
            len: None,
        });
    }

    /// Who waits and may be served, and for how long.
    fn waiting(&self, now_ms: u64) -> Vec<(PeerId, u64)> {
        let waited = |(&peer, replica): (&PeerId, &super::Replica)| match replica.stage {
            Stage::Waiting { since_ms } => {
                let allowed = self.overflows.allowed_ms(&replica.name()) <= now_ms;
                allowed.then(|| (peer, now_ms.saturating_sub(since_ms)))
            }
            _ => None,
        };
        self.replicas.iter().filter_map(waited).collect()
    }

    fn makers(&self, id: SnapshotId) -> Vec<PeerId> {
        let shares = |stage: Stage| stage == Stage::Making(id);
        let sharing = self
            .replicas
            .iter()
            .filter(|(_, replica)| shares(replica.stage));
        sharing.map(|(peer, _)| *peer).collect()
    }

    /// The snapshot is taken: everybody who shares it learns where the log goes on.
    pub(crate) fn begin_copies(
        &mut self,
        view: &View,
        id: SnapshotId,
        offset: u64,
        out: &mut Vec<Output>,
    ) {
        let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.id == id) else {
            out.push(Output::CancelSnapshot { snapshot: id });
            return;
        };
        snapshot.offset = Some(offset);
        let target = snapshot.target;
        for peer in self.makers(id) {
            self.begin_copy(view, peer, offset, out);
            let bytes = match target {
                Target::Sockets { mark } => [b"$EOF:", &mark[..], b"\r\n"].concat(),
                Target::WithLog => format!("{}\r\n", frames::LINE).into_bytes(),
                Target::File => continue,
            };
            out.push(Output::Send { peer, bytes });
            out.push(Output::SendSnapshot { peer, snapshot: id });
        }
    }

    fn begin_copy(&mut self, view: &View, peer: PeerId, offset: u64, out: &mut Vec<Output>) {
        let id = self.history.id;
        let snapshot = self.snapshot.as_ref();
        let is_carrying = snapshot.is_some_and(|snapshot| snapshot.target == Target::WithLog);
        let from = match flawed!(self, FeedFromEnd) {
            true => view.log.end,
            false => offset,
        };
        let replica = self
            .replicas
            .get_mut(&peer)
            .expect("it shares the snapshot");
        replica.sent = offset;
        replica.moved_ms = view.now_ms;
        replica.acked_ms = view.now_ms;
        replica.is_carrying = is_carrying;
        out.push(Output::Hold { peer, from });
        if !replica.is_silent {
            let bytes = format!("+FULLRESYNC {id} {offset}\r\n").into_bytes();
            out.push(Output::Send { peer, bytes });
        }
    }

    pub(crate) fn send_file(
        &mut self,
        view: &View,
        id: SnapshotId,
        len: u64,
        out: &mut Vec<Output>,
    ) {
        if let Some(snapshot) = self.snapshot.as_mut().filter(|snapshot| snapshot.id == id) {
            snapshot.len = Some(len);
            for peer in self.makers(id) {
                self.send_file_to(view, peer, id, len, out);
            }
        }
    }

    fn send_file_to(
        &mut self,
        view: &View,
        peer: PeerId,
        snapshot: SnapshotId,
        len: u64,
        out: &mut Vec<Output>,
    ) {
        let replica = self
            .replicas
            .get_mut(&peer)
            .expect("it shares the snapshot");
        replica.stage = Stage::Sending(snapshot);
        replica.moved_ms = view.now_ms;
        let bytes = format!("${len}\r\n").into_bytes();
        out.push(Output::Send { peer, bytes });
        out.push(Output::SendSnapshot { peer, snapshot });
    }

    /// A replica has been sent all: the log comes next. Behind a copy that ends with a mark nothing
    /// may follow before the replica has found it, and said so.
    pub(crate) fn finish_copy(&mut self, view: &View, peer: PeerId, out: &mut Vec<Output>) {
        let Some(replica) = self.replicas.get_mut(&peer) else {
            return;
        };
        let knows_end = match replica.stage {
            Stage::Sending(_) => true,
            Stage::Making(_) => replica.is_carrying,
            Stage::Known | Stage::Waiting { .. } | Stage::Online { .. } => return,
        };
        let name = replica.name();
        if replica.rdb_only {
            let line = format!(
                "RDB transfer completed, rdb only replica ({name}) should be disconnected asap"
            );
            self.log(Level::Notice, line, out);
            self.drop_replica(peer, out);
            return;
        }
        let is_fed = knows_end;
        replica.copied_by = replica.snapshot();
        replica.stage = Stage::Online { is_fed };
        replica.acked_ms = view.now_ms;
        if knows_end {
            out.push(Output::Feed { peer });
        } else {
            let line = format!(
                "Streamed RDB transfer with replica {name} succeeded (socket). \
                 Waiting for REPLCONF ACK from slave to enable streaming"
            );
            self.log(Level::Notice, line, out);
        }
        let line = format!("Synchronization with replica {name} succeeded");
        self.log(Level::Notice, line, out);
        self.drop_idle_snapshot(out);
    }

    pub(crate) fn end_snapshot(&mut self, id: SnapshotId, out: &mut Vec<Output>) {
        if let Some(snapshot) = self.snapshot.take_if(|snapshot| snapshot.id == id) {
            self.log_end_of_stream(&snapshot, out);
        }
    }

    /// Tells the operator that all of a snapshot for sockets was made, and for how many, or that
    /// nobody is left to read it.
    fn log_end_of_stream(&self, snapshot: &Snapshot, out: &mut Vec<Output>) {
        if snapshot.target == Target::File || snapshot.offset.is_none() {
            return;
        }
        let has_it = |replica: &&super::Replica| {
            replica.snapshot() == Some(snapshot.id) || replica.copied_by == Some(snapshot.id)
        };
        let line = match self.replicas.values().filter(has_it).count() {
            0 => "Diskless rdb transfer, last replica dropped, killing fork child.".to_owned(),
            count => {
                format!("Diskless rdb transfer, done reading from pipe, {count} replicas still up.")
            }
        };
        self.log(Level::Warning, line, out);
    }

    pub(crate) fn fail_snapshot(&mut self, id: SnapshotId, out: &mut Vec<Output>) {
        if self
            .snapshot
            .take_if(|snapshot| snapshot.id == id)
            .is_none()
        {
            return;
        }
        let line = "SYNC failed. The snapshot for replicas could not be made";
        self.log(Level::Warning, line, out);
        let sharing = self
            .replicas
            .iter()
            .filter(|(_, replica)| replica.snapshot() == Some(id));
        for peer in sharing.map(|(peer, _)| *peer).collect::<Vec<_>>() {
            self.drop_replica(peer, out);
        }
    }

    /// Calls off a snapshot that nobody shares any longer.
    pub(crate) fn drop_idle_snapshot(&mut self, out: &mut Vec<Output>) {
        let shared = |id: SnapshotId| {
            let mut replicas = self.replicas.values();
            replicas.any(|replica| replica.snapshot() == Some(id))
        };
        if let Some(snapshot) = self.snapshot.take_if(|snapshot| !shared(snapshot.id)) {
            self.log_end_of_stream(&snapshot, out);
            out.push(Output::CancelSnapshot {
                snapshot: snapshot.id,
            });
        }
    }
}
