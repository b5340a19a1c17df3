use expect_test::expect;

use crate::testing::check;

#[test]
fn what_happens_is_told() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events EAn
        OK
        s> PSUBSCRIBE __keyevent@0__:*
        1) "psubscribe"
        2) "__keyevent@0__:*"
        3) (integer) 1
        > ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g
        (integer) 7
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:new"
        4) "z"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zadd"
        4) "z"
        s<
        (no reply)
        > ZADD z 1 a
        (integer) 0
        s<
        (no reply)
        s<
        (no reply)
        s<
        (no reply)
        > ZADD z XX INCR 1 a
        "2"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zincr"
        4) "z"
        s<
        (no reply)
        s<
        (no reply)
        > ZINCRBY z 1 b
        "3"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zincr"
        4) "z"
        s<
        (no reply)
        > ZREM z a nosuch
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zrem"
        4) "z"
        s<
        (no reply)
        > ZREM z nosuch
        (integer) 0
        s<
        (no reply)
        s<
        (no reply)
        > ZREMRANGEBYRANK z 0 0
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zremrangebyrank"
        4) "z"
        s<
        (no reply)
        > ZREMRANGEBYSCORE z 4 4
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zremrangebyscore"
        4) "z"
        s<
        (no reply)
        > ZREMRANGEBYLEX z [e [e
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zremrangebylex"
        4) "z"
        s<
        (no reply)
        > ZPOPMIN z
        1) "c"
        2) "3"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zpopmin"
        4) "z"
        s<
        (no reply)
        > ZPOPMAX z 0
        (empty array)
        s<
        (no reply)
        s<
        (no reply)
        > ZPOPMAX z
        1) "g"
        2) "7"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zpopmax"
        4) "z"
        s<
        (no reply)
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zadd"
        4) "z"
        s<
        (no reply)
        s<
        (no reply)
        > ZMPOP 1 z MAX
        1) "z"
        2) 1) 1) "f"
              2) "6"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zpopmax"
        4) "z"
        s<
        (no reply)
        s<
        (no reply)
        > BZPOPMIN z 0
        1) "z"
        2) "a"
        3) "1"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zpopmin"
        4) "z"
        s<
        (no reply)
        > BZMPOP 0 1 z MIN
        1) "z"
        2) 1) 1) "b"
              2) "2"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zpopmin"
        4) "z"
        s<
        (no reply)
        s<
        (no reply)
        > ZADD z 1 a 2 b
        (integer) 2
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zadd"
        4) "z"
        s<
        (no reply)
        s<
        (no reply)
        > ZRANGESTORE d z 0 0
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:new"
        4) "d"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zrangestore"
        4) "d"
        s<
        (no reply)
        > ZRANGESTORE d z 5 5
        (integer) 0
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:del"
        4) "d"
        s<
        (no reply)
        s<
        (no reply)
        > ZRANGESTORE d z 5 5
        (integer) 0
        s<
        (no reply)
        s<
        (no reply)
        s<
        (no reply)
        > ZUNIONSTORE d 1 z
        (integer) 3
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:new"
        4) "d"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zunionstore"
        4) "d"
        s<
        (no reply)
        > ZINTERSTORE d 1 z
        (integer) 3
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zinterstore"
        4) "d"
        s<
        (no reply)
        > ZDIFFSTORE d 1 z
        (integer) 3
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zdiffstore"
        4) "d"
        s<
        (no reply)
        s<
        (no reply)
        > ZDIFFSTORE d 2 z z
        (integer) 0
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:del"
        4) "d"
        s<
        (no reply)
        s<
        (no reply)
        > GEOADD g 1 1 a
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:new"
        4) "g"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:zadd"
        4) "g"
        s<
        (no reply)
        > GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 km
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:new"
        4) "d"
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:geosearchstore"
        4) "d"
        s<
        (no reply)
        > GEORADIUS g 1 1 1 km STORE d
        (integer) 1
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:georadiusstore"
        4) "d"
        s<
        (no reply)
        s<
        (no reply)
        > GEORADIUS g 50 1 1 km STORE d
        (integer) 0
        s<
        1) "pmessage"
        2) "__keyevent@0__:*"
        3) "__keyevent@0__:del"
        4) "d"
        s<
        (no reply)
        s<
        (no reply)
    "#]]);
}
