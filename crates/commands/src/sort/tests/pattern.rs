use expect_test::expect;

use crate::testing::check;

#[test]
fn by_compares_what_other_keys_hold() {
    check(expect![[r#"
        > RPUSH l a b c d
        (integer) 4
        > MSET w_a 3 w_b 20 w_c 1
        OK
        > SORT l BY w_*
        1) "d"
        2) "c"
        3) "a"
        4) "b"
        > SORT l BY w_* DESC
        1) "b"
        2) "a"
        3) "c"
        4) "d"
        > SORT l BY w_* ALPHA
        1) "d"
        2) "c"
        3) "b"
        4) "a"
        > SORT l BY w_* ALPHA DESC
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > SORT l BY w_* LIMIT 1 2
        1) "c"
        2) "a"
        > SET w_c x
        OK
        > SORT l BY w_*
        (error) ERR One or more scores can\'t be converted into double
        > SORT l BY w_* ALPHA
        1) "d"
        2) "b"
        3) "a"
        4) "c"
        > RPUSH w_d 1
        (integer) 1
        > SORT l BY w_* ALPHA
        1) "d"
        2) "b"
        3) "a"
        4) "c"
        > SORT l BY *_w
        1) "a"
        2) "b"
        3) "c"
        4) "d"
    "#]]);
}

#[test]
fn equal_weights_are_told_apart() {
    check(expect![[r#"
        > RPUSH l b a c 01 1
        (integer) 5
        > SORT l BY w_*
        1) "01"
        2) "1"
        3) "a"
        4) "b"
        5) "c"
        > SORT l BY w_* DESC
        1) "c"
        2) "b"
        3) "a"
        4) "1"
        5) "01"
        > SORT l BY w_* ALPHA
        1) "b"
        2) "a"
        3) "c"
        4) "01"
        5) "1"
        > SORT l BY w_* ALPHA DESC
        1) "b"
        2) "a"
        3) "c"
        4) "01"
        5) "1"
        > MSET w_b x w_a x w_c a
        OK
        > SORT l BY w_* ALPHA
        1) "01"
        2) "1"
        3) "c"
        4) "b"
        5) "a"
        > SORT l BY w_* ALPHA DESC
        1) "b"
        2) "a"
        3) "c"
        4) "01"
        5) "1"
    "#]]);
}

#[test]
fn by_compares_fields_of_hashes() {
    check(expect![[r#"
        > RPUSH l a b c d
        (integer) 4
        > HSET h_a f 3 g->x 7
        (integer) 2
        > HSET h_b f 1
        (integer) 1
        > SET h_c 5
        OK
        > SORT l BY h_*->f
        1) "c"
        2) "d"
        3) "b"
        4) "a"
        > SORT l BY h_*->f DESC
        1) "a"
        2) "b"
        3) "d"
        4) "c"
        > SORT l BY h_*->f ALPHA
        1) "c"
        2) "d"
        3) "b"
        4) "a"
        > SORT l BY h_*->g->x ALPHA
        1) "b"
        2) "c"
        3) "d"
        4) "a"
        > SORT l BY h_*->
        1) "a"
        2) "b"
        3) "c"
        4) "d"
    "#]]);
}

#[test]
fn get_returns_what_other_keys_hold() {
    check(expect![[r#"
        > RPUSH l a b
        (integer) 2
        > MSET w_a 1 h_b str p_a* star x->y_a arrow p_a-> end
        OK
        > HSET h_a f field g->x nested
        (integer) 2
        > RPUSH w_b 1
        (integer) 1
        > SORT l ALPHA GET #
        1) "a"
        2) "b"
        > SORT l ALPHA GET w_*
        1) "1"
        2) (nil)
        > SORT l ALPHA GET w_* GET #
        1) "1"
        2) "a"
        3) (nil)
        4) "b"
        > SORT l ALPHA GET w_* GET # GET w_*
        1) "1"
        2) "a"
        3) "1"
        4) (nil)
        5) "b"
        6) (nil)
        > SORT l ALPHA GET w_*->f
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET h_*->f
        1) "field"
        2) (nil)
        > SORT l ALPHA GET h_*->g->x
        1) "nested"
        2) (nil)
        > SORT l ALPHA GET h_*
        1) (nil)
        2) "str"
        > SORT l ALPHA GET h_*->
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET h_*->f*
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET h_*->f->g
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET constant
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET w_a
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET h_a->f
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET #x
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET *
        1) (nil)
        2) (nil)
        > SORT l ALPHA GET p_**
        1) "star"
        2) (nil)
        > SORT l ALPHA GET x->y_*
        1) "arrow"
        2) (nil)
        > SORT l ALPHA GET p_*->
        1) "end"
        2) (nil)
        > SORT_RO l BY nosort GET w_*
        1) "1"
        2) (nil)
        > SORT l BY w_* LIMIT 1 1 GET # GET h_*
        1) "a"
        2) (nil)
        > SORT nothing GET #
        (empty array)
    "#]]);
}

#[test]
fn keys_past_their_expiry_hold_nothing() {
    check(expect![[r#"
        > RPUSH l a b
        (integer) 2
        > SET w_a 5 PX 10
        OK
        > SET w_b 1
        OK
        > SORT l BY w_* GET w_*
        1) "1"
        2) "5"
        @ +20ms
        > SORT l BY w_* GET w_*
        1) (nil)
        2) "1"
        > DBSIZE
        (integer) 2
    "#]]);
}

#[test]
fn a_transaction_looks_at_keys_nobody_declared() {
    check(expect![[r#"
        > MULTI
        OK
        > RPUSH l 1 2 3 4 5 6 7 8 9
        QUEUED
        > MSET w_1 9 w_2 8 w_3 7 w_4 6 w_5 5 w_6 4 w_7 3 w_8 2 w_9 1
        QUEUED
        > SORT l BY w_* GET # GET w_*
        QUEUED
        > SORT l BY w_* LIMIT 0 3 STORE m
        QUEUED
        > EXEC
        1) (integer) 9
        2) OK
        3)  1) "9"
            2) "1"
            3) "8"
            4) "2"
            5) "7"
            6) "3"
            7) "6"
            8) "4"
            9) "5"
           10) "5"
           11) "4"
           12) "6"
           13) "3"
           14) "7"
           15) "2"
           16) "8"
           17) "1"
           18) "9"
        4) (integer) 3
        > LRANGE m 0 -1
        1) "9"
        2) "8"
        3) "7"
    "#]]);
}

#[test]
fn equal_weights_of_a_set_are_in_the_order_of_its_members() {
    check(expect![[r#"
        > SADD s d b a c e
        (integer) 5
        > MSET w_d x w_a x
        OK
        > SORT s BY w_* ALPHA
        1) "b"
        2) "c"
        3) "e"
        4) "a"
        5) "d"
        > SORT s BY w_* ALPHA DESC LIMIT 0 3
        1) "d"
        2) "a"
        3) "e"
        > SORT s BY w_*->f ALPHA STORE m
        (integer) 5
        > LRANGE m 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        5) "e"
    "#]]);
}
