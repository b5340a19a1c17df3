//! Slots that move with all their keys from one node to another, while clients write, and while
//! nodes die.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use resp::value::Value;
use rustix::process::{Signal, kill_process};

use crate::process::{Folder, OCHRE, Process, run, wait_until};
use crate::side::Side;
use crate::wire::Wire;

struct Node {
    /// Nothing while it is down.
    side: Option<Side>,
    folder: Folder,
    port: u16,
    id: String,
}

const DIRECTIVES: &[&str] = &[
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "3000",
    "--cluster-require-full-coverage",
    "no",
    "--cluster-allow-replica-migration",
    "no",
    "--repl-diskless-sync-delay",
    "0",
    "--appendonly",
    "yes",
    "--enable-debug-command",
    "yes",
];

impl Node {
    fn start() -> Node {
        let folder = Folder::new();
        let side = Side::start(false, &folder, DIRECTIVES);
        let mut node = Node {
            port: side.port,
            side: Some(side),
            folder,
            id: String::new(),
        };
        node.id = node.text("CLUSTER MYID");
        node
    }

    fn kill(&mut self) {
        self.side = None;
    }

    fn restart(&mut self) {
        self.side = Some(Side::start_at(false, &self.folder, self.port, DIRECTIVES));
    }

    fn signal(&self, signal: Signal) {
        let side = self.side.as_ref().expect("the node is up");
        kill_process(side.process.id(), signal).unwrap();
    }

    fn ask(&mut self, text: &str) -> Value {
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        self.side.as_mut().expect("the node is up").value(&words)
    }

    #[track_caller]
    fn command(&mut self, text: &str) {
        assert_eq!(self.ask(text), Value::Simple(b"OK".to_vec()), "{text}");
    }

    #[track_caller]
    fn text(&mut self, text: &str) -> String {
        shown(&self.ask(text))
    }

