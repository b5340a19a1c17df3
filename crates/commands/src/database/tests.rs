use expect_test::expect;

use crate::testing::{check, check_log, long_runs};

#[test]
fn nobody_waits_for_a_flush() {
    let mut node = testkit::Node::new(crate::table());
    assert_eq!(long_runs(&mut node, "FLUSHALL\r\n"), 1);
    assert_eq!(long_runs(&mut node, "FLUSHDB\r\n"), 1);
    assert_eq!(long_runs(&mut node, "MULTI\r\nFLUSHALL\r\nEXEC\r\n"), 1);
    assert_eq!(long_runs(&mut node, "DBSIZE\r\n"), 0);
}

#[test]
fn select_chooses_a_db_for_one_connection() {
    check(expect![[r#"
        > SET k zero
        OK
        > SELECT 5
        OK
        > GET k
        (nil)
        > SET k five
        OK
        other> GET k
        "zero"
        > SELECT 0
        OK
        > GET k
        "zero"
        > SELECT 16
        (error) ERR DB index is out of range
        > SELECT -1
        (error) ERR DB index is out of range
        > SELECT abc
        (error) ERR value is not an integer or out of range
        > SELECT ""
        (error) ERR value is not an integer or out of range
        > SELECT 2147483648
        (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > SELECT 9223372036854775808
        (error) ERR value is not an integer or out of range
        > SELECT
        (error) ERR wrong number of arguments for \'select\' command
        > SELECT 1 2
        (error) ERR wrong number of arguments for \'select\' command
        > GET k
        "zero"
    "#]]);
}

#[test]
fn select_in_a_transaction_holds_for_what_follows() {
    check(expect![[r#"
        > MULTI
        OK
        > SET k zero
        QUEUED
        > SELECT 1
        QUEUED
        > SET k one
        QUEUED
        > MOVE k 2
        QUEUED
        > SELECT 99
        QUEUED
        > DBSIZE
        QUEUED
        > EXEC
        1) OK
        2) OK
        3) OK
        4) (integer) 1
        5) (error) ERR DB index is out of range
        6) (integer) 0
        > SELECT 2
        OK
        > GET k
        "one"
    "#]]);
}

#[test]
fn flushes_empty_one_db_or_all() {
    check(expect![[r#"
        > SET a 1
        OK
        > SELECT 1
        OK
        > SET a 1
        OK
        > SET b 1
        OK
        > DBSIZE
        (integer) 2
        > FLUSHDB
        OK
        > DBSIZE
        (integer) 0
        > SELECT 0
        OK
        > DBSIZE
        (integer) 1
        > SELECT 1
        OK
        > FLUSHALL async
        OK
        > SELECT 0
        OK
        > DBSIZE
        (integer) 0
        > FLUSHALL SYNC
        OK
        > FLUSHDB ASYNC
        OK
        > FLUSHDB foo
        (error) ERR syntax error
        > FLUSHDB SYNC ASYNC
        (error) ERR syntax error
        > FLUSHALL foo
        (error) ERR syntax error
        > FLUSHALL ASYNC foo
        (error) ERR syntax error
        > DBSIZE foo
        (error) ERR wrong number of arguments for \'dbsize\' command
    "#]]);
}

#[test]
fn swapdb_exchanges_two_dbs() {
    check(expect![[r#"
        > SET k zero PX 5000
        OK
        > SELECT 1
        OK
        > SET k one
        OK
        other> GET k
        "zero"
        > SWAPDB 0 1
        OK
        other> GET k
        "one"
        > GET k
        "zero"
        > PTTL k
        (integer) 5000
        > SWAPDB 1 1
        OK
        > GET k
        "zero"
        > SWAPDB a 1
        (error) ERR invalid first DB index
        > SWAPDB 0 b
        (error) ERR invalid second DB index
        > SWAPDB a b
        (error) ERR invalid first DB index
        > SWAPDB 0 16
        (error) ERR DB index is out of range
        > SWAPDB -1 0
        (error) ERR DB index is out of range
        > SWAPDB 99999999999 0
        (error) ERR invalid first DB index
        > SWAPDB 0 99999999999
        (error) ERR invalid second DB index
        > SWAPDB 0
        (error) ERR wrong number of arguments for \'swapdb\' command
        > GET k
        "zero"
        @ +5001ms
        > GET k
        (nil)
    "#]]);
}

#[test]
fn watchers_learn_of_flushes_and_swaps() {
    check(expect![[r#"
        > SET x 30
        OK
        > WATCH x
        OK
        > FLUSHALL
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        # What was not there did not change.
        > WATCH x
        OK
        > FLUSHALL
        OK
        > FLUSHDB
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        # A key of the other db comes.
        > SELECT 1
        OK
        > SET x 30
        OK
        > SELECT 0
        OK
        > WATCH x
        OK
        > SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        # A key goes.
        > WATCH x
        OK
        > SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        # Neither db has the key.
        > WATCH y
        OK
        > SWAPDB 1 0
        OK
        > SWAPDB 0 0
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
    "#]]);
}

#[test]
fn a_key_past_its_expiry_comes_and_goes_unseen() {
    let mut node = testkit::Node::new(crate::table());
    let switch = &node.engine.switches.active_expire;
    switch.store(false, std::sync::atomic::Ordering::Relaxed);
    let transcript = expect![[r#"
        # Watched when it was past its expiry, then deleted, flushed, swapped away.
        > SET x foo PX 1
        OK
        @ +2ms
        > WATCH x
        OK
        > EXISTS x
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > SET x foo PX 1
        OK
        @ +2ms
        > WATCH x
        OK
        > FLUSHDB
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > SET x foo PX 1
        OK
        @ +2ms
        > WATCH x
        OK
        > SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        # It comes from the other db, past its expiry.
        > FLUSHALL
        OK
        > SET x foo PX 1
        OK
        @ +2ms
        > SELECT 1
        OK
        > WATCH x
        OK
        > SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        # One takes the place of another.
        > FLUSHALL
        OK
        > SET x foo PX 1
        OK
        > SELECT 0
        OK
        > SET x bar PX 1
        OK
        @ +2ms
        > SELECT 1
        OK
        > WATCH x
        OK
        > SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        # It was alive when it was watched.
        > SET x foo PX 1
        OK
        > WATCH x
        OK
        @ +2ms
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > SET x foo PX 1
        OK
        > WATCH x
        OK
        @ +2ms
        > SWAPDB 0 1
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
    "#]];
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn watchers_learn_of_moves_and_expiry() {
    check(expect![[r#"
        > SET x 1
        OK
        > WATCH x
        OK
        other> RENAME x y
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH x
        OK
        other> RENAME y x
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH x
        OK
        other> MOVE x 1
        (integer) 1
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > SELECT 1
        OK
        > WATCH x
        OK
        other> COPY x x DB 1 REPLACE
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH x
        OK
        other> SET x 2
        OK
        other> COPY x x DB 1 REPLACE
        (integer) 1
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH x
        OK
        > EXPIRE x 10
        (integer) 1
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH x
        OK
        > EXPIRE x 20 NX
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH x
        OK
        > PERSIST x
        (integer) 1
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH x
        OK
        > PERSIST x
        (integer) 0
        > DEL nokey
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
    "#]]);
}

mod watching;

#[test]
fn flushing_everything_saves_that_if_anything_is_saved() {
    let mut node = testkit::Node::new(crate::table());
    node.send("", b"CONFIG SET save \"\"\r\nSET k v\r\nFLUSHALL\r\n");
    assert_eq!(node.engine.unsaved_changes(), 2);
    node.send(
        "",
        b"CONFIG SET save \"3600 1\"\r\nMSET a 1 b 2\r\nFLUSHALL\r\n",
    );
    assert_eq!(node.engine.unsaved_changes(), 0);
    node.send("", b"SET k v\r\nFLUSHDB\r\n");
    assert_eq!(node.engine.unsaved_changes(), 2);
}

#[test]
fn an_awaited_key_that_ends_by_a_swap_is_deleted_behind_it() {
    check_log(
        r#"
        > SELECT 1
        OK
        > SET k v EXAT 1
        OK
        > SELECT 9
        OK
        w> SELECT 9
        OK
        w> BLPOP k 0
        (no reply)
        # log
        > SWAPDB 1 9
        OK
        w<
        (no reply)
    "#,
        expect![[r#"
            SELECT 9
            SWAPDB 1 9
            DEL k
        "#]],
    );
}
