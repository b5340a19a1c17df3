//! The machine beside a real `redis-server`, in either role, over real sockets.
//!
//! The shell here holds no data: it keeps the log, hands out an empty copy, and takes any. Skipped
//! where no `redis-server` is installed.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use config::Config;
use replication::{
    Born, Counter, Cutter, FailoverRequest, Input, LinkId, LinkState, Loaded, Machine, Output,
    PeerId, Primary, Role, Settings, Span, Target, View,
};
use resp::request::{Batch, Limits, Parser};

/// An RDB file without keys and without a checksum.
const EMPTY_COPY: &[u8] = b"REDIS0009\xff\0\0\0\0\0\0\0\0";

const PATIENCE: Duration = Duration::from_secs(20);

struct Redis {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Redis {
    fn start() -> Option<Redis> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let folder = std::env::temp_dir().join(format!("ochre-replication-{port}"));
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--save",
                "",
                "--bind",
                "127.0.0.1",
            ])
            .args([
                "--repl-diskless-sync-delay",
                "0",
                "--repl-ping-replica-period",
                "1",
            ])
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Redis {
            child,
            port,
            folder,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(redis)
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let timeout = Some(Duration::from_millis(200));
        stream
            .set_read_timeout(timeout)
            .expect("a timeout can be set");
        let mut bytes = Vec::new();
        resp::reply::write_request(&mut bytes, words);
        stream.write_all(&bytes).expect("it reads");
        let mut reply = vec![0; 65536];
        let len = stream.read(&mut reply).expect("it answers");
        String::from_utf8_lossy(&reply[..len]).into_owned()
    }

    fn info(&self, field: &str) -> String {
        let info = self.ask(&["INFO", "everything"]);
        let mut lines = info.lines();
        let value = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_default().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct Peer {
    stream: TcpStream,
    input: Vec<u8>,
    held: u64,
    is_fed: bool,
}

struct Shell {
    machine: Machine,
    begun: Instant,
    listener: TcpListener,
    peers: BTreeMap<PeerId, Peer>,
    next_peer: u64,
    link: Option<(LinkId, TcpStream)>,
    cutter: Cutter,
    log: Vec<u8>,
    log_start: u64,
    marks: BTreeMap<u64, Vec<u8>>,
    inputs: Vec<Input<'static>>,
    lines: Vec<String>,
    counts: Vec<Counter>,
}

impl Shell {
    fn start() -> Shell {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener
            .set_nonblocking(true)
            .expect("sockets may not block");
        let port = listener.local_addr().expect("it is bound").port();
        let mut settings = Settings::of(&Config::default(), port);
        settings.diskless_delay_ms = 0;
        settings.ping_period_ms = 1_000;
        let view = View {
            now_ms: 0,
            log: Span::default(),
            holds_data: false,
        };
        Shell {
            machine: Machine::new(settings, Born::default(), [7, u64::from(port)], &view),
            begun: Instant::now(),
            listener,
            peers: BTreeMap::new(),
            next_peer: 0,
            link: None,
            cutter: Cutter::default(),
            log: Vec::new(),
            log_start: 0,
            marks: BTreeMap::new(),
            inputs: Vec::new(),
            lines: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn end(&self) -> u64 {
        self.log_start + self.log.len() as u64
    }

    fn view(&self) -> View {
        View {
            now_ms: self.begun.elapsed().as_millis() as u64,
            log: Span {
                start: self.log_start,
                end: self.end(),
            },
            holds_data: false,
        }
    }

    fn step(&mut self, input: Input<'_>) {
        let bytes = match &input {
            Input::FromPrimary { bytes, .. } => bytes.to_vec(),
            _ => Vec::new(),
        };
        let mut out = Vec::new();
        self.machine.step(&self.view(), input, &mut out);
        out.into_iter()
            .for_each(|output| self.perform(output, &bytes));
        while !self.inputs.is_empty() {
            let input = self.inputs.remove(0);
            self.step(input);
        }
    }

    fn perform(&mut self, output: Output, bytes: &[u8]) {
        match output {
            Output::Send { peer, bytes } => self.send(peer, &bytes),
            Output::Drop { peer } => drop(self.peers.remove(&peer)),
            Output::Hold { peer, from } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.held = from;
                }
            }
            Output::Feed { peer } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.is_fed = true;
                }
            }
            Output::TakeSnapshot {
                snapshot, target, ..
            } => {
                let offset = self.end();
                self.inputs.push(Input::SnapshotTaken { snapshot, offset });
                match target {
                    Target::Sockets { mark } => {
                        self.marks.insert(snapshot.0, mark.to_vec());
                    }
                    Target::WithLog => unreachable!("Redis takes no log with a copy"),
                    Target::File => {
                        let len = EMPTY_COPY.len() as u64;
                        self.inputs.push(Input::SnapshotWritten { snapshot, len });
                    }
                }
            }
            Output::SendSnapshot { peer, snapshot } => {
                let mark = self.marks.get(&snapshot.0).cloned().unwrap_or_default();
                self.send(peer, &[EMPTY_COPY, &mark].concat());
                self.inputs.push(Input::SnapshotSent { peer });
            }
            Output::Append { bytes } => self.log.extend_from_slice(bytes),
            Output::Connect { link, primary } => {
                self.cutter = Cutter::default();
                match TcpStream::connect((&*primary.host, primary.port)) {
                    Ok(stream) => {
                        stream.set_nonblocking(true).expect("sockets may not block");
                        self.link = Some((link, stream));
                        self.inputs.push(Input::Connected { link });
                    }
                    Err(_) => self.inputs.push(Input::LinkLost {
                        link,
                        why: "refused",
                    }),
                }
            }
            Output::SendPrimary { bytes, .. } => {
                if let Some((_, stream)) = &mut self.link {
                    // A link that is gone is noticed where it is read.
                    let _ = stream.write_all(&bytes);
                }
            }
            Output::CloseLink { .. } => self.link = None,
            Output::Received { link, .. } => {
                let is_empty = false;
                self.inputs.push(Input::Inspected { link, is_empty });
            }
            Output::Load { link, .. } => {
                let result = Loaded::Whole;
                self.inputs.push(Input::Loaded { link, result });
            }
            Output::Adopt { offset, .. } => {
                self.log.clear();
                self.log_start = offset;
            }
            Output::Stream { range, .. } => self.cutter.push(&bytes[range]),
            Output::Log { line, .. } => self.lines.push(line),
            Output::Count(counter) => self.counts.push(counter),
            Output::Enlist { .. }
            | Output::CancelSnapshot { .. }
            | Output::KeepLog { .. }
            | Output::FreeLog
            | Output::Become(_)
            | Output::Remember { .. }
            | Output::PauseWrites(_)
            | Output::GoodReplicas(_)
            | Output::WaitOver { .. }
            | Output::Receive { .. }
            | Output::Copy { .. } => {}
        }
    }

    fn send(&mut self, peer: PeerId, bytes: &[u8]) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            let _ = peer.stream.write_all(bytes);
        }
    }

    /// Turns until something holds.
    fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Shell) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "not {what}: {:#?}", self.lines);
            self.turn();
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn turn(&mut self) {
        if let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).expect("sockets may not block");
            self.next_peer += 1;
            let peer = Peer {
                stream,
                input: Vec::new(),
                held: 0,
                is_fed: false,
            };
            self.peers.insert(PeerId(self.next_peer), peer);
        }
        self.read_link();
        for peer in self.peers.keys().copied().collect::<Vec<_>>() {
            self.read_peer(peer);
            self.feed(peer);
        }
        if self.machine.next_deadline() <= self.view().now_ms {
            self.step(Input::Tick);
        }
    }

    fn read_link(&mut self) {
        let mut bytes = vec![0; 4096];
        let Some((link, stream)) = &mut self.link else {
            return;
        };
        let link = *link;
        match stream.read(&mut bytes) {
            Ok(0) => self.step(Input::LinkLost {
                link,
                why: "closed",
            }),
            Ok(len) => {
                let bytes = &bytes[..len];
                self.step(Input::FromPrimary { link, bytes });
                self.apply(link);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.step(Input::LinkLost {
                link,
                why: "failed",
            }),
        }
    }

    fn apply(&mut self, link: LinkId) {
        let mut ack_asked = None;
        while let Some(unit) = self.cutter.next_unit().expect("redis sends a sound stream") {
            if unit.asks_ack {
                ack_asked = Some(self.log_start + self.log.len() as u64);
            }
            self.log.extend_from_slice(unit.bytes);
        }
        self.step(Input::Applied { link, ack_asked });
    }

    fn read_peer(&mut self, peer: PeerId) {
        let mut bytes = vec![0; 4096];
        let Some(session) = self.peers.get_mut(&peer) else {
            return;
        };
        match session.stream.read(&mut bytes) {
            Ok(0) => {
                self.peers.remove(&peer);
                return self.step(Input::Gone { peer });
            }
            Ok(len) => session.input.extend_from_slice(&bytes[..len]),
            Err(_) => return,
        }
        let mut input = std::mem::take(&mut session.input);
        let limits = Limits {
            bulk_bytes_max: 1 << 20,
            unauthenticated: false,
        };
        let mut batch = Batch::default();
        let parsed = Parser::default().parse(&mut input, &limits, &mut batch);
        let requests = (0..batch.len()).map(|index| {
            let words = batch.request(index).iter();
            words.map(|word| word.to_vec()).collect::<Vec<_>>()
        });
        let requests = requests.collect::<Vec<_>>();
        session.input = input[parsed.consumed..].to_vec();
        for words in requests {
            let words = words.iter().map(|word| &word[..]).collect::<Vec<_>>();
            let rest = &words[1..];
            let (address, owes_replies) = ("127.0.0.1:1", false);
            match words[0] {
                b"PING" => self.send(peer, b"+PONG\r\n"),
                b"REPLCONF" => self.step(Input::Replconf { peer, words: rest }),
                b"PSYNC" => self.step(Input::Psync {
                    peer,
                    words: rest,
                    address,
                    owes_replies,
                }),
                other => panic!("redis asks {}", other.escape_ascii()),
            }
        }
    }

    fn feed(&mut self, peer: PeerId) {
        let end = self.end();
        let Some(session) = self.peers.get_mut(&peer).filter(|peer| peer.is_fed) else {
            return;
        };
        if session.held < end {
            let at = (session.held - self.log_start) as usize;
            session.held = end;
            let bytes = self.log[at..].to_vec();
            self.send(peer, &bytes);
            self.step(Input::Sent { peer, offset: end });
        }
    }

    fn is_online(&self) -> bool {
        self.machine.link_state() == Some(LinkState::Connected)
    }

    /// Whether a line of the log says something.
    fn said(&self, what: &str) -> bool {
        self.lines.iter().any(|line| line.contains(what))
    }
}

