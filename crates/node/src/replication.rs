//! Replication performed: the machine behind one lock, and what its outputs mean for the engine,
//! the log and the files. Sockets are the [`Shell`]'s.
//!
//! ```text
//!   commands ── Host::replicate ──▶ ┌─────────────┐ ──▶ engine, log
//!   the link's task ── receive ───▶ │ Replication │ ──▶ Feed ──▶ a replica's socket
//!   a timer ── tick ──────────────▶ └─────────────┘ ──▶ Link, Work ──▶ the primary's socket
//!                                        │
//!                                        └─ Production: a snapshot, on a thread of its own
//! ```
//!
//! The machine's lock is taken last: whoever has it takes no lock of the keyspace. So what needs
//! those is not done by whoever is told of it: the snapshot is marked by its own thread, a copy is
//! loaded by the link's, and a step that ends in [`Output::Adopt`] is made under all of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ::replication::{
    Born, Input, Level, LinkId, LinkState, Machine, Output, PeerId, ReplicationId, Role, Settings,
    View,
};
use config::Config;
use engine::Engine;
use engine::clients::ClientId;
use engine::host::LogLevel;
use engine::log::Effects;
use engine::pause::Holder;
use keyspace::{DbIndex, Expire, Lapsed, ShardSet};
use parking_lot::Mutex;

use crate::keeper::{Keeper, warning};

mod carried;
pub mod copy;
pub mod feed;
pub mod follow;
pub mod link;
pub mod production;

use feed::{Feed, Room};
use link::Link;
use production::Production;

/// What only a program with sockets and threads can do.
pub trait Shell: Send + Sync {
    /// Makes the link, and looks after it until it is closed.
    fn connect(&self, link: Arc<Link>);

    /// Runs [`Production::run`] on a thread that may block.
    fn produce(&self, production: Arc<Production>);

    /// How lines of the log call this node from now on.
    fn note_role(&self, role: Role);

    /// The next deadline has come nearer.
    fn rearm(&self);
}

/// What saved data says about its history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SavedHistory {
    pub id: Option<ReplicationId>,
    pub offset: Option<u64>,
    /// The db that the stream was about.
    pub stream_db: Option<u16>,
}

impl SavedHistory {
    /// Notes a fact that is of concern here.
    pub(crate) fn note(&mut self, name: &[u8], value: &[u8]) {
        let number = stdx::number::parse_i64(value);
        match name {
            b"repl-id" => self.id = ReplicationId::parse(value),
            b"repl-offset" => self.offset = number.and_then(|at| u64::try_from(at).ok()),
            b"repl-stream-db" => self.stream_db = number.and_then(|db| u16::try_from(db).ok()),
            _ => {}
        }
    }
}

pub struct Replication {
    core: Mutex<Core>,
    feeds: Mutex<BTreeMap<PeerId, Arc<Feed>>>,
    room: Arc<Room>,
    pub keeper: Arc<Keeper>,
    shell: OnceLock<Box<dyn Shell>>,
    is_started: AtomicBool,
    /// Whether the primary's stream arrives.
    is_online: AtomicBool,
    deadline_ms: AtomicU64,
    /// Held by whoever loads a copy.
    loading: Mutex<()>,
}

struct Core {
    machine: Machine,
    config: Arc<Config>,
    outputs: Vec<Output>,
    link: Option<Arc<Link>>,
    production: Option<Arc<Production>>,
}

/// Whom outputs concern that are not performed here.
struct Told<'a> {
    /// The session that asked, and what it is sent.
    peer: Option<PeerId>,
    out: &'a mut Vec<u8>,
    /// What is left to the link's task.
    work: &'a mut Vec<Output>,
}

impl Replication {
    /// A node that does not know yet what it holds.
    pub fn new(keeper: Arc<Keeper>, config: &Config) -> Replication {
        let settings = Settings::of(config, config.peer_port());
        let view = View {
            now_ms: 0,
            log: Default::default(),
            holds_data: false,
        };
        let machine = Machine::new(settings, Born::default(), [0; 2], &view);
        let core = Core {
            machine,
            config: Arc::new(config.clone()),
            outputs: Vec::new(),
            link: None,
            production: None,
        };
        Replication {
            core: Mutex::new(core),
            feeds: Mutex::default(),
            room: Arc::default(),
            keeper,
            shell: OnceLock::new(),
            is_started: AtomicBool::new(false),
            is_online: AtomicBool::new(false),
            deadline_ms: AtomicU64::new(u64::MAX),
            loading: Mutex::default(),
        }
    }

