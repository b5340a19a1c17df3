use expect_test::expect;

use crate::testing::check;

#[test]
fn zpop_takes_from_either_end() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 4 d 5 e
        (integer) 5
        > ZPOPMIN z
        1) "a"
        2) "1"
        > ZPOPMAX z
        1) "e"
        2) "5"
        > ZPOPMIN z 0
        (empty array)
        > ZPOPMAX z 2
        1) "d"
        2) "4"
        3) "c"
        4) "3"
        > ZPOPMIN z 10
        1) "b"
        2) "2"
        > EXISTS z
        (integer) 0
        > ZPOPMIN z
        (empty array)
        > ZPOPMIN z 1
        (empty array)
        > ZPOPMIN z -1
        (error) ERR value is out of range, must be positive
        > ZPOPMIN z x
        (error) ERR value is out of range, must be positive
        > ZPOPMIN z 1 2
        (error) ERR syntax error
        > SET s x
        OK
        > ZPOPMIN s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZPOPMIN s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZPOPMAX s -1
        (error) ERR value is out of range, must be positive
        > ZADD z 1 a 2 b 3 c 4 d 5 e
        (integer) 5
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZPOPMIN z
        1) "a"
        2) (double) 1
        > ZPOPMAX z 2
        1) 1) "e"
           2) (double) 5
        2) 1) "d"
           2) (double) 4
        > ZPOPMAX z 1
        1) 1) "c"
           2) (double) 3
        > ZPOPMAX z 0
        (empty array)
        > ZPOPMIN nokey
        (empty array)
        > ZPOPMIN nokey 2
        (empty array)
    "#]]);
}

#[test]
fn zmpop_takes_from_the_first_that_is_there() {
    check(expect![[r#"
        > ZADD a 1 x 2 y 3 z
        (integer) 3
        > ZADD b 4 p
        (integer) 1
        > ZMPOP 2 nokey a MIN
        1) "a"
        2) 1) 1) "x"
              2) "1"
        > ZMPOP 2 a b MAX COUNT 10
        1) "a"
        2) 1) 1) "z"
              2) "3"
           2) 1) "y"
              2) "2"
        > ZMPOP 2 a b max count 10
        1) "b"
        2) 1) 1) "p"
              2) "4"
        > ZMPOP 2 a b MIN
        (nil)
        > ZMPOP 0 a MIN
        (error) ERR numkeys should be greater than 0
        > ZMPOP x a MIN
        (error) ERR numkeys should be greater than 0
        > ZMPOP -1 a MIN
        (error) ERR numkeys should be greater than 0
        > ZMPOP 1 a foo
        (error) ERR syntax error
        > ZMPOP 1 a MIN COUNT 0
        (error) ERR count should be greater than 0
        > ZMPOP 1 a MIN COUNT x
        (error) ERR count should be greater than 0
        > ZMPOP 1 a MIN COUNT
        (error) ERR syntax error
        > ZMPOP 1 a MIN COUNT 1 COUNT 2
        (error) ERR syntax error
        > ZMPOP 1 a MIN foo
        (error) ERR syntax error
        > ZMPOP 2 a MIN
        (error) ERR syntax error
        > ZMPOP 9 a MIN
        (error) ERR syntax error
        > ZMPOP 1 a
        (error) ERR wrong number of arguments for \'zmpop\' command
        > SET s x
        OK
        > ZMPOP 2 s a MIN
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZMPOP 2 nokey s MIN
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD a 1 x 2 y
        (integer) 2
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZMPOP 1 a MIN COUNT 2
        1) "a"
        2) 1) 1) "x"
              2) (double) 1
           2) 1) "y"
              2) (double) 2
        > ZMPOP 1 a MIN
        (nil)
    "#]]);
}

