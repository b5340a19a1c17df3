use expect_test::{Expect, expect};

use crate::testing::check;

#[test]
fn strings_tell_what_happens_to_them() {
    events(expect![[r#"
        SET k 1
        - 0__:set k
        SET k 1 EX 10
        - 0__:set k
        - 0__:expire k
        SET k 1 XX GET KEEPTTL
        - 0__:set k
        SETNX k 2
        SETNX n 2
        - 0__:set n
        SETEX k 10 v
        - 0__:set k
        - 0__:expire k
        PSETEX k 10000 v
        - 0__:set k
        - 0__:expire k
        MSET a 1 b 2
        - 0__:set a
        - 0__:set b
        MSETNX c 1 d 2
        - 0__:set c
        - 0__:set d
        GETSET a 2
        - 0__:set a
        GETDEL a
        - 0__:del a
        GETEX b EX 10
        - 0__:expire b
        GETEX b PERSIST
        - 0__:persist b
        GETEX b EXAT 1
        - 0__:del b
        INCR i
        - 0__:incrby i
        DECR i
        - 0__:incrby i
        INCRBY i 2
        - 0__:incrby i
        DECRBY i 2
        - 0__:incrby i
        INCRBYFLOAT i 1.5
        - 0__:incrbyfloat i
        APPEND i x
        - 0__:append i
        SETRANGE i 0 y
        - 0__:setrange i
    "#]]);
}

#[test]
fn keys_tell_where_they_go() {
    events(expect![[r#"
        SET k 1
        - 0__:set k
        RENAME k l
        - 0__:rename_from k
        - 0__:rename_to l
        RENAMENX l m
        - 0__:rename_from l
        - 0__:rename_to m
        COPY m n
        - 0__:copy_to n
        COPY m n REPLACE
        - 0__:copy_to n
        MOVE m 1
        - 0__:move_from m
        - 1__:move_to m
        EXPIRE n 100
        - 0__:expire n
        PERSIST n
        - 0__:persist n
        PEXPIRE n -1
        - 0__:del n
        MSET x 1 y 2
        - 0__:set x
        - 0__:set y
        DEL x y z
        - 0__:del x
        - 0__:del y
        SET x 1
        - 0__:set x
        UNLINK x
        - 0__:del x
    "#]]);
}

#[test]
fn sets_tell_what_happens_to_them() {
    events(expect![[r#"
        SADD s 1 2 3
        - 0__:sadd s
        SADD s 1
        SREM s 3 9
        - 0__:srem s
        SREM s 9
        SMOVE s t 1
        - 0__:srem s
        - 0__:sadd t
        SMOVE s t 9
        SMOVE t t 1
        SADD t 2
        - 0__:sadd t
        SMOVE s t 2
        - 0__:srem s
        - 0__:del s
        SPOP t 0
        SPOP t 1
        - 0__:spop t
        SPOP t
        - 0__:spop t
        - 0__:del t
        SADD t 1 2
        - 0__:sadd t
        SPOP t 5
        - 0__:spop t
        - 0__:del t
        SPOP t 5
        SADD a 1 2
        - 0__:sadd a
        SADD b 2 3
        - 0__:sadd b
        SUNIONSTORE d a b
        - 0__:sunionstore d
        SINTERSTORE d a b
        - 0__:sinterstore d
        SDIFFSTORE d a b
        - 0__:sdiffstore d
        SINTERSTORE d a none
        - 0__:del d
        SINTERSTORE d a none
        SREM a 1 2
        - 0__:srem a
        - 0__:del a
    "#]]);
}

#[test]
fn hashes_tell_what_happens_to_them() {
    events(expect![[r#"
        HSET h a 1 b 2
        - 0__:hset h
        HSET h a 1
        - 0__:hset h
        HMSET h c 3
        - 0__:hset h
        HSETNX h c 4
        HSETNX h d 4
        - 0__:hset h
        HINCRBY h a 0
        - 0__:hincrby h
        HINCRBY h a x
        HINCRBYFLOAT h a 1.5
        - 0__:hincrbyfloat h
        HDEL h none
        HDEL h a none
        - 0__:hdel h
        HDEL h b c d
        - 0__:hdel h
        - 0__:del h
    "#]]);
}

#[test]
fn the_end_of_a_key_is_told() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Ex
        OK
        s> SUBSCRIBE __keyevent@0__:expired
        1) "subscribe"
        2) "__keyevent@0__:expired"
        3) (integer) 1
        > SET k v PX 100
        OK
        @ +200ms
        > GET k
        (nil)
        s<
        1) "message"
        2) "__keyevent@0__:expired"
        3) "k"
        > SET l v PX 100
        OK
        @ +200ms
        @ +200ms
        s<
        1) "message"
        2) "__keyevent@0__:expired"
        3) "l"
    "#]]);
}

#[test]
fn only_what_is_wanted_is_told() {
    check(expect![[r#"
        s> PSUBSCRIBE __key*
        1) "psubscribe"
        2) "__key*"
        3) (integer) 1
        > SET k v
        OK
        > CONFIG SET notify-keyspace-events Kg
        OK
        > SET k v
        OK
        > EXPIRE k 100
        (integer) 1
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyspace@0__:k"
        4) "expire"
        s<
        (no reply)
        > CONFIG SET notify-keyspace-events Em
        OK
        > GET nosuch
        (nil)
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:keymiss"
        4) "nosuch"
        > MGET k nosuch
        1) "v"
        2) (nil)
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:keymiss"
        4) "nosuch"
        > EXISTS nosuch
        (integer) 0
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:keymiss"
        4) "nosuch"
        > CONFIG SET notify-keyspace-events En
        OK
        > SET k w
        OK
        > SET new 1
        OK
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:new"
        4) "new"
        s<
        (no reply)
    "#]]);
}

