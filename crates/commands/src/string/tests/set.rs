use expect_test::expect;

use super::{check, check_log};

#[test]
fn set_nx_and_xx_exclude_each_other() {
    check(expect![[r#"
        > SET k old NX
        OK
        > SET k new NX
        (nil)
        > SET k new XX GET EX 10
        "old"
        > SET k new NX XX
        (error) ERR syntax error
        > SET k new XX NX
        (error) ERR syntax error
        @ +10001ms
        > GET k
        (nil)
        > SET k v XX
        (nil)
        > SET k v XX GET
        (nil)
        > SET k v GET NX
        (nil)
        > SET k w NX GET
        "v"
        > GET k
        "v"
        > SET k x NX NX
        (nil)
        > SET k x XX XX
        OK
        > GET k
        "x"
    "#]]);
}

#[test]
fn set_get_returns_the_old_value() {
    check(expect![[r#"
        > SET k bar GET
        (nil)
        > SET k bar2 get
        "bar"
        > SET k 12 GET XX
        "bar2"
        > SET k v GET GET
        "12"
        > GET k
        "v"
        > SET nokey v XX GET
        (nil)
        > GET nokey
        (nil)
    "#]]);
}

#[test]
fn set_keeps_or_clears_the_expiry() {
    check(expect![[r#"
        > SET k v EXAT 99999999999
        OK
        > PEXPIRETIME k
        (integer) 99999999999000
        > SET k w KEEPTTL
        OK
        > PEXPIRETIME k
        (integer) 99999999999000
        > SET k x keepttl KEEPTTL GET
        "w"
        > PEXPIRETIME k
        (integer) 99999999999000
        > SET k v PXAT 99999999999999 XX
        OK
        > PEXPIRETIME k
        (integer) 99999999999999
        > SET k v EXAT 5 EXAT 99999999998
        OK
        > PEXPIRETIME k
        (integer) 99999999998000
        > SET k v
        OK
        > PEXPIRETIME k
        (integer) -1
        > SET k v KEEPTTL
        OK
        > PEXPIRETIME k
        (integer) -1
        > SET k v EX 1
        OK
        @ +999ms
        > GET k
        "v"
        @ +2ms
        > GET k
        (nil)
        > SET k v PX 500
        OK
        > SET k w KEEPTTL
        OK
        @ +501ms
        > SET k x KEEPTTL
        OK
        > PEXPIRETIME k
        (integer) -1
    "#]]);
}

#[test]
fn set_reads_every_option_before_it_looks_at_the_amount() {
    check(expect![[r#"
        > SET k
        (error) ERR wrong number of arguments for \'set\' command
        > SET k v foo
        (error) ERR syntax error
        > SET k v ""
        (error) ERR syntax error
        > SET k v GETX
        (error) ERR syntax error
        > SET k v an-option-longer-than-any-there-is
        (error) ERR syntax error
        > SET k v PERSIST
        (error) ERR syntax error
        > SET k v EX
        (error) ERR syntax error
        > SET k v NX EX
        (error) ERR syntax error
        > SET k v KEEPTTL EX 10
        (error) ERR syntax error
        > SET k v EX 10 KEEPTTL
        (error) ERR syntax error
        > SET k v EX 10 PX 20
        (error) ERR syntax error
        > SET k v PX 10 EX 20
        (error) ERR syntax error
        > SET k v PXAT 10 EX 20
        (error) ERR syntax error
        > SET k v EXAT 10 PXAT 20
        (error) ERR syntax error
        > SET k v EX abc BAD
        (error) ERR syntax error
        > SET k v EX 0 BAD
        (error) ERR syntax error
        > SET k v EX abc
        (error) ERR value is not an integer or out of range
        > SET k v EX ""
        (error) ERR value is not an integer or out of range
        > SET k v EX "1 "
        (error) ERR value is not an integer or out of range
        > SET k v EX 1.5
        (error) ERR value is not an integer or out of range
        > SET k v EX NX
        (error) ERR value is not an integer or out of range
        > SET k v EX 0
        (error) ERR invalid expire time in \'set\' command
        > SET k v EX -1
        (error) ERR invalid expire time in \'set\' command
        > SET k v PX 0
        (error) ERR invalid expire time in \'set\' command
        > SET k v EXAT 0
        (error) ERR invalid expire time in \'set\' command
        > SET k v EXAT -5
        (error) ERR invalid expire time in \'set\' command
        > SET k v PXAT 0
        (error) ERR invalid expire time in \'set\' command
        > SET k v PXAT -9223372036854775808
        (error) ERR invalid expire time in \'set\' command
        > SET k v XX EX 0
        (error) ERR invalid expire time in \'set\' command
        > GET k
        (nil)
    "#]]);
}

#[test]
fn set_refuses_moments_that_cannot_be_kept() {
    check(expect![[r#"
        > SET k v EX 9223372036854775807
        (error) ERR invalid expire time in \'set\' command
        > SET k v EX 9223372036854775
        (error) ERR invalid expire time in \'set\' command
        > SET k v EX 9223372036854776
        (error) ERR invalid expire time in \'set\' command
        > SET k v PX 9223372036854775807
        (error) ERR invalid expire time in \'set\' command
        > SET k v EXAT 9223372036854775807
        (error) ERR invalid expire time in \'set\' command
        > SET k v EXAT 9223372036854776
        (error) ERR invalid expire time in \'set\' command
        > SET k v PXAT 9223372036854775808
        (error) ERR value is not an integer or out of range
        > GET k
        (nil)
        > SET k v EXAT 9223372036854775
        OK
        > PEXPIRETIME k
        (integer) 9223372036854775000
        > SET k v PXAT 9223372036854775807
        OK
        > PEXPIRETIME k
        (integer) 9223372036854775807
    "#]]);
}

#[test]
fn set_with_a_moment_that_is_past_sets_what_is_gone_at_once() {
    check(expect![[r#"
        > SET k v EXAT 1
        OK
        > GET k
        (nil)
        > SET k v
        OK
        > SET k w EXAT 1 GET
        "v"
        > GET k
        (nil)
        > SET k w PXAT 1 NX
        OK
        > SET k w PXAT 1 NX
        OK
        > SET k w PXAT 1 XX
        (nil)
    "#]]);
}

#[test]
fn integers_are_kept_as_such_and_short_texts_in_the_entry() {
    check(expect![[r#"
        > SET k ""
        OK
        > GET k
        ""
        > OBJECT ENCODING k
        "embstr"
        > SET k 9223372036854775807
        OK
        > OBJECT ENCODING k
        "int"
        > SET k -9223372036854775808
        OK
        > GET k
        "-9223372036854775808"
        > OBJECT ENCODING k
        "int"
        > SET k 9223372036854775808
        OK
        > GET k
        "9223372036854775808"
        > OBJECT ENCODING k
        "embstr"
        > SET k 01
        OK
        > OBJECT ENCODING k
        "embstr"
        > SET k +1
        OK
        > OBJECT ENCODING k
        "embstr"
        > SET k " 1"
        OK
        > OBJECT ENCODING k
        "embstr"
        > SET k aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeee
        OK
        > OBJECT ENCODING k
        "embstr"
        > SET k aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeee
        OK
        > OBJECT ENCODING k
        "raw"
        > SET k "\x00\xff\r\n"
        OK
        > GET k
        "\x00\xff\r\n"
    "#]]);
}

#[test]
fn get_takes_one_key() {
    check(expect![[r#"
        > GET
        (error) ERR wrong number of arguments for \'get\' command
        > GET a b
        (error) ERR wrong number of arguments for \'get\' command
        > GET ""
        (nil)
        > SET "" v
        OK
        > GET ""
        "v"
    "#]]);
}

#[test]
fn setnx_leaves_a_key_that_is_there() {
    check(expect![[r#"
        > SETNX mykey tom
        (integer) 1
        > SETNX mykey jerry
        (integer) 0
        > GET mykey
        "tom"
        > SET mykey jerry
        OK
        > GET mykey
        "jerry"
        > SETNX n 1
        (integer) 1
        > OBJECT ENCODING n
        "int"
        > SET n 2 PX 1
        OK
        > SETNX n 3
        (integer) 0
        @ +2ms
        > SETNX n 3
        (integer) 1
        > PEXPIRETIME n
        (integer) -1
        > SETNX n
        (error) ERR wrong number of arguments for \'setnx\' command
        > SETNX n 1 2
        (error) ERR wrong number of arguments for \'setnx\' command
    "#]]);
}

#[test]
fn setex_and_psetex_set_for_a_time() {
    check(expect![[r#"
        > SETEX k 1 v
        OK
        > PSETEX k2 999 7
        OK
        > OBJECT ENCODING k2
        "int"
        @ +998ms
        > GET k2
        "7"
        @ +2ms
        > GET k2
        (nil)
        @ +1ms
        > GET k
        (nil)
        > SETEX k 0 v
        (error) ERR invalid expire time in \'setex\' command
        > SETEX k -1 v
        (error) ERR invalid expire time in \'setex\' command
        > SETEX k abc v
        (error) ERR value is not an integer or out of range
        > SETEX k 9223372036854775807 v
        (error) ERR invalid expire time in \'setex\' command
        > SETEX k 9223372036854775 v
        (error) ERR invalid expire time in \'setex\' command
        > SETEX k 9223372036854775808 v
        (error) ERR value is not an integer or out of range
        > SETEX k 10
        (error) ERR wrong number of arguments for \'setex\' command
        > SETEX k 10 v NX
        (error) ERR wrong number of arguments for \'setex\' command
        > PSETEX k 0 v
        (error) ERR invalid expire time in \'psetex\' command
        > PSETEX k -9223372036854775808 v
        (error) ERR invalid expire time in \'psetex\' command
        > PSETEX k 9223372036854775807 v
        (error) ERR invalid expire time in \'psetex\' command
        > PSETEX k 1.5 v
        (error) ERR value is not an integer or out of range
        > PSETEX k 10
        (error) ERR wrong number of arguments for \'psetex\' command
        > GET k
        (nil)
    "#]]);
}

#[test]
fn set_logs_the_moment_and_not_the_question() {
    check_log(expect![[r#"
        > SET k v EX 100
        SET k v PXAT 1767225700000
        > SET k v PX 100000 NX
        > set k v px 100000 xx
        SET k v PXAT 1767225700000
        > SET k v EX 100 GET
        SET k v PXAT 1767225700000
        > SET k v XX GET
        SET k v XX
        > SET k v KEEPTTL
        SET k v KEEPTTL
        > SET k v GET
        SET k v
        > SET k v GET KEEPTTL
        SET k v KEEPTTL
        > SET k v GET XX KEEPTTL
        SET k v XX KEEPTTL
        > SET k v NX GET
        > SET nokey v XX
        > SET new v NX GET
        SET new v NX
        > set new2 v nx
        set new2 v nx
        > SET k v EXAT 99999999999 GET XX
        SET k v PXAT 99999999999000
        > SET k v PXAT 99999999999999
        SET k v PXAT 99999999999999
        > SET k v EXAT 1
        SET k v PXAT 1000
        > GET k
        DEL k
        > SET k v EX 0
        > SETEX k 100 v
        SET k v PXAT 1767225700000
        > PSETEX k 100 v
        SET k v PXAT 1767225600100
        > SETNX k v
        @ +101ms
        DEL k
        > SETNX k v
        SETNX k v
        > SET k v PX 1
        SET k v PXAT 1767225600102
        @ +2ms
        DEL k
        > SET k v NX EX 1
        SET k v PXAT 1767225601103
    "#]]);
}
