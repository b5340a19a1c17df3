use expect_test::expect;
use testkit::Node;

use crate::table;
use crate::testing::check;

#[test]
fn only_slow_commands_are_kept() {
    check(expect![[r#"
        > CONFIG SET slowlog-log-slower-than 100000
        OK
        > SLOWLOG LEN
        (integer) 0
        > PING
        PONG
        > CLIENT SETNAME foobar
        OK
        > CONFIG SET enable-debug-command yes
        (error) ERR CONFIG SET failed (possibly related to argument \'enable-debug-command\') - can\'t set immutable config
        > SLOWLOG GET
        (empty array)
    "#]]);
}

#[test]
fn entries() {
    check(expect![[r#"
        > CONFIG SET slowlog-log-slower-than 0
        OK
        > CONFIG SET slowlog-max-len 3
        OK
        > SLOWLOG RESET
        OK
        > SET key test
        OK
        > GET key
        "test"
        > PING
        PONG
        > SLOWLOG LEN
        (integer) 3
        > SLOWLOG GET 0
        (empty array)
        > SLOWLOG GET 1
        1) 1) (integer) 7
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "GET"
              3) "0"
           5) "127.0.0.1:50000"
           6) ""
        > SLOWLOG GET -1
        1) 1) (integer) 8
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "GET"
              3) "1"
           5) "127.0.0.1:50000"
           6) ""
        2) 1) (integer) 7
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "GET"
              3) "0"
           5) "127.0.0.1:50000"
           6) ""
        3) 1) (integer) 6
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "LEN"
           5) "127.0.0.1:50000"
           6) ""
        > SLOWLOG GET 9223372036854775807
        1) 1) (integer) 9
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "GET"
              3) "-1"
           5) "127.0.0.1:50000"
           6) ""
        2) 1) (integer) 8
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "GET"
              3) "1"
           5) "127.0.0.1:50000"
           6) ""
        3) 1) (integer) 7
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "GET"
              3) "0"
           5) "127.0.0.1:50000"
           6) ""
        > CONFIG SET slowlog-max-len 1
        OK
        > SLOWLOG LEN
        (integer) 1
        > CONFIG SET slowlog-log-slower-than -1
        OK
        > SLOWLOG GET
        1) 1) (integer) 12
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "LEN"
           5) "127.0.0.1:50000"
           6) ""
        > SLOWLOG RESET
        OK
        > SLOWLOG LEN
        (integer) 0
    "#]]);
}

#[test]
fn secrets_are_hidden() {
    check(expect![[r#"
        > CONFIG SET slowlog-log-slower-than 0
        OK
        > SLOWLOG RESET
        OK
        > AUTH a
        (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        > AUTH a b
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > HELLO 2 auth default foo setname x
         1) "server"
         2) "redis"
         3) "version"
         4) "7.0.15"
         5) "proto"
         6) (integer) 2
         7) "id"
         8) (integer) 1
         9) "mode"
        10) "standalone"
        11) "role"
        12) "master"
        13) "modules"
        14) (empty array)
        > HELLO 2 auth default
        (error) ERR Syntax error in HELLO option \'auth\'
        > CONFIG SET masterauth foo requirepass "" MASTERAUTH a
        (error) ERR CONFIG SET failed (possibly related to argument \'MASTERAUTH\') - duplicate parameter
        > CONFIG SET masterauth ""
        OK
        > CONFIG SET slowlog-log-slower-than -1
        OK
        > SLOWLOG GET 20
        1) 1) (integer) 7
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "CONFIG"
              2) "SET"
              3) "masterauth"
              4) "(redacted)"
           5) "127.0.0.1:50000"
           6) "x"
        2) 1) (integer) 6
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "CONFIG"
              2) "SET"
              3) "masterauth"
              4) "(redacted)"
              5) "requirepass"
              6) "(redacted)"
              7) "MASTERAUTH"
              8) "(redacted)"
           5) "127.0.0.1:50000"
           6) "x"
        3) 1) (integer) 5
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "HELLO"
              2) "2"
              3) "auth"
              4) "default"
           5) "127.0.0.1:50000"
           6) "x"
        4) 1) (integer) 4
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "HELLO"
              2) "2"
              3) "auth"
              4) "(redacted)"
              5) "(redacted)"
              6) "setname"
              7) "x"
           5) "127.0.0.1:50000"
           6) "x"
        5) 1) (integer) 3
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "AUTH"
              2) "(redacted)"
              3) "(redacted)"
           5) "127.0.0.1:50000"
           6) ""
        6) 1) (integer) 2
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "AUTH"
              2) "(redacted)"
           5) "127.0.0.1:50000"
           6) ""
        7) 1) (integer) 1
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "RESET"
           5) "127.0.0.1:50000"
           6) ""
    "#]]);
}

