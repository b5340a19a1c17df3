//! A cluster behind the proxy, whose slots move while clients talk.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use resp::value::Value;

use crate::arena::wait_for_port;
use crate::groups::Predixy;
use crate::process::{Folder, Process, free_port, wait_until};
use crate::wire::Wire;

const REDIS: &str = "/usr/bin/redis-server";
const SLOTS: usize = 16_384;

struct Node {
    port: u16,
    id: String,
    _process: Process,
    _folder: Folder,
}

impl Node {
    fn start() -> Node {
        let (port, folder) = (free_port(), Folder::new());
        let number = port.to_string();
        let args = [
            "--port",
            &number,
            "--save",
            "",
            "--cluster-enabled",
            "yes",
            "--dir",
            folder.root(),
        ];
        let process = Process::start(Path::new(REDIS), "redis-server", &args, "");
        wait_for_port(port);
        let reply = Wire::connect(("127.0.0.1", port)).ask("CLUSTER MYID");
        let id = reply.split("\r\n").nth(1).unwrap().to_owned();
        Node {
            port,
            id,
            _process: process,
            _folder: folder,
        }
    }

    fn ask(&self, line: &str) -> String {
        Wire::connect(("127.0.0.1", self.port)).ask(line)
    }
}

/// Nodes that have the slots in equal parts.
fn cluster(count: usize) -> Vec<Node> {
    let nodes: Vec<Node> = (0..count).map(|_| Node::start()).collect();
    for (index, node) in nodes.iter().enumerate() {
        let (first, last) = (SLOTS * index / count, SLOTS * (index + 1) / count - 1);
        assert_eq!(
            node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")),
            "+OK"
        );
        assert_eq!(
            node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1)),
            "+OK"
        );
        let met = node.ask(&format!("CLUSTER MEET 127.0.0.1 {}", nodes[0].port));
        assert_eq!(met, "+OK");
    }
    wait_until("the cluster is whole", || {
        nodes.iter().all(|node| {
            let info = node.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        })
    });
    nodes
}

/// Moves a slot with its keys, as a cluster manager does.
fn migrate(slot: usize, from: &Node, to: &Node, others: &[Node]) {
    to.ask(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", from.id));
    from.ask(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", to.id));
    loop {
        let keys = from.ask(&format!("CLUSTER GETKEYSINSLOT {slot} 10"));
        let keys: Vec<&str> = keys.split("\r\n").skip(2).step_by(2).collect();
        if keys.is_empty() {
            break;
        }
        let (port, keys) = (to.port, keys.join(" "));
        from.ask(&format!("MIGRATE 127.0.0.1 {port}  0 5000 KEYS {keys}"));
    }
    for node in [to, from] {
        let told = node.ask(&format!("CLUSTER SETSLOT {slot} NODE {}", to.id));
        assert_eq!(told, "+OK");
    }
    wait_until("all agree", || {
        let mut maps = others.iter().map(map);
        let first = maps.next();
        maps.all(|map| Some(map) == first)
    });
}

/// Who has which slots since when, as a node knows it.
fn map(node: &Node) -> Vec<String> {
    let nodes = node.ask("CLUSTER NODES");
    let lines = nodes.split('\n').filter(|line| line.contains("master"));
    let mut map: Vec<String> = lines
        .map(|line| {
            let words: Vec<&str> = line.trim().split(' ').collect();
            format!("{} {} {}", words[0], words[6], words[8..].join(" "))
        })
        .collect();
    map.sort();
    map
}

#[test]
fn clients_see_no_slot_move_and_no_request_runs_twice() {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let nodes = cluster(3);
    let pool = format!(
        "ClusterServerPool {{\n Servers {{\n  + 127.0.0.1:{}\n }}\n}}\n",
        nodes[1].port
    );
    let proxy = Predixy::start("", &pool);
    let mut wire = proxy.connect();
    let keys: Vec<String> = (0..30).map(|i| format!("k{i}")).collect();
    let pairs: Vec<String> = keys.iter().map(|key| format!("{key} {key}")).collect();
    assert_eq!(wire.ask(&format!("MSET {}", pairs.join(" "))), "+OK");
    let wanted = keys
        .iter()
        .map(|key| Value::Bulk(key.clone().into_bytes()))
        .collect();
    let all = format!("MGET {}", keys.join(" "));
    assert_eq!(wire.ask_all(&[&all]), [Value::Array(wanted)]);
    assert_eq!(wire.ask("DBSIZE"), ":30");
    for (line, reply) in [
        ("WATCH {oo}k1", "+OK"),
        ("MULTI", "+OK"),
        ("SET {oo}k2 w", "+QUEUED"),
        ("GET {oo}k3", "+QUEUED"),
        ("EXEC", "*2\r\n+OK\r\n$-1"),
    ] {
        assert_eq!(wire.ask(line), reply, "{line}");
    }
    let slot = nodes[0].ask("CLUSTER KEYSLOT {n}");
    let slot: usize = slot.trim_start_matches(':').parse().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let counters: Vec<_> = (0..8)
            .map(|client| {
                let (proxy, done) = (&proxy, &done);
                scope.spawn(move || count(client, proxy, done))
            })
            .collect();
        let mut at = slot * 3 / SLOTS;
        for _ in 0..6 {
            let next = (at + 1) % 3;
            migrate(slot, &nodes[at], &nodes[next], &nodes);
            at = next;
        }
        done.store(true, Ordering::Relaxed);
        let counted: Vec<i64> = counters.into_iter().map(|c| c.join().unwrap()).collect();
        assert!(counted.iter().all(|count| *count > 0), "{counted:?}");
    });
}

