use expect_test::expect;

use super::check;

#[test]
fn lrange_returns_what_lies_between() {
    check(expect![[r#"
        > RPUSH l a b c d e
        (integer) 5
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        > LRANGE l 1 2
        1) "b"
        2) "c"
        > LRANGE l -2 -1
        1) "d"
        2) "e"
        > LRANGE l -100 1
        1) "a"
        2) "b"
        > LRANGE l 3 100
        1) "d"
        2) "e"
        > LRANGE l 2 1
        (empty array)
        > LRANGE l 5 6
        (empty array)
        > LRANGE l -1 -2
        (empty array)
        > LRANGE l 9223372036854775807 9223372036854775807
        (empty array)
        > LRANGE l -9223372036854775808 9223372036854775807
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        > LRANGE nothing 0 -1
        (empty array)
    "#]]);
}

#[test]
fn lrange_reads_its_indexes_first() {
    check(expect![[r#"
        > SET s v
        OK
        > LRANGE nothing x 1
        (error) ERR value is not an integer or out of range
        > LRANGE s 0 x
        (error) ERR value is not an integer or out of range
        > LRANGE s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LRANGE s
        (error) ERR wrong number of arguments for \'lrange\' command
        > LRANGE s 0 1 2
        (error) ERR wrong number of arguments for \'lrange\' command
    "#]]);
}

#[test]
fn ltrim_keeps_what_lies_between() {
    check(expect![[r#"
        > RPUSH l a b c d e f
        (integer) 6
        > LTRIM l 0 -1
        OK
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
        6) "f"
        > LTRIM l 1 -2
        OK
        > LRANGE l 0 -1
        1) "b"
        2) "c"
        3) "d"
        4) "e"
        > LTRIM l -100 2
        OK
        > LRANGE l 0 -1
        1) "b"
        2) "c"
        3) "d"
        > LTRIM l -2 100
        OK
        > LRANGE l 0 -1
        1) "c"
        2) "d"
        > LTRIM l 1 0
        OK
        > EXISTS l
        (integer) 0
        > LTRIM l 0 1
        OK
    "#]]);
}

#[test]
fn ltrim_reads_its_indexes_first() {
    check(expect![[r#"
        > SET s v
        OK
        > LTRIM nothing x 1
        (error) ERR value is not an integer or out of range
        > LTRIM s 0 x
        (error) ERR value is not an integer or out of range
        > LTRIM s 0 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LTRIM s
        (error) ERR wrong number of arguments for \'ltrim\' command
        > LTRIM nothing 0 1
        OK
    "#]]);
}

#[test]
fn ltrim_of_everything_deletes() {
    check(expect![[r#"
        > RPUSH l a b c
        (integer) 3
        > LTRIM l 3 5
        OK
        > EXISTS l
        (integer) 0
        > RPUSH l a b c
        (integer) 3
        > LTRIM l 2 -3
        OK
        > EXISTS l
        (integer) 0
    "#]]);
}
