use expect_test::expect;

use super::{check, check_log};

#[test]
fn mget_has_a_place_for_every_key() {
    check(expect![[r#"
        > MGET k
        1) (nil)
        > MSET k v {k}2 12
        OK
        > MGET k nokey {k}2 k
        1) "v"
        2) (nil)
        3) "12"
        4) "v"
        > MGET
        (error) ERR wrong number of arguments for \'mget\' command
    "#]]);
}

#[test]
fn mset_sets_all_the_last_of_equal_keys_staying() {
    check(expect![[r#"
        > SET a x PXAT 99999999999999
        OK
        > MSET a 1 b "foo bar" a 3
        OK
        > MGET a b
        1) "3"
        2) "foo bar"
        > PEXPIRETIME a
        (integer) -1
        > OBJECT ENCODING a
        "int"
        > MSET
        (error) ERR wrong number of arguments for \'mset\' command
        > MSET a
        (error) ERR wrong number of arguments for \'mset\' command
        > MSET a 1 b
        (error) ERR wrong number of arguments for \'mset\' command
        > MSET a 1 b 2 c
        (error) ERR wrong number of arguments for \'mset\' command
        > MGET a b c
        1) "3"
        2) "foo bar"
        3) (nil)
    "#]]);
}

#[test]
fn msetnx_sets_all_or_nothing() {
    check(expect![[r#"
        > MSETNX a 1 a 2
        (integer) 1
        > GET a
        "2"
        > MSETNX b 1 a 3
        (integer) 0
        > GET b
        (nil)
        > MSETNX b 1 c 2
        (integer) 1
        > MGET a b c
        1) "2"
        2) "1"
        3) "2"
        > SET d x PX 1
        OK
        @ +2ms
        > MSETNX d 1 e 2
        (integer) 1
        > MSETNX
        (error) ERR wrong number of arguments for \'msetnx\' command
        > MSETNX a
        (error) ERR wrong number of arguments for \'msetnx\' command
        > MSETNX f 1 g
        (error) ERR wrong number of arguments for \'msetnx\' command
    "#]]);
}

#[test]
fn many_keys_are_logged_as_sent() {
    check_log(expect![[r#"
        > mset a 1 b 2
        mset a 1 b 2
        > MSETNX c 1 a 2
        > MSETNX c 1 d 2
        MSETNX c 1 d 2
        > MSET a 1 b
        > MGET a b
    "#]]);
}
