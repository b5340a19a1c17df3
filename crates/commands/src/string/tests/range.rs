use config::{ByteSize, Config};

use expect_test::{Expect, expect};
use testkit::Node;

use super::{check, check_log};

#[test]
fn strlen_counts_bytes() {
    check(expect![[r#"
        > STRLEN k
        (integer) 0
        > SET k -555
        OK
        > STRLEN k
        (integer) 4
        > SET k "foozzz0123456789 baz"
        OK
        > STRLEN k
        (integer) 20
        > SET k -9223372036854775808
        OK
        > STRLEN k
        (integer) 20
        > STRLEN
        (error) ERR wrong number of arguments for \'strlen\' command
    "#]]);
}

#[test]
fn getrange_clamps_to_the_string() {
    check(expect![[r#"
        > GETRANGE k 0 -1
        ""
        > SET k "Hello World"
        OK
        > GETRANGE k 0 3
        "Hell"
        > GETRANGE k 0 -1
        "Hello World"
        > GETRANGE k -4 -1
        "orld"
        > GETRANGE k 5 3
        ""
        > GETRANGE k 5 5000
        " World"
        > GETRANGE k -5000 10000
        "Hello World"
        > GETRANGE k -1 -5
        ""
        > GETRANGE k -100 -50
        "H"
        > GETRANGE k -50 -100
        ""
        > GETRANGE k 100 200
        ""
        > GETRANGE k 10 10
        "d"
        > GETRANGE k 11 11
        ""
        > GETRANGE k -9223372036854775808 9223372036854775807
        "Hello World"
        > GETRANGE k 9223372036854775807 -9223372036854775808
        ""
        > GETRANGE k 0 -9223372036854775808
        "H"
        > GETRANGE k -9223372036854775808 -9223372036854775808
        "H"
        > GETRANGE k 9223372036854775807 9223372036854775807
        ""
        > GETRANGE k 0 9223372036854775808
        (error) ERR value is not an integer or out of range
        > GETRANGE k a 0
        (error) ERR value is not an integer or out of range
        > GETRANGE nokey 0 a
        (error) ERR value is not an integer or out of range
        > GETRANGE k 0 1.5
        (error) ERR value is not an integer or out of range
        > GETRANGE k 0
        (error) ERR wrong number of arguments for \'getrange\' command
        > SET k ""
        OK
        > GETRANGE k 0 -1
        ""
        > GETRANGE k -1 -1
        ""
        > SET k 1234
        OK
        > GETRANGE k 0 2
        "123"
        > GETRANGE k -3 -1
        "234"
        > GETRANGE k 5 3
        ""
        > GETRANGE k 3 5000
        "4"
        > SUBSTR k 0 -2
        "123"
        > SUBSTR k a 0
        (error) ERR value is not an integer or out of range
        > SUBSTR k 0
        (error) ERR wrong number of arguments for \'substr\' command
        > SUBSTR nokey 0 0
        ""
    "#]]);
}

#[test]
fn append_makes_texts_raw() {
    check(expect![[r#"
        > APPEND k 12
        (integer) 2
        > OBJECT ENCODING k
        "int"
        > APPEND k ""
        (integer) 2
        > OBJECT ENCODING k
        "raw"
        > APPEND k 3
        (integer) 3
        > GET k
        "123"
        > INCR k
        (integer) 124
        > OBJECT ENCODING k
        "int"
        > APPEND k2 abc
        (integer) 3
        > OBJECT ENCODING k2
        "embstr"
        > APPEND k2 ""
        (integer) 3
        > OBJECT ENCODING k2
        "raw"
        > APPEND k3 ""
        (integer) 0
        > GET k3
        ""
        > OBJECT ENCODING k3
        "embstr"
        > SET k v PXAT 99999999999999
        OK
        > APPEND k w
        (integer) 2
        > PEXPIRETIME k
        (integer) 99999999999999
        > SET k 1 PX 1
        OK
        @ +2ms
        > APPEND k 2
        (integer) 1
        > APPEND k
        (error) ERR wrong number of arguments for \'append\' command
    "#]]);
}

#[test]
fn setrange_fills_with_zeros() {
    check(expect![[r#"
        > SETRANGE k 0 ""
        (integer) 0
        > GET k
        (nil)
        > SETRANGE k 1 foo
        (integer) 4
        > GET k
        "\x00foo"
        > OBJECT ENCODING k
        "raw"
        > SETRANGE k 0 b
        (integer) 4
        > GET k
        "bfoo"
        > SETRANGE k 6 bar
        (integer) 9
        > GET k
        "bfoo\x00\x00bar"
        > SET k foo
        OK
        > SETRANGE k 0 ""
        (integer) 3
        > OBJECT ENCODING k
        "embstr"
        > SETRANGE k 3 bar
        (integer) 6
        > GET k
        "foobar"
        > SET k 1234
        OK
        > SETRANGE k 0 ""
        (integer) 4
        > OBJECT ENCODING k
        "int"
        > SETRANGE k 1 3
        (integer) 4
        > OBJECT ENCODING k
        "raw"
        > GET k
        "1334"
        > SET k 1234
        OK
        > SETRANGE k 5 2
        (integer) 6
        > GET k
        "1234\x002"
        > SETRANGE k2 0 12
        (integer) 2
        > OBJECT ENCODING k2
        "raw"
        > INCR k2
        (integer) 13
        > OBJECT ENCODING k2
        "int"
        > SET k v PXAT 99999999999999
        OK
        > SETRANGE k 3 x
        (integer) 4
        > PEXPIRETIME k
        (integer) 99999999999999
    "#]]);
}

#[test]
fn setrange_refuses_what_lies_outside() {
    check(expect![[r#"
        > SETRANGE k abc x
        (error) ERR value is not an integer or out of range
        > SETRANGE k -1 x
        (error) ERR offset is out of range
        > SETRANGE k -1 ""
        (error) ERR offset is out of range
        > SETRANGE k -9223372036854775808 x
        (error) ERR offset is out of range
        > SETRANGE k 9223372036854775808 x
        (error) ERR value is not an integer or out of range
        > SETRANGE k 9223372036854775807 ""
        (integer) 0
        > SETRANGE k 9223372036854775807 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 536870912 ""
        (integer) 0
        > SETRANGE k 536870912 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 536870908 world
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 2147483647 x
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 4
        (error) ERR wrong number of arguments for \'setrange\' command
        > GET k
        (nil)
        > SET k hello
        OK
        > SETRANGE k -1 world
        (error) ERR offset is out of range
        > SETRANGE k 536870908 world
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 9223372036854775807 A
        (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
        > SETRANGE k 9223372036854775807 ""
        (integer) 5
        > GET k
        "hello"
    "#]]);
}

#[test]
fn growth_ends_at_the_longest_string() {
    check_with_longest(
        8,
        expect![[r#"
            > APPEND k 12345
            (integer) 5
            > APPEND k 6789
            (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
            > APPEND k 678
            (integer) 8
            > APPEND k ""
            (integer) 8
            > APPEND k 9
            (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
            > SETRANGE k 7 x
            (integer) 8
            > SETRANGE k 8 x
            (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
            > SETRANGE k 7 xy
            (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
            > SETRANGE new 7 xy
            (error) ERR string exceeds maximum allowed size (proto-max-bulk-len)
            > SETRANGE new 6 xy
            (integer) 8
            > MGET k new
            1) "1234567x"
            2) "\x00\x00\x00\x00\x00\x00xy"
        "#]],
    );
}

#[track_caller]
fn check_with_longest(bytes: u64, transcript: Expect) {
    let mut config = Config::default();
    config.clients.bulk_len_max = ByteSize(bytes);
    let mut node = Node::with_config(crate::table(), config);
    let replayed = testkit::replay(&mut node, transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn growth_is_logged_as_sent() {
    check_log(expect![[r#"
        > append k a
        append k a
        > APPEND k ""
        APPEND k ""
        > SETRANGE k 0 ""
        > SETRANGE k 0 b
        SETRANGE k 0 b
        > SETRANGE k -1 b
        > SETRANGE nokey 0 ""
        > GETRANGE k 0 0
        > STRLEN k
    "#]]);
}
