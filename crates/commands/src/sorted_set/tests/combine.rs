use expect_test::expect;

use crate::testing::{check, long_runs};

#[test]
fn unions_aggregate_scores() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > ZADD y 10 b 20 d
        (integer) 2
        > ZUNION 2 z y
        1) "a"
        2) "c"
        3) "b"
        4) "d"
        > ZUNION 2 z y WITHSCORES
        1) "a"
        2) "1"
        3) "c"
        4) "3"
        5) "b"
        6) "12"
        7) "d"
        8) "20"
        > ZUNION 2 z y WEIGHTS 2 0.5 WITHSCORES
        1) "a"
        2) "2"
        3) "c"
        4) "6"
        5) "b"
        6) "9"
        7) "d"
        8) "10"
        > ZUNION 2 z y AGGREGATE MIN WITHSCORES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        7) "d"
        8) "20"
        > ZUNION 2 z y AGGREGATE MAX WITHSCORES
        1) "a"
        2) "1"
        3) "c"
        4) "3"
        5) "b"
        6) "10"
        7) "d"
        8) "20"
        > ZUNION 2 z y WEIGHTS 1 -1 AGGREGATE SUM WITHSCORES
        1) "d"
        2) "-20"
        3) "b"
        4) "-8"
        5) "a"
        6) "1"
        7) "c"
        8) "3"
        > ZUNION 2 z z WITHSCORES
        1) "a"
        2) "2"
        3) "b"
        4) "4"
        5) "c"
        6) "6"
        > ZUNION 1 nokey
        (empty array)
        > ZADD i inf a
        (integer) 1
        > ZADD j -inf a
        (integer) 1
        > ZUNION 2 i j WITHSCORES
        1) "a"
        2) "0"
        > ZUNION 1 i WEIGHTS 0 WITHSCORES
        1) "a"
        2) "0"
        > ZUNIONSTORE d 3 z y nokey WEIGHTS 1 2 3 AGGREGATE MAX
        (integer) 4
        > ZRANGE d 0 -1 WITHSCORES
        1) "a"
        2) "1"
        3) "c"
        4) "3"
        5) "b"
        6) "20"
        7) "d"
        8) "40"
        > ZUNIONSTORE z 2 z y
        (integer) 4
        > ZRANGE z 0 -1 WITHSCORES
        1) "a"
        2) "1"
        3) "c"
        4) "3"
        5) "b"
        6) "12"
        7) "d"
        8) "20"
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZUNION 2 i z WITHSCORES
        1) 1) "c"
           2) (double) 3
        2) 1) "b"
           2) (double) 12
        3) 1) "d"
           2) (double) 20
        4) 1) "a"
           2) (double) inf
    "#]]);
}

#[test]
fn of_two_zeros_the_first_stays() {
    check(expect![[r#"
        > CONFIG SET zset-max-listpack-entries 0
        OK
        > ZADD z -0 a 0 b
        (integer) 2
        > ZADD y 0 a -0 b 1 c
        (integer) 3
        > ZUNION 2 z y AGGREGATE MIN WITHSCORES
        1) "a"
        2) "-0"
        3) "b"
        4) "0"
        5) "c"
        6) "1"
        > ZUNION 2 z y AGGREGATE MAX WITHSCORES
        1) "a"
        2) "-0"
        3) "b"
        4) "0"
        5) "c"
        6) "1"
        > ZUNION 2 y z AGGREGATE MIN WITHSCORES
        1) "a"
        2) "-0"
        3) "b"
        4) "0"
        5) "c"
        6) "1"
        > ZINTER 2 z y AGGREGATE MAX WITHSCORES
        1) "a"
        2) "-0"
        3) "b"
        4) "0"
        > ZUNION 2 z y WITHSCORES
        1) "a"
        2) "0"
        3) "b"
        4) "0"
        5) "c"
        6) "1"
        > CONFIG SET zset-max-listpack-entries 2
        OK
        > ZADD x -0 a 0 b 1 c
        (integer) 3
        > ZUNIONSTORE d 1 x WEIGHTS -1
        (integer) 3
        > ZRANGE d 0 -1 WITHSCORES
        1) "c"
        2) "-1"
        3) "a"
        4) "-0"
        5) "b"
        6) "-0"
    "#]]);
}

