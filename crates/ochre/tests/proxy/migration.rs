//! Keys that move from one pool to another while clients use them.

use crate::arena::{Backend, wait_for_port};
use crate::process::{free_port, run, wait_until};
use crate::reload::{Own, ring};

#[test]
fn keys_move_when_they_are_asked_for_and_are_never_doubled() {
    let mut old = [Backend::start(), Backend::start()];
    let new = [Backend::start(), Backend::start(), Backend::start()];
    let (old_port, new_port) = (free_port(), free_port());
    let proxy = Own::start(&format!(
        "migrate = {{ from = \"old\", to = \"new\" }}\n\
         [pool.old]\nlisten = \"127.0.0.1:{old_port}\"\n{}\n\
         [pool.new]\nlisten = \"127.0.0.1:{new_port}\"\n{}\nring.hash = \"murmur\"\n",
        ring(&[&old[0], &old[1]]),
        ring(&[&new[0], &new[1], &new[2]])
    ));
    [old_port, new_port].into_iter().for_each(wait_for_port);
    let mut before = crate::wire::Wire::connect(("127.0.0.1", old_port));
    let mut after = crate::wire::Wire::connect(("127.0.0.1", new_port));
    for number in 0..300 {
        assert_eq!(before.ask(&format!("SET k{number} {number}")), "+OK");
    }
    for number in 0..4 {
        assert_eq!(before.ask(&format!("SET counter{number} 100")), "+OK");
    }
    before.ask("RPUSH list a b");
    before.ask("SET mortal x PX 1000000");
    let mut wire = proxy.connect();
    assert_eq!(wire.ask("GET k0"), "$1\r\n0");
    assert_eq!(wire.ask("INCR k7"), ":8");
    assert_eq!(wire.ask("RPUSH list c"), ":3");
    assert_eq!(
        wire.ask("MGET k1 k2 none"),
        "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1"
    );
    let left: i64 = wire.ask("PTTL mortal")[1..].parse().unwrap();
    assert!((1..=1_000_000).contains(&left), "{left}");
    // What is deleted does not come back, and the old pool has nothing of it.
    assert_eq!(wire.ask("DEL k3 k0"), ":2");
    assert_eq!(wire.ask("GET k3"), "$-1");
    assert_eq!(before.ask("EXISTS k0 k1 k2 k3 k7 list mortal"), ":0");
    assert_eq!(after.ask("EXISTS k1 k2 k7 list mortal"), ":5");
    assert_eq!(
        wire.ask("DBSIZE"),
        "-ERR no 'dbsize' while keys move between pools"
    );
    for (line, reply) in [
        ("WATCH k10", "+OK"),
        ("MULTI", "+OK"),
        ("INCR k10", "+QUEUED"),
        ("EXEC", "*1\r\n:11"),
    ] {
        assert_eq!(wire.ask(line), reply, "{line}");
    }
    // Clients of all workers come to the same keys at once.
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut wire = proxy.connect();
                let lines: Vec<String> =
                    (0..40).map(|i| format!("INCR counter{}", i % 4)).collect();
                wire.ask_all(&lines);
            });
        }
    });
    for number in 0..4 {
        assert_eq!(wire.ask(&format!("GET counter{number}")), "$3\r\n180");
    }
    let file = proxy.file();
    let plan = run(&["proxy", "--plan-move", "main", "-c", &file]);
    // Of 306 keys, 4 counters and 8 others have gone.
    assert!(
        plan.output.contains("\n294 keys, about "),
        "{}",
        plan.output
    );
    let moved = run(&["proxy", "--move=main", "-c", &file]);
    assert!(
        moved.output.ends_with("keys have been moved\n"),
        "{}",
        moved.output
    );
    assert_eq!(
        (before.ask("DBSIZE"), after.ask("DBSIZE")),
        (":0".to_owned(), ":304".to_owned())
    );
    assert_eq!(wire.ask("GET k299"), "$3\r\n299");
    // A key that may be in a server which is gone is not said to be missing.
    old.iter_mut().for_each(Backend::kill);
    wait_until("the old pool is missed", || {
        before.ask("GET k").starts_with("-ERR")
    });
    assert!(wire.ask("GET never-seen").starts_with("-ERR"));
    assert_eq!(wire.ask("GET k298"), "$3\r\n298");
    let refused = run(&["proxy", "--plan-move", "old", "-c", &file]);
    assert_eq!(refused.code, Some(1), "{}", refused.output);
}
