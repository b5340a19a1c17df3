//! The cluster performed: the machine behind one lock, and what its outputs mean for the engine,
//! replication and the file. Sockets are the [`Shell`]'s.
//!
//! ```text
//!   commands ── Host::command_cluster ─▶ ┌─────────┐ ──▶ engine: the map, messages, pauses
//!   the bus ─── take_in, deadline ─────▶ │ Cluster │ ──▶ nodes.conf
//!                                        └─────────┘ ──▶ Shell: links
//!                                             │
//!                                             └─ Duties: what needs every lock of the keyspace
//! ```
//!
//! The machine's lock is taken behind those of the keyspace, and whoever looks after the bus takes
//! none of those: a command that runs for long must not make the node look dead. So a change of
//! the role is left to another thread, and what is published behind it waits for its turn there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ::cluster::{
    Address, Answer, Command, Input, LinkId, Machine, Output, PrimaryLink, Refused, Settings,
    SlotState, View,
};
use bytes::Bytes;
use config::Config;
use engine::Engine;
use engine::clients::Wakes;
use engine::host::{ClusterReply, ClusterRequest, LogLevel};
use engine::pause::Holder;
use keyspace::ShardSet;
use parking_lot::Mutex;
use replication::LinkState;

use crate::storage::Storage;
use duties::{Duties, Duty};
use file::ConfigFile;
use mover::Mover;

pub use mover::Job;

mod duties;
mod export;
mod file;
mod mover;
mod moving;

/// What only a program with sockets and threads can do.
pub trait Shell: Send + Sync {
    /// Makes a link of the bus.
    fn connect(&self, link: LinkId, address: &Address, hostname: &str);

    /// Sends bytes on a link, behind all that was sent on it before.
    fn send(&self, link: LinkId, bytes: Bytes);

    /// Ends a link. What was sent on it before is still written, as far as that goes at once.
    fn close(&self, link: LinkId);

    /// The next deadline has come nearer.
    fn rearm(&self);

    /// There is something for [`Cluster::work_off`] to do.
    fn call_hands(&self);

    /// Has a thread of its own run [`Cluster::export`].
    fn begin_export(&self, job: Arc<Job>);
}

/// One node of a cluster.
pub struct Cluster {
    core: Mutex<Core>,
    shell: OnceLock<Box<dyn Shell>>,
    duties: Duties,
    mover: Mover,
    deadline_ms: AtomicU64,
}

struct Core {
    machine: Option<Machine>,
    file: ConfigFile,
    config: Arc<Config>,
    outputs: Vec<Output>,
    /// Until when writes wait for a manual failover.
    paused_until_ms: Option<u64>,
    /// Whether they are to go on when all else is done.
    resumes: bool,
    /// What the system said when the file could last not be written.
    unsaved: Option<String>,
    deletes_all: bool,
    /// Slots whose keys are to be deleted, once the map says so, too.
    lost: Vec<u16>,
}

impl Cluster {
    /// A node that has not read its file yet.
    pub fn new(storage: Arc<dyn Storage>, config: &Config, process: u32) -> Cluster {
        let path = config.cluster.config_file.to_string();
        let core = Core {
            machine: None,
            file: ConfigFile::new(storage, path, process),
            config: Arc::new(config.clone()),
            outputs: Vec::new(),
            paused_until_ms: None,
            resumes: false,
            unsaved: None,
            deletes_all: false,
            lost: Vec::new(),
        };
        Cluster {
            core: Mutex::new(core),
            shell: OnceLock::new(),
            duties: Duties::default(),
            mover: Mover::default(),
            deadline_ms: AtomicU64::new(u64::MAX),
        }
    }

    pub fn set_shell(&self, shell: Box<dyn Shell>) {
        // It is set once.
        drop(self.shell.set(shell));
    }

