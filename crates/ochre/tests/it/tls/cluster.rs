//! Clusters whose nodes speak TLS to each other.

use super::{KNOWN, Server, cli};
use crate::clusters::{Kind, has_redis, keys};
use crate::papers::Papers;
use crate::process::wait_until;

use Kind::{Debian, Ochre};

pub const NODE: &str = "--tls-cluster yes --tls-replication yes --cluster-enabled yes \
                    --cluster-node-timeout 1500 --repl-diskless-sync-delay 0 \
                    --cluster-require-full-coverage no";

/// Slots that move, each of which holds two keys.
pub const MOVED: usize = 10;

/// Requests that write each of those keys.
pub fn writes() -> String {
    let set = |key: &String| format!("SET {key} {key}\n");
    keys(MOVED, 2).iter().map(set).collect()
}

/// Nodes that have been made a cluster by the command line, over TLS.
struct Cluster {
    papers: Papers,
    nodes: Vec<Server>,
}

impl Cluster {
    fn create(kinds: &[Kind], replicas: usize) -> Cluster {
        let papers = Papers::new();
        let start = |kind: &Kind| Server::start(*kind, &papers, NODE);
        let nodes: Vec<Server> = kinds.iter().map(start).collect();
        let places = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let places: Vec<String> = places.collect();
        let line = format!(
            "{KNOWN} --cluster create {} --cluster-replicas {replicas} --cluster-yes",
            places.join(" ")
        );
        let ended = cli(&papers, &line, "");
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        let known = format!("cluster_known_nodes:{}\r", nodes.len());
        for node in &nodes {
            node.wait_for("CLUSTER INFO", "cluster_state:ok");
            node.wait_for("CLUSTER INFO", &known);
        }
        wait_until("replicas follow", || {
            let follows = |node: &&Server| node.ask("INFO replication").contains("link_status:up");
            nodes.iter().filter(follows).count() == replicas * nodes.len() / (replicas + 1)
        });
        Cluster { papers, nodes }
    }

    fn id(&self, node: usize) -> String {
        let reply = self.nodes[node].ask("CLUSTER MYID");
        reply.split("\r\n").nth(1).unwrap().to_owned()
    }

    /// Sends lines to whoever serves them.
    fn through(&self, node: usize, input: &str) -> String {
        let line = format!("-c -p {} {KNOWN}", self.nodes[node].port);
        let output = cli(&self.papers, &line, input).output;
        let lines = output.split_inclusive('\n');
        lines.filter(|line| !line.starts_with("-> ")).collect()
    }

    #[track_caller]
    fn write_all(&self, node: usize) {
        assert_eq!(self.through(node, &writes()), "OK\n".repeat(2 * MOVED));
    }

    /// Whether all that was written can be read.
    fn holds_all(&self, node: usize) -> bool {
        let keys = keys(MOVED, 2);
        let gets: String = keys.iter().map(|key| format!("GET {key}\n")).collect();
        self.through(node, &gets) == keys.join("\n") + "\n"
    }

    #[track_caller]
    fn reshard(&self, from: usize, to: usize) {
        let line = format!(
            "{KNOWN} --cluster reshard 127.0.0.1:{} --cluster-from {} --cluster-to {} \
             --cluster-slots {MOVED} --cluster-yes",
            self.nodes[1].port,
            self.id(from),
            self.id(to)
        );
        let ended = cli(&self.papers, &line, "");
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        // Replicas hear of it from others.
        let line = format!("{KNOWN} --cluster check 127.0.0.1:{}", self.nodes[1].port);
        wait_until("all agree", || cli(&self.papers, &line, "").code == Some(0));
    }
}

