//! The cluster manager over TLS, with Debian's servers.

use std::path::Path;

use super::cluster::{MOVED, NODE, writes};
use super::{KNOWN, Server, called, cli};
use crate::clusters::{Kind, has_redis};
use crate::papers::Papers;
use crate::process::{Ended, OCHRE, wait_until};

fn manage(papers: &Papers, line: &str) -> Ended {
    let line = format!("cluster {line} {KNOWN}");
    called(Path::new(OCHRE), "ochre", papers, &line, "")
}

#[track_caller]
fn does(papers: &Papers, line: &str) -> String {
    let ended = manage(papers, line);
    assert_eq!(ended.code, Some(0), "{line}: {}", ended.output);
    ended.output
}

#[test]
fn servers_of_redis_become_a_cluster_and_share_their_slots_anew() {
    if !has_redis() {
        return;
    }
    let papers = Papers::new();
    let start = |_| Server::start(Kind::Debian, &papers, NODE);
    let nodes: Vec<Server> = (0..3).map(start).collect();
    let places = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
    let places: Vec<String> = places.collect();
    let first = &places[0];
    assert_ne!(manage(&papers, &format!("check {first}")).code, Some(0));
    does(&papers, &format!("create --yes {}", places.join(" ")));
    wait_until("the cluster is well", || {
        manage(&papers, &format!("check {first}")).code == Some(0)
    });
    let line = format!("-c -p {} {KNOWN}", nodes[0].port);
    let ended = cli(&papers, &line, &writes());
    assert_eq!(ended.output, "OK\n".repeat(2 * MOVED));
    let count = |node: &Server| -> usize {
        let reply = node.ask("DBSIZE");
        reply.trim_start_matches(':').parse().unwrap()
    };
    let id = |node: &Server| {
        let reply = node.ask("CLUSTER MYID");
        reply.split("\r\n").nth(1).unwrap().to_owned()
    };
    let (giver, taker) = (id(&nodes[0]), id(&nodes[1]));
    does(
        &papers,
        &format!("reshard {first} --from {giver} --to {taker} --slots {MOVED} --yes"),
    );
    assert_eq!((count(&nodes[0]), count(&nodes[1])), (0, 2 * MOVED));
    does(&papers, &format!("check {first}"));
}
