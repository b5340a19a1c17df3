use expect_test::expect;

use super::check;

#[test]
fn pushes_and_pops_are_events() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events El$g
        OK
        e> PSUBSCRIBE __keyevent*
        1) "psubscribe"
        2) "__keyevent*"
        3) (integer) 1
        > RPUSH l a b c d
        (integer) 4
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "l"
        > LPUSHX l x
        (integer) 5
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpush"
        4) "l"
        > LPUSHX nothing x
        (integer) 0
        e<
        (no reply)
        > LPOP l
        "x"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpop"
        4) "l"
        > RPOP l 2
        1) "d"
        2) "c"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpop"
        4) "l"
        > LPOP l 0
        (empty array)
        e<
        (no reply)
        > LMPOP 1 l LEFT COUNT 9
        1) "l"
        2) 1) "a"
           2) "b"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpop"
        4) "l"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:del"
        4) "l"
        e<
        (no reply)
    "#]]);
}

#[test]
fn edits_are_events() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events El$g
        OK
        e> PSUBSCRIBE __keyevent*
        1) "psubscribe"
        2) "__keyevent*"
        3) (integer) 1
        > RPUSH l a b c d b
        (integer) 5
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "l"
        > LSET l 0 z
        OK
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lset"
        4) "l"
        > LINSERT l BEFORE b x
        (integer) 6
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:linsert"
        4) "l"
        > LINSERT l BEFORE nothing x
        (integer) -1
        e<
        (no reply)
        > LREM l 1 b
        (integer) 1
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lrem"
        4) "l"
        > LREM l 1 nothing
        (integer) 0
        e<
        (no reply)
        > LTRIM l 0 -1
        OK
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:ltrim"
        4) "l"
        > LTRIM l 1 -1
        OK
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:ltrim"
        4) "l"
        > LTRIM l 9 9
        OK
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:ltrim"
        4) "l"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:del"
        4) "l"
        e<
        (no reply)
    "#]]);
}

#[test]
fn a_move_is_a_push_and_a_pop() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events El$g
        OK
        e> PSUBSCRIBE __keyevent*
        1) "psubscribe"
        2) "__keyevent*"
        3) (integer) 1
        > RPUSH l a b
        (integer) 2
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "l"
        > LMOVE l m LEFT RIGHT
        "a"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "m"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpop"
        4) "l"
        > LMOVE m m LEFT RIGHT
        "a"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "m"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpop"
        4) "m"
        > RPOPLPUSH l m
        "b"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpush"
        4) "m"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpop"
        4) "l"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:del"
        4) "l"
        e<
        (no reply)
    "#]]);
}

#[test]
fn serving_a_wait_is_a_pop() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events El$g
        OK
        e> PSUBSCRIBE __keyevent*
        1) "psubscribe"
        2) "__keyevent*"
        3) (integer) 1
        b> BLPOP l 0
        (no reply)
        > RPUSH l a
        (integer) 1
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "l"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpop"
        4) "l"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:del"
        4) "l"
        e<
        (no reply)
        b> BLMOVE l m LEFT RIGHT 0
        (no reply)
        > RPUSH l a b
        (integer) 2
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "l"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:rpush"
        4) "m"
        e<
        1) "pmessage"
        2) "__keyevent*"
        3) "__keyevent@0__:lpop"
        4) "l"
        e<
        (no reply)
    "#]]);
}
