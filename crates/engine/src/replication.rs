//! The node among others, as far as commands feel it: its role, and who waits for replicas.
//!
//! What is decided is the machine's (crate `replication`), behind the [`Host`](crate::host::Host).
//! It is asked by [`Host::replicate`](crate::host::Host::replicate), and whoever performs what it
//! says tells the engine here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::replication::{Counter, Input, PeerId, Role};
use config::Config;

use crate::Engine;
use crate::clients::{Client, ClientFlags, Request};
use crate::context::Context;
use crate::host::LogLevel;
use crate::reply::Done;
use crate::sync::{AtomicU8, AtomicU32};

pub(crate) use confirm::{Confirmation, Held};
pub use own::OwnKeys;
pub(crate) use stream::Verbatim;
pub use stream::{Malformed, Stream};

mod confirm;
mod own;
mod stream;

/// What commands must know of the node's role, in one byte.
#[derive(Debug, Default)]
pub struct Standing {
    bits: AtomicU8,
    good_replicas: AtomicU32,
    /// Bytes of the primary's log that wait until its copy is loaded.
    pub carried_bytes: AtomicU64,
    pub syncs: Syncs,
    pub own_keys: OwnKeys,
}

/// What was counted of replication since the start, or since `CONFIG RESETSTAT`.
#[derive(Debug, Default)]
pub struct Syncs {
    pub full: AtomicU64,
    pub partial: AtomicU64,
    /// Requests to go on that had to become full copies.
    pub partial_refused: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
}

impl Syncs {
    pub fn reset(&self) {
        let counters = [
            &self.full,
            &self.partial,
            &self.partial_refused,
            &self.bytes_in,
            &self.bytes_out,
        ];
        counters
            .iter()
            .for_each(|counter| counter.store(0, Ordering::Relaxed));
    }
}

/// Facts about the node's role that gates ask for, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits(u8);

impl Limits {
    pub const NONE: Limits = Limits(0);
    /// Writes are the primary's.
    pub const REPLICA: Limits = Limits(1);
    /// The data may be old: there is a primary, and no link to it.
    pub const LINK_DOWN: Limits = Limits(1 << 1);
    /// Fewer replicas confirm than must for writes.
    pub const FEW_REPLICAS: Limits = Limits(1 << 2);

    #[inline]
    pub fn has(self, any: Limits) -> bool {
        self.0 & any.0 != 0
    }
}

impl Standing {
    #[inline]
    pub fn limits(&self) -> Limits {
        Limits(self.bits.load(Ordering::Acquire))
    }

    #[inline]
    pub fn is_replica(&self) -> bool {
        self.limits().has(Limits::REPLICA)
    }

    fn limit(&self, limit: Limits, is_there: bool) {
        match is_there {
            true => self.bits.fetch_or(limit.0, Ordering::AcqRel),
            false => self.bits.fetch_and(!limit.0, Ordering::AcqRel),
        };
    }
}

/// What the machine's outputs mean for commands.
impl Engine {
    /// The node has this role from now on. Every lock is held, unless writes wait anyway.
    pub fn take_role(&self, role: Role) {
        let is_replica = role == Role::Replica;
        self.log.follow(is_replica);
        self.standing.limit(Limits::REPLICA, is_replica);
        if is_replica {
            self.blocking.dismiss();
        } else {
            self.standing.limit(Limits::LINK_DOWN, false);
            self.standing.own_keys.forget();
        }
        self.judge_replicas(&self.config.load());
    }

    /// Whether the link to the primary stands and brings its stream. Of no matter to a primary.
    pub fn note_link(&self, is_up: bool) {
        let is_down = !is_up && self.standing.is_replica();
        // Every command looks at these bits: who only repeats them must not write them.
        if self.standing.limits().has(Limits::LINK_DOWN) != is_down {
            self.standing.limit(Limits::LINK_DOWN, is_down);
        }
    }

    /// So many replicas confirm in time.
    pub fn note_good_replicas(&self, count: u32) {
        self.standing.good_replicas.store(count, Ordering::Release);
        self.judge_replicas(&self.config.load());
    }

    /// Whether enough replicas confirm for writes to be accepted.
    pub(crate) fn judge_replicas(&self, config: &Config) {
        let replication = &config.replication;
        let needed = match replication.replicas_lag_max {
            0 => 0,
            _ => replication.replicas_to_write,
        };
        let good = self.standing.good_replicas.load(Ordering::Acquire);
        let are_few = good < needed && !self.standing.is_replica();
        self.standing.limit(Limits::FEW_REPLICAS, are_few);
    }

    pub fn count_sync(&self, counter: Counter) {
        let syncs = &self.standing.syncs;
        let counter = match counter {
            Counter::FullSync => &syncs.full,
            Counter::PartialSync => &syncs.partial,
            Counter::PartialRefused => &syncs.partial_refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A session is a replica's from now on: its output counts in that class, and its commands are
    /// not answered.
    pub fn enlist(&self, client: &Arc<Client>) {
        client.set_no_evict(true);
        client.set(ClientFlags::REPLICA, true);
    }

    /// Ends the session of a replica that was answered: the answer would stand in what it follows.
    #[cold]
    pub(crate) fn drop_talking_replica(&self, client: &Arc<Client>, name: &str, reply: &[u8]) {
        let mut line = format!("Replica generated a reply to command '{name}', disconnecting it: ");
        self.describe(client, Request::default(), &mut line);
        self.host.log(LogLevel::Warning, &line);
        if let Some(error) = reply.strip_prefix(b"-") {
            let text = String::from_utf8_lossy(error.trim_ascii_end());
            let text = text.strip_prefix("ERR ").unwrap_or(&text);
            let line = format!(
                "== CRITICAL == This master is sending an error to its replica: '{text}' after \
                 processing the command '{name}'"
            );
            self.host.log(LogLevel::Warning, &line);
        }
        self.kill(client);
    }

    /// A session ends. Replication is told if it ever spoke of it.
    pub(crate) fn leave_replication(&self, client: &Client) {
        if client.has(ClientFlags::REPLICATES) {
            let peer = client.peer();
            let nobody_hears = &mut Vec::new();
            self.host
                .replicate(self, Input::Gone { peer }, nobody_hears);
        }
    }
}

impl Context<'_> {
    /// Tells replication what this session asks. What it is sent at once is its reply.
    pub fn replicate(&mut self, input: Input<'_>) -> Done {
        self.session.client.set(ClientFlags::REPLICATES, true);
        let engine = self.engine;
        engine.host.replicate(engine, input, self.reply.buffer());
        self.reply.nothing()
    }
}

impl Client {
    /// How the replication machine calls the session.
    pub fn peer(&self) -> PeerId {
        PeerId(self.id.0)
    }
}