#[test]
fn bzpop_does_not_wait_for_what_is_there() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > BZPOPMIN nokey z 0
        1) "z"
        2) "a"
        3) "1"
        > BZPOPMAX z nokey 0
        1) "z"
        2) "c"
        3) "3"
        > BZMPOP 0 2 nokey z MIN COUNT 5
        1) "z"
        2) 1) 1) "b"
              2) "2"
        > SET s x
        OK
        > BZPOPMIN s z 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BZMPOP 0 1 s MIN
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > BZPOPMIN z x
        (error) ERR timeout is not a float or out of range
        > BZPOPMIN z -1
        (error) ERR timeout is negative
        > BZPOPMIN z
        (error) ERR wrong number of arguments for \'bzpopmin\' command
        > BZMPOP x 1 z MIN
        (error) ERR timeout is not a float or out of range
        > BZMPOP -1 1 z MIN
        (error) ERR timeout is negative
        > BZMPOP 0 0 z MIN
        (error) ERR numkeys should be greater than 0
        > BZMPOP 0 x z MIN
        (error) ERR numkeys should be greater than 0
        > BZMPOP 0 1 z foo
        (error) ERR syntax error
        > BZMPOP 0 1 z MIN COUNT 0
        (error) ERR count should be greater than 0
        > BZMPOP 0 5 z MIN
        (error) ERR syntax error
        > ZADD z 1 a 2 b
        (integer) 2
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > BZPOPMIN z 0
        1) "z"
        2) "a"
        3) (double) 1
        > BZMPOP 0 1 z MAX
        1) "z"
        2) 1) 1) "b"
              2) (double) 2
    "#]]);
}

#[test]
fn a_wait_is_served_by_whoever_adds() {
    check(expect![[r#"
        a> BZPOPMIN z y 0
        (no reply)
        b> BZPOPMAX z 0
        (no reply)
        c> BZMPOP 0 2 y z MIN COUNT 2
        (no reply)
        > ZADD z 1 one 2 two 3 three 4 four 5 five
        (integer) 5
        a<
        1) "z"
        2) "one"
        3) "1"
        b<
        1) "z"
        2) "five"
        3) "5"
        c<
        1) "z"
        2) 1) 1) "two"
              2) "2"
           2) 1) "three"
              2) "3"
        > ZRANGE z 0 -1 WITHSCORES
        1) "four"
        2) "4"
    "#]]);
}

#[test]
fn a_wait_is_not_served_by_another_kind() {
    check(expect![[r#"
        a> BZPOPMIN z 0
        (no reply)
        > SET z x
        OK
        > DEL z
        (integer) 1
        > ZADD z 7 seven
        (integer) 1
        a<
        1) "z"
        2) "seven"
        3) "7"
        > EXISTS z
        (integer) 0
    "#]]);
}

#[test]
fn a_wait_is_served_when_a_set_is_renamed_or_stored() {
    check(expect![[r#"
        a> BZPOPMIN z 0
        (no reply)
        > ZADD y 1 one
        (integer) 1
        > RENAME y z
        OK
        a<
        1) "z"
        2) "one"
        3) "1"
        b> BZPOPMAX d 0
        (no reply)
        > ZADD y 1 one 2 two
        (integer) 2
        > ZUNIONSTORE d 1 y
        (integer) 2
        b<
        1) "d"
        2) "two"
        3) "2"
        > ZRANGE d 0 -1
        1) "one"
    "#]]);
}

#[test]
fn within_a_transaction_nothing_waits() {
    check(expect![[r#"
        > MULTI
        OK
        > BZPOPMIN nokey 0
        QUEUED
        > BZMPOP 0 1 nokey MIN
        QUEUED
        > ZADD z 1 a
        QUEUED
        > BZPOPMAX z 0
        QUEUED
        > EXEC
        1) (nil)
        2) (nil)
        3) (integer) 1
        4) 1) "z"
           2) "a"
           3) "1"
    "#]]);
}

#[test]
fn a_wrong_timeout_is_the_last_mistake() {
    check(expect![[r#"
        > BZMPOP abc 1 z FOO
        (error) ERR syntax error
        > BZMPOP abc { z MIN
        (error) ERR numkeys should be greater than 0
        > BZMPOP -1 1 z MIN COUNT 0
        (error) ERR count should be greater than 0
        > BZMPOP abc 1 z MIN
        (error) ERR timeout is not a float or out of range
    "#]]);
}

#[test]
fn a_result_over_another_value_wakes_nobody() {
    check(expect![[r#"
        b> BZPOPMIN z 0
        (no reply)
        > SET z v
        OK
        > ZADD y 1 m
        (integer) 1
        > ZUNIONSTORE z 1 y
        (integer) 1
        b<
        (no reply)
        > ZADD z 2 n
        (integer) 1
        b<
        (no reply)
    "#]]);
}
