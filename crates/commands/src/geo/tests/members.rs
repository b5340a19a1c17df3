use expect_test::expect;

use crate::testing::check;

#[test]
fn members_are_added_at_places() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > ZRANGE S 0 -1 WITHSCORES
        1) "Palermo"
        2) "3479099956230698"
        3) "Catania"
        4) "3479447370796909"
        > GEOADD S CH 13 38 Palermo 1 1 new
        (integer) 2
        > GEOADD S NX CH 1 1 Palermo
        (integer) 0
        > GEOADD S XX CH 2 2 new 3 3 none
        (integer) 1
        > GEOADD S XX 2 2 new
        (integer) 0
        > GEOADD S 180 85.05112878 corner -180 -85.05112878 other
        (integer) 2
        > ZRANGE S 0 -1 WITHSCORES
         1) "other"
         2) "0"
         3) "new"
         4) "3378191666521995"
         5) "Palermo"
         6) "3479065152021743"
         7) "Catania"
         8) "3479447370796909"
         9) "corner"
        10) "13510798882111488"
        > TYPE S
        zset
        > GEOADD S 1 1
        (error) ERR wrong number of arguments for \'geoadd\' command
        > GEOADD S CH 1 1
        (error) ERR syntax error
        > GEOADD S CH CH CH
        (error) ERR syntax error
        > GEOADD S NX 1 1 a 2
        (error) ERR syntax error
        > GEOADD S NX XX 1 1 a
        (error) ERR syntax error
        > GEOADD S GT 1 1 a
        (error) ERR syntax error
        > GEOADD S INCR 1 1 a
        (error) ERR syntax error
        > GEOADD S x 1 a
        (error) ERR value is not a valid float
        > GEOADD S 1 x a
        (error) ERR value is not a valid float
        > GEOADD S 1 1 a 2 x b
        (error) ERR value is not a valid float
        > GEOADD S 180.1 1 a
        (error) ERR invalid longitude,latitude pair 180.100000,1.000000
        > GEOADD S 1 85.1 a
        (error) ERR invalid longitude,latitude pair 1.000000,85.100000
        > GEOADD S inf 1 a
        (error) ERR invalid longitude,latitude pair inf,1.000000
        > GEOADD S 1 -inf a
        (error) ERR invalid longitude,latitude pair 1.000000,-inf
        > SET s x
        OK
        > GEOADD s 1 1 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOADD s x 1 a
        (error) ERR value is not a valid float
    "#]]);
}

#[test]
fn distances_have_units() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEODIST S Palermo Catania
        "166274.1516"
        > GEODIST S Palermo Catania m
        "166274.1516"
        > GEODIST S Palermo Catania KM
        "166.2742"
        > GEODIST S Palermo Catania mi
        "103.3182"
        > GEODIST S Palermo Catania ft
        "545518.8700"
        > GEODIST S Palermo Palermo
        "0.0000"
        > GEODIST S Palermo none
        (nil)
        > GEODIST nokey a b
        (nil)
        > GEODIST S Palermo Catania xx
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEODIST nokey a b xx
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > GEODIST S Palermo Catania km more
        (error) ERR syntax error
        > GEODIST S Palermo
        (error) ERR wrong number of arguments for \'geodist\' command
        > SET s x
        OK
        > GEODIST s a b
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEODIST s a b xx
        (error) ERR unsupported unit provided. please use M, KM, FT, MI
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > GEODIST S Palermo Catania
        "166274.1516"
        > GEODIST S Palermo none
        (nil)
    "#]]);
}

#[test]
fn places_are_told_as_coordinates_and_text() {
    check(expect![[r#"
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        (integer) 2
        > GEOADD S 180 85.05112878 corner -180 -85.05112878 other 0 0 middle
        (integer) 3
        > GEOPOS S Palermo none Catania
        1) 1) "13.36138933897018433"
           2) "38.11555639549629859"
        2) (nil)
        3) 1) "15.08726745843887329"
           2) "37.50266842333162032"
        > GEOPOS S corner other middle
        1) 1) "180"
           2) "85.0511287799999991"
        2) 1) "-179.99999731779098511"
           2) "-85.05112751263942528"
        3) 1) "0.00000268220901489"
           2) "0.00000126736058093"
        > GEOHASH S Palermo none Catania corner other middle
        1) "sqc8b49rny0"
        2) (nil)
        3) "sqdtr74hyu0"
        4) "bp05b5048p0"
        5) "00bh0hbj200"
        6) "s0000000000"
        > GEOPOS nokey a b
        1) (nil)
        2) (nil)
        > GEOHASH nokey a b
        1) (nil)
        2) (nil)
        > GEOPOS S
        (empty array)
        > GEOHASH S
        (empty array)
        > GEOPOS
        (error) ERR wrong number of arguments for \'geopos\' command
        > SET s x
        OK
        > GEOPOS s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOHASH s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > GEOPOS S Palermo none
        1) 1) (double) 13.36138933897018433
           2) (double) 38.11555639549629859
        2) (nil)
        > GEOHASH S Palermo none
        1) "sqc8b49rny0"
        2) (nil)
    "#]]);
}
