use expect_test::expect;

use super::{check, check_log};

#[test]
fn counters_begin_at_zero() {
    check(expect![[r#"
        > INCR novar
        (integer) 1
        > GET novar
        "1"
        > INCR novar
        (integer) 2
        > OBJECT ENCODING novar
        "int"
        > SET counts 10
        OK
        > INCR counts
        (integer) 11
        > INCR counts
        (integer) 12
        > INCR counts
        (integer) 13
        > INCR counts
        (integer) 14
        > DECR counts
        (integer) 13
        > DECR counts
        (integer) 12
        > DECR counts
        (integer) 11
        > DECR counts
        (integer) 10
        > DECR down
        (integer) -1
        > INCRBY up 17179869184
        (integer) 17179869184
        > INCRBY up 17179869184
        (integer) 34359738368
        > DECRBY up 34359738369
        (integer) -1
        > DECRBY other 5
        (integer) -5
    "#]]);
}

#[test]
fn counters_refuse_to_overflow() {
    check(expect![[r#"
        > SET k 9223372036854775807
        OK
        > INCR k
        (error) ERR increment or decrement would overflow
        > INCRBY k 1
        (error) ERR increment or decrement would overflow
        > DECRBY k -1
        (error) ERR increment or decrement would overflow
        > INCRBY k -9223372036854775808
        (integer) -1
        > INCRBY k -9223372036854775808
        (error) ERR increment or decrement would overflow
        > GET k
        "-1"
        > SET k -9223372036854775808
        OK
        > DECR k
        (error) ERR increment or decrement would overflow
        > DECRBY k 1
        (error) ERR increment or decrement would overflow
        > INCRBY k -1
        (error) ERR increment or decrement would overflow
        > INCRBY k 9223372036854775807
        (integer) -1
        > DECRBY k -9223372036854775808
        (error) ERR decrement would overflow
        > DECRBY nokey -9223372036854775808
        (error) ERR decrement would overflow
        > INCRBY nokey -9223372036854775808
        (integer) -9223372036854775808
        > DECRBY nokey 9223372036854775807
        (error) ERR increment or decrement would overflow
        > GET nokey
        "-9223372036854775808"
    "#]]);
}

#[test]
fn counters_take_only_the_text_of_an_integer() {
    check(expect![[r#"
        > INCRBY k abc
        (error) ERR value is not an integer or out of range
        > INCRBY k 1.5
        (error) ERR value is not an integer or out of range
        > INCRBY k ""
        (error) ERR value is not an integer or out of range
        > INCRBY k " 1"
        (error) ERR value is not an integer or out of range
        > INCRBY k +1
        (error) ERR value is not an integer or out of range
        > INCRBY k 01
        (error) ERR value is not an integer or out of range
        > INCRBY k 9223372036854775808
        (error) ERR value is not an integer or out of range
        > INCRBY k 99999999999999999999999
        (error) ERR value is not an integer or out of range
        > DECRBY k abc
        (error) ERR value is not an integer or out of range
        > INCRBY k
        (error) ERR wrong number of arguments for \'incrby\' command
        > INCR k 1
        (error) ERR wrong number of arguments for \'incr\' command
        > GET k
        (nil)
        > SET k "    11"
        OK
        > INCR k
        (error) ERR value is not an integer or out of range
        > SET k "11    "
        OK
        > INCR k
        (error) ERR value is not an integer or out of range
        > SET k ""
        OK
        > INCR k
        (error) ERR value is not an integer or out of range
        > SET k -0
        OK
        > INCR k
        (error) ERR value is not an integer or out of range
        > SET k 1.0
        OK
        > INCR k
        (error) ERR value is not an integer or out of range
        > SET k 12345678901234567890
        OK
        > DECR k
        (error) ERR value is not an integer or out of range
        > GET k
        "12345678901234567890"
    "#]]);
}

#[test]
fn counters_keep_the_expiry() {
    check(expect![[r#"
        > SET k 10 PXAT 99999999999999
        OK
        > INCR k
        (integer) 11
        > INCRBYFLOAT k 0.5
        "11.5"
        > PEXPIRETIME k
        (integer) 99999999999999
        > SET k 10 PX 1
        OK
        @ +2ms
        > INCR k
        (integer) 1
        > PEXPIRETIME k
        (integer) -1
        > SET k 1 PX 1
        OK
        @ +2ms
        > INCRBYFLOAT k 2
        "2"
        > PEXPIRETIME k
        (integer) -1
    "#]]);
}

#[test]
fn fractions_are_added_as_redis_adds_them() {
    check(expect![[r#"
        > INCRBYFLOAT k 1
        "1"
        > OBJECT ENCODING k
        "embstr"
        > INCRBYFLOAT k 0.25
        "1.25"
        > INCRBYFLOAT k -1.25
        "0"
        > OBJECT ENCODING k
        "embstr"
        > INCRBYFLOAT k 0.1
        "0.1"
        > INCRBYFLOAT k 0.2
        "0.3"
        > SET k 17179869184
        OK
        > INCRBYFLOAT k 1.5
        "17179869185.5"
        > SET k 17179869184
        OK
        > INCRBYFLOAT k 17179869184
        "34359738368"
        > SET k 1
        OK
        > INCRBYFLOAT k -1.1
        "-0.1"
        > SET k 3.0e3
        OK
        > INCRBYFLOAT k 200
        "3200"
        > INCRBYFLOAT k 0x10
        "3216"
        > SET k 0
        OK
        > INCRBYFLOAT k 1e40
        "9999999999999999999783686092270256259072"
        > OBJECT ENCODING k
        "embstr"
        > INCRBYFLOAT k 1e60
        "999999999999999999999373423426722168652130621984886772203520"
        > OBJECT ENCODING k
        "raw"
        > SET k 5
        OK
        > APPEND k 0
        (integer) 2
        > OBJECT ENCODING k
        "raw"
        > INCRBYFLOAT k 1
        "51"
        > OBJECT ENCODING k
        "embstr"
        > INCR k
        (integer) 52
        > SET k 0.02439024390243902
        OK
        > INCRBYFLOAT k -0.02439024390243902
        "0"
        > SET k -0
        OK
        > INCRBYFLOAT k 0
        "0"
        > INCRBYFLOAT nokey -0
        "0"
    "#]]);
}

#[test]
fn fractions_must_be_numbers_and_finite() {
    check(expect![[r#"
        > INCRBYFLOAT k abc
        (error) ERR value is not a valid float
        > INCRBYFLOAT k ""
        (error) ERR value is not a valid float
        > INCRBYFLOAT k " 1"
        (error) ERR value is not a valid float
        > INCRBYFLOAT k "1 "
        (error) ERR value is not a valid float
        > INCRBYFLOAT k nan
        (error) ERR value is not a valid float
        > INCRBYFLOAT k inf
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT k +inf
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT k -inf
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT k 1e5000
        (error) ERR value is not a valid float
        > INCRBYFLOAT k 1e-5000
        (error) ERR value is not a valid float
        > INCRBYFLOAT k
        (error) ERR wrong number of arguments for \'incrbyfloat\' command
        > GET k
        (nil)
        > SET k "    11"
        OK
        > INCRBYFLOAT k 1.0
        (error) ERR value is not a valid float
        > SET k ""
        OK
        > INCRBYFLOAT k 1
        (error) ERR value is not a valid float
        > SET k abc
        OK
        > INCRBYFLOAT k abc
        (error) ERR value is not a valid float
        > SET k inf
        OK
        > INCRBYFLOAT k 1
        (error) ERR increment would produce NaN or Infinity
        > INCRBYFLOAT k -inf
        (error) ERR increment would produce NaN or Infinity
        > SET k 1
        OK
        > SETRANGE k 2 2
        (integer) 3
        > INCRBYFLOAT k 1
        (error) ERR value is not a valid float
        > GET k
        "1\x002"
    "#]]);
}

#[test]
fn sums_of_fractions_are_logged_as_values() {
    check_log(expect![[r#"
        > INCR i
        INCR i
        > DECR i
        DECR i
        > incrby i 0
        incrby i 0
        > DECRBY i 7
        DECRBY i 7
        > INCRBYFLOAT i 0.5
        SET i -6.5 KEEPTTL
        > INCRBYFLOAT new 3
        SET new 3 KEEPTTL
        > INCR new
        INCR new
        > INCR i
        > INCRBYFLOAT i inf
        > SET i 1 PX 1
        SET i 1 PXAT 1767225600001
        @ +2ms
        DEL i
        > INCR i
        INCR i
    "#]]);
}

#[test]
fn a_refused_counter_is_no_change_to_a_watched_key() {
    check(expect![[r#"
        > SET k abc
        OK
        > WATCH k
        OK
        b> INCR k
        (error) ERR value is not an integer or out of range
        b> APPEND nokey x
        (integer) 1
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        1) "abc"
        > WATCH k
        OK
        b> APPEND k d
        (integer) 4
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        (nil)
        > SET k 1
        OK
        > WATCH k
        OK
        b> INCR k
        (integer) 2
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        (nil)
    "#]]);
}
