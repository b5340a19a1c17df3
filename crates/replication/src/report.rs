//! What `INFO replication` and `ROLE` tell, and what gates ask.

use std::fmt::Write;

use crate::follow::{Following, State};
use crate::identity::ReplicationId;
use crate::input::View;
use crate::machine::{Machine, Snapshot};
use crate::serve::{Replica, Stage};
use crate::settings::Primary;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Primary,
    Replica,
}

/// How a replica stands to its primary, as `ROLE` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Connect,
    Connecting,
    Handshake,
    Sync,
    Connected,
}

impl LinkState {
    pub fn as_str(self) -> &'static str {
        match self {
            LinkState::Connect => "connect",
            LinkState::Connecting => "connecting",
            LinkState::Handshake => "handshake",
            LinkState::Sync => "sync",
            LinkState::Connected => "connected",
        }
    }
}

/// A replica, as `ROLE`, `SHUTDOWN` and `WAITAOF` look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnlineReplica<'a> {
    pub ip: &'a str,
    pub port: i64,
    /// The offset it has confirmed.
    pub acked: u64,
    /// The offset it has confirmed to be on its disk.
    pub fsynced: u64,
    acked_ms: u64,
}

impl OnlineReplica<'_> {
    /// Since when it has confirmed nothing.
    pub fn lag_seconds(&self, view: &View) -> u64 {
        view.now_ms.saturating_sub(self.acked_ms) / 1000
    }
}

impl Following {
    fn link_state(&self) -> LinkState {
        match self.state {
            State::Idle { .. } => LinkState::Connect,
            State::Connecting => LinkState::Connecting,
            State::Greeting(_) => LinkState::Handshake,
            State::Announced(..) | State::Copying(_) | State::Inspecting(_) | State::Loading(_) => {
                LinkState::Sync
            }
            State::Online => LinkState::Connected,
        }
    }
}

impl Replica {
    fn state_name(&self) -> &'static str {
        match self.stage {
            Stage::Known | Stage::Waiting { .. } | Stage::Making(_) => "wait_bgsave",
            Stage::Sending(_) => "send_bulk",
            Stage::Online { .. } => "online",
        }
    }
}

/// Writes `name:value` and the line's end.
macro_rules! field {
    ($text:expr, $name:literal, $value:expr) => {
        write!($text, concat!($name, ":{}\r\n"), $value).expect("a string takes all")
    };
}

impl Machine {
    pub fn role(&self) -> Role {
        match self.following {
            Some(_) => Role::Replica,
            None => Role::Primary,
        }
    }

    /// Whether `REPLICAOF` names whom this node follows already.
    pub fn follows(&self, primary: &Primary) -> bool {
        let following = self.following.as_ref();
        following.is_some_and(|following| following.primary == *primary)
    }

    /// How this node stands to its primary, if it has one.
    pub fn link_state(&self) -> Option<LinkState> {
        self.following.as_ref().map(Following::link_state)
    }

    /// When the primary's stream last brought anything, if it is followed.
    pub fn heard_ms(&self) -> Option<u64> {
        let following = self.following.as_ref();
        let online = following.filter(|following| following.is_online());
        online.map(|following| following.heard_ms)
    }

    /// Since when a replica follows no stream; nothing if it never did.
    pub fn down_since_ms(&self) -> Option<u64> {
        self.following.as_ref()?.down_since_ms
    }

    /// The name that a saved data set is given, if it is exactly this node's history up to the
    /// log's end. Without a log nobody else can know the name, and writes have left no trace.
    pub fn name_to_save(&self) -> Option<ReplicationId> {
        let is_whole = self
            .following
            .as_ref()
            .is_none_or(|following| following.resumes);
        (self.keeps_log && is_whole).then_some(self.history.id)
    }

    /// Whether a snapshot for replicas is under way.
    pub fn makes_copy(&self) -> bool {
        let is_made = |snapshot: &Snapshot| snapshot.len.is_none();
        self.snapshot.as_ref().is_some_and(is_made)
    }