    pub fn set_shell(&self, shell: Box<dyn Shell>) {
        // It is set once.
        drop(self.shell.set(shell));
    }

    /// Begins, with all data loaded. `seeds` are random.
    pub fn start(&self, engine: &Engine, seeds: [u64; 2]) {
        let config = engine.config.load_full();
        let saved = *self.keeper.saved_history.lock();
        let _pause = saved.offset.map(|_| self.keeper.pause_log(engine));
        let all = engine.keyspace.lock(ShardSet::ALL);
        let (id, offset) = (saved.id, saved.offset);
        if let (Some(_), Some(offset)) = (id, offset) {
            engine.log.restart(offset);
        }
        // Whoever answers to what is begun here waits for this lock.
        let mut core = self.core.lock();
        self.is_started.store(true, Ordering::Release);
        let primary = config.replication.primary.as_ref();
        let born = Born {
            id: id.filter(|_| offset.is_some()),
            primary: primary.map(|primary| ::replication::Primary {
                host: String::from_utf8_lossy(&primary.host).into_owned(),
                port: primary.port,
            }),
        };
        let view = self.view(engine, false);
        let settings = Settings::of(&config, config.peer_port());
        core.machine = Machine::new(settings, born, seeds, &view);
        core.config = config;
        let mut outputs = std::mem::take(&mut core.outputs);
        core.machine.start(&view, &mut outputs);
        let (out, work) = (&mut Vec::new(), &mut Vec::new());
        let mut told = Told {
            peer: None,
            out,
            work,
        };
        for output in outputs.drain(..) {
            self.perform(engine, &mut core, output, &mut told);
        }
        log_lapsed(engine);
        if engine.log.followed_db().is_some() {
            let db = DbIndex(saved.stream_db.unwrap_or(0));
            engine.log.append_stream(&[], db);
        }
        core.outputs = outputs;
        self.settle(engine, &core);
        drop(core);
        drop(all);
        self.rearm();
    }

    fn view(&self, engine: &Engine, holds_data: bool) -> View {
        View {
            now_ms: engine.host.monotonic_nanos() / 1_000_000,
            log: engine.log.span(),
            holds_data,
        }
    }

    /// Lets `look` see how replication stands. Locks may be held.
    pub fn look(&self, engine: &Engine, look: &mut dyn FnMut(&Machine, &View)) {
        let core = self.core.lock();
        look(&core.machine, &self.view(engine, false));
    }

    /// What a save says about the history of what it holds. Every lock is held.
    pub fn facts(&self, engine: &Engine) -> Vec<(&'static str, String)> {
        let Some(id) = self.core.lock().machine.name_to_save() else {
            return Vec::new();
        };
        let db = engine.log.followed_db().unwrap_or_default();
        vec![
            ("repl-stream-db", db.0.to_string()),
            ("repl-id", id.to_string()),
            ("repl-offset", engine.log.offset().to_string()),
        ]
    }

    /// Gives up what is made for replicas and for files: the data is about to be another.
    fn call_off_snapshots(&self, engine: &Engine) {
        if let Some(production) = &self.core.lock().production {
            production.cancel(engine);
        }
        self.keeper.call_off_job(engine);
    }

    /// What is sent to a replica.
    pub fn feed(&self, peer: PeerId) -> Option<Arc<Feed>> {
        self.feeds.lock().get(&peer).cloned()
    }

    /// Whether the primary's stream arrives.
    pub fn is_online(&self) -> bool {
        self.is_online.load(Ordering::Acquire)
    }