#[test]
fn it_follows_redis_and_goes_on_after_a_cut() {
    let Some(redis) = Redis::start() else {
        return println!("skipped: no redis-server");
    };
    redis.ask(&["SET", "before", "1"]);
    let mut shell = Shell::start();
    let primary = Some(Primary {
        host: "127.0.0.1".to_owned(),
        port: redis.port,
    });
    shell.step(Input::ReplicaOf {
        primary,
        by: "test",
    });
    shell.until("online", |shell| shell.is_online());
    redis.ask(&["SET", "after", "2"]);
    shell.until("confirmed", |shell| {
        let offset = format!("offset={}", shell.end());
        shell.end() > 0 && redis.info("slave0").contains(&offset)
    });
    // Whoever asks is answered at once.
    let word = std::thread::scope(|scope| {
        let asked = scope.spawn(|| redis.ask(&["WAIT", "1", "150"]));
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(150) {
            shell.turn();
        }
        asked.join().expect("the question ends")
    });
    assert_eq!(word, ":1\r\n");
    let cut = shell.view().now_ms + 1_200;
    shell.until("waited", |shell| shell.view().now_ms > cut);
    redis.ask(&["CLIENT", "KILL", "TYPE", "replica"]);
    shell.until("continued", |shell| {
        shell.said("Successful partial resynchronization")
    });
    redis.ask(&["SET", "later", "3"]);
    shell.until("level", |shell| {
        redis.info("master_repl_offset") == shell.end().to_string() && shell.is_online()
    });
    assert_eq!(redis.info("sync_partial_ok"), "1");
    assert_eq!(
        redis.info("master_replid"),
        shell.machine.history().id.as_str()
    );
    // Redis gives its role away, and goes on as a replica without another copy.
    let port = shell
        .listener
        .local_addr()
        .expect("it is bound")
        .port()
        .to_string();
    assert_eq!(
        redis.ask(&["FAILOVER", "TO", "127.0.0.1", &port]),
        "+OK\r\n"
    );
    shell.until("primary", |shell| shell.machine.role() == Role::Primary);
    shell.until("followed", |_| redis.info("master_link_status") == "up");
    for words in [&["SELECT", "0"][..], &["SET", "before", "4"]] {
        resp::reply::write_request(&mut shell.log, words);
    }
    shell.until("applied", |_| {
        redis.ask(&["GET", "before"]) == "$1\r\n4\r\n"
    });
    assert!(!shell.counts.contains(&Counter::FullSync));
    assert_eq!(
        redis.info("master_replid"),
        shell.machine.history().id.as_str()
    );
}