    /// Reads the file, which nobody else may use from now on, and becomes the node it tells of;
    /// or a fresh one. `seeds` are random. An error is what the operator reads.
    pub fn open(&self, engine: &Engine, seeds: [u64; 2]) -> Result<(), String> {
        let mut core = self.core.lock();
        let text = core.file.open()?;
        let (settings, view) = (settings(&core.config), view(engine, false));
        let machine = Machine::new(settings, text.as_deref(), seeds, &view);
        let machine = machine.map_err(|corrupt| corrupt.to_string())?;
        core.file.save(&machine.nodes_conf(&view), true)?;
        core.machine = Some(machine);
        // Other names than that of the node.
        self.mover.seed(seeds.map(|seed| seed.wrapping_add(1)));
        Ok(())
    }

    /// Begins, with all data loaded, before any link. An error is what the operator reads.
    pub fn start(&self, engine: &Engine) -> Result<(), String> {
        if engine.holds_other_dbs() {
            return Err(OTHER_DBS.to_owned());
        }
        let slots = engine.occupied_slots();
        let mut core = self.core.lock();
        let mut outputs = std::mem::take(&mut core.outputs);
        core.machine().start(&view(engine, false), &mut outputs);
        self.perform_all(engine, &mut core, &mut outputs);
        core.outputs = outputs;
        self.step(engine, &mut core, Input::Loaded { slots: &slots });
        self.settle(&core);
        // What was on its way here when the node went down never comes.
        self.with_shell(|shell| shell.call_hands());
        Ok(())
    }

    /// Lets `look` see how the cluster stands. Locks may be held.
    pub fn look(&self, engine: &Engine, look: &mut dyn FnMut(&Machine, &View)) {
        let mut core = self.core.lock();
        self.follow_config(engine, &mut core);
        look(core.machine(), &view(engine, false));
    }

