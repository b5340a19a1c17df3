//! What Sentinel asks of this program: links, names, scripts, the file and a timer.
//!
//! ```text
//!   post     one thread that takes in what happened, and lets time pass
//!   link     one task a link: requests out, replies in
//!   script   one thread a script, until it ends
//!   file     the configuration file, written whole or not at all
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use config::{Config, LoadError, Loaded};
use engine::Engine;
use engine::host::LogLevel;
use node::sentinel::{Link, Sentinel, Shell};
use sentinel::{Input, Machine, ScriptId, Settings, Statement, View};
use tokio::net::lookup_host;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};

use crate::clock::Clock;
use crate::encryption::files;
use crate::journal::Journal;
use crate::worker;

mod file;
mod link;
mod post;
mod script;

use file::File;
use post::{Event, Post};
use script::{Scripts, can_run};

/// What may have happened before anybody has to wait for the post.
const EVENTS_MAX: usize = 256;

/// What Sentinel asks of this program.
struct Sockets {
    engine: Arc<Engine>,
    sentinel: Arc<Sentinel>,
    runtime: Handle,
    post: Sender<Event>,
    file: File,
    scripts: Arc<Scripts>,
    /// The address that links come from.
    source: Option<IpAddr>,
}

/// The Sentinel that the statements of a configuration make. `now` are what both clocks say.
pub fn make(loaded: &Loaded, seed: u64, view: &View) -> Result<Sentinel, LoadError> {
    let settings = Settings::of(&loaded.config, loaded.config.peer_port());
    let statements = Statement::all(loaded);
    let made = Machine::new(settings, &statements, seed, &can_run, view);
    made.map(Sentinel::new).map_err(|refusal| {
        match loaded.origins_of("sentinel").nth(refusal.index) {
            Some(origin) => origin.refuse(refusal.why),
            None => LoadError::Whole { why: refusal.why },
        }
    })
}

/// What the clocks say, for whoever has no host yet.
pub fn clocks() -> View {
    let moment = Clock::new().moment();
    View {
        now_ms: moment.nanos / 1_000_000,
        wall_ms: moment.unix_micros / 1000,
    }
}

/// Checks that what is learned can be kept. The error is what the operator reads.
pub fn check_file(path: Option<&str>) -> Result<(), String> {
    let Some(path) = path else {
        return Err("Sentinel needs config file on disk to save state. Exiting...".to_owned());
    };
    file::check(path)
        .map_err(|why| format!("Sentinel config file {path} is not writable: {why}. Exiting..."))
}

/// Begins to watch. Called within the runtime that looks after links.
pub fn start(
    engine: &Arc<Engine>,
    sentinel: &Arc<Sentinel>,
    config: &Config,
    path: String,
) -> std::io::Result<()> {
    let (post, events) = channel(EVENTS_MAX);
    let sockets = Sockets {
        engine: Arc::clone(engine),
        sentinel: Arc::clone(sentinel),
        runtime: Handle::current(),
        post: post.clone(),
        file: File::new(path),
        scripts: Arc::default(),
        source: source(config),
    };
    sentinel.set_shell(Box::new(sockets));
    sentinel.start(engine);
    Post::open(engine, sentinel, events)
}

/// Whoever listens on one address only is known by that.
fn source(config: &Config) -> Option<IpAddr> {
    let first = config.network.bind.iter().next()?;
    let text = String::from_utf8_lossy(first);
    let ip: IpAddr = text.strip_prefix('-').unwrap_or(&text).parse().ok()?;
    Some(ip).filter(|ip| !ip.is_unspecified())
}

/// Tells the line of a log that a Sentinel begins with.
pub fn announce(journal: &Journal, config: &Config) {
    let line = format!("Running mode=sentinel, port={}.", config.main_port());
    journal.line(LogLevel::Notice, &line);
}

impl Shell for Sockets {
    fn connect(&self, link: Arc<Link>) {
        let config = self.engine.config.load();
        let is_encrypted = config.tls.replication;
        // The files were looked at when they were named; in no case is anything said plainly.
        let tls = is_encrypted.then(|| files(&config.tls, true).unwrap_or_default());
        let task = link::attend(self.post.clone(), link, self.source, tls);
        self.runtime.spawn(task);
    }

    fn resolve(&self, host: String) {
        let post = self.post.clone();
        self.runtime.spawn(async move {
            let ip = resolve(&host).await;
            // The post is open as long as the program runs.
            let _ = post.send(Event::Resolved { host, ip }).await;
        });
    }

    fn resolve_now(&self, host: &str) -> Option<IpAddr> {
        worker::give_way(|| self.runtime.block_on(resolve(host)))
    }

    fn save(&self, statements: Vec<Vec<Vec<u8>>>) -> Result<(), String> {
        let config = self.engine.config.load();
        let save = |statements| self.file.save(&config, statements);
        if Handle::try_current().is_err() {
            return save(statements);
        }
        // A client waits for this, and others must not.
        let (mut saved, mut statements) = (Ok(()), Some(statements));
        self.engine.host.run_long(&mut || {
            if let Some(statements) = statements.take() {
                saved = save(statements);
            }
        });
        saved
    }

    fn can_run(&self, path: &[u8]) -> bool {
        can_run(path)
    }

    fn run_script(&self, script: ScriptId, path: Vec<u8>, args: Vec<Vec<u8>>) {
        let (engine, sentinel) = (Arc::clone(&self.engine), Arc::clone(&self.sentinel));
        let tell = move |input: Input<'_>| sentinel.tell(&engine, input);
        Scripts::run(&self.scripts, script, &path, &args, tell);
    }

    fn kill_script(&self, pid: u32) {
        self.scripts.kill(pid);
    }

    fn crash(&self) {
        // What an operator who simulates a crash looks for.
        std::process::exit(99);
    }

    fn rearm(&self) {
        // Whoever is busy looks at the clock anyway.
        let _ = self.post.try_send(Event::Rearm);
    }
}

/// The first address of a name.
async fn resolve(host: &str) -> Option<IpAddr> {
    let mut addresses = lookup_host((host, 0)).await.ok()?;
    addresses.next().map(|address| address.ip())
}