    #[track_caller]
    fn number(&mut self, text: &str) -> i64 {
        match self.ask(text) {
            Value::Integer(number) => number,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The fields of the migrations that the node tells of.
    fn moves(&mut self) -> Vec<BTreeMap<String, String>> {
        let Value::Array(rows) = self.ask("CLUSTER GETSLOTMIGRATIONS") else {
            panic!("it lists migrations");
        };
        let fields = |row| match row {
            Value::Array(words) => {
                assert_eq!(words.len(), 24);
                let pairs = words.chunks(2);
                pairs
                    .map(|pair| (shown(&pair[0]), shown(&pair[1])))
                    .collect()
            }
            other => panic!("{other:?}"),
        };
        rows.into_iter().map(fields).collect()
    }

    fn states(&mut self) -> Vec<String> {
        let moves = self.moves();
        moves.iter().map(|row| row["state"].clone()).collect()
    }

    #[track_caller]
    fn wait_for_state(&mut self, state: &str) {
        let mut seen = Vec::new();
        wait_until(&format!("the move is a {state}"), || {
            seen = self.moves();
            let has_ended = |row: &BTreeMap<String, String>| {
                let state = row["state"].as_str();
                ["success", "failed", "cancelled"].contains(&state)
            };
            let is_there = |row: &BTreeMap<String, String>| row["state"] == state;
            let is_over = seen.iter().all(has_ended) && !seen.iter().any(is_there);
            assert!(!is_over || seen.is_empty(), "{state}: {seen:?}");
            !seen.is_empty() && seen.iter().all(is_there)
        });
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bulk(text) | Value::Simple(text) | Value::Error(text) => {
            String::from_utf8_lossy(text).into_owned()
        }
        Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Primaries that share the slots in equal parts, and a replica for each if that is wanted.
fn town(primaries: usize, has_replicas: bool) -> Vec<Node> {
    let count = if has_replicas {
        2 * primaries
    } else {
        primaries
    };
    let mut nodes: Vec<Node> = (0..count).map(|_| Node::start()).collect();
    let port = nodes[0].port;
    for (at, node) in nodes.iter_mut().enumerate() {
        node.command(&format!("CLUSTER SET-CONFIG-EPOCH {}", at + 1));
        if at < primaries {
            let (first, last) = (16384 * at / primaries, 16384 * (at + 1) / primaries - 1);
            node.command(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        }
        if at > 0 {
            node.command(&format!("CLUSTER MEET 127.0.0.1 {port}"));
        }
    }
    let ids: Vec<String> = nodes.iter().map(|node| node.id.clone()).collect();
    for (at, node) in nodes.iter_mut().enumerate() {
        wait_until("all know each other", || {
            let known = node.text("CLUSTER NODES");
            ids.iter().all(|id| known.contains(id.as_str()))
        });
        if at >= primaries {
            node.command(&format!("CLUSTER REPLICATE {}", ids[at - primaries]));
            wait_until("the replica follows", || {
                node.text("INFO replication")
                    .contains("master_link_status:up")
            });
        }
    }
    for node in &mut nodes {
        wait_until("the cluster serves", || {
            let info = node.text("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384")
        });
    }
    nodes
}

fn slot_of(key: &str) -> u16 {
    stdx::crc16::crc16(key.as_bytes()) % 16384
}

/// Keys of slots in this range.
fn keys_in(slots: std::ops::Range<u16>, count: usize) -> Vec<String> {
    let names = (0..).map(|number| format!("key:{number}"));
    let names = names.filter(|name| slots.contains(&slot_of(name)));
    names.take(count).collect()
}

/// Writes keys, and has the node take so long for each that it copies.
fn fill(node: &mut Node, keys: &[String], micros_each: u32) {
    for key in keys {
        node.command(&format!("SET {key} of-{key}"));
    }
    node.command(&format!("CONFIG SET rdb-key-save-delay {micros_each}"));
}

#[track_caller]
fn expect_all(node: &mut Node, keys: &[String]) {
    for key in keys {
        assert_eq!(node.text(&format!("GET {key}")), format!("of-{key}"));
    }
}

/// Counts up keys until it is told to end. Returns for each how often that was confirmed, and how
/// often the client was sent elsewhere. Any other answer is a failure.
fn count(ports: [u16; 2], keys: &[String], has_ended: &AtomicBool) -> Vec<(i64, u32)> {
    let mut wires = ports.map(|port| Wire::connect(("127.0.0.1", port)));
    let mut seen = vec![(0, 0); keys.len()];
    let mut at = vec![0; keys.len()];
    while !has_ended.load(Ordering::Relaxed) {
        for (number, key) in keys.iter().enumerate() {
            let reply = wires[at[number]].ask(&format!("INCR {key}"));
            if reply.starts_with(':') {
                seen[number].0 += 1;
                continue;
            }
            let place = reply.strip_prefix("-MOVED ");
            let place = place.unwrap_or_else(|| panic!("INCR {key}: {reply}"));
            let port: u16 = place.rsplit(':').next().unwrap().parse().unwrap();
            at[number] = ports.iter().position(|&known| known == port).unwrap();
            seen[number].1 += 1;
        }
    }
    seen
}

/// Ends what waits for it, whatever happens.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn slots_move_under_writes_that_are_sent_on_once() {
    let mut nodes = town(3, false);
    let (mut keys, target) = (keys_in(0..5000, 60), nodes[1].id.clone());
    keys.extend(keys_in(5000..5400, 5));
    let ports = [nodes[0].port, nodes[1].port];
    let has_ended = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let _ending = Ending(&has_ended);
        let writers: Vec<_> = keys
            .chunks(17)
            .map(|keys| scope.spawn(|| count(ports, keys, &has_ended)))
            .collect();
        for range in ["0 1999", "2000 2000 2001 4999"] {
            let text = format!("CLUSTER MIGRATESLOTS SLOTSRANGE {range} NODE {target}");
            nodes[0].command(&text);
            nodes[0].wait_for_state("success");
        }
        has_ended.store(true, Ordering::Relaxed);
        let seen = writers.into_iter().map(|writer| writer.join().unwrap());
        seen.collect::<Vec<_>>().concat()
    });
    for (key, (confirmed, sent_on)) in keys.iter().zip(seen) {
        let has_moved = slot_of(key) < 5000;
        let node = &mut nodes[usize::from(has_moved)];
        assert_eq!(
            node.text(&format!("GET {key}")),
            confirmed.to_string(),
            "{key}"
        );
        assert!(
            confirmed > 0 && sent_on <= u32::from(has_moved),
            "{key}: {sent_on}"
        );
    }
    wait_until("the source has deleted what it gave", || {
        nodes[0].number("DBSIZE") == 5
    });
    assert_eq!(nodes[1].number("DBSIZE"), 60);
    let row = &nodes[1].moves()[0];
    assert_eq!(
        (row["operation"].as_str(), row["state"].as_str()),
        ("IMPORT", "success")
    );
    assert_eq!(row["slot_ranges"], "2000-4999");
}

#[test]
fn every_type_moves_with_its_expiry_and_replicas_follow() {
    let mut nodes = town(2, true);
    let key = |number: usize| format!("{{key:{number}}}");
    let slots: Vec<u16> = (0..)
        .map(|number| slot_of(&format!("key:{number}")))
        .take(500)
        .collect();
    let mut here = (0..500).filter(|&number| slots[number] < 8000).map(key);
    let mut make = |node: &mut Node, text: &str| {
        let key = here.next().expect("there are many");
        let reply = node.text(&text.replace('@', &key));
        assert!(!reply.starts_with("ERR"), "{text}: {reply}");
        key
    };
    let source = &mut nodes[0];
    let mut keys = vec![
        make(source, "SET @ text"),
        make(source, "SET @ 12345"),
        make(source, "RPUSH @ a b c"),
        make(source, "SADD @ 1 2 3"),
        make(source, "SADD @ a b c"),
        make(source, "HSET @ a 1 b 2"),
        make(source, "ZADD @ 1 a 2.5 b -inf c"),
        make(source, "PFADD @ a b c"),
        make(source, "SETBIT @ 100 1"),
    ];
    let expiring = make(source, "SET @ text EX 1000");
    let many = |each: &dyn Fn(usize) -> String| (0..3000).map(each).collect::<Vec<_>>().join(" ");
    keys.push(make(
        source,
        &format!("RPUSH @ {}", many(&|n| format!("item-{n}"))),
    ));
    keys.push(make(
        source,
        &format!("SADD @ {}", many(&|n| format!("member-{n}"))),
    ));
    keys.push(make(
        source,
        &format!("HSET @ {}", many(&|n| format!("field-{n} {n}"))),
    ));
    keys.push(make(
        source,
        &format!("ZADD @ {}", many(&|n| format!("{n} member-{n}"))),
    ));
    source.command(&format!("RENAME {} {}:renamed", keys[0], keys[0]));
    keys[0].push_str(":renamed");
    assert_eq!(source.number(&format!("PEXPIRE {} 900000", keys[12])), 1);
    keys.push(expiring.clone());
    let digest = |node: &mut Node, key: &str| node.text(&format!("DEBUG DIGEST-VALUE {key}"));
    let digests: Vec<String> = keys.iter().map(|key| digest(&mut nodes[0], key)).collect();
    let target = nodes[1].id.clone();
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 8000 NODE {target}"
    ));
    nodes[0].wait_for_state("success");
    for (key, expected) in keys.iter().zip(&digests) {
        assert_eq!(&digest(&mut nodes[1], key), expected, "{key}");
        wait_until("the target's replica has it", || {
            &digest(&mut nodes[3], key) == expected
        });
    }
    for key in [&expiring, &keys[12]] {
        for at in [1, 3] {
            nodes[at].ask("READONLY");
            let left = nodes[at].number(&format!("PTTL {key}"));
            assert!((800_000..=1_000_000).contains(&left), "{key}: {left}");
        }
    }
    for at in [0, 2] {
        wait_until("what was given is deleted", || {
            nodes[at].number("DBSIZE") == 0
        });
    }
    for at in [1, 3] {
        assert_eq!(nodes[at].number("DBSIZE"), keys.len() as i64);
    }
    // And back: what came can leave again.
    let (source, target) = (&mut nodes[1], digests.len());
    let back = source.text("CLUSTER NODES");
    let back = back
        .lines()
        .find(|line| line.contains(" 8001-8191"))
        .unwrap();
    let back = back.split(' ').next().unwrap().to_owned();
    source.command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 8000 NODE {back}"
    ));
    wait_until("they are back", || {
        nodes[0].number("DBSIZE") == target as i64
    });
    for (key, expected) in keys.iter().zip(&digests) {
        assert_eq!(&digest(&mut nodes[0], key), expected, "{key}");
    }
}

