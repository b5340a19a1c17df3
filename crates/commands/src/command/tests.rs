use engine::reply::Reply;
use expect_test::expect;
use resp::Protocol;

use crate::testing::check;

#[test]
fn command_info_describes_what_there_is() {
    check(expect![[r#"
        > COMMAND INFO get nosuch get|key command|count config|get|key
        1)  1) "get"
            2) (integer) 2
            3) 1) readonly
               2) fast
            4) (integer) 1
            5) (integer) 1
            6) (integer) 1
            7) 1) @read
               2) @string
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
        2) (nil)
        3) (nil)
        4)  1) "command|count"
            2) (integer) 2
            3) 1) loading
               2) stale
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @slow
               2) @connection
            8) (empty array)
            9) (empty array)
           10) (empty array)
        5) (nil)
        > COMMAND INFO memory|usage
        1)  1) "memory|usage"
            2) (integer) -3
            3) 1) readonly
            4) (integer) 2
            5) (integer) 2
            6) (integer) 1
            7) 1) @read
               2) @slow
            8) (empty array)
            9) 1) 1) "flags"
                  2) 1) RO
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
    "#]]);
}

#[test]
fn command_docs_describes_for_people() {
    check(expect![[r#"
        > COMMAND DOCS nosuch
        (empty array)
        > COMMAND DOCS get
        1) "get"
        2)  1) "summary"
            2) "Returns the string a key holds."
            3) "since"
            4) "1.0.0"
            5) "group"
            6) "string"
            7) "complexity"
            8) "O(1)"
            9) "arguments"
           10) 1) 1) "name"
                  2) "key"
                  3) "type"
                  4) "key"
                  5) "key_spec_index"
                  6) (integer) 0
        > COMMAND DOCS command|list
        1) "command|list"
        2)  1) "summary"
            2) "Lists the names of commands and subcommands."
            3) "since"
            4) "7.0.0"
            5) "group"
            6) "server"
            7) "complexity"
            8) "O(N) where N is the total number of commands"
            9) "arguments"
           10) 1)  1) "name"
                   2) "module-name_category_pattern"
                   3) "type"
                   4) "oneof"
                   5) "token"
                   6) "FILTERBY"
                   7) "flags"
                   8) 1) optional
                   9) "arguments"
                  10) 1) 1) "name"
                         2) "module-name"
                         3) "type"
                         4) "string"
                         5) "token"
                         6) "MODULE"
                      2) 1) "name"
                         2) "category"
                         3) "type"
                         4) "string"
                         5) "token"
                         6) "ACLCAT"
                      3) 1) "name"
                         2) "pattern"
                         3) "type"
                         4) "pattern"
                         5) "token"
                         6) "PATTERN"
    "#]]);
}

#[test]
fn command_getkeys_finds_keys_without_running() {
    check(expect![[r#"
        > COMMAND GETKEYS get key
        1) "key"
        > COMMAND GETKEYS GET key
        1) "key"
        > COMMAND GETKEYS watch a b c
        1) "a"
        2) "b"
        3) "c"
        > COMMAND GETKEYS memory usage key
        1) "key"
        > COMMAND GETKEYSANDFLAGS get key
        1) 1) "key"
           2) 1) RO
              2) access
        > COMMAND GETKEYSANDFLAGS set key value
        1) 1) "key"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS set key value nx GeT
        1) 1) "key"
           2) 1) RW
              2) access
              3) update
        > COMMAND GETKEYSANDFLAGS set key get
        1) 1) "key"
           2) 1) OW
              2) update
        > COMMAND GETKEYSANDFLAGS watch a b
        1) 1) "a"
           2) 1) RO
        2) 1) "b"
           2) 1) RO
        > COMMAND GETKEYS get
        (error) ERR wrong number of arguments for \'command|getkeys\' command
        > COMMAND GETKEYS get a b
        (error) ERR Invalid number of arguments specified for command
        > COMMAND GETKEYS nosuch a
        (error) ERR Invalid command specified
        > COMMAND GETKEYS memory nosuch
        (error) ERR Invalid command specified
        > COMMAND GETKEYS memory usage
        (error) ERR Invalid number of arguments specified for command
        > COMMAND GETKEYS ping a
        (error) ERR The command has no key arguments
        > COMMAND GETKEYSANDFLAGS ping a
        (error) ERR The command has no key arguments
        > COMMAND GETKEYSANDFLAGS nosuch a
        (error) ERR Invalid command specified
    "#]]);
}

