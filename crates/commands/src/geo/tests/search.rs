use expect_test::expect;

use crate::testing::check;

#[test]
fn areas_are_searched() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEOADD S 12.758489 38.788135 edge1 17.241510 38.788135 edge2
        (integer) 2
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km ASC
        1) "Catania"
        2) "Palermo"
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST
        1) 1) "Catania"
           2) "56.4413"
           3) 1) "15.08726745843887329"
              2) "37.50266842333162032"
        2) 1) "Palermo"
           2) "190.4424"
           3) 1) "13.36138933897018433"
              2) "38.11555639549629859"
        3) 1) "edge2"
           2) "279.7403"
           3) 1) "17.24151045083999634"
              2) "38.78813451624225195"
        4) 1) "edge1"
           2) "279.7405"
           3) 1) "12.7584877610206604"
              2) "38.78813451624225195"
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHHASH
        1) 1) "edge1"
           2) (integer) 3479273021651468
        2) 1) "edge2"
           2) (integer) 3481342659049484
        3) 1) "Palermo"
           2) (integer) 3479099956230698
        4) 1) "Catania"
           2) (integer) 3479447370796909
        > GEOSEARCH S FROMMEMBER Palermo BYRADIUS 100 km ASC WITHDIST WITHCOORD WITHHASH
        1) 1) "Palermo"
           2) "0.0000"
           3) (integer) 3479099956230698
           4) 1) "13.36138933897018433"
              2) "38.11555639549629859"
        2) 1) "edge1"
           2) "91.4007"
           3) (integer) 3479273021651468
           4) 1) "12.7584877610206604"
              2) "38.78813451624225195"
        > GEOSEARCH S FROMMEMBER Palermo FROMMEMBER Catania BYRADIUS 1 m
        1) "Catania"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km
        1) "Palermo"
        2) "Catania"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1
        1) "Catania"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY
        1) "Palermo"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km ANY COUNT 1 DESC
        1) "Palermo"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 124 mi ASC WITHDIST
        1) 1) "Catania"
           2) "35.0711"
        2) 1) "Palermo"
           2) "118.3357"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 0 km
        (empty array)
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS inf km ASC
        1) "Catania"
        2) "Palermo"
        3) "edge2"
        4) "edge1"
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 20000 km ASC
        1) "Catania"
        2) "Palermo"
        3) "edge2"
        4) "edge1"
        > GEOSEARCH S FROMLONLAT -170 -80 BYRADIUS 19000 km ASC WITHDIST
        1) 1) "Catania"
           2) "15288.7961"
        2) 1) "Palermo"
           2) "15359.8391"
        3) 1) "edge2"
           2) "15426.4576"
        4) 1) "edge1"
           2) "15435.3738"
        > GEOSEARCH S FROMLONLAT 180 -85 BYRADIUS 80000 km DESC
        1) "edge1"
        2) "edge2"
        3) "Palermo"
        4) "Catania"
        > GEOSEARCH S FROMLONLAT 180 85.05112878 BYBOX 30000 30000 km ASC WITHDIST
        1) 1) "edge2"
           2) "6223.3393"
        2) 1) "edge1"
           2) "6233.8043"
        3) 1) "Palermo"
           2) "6307.3627"
        4) 1) "Catania"
           2) "6371.6769"
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 0 0 m
        (empty array)
        > GEOSEARCH nokey FROMMEMBER x BYRADIUS 1 km
        (empty array)
        > GEOSEARCH nokey FROMLONLAT 1 1 BYRADIUS 1 km
        (empty array)
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > GEOSEARCH S FROMMEMBER Palermo BYRADIUS 100 km ASC WITHDIST WITHCOORD WITHHASH
        1) 1) "Palermo"
           2) "0.0000"
           3) (integer) 3479099956230698
           4) 1) (double) 13.36138933897018433
              2) (double) 38.11555639549629859
        2) 1) "edge1"
           2) "91.4007"
           3) (integer) 3479273021651468
           4) 1) (double) 12.7584877610206604
              2) (double) 38.78813451624225195
        > GEOSEARCH nokey FROMLONLAT 1 1 BYRADIUS 1 km
        (empty array)
    "#]]);
}

#[test]
fn searches_reach_across_the_date_line() {
    check(expect![[r#"
        > GEOADD S 180 50 edge 179.9 39.2 a -179.9 39.3 b 179.2 39.5 c -179.5 39 d
        (integer) 5
        > GEOSEARCH S FROMMEMBER edge BYRADIUS 0 m
        1) "edge"
        > GEOSEARCH S FROMLONLAT 179.12305624567992 39.26565001195552 BYRADIUS 63 km
        1) "c"
        > GEOSEARCH S FROMLONLAT 179.95 39.26 BYRADIUS 100 km
        1) "a"
        2) "c"
        3) "d"
        4) "b"
        > GEOSEARCH S FROMLONLAT -179.95 39.26 BYBOX 100 100 km
        1) "d"
        2) "b"
        3) "a"
    "#]]);
}

