use expect_test::expect;

use crate::testing::check;

#[test]
fn zrem_takes_members_out() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c
        (integer) 3
        > ZREM z a nosuch
        (integer) 1
        > ZREM z b b c
        (integer) 2
        > EXISTS z
        (integer) 0
        > ZREM z a
        (integer) 0
        > ZREM z
        (error) ERR wrong number of arguments for \'zrem\' command
        > SET s x
        OK
        > ZREM s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
    "#]]);
}

#[test]
fn ranges_are_taken_out() {
    check(expect![[r#"
        > ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
        (integer) 6
        > ZREMRANGEBYRANK z 0 0
        (integer) 1
        > ZREMRANGEBYRANK z -1 -1
        (integer) 1
        > ZREMRANGEBYRANK z 3 1
        (integer) 0
        > ZREMRANGEBYSCORE z (2 3
        (integer) 1
        > ZRANGE z 0 -1
        1) "b"
        2) "d"
        3) "e"
        > ZREMRANGEBYSCORE z -inf +inf
        (integer) 3
        > EXISTS z
        (integer) 0
        > ZADD z 0 a 0 b 0 c
        (integer) 3
        > ZREMRANGEBYLEX z [b +
        (integer) 2
        > ZRANGE z 0 -1
        1) "a"
        > ZREMRANGEBYRANK z x 1
        (error) ERR value is not an integer or out of range
        > ZREMRANGEBYSCORE z x 1
        (error) ERR min or max is not a float
        > ZREMRANGEBYLEX z a b
        (error) ERR min or max not valid string range item
        > ZREMRANGEBYRANK nokey 0 1
        (integer) 0
        > SET s x
        OK
        > ZREMRANGEBYRANK s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZREMRANGEBYRANK s x 1
        (error) ERR value is not an integer or out of range
        > ZREMRANGEBYSCORE s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZREMRANGEBYLEX s - +
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > ZREMRANGEBYRANK z 0
        (error) ERR wrong number of arguments for \'zremrangebyrank\' command
    "#]]);
}
