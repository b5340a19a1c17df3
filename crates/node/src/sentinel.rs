//! Sentinel performed: the machine behind one lock, and what its outputs mean for whoever
//! subscribed, the log and the file. Sockets, names and scripts are the [`Shell`]'s.
//!
//! ```text
//!   SENTINEL, PUBLISH ── Watcher ──▶ ┌──────────┐ ──▶ subscribers, log
//!   a link's task ────── tell ─────▶ │ Sentinel │ ──▶ Link ──▶ a socket
//!   a timer ──────────── tick ─────▶ └──────────┘ ──▶ Shell ──▶ the file, scripts, names
//! ```
//!
//! The file is written under the machine's lock: nobody is told of a vote that is not kept.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ::sentinel::{Answer, ConnectionId, Input, Level, Machine, Output, ScriptId, View};
use engine::Engine;
use engine::clients::Wakes;
use engine::host::{LogLevel, Watcher};
use parking_lot::Mutex;

mod link;

pub use link::Link;

/// What only a program with sockets, files and processes can do.
pub trait Shell: Send + Sync {
    /// Makes the link, and looks after it until it is closed.
    fn connect(&self, link: Arc<Link>);

    /// Looks up a name, and tells of it later.
    fn resolve(&self, host: String);

    /// Looks up a name while the asker waits.
    fn resolve_now(&self, host: &str) -> Option<IpAddr>;

    /// Puts these statements into the configuration file, on the disk. The error is the system's
    /// word for what went wrong.
    fn save(&self, statements: Vec<Vec<Vec<u8>>>) -> Result<(), String>;

    /// Whether a file may be run as a script.
    fn can_run(&self, path: &[u8]) -> bool;

    /// Starts a script, and tells later of its start and its end.
    fn run_script(&self, script: ScriptId, path: Vec<u8>, args: Vec<Vec<u8>>);

    fn kill_script(&self, pid: u32);

    /// Ends the program here and now.
    fn crash(&self);

    /// The next deadline has come nearer.
    fn rearm(&self);
}

pub struct Sentinel {
    core: Mutex<Core>,
    shell: OnceLock<Box<dyn Shell>>,
    deadline_ms: AtomicU64,
}

struct Core {
    machine: Machine,
    outputs: Vec<Output>,
    links: BTreeMap<ConnectionId, Arc<Link>>,
    /// How the last save of the step under way went.
    saved: Result<(), String>,
}

impl Sentinel {
    pub fn new(machine: Machine) -> Sentinel {
        let core = Core {
            machine,
            outputs: Vec::new(),
            links: BTreeMap::new(),
            saved: Ok(()),
        };
        Sentinel {
            core: Mutex::new(core),
            shell: OnceLock::new(),
            deadline_ms: AtomicU64::new(u64::MAX),
        }
    }

    pub fn set_shell(&self, shell: Box<dyn Shell>) {
        // It is set once.
        drop(self.shell.set(shell));
    }

    /// Ports are open a moment before anything can be done: whoever is quicker waits.
    fn wait_for_start(&self) -> &dyn Shell {
        &**self.shell.wait()
    }

    /// Begins to watch.
    pub fn start(&self, engine: &Engine) {
        let core = &mut *self.core.lock();
        self.step(engine, core, |machine, view, outputs| {
            machine.start(view, outputs)
        });
    }

    /// Takes in what happened.
    pub fn tell(&self, engine: &Engine, input: Input<'_>) {
        let core = &mut *self.core.lock();
        self.step(engine, core, |machine, view, outputs| {
            machine.step(view, input, outputs)
        });
    }

    /// As [`Sentinel::tell`], of a link. One that was closed meanwhile has nothing to tell.
    pub fn tell_of(&self, engine: &Engine, link: &Link, input: Input<'_>) {
        let core = &mut *self.core.lock();
        if !core.links.contains_key(&link.id) {
            return;
        }
        if let Input::Lost { connection, .. } = input {
            core.links.remove(&connection);
        }
        self.step(engine, core, |machine, view, outputs| {
            machine.step(view, input, outputs)
        });
    }

