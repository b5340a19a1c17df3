//! A master, its replicas and the Sentinels that watch them, each of either kind.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use resp::value::Value;
use rustix::process::Signal;

use crate::process::{Folder, OCHRE, Process, free_port};
use crate::side::{REDIS, bytes};
use crate::wire::Wire;

/// The name that all Sentinels watch the master by.
pub const NAME: &str = "mymaster";

/// A failover that does not come about is tried again after a while, which may happen twice.
const PATIENCE: Duration = Duration::from_secs(120);

const GLANCE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ochre,
    Redis,
}

/// Both kinds look, ask and tell this much more often than they do by themselves, so that nobody
/// waits for what comes every ten seconds. A clock that is distrusted is trusted again soon.
const HASTE: &str = "SENTINEL DEBUG info-period 500 publish-period 400 ask-period 300 \
                     ping-period 300 tilt-period 2000";

/// Whether what the tests need is there.
pub fn is_redis_there() -> bool {
    let is_there = Path::new(REDIS).exists();
    if !is_there {
        eprintln!("skipped: {REDIS} is not installed");
    }
    is_there
}

/// A process with a port and a configuration file, which may be ended and started again.
pub struct Program {
    pub kind: Kind,
    pub port: u16,
    pub is_sentinel: bool,
    /// What it wants to hear before anything else.
    password: Option<String>,
    folder: Folder,
    process: Option<Process>,
}

impl Program {
    pub fn new(kind: Kind, is_sentinel: bool, text: &str) -> Program {
        let (port, folder) = (free_port(), Folder::new());
        let root = folder.root().to_owned();
        let text = format!("# ours\nport {port}\ndir {root}\n{text}\n# the end\n");
        folder.file("conf", &text);
        let mut program = Program {
            kind,
            port,
            is_sentinel,
            password: password(&text),
            folder,
            process: None,
        };
        program.start();
        program
    }

    /// Starts the program with the file that it left behind.
    pub fn start(&mut self) {
        let file = self.folder.path("conf");
        let (program, called) = match (self.kind, self.is_sentinel) {
            (Kind::Redis, _) => (REDIS, "redis-server"),
            (Kind::Ochre, true) => (OCHRE, "redis-sentinel"),
            (Kind::Ochre, false) => (OCHRE, "redis-server"),
        };
        let mut args = vec![&file[..]];
        if self.is_sentinel && self.kind == Kind::Redis {
            args.push("--sentinel");
        }
        self.process = Some(Process::start(Path::new(program), called, &args, ""));
        self.wait("it answers", |it| {
            it.ask_once("PING") == Some(Value::Simple(b"PONG".to_vec()))
        });
        if self.is_sentinel {
            assert_eq!(self.ask(HASTE), Value::Simple(b"OK".to_vec()));
        }
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Ends the program as an operator does.
    pub fn end(&mut self) {
        let mut process = self.process.take().expect("it runs");
        rustix::process::kill_process(process.id(), Signal::TERM).unwrap();
        let ended = process.end();
        assert_eq!(ended.code, Some(0), "{}", ended.output);
    }

    pub fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it runs");
        rustix::process::kill_process(process.id(), signal).unwrap();
    }

    pub fn text(&self) -> String {
        fs::read_to_string(self.folder.path("conf")).unwrap()
    }

    pub fn output(&self) -> String {
        self.process
            .as_ref()
            .map(Process::output)
            .unwrap_or_default()
    }