    /// When the next [`Input::Tick`] is due.
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms.load(Ordering::Acquire)
    }

    /// Takes in what happened on the bus. No lock is held.
    pub fn take_in(&self, engine: &Engine, input: Input<'_>) {
        if matches!(input, Input::Tick) && self.mover.drop_forsaken(engine) {
            self.with_shell(|shell| shell.call_hands());
        }
        // What the machine says next must be true of the log: no write may be under way still.
        self.duties.await_pause();
        self.tell(engine, input);
    }

    /// As [`Cluster::take_in`], of what commands say. Locks may be held.
    pub fn tell(&self, engine: &Engine, input: Input<'_>) {
        let mut core = self.core.lock();
        self.follow_config(engine, &mut core);
        self.step(engine, &mut core, input);
        self.end_pause(engine, &mut core);
        self.settle(&core);
    }

    /// Does what an operator asks for, or says why not.
    pub fn command(
        &self,
        engine: &Engine,
        request: ClusterRequest<'_>,
    ) -> Result<ClusterReply, Refused> {
        let ClusterRequest {
            command,
            holds_keys,
            holds_locks,
        } = request;
        if holds_locks {
            self.duties.work_off(engine);
        }
        let saves = matches!(
            command,
            Command::SaveConfig
                | Command::TakeSlots { .. }
                | Command::HandOver(_)
                | Command::SetSlot {
                    state: SlotState::Node(_),
                    ..
                }
        );
        let mut core = self.core.lock();
        self.follow_config(engine, &mut core);
        let view = view(engine, holds_keys);
        let mut outputs = std::mem::take(&mut core.outputs);
        let answer = core.machine().command(&view, command, &mut outputs);
        self.perform_all(engine, &mut core, &mut outputs);
        core.outputs = outputs;
        self.settle(&core);
        let deletes_all = std::mem::take(&mut core.deletes_all);
        let unsaved = core.unsaved.clone().filter(|_| saves);
        drop(core);
        if holds_locks {
            self.duties.work_off(engine);
        }
        if let Some(why) = unsaved {
            let text = format!("ERR error saving the cluster node config: {why}");
            return Err(Refused(text));
        }
        answer.map(|answer: Answer| ClusterReply {
            answer,
            deletes_all,
        })
    }

    /// Does what needs every lock. Called by a thread of its own, which may wait for them.
    pub fn work_off(&self, engine: &Engine, worker: &mut engine::Worker) {
        if self.duties.are_there() {
            let all = engine.keyspace.lock(ShardSet::ALL);
            self.duties.work_off(engine);
            drop(all);
        }
        while let Some(slot) = self.duties.next_lost_slot() {
            self.delete_slot(engine, worker, slot);
        }
        self.delete_forsaken(engine, worker);
    }

    fn follow_config(&self, engine: &Engine, core: &mut Core) {
        let config = engine.config.load();
        if Arc::ptr_eq(&config, &core.config) {
            return;
        }
        core.config = Arc::clone(&config);
        let mut settings = settings(&config);
        // The bus stays where it listened first.
        settings.bus_port = core.machine().settings().bus_port;
        if settings != *core.machine().settings() {
            self.step(engine, core, Input::Configured(settings));
        }
    }

    fn step(&self, engine: &Engine, core: &mut Core, input: Input<'_>) {
        let view = view(engine, false);
        let mut outputs = std::mem::take(&mut core.outputs);
        core.machine().step(&view, input, &mut outputs);
        self.perform_all(engine, core, &mut outputs);
        core.outputs = outputs;
    }

    /// Performs outputs in their order. What depends on the file is not sent if that could not be
    /// written.
    fn perform_all(&self, engine: &Engine, core: &mut Core, outputs: &mut Vec<Output>) {
        let mut is_silent = false;
        for output in outputs.drain(..) {
            match output {
                Output::Save { sync } => is_silent |= !self.save(engine, core, sync),
                Output::Send { .. } if is_silent => {}
                output => self.perform(engine, core, output),
            }
        }
        if is_silent {
            let view = view(engine, false);
            core.machine().step(&view, Input::Unsaved, outputs);
            for output in outputs.drain(..) {
                self.perform(engine, core, output);
            }
        }
        self.resume(engine, core);
        // Whoever deletes looks at the map whether the slots have come back.
        if !core.lost.is_empty() {
            self.duties.lose(core.lost.drain(..));
            self.with_shell(|shell| shell.call_hands());
        }
    }

    /// Writes the file. Returns whether it is there.
    fn save(&self, engine: &Engine, core: &mut Core, sync: bool) -> bool {
        let text = core.machine().nodes_conf(&view(engine, false));
        core.unsaved = core.file.save(&text, sync).err();
        if let Some(why) = &core.unsaved {
            let line = format!("Can't write the cluster configuration file: {why}");
            engine.host.log(LogLevel::Warning, &line);
        }
        core.unsaved.is_none()
    }

    fn perform(&self, engine: &Engine, core: &mut Core, output: Output) {
        match output {
            Output::Save { .. } => {}
            Output::Connect {
                link,
                address,
                hostname,
            } => self.with_shell(|shell| shell.connect(link, &address, &hostname)),
            Output::Send { link, bytes } => self.with_shell(|shell| shell.send(link, bytes)),
            Output::Close { link } => self.with_shell(|shell| shell.close(link)),
            Output::Follow { primary } => self.put_off(Duty::Follow(Some(primary))),
            Output::Promote => self.put_off(Duty::Follow(None)),
            Output::DeleteAll => core.deletes_all = true,
            Output::DeleteKeys { slots } => {
                core.lost.extend(slots.iter());
            }
            Output::MapChanged => {
                let map = core.machine().map();
                match self.duties.hold_maps() {
                    true => self.put_off(Duty::Publish(Box::new(map))),
                    false => engine.publish_map(map),
                }
            }
            Output::Lease { until_ms } => engine.cluster.lease(until_ms),
            Output::PauseWrites { until_ms } => {
                core.paused_until_ms = Some(until_ms);
                engine.pause.hold_writes(Holder::ManualFailover, true);
                self.put_off(Duty::Pause);
            }
            Output::ResumeWrites => {
                core.paused_until_ms = None;
                core.resumes = true;
            }
            Output::Deliver {
                channel,
                message,
                sharded,
            } => {
                let (config, mut wakes) = (&core.config, Wakes::default());
                let _received = match sharded {
                    true => engine.publish_in_shard(config, &mut wakes, &channel, &message),
                    false => engine.publish(config, &mut wakes, &channel, &message),
                };
            }
            Output::Log { level, line } => engine.host.log(rank(level), &line),
        }
    }

    fn put_off(&self, duty: Duty) {
        self.duties.add(duty);
        self.with_shell(|shell| shell.call_hands());
    }

    /// Lets writes go on when the time of a pause is over, whatever became of the failover.
    fn end_pause(&self, engine: &Engine, core: &mut Core) {
        let now_ms = now_ms(engine);
        if core.paused_until_ms.is_some_and(|until| until <= now_ms) {
            core.paused_until_ms = None;
            core.resumes = true;
            self.resume(engine, core);
        }
    }

    /// Lets writes go on, once the map and the role are what they are to be then: what waited may
    /// belong elsewhere now.
    fn resume(&self, engine: &Engine, core: &mut Core) {
        if !std::mem::take(&mut core.resumes) {
            return;
        }
        match self.duties.are_there() {
            true => self.put_off(Duty::Resume),
            false => engine.pause.hold_writes(Holder::ManualFailover, false),
        }
    }

    /// Has others know when there is something to do.
    fn settle(&self, core: &Core) {
        let machine = core
            .machine
            .as_ref()
            .map_or(u64::MAX, Machine::next_deadline);
        let deadline = machine.min(core.paused_until_ms.unwrap_or(u64::MAX));
        if self.deadline_ms.swap(deadline, Ordering::AcqRel) > deadline {
            self.with_shell(|shell| shell.rearm());
        }
    }

    fn with_shell(&self, act: impl FnOnce(&dyn Shell)) {
        if let Some(shell) = self.shell.get() {
            act(shell.as_ref());
        }
    }
}

