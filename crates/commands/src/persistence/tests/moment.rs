//! A snapshot is all data as it was at one moment, whatever is written meanwhile.

use std::fmt::Write as _;

use config::Config;
use engine::load::{Expired, LoadError, LoadFileError, LoadPolicy, Record, Replay};
use engine::snapshot::{Form, Snapshot};
use keyspace::{DbIndex, Entry, Expire, ShardSet, Usage};
use persistence::aof::{Reader, Record as LogRecord};
use persistence::rdb;
use proptest::prelude::*;
use stdx::prng::Prng;
use stdx::time::UnixMillis;
use testkit::Node;

const FRESH: LoadPolicy = LoadPolicy {
    expired: Expired::LeftOut,
    replaces: false,
};

fn node() -> Node {
    let mut config = Config::default();
    config.security.debug_command = config::Permit::Yes;
    // Small, so that large encodings are met, too.
    config.encodings.hash_entries_max = 4;
    config.encodings.set_integers_max = 4;
    config.encodings.sorted_set_entries_max = 4;
    Node::with_config(crate::table(), config)
}

fn digest(node: &mut Node) -> String {
    testkit::replay(node, "> DEBUG DIGEST")
}

/// A command that changes something, more often than not.
fn write(random: &mut Prng) -> String {
    let mut number = |below: u64| random.below(below);
    let (kind, key, item, db) = (number(24), number(12), number(9), number(3));
    let mut text = format!("SELECT {db}\r\n");
    let command = match kind {
        0..4 => format!("SET text:{key} value:{item}"),
        4 => format!("SET text:{key} {item} EX 1000"),
        5 => format!("APPEND text:{key} more"),
        6..8 => format!("RPUSH list:{key} {item} element"),
        8 => format!("LPOP list:{key}"),
        9..11 => format!("SADD set:{key} {item} {key}"),
        11 => format!("SADD set:{key} word{item}"),
        12 => format!("SREM set:{key} {item}"),
        13..15 => format!("HSET hash:{key} field{item} {key}"),
        15 => format!("HDEL hash:{key} field{item}"),
        16..18 => format!("ZADD sorted:{key} {item}.5 member{item}"),
        18 => format!("EXPIRE set:{key} 1000"),
        19 => format!("PERSIST text:{key}"),
        20 if item < 5 => format!("RENAME hash:0 hash:{item}"),
        20 => format!("RENAME text:{key} text:{item}"),
        21 => format!("DEL hash:{key} sorted:{item}"),
        22 => format!("MOVE text:{key} {item}"),
        _ if item == 0 => "FLUSHDB".to_owned(),
        _ if item == 1 => format!("SWAPDB {db} {}", key % 3),
        _ => format!("COPY text:{key} text:{item} REPLACE"),
    };
    write!(text, "{command}\r\n").expect("a string takes any text");
    text
}

/// A command that makes a collection so large that it is written in steps.
fn write_large(random: &mut Prng) -> String {
    let (kind, db) = (random.below(4), random.below(3));
    let mut words = vec![
        ["RPUSH list:0", "SADD set:0", "HSET hash:0", "ZADD sorted:0"][kind as usize].to_owned(),
    ];
    words.extend((0..2_500).map(|item| match kind {
        0 | 1 => format!("word{item}"),
        2 => format!("field{item} {item}"),
        _ => format!("{item}.5 member{item}"),
    }));
    format!("SELECT {db}\r\n{}\r\n", words.join(" "))
}

fn load_snapshot(node: &Node, mut bytes: &[u8]) -> Result<(), LoadFileError> {
    let mut locked = node.engine.keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), node.engine.now(), Expire::Ignore);
    node.engine.load_snapshot(&mut db, &mut bytes, FRESH)
}

