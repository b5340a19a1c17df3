//! Nodes that are stopped, or busy, for longer than others wait.

use rustix::process::{Pid, Signal, kill_process};

use super::net::{City, in_a_net_of_its_own};
use crate::process::wait_until;

/// A signal finds one thread after the other.
fn are_stopped(process: Pid) -> bool {
    let tasks = format!("/proc/{}/task", process.as_raw_nonzero());
    std::fs::read_dir(tasks).unwrap().flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit(')').next().unwrap_or_default();
        state.starts_with(" T")
    })
}

/// What was sent to a primary while it slept is not confirmed when it wakes up, for another may
/// have its place.
#[test]
fn a_primary_that_slept_confirms_nothing_before_it_knows() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 6, &[]);
        let mut late = city.nodes[0].connect();
        assert_eq!(late.ask("SET {b}k before"), "+OK");
        let sleeper = city.nodes[0].process.id();
        let replica = city.replica_of(0);
        wait_until("the replica has it", || {
            let mut wire = city.nodes[replica].connect();
            wire.ask("READONLY");
            wire.ask("GET {b}k") == "$6\r\nbefore"
        });
        kill_process(sleeper, Signal::STOP).unwrap();
        wait_until("all its threads sleep", || are_stopped(sleeper));
        let request = "*3\r\n$3\r\nSET\r\n$4\r\n{b}k\r\n$4\r\nlate\r\n";
        late.send(request.as_bytes()).unwrap();
        city.wait("the replica takes over", |city| {
            let info = city.nodes[replica].ask("INFO replication");
            info.contains("role:master")
        });
        city.wait_for_ok(&[1, 2, replica]);
        city.write(replica, "{b}k", "after");
        kill_process(sleeper, Signal::CONT).unwrap();
        let reply = late.reply();
        let is_refused = ["-CLUSTERDOWN", "-MOVED"].map(|word| reply.starts_with(word));
        assert!(is_refused.contains(&true), "{reply}");
        city.wait_for_agreement();
        assert_eq!(city.get("{b}k"), "$5\r\nafter");
    });
}

/// Commands over all keys for longer than others wait are no reason to think a node dead.
#[test]
fn a_busy_primary_is_not_replaced() {
    in_a_net_of_its_own(|net| {
        let mut city = City::create(net, 6, &["--enable-debug-command", "yes"]);
        let epoch = city.epoch();
        let populated = city.nodes[0].ask("DEBUG POPULATE 50000");
        assert_eq!(populated, "+OK");
        let mut wires = [city.nodes[0].connect(), city.nodes[0].connect()];
        for wire in &mut wires {
            let asked = "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n".repeat(3);
            wire.send(asked.as_bytes()).unwrap();
        }
        let mut sleeper = city.nodes[0].connect();
        assert_eq!(sleeper.ask("DEBUG SLEEP 3"), "+OK");
        for wire in &mut wires {
            for _ in 0..3 {
                assert!(wire.try_next().is_some());
            }
        }
        for node in &city.nodes {
            let log = node.log();
            assert!(!log.contains("as failing"), "{log}");
        }
        city.wait_for_agreement();
        assert_eq!(city.epoch(), epoch);
    });
}
