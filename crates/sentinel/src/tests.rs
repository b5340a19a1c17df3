//! One machine in virtual time, with everybody else played by the test.

mod commands;
mod failover;
mod links;
mod scripts;
mod statements;

use core::net::IpAddr;
use std::collections::BTreeMap;

use resp::value::Value;

use crate::{Answer, ConnectionId, Input, Level, Machine, Output, Settings, Statement, View, Way};

/// When the tests' wall clock begins.
const WALL_MS: i64 = 1_795_252_127_000;

const ID: &str = "a0ada7ffb56db449584c4ffdca05f8a9105c8f36";
const PEERS: [&str; 2] = [
    "a64986e12f1f94b89fa5d37e473a75f55ac9c290",
    "17c7c101217043e076930d0d5b32ef1fa68ad7cd",
];

/// A connection that the machine has, or tries to have.
#[derive(Debug)]
struct Conn {
    way: Way,
    port: u16,
    /// What was asked and not answered.
    asked: Vec<String>,
}

struct Bench {
    machine: Machine,
    now_ms: u64,
    wall_off_ms: i64,
    conns: BTreeMap<ConnectionId, Conn>,
    /// Events and log lines since they were last taken.
    lines: Vec<String>,
    saves: usize,
    others: Vec<Output>,
    out: Vec<Output>,
    /// By port: what a node says of itself, or `None` for one that is dead. Others are Sentinels.
    nodes: BTreeMap<u16, Option<String>>,
    /// What peers answer when they are asked about a master.
    opinion: (i64, String, i64),
    /// Whether nodes still read their data.
    loads: bool,
}

fn statements(lines: &[&str]) -> Vec<Statement> {
    let words = |line: &str| line.split(' ').map(|word| word.into()).collect();
    let lines = lines.iter().enumerate();
    lines
        .map(|(index, line)| Statement {
            line: index + 1,
            text: format!("sentinel {line}").into_bytes(),
            words: words(line),
        })
        .collect()
}

fn info_of_master(replicas: &[u16]) -> String {
    let mut text = format!("run_id:{:040}\r\nrole:master\r\n", 1);
    for (index, port) in replicas.iter().enumerate() {
        text += &format!("slave{index}:ip=127.0.0.1,port={port},state=online,offset=1,lag=0\r\n");
    }
    text
}

fn info_of_replica(id: u16, master: u16, more: &str) -> String {
    format!(
        "run_id:{id:040}\r\nrole:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:{master}\r\n\
         master_link_status:up\r\nslave_priority:100\r\nslave_repl_offset:{id}\r\n{more}"
    )
}

fn text(words: &[Vec<u8>]) -> String {
    let words = words.iter().map(|word| String::from_utf8_lossy(word));
    words.collect::<Vec<_>>().join(" ")
}

impl Bench {
    fn new(lines: &[&str]) -> Bench {
        let settings = Settings {
            port: 26379,
            password: Vec::new(),
        };
        let view = View {
            now_ms: 1_000_000,
            wall_ms: WALL_MS,
        };
        let mut lines = lines.to_vec();
        let id = format!("myid {ID}");
        lines.push(&id);
        let machine = Machine::new(settings, &statements(&lines), 7, &|_| true, &view);
        let machine = machine.unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let mut bench = Bench {
            machine,
            now_ms: view.now_ms,
            wall_off_ms: 0,
            conns: BTreeMap::new(),
            lines: Vec::new(),
            saves: 0,
            others: Vec::new(),
            out: Vec::new(),
            nodes: BTreeMap::new(),
            opinion: (0, "*".to_owned(), 0),
            loads: false,
        };
        let view = bench.view();
        bench.machine.start(&view, &mut bench.out);
        bench.perform();
        bench
    }

    /// A master with two replicas, and two more Sentinels, all of them well.
    fn well() -> Bench {
        let mut bench = Bench::new(&[
            "monitor mymaster 127.0.0.1 6379 2",
            "down-after-milliseconds mymaster 2000",
            "failover-timeout mymaster 20000",
        ]);
        bench
            .nodes
            .insert(6379, Some(info_of_master(&[6380, 6381])));
        for port in [6380, 6381] {
            let info = info_of_replica(port, 6379, "");
            bench.nodes.insert(port, Some(info));
        }
        for (index, id) in PEERS.iter().enumerate() {
            bench.hello(&format!(
                "127.0.0.1,2638{index},{id},0,mymaster,127.0.0.1,6379,0"
            ));
        }
        bench.pass(3_000);
        bench.take_lines();
        bench
    }

    fn view(&self) -> View {
        View {
            now_ms: self.now_ms,
            wall_ms: WALL_MS + self.now_ms as i64 + self.wall_off_ms,
        }
    }

    fn step(&mut self, input: Input<'_>) {
        let view = self.view();
        self.machine.step(&view, input, &mut self.out);
        self.perform();
    }

    fn hello(&mut self, text: &str) {
        let text = text.as_bytes();
        self.step(Input::Hello { text });
    }

    fn perform(&mut self) {
        for output in std::mem::take(&mut self.out) {
            match output {
                Output::Connect {
                    connection,
                    way,
                    port,
                    ..
                } => {
                    let asked = Vec::new();
                    self.conns.insert(connection, Conn { way, port, asked });
                }
                Output::Close { connection } => {
                    self.conns.remove(&connection);
                }
                Output::Send { connection, words } => {
                    let conn = self.conns.get_mut(&connection);
                    conn.expect("it is open").asked.push(text(&words));
                }
                Output::Log { level, line } => {
                    if level != Level::Debug {
                        self.lines.push(line);
                    }
                }
                Output::Save => self.saves += 1,
                Output::Publish { .. } => {}
                other => self.others.push(other),
            }
        }
    }

