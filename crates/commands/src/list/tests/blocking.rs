use expect_test::expect;

use super::{check, check_resp3};

#[test]
fn what_is_there_is_taken_at_once() {
    check(expect![[r#"
        > RPUSH l a b c d e f g h
        (integer) 8
        > BLPOP nothing l 0
        1) "l"
        2) "a"
        > BRPOP l nothing 0
        1) "l"
        2) "h"
        > BLMOVE l d LEFT RIGHT 0
        "b"
        > BRPOPLPUSH l d 0
        "g"
        > BLMPOP 0 2 nothing l LEFT COUNT 2
        1) "l"
        2) 1) "c"
           2) "d"
        > BLMPOP 0 1 d RIGHT
        1) "d"
        2) 1) "b"
        > LRANGE l 0 -1
        1) "e"
        2) "f"
        > LRANGE d 0 -1
        1) "g"
    "#]]);
}

#[test]
fn a_wait_ends_with_the_first_element() {
    check(expect![[r#"
        b> BLPOP l m 0
        (no reply)
        > RPUSH m x y
        (integer) 2
        b<
        1) "m"
        2) "x"
        > LRANGE m 0 -1
        1) "y"
        b> BRPOP l m 0
        1) "m"
        2) "y"
        b<
        (no reply)
        c> BRPOP l 0
        (no reply)
        > LPUSH l 1 2
        (integer) 2
        c<
        1) "l"
        2) "1"
        > LRANGE l 0 -1
        1) "2"
    "#]]);
}

#[test]
fn the_oldest_wait_comes_first() {
    check(expect![[r#"
        b> BLPOP l 0
        (no reply)
        c> BLPOP l 0
        (no reply)
        d> BRPOP l 0
        (no reply)
        > RPUSH l 1
        (integer) 1
        c<
        (no reply)
        b<
        1) "l"
        2) "1"
        > RPUSH l 2 3 4
        (integer) 3
        c<
        1) "l"
        2) "2"
        d<
        1) "l"
        2) "4"
        > LRANGE l 0 -1
        1) "3"
    "#]]);
}

#[test]
fn a_served_move_can_serve_the_next() {
    check(expect![[r#"
        b> BLMOVE a b LEFT RIGHT 0
        (no reply)
        c> BRPOPLPUSH b c 0
        (no reply)
        d> BLPOP c 0
        (no reply)
        > RPUSH a x
        (integer) 1
        b<
        "x"
        c<
        "x"
        d<
        1) "c"
        2) "x"
        > EXISTS a b c
        (integer) 0
    "#]]);
}

#[test]
fn a_wait_for_a_move_learns_of_a_wrong_destination() {
    check(expect![[r#"
        > SET s v
        OK
        b> BLMOVE l s LEFT RIGHT 0
        (no reply)
        c> BLPOP l 0
        (no reply)
        > RPUSH l x
        (integer) 1
        b<
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        c<
        1) "l"
        2) "x"
        > EXISTS l
        (integer) 0
    "#]]);
}

#[test]
fn a_list_can_be_rotated_by_a_wait() {
    check(expect![[r#"
        b> BLMOVE l l LEFT RIGHT 0
        (no reply)
        > RPUSH l a b
        (integer) 2
        b<
        "a"
        > LRANGE l 0 -1
        1) "b"
        2) "a"
    "#]]);
}

#[test]
fn a_wait_for_many_takes_what_there_is() {
    check(expect![[r#"
        b> BLMPOP 0 2 k l LEFT COUNT 3
        (no reply)
        > RPUSH l a b
        (integer) 2
        b<
        1) "l"
        2) 1) "a"
           2) "b"
        > EXISTS l
        (integer) 0
        b> BLMPOP 0 2 k l RIGHT COUNT 3
        (no reply)
        > RPUSH k a b c d
        (integer) 4
        b<
        1) "k"
        2) 1) "d"
           2) "c"
           3) "b"
        > LRANGE k 0 -1
        1) "a"
    "#]]);
}

#[test]
fn other_kinds_serve_nobody() {
    check(expect![[r#"
        b> BLPOP l 0
        (no reply)
        > SET l v
        OK
        > DEL l
        (integer) 1
        > RPUSH l a
        (integer) 1
        b<
        1) "l"
        2) "a"
    "#]]);
}

#[test]
fn a_transaction_serves_when_it_is_done() {
    check(expect![[r#"
        b> BLPOP l 0
        (no reply)
        > MULTI
        OK
        > RPUSH l a
        QUEUED
        > DEL l
        QUEUED
        > RPUSH l b
        QUEUED
        > EXEC
        1) (integer) 1
        2) (integer) 1
        3) (integer) 1
        b<
        1) "l"
        2) "b"
    "#]]);
}

#[test]
fn within_a_transaction_nothing_waits() {
    check(expect![[r#"
        > MULTI
        OK
        > BLPOP l 0
        QUEUED
        > BRPOP l 0
        QUEUED
        > BLMOVE l d LEFT RIGHT 0
        QUEUED
        > BRPOPLPUSH l d 0
        QUEUED
        > BLMPOP 0 1 l LEFT
        QUEUED
        > EXEC
        1) (nil)
        2) (nil)
        3) (nil)
        4) (nil)
        5) (nil)
    "#]]);
}

