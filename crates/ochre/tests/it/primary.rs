//! A primary and its replicas, as operators and clients of the primary live with them: its end, a
//! change of roles, writes that wait.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::process::{Folder, Server, wait_until};
use crate::wire::Wire;

/// A primary with a replica that has everything.
struct Pair {
    primary: Server,
    replica: Server,
    /// Connections to both.
    asks: Wire,
    reads: Wire,
}

impl Pair {
    fn start(more: &[&str]) -> Pair {
        let own = ["--repl-diskless-sync-delay", "0"];
        let primary = Server::start(&[&own[..], more].concat());
        let port = primary.port.to_string();
        let replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
        let (asks, mut reads) = (primary.connect(), replica.connect());
        wait_until("the link stands", || {
            field(&mut reads, "master_link_status") == "up"
        });
        Pair {
            primary,
            replica,
            asks,
            reads,
        }
    }

    /// Waits until the replica has confirmed everything.
    fn settle(&mut self) {
        wait_until("the replica has everything", || {
            let end = field(&mut self.asks, "master_repl_offset");
            field(&mut self.asks, "slave0").contains(&format!("offset={end},"))
        });
    }

    /// Has all threads of the replica stop where they are.
    fn stop_replica(&self) {
        self.replica.signal(Signal::STOP);
        let id = self.replica.process.id().as_raw_nonzero();
        wait_until("the replica stands still", || {
            let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
            let mut stats = tasks.map(|task| {
                let path = task.unwrap().path().join("stat");
                std::fs::read_to_string(path).unwrap_or_default()
            });
            stats.all(|stat| stat.contains(") T "))
        });
    }

    /// Has the replica stop in the middle of everything, and miss a write.
    fn leave_behind(&mut self) {
        self.settle();
        self.stop_replica();
        assert_eq!(self.asks.ask("SET k missed"), "+OK");
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // One that is stopped does not end. It may have ended already.
        let _ = kill_process(self.replica.process.id(), Signal::CONT);
    }
}

/// A field of INFO; nothing if it is not there.
fn field(wire: &mut Wire, name: &str) -> String {
    let info = wire.ask("INFO");
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().to_owned()
}

fn request(words: &str) -> Vec<u8> {
    format!("{words}\r\n").into_bytes()
}

#[test]
fn a_shutdown_waits_for_replicas_that_lag() {
    let signal = |pair: &mut Pair, _: &mut Wire| pair.primary.signal(Signal::TERM);
    let command = |_: &mut Pair, wire: &mut Wire| wire.send(&request("SHUTDOWN")).unwrap();
    let ways: [fn(&mut Pair, &mut Wire); 2] = [signal, command];
    for begin in ways {
        let mut pair = Pair::start(&["--shutdown-timeout", "600"]);
        pair.leave_behind();
        let mut waits = pair.primary.connect();
        begin(&mut pair, &mut waits);
        let log = "Waiting for replicas before shutting down.";
        pair.primary.wait_for_line(log);
        assert_ne!(field(&mut pair.asks, "shutdown_in_milliseconds"), "");
        // Nobody writes any more.
        let mut writes = pair.primary.connect();
        writes.send(&request("SET k late")).unwrap();
        assert_eq!(pair.asks.ask("GET k"), "$6\r\nmissed");
        pair.replica.signal(Signal::CONT);
        waits.wait_for_close();
        let ended = pair.primary.process.end();
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        let line = "1 of 1 replicas are in sync when shutting down.";
        assert!(ended.output.contains(line), "{}", ended.output);
        assert_eq!(pair.reads.ask("GET k"), "$6\r\nmissed");
        assert_eq!(writes.try_next(), None);
    }
}

#[test]
fn a_shutdown_waits_no_longer_than_it_may() {
    for (timeout, words) in [
        ("1", "SHUTDOWN"),
        ("600", "SHUTDOWN NOW"),
        ("0", "SHUTDOWN"),
    ] {
        let mut pair = Pair::start(&["--shutdown-timeout", timeout]);
        pair.leave_behind();
        pair.asks.send(&request(words)).unwrap();
        let ended = pair.primary.process.end();
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        let waited = ended.output.contains("Waiting for replicas");
        assert_eq!(waited, timeout == "1", "{}", ended.output);
        for line in ["Lagging replica 127.0.0.1:", "0 of 1 replicas are in sync"] {
            assert!(ended.output.contains(line), "{}", ended.output);
        }
    }
}

