//! Keys of Debian's server that the cluster manager brings into clusters, while they are written
//! and while the manager dies.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use resp::value::Value;
use rustix::process::{Signal, kill_process};

use crate::clusters::{DIRECTIVES, Kind, Node, has_redis, join, ochre};
use crate::manager_kills::{Fate, relay};
use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::wire::Wire;

fn enter(node: &Node, password: &str) -> Wire {
    let mut wire = Wire::connect((node.host, node.port));
    assert_eq!(wire.ask(&format!("AUTH {password}")), "+OK");
    wire
}

/// Writes to a source until it refuses, and returns what its counters confirmed. The other keys
/// come, change and go with them.
fn write(mut wire: Wire, prefix: &str, written: &AtomicU64) -> BTreeMap<String, u64> {
    let mut confirmed = BTreeMap::new();
    for number in 0_u64.. {
        let key = format!("{prefix}{}", number % 97);
        let (tag, other) = (number % 53, (number + 20) % 53);
        let lines = [
            format!("INCR {key}"),
            format!("RPUSH list:{prefix}{tag} {number}"),
            format!("RENAME list:{prefix}{tag} list:{prefix}{other}"),
            format!("SADD set:{prefix}{tag} {number}"),
            format!("SUNIONSTORE all:{prefix} set:{prefix}{tag} set:{prefix}{other}"),
            format!("DEL set:{prefix}{other} list:{prefix}{other}"),
        ];
        for line in &lines {
            let reply = wire.ask(line);
            if reply.starts_with("-NOREPLICAS") {
                return confirmed;
            }
            assert!(!reply.starts_with('-'), "{line}: {reply}");
            if line.starts_with("INCR") {
                *confirmed.entry(key.clone()).or_default() += 1;
            }
        }
        written.fetch_add(1, Ordering::Relaxed);
        // The source has others to serve, and the machine other tests.
        std::thread::yield_now();
    }
    unreachable!("numbers do not end")
}

/// All keys that these hold, under their names, with their values.
fn contents(wires: &mut [Wire], name: impl Fn(&str) -> String) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for wire in wires {
        let keys = wire.ask("KEYS *");
        let keys: Vec<&str> = keys.split("\r\n").skip(2).step_by(2).collect();
        let types: Vec<String> = keys.iter().map(|key| format!("TYPE {key}")).collect();
        let reads = keys
            .iter()
            .zip(wire.ask_all(&types))
            .map(|(key, kind)| match kind {
                Value::Simple(kind) if kind == b"string" => format!("GET {key}"),
                Value::Simple(kind) if kind == b"list" => format!("LRANGE {key} 0 -1"),
                Value::Simple(kind) if kind == b"set" => format!("SORT_RO {key} ALPHA"),
                other => panic!("{key} is {other:?}"),
            });
        let reads: Vec<String> = reads.collect();
        for (key, value) in keys.iter().zip(wire.ask_all(&reads)) {
            let before = found.insert(name(key), value);
            assert_eq!(before, None, "{key} is at two nodes");
        }
    }
    found
}

fn text(number: impl ToString) -> Value {
    Value::Bulk(number.to_string().into_bytes())
}

#[track_caller]
fn assert_same(here: &BTreeMap<String, Value>, there: &BTreeMap<String, Value>) {
    for (key, value) in there {
        assert_eq!(here.get(key), Some(value), "{key}");
    }
    let more = here.keys().find(|key| !there.contains_key(*key));
    assert_eq!(more, None);
}

fn plain(key: &str) -> String {
    key.to_owned()
}

/// What a source of two dbs holds, under the names that its keys have in the cluster.
fn source_contents(source: &Node) -> BTreeMap<String, Value> {
    let mut all = contents(&mut [enter(source, "out")], plain);
    let mut second = enter(source, "out");
    second.ask("SELECT 3");
    all.extend(contents(&mut [second], |key| format!("three:{key}")));
    all
}

