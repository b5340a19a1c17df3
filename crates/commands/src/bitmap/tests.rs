use config::{ByteSize, Config};
use expect_test::{Expect, expect};
use testkit::Node;

use crate::testing::{check, check_log, events};

mod field;
mod range;

#[test]
fn single_bits_are_set_and_read() {
    check(expect![[r#"
        > GETBIT k 0
        (integer) 0
        > SETBIT k 0 0
        (integer) 0
        > STRLEN k
        (integer) 1
        > OBJECT ENCODING k
        "raw"
        > SETBIT k 15 1
        (integer) 0
        > GET k
        "\x00\x01"
        > SETBIT k 15 1
        (integer) 1
        > SETBIT k 15 0
        (integer) 1
        > GET k
        "\x00\x00"
        > GETBIT k 15
        (integer) 0
        > GETBIT k 100
        (integer) 0
        > SET k @
        OK
        > GETBIT k 0
        (integer) 0
        > GETBIT k 1
        (integer) 1
        > SETBIT k 2 1
        (integer) 0
        > GET k
        "`"
        > SET k 1
        OK
        > GETBIT k 7
        (integer) 1
        > OBJECT ENCODING k
        "int"
        > SETBIT k 6 1
        (integer) 0
        > GET k
        "3"
        > OBJECT ENCODING k
        "raw"
        > SET k v PXAT 99999999999999
        OK
        > SETBIT k 7 1
        (integer) 0
        > GET k
        "w"
        > PEXPIRETIME k
        (integer) 99999999999999
    "#]]);
}

#[test]
fn a_string_that_stays_the_same_becomes_raw() {
    check(expect![[r#"
        > SET k 1
        OK
        > SETBIT k 7 1
        (integer) 1
        > OBJECT ENCODING k
        "raw"
        > GET k
        "1"
        > SET k abc
        OK
        > SETBIT k 0 0
        (integer) 0
        > OBJECT ENCODING k
        "raw"
        > SET k 5
        OK
        > BITFIELD k SET u8 0 53
        1) (integer) 53
        > OBJECT ENCODING k
        "raw"
        > SET k 5
        OK
        > BITFIELD k GET u8 0
        1) (integer) 53
        > OBJECT ENCODING k
        "int"
        > INCR k
        (integer) 6
        > WATCH k
        OK
        > SETBIT k 0 0
        (integer) 0
        > BITFIELD k SET u8 0 54
        1) (integer) 54
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        1) "6"
        > WATCH k
        OK
        > SETBIT k 0 1
        (integer) 0
        > MULTI
        OK
        > GET k
        QUEUED
        > EXEC
        (nil)
    "#]]);
}

#[test]
fn offsets_end_where_strings_do() {
    check(expect![[r#"
        > SETBIT k -1 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k abc 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 1.5 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 01 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 4294967296 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 9223372036854775807 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 9223372036854775808 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k #1 1
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 0 2
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 -1
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 abc
        (error) ERR bit is not an integer or out of range
        > SETBIT k 0 01
        (error) ERR bit is not an integer or out of range
        > SETBIT k -1 2
        (error) ERR bit offset is not an integer or out of range
        > SETBIT k 0
        (error) ERR wrong number of arguments for \'setbit\' command
        > SETBIT k 0 1 1
        (error) ERR wrong number of arguments for \'setbit\' command
        > GETBIT k -1
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k abc
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k 4294967296
        (error) ERR bit offset is not an integer or out of range
        > GETBIT k 4294967295
        (integer) 0
        > GETBIT k
        (error) ERR wrong number of arguments for \'getbit\' command
        > GETBIT k 0 0
        (error) ERR wrong number of arguments for \'getbit\' command
        > EXISTS k
        (integer) 0
    "#]]);
}

#[test]
fn the_longest_string_limits_offsets() {
    let transcript = expect![[r#"
        > SETBIT k 31 1
        (error) ERR Protocol error: invalid bulk length
        > SETBIT k 32 1
        (error) ERR Protocol error: invalid bulk length
        > GETBIT k 31
        (error) ERR Protocol error: invalid bulk length
        > GETBIT k 32
        (error) ERR Protocol error: invalid bulk length
        > BITFIELD k GET u8 #3 GET u8 31
        (error) ERR Protocol error: invalid bulk length
        > BITFIELD k SET u8 #4 1
        (error) ERR Protocol error: invalid bulk length
        > GET k
        (nil)
    "#]];
    replay_with_longest(4, &transcript);
}

#[test]
fn operations_combine_strings_of_all_lengths() {
    check(expect![[r#"
        > SET {k}a "\x01\x02\xff"
        OK
        > SET {k}b "\x01\x02\xff\xff"
        OK
        > SET {k}e ""
        OK
        > BITOP AND {k}d {k}a {k}b
        (integer) 4
        > GET {k}d
        "\x01\x02\xff\x00"
        > OBJECT ENCODING {k}d
        "raw"
        > BITOP or {k}d {k}a {k}b
        (integer) 4
        > GET {k}d
        "\x01\x02\xff\xff"
        > BITOP XOR {k}d {k}a {k}b
        (integer) 4
        > GET {k}d
        "\x00\x00\x00\xff"
        > BITOP NOT {k}d {k}a
        (integer) 3
        > GET {k}d
        "\xfe\xfd\x00"
        > BITOP AND {k}d {k}a
        (integer) 3
        > GET {k}d
        "\x01\x02\xff"
        > BITOP AND {k}d {k}a {k}nokey
        (integer) 3
        > GET {k}d
        "\x00\x00\x00"
        > BITOP OR {k}d {k}a {k}nokey {k}e
        (integer) 3
        > GET {k}d
        "\x01\x02\xff"
        > BITOP XOR {k}d {k}a {k}a
        (integer) 3
        > GET {k}d
        "\x00\x00\x00"
        > BITOP XOR {k}d {k}a {k}a {k}a
        (integer) 3
        > GET {k}d
        "\x01\x02\xff"
        > BITOP NOT {k}a {k}a
        (integer) 3
        > GET {k}a
        "\xfe\xfd\x00"
        > BITOP XOR {k}a {k}a {k}b {k}a
        (integer) 4
        > GET {k}a
        "\x01\x02\xff\xff"
        > SET {k}i 123
        OK
        > BITOP AND {k}i {k}i
        (integer) 3
        > GET {k}i
        "123"
        > OBJECT ENCODING {k}i
        "raw"
        > SET {k}d v PXAT 99999999999999
        OK
        > BITOP OR {k}d {k}i
        (integer) 3
        > PEXPIRETIME {k}d
        (integer) -1
    "#]]);
}

#[test]
fn an_empty_result_is_no_key() {
    check(expect![[r#"
        > SET {k}d v
        OK
        > BITOP AND {k}d {k}nokey
        (integer) 0
        > EXISTS {k}d
        (integer) 0
        > SET {k}e ""
        OK
        > SET {k}d v
        OK
        > BITOP NOT {k}d {k}e
        (integer) 0
        > EXISTS {k}d
        (integer) 0
        > BITOP NOT {k}e {k}e
        (integer) 0
        > EXISTS {k}e
        (integer) 0
        > BITOP OR {k}d {k}nokey {k}nokey
        (integer) 0
    "#]]);
}

#[test]
fn operations_are_refused_before_anything_is_read() {
    check(expect![[r#"
        > SET {k}a a
        OK
        > BITOP nosuch {k}d {k}a
        (error) ERR syntax error
        > BITOP "" {k}d {k}a
        (error) ERR syntax error
        > BITOP NOT {k}d {k}a {k}a
        (error) ERR BITOP NOT must be called with a single source key.
        > BITOP NOT {k}d
        (error) ERR wrong number of arguments for \'bitop\' command
        > BITOP AND {k}d
        (error) ERR wrong number of arguments for \'bitop\' command
        > BITOP
        (error) ERR wrong number of arguments for \'bitop\' command
        > EXISTS {k}d
        (integer) 0
    "#]]);
}

#[test]
fn only_changes_are_logged() {
    check_log(
        "
        > SET {k}a 1
        # log
        > SETBIT {k}a 7 1
        > SETBIT {k}a 7 0
        > SETBIT {k}b 0 0
        > SETBIT {k}b 0 0
        > SETBIT {k}b 8 0
        > GETBIT {k}b 8
        > BITOP NOT {k}c {k}b
        > BITOP OR {k}c {k}nokey
        > BITOP OR {k}c {k}nokey
        > BITFIELD {k}d GET u8 0
        > BITFIELD {k}d SET u8 0 0
        > BITFIELD {k}d SET u8 0 0
        > BITFIELD {k}d GET u8 0 INCRBY u2 0 5 OVERFLOW FAIL INCRBY u2 0 3
        > BITFIELD {k}d OVERFLOW FAIL INCRBY u2 0 3
        > BITFIELD {k}d OVERFLOW FAIL INCRBY u2 8 4
        > BITFIELD_RO {k}d GET u2 0
        ",
        expect![[r#"
            SELECT 0
            SETBIT {k}a 7 0
            SETBIT {k}b 0 0
            SETBIT {k}b 8 0
            BITOP NOT {k}c {k}b
            BITOP OR {k}c {k}nokey
            BITFIELD {k}d SET u8 0 0
            BITFIELD {k}d GET u8 0 INCRBY u2 0 5 OVERFLOW FAIL INCRBY u2 0 3
            BITFIELD {k}d OVERFLOW FAIL INCRBY u2 8 4
        "#]],
    );
}

#[test]
fn changes_are_told_to_listeners() {
    let told = events(
        "> SETBIT {k}a 0 0\n> SETBIT {k}a 0 0\n> SETBIT {k}a 0 1\n> BITFIELD {k}a SET u1 0 1\n\
         > BITFIELD {k}a SET u1 0 0 SET u1 1 1\n> BITFIELD {k}a GET u8 0\n> BITOP NOT {k}b {k}a\n\
         > BITOP OR {k}b {k}n\n> BITOP OR {k}b {k}n\n> GETBIT {k}a 0\n",
    );
    let expected = [
        "setbit {k}a",
        "setbit {k}a",
        "setbit {k}a",
        "set {k}b",
        "del {k}b",
    ];
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|told| !told.starts_with("new "))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn reads_are_hits_and_misses() {
    let mut node = Node::new(crate::table());
    let script = "> SETBIT {k}a 1 1\n> GETBIT {k}a 1\n> GETBIT {k}n 1\n> BITCOUNT {k}a\n\
                  > BITPOS {k}n 1\n> BITFIELD {k}a GET u8 0\n> BITFIELD {k}n\n\
                  > BITOP OR {k}d {k}a {k}a {k}n\n> BITFIELD {k}a SET u8 0 1\n> INFO stats\n";
    let told = testkit::replay(&mut node, script);
    let counts: Vec<&str> = told
        .split("\\r\\n")
        .filter(|line| line.starts_with("keyspace_"))
        .collect();
    assert_eq!(counts, ["keyspace_hits:5", "keyspace_misses:4"]);
}

#[test]
fn keys_are_found_with_what_is_done_to_them() {
    check(expect![[r#"
        > COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 OVERFLOW WRAP
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITFIELD k get u8 0 set
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS BITFIELD k GET u8
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS BITFIELD k INCRBY u8 0 1
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS BITFIELD k nosuch
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS BITFIELD_RO k GET u8 0
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITOP AND d a b
        1) 1) "d"
           2) 1) OW
              2) update
        2) 1) "a"
           2) 1) RO
              2) access
        3) 1) "b"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS SETBIT k 0 1
        1) 1) "k"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS GETBIT k 0
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITCOUNT k
        1) 1) "k"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS BITPOS k 1
        1) 1) "k"
           2) 1) RO
              2) access
    "#]]);
}

