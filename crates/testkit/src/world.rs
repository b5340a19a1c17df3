//! A host without a machine: its clock stands still until a test moves it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use config::{Config, Effect};
use engine::Engine;
use engine::host::{
    BusMessage, ClusterReply, ClusterRequest, Cpu, Crash, DialError, Host, LoadFailed, LogLevel,
    Memory, Moment, Process, Produce, Refusal, Refused, RewriteError, SaveError, Shutdown,
    ShutdownFailed, Started, Wire,
};
use engine::persistence::Outcome;
use engine::snapshot::{Form, Snapshot};
use node::cluster::Cluster;
use parking_lot::Mutex;
use replication::{Input, Machine, View};

use crate::Disk;
use crate::peers::Peers;
use crate::wire::Target;

/// Midnight of 1 January 2026, in microseconds of Unix time: where the virtual clock begins.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// Bytes of a save that are written at once.
const STEP_BYTES: usize = 1000;

/// The virtual world of one node. Clones share it.
#[derive(Clone, Default)]
pub struct World(Arc<State>);

#[derive(Default)]
struct State {
    elapsed_micros: AtomicI64,
    /// How far the clock moves whenever a duration is measured.
    micros_per_reading: AtomicI64,
    /// What the engine asked for that a test may want to know.
    asked: Mutex<Vec<String>>,
    /// How often something said that it may take long.
    long_runs: AtomicUsize,
    /// An effect of the configuration that cannot be had, and why.
    refused: Mutex<Option<(Effect, String)>>,
    /// The snapshot file.
    snapshot: Mutex<Option<Vec<u8>>>,
    /// The save under way.
    saving: Mutex<Option<Snapshot>>,
    is_disk_full: AtomicBool,
    peers: Peers,
    target: Target,
    /// The cluster that the node is one of, if it is.
    cluster: OnceLock<Cluster>,
}

impl World {
    pub fn advance_micros(&self, micros: i64) {
        self.0.elapsed_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Has the clock move so far whenever the engine measures how long something takes.
    pub fn move_when_read(&self, micros: i64) {
        self.0.micros_per_reading.store(micros, Ordering::SeqCst);
    }

    /// What was asked of the host since this was last called: `shutdown`, `log …`, and so on.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.asked.lock())
    }

    /// How often something ran that was said to take long, since this was last called.
    pub fn take_long_runs(&self) -> usize {
        self.0.long_runs.swap(0, Ordering::SeqCst)
    }

    /// Has this effect of a changed configuration fail from now on.
    pub fn refuse_effect(&self, effect: Effect, why: &str) {
        *self.0.refused.lock() = Some((effect, why.to_owned()));
    }

    /// What another server answers to whoever sends it something.
    pub fn answer_wire(&self, answers: &[u8]) {
        self.0.target.answer(answers);
    }

    /// What another server was sent since this was last called.
    pub fn take_wired(&self) -> Vec<u8> {
        self.0.target.take_received()
    }

    /// Makes the node one of a cluster in which nobody else is yet.
    pub(crate) fn join_cluster(&self, engine: &Engine) {
        let config = engine.config.load();
        let cluster = Cluster::new(Arc::new(Disk::default()), &config, 1);
        let opened = cluster.open(engine, [3, 4]);
        opened.expect("there is no file yet");
        // A node joins once.
        drop(self.0.cluster.set(cluster));
        let started = self.cluster().start(engine);
        started.expect("a node begins without data");
    }

    /// The cluster that the node is one of.
    ///
    /// # Panics
    /// If it is none of a cluster.
    pub fn cluster(&self) -> &Cluster {
        let cluster = self.0.cluster.get();
        cluster.expect("the configuration says that the node is one of a cluster")
    }

    /// Whether files cannot be written from now on.
    pub fn fill_disk(&self, is_full: bool) {
        self.0.is_disk_full.store(is_full, Ordering::SeqCst);
    }