#[test]
fn a_source_is_followed_while_it_is_written() {
    if !has_redis() {
        return;
    }
    let directives = [
        &DIRECTIVES[..],
        &["--requirepass", "in", "--masterauth", "in"],
    ]
    .concat();
    let kinds = [Kind::Debian, Kind::Ochre, Kind::Ochre];
    let nodes = kinds.map(|kind| Node::of(kind, "127.0.0.1", free_port(), &directives));
    let addresses: Vec<String> = nodes.iter().map(Node::address).collect();
    let mut create = vec!["cluster", "create", "--yes", "-a", "in"];
    create.extend(addresses.iter().map(String::as_str));
    let created = ochre("ochre", &create, "");
    assert_eq!(created.code, Some(0), "{}", created.output);
    let source = Node::start(&["--requirepass", "out", "--repl-diskless-sync-delay", "0"]);
    let mut wire = enter(&source, "out");
    let still = (0..1000).map(|number| format!("SET still:{number} {number} PX 100000000"));
    wire.ask_all(&still.collect::<Vec<_>>());
    let written = [AtomicU64::new(0), AtomicU64::new(0)];
    let (ended, confirmed) = std::thread::scope(|scope| {
        let writers =
            [(0, "n", &written[0]), (3, "m", &written[1])].map(|(db, prefix, written)| {
                let mut wire = enter(&source, "out");
                wire.ask(&format!("SELECT {db}"));
                scope.spawn(move || write(wire, prefix, written))
            });
        wait_until("the source is written", || {
            written
                .iter()
                .all(|count| count.load(Ordering::Relaxed) > 20)
        });
        let from = source.address();
        let import = [
            "cluster",
            "import",
            &addresses[0],
            "--from",
            &from,
            "--from-pass",
            "out",
            "-a",
            "in",
            "--live",
            "--yes",
            "--db",
            "0",
            "--db",
            "3=three:",
            "--json",
        ];
        let ended = ochre("ochre", &import, "");
        // If it failed, the writers are to end all the same.
        wire.ask("CONFIG SET min-replicas-to-write 9");
        let confirmed = writers.map(|writer| writer.join().unwrap());
        (ended, confirmed)
    });
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(
        ended.output.contains("\"handed_over\":true"),
        "{}",
        ended.output
    );
    let there = source_contents(&source);
    let mut wires: Vec<Wire> = nodes.iter().map(|node| enter(node, "in")).collect();
    let here = contents(&mut wires, plain);
    assert_same(&here, &there);
    for (prefix, confirmed) in ["", "three:"].iter().zip(&confirmed) {
        for (key, count) in confirmed {
            assert_eq!(here[&format!("{prefix}{key}")], text(count), "{key}");
        }
    }
    let timed = wires.iter_mut().map(|wire| wire.ask("PTTL still:7"));
    assert!(
        timed.into_iter().any(|left| left.starts_with(":99")),
        "expiries go along"
    );
}

/// A cluster of one Ochre node, which is reached through a relay.
fn lone_node(fate: &std::sync::Arc<Fate>) -> (Node, String) {
    let (port, announced) = (free_port(), free_port());
    let (bus, shown) = ((port + 10_000).to_string(), announced.to_string());
    relay(announced, port, fate);
    let announcing = [
        "--cluster-announce-port",
        &shown,
        "--cluster-announce-bus-port",
        &bus,
        "--cluster-announce-ip",
        "127.0.0.1",
    ];
    let directives = [&DIRECTIVES[..], &announcing].concat();
    let node = Node::of(Kind::Ochre, "127.0.0.1", port, &directives);
    join(std::slice::from_ref(&node), 1);
    (node, format!("127.0.0.1:{announced}"))
}

/// More runs than an import has steps, every other one of which is heard.
const RUNS_MAX: usize = 200;