/// Runs a command where the slot is, which may have moved.
fn run_at(nodes: &mut [Node], at: &mut usize, text: &str) -> String {
    let reply = nodes[*at].text(text);
    if !reply.starts_with("MOVED ") {
        return reply;
    }
    *at = 1;
    nodes[1].text(text)
}

/// Makes collections that are large, and returns what changes each of them in a round.
fn make_large(node: &mut Node, keys: &[String]) {
    for first in (0..12_000).step_by(200) {
        let ids = || first..first + 200;
        let members: Vec<String> = ids().map(|id| format!("member:{id}")).collect();
        let pairs: Vec<String> = ids().map(|id| format!("{id} member:{id}")).collect();
        let (members, pairs) = (members.join(" "), pairs.join(" "));
        for (name, key, words) in [
            ("SADD", &keys[0], &members),
            ("HSET", &keys[1], &pairs),
            ("ZADD", &keys[2], &pairs),
            ("RPUSH", &keys[3], &members),
        ] {
            node.number(&format!("{name} {key} {words}"));
        }
    }
    node.number(&format!("PEXPIREAT {} 4000000000000", keys[2]));
}

/// Changes each of the collections in its own way.
fn change_large(round: usize, mut run: impl FnMut(usize, &str)) {
    let some = round * 37 % 12_000;
    run(0, &format!("SADD @ fresh:{round}"));
    run(0, &format!("SREM @ member:{some} fresh:{}", round / 2));
    run(1, &format!("HSET @ {some} {round} fresh:{round} x"));
    run(1, &format!("HDEL @ {}", some + 1));
    run(2, &format!("ZINCRBY @ 1.5 member:{some}"));
    run(2, &format!("ZREM @ member:{}", some + 1));
    run(3, "LPOP @");
    run(3, &format!("RPUSH @ {round}"));
    run(3, &format!("LSET @ {some} changed:{round}"));
}