#[test]
fn a_shutdown_that_waits_is_called_off() {
    let mut pair = Pair::start(&["--shutdown-timeout", "600"]);
    pair.leave_behind();
    let mut waiting = [(); 2].map(|()| pair.primary.connect());
    for wire in &mut waiting {
        wire.send(&request("SHUTDOWN")).unwrap();
    }
    wait_until("both wait", || {
        field(&mut pair.asks, "blocked_clients") == "2"
    });
    let mut writes = pair.primary.connect();
    writes.send(&request("SET k later")).unwrap();
    assert_eq!(pair.asks.ask("SHUTDOWN ABORT"), "+OK");
    for wire in &mut waiting {
        assert_eq!(wire.reply(), "-ERR Errors trying to SHUTDOWN. Check logs.");
        assert_eq!(wire.ask("PING"), "+PONG");
    }
    assert_eq!(writes.reply(), "+OK");
    let none = "-ERR No shutdown in progress.";
    assert_eq!(pair.asks.ask("SHUTDOWN ABORT"), none);
    assert_eq!(field(&mut pair.asks, "shutdown_in_milliseconds"), "");
    pair.primary.wait_for_line("Shutdown manually aborted.");
}

/// What waited for replicas may still fail, and then the server stays.
#[test]
fn a_shutdown_that_waited_may_fail() {
    let mut pair = Pair::start(&["--shutdown-timeout", "600"]);
    pair.leave_behind();
    let mut waits = pair.primary.connect();
    waits.send(&request("SHUTDOWN")).unwrap();
    wait_until("it waits", || {
        field(&mut pair.asks, "blocked_clients") == "1"
    });
    // The first base takes its time.
    assert_eq!(
        pair.asks.ask("CONFIG SET rdb-key-save-delay 30000000"),
        "+OK"
    );
    assert_eq!(pair.asks.ask("CONFIG SET appendonly yes"), "+OK");
    pair.replica.signal(Signal::CONT);
    assert_eq!(waits.reply(), "-ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(pair.asks.ask("SET k v"), "+OK");
    for line in [
        "1 of 1 replicas are in sync",
        "Writing initial AOF, can't exit.",
        "Errors trying to shut down the server. Check the logs for more information.",
    ] {
        pair.primary.wait_for_line(line);
    }
}

#[test]
fn roles_are_exchanged_without_a_copy() {
    let mut pair = Pair::start(&[]);
    // Written all the time: what was confirmed to a client is on whoever is primary.
    let port = pair.primary.port;
    let writer = std::thread::spawn(move || {
        let mut wire = Wire::connect(("127.0.0.1", port));
        let mut written = 0;
        loop {
            let reply = wire.ask("INCR counter");
            match reply.strip_prefix(':') {
                Some(number) => written = number.parse::<u64>().unwrap(),
                None => return (written, reply),
            }
        }
    });
    wait_until("there is something", || {
        pair.reads.ask("GET counter").len() > 6
    });
    assert_eq!(pair.asks.ask("FAILOVER"), "+OK");
    wait_until("the replica is primary", || {
        field(&mut pair.reads, "role") == "master"
    });
    let (written, refusal) = writer.join().unwrap();
    assert!(refusal.starts_with("-READONLY"), "{refusal}");
    wait_until("the old primary follows", || {
        field(&mut pair.asks, "master_link_status") == "up"
    });
    let expected = format!("${}\r\n{written}", written.to_string().len());
    assert_eq!(pair.reads.ask("GET counter"), expected);
    assert_eq!(pair.reads.ask("INCR counter"), format!(":{}", written + 1));
    wait_until("it is copied on", || {
        pair.asks
            .ask("GET counter")
            .ends_with(&(written + 1).to_string())
    });
    assert_eq!(field(&mut pair.reads, "sync_full"), "0");
    assert_eq!(field(&mut pair.asks, "sync_full"), "1");
}

#[test]
fn a_failover_waits_for_its_target_and_can_be_called_off() {
    let mut pair = Pair::start(&[]);
    pair.leave_behind();
    assert_eq!(pair.asks.ask("FAILOVER"), "+OK");
    let state = field(&mut pair.asks, "master_failover_state");
    assert_eq!(state, "waiting-for-sync");
    let mut writes = pair.primary.connect();
    writes.send(&request("SET k later")).unwrap();
    assert_eq!(pair.asks.ask("GET k"), "$6\r\nmissed");
    let again = "-ERR FAILOVER already in progress.";
    assert_eq!(pair.asks.ask("FAILOVER"), again);
    assert_eq!(pair.asks.ask("FAILOVER ABORT"), "+OK");
    assert_eq!(writes.reply(), "+OK");
    assert_eq!(field(&mut pair.asks, "role"), "master");
    let none = "-ERR No failover in progress.";
    assert_eq!(pair.asks.ask("FAILOVER ABORT"), none);
}

#[test]
fn a_write_is_answered_when_replicas_have_it() {
    let mut pair = Pair::start(&["--sync-replicas", "1", "--sync-replicas-timeout", "600000"]);
    assert_eq!(pair.asks.ask("SET k there"), "+OK");
    assert_eq!(pair.reads.ask("GET k"), "$5\r\nthere");
    pair.settle();
    pair.stop_replica();
    let mut writes = pair.primary.connect();
    let all = ["SET k waits", "GET k", "INCR n"].map(request).concat();
    writes.send(&all).unwrap();
    // It is done, and seen by others; who wrote it is told nothing yet.
    wait_until("it is done", || pair.asks.ask("GET n") == "$1\r\n1");
    wait_until("the writer waits", || {
        field(&mut pair.asks, "blocked_clients") == "1"
    });
    pair.replica.signal(Signal::CONT);
    let replies = [(); 3].map(|()| writes.reply());
    assert_eq!(replies, ["+OK", "$5\r\nwaits", ":1"]);
    assert_eq!(pair.reads.ask("GET k"), "$5\r\nwaits");
    // A replica that is stopped for too long: the write stays, and its client is told.
    assert_eq!(pair.asks.ask("CONFIG SET sync-replicas-timeout 100"), "+OK");
    pair.settle();
    pair.stop_replica();
    let refusal = writes.ask("SET k alone");
    assert!(refusal.starts_with("-NOREPLICAS "), "{refusal}");
    assert_eq!(writes.ask("GET k"), "$5\r\nalone");
}

/// A client of the replica gave it a time to live: the primary, which knows nothing of it, will not
/// delete it.
#[test]
fn keys_of_a_writable_replica_expire() {
    let mut pair = Pair::start(&[]);
    assert_eq!(pair.asks.ask("SET primary v PX 100000000"), "+OK");
    assert_eq!(pair.reads.ask("CONFIG SET replica-read-only no"), "+OK");
    for key in ["one", "two", "kept"] {
        assert_eq!(pair.reads.ask(&format!("SET {key} v PX 300")), "+OK");
    }
    assert_eq!(pair.reads.ask("PERSIST kept"), ":1");
    assert_eq!(field(&mut pair.reads, "slave_expires_tracked_keys"), "3");
    wait_until("they are gone", || pair.reads.ask("DBSIZE") == ":2");
    wait_until("they are forgotten", || {
        field(&mut pair.reads, "slave_expires_tracked_keys") == "0"
    });
    assert_eq!(pair.reads.ask("GET kept"), "$1\r\nv");
    assert_eq!(pair.reads.ask("EXISTS primary"), ":1");
}

/// Keys that expired while the primary was down are not in its data, but in that of its replicas.
#[test]
fn replicas_hear_of_keys_that_expired_while_their_primary_was_down() {
    let folder = Folder::new();
    let own = ["--dir", folder.root(), "--enable-debug-command", "yes"];
    let more = [
        "--repl-diskless-sync-delay",
        "0",
        "--repl-ping-replica-period",
        "3600",
    ];
    let primary = Server::start(&[&own[..], &more].concat());
    let port = primary.port.to_string();
    let replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
    let (mut asks, mut reads) = (primary.connect(), replica.connect());
    wait_until("the link stands", || {
        field(&mut reads, "master_link_status") == "up"
    });
    assert_eq!(asks.ask("DEBUG SET-ACTIVE-EXPIRE 0"), "+OK");
    assert_eq!(asks.ask("SET gone v PX 50"), "+OK");
    let set = Instant::now();
    assert_eq!(asks.ask("SET stays v"), "+OK");
    // Whoever looked at it would have it deleted.
    wait_until("its time has passed", || {
        set.elapsed() > Duration::from_millis(50)
    });
    wait_until("both are there", || reads.ask("DBSIZE") == ":2");
    assert_eq!(asks.ask("SAVE"), "+OK");
    asks.send(&request("SHUTDOWN NOSAVE NOW")).unwrap();
    asks.wait_for_close();
    drop(primary);
    let again = ["--port", &port];
    let mut primary = Server::start(&[&own[..], &again].concat());
    primary.port = port.parse().unwrap();
    let mut asks = primary.connect();
    wait_until("the link stands again", || {
        field(&mut reads, "master_link_status") == "up"
    });
    assert_eq!(field(&mut asks, "sync_full"), "0");
    wait_until("it is gone there, too", || reads.ask("DBSIZE") == ":1");
    assert_eq!(asks.ask("DBSIZE"), ":1");
}

/// As if its machine hung: nobody is answered, whatever is asked.
#[test]
fn a_server_that_is_told_to_sleep_answers_nobody() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let (mut sleeps, mut asks) = (server.connect(), server.connect());
    assert_eq!(asks.ask("PING"), "+PONG");
    sleeps.send(&request("DEBUG SLEEP 0.5")).unwrap();
    // Until it is read, others are answered at once.
    wait_until("somebody has to wait for the end of the sleep", || {
        let asked = Instant::now();
        assert_eq!(asks.ask("PING"), "+PONG");
        asked.elapsed() >= Duration::from_millis(400)
    });
    assert_eq!(sleeps.reply(), "+OK");
}