    /// When [`Replication::tick`] is due.
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms.load(Ordering::Acquire)
    }

    /// Time has passed.
    pub fn tick(&self, engine: &Engine) {
        if !self.is_started.load(Ordering::Acquire) {
            return;
        }
        let feeds = self.feeds.lock().clone();
        for (peer, feed) in feeds {
            if feed.has_moved() {
                self.tell(engine, Input::SnapshotMoved { peer });
            }
            let offset = feed.sent();
            self.tell(engine, Input::Sent { peer, offset });
        }
        self.tell(engine, Input::Tick);
    }

    /// Takes in what happened. No session is answered, and nothing is for the link's task.
    pub fn tell(&self, engine: &Engine, input: Input<'_>) {
        let work = &mut Vec::new();
        self.take_in(engine, input, &mut Vec::new(), work);
        debug_assert!(work.is_empty(), "only the link's task is given work");
    }

    /// Takes in what happened. What the session that asked is sent at once comes behind `out`; what
    /// the link's task is to do, behind `work`.
    pub fn take_in(
        &self,
        engine: &Engine,
        input: Input<'_>,
        out: &mut Vec<u8>,
        work: &mut Vec<Output>,
    ) {
        if !self.is_started.load(Ordering::Acquire) {
            if let Input::Replconf { .. } = input {
                // Whatever was said is said again before a copy is asked for.
                out.extend_from_slice(b"+OK\r\n");
            }
            return;
        }
        let holds_data = self.needs_count(&input) && holds_data(engine);
        let peer = asker(&input);
        if let Input::Gone { peer } = input {
            self.forget_feed(engine, peer);
        }
        let mut core = self.core.lock();
        let mut told = Told { peer, out, work };
        self.follow_config(engine, &mut core, &mut told);
        self.step(engine, &mut core, input, holds_data, &mut told);
        self.settle(engine, &core);
    }

    fn step(
        &self,
        engine: &Engine,
        core: &mut Core,
        input: Input<'_>,
        holds_data: bool,
        told: &mut Told<'_>,
    ) {
        let view = self.view(engine, holds_data);
        let mut outputs = std::mem::take(&mut core.outputs);
        core.machine.step(&view, input, &mut outputs);
        for output in outputs.drain(..) {
            self.perform(engine, core, output, told);
        }
        core.outputs = outputs;
    }

    /// Whether the machine may ask whether there is any key.
    fn needs_count(&self, input: &Input<'_>) -> bool {
        match input {
            Input::Inspected { .. } => true,
            Input::FromPrimary { .. } => !self.is_online.load(Ordering::Acquire),
            _ => false,
        }
    }

    fn follow_config(&self, engine: &Engine, core: &mut Core, told: &mut Told<'_>) {
        let config = engine.config.load();
        if Arc::ptr_eq(&config, &core.config) {
            return;
        }
        core.config = Arc::clone(&config);
        let settings = Settings::of(&config, config.peer_port());
        if settings != *core.machine.settings() {
            self.step(engine, core, Input::Configured(settings), false, told);
        }
    }

    /// Has others know how things stand.
    fn settle(&self, engine: &Engine, core: &Core) {
        let is_online = core.machine.link_state() == Some(LinkState::Connected);
        self.is_online.store(is_online, Ordering::Release);
        // The role may be new and the link as before: a new replica has none yet.
        engine.note_link(is_online);
        let deadline = core.machine.next_deadline();
        if self.deadline_ms.swap(deadline, Ordering::AcqRel) > deadline {
            self.rearm();
        }
    }

    fn rearm(&self) {
        if let Some(shell) = self.shell.get() {
            shell.rearm();
        }
    }

    fn perform(&self, engine: &Engine, core: &mut Core, output: Output, told: &mut Told<'_>) {
        match output {
            Output::Send { peer, bytes } => self.send(engine, peer, bytes, told),
            Output::Drop { peer } => self.drop_peer(engine, peer),
            Output::Enlist { peer } => self.enlist(engine, peer),
            Output::Hold { peer, from } => self.hold(engine, peer, from),
            Output::Feed { peer } => {
                if let Some(feed) = self.feed(peer) {
                    feed.begin();
                }
            }
            Output::TakeSnapshot {
                snapshot,
                target,
                parts,
            } => {
                let production = Arc::new(Production::new(snapshot, target, parts, &self.room));
                core.production = Some(Arc::clone(&production));
                if let Some(shell) = self.shell.get() {
                    shell.produce(production);
                }
            }
            Output::SendSnapshot { peer, snapshot } => {
                let production = core.production.as_ref();
                let production = production.filter(|production| production.id == snapshot);
                if let (Some(production), Some(feed)) = (production, self.feed(peer))
                    && let Err(failure) = production.attach(&self.keeper, &feed)
                {
                    warning(engine, &failure.to_string());
                    self.drop_peer(engine, peer);
                }
            }
            Output::CancelSnapshot { snapshot } => {
                let cancelled = core.production.take_if(|made| made.id == snapshot);
                if let Some(production) = cancelled {
                    production.cancel(engine);
                }
            }
            Output::KeepLog { bytes } => engine.log.keep(bytes),
            Output::FreeLog => engine.log.free(),
            Output::Append { bytes } => {
                engine.log.append_verbatim(bytes);
            }
            Output::Become(role) => {
                engine.take_role(role);
                if let Some(shell) = self.shell.get() {
                    shell.note_role(role);
                }
            }
            Output::Remember { primary } => engine.remember_primary(primary),
            Output::PauseWrites(pauses) => engine.pause.hold_writes(Holder::Failover, pauses),
            Output::GoodReplicas(count) => engine.note_good_replicas(count),
            Output::WaitOver {
                client, outcome, ..
            } => engine.end_wait(client, outcome),
            Output::Adopt { offset, .. } => adopt(engine, offset),
            Output::Count(counter) => engine.count_sync(counter),
            Output::Log { level, line } => engine.host.log(rank(level), &line),
            Output::Connect { .. } | Output::SendPrimary { .. } | Output::CloseLink { .. } => {
                self.perform_on_link(core, output);
            }
            Output::Receive { .. }
            | Output::Copy { .. }
            | Output::Received { .. }
            | Output::Load { .. }
            | Output::Stream { .. } => told.work.push(output),
        }
    }

    fn perform_on_link(&self, core: &mut Core, output: Output) {
        let linked = |core: &mut Core, id: LinkId| core.link.clone().filter(|link| link.id == id);
        match output {
            Output::Connect { link, primary } => {
                let link = Arc::new(Link::new(link, primary));
                core.link = Some(Arc::clone(&link));
                if let Some(shell) = self.shell.get() {
                    shell.connect(link);
                }
            }
            Output::SendPrimary { link, bytes } => {
                if let Some(link) = linked(core, link) {
                    link.send(&bytes);
                }
            }
            Output::CloseLink { link } => {
                if let Some(link) = linked(core, link) {
                    link.close();
                    core.link = None;
                }
            }
            _ => unreachable!("the others do not concern the link"),
        }
    }

    fn send(&self, engine: &Engine, peer: PeerId, bytes: Vec<u8>, told: &mut Told<'_>) {
        if let Some(feed) = self.feed(peer) {
            feed.push(bytes);
        } else if told.peer == Some(peer) {
            told.out.extend_from_slice(&bytes);
        } else if let Some(client) = engine.clients.get(ClientId(peer.0)) {
            client.send(&bytes);
        }
    }

    fn enlist(&self, engine: &Engine, peer: PeerId) {
        if let Some(client) = engine.clients.get(ClientId(peer.0)) {
            engine.enlist(&client);
            let feed = Arc::new(Feed::new(client, Arc::clone(&self.room)));
            self.feeds.lock().insert(peer, feed);
        }
    }

    fn hold(&self, engine: &Engine, peer: PeerId, from: u64) {
        let Some(feed) = self.feed(peer) else {
            return;
        };
        match engine.log.hold(from) {
            Some(reader) => feed.hold(engine, reader),
            // It was there when the machine looked, and has just been given up.
            None => self.drop_peer(engine, peer),
        }
    }

    fn drop_peer(&self, engine: &Engine, peer: PeerId) {
        self.forget_feed(engine, peer);
        if let Some(client) = engine.clients.get(ClientId(peer.0)) {
            engine.kill(&client);
        }
    }

    /// A session is over, and with it what it was fed.
    pub fn forget_feed(&self, engine: &Engine, peer: PeerId) {
        let feed = self.feeds.lock().remove(&peer);
        if let Some(feed) = feed {
            feed.end(engine);
        }
    }
}