#[test]
fn large_collections_move_while_they_change_and_while_all_is_saved() {
    let mut nodes = town(2, false);
    let (moving, staying) = (keys_in(0..100, 4), keys_in(9000..9100, 4));
    make_large(&mut nodes[0], &moving);
    make_large(&mut nodes[1], &staying);
    // Nobody but the move reads the log.
    nodes[0].command("CONFIG SET appendonly no");
    nodes[0].command("CONFIG SET rdb-key-save-delay 200000");
    // A collection that is being saved waits until that is over.
    assert_eq!(nodes[0].text("BGSAVE"), "Background saving started");
    let target = nodes[1].id.clone();
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    let (mut round, mut seen) = (0, Vec::new());
    let mut at = [0; 4];
    while nodes[0].states() != ["success"] {
        let state = nodes[0].states().concat();
        assert!(
            !["failed", "cancelled"].contains(&&*state),
            "{:?}",
            nodes[0].moves()
        );
        if !seen.contains(&state) {
            seen.push(state);
        }
        change_large(round, |key, text| {
            run_at(&mut nodes, &mut at[key], &text.replace('@', &moving[key]));
            nodes[1].text(&text.replace('@', &staying[key]));
        });
        round += 1;
    }
    assert!(
        round > 20 && seen.contains(&"snapshotting".to_owned()),
        "{round} {seen:?}"
    );
    for (moving, staying) in moving.iter().zip(&staying) {
        let digest = |node: &mut Node, key: &str| node.text(&format!("DEBUG DIGEST-VALUE {key}"));
        let expected = digest(&mut nodes[1], staying);
        assert_eq!(digest(&mut nodes[1], moving), expected, "{moving}");
    }
    wait_until(
        "the source has deleted what it gave, and saves again",
        || {
            nodes[0].number("DBSIZE") == 0
                && nodes[0]
                    .text("INFO persistence")
                    .contains("rdb_bgsave_in_progress:0")
        },
    );
    assert!(
        nodes[0]
            .text("INFO persistence")
            .contains("rdb_last_bgsave_status:ok")
    );
}

