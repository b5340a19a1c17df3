use expect_test::expect;

use super::check;

#[test]
fn linsert_puts_beside_the_first_match() {
    check(expect![[r#"
        > RPUSH l a b a b
        (integer) 4
        > LINSERT l BEFORE b x
        (integer) 5
        > LINSERT l after b y
        (integer) 6
        > LRANGE l 0 -1
        1) "a"
        2) "x"
        3) "b"
        4) "y"
        5) "a"
        6) "b"
        > LINSERT l BEFORE a first
        (integer) 7
        > LINSERT l AFTER nothing y
        (integer) -1
        > LINSERT nothing BEFORE a b
        (integer) 0
        > LRANGE l 0 -1
        1) "first"
        2) "a"
        3) "x"
        4) "b"
        5) "y"
        6) "a"
        7) "b"
        > RPUSH n 1 2 3
        (integer) 3
        > LINSERT n AFTER 3 4
        (integer) 4
        > LINSERT n BEFORE 1 0
        (integer) 5
        > LRANGE n 0 -1
        1) "0"
        2) "1"
        3) "2"
        4) "3"
        5) "4"
    "#]]);
}

#[test]
fn linsert_refuses_what_it_cannot_read() {
    check(expect![[r#"
        > SET s v
        OK
        > LINSERT s BEFORE a b
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LINSERT s BESIDE a b
        (error) ERR syntax error
        > LINSERT nothing BESIDE a b
        (error) ERR syntax error
        > LINSERT s BEFORE a
        (error) ERR wrong number of arguments for \'linsert\' command
        > LINSERT s BEFORE a b c
        (error) ERR wrong number of arguments for \'linsert\' command
    "#]]);
}

#[test]
fn lrem_removes_from_the_asked_end() {
    check(expect![[r#"
        > RPUSH l a x b x c x d
        (integer) 7
        > LREM l 1 x
        (integer) 1
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "x"
        4) "c"
        5) "x"
        6) "d"
        > LREM l -1 x
        (integer) 1
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "x"
        4) "c"
        5) "d"
        > LREM l 0 x
        (integer) 1
        > LREM l 0 x
        (integer) 0
        > LREM l 5 nothing
        (integer) 0
        > RPUSH l a a
        (integer) 6
        > LREM l -2 a
        (integer) 2
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        4) "d"
        > LREM l 9223372036854775807 a
        (integer) 1
        > LREM l -9223372036854775808 b
        (integer) 1
        > LRANGE l 0 -1
        1) "c"
        2) "d"
        > LREM l 0 c
        (integer) 1
        > LREM l 0 d
        (integer) 1
        > EXISTS l
        (integer) 0
        > LREM l 0 d
        (integer) 0
    "#]]);
}

#[test]
fn lrem_reads_its_count_first() {
    check(expect![[r#"
        > SET s v
        OK
        > LREM nothing x a
        (error) ERR value is not an integer or out of range
        > LREM s x a
        (error) ERR value is not an integer or out of range
        > LREM s 0 a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LREM s 0
        (error) ERR wrong number of arguments for \'lrem\' command
    "#]]);
}

#[test]
fn lrem_finds_integers_by_their_text() {
    check(expect![[r#"
        > RPUSH l 1 01 1 " 1" 1
        (integer) 5
        > LREM l 2 1
        (integer) 2
        > LRANGE l 0 -1
        1) "01"
        2) " 1"
        3) "1"
        > LREM l 0 01
        (integer) 1
        > LRANGE l 0 -1
        1) " 1"
        2) "1"
    "#]]);
}

#[test]
fn lpos_returns_an_index() {
    check(expect![[r#"
        > RPUSH l a b c 1 2 3 c c
        (integer) 8
        > LPOS l a
        (integer) 0
        > LPOS l c
        (integer) 2
        > LPOS l 2
        (integer) 4
        > LPOS l nothing
        (nil)
        > LPOS nothing a
        (nil)
        > LPOS l c RANK 1
        (integer) 2
        > LPOS l c RANK 2
        (integer) 6
        > LPOS l c RANK 4
        (nil)
        > LPOS l c RANK -1
        (integer) 7
        > LPOS l c RANK -3
        (integer) 2
        > LPOS l c RANK -4
        (nil)
        > LPOS l c RANK 9223372036854775807
        (nil)
        > LPOS l c RANK -9223372036854775807
        (nil)
        > LPOS l c RANK -9223372036854775808
        (integer) 7
    "#]]);
}

#[test]
fn lpos_with_count_returns_many() {
    check(expect![[r#"
        > RPUSH l a b c 1 2 3 c c
        (integer) 8
        > LPOS l c COUNT 0
        1) (integer) 2
        2) (integer) 6
        3) (integer) 7
        > LPOS l c COUNT 1
        1) (integer) 2
        > LPOS l c COUNT 2
        1) (integer) 2
        2) (integer) 6
        > LPOS l c COUNT 100
        1) (integer) 2
        2) (integer) 6
        3) (integer) 7
        > LPOS l c COUNT 0 RANK 2
        1) (integer) 6
        2) (integer) 7
        > LPOS l c COUNT 2 RANK -1
        1) (integer) 7
        2) (integer) 6
        > LPOS l c COUNT 0 RANK -2
        1) (integer) 6
        2) (integer) 2
        > LPOS l nothing COUNT 0
        (empty array)
        > LPOS nothing c COUNT 0
        (empty array)
        > LPOS nothing c COUNT 2
        (empty array)
    "#]]);
}

