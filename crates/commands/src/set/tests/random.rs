use expect_test::expect;

use crate::testing::{check, check_log};

#[test]
fn spop_takes_members_out() {
    check(expect![[r#"
        > SPOP none
        (nil)
        > SPOP none 0
        (empty array)
        > SPOP none 5
        (empty array)
        > SADD s 7
        (integer) 1
        > SPOP s
        "7"
        > EXISTS s
        (integer) 0
        > SADD s 7
        (integer) 1
        > SPOP s 1
        1) "7"
        > EXISTS s
        (integer) 0
        > SADD s 7
        (integer) 1
        > SPOP s 5
        1) "7"
        > EXISTS s
        (integer) 0
        > SADD s 1 2 3
        (integer) 3
        > SPOP s 0
        (empty array)
        > SCARD s
        (integer) 3
        > SADD t m
        (integer) 1
        > SPOP t 2
        1) "m"
        > SPOP s -1
        (error) ERR value is out of range, must be positive
        > SPOP s x
        (error) ERR value is out of range, must be positive
        > SPOP s 9223372036854775808
        (error) ERR value is out of range, must be positive
        > SPOP none x
        (error) ERR value is out of range, must be positive
        > SPOP s 1 2
        (error) ERR syntax error
        > SET k v
        OK
        > SPOP k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP k 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP k 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SPOP k x
        (error) ERR value is out of range, must be positive
        > SPOP
        (error) ERR wrong number of arguments for \'spop\' command
    "#]]);
}

#[test]
fn srandmember_leaves_members() {
    check(expect![[r#"
        > SRANDMEMBER none
        (nil)
        > SRANDMEMBER none 0
        (empty array)
        > SRANDMEMBER none 5
        (empty array)
        > SRANDMEMBER none -5
        (empty array)
        > SADD s 1 2 3
        (integer) 3
        > SRANDMEMBER s 3
        1) "1"
        2) "2"
        3) "3"
        > SRANDMEMBER s 100
        1) "1"
        2) "2"
        3) "3"
        > SRANDMEMBER s 0
        (empty array)
        > SADD t m
        (integer) 1
        > SRANDMEMBER t
        "m"
        > SRANDMEMBER t 1
        1) "m"
        > SRANDMEMBER t -3
        1) "m"
        2) "m"
        3) "m"
        > SRANDMEMBER s x
        (error) ERR value is not an integer or out of range
        > SRANDMEMBER s 9223372036854775808
        (error) ERR value is not an integer or out of range
        > SRANDMEMBER s -9223372036854775808
        (error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
        > SRANDMEMBER none -9223372036854775807
        (empty array)
        > SRANDMEMBER s 1 2
        (error) ERR syntax error
        > SRANDMEMBER k x y
        (error) ERR syntax error
        > SET k v
        OK
        > SRANDMEMBER k
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SRANDMEMBER k 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SRANDMEMBER k x
        (error) ERR value is not an integer or out of range
        > SRANDMEMBER
        (error) ERR wrong number of arguments for \'srandmember\' command
    "#]]);
}

#[test]
fn members_by_chance_in_resp3() {
    check(expect![[r#"
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > SADD s 7
        (integer) 1
        > SRANDMEMBER s
        "7"
        > SRANDMEMBER s 2
        1) "7"
        > SRANDMEMBER s -2
        1) "7"
        2) "7"
        > SRANDMEMBER none
        (nil)
        > SRANDMEMBER none 2
        (empty array)
        > SPOP s
        "7"
        > SPOP s
        (nil)
        > SADD s 7
        (integer) 1
        > SPOP s 2
        1~ "7"
        > SPOP s 2
        (empty set)
    "#]]);
}

#[test]
fn what_was_popped_is_logged_by_name() {
    let transcript = "
        > SADD s 7
        > SPOP s
        > SPOP s
        > SADD s 7
        > SPOP s 1
        > SADD s 7
        > SPOP s 0
        > SPOP s 5";
    check_log(
        transcript,
        expect![[r#"
        SELECT 0
        SADD s 7
        SREM s 7
        SADD s 7
        DEL s
        SADD s 7
        DEL s
    "#]],
    );
}
