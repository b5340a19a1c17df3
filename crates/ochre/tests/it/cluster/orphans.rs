//! A primary that has lost its replicas is given one of another's, as an operator wrote down: what
//! was typed, what the logs of both sides said, and what the nodes said then.

use super::{DEBIAN, Node, OCHRE, Town, is_redis_there};
use crate::clusters::ochre;

/// Types lines into our command line, and returns what is printed.
fn typed(node: &Node, lines: &str) -> String {
    let port = node.port.to_string();
    let ended = ochre("redis-cli", &["--no-raw", "-p", &port], lines);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    ended.output
}

/// Waits until lines are in a node's log, in this order.
#[track_caller]
fn wait_for_lines(town: &mut Town, at: usize, lines: &[String]) {
    town.wait_for(&lines.join("\n"), |town| {
        let log = town.0[at].side().process.output();
        let mut rest = log.as_str();
        lines.iter().all(|line| {
            let found = rest.split_once(line.as_str());
            rest = found.map_or("", |(_, rest)| rest);
            found.is_some()
        })
    });
}

/// Whether a node follows another, and has what that one has.
fn follows(town: &mut Town, at: usize, primary: usize) -> bool {
    let port = town.0[primary].port;
    let info = town.0[at].text("INFO replication");
    let lines = [
        format!("master_port:{port}\r"),
        "master_link_status:up".to_owned(),
    ];
    lines.iter().all(|line| info.contains(line))
}

fn a_spare_replica_goes_to_an_orphan(kind: bool) {
    let mut town = Town::create(&[kind; 6]);
    let ids: Vec<String> = town.0.iter_mut().map(Node::id).collect();
    let (rich, poor) = (0, 1);
    town.0.push(Node::start(kind));
    let (spare, place) = (6, town.0[6].port);
    town.0[rich].command(&format!("CLUSTER MEET 127.0.0.1 {place}"));
    town.wait_for_agreement();
    let id = town.0[spare].id();
    town.wait_for("all know the spare one", |town| {
        town.up().all(|node| node.nodes().contains_key(&id))
    });

    let said = typed(
        &town.0[spare],
        &format!("cluster replicate {}\n", ids[rich]),
    );
    assert_eq!(said.trim(), "OK");
    town.wait_for("it follows", |town| follows(town, spare, rich));
    town.wait_for_agreement();
    let (rich_ones, lonely): (Vec<usize>, Vec<usize>) = {
        let nodes = town.0[0].nodes();
        let all: Vec<String> = town.0.iter_mut().map(Node::id).collect();
        let of = |primary: &str| -> Vec<usize> {
            let is_its = |&at: &usize| nodes[&all[at]].primary == primary;
            (0..all.len()).filter(is_its).collect()
        };
        (of(&ids[rich]), of(&ids[poor]))
    };
    let [lost] = lonely[..] else {
        panic!("{lonely:?}")
    };
    let lost_port = town.0[lost].port;
    let lost_id = town.0[lost].id();
    typed(&town.0[lost], "shutdown\n");
    town.wait_for("it has ended", |town| {
        town.0[lost].side().process.has_ended()
    });
    town.0[lost].kill();

    let mut mover = None;
    town.wait_for("a replica goes to the orphan", |town| {
        let found = rich_ones.iter().find(|&&at| follows(town, at, poor));
        mover = found.copied();
        mover.is_some()
    });
    let mover = mover.unwrap();
    let (poor_port, mover_port) = (town.0[poor].port, town.0[mover].port);
    wait_for_lines(
        &mut town,
        mover,
        &[
            format!("Migrating to orphaned master {}", ids[poor]),
            format!("Connecting to MASTER 127.0.0.1:{poor_port}"),
            "MASTER <-> REPLICA sync started".to_owned(),
            "Non blocking connect for SYNC fired the event.".to_owned(),
            "Master replied to PING, replication can continue...".to_owned(),
            "Full resync from master: ".to_owned(),
            "MASTER <-> REPLICA sync: Finished with success".to_owned(),
        ],
    );
    wait_for_lines(
        &mut town,
        poor,
        &[
            format!("Connection with replica 127.0.0.1:{lost_port} lost."),
            format!("Replica 127.0.0.1:{mover_port} asks for synchronization"),
            "Starting BGSAVE for SYNC with target: ".to_owned(),
            format!("Synchronization with replica 127.0.0.1:{mover_port} succeeded"),
        ],
    );
    let text = typed(&town.0[mover], "cluster nodes\n");
    let line_of = |text: &str, id: &str| -> String {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("{id} 127")));
        line.unwrap_or_default().to_owned()
    };
    let gone = line_of(&text, &lost_id);
    assert!(
        gone.contains(&format!(" slave,fail {} ", ids[poor])),
        "{text}"
    );
    let mover_id = town.0[mover].id();
    let own = line_of(&text, &mover_id);
    assert!(
        own.contains(&format!(" myself,slave {} 0 ", ids[poor])),
        "{text}"
    );

    town.0[lost].restart();
    town.wait_for("it is back", |town| follows(town, lost, poor));
    town.wait_for_agreement();
    let text = typed(&town.0[lost], "CLUSTER NODES\n");
    assert!(line_of(&text, &mover_id).contains(&format!(" slave {} 0 ", ids[poor])));
    assert!(!text.contains("fail"), "{text}");
}

#[test]
fn a_spare_replica_goes_to_an_orphan_as_it_was_written_down() {
    if is_redis_there() {
        a_spare_replica_goes_to_an_orphan(OCHRE);
    }
}

#[test]
fn it_does_so_among_the_servers_of_redis() {
    if is_redis_there() {
        a_spare_replica_goes_to_an_orphan(DEBIAN);
    }
}
