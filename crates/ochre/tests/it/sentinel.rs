//! Sentinels of either kind over nodes of either kind: whoever watches and whoever is watched, the
//! group behaves the same.

use group::{Group, Kind, NAME, is_redis_there};
use resp::value::Value;

mod clients;
mod faults;
mod group;
mod operator;
mod replies;
mod sessions;

use Kind::{Ochre, Redis};

/// Everything that a group goes through: its master is killed and comes back, an operator has it
/// fail over, and all Sentinels start again.
fn live_through(nodes: [Kind; 3], sentinels: [Kind; 3]) {
    if !is_redis_there() {
        return;
    }
    let mut group = Group::start(&nodes, &sentinels, "");
    group.write(0, "one");

    group.nodes[0].kill();
    let second = group.wait_for_another_master_than(0);
    group.write(second, "two");
    group.nodes[0].start();
    let port = group.nodes[second].port;
    group.nodes[0].wait("it returns as a replica", |it| it.follows() == Some(port));
    group.write(second, "three");
    group.wait_until_all_know_each_other();
    let epoch = group.wait_for_one_epoch();
    assert_ne!(epoch, "0");

    // Right behind a failover, another is put off by whoever has just seen one.
    group.sentinels[0].wait("a failover can begin", |it| {
        it.ask(&format!("SENTINEL FAILOVER {NAME}")) == Value::Simple(b"OK".to_vec())
    });
    let third = group.wait_for_another_master_than(second);
    group.write(third, "four");
    group.wait_until_all_know_each_other();
    let epoch = group.wait_for_one_epoch();

    let known = remembered(&group);
    group.sentinels.iter_mut().for_each(|it| it.end());
    for sentinel in &mut group.sentinels {
        sentinel.start();
    }
    assert_eq!(remembered(&group), known);
    group.wait_until_all_know_each_other();
    assert_eq!(group.wait_for_one_epoch(), epoch);
    assert_eq!(group.wait_for_another_master_than(second), third);
}

/// What every Sentinel has to keep: who it is, the master and its epoch, and whom it knows.
fn remembered(group: &Group) -> Vec<String> {
    let remembered = |it: &group::Program| {
        let master = it.pairs(&format!("SENTINEL MASTER {NAME}"));
        let mut facts: Vec<String> = ["ip", "port", "config-epoch", "quorum", "failover-timeout"]
            .map(|field| format!("{field} {}", master[field]))
            .to_vec();
        let Value::Bulk(id) = it.ask("SENTINEL MYID") else {
            panic!("a Sentinel has a name");
        };
        facts.push(String::from_utf8(id).unwrap());
        let mut others = Vec::new();
        for line in ["REPLICAS", "SENTINELS"] {
            for row in it.rows(&format!("SENTINEL {line} {NAME}")) {
                others.push(format!("{line} {}:{}", row["ip"], row["port"]));
            }
        }
        others.sort();
        facts.extend(others);
        facts.join("\n")
    };
    group.sentinels.iter().map(remembered).collect()
}

#[test]
fn sentinels_of_ours_watch_servers_of_redis() {
    live_through([Redis, Redis, Redis], [Ochre, Ochre, Ochre]);
}

#[test]
fn sentinels_of_redis_watch_servers_of_ours() {
    live_through([Ochre, Ochre, Ochre], [Redis, Redis, Redis]);
}

#[test]
fn one_of_our_sentinels_stands_beside_two_of_redis() {
    live_through([Ochre, Redis, Ochre], [Redis, Ochre, Redis]);
}

#[test]
fn two_of_our_sentinels_stand_beside_one_of_redis() {
    live_through([Redis, Ochre, Redis], [Ochre, Redis, Ochre]);
}

#[test]
fn a_file_that_redis_wrote_starts_ours_and_the_reverse() {
    if !is_redis_there() {
        return;
    }
    let more = "sentinel parallel-syncs mymaster 3\nsentinel announce-hostnames no\n";
    let mut group = Group::start(&[Redis, Redis], &[Ochre, Redis], more);
    group.nodes[0].kill();
    assert_eq!(group.wait_for_another_master_than(0), 1);
    group.nodes[0].start();
    let port = group.nodes[1].port;
    group.nodes[0].wait("it returns as a replica", |it| it.follows() == Some(port));
    group.wait_until_all_know_each_other();
    let (epoch, known) = (group.wait_for_one_epoch(), remembered(&group));

    // Each starts with the file of the other kind, twice.
    for _ in 0..2 {
        group.sentinels.iter_mut().for_each(|it| it.end());
        for sentinel in &mut group.sentinels {
            sentinel.kind = match sentinel.kind {
                Ochre => Redis,
                Redis => Ochre,
            };
            sentinel.start();
        }
        assert_eq!(remembered(&group), known);
        group.wait_until_all_know_each_other();
        assert_eq!(group.wait_for_one_epoch(), epoch);
        for sentinel in &group.sentinels {
            let text = sentinel.text();
            for comment in ["# ours\n", "# between two statements\n", "# the end\n"] {
                assert!(text.contains(comment), "{text}");
            }
        }
    }
}