/// The session that an input comes from.
fn asker(input: &Input<'_>) -> Option<PeerId> {
    match input {
        Input::Replconf { peer, .. } | Input::Psync { peer, .. } | Input::Sync { peer, .. } => {
            Some(*peer)
        }
        Input::Failover { client, .. } => Some(*client),
        _ => None,
    }
}

/// The data is a primary's, and the log goes on where it was copied.
fn adopt(engine: &Engine, offset: u64) {
    engine.log.restart(offset);
    engine.standing.own_keys.forget();
}

/// Tells replicas to come of the keys that were past their expiry when they were loaded: what was
/// saved, they hold, too.
fn log_lapsed(engine: &Engine) {
    let lapsed = engine.persistence.load.take_lapsed();
    if !engine.log.is_kept() {
        return;
    }
    let name: &[u8] = match engine.config.load().memory.lazy_expire {
        true => b"UNLINK",
        false => b"DEL",
    };
    let mut effects = Effects::default();
    for Lapsed { db, key } in lapsed {
        effects.push(db, &[name, &key]);
        engine.log.append(&mut effects);
    }
}

fn holds_data(engine: &Engine) -> bool {
    let mut locked = engine.keyspace.lock(ShardSet::NONE);
    let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
    (0..engine.keyspace.dbs()).any(|index| {
        db.select(DbIndex(index));
        db.count().0 > 0
    })
}

fn rank(level: Level) -> LogLevel {
    match level {
        Level::Debug => LogLevel::Debug,
        Level::Verbose => LogLevel::Verbose,
        Level::Notice => LogLevel::Notice,
        Level::Warning => LogLevel::Warning,
    }
}