    fn take_lines(&mut self) -> String {
        let mut lines = std::mem::take(&mut self.lines).join("\n");
        lines.push('\n');
        lines
    }

    /// Lets time pass. Whoever lives answers at once.
    fn pass(&mut self, ms: u64) {
        let until_ms = self.now_ms + ms;
        loop {
            self.answer_all();
            let next_ms = self.machine.next_deadline();
            if next_ms > until_ms {
                break;
            }
            self.now_ms = next_ms.max(self.now_ms);
            self.step(Input::Tick);
        }
        self.now_ms = until_ms;
    }

    fn answer_all(&mut self) {
        loop {
            let asked = self
                .conns
                .iter_mut()
                .filter(|(_, conn)| !conn.asked.is_empty());
            let asked = asked.map(|(id, conn)| (*id, conn.port, std::mem::take(&mut conn.asked)));
            let asked = asked.collect::<Vec<_>>();
            if asked.is_empty() {
                return;
            }
            for (connection, port, requests) in asked {
                if self.nodes.get(&port) == Some(&None) {
                    continue;
                }
                let local_ip = IpAddr::from([127, 0, 0, 1]);
                self.step(Input::Connected {
                    connection,
                    local_ip,
                });
                for request in requests {
                    self.note(port, &request);
                    let value = self.answer(port, &request);
                    let value = &value;
                    self.step(Input::Reply { connection, value });
                }
            }
        }
    }

    /// What is worth seeing of a request.
    fn note(&mut self, port: u16, request: &str) {
        let is_routine = [
            "PING",
            "INFO",
            "CLIENT",
            "SUBSCRIBE",
            "PUBLISH",
            "MULTI",
            "EXEC",
            "CONFIG",
            "SENTINEL",
        ];
        let word = request.split(' ').next().unwrap_or_default();
        if !is_routine.contains(&word) {
            self.lines.push(format!("{port} <- {request}"));
        }
    }

    fn answer(&mut self, port: u16, request: &str) -> Value {
        let simple = |text: &str| Value::Simple(text.into());
        let mut words = request.split(' ');
        match words.next() {
            Some("PING") if self.loads => Value::Error(b"LOADING data".to_vec()),
            Some("PING") => simple("PONG"),
            Some("INFO") => match self.nodes.get(&port) {
                Some(Some(info)) => Value::Bulk(info.clone().into_bytes()),
                _ => Value::Error(b"ERR no node".to_vec()),
            },
            Some("SLAVEOF") => {
                let info = match words.next() {
                    Some("NO") => info_of_master(&[]),
                    _ => {
                        let master = words.next().and_then(|port| port.parse().ok());
                        info_of_replica(port, master.expect("a port"), "")
                    }
                };
                self.nodes.insert(port, Some(info));
                simple("QUEUED")
            }
            Some("SENTINEL") => {
                let (is_down, leader, epoch) = &self.opinion;
                Value::Array(vec![
                    Value::Integer(*is_down),
                    Value::Bulk(leader.clone().into_bytes()),
                    Value::Integer(*epoch),
                ])
            }
            Some("PUBLISH") => Value::Integer(1),
            _ => simple("OK"),
        }
    }

    /// A node's process is killed.
    fn kill(&mut self, port: u16) {
        self.nodes.insert(port, None);
        let dead = self.conns.iter().filter(|(_, conn)| conn.port == port);
        for connection in dead.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.conns.remove(&connection);
            let why = "connection reset";
            self.step(Input::Lost { connection, why });
        }
    }

    fn ask(&mut self, words: &[&str]) -> Answer {
        let words = words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>();
        let view = self.view();
        let can_run = |path: &[u8]| path.starts_with(b"/");
        let answer = self.machine.command(&view, &words, &can_run, &mut self.out);
        self.perform();
        answer
    }

    /// A command and what came of it, as a transcript.
    fn say(&mut self, command: &str) -> String {
        let words = match command {
            "" => Vec::new(),
            command => command.split(' ').collect(),
        };
        let words = words.iter().map(|word| match *word {
            "''" => "",
            word => word,
        });
        let words = words.collect::<Vec<_>>();
        let answer = self.ask(&words);
        format!("> {command}\n{}", render(&answer, 0))
    }
}

fn render(answer: &Answer, depth: usize) -> String {
    let pad = "  ".repeat(depth);
    let bytes = |bytes: &[u8]| format!("\"{}\"", String::from_utf8_lossy(bytes));
    match answer {
        Answer::Ok => format!("{pad}OK\n"),
        Answer::OkIfSaved => format!("{pad}OK, saved\n"),
        Answer::Status(text) => format!("{pad}{text}\n"),
        Answer::Error(text) => format!("{pad}({text})\n"),
        Answer::Integer(number) => format!("{pad}{number}\n"),
        Answer::Bulk(text) => format!("{pad}{}\n", bytes(text)),
        Answer::Null | Answer::NullArray => format!("{pad}nil\n"),
        Answer::Array(parts) if parts.is_empty() => format!("{pad}empty\n"),
        Answer::Array(parts) => parts.iter().map(|part| render(part, depth + 1)).collect(),
        Answer::Map(pairs) => {
            let pair = |(name, value): &(Answer, Answer)| match (name, value) {
                (Answer::Bulk(name), Answer::Bulk(value)) => {
                    let name = String::from_utf8_lossy(name);
                    format!("{pad}{name} {}\n", String::from_utf8_lossy(value))
                }
                (name, value) => render(name, depth) + &render(value, depth + 1),
            };
            pairs.iter().map(pair).collect()
        }
    }
}
