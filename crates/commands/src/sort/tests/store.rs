use expect_test::expect;

use crate::testing::{check, check_log, events};

#[test]
fn store_keeps_the_result_as_a_list() {
    check(expect![[r#"
        > RPUSH l 3 1 2
        (integer) 3
        > MSET w_1 one w_3 three
        OK
        > SORT l STORE m
        (integer) 3
        > LRANGE m 0 -1
        1) "1"
        2) "2"
        3) "3"
        > OBJECT ENCODING m
        "quicklist"
        > SORT l GET # GET w_* STORE m
        (integer) 6
        > LRANGE m 0 -1
        1) "1"
        2) "one"
        3) "2"
        4) ""
        5) "3"
        6) "three"
        > SORT l LIMIT 1 1 STORE m
        (integer) 1
        > LRANGE m 0 -1
        1) "2"
        > SORT l DESC STORE l
        (integer) 3
        > LRANGE l 0 -1
        1) "3"
        2) "2"
        3) "1"
        > SET str x EX 100
        OK
        > SORT l STORE str
        (integer) 3
        > TYPE str
        list
        > TTL str
        (integer) -1
        > SORT l STORE a STORE b
        (integer) 3
        > EXISTS a b
        (integer) 1
    "#]]);
}

#[test]
fn nothing_to_store_deletes_the_key() {
    check(expect![[r#"
        > RPUSH l 3 1 2
        (integer) 3
        > SORT nothing STORE l
        (integer) 0
        > EXISTS l
        (integer) 0
        > SORT nothing STORE l
        (integer) 0
        > RPUSH l a
        (integer) 1
        > SORT l ALPHA LIMIT 10 10 STORE m
        (integer) 0
        > EXISTS m
        (integer) 0
        > SORT l STORE l
        (error) ERR One or more scores can\'t be converted into double
        > LRANGE l 0 -1
        1) "a"
    "#]]);
}

#[test]
fn a_stored_set_is_in_alphabetical_order() {
    check(expect![[r#"
        > SADD s c a b aa 10 9
        (integer) 6
        > SADD i 3 20 100
        (integer) 3
        > SORT s BY nosort STORE m
        (integer) 6
        > LRANGE m 0 -1
        1) "10"
        2) "9"
        3) "a"
        4) "aa"
        5) "b"
        6) "c"
        > SORT s BY nosort DESC STORE m
        (integer) 6
        > LRANGE m 0 -1
        1) "c"
        2) "b"
        3) "aa"
        4) "a"
        5) "9"
        6) "10"
        > SORT s BY nosort LIMIT 1 2 STORE m
        (integer) 2
        > LRANGE m 0 -1
        1) "9"
        2) "a"
        > SORT s BY w_* BY nosort DESC LIMIT 0 2 STORE m
        (integer) 2
        > LRANGE m 0 -1
        1) "c"
        2) "b"
        > SORT i BY nosort STORE m
        (integer) 3
        > LRANGE m 0 -1
        1) "100"
        2) "20"
        3) "3"
        > SORT i BY nosort GET # STORE m
        (integer) 3
        > LRANGE m 0 -1
        1) "100"
        2) "20"
        3) "3"
        > ZADD z 1 c 2 a
        (integer) 2
        > SORT z BY nosort STORE m
        (integer) 2
        > LRANGE m 0 -1
        1) "c"
        2) "a"
        > SORT z BY nosort DESC LIMIT 0 1 STORE m
        (integer) 1
        > LRANGE m 0 -1
        1) "a"
    "#]]);
}

#[test]
fn a_stored_list_ends_a_wait() {
    check(expect![[r#"
        b> BLPOP m 0
        (no reply)
        > RPUSH l 2 1
        (integer) 2
        > SORT l STORE m
        (integer) 2
        b<
        1) "m"
        2) "1"
        > LRANGE m 0 -1
        1) "2"
    "#]]);
}

#[test]
fn listeners_are_told_of_what_is_stored() {
    let told = events(
        "> RPUSH l 1\n> SORT l STORE m\n> SORT nothing STORE m\n> SORT nothing STORE m\n> SORT l\n",
    );
    assert_eq!(told, ["rpush l", "sortstore m", "del m"]);
}

#[test]
fn what_was_stored_is_logged_as_it_was_asked_for() {
    check_log(
        "> RPUSH l 2 1\n> SET w_1 5 PX 10\n# log\n@ +20ms\n> SORT l\n> SORT l BY w_* STORE m\n\
         > SORT nothing STORE m\n> SORT nothing STORE m\n> SORT_RO l BY w_*\n",
        expect![[r#"
            SELECT 0
            DEL w_1
            SORT l BY w_* STORE m
            SORT nothing STORE m
        "#]],
    );
}
