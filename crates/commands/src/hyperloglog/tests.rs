use expect_test::expect;

use crate::testing::{check, check_log, events};

mod corruption;

#[test]
fn elements_are_counted() {
    check(expect![[r#"
        > PFCOUNT k
        (integer) 0
        > PFADD k
        (integer) 1
        > PFADD k
        (integer) 0
        > PFCOUNT k
        (integer) 0
        > PFADD k a b c
        (integer) 1
        > PFADD k a b c
        (integer) 0
        > PFADD k ""
        (integer) 1
        > PFCOUNT k
        (integer) 4
        > PFADD k 1 2 3 4 5 6 7 8 8 9 10
        (integer) 1
        > PFCOUNT k
        (integer) 14
        > OBJECT ENCODING k
        "raw"
        > TYPE k
        string
        > SET {k}n v PXAT 99999999999999
        OK
        > PFADD e a
        (integer) 1
        > EXPIREAT e 99999999999
        (integer) 1
        > PFADD e b
        (integer) 1
        > PEXPIRETIME e
        (integer) 99999999999000
        > PFCOUNT e
        (integer) 2
        > PEXPIRETIME e
        (integer) 99999999999000
        > PFADD
        (error) ERR wrong number of arguments for \'pfadd\' command
        > PFCOUNT
        (error) ERR wrong number of arguments for \'pfcount\' command
    "#]]);
}

#[test]
fn the_bytes_are_what_clients_know() {
    check(expect![[r#"
        > PFADD k
        (integer) 1
        > GET k
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > PFCOUNT k
        (integer) 0
        > GET k
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        > PFADD k a b c
        (integer) 1
        > GET k
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFCOUNT k
        (integer) 3
        > GET k
        "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFADD k a
        (integer) 0
        > GET k
        "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00`\xf3\x80P\xb1\x84K\xfb\x80BZ"
        > PFADD k d
        (integer) 1
        > GET k
        "HYLL\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x80\\{\x80Dv\x80P\xb1\x84K\xfb\x80BZ"
        > PFDEBUG DECODE k
        "Z:7292 v:1,1 Z:1143 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
    "#]]);
}

#[test]
fn a_value_of_the_client_is_taken() {
    check(expect![[r#"
        > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > OBJECT ENCODING k
        "embstr"
        > PFCOUNT k
        (integer) 0
        > OBJECT ENCODING k
        "raw"
        > PFADD k
        (integer) 0
        > OBJECT ENCODING k
        "raw"
        > PFADD k a
        (integer) 1
        > OBJECT ENCODING k
        "raw"
        > PFCOUNT k
        (integer) 1
        > SET k "HYLL\x01abc\x07\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > PFCOUNT k
        (integer) 7
        > PFCOUNT k k
        (integer) 0
        > PFADD k a
        (integer) 1
        > PFCOUNT k
        (integer) 1
        > GET k
        "HYLL\x01abc\x01\x00\x00\x00\x00\x00\x00\x00q\xa6\x84NW"
    "#]]);
}

#[test]
fn values_are_merged() {
    check(expect![[r#"
        > PFADD {k}a a b c
        (integer) 1
        > PFADD {k}b b c d
        (integer) 1
        > PFADD {k}c c d e
        (integer) 1
        > PFCOUNT {k}a {k}b
        (integer) 4
        > PFCOUNT {k}a {k}b {k}c {k}nokey
        (integer) 5
        > PFCOUNT {k}nokey {k}nokey
        (integer) 0
        > PFMERGE {k}d {k}a {k}b {k}c {k}nokey
        OK
        > PFCOUNT {k}d
        (integer) 5
        > GET {k}d
        "HYLL\x01\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\\{\x80Dv\x80P\xb1\x84I\x8c\x80Bm\x80BZ"
        > PFMERGE {k}a {k}a {k}b
        OK
        > PFCOUNT {k}a
        (integer) 4
        > PFDEBUG ENCODING {k}a
        sparse
        > PFDEBUG TODENSE {k}c
        (integer) 1
        > PFMERGE {k}a {k}c
        OK
        > PFCOUNT {k}a
        (integer) 5
        > PFDEBUG ENCODING {k}a
        dense
        > PFMERGE {k}e
        OK
        > GET {k}e
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff"
        > OBJECT ENCODING {k}e
        "raw"
        > EXPIREAT {k}e 99999999999
        (integer) 1
        > PFMERGE {k}e {k}b
        OK
        > PEXPIRETIME {k}e
        (integer) 99999999999000
        > PFMERGE
        (error) ERR wrong number of arguments for \'pfmerge\' command
    "#]]);
}

#[test]
fn a_value_becomes_dense_at_its_limit() {
    check(expect![[r#"
        > CONFIG SET hll-sparse-max-bytes 25
        OK
        > PFADD k a
        (integer) 1
        > PFADD k b
        (integer) 1
        > PFDEBUG DECODE k
        "Z:12711 v:2,1 Z:3068 v:1,1 Z:603"
        > STRLEN k
        (integer) 24
        > PFADD k c
        (integer) 1
        > PFDEBUG ENCODING k
        dense
        > STRLEN k
        (integer) 12304
        > PFCOUNT k
        (integer) 3
        > PFDEBUG DECODE k
        (error) ERR HLL encoding is not sparse
        > CONFIG SET hll-sparse-max-bytes 0
        OK
        > PFADD z
        (integer) 1
        > PFDEBUG ENCODING z
        sparse
        > PFADD z a
        (integer) 1
        > PFDEBUG ENCODING z
        dense
        > PFCOUNT z
        (integer) 1
        > OBJECT ENCODING z
        "raw"
        > CONFIG SET hll-sparse-max-bytes 3000
        OK
    "#]]);
}

#[test]
fn debugging_shows_what_a_value_consists_of() {
    check(expect![[r#"
        > PFDEBUG ENCODING k
        (error) ERR The specified key does not exist
        > PFDEBUG nosuch k
        (error) ERR The specified key does not exist
        > PFADD k a b c d e f
        (integer) 1
        > PFDEBUG encoding k
        sparse
        > PFDEBUG decode k
        "Z:1646 v:1,1 Z:5645 v:1,1 Z:1143 v:1,1 Z:4274 v:2,1 Z:2445 v:1,1 Z:622 v:1,1 Z:603"
        > PFDEBUG nosuch k
        (error) ERR Unknown PFDEBUG subcommand \'nosuch\'
        > PFDEBUG "" k
        (error) ERR Unknown PFDEBUG subcommand \'\'
        > PFDEBUG TODENSE k
        (integer) 1
        > PFDEBUG TODENSE k
        (integer) 0
        > PFDEBUG ENCODING k
        dense
        > PFDEBUG DECODE k
        (error) ERR HLL encoding is not sparse
        > PFCOUNT k
        (integer) 6
        > SET s text
        OK
        > PFDEBUG ENCODING s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFDEBUG nosuch s
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFDEBUG k
        (error) ERR wrong number of arguments for \'pfdebug\' command
        > PFDEBUG GETREG
        (error) ERR wrong number of arguments for \'pfdebug\' command
        > PFDEBUG
        (error) ERR wrong number of arguments for \'pfdebug\' command
    "#]]);
}

#[test]
fn registers_are_listed_one_by_one() {
    let mut node = testkit::Node::new(crate::table());
    testkit::replay(&mut node, "> PFADD k a b\n");
    let words = [b"PFDEBUG".to_vec(), b"GETREG".to_vec(), b"k".to_vec()];
    let Some(resp::value::Value::Array(ranks)) = node.command("", &words) else {
        panic!("registers are an array");
    };
    assert_eq!(ranks.len(), 16384);
    let empty = resp::value::Value::Integer(0);
    assert_eq!(ranks.iter().filter(|rank| **rank != empty).count(), 2);
    assert_eq!(ranks[12711], resp::value::Value::Integer(2));
    let told = testkit::replay(&mut node, "> PFDEBUG ENCODING k\n");
    assert!(told.ends_with("dense\n"), "{told}");
}

#[test]
fn the_self_test_passes() {
    check(expect![[r#"
        > PFSELFTEST
        OK
        > PFSELFTEST 1
        (error) ERR wrong number of arguments for \'pfselftest\' command
    "#]]);
}

#[test]
fn changes_are_logged_and_so_is_a_cardinality_that_is_kept() {
    check_log(
        "
        > PFADD {k}b b
        # log
        > PFADD {k}a
        > PFADD {k}a
        > PFCOUNT {k}a
        > PFCOUNT {k}a
        > PFADD {k}a a b
        > PFADD {k}a a b
        > PFCOUNT {k}a {k}b
        > PFCOUNT {k}a
        > PFCOUNT {k}a
        > PFMERGE {k}a {k}b
        > PFDEBUG ENCODING {k}a
        > PFDEBUG DECODE {k}a
        > PFDEBUG GETREG {k}a
        > PFDEBUG GETREG {k}a
        > PFDEBUG TODENSE {k}a
        > PFDEBUG TODENSE {k}b
        ",
        expect![[r#"
            SELECT 0
            PFADD {k}a
            PFCOUNT {k}a
            PFADD {k}a a b
            PFCOUNT {k}a
            PFMERGE {k}a {k}b
            PFDEBUG GETREG {k}a
            PFDEBUG TODENSE {k}b
        "#]],
    );
}

#[test]
fn changes_are_told_to_listeners() {
    let told = events(
        "> PFADD {k}a\n> PFADD {k}a\n> PFADD {k}a a\n> PFADD {k}a a\n> PFCOUNT {k}a\n\
         > PFMERGE {k}b {k}a\n> PFMERGE {k}b {k}a\n> PFDEBUG TODENSE {k}b\n",
    );
    let expected = ["pfadd {k}a", "pfadd {k}a", "pfadd {k}b", "pfadd {k}b"];
    let told: Vec<&str> = told
        .iter()
        .map(String::as_str)
        .filter(|told| !told.starts_with("new "))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn specifications_are_as_clients_know_them() {
    check(expect![[r#"
        > COMMAND INFO pfadd pfcount pfdebug pfmerge pfselftest
        1)  1) "pfadd"
            2) (integer) -2
            3) 1) write
               2) denyoom
               3) fast
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @write
               2) @hyperloglog
               3) @fast
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RW
                     2) insert
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
        2)  1) "pfcount"
            2) (integer) -2
            3) 1) readonly
            4) (integer) 1
            5) (integer) -1
            6) (integer) 1
            7) 1) @read
               2) @hyperloglog
               3) @slow
            8) (empty array)
            9) 1) 1) "notes"
                  2) "RW because it may change the internal representation of the key, and propagate to replicas"
                  3) "flags"
                  4) 1) RW
                     2) access
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
                        2) (integer) -1
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        3)  1) "pfdebug"
            2) (integer) 3
            3) 1) write
               2) denyoom
               3) admin
            4) (integer) 2
            5) (integer) 2
            6) (integer) 1
            7) 1) @write
               2) @hyperloglog
               3) @admin
               4) @slow
               5) @dangerous
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RW
                     2) access
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
           10) (empty array)
        4)  1) "pfmerge"
            2) (integer) -2
            3) 1) write
               2) denyoom
            4) (integer) 1
            5) (integer) -1
            6) (integer) 1
            7) 1) @write
               2) @hyperloglog
               3) @slow
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RW
                     2) access
                     3) insert
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
               2) 1) "flags"
                  2) 1) RO
                     2) access
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
                        2) (integer) -1
                        3) "keystep"
                        4) (integer) 1
                        5) "limit"
                        6) (integer) 0
           10) (empty array)
        5)  1) "pfselftest"
            2) (integer) 1
            3) 1) admin
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @hyperloglog
               2) @admin
               3) @slow
               4) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        > COMMAND GETKEYSANDFLAGS PFMERGE d a b
        1) 1) "d"
           2) 1) RW
              2) access
              3) insert
        2) 1) "a"
           2) 1) RO
              2) access
        3) 1) "b"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS PFCOUNT a b
        1) 1) "a"
           2) 1) RW
              2) access
        2) 1) "b"
           2) 1) RW
              2) access
        > COMMAND GETKEYSANDFLAGS PFADD a b
        1) 1) "a"
           2) 1) RW
              2) insert
        > COMMAND GETKEYSANDFLAGS PFDEBUG DECODE a
        1) 1) "a"
           2) 1) RW
              2) access
    "#]]);
}

#[test]
fn a_destination_alone_is_a_key() {
    let mut node = testkit::Node::new(crate::table());
    let told = testkit::replay(&mut node, "> COMMAND GETKEYS PFMERGE d\n");
    assert!(told.ends_with("1) \"d\"\n"), "{told}");
}
