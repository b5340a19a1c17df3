use expect_test::expect;

use crate::testing::check;

#[test]
fn zadd_gives_members_scores() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > ZADD z 1 a 5 b 4 d
        (integer) 1
        > ZADD z CH 1 a 6 b 7 e
        (integer) 2
        > ZRANGE z 0 -1 WITHSCORES
         1) "a"
         2) "1"
         3) "c"
         4) "3"
         5) "d"
         6) "4"
         7) "b"
         8) "6"
         9) "e"
        10) "7"
        > ZADD z 1.5 f 0.1 g -inf h +inf i 1e300 j 0x10 k
        (integer) 6
        > ZRANGE z 0 -1 WITHSCORES
         1) "h"
         2) "-inf"
         3) "g"
         4) "0.10000000000000001"
         5) "a"
         6) "1"
         7) "f"
         8) "1.5"
         9) "c"
        10) "3"
        11) "d"
        12) "4"
        13) "b"
        14) "6"
        15) "e"
        16) "7"
        17) "k"
        18) "16"
        19) "j"
        20) "1.0000000000000001e+300"
        21) "i"
        22) "inf"
        > ZADD z 9 x 10 x
        (integer) 1
        > ZSCORE z x
        "10"
        > ZCARD z
        (integer) 12
        > TYPE z
        zset
        > OBJECT ENCODING z
        "listpack"
    "#]]);
}

#[test]
fn zadd_has_conditions() {
    check(expect![[r#"
        > ZADD z XX 1 a
        (integer) 0
        > EXISTS z
        (integer) 0
        > ZADD z NX 1 a 2 b
        (integer) 2
        > ZADD z NX 5 a 3 c
        (integer) 1
        > ZADD z XX CH 5 a 6 nosuch
        (integer) 1
        > ZADD z GT CH 4 a 7 b 1 d
        (integer) 2
        > ZADD z LT CH 9 a 1 b 1 e
        (integer) 2
        > ZADD z XX GT CH 10 a 10 q
        (integer) 1
        > ZRANGE z 0 -1 WITHSCORES
         1) "b"
         2) "1"
         3) "d"
         4) "1"
         5) "e"
         6) "1"
         7) "c"
         8) "3"
         9) "a"
        10) "10"
        > ZADD z nx ch 1 a 1 n
        (integer) 1
    "#]]);
}

#[test]
fn zadd_may_increment() {
    check(expect![[r#"
        > ZADD z INCR 5 a
        "5"
        > ZADD z INCR -7.5 a
        "-2.5"
        > ZADD z NX INCR 1 a
        (nil)
        > ZADD z XX INCR 1 q
        (nil)
        > ZADD z GT INCR -1 a
        (nil)
        > ZADD z LT INCR -1 a
        "-3.5"
        > ZADD z GT INCR 1 a
        "-2.5"
        > ZADD z INCR inf a
        "inf"
        > ZADD z INCR -inf a
        (error) ERR resulting score is not a number (NaN)
        > ZADD z NX INCR -inf a
        (nil)
        > ZADD z INCR 1 a 2 b
        (error) ERR INCR option supports a single increment-element pair
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZADD z INCR 0.25 b
        (double) 0.25
        > ZADD z XX INCR 1 q
        (nil)
    "#]]);
}

#[test]
fn zadd_refuses_what_it_cannot_read() {
    check(expect![[r#"
        > SET s x
        OK
        > ZADD z
        (error) ERR wrong number of arguments for \'zadd\' command
        > ZADD z 1
        (error) ERR wrong number of arguments for \'zadd\' command
        > ZADD z 1 a 2
        (error) ERR syntax error
        > ZADD z CH NX
        (error) ERR syntax error
        > ZADD z foo 1 a
        (error) ERR syntax error
        > ZADD z NX XX 1 a
        (error) ERR XX and NX options at the same time are not compatible
        > ZADD z GT LT 1 a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z NX GT 1 a
        (error) ERR GT, LT, and/or NX options at the same time are not compatible
        > ZADD z x a
        (error) ERR value is not a valid float
        > ZADD z nan a
        (error) ERR value is not a valid float
        > ZADD z " 1" a
        (error) ERR value is not a valid float
        > ZADD z 1 a x b
        (error) ERR value is not a valid float
        > ZADD s 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZADD s x a
        (error) ERR value is not a valid float
        > ZADD s NX XX 1 a
        (error) ERR XX and NX options at the same time are not compatible
        > ZADD s XX 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > EXISTS z
        (integer) 0
    "#]]);
}

#[test]
fn zincrby_adds_to_a_score() {
    check(expect![[r#"
        > ZINCRBY z 2.5 a
        "2.5"
        > ZINCRBY z 2 a
        "4.5"
        > ZINCRBY z 0 a
        "4.5"
        > ZINCRBY z -inf a
        "-inf"
        > ZINCRBY z inf a
        (error) ERR resulting score is not a number (NaN)
        > ZINCRBY z x a
        (error) ERR value is not a valid float
        > ZINCRBY z nan a
        (error) ERR value is not a valid float
        > SET s x
        OK
        > ZINCRBY s x a
        (error) ERR value is not a valid float
        > ZINCRBY s 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZINCRBY z 1
        (error) ERR wrong number of arguments for \'zincrby\' command
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > ZINCRBY z 3 c
        (double) 3
    "#]]);
}

#[test]
fn zero_keeps_its_sign_in_a_large_set_only() {
    check(expect![[r#"
        > ZADD z -0 a
        (integer) 1
        > ZSCORE z a
        "0"
        > CONFIG SET zset-max-listpack-entries 0
        OK
        > ZADD y -0 a
        (integer) 1
        > ZSCORE y a
        "-0"
        > ZADD y 0 a
        (integer) 0
        > ZSCORE y a
        "-0"
    "#]]);
}

#[test]
fn a_set_grows_out_of_its_listpack() {
    check(expect![[r#"
        > CONFIG SET zset-max-listpack-entries 3 zset-max-listpack-value 5
        OK
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > OBJECT ENCODING z
        "listpack"
        > ZADD z 4 a
        (integer) 0
        > OBJECT ENCODING z
        "listpack"
        > ZADD z 4 d
        (integer) 1
        > OBJECT ENCODING z
        "skiplist"
        > ZREM z d a
        (integer) 2
        > OBJECT ENCODING z
        "skiplist"
        > ZADD y 1 abcde
        (integer) 1
        > OBJECT ENCODING y
        "listpack"
        > ZADD y 1 abcdef
        (integer) 1
        > OBJECT ENCODING y
        "skiplist"
        > ZRANGE y 0 -1 WITHSCORES
        1) "abcde"
        2) "1"
        3) "abcdef"
        4) "1"
        > ZUNIONSTORE d 1 z
        (integer) 2
        > OBJECT ENCODING d
        "listpack"
        > ZRANGESTORE d y 0 -1
        (integer) 2
        > OBJECT ENCODING d
        "skiplist"
        > ZRANGESTORE d y 0 0
        (integer) 1
        > OBJECT ENCODING d
        "listpack"
    "#]]);
}

#[test]
fn zincrby_takes_no_option_for_a_score() {
    check(expect![[r#"
        > ZINCRBY z NX 1
        (error) ERR syntax error
        > ZINCRBY z gt lt
        (error) ERR syntax error
        > ZINCRBY z 1 NX
        "1"
    "#]]);
}