#[test]
fn a_renamed_list_serves_too() {
    check(expect![[r#"
        b> BLPOP l 0
        (no reply)
        > RPUSH other a
        (integer) 1
        > RENAME other l
        OK
        b<
        1) "l"
        2) "a"
        > EXISTS l
        (integer) 0
    "#]]);
}

#[test]
fn waits_in_vain_end() {
    check(expect![[r#"
        b> BLPOP l 1.4
        (no reply)
        c> BLMOVE l d LEFT RIGHT 1.3
        (no reply)
        d> BRPOPLPUSH l d 1.2
        (no reply)
        e> BLMPOP 1.1 1 l LEFT
        (no reply)
        @ +2s
        b<
        (nil)
        c<
        (nil)
        d<
        (nil)
        e<
        (nil)
        > RPUSH l a
        (integer) 1
        > LRANGE l 0 -1
        1) "a"
    "#]]);
}

#[test]
fn blocking_commands_read_the_time_last_or_first() {
    check(expect![[r#"
        > SET s v
        OK
        > BLPOP s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLPOP l s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLPOP s -1
        (error) ERR timeout is negative
        > BLPOP s x
        (error) ERR timeout is not a float or out of range
        > BRPOP s nan
        (error) ERR timeout is not a float or out of range
        > BRPOP s 1e16
        (error) ERR timeout is negative
        > BRPOP s inf
        (error) ERR timeout is negative
        > BRPOP s 9223372036854776
        (error) ERR timeout is negative
        > BRPOP s 9223372036854774
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOP s 0x10
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOP s -0.0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLPOP l
        (error) ERR wrong number of arguments for \'blpop\' command
        > BLMOVE s d MIDDLE RIGHT x
        (error) ERR syntax error
        > BLMOVE s d LEFT RIGHT x
        (error) ERR timeout is not a float or out of range
        > BLMOVE s d LEFT RIGHT -1
        (error) ERR timeout is negative
        > BLMOVE s d LEFT RIGHT 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BRPOPLPUSH s d x
        (error) ERR timeout is not a float or out of range
        > BRPOPLPUSH s d 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BLMPOP x 0 l LEFT
        (error) ERR numkeys should be greater than 0
        > BLMPOP x 1 l MIDDLE
        (error) ERR syntax error
        > BLMPOP x 1 l LEFT
        (error) ERR timeout is not a float or out of range
        > BLMPOP -1 1 l LEFT
        (error) ERR timeout is negative
        > BLMPOP 0 1 l LEFT COUNT 0
        (error) ERR count should be greater than 0
        > BLMPOP 0 2 l LEFT
        (error) ERR syntax error
        > BLMPOP 0 1 s LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
    "#]]);
}

#[test]
fn resp3_pops_and_nulls() {
    check_resp3(expect![[r#"
        > RPUSH l a b
        (integer) 2
        > BLPOP l 0
        1) "l"
        2) "a"
        > BLMPOP 0 1 l LEFT
        1) "l"
        2) 1) "b"
        > MULTI
        OK
        > BLPOP l 0
        QUEUED
        > BLMOVE l d LEFT LEFT 0
        QUEUED
        > BLMPOP 0 1 l LEFT
        QUEUED
        > EXEC
        1) (nil)
        2) (nil)
        3) (nil)
    "#]]);
}

#[test]
fn one_who_is_killed_takes_nothing_along() {
    check(expect![[r#"
        b> BLPOP l 0
        (no reply)
        c> BLMOVE l d LEFT LEFT 0
        (no reply)
        > CLIENT KILL TYPE normal SKIPME yes
        (integer) 2
        e> BLPOP l 0
        (no reply)
        > RPUSH l 1 2
        (integer) 2
        > LRANGE l 0 -1
        1) "2"
        > EXISTS d
        (integer) 0
        e<
        1) "l"
        2) "1"
    "#]]);
}

#[test]
fn a_timeout_may_be_a_number_of_eighty_bits() {
    check(expect![[r#"
        > BLPOP none 1e400
        (error) ERR timeout is negative
        > BLPOP none -1e400
        (error) ERR timeout is negative
        > BLPOP none 1e-5000
        (error) ERR timeout is not a float or out of range
        > BLPOP none -0.5
        (error) ERR timeout is negative
        b> BLPOP none -1e-400
        (no reply)
        c> BLPOP none -0.0001
        (no reply)
    "#]]);
}

#[test]
fn a_wait_that_is_ended_with_an_error_has_failed() {
    let mut node = testkit::Node::new(crate::table());
    node.send("b", b"CLIENT ID\r\n");
    node.send("b", b"BLPOP l 0\r\n");
    let unblock = |node: &mut testkit::Node, how: &str| {
        let request = format!("CLIENT UNBLOCK 1{how}\r\n");
        assert_eq!(node.send("", request.as_bytes()), b":1\r\n");
        node.receive("b")
    };
    let stats = |node: &mut testkit::Node| {
        let stats = node.send("", b"INFO commandstats\r\n");
        let stats = String::from_utf8_lossy(&stats).into_owned();
        let line = stats
            .lines()
            .find(|line| line.starts_with("cmdstat_blpop:"));
        line.expect("it was called").to_owned()
    };
    assert_eq!(unblock(&mut node, ""), b"*-1\r\n");
    assert!(stats(&mut node).ends_with("failed_calls=0"));
    node.send("b", b"BLPOP l 0\r\n");
    assert!(unblock(&mut node, " ERROR").starts_with(b"-UNBLOCKED"));
    let line = stats(&mut node);
    assert!(line.starts_with("cmdstat_blpop:calls=2,"), "{line}");
    assert!(line.ends_with("failed_calls=1"), "{line}");
}
