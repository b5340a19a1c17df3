use expect_test::expect;

use crate::testing::check;

#[test]
fn circles_are_searched_by_their_older_names() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEORADIUS S 15 37 200 km
        1) "Palermo"
        2) "Catania"
        > GEORADIUS S 15 37 200 km ASC
        1) "Catania"
        2) "Palermo"
        > GEORADIUS S 15 37 200 km ASC DESC
        1) "Palermo"
        2) "Catania"
        > GEORADIUS S 15 37 200 km WITHDIST WITHCOORD WITHHASH ASC COUNT 1
        1) 1) "Catania"
           2) "56.4413"
           3) (integer) 3479447370796909
           4) 1) "15.08726745843887329"
              2) "37.50266842333162032"
        > GEORADIUS S 15 37 200 km COUNT 1 ANY
        1) "Palermo"
        > GEORADIUS_RO S 15 37 200 km DESC WITHDIST
        1) 1) "Palermo"
           2) "190.4424"
        2) 1) "Catania"
           2) "56.4413"
        > GEORADIUSBYMEMBER S Palermo 200 km
        1) "Palermo"
        2) "Catania"
        > GEORADIUSBYMEMBER_RO S Catania 200 km DESC
        1) "Palermo"
        2) "Catania"
        > GEORADIUS nokey 15 37 200 km
        (empty array)
        > GEORADIUSBYMEMBER nokey x 200 km
        (empty array)
        > GEORADIUSBYMEMBER nokey x y xx
        (empty array)
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > GEORADIUS S 15 37 200 km WITHDIST WITHCOORD COUNT 1
        1) 1) "Catania"
           2) "56.4413"
           3) 1) (double) 15.08726745843887329
              2) (double) 37.50266842333162032
    "#]]);
}

#[test]
fn circles_are_stored() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEORADIUS S 15 37 200 km STORE d
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Palermo"
        2) "3479099956230698"
        3) "Catania"
        4) "3479447370796909"
        > GEORADIUS S 15 37 200 km STOREDIST d
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Catania"
        2) "56.441257870158204"
        3) "Palermo"
        4) "190.44242984775784"
        > GEORADIUS S 15 37 200 km STORE d STOREDIST e
        (integer) 2
        > EXISTS d e
        (integer) 2
        > ZRANGE e 0 -1 WITHSCORES
        1) "Catania"
        2) "56.441257870158204"
        3) "Palermo"
        4) "190.44242984775784"
        > GEORADIUS S 15 37 200 km STOREDIST e STORE f
        (integer) 2
        > ZRANGE f 0 -1 WITHSCORES
        1) "Palermo"
        2) "3479099956230698"
        3) "Catania"
        4) "3479447370796909"
        > GEORADIUS S 15 37 0 km STORE d
        (integer) 0
        > EXISTS d
        (integer) 0
        > GEORADIUSBYMEMBER S Palermo 200 km COUNT 1 STORE d
        (integer) 1
        > ZRANGE d 0 -1
        1) "Palermo"
        > GEORADIUSBYMEMBER nokey x y km STORE d
        (integer) 0
        > EXISTS d
        (integer) 0
        > GEORADIUS nokey 15 37 200 km STORE f
        (integer) 0
        > EXISTS f
        (integer) 0
        > GEOADD S 1 1 store
        (integer) 1
        > GEORADIUSBYMEMBER S store 1 km STORE store
        (integer) 1
        > ZCARD store
        (integer) 1
    "#]]);
}

#[test]
fn circles_refuse_what_they_cannot_read() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > SET s x
        OK
        > GEORADIUS S x 37 200 km
        (error) ERR value is not a valid float
        > GEORADIUS S 15 x 200 km
        (error) ERR value is not a valid float
        > GEORADIUS nokey 15 x 200 km
        (error) ERR value is not a valid float
        > GEORADIUS S 15 37 x km
        (error) ERR need numeric radius
        > GEORADIUS S 15 37 -1 km
        (error) ERR radius cannot be negative
        > GEORADIUS S 15 37 200 xx
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEORADIUS S 181 37 200 km
        (error) ERR invalid longitude,latitude pair 181.000000,37.000000
        > GEORADIUS nokey 181 37 200 km
        (error) ERR invalid longitude,latitude pair 181.000000,37.000000
        > GEORADIUS s 15 37 200 km
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEORADIUS s x 37 200 km
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEORADIUS S 15 37 200 km foo
        (error) ERR syntax error
        > GEORADIUS nokey 15 37 200 km foo
        (error) ERR syntax error
        > GEORADIUS S 15 37 200 km FROMLONLAT 1 1
        (error) ERR syntax error
        > GEORADIUS S 15 37 200 km BYRADIUS 1 km
        (error) ERR syntax error
        > GEORADIUS S 15 37 200 km ANY
        (error) ERR the ANY argument requires COUNT argument
        > GEORADIUS S 15 37 200 km COUNT
        (error) ERR syntax error
        > GEORADIUS S 15 37 200 km COUNT -1
        (error) ERR COUNT must be > 0
        > GEORADIUS S 15 37 200 km STORE
        (error) ERR syntax error
        > GEORADIUS S 15 37 200 km STOREDIST
        (error) ERR syntax error
        > GEORADIUS S 15 37 200 km STORE d WITHDIST
        (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUS S 15 37 200 km STOREDIST d WITHHASH
        (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUSBYMEMBER nokey x y km STORE d WITHCOORD
        (error) ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEORADIUSBYMEMBER nokey x y km foo
        (error) ERR syntax error
        > GEORADIUS_RO S 15 37 200 km STORE d
        (error) ERR syntax error
        > GEORADIUSBYMEMBER_RO S Palermo 200 km STOREDIST d
        (error) ERR syntax error
        > GEORADIUSBYMEMBER S none 200 km
        (error) ERR could not decode requested zset member
        > GEORADIUSBYMEMBER S none -1 xx
        (error) ERR could not decode requested zset member
        > GEORADIUSBYMEMBER s x 1 km
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEORADIUSBYMEMBER S Palermo 200
        (error) ERR wrong number of arguments for \'georadiusbymember\' command
        > EXISTS d
        (integer) 0
    "#]]);
}

#[test]
fn options_may_be_called_like_options() {
    check(expect![[r#"
        > GEOADD g 1 1 a
        (integer) 1
        > GEORADIUS g 1 1 1 km STOREDIST x STORE y
        (integer) 1
        > GEORADIUS g 1 1 1 km STORE STORE
        (integer) 1
        > ZCARD STORE
        (integer) 1
        > GEORADIUS g 1 1 1 km STORE COUNT COUNT 1
        (integer) 1
    "#]]);
}

#[test]
fn a_key_that_hides_another_is_a_mistake() {
    let mut node = testkit::Node::new(crate::table());
    let replies = testkit::replay(
        &mut node,
        "> GEORADIUS g 1 1 1 km STORE STOREDIST STOREDIST x
         > GEORADIUSBYMEMBER g a 1 km STOREDIST STORE STORE x",
    );
    assert_eq!(
        replies.matches("(error) ERR syntax error").count(),
        2,
        "{replies}"
    );
}
