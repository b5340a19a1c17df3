//! The machine: its parts, and the way of each input to one of them.

use std::collections::BTreeMap;

use stdx::prng::Prng;

use crate::failover::Failover;
use crate::flaw::flawed;
use crate::follow::Following;
use crate::identity::{History, ReplicationId};
use crate::input::{Input, View};
use crate::output::{Counter, Level, Output, Parts, Target};
use crate::report::Role;
use crate::serve::{Overflows, Replica, Stage};
use crate::settings::{Primary, Settings};
use crate::wait::{Waiter, Wanted};
use crate::{PeerId, SnapshotId};

/// How often time-outs, acknowledgements and waiting copies are looked after.
pub(crate) const PERIOD_MS: u64 = 1000;

/// How often a failover is looked after, besides by every acknowledgement.
const FAILOVER_PERIOD_MS: u64 = 100;

/// What a node knows of its past when it starts.
#[derive(Clone, Debug, Default)]
pub struct Born {
    /// The name of the data that was loaded, if it is exactly the history up to the log's end.
    pub id: Option<ReplicationId>,
    /// Whom the configuration says to follow.
    pub primary: Option<Primary>,
}

/// A snapshot that is made for replicas.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub id: SnapshotId,
    pub target: Target,
    pub parts: Parts,
    /// Where it was taken, once it was.
    pub offset: Option<u64>,
    /// Of a file, once it is written.
    pub len: Option<u64>,
}

/// Replication of one node.
#[derive(Debug)]
pub struct Machine {
    pub(crate) settings: Settings,
    prng: [Prng; 2],
    pub(crate) history: History,
    /// Whether the log is kept, so that all changes are in it.
    pub(crate) keeps_log: bool,
    /// Sessions that replicate from this node, or have said that they will.
    pub(crate) replicas: BTreeMap<PeerId, Replica>,
    pub(crate) overflows: Overflows,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) snapshots_made: u64,
    pub(crate) waiters: Vec<Waiter>,
    /// Where the log ended when replicas were last asked how far they are.
    pub(crate) asked_at: Option<u64>,
    pub(crate) following: Option<Following>,
    pub(crate) links_made: u64,
    pub(crate) failover: Option<Failover>,
    good_replicas: u32,
    next_period_ms: u64,
    /// When replicas were last pinged, or would have been.
    pinged_ms: Option<u64>,
    /// Since when no replica has been there.
    alone_since_ms: Option<u64>,
    #[cfg(any(test, feature = "flaws"))]
    pub(crate) flaw: Option<crate::flaw::Flaw>,
}

impl Machine {
    /// A node that starts. `seeds` are random; ids are drawn from them.
    pub fn new(settings: Settings, born: Born, seeds: [u64; 2], view: &View) -> Machine {
        let mut prng = seeds.map(Prng::new);
        let fresh = ReplicationId::draw(&mut prng);
        let (history, resumes) = match born.id {
            None => (History::of(fresh), false),
            // Replicas go on where they are; what is written from here on is another history.
            Some(id) if born.primary.is_none() => {
                (History::of(id).renamed(fresh, view.log.end), true)
            }
            Some(id) => (History::of(id), true),
        };
        let mut machine = Machine {
            settings,
            prng,
            history,
            keeps_log: born.id.is_some(),
            replicas: BTreeMap::new(),
            overflows: Overflows::default(),
            snapshot: None,
            snapshots_made: 0,
            waiters: Vec::new(),
            asked_at: None,
            following: None,
            links_made: 0,
            failover: None,
            good_replicas: 0,
            next_period_ms: view.now_ms,
            pinged_ms: None,
            alone_since_ms: Some(view.now_ms),
            #[cfg(any(test, feature = "flaws"))]
            flaw: None,
        };
        if let Some(primary) = born.primary {
            machine.following = Some(Following::restored(primary, resumes, view.now_ms));
        }
        machine
    }

    /// The same machine with a mistake.
    #[cfg(any(test, feature = "flaws"))]
    pub fn with_flaw(mut self, flaw: Option<crate::flaw::Flaw>) -> Machine {
        self.flaw = flaw;
        self
    }