#[test]
fn replicas_are_read_from() {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let nodes = cluster(3);
    let replica = Node::start();
    let met = replica.ask(&format!("CLUSTER MEET 127.0.0.1 {}", nodes[0].port));
    assert_eq!(met, "+OK");
    wait_until("the replica is known", || {
        let replicate = format!("CLUSTER REPLICATE {}", nodes[0].id);
        nodes[2].ask("CLUSTER NODES").contains(&replica.id) && replica.ask(&replicate) == "+OK"
    });
    let port = format!(":{}\r\n", replica.port);
    wait_until("everybody knows whose it is", || {
        // A replica that was told nothing yet is nobody to read from.
        nodes[0].ask("SET b 0");
        nodes
            .iter()
            .all(|node| node.ask("CLUSTER SLOTS").contains(&port))
            && replica
                .ask("INFO replication")
                .contains("master_link_status:up")
    });
    let pool = format!(
        "ClusterServerPool {{\n MasterReadPriority 10\n DynamicSlaveReadPriority 50\n \
         Servers {{\n  + 127.0.0.1:{}\n }}\n}}\n",
        nodes[1].port
    );
    let proxy = Predixy::start("", &pool);
    let mut wire = proxy.connect();
    // The slot of `b` is the first node's.
    assert_eq!(wire.ask("SET b 1"), "+OK");
    wait_until("the replica has it", || wire.ask("GET b") == "$1\r\n1");
    assert!(replica.ask("INFO commandstats").contains("cmdstat_get:"));
    assert!(!nodes[0].ask("INFO commandstats").contains("cmdstat_get:"));
    assert!(wire.ask("INFO Servers").contains("\nRole:slave\n"));
}

/// Counts in pipelines until told to stop; each reply must be one more than the one before.
fn count(client: usize, proxy: &Predixy, done: &AtomicBool) -> i64 {
    let (mut wire, mut last) = (proxy.connect(), 0);
    let lines: Vec<String> = (0..10).map(|_| format!("INCR {{n}}{client}")).collect();
    while !done.load(Ordering::Relaxed) {
        for reply in wire.ask_all(&lines) {
            last += 1;
            assert_eq!(reply, Value::Integer(last));
        }
    }
    last
}
