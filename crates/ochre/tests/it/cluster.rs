//! Clusters of this program, and of this program and Debian's `redis-server` side by side, each
//! kind as primary and as replica of the other.

#[path = "cluster/clients.rs"]
mod clients;
#[path = "cluster/orphans.rs"]
mod orphans;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use resp::value::Value;

use crate::process::{Folder, PATIENCE, wait_until};
use crate::side::{REDIS, Side, bytes};
use crate::wire::Wire;

const REDIS_CLI: &str = "/usr/bin/redis-cli";

const OCHRE: bool = false;
const DEBIAN: bool = true;

/// Long enough for a busy machine, short enough for a test.
const NODE_TIMEOUT_MS: &str = "2000";

/// A node with a folder of its own, which outlives it.
struct Node {
    kind: bool,
    /// Nothing while it is down.
    side: Option<Side>,
    folder: Folder,
    port: u16,
}

impl Node {
    fn start(kind: bool) -> Node {
        let folder = Folder::new();
        let side = Side::start(kind, &folder, &Node::directives());
        Node {
            kind,
            port: side.port,
            side: Some(side),
            folder,
        }
    }

    fn directives() -> Vec<&'static str> {
        vec![
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            NODE_TIMEOUT_MS,
            "--repl-diskless-sync-delay",
            "0",
            "--appendonly",
            "yes",
        ]
    }

    fn side(&mut self) -> &mut Side {
        self.side.as_mut().expect("the node is up")
    }

    fn kill(&mut self) {
        self.side = None;
    }

    fn restart(&mut self) {
        let directives = Node::directives();
        self.side = Some(Side::start_at(
            self.kind,
            &self.folder,
            self.port,
            &directives,
        ));
    }

    fn ask(&mut self, text: &str) -> Value {
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        self.side().value(&words)
    }

    #[track_caller]
    fn command(&mut self, text: &str) {
        assert_eq!(self.ask(text), Value::Simple(b"OK".to_vec()), "{text}");
    }

    /// The text that a node answers with, once it has loaded what it holds.
    fn text(&mut self, text: &str) -> String {
        let mut answer = self.ask(text);
        wait_until("the node has loaded", || {
            let loads = matches!(&answer, Value::Error(error) if error.starts_with(b"LOADING"));
            if loads {
                answer = self.ask(text);
            }
            !loads
        });
        String::from_utf8(bytes(answer)).unwrap()
    }

    fn id(&mut self) -> String {
        self.text("CLUSTER MYID")
    }

    fn is_ok(&mut self) -> bool {
        self.text("CLUSTER INFO").contains("cluster_state:ok")
    }

    /// The lines of `CLUSTER NODES` by name, without what differs from node to node.
    fn nodes(&mut self) -> BTreeMap<String, Line> {
        let text = self.text("CLUSTER NODES");
        text.lines().map(Line::parse).collect()
    }

    fn is_primary(&mut self) -> bool {
        let id = self.id();
        self.nodes()[&id].flags.contains("master")
    }
}

/// What a node says of another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    flags: String,
    primary: String,
    slots: String,
}

impl Line {
    fn parse(line: &str) -> (String, Line) {
        let words: Vec<&str> = line.split(' ').collect();
        let flags = words[2].trim_start_matches("myself,").to_owned();
        let line = Line {
            flags,
            primary: words[3].to_owned(),
            slots: words[8..].join(" "),
        };
        (words[0].to_owned(), line)
    }
}

/// All nodes of one cluster.
struct Town(Vec<Node>);

impl Town {
    /// Nodes that know nothing of each other.
    fn of(kinds: &[bool]) -> Town {
        Town(kinds.iter().map(|&kind| Node::start(kind)).collect())
    }

    /// A cluster made by Redis's own tool: the first half are primaries.
    fn create(kinds: &[bool]) -> Town {
        let town = Town::of(kinds);
        let places = town.0.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let mut args = vec!["--cluster".to_owned(), "create".to_owned()];
        args.extend(places);
        args.extend(["--cluster-replicas", "1", "--cluster-yes"].map(str::to_owned));
        cli(&args);
        let mut town = town;
        town.wait_for_agreement();
        town
    }