#[test]
fn a_live_import_that_is_killed_at_any_step_goes_on() {
    if !has_redis() {
        return;
    }
    let fate = Fate::new(&[
        "PSYNC",
        "RESTORE",
        "DUMP",
        "MASTER_REPL",
        "DEL",
        "CONFIG",
        "replication",
    ]);
    let (node, first) = lone_node(&fate);
    let source = Node::start(&[
        "--repl-diskless-sync-delay",
        "0",
        "--enable-debug-command",
        "yes",
    ]);
    let relayed = free_port();
    relay(relayed, source.port, &fate);
    let (folder, from) = (Folder::new(), format!("127.0.0.1:{relayed}"));
    let mut wire = Wire::connect(("127.0.0.1", source.port));
    let keys = (0..500).map(|number| format!("SET k{number} {number}"));
    wire.ask_all(&keys.collect::<Vec<_>>());
    let (mut runs, mut killed) = (0, 0);
    for run in 0..RUNS_MAX {
        runs = run;
        // Between two runs keys come, change and go, and sometimes the source forgets its history.
        wire.ask(&format!("INCR n{run}"));
        wire.ask("INCR counted");
        wire.ask(&format!("DEL k{run}"));
        if run % 8 == 7 {
            assert_eq!(wire.ask("DEBUG CHANGE-REPL-ID"), "+OK");
        }
        let journal = folder.path("journal");
        let import = [
            "cluster",
            "import",
            &first,
            "--from",
            &from,
            "--live",
            "--yes",
            "--journal",
            &journal,
        ];
        let mut manager = Process::start(Path::new(OCHRE), "ochre", &import, "");
        fate.befall(&manager, run, run % 2 == 1);
        wait_until("the manager ends", || manager.has_ended());
        fate.pass();
        let ended = manager.end();
        if ended.code.is_some() {
            assert_eq!(ended.code, Some(0), "run {run}: {}", ended.output);
            break;
        }
        killed += 1;
        // It may have been killed behind the hand-over's beginning.
        wire.ask("CONFIG SET min-replicas-to-write 0");
    }
    assert!(
        killed > 5 && runs < RUNS_MAX - 1,
        "{killed} of {runs} runs were killed"
    );
    let there = contents(&mut [wire], plain);
    let here = contents(&mut [Wire::connect((node.host, node.port))], plain);
    assert_same(&here, &there);
    assert_eq!(there["counted"], text(runs + 1));
}

#[test]
fn an_import_that_is_killed_at_any_step_goes_on() {
    if !has_redis() {
        return;
    }
    let fate = Fate::new(&["SCAN", "MIGRATE", "RESTORE", "DUMP", "EXISTS"]);
    let (node, first) = lone_node(&fate);
    // One source sends keys itself, the other one has its keys read.
    for forbidden in ["nothing", "migrate"] {
        node.ask("FLUSHALL");
        let source = Node::start(
            &["--rename-command", forbidden, ""][..if forbidden == "nothing" { 0 } else { 3 }],
        );
        let relayed = free_port();
        relay(relayed, source.port, &fate);
        let (folder, from) = (Folder::new(), format!("127.0.0.1:{relayed}"));
        let mut wire = Wire::connect(("127.0.0.1", source.port));
        for db in [0, 2] {
            wire.ask(&format!("SELECT {db}"));
            let keys = (0..400).map(|number| format!("SET {db}:{number} {number}"));
            wire.ask_all(&keys.collect::<Vec<_>>());
        }
        node.ask("SET 2:7 mine");
        node.ask("SET 0:9 9");
        let journal = folder.path("journal");
        let import = [
            "cluster",
            "import",
            &first,
            "--from",
            &from,
            "--copy",
            "--journal",
            &journal,
        ];
        let mut killed = 0;
        for run in 0..RUNS_MAX {
            assert!(run < RUNS_MAX - 1, "there are more steps than runs");
            let mut manager = Process::start(Path::new(OCHRE), "ochre", &import, "");
            fate.befall(&manager, run, run % 2 == 1);
            wait_until("the manager ends", || manager.has_ended());
            fate.pass();
            let ended = manager.end();
            if ended.code.is_some() {
                // The one that the cluster has of its own is refused, and said so.
                assert_eq!(ended.code, Some(3), "{}", ended.output);
                assert!(ended.output.contains(" 1 refused."), "{}", ended.output);
                break;
            }
            killed += 1;
        }
        assert!(killed > 5, "{killed} runs were killed");
        assert_eq!(node.number("DBSIZE"), 800);
        assert_eq!(node.ask("GET 2:7"), "$4\r\nmine");
        assert_eq!(node.ask("GET 2:399"), "$3\r\n399");
    }
}

