use expect_test::expect;

use crate::testing::check;

mod keys;
mod order;
mod pattern;
mod store;

#[test]
fn elements_are_compared_as_numbers() {
    check(expect![[r#"
        > RPUSH l 3 10 -2 0.5 1e2
        (integer) 5
        > SORT l
        1) "-2"
        2) "0.5"
        3) "3"
        4) "10"
        5) "1e2"
        > SORT l DESC
        1) "1e2"
        2) "10"
        3) "3"
        4) "0.5"
        5) "-2"
        > SORT l DESC ASC
        1) "-2"
        2) "0.5"
        3) "3"
        4) "10"
        5) "1e2"
        > SADD s 3 20 1
        (integer) 3
        > SORT s
        1) "1"
        2) "3"
        3) "20"
        > SORT_RO s DESC
        1) "20"
        2) "3"
        3) "1"
        > ZADD z 1 30 2 20 3 4
        (integer) 3
        > SORT z
        1) "4"
        2) "20"
        3) "30"
        > SORT nothing
        (empty array)
        > SORT_RO nothing
        (empty array)
    "#]]);
}

#[test]
fn numbers_are_what_a_c_library_reads() {
    check(expect![[r#"
        > RPUSH l 5 0x10 " 4" "\t3" +2 .5 7. inf -inf -0 0 "" "6\x00six" INFINITY 9223372036854775807
        (integer) 15
        > SORT l
         1) "-inf"
         2) ""
         3) "-0"
         4) "0"
         5) ".5"
         6) "+2"
         7) "\t3"
         8) " 4"
         9) "5"
        10) "6\x00six"
        11) "7."
        12) "0x10"
        13) "9223372036854775807"
        14) "INFINITY"
        15) "inf"
        > SORT l DESC
         1) "inf"
         2) "INFINITY"
         3) "9223372036854775807"
         4) "0x10"
         5) "7."
         6) "6\x00six"
         7) "5"
         8) " 4"
         9) "\t3"
        10) "+2"
        11) ".5"
        12) "0"
        13) "-0"
        14) ""
        15) "-inf"
        > DEL l
        (integer) 1
        > RPUSH l 0 one
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 "1 "
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 nan
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 " "
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 .
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 1e400
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 1e-400
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 2.2e-308
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 0x
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > DEL l
        (integer) 1
        > RPUSH l 0 1_0
        (integer) 2
        > SORT l
        (error) ERR One or more scores can\'t be converted into double
        > SORT l LIMIT 5 1
        (error) ERR One or more scores can\'t be converted into double
        > SORT l BY nosort
        1) "0"
        2) "1_0"
    "#]]);
}

#[test]
fn equal_numbers_are_in_the_order_of_their_texts() {
    check(expect![[r#"
        > RPUSH l 1 01 1.0 +1 0x1 0 -0
        (integer) 7
        > SORT l
        1) "-0"
        2) "0"
        3) "+1"
        4) "01"
        5) "0x1"
        6) "1"
        7) "1.0"
        > SORT l DESC
        1) "1.0"
        2) "1"
        3) "0x1"
        4) "01"
        5) "+1"
        6) "0"
        7) "-0"
        > SORT l LIMIT 2 3
        1) "+1"
        2) "01"
        3) "0x1"
    "#]]);
}

#[test]
fn alpha_compares_bytes() {
    check(expect![[r#"
        > RPUSH l 10 9 b a B "\xff" "" aa "a long text" "a longer text" "a longer texts"
        (integer) 11
        > SORT l ALPHA
         1) ""
         2) "10"
         3) "9"
         4) "B"
         5) "a"
         6) "a long text"
         7) "a longer text"
         8) "a longer texts"
         9) "aa"
        10) "b"
        11) "\xff"
        > SORT l ALPHA DESC
         1) "\xff"
         2) "b"
         3) "aa"
         4) "a longer texts"
         5) "a longer text"
         6) "a long text"
         7) "a"
         8) "B"
         9) "9"
        10) "10"
        11) ""
        > SORT l ALPHA LIMIT 3 2
        1) "B"
        2) "a"
        > SORT l DESC LIMIT 3 2 ALPHA
        1) "a longer texts"
        2) "a longer text"
    "#]]);
}

