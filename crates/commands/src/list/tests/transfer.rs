use expect_test::expect;

use super::check;

#[test]
fn lmove_moves_between_any_ends() {
    check(expect![[r#"
        > RPUSH s a b c d
        (integer) 4
        > LMOVE s d LEFT LEFT
        "a"
        > LMOVE s d LEFT RIGHT
        "b"
        > LMOVE s d RIGHT LEFT
        "d"
        > LMOVE s d right right
        "c"
        > LRANGE d 0 -1
        1) "d"
        2) "a"
        3) "b"
        4) "c"
        > EXISTS s
        (integer) 0
        > LMOVE s d LEFT LEFT
        (nil)
    "#]]);
}

#[test]
fn lmove_within_a_list_rotates_it() {
    check(expect![[r#"
        > RPUSH l a b c
        (integer) 3
        > LMOVE l l LEFT RIGHT
        "a"
        > LRANGE l 0 -1
        1) "b"
        2) "c"
        3) "a"
        > LMOVE l l RIGHT LEFT
        "a"
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        > LMOVE l l LEFT LEFT
        "a"
        > LMOVE l l RIGHT RIGHT
        "c"
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        3) "c"
        > RPUSH one 1
        (integer) 1
        > LMOVE one one LEFT RIGHT
        "1"
        > RPOPLPUSH one one
        "1"
        > LRANGE one 0 -1
        1) "1"
    "#]]);
}

#[test]
fn moves_refuse_what_is_no_list_and_change_nothing() {
    check(expect![[r#"
        > SET s v
        OK
        > RPUSH l a b
        (integer) 2
        > LMOVE s l LEFT RIGHT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE l s LEFT RIGHT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > LMOVE nothing s LEFT RIGHT
        (nil)
        > LMOVE s s LEFT RIGHT
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH l s
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH s l
        (error) WRONGTYPE Operation against a key holding the wrong kind of value
        > RPOPLPUSH nothing s
        (nil)
        > LMOVE l m MIDDLE LEFT
        (error) ERR syntax error
        > LMOVE l m LEFT MIDDLE
        (error) ERR syntax error
        > LMOVE l m LEFT
        (error) ERR wrong number of arguments for \'lmove\' command
        > RPOPLPUSH l
        (error) ERR wrong number of arguments for \'rpoplpush\' command
        > LRANGE l 0 -1
        1) "a"
        2) "b"
        > GET s
        "v"
    "#]]);
}

#[test]
fn rpoplpush_moves_the_last_to_the_head() {
    check(expect![[r#"
        > RPUSH s a b c
        (integer) 3
        > RPOPLPUSH s d
        "c"
        > RPOPLPUSH s d
        "b"
        > RPOPLPUSH s d
        "a"
        > RPOPLPUSH s d
        (nil)
        > LRANGE d 0 -1
        1) "a"
        2) "b"
        3) "c"
        > EXISTS s
        (integer) 0
    "#]]);
}

#[test]
fn integers_are_moved_as_they_are() {
    check(expect![[r#"
        > RPUSH s 12 -5 text
        (integer) 3
        > LMOVE s d LEFT LEFT
        "12"
        > LMOVE s d LEFT LEFT
        "-5"
        > LMOVE s d LEFT LEFT
        "text"
        > LRANGE d 0 -1
        1) "text"
        2) "-5"
        3) "12"
    "#]]);
}