    /// The bytes of the snapshot file.
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        self.0.snapshot.lock().clone()
    }

    /// Tells the replication machine something that no client said. What is done is done at once.
    pub fn tell(&self, engine: &Engine, input: Input<'_>) {
        self.0.peers.replicate(self, engine, input, &mut Vec::new());
    }

    /// What was sent on the link to the primary since this was last called.
    pub fn take_sent_to_primary(&self) -> Vec<u8> {
        self.0.peers.take_sent()
    }

    /// Ends what is under way in the background, and begins what is to follow. Time passes for
    /// that when the virtual clock moves.
    pub fn work(&self, engine: &Engine) {
        self.tell(engine, Input::Tick);
        self.0.peers.work(self, engine);
        let persistence = &engine.persistence;
        if let Some(snapshot) = self.0.saving.lock().take() {
            let outcome = match self.write(engine, snapshot) {
                Ok(()) => Outcome::Done,
                Err(_) => Outcome::Failed,
            };
            engine.end_background_save(outcome);
        }
        if persistence.rewrites().started.is_some() {
            persistence.end_rewrite(engine.now(), Outcome::Done);
        }
        if persistence.rewrites().scheduled {
            persistence.begin_rewrite(engine.now());
        } else if persistence.saves().scheduled {
            self.begin_save(engine);
        }
    }

    fn begin_save(&self, engine: &Engine) {
        engine.begin_background_save();
        *self.0.saving.lock() = engine.begin_snapshot(Form::Rdb, &[], |_| {});
    }

    fn write(&self, engine: &Engine, mut snapshot: Snapshot) -> Result<(), SaveError> {
        self.write_snapshot(&mut |into| snapshot.step(engine, STEP_BYTES, into))
    }

    pub(crate) fn ask(&self, what: impl Into<String>) {
        self.0.asked.lock().push(what.into());
    }
}

impl Host for World {
    fn unix_micros(&self) -> i64 {
        START_MICROS + self.0.elapsed_micros.load(Ordering::SeqCst)
    }

    fn monotonic_nanos(&self) -> u64 {
        self.advance_micros(self.0.micros_per_reading.load(Ordering::SeqCst));
        self.0.elapsed_micros.load(Ordering::SeqCst) as u64 * 1000
    }

    fn moment(&self) -> Moment {
        let nanos = self.monotonic_nanos();
        let unix_micros = self.unix_micros();
        Moment { unix_micros, nanos }
    }

    fn run_long(&self, run: &mut dyn FnMut()) {
        self.0.long_runs.fetch_add(1, Ordering::SeqCst);
        run();
    }

    fn memory(&self) -> Memory {
        Memory {
            allocator: "virtual",
            used: 1 << 20,
            used_peak: 1 << 20,
            ..Memory::default()
        }
    }

    fn process(&self) -> Process {
        Process {
            id: 1,
            tcp_port: 6379,
            io_threads: 1,
            poller: "none",
            ..Process::default()
        }
    }

    fn cpu(&self) -> Cpu {
        Cpu::default()
    }

    fn apply(&self, _: &Config, _: &Config, effects: &[Effect]) -> Result<(), String> {
        if let Some((effect, why)) = &*self.0.refused.lock()
            && effects.contains(effect)
        {
            return Err(why.clone());
        }
        self.ask(format!("apply {effects:?}"));
        Ok(())
    }

    fn rewrite_config(&self, _: &Config, _: bool) -> Result<(), RewriteError> {
        Err(RewriteError::NoFile)
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), ShutdownFailed> {
        self.ask(format!("shutdown {how:?}"));
        Ok(())
    }

    fn abort_shutdown(&self) -> bool {
        false
    }

    fn save(&self, engine: &Engine) -> Result<(), SaveError> {
        let changes = engine.stats.totals().dirty;
        let Some(snapshot) = engine.begin_snapshot(Form::Rdb, &[], |_| {}) else {
            return Err(SaveError::Busy);
        };
        self.write(engine, snapshot)?;
        engine.note_save(changes);
        Ok(())
    }

