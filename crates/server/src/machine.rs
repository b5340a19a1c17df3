//! The engine's host: this machine.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use config::{Config, Effect};
use engine::Engine;
use engine::host::{
    BusMessage, ClusterReply, ClusterRequest, Cpu, Crash, DialError, Host, LoadFailed, LogLevel,
    Memory, Moment, Process, Produce, Refusal, Refused, RewriteError, SaveError, Shutdown,
    ShutdownFailed, SlotMover, Started, Watcher, Wire,
};
use node::keeper::Keeper;
use node::sentinel::Sentinel;
pub use node::storage::system_words;
use parking_lot::Mutex;
use replication::{Input, Machine as Machinery, View};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Clock;
use crate::config_file;
use crate::durability::{Durability, Threads};
use crate::encryption::Encryption;
use crate::governor::Governor;
use crate::journal::Journal;
use crate::memory::Gauge;
use crate::worker;

/// What the engine asks the program to do when it has time.
#[derive(Debug)]
pub enum Request {
    /// The listeners are to follow the configuration. The answer is sent back.
    Rebind(Box<Config>, std::sync::mpsc::Sender<Result<(), String>>),
    ShutDown,
}

pub struct Machine {
    pub journal: Arc<Journal>,
    pub gauge: Arc<Gauge>,
    clock: Clock,
    requests: UnboundedSender<Request>,
    /// The file the configuration came from.
    config_file: Option<String>,
    process: Mutex<Process>,
    governor: Governor,
    durability: Arc<Durability>,
    encryption: Arc<Encryption>,
    /// The engine whose host this is, once there is one.
    pub engine: Arc<OnceLock<Weak<Engine>>>,
    /// The Sentinel that this program is, if it is one.
    sentinel: Option<Arc<Sentinel>>,
}

impl Machine {
    pub fn new(
        journal: Arc<Journal>,
        requests: UnboundedSender<Request>,
        config_file: Option<String>,
        process: Process,
        governor: Governor,
        (durability, encryption): (Arc<Durability>, Arc<Encryption>),
        sentinel: Option<Arc<Sentinel>>,
    ) -> Machine {
        Machine {
            journal,
            gauge: Arc::default(),
            clock: Clock::new(),
            requests,
            config_file,
            process: Mutex::new(process),
            governor,
            durability,
            encryption,
            engine: Arc::default(),
            sentinel,
        }
    }

    fn keeper(&self) -> &Keeper {
        &self.durability.keeper
    }

    fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.get()?.upgrade()
    }

    fn reload_tls(&self, changed: &Config) -> Result<(), String> {
        self.encryption.load(changed).map_err(|why| {
            self.journal.line(LogLevel::Warning, &why);
            "Unable to update TLS configuration. Check server logs.".to_owned()
        })
    }

    fn rebind(&self, old: &Config, changed: &Config) -> Result<(), String> {
        let (answer, answered) = std::sync::mpsc::channel();
        let request = Request::Rebind(Box::new(changed.clone()), answer);
        // What the system said is in the log.
        let same_ports =
            old.network.port == changed.network.port && old.tls.port == changed.tls.port;
        let failed = || match same_ports {
            true => "Failed to bind to specified addresses.".to_owned(),
            false => "Unable to listen on this port. Check server logs.".to_owned(),
        };
        self.requests.send(request).map_err(|_| failed())?;
        let bound = worker::give_way(|| answered.recv()).map_err(|_| failed())?;
        bound.map_err(|_| failed())?;
        self.process.lock().tcp_port = changed.main_port();
        Ok(())
    }
}

impl Host for Machine {
    fn unix_micros(&self) -> i64 {
        self.clock.moment().unix_micros
    }

    #[inline]
    fn moment(&self) -> Moment {
        self.clock.moment()
    }

    #[inline]
    fn monotonic_nanos(&self) -> u64 {
        self.clock.nanos()
    }

    fn run_long(&self, run: &mut dyn FnMut()) {
        // Another thread takes this worker's place.
        self.governor.rest();
        worker::give_way(run);
    }

    fn memory(&self) -> Memory {
        self.gauge.read()
    }

