//! What happens to Sentinels, and is done to their nodes, that must not turn into more than it is:
//! one stands still for a while, most are gone, a replica is made a master by mistake.

use resp::value::Value;
use rustix::process::Signal;

use super::group::{Group, Kind::Ochre, NAME};

/// Whoever was stopped finds all others silent, and does not believe it.
#[test]
fn who_stood_still_distrusts_its_clock() {
    // Longer than the gap that a clock is distrusted for.
    let more = format!("sentinel down-after-milliseconds {NAME} 3500\n");
    let group = Group::start(&[Ochre, Ochre], &[Ochre; 3], &more);
    let (stopped, another) = (&group.sentinels[0], &group.sentinels[1]);
    stopped.signal(Signal::STOP);
    another.wait("it misses the other", |it| {
        it.output().contains("+sdown sentinel")
    });
    stopped.signal(Signal::CONT);
    for line in ["+tilt", "-tilt"] {
        stopped.wait(line, |it| it.output().contains(line));
    }
    group.wait_until_all_know_each_other();
    for sentinel in &group.sentinels {
        assert_eq!(sentinel.master_port(), group.nodes[0].port);
        assert!(!sentinel.output().contains("+odown"));
    }
}

/// One of three elects nobody, and one that comes back with what it knew believes the others.
#[test]
fn a_minority_promotes_nobody() {
    // Those who do not agree try again soon.
    let more = format!("sentinel failover-timeout {NAME} 1000\n");
    let mut group = Group::start(&[Ochre; 3], &[Ochre; 3], &more);
    for sentinel in &mut group.sentinels[1..] {
        sentinel.end();
    }
    let alone = &group.sentinels[0];
    alone.wait("it knows that it is alone", |it| {
        matches!(
            it.ask(&format!("SENTINEL CKQUORUM {NAME}")),
            Value::Error(_)
        )
    });
    group.nodes[0].kill();
    let alone = &group.sentinels[0];
    alone.wait("it misses the master", |it| {
        it.output().contains(&format!("+sdown master {NAME}"))
    });
    group.sentinels[1].start();
    // The two had not both seen it until now.
    assert!(!group.sentinels[0].output().contains("+switch-master"));
    let new = group.wait_for_another_master_than(0);
    group.write(new, "afterwards");
    group.sentinels[2].start();
    assert_eq!(group.wait_for_another_master_than(0), new);
    group.wait_for_one_epoch();
}

/// An operator takes a replica for another node.
#[test]
fn a_second_master_is_made_a_replica_again() {
    let group = Group::start(&[Ochre; 3], &[Ochre; 3], "");
    let (master, mistaken) = (group.nodes[0].port, &group.nodes[1]);
    let done = mistaken.ask("REPLICAOF NO ONE");
    assert_eq!(done, Value::Simple(b"OK".to_vec()));
    mistaken.wait("it follows again", |it| it.follows() == Some(master));
    let line = format!("+convert-to-slave slave 127.0.0.1:{}", mistaken.port);
    let who = |it: &super::group::Program| it.output().contains(&line);
    assert!(group.sentinels.iter().any(who));
    group.wait_until_all_know_each_other();
}
