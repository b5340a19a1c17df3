use expect_test::expect;

use crate::testing::check;

#[test]
fn zrange_goes_by_rank() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 4 d
        (integer) 4
        > ZRANGE z 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z 1 2
        1) "b"
        2) "c"
        > ZRANGE z -2 -1
        1) "c"
        2) "d"
        > ZRANGE z -100 1
        1) "a"
        2) "b"
        > ZRANGE z 3 100
        1) "d"
        > ZRANGE z 4 5
        (empty array)
        > ZRANGE z 2 1
        (empty array)
        > ZRANGE z 0 1 WITHSCORES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        > ZRANGE z 0 1 REV
        1) "d"
        2) "c"
        > ZRANGE z 0 -2 REV WITHSCORES
        1) "d"
        2) "4"
        3) "c"
        4) "3"
        5) "b"
        6) "2"
        > ZRANGE z 0 -9223372036854775808
        (empty array)
        > ZREVRANGE z 0 1
        1) "d"
        2) "c"
        > ZREVRANGE z 1 -1 WITHSCORES
        1) "c"
        2) "3"
        3) "b"
        4) "2"
        5) "a"
        6) "1"
        > ZRANGE nokey 0 -1
        (empty array)
        > ZRANGE z x 1
        (error) ERR value is not an integer or out of range
        > ZRANGE z 0 1.5
        (error) ERR value is not an integer or out of range
        > ZRANGE nokey x y
        (error) ERR value is not an integer or out of range
        > ZRANGE z 0 -1 LIMIT 0 1
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z 0 1 foo
        (error) ERR syntax error
        > ZREVRANGE z 0 1 REV
        (error) ERR syntax error
        > ZREVRANGE z 0 1 BYSCORE
        (error) ERR syntax error
        > ZREVRANGE z 0 1 LIMIT 0 1
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z 0
        (error) ERR wrong number of arguments for \'zrange\' command
        > SET s x
        OK
        > ZRANGE s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANGE s x 1
        (error) ERR value is not an integer or out of range
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZRANGE z 0 1 WITHSCORES
        1) 1) "a"
           2) (double) 1
        2) 1) "b"
           2) (double) 2
        > ZRANGE z 0 1
        1) "a"
        2) "b"
        > ZRANGE nokey 0 1 WITHSCORES
        (empty array)
    "#]]);
}

#[test]
fn ranges_go_by_score() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 4 d
        (integer) 4
        > ZRANGE z 2 3 BYSCORE
        1) "b"
        2) "c"
        > ZRANGE z (1 (3 BYSCORE WITHSCORES
        1) "b"
        2) "2"
        > ZRANGE z 3 1 BYSCORE REV
        1) "c"
        2) "b"
        3) "a"
        > ZRANGE z 1 3 BYSCORE REV
        (empty array)
        > ZRANGE z -inf +inf BYSCORE LIMIT 1 2
        1) "b"
        2) "c"
        > ZRANGE z 4 1 BYSCORE REV LIMIT 1 2
        1) "c"
        2) "b"
        > ZRANGE z 1 4 BYSCORE LIMIT 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z 1 4 BYSCORE LIMIT 2 -5
        1) "c"
        2) "d"
        > ZRANGE z 1 4 BYSCORE LIMIT -1 2
        (empty array)
        > ZRANGE z 1 4 BYSCORE LIMIT 9 2
        (empty array)
        > ZRANGE z 1 4 BYSCORE LIMIT 1 0
        (empty array)
        > ZRANGE z 1 4 BYSCORE LIMIT 0 1 LIMIT 0 2
        1) "a"
        2) "b"
        > ZRANGE z 1 4 BYSCORE LIMIT x 2
        (error) ERR value is not an integer or out of range
        > ZRANGE z 1 4 BYSCORE LIMIT 1
        (error) ERR syntax error
        > ZRANGE z 1 4 BYSCORE BYLEX
        (error) ERR syntax error
        > ZRANGE z x 1 BYSCORE
        (error) ERR min or max is not a float
        > ZRANGEBYSCORE z 2 3
        1) "b"
        2) "c"
        > ZRANGEBYSCORE z -inf +inf WITHSCORES LIMIT 1 2
        1) "b"
        2) "2"
        3) "c"
        4) "3"
        > ZRANGEBYSCORE z 1 2 REV
        (error) ERR syntax error
        > ZRANGEBYSCORE z 1 2 LIMIT 0 x
        (error) ERR value is not an integer or out of range
        > ZREVRANGEBYSCORE z 3 2
        1) "c"
        2) "b"
        > ZREVRANGEBYSCORE z 2 3
        (empty array)
        > ZREVRANGEBYSCORE z +inf (2 WITHSCORES
        1) "d"
        2) "4"
        3) "c"
        4) "3"
        > ZREVRANGEBYSCORE z +inf -inf LIMIT 1 1
        1) "c"
        > ZRANGEBYSCORE nokey 1 2
        (empty array)
        > SET s x
        OK
        > ZRANGEBYSCORE s 1 2
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANGEBYSCORE s x 2
        (error) ERR min or max is not a float
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZRANGEBYSCORE z 2 3 WITHSCORES
        1) 1) "b"
           2) (double) 2
        2) 1) "c"
           2) (double) 3
    "#]]);
}