fn replay(node: &Node, bytes: &[u8]) {
    let (mut reader, mut replay) = (Reader::new(0), Replay::new(&node.engine, 1));
    reader.feed(bytes);
    while let Some(record) = reader.next().expect("what is written can be read") {
        if let LogRecord::Command(words) = record {
            let words: Vec<&[u8]> = words.iter().collect();
            replay
                .run(&node.engine, &words)
                .expect("every command is known");
        }
    }
    replay.end(&node.engine);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn writers_do_not_change_what_is_written(seed in any::<u64>(), as_commands in any::<bool>()) {
        let (mut node, mut random) = (node(), Prng::new(seed));
        for _ in 0..300 {
            node.send("writer", write(&mut random).as_bytes());
        }
        for _ in 0..2 {
            node.send("writer", write_large(&mut random).as_bytes());
        }
        let expected = digest(&mut node);
        let form = if as_commands { Form::Commands } else { Form::Rdb };
        let begun = node.engine.begin_snapshot(form, &[("made-by", "a test".to_owned())], |_| {});
        let mut snapshot = begun.expect("nobody else takes one");
        let another = node.engine.begin_snapshot(form, &[], |_| {});
        prop_assert!(another.is_none());
        let mut bytes = Vec::new();
        while snapshot.step(&node.engine, 30, &mut bytes) {
            node.send("writer", write(&mut random).as_bytes());
        }
        let progress = snapshot.progress();
        prop_assert_eq!(progress.keys, progress.keys_total);
        let other = self::node();
        match form {
            Form::Rdb => load_snapshot(&other, &bytes).expect("what is written can be read"),
            Form::Commands => replay(&other, &bytes),
        }
        let mut other = other;
        prop_assert_eq!(digest(&mut other), expected);
    }

    #[test]
    fn what_is_given_up_is_forgotten(seed in any::<u64>(), steps in 0u32..200) {
        let (mut node, mut random) = (node(), Prng::new(seed));
        for _ in 0..100 {
            node.send("writer", write(&mut random).as_bytes());
        }
        node.send("writer", write_large(&mut random).as_bytes());
        let begun = node.engine.begin_snapshot(Form::Rdb, &[], |_| {});
        let mut snapshot = begun.expect("nobody else takes one");
        let mut bytes = Vec::new();
        for _ in 0..steps {
            node.send("writer", write(&mut random).as_bytes());
            if !snapshot.step(&node.engine, 30, &mut bytes) {
                break;
            }
        }
        snapshot.abandon(&node.engine);
        let expected = digest(&mut node);
        let begun = node.engine.begin_snapshot(Form::Rdb, &[], |_| {});
        let mut snapshot = begun.expect("the first is given up");
        let mut bytes = Vec::new();
        while snapshot.step(&node.engine, 1000, &mut bytes) {
            node.send("writer", write(&mut random).as_bytes());
        }
        let mut other = self::node();
        load_snapshot(&other, &bytes).expect("what is written can be read");
        prop_assert_eq!(digest(&mut other), expected);
    }
}

#[test]
fn whoever_holds_every_lock_needs_no_moment() {
    let (mut node, mut random) = (node(), Prng::new(5));
    for _ in 0..300 {
        node.send("writer", write(&mut random).as_bytes());
    }
    let expected = digest(&mut node);
    let waiting = node.engine.begin_snapshot(Form::Rdb, &[], |_| {});
    let mut bytes = Vec::new();
    {
        let mut locked = node.engine.keyspace.lock(ShardSet::ALL);
        let mut db = locked.db(DbIndex(0), node.engine.now(), Expire::Ignore);
        let mut snapshot = Snapshot::under_locks(&node.engine, &mut db, Form::Rdb, &[]);
        while snapshot.step_under(&node.engine, &mut db, 100, &mut bytes) {}
    }
    waiting
        .expect("nobody else takes one")
        .abandon(&node.engine);
    let mut other = self::node();
    load_snapshot(&other, &bytes).expect("what is written can be read");
    assert_eq!(digest(&mut other), expected);
}

#[test]
fn each_db_is_announced_once_with_its_size() {
    let mut node = node();
    for (db, key) in [(0, "a"), (1, "b"), (0, "{b}c"), (1, "{a}d")] {
        let set = format!("SELECT {db}\r\nSET {key} v PXAT 4102444800000\r\n");
        node.send("writer", set.as_bytes());
    }
    let mut snapshot = node
        .engine
        .begin_snapshot(Form::Rdb, &[], |_| {})
        .expect("nobody else takes one");
    let mut bytes = Vec::new();
    while snapshot.step(&node.engine, 1, &mut bytes) {}
    let mut scanner = rdb::Scanner::new(rdb::ScanOptions::default());
    let (mut sizes, mut records) = (Vec::new(), 0);
    while let Some(item) = scanner.next(&bytes).expect("it is well-formed") {
        match item {
            rdb::Item::Sizes { keys, expiries } => sizes.push((keys, expiries)),
            rdb::Item::Record(_) => records += 1,
            _ => {}
        }
    }
    assert_eq!((sizes, records), (vec![(2, 2), (2, 2)], 4));
}

fn usages(policy: config::EvictionPolicy) -> Vec<rdb::Usage> {
    let mut config = Config::default();
    config.memory.policy = policy;
    let mut node = Node::with_config(crate::table(), config);
    node.send("writer", b"SET k v\r\n");
    node.advance_micros(7_000_000);
    let begun = node.engine.begin_snapshot(Form::Rdb, &[], |_| {});
    let mut snapshot = begun.expect("nobody else takes one");
    let mut bytes = Vec::new();
    while snapshot.step(&node.engine, 1, &mut bytes) {}
    let mut scanner = rdb::Scanner::new(rdb::ScanOptions::default());
    let mut usages = Vec::new();
    while let Some(item) = scanner.next(&bytes).expect("it is well-formed") {
        if let rdb::Item::Record(record) = item {
            usages.push(record.usage);
        }
    }
    usages
}

