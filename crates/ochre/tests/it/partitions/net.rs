//! A network of the test's own, and the nodes in it.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::process::{Folder, OCHRE, PATIENCE, Process, wait_until};
use crate::wire::Wire;

/// Set where a test runs in a network of its own.
const INSIDE: &str = "OCHRE_TEST_NET";

/// What `INFO` says of a primary.
pub const MASTER: &str = "role:master";

/// Long enough for a busy machine, short enough for a test.
const NODE_TIMEOUT_MS: &str = "1500";

const SLOTS: usize = 16_384;

/// Runs the test that calls this again in a namespace, and there what it does. Where the machine
/// forbids it, says so.
pub fn in_a_net_of_its_own(test: impl FnOnce(&Net)) {
    if std::env::var_os(INSIDE).is_some() {
        return test(&Net::open());
    }
    if !may_make_nets() {
        eprintln!("skipped: this machine lets nobody make a network namespace");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let thread = std::thread::current();
    let name = thread.name().expect("a test's thread has its name");
    let status = Command::new("unshare")
        .args(["--net", "--mount", "--"])
        .arg(program)
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.unwrap().success(), "{name} failed");
}

fn may_make_nets() -> bool {
    let tried = Command::new("unshare")
        .args(["--net", "--mount", "--", "ip", "link", "set", "lo", "up"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// The network. Its rules end with its namespace.
pub struct Net;

/// Rules that keep packets from going stand before the one of this machine's own addresses.
const BLOCKING: &str = "50";

impl Net {
    fn open() -> Net {
        ip(&["link", "set", "lo", "up"]);
        for host in ["10.9.0.0/24", "10.9.1.0/24"] {
            ip(&["route", "add", "local", host, "dev", "lo"]);
        }
        ip(&["rule", "add", "pref", "100", "lookup", "local"]);
        ip(&["rule", "del", "pref", "0"]);
        Net
    }

    pub fn address(node: usize) -> String {
        format!("10.9.0.{}", node + 1)
    }

    /// Packets from one node to another go no more.
    pub fn block(&self, from: usize, to: usize) {
        let (from, to) = (Net::address(from), Net::address(to));
        ip(&[
            "rule",
            "add",
            "pref",
            BLOCKING,
            "from",
            &from,
            "to",
            &to,
            "blackhole",
        ]);
    }

    /// All hear each other again.
    pub fn heal(&self) {
        let rule = ["rule", "del", "pref", BLOCKING];
        while Command::new("ip")
            .args(rule)
            .output()
            .unwrap()
            .status
            .success()
        {}
    }

    pub fn start(&self, number: usize, more: &[&str]) -> NetNode {
        NetNode::start(Net::address(number), Folder::new(), more)
    }
}

fn ip(words: &[&str]) {
    let output = Command::new("ip").args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {said}", words.join(" "));
}

/// A node at an address of its own.
pub struct NetNode {
    pub address: String,
    pub folder: Folder,
    pub process: Process,
}

impl NetNode {
    pub fn start(address: String, folder: Folder, more: &[&str]) -> NetNode {
        let own = [
            "server",
            "--port",
            "7000",
            "--bind",
            &address,
            "--bind-source-addr",
            &address,
            "--protected-mode",
            "no",
            "--save",
            "",
            "--repl-diskless-sync-delay",
            "0",
            "--dir",
            folder.root(),
        ];
        let args = [&own[..], more].concat();
        let process = Process::start(Path::new(OCHRE), "ochre", &args, "");
        wait_until("the node is ready", || {
            process.output().contains("Ready to accept connections")
        });
        NetNode {
            address,
            folder,
            process,
        }
    }

    pub fn connect(&self) -> Wire {
        Wire::connect((self.address.as_str(), 7000))
    }

    pub fn ask(&self, line: &str) -> String {
        self.connect().ask(line)
    }

    pub fn log(&self) -> String {
        self.process.output()
    }

    pub fn id(&self) -> String {
        let reply = self.ask("CLUSTER MYID");
        reply.split("\r\n").nth(1).unwrap_or_default().to_owned()
    }

    pub fn is(&self, role: &str) -> bool {
        self.ask("INFO replication").contains(role)
    }
}

/// A cluster. The first half of six are primaries, and of fewer all.
pub struct City {
    pub nodes: Vec<NetNode>,
    ids: Vec<String>,
}

impl City {
    pub const DIRECTIVES: [&str; 4] = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        NODE_TIMEOUT_MS,
    ];

    pub fn create(net: &Net, count: usize, more: &[&str]) -> City {
        let directives = [&City::DIRECTIVES[..], more].concat();
        let nodes: Vec<NetNode> = (0..count).map(|at| net.start(at, &directives)).collect();
        City::join(nodes)
    }

    pub fn join(nodes: Vec<NetNode>) -> City {
        let ids: Vec<String> = nodes.iter().map(NetNode::id).collect();
        let mut city = City { nodes, ids };
        let count = city.nodes.len();
        let primaries = if count == 6 { 3 } else { count };
        let first = city.nodes[0].address.clone();
        for (at, node) in city.nodes.iter().enumerate() {
            if at < primaries {
                let from = SLOTS * at / primaries;
                let to = SLOTS * (at + 1) / primaries - 1;
                let added = node.ask(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"));
                assert_eq!(added, "+OK");
            }
            node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", at + 1));
            if at > 0 {
                node.ask(&format!("CLUSTER MEET {first} 7000"));
            }
        }
        for at in primaries..count {
            let primary = city.ids[at - primaries].clone();
            city.wait("the primary is known", |city| {
                let reply = city.nodes[at].ask(&format!("CLUSTER REPLICATE {primary}"));
                reply == "+OK"
            });
        }
        city.wait_for_agreement();
        city.wait("replicas follow", |city| {
            let followers = &city.nodes[primaries..];
            followers
                .iter()
                .all(|node| node.is("master_link_status:up"))
        });
        city
    }

    #[track_caller]
    pub fn wait(&mut self, what: &str, mut condition: impl FnMut(&mut City) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            if Instant::now() > deadline {
                let logs: Vec<String> = self.nodes.iter().map(NetNode::log).collect();
                panic!("waited in vain: {what}\n{}", logs.join("\n====\n"));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Nobody hears a node any more, nor it anybody.
    pub fn cut_off(&self, net: &Net, node: usize) {
        for other in (0..self.nodes.len()).filter(|&other| other != node) {
            net.block(node, other);
            net.block(other, node);
        }
    }

    /// What a node says of another.
    pub fn line_of(&self, teller: usize, about: usize) -> String {
        let text = self.nodes[teller].ask("CLUSTER NODES");
        let id = &self.ids[about];
        let line = text
            .lines()
            .find(|line| line.contains(&**id) && line.contains(":7000@"));
        line.unwrap_or_default().to_owned()
    }

    pub fn replica_of(&self, primary: usize) -> usize {
        let is_replica = |&at: &usize| {
            let line = self.line_of(at, at);
            line.contains("slave") && line.contains(&self.ids[primary])
        };
        let found = (0..self.nodes.len()).find(is_replica);
        found.expect("the primary has a replica")
    }

    /// Waits until a replica has taken the place of a primary, and returns it.
    #[track_caller]
    pub fn wait_for_heir_of(&mut self, primary: usize) -> usize {
        let replica = self.replica_of(primary);
        self.wait("a replica takes over", |city| {
            city.nodes[replica].is(MASTER) && city.line_of(1, replica).contains("master")
        });
        replica
    }

    #[track_caller]
    pub fn wait_for_ok(&mut self, nodes: &[usize]) {
        self.wait("the others serve", |city| {
            nodes.iter().all(|&at| {
                let info = city.nodes[at].ask("CLUSTER INFO");
                info.contains("cluster_state:ok")
            })
        });
    }

    /// Waits until all serve and say the same of all.
    #[track_caller]
    pub fn wait_for_agreement(&mut self) {
        self.wait("all agree", |city| {
            let told = |node: &NetNode| {
                let text = node.ask("CLUSTER NODES");
                let lines = text.lines().filter(|line| line.contains(":7000@"));
                let mut lines: Vec<String> = lines.map(without_times).collect();
                lines.sort();
                lines
            };
            let first = told(&city.nodes[0]);
            first.len() == city.nodes.len()
                && city.nodes.iter().all(|node| {
                    let info = node.ask("CLUSTER INFO");
                    info.contains("cluster_state:ok") && told(node) == first
                })
        });
    }

    pub fn epoch(&self) -> u64 {
        let epochs = self.nodes.iter().map(|node| {
            let info = node.ask("CLUSTER INFO");
            let line = info.lines().find_map(|line| {
                let number = line.strip_prefix("cluster_current_epoch:")?;
                number.parse::<u64>().ok()
            });
            line.unwrap_or_default()
        });
        epochs.max().unwrap_or_default()
    }

    /// Writes to a node until it confirms.
    #[track_caller]
    pub fn write(&mut self, node: usize, key: &str, value: &str) {
        self.wait("a write is confirmed", |city| {
            city.ask_owner(node, &format!("SET {key} {value}")) == "+OK"
        });
    }

    #[track_caller]
    pub fn get(&self, key: &str) -> String {
        self.ask_owner(0, &format!("GET {key}"))
    }

    /// Asks a node, and whom it sends to.
    fn ask_owner(&self, node: usize, line: &str) -> String {
        let reply = self.nodes[node].ask(line);
        let Some(place) = reply.strip_prefix("-MOVED ") else {
            return reply;
        };
        let place = place.split(' ').next_back().unwrap_or_default();
        Wire::connect(place).ask(line)
    }
}

/// A line of `CLUSTER NODES` without what differs from node to node.
fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let flags = words[2].trim_start_matches("myself,");
    [&[words[0], words[1], flags, words[3]], &words[6..]]
        .concat()
        .join(" ")
}