    /// What a shell does once, before the first input: a history that peers may know is kept.
    pub fn start(&mut self, view: &View, out: &mut Vec<Output>) {
        if self.keeps_log {
            let bytes = self.settings.backlog_bytes;
            out.push(Output::KeepLog { bytes });
        }
        if self.following.is_some() {
            out.push(Output::Become(Role::Replica));
            self.advance_following(view, out);
        }
    }

    /// Takes in what happened, and says what is to be done.
    pub fn step(&mut self, view: &View, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Tick => {}
            Input::Configured(settings) => self.configure(settings, out),
            Input::Replconf { peer, words } => self.replconf(view, peer, words, out),
            Input::Psync {
                peer,
                words,
                address,
                owes_replies,
            } => self.psync(view, peer, words, (address, owes_replies), out),
            Input::Sync {
                peer,
                address,
                owes_replies,
            } => self.sync(view, peer, (address, owes_replies), out),
            Input::Newline { peer } => self.note_life(view, peer),
            Input::Sent { peer, offset } => self.note_sent(view, peer, offset, out),
            Input::SnapshotMoved { peer } => self.note_snapshot_moved(view, peer),
            Input::SnapshotSent { peer } => self.finish_copy(view, peer, out),
            Input::Gone { peer } => self.forget_peer(peer, out),
            Input::SnapshotTaken { snapshot, offset } => {
                self.begin_copies(view, snapshot, offset, out);
            }
            Input::SnapshotWritten { snapshot, len } => {
                self.send_file(view, snapshot, len, out);
            }
            Input::SnapshotDone { snapshot } => self.end_snapshot(snapshot, out),
            Input::SnapshotFailed { snapshot } => self.fail_snapshot(snapshot, out),
            Input::Wait {
                client,
                kind,
                offset,
                replicas,
                timeout_ms,
            } => {
                let wanted = Wanted {
                    client,
                    kind,
                    offset,
                    replicas,
                    timeout_ms,
                };
                self.wait(view, wanted, out);
            }
            Input::ReplicaOf { primary, by } => self.replica_of(view, primary, by, out),
            Input::Failover { client, request } => {
                self.request_failover(view, client, request, out)
            }
            Input::Connected { link } => self.connected(view, link, out),
            Input::FromPrimary { link, bytes } => self.take_from_primary(view, link, bytes, out),
            Input::LinkLost { link, why } => self.link_lost(view, link, why, out),
            Input::Applied { link, ack_asked } => self.applied(view, link, ack_asked, out),
            Input::Corrupt { link, what } => self.corrupt(view, link, what, out),
            Input::Inspected { link, is_empty } => self.inspected(view, link, is_empty, out),
            Input::Loaded { link, result } => self.loaded(view, link, result, out),
        }
        self.look_after(view, out);
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next_deadline(&self) -> u64 {
        let failover = self.failover.as_ref().map(|failover| failover.checked_ms);
        let deadlines = [
            Some(self.next_period_ms),
            failover.map(|checked_ms| checked_ms + FAILOVER_PERIOD_MS),
            self.waiters_deadline(),
            self.following.as_ref().and_then(Following::deadline),
        ];
        let soonest = deadlines.into_iter().flatten().min();
        soonest.expect("the period always has a next end")
    }

    /// What is to be done whenever time has passed.
    fn look_after(&mut self, view: &View, out: &mut Vec<Output>) {
        if self.next_period_ms <= view.now_ms {
            self.next_period_ms = view.now_ms + PERIOD_MS;
            self.look_after_replicas(view, out);
            self.look_after_primary(view, out);
            self.look_after_log(view, out);
        }
        self.advance_following(view, out);
        self.advance_failover(view, out);
        self.serve_waiters(view.now_ms, out);
        self.tell_good_replicas(view, out);
    }