    fn save_in_background(&self, engine: &Engine, schedule: bool) -> Result<Started, Refused> {
        let persistence = &engine.persistence;
        if persistence.saves().started.is_some() {
            return Err(Refused::Saving);
        }
        if persistence.rewrites().started.is_some() {
            persistence.schedule_save(schedule);
            return if schedule {
                Ok(Started::Later)
            } else {
                Err(Refused::Rewriting)
            };
        }
        self.begin_save(engine);
        Ok(Started::Now)
    }

    fn rewrite_log(&self, engine: &Engine) -> Result<Started, Refused> {
        let persistence = &engine.persistence;
        if persistence.rewrites().started.is_some() {
            return Err(Refused::Rewriting);
        }
        if persistence.saves().started.is_some() {
            persistence.schedule_rewrite(true);
            return Ok(Started::Later);
        }
        persistence.begin_rewrite(engine.now());
        Ok(Started::Now)
    }

    fn save_emptiness(&self, engine: &Engine, changes: u64) {
        if !engine.config.load().persistence.save.0.is_empty() {
            engine.note_save(engine.stats.totals().dirty + changes);
        }
    }

    fn fail_job(&self, _: &Engine) {
        self.ask("fail the job");
    }

    fn write_snapshot(&self, produce: &mut Produce<'_>) -> Result<(), SaveError> {
        let mut bytes = Vec::new();
        while produce(&mut bytes) {}
        if self.0.is_disk_full.load(Ordering::SeqCst) {
            return Err(SaveError::Failed);
        }
        *self.0.snapshot.lock() = Some(bytes);
        Ok(())
    }

    fn open_snapshot(&self) -> Result<Box<dyn io::Read + Send>, String> {
        match self.0.snapshot.lock().clone() {
            Some(bytes) => Ok(Box::new(io::Cursor::new(bytes))),
            None => Err("No such file or directory".to_owned()),
        }
    }

    /// There is no append-only file in this world, and what is not there holds nothing.
    fn load_log(&self, _: &Engine) -> Result<(), LoadFailed> {
        Err(LoadFailed)
    }

    fn replicate(&self, engine: &Engine, input: Input<'_>, out: &mut Vec<u8>) {
        self.0.peers.replicate(self, engine, input, out);
    }

    fn look_at_replication(&self, engine: &Engine, look: &mut dyn FnMut(&Machine, &View)) {
        self.0.peers.look(self, engine, look);
    }

    fn command_cluster(
        &self,
        engine: &Engine,
        request: ClusterRequest<'_>,
    ) -> Result<ClusterReply, Refusal> {
        self.cluster().command(engine, request)
    }

    fn look_at_cluster(
        &self,
        engine: &Engine,
        look: &mut dyn FnMut(&cluster::Machine, &cluster::View),
    ) {
        self.cluster().look(engine, look);
    }

    fn publish_on_bus(&self, _: &Engine, message: BusMessage<'_>) {
        let text = String::from_utf8_lossy;
        let sharded = if message.sharded { "shard " } else { "" };
        let (channel, message) = (text(message.channel), text(message.message));
        self.ask(format!("publish {sharded}{channel} {message}"));
    }

    fn dial(&self, host: &str, port: u16, _: Duration) -> Result<Box<dyn Wire>, DialError> {
        self.ask(format!("dial {host}:{port}"));
        self.0.target.dial()
    }

    fn crash(&self, how: Crash) {
        self.ask(format!("crash {how:?}"));
    }

    fn sleep(&self, micros: u64) {
        self.advance_micros(micros as i64);
    }

    fn purge_memory(&self) {
        self.ask("purge");
    }

    fn log(&self, _: LogLevel, line: &str) {
        self.ask(format!("log {line}"));
    }
}
