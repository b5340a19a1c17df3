//! Nodes of either kind, and a cluster of Debian's servers made without any tool.

use std::path::Path;

use crate::process::{Ended, Folder, OCHRE, Process, free_port, wait_until};
use crate::wire::Wire;

const REDIS: &str = "/usr/bin/redis-server";
pub const REDIS_CLI: &str = "/usr/bin/redis-cli";
pub const SLOTS: usize = 16_384;

/// Whether there are servers to make clusters of. Says so if not.
pub fn has_redis() -> bool {
    let there = [REDIS, REDIS_CLI]
        .iter()
        .all(|path| Path::new(path).exists());
    if !there {
        eprintln!("skipped: {REDIS} is not installed");
    }
    there
}

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Debian,
    Ochre,
}

pub struct Node {
    pub host: &'static str,
    pub port: u16,
    pub id: String,
    _process: Process,
    _folder: Folder,
}

impl Node {
    /// Starts a server with these directives besides a port, of a cluster or alone.
    pub fn start(directives: &[&str]) -> Node {
        Node::start_at(free_port(), directives)
    }

    pub fn start_at(port: u16, directives: &[&str]) -> Node {
        Node::of(Kind::Debian, "127.0.0.1", port, directives)
    }

    /// Starts a server of a kind at a place of its own.
    pub fn of(kind: Kind, host: &'static str, port: u16, directives: &[&str]) -> Node {
        let (folder, number) = (Folder::new(), port.to_string());
        let fixed = ["--port", &number, "--save", "", "--dir", folder.root()];
        let process = match kind {
            Kind::Debian => {
                let args = [&fixed, directives].concat();
                Process::start(Path::new(REDIS), "redis-server", &args, "")
            }
            Kind::Ochre => {
                let args = [&["server"], &fixed[..], directives].concat();
                Process::start(Path::new(OCHRE), "ochre", &args, "")
            }
        };
        wait_until("the server is ready", || {
            process.output().contains("Ready to accept connections")
        });
        let mut node = Node {
            host,
            port,
            id: String::new(),
            _process: process,
            _folder: folder,
        };
        if directives.contains(&"--cluster-enabled") {
            let reply = node.ask("CLUSTER MYID");
            // One with a password tells nobody who has not given it.
            let id = reply.split("\r\n").nth(1);
            node.id = id.unwrap_or_default().to_owned();
        }
        node
    }

    pub fn ask(&self, line: &str) -> String {
        Wire::connect((self.host, self.port)).ask(line)
    }

    /// Asks for what the cluster forbids unless one says `ASKING`.
    pub fn ask_asking(&self, line: &str) -> String {
        let mut wire = Wire::connect((self.host, self.port));
        wire.ask("ASKING");
        wire.ask(line)
    }

    pub fn number(&self, line: &str) -> u64 {
        let reply = self.ask(line);
        reply.trim_start_matches(':').parse().unwrap()
    }

    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The node's own slots, and those that are open, as it writes them.
    pub fn slots(&self) -> Vec<String> {
        let nodes = self.ask("CLUSTER NODES");
        let own = nodes.lines().find(|line| line.contains("myself")).unwrap();
        own.split(' ').skip(8).map(str::to_owned).collect()
    }
}

/// What nodes of a test's cluster are told.
pub const DIRECTIVES: [&str; 6] = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "3000",
    "--cluster-require-full-coverage",
    "no",
];

/// Servers that do not know each other.
pub fn nodes(count: usize, directives: &[&str]) -> Vec<Node> {
    let directives = [&DIRECTIVES, directives].concat();
    (0..count).map(|_| Node::start(&directives)).collect()
}

/// Has nodes share the slots in equal parts and know each other.
pub fn join(nodes: &[Node], primaries: usize) {
    for (index, node) in nodes.iter().enumerate() {
        if index < primaries {
            let first = SLOTS * index / primaries;
            let last = SLOTS * (index + 1) / primaries - 1;
            let added = node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            assert_eq!(added, "+OK");
        }
        node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
        node.ask(&format!("CLUSTER MEET {} {}", nodes[0].host, nodes[0].port));
    }
    settle(nodes);
}

/// Waits until all nodes are well, know as many as there are, and whose every slot is.
pub fn settle(nodes: &[Node]) {
    let known = format!("cluster_known_nodes:{}\r", nodes.len());
    wait_until("the cluster is whole", || {
        nodes.iter().all(|node| {
            let info = node.ask("CLUSTER INFO");
            let all = ["cluster_state:ok", "cluster_slots_assigned:16384", &known];
            all.iter().all(|figure| info.contains(figure))
        })
    });
}

/// A cluster of primaries.
pub fn cluster(count: usize) -> Vec<Node> {
    let nodes = nodes(count, &["--enable-debug-command", "yes"]);
    join(&nodes, count);
    nodes
}

/// Keys of each slot below `slots`, as many as asked for.
pub fn keys(slots: usize, each: usize) -> Vec<String> {
    let mut tags: Vec<Option<String>> = vec![None; slots];
    let mut missing = slots;
    for number in 0.. {
        let tag = format!("{number}");
        let slot = usize::from(stdx::crc16::crc16(tag.as_bytes())) % SLOTS;
        if slot < slots && tags[slot].is_none() {
            tags[slot] = Some(tag);
            missing -= 1;
            if missing == 0 {
                break;
            }
        }
    }
    let tags = tags.into_iter().flatten();
    tags.flat_map(|tag| (0..each).map(move |key| format!("{{{tag}}}{key}")))
        .collect()
}

/// Runs `ochre` with these words, and returns its code and its output.
pub fn ochre(called: &str, args: &[&str], input: &str) -> Ended {
    Process::start(Path::new(OCHRE), called, args, input).end()
}

/// Every slot has one owner, and none is open.
#[track_caller]
pub fn assert_whole(nodes: &[Node]) {
    let mut owners = vec![0; SLOTS];
    for word in nodes.iter().flat_map(Node::slots) {
        assert!(!word.starts_with('['), "{word} is open");
        let (first, last) = word.split_once('-').unwrap_or((&word, &word));
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        owners[first..=last]
            .iter_mut()
            .for_each(|owner| *owner += 1);
    }
    assert!(owners.iter().all(|owner| *owner == 1));
}
