use expect_test::expect;

use engine::Command;
use engine::command::Reach;

use crate::sort::{SORT, SORT_RO};
use crate::testing::check;

#[test]
fn the_keys_are_the_source_and_the_last_target() {
    check(expect![[r#"
        > COMMAND GETKEYS SORT abc STORE def
        1) "abc"
        2) "def"
        > COMMAND GETKEYS SORT abc STORE a STORE b STORE def
        1) "abc"
        2) "def"
        > COMMAND GETKEYS SORT abc STORE
        1) "abc"
        > COMMAND GETKEYS SORT abc BY STORE STORE z
        1) "abc"
        2) "z"
        > COMMAND GETKEYS SORT abc GET STORE def
        1) "abc"
        > COMMAND GETKEYS SORT abc LIMIT STORE STORE x
        1) "abc"
        > COMMAND GETKEYS SORT abc STORE z GET
        1) "abc"
        2) "z"
        > COMMAND GETKEYS SORT abc STORE abc
        1) "abc"
        2) "abc"
        > COMMAND GETKEYS SORT abc BY w_* GET #
        1) "abc"
        > COMMAND GETKEYS SORT_RO abc
        1) "abc"
        > COMMAND GETKEYSANDFLAGS SORT abc BY w_* STORE x
        1) 1) "abc"
           2) 1) RO
              2) access
        2) 1) "x"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS SORT_RO abc BY w_*
        1) 1) "abc"
           2) 1) RO
              2) access
    "#]]);
}

#[test]
fn clients_are_told_what_is_hidden() {
    check(expect![[r#"
        > COMMAND INFO SORT SORT_RO
        1)  1) "sort"
            2) (integer) -2
            3) 1) write
               2) denyoom
               3) movablekeys
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @write
               2) @set
               3) @sortedset
               4) @list
               5) @slow
               6) @dangerous
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
               2) 1) "notes"
                  2) "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort"
                  3) "flags"
                  4) 1) RO
                     2) access
                  5) "begin_search"
                  6) 1) "type"
                     2) "unknown"
                     3) "spec"
                     4) (empty array)
                  7) "find_keys"
                  8) 1) "type"
                     2) "unknown"
                     3) "spec"
                     4) (empty array)
               3) 1) "notes"
                  2) "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array"
                  3) "flags"
                  4) 1) OW
                     2) update
                  5) "begin_search"
                  6) 1) "type"
                     2) "unknown"
                     3) "spec"
                     4) (empty array)
                  7) "find_keys"
                  8) 1) "type"
                     2) "unknown"
                     3) "spec"
                     4) (empty array)
           10) (empty array)
        2)  1) "sort_ro"
            2) (integer) -2
            3) 1) readonly
               2) movablekeys
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @read
               2) @set
               3) @sortedset
               4) @list
               5) @slow
               6) @dangerous
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
               2) 1) "notes"
                  2) "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort"
                  3) "flags"
                  4) 1) RO
                     2) access
                  5) "begin_search"
                  6) 1) "type"
                     2) "unknown"
                     3) "spec"
                     4) (empty array)
                  7) "find_keys"
                  8) 1) "type"
                     2) "unknown"
                     3) "spec"
                     4) (empty array)
           10) (empty array)
    "#]]);
}

fn reach(command: &Command, request: &str) -> Reach {
    let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
    let finder = command.finder.expect("its keys are found by looking");
    finder(&words, &mut |_, _| {})
}

#[test]
fn only_patterns_reach_beyond_the_declared_keys() {
    for request in [
        "SORT",
        "SORT k",
        "SORT k STORE m",
        "SORT k BY nosort GET # GET constant LIMIT 0 1 STORE m*",
        "SORT k* LIMIT * * ALPHA",
        "SORT k BY",
    ] {
        assert_eq!(reach(&SORT, request), Reach::Declared, "{request}");
    }
    for request in [
        "SORT k BY w_*",
        "SORT k STORE m GET *->f",
        "sort k by x get *",
    ] {
        assert_eq!(reach(&SORT, request), Reach::Everything, "{request}");
        assert_eq!(reach(&SORT_RO, request), Reach::Everything, "{request}");
    }
}
