use expect_test::{Expect, expect};
use testkit::Node;

use crate::testing::check;

#[test]
fn names() {
    check(expect![[r#"
        > CLIENT ID
        (integer) 1
        > CLIENT GETNAME
        (nil)
        > CLIENT SETNAME myname
        OK
        > CLIENT GETNAME
        "myname"
        > CLIENT SETNAME "foo bar"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT SETNAME "a\n"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT SETNAME "\xc3\xa9"
        (error) ERR Client names cannot contain spaces, newlines or special characters.
        > CLIENT GETNAME
        "myname"
        > CLIENT SETNAME "~!"
        OK
        > CLIENT SETNAME ""
        OK
        > CLIENT GETNAME
        (nil)
        > CLIENT
        (error) ERR wrong number of arguments for \'client\' command
        > CLIENT NOSUCH
        (error) ERR unknown subcommand \'NOSUCH\'. Try CLIENT HELP.
        > CLIENT ID x
        (error) ERR wrong number of arguments for \'client|id\' command
    "#]]);
}

#[test]
fn tracking_is_off() {
    check(expect![[r#"
        > CLIENT GETREDIR
        (integer) -1
        > CLIENT TRACKINGINFO
        1) "flags"
        2) 1) "off"
        3) "redirect"
        4) (integer) -1
        5) "prefixes"
        6) (empty array)
        > HELLO 3
        1# "server" => "redis"
        2# "version" => "7.0.15"
        3# "proto" => (integer) 3
        4# "id" => (integer) 1
        5# "mode" => "standalone"
        6# "role" => "master"
        7# "modules" => (empty array)
        > CLIENT TRACKINGINFO
        1# "flags" => 
           1~ "off"
        2# "redirect" => (integer) -1
        3# "prefixes" => (empty array)
    "#]]);
}

/// Compares what lists of clients say, but for the memory they take.
#[track_caller]
fn check_lines(node: &mut Node, name: &str, request: &str, expected: Expect) {
    let reply = node.send(name, format!("{request}\r\n").as_bytes());
    let reply = String::from_utf8(reply).expect("a list is text");
    let (_, lines) = reply.split_once("\r\n").expect("a string has a header");
    let words = lines.trim_end().split_inclusive([' ', '\n']);
    let shown: String = words.filter(|word| !word.starts_with("tot-mem")).collect();
    // A line of the list is too long for one of this file.
    let broken = [" flags=", " qbuf=", " rbs=", " cmd="]
        .iter()
        .fold(shown, |text, field| {
            text.replace(field, &format!("\n {field}"))
        });
    expected.assert_eq(&broken);
}