    fn configure(&mut self, settings: Settings, out: &mut Vec<Output>) {
        let bytes = settings.backlog_bytes;
        if self.keeps_log && bytes != self.settings.backlog_bytes {
            out.push(Output::KeepLog { bytes });
        }
        self.settings = settings;
    }

    /// Pings replicas through the log, and frees the log when nobody has come back for long.
    fn look_after_log(&mut self, view: &View, out: &mut Vec<Output>) {
        let listened = self.replicas.values().any(Replica::is_listed);
        if listened || self.following.is_some() {
            self.alone_since_ms = None;
        } else {
            self.alone_since_ms.get_or_insert(view.now_ms);
        }
        let ttl_ms = self.settings.backlog_ttl_ms;
        let alone_ms = self
            .alone_since_ms
            .map(|since| view.now_ms.saturating_sub(since));
        if self.keeps_log && ttl_ms > 0 && alone_ms.is_some_and(|alone_ms| alone_ms > ttl_ms) {
            // What is written from here on is in no log: nobody may continue this history.
            self.keeps_log = false;
            if !flawed!(self, KeepNameOnFreshLog) {
                self.history = History::of(self.draw_id());
            }
            out.push(Output::FreeLog);
            let seconds = ttl_ms / 1000;
            self.log(
                Level::Notice,
                format!(
                    "Replication backlog freed after {seconds} seconds without connected replicas."
                ),
                out,
            );
        }
        let pings = self.following.is_none() && self.failover.is_none();
        let period_ms = self.settings.ping_period_ms;
        let is_long_ago = |pinged_ms: u64| view.now_ms.saturating_sub(pinged_ms) >= period_ms;
        if pings && self.pinged_ms.is_none_or(is_long_ago) {
            self.pinged_ms = Some(view.now_ms);
            if listened {
                out.push(Output::Append {
                    bytes: b"*1\r\n$4\r\nping\r\n",
                });
            }
        }
    }

    /// Has the log kept. What was written before was in no log, so it is another history.
    pub(crate) fn keep_log(&mut self, out: &mut Vec<Output>) {
        if self.keeps_log {
            return;
        }
        self.keeps_log = true;
        if !flawed!(self, KeepNameOnFreshLog) {
            self.history = History::of(self.draw_id());
        }
        let bytes = self.settings.backlog_bytes;
        out.push(Output::KeepLog { bytes });
        let (id, none) = (self.history.id, ReplicationId::NONE);
        self.log(
            Level::Notice,
            format!("Replication backlog created, my new replication IDs are '{id}' and '{none}'"),
            out,
        );
    }

    fn tell_good_replicas(&mut self, view: &View, out: &mut Vec<Output>) {
        let good = self.count_good_replicas(view.now_ms);
        if good != self.good_replicas {
            self.good_replicas = good;
            out.push(Output::GoodReplicas(good));
        }
    }

    pub(crate) fn count_good_replicas(&self, now_ms: u64) -> u32 {
        let lag_max_ms = self.settings.lag_max_ms;
        let is_good = |replica: &&Replica| {
            matches!(replica.stage, Stage::Online { .. })
                && now_ms.saturating_sub(replica.acked_ms) <= lag_max_ms
                && !self.is_left_behind(replica)
        };
        self.replicas.values().filter(is_good).count() as u32
    }

    fn forget_peer(&mut self, peer: PeerId, out: &mut Vec<Output>) {
        self.forget_waiter(peer);
        if let Some(replica) = self.replicas.remove(&peer)
            && replica.is_listed()
        {
            let line = format!("Connection with replica {} lost.", replica.name());
            self.log(Level::Warning, line, out);
            self.drop_idle_snapshot(out);
        }
    }

    pub(crate) fn draw_id(&mut self) -> ReplicationId {
        ReplicationId::draw(&mut self.prng)
    }

    pub(crate) fn log(&self, level: Level, line: impl Into<String>, out: &mut Vec<Output>) {
        let line = line.into();
        out.push(Output::Log { level, line });
    }

    pub(crate) fn count(&self, counter: Counter, out: &mut Vec<Output>) {
        out.push(Output::Count(counter));
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