#[test]
fn specifications_are_as_clients_know_them() {
    check(expect![[r#"
        > COMMAND INFO bitcount bitfield bitfield_ro bitop bitpos getbit setbit
        1)  1) "bitcount"
            2) (integer) -2
            3) 1) readonly
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @read
               2) @bitmap
               3) @slow
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RO
                     2) access
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 1
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        2)  1) "bitfield"
            2) (integer) -2
            3) 1) write
               2) denyoom
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @write
               2) @bitmap
               3) @slow
            8) (empty array)
            9) 1) 1) "notes"
                  2) "This command allows both access and modification of the key"
                  3) "flags"
                  4) 1) RW
                     2) access
                     3) update
                     4) variable_flags
                  5) "begin_search"
                  6) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 1
                  7) "find_keys"
                  8) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        3)  1) "bitfield_ro"
            2) (integer) -2
            3) 1) readonly
               2) fast
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @read
               2) @bitmap
               3) @fast
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RO
                     2) access
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 1
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        4)  1) "bitop"
            2) (integer) -4
            3) 1) write
               2) denyoom
            4) (integer) 2
            5) (integer) -1
            6) (integer) 1
            7) 1) @write
               2) @bitmap
               3) @slow
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) OW
                     2) update
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 2
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
               2) 1) "flags"
                  2) 1) RO
                     2) access
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 3
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) -1
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        5)  1) "bitpos"
            2) (integer) -3
            3) 1) readonly
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @read
               2) @bitmap
               3) @slow
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RO
                     2) access
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 1
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        6)  1) "getbit"
            2) (integer) 3
            3) 1) readonly
               2) fast
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @read
               2) @bitmap
               3) @fast
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RO
                     2) access
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 1
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        7)  1) "setbit"
            2) (integer) 4
            3) 1) write
               2) denyoom
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @write
               2) @bitmap
               3) @slow
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RW
                     2) access
                     3) update
                  3) "begin_search"
                  4) 1) "type"
                     2) "index"
                     3) "spec"
                     4) 1) "index"
                        2) (integer) 1
                  5) "find_keys"
                  6) 1) "type"
                     2) "range"
                     3) "spec"
                     4) 1) "lastkey"
                        2) (integer) 0
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
    "#]]);
}

/// As [`check`], to a node whose longest string has `bytes`.
#[track_caller]
fn replay_with_longest(bytes: u64, transcript: &Expect) {
    let mut config = Config::default();
    config.clients.bulk_len_max = ByteSize(bytes);
    let mut node = Node::with_config(crate::table(), config);
    transcript.assert_eq(&testkit::replay(&mut node, transcript.data()));
}

#[test]
fn a_result_over_another_value_is_no_new_key() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events AKEmn
        OK
        > MSET a 1 b 2
        OK
        listener> PSUBSCRIBE __keyevent@*
        1) "psubscribe"
        2) "__keyevent@*"
        3) (integer) 1
        > BITOP AND a a b
        (integer) 1
        listener<
        1) "pmessage"
        2) "__keyevent@*"
        3) "__keyevent@0__:set"
        4) "a"
        listener<
        (no reply)
        > BITOP AND c a b
        (integer) 1
        listener<
        1) "pmessage"
        2) "__keyevent@*"
        3) "__keyevent@0__:new"
        4) "c"
        listener<
        1) "pmessage"
        2) "__keyevent@*"
        3) "__keyevent@0__:set"
        4) "c"
    "#]]);
}