#[test]
fn list_and_info() {
    let mut node = Node::new(crate::table());
    let of_one = expect![[r#"
        id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=8 name= age=0 idle=0
          flags=N db=0 sub=0 psub=0 ssub=0 multi=-1
          qbuf=26 qbuf-free=0 argv-mem=10 multi-mem=0
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=client|info user=default redir=-1 resp=2"#]];
    check_lines(&mut node, "a", "CLIENT INFO", of_one);
    node.send("b", b"HELLO 3 SETNAME bob\r\n");
    node.send("b", b"MULTI\r\nGET bbbbbbbb\r\n");
    node.send("m", b"CLIENT NO-EVICT ON\r\n");
    node.send("m", b"CLIENT NO-TOUCH on\r\nMONITOR\r\n");
    node.advance_micros(3_500_000);
    let of_all = expect![[r#"
        id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=8 name= age=3 idle=0
          flags=N db=0 sub=0 psub=0 ssub=0 multi=-1
          qbuf=26 qbuf-free=0 argv-mem=10 multi-mem=0
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=client|list user=default redir=-1 resp=2
        id=2 addr=127.0.0.1:50002 laddr=127.0.0.1:6379 fd=8 name=bob age=3 idle=3
          flags=x db=0 sub=0 psub=0 ssub=0 multi=1
          qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=67
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=get user=default redir=-1 resp=3
        id=3 addr=127.0.0.1:50013 laddr=127.0.0.1:6379 fd=8 name= age=3 idle=3
          flags=OeT db=0 sub=0 psub=0 ssub=0 multi=-1
          qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=monitor user=default redir=-1 resp=2"#]];
    check_lines(&mut node, "a", "CLIENT LIST", of_all);
    let of_some = expect![[r#"
        id=2 addr=127.0.0.1:50002 laddr=127.0.0.1:6379 fd=8 name=bob age=3 idle=3
          flags=x db=0 sub=0 psub=0 ssub=0 multi=1
          qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=67
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=get user=default redir=-1 resp=3
        id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=8 name= age=3 idle=0
          flags=N db=0 sub=0 psub=0 ssub=0 multi=-1
          qbuf=71 qbuf-free=0 argv-mem=19 multi-mem=0
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=client|list user=default redir=-1 resp=2"#]];
    check_lines(&mut node, "a", "CLIENT LIST ID 2 99 1 0 -1", of_some);
    let of_a_type = expect![[r#"
        id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=8 name= age=3 idle=0
          flags=N db=0 sub=0 psub=0 ssub=0 multi=-1
          qbuf=48 qbuf-free=0 argv-mem=20 multi-mem=0
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=client|list user=default redir=-1 resp=2
        id=2 addr=127.0.0.1:50002 laddr=127.0.0.1:6379 fd=8 name=bob age=3 idle=3
          flags=x db=0 sub=0 psub=0 ssub=0 multi=1
          qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=67
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=get user=default redir=-1 resp=3
        id=3 addr=127.0.0.1:50013 laddr=127.0.0.1:6379 fd=8 name= age=3 idle=3
          flags=OeT db=0 sub=0 psub=0 ssub=0 multi=-1
          qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0
          rbs=0 rbp=0 obl=0 oll=0 omem=0 events=r
          cmd=monitor user=default redir=-1 resp=2"#]];
    check_lines(&mut node, "a", "CLIENT LIST TYPE normal", of_a_type);
}

#[test]
fn a_request_counts_as_it_came() {
    let mut node = Node::new(crate::table());
    let request = b"*2\r\n$6\r\nclient\r\n$4\r\nlist\r\n";
    let reply = String::from_utf8(node.send("", request)).expect("a list is text");
    assert!(
        reply.contains(" qbuf=26 qbuf-free=0 argv-mem=10 "),
        "{reply}"
    );
}

#[test]
fn list_refuses() {
    check(expect![[r#"
        > CLIENT LIST ID
        (error) ERR syntax error
        > CLIENT LIST ID x
        (error) ERR Invalid client ID
        > CLIENT LIST ID 1 2 x
        (error) ERR Invalid client ID
        > CLIENT LIST ID 1 TYPE normal
        (error) ERR Invalid client ID
        > CLIENT LIST ID 9223372036854775807 0 -1
        ""
        > CLIENT LIST TYPE
        (error) ERR syntax error
        > CLIENT LIST TYPE foo
        (error) ERR Unknown client type \'foo\'
        > CLIENT LIST TYPE master
        ""
        > CLIENT LIST TYPE replica
        ""
        > CLIENT LIST TYPE slave
        ""
        > CLIENT LIST TYPE pubsub
        ""
        > CLIENT LIST foo
        (error) ERR syntax error
        > CLIENT INFO x
        (error) ERR wrong number of arguments for \'client|info\' command
    "#]]);
}

#[test]
fn kill_refuses() {
    check(expect![[r#"
        > CLIENT KILL
        (error) ERR wrong number of arguments for \'client|kill\' command
        > CLIENT KILL 1.2.3.4:5
        (error) ERR No such client
        > CLIENT KILL id 10 wrong_arg
        (error) ERR syntax error
        > CLIENT KILL id 10 addr
        (error) ERR syntax error
        > CLIENT KILL id str
        (error) ERR client-id should be greater than 0
        > CLIENT KILL id -1
        (error) ERR client-id should be greater than 0
        > CLIENT KILL id 0
        (error) ERR client-id should be greater than 0
        > CLIENT KILL id 9223372036854775807
        (integer) 0
        > CLIENT KILL id 9223372036854775808
        (error) ERR client-id should be greater than 0
        > CLIENT KILL type wrong_type
        (error) ERR Unknown client type \'wrong_type\'
        > CLIENT KILL type slave
        (integer) 0
        > CLIENT KILL type pubsub
        (integer) 0
        > CLIENT KILL user wrong_user
        (error) ERR No such user \'wrong_user\'
        > CLIENT KILL skipme yes_or_no
        (error) ERR syntax error
        > CLIENT KILL skipme yes
        (integer) 0
        > CLIENT KILL addr 1:1 laddr 2:2 user default skipme no
        (integer) 0
    "#]]);
}

#[test]
fn kill_closes_who_matches() {
    let mut node = Node::new(crate::table());
    for name in ["a", "b", "c", "d"] {
        node.send(name, b"PING\r\n");
    }
    assert_eq!(
        node.send("a", b"CLIENT KILL 127.0.0.1:50002\r\n"),
        b"+OK\r\n"
    );
    assert!(!node.is_connected("b") && node.is_connected("c"));
    assert_eq!(node.send("b", b"SET k v\r\n"), b"", "the dead say nothing");
    assert_eq!(node.send("a", b"GET k\r\n"), b"$-1\r\n", "and do nothing");
    assert_eq!(node.send("a", b"CLIENT KILL ID 3\r\n"), b":1\r\n");
    assert!(!node.is_connected("c") && node.is_connected("d"));
    assert_eq!(node.send("a", b"CLIENT KILL USER default\r\n"), b":1\r\n");
    assert!(!node.is_connected("d") && node.is_connected("a"));
    let suicide = b"CLIENT KILL TYPE normal LADDR 127.0.0.1:6379 SKIPME no\r\nPING\r\n";
    assert_eq!(node.send("a", suicide), b":1\r\n");
    assert!(!node.is_connected("a"));
}

#[test]
fn replies_are_left_out() {
    let mut node = Node::new(crate::table());
    let mut ask = |lines: &str| node.send("", lines.replace('\n', "\r\n").as_bytes());
    assert_eq!(ask("CLIENT REPLY OFF\nPING a\nNOSUCH\n"), b"");
    assert_eq!(ask("CLIENT REPLY SKIP\nPING b\nPING c\n"), b"");
    assert_eq!(ask("CLIENT REPLY ON\nPING\n"), b"+OK\r\n+PONG\r\n");
    assert_eq!(ask("CLIENT REPLY SKIP\nPING d\nPING e\n"), b"$1\r\ne\r\n");
    assert_eq!(ask("CLIENT REPLY SKIP\nNOSUCH\nPING f\n"), b"$1\r\nf\r\n");
    assert_eq!(ask("CLIENT REPLY SKIP\nCLIENT REPLY ON\n"), b"+OK\r\n");
    let twice = "CLIENT REPLY SKIP\nCLIENT REPLY SKIP\nPING g\nPING h\n";
    assert_eq!(ask(twice), b"$1\r\nh\r\n");
    assert_eq!(ask("CLIENT REPLY maybe\n"), b"-ERR syntax error\r\n");
}

#[test]
fn a_pause_of_writes() {
    check(expect![[r#"
        a> SET k v
        OK
        a> CLIENT PAUSE 100000 WRITE
        OK
        b> GET k
        "v"
        b> PING
        PONG
        b> SET k
        (error) ERR wrong number of arguments for \'set\' command
        b> SET k w
        (no reply)
        c> MULTI
        OK
        c> GET k
        QUEUED
        c> EXEC
        1) "v"
        d> MULTI
        OK
        d> SET k w
        (no reply)
        d> EXEC
        (no reply)
        a> GET k
        "v"
        a> CLIENT UNPAUSE
        OK
        a> CLIENT UNPAUSE
        OK
    "#]]);
}

#[test]
fn those_who_waited_are_answered() {
    let mut node = Node::new(crate::table());
    node.send("a", b"CLIENT PAUSE 60000 WRITE\r\n");
    for name in ["b", "c", "d"] {
        assert_eq!(node.send(name, b"SET k v\r\nPING\r\n"), b"");
    }
    assert_eq!(node.engine.pause.waiting(), 3);
    assert_eq!(node.send("a", b"CLIENT UNBLOCK 2\r\n"), b":0\r\n");
    node.send("a", b"CLIENT UNPAUSE\r\n");
    for name in ["b", "c", "d"] {
        assert_eq!(node.receive(name), b"+OK\r\n+PONG\r\n");
    }
}

#[test]
fn a_pause_ends_by_itself() {
    let mut node = Node::new(crate::table());
    node.send("a", b"CLIENT PAUSE 1000\r\n");
    node.send("a", b"CLIENT PAUSE 10 WRITE\r\n");
    assert_eq!(node.send("b", b"PING\r\n"), b"");
    node.advance_micros(999_000);
    assert_eq!(node.receive("b"), b"", "a second pause shortens nothing");
    node.advance_micros(1_000);
    assert_eq!(node.receive("b"), b"+PONG\r\n");
}

#[test]
fn a_pause_of_everything_can_be_ended() {
    let mut node = Node::new(crate::table());
    node.send("a", b"CLIENT PAUSE 9223372036854775807\r\n");
    assert_eq!(node.send("b", b"PING\r\n"), b"");
    assert_eq!(node.send("a", b"CLIENT UNPAUSE\r\n"), b"+OK\r\n");
    assert_eq!(node.receive("b"), b"+PONG\r\n");
}

#[test]
fn keys_do_not_expire_during_a_pause() {
    let mut node = Node::new(crate::table());
    node.send(
        "",
        b"MULTI\r\nSET k v PX 10\r\nCLIENT PAUSE 50000 WRITE\r\nSET l v\r\nEXEC\r\n",
    );
    node.advance_micros(1_000_000);
    assert_eq!(node.send("", b"GET k\r\n"), b"$-1\r\n");
    assert_eq!(node.engine.stats.totals().expired, 0);
    node.send("", b"CLIENT UNPAUSE\r\nGET k\r\n");
    assert_eq!(node.engine.stats.totals().expired, 1);
}

#[test]
fn what_is_refused() {
    check(expect![[r#"
        > CLIENT PAUSE
        (error) ERR wrong number of arguments for \'client|pause\' command
        > CLIENT PAUSE a
        (error) ERR timeout is not an integer or out of range
        > CLIENT PAUSE -1
        (error) ERR timeout is negative
        > CLIENT PAUSE 10 foo
        (error) ERR CLIENT PAUSE mode must be WRITE or ALL
        > CLIENT PAUSE 10 WRITE x
        (error) ERR unknown subcommand or wrong number of arguments for \'PAUSE\'. Try CLIENT HELP.
        > CLIENT PAUSE 0
        OK
        > CLIENT NO-EVICT
        (error) ERR wrong number of arguments for \'client|no-evict\' command
        > CLIENT NO-EVICT foo
        (error) ERR syntax error
        > CLIENT NO-EVICT on
        OK
        > CLIENT NO-EVICT OFF
        OK
        > CLIENT NO-TOUCH maybe
        (error) ERR syntax error
        > CLIENT UNBLOCK
        (error) ERR wrong number of arguments for \'client|unblock\' command
        > CLIENT UNBLOCK x
        (error) ERR value is not an integer or out of range
        > CLIENT UNBLOCK 999
        (integer) 0
        > CLIENT UNBLOCK 3 foo
        (error) ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
        > CLIENT UNBLOCK 3 error
        (integer) 0
        > CLIENT UNBLOCK 3 TIMEOUT
        (integer) 0
        > CLIENT UNBLOCK 3 timeout x
        (error) ERR unknown subcommand or wrong number of arguments for \'UNBLOCK\'. Try CLIENT HELP.
    "#]]);
}

#[test]
fn help() {
    check(expect![[r#"
        > CLIENT HELP
         1) CLIENT <subcommand> [<arg> ...]. There are:
         2) GETNAME
         3)     Tells the name of this connection.
         4) GETREDIR
         5)     Tells to which connection notices about tracked keys are sent.
         6) HELP
         7)     Shows the subcommands.
         8) ID
         9)     Tells the number of this connection.
        10) INFO
        11)     Describes this connection in a line.
        12) KILL <ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no]> [...]>
        13)     Closes the connections that match.
        14) LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]
        15)     Describes every connection in a line, or those of a type or number.
        16) NO-EVICT <ON | OFF>
        17)     Spares this connection when clients take too much memory, or no longer.
        18) NO-TOUCH <ON | OFF>
        19)     Has this connection's reads not count as uses of keys, or count again.
        20) PAUSE timeout [WRITE | ALL]
        21)     Has the commands of all clients wait for some milliseconds.
        22) REPLY <ON | OFF | SKIP>
        23)     Leaves out the replies to this connection, or to its next command.
        24) SETNAME connection-name
        25)     Names this connection.
        26) TRACKINGINFO
        27)     Tells how keys are tracked for this connection.
        28) UNBLOCK client-id [TIMEOUT | ERROR]
        29)     Ends another client's wait for data.
        30) UNPAUSE
        31)     Ends a pause before its time.
        > CLIENT HELP x
        (error) ERR wrong number of arguments for \'client|help\' command
    "#]]);
}