#[test]
fn searches_refuse_what_they_cannot_read() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > SET s x
        OK
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS -1 km
        (error) ERR radius cannot be negative
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS x km
        (error) ERR need numeric radius
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 1 xx
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX -1 1 km
        (error) ERR height or width cannot be negative
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 1 -1 km
        (error) ERR height or width cannot be negative
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX x 1 km
        (error) ERR need numeric width
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 1 x km
        (error) ERR need numeric height
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 1 1 xx
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOSEARCH S FROMLONLAT 15 37 BYBOX 1 1
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT x 37 BYRADIUS 1 km
        (error) ERR value is not a valid float
        > GEOSEARCH S FROMLONLAT 15 BYRADIUS 1 km
        (error) ERR value is not a valid float
        > GEOSEARCH S FROMLONLAT 200 1 BYRADIUS 1 km
        (error) ERR invalid longitude,latitude pair 200.000000,1.000000
        > GEOSEARCH nokey FROMLONLAT 200 1 BYRADIUS 1 km
        (error) ERR invalid longitude,latitude pair 200.000000,1.000000
        > GEOSEARCH nokey FROMMEMBER x BYRADIUS y km
        (error) ERR need numeric radius
        > GEOSEARCH S FROMMEMBER none BYRADIUS 1 km
        (error) ERR could not decode requested zset member
        > GEOSEARCH S FROMMEMBER none foo 1 1 1
        (error) ERR could not decode requested zset member
        > GEOSEARCH S FROMMEMBER Palermo FROMLONLAT 1 1 BYRADIUS 1 km
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 km
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 1 1 BYRADIUS 1 km BYBOX 1 1 km
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 1 1 BYBOX 1 1 km BYRADIUS 1 km
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 1 1 ASC ASC ASC
        (error) ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
        > GEOSEARCH S ASC ASC ASC ASC ASC
        (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        > GEOSEARCH S ASC ASC ASC BYRADIUS 1 km
        (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km COUNT 0
        (error) ERR COUNT must be > 0
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km COUNT x
        (error) ERR value is not an integer or out of range
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km COUNT
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km ANY
        (error) ERR the ANY argument requires COUNT argument
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
        (error) ERR syntax error
        > GEOSEARCH S FROMLONLAT 15 37 BYRADIUS 200 km foo
        (error) ERR syntax error
        > GEOSEARCH s FROMMEMBER x BYRADIUS 1 km
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOSEARCH s foo 1 1 1 1 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOSEARCH S FROMLONLAT 1 1
        (error) ERR wrong number of arguments for \'geosearch\' command
    "#]]);
}

#[test]
fn searches_store_what_they_find() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 200 km
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Palermo"
        2) "3479099956230698"
        3) "Catania"
        4) "3479447370796909"
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST
        (integer) 2
        > ZRANGE d 0 -1 WITHSCORES
        1) "Catania"
        2) "56.441257870158204"
        3) "Palermo"
        4) "190.44242984775784"
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1
        (integer) 1
        > ZCARD d
        (integer) 1
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST
        (error) ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST ANY
        (error) ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > GEOSEARCHSTORE d S ASC ASC ASC ASC ASC
        (error) ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCHSTORE
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 0 km
        (integer) 0
        > EXISTS d
        (integer) 0
        > SET d x
        OK
        > GEOSEARCHSTORE d nokey FROMLONLAT 15 37 BYRADIUS 1 km
        (integer) 0
        > EXISTS d
        (integer) 0
        > GEOSEARCHSTORE d S FROMLONLAT 15 37
        (error) ERR wrong number of arguments for \'geosearchstore\' command
        > GEOSEARCHSTORE S S FROMMEMBER Palermo BYRADIUS 1 km
        (integer) 1
        > ZCARD S
        (integer) 1
    "#]]);
}

#[test]
fn a_missing_key_is_told_whatever_else_is_wrong() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Km
        OK
        listener> PSUBSCRIBE __keyspace@*
        1) "psubscribe"
        2) "__keyspace@*"
        3) (integer) 1
        > GEOSEARCH none FROMMEMBER m BYRADIUS 1 x
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:none"
        4) "keymiss"
        listener<
        (no reply)
        > GEORADIUS none 1 x 1 m
        (error) ERR value is not a valid float
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:none"
        4) "keymiss"
        > GEORADIUSBYMEMBER none m 1 m
        (empty array)
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:none"
        4) "keymiss"
        listener<
        (no reply)
    "#]]);
}

#[test]
fn any_score_is_read_as_a_place() {
    check(expect![[r#"
        > ZADD h 1e308 a -17 b -1e300 c inf d -inf e 9223372036854775808 f
        (integer) 6
        > GEOHASH h a b c d e f
        1) "00bh0hbj200"
        2) "bp05b5048p0"
        3) "00bh0hbj200"
        4) "00bh0hbj200"
        5) "00bh0hbj200"
        6) "00bh0hbj200"
        > GEOPOS h b
        1) 1) "180"
           2) "85.0511287799999991"
        > GEOSEARCHSTORE x F WITHCOORD BYRADIUS 0 FT STOREDIST
        (error) ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
    "#]]);
}
