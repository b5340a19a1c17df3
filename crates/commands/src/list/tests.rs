use expect_test::expect;

use crate::testing::{check, check_log, check_resp3};

mod blocking;
mod events;
mod pop;
mod range;
mod search;
mod transfer;

#[test]
fn pushes_add_at_their_end_one_by_one() {
    check(expect![[r#"
        > RPUSH l a b c
        (integer) 3
        > LPUSH l 1 2 3
        (integer) 6
        > LRANGE l 0 -1
        1) "3"
        2) "2"
        3) "1"
        4) "a"
        5) "b"
        6) "c"
        > TYPE l
        list
        > OBJECT ENCODING l
        "quicklist"
        > LPUSH new x
        (integer) 1
        > LLEN new
        (integer) 1
        > LLEN nothing
        (integer) 0
        > RPUSH l
        (error) ERR wrong number of arguments for \'rpush\' command
        > LPUSH l
        (error) ERR wrong number of arguments for \'lpush\' command
        > LLEN
        (error) ERR wrong number of arguments for \'llen\' command
        > LLEN a b
        (error) ERR wrong number of arguments for \'llen\' command
    "#]]);
}

#[test]
fn a_push_to_what_is_no_list_fails() {
    check(expect![[r#"
        > SET s v
        OK
        > LPUSH s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSH s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPUSHX s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPUSHX s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LLEN s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LINDEX s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LINDEX s x
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LSET s 0 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LSET s x a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GET s
        "v"
    "#]]);
}

#[test]
fn pushx_needs_a_list() {
    check(expect![[r#"
        > LPUSHX l a
        (integer) 0
        > RPUSHX l a b
        (integer) 0
        > EXISTS l
        (integer) 0
        > RPUSH l m
        (integer) 1
        > LPUSHX l a b
        (integer) 3
        > RPUSHX l y z
        (integer) 5
        > LRANGE l 0 -1
        1) "b"
        2) "a"
        3) "m"
        4) "y"
        5) "z"
        > LPUSHX l
        (error) ERR wrong number of arguments for \'lpushx\' command
        > RPUSHX l
        (error) ERR wrong number of arguments for \'rpushx\' command
    "#]]);
}

#[test]
fn integers_and_texts_that_look_like_them_come_back_as_they_were() {
    check(expect![[r#"
        > RPUSH l 0 -0 007 +7 7 -128 9223372036854775807 9223372036854775808 1e3 " 7"
        (integer) 10
        > LRANGE l 0 -1
         1) "0"
         2) "-0"
         3) "007"
         4) "+7"
         5) "7"
         6) "-128"
         7) "9223372036854775807"
         8) "9223372036854775808"
         9) "1e3"
        10) " 7"
        > LPOS l 7
        (integer) 4
        > LPOS l 007
        (integer) 2
        > LPOS l -0
        (integer) 1
    "#]]);
}

#[test]
fn elements_of_any_bytes_are_kept() {
    check(expect![[r#"
        > RPUSH l "" "\x00\xff\r\n" "a b"
        (integer) 3
        > LRANGE l 0 -1
        1) ""
        2) "\x00\xff\r\n"
        3) "a b"
        > LINDEX l 1
        "\x00\xff\r\n"
        > LREM l 1 "\x00\xff\r\n"
        (integer) 1
        > LPOS l ""
        (integer) 0
    "#]]);
}

#[test]
fn lindex_counts_from_either_end() {
    check(expect![[r#"
        > RPUSH l a b c
        (integer) 3
        > LINDEX l 0
        "a"
        > LINDEX l 2
        "c"
        > LINDEX l 3
        (nil)
        > LINDEX l -1
        "c"
        > LINDEX l -3
        "a"
        > LINDEX l -4
        (nil)
        > LINDEX l 9223372036854775807
        (nil)
        > LINDEX l -9223372036854775808
        (nil)
        > LINDEX l x
        (error) ERR value is not an integer or out of range
        > LINDEX l 1.5
        (error) ERR value is not an integer or out of range
        > LINDEX nothing 0
        (nil)
        > LINDEX nothing x
        (nil)
        > LINDEX l
        (error) ERR wrong number of arguments for \'lindex\' command
        > LINDEX l 1 2
        (error) ERR wrong number of arguments for \'lindex\' command
    "#]]);
}

#[test]
fn lset_replaces_what_is_there() {
    check(expect![[r#"
        > LSET l 0 a
        (error) ERR no such key
        > LSET l x a
        (error) ERR no such key
        > RPUSH l a b c
        (integer) 3
        > LSET l 0 x
        OK
        > LSET l -1 12345
        OK
        > LRANGE l 0 -1
        1) "x"
        2) "b"
        3) "12345"
        > LSET l 3 y
        (error) ERR index out of range
        > LSET l -4 y
        (error) ERR index out of range
        > LSET l x y
        (error) ERR value is not an integer or out of range
        > LSET l 0
        (error) ERR wrong number of arguments for \'lset\' command
        > LSET l 0 a b
        (error) ERR wrong number of arguments for \'lset\' command
    "#]]);
}

#[test]
fn resp3_has_one_null() {
    check_resp3(expect![[r#"
        > LINDEX nothing 0
        (nil)
        > RPUSH l a
        (integer) 1
        > LINDEX l 5
        (nil)
        > LPOP nothing
        (nil)
        > LPOP nothing 2
        (nil)
        > LPOP l 0
        (empty array)
        > LPOS l b
        (nil)
        > LPOS l a COUNT 0
        1) (integer) 0
        > LMPOP 1 nothing LEFT
        (nil)
        > LMPOP 1 l LEFT
        1) "l"
        2) 1) "a"
        > LMOVE nothing l LEFT LEFT
        (nil)
    "#]]);
}

#[test]
fn lists_are_copied_renamed_and_deleted() {
    check(expect![[r#"
        > RPUSH l a b c
        (integer) 3
        > COPY l copy
        (integer) 1
        > RPUSH l d
        (integer) 4
        > LRANGE copy 0 -1
        1) "a"
        2) "b"
        3) "c"
        > RENAME copy other
        OK
        > LRANGE other 0 -1
        1) "a"
        2) "b"
        3) "c"
        > DEL l other
        (integer) 2
        > EXISTS l other copy
        (integer) 0
    "#]]);
}