    fn up(&mut self) -> impl Iterator<Item = &mut Node> {
        self.0.iter_mut().filter(|node| node.side.is_some())
    }

    fn logs(&self) -> String {
        let logs = self.0.iter().map(|node| match &node.side {
            Some(side) => format!("== {}\n{}", node.port, side.process.output()),
            None => format!("== {} is down\n", node.port),
        });
        logs.collect()
    }

    #[track_caller]
    fn wait_for(&mut self, what: &str, mut condition: impl FnMut(&mut Town) -> bool) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !condition(self) {
            if std::time::Instant::now() > deadline {
                let seen: Vec<_> = self.up().map(|node| node.text("CLUSTER NODES")).collect();
                panic!("{what}\n{}\n{}", seen.join("\n"), self.logs());
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until every node that is up serves, and all say the same of all.
    #[track_caller]
    fn wait_for_agreement(&mut self) {
        self.wait_for("all agree", |town| {
            let are_ok = town.up().all(|node| node.is_ok());
            let mut seen = town.up().map(|node| node.nodes());
            let first = seen.next().expect("a node is up");
            are_ok && seen.all(|other| other == first)
        });
    }

    fn by_id(&mut self, id: &str) -> &mut Node {
        let found = self
            .up()
            .find_map(|node| (node.id() == id).then_some(node.port));
        let port = found.expect("the node is up");
        self.by_port(port)
    }

    fn by_port(&mut self, port: u16) -> &mut Node {
        let found = self.0.iter_mut().find(|node| node.port == port);
        found.expect("one of the nodes listens there")
    }

    /// Asks whoever serves it, as a client of the cluster does.
    fn ask(&mut self, text: &str) -> Value {
        let mut port = self.up().next().expect("a node is up").port;
        let mut is_asked = false;
        for _ in 0..10 {
            let node = self.by_port(port);
            if node.side.is_none() {
                break;
            }
            if is_asked {
                node.command("ASKING");
            }
            let reply = node.ask(text);
            let Value::Error(error) = &reply else {
                return reply;
            };
            let error = String::from_utf8_lossy(error);
            let words: Vec<&str> = error.split(' ').collect();
            is_asked = words[0] == "ASK";
            if !is_asked && words[0] != "MOVED" {
                return reply;
            }
            port = words[2].rsplit(':').next().unwrap().parse().unwrap();
        }
        Value::Error(b"nobody serves it".to_vec())
    }

    /// Writes keys until all are confirmed.
    #[track_caller]
    fn write(&mut self, keys: std::ops::Range<usize>, value: &str) {
        for key in keys {
            let text = format!("SET key:{key} {value}");
            self.wait_for(&text, |town| {
                town.ask(&text) == Value::Simple(b"OK".to_vec())
            });
        }
    }

    #[track_caller]
    fn expect(&mut self, keys: std::ops::Range<usize>, value: &str) {
        for key in keys {
            let held = self.ask(&format!("GET key:{key}"));
            assert_eq!(held, Value::Bulk(value.into()), "key:{key}");
        }
    }

    /// Waits until replicas have all that was written.
    #[track_caller]
    fn wait_for_replicas(&mut self) {
        self.wait_for("replicas have everything", |town| {
            let mut sizes: BTreeMap<String, Vec<i64>> = BTreeMap::new();
            let nodes = town.up().next().expect("a node is up").nodes();
            for node in town.up() {
                let (id, size) = (node.id(), node.ask("DBSIZE"));
                let Value::Integer(size) = size else {
                    return false;
                };
                let shard = match nodes[&id].primary.as_str() {
                    "-" => id,
                    primary => primary.to_owned(),
                };
                sizes.entry(shard).or_default().push(size);
            }
            sizes
                .values()
                .all(|sizes| sizes.iter().all(|size| *size == sizes[0]))
        });
    }
}

/// Runs Redis's own command line, which must succeed.
#[track_caller]
fn cli(args: &[String]) -> String {
    let output = Command::new(REDIS_CLI).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}\n{text}");
    text
}

fn is_redis_there() -> bool {
    let is_there = Path::new(REDIS).exists() && Path::new(REDIS_CLI).exists();
    if !is_there {
        eprintln!("skipped: {REDIS} is not installed");
    }
    is_there
}

#[test]
fn a_cluster_is_made_by_hand() {
    let mut town = Town::of(&[OCHRE; 6]);
    let ports: Vec<u16> = town.0.iter().map(|node| node.port).collect();
    for port in &ports[1..] {
        town.0[0].command(&format!("CLUSTER MEET 127.0.0.1 {port}"));
    }
    town.wait_for("all know each other", |town| {
        town.up().all(|node| node.nodes().len() == 6)
    });
    for (at, range) in ["0 5460", "5461 10922", "10923 16383"].iter().enumerate() {
        town.0[at].command(&format!("CLUSTER ADDSLOTSRANGE {range}"));
    }
    for at in 3..6 {
        let primary = town.0[at - 3].id();
        town.wait_for("the primary is known", |town| {
            town.0[at].nodes().contains_key(&primary)
        });
        town.0[at].command(&format!("CLUSTER REPLICATE {primary}"));
    }
    town.wait_for_agreement();
    town.write(0..100, "by-hand");
    town.wait_for_replicas();
    town.expect(0..100, "by-hand");
    assert_eq!(
        town.0[3].ask("SELECT 1"),
        Value::Error(b"ERR SELECT is not allowed in cluster mode".to_vec())
    );
    // A replica answers who says so.
    town.0[3].command("READONLY");
    let keys = town.0[3].text("CLUSTER COUNTKEYSINSLOT 0");
    assert!(keys.parse::<u32>().is_ok());
}

/// Kills the primary `at`, sees a replica take over, and has the old one come back.
#[track_caller]
fn replace(town: &mut Town, at: usize) {
    let id = town.0[at].id();
    town.wait_for_replicas();
    town.0[at].kill();
    town.wait_for("a replica takes over", |town| {
        let mut nodes = town.up().map(|node| node.nodes());
        nodes.all(|nodes| nodes[&id].slots.is_empty() && nodes[&id].flags.contains("fail"))
    });
    town.wait_for("all are served", |town| town.up().all(|node| node.is_ok()));
    town.write(0..200, "without");
    town.0[at].restart();
    town.wait_for("the old primary follows", |town| {
        !town.0[at].is_primary()
            && town.0[at]
                .text("INFO replication")
                .contains("link_status:up")
    });
    town.wait_for_agreement();
    town.expect(0..200, "without");
    town.wait_for_replicas();
}

/// Has a replica of the node with this name take over, as agreed with it.
#[track_caller]
fn hand_over(town: &mut Town, primary: &str) {
    let nodes = town.up().next().expect("a node is up").nodes();
    let replica = nodes.iter().find(|(_, line)| line.primary == primary);
    let replica = replica.expect("there is a replica").0.clone();
    town.wait_for("the replica follows", |town| {
        town.by_id(&replica)
            .text("INFO replication")
            .contains("link_status:up")
    });
    town.by_id(&replica).command("CLUSTER FAILOVER");
    town.wait_for("the replica has taken over", |town| {
        town.by_id(&replica).is_primary() && !town.by_id(primary).is_primary()
    });
    town.wait_for_agreement();
    town.wait_for("the old primary follows", |town| {
        town.by_id(primary)
            .text("INFO replication")
            .contains("link_status:up")
    });
}

/// Moves slots from one primary to another with Redis's own tool.
#[track_caller]
fn reshard(town: &mut Town, from: &str, to: &str) {
    let place = format!("127.0.0.1:{}", town.0[0].port);
    let args = [
        "--cluster",
        "reshard",
        &place,
        "--cluster-from",
        from,
        "--cluster-to",
        to,
        "--cluster-slots",
        "100",
        "--cluster-yes",
    ];
    cli(&args.map(str::to_owned));
    town.wait_for_agreement();
}

#[test]
fn both_kinds_share_a_cluster() {
    if !is_redis_there() {
        return;
    }
    // The primaries are the first three. The tool gives each a replica of those behind.
    let mut town = Town::create(&[OCHRE, DEBIAN, OCHRE, DEBIAN, OCHRE, DEBIAN]);
    town.write(0..1000, "first");
    town.expect(0..1000, "first");
    town.wait_for_replicas();
    let ids: Vec<String> = town.0.iter_mut().map(Node::id).collect();
    for (from, to) in [(0, 1), (1, 0), (0, 2)] {
        reshard(&mut town, &ids[from], &ids[to]);
        town.expect(0..1000, "first");
    }
    for primary in &ids[..3] {
        hand_over(&mut town, primary);
        town.expect(0..1000, "first");
    }
    let taken: Vec<usize> = (3..6).filter(|&at| town.0[at].is_primary()).collect();
    assert_eq!(taken.len(), 3);
    for at in taken {
        replace(&mut town, at);
    }
    town.expect(200..1000, "first");
}

#[test]
fn a_cluster_of_this_program_survives_its_primaries() {
    if !is_redis_there() {
        return;
    }
    let mut town = Town::create(&[OCHRE; 6]);
    town.write(0..500, "first");
    for at in 0..3 {
        replace(&mut town, at);
    }
    town.expect(200..500, "first");
}

/// Counts as fast as it can until it is told to end, and returns how many were confirmed, by key.
fn count(port: u16, has_ended: &AtomicBool) -> BTreeMap<String, i64> {
    let mut wires = BTreeMap::from([(port, Wire::connect(("127.0.0.1", port)))]);
    let (mut confirmed, mut at, mut number) = (BTreeMap::new(), port, 0);
    while !has_ended.load(Ordering::Relaxed) {
        let key = format!("count:{}", number % 100);
        let wire = wires.entry(at);
        let wire = wire.or_insert_with(|| Wire::connect(("127.0.0.1", at)));
        let reply = wire.ask(&format!("INCR {key}"));
        if let Some(place) = reply.strip_prefix("-MOVED ") {
            at = place.rsplit(':').next().unwrap().parse().unwrap();
        } else if reply.starts_with(':') {
            *confirmed.entry(key).or_default() += 1;
            number += 1;
        }
    }
    confirmed
}

/// Hands a primary's role over and back while clients write, and compares.
fn hand_over_while_writing(kinds: &[bool]) {
    let mut town = Town::create(kinds);
    let ids: Vec<String> = town.0.iter_mut().map(Node::id).collect();
    let port = town.0[0].port;
    let has_ended = AtomicBool::new(false);
    let confirmed = std::thread::scope(|scope| {
        let writer = scope.spawn(|| count(port, &has_ended));
        for id in &ids {
            if town.by_id(id).is_primary() {
                hand_over(&mut town, id);
            }
        }
        has_ended.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    assert!(!confirmed.is_empty());
    for (key, count) in confirmed {
        let held = town.ask(&format!("GET {key}"));
        assert_eq!(held, Value::Bulk(count.to_string().into_bytes()), "{key}");
    }
}

#[test]
fn no_confirmed_write_is_lost_when_a_role_is_handed_over() {
    if is_redis_there() {
        hand_over_while_writing(&[OCHRE; 6]);
    }
}

#[test]
fn nor_between_both_kinds() {
    if is_redis_there() {
        hand_over_while_writing(&[OCHRE, DEBIAN, OCHRE, DEBIAN, OCHRE, DEBIAN]);
    }
}

/// What the operator's notes do: slots are given by editing the file, and nodes meet again.
#[test]
fn a_file_that_an_operator_edited_is_read() {
    let mut town = Town::of(&[OCHRE; 3]);
    let ports: Vec<u16> = town.0.iter().map(|node| node.port).collect();
    for (at, slots) in ["0-5000", "5001-10000", "10001-16383"].iter().enumerate() {
        let node = &mut town.0[at];
        let id = node.id();
        node.kill();
        let line = format!(
            "{id} 127.0.0.1:{} myself,master - 0 0 {at} connected {slots}\n",
            node.port
        );
        node.folder.file("nodes.conf", &line);
        node.restart();
        assert_eq!(node.id(), id);
    }
    for port in &ports[1..] {
        town.0[0].command(&format!("CLUSTER MEET 127.0.0.1 {port}"));
    }
    town.wait_for_agreement();
    let info = town.0[0].text("CLUSTER INFO");
    for line in [
        "cluster_state:ok",
        "cluster_slots_assigned:16384",
        "cluster_slots_ok:16384",
        "cluster_known_nodes:3",
        "cluster_size:3",
    ] {
        assert!(info.contains(line), "{info}");
    }
}

/// A file of which a part is gone is no reason to become somebody else.
#[test]
fn a_torn_file_is_refused_and_left_alone() {
    let mut node = Node::start(OCHRE);
    node.command("CLUSTER ADDSLOTSRANGE 0 16383");
    node.kill();
    let path = node.folder.path("nodes.conf");
    let whole = std::fs::read_to_string(&path).unwrap();
    let port = node.port.to_string();
    // In the name, in the address, before the slots, and in the line of the epochs.
    let vars = whole.find("vars").unwrap();
    for len in [20, 45, 60, vars + "vars currentEpoch".len()] {
        let torn = &whole[..len];
        node.folder.file("nodes.conf", torn);
        let own = ["server", "--port", &port, "--dir", node.folder.root()];
        let ended = crate::process::run(&[&own[..], &["--cluster-enabled", "yes"]].concat());
        assert_eq!(ended.code, Some(1), "{torn}");
        let line = "Unrecoverable error: corrupted cluster config file.";
        assert!(ended.output.contains(line), "{}", ended.output);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), torn);
    }
    node.folder.file("nodes.conf", &whole);
    node.restart();
    assert!(
        node.text("CLUSTER INFO")
            .contains("cluster_slots_assigned:16384")
    );
}

/// What an empty file held is lost. Whoever became somebody new instead would leave its slots to
/// nobody.
#[test]
fn an_empty_file_is_refused_until_it_is_deleted() {
    let mut node = Node::start(OCHRE);
    let before = node.id();
    node.kill();
    let path = node.folder.path("nodes.conf");
    node.folder.file("nodes.conf", "");
    let port = node.port.to_string();
    let own = ["server", "--port", &port, "--dir", node.folder.root()];
    let ended = crate::process::run(&[&own[..], &["--cluster-enabled", "yes"]].concat());
    assert_eq!(ended.code, Some(1));
    for words in ["nodes.conf is empty", "delete it to start afresh"] {
        assert!(ended.output.contains(words), "{}", ended.output);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    // What a start that died before it wrote anything has left is in nobody's way.
    std::fs::remove_file(&path).unwrap();
    node.folder.file("nodes.conf.tmp-0", "");
    node.restart();
    assert_ne!(node.id(), before);
    let names = std::fs::read_dir(node.folder.root()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: Vec<String> = names
        .filter(|name| name.starts_with("nodes.conf"))
        .collect();
    assert_eq!(files, ["nodes.conf"]);
}

#[test]
fn nobody_else_may_use_the_file() {
    let node = Node::start(OCHRE);
    let port = crate::process::free_port().to_string();
    let ended = crate::process::run(&[
        "server",
        "--port",
        &port,
        "--dir",
        node.folder.root(),
        "--cluster-enabled",
        "yes",
    ]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .output
            .contains("nodes.conf is already used by a different Redis Cluster node"),
        "{}",
        ended.output
    );
    wait_until("the first one is not disturbed", || {
        node.side
            .as_ref()
            .is_some_and(|side| !side.process.output().is_empty())
    });
}