#[test]
fn nodes_of_both_kinds_are_one_cluster() {
    if !has_redis() {
        return;
    }
    let mut cluster = Cluster::create(&[Ochre, Debian, Ochre, Debian, Ochre, Debian], 1);
    cluster.write_all(1);
    clients_are_told_ports_of_their_own_sort(&cluster);
    cluster.reshard(0, 1);
    assert!(cluster.holds_all(0));
    cluster.reshard(1, 0);
    assert!(cluster.holds_all(1));

    // Its replica takes its place.
    let (port, primary) = (cluster.nodes[0].plain, cluster.id(0));
    let replica = (3..6).find(|&node| {
        let nodes = cluster.nodes[node].ask("CLUSTER NODES");
        let own = nodes.lines().find(|line| line.contains("myself"));
        own.is_some_and(|line| line.contains(&primary))
    });
    let replica = replica.expect("each primary has one");
    let dead = cluster.nodes.remove(0);
    drop(dead);
    cluster.nodes[replica - 1].wait_for("ROLE", "master");
    wait_until("the keys are there again", || cluster.holds_all(0));
    let nodes = cluster.nodes[0].ask("CLUSTER NODES");
    let line = nodes
        .lines()
        .find(|line| line.contains(&format!(":{port}@")));
    assert!(line.is_some_and(|line| line.contains("fail")), "{nodes}");
}

fn clients_are_told_ports_of_their_own_sort(cluster: &Cluster) {
    let bus = |node: &Server, port: u16| format!("127.0.0.1:{port}@{}", node.port + 10_000);
    for asked in &cluster.nodes[..2] {
        let plain = [asked.ask("CLUSTER NODES"), asked.ask("CLUSTER SLOTS")];
        let asked_by = |line: &str| {
            asked
                .cli(&cluster.papers, &format!("{KNOWN} {line}"))
                .output
        };
        let encrypted = [asked_by("CLUSTER NODES"), asked_by("CLUSTER SLOTS")];
        for node in &cluster.nodes {
            assert!(plain[0].contains(&bus(node, node.plain)), "{}", plain[0]);
            assert!(
                encrypted[0].contains(&bus(node, node.port)),
                "{}",
                encrypted[0]
            );
        }
        // Replicas are shown once their offset is known, which takes longer.
        for node in &cluster.nodes[..3] {
            assert!(plain[1].contains(&format!(":{}\r\n", node.plain)));
            assert!(encrypted[1].contains(&format!("{}\n", node.port)));
        }
        let shards = asked.ask("CLUSTER SHARDS");
        let ports = format!(
            "port\r\n:{}\r\n$8\r\ntls-port\r\n:{}\r\n",
            asked.plain, asked.port
        );
        assert!(shards.contains(&ports), "{shards}");
    }
    // The slot of "foo" is the third's.
    let [first, third] = [0, 2].map(|node| &cluster.nodes[node]);
    let moved = format!("-MOVED 12182 127.0.0.1:{}", third.plain);
    assert_eq!(first.ask("GET foo"), moved);
    let moved = format!("MOVED 12182 127.0.0.1:{}", third.port);
    let told = first
        .cli(&cluster.papers, &format!("{KNOWN} GET foo"))
        .output;
    assert!(told.contains(&moved), "{told}");
}

#[test]
fn slots_move_as_a_whole() {
    let cluster = Cluster::create(&[Ochre, Ochre, Ochre], 0);
    cluster.write_all(1);
    assert_eq!(cluster.nodes[0].ask("DBSIZE"), format!(":{}", 2 * MOVED));
    let line = format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 {} NODE {}",
        MOVED - 1,
        cluster.id(1)
    );
    assert_eq!(cluster.nodes[0].ask(&line), "+OK");
    cluster.nodes[0].wait_for("CLUSTER GETSLOTMIGRATIONS", "success");
    cluster.nodes[0].wait_for("DBSIZE", ":0");
    assert!(cluster.holds_all(2));
}

#[test]
fn the_bus_is_for_those_who_show_a_certificate() {
    let papers = Papers::new();
    let directives = format!("{NODE} --tls-auth-clients no --loglevel verbose");
    let node = Server::start(Ochre, &papers, &directives);
    let bus = node.port + 10_000;
    let line = format!("-p {bus} --tls --cacert @authority.pem PING");
    assert_eq!(cli(&papers, &line, "").code, Some(1));
    node.wait_for_line(
        "Error accepting cluster node connection: peer did not return a certificate",
    );
    let line = format!("-p {bus} PING");
    assert_eq!(cli(&papers, &line, "").code, Some(1));
    node.wait_for_line("Error accepting cluster node connection: wrong version number");
}
