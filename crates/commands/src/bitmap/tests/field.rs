use expect_test::expect;

use crate::testing::check;

#[test]
fn fields_are_set_and_read() {
    check(expect![[r#"
        > BITFIELD k
        (empty array)
        > BITFIELD k GET u8 0
        1) (integer) 0
        > EXISTS k
        (integer) 0
        > BITFIELD k SET i8 0 -100
        1) (integer) 0
        > BITFIELD k SET i8 0 101 GET i8 0
        1) (integer) -100
        2) (integer) 101
        > BITFIELD k SET u8 0 255 SET i8 0 100 GET i8 0
        1) (integer) 101
        2) (integer) -1
        3) (integer) 100
        > BITFIELD k SET u8 0 255 INCRBY u8 0 100 GET u8 0
        1) (integer) 100
        2) (integer) 99
        3) (integer) 99
        > BITFIELD k SET u8 #0 65 SET u8 #1 66 SET u8 #2 67
        1) (integer) 99
        2) (integer) 0
        3) (integer) 0
        > GET k
        "ABC"
        > OBJECT ENCODING k
        "raw"
        > BITFIELD k SET u5 3 31 GET u5 3 GET u3 0 GET u1 8
        1) (integer) 1
        2) (integer) 31
        3) (integer) 2
        4) (integer) 0
        > BITFIELD k SET i64 100 -9223372036854775808 GET i64 100 GET u63 101 GET u1 100
        1) (integer) 0
        2) (integer) -9223372036854775808
        3) (integer) 0
        4) (integer) 1
        > BITFIELD k SET u63 1 9223372036854775807 GET u63 1 GET i63 1
        1) (integer) 6864122449345118208
        2) (integer) 9223372036854775807
        3) (integer) -1
        > STRLEN k
        (integer) 21
        > SET k 1
        OK
        > BITFIELD k GET u8 0 GET u8 #1 GET i64 4294967295
        1) (integer) 49
        2) (integer) 0
        3) (integer) 0
        > BITFIELD k get u4 4 Set u4 4 2 iNcRbY u4 4 1
        1) (integer) 1
        2) (integer) 1
        3) (integer) 3
        > GET k
        "3"
        > SET k v PXAT 99999999999999
        OK
        > BITFIELD k SET u8 8 1
        1) (integer) 0
        > PEXPIRETIME k
        (integer) 99999999999999
        > BITFIELD_RO k GET u8 0 GET u8 8
        1) (integer) 118
        2) (integer) 1
        > BITFIELD_RO k
        (empty array)
        > BITFIELD_RO nokey GET u8 0
        1) (integer) 0
        > BITFIELD_RO k OVERFLOW SAT GET u8 0
        1) (integer) 118
    "#]]);
}

