use expect_test::expect;

use super::{check, check_resp3};

#[test]
fn pops_take_from_their_end() {
    check(expect![[r#"
        > RPUSH l a b c d
        (integer) 4
        > LPOP l
        "a"
        > RPOP l
        "d"
        > LRANGE l 0 -1
        1) "b"
        2) "c"
        > LPOP l
        "b"
        > LPOP l
        "c"
        > EXISTS l
        (integer) 0
        > LPOP l
        (nil)
        > RPOP l
        (nil)
    "#]]);
}

#[test]
fn a_count_asks_for_an_array() {
    check(expect![[r#"
        > RPUSH l a b c d e f
        (integer) 6
        > LPOP l 2
        1) "a"
        2) "b"
        > RPOP l 2
        1) "f"
        2) "e"
        > LPOP l 0
        (empty array)
        > RPOP l 0
        (empty array)
        > LPOP l 100
        1) "c"
        2) "d"
        > EXISTS l
        (integer) 0
        > LPOP l 2
        (nil)
        > RPOP l 0
        (nil)
        > LPOP l 0
        (nil)
    "#]]);
}

#[test]
fn a_wrong_count_is_refused_before_the_key_is_looked_at() {
    check(expect![[r#"
        > SET s v
        OK
        > LPOP nothing -1
        (error) ERR value is out of range, must be positive
        > LPOP nothing x
        (error) ERR value is out of range, must be positive
        > RPOP s -1
        (error) ERR value is out of range, must be positive
        > RPOP s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOP s 0
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOP s 1
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOP nothing 9223372036854775808
        (error) ERR value is out of range, must be positive
        > LPOP nothing 1 2
        (error) ERR wrong number of arguments for \'lpop\' command
        > LPOP
        (error) ERR wrong number of arguments for \'lpop\' command
    "#]]);
}

#[test]
fn resp3_pops() {
    check_resp3(expect![[r#"
        > RPUSH l a b c
        (integer) 3
        > LPOP l 2
        1) "a"
        2) "b"
        > LPOP l
        "c"
        > LPOP l
        (nil)
        > RPOP l 1
        (nil)
        > RPUSH l a
        (integer) 1
        > RPOP l 0
        (empty array)
    "#]]);
}

#[test]
fn lmpop_takes_from_the_first_that_has_any() {
    check(expect![[r#"
        > RPUSH a 1 2 3
        (integer) 3
        > RPUSH b x y z
        (integer) 3
        > LMPOP 3 nothing a b LEFT
        1) "a"
        2) 1) "1"
        > LMPOP 3 nothing a b RIGHT COUNT 5
        1) "a"
        2) 1) "3"
           2) "2"
        > LMPOP 3 nothing a b left count 2
        1) "b"
        2) 1) "x"
           2) "y"
        > LMPOP 3 nothing a b RIGHT COUNT 1
        1) "b"
        2) 1) "z"
        > LMPOP 3 nothing a b LEFT
        (nil)
        > EXISTS a b
        (integer) 0
    "#]]);
}

#[test]
fn lmpop_refuses_what_it_cannot_read() {
    check(expect![[r#"
        > LMPOP 0 a LEFT
        (error) ERR numkeys should be greater than 0
        > LMPOP -1 a LEFT
        (error) ERR numkeys should be greater than 0
        > LMPOP x a LEFT
        (error) ERR numkeys should be greater than 0
        > LMPOP 2 a LEFT
        (error) ERR syntax error
        > LMPOP 3 a LEFT
        (error) ERR syntax error
        > LMPOP 1 a MIDDLE
        (error) ERR syntax error
        > LMPOP 1 a LEFT COUNT
        (error) ERR syntax error
        > LMPOP 1 a LEFT COUNT 0
        (error) ERR count should be greater than 0
        > LMPOP 1 a LEFT COUNT -1
        (error) ERR count should be greater than 0
        > LMPOP 1 a LEFT COUNT x
        (error) ERR count should be greater than 0
        > LMPOP 1 a LEFT COUNT 1 COUNT 2
        (error) ERR syntax error
        > LMPOP 1 a LEFT BAR 1
        (error) ERR syntax error
        > LMPOP 1 a LEFT 1
        (error) ERR syntax error
        > LMPOP 9223372036854775807 a LEFT
        (error) ERR syntax error
        > LMPOP 1 a
        (error) ERR wrong number of arguments for \'lmpop\' command
        > SET s v
        OK
        > RPUSH l a
        (integer) 1
        > LMPOP 2 s l LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMPOP 2 nothing s LEFT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMPOP 2 l s LEFT
        1) "l"
        2) 1) "a"
    "#]]);
}

#[test]
fn a_large_list_is_popped_in_order() {
    check(expect![[r#"
        > CONFIG SET list-max-listpack-size 3
        OK
        > RPUSH l 1 2 3 4 5 6 7 8 9 10 11
        (integer) 11
        > LPOP l 4
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        > RPOP l 5
        1) "11"
        2) "10"
        3) "9"
        4) "8"
        5) "7"
        > LMPOP 1 l RIGHT COUNT 10
        1) "l"
        2) 1) "6"
           2) "5"
    "#]]);
}