#[test]
fn ranges_go_by_bytes() {
    check(expect![[r#"
        > ZADD z 0 a 0 b 0 c 0 d
        (integer) 4
        > ZRANGE z - + BYLEX
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > ZRANGE z [b (d BYLEX
        1) "b"
        2) "c"
        > ZRANGE z + - BYLEX REV
        1) "d"
        2) "c"
        3) "b"
        4) "a"
        > ZRANGE z (c [a BYLEX REV
        1) "b"
        2) "a"
        > ZRANGE z + - BYLEX
        (empty array)
        > ZRANGE z - + BYLEX LIMIT 1 2
        1) "b"
        2) "c"
        > ZRANGE z + - BYLEX REV LIMIT 1 2
        1) "c"
        2) "b"
        > ZRANGE z - + BYLEX WITHSCORES
        (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZRANGE z a b BYLEX
        (error) ERR min or max not valid string range item
        > ZRANGEBYLEX z [b +
        1) "b"
        2) "c"
        3) "d"
        > ZRANGEBYLEX z - + LIMIT 0 2
        1) "a"
        2) "b"
        > ZRANGEBYLEX z - + WITHSCORES
        (error) ERR syntax error, WITHSCORES not supported in combination with BYLEX
        > ZREVRANGEBYLEX z + (b
        1) "d"
        2) "c"
        > ZREVRANGEBYLEX z [c - LIMIT 1 1
        1) "b"
        > ZRANGEBYLEX z x y
        (error) ERR min or max not valid string range item
        > ZRANGEBYLEX nokey - +
        (empty array)
        > ZADD n 0 1 0 10 0 2 0 -5 0 9999999999
        (integer) 5
        > ZRANGEBYLEX n [1 [2
        1) "1"
        2) "10"
        3) "2"
        > ZRANGEBYLEX n - (2
        1) "-5"
        2) "1"
        3) "10"
    "#]]);
}

#[test]
fn zrangestore_stores() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 4 d
        (integer) 4
        > ZRANGESTORE d z 0 1
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        > ZRANGESTORE d z 2 3 BYSCORE
        (integer) 2
        > ZRANGESTORE d z 0 1 REV
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "c"
        2) "3"
        3) "d"
        4) "4"
        > ZRANGESTORE d z - + BYLEX LIMIT 1 2
        (integer) 2
        > ZRANGESTORE d z 0 1 WITHSCORES
        (error) ERR syntax error
        > ZRANGESTORE d z 0 -1 LIMIT 0 1
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGESTORE d z x y
        (error) ERR value is not an integer or out of range
        > ZRANGESTORE z z 1 2
        (integer) 2
        > ZRANGE z 0 -1
        1) "b"
        2) "c"
        > EXPIRE d 100
        (integer) 1
        > ZRANGESTORE d z 0 0
        (integer) 1
        > TTL d
        (integer) -1
        > ZRANGESTORE d nokey 0 1
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET s x
        OK
        > ZRANGESTORE d s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANGESTORE s z 0 1
        (integer) 2
        > TYPE s
        zset
        > ZRANGESTORE s z 5 6
        (integer) 0
        > EXISTS s
        (integer) 0
        > ZRANGESTORE d z 0
        (error) ERR wrong number of arguments for \'zrangestore\' command
    "#]]);
}

#[test]
fn a_limit_of_minus_one_is_none() {
    check(expect![[r#"
        > ZADD z 1 a 2 b
        (integer) 2
        > ZRANGE z 0 -1 LIMIT 1 -1
        1) "a"
        2) "b"
        > ZRANGE z 0 -1 LIMIT 0 -2
        (error) ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
        > ZRANGE z 0 -1 BYSCORE LIMIT 1 -1
        (empty array)
        > ZRANGE z ( - LIMIT 1 -1
        (error) ERR value is not an integer or out of range
        > ZRANGESTORE y z 0 -1 LIMIT 1 -1
        (integer) 2
        > ZRANGE y 0 -1
        1) "a"
        2) "b"
    "#]]);
}

#[test]
fn a_range_is_reversed_once() {
    check(expect![[r#"
        > ZRANGE z 0 1 REV REV
        (error) ERR syntax error
        > ZRANGESTORE z y M 5 REV REV
        (error) ERR syntax error
    "#]]);
}

#[test]
fn a_stored_range_keeps_the_signs_of_zeros_once_it_is_large() {
    check(expect![[r#"
        > CONFIG SET zset-max-listpack-entries 4 zset-max-listpack-value 8
        OK
        > ZADD z 1 longer-than-8 2 a 3 b
        (integer) 3
        > ZADD z -0 c -0 d
        (integer) 2
        > ZRANGE z 0 -1 WITHSCORES
         1) "c"
         2) "-0"
         3) "d"
         4) "-0"
         5) "longer-than-8"
         6) "1"
         7) "a"
         8) "2"
         9) "b"
        10) "3"
        > ZRANGESTORE y z 0 3
        (integer) 4
        > ZRANGE y 0 -1 WITHSCORES
        1) "c"
        2) "0"
        3) "d"
        4) "0"
        5) "longer-than-8"
        6) "1"
        7) "a"
        8) "2"
        > ZRANGESTORE y z 1 4 REV
        (integer) 4
        > ZRANGE y 0 -1 WITHSCORES
        1) "c"
        2) "-0"
        3) "d"
        4) "-0"
        5) "longer-than-8"
        6) "1"
        7) "a"
        8) "2"
        > ZRANGESTORE y z 1 -inf BYSCORE REV
        (integer) 3
        > ZRANGE y 0 -1 WITHSCORES
        1) "c"
        2) "-0"
        3) "d"
        4) "-0"
        5) "longer-than-8"
        6) "1"
        > ZRANGESTORE y z 0 4
        (integer) 5
        > ZRANGE y 0 -1 WITHSCORES
         1) "c"
         2) "-0"
         3) "d"
         4) "-0"
         5) "longer-than-8"
         6) "1"
         7) "a"
         8) "2"
         9) "b"
        10) "3"
    "#]]);
}