#[test]
fn lpos_looks_no_further_than_maxlen() {
    check(expect![[r#"
        > RPUSH l a b c 1 2 3 c c
        (integer) 8
        > LPOS l c MAXLEN 2
        (nil)
        > LPOS l c MAXLEN 3
        (integer) 2
        > LPOS l c COUNT 0 MAXLEN 7
        1) (integer) 2
        2) (integer) 6
        > LPOS l c COUNT 0 MAXLEN 0
        1) (integer) 2
        2) (integer) 6
        3) (integer) 7
        > LPOS l c COUNT 0 MAXLEN 1000
        1) (integer) 2
        2) (integer) 6
        3) (integer) 7
        > LPOS l c RANK -1 COUNT 0 MAXLEN 2
        1) (integer) 7
        2) (integer) 6
        > LPOS l a RANK -1 MAXLEN 7
        (nil)
        > LPOS l a RANK -1 MAXLEN 8
        (integer) 0
        > LPOS l c rank 2 count 1 maxlen 7
        1) (integer) 6
    "#]]);
}

#[test]
fn lpos_refuses_what_it_cannot_read() {
    check(expect![[r#"
        > SET s v
        OK
        > LPOS s a
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LPOS s a RANK 0
        (error) ERR RANK can\'t be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > LPOS nothing a RANK 0
        (error) ERR RANK can\'t be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > LPOS nothing a RANK x
        (error) ERR value is not an integer or out of range
        > LPOS nothing a RANK
        (error) ERR syntax error
        > LPOS nothing a COUNT -1
        (error) ERR COUNT can\'t be negative
        > LPOS nothing a COUNT x
        (error) ERR COUNT can\'t be negative
        > LPOS nothing a MAXLEN -1
        (error) ERR MAXLEN can\'t be negative
        > LPOS nothing a MAXLEN x
        (error) ERR MAXLEN can\'t be negative
        > LPOS nothing a MAXLEN
        (error) ERR syntax error
        > LPOS nothing a FOO
        (error) ERR syntax error
        > LPOS nothing a FOO 1
        (error) ERR syntax error
        > LPOS nothing a COUNT 1 COUNT 2
        (empty array)
        > LPOS s
        (error) ERR wrong number of arguments for \'lpos\' command
    "#]]);
}

#[test]
fn many_nodes_are_searched() {
    check(expect![[r#"
        > CONFIG SET list-max-listpack-size 2
        OK
        > RPUSH l a b a b a b a b a b
        (integer) 10
        > LPOS l b COUNT 0
        1) (integer) 1
        2) (integer) 3
        3) (integer) 5
        4) (integer) 7
        5) (integer) 9
        > LPOS l a RANK -2
        (integer) 6
        > LREM l -2 b
        (integer) 2
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "a"
        4) "b"
        5) "a"
        6) "b"
        7) "a"
        8) "a"
        > LREM l 0 a
        (integer) 5
        > LRANGE l 0 -1
        1) "b"
        2) "b"
        3) "b"
        > LINSERT l AFTER b x
        (integer) 4
        > LINSERT l BEFORE b x
        (integer) 5
        > LRANGE l 0 -1
        1) "x"
        2) "b"
        3) "x"
        4) "b"
        5) "b"
    "#]]);
}