#[test]
fn dbs_are_told_apart_and_keys_may_leave_their_source() {
    if !has_redis() {
        return;
    }
    let (node, first) = lone_node(&Fate::new(&[]));
    let source = Node::start(&[]);
    let mut wire = Wire::connect(("127.0.0.1", source.port));
    for db in [0, 1, 2] {
        wire.ask(&format!("SELECT {db}"));
        wire.ask(&format!("SET key {db}"));
    }
    let from = source.address();
    let import = |more: &[&str]| {
        let args = [&["cluster", "import", &first, "--from", &from][..], more].concat();
        ochre("ochre", &args, "")
    };
    let planned = import(&["--dry-run", "--json"]);
    assert_eq!(planned.code, Some(0), "{}", planned.output);
    for said in ["{\"db\":2,\"keys\":1}", "A cluster has one db"] {
        assert!(planned.output.contains(said), "{}", planned.output);
    }
    assert_eq!(
        import(&["--live", "--yes"]).code,
        Some(1),
        "keys would be lost"
    );
    assert_eq!(import(&["--db", "x"]).code, Some(1));
    assert_eq!(node.number("DBSIZE"), 0);
    let done = import(&["--db", "0", "--db", "2=two:"]);
    assert_eq!(done.code, Some(0), "{}", done.output);
    assert_eq!(node.ask("GET key"), "$1\r\n0");
    assert_eq!(node.ask("GET two:key"), "$1\r\n2");
    assert_eq!(node.number("DBSIZE"), 2);
    // Without --copy they left, but for those of the db that nobody chose.
    assert_eq!(source.ask("INFO keyspace").matches("keys=").count(), 1);
    assert_eq!(wire.ask("SELECT 1"), "+OK");
    assert_eq!(wire.ask("GET key"), "$1\r\n1");
}

#[test]
fn a_live_import_asks_before_it_takes_over() {
    if !has_redis() {
        return;
    }
    let (node, first) = lone_node(&Fate::new(&[]));
    let folder = Folder::new();
    let quick = ["--repl-diskless-sync-delay", "0"];
    // One that does not let itself be followed, and one that lets nobody set it.
    let closed = Node::start(&[&quick[..], &["--rename-command", "psync", ""]].concat());
    let refused = [
        "cluster",
        "import",
        &first,
        "--from",
        &closed.address(),
        "--live",
        "--yes",
    ];
    let refused = ochre("ochre", &refused, "");
    assert_eq!(refused.code, Some(2), "{}", refused.output);
    assert!(
        refused.output.contains("does not let itself be followed"),
        "{}",
        refused.output
    );
    let source = Node::start(&[&quick[..], &["--rename-command", "config", ""]].concat());
    source.ask("SET before 1");
    let (from, journal) = (source.address(), folder.path("journal"));
    let import = [
        "cluster",
        "import",
        &first,
        "--from",
        &from,
        "--live",
        "--journal",
        &journal,
    ];
    // Nobody is there to ask, so it follows until it is interrupted.
    let mut follower = Process::start(Path::new(OCHRE), "ochre", &import, "");
    wait_until("it asks", || follower.output().contains("Nobody answers"));
    source.ask("SET between 2");
    wait_until("what changes is brought", || {
        node.ask("GET between") == "$1\r\n2"
    });
    kill_process(follower.id(), Signal::INT).unwrap();
    let ended = follower.end();
    assert_eq!(ended.code, Some(3), "{}", ended.output);
    assert!(
        ended.output.contains("goes on from here"),
        "{}",
        ended.output
    );
    source.ask("DEL before");
    let ended = ochre("ochre", &import, "no\nyes\n");
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    for said in ["The source goes on from offset", "writes wait for an hour"] {
        assert!(ended.output.contains(said), "{}", ended.output);
    }
    assert_eq!(node.number("DBSIZE"), 1);
    let again = ochre("ochre", &import, "");
    assert_eq!(again.code, Some(0), "{}", again.output);
    assert!(
        again.output.contains("was handed over already"),
        "{}",
        again.output
    );
}