#[test]
fn redis_follows_it_and_takes_over() {
    let Some(redis) = Redis::start() else {
        return println!("skipped: no redis-server");
    };
    let mut shell = Shell::start();
    let port = shell.listener.local_addr().expect("it is bound").port();
    redis.ask(&["REPLICAOF", "127.0.0.1", &port.to_string()]);
    let is_fed = |shell: &mut Shell| shell.peers.values().any(|peer| peer.is_fed);
    shell.until("fed", is_fed);
    for words in [&["SELECT", "0"][..], &["SET", "key", "value"]] {
        resp::reply::write_request(&mut shell.log, words);
    }
    shell.until("followed", |_| redis.info("master_link_status") == "up");
    shell.until("applied", |_| {
        redis.ask(&["GET", "key"]) == "$5\r\nvalue\r\n"
    });
    // The link is cut, and the stream goes on.
    shell.until("pinged", |shell| {
        shell.said("Synchronization") && shell.end() > 70
    });
    let peers = std::mem::take(&mut shell.peers);
    for (peer, session) in peers {
        drop(session);
        shell.step(Input::Gone { peer });
    }
    shell.until("continued", |shell| {
        shell.counts.contains(&Counter::PartialSync)
    });
    resp::reply::write_request(&mut shell.log, &["INCR", "count"]);
    shell.until("applied", |_| redis.ask(&["GET", "count"]) == "$1\r\n1\r\n");
    assert_eq!(
        redis.info("master_replid"),
        shell.machine.history().id.as_str()
    );
    // Redis takes the role over, and is followed from where it stands.
    let request = FailoverRequest::Begin {
        target: None,
        force: false,
        timeout_ms: None,
    };
    let client = PeerId(u64::MAX);
    shell.step(Input::Failover { client, request });
    shell.until("followed", |shell| shell.is_online());
    assert_eq!(shell.machine.role(), Role::Replica);
    assert_eq!(redis.info("role"), "master");
    redis.ask(&["SET", "key", "other"]);
    shell.until("level", |shell| {
        redis.info("master_repl_offset") == shell.end().to_string()
    });
    let syncs = shell
        .counts
        .iter()
        .filter(|counter| **counter == Counter::FullSync);
    assert_eq!(syncs.count(), 1);
    assert_eq!(
        redis.info("master_replid"),
        shell.machine.history().id.as_str()
    );
}
