use config::Config;
use expect_test::expect;
use testkit::{Node, replay};

use crate::testing::check;

#[test]
fn ping_and_echo() {
    check(expect![[r#"
        > PING
        PONG
        > PING ""
        ""
        > PING hello redis
        (error) ERR wrong number of arguments for \'ping\' command
        > ECHO "a b"
        "a b"
        > ECHO
        (error) ERR wrong number of arguments for \'echo\' command
        > ECHO a b
        (error) ERR wrong number of arguments for \'echo\' command
    "#]]);
}

#[test]
fn auth_without_a_password_set() {
    check(expect![[r#"
        > AUTH foo
        (error) ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?
        > AUTH default anything
        OK
        > AUTH nobody x
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH a b c
        (error) ERR syntax error
        > AUTH
        (error) ERR wrong number of arguments for \'auth\' command
        > HELLO 2 AUTH default anything
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
    "#]]);
}

/// A node that wants the password `foobar`.
fn guarded() -> Node {
    let change = Config::default().set(&[(b"requirepass", b"foobar")], Default::default());
    let config = change.expect("a password may be set").config;
    Node::with_config(crate::table(), config)
}

#[test]
fn auth_with_a_password() {
    let transcript = expect![[r#"
        > SET foo bar
        (error) NOAUTH Authentication required.
        > GET
        (error) ERR wrong number of arguments for \'get\' command
        > NOSUCH
        (error) ERR unknown command \'NOSUCH\', with args beginning with: 
        > CONFIG NOSUCH
        (error) ERR unknown subcommand \'NOSUCH\'. Try CONFIG HELP.
        > HELLO
        (error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        > HELLO 3
        (error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        > HELLO 3 SETNAME x
        (error) NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time
        > HELLO 9
        (error) NOPROTO unsupported protocol version
        > HELLO 3 AUTH default wrong SETNAME x
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > HELLO 3 AUTH default foobar BOGUS
        (error) ERR Syntax error in HELLO option \'BOGUS\'
        > PING
        (error) NOAUTH Authentication required.
        > AUTH wrong
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH nobody foobar
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > AUTH default foobar
        OK
        > CLIENT GETNAME
        (nil)
        > SET foo bar
        OK
        > RESET
        RESET
        > PING
        (error) NOAUTH Authentication required.
        > HELLO 3 AUTH default foobar SETNAME me
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > CLIENT GETNAME
        "me"
    "#]];
    let replayed = replay(&mut guarded(), transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn a_password_concerns_those_who_come_later() {
    check(expect![[r#"
        a> PING
        PONG
        a> CONFIG SET requirepass "abc\x00def"
        OK
        a> PING
        PONG
        b> PING
        (error) NOAUTH Authentication required.
        b> AUTH abc
        (error) WRONGPASS invalid username-password pair or user is disabled.
        b> AUTH "abc\x00def"
        OK
        b> PING
        PONG
        c> PING
        (error) NOAUTH Authentication required.
        a> CONFIG SET requirepass ""
        OK
        c> PING
        PONG
        a> CONFIG SET requirepass other
        OK
        c> PING
        (error) NOAUTH Authentication required.
        b> PING
        PONG
    "#]]);
}

#[test]
fn hello_agrees_on_all_or_nothing() {
    check(expect![[r#"
        > HELLO
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
        > HELLO 4
        (error) NOPROTO unsupported protocol version
        > HELLO 1
        (error) NOPROTO unsupported protocol version
        > HELLO -1
        (error) NOPROTO unsupported protocol version
        > HELLO ""
        (error) ERR Protocol version is not an integer or out of range
        > HELLO abc
        (error) ERR Protocol version is not an integer or out of range
        > HELLO 99999999999999999999
        (error) ERR Protocol version is not an integer or out of range
        > HELLO 2 foo
        (error) ERR Syntax error in HELLO option \'foo\'
        > HELLO 2 SETNAME
        (error) ERR Syntax error in HELLO option \'SETNAME\'
        > HELLO 2 AUTH default
        (error) ERR Syntax error in HELLO option \'AUTH\'
        > HELLO 3 SETNAME "a b"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > HELLO 3 SETNAME kept AUTH nobody x
        (error) WRONGPASS invalid username-password pair or user is disabled.
        > HELLO 3 SETNAME kept junk
        (error) ERR Syntax error in HELLO option \'junk\'
        > CLIENT GETNAME
        (nil)
        > CLIENT TRACKINGINFO
        1) "flags"
        2) 1) "off"
        3) "redirect"
        4) (integer) -1
        5) "prefixes"
        6) (empty array)
        > HELLO 3 setname a auth default x setname b
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > CLIENT GETNAME
        "b"
        > CLIENT TRACKINGINFO
        1# "flags" => 
           1~ "off"
        2# "redirect" => (integer) -1
        3# "prefixes" => (empty array)
        > HELLO
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > HELLO 2
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
    "#]]);
}

#[test]
fn quit_ends_the_connection() {
    let mut node = Node::new(crate::table());
    let pipeline = b"QUIT now please\r\nSET foo bar\r\n";
    assert_eq!(node.send("", pipeline), b"+OK\r\n");
    assert!(!node.is_connected(""));
    assert_eq!(node.send("", b"GET foo\r\n"), b"$-1\r\n");
}

#[test]
fn quit_does_not_wait_for_exec() {
    let mut node = Node::new(crate::table());
    node.send("", b"MULTI\r\n");
    assert_eq!(node.send("", b"QUIT\r\n"), b"+OK\r\n");
}

#[test]
fn reset_makes_everything_as_it_was() {
    check(expect![[r#"
        > HELLO 3 SETNAME me
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > WATCH k
        OK
        > MULTI
        OK
        > SET k v
        QUEUED
        > RESET
        RESET
        > EXEC
        (error) ERR EXEC without MULTI
        > CLIENT GETNAME
        (nil)
        > GET k
        (nil)
        > CLIENT REPLY OFF
        (no reply)
        > PING
        (no reply)
        > RESET
        RESET
        > PING
        PONG
        > RESET now
        (error) ERR wrong number of arguments for \'reset\' command
    "#]]);
}

#[test]
fn reset_ends_monitoring() {
    let mut node = Node::new(crate::table());
    assert_eq!(node.send("m", b"MONITOR\r\n"), b"+OK\r\n");
    node.send("m", b"RESET\r\n");
    node.send("", b"PING\r\n");
    assert_eq!(node.receive("m"), b"");
}

#[test]
fn errors_quote_words_up_to_a_zero_byte() {
    check(expect![[r#"
        > "NO\x00SUCH" "a\x00b" c
        (error) ERR unknown command \'NO\', with args beginning with: \'a\' \'c\' 
        > CONFIG "x\x00y"
        (error) ERR unknown subcommand \'x\'. Try CONFIG HELP.
        > CLIENT KILL "x\x00y" a
        (error) ERR syntax error
        > CLIENT REPLY "x\x00y"
        (error) ERR syntax error
    "#]]);
}
