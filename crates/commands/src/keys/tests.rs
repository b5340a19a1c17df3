use expect_test::expect;

use crate::testing::check;

#[test]
fn keys_are_deleted_and_counted() {
    check(expect![[r#"
        > SET a 1
        OK
        > SET b 2
        OK
        > SET c 3
        OK
        > EXISTS a b b nokey
        (integer) 3
        > TOUCH a a nokey
        (integer) 2
        > DEL a a nokey
        (integer) 1
        > UNLINK b c nokey
        (integer) 2
        > EXISTS a b c
        (integer) 0
        > DEL
        (error) ERR wrong number of arguments for \'del\' command
        > UNLINK
        (error) ERR wrong number of arguments for \'unlink\' command
        > EXISTS
        (error) ERR wrong number of arguments for \'exists\' command
        > TOUCH
        (error) ERR wrong number of arguments for \'touch\' command
        > SET "" empty
        OK
        > EXISTS ""
        (integer) 1
        > DEL ""
        (integer) 1
    "#]]);
}

#[test]
fn a_key_past_its_expiry_is_not_there() {
    check(expect![[r#"
        > SET k v PX 100
        OK
        > TYPE k
        string
        @ +200ms
        > EXISTS k
        (integer) 0
        > TOUCH k
        (integer) 0
        > TYPE k
        none
        > DEL k
        (integer) 0
        > UNLINK k
        (integer) 0
        > OBJECT ENCODING k
        (nil)
        > RENAME k other
        (error) ERR no such key
        > MOVE k 1
        (integer) 0
        > COPY k other
        (integer) 0
        > PERSIST k
        (integer) 0
        > EXPIRE k 10
        (integer) 0
    "#]]);
}

#[test]
fn type_names_the_kind() {
    check(expect![[r#"
        > SET k v
        OK
        > TYPE k
        string
        > TYPE nokey
        none
        > TYPE
        (error) ERR wrong number of arguments for \'type\' command
        > TYPE a b
        (error) ERR wrong number of arguments for \'type\' command
    "#]]);
}

#[test]
fn rename_moves_value_and_expiry() {
    check(expect![[r#"
        > SET a one PX 5000
        OK
        > SET b two
        OK
        > RENAME a b
        OK
        > GET b
        "one"
        > PTTL b
        (integer) 5000
        > EXISTS a
        (integer) 0
        > SET a three
        OK
        > RENAME a b
        OK
        > PTTL b
        (integer) -1
        > RENAME nokey b
        (error) ERR no such key
        > RENAME nokey nokey
        (error) ERR no such key
        > RENAME b b
        OK
        > GET b
        "three"
        > RENAME b
        (error) ERR wrong number of arguments for \'rename\' command
    "#]]);
}

#[test]
fn renamenx_only_takes_a_free_name() {
    check(expect![[r#"
        > SET a one
        OK
        > SET b two
        OK
        > RENAMENX a b
        (integer) 0
        > RENAMENX a c
        (integer) 1
        > GET c
        "one"
        > RENAMENX c c
        (integer) 0
        > RENAMENX nokey c
        (error) ERR no such key
        > RENAMENX nokey nokey
        (error) ERR no such key
        > SET gone v PX 10
        OK
        @ +20ms
        > RENAMENX c gone
        (integer) 1
        > GET gone
        "one"
    "#]]);
}

#[test]
fn copy_leaves_the_source() {
    check(expect![[r#"
        > SET a 12 PX 5000
        OK
        > COPY a b
        (integer) 1
        > GET b
        "12"
        > PTTL b
        (integer) 5000
        > OBJECT ENCODING b
        "int"
        > COPY a b
        (integer) 0
        > SET a new
        OK
        > COPY a b replace
        (integer) 1
        > GET b
        "new"
        > PTTL b
        (integer) -1
        > COPY nokey b
        (integer) 0
        > COPY nokey b REPLACE
        (integer) 0
        > GET b
        "new"
        > COPY a a DB 3
        (integer) 1
        > COPY a a DB 3
        (integer) 0
        > COPY a other DB 3 REPLACE
        (integer) 1
        > DBSIZE
        (integer) 2
        > SELECT 3
        OK
        > DBSIZE
        (integer) 2
        > GET a
        "new"
        > SET b long PX 5
        OK
        @ +10ms
        > COPY a b
        (integer) 1
    "#]]);
}

#[test]
fn copy_refuses_what_makes_no_sense() {
    check(expect![[r#"
        > SET k v
        OK
        > COPY k k
        (error) ERR source and destination objects are the same
        > COPY k k DB 0
        (error) ERR source and destination objects are the same
        > COPY k k REPLACE
        (error) ERR source and destination objects are the same
        > COPY nokey nokey
        (error) ERR source and destination objects are the same
        > COPY k d DB 16
        (error) ERR DB index is out of range
        > COPY k d DB -1
        (error) ERR DB index is out of range
        > COPY k d DB abc
        (error) ERR value is not an integer or out of range
        > COPY k d DB 99999999999
        (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > COPY k d DB 9223372036854775808
        (error) ERR value is not an integer or out of range
        > COPY k d DB
        (error) ERR syntax error
        > COPY k d NX
        (error) ERR syntax error
        > COPY k d DB 1 DB 0 REPLACE
        (integer) 1
        > COPY k
        (error) ERR wrong number of arguments for \'copy\' command
        > EXISTS d
        (integer) 1
    "#]]);
}

#[test]
fn move_takes_a_key_to_another_db() {
    check(expect![[r#"
        > SET k v PX 5000
        OK
        > MOVE k 1
        (integer) 1
        > EXISTS k
        (integer) 0
        > SELECT 1
        OK
        > GET k
        "v"
        > PTTL k
        (integer) 5000
        > SELECT 0
        OK
        > SET k other
        OK
        > MOVE k 1
        (integer) 0
        > GET k
        "other"
        > MOVE nokey 1
        (integer) 0
        > MOVE k 0
        (error) ERR source and destination objects are the same
        > MOVE nokey 0
        (error) ERR source and destination objects are the same
        > MOVE k 16
        (error) ERR DB index is out of range
        > MOVE k -1
        (error) ERR DB index is out of range
        > MOVE k abc
        (error) ERR value is not an integer or out of range
        > MOVE k 99999999999
        (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > MOVE k -9223372036854775808
        (error) ERR value is out of range, value must between -2147483648 and 2147483647
        > MOVE k
        (error) ERR wrong number of arguments for \'move\' command
        @ +5001ms
        > MOVE k 1
        (integer) 1
        > EXISTS k
        (integer) 0
    "#]]);
}

#[test]
fn keys_lists_what_matches() {
    check(expect![[r#"
        > KEYS *
        (empty array)
        > SET {user}1 v
        OK
        > SET {user}2 v
        OK
        > SET b v PX 10
        OK
        > KEYS b
        1) "b"
        > KEYS nokey
        (empty array)
        > KEYS \b
        1) "b"
        > KEYS {user}[2-9]
        1) "{user}2"
        > KEYS {nobody}*
        (empty array)
        @ +11ms
        > KEYS b
        (empty array)
        > KEYS *b*
        (empty array)
        > DEL {user}1
        (integer) 1
        > KEYS *
        1) "{user}2"
        > KEYS
        (error) ERR wrong number of arguments for \'keys\' command
        > KEYS a b
        (error) ERR wrong number of arguments for \'keys\' command
        > MULTI
        OK
        > KEYS {user}2
        QUEUED
        > KEYS *
        QUEUED
        > EXEC
        1) 1) "{user}2"
        2) 1) "{user}2"
    "#]]);
}

#[test]
fn randomkey_is_a_key_that_is_there() {
    check(expect![[r#"
        > RANDOMKEY
        (nil)
        > SET only v
        OK
        > RANDOMKEY
        "only"
        > SET only v PX 10
        OK
        @ +11ms
        > RANDOMKEY
        (nil)
        > RANDOMKEY any
        (error) ERR wrong number of arguments for \'randomkey\' command
    "#]]);
}

#[test]
fn object_tells_how_a_value_is_kept() {
    check(expect![[r#"
        > SET i 9999
        OK
        > OBJECT ENCODING i
        "int"
        > OBJECT REFCOUNT i
        (integer) 2147483647
        > SET i 10000
        OK
        > OBJECT REFCOUNT i
        (integer) 1
        > SET i -1
        OK
        > OBJECT REFCOUNT i
        (integer) 1
        > SET s short
        OK
        > OBJECT ENCODING s
        "embstr"
        > object refcount s
        (integer) 1
        > SET s aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        OK
        > OBJECT ENCODING s
        "raw"
        > OBJECT ENCODING nokey
        (nil)
        > OBJECT REFCOUNT nokey
        (nil)
        > OBJECT IDLETIME nokey
        (nil)
        > OBJECT FREQ nokey
        (nil)
        > OBJECT FREQ s
        (error) ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
        > OBJECT
        (error) ERR wrong number of arguments for \'object\' command
        > OBJECT ENCODING
        (error) ERR wrong number of arguments for \'object|encoding\' command
        > OBJECT ENCODING s s
        (error) ERR wrong number of arguments for \'object|encoding\' command
        > OBJECT SIZE s
        (error) ERR unknown subcommand \'SIZE\'. Try OBJECT HELP.
        > OBJECT HELP s
        (error) ERR wrong number of arguments for \'object|help\' command
    "#]]);
}

#[test]
fn idle_time_is_since_the_last_use() {
    check(expect![[r#"
        > SET k v
        OK
        @ +3s
        > OBJECT IDLETIME k
        (integer) 3
        > EXISTS k
        (integer) 1
        > TYPE k
        string
        > TTL k
        (integer) -1
        > OBJECT ENCODING k
        "embstr"
        > OBJECT IDLETIME k
        (integer) 3
        > TOUCH k
        (integer) 1
        > OBJECT IDLETIME k
        (integer) 0
        @ +2s
        > RENAME k other
        OK
        > OBJECT IDLETIME other
        (integer) 0
        @ +2s
        > GET other
        "v"
        > OBJECT IDLETIME other
        (integer) 0
    "#]]);
}

mod policies;
mod replay;

#[test]
fn a_look_at_a_missing_key_is_no_miss_that_is_told() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events AKEmn
        OK
        listener> PSUBSCRIBE __keyevent@*
        1) "psubscribe"
        2) "__keyevent@*"
        3) (integer) 1
        > OBJECT ENCODING none
        (nil)
        > OBJECT REFCOUNT none
        (nil)
        > OBJECT IDLETIME none
        (nil)
        > OBJECT FREQ none
        (nil)
        listener<
        (no reply)
        > TYPE none
        none
        listener<
        1) "pmessage"
        2) "__keyevent@*"
        3) "__keyevent@0__:keymiss"
        4) "none"
    "#]]);
}