const OTHER_DBS: &str =
    "You can't have keys in a DB different than DB 0 when in Cluster mode. Exiting.";

impl Core {
    fn machine(&mut self) -> &mut Machine {
        let machine = self.machine.as_mut();
        machine.expect("the file is read before anybody asks")
    }
}

fn settings(config: &Config) -> Settings {
    Settings::of(config, config.network.port, config.tls.port)
}

fn now_ms(engine: &Engine) -> u64 {
    engine.host.monotonic_nanos() / 1_000_000
}

fn view(engine: &Engine, holds_keys: bool) -> View {
    let mut primary_link = PrimaryLink::Down { since_ms: None };
    let mut offset = engine.log.offset();
    engine.host.look_at_replication(engine, &mut |machine, _| {
        // What is to be replaced by a copy is nobody's history.
        if machine.link_state() == Some(LinkState::Sync) {
            offset = 0;
        }
        primary_link = match machine.heard_ms() {
            Some(heard_ms) => PrimaryLink::Up { heard_ms },
            None => PrimaryLink::Down {
                since_ms: machine.down_since_ms(),
            },
        };
    });
    View {
        now_ms: now_ms(engine),
        wall_ms: engine.now().0.max(0) as u64,
        replication_offset: offset,
        primary_link,
        holds_keys,
    }
}

fn rank(level: ::cluster::Level) -> LogLevel {
    match level {
        ::cluster::Level::Debug => LogLevel::Debug,
        ::cluster::Level::Verbose => LogLevel::Verbose,
        ::cluster::Level::Notice => LogLevel::Notice,
        ::cluster::Level::Warning => LogLevel::Warning,
    }
}