    /// Replicas that have their copy, in the order they came.
    pub fn online_replicas(&self) -> impl Iterator<Item = OnlineReplica<'_>> {
        let is_online = |replica: &&Replica| matches!(replica.stage, Stage::Online { .. });
        self.replicas
            .values()
            .filter(is_online)
            .map(|replica| OnlineReplica {
                ip: replica.ip(),
                port: replica.port,
                acked: replica.acked,
                fsynced: replica.fsynced,
                acked_ms: replica.acked_ms,
            })
    }

    /// The reply of `ROLE`, in RESP2, which RESP3 shares here.
    pub fn role_reply(&self, view: &View) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = resp::reply::Encoder {
            out: &mut bytes,
            protocol: resp::Protocol::Resp2,
        };
        let Some(following) = &self.following else {
            encoder.array(3);
            encoder.bulk(b"master");
            encoder.integer(view.log.end as i64);
            let replicas = self.online_replicas().collect::<Vec<_>>();
            encoder.array(replicas.len());
            for replica in replicas {
                encoder.array(3);
                encoder.bulk(replica.ip.as_bytes());
                encoder.bulk(replica.port.to_string().as_bytes());
                encoder.bulk(replica.acked.to_string().as_bytes());
            }
            return bytes;
        };
        encoder.array(5);
        encoder.bulk(b"slave");
        encoder.bulk(following.primary.host.as_bytes());
        encoder.integer(i64::from(following.primary.port));
        encoder.bulk(following.link_state().as_str().as_bytes());
        encoder.integer(match following.is_online() {
            true => view.log.end as i64,
            false => -1,
        });
        bytes
    }

    /// The lines of `INFO replication` below its title.
    pub fn info(&self, view: &View) -> String {
        let mut text = String::new();
        match &self.following {
            None => text.push_str("role:master\r\n"),
            Some(following) => self.write_following(view, following, &mut text),
        }
        self.write_replicas(view, &mut text);
        let failover = match self.failover.as_ref().map(|failover| failover.asked) {
            None => "no-failover",
            Some(None) => "waiting-for-sync",
            Some(Some(_)) => "failover-in-progress",
        };
        field!(text, "master_failover_state", failover);
        let second = self.history.second;
        field!(text, "master_replid", self.history.id);
        field!(
            text,
            "master_replid2",
            second.map_or(ReplicationId::NONE, |second| second.id)
        );
        field!(text, "master_repl_offset", view.log.end);
        field!(
            text,
            "second_repl_offset",
            second.map_or(-1, |second| second.limit as i64)
        );
        let (first, len) = match self.keeps_log {
            true => (view.log.start + 1, view.log.end - view.log.start),
            false => (0, 0),
        };
        field!(text, "repl_backlog_active", u8::from(self.keeps_log));
        field!(text, "repl_backlog_size", self.settings.backlog_bytes);
        field!(text, "repl_backlog_first_byte_offset", first);
        field!(text, "repl_backlog_histlen", len);
        text
    }

    fn write_following(&self, view: &View, following: &Following, text: &mut String) {
        let since = |at_ms: u64| (view.now_ms.saturating_sub(at_ms) / 1000) as i64;
        let online = following.is_online();
        let state = following.link_state();
        text.push_str("role:slave\r\n");
        field!(text, "master_host", following.primary.host);
        field!(text, "master_port", following.primary.port);
        field!(
            text,
            "master_link_status",
            if online { "up" } else { "down" }
        );
        let heard = if online {
            since(following.heard_ms)
        } else {
            -1
        };
        field!(text, "master_last_io_seconds_ago", heard);
        field!(
            text,
            "master_sync_in_progress",
            u8::from(state == LinkState::Sync)
        );
        let read = match online {
            true => following.read.max(view.log.end),
            false => view.log.end,
        };
        field!(text, "slave_read_repl_offset", read);
        field!(text, "slave_repl_offset", view.log.end);
        if let State::Copying(copy) | State::Inspecting(copy) | State::Loading(copy) =
            &following.state
        {
            let total = copy.len().unwrap_or(0);
            let percent = match total {
                0 => 0.0,
                total => copy.read as f64 * 100.0 / total as f64,
            };
            field!(text, "master_sync_total_bytes", total);
            field!(text, "master_sync_read_bytes", copy.read);
            field!(
                text,
                "master_sync_left_bytes",
                total as i64 - copy.read as i64
            );
            field!(text, "master_sync_perc", format_args!("{percent:.2}"));
            field!(
                text,
                "master_sync_last_io_seconds_ago",
                since(following.heard_ms)
            );
        }
        if !online {
            let down = following.down_since_ms.map_or(-1, since);
            field!(text, "master_link_down_since_seconds", down);
        }
        if following.refused_empty {
            field!(text, "master_sync_refused", "empty-master");
        }
        field!(text, "slave_priority", self.settings.priority);
        field!(text, "slave_read_only", u8::from(self.settings.read_only));
        field!(text, "replica_announced", u8::from(self.settings.announced));
    }

    fn write_replicas(&self, view: &View, text: &mut String) {
        let listed = self.replicas.values().filter(|replica| replica.is_listed());
        let listed = listed.collect::<Vec<_>>();
        field!(text, "connected_slaves", listed.len());
        if self.settings.replicas_to_write > 0 && self.settings.lag_max_ms > 0 {
            let good = self.count_good_replicas(view.now_ms);
            field!(text, "min_slaves_good_slaves", good);
        }
        for (index, replica) in listed.iter().enumerate() {
            let lag = match replica.stage {
                Stage::Online { .. } => view.now_ms.saturating_sub(replica.acked_ms) / 1000,
                _ => 0,
            };
            write!(
                text,
                "slave{index}:ip={},port={},state={},offset={},lag={lag}\r\n",
                replica.ip(),
                replica.port,
                replica.state_name(),
                replica.acked
            )
            .expect("a string takes all");
        }
    }
}