#[test]
fn numbers_that_do_not_fit_wrap_saturate_or_fail() {
    check(expect![[r#"
        > BITFIELD k SET u8 0 100 OVERFLOW WRAP INCRBY u8 0 257 INCRBY u8 0 255 INCRBY u8 0 -101
        1) (integer) 0
        2) (integer) 101
        3) (integer) 100
        4) (integer) 255
        > BITFIELD k SET u8 0 100 OVERFLOW SAT INCRBY u8 0 257 INCRBY u8 0 -255 INCRBY u8 0 -1
        1) (integer) 255
        2) (integer) 255
        3) (integer) 0
        4) (integer) 0
        > BITFIELD k SET i8 0 100 OVERFLOW WRAP INCRBY i8 0 257 INCRBY i8 0 255 INCRBY i8 0 100
        1) (integer) 0
        2) (integer) 101
        3) (integer) 100
        4) (integer) -56
        > BITFIELD k SET i8 0 100 OVERFLOW SAT INCRBY i8 0 257 INCRBY i8 0 -256 INCRBY i8 0 -1
        1) (integer) -56
        2) (integer) 127
        3) (integer) -128
        4) (integer) -128
        > BITFIELD k SET u2 0 3 OVERFLOW FAIL INCRBY u2 0 1 GET u2 0 SET u2 0 4 GET u2 0
        1) (integer) 2
        2) (nil)
        3) (integer) 3
        4) (nil)
        5) (integer) 3
        > BITFIELD k OVERFLOW FAIL SET i4 0 -9 SET i4 0 8 SET i4 0 7 INCRBY i4 0 1 INCRBY i4 0 -15
        1) (nil)
        2) (nil)
        3) (integer) -4
        4) (nil)
        5) (integer) -8
        > BITFIELD k OVERFLOW WRAP SET u8 0 -1 GET u8 0 SET u8 0 256 GET u8 0 SET i8 0 255 GET i8 0
        1) (integer) 128
        2) (integer) 255
        3) (integer) 255
        4) (integer) 0
        5) (integer) 0
        6) (integer) -1
        > BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0 SET i8 0 -129 GET i8 0 SET i8 0 128 GET i8 0
        1) (integer) 255
        2) (integer) 255
        3) (integer) -1
        4) (integer) -128
        5) (integer) -128
        6) (integer) 127
        > BITFIELD k OVERFLOW FAIL SET u8 0 -1 GET u8 0
        1) (nil)
        2) (integer) 127
        > BITFIELD k OVERFLOW WRAP OVERFLOW SAT SET u1 0 2 GET u1 0
        1) (integer) 0
        2) (integer) 1
        > BITFIELD k SET i64 0 9223372036854775807 INCRBY i64 0 1
        1) (integer) -72057594037927936
        2) (integer) -9223372036854775808
        > BITFIELD k SET i64 0 9223372036854775807 OVERFLOW SAT INCRBY i64 0 1 INCRBY i64 0 -9223372036854775808
        1) (integer) -9223372036854775808
        2) (integer) 9223372036854775807
        3) (integer) -1
        > BITFIELD k SET i64 0 -9223372036854775808 OVERFLOW SAT INCRBY i64 0 -1 INCRBY i64 0 9223372036854775807
        1) (integer) -1
        2) (integer) -9223372036854775808
        3) (integer) -1
        > BITFIELD k OVERFLOW FAIL INCRBY i64 0 -9223372036854775808 INCRBY i64 0 -9223372036854775808
        1) (nil)
        2) (nil)
        > BITFIELD k SET u63 1 0 OVERFLOW SAT INCRBY u63 1 -9223372036854775808 INCRBY u63 1 9223372036854775807 INCRBY u63 1 1
        1) (integer) 9223372036854775807
        2) (integer) 0
        3) (integer) 9223372036854775807
        4) (integer) 9223372036854775807
        > BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0
        1) (integer) -1
        2) (integer) 127
        > BITFIELD k OVERFLOW SAT SET i8 0 9223372036854775807 GET i8 0
        1) (integer) 127
        2) (integer) 127
        > BITFIELD k OVERFLOW SAT SET i63 0 -9223372036854775808 GET i63 0
        1) (integer) 4611686018427387903
        2) (integer) 4611686018427387903
        > BITFIELD k OVERFLOW SAT INCRBY i8 0 -9223372036854775808 INCRBY i8 0 9223372036854775807
        1) (integer) -128
        2) (integer) 127
    "#]]);
}

