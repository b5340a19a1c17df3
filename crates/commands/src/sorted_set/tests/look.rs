use expect_test::expect;

use crate::testing::check;

#[test]
fn scores_are_looked_up() {
    check(expect![[r#"
        > ZADD z 1 a 2.5 b inf c
        (integer) 3
        > ZSCORE z a
        "1"
        > ZSCORE z b
        "2.5"
        > ZSCORE z nosuch
        (nil)
        > ZSCORE nokey a
        (nil)
        > ZMSCORE z a nosuch c
        1) "1"
        2) (nil)
        3) "inf"
        > ZMSCORE nokey a b
        1) (nil)
        2) (nil)
        > ZMSCORE z
        (error) ERR wrong number of arguments for \'zmscore\' command
        > ZSCORE z
        (error) ERR wrong number of arguments for \'zscore\' command
        > ZCARD z
        (integer) 3
        > ZCARD nokey
        (integer) 0
        > SET s x
        OK
        > ZSCORE s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZMSCORE s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZCARD s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANK s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZSCORE z b
        (double) 2.5
        > ZSCORE z nosuch
        (nil)
        > ZMSCORE z a nosuch c
        1) (double) 1
        2) (nil)
        3) (double) inf
    "#]]);
}

#[test]
fn ranks_count_from_either_end() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 2 bb
        (integer) 4
        > ZRANK z a
        (integer) 0
        > ZRANK z bb
        (integer) 2
        > ZREVRANK z bb
        (integer) 1
        > ZREVRANK z a
        (integer) 3
        > ZRANK z nosuch
        (nil)
        > ZRANK nokey a
        (nil)
        > ZREVRANK nokey a
        (nil)
        > ZRANK z a b
        (error) ERR wrong number of arguments for \'zrank\' command
        > CONFIG SET zset-max-listpack-entries 0
        OK
        > ZADD y 1 a 2 b 3 c 2 bb
        (integer) 4
        > ZRANK y bb
        (integer) 2
        > ZREVRANK y bb
        (integer) 1
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZRANK z nosuch
        (nil)
    "#]]);
}

#[test]
fn counts_are_of_ranges() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 4 d
        (integer) 4
        > ZCOUNT z 1 3
        (integer) 3
        > ZCOUNT z (1 3
        (integer) 2
        > ZCOUNT z (1 (3
        (integer) 1
        > ZCOUNT z -inf +inf
        (integer) 4
        > ZCOUNT z (inf 2
        (integer) 0
        > ZCOUNT z 3 1
        (integer) 0
        > ZCOUNT z 2.5 9
        (integer) 2
        > ZCOUNT nokey 1 2
        (integer) 0
        > ZCOUNT z x 1
        (error) ERR min or max is not a float
        > ZCOUNT z 1 (x
        (error) ERR min or max is not a float
        > ZCOUNT z nan 1
        (error) ERR min or max is not a float
        > ZCOUNT z ((1 3
        (error) ERR min or max is not a float
        > ZCOUNT z "( 1" 2
        (integer) 1
        > ZCOUNT z "" 2
        (integer) 2
        > ZCOUNT z " " 2
        (error) ERR min or max is not a float
        > ZCOUNT z 0x1 1e400
        (integer) 4
        > ZCOUNT nokey x 1
        (error) ERR min or max is not a float
        > SET s x
        OK
        > ZCOUNT s x 1
        (error) ERR min or max is not a float
        > ZCOUNT s 1 2
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZLEXCOUNT z - +
        (integer) 4
        > ZLEXCOUNT s - +
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD l 0 a 0 b 0 c 0 d
        (integer) 4
        > ZLEXCOUNT l - +
        (integer) 4
        > ZLEXCOUNT l [b (d
        (integer) 2
        > ZLEXCOUNT l (b +
        (integer) 2
        > ZLEXCOUNT l + -
        (integer) 0
        > ZLEXCOUNT l [ [zz
        (integer) 4
        > ZLEXCOUNT l a b
        (error) ERR min or max not valid string range item
        > ZLEXCOUNT l -x +
        (error) ERR min or max not valid string range item
        > ZLEXCOUNT l "" +
        (error) ERR min or max not valid string range item
        > ZLEXCOUNT nokey - +
        (integer) 0
    "#]]);
}

#[test]
fn zscan_shows_integers_as_they_are_kept() {
    check(expect![[r#"
        > ZADD z 1e17 a 4611686018427387904 b 4611686018427388928 c 1e300 d -0 e
        (integer) 5
        > ZSCAN z 0
        1) "0"
        2)  1) "e"
            2) "0"
            3) "a"
            4) "100000000000000000"
            5) "b"
            6) "4611686018427387904"
            7) "c"
            8) "4.6116860184273889e+18"
            9) "d"
           10) "1.0000000000000001e+300"
        > ZRANGE z 0 -1 WITHSCORES
         1) "e"
         2) "0"
         3) "a"
         4) "1e+17"
         5) "b"
         6) "4.6116860184273879e+18"
         7) "c"
         8) "4.6116860184273889e+18"
         9) "d"
        10) "1.0000000000000001e+300"
        > CONFIG SET zset-max-listpack-entries 0
        OK
        > ZADD y 1e17 a
        (integer) 1
        > ZSCAN y 0
        1) "0"
        2) 1) "a"
           2) "1e+17"
    "#]]);
}