#[test]
fn long_commands_are_cut() {
    let mut node = testkit::Node::new(crate::table());
    node.send("", b"CONFIG SET slowlog-log-slower-than 0\r\n");
    let words: Vec<String> = (0..33).map(|number| number.to_string()).collect();
    node.send("", format!("WATCH {}\r\n", words.join(" ")).as_bytes());
    node.send("", format!("GET {}\r\n", "A".repeat(129)).as_bytes());
    let latest = node.engine.slowlog.latest(2);
    assert_eq!(latest[1].words.len(), 32);
    assert_eq!(latest[1].words[31], b"... (3 more arguments)");
    assert!(latest[0].words[1].ends_with(b"AAA... (1 more bytes)"));
}

#[test]
fn exec_is_not_kept_but_what_it_runs() {
    check(expect![[r#"
        > CONFIG SET slowlog-log-slower-than 0
        OK
        > SLOWLOG RESET
        OK
        > MULTI
        OK
        > PING
        QUEUED
        > EXEC
        1) PONG
        > CONFIG SET slowlog-log-slower-than -1
        OK
        > SLOWLOG GET
        1) 1) (integer) 3
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "PING"
           5) "127.0.0.1:50000"
           6) ""
        2) 1) (integer) 2
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "MULTI"
           5) "127.0.0.1:50000"
           6) ""
        3) 1) (integer) 1
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "SLOWLOG"
              2) "RESET"
           5) "127.0.0.1:50000"
           6) ""
    "#]]);
}

#[test]
fn what_is_refused() {
    check(expect![[r#"
        > SLOWLOG GET -2
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG GET -9223372036854775808
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG GET a
        (error) ERR count should be greater than or equal to -1
        > SLOWLOG GET 1 2
        (error) ERR unknown subcommand or wrong number of arguments for \'GET\'. Try SLOWLOG HELP.
        > SLOWLOG
        (error) ERR wrong number of arguments for \'slowlog\' command
        > SLOWLOG foo
        (error) ERR unknown subcommand \'foo\'. Try SLOWLOG HELP.
        > SLOWLOG LEN x
        (error) ERR wrong number of arguments for \'slowlog|len\' command
        > SLOWLOG HELP
        1) SLOWLOG <subcommand> [<arg> ...]. There are:
        2) GET [count]
        3)     Shows the latest slow commands: 10 of them, or as many as asked for, or all for -1.
        4) HELP
        5)     Shows the subcommands.
        6) LEN
        7)     Counts the slow commands that are kept.
        8) RESET
        9)     Forgets all slow commands.
    "#]]);
}

#[test]
fn a_command_that_waits_is_slow_when_it_is_served() {
    check(expect![[r#"
        > CONFIG SET slowlog-log-slower-than 0
        OK
        > SLOWLOG RESET
        OK
        b> BLPOP none l 0
        (no reply)
        > RPUSH l a
        (integer) 1
        b<
        1) "l"
        2) "a"
        > SLOWLOG GET 2
        1) 1) (integer) 3
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "BLPOP"
              2) "none"
              3) "l"
              4) "0"
           5) "127.0.0.1:50002"
           6) ""
        2) 1) (integer) 2
           2) (integer) 1767225600
           3) (integer) 0
           4) 1) "RPUSH"
              2) "l"
              3) "a"
           5) "127.0.0.1:50000"
           6) ""
        > SLOWLOG LEN
        (integer) 4
    "#]]);
}

/// The clock moves by 12 ms whenever it is read, and everything over 10 ms is slow.
fn slow_of(lines: &[&str]) -> Vec<i64> {
    let mut node = Node::new(table());
    let long = "x".repeat(5000);
    node.send(
        "a",
        format!("SET short x\r\nSET long {long}\r\n").as_bytes(),
    );
    node.send("a", b"SLOWLOG RESET\r\n");
    node.world.move_when_read(12_000);
    node.send("a", format!("{}\r\n", lines.join("\r\n")).as_bytes());
    node.world.move_when_read(0);
    let reply = node.send("a", b"SLOWLOG GET -1\r\n");
    let text = String::from_utf8(reply).expect("it is text");
    let mut entries: Vec<i64> = text
        .split("*6\r\n")
        .skip(1)
        .map(|entry| {
            entry.split("\r\n").nth(2).expect("a duration")[1..]
                .parse()
                .expect("a number")
        })
        .collect();
    entries.reverse();
    entries
}

#[test]
fn brief_neighbours_of_one_kind_are_timed_together() {
    assert_eq!(slow_of(&["GET short"]), [12_000]);
    assert_eq!(slow_of(&["GET short", "GET short"]), []);
    assert_eq!(slow_of(&["GET short", "SET short y"]), [12_000; 2]);
    assert_eq!(slow_of(&["GET short", "GET short", "GET long"]), [12_000]);
    assert_eq!(slow_of(&["GET long", "GET long"]), [12_000; 2]);
    assert_eq!(slow_of(&["APPEND short y", "APPEND short z"]), [12_000; 2]);
}