#[test]
fn command_list_is_filtered() {
    check(expect![[r#"
        > COMMAND LIST FILTERBY PATTERN get
        1) "get"
        > COMMAND LIST FILTERBY PATTERN COMMAND|*
        1) "command|count"
        2) "command|docs"
        3) "command|getkeys"
        4) "command|getkeysandflags"
        5) "command|help"
        6) "command|info"
        7) "command|list"
        > COMMAND LIST FILTERBY aclcat TRANSACTION
        1) "discard"
        2) "exec"
        3) "multi"
        4) "unwatch"
        5) "watch"
        > COMMAND LIST FILTERBY ACLCAT nosuch
        (empty array)
        > COMMAND LIST FILTERBY MODULE nosuch
        (empty array)
        > COMMAND LIST FILTERBY PATTERN ""
        (empty array)
        > COMMAND LIST bad
        (error) ERR syntax error
        > COMMAND LIST FILTERBY
        (error) ERR syntax error
        > COMMAND LIST FILTERBY PATTERN
        (error) ERR syntax error
        > COMMAND LIST FILTERBY bad bad
        (error) ERR syntax error
        > COMMAND LIST FILTERBY PATTERN a b
        (error) ERR syntax error
    "#]]);
}

#[test]
fn command_refuses_what_it_does_not_know() {
    check(expect![[r#"
        > COMMAND nosuch
        (error) ERR unknown subcommand \'nosuch\'. Try COMMAND HELP.
        > COMMAND COUNT x
        (error) ERR wrong number of arguments for \'command|count\' command
        > COMMAND HELP x
        (error) ERR wrong number of arguments for \'command|help\' command
        > COMMAND GETKEYS
        (error) ERR wrong number of arguments for \'command|getkeys\' command
        > COMMAND HELP
         1) COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:
         2) (no subcommand)
         3)     Describe every command.
         4) COUNT
         5)     Count the commands.
         6) DOCS [<command-name> ...]
         7)     Describe these commands, or all, for people.
         8) GETKEYS <full-command>
         9)     Find the keys of a command.
        10) GETKEYSANDFLAGS <full-command>
        11)     Find the keys of a command, and how it uses each.
        12) INFO [<command-name> ...]
        13)     Describe these commands, or all, for clients.
        14) LIST [FILTERBY <MODULE|ACLCAT|PATTERN> <value>]
        15)     List the names of commands and subcommands.
        16) HELP
        17)     Print this help.
    "#]]);
}

#[test]
fn command_lists_every_command_once() {
    let table = crate::table();
    let mut node = testkit::Node::new(crate::table());
    let mut len_of = |words: &[&[u8]]| {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
        match node.command("", &words) {
            Some(resp::value::Value::Array(items)) => items.len(),
            other => panic!("an array, not {other:?}"),
        }
    };
    assert_eq!(len_of(&[b"COMMAND"]), table.top().len());
    assert_eq!(len_of(&[b"COMMAND", b"INFO"]), table.top().len());
    assert_eq!(len_of(&[b"COMMAND", b"DOCS"]), table.top().len() * 2);
    assert_eq!(len_of(&[b"COMMAND", b"LIST"]), table.all().len());
}

/// What `write` writes for a client that speaks RESP3, as the command line shows it.
fn in_resp3(write: impl FnOnce(&mut Reply<'_>)) -> String {
    let mut out = Vec::new();
    write(&mut Reply::new(&mut out, Protocol::Resp3));
    let read = resp::value::read(&out).expect("replies are well formed");
    let (value, len) = read.expect("the reply is whole");
    assert_eq!(len, out.len());
    testkit::render(&value)
}

#[test]
fn resp3_has_sets_and_maps() {
    let table = crate::table();
    let entry = table.find(b"set").expect("SET is a command");
    expect![[r#"
         1) "set"
         2) (integer) -3
         3) 1~ write
            2~ denyoom
         4) (integer) 1
         5) (integer) 1
         6) (integer) 1
         7) 1~ @write
            2~ @string
            3~ @slow
         8) (empty set)
         9) 1~ 1# "notes" => "RW and ACCESS due to the optional `GET` argument"
               2# "flags" => 
                  1~ RW
                  2~ access
                  3~ update
                  4~ variable_flags
               3# "begin_search" => 
                  1# "type" => "index"
                  2# "spec" => 
                     1# "index" => (integer) 1
               4# "find_keys" => 
                  1# "type" => "range"
                  2# "spec" => 
                     1# "lastkey" => (integer) 0
                     2# "keystep" => (integer) 1
                     3# "limit" => (integer) 0
        10) (empty array)
    "#]]
    .assert_eq(&in_resp3(|reply| super::info::write(&table, entry, reply)));
    let entry = table.find_full(b"command|list");
    let entry = entry.expect("COMMAND LIST is a command");
    expect![[r#"
        1# "summary" => "Lists the names of commands and subcommands."
        2# "since" => "7.0.0"
        3# "group" => "server"
        4# "complexity" => "O(N) where N is the total number of commands"
        5# "arguments" => 
           1) 1# "name" => "module-name_category_pattern"
              2# "type" => "oneof"
              3# "token" => "FILTERBY"
              4# "flags" => 
                 1~ optional
              5# "arguments" => 
                 1) 1# "name" => "module-name"
                    2# "type" => "string"
                    3# "token" => "MODULE"
                 2) 1# "name" => "category"
                    2# "type" => "string"
                    3# "token" => "ACLCAT"
                 3) 1# "name" => "pattern"
                    2# "type" => "pattern"
                    3# "token" => "PATTERN"
    "#]]
    .assert_eq(&in_resp3(|reply| super::docs::write(&table, entry, reply)));
}