#[test]
fn a_target_that_is_too_slow_is_not_waited_for() {
    let mut nodes = town(2, false);
    let (keys, target) = (keys_in(0..100, 200), nodes[1].id.clone());
    fill(&mut nodes[0], &keys, 20_000);
    nodes[0].command("CONFIG SET appendonly no");
    let limit: [&[u8]; 4] = [
        b"CONFIG",
        b"SET",
        b"client-output-buffer-limit",
        b"replica 1mb 0 0",
    ];
    let side = nodes[0].side.as_mut().expect("the node is up");
    assert_eq!(shown(&side.value(&limit)), "OK");
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    wait_until("keys are sent", || nodes[0].states() == ["snapshotting"]);
    wait_until("keys come", || nodes[1].states() == ["receiving"]);
    let value = "v".repeat(30_000);
    nodes[1].signal(Signal::STOP);
    for key in &keys {
        nodes[0].command(&format!("SET {key} {value}"));
    }
    let memory = nodes[0].text("INFO memory");
    nodes[1].signal(Signal::CONT);
    nodes[0].wait_for_state("failed");
    assert_eq!(
        nodes[0].moves()[0]["message"],
        "The target is too slow for what clients write"
    );
    let log = memory
        .lines()
        .find_map(|line| line.strip_prefix("mem_total_replication_buffers:"));
    let log: u64 = log.unwrap().parse().unwrap();
    assert!(log < 2_000_000, "{log} bytes are kept for the move");
    for key in &keys {
        assert_eq!(nodes[0].number(&format!("STRLEN {key}")), 30_000);
    }
    wait_until("the target has forgotten", || {
        nodes[1].states() == ["failed"]
    });
    assert_eq!(nodes[1].number("DBSIZE"), 0);
}

#[test]
fn what_is_called_off_leaves_nothing_behind() {
    let mut nodes = town(2, false);
    let (keys, target) = (keys_in(0..100, 200), nodes[1].id.clone());
    fill(&mut nodes[0], &keys, 20_000);
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    let busy = format!("CLUSTER MIGRATESLOTS SLOTSRANGE 50 60 NODE {target}");
    assert_eq!(
        nodes[0].text(&busy),
        "ERR Slot 50 is on its way to a node already"
    );
    let open = format!("CLUSTER SETSLOT 7 MIGRATING {target}");
    assert_eq!(
        nodes[0].text(&open),
        "ERR Slot 7 is on its way to a node already"
    );
    wait_until("keys are sent", || nodes[0].states() == ["snapshotting"]);
    wait_until("keys have come", || {
        let memory = nodes[1].text("INFO stats");
        !memory.contains("total_commands_processed:0") && nodes[1].states() == ["receiving"]
    });
    assert_eq!(nodes[1].number("DBSIZE"), 0);
    assert_eq!(nodes[1].text("RANDOMKEY"), "Null");
    nodes[0].command("CLUSTER CANCELSLOTMIGRATIONS");
    nodes[0].wait_for_state("cancelled");
    expect_all(&mut nodes[0], &keys);
    wait_until("the target has forgotten", || {
        nodes[1].states() == ["failed"]
    });
    assert_eq!(nodes[1].number("DBSIZE"), 0);
    // Once more, to the end: there is nothing in the way.
    nodes[0].command("CONFIG SET rdb-key-save-delay 0");
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    wait_until("it moves", || nodes[0].states()[0] == "success");
    expect_all(&mut nodes[1], &keys);
}

#[test]
fn a_flush_ends_the_move() {
    let mut nodes = town(2, false);
    let (keys, target) = (keys_in(0..100, 200), nodes[1].id.clone());
    let begin = format!("CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}");
    for at in [0, 1] {
        fill(&mut nodes[0], &keys, 20_000);
        nodes[0].command(&begin);
        wait_until("keys are sent", || nodes[0].states()[0] == "snapshotting");
        wait_until("keys come", || nodes[1].states()[0] == "receiving");
        nodes[at].command("FLUSHALL");
        nodes[0].command("CONFIG SET rdb-key-save-delay 0");
        wait_until("it has failed", || nodes[0].states()[0] == "failed");
        wait_until("the target knows", || nodes[1].states()[0] == "failed");
        let left = if at == 0 { 0 } else { 200 };
        assert_eq!(nodes[0].number("DBSIZE"), left);
        wait_until("nothing is left", || nodes[1].number("DBSIZE") == 0);
    }
    expect_all(&mut nodes[0], &keys);
}