#[test]
fn node_sizes_do_not_show() {
    check(expect![[r#"
        > CONFIG SET list-max-listpack-size 2
        OK
        > RPUSH l a b c d e f g h
        (integer) 8
        > LINSERT l BEFORE d x
        (integer) 9
        > LINSERT l AFTER h y
        (integer) 10
        > LSET l 2 longer-than-before
        OK
        > LREM l 1 e
        (integer) 1
        > LTRIM l 1 -2
        OK
        > LRANGE l 0 -1
        1) "b"
        2) "longer-than-before"
        3) "x"
        4) "d"
        5) "f"
        6) "g"
        7) "h"
        > CONFIG SET list-max-listpack-size -5
        OK
        > RPUSH l z
        (integer) 8
        > LPUSH l 0
        (integer) 9
        > LRANGE l 0 -1
        1) "0"
        2) "b"
        3) "longer-than-before"
        4) "x"
        5) "d"
        6) "f"
        7) "g"
        8) "h"
        9) "z"
        > LRANGE l -3 -2
        1) "g"
        2) "h"
        > OBJECT ENCODING l
        "quicklist"
        > LPOP l 20
        1) "0"
        2) "b"
        3) "longer-than-before"
        4) "x"
        5) "d"
        6) "f"
        7) "g"
        8) "h"
        9) "z"
    "#]]);
}

#[test]
fn a_watched_list_breaks_the_transaction() {
    check(expect![[r#"
        > RPUSH l a
        (integer) 1
        > WATCH l
        OK
        b> LPUSH l b
        (integer) 2
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH l
        OK
        b> LREM l 1 nothing
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH l
        OK
        b> LTRIM l 0 -1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
    "#]]);
}

#[test]
fn what_changes_nothing_is_not_logged() {
    check_log(
        r#"
        > SET s v
        > RPUSH l a b c
        # log
        > LPUSHX nothing a
        > RPUSH s a
        > LPOP nothing
        > LPOP l 0
        > LREM l 0 x
        > LINSERT l BEFORE x y
        > LTRIM l 0 -1
        > LSET l 9 x
        > LMPOP 1 nothing LEFT
        > LMOVE nothing l LEFT LEFT
        > LMOVE l s LEFT LEFT
    "#,
        expect![""],
    );
}

#[test]
fn changes_are_logged_as_they_were_sent() {
    check_log(
        r#"
        # log
        > RPUSH l a b c d e f g h
        > LPUSHX l x
        > LPOP l
        > RPOP l 2
        > LSET l 0 z
        > LINSERT l after z y
        > LTRIM l 1 -1
        > LREM l 0 c
        > LMOVE l m LEFT RIGHT
        > RPOPLPUSH l m
        > LTRIM m 5 6
    "#,
        expect![[r#"
            SELECT 0
            RPUSH l a b c d e f g h
            LPUSHX l x
            LPOP l
            RPOP l 2
            LSET l 0 z
            LINSERT l after z y
            LTRIM l 1 -1
            LREM l 0 c
            LMOVE l m LEFT RIGHT
            RPOPLPUSH l m
            LTRIM m 5 6
        "#]],
    );
}

#[test]
fn popping_from_the_first_of_many_is_logged_as_a_pop() {
    check_log(
        r#"
        > RPUSH l a b c d e f g h
        # log
        > LMPOP 2 nothing l LEFT
        > LMPOP 1 l RIGHT COUNT 2
        > BLPOP nothing l 0
        > BRPOP l 0
        > BLMPOP 0 2 nothing l RIGHT
        > BLMOVE l m LEFT RIGHT 0
        > BRPOPLPUSH l m 0
        > LMPOP 1 l LEFT COUNT 9
        > LMPOP 1 m LEFT COUNT 9
    "#,
        expect![[r#"
            SELECT 0
            LPOP l 1
            RPOP l 2
            LPOP l
            RPOP l
            RPOP l 1
            LMOVE l m LEFT RIGHT
            RPOPLPUSH l m
            LPOP m 2
        "#]],
    );
}

#[test]
fn a_wait_is_logged_when_it_is_served() {
    check_log(
        r#"
        # log
        b> BLPOP l m 0
        > RPUSH m a b
        c> BRPOP l 0
        > RPUSH l a b
        > DEL l m
        b> BLMOVE l m LEFT RIGHT 0
        > RPUSH l a
        b> BRPOPLPUSH l m 0
        > RPUSH l a
        b> BLMPOP 0 1 l RIGHT COUNT 5
        > RPUSH l a b c
    "#,
        expect![[r#"
            SELECT 0
            RPUSH m a b
            LPOP m
            RPUSH l a b
            RPOP l
            DEL l m
            RPUSH l a
            LMOVE l m left right
            RPUSH l a
            RPOPLPUSH l m
            RPUSH l a b c
            RPOP l 3
        "#]],
    );
}