    fn memory_used(&self) -> u64 {
        self.gauge.used()
    }

    fn process(&self) -> Process {
        self.process.lock().clone()
    }

    fn cpu(&self) -> Cpu {
        read_cpu().unwrap_or_default()
    }

    fn apply(&self, old: &Config, changed: &Config, effects: &[Effect]) -> Result<(), String> {
        for effect in effects {
            match effect {
                Effect::Rebind => self.rebind(old, changed)?,
                Effect::RebindTls => {
                    self.reload_tls(changed)?;
                    self.rebind(old, changed)?;
                }
                Effect::ReloadTls => self.reload_tls(changed)?,
                Effect::ChangeDirectory => {
                    let dir = changed.persistence.dir.to_string();
                    std::env::set_current_dir(dir).map_err(|error| system_words(&error))?;
                }
                Effect::AppendOnly => {
                    if let Some(engine) = self.engine() {
                        self.keeper().follow_append_only(&engine, changed);
                    }
                }
                Effect::MaxClients => raise_open_files(changed.clients.count_max)?,
                // What the others concern is not there yet, or reads the configuration itself.
                _ => {}
            }
        }
        let file = changed.logging.file.to_string();
        self.journal.configure(&file, changed.logging.level)
    }

    fn rewrite_config(&self, config: &Config, force_all: bool) -> Result<(), RewriteError> {
        let path = self.config_file.as_ref().ok_or(RewriteError::NoFile)?;
        let failed = |error: std::io::Error| RewriteError::Failed(system_words(&error));
        let old = std::fs::read(path).map_err(failed)?;
        // Whom a node of a cluster follows stands in a file of its own.
        let mut config = Config::clone(config);
        if config.cluster.enabled {
            config.replication.primary = None;
        }
        let text = config::rewrite(&old, &config, force_all);
        config_file::replace(path, &text).map_err(failed)
    }

    fn shut_down(&self, how: Shutdown) -> Result<(), ShutdownFailed> {
        // A Sentinel has nothing to save.
        if let Some(engine) = self.engine().filter(|_| self.sentinel.is_none()) {
            let mut ended = Ok(());
            self.run_long(&mut || ended = self.keeper().shut_down(&engine, how));
            ended?;
        }
        // Nobody listens only if the program is ending already.
        drop(self.requests.send(Request::ShutDown));
        Ok(())
    }

    /// Only one that a signal asked for may wait, while nothing happens that nobody asks for.
    fn abort_shutdown(&self) -> bool {
        let waited = self.durability.ending.swap(false, Ordering::AcqRel);
        if waited {
            self.journal
                .line(LogLevel::Warning, "Shutdown manually aborted.");
        }
        waited
    }

    fn save(&self, engine: &Engine) -> Result<(), SaveError> {
        self.keeper().save(engine)
    }

    fn save_in_background(&self, engine: &Engine, schedule: bool) -> Result<Started, Refused> {
        self.keeper().save_in_background(engine, schedule)
    }

    fn rewrite_log(&self, engine: &Engine) -> Result<Started, Refused> {
        self.keeper().rewrite_log(engine)
    }

    fn save_emptiness(&self, engine: &Engine, changes: u64) {
        self.keeper().save_emptiness(engine, changes);
    }

    fn fail_job(&self, engine: &Engine) {
        self.keeper().fail_job(engine);
    }

    fn write_snapshot(&self, produce: &mut Produce<'_>) -> Result<(), SaveError> {
        let engine = self.engine().ok_or(SaveError::Failed)?;
        self.keeper().write_snapshot(&engine, produce)
    }

    fn open_snapshot(&self) -> Result<Box<dyn std::io::Read + Send>, String> {
        let engine = self.engine().ok_or("The server is starting")?;
        self.keeper().open_snapshot(&engine)
    }

    fn load_log(&self, engine: &Engine) -> Result<(), LoadFailed> {
        let crew = Threads(self.process.lock().io_threads);
        self.keeper().reload_log(engine, &crew)
    }

    fn replicate(&self, engine: &Engine, input: Input<'_>, out: &mut Vec<u8>) {
        let work = &mut Vec::new();
        self.durability
            .replication
            .take_in(engine, input, out, work);
        debug_assert!(work.is_empty(), "only the link's task is given work");
    }