#[test]
fn a_target_that_dies_takes_nothing_with_it() {
    let mut nodes = town(3, false);
    let (keys, target) = (keys_in(0..100, 200), nodes[1].id.clone());
    fill(&mut nodes[0], &keys, 20_000);
    let own = keys_in(6000..6100, 3);
    fill(&mut nodes[1], &own, 0);
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    wait_until("keys are sent", || nodes[0].states() == ["snapshotting"]);
    wait_until("keys come", || nodes[1].states() == ["receiving"]);
    nodes[1].kill();
    nodes[0].wait_for_state("failed");
    expect_all(&mut nodes[0], &keys);
    assert_eq!(
        nodes[0].number(&format!("APPEND {} !", keys[0])),
        keys[0].len() as i64 + 4
    );
    nodes[1].restart();
    wait_until("what had come is gone", || nodes[1].number("DBSIZE") == 3);
    let known = nodes[1].text("CLUSTER NODES");
    assert!(
        known.contains(" 5461-10921") && !known.contains("-<-"),
        "{known}"
    );
    // The next try finds nothing in its way.
    nodes[0].command("CONFIG SET rdb-key-save-delay 0");
    wait_until("the target is back", || {
        nodes[0]
            .text("CLUSTER NODES")
            .lines()
            .all(|line| line.contains(" connected"))
    });
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    wait_until("it moves", || nodes[0].states()[0] == "success");
    assert_eq!(nodes[1].number("DBSIZE"), 203);
    expect_all(&mut nodes[1], &keys[1..]);
}

#[test]
fn a_source_that_dies_keeps_its_slots() {
    let mut nodes = town(3, true);
    let (keys, target) = (keys_in(0..100, 200), nodes[1].id.clone());
    fill(&mut nodes[0], &keys, 20_000);
    // Its replica would take its place.
    nodes[3].kill();
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {target}"
    ));
    wait_until("keys are sent", || nodes[0].states() == ["snapshotting"]);
    wait_until("keys come", || nodes[1].states() == ["receiving"]);
    nodes[0].kill();
    assert_eq!(nodes[1].number("DBSIZE"), 0);
    nodes[1].wait_for_state("failed");
    assert_eq!(
        nodes[1].moves()[0]["message"],
        "The source is not heard any more"
    );
    nodes[0].restart();
    wait_until("the source is back", || {
        nodes[0].text("CLUSTER INFO").contains("cluster_state:ok")
    });
    expect_all(&mut nodes[0], &keys);
    for at in [1, 4] {
        assert_eq!(nodes[at].number("DBSIZE"), 0);
    }
}

#[test]
fn several_ranges_move_at_the_same_time() {
    let mut nodes = town(3, false);
    let keys = [keys_in(0..100, 100), keys_in(100..200, 100)];
    fill(&mut nodes[0], &keys.concat(), 5_000);
    let ids = [nodes[1].id.clone(), nodes[2].id.clone()];
    nodes[0].command(&format!(
        "CLUSTER MIGRATESLOTS SLOTSRANGE 0 99 NODE {} SLOTSRANGE 100 199 NODE {}",
        ids[0], ids[1]
    ));
    wait_until("both move", || {
        nodes[0].states() == ["snapshotting", "snapshotting"]
    });
    nodes[0].wait_for_state("success");
    for (at, keys) in keys.iter().enumerate() {
        expect_all(&mut nodes[at + 1], keys);
        assert_eq!(nodes[at + 1].number("DBSIZE"), 100);
    }
    wait_until("the source has deleted them", || {
        nodes[0].number("DBSIZE") == 0
    });
}

