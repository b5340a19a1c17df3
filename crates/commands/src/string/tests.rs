use expect_test::{Expect, expect};
use testkit::{Node, Step};

use crate::testing::{check, check_resp3};

mod counter;
mod hostile;
mod lcs;
mod many;
mod range;
mod replay;
mod set;

/// Compares what the commands of a transcript write to the log, in place of their replies.
#[track_caller]
fn check_log(transcript: Expect) {
    let mut node = Node::new(crate::table());
    let reader = replay::subscribe(&node);
    let mut text = String::new();
    for (line, step) in testkit::parse(transcript.data()) {
        text += &format!("{line}\n");
        match step {
            Step::Text => {}
            Step::Advance(time) => node.advance_micros(time.as_micros() as i64),
            Step::Command { client, words } => drop(node.command(&client, &words)),
        }
        for words in replay::read_log(&node, &reader) {
            if words[0] != b"SELECT" {
                let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                text += &format!("{}\n", quoted.join(" "));
            }
        }
    }
    transcript.assert_eq(&text);
}

fn quoted(word: &[u8]) -> String {
    if !word.is_empty() && word.iter().all(u8::is_ascii_graphic) {
        return String::from_utf8_lossy(word).into_owned();
    }
    let mut quoted = Vec::new();
    stdx::text::quote(word, &mut quoted);
    String::from_utf8_lossy(&quoted).into_owned()
}

#[test]
fn getdel_returns_what_it_deletes() {
    check(expect![[r#"
        > GETDEL k
        (nil)
        > SET k v
        OK
        > GETDEL k
        "v"
        > GETDEL k
        (nil)
        > SET k -12
        OK
        > GETDEL k
        "-12"
        > GETDEL
        (error) ERR wrong number of arguments for \'getdel\' command
        > GETDEL a b
        (error) ERR wrong number of arguments for \'getdel\' command
    "#]]);
}

#[test]
fn getset_returns_the_old_value_and_clears_the_expiry() {
    check(expect![[r#"
        > GETSET k 1
        (nil)
        > OBJECT ENCODING k
        "int"
        > GETSET k two
        "1"
        > SET k v PXAT 99999999999999
        OK
        > GETSET k w
        "v"
        > PEXPIRETIME k
        (integer) -1
        > GET k
        "w"
        > GETSET k
        (error) ERR wrong number of arguments for \'getset\' command
        > GETSET k a b
        (error) ERR wrong number of arguments for \'getset\' command
    "#]]);
}

#[test]
fn getex_sets_or_clears_the_expiry() {
    check(expect![[r#"
        > SET k v
        OK
        > GETEX k
        "v"
        > PEXPIRETIME k
        (integer) -1
        > GETEX k EXAT 99999999999
        "v"
        > PEXPIRETIME k
        (integer) 99999999999000
        > GETEX k
        "v"
        > PEXPIRETIME k
        (integer) 99999999999000
        > GETEX k pxat 99999999999999
        "v"
        > PEXPIRETIME k
        (integer) 99999999999999
        > GETEX k EXAT 1 EXAT 99999999998
        "v"
        > PEXPIRETIME k
        (integer) 99999999998000
        > GETEX k PERSIST
        "v"
        > PEXPIRETIME k
        (integer) -1
        > GETEX k persist PERSIST
        "v"
        > GETEX k EX 1
        "v"
        @ +999ms
        > GET k
        "v"
        @ +2ms
        > GETEX k
        (nil)
        > SET k 7
        OK
        > GETEX k PX 1
        "7"
        @ +2ms
        > GETEX k PERSIST
        (nil)
    "#]]);
}

#[test]
fn getex_with_a_moment_that_is_past_deletes() {
    check(expect![[r#"
        > SET k v
        OK
        > GETEX k EXAT 1
        "v"
        > GETEX k
        (nil)
        > SET k v
        OK
        > GETEX k PXAT 1
        "v"
        > GET k
        (nil)
    "#]]);
}

#[test]
fn getex_reads_its_options_then_the_key_then_the_amount() {
    check(expect![[r#"
        > GETEX k EX 0
        (nil)
        > GETEX k EX abc
        (nil)
        > GETEX k EX
        (error) ERR syntax error
        > GETEX k BAD
        (error) ERR syntax error
        > GETEX
        (error) ERR wrong number of arguments for \'getex\' command
        > SET k v
        OK
        > GETEX k EX 10 PX 20
        (error) ERR syntax error
        > GETEX k PERSIST EX 10
        (error) ERR syntax error
        > GETEX k EX 10 PERSIST
        (error) ERR syntax error
        > GETEX k KEEPTTL
        (error) ERR syntax error
        > GETEX k NX
        (error) ERR syntax error
        > GETEX k GET
        (error) ERR syntax error
        > GETEX k ""
        (error) ERR syntax error
        > GETEX k EX
        (error) ERR syntax error
        > GETEX k EX 0
        (error) ERR invalid expire time in \'getex\' command
        > GETEX k EX -1
        (error) ERR invalid expire time in \'getex\' command
        > GETEX k PX -9223372036854775808
        (error) ERR invalid expire time in \'getex\' command
        > GETEX k EX abc
        (error) ERR value is not an integer or out of range
        > GETEX k EX abc BAD
        (error) ERR syntax error
        > GETEX k EX 1.5
        (error) ERR value is not an integer or out of range
        > GETEX k PX 9223372036854775807
        (error) ERR invalid expire time in \'getex\' command
        > GETEX k EX 9223372036854775807
        (error) ERR invalid expire time in \'getex\' command
        > GETEX k EXAT 9223372036854776
        (error) ERR invalid expire time in \'getex\' command
        > GETEX k EXAT 9223372036854775808
        (error) ERR value is not an integer or out of range
        > PEXPIRETIME k
        (integer) -1
        > GETEX k EXAT 9223372036854775
        "v"
        > PEXPIRETIME k
        (integer) 9223372036854775000
        > GETEX k PXAT 9223372036854775807
        "v"
        > PEXPIRETIME k
        (integer) 9223372036854775807
    "#]]);
}

#[test]
fn reads_that_write_log_what_they_did() {
    check_log(expect![[r#"
        > GETEX k EX 10
        > GETDEL k
        > GETSET k v
        SET k v
        > GETSET k w
        SET k w
        > GETEX k
        > GETEX k PERSIST
        > GETEX k EX 10
        PEXPIREAT k 1767225610000
        > GETEX k PX 1
        PEXPIREAT k 1767225600001
        @ +2ms
        DEL k
        > GETEX k
        > SET k v
        SET k v
        > GETEX k EXAT 99999999999
        PEXPIREAT k 99999999999000
        > GETEX k PERSIST
        PERSIST k
        > GETEX k EX 0
        > GETEX k PXAT 99999999999999
        PEXPIREAT k 99999999999999
        > GETEX k PXAT 1
        DEL k
        > SET k v
        SET k v
        > GETDEL k
        DEL k
    "#]]);
}

#[test]
fn what_is_absent_is_null_in_resp3_too() {
    check_resp3(expect![[r#"
        > GET k
        (nil)
        > GETDEL k
        (nil)
        > GETEX k EX 0
        (nil)
        > SET k v XX
        (nil)
        > GETSET k 7
        (nil)
        > GETEX k
        "7"
        > STRLEN k
        (integer) 1
        > MGET k nokey
        1) "7"
        2) (nil)
    "#]]);
}