    fn look_at_replication(&self, engine: &Engine, look: &mut dyn FnMut(&Machinery, &View)) {
        self.durability.replication.look(engine, look);
    }

    fn watcher(&self) -> Option<&dyn Watcher> {
        self.sentinel.as_deref().map(|it| it as &dyn Watcher)
    }

    fn command_cluster(
        &self,
        engine: &Engine,
        request: ClusterRequest<'_>,
    ) -> Result<ClusterReply, Refusal> {
        match &self.durability.cluster {
            Some(cluster) => cluster.command(engine, request),
            None => Err(cluster::Refused(String::from(NO_CLUSTER))),
        }
    }

    fn look_at_cluster(
        &self,
        engine: &Engine,
        look: &mut dyn FnMut(&cluster::Machine, &cluster::View),
    ) {
        if let Some(cluster) = &self.durability.cluster {
            cluster.look(engine, look);
        }
    }

    fn slot_mover(&self) -> Option<&dyn SlotMover> {
        let cluster = self.durability.cluster.as_deref();
        cluster.map(|cluster| cluster as &dyn SlotMover)
    }

    fn publish_on_bus(&self, engine: &Engine, message: BusMessage<'_>) {
        let BusMessage {
            channel,
            message,
            sharded,
        } = message;
        if let Some(cluster) = &self.durability.cluster {
            let input = cluster::Input::Publish {
                channel,
                message,
                sharded,
            };
            cluster.tell(engine, input);
        }
    }

    fn dial(&self, host: &str, port: u16, timeout: Duration) -> Result<Box<dyn Wire>, DialError> {
        let is_encrypted = self
            .engine()
            .is_some_and(|engine| engine.config.load().tls.cluster);
        let encryption = match is_encrypted {
            true => Some(self.encryption.connector().ok_or(DialError::NoAnswer)?),
            false => None,
        };
        crate::wire::dial(host, port, timeout, encryption)
    }

    fn crash(&self, how: Crash) {
        match how {
            Crash::Exit | Crash::Restart => std::process::exit(0),
            Crash::Abort | Crash::Panic => std::process::abort(),
            Crash::Segfault => {
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::SEGV);
            }
        }
    }

    fn sleep(&self, micros: u64) {
        std::thread::sleep(Duration::from_micros(micros));
    }

    fn purge_memory(&self) {
        crate::memory::purge();
    }

    fn log(&self, level: LogLevel, line: &str) {
        self.journal.line(level, line);
    }
}

const NO_CLUSTER: &str = "ERR This instance has cluster support disabled";

/// Descriptors the program needs beside those of clients.
const OWN_DESCRIPTORS: u64 = 32;

/// Asks the system for as many descriptors as clients may come.
pub fn raise_open_files(clients: u32) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::from(clients) + OWN_DESCRIPTORS;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = now.maximum.map(|maximum| maximum.max(wanted));
    let raised = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(wanted),
            maximum,
        },
    );
    let most = now
        .maximum
        .unwrap_or(wanted)
        .saturating_sub(OWN_DESCRIPTORS);
    raised.map_err(|_| format!("{TOO_MANY_CLIENTS}, try with {most}"))
}

const TOO_MANY_CLIENTS: &str =
    "The operating system is not able to handle the specified number of clients";

fn read_cpu() -> Option<Cpu> {
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let read = |path: &str| -> Option<Vec<f64>> {
        let stat = std::fs::read_to_string(path).ok()?;
        let fields = stat.rsplit(") ").next()?.split_whitespace();
        Some(
            fields
                .skip(11)
                .take(4)
                .map(|text| text.parse().unwrap_or(0.0) / ticks)
                .collect(),
        )
    };
    let process = read("/proc/self/stat")?;
    let main = read(&format!("/proc/self/task/{}/stat", std::process::id()))?;
    Some(Cpu {
        user: process[0],
        system: process[1],
        children_user: process[2],
        children_system: process[3],
        main_thread_user: main[0],
        main_thread_system: main[1],
    })
}