#[test]
fn the_manager_leaves_moves_to_servers_that_can() {
    let mut nodes = town(3, false);
    let keys = keys_in(0..100, 50);
    fill(&mut nodes[0], &keys, 0);
    let (from, to) = (nodes[0].id.clone(), nodes[1].id.clone());
    let address = format!("127.0.0.1:{}", nodes[0].port);
    let words = ["cluster", "reshard", &address, "--from", &from, "--to", &to];
    let ended = run(&[&words[..], &["--slots", "100", "--yes"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(nodes[0].states(), ["success"], "{}", ended.output);
    assert_eq!(nodes[0].moves()[0]["slot_ranges"], "0-99");
    expect_all(&mut nodes[1], &keys);
}

#[test]
fn the_manager_calls_moves_off_when_it_is_interrupted() {
    let mut nodes = town(2, false);
    let keys = keys_in(0..100, 200);
    fill(&mut nodes[0], &keys, 50_000);
    let (from, to) = (nodes[0].id.clone(), nodes[1].id.clone());
    let address = format!("127.0.0.1:{}", nodes[0].port);
    let words = ["cluster", "reshard", &address, "--from", &from, "--to", &to];
    let words = [&words[..], &["--slots", "100", "--yes"]].concat();
    let manage = || Process::start(OCHRE.as_ref(), "ochre", &words, "");
    let mut manager = manage();
    wait_until("keys are sent", || nodes[0].states() == ["snapshotting"]);
    kill_process(manager.id(), Signal::INT).unwrap();
    let ended = manager.end();
    assert_eq!(ended.code, Some(3), "{}", ended.output);
    let said = [
        &format!("Called off: 100 slots stay at {address}: 0-99\n"),
        "0 of 100 slots have moved, then it ended: interrupted",
        "No slot is left half-way: the other 100 are where they were.",
    ];
    for line in said {
        assert!(ended.output.contains(line), "{}", ended.output);
    }
    assert_eq!(nodes[0].states(), ["cancelled"]);
    expect_all(&mut nodes[0], &keys);
    // Whoever has no time for a source that does not answer leaves.
    wait_until("the target has forgotten", || {
        nodes[1].states() == ["failed"]
    });
    let mut manager = manage();
    wait_until("keys are sent", || nodes[0].states()[0] == "snapshotting");
    let source = nodes[0].side.as_ref().unwrap().process.id();
    kill_process(source, Signal::STOP).unwrap();
    kill_process(manager.id(), Signal::INT).unwrap();
    wait_until("it knows", || {
        manager.has_ended() || manager.output().contains("Ctrl-C once more")
    });
    kill_process(manager.id(), Signal::INT).unwrap();
    let ended = manager.end();
    kill_process(source, Signal::CONT).unwrap();
    assert_eq!(ended.code, Some(130), "{}", ended.output);
}

#[test]
fn what_cannot_move_is_refused() {
    let mut nodes = town(2, false);
    let (own, other) = (nodes[0].id.clone(), nodes[1].id.clone());
    let unknown = "f".repeat(40);
    let refusals = [
        ("SLOTSRANGE 0 1 PLACE x".to_owned(), "ERR syntax error"),
        (format!("RANGE 0 1 NODE {other}"), "ERR syntax error"),
        (format!("SLOTSRANGE 0 1 2 NODE {other}"), "ERR syntax error"),
        (
            format!("SLOTSRANGE 0 16384 NODE {other}"),
            "ERR Invalid or out of range slot",
        ),
        (
            format!("SLOTSRANGE 5 1 NODE {other}"),
            "ERR start slot number 5 is greater than end slot number 1",
        ),
        (
            format!("SLOTSRANGE 0 5 5 6 NODE {other}"),
            "ERR Slot 5 specified multiple times",
        ),
        (
            format!("SLOTSRANGE 0 5 NODE {other} SLOTSRANGE 5 6 NODE {other}"),
            "ERR Slot 5 is on its way to a node already",
        ),
        (
            format!("SLOTSRANGE 8190 8192 NODE {other}"),
            "ERR Slot 8192 is not served by this node",
        ),
        (
            format!("SLOTSRANGE 0 5 NODE {own}"),
            "ERR The target node is this node",
        ),
    ];
    for (words, why) in refusals {
        assert_eq!(nodes[0].text(&format!("CLUSTER MIGRATESLOTS {words}")), why);
    }
    let nobody = format!("CLUSTER MIGRATESLOTS SLOTSRANGE 0 5 NODE {unknown}");
    assert_eq!(
        nodes[0].text(&nobody),
        format!("ERR Unknown node {unknown}")
    );
    assert!(nodes[0].moves().is_empty());
    for text in ["HIDE 0 5", "SHOW 0 5", "FEED", "PLUNDER x"] {
        let text = format!("CLUSTER SYNCSLOTS {text}");
        assert_eq!(nodes[0].text(&text), "ERR syntax error", "{text}");
    }
    let strange = format!("CLUSTER SYNCSLOTS FEED {unknown} x");
    let reply = nodes[0].text(&strange);
    assert_eq!(reply, "ERR There is no migration of this name");
}