/// Runs commands, one a line, and shows behind each what was told of keys.
#[track_caller]
fn events(expected: Expect) {
    let mut text = String::new();
    let mut node = testkit::Node::new(crate::table());
    let words = |line: &str| -> Vec<Vec<u8>> {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    };
    node.command("", &words("CONFIG SET notify-keyspace-events AE"));
    node.command("s", &words("PSUBSCRIBE *"));
    let lines = expected.data().lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("- ")) {
        text += &format!("{line}\n");
        node.command("", &words(line));
        while let Some(value) = node.next("s") {
            let resp::value::Value::Array(items) = value else {
                panic!("a message is an array");
            };
            let shown = |at: usize| match &items[at] {
                resp::value::Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => panic!("{other:?} is no text"),
            };
            let event = shown(2).replace("__keyevent@", "");
            text += &format!("- {event} {}\n", shown(3));
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn a_key_expires_before_the_command_that_finds_out() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Kxm$
        OK
        listener> PSUBSCRIBE __keyspace@*
        1) "psubscribe"
        2) "__keyspace@*"
        3) (integer) 1
        > SET k v EXAT 1
        OK
        > APPEND k w
        (integer) 1
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "set"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "expired"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "append"
        listener<
        (no reply)
        > SET k v EXAT 1
        OK
        > GET k
        (nil)
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "set"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "expired"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "keymiss"
        listener<
        (no reply)
    "#]]);
}

#[test]
fn watching_a_key_past_its_expiry_leaves_it_there() {
    let watched = crate::testing::events("> SET k v EXAT 1\n> WATCH k\n");
    assert_eq!(watched, ["set k", "expire k"]);
}

#[test]
fn what_mget_finds_expired_is_missed_then() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Kxm
        OK
        listener> PSUBSCRIBE __keyspace@*
        1) "psubscribe"
        2) "__keyspace@*"
        3) (integer) 1
        > SET a v EXAT 1
        OK
        > SET b v EXAT 1
        OK
        > MGET a b
        1) (nil)
        2) (nil)
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:a"
        4) "expired"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:a"
        4) "keymiss"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:b"
        4) "expired"
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:b"
        4) "keymiss"
    "#]]);
}

#[test]
fn an_empty_result_deletes_what_was_past_its_expiry() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Kxg
        OK
        listener> PSUBSCRIBE __keyspace@*
        1) "psubscribe"
        2) "__keyspace@*"
        3) (integer) 1
        > SET k v EXAT 1
        OK
        > SINTERSTORE k none
        (integer) 0
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "expire"
        > SET k v EXAT 1
        OK
        > ZDIFFSTORE k 1 none
        (integer) 0
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "del"
        > SET k v EXAT 1
        OK
        > BITOP AND k none
        (integer) 0
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:k"
        4) "expire"
    "#]]);
}

#[test]
fn keys_are_looked_up_one_after_the_other() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Emx
        OK
        s> PSUBSCRIBE __key*
        1) "psubscribe"
        2) "__key*"
        3) (integer) 1
        > SET due v EXAT 1
        OK
        > SINTER none due
        (empty array)
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:keymiss"
        4) "none"
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:expired"
        4) "due"
        s<
        1) "pmessage"
        2) "__key*"
        3) "__keyevent@0__:keymiss"
        4) "due"
        s<
        (no reply)
        > SET text v
        OK
        > SINTER text none
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        s<
        (no reply)
    "#]]);
}
