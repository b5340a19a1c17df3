//! The log: what it holds, and that whoever replays it has the same keys.

use std::collections::BTreeMap;

use expect_test::expect;
use keyspace::{DbIndex, Expire, ShardSet, Text};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::testing::{check_log, subscribe};

#[test]
fn only_changes_are_logged() {
    check_log(
        "
        > SET a 1
        > SET b 2
        # log
        > DEL nokey
        > EXISTS a
        > TOUCH a
        > RENAME a a
        > RENAMENX a b
        > RENAME nokey b
        > MOVE nokey 1
        > COPY a b
        > PERSIST a
        > EXPIRE nokey 10
        > EXPIRE a 10 XX
        > SELECT 1
        > SCAN 0
        > KEYS *
        > RANDOMKEY
        > DBSIZE
        > FLUSHDB foo
        > SWAPDB 0 99
        > SELECT 0
        > UNLINK a nokey
        ",
        expect![[r#"
            SELECT 0
            UNLINK a nokey
        "#]],
    );
}

#[test]
fn commands_between_dbs_are_logged_where_they_were_sent() {
    check_log(
        "
        > SET a 1
        > MOVE a 3
        > SET a 2
        > COPY a a DB 3 REPLACE
        > COPY a b
        > RENAME b c
        > RENAMENX c d
        > SWAPDB 0 3
        > SELECT 3
        > FLUSHDB
        > FLUSHALL ASYNC
        > FLUSHALL
        > MULTI
        > SET k v
        > SELECT 4
        > GET k
        > SET k v
        > EXEC
        > MULTI
        > SELECT 3
        > DEL nokey
        > EXEC
        ",
        expect![[r#"
            SELECT 0
            SET a 1
            MOVE a 3
            SET a 2
            COPY a a DB 3 REPLACE
            COPY a b
            RENAME b c
            RENAMENX c d
            SWAPDB 0 3
            SELECT 3
            FLUSHDB
            FLUSHALL ASYNC
            FLUSHALL
            MULTI
            SET k v
            SELECT 4
            SET k v
            EXEC
        "#]],
    );
}

#[test]
fn expiry_is_logged_as_a_moment() {
    check_log(
        "
        > SET k v
        > EXPIRE k 10
        > PEXPIRE k 20 XX
        > EXPIREAT k 33000000000 GT
        > PEXPIREAT k 33000000000001
        > PERSIST k
        > EXPIREAT k 1
        > SET k v
        > PEXPIRE k -1
        > SET k v
        > MULTI
        > EXPIRE k 1
        > PERSIST k
        > EXEC
        ",
        expect![[r#"
            SELECT 0
            SET k v
            PEXPIREAT k 1767225610000
            PEXPIREAT k 1767225600020
            PEXPIREAT k 33000000000000
            PEXPIREAT k 33000000000001
            PERSIST k
            DEL k
            SET k v
            DEL k
            SET k v
            MULTI
            PEXPIREAT k 1767225601000
            PERSIST k
            EXEC
        "#]],
    );
}

#[test]
fn what_is_past_its_expiry_is_deleted_in_the_log_too() {
    check_log(
        "
        > SET a v PX 1
        > SET b v PX 1
        > SET c v PX 1
        > SET d v PX 1
        > SET e v PX 1
        > SET f v
        @ +2ms
        # log
        > SCAN 0 COUNT 10000 MATCH [ab]
        > EXISTS c
        > KEYS d
        > COPY f e
        > RANDOMKEY
        > SET a v PX 1
        > SET b v PX 1
        @ +2ms
        > DEL f e
        > MULTI
        > RANDOMKEY
        > EXEC
        ",
        expect![[r#"
            SELECT 0
            DEL a
            DEL b
            DEL c
            DEL d
            DEL e
            COPY f e
            SET a v PXAT 1767225600003
            SET b v PXAT 1767225600003
            DEL f e
            MULTI
            DEL a
            DEL b
            EXEC
        "#]],
    );
}

#[derive(Clone, Debug)]
enum Step {
    Command(String),
    Advance(u16),
}

/// The dbs that steps touch.
const DBS: u16 = 3;

const NAMES: &[&str] = &["a", "b", "{a}c", "d", "{t}e", "{t}f"];

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(NAMES)
}

fn db() -> impl Strategy<Value = u8> {
    0..DBS as u8
}

fn command() -> impl Strategy<Value = String> {
    let times = prop_oneof![-5..5_i64, -100..2000_i64];
    let conditions = proptest::sample::select(&["", " NX", " XX", " GT", " LT", " XX GT"][..]);
    prop_oneof![
        4 => (name(), 0..50_u8).prop_map(|(k, v)| format!("SET {k} v{v}")),
        2 => (name(), 0..50_u8).prop_map(|(k, v)| format!("SET {k} {v} KEEPTTL")),
        3 => (name(), 1..300_u16).prop_map(|(k, t)| format!("SET {k} v PX {t}")),
        2 => (name(), name()).prop_map(|(a, b)| format!("DEL {a} {b}")),
        1 => (name(), name()).prop_map(|(a, b)| format!("UNLINK {a} {b}")),
        3 => (name(), name()).prop_map(|(a, b)| format!("RENAME {a} {b}")),
        2 => (name(), name()).prop_map(|(a, b)| format!("RENAMENX {a} {b}")),
        2 => (name(), name()).prop_map(|(a, b)| format!("COPY {a} {b} REPLACE")),
        3 => (name(), name(), db()).prop_map(|(a, b, n)| format!("COPY {a} {b} DB {n}")),
        3 => (name(), db()).prop_map(|(k, n)| format!("MOVE {k} {n}")),
        4 => (name(), times.clone(), conditions.clone())
            .prop_map(|(k, t, condition)| format!("PEXPIRE {k} {t}{condition}")),
        2 => (name(), -1..3_i8).prop_map(|(k, t)| format!("EXPIRE {k} {t}")),
        2 => (name(), times, conditions)
            .prop_map(|(k, t, condition)| format!("PEXPIREAT {k} {}{condition}", START + t)),
        2 => name().prop_map(|k| format!("PERSIST {k}")),
        3 => db().prop_map(|n| format!("SELECT {n}")),
        2 => (db(), db()).prop_map(|(a, b)| format!("SWAPDB {a} {b}")),
        1 => Just("FLUSHDB".to_owned()),
        1 => Just("FLUSHALL".to_owned()),
        1 => Just("SCAN 0 COUNT 1000".to_owned()),
        1 => Just("RANDOMKEY".to_owned()),
        2 => Just("MULTI".to_owned()),
        3 => Just("EXEC".to_owned()),
    ]
}

/// Where the virtual clock begins.
const START: i64 = 1_767_225_600_000;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => command().prop_map(Step::Command),
        1 => (0..400_u16).prop_map(Step::Advance),
    ];
    vec(step, 1..80)
}

type Contents = BTreeMap<(u16, Vec<u8>), (String, Option<i64>)>;

/// Every key that is alive, in every db.
fn contents(node: &testkit::Node) -> Contents {
    let mut contents = BTreeMap::new();
    let mut locked = node.engine.keyspace.lock(ShardSet::ALL);
    for index in 0..DBS {
        let mut db = locked.db(DbIndex(index), node.engine.now(), Expire::Hide);
        db.walk(|entry| {
            let value = match entry.text() {
                Text::Int(number) => number.to_string(),
                Text::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            };
            let expiry = entry.expiry().map(|at| at.0);
            contents.insert((index, entry.key().to_vec()), (value, expiry));
        });
    }
    contents
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_replays_the_log_has_the_same_keys(steps in steps(), active: bool) {
        let mut source = testkit::Node::new(crate::table());
        let mut target = testkit::Node::new(crate::table());
        let switch = &source.engine.switches.active_expire;
        switch.store(active, std::sync::atomic::Ordering::Relaxed);
        let reader = subscribe(&source);
        for step in steps {
            match step {
                Step::Command(line) => {
                    let words: Vec<Vec<u8>> =
                        line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
                    source.command("", &words);
                }
                Step::Advance(millis) => {
                    source.advance_micros(i64::from(millis) * 1000);
                    target.advance_micros(i64::from(millis) * 1000);
                }
            }
            let mut log = Vec::new();
            source.engine.log.read(&reader, &mut log);
            target.send("replay", &log);
            prop_assert_eq!(contents(&source), contents(&target));
        }
    }
}