#[test]
fn what_eviction_chooses_by_is_kept() {
    use config::EvictionPolicy;
    assert_eq!(usages(EvictionPolicy::NoEviction), [rdb::Usage::Unknown]);
    assert_eq!(usages(EvictionPolicy::AllKeysLru), [rdb::Usage::Idle(7)]);
    assert_eq!(
        usages(EvictionPolicy::AllKeysLfu),
        [rdb::Usage::Frequency(5)]
    );
}

fn record(key: &str, expiry: Option<i64>) -> Record<'static> {
    Record {
        db: DbIndex(1),
        key: key.as_bytes().to_vec().into(),
        entry: Entry::string(key.as_bytes(), b"v", expiry.map(UnixMillis)),
        usage: Usage::IdleSeconds(50),
    }
}

#[test]
fn records_come_from_several_threads() {
    let mut node = node();
    let engine = &node.engine;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for batch in 0..10 {
                    let name = |at: i32| format!("key:{thread}:{batch}:{at}");
                    let records = (0..100).map(|at| record(&name(at), None)).collect();
                    engine.load(records, FRESH).expect("every key is another");
                }
            });
        }
    });
    assert_eq!(engine.persistence.load.figures().keys, 4000);
    let shown = testkit::replay(
        &mut node,
        "> SELECT 1\n> DBSIZE\n> OBJECT IDLETIME key:1:1:1",
    );
    let replies: Vec<&str> = shown
        .lines()
        .filter(|line| !line.starts_with('>'))
        .collect();
    assert_eq!(replies, ["OK", "(integer) 4000", "(integer) 50"]);
}

#[test]
fn what_is_past_or_twice_or_out_of_place_is_noticed() {
    let mut node = node();
    let engine = &node.engine;
    let past = Some(engine.now().0 - 1);
    let kept = Some(engine.now().0 + 1000);
    let records = vec![record("past", past), record("kept", kept)];
    assert_eq!(engine.load(records, FRESH), Ok(()));
    let figures = engine.persistence.load.figures();
    assert_eq!((figures.keys, figures.keys_expired), (1, 1));
    let twice = LoadError::Duplicate {
        db: DbIndex(1),
        key: b"kept".to_vec(),
    };
    assert_eq!(engine.load(vec![record("kept", None)], FRESH), Err(twice));
    let replacing = LoadPolicy {
        expired: Expired::Kept,
        replaces: true,
    };
    let records = vec![record("kept", None), record("past", past)];
    assert_eq!(engine.load(records, replacing), Ok(()));
    let mut nowhere = record("k", None);
    nowhere.db = DbIndex(16);
    let refused = Err(LoadError::Db(DbIndex(16)));
    assert_eq!(engine.load(vec![nowhere], FRESH), refused);
    let shown = testkit::replay(&mut node, "> SELECT 1\n> PTTL kept");
    assert!(shown.ends_with("(integer) -1\n"), "{shown}");
}

#[test]
fn what_was_logged_is_done_again_whatever_the_gates_say() {
    let mut config = Config::default();
    config.security.password = "secret".into();
    let node = Node::with_config(crate::table(), config);
    node.engine.persistence.begin_load(node.engine.now(), 0);
    node.engine
        .persistence
        .note_log_write(Some("full".to_owned()));
    let reader = crate::testing::subscribe(&node);
    let mut replay = Replay::new(&node.engine, 1);
    let mut run = |line: &str| {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        replay
            .run(&node.engine, &words)
            .map_err(|unknown| unknown.0)
    };
    for line in [
        "SET k 1 PXAT 1",
        "INCR k",
        "SELECT 2",
        "MULTI",
        "SET other 1",
        "RENAME k k",
    ] {
        assert_eq!(run(line), Ok(()));
    }
    assert_eq!(run("NONSENSE 1"), Err(b"NONSENSE".to_vec()));
    assert!(replay.is_in_transaction());
    replay.run(&node.engine, &[b"EXEC"]).expect("it is known");
    assert!(!replay.is_in_transaction());
    replay.end(&node.engine);
    node.engine.persistence.end_load();
    let mut bytes = Vec::new();
    assert_eq!(node.engine.log.read(&reader, &mut bytes), 0);
    let mut locked = node.engine.keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), UnixMillis(5), Expire::Ignore);
    let number = |entry: &keyspace::Entry| entry.text().to_vec();
    // The key was not past its expiry when it was counted up.
    assert_eq!(
        db.peek(&db.key(b"k")).map(|entry| number(&entry)),
        Some(b"2".to_vec())
    );
    db.select(DbIndex(2));
    assert_eq!(
        db.peek(&db.key(b"other")).map(|entry| number(&entry)),
        Some(b"1".to_vec())
    );
}