#[test]
fn a_window_is_cut_out_of_the_order() {
    check(expect![[r#"
        > RPUSH l 5 3 1 4 2
        (integer) 5
        > SORT l LIMIT 0 2
        1) "1"
        2) "2"
        > SORT l LIMIT 1 2
        1) "2"
        2) "3"
        > SORT l LIMIT 4 9
        1) "5"
        > SORT l LIMIT 5 1
        (empty array)
        > SORT l LIMIT 9 9
        (empty array)
        > SORT l LIMIT -1 2
        1) "1"
        2) "2"
        > SORT l LIMIT 0 -1
        1) "1"
        2) "2"
        3) "3"
        4) "4"
        5) "5"
        > SORT l LIMIT 2 -5
        1) "3"
        2) "4"
        3) "5"
        > SORT l LIMIT 0 0
        (empty array)
        > SORT l LIMIT 9223372036854775807 9223372036854775807
        (empty array)
        > SORT l LIMIT -9223372036854775808 1
        1) "1"
        > SORT l LIMIT 1 9223372036854775807
        1) "2"
        2) "3"
        3) "4"
        4) "5"
        > SORT l LIMIT 0 1 LIMIT 1 1
        1) "2"
    "#]]);
}

#[test]
fn nosort_keeps_the_order_of_lists_and_sorted_sets() {
    check(expect![[r#"
        > RPUSH l 3 1 2 5
        (integer) 4
        > ZADD z 1 c 2 a 3 b
        (integer) 3
        > SADD s 1 2 3
        (integer) 3
        > SORT l BY nosort
        1) "3"
        2) "1"
        3) "2"
        4) "5"
        > SORT l BY nosort DESC
        1) "5"
        2) "2"
        3) "1"
        4) "3"
        > SORT l BY nosort LIMIT 1 2
        1) "1"
        2) "2"
        > SORT l BY nosort DESC LIMIT 1 2
        1) "2"
        2) "1"
        > SORT l BY nosort LIMIT 9 2
        (empty array)
        > SORT l BY nosort DESC LIMIT 9 2
        (empty array)
        > SORT l BY nosort LIMIT -1 2
        1) "3"
        2) "1"
        > SORT l BY nosort DESC LIMIT 1 -1
        1) "2"
        2) "1"
        3) "3"
        > SORT z BY nosort
        1) "c"
        2) "a"
        3) "b"
        > SORT z BY nosort DESC
        1) "b"
        2) "a"
        3) "c"
        > SORT z BY nosort LIMIT 1 2
        1) "a"
        2) "b"
        > SORT z BY nosort DESC LIMIT 1 2
        1) "a"
        2) "c"
        > SORT z BY nosort LIMIT 9 2
        (empty array)
        > SORT z BY nosort DESC LIMIT 9 2
        (empty array)
        > SORT z BY nosort LIMIT -1 2
        1) "c"
        2) "a"
        > SORT z BY nosort DESC LIMIT 1 -1
        1) "a"
        2) "c"
        > SORT s BY nosort
        1) "1"
        2) "2"
        3) "3"
        > SORT s BY nosort DESC LIMIT 1 1
        1) "2"
        > SORT l BY ""
        1) "3"
        2) "1"
        3) "2"
        4) "5"
        > SORT l BY #
        1) "3"
        2) "1"
        3) "2"
        4) "5"
        > SORT l BY w->f
        1) "3"
        2) "1"
        3) "2"
        4) "5"
        > SORT l BY nosort BY w_*
        1) "3"
        2) "1"
        3) "2"
        4) "5"
        > SORT l BY w_* BY nosort
        1) "3"
        2) "1"
        3) "2"
        4) "5"
        > SORT nothing BY nosort DESC
        (empty array)
    "#]]);
}

#[test]
fn mistakes_are_refused() {
    check(expect![[r#"
        > RPUSH l 1
        (integer) 1
        > SET str x
        OK
        > HSET h f v
        (integer) 1
        > SORT
        (error) ERR wrong number of arguments for \'sort\' command
        > SORT l BOGUS
        (error) ERR syntax error
        > SORT nothing BOGUS
        (error) ERR syntax error
        > SORT str BOGUS
        (error) ERR syntax error
        > SORT l LIMIT 1
        (error) ERR syntax error
        > SORT l LIMIT
        (error) ERR syntax error
        > SORT l LIMIT a 1
        (error) ERR value is not an integer or out of range
        > SORT l LIMIT 1 b
        (error) ERR value is not an integer or out of range
        > SORT l BY
        (error) ERR syntax error
        > SORT l GET
        (error) ERR syntax error
        > SORT l STORE
        (error) ERR syntax error
        > SORT_RO l STORE m
        (error) ERR syntax error
        > SORT str
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SORT h
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SORT_RO h
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > SORT str STORE m
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > EXISTS m
        (integer) 0
    "#]]);
}
