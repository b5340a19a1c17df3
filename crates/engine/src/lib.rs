//! Redis without sockets: session in, reply and effects out.
//!
//! ```text
//!   server ─▶ Engine::connect ─▶ Session
//!   server ─▶ Engine::run(session, requests) ─▶ replies, Progress
//!                 │
//!                 ├─ gates      every reason to refuse, in order
//!                 ├─ keyspace   locks of the declared keys, ascending, once
//!                 ├─ handler    from the command table
//!                 └─ log        effects, before the locks are given back
//! ```
//!
//! The engine knows a command's flags, never its name, and nothing of sockets, files or clocks:
//! what it needs from outside it asks of a [`Host`].

#![forbid(unsafe_code)]

pub mod args;
pub mod blocking;
pub mod clients;
pub mod cluster;
pub mod command;
mod configure;
pub mod context;
pub mod dispatch;
pub mod error;
mod eviction;
pub mod garbage;
mod gates;
pub mod host;
pub mod info;
pub mod intruder;
pub mod latency;
mod limits;
pub mod load;
pub mod log;
mod maintenance;
pub mod monitor;
mod observe;
pub mod pause;
pub mod persistence;
pub mod pubsub;
pub mod replication;
pub mod reply;
pub mod session;
pub mod settings;
pub mod shutdown;
pub mod slowlog;
pub mod snapshot;
pub mod stats;
mod sync;
pub mod transaction;
pub mod wires;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use config::Config;
use datatypes::packed::HashSeed;
use keyspace::Keyspace;
use stdx::time::UnixMillis;

use blocking::Blocking;
use clients::{Client, Clients, Endpoints};
use cluster::Cluster;
use command::Table;
use eviction::Eviction;
use garbage::Garbage;
use host::Host;
use intruder::Intruders;
use latency::LatencyMonitor;
use log::Log;
use monitor::Monitors;
use pause::Pause;
use persistence::Persistence;
use pubsub::PubSub;
use replication::Standing;
use session::Session;
use settings::Settings;
use shutdown::Ending;
use slowlog::SlowLog;
use stats::Stats;
use sync::{AtomicU8, Mutex};
use wires::Wires;

pub use args::Args;
pub use command::{Access, Acl, Arity, Command, CommandResult, Family, KeySpec};
pub use context::Context;
pub use dispatch::{Progress, Worker};
pub use error::Error;
pub use maintenance::Maintenance;

/// The database: everything that all sessions share.
pub struct Engine {
    pub table: Table,
    pub keyspace: Keyspace,
    pub config: Settings,
    /// Held by whoever replaces the configuration, so that no change is lost.
    changing_config: Mutex<()>,
    pub host: Box<dyn Host>,
    pub log: Log,
    pub clients: Clients,
    pub stats: Stats,
    pub slowlog: SlowLog,
    pub latency: LatencyMonitor,
    pub monitors: Monitors,
    pub pause: Pause,
    /// A shutdown that waits for replicas.
    pub ending: Ending,
    pub blocking: Blocking,
    pub pubsub: PubSub,
    /// The key of the hashes of all collections.
    pub hash_seed: HashSeed,
    pub intruders: Intruders,
    pub garbage: Garbage,
    eviction: Eviction,
    pub persistence: Persistence,
    /// What commands must know of the node's role.
    pub standing: Standing,
    /// What commands must know of the cluster that the node is one of.
    pub cluster: Cluster,
    /// Whether a snapshot is being taken: there is one at a time.
    snapshot_taken: AtomicU8,
    pub switches: maintenance::Switches,
    /// Connections to other servers that nobody uses now.
    wires: Wires,
    /// Forty hexadecimal digits, new at every start.
    pub run_id: String,
    pub started_ms: i64,
}

/// Going through more elements than this takes a millisecond or more.
const LONG_ELEMENTS: usize = 5_000;

impl Engine {
    /// `seed` is secret and new at every start: it hashes keys and names the run.
    pub fn new(table: Table, config: Config, host: Box<dyn Host>, seed: u64) -> Engine {
        let dbs = u16::try_from(config.process.databases).expect("limits of the directive");
        let mut prng = stdx::prng::Prng::new(seed);
        let mut digit = || char::from(b"0123456789abcdef"[prng.below(16) as usize]);
        let run_id = (0..40).map(|_| digit()).collect();
        let commands = table.all().len();
        let cluster = Cluster::new(config.cluster.enabled);
        let started_ms = host.unix_micros() / 1000;
        let engine = Engine {
            keyspace: Keyspace::new(dbs, prng.next_u64()),
            run_id,
            started_ms,
            table,
            config: Settings::new(config),
            changing_config: Mutex::default(),
            host,
            log: Log::default(),
            clients: Clients::default(),
            stats: Stats::new(commands),
            slowlog: SlowLog::default(),
            latency: LatencyMonitor::default(),
            monitors: Monitors::default(),
            pause: Pause::default(),
            ending: Ending::default(),
            blocking: Blocking::default(),
            pubsub: PubSub::default(),
            hash_seed: HashSeed(prng.next_u64()),
            intruders: Intruders::default(),
            garbage: Garbage::default(),
            eviction: Eviction::default(),
            persistence: Persistence::new(UnixMillis(started_ms)),
            standing: Standing::default(),
            cluster,
            snapshot_taken: AtomicU8::default(),
            switches: maintenance::Switches::default(),
            wires: Wires::default(),
        };
        engine.judge_replicas(&engine.config.load());
        engine
    }

    /// Runs what goes through so many elements: if they are many, without keeping other sessions
    /// waiting, unless it is for the same keys.
    ///
    /// For a command whose size only its values tell. One that is always long says so by its flag.
    pub fn run_sized<R>(&self, elements: usize, run: impl FnOnce() -> R) -> R {
        if elements <= LONG_ELEMENTS {
            return run();
        }
        let (mut run, mut result) = (Some(run), None);
        self.host
            .run_long(&mut || result = run.take().map(|run| run()));
        result.expect("the host runs it once")
    }

    pub fn now(&self) -> UnixMillis {
        UnixMillis(self.host.unix_micros() / 1000)
    }

    /// Begins a session.
    pub fn connect(&self, endpoints: Endpoints) -> Session {
        let (id, tally) = (self.clients.next_id(), Arc::clone(&self.clients.tally));
        let client = Arc::new(Client::new(id, endpoints, self.now().0, tally));
        self.clients.add(Arc::clone(&client));
        self.stats.connections.fetch_add(1, Ordering::Relaxed);
        Session::new(client, self.config.load().security.password.is_empty())
    }

    /// Has a connection closed. It counts as gone at once, and waits for nothing any more. Returns
    /// whether it was there.
    pub fn kill(&self, client: &Client) -> bool {
        let was_there = self.clients.kill(client);
        self.blocking.abandon(client);
        was_there
    }

    /// Ends a session.
    pub fn disconnect(&self, session: &mut Session) {
        self.clients.remove(session.client.id);
        self.monitors.remove(&session.client);
        self.leave_replication(&session.client);
        self.pause.forget(&session.client);
        self.forget_blocked(session);
        self.pubsub.leave(session);
        if session.watched.is_some() {
            transaction::forget_watched(&self.keyspace, self, session);
        }
    }
}