#[test]
fn a_step_that_fails_lets_the_string_grow() {
    check(expect![[r#"
        > BITFIELD k OVERFLOW FAIL INCRBY u1 7 2
        1) (nil)
        > STRLEN k
        (integer) 1
        > BITFIELD k OVERFLOW FAIL SET u2 31 4
        1) (nil)
        > GET k
        "\x00\x00\x00\x00\x00"
        > BITFIELD k GET u64 0 SET u8 0 1
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k SET u8 0 1 SET u64 0 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > GET k
        "\x00\x00\x00\x00\x00"
    "#]]);
}

#[test]
fn mistakes_show_in_their_order_and_change_nothing() {
    check(expect![[r#"
        > BITFIELD k GET
        (error) ERR syntax error
        > BITFIELD k GET u8
        (error) ERR syntax error
        > BITFIELD k SET u8 0
        (error) ERR syntax error
        > BITFIELD k INCRBY u8 0
        (error) ERR syntax error
        > BITFIELD k OVERFLOW
        (error) ERR syntax error
        > BITFIELD k OVERFLOW nosuch
        (error) ERR Invalid OVERFLOW type specified
        > BITFIELD k OVERFLOW nosuch SET u8 0
        (error) ERR Invalid OVERFLOW type specified
        > BITFIELD k nosuch
        (error) ERR syntax error
        > BITFIELD k nosuch u8 0
        (error) ERR syntax error
        > BITFIELD k GET u64 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u0 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET i0 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET i65 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET U8 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u08 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u-1 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET "" 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET x8 a
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u99999999999999999999 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD k GET u8 a
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 -1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 4294967296
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #536870912
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #536870911
        1) (integer) 0
        > BITFIELD k GET u8 #
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 ##1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #-1
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u8 #9223372036854775807
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k GET u63 #9223372036854775807
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 0 a
        (error) ERR value is not an integer or out of range
        > BITFIELD k SET u8 a a
        (error) ERR bit offset is not an integer or out of range
        > BITFIELD k SET u8 0 9223372036854775808
        (error) ERR value is not an integer or out of range
        > BITFIELD k INCRBY u8 0 -9223372036854775809
        (error) ERR value is not an integer or out of range
        > BITFIELD k INCRBY u8 0 1.5
        (error) ERR value is not an integer or out of range
        > BITFIELD k SET u8 0 1 INCRBY u8 0 a
        (error) ERR value is not an integer or out of range
        > BITFIELD k SET u8 0 1 GET u64 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > EXISTS k
        (integer) 0
        > BITFIELD
        (error) ERR wrong number of arguments for \'bitfield\' command
        > BITFIELD_RO k SET u8 0 1
        (error) ERR BITFIELD_RO only supports the GET subcommand
        > BITFIELD_RO k GET u8 0 INCRBY u8 0 1
        (error) ERR BITFIELD_RO only supports the GET subcommand
        > BITFIELD_RO k SET u8 0 1 GET u64 0
        (error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
        > BITFIELD_RO k SET
        (error) ERR syntax error
        > BITFIELD_RO
        (error) ERR wrong number of arguments for \'bitfield_ro\' command
    "#]]);
}

#[test]
fn a_string_that_only_grows_is_told_to_nobody() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events AKEmn
        OK
        listener> PSUBSCRIBE __keyevent@*
        1) "psubscribe"
        2) "__keyevent@*"
        3) (integer) 1
        > BITFIELD k OVERFLOW FAIL INCRBY u8 0 500
        1) (nil)
        listener<
        1) "pmessage"
        2) "__keyevent@*"
        3) "__keyevent@0__:new"
        4) "k"
        listener<
        (no reply)
        > BITFIELD k OVERFLOW FAIL INCRBY u8 8 500
        1) (nil)
        > STRLEN k
        (integer) 2
        listener<
        (no reply)
        > BITFIELD k SET u8 16 0
        1) (integer) 0
        listener<
        1) "pmessage"
        2) "__keyevent@*"
        3) "__keyevent@0__:setbit"
        4) "k"
        > BITFIELD k SET u8 16 0
        1) (integer) 0
        listener<
        (no reply)
    "#]]);
}

#[test]
fn who_watches_a_string_is_not_told_that_it_grew() {
    check(expect![[r#"
        > WATCH new
        OK
        > BITFIELD new OVERFLOW FAIL SET u4 4 486
        1) (nil)
        > MULTI
        OK
        > STRLEN new
        QUEUED
        > EXEC
        1) (integer) 1
        > SET old 12
        OK
        > WATCH old
        OK
        > BITFIELD old OVERFLOW FAIL SET u4 36 486 GET u8 0
        1) (nil)
        2) (integer) 49
        > MULTI
        OK
        > GET old
        QUEUED
        > OBJECT ENCODING old
        QUEUED
        > EXEC
        1) "12\x00\x00\x00"
        2) "raw"
        > WATCH old
        OK
        > BITFIELD old OVERFLOW FAIL SET u4 72 486 SET u4 76 0
        1) (nil)
        2) (integer) 0
        > MULTI
        OK
        > GET old
        QUEUED
        > EXEC
        (nil)
        > STRLEN old
        (integer) 10
    "#]]);
}