#[test]
fn reads_that_are_no_uses() {
    let mut config = config::Config::default();
    config.security.debug_command = config::Permit::Yes;
    let mut node = Node::with_config(crate::table(), config);
    let idle = |node: &mut Node| {
        let reply = node.send("other", b"DEBUG OBJECT k\r\n");
        let reply = String::from_utf8(reply).expect("a description is text");
        let (_, seconds) = reply.rsplit_once(':').expect("the idle time comes last");
        seconds.trim_end().to_owned()
    };
    node.send("", b"SET k v\r\n");
    node.advance_micros(5_000_000);
    node.send("", b"CLIENT NO-TOUCH ON\r\nGET k\r\n");
    assert_eq!(idle(&mut node), "5");
    node.send("", b"CLIENT NO-TOUCH OFF\r\nGET k\r\n");
    assert_eq!(idle(&mut node), "0");
}

#[test]
fn a_client_whose_watched_key_has_changed_shows_it() {
    let mut node = Node::new(crate::table());
    let mut flags = |requests: &[(&str, &str)]| {
        for (name, request) in requests {
            node.send(name, format!("{request}\r\n").as_bytes());
        }
        let list = String::from_utf8(node.send("a", b"CLIENT LIST ID 1\r\n"));
        let list = list.expect("a list is text");
        let (_, flags) = list.split_once(" flags=").expect("clients have flags");
        flags[..flags.find(' ').expect("more follows")].to_owned()
    };
    assert_eq!(flags(&[("w", "WATCH k")]), "N");
    assert_eq!(flags(&[("a", "SET other 1")]), "N");
    assert_eq!(flags(&[("a", "SET k 1")]), "d");
    assert_eq!(flags(&[("w", "MULTI")]), "xd");
    assert_eq!(flags(&[("w", "EXEC")]), "N");
    assert_eq!(
        flags(&[("w", "WATCH k"), ("a", "DEL k"), ("w", "UNWATCH")]),
        "N"
    );
}