#[test]
fn intersections_and_differences() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > ZADD y 10 b 20 d 30 c
        (integer) 3
        > ZINTER 2 z y WITHSCORES
        1) "b"
        2) "12"
        3) "c"
        4) "33"
        > ZINTER 2 z y WEIGHTS 2 3 AGGREGATE MIN WITHSCORES
        1) "b"
        2) "4"
        3) "c"
        4) "6"
        > ZINTER 2 z nokey
        (empty array)
        > ZINTERCARD 2 z y
        (integer) 2
        > ZINTERCARD 2 z y LIMIT 1
        (integer) 1
        > ZINTERCARD 2 z y LIMIT 0
        (integer) 2
        > ZINTERCARD 2 z y LIMIT 9
        (integer) 2
        > ZDIFF 2 z y
        1) "a"
        > ZDIFF 2 z y WITHSCORES
        1) "a"
        2) "1"
        > ZDIFF 3 z nokey z
        (empty array)
        > ZDIFF 1 nokey
        (empty array)
        > ZINTERSTORE d 2 z y
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "b"
        2) "12"
        3) "c"
        4) "33"
        > ZDIFFSTORE d 2 y z
        (integer) 1
        > ZRANGE d 0 -1 WITHSCORES
        1) "d"
        2) "20"
        > EXPIRE d 100
        (integer) 1
        > ZINTERSTORE d 2 z nokey
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET d x
        OK
        > ZDIFFSTORE d 2 z y
        (integer) 1
        > TYPE d
        zset
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZINTER 2 z y WITHSCORES
        1) 1) "b"
           2) (double) 12
        2) 1) "c"
           2) (double) 33
        > ZDIFF 2 z y WITHSCORES
        1) 1) "a"
           2) (double) 1
    "#]]);
}

#[test]
fn sets_have_scores_of_one() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > SADD s a b x
        (integer) 3
        > SADD i 1 2 3
        (integer) 3
        > ZADD n 5 1 6 4
        (integer) 2
        > ZUNION 2 z s WITHSCORES
        1) "x"
        2) "1"
        3) "a"
        4) "2"
        5) "b"
        6) "3"
        7) "c"
        8) "3"
        > ZUNION 2 s z WEIGHTS 10 1 AGGREGATE MIN WITHSCORES
        1) "a"
        2) "1"
        3) "b"
        4) "2"
        5) "c"
        6) "3"
        7) "x"
        8) "10"
        > ZINTER 2 z s WITHSCORES
        1) "a"
        2) "2"
        3) "b"
        4) "3"
        > ZINTER 2 n i WEIGHTS 1 3 WITHSCORES
        1) "1"
        2) "8"
        > ZDIFF 2 s z WITHSCORES
        1) "x"
        2) "1"
        > ZDIFF 2 z s
        1) "c"
        > ZINTERCARD 3 z s s
        (integer) 2
        > ZUNIONSTORE s 2 s i
        (integer) 6
        > TYPE s
        zset
        > ZRANGE s 0 -1 WITHSCORES
         1) "1"
         2) "1"
         3) "2"
         4) "1"
         5) "3"
         6) "1"
         7) "a"
         8) "1"
         9) "b"
        10) "1"
        11) "x"
        12) "1"
        > HSET h f v
        (integer) 1
        > ZUNION 2 z h
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
    "#]]);
}

