//! Transactions and the keys they watch, over dbs, expiry and moves.

use expect_test::expect;

use crate::testing::check;

#[test]
fn a_watch_remembers_its_db() {
    check(expect![[r#"
        > SELECT 5
        OK
        > SET x 30
        OK
        > WATCH x
        OK
        > SELECT 1
        OK
        > SET x 10
        OK
        > SELECT 5
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH x
        OK
        > SELECT 1
        OK
        other> SELECT 5
        OK
        other> SET x 31
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
fn a_watch_ends_with_the_transaction_or_on_demand() {
    check(expect![[r#"
        > SET x 30
        OK
        > WATCH x
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > SET x 40
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH x
        OK
        > SET x 50
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > SET x 60
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > WATCH x
        OK
        > SET x 70
        OK
        > UNWATCH
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > UNWATCH
        OK
        > WATCH x
        OK
        > SET x 80
        OK
        > MULTI
        OK
        > DISCARD
        OK
        > SET x 90
        OK
        > MULTI
        OK
        > DEL x
        QUEUED
        > EXEC
        1) (integer) 1
    "#]]);
}

#[test]
fn a_watch_of_several_keys_fails_by_one() {
    check(expect![[r#"
        > SET x{t} 30
        OK
        > WATCH a{t} b{t} x{t} k{t} z{t}
        OK
        > SET x{t} 40
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
        > WATCH x{t} y z
        OK
        > WATCH k
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > SET a a
        OK
        > SET b b
        OK
        > WATCH b a
        OK
        > FLUSHALL
        OK
        > PING
        PONG
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
    "#]]);
}

#[test]
fn a_key_that_expires_on_its_own_is_a_change() {
    check(expect![[r#"
        > SET x foo
        OK
        > EXPIRE x 1
        (integer) 1
        > WATCH x
        OK
        @ +1100ms
        > DBSIZE
        (integer) 0
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        (nil)
    "#]]);
}

#[test]
fn nothing_runs_after_an_error_of_queueing() {
    check(expect![[r#"
        > MULTI
        OK
        > SET foo1 bar1
        QUEUED
        > NON-EXISTING-COMMAND
        (error) ERR unknown command \'NON-EXISTING-COMMAND\', with args beginning with: 
        > SET foo2 bar2
        QUEUED
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > EXISTS foo1 foo2
        (integer) 0
        > MULTI
        OK
        > SELECT
        (error) ERR wrong number of arguments for \'select\' command
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > MULTI
        OK
        > SELECT 99
        QUEUED
        > SWAPDB 0 x
        QUEUED
        > RENAME nokey a
        QUEUED
        > EXPIRE foo1 abc
        QUEUED
        > SET foo1 bar1
        QUEUED
        > EXEC
        1) (error) ERR DB index is out of range
        2) (error) ERR invalid second DB index
        3) (error) ERR no such key
        4) (error) ERR value is not an integer or out of range
        5) OK
        > EXISTS foo1
        (integer) 1
        > MULTI
        OK
        > FLUSHALL
        QUEUED
        > DBSIZE
        QUEUED
        > SCAN 0
        QUEUED
        > RANDOMKEY
        QUEUED
        > SET a 1
        QUEUED
        > DBSIZE
        QUEUED
        > RANDOMKEY
        QUEUED
        > SWAPDB 0 1
        QUEUED
        > DBSIZE
        QUEUED
        > EXEC
        1) OK
        2) (integer) 0
        3) 1) "0"
           2) (empty array)
        4) (nil)
        5) OK
        6) (integer) 1
        7) "a"
        8) OK
        9) (integer) 0
    "#]]);
}

#[test]
fn an_exec_that_is_refused_ends_the_transaction() {
    check(expect![[r#"
        > WATCH k
        OK
        > MULTI
        OK
        > SET k v
        QUEUED
        > EXEC now
        (error) EXECABORT Transaction discarded because of: wrong number of arguments for \'exec\' command
        > EXEC
        (error) ERR EXEC without MULTI
        > MULTI
        OK
        > INCR k
        QUEUED
        b> SET k 1
        OK
        > EXEC
        1) (integer) 2
        > EXEC now
        (error) EXECABORT Transaction discarded because of: wrong number of arguments for \'exec\' command
    "#]]);
}

#[test]
fn a_queued_command_with_a_wrong_count_of_keys_has_its_own_error() {
    check(expect![[r#"
        > MULTI
        OK
        > ZINTERSTORE z 128 z
        QUEUED
        > ZUNION 0 z
        QUEUED
        > ZINTERCARD x z
        QUEUED
        > EXEC
        1) (error) ERR syntax error
        2) (error) ERR at least 1 input key is needed for \'zunion\' command
        3) (error) ERR value is not an integer or out of range
    "#]]);
}