/// The bytes that a client takes, as the list says.
fn taken(node: &mut Node, id: u64) -> u64 {
    let list = node.send("observer", format!("CLIENT LIST ID {id}\r\n").as_bytes());
    let list = String::from_utf8(list).expect("a list is text");
    let (_, bytes) = list.split_once(" tot-mem=").expect("clients take memory");
    let bytes = bytes.split(' ').next().expect("a number follows");
    bytes.parse().expect("bytes are a number")
}

#[test]
fn what_a_client_keeps_counts_as_its_memory() {
    let mut node = Node::new(crate::table());
    node.send("a", b"PING\r\n");
    let idle = taken(&mut node, 1);
    let name = "n".repeat(1000);
    for (begin, end) in [
        (format!("WATCH {name}"), "UNWATCH"),
        (format!("MULTI\r\nSET {name} v"), "DISCARD"),
        (format!("SUBSCRIBE {name}"), "UNSUBSCRIBE"),
        (format!("PSUBSCRIBE {name}"), "PUNSUBSCRIBE"),
    ] {
        node.send("a", format!("{begin}\r\n").as_bytes());
        assert!(taken(&mut node, 1) >= idle + 1000, "{begin}");
        node.send("a", format!("{end}\r\n").as_bytes());
        assert_eq!(taken(&mut node, 1), idle, "{end}");
    }
    // A message that it has not taken yet is in its memory, too.
    node.send("a", b"SUBSCRIBE news\r\n");
    let listening = taken(&mut node, 1);
    node.send("b", format!("PUBLISH news {name}\r\n").as_bytes());
    assert!(taken(&mut node, 1) >= listening + 1000);
    node.receive("a");
    assert_eq!(taken(&mut node, 1), listening);
}

#[test]
fn clients_that_take_too_much_are_closed_before_their_next_command() {
    let mut node = Node::new(crate::table());
    node.send(
        "a",
        b"CLIENT NO-EVICT ON\r\nCONFIG SET maxmemory-clients 20000\r\n",
    );
    node.send("small", b"MULTI\r\n");
    let set = format!("MULTI\r\nSET k {}\r\n", "v".repeat(30_000));
    node.send("large", set.as_bytes());
    assert!(!node.is_connected("large"));
    assert!(node.is_connected("small"));
    assert_eq!(node.send("large", b"GET k\r\n"), b"$-1\r\n");
    // Who is spared may take more than all are allowed together.
    assert_eq!(node.send("a", set.as_bytes()), b"+OK\r\n+QUEUED\r\n");
    assert!(node.is_connected("a"));
    assert!(!node.is_connected("small"));
}