    /// Waits until a condition holds, and shows the log if it never does.
    #[track_caller]
    pub fn wait(&self, what: &str, mut condition: impl FnMut(&Program) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            let (kind, port, text) = (self.kind, self.port, self.text());
            assert!(
                Instant::now() < deadline,
                "{kind:?} at {port}: waited in vain: {what}\n{text}\n{}",
                self.output()
            );
            thread::sleep(GLANCE);
        }
    }

    pub fn wire(&self) -> Wire {
        Wire::connect(("127.0.0.1", self.port))
    }

    /// Asks on a connection of its own. None if nobody answers.
    pub fn ask_once(&self, line: &str) -> Option<Value> {
        TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let mut wire = self.wire();
        let mut request = Vec::new();
        if let Some(password) = &self.password {
            resp::reply::write_request(&mut request, &["AUTH", password]);
            wire.send(&request).ok()?;
            wire.try_next()?;
            request.clear();
        }
        resp::reply::write_request(&mut request, &line.split(' ').collect::<Vec<_>>());
        wire.send(&request).ok()?;
        wire.try_next()
    }

    #[track_caller]
    pub fn ask(&self, line: &str) -> Value {
        self.ask_once(line).expect("the program answers")
    }

    /// What is asked for as a list of words.
    #[track_caller]
    pub fn words(&self, line: &str) -> Vec<String> {
        match self.ask(line) {
            Value::Array(items) => items.into_iter().map(text).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    /// What is asked for as pairs.
    #[track_caller]
    pub fn pairs(&self, line: &str) -> BTreeMap<String, String> {
        pairs(self.ask(line))
    }

    /// What is asked for as a list of pairs.
    #[track_caller]
    pub fn rows(&self, line: &str) -> Vec<BTreeMap<String, String>> {
        match self.ask(line) {
            Value::Array(rows) => rows.into_iter().map(pairs).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    /// Where this Sentinel says the master is.
    pub fn master_port(&self) -> u16 {
        let words = self.words(&format!("SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}"));
        words[1].parse().unwrap()
    }

    /// The port of the master that this node follows, if the link stands.
    pub fn follows(&self) -> Option<u16> {
        let Some(Value::Array(role)) = self.ask_once("ROLE") else {
            return None;
        };
        match &role[..] {
            [
                Value::Bulk(role),
                _,
                Value::Integer(port),
                Value::Bulk(state),
                _,
            ] if role == b"slave" && state == b"connected" => Some(*port as u16),
            _ => None,
        }
    }

    pub fn is_master(&self) -> bool {
        match self.ask_once("ROLE") {
            Some(Value::Array(role)) => role[0] == Value::Bulk(b"master".to_vec()),
            _ => false,
        }
    }
}

/// The password that a configuration asks for.
fn password(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with("requirepass "))?;
    line.split(' ').nth(1).map(str::to_owned)
}

fn text(value: Value) -> String {
    String::from_utf8(bytes(value)).unwrap()
}

#[track_caller]
fn pairs(value: Value) -> BTreeMap<String, String> {
    let Value::Array(items) = value else {
        panic!("{value:?}");
    };
    let words: Vec<String> = items.into_iter().map(text).collect();
    words
        .chunks(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

/// Nodes of which one was the master at first, and Sentinels.
pub struct Group {
    pub nodes: Vec<Program>,
    pub sentinels: Vec<Program>,
}

/// Whoever looks for what went wrong reads what everybody said.
impl Drop for Group {
    fn drop(&mut self) {
        if thread::panicking() {
            for program in self.nodes.iter().chain(&self.sentinels) {
                let (kind, port) = (program.kind, program.port);
                println!("--- {kind:?} at {port}\n{}", program.output());
            }
        }
    }
}

impl Group {
    /// Starts everything, with the first node as the master, and waits until all know each other.
    pub fn start(nodes: &[Kind], sentinels: &[Kind], more: &str) -> Group {
        Group::protected(nodes, sentinels, "", more)
    }

    /// As [`Group::start`], with more directives for the nodes, too.
    pub fn protected(nodes: &[Kind], sentinels: &[Kind], secret: &str, more: &str) -> Group {
        let mut group = Group {
            nodes: Vec::new(),
            sentinels: Vec::new(),
        };
        for &kind in nodes {
            let mut text = format!("save \"\"\nrepl-diskless-sync-delay 0\n{secret}");
            if let Some(master) = group.nodes.first() {
                text += &format!("replicaof 127.0.0.1 {}\n", master.port);
            }
            group.nodes.push(Program::new(kind, false, &text));
        }
        let master = group.nodes[0].port;
        for &kind in sentinels {
            let text = format!(
                "sentinel monitor {NAME} 127.0.0.1 {master} 2\n\
                 sentinel down-after-milliseconds {NAME} 2000\n\
                 # between two statements\n\
                 sentinel failover-timeout {NAME} 4000\n{more}"
            );
            group.sentinels.push(Program::new(kind, true, &text));
        }
        group.wait_until_all_know_each_other();
        group
    }

    #[track_caller]
    pub fn wait_until_all_know_each_other(&self) {
        let replicas = (self.nodes.len() - 1).to_string();
        let others = (self.sentinels.len() - 1).to_string();
        for sentinel in &self.sentinels {
            sentinel.wait("it knows everybody", |it| {
                let master = it.pairs(&format!("SENTINEL MASTER {NAME}"));
                let rows = it.rows(&format!("SENTINEL REPLICAS {NAME}"));
                let are_up = rows
                    .iter()
                    .all(|row| row["flags"] == "slave" && row["role-reported"] == "slave");
                let others_are_up = it
                    .rows(&format!("SENTINEL SENTINELS {NAME}"))
                    .iter()
                    .all(|row| row["flags"] == "sentinel");
                master["flags"] == "master"
                    && master["num-slaves"] == replicas
                    && master["num-other-sentinels"] == others
                    && are_up
                    && others_are_up
            });
        }
    }

    /// Waits until all Sentinels that run agree on another master, which is one, and all other
    /// nodes that run follow it. Returns which it is.
    #[track_caller]
    pub fn wait_for_another_master_than(&self, old: usize) -> usize {
        let running = |it: &&Program| it.process.is_some();
        let sentinels = || self.sentinels.iter().filter(running);
        let old_port = self.nodes[old].port;
        for sentinel in sentinels() {
            sentinel.wait("there is another master", |it| it.master_port() != old_port);
        }
        let first = sentinels().next().expect("a Sentinel runs");
        let mut port = first.master_port();
        for sentinel in sentinels() {
            sentinel.wait("all agree", |it| {
                port = first.master_port();
                it.master_port() == port
            });
        }
        let new = self.nodes.iter().position(|node| node.port == port);
        let new = new.expect("the master is one of the nodes");
        self.nodes[new].wait("it is the master", Program::is_master);
        for node in self.nodes.iter().filter(running) {
            if node.port != port {
                node.wait("it follows the new master", |it| it.follows() == Some(port));
            }
        }
        new
    }

    /// Waits until all Sentinels say the same of the master's epoch.
    #[track_caller]
    pub fn wait_for_one_epoch(&self) -> String {
        let epoch =
            |it: &Program| it.pairs(&format!("SENTINEL MASTER {NAME}"))["config-epoch"].clone();
        for sentinel in &self.sentinels {
            sentinel.wait("the epochs are equal", |it| {
                epoch(it) == epoch(&self.sentinels[0])
            });
        }
        epoch(&self.sentinels[0])
    }

    /// Writes to the master, and waits until all nodes that run have it.
    #[track_caller]
    pub fn write(&self, master: usize, value: &str) {
        let reply = self.nodes[master].ask(&format!("SET key {value}"));
        assert_eq!(reply, Value::Simple(b"OK".to_vec()));
        for node in self.nodes.iter().filter(|node| node.process.is_some()) {
            node.wait("it has what was written", |it| {
                it.ask("GET key") == Value::Bulk(value.as_bytes().to_vec())
            });
        }
    }
}