#[test]
fn combinations_refuse_what_they_cannot_read() {
    check(expect![[r#"
        > ZADD z 1 a
        (integer) 1
        > SET s x
        OK
        > ZUNION 0 z
        (error) ERR at least 1 input key is needed for \'zunion\' command
        > ZUNION x z
        (error) ERR value is not an integer or out of range
        > ZUNION -1 z
        (error) ERR at least 1 input key is needed for \'zunion\' command
        > ZUNION 3 z y
        (error) ERR syntax error
        > ZUNION 1 s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 1 s foo
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 2 z y WEIGHTS 1
        (error) ERR syntax error
        > ZUNION 2 z y WEIGHTS 1 x
        (error) ERR weight value is not a float
        > ZUNION 2 z y WEIGHTS
        (error) ERR syntax error
        > ZUNION 1 z AGGREGATE foo
        (error) ERR syntax error
        > ZUNION 1 z AGGREGATE
        (error) ERR syntax error
        > ZUNION 1 z foo
        (error) ERR syntax error
        > ZDIFF 1 z WEIGHTS 1
        (error) ERR syntax error
        > ZDIFF 1 z AGGREGATE SUM
        (error) ERR syntax error
        > ZDIFF -1 z
        (error) ERR at least 1 input key is needed for \'zdiff\' command
        > ZINTER 1 z LIMIT 1
        (error) ERR syntax error
        > ZINTER 2 nokey s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNIONSTORE d 0 z
        (error) ERR at least 1 input key is needed for \'zunionstore\' command
        > ZUNIONSTORE d x z
        (error) ERR value is not an integer or out of range
        > ZUNIONSTORE d 1 z WITHSCORES
        (error) ERR syntax error
        > ZDIFFSTORE d 1 z WITHSCORES
        (error) ERR syntax error
        > ZINTERSTORE d 0 z
        (error) ERR at least 1 input key is needed for \'zinterstore\' command
        > ZINTERCARD 0 z
        (error) ERR at least 1 input key is needed for \'zintercard\' command
        > ZINTERCARD x z
        (error) ERR value is not an integer or out of range
        > ZINTERCARD 1 z LIMIT -1
        (error) ERR LIMIT can\'t be negative
        > ZINTERCARD 1 z LIMIT x
        (error) ERR LIMIT can\'t be negative
        > ZINTERCARD 1 z LIMIT
        (error) ERR syntax error
        > ZINTERCARD 1 z WITHSCORES
        (error) ERR syntax error
        > ZINTERCARD 1 s LIMIT -1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZUNION 1
        (error) ERR wrong number of arguments for \'zunion\' command
        > EXISTS d
        (integer) 0
    "#]]);
}

#[test]
fn a_negative_zero_keeps_its_sign_in_a_large_result() {
    check(expect![[r#"
        > CONFIG SET zset-max-listpack-entries 2
        OK
        > ZADD a 1 x 1 y 1 z
        (integer) 3
        > ZINTERSTORE b 1 a WEIGHTS -0
        (integer) 3
        > ZRANGE b 0 -1 WITHSCORES
        1) "x"
        2) "-0"
        3) "y"
        4) "-0"
        5) "z"
        6) "-0"
        > ZREM a z
        (integer) 1
        > ZINTERSTORE b 1 a WEIGHTS -0
        (integer) 2
        > ZRANGE b 0 -1 WITHSCORES
        1) "x"
        2) "0"
        3) "y"
        4) "0"
    "#]]);
}

#[test]
fn nobody_waits_for_a_combination_of_large_sorted_sets() {
    let mut node = testkit::Node::new(crate::table());
    for key in ["one", "two"] {
        let members: Vec<String> = (0..6000).map(|member| format!("1 {member}")).collect();
        let line = format!("ZADD {key} {}\r\n", members.join(" "));
        assert_eq!(node.send("client", line.as_bytes()), b":6000\r\n");
    }
    node.send("client", b"ZADD few 1 1 2 2\r\n");
    let mut long = |line: &str| long_runs(&mut node, &format!("{line}\r\n")) == 1;
    assert!(long("ZUNION 2 one few"));
    assert!(long("ZUNIONSTORE to 2 one two"));
    assert!(long("ZINTERCARD 2 one two"));
    assert!(long("ZDIFF 2 one few"));
    // What is gone through is small here, however large the other one is.
    assert!(!long("ZINTERSTORE to 2 one few"));
    assert!(!long("ZDIFF 2 few one"));
}

#[test]
fn infinity_weighed_with_nothing_counts_when_it_is_aggregated() {
    check(expect![[r#"
        > ZADD a -inf x 3 y
        (integer) 2
        > ZADD b -inf x 3 y 1 z
        (integer) 3
        > ZINTER 2 b a WEIGHTS 0 5 WITHSCORES
        1) "x"
        2) "0"
        3) "y"
        4) "15"
        > ZUNION 2 b a WEIGHTS 0 5 WITHSCORES
        1) "x"
        2) "-inf"
        3) "z"
        4) "0"
        5) "y"
        6) "15"
    "#]]);
}
