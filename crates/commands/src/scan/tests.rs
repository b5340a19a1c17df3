use std::collections::BTreeSet;

use expect_test::expect;
use proptest::prelude::*;

use super::cursor;
use crate::testing::check;

#[test]
fn scan_filters_by_pattern_and_type() {
    check(expect![[r#"
        > SCAN 0
        1) "0"
        2) (empty array)
        > SET a 1
        OK
        > SCAN 0 COUNT 100000
        1) "0"
        2) 1) "a"
        > SCAN 0 COUNT 100000 MATCH b*
        1) "0"
        2) (empty array)
        > SCAN 0 COUNT 100000 MATCH b* MATCH a*
        1) "0"
        2) 1) "a"
        > SCAN 0 COUNT 100000 TYPE string
        1) "0"
        2) 1) "a"
        > SCAN 0 COUNT 100000 type STRING match ?
        1) "0"
        2) 1) "a"
        > SCAN 0 COUNT 100000 TYPE list
        1) "0"
        2) (empty array)
        > SCAN 0 COUNT 100000 TYPE nothing
        1) "0"
        2) (empty array)
        > SCAN 0 COUNT 9223372036854775807
        1) "0"
        2) 1) "a"
    "#]]);
}

#[test]
fn scan_refuses_what_it_cannot_read() {
    check(expect![[r#"
        > SCAN abc
        (error) ERR invalid cursor
        > SCAN abc foo
        (error) ERR invalid cursor
        > SCAN " 0"
        (error) ERR invalid cursor
        > SCAN "0 "
        (error) ERR invalid cursor
        > SCAN 0x0
        (error) ERR invalid cursor
        > SCAN -
        (error) ERR invalid cursor
        > SCAN 18446744073709551616
        (error) ERR invalid cursor
        > SCAN 99999999999999999999999
        (error) ERR invalid cursor
        > SCAN -1
        1) "0"
        2) (empty array)
        > SCAN 18446744073709551615
        1) "0"
        2) (empty array)
        > SCAN ""
        1) "0"
        2) (empty array)
        > SCAN +0
        1) "0"
        2) (empty array)
        > SCAN "0\x00abc"
        1) "0"
        2) (empty array)
        > SCAN 0 COUNT 0
        (error) ERR syntax error
        > SCAN 0 COUNT -1
        (error) ERR syntax error
        > SCAN 0 COUNT abc
        (error) ERR value is not an integer or out of range
        > SCAN 0 COUNT 9223372036854775808
        (error) ERR value is not an integer or out of range
        > SCAN 0 COUNT 10 COUNT 0
        (error) ERR syntax error
        > SCAN 0 COUNT
        (error) ERR syntax error
        > SCAN 0 MATCH
        (error) ERR syntax error
        > SCAN 0 TYPE
        (error) ERR syntax error
        > SCAN 0 foo
        (error) ERR syntax error
        > SCAN 0 foo bar
        (error) ERR syntax error
        > SCAN
        (error) ERR wrong number of arguments for \'scan\' command
    "#]]);
}

#[test]
fn scan_deletes_what_is_past_its_expiry() {
    let mut node = testkit::Node::new(crate::table());
    let switch = &node.engine.switches.active_expire;
    switch.store(false, std::sync::atomic::Ordering::Relaxed);
    let transcript = expect![[r#"
        > SET one v PX 1
        OK
        > SET two v PX 1
        OK
        > SET three v
        OK
        @ +2ms
        > DBSIZE
        (integer) 3
        > SCAN 0 COUNT 100000 MATCH o*
        1) "0"
        2) (empty array)
        > DBSIZE
        (integer) 2
        > SCAN 0 COUNT 100000
        1) "0"
        2) 1) "three"
        > DBSIZE
        (integer) 1
        > SET one v PX 1
        OK
        > SET two v PX 1
        OK
        > DEL three
        (integer) 1
        @ +2ms
        > MULTI
        OK
        > SCAN 0 COUNT 100000
        QUEUED
        > DBSIZE
        QUEUED
        > EXEC
        1) 1) "0"
           2) (empty array)
        2) (integer) 0
    "#]];
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn cursors_are_read_as_c_reads_them() {
    let read = |text: &[u8]| cursor(text).ok();
    assert_eq!(read(b""), Some(0));
    assert_eq!(read(b"0012"), Some(12));
    assert_eq!(read(b"+12"), Some(12));
    assert_eq!(read(b"-1"), Some(u64::MAX));
    assert_eq!(read(b"18446744073709551615"), Some(u64::MAX));
    for refused in [
        "-",
        "+",
        "+-1",
        "--1",
        "\x0b1",
        " 1",
        "1 ",
        "18446744073709551616",
    ] {
        assert_eq!(read(refused.as_bytes()), None, "{refused:?}");
    }
}

/// All keys that a full iteration returns, with other keys coming and going between the calls.
fn iterate(
    node: &mut testkit::Node,
    count: usize,
    mut between: impl FnMut(&mut testkit::Node),
) -> BTreeSet<String> {
    let (mut at, mut seen) = ("0".to_owned(), BTreeSet::new());
    loop {
        let reply = command(node, &format!("SCAN {at} COUNT {count}"));
        let resp::value::Value::Array(parts) = reply else {
            panic!("SCAN answers with an array")
        };
        at = text(&parts[0]);
        if let resp::value::Value::Array(keys) = &parts[1] {
            seen.extend(keys.iter().map(text));
        }
        if at == "0" {
            return seen;
        }
        between(node);
    }
}

fn text(value: &resp::value::Value) -> String {
    match value {
        resp::value::Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("a string, not {other:?}"),
    }
}

fn command(node: &mut testkit::Node, line: &str) -> resp::value::Value {
    let words: Vec<Vec<u8>> = line
        .split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect();
    node.command("", &words).expect("every command has a reply")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn scan_returns_every_key_that_stays(
        stay in 1..300_u32,
        come in 0..2000_u32,
        count in 1..50_usize,
        one_slot: bool,
    ) {
        let mut node = testkit::Node::new(crate::table());
        // All in one table, which grows and shrinks, or each in its own.
        let tag = if one_slot { "{t}" } else { "" };
        for number in 0..stay {
            command(&mut node, &format!("SET {tag}stay:{number} v"));
        }
        for number in 0..come / 2 {
            command(&mut node, &format!("SET {tag}come:{number} v"));
        }
        let mut next = 0;
        let seen = iterate(&mut node, count, |node| {
            for number in next..(next + 40).min(come) {
                command(node, &format!("DEL {tag}come:{number}"));
                command(node, &format!("SET {tag}come:{} v", come - number));
            }
            next += 40;
        });
        for number in 0..stay {
            let key = format!("{tag}stay:{number}");
            prop_assert!(seen.contains(&key), "{} was lost", key);
        }
    }
}

#[test]
fn a_key_without_a_name_is_in_the_whole_list() {
    check(expect![[r#"
        > SET "" v
        OK
        > KEYS *
        1) ""
        > KEYS **
        (empty array)
        > KEYS ""
        1) ""
        > SCAN 0 MATCH *
        1) "0"
        2) 1) ""
        > SCAN 0 MATCH **
        1) "0"
        2) (empty array)
        > HSET h "" v
        (integer) 1
        > HSCAN h 0 MATCH *
        1) "0"
        2) 1) ""
           2) "v"
        > HSCAN h 0 MATCH **
        1) "0"
        2) (empty array)
    "#]]);
}