#[test]
fn zscan_returns_a_small_set_at_once() {
    check(expect![[r#"
        > ZADD z 1 a 2.5 b 3 c
        (integer) 3
        > ZSCAN z 0
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2.5"
           5) "c"
           6) "3"
        > ZSCAN z 0 COUNT 1
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2.5"
           5) "c"
           6) "3"
        > ZSCAN z 0 MATCH [ab]
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2.5"
        > ZSCAN z 0 MATCH nothing*
        1) "0"
        2) (empty array)
        > ZSCAN z x
        (error) ERR invalid cursor
        > ZSCAN nokey 0
        1) "0"
        2) (empty array)
        > ZSCAN nokey 0 foo
        1) "0"
        2) (empty array)
        > ZSCAN nokey x
        (error) ERR invalid cursor
        > SET s x
        OK
        > ZSCAN s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZSCAN s x
        (error) ERR invalid cursor
        > ZSCAN z 0 MATCH
        (error) ERR syntax error
        > ZSCAN z 0 COUNT 0
        (error) ERR syntax error
        > ZSCAN z 0 COUNT x
        (error) ERR value is not an integer or out of range
        > ZSCAN z 0 TYPE zset
        (error) ERR syntax error
        > ZSCAN z
        (error) ERR wrong number of arguments for \'zscan\' command
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZSCAN z 0
        1) "0"
        2) 1) "a"
           2) "1"
           3) "b"
           4) "2.5"
           5) "c"
           6) "3"
    "#]]);
}

#[test]
fn zrandmember_returns_some() {
    check(expect![[r#"
        > ZADD z 1 a
        (integer) 1
        > ZRANDMEMBER z
        "a"
        > ZRANDMEMBER z 1
        1) "a"
        > ZRANDMEMBER z 5 WITHSCORES
        1) "a"
        2) "1"
        > ZRANDMEMBER z -3
        1) "a"
        2) "a"
        3) "a"
        > ZRANDMEMBER z -2 WITHSCORES
        1) "a"
        2) "1"
        3) "a"
        4) "1"
        > ZRANDMEMBER z 0
        (empty array)
        > ZRANDMEMBER nokey
        (nil)
        > ZRANDMEMBER nokey 3
        (empty array)
        > ZRANDMEMBER z x
        (error) ERR value is not an integer or out of range
        > ZRANDMEMBER z 1 foo
        (error) ERR syntax error
        > ZRANDMEMBER z 1 WITHSCORES foo
        (error) ERR syntax error
        > ZRANDMEMBER z -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > ZRANDMEMBER z -9223372036854775807 WITHSCORES
        (error) ERR value is out of range
        > ZRANDMEMBER z 4611686018427387904 WITHSCORES
        (error) ERR value is out of range
        > SET s x
        OK
        > ZRANDMEMBER s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANDMEMBER s 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZRANDMEMBER s x
        (error) ERR value is not an integer or out of range
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZRANDMEMBER z -2 WITHSCORES
        1) 1) "a"
           2) (double) 1
        2) 1) "a"
           2) (double) 1
        > ZRANDMEMBER nokey
        (nil)
        > ZRANDMEMBER nokey 1
        (empty array)
    "#]]);
}