    /// When [`Input::Tick`] is due, on the host's clock.
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms.load(Ordering::Acquire)
    }

    /// Lets the machine take a step, and performs what follows from it.
    fn step<R>(
        &self,
        engine: &Engine,
        core: &mut Core,
        step: impl FnOnce(&mut Machine, &View, &mut Vec<Output>) -> R,
    ) -> R {
        core.saved = Ok(());
        let mut outputs = std::mem::take(&mut core.outputs);
        let result = step(&mut core.machine, &view(engine), &mut outputs);
        for output in outputs.drain(..) {
            self.perform(engine, core, output);
        }
        core.outputs = outputs;
        let deadline = core.machine.next_deadline();
        if self.deadline_ms.swap(deadline, Ordering::AcqRel) > deadline
            && let Some(shell) = self.shell.get()
        {
            shell.rearm();
        }
        result
    }

    fn perform(&self, engine: &Engine, core: &mut Core, output: Output) {
        let Some(shell) = self.shell.get() else {
            return;
        };
        match output {
            Output::Connect {
                connection,
                way,
                ip,
                port,
            } => {
                let link = Arc::new(Link::new(connection, way, ip, port));
                core.links.insert(connection, Arc::clone(&link));
                shell.connect(link);
            }
            Output::Close { connection } => {
                if let Some(link) = core.links.remove(&connection) {
                    link.close();
                }
            }
            Output::Send { connection, words } => {
                if let Some(link) = core.links.get(&connection) {
                    link.send(&words);
                }
            }
            Output::Resolve { host } => shell.resolve(host),
            Output::Publish { channel, text } => {
                let config = engine.config.load();
                engine.publish(
                    &config,
                    &mut Wakes::default(),
                    channel.as_bytes(),
                    text.as_bytes(),
                );
            }
            Output::Save => save(engine, core, &**shell),
            Output::RunScript { script, path, args } => shell.run_script(script, path, args),
            Output::KillScript { pid, .. } => shell.kill_script(pid),
            Output::Crash => shell.crash(),
            Output::Log { level, line } => engine.host.log(rank(level), &line),
        }
    }
}

fn save(engine: &Engine, core: &mut Core, shell: &dyn Shell) {
    let saved = shell.save(core.machine.statements());
    match &saved {
        Ok(()) => {
            let line = "Sentinel new configuration saved on disk";
            engine.host.log(LogLevel::Notice, line);
        }
        Err(why) => {
            let line = format!(
                "WARNING: Sentinel was not able to save the new configuration on disk!!!: {why}"
            );
            engine.host.log(LogLevel::Warning, &line);
        }
    }
    core.saved = saved;
}

impl Watcher for Sentinel {
    fn ask(&self, engine: &Engine, words: &[&[u8]]) -> Answer {
        let shell = self.wait_for_start();
        // Nobody else waits while a name is looked up.
        let name = self.core.lock().machine.name_to_resolve(words);
        if let Some(host) = name {
            let ip = shell.resolve_now(&host);
            self.tell(engine, Input::Resolved { host: &host, ip });
        }
        let can_run = |path: &[u8]| shell.can_run(path);
        let core = &mut *self.core.lock();
        let answer = self.step(engine, core, |machine, view, outputs| {
            machine.command(view, words, &can_run, outputs)
        });
        match answer {
            Answer::OkIfSaved if core.saved.is_err() => {
                Answer::Error("ERR Failed to save config file. Check server logs.".to_owned())
            }
            answer => answer,
        }
    }

    fn hear(&self, engine: &Engine, hello: &[u8]) {
        self.wait_for_start();
        self.tell(engine, Input::Hello { text: hello });
    }

    fn look(&self, engine: &Engine, look: &mut dyn FnMut(&Machine, &View)) {
        look(&self.core.lock().machine, &view(engine));
    }
}

fn view(engine: &Engine) -> View {
    View {
        now_ms: engine.host.monotonic_nanos() / 1_000_000,
        wall_ms: engine.host.unix_micros() / 1000,
    }
}

fn rank(level: Level) -> LogLevel {
    match level {
        Level::Debug => LogLevel::Debug,
        Level::Verbose => LogLevel::Verbose,
        Level::Notice => LogLevel::Notice,
        Level::Warning => LogLevel::Warning,
    }
}
