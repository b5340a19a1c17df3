use config::Config;
use engine::clients::Endpoints;
use engine::replication::{Malformed, Stream};
use expect_test::expect;
use keyspace::DbIndex;
use replication::Role;
use testkit::{Node, replay};

use crate::testing::{check, commands, subscribe};

#[test]
fn words_are_checked_before_anything_happens() {
    check(expect![[r#"
        > REPLICAOF host x
        (error) ERR Invalid master port
        > REPLICAOF host 99999
        (error) ERR Invalid master port
        > REPLICAOF host -1
        (error) ERR Invalid master port
        > REPLICAOF NO
        (error) ERR wrong number of arguments for \'replicaof\' command
        > SLAVEOF no one
        OK
        > WAIT x 1
        (error) ERR value is not an integer or out of range
        > WAIT 1 x
        (error) ERR timeout is not an integer or out of range
        > WAIT 1 -1
        (error) ERR timeout is negative
        > WAIT 1
        (error) ERR wrong number of arguments for \'wait\' command
        > WAIT -1 0
        (integer) 0
        > FAILOVER
        (error) ERR FAILOVER requires connected replicas.
        > FAILOVER ABORT
        (error) ERR No failover in progress.
        > FAILOVER TO a
        (error) ERR syntax error
        > FAILOVER FORCE
        (error) ERR FAILOVER requires connected replicas.
        > FAILOVER TIMEOUT 0
        (error) ERR FAILOVER timeout must be greater than 0
        > FAILOVER TIMEOUT x
        (error) ERR value is not an integer or out of range
        > FAILOVER ABORT FORCE
        (error) ERR syntax error
        > FAILOVER xx
        (error) ERR syntax error
        > FAILOVER TIMEOUT 10 FORCE
        (error) ERR FAILOVER requires connected replicas.
        > FAILOVER TO 1.2.3.4 99
        (error) ERR FAILOVER requires connected replicas.
        > REPLCONF
        OK
        > REPLCONF a
        (error) ERR syntax error
        > REPLCONF a b
        (error) ERR Unrecognized REPLCONF option: a
        > REPLCONF listening-port x
        (error) ERR value is not an integer or out of range
        > REPLCONF rdb-only 2
        (error) ERR value is out of range, value must between 0 and 1
        > REPLCONF rdb-filter-only x
        (error) ERR Unsupported rdb-filter-only option: x
        > REPLCONF capa eof capa psync2
        OK
        > PSYNC ? x
        (error) ERR value is not an integer or out of range
        > ROLE
        1) "master"
        2) (integer) 0
        3) (empty array)
    "#]]);
}

#[test]
fn nothing_of_it_is_for_transactions_but_what_changes_the_role() {
    check(expect![[r#"
        > MULTI
        OK
        > PSYNC ? -1
        (error) ERR Command not allowed inside a transaction
        > SYNC
        (error) ERR Command not allowed inside a transaction
        > DISCARD
        OK
        > MULTI
        OK
        > WAIT 1 0
        QUEUED
        > REPLICAOF 10.0.0.1 6379
        QUEUED
        > ROLE
        QUEUED
        > WAIT 0 0
        QUEUED
        > REPLICAOF NO ONE
        QUEUED
        > EXEC
        1) (integer) 0
        2) OK
        3) 1) "slave"
           2) "10.0.0.1"
           3) (integer) 6379
           4) "connecting"
           5) (integer) -1
        4) (error) ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.
        5) OK
    "#]]);
}

#[test]
fn a_replica_refuses_writes() {
    check(expect![[r#"
        > SET k v
        OK
        writer> MULTI
        OK
        writer> SET k w
        QUEUED
        blocked> BLPOP nokey 0
        (no reply)
        waiting> WAIT 1 0
        (no reply)
        > REPLICAOF 10.0.0.1 6379
        OK
        > REPLICAOF 10.0.0.1 6379
        OK Already connected to specified master
        blocked<
        (error) UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)
        waiting<
        (error) UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)
        writer> EXEC
        (error) EXECABORT Transaction discarded because of: READONLY You can\'t write against a read only replica.
        > SET k w
        (error) READONLY You can\'t write against a read only replica.
        > GET k
        "v"
        > DEL k
        (error) READONLY You can\'t write against a read only replica.
        > MULTI
        OK
        > GET k
        QUEUED
        > DEL k
        (error) READONLY You can\'t write against a read only replica.
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > PUBLISH a b
        (integer) 0
        > WAIT 0 0
        (error) ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.
        > FAILOVER
        (error) ERR FAILOVER is not valid when server is a replica.
        > PSYNC ? -1
        (error) NOMASTERLINK Can\'t SYNC while not connected with my master
        > ROLE
        1) "slave"
        2) "10.0.0.1"
        3) (integer) 6379
        4) "connecting"
        5) (integer) -1
        > CONFIG SET replica-serve-stale-data no
        OK
        > GET k
        (error) MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to \'no\'.
        > PING
        (error) MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to \'no\'.
        > MULTI
        OK
        > GET k
        (error) MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to \'no\'.
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > CONFIG SET replica-serve-stale-data yes replica-read-only no
        OK
        > SET k w
        OK
        > REPLICAOF NO ONE
        OK
        > GET k
        "w"
        > ROLE
        1) "master"
        2) (integer) 0
        3) (empty array)
    "#]]);
}

#[test]
fn a_replica_hides_what_is_due_and_leaves_the_rest_to_its_primary() {
    check(expect![[r#"
        > SET k v PX 100
        OK
        > SET l v
        OK
        > REPLICAOF 10.0.0.1 6379
        OK
        @ +200ms
        > GET k
        (nil)
        > EXISTS k
        (integer) 0
        > DBSIZE
        (integer) 2
        > REPLICAOF NO ONE
        OK
        > GET k
        (nil)
        > DBSIZE
        (integer) 1
    "#]]);
}

#[test]
fn writes_may_need_replicas() {
    check(expect![[r#"
        > CONFIG SET min-replicas-to-write 1
        OK
        > SET k v
        (error) NOREPLICAS Not enough good replicas to write.
        > GET k
        (nil)
        > MULTI
        OK
        > SET k v
        (error) NOREPLICAS Not enough good replicas to write.
        > EXEC
        (error) EXECABORT Transaction discarded because of previous errors.
        > CONFIG SET min-replicas-max-lag 0
        OK
        > SET k v
        OK
        > CONFIG SET min-replicas-max-lag 10
        OK
        > DEL k
        (error) NOREPLICAS Not enough good replicas to write.
        > CONFIG SET min-replicas-to-write 0
        OK
        > DEL k
        (integer) 1
    "#]]);
}

/// Also where the configuration said so from the start.
#[test]
fn writes_may_need_replicas_at_once() {
    let mut config = Config::default();
    config.replication.replicas_to_write = 1;
    let mut node = Node::with_config(crate::table(), config);
    let refused = b"-NOREPLICAS Not enough good replicas to write.\r\n";
    assert_eq!(node.send("a", b"SET k v\r\n"), refused);
    assert_eq!(
        node.send("a", b"CONFIG SET min-replicas-to-write 0\r\n"),
        b"+OK\r\n"
    );
    assert_eq!(node.send("a", b"SET k v\r\n"), b"+OK\r\n");
}

/// A node with a replica that has its copy and confirms nothing by itself. Returns where the
/// stream begins for it.
fn with_replica() -> (Node, u64) {
    let mut node = Node::new(crate::table());
    replay(&mut node, "> CONFIG SET repl-diskless-sync-delay 0");
    node.send("r", b"REPLCONF listening-port 7000\r\n");
    node.send("r", b"REPLCONF capa eof capa psync2\r\n");
    node.send("r", b"PSYNC ? -1\r\n");
    node.tick();
    let sent = node.receive("r");
    let offset = node.engine.log.offset();
    let line = format!(" {offset}\r\n");
    assert!(sent.starts_with(b"+FULLRESYNC "));
    assert!(sent.windows(line.len()).any(|it| it == line.as_bytes()));
    node.send("r", format!("REPLCONF ACK {offset}\r\n").as_bytes());
    node.tick();
    node.receive("r");
    (node, offset)
}

#[test]
fn a_replica_is_sent_the_log() {
    let (mut node, offset) = with_replica();
    replay(&mut node, "> SET k v\n> PUBLISH c m\n> SELECT 2\n> INCR n");
    node.tick();
    let stream = node.receive("r");
    assert_eq!(offset + stream.len() as u64, node.engine.log.offset());
    expect![[r#"
        SELECT 0
        SET k v
        PUBLISH c m
        SELECT 2
        INCR n
    "#]]
    .assert_eq(&commands(&stream));
    let list = node.send("a", b"CLIENT LIST TYPE replica\r\n");
    assert!(String::from_utf8_lossy(&list).contains(" flags=S "));
    let nothing = node.send("r", b"REPLCONF ACK 1\r\n");
    assert_eq!(nothing, b"", "a replica is told the stream alone");
    replay(&mut node, "> CLIENT KILL TYPE slave");
    assert!(!node.is_connected("r"));
}

/// What a subscriber does because of a message comes behind it in the log.
#[test]
fn a_message_is_in_the_log_before_anybody_hears_of_it() {
    let mut node = Node::new(crate::table());
    let reader = subscribe(&node);
    node.engine.log.keep(1 << 20);
    node.send("s", b"SUBSCRIBE c\r\n");
    node.send("p", b"SET k v\r\nPUBLISH c m\r\n");
    assert!(!node.receive("s").is_empty());
    replay(
        &mut node,
        "> MULTI\n> SET k w\n> PUBLISH c n\n> INCR x\n> EXEC",
    );
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    expect![[r#"
        SELECT 0
        SET k v
        PUBLISH c m
        MULTI
        SET k w
        PUBLISH c n
        INCR x
        EXEC
    "#]]
    .assert_eq(&commands(&bytes));
}

#[test]
fn a_replica_that_is_answered_is_given_up() {
    let answered = [
        ("PING", "'ping'"),
        ("SLOWLOG GET", "'slowlog|get'"),
        ("GET k", "'get'"),
        ("nosuch x", "'<unknown>'"),
    ];
    for (request, name) in answered {
        let (mut node, _) = with_replica();
        node.world.take_asked();
        let sent = node.send("r", format!("{request}\r\n").as_bytes());
        assert_eq!(sent, b"", "{request}");
        assert!(!node.is_connected("r"), "{request}");
        let log = node.world.take_asked().join("\n");
        let line = format!("Replica generated a reply to command {name}, disconnecting it: id=");
        assert!(log.contains(&line), "{log}");
        let is_error = !["PING", "SLOWLOG GET"].contains(&request);
        let line = "== CRITICAL == This master is sending an error to its replica: '";
        assert_eq!(log.contains(line), is_error, "{log}");
    }
}

#[test]
fn who_waits_is_told_how_many_replicas_confirmed() {
    let (mut node, _) = with_replica();
    assert_eq!(
        node.send("a", b"WAIT 1 0\r\n"),
        b":1\r\n",
        "nothing was written"
    );
    assert_eq!(node.send("a", b"SET k v\r\nWAIT 1 0\r\n"), b"+OK\r\n");
    assert_eq!(node.send("b", b"SET l v\r\nWAIT 2 100\r\n"), b"+OK\r\n");
    node.tick();
    let asked = commands(&node.receive("r"));
    assert!(asked.contains("REPLCONF GETACK *"), "{asked}");
    let end = node.engine.log.offset();
    node.send("r", format!("REPLCONF ACK {end}\r\n").as_bytes());
    assert_eq!(node.receive("a"), b":1\r\n");
    assert_eq!(node.receive("b"), b"");
    node.advance_micros(200_000);
    assert_eq!(node.receive("b"), b":1\r\n", "one is better than none");
    // One who is sent away is told how many there are.
    assert_eq!(node.send("a", b"CLIENT ID\r\nWAIT 3 0\r\n"), b":3\r\n");
    assert_eq!(node.send("b", b"CLIENT UNBLOCK 3\r\n"), b":1\r\n");
    assert_eq!(node.receive("a"), b":1\r\n");
}

#[test]
fn synchronous_writes_are_answered_when_they_are_confirmed() {
    let (mut node, _) = with_replica();
    replay(
        &mut node,
        "> CONFIG SET sync-replicas 1 sync-replicas-timeout 500",
    );
    let sent = b"GET k\r\nSET k v\r\nGET k\r\nMULTI\r\nINCR n\r\nEXEC\r\nPING\r\n";
    assert_eq!(node.send("a", sent), b"$-1\r\n");
    assert_eq!(
        node.send("b", b"GET k\r\nDEL nokey\r\n"),
        b"$1\r\nv\r\n:0\r\n"
    );
    let acknowledge = |node: &mut Node| {
        let end = node.engine.log.offset();
        node.send("r", format!("REPLCONF ACK {end}\r\n").as_bytes());
    };
    acknowledge(&mut node);
    // The transaction comes behind, and waits for its own.
    assert_eq!(node.receive("a"), b"+OK\r\n$1\r\nv\r\n+OK\r\n+QUEUED\r\n");
    acknowledge(&mut node);
    assert_eq!(node.receive("a"), b"*1\r\n:1\r\n+PONG\r\n");

    // What comes late is done, but nobody is told that it is.
    assert_eq!(node.send("a", b"SET k w\r\nGET k\r\n"), b"");
    node.advance_micros(600_000);
    let error = "-NOREPLICAS The write is done here, but only 0 of 1 replicas confirmed it in \
                 time.\r\n";
    let replies = [error.as_bytes(), b"$1\r\nw\r\n"].concat();
    assert_eq!(
        String::from_utf8_lossy(&node.receive("a")),
        String::from_utf8_lossy(&replies)
    );

    // Who waited for a key has what was given confirmed, too.
    acknowledge(&mut node);
    assert_eq!(node.send("b", b"BLPOP l 0\r\n"), b"");
    assert_eq!(node.send("a", b"RPUSH l x\r\n"), b"");
    assert_eq!(node.receive("b"), b"");
    acknowledge(&mut node);
    assert_eq!(node.receive("a"), b":1\r\n");
    assert_eq!(node.receive("b"), b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
}

#[test]
fn messages_are_for_replicas_and_not_for_files() {
    let mut node = Node::new(crate::table());
    let reader = subscribe(&node);
    replay(&mut node, "> PUBLISH c m\n> SET k v");
    node.engine.log.keep(1 << 20);
    replay(&mut node, "> PUBLISH c n\n> SPUBLISH s o");
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    expect![[r#"
        SELECT 0
        SET k v
        PUBLISH c n
        SPUBLISH s o
    "#]]
    .assert_eq(&commands(&bytes));
}

/// The stream of a primary that follows a node.
fn follow(node: &Node) -> Stream {
    node.engine.take_role(Role::Replica);
    Stream::begin(&node.engine, Endpoints::default(), DbIndex(0), 7)
}

fn stream(commands: &[&[&str]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for words in commands {
        resp::reply::write_request(&mut bytes, words);
    }
    bytes
}

#[test]
fn the_stream_is_applied_and_logged_as_it_came() {
    let mut node = Node::new(crate::table());
    let reader = subscribe(&node);
    let mut primary = follow(&node);
    let mut sent = stream(&[
        &["SELECT", "3"],
        &["set", "k", "v"],
        &["RPUSH", "l", "a", "b"],
        &["MULTI"],
        &["INCR", "n"],
        &["INCR", "n"],
        &["EXEC"],
        &["PING"],
        &["REPLCONF", "GETACK", "*"],
    ]);
    sent.push(b'\n');
    primary.apply(&node.engine, &sent).expect("units are whole");
    assert_eq!(
        (primary.db(), node.engine.log.offset()),
        (DbIndex(3), sent.len() as u64)
    );
    let mut bytes = Vec::new();
    node.engine.log.read(&reader, &mut bytes);
    assert_eq!(bytes, sent);
    let shown = node.send(
        "a",
        b"SELECT 3\r\nGET k\r\nGET n\r\nLLEN l\r\nCLIENT LIST TYPE master\r\n",
    );
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(
        shown.starts_with("+OK\r\n$1\r\nv\r\n$1\r\n2\r\n:2\r\n"),
        "{shown}"
    );
    assert!(shown.contains(" flags=M db=3 "), "{shown}");
    // Local changes are in no log.
    replay(
        &mut node,
        "> CONFIG SET replica-read-only no\n> SET local 1",
    );
    assert_eq!(node.engine.log.offset(), sent.len() as u64);
    primary.end(&node.engine);
}

#[test]
fn the_stream_decides_about_expiry() {
    let mut node = Node::new(crate::table());
    let mut primary = follow(&node);
    primary
        .apply(&node.engine, &stream(&[&["SET", "k", "5", "PX", "100"]]))
        .expect("it is whole");
    node.advance_micros(200_000);
    assert_eq!(node.send("a", b"GET k\r\n"), b"$-1\r\n");
    primary
        .apply(&node.engine, &stream(&[&["INCR", "k"], &["PERSIST", "k"]]))
        .expect("it is whole");
    assert_eq!(node.send("a", b"GET k\r\n"), b"$1\r\n6\r\n");
    primary.end(&node.engine);
}

#[test]
fn what_fails_in_the_stream_is_logged_for_the_operator() {
    let node = Node::new(crate::table());
    let mut primary = follow(&node);
    let sent = stream(&[&["NOSUCH", "x"], &["SET", "k", "v"], &["LPUSH", "k", "x"]]);
    primary.apply(&node.engine, &sent).expect("units are whole");
    assert_eq!(node.engine.log.offset(), sent.len() as u64);
    let prefix = "log == CRITICAL == This replica is sending an error to its master: ";
    let lines = node.world.take_asked();
    let lines = lines.iter().map(|line| line.strip_prefix(prefix));
    let lines: Vec<_> = lines.map(|line| line.expect("it is critical")).collect();
    let expected = [
        "'ERR unknown command 'NOSUCH', with args beginning with: 'x'' after processing the \
         command 'NOSUCH'",
        "'WRONGTYPE Operation against a key holding the wrong kind of value' after processing \
         the command 'lpush'",
    ];
    assert_eq!(lines, expected);
    for broken in [&b"*1\r\n$4\r\nPIN"[..], b"*1\r\n+PING\r\n"] {
        assert_eq!(primary.apply(&node.engine, broken), Err(Malformed));
    }
    primary.end(&node.engine);
}

#[test]
fn who_replays_the_log_of_a_replica_is_told_the_db() {
    let node = Node::new(crate::table());
    node.engine.log.keep(1 << 20);
    let mut primary = follow(&node);
    let apply = |primary: &mut Stream, words: &[&str]| {
        let applied = primary.apply(&node.engine, &stream(&[words]));
        applied.expect("it is whole");
    };
    apply(&mut primary, &["SELECT", "5"]);
    let reader = subscribe(&node);
    apply(&mut primary, &["SET", "k", "v"]);
    let mut bytes = Vec::new();
    let read = node.engine.log.read(&reader, &mut bytes);
    assert_eq!(commands(&bytes), "SELECT 5\nSET k v\n");
    assert_eq!(
        read,
        stream(&[&["SET", "k", "v"]]).len(),
        "one of them is not in the log"
    );
    primary.end(&node.engine);
}

#[test]
fn peers_and_people_are_told_what_commands_there_are() {
    check(expect![[r#"
        > COMMAND INFO replicaof slaveof role wait failover psync sync replconf
        1)  1) "replicaof"
            2) (integer) 3
            3) 1) admin
               2) noscript
               3) stale
               4) no_async_loading
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @slow
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        2)  1) "slaveof"
            2) (integer) 3
            3) 1) admin
               2) noscript
               3) stale
               4) no_async_loading
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @slow
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        3)  1) "role"
            2) (integer) 1
            3) 1) noscript
               2) loading
               3) stale
               4) fast
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @fast
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        4)  1) "wait"
            2) (integer) 3
            3) 1) noscript
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @slow
               2) @connection
            8) 1) "request_policy:all_shards"
               2) "response_policy:agg_min"
            9) (empty array)
           10) (empty array)
        5)  1) "failover"
            2) (integer) -1
            3) 1) admin
               2) noscript
               3) stale
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @slow
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        6)  1) "psync"
            2) (integer) -3
            3) 1) admin
               2) noscript
               3) no_async_loading
               4) no_multi
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @slow
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        7)  1) "sync"
            2) (integer) 1
            3) 1) admin
               2) noscript
               3) no_async_loading
               4) no_multi
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @slow
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        8)  1) "replconf"
            2) (integer) -1
            3) 1) admin
               2) noscript
               3) loading
               4) stale
               5) allow_busy
            4) (integer) 0
            5) (integer) 0
            6) (integer) 0
            7) 1) @admin
               2) @slow
               3) @dangerous
            8) (empty array)
            9) (empty array)
           10) (empty array)
        > COMMAND DOCS replicaof
        1) "replicaof"
        2)  1) "summary"
            2) "Makes the server a copy of another, or a primary."
            3) "since"
            4) "5.0.0"
            5) "group"
            6) "server"
            7) "complexity"
            8) "O(1)"
            9) "arguments"
           10) 1) 1) "name"
                  2) "args"
                  3) "type"
                  4) "oneof"
                  5) "arguments"
                  6) 1) 1) "name"
                        2) "host-port"
                        3) "type"
                        4) "block"
                        5) "arguments"
                        6) 1) 1) "name"
                              2) "host"
                              3) "type"
                              4) "string"
                           2) 1) "name"
                              2) "port"
                              3) "type"
                              4) "integer"
                     2) 1) "name"
                        2) "no-one"
                        3) "type"
                        4) "block"
                        5) "arguments"
                        6) 1) 1) "name"
                              2) "no"
                              3) "type"
                              4) "pure-token"
                              5) "token"
                              6) "NO"
                           2) 1) "name"
                              2) "one"
                              3) "type"
                              4) "pure-token"
                              5) "token"
                              6) "ONE"
        > COMMAND DOCS wait
        1) "wait"
        2)  1) "summary"
            2) "Waits until so many replicas have confirmed what this client wrote."
            3) "since"
            4) "3.0.0"
            5) "group"
            6) "generic"
            7) "complexity"
            8) "O(1)"
            9) "arguments"
           10) 1) 1) "name"
                  2) "numreplicas"
                  3) "type"
                  4) "integer"
               2) 1) "name"
                  2) "timeout"
                  3) "type"
                  4) "integer"
        > COMMAND DOCS failover
        1) "failover"
        2)  1) "summary"
            2) "Hands the role of the primary over to one of its replicas."
            3) "since"
            4) "6.2.0"
            5) "group"
            6) "server"
            7) "complexity"
            8) "O(1)"
            9) "arguments"
           10) 1)  1) "name"
                   2) "target"
                   3) "type"
                   4) "block"
                   5) "token"
                   6) "TO"
                   7) "flags"
                   8) 1) optional
                   9) "arguments"
                  10) 1) 1) "name"
                         2) "host"
                         3) "type"
                         4) "string"
                      2) 1) "name"
                         2) "port"
                         3) "type"
                         4) "integer"
                      3) 1) "name"
                         2) "force"
                         3) "type"
                         4) "pure-token"
                         5) "token"
                         6) "FORCE"
                         7) "flags"
                         8) 1) optional
               2) 1) "name"
                  2) "abort"
                  3) "type"
                  4) "pure-token"
                  5) "token"
                  6) "ABORT"
                  7) "flags"
                  8) 1) optional
               3) 1) "name"
                  2) "milliseconds"
                  3) "type"
                  4) "integer"
                  5) "token"
                  6) "TIMEOUT"
                  7) "flags"
                  8) 1) optional
        > COMMAND DOCS psync
        1) "psync"
        2) 1) "summary"
           2) "Begins to send a replica what it lacks."
           3) "since"
           4) "2.8.0"
           5) "group"
           6) "server"
           7) "arguments"
           8) 1) 1) "name"
                 2) "replicationid"
                 3) "type"
                 4) "string"
              2) 1) "name"
                 2) "offset"
                 3) "type"
                 4) "integer"
        > COMMAND DOCS replconf
        1) "replconf"
        2)  1) "summary"
            2) "Tells the primary of a replica, or the other way round."
            3) "since"
            4) "3.0.0"
            5) "group"
            6) "server"
            7) "complexity"
            8) "O(1)"
            9) "doc_flags"
           10) 1) syscmd
    "#]]);
}

#[test]
fn while_other_data_is_loaded_the_old_is_served() {
    let mut node = Node::new(crate::table());
    replay(&mut node, "> SET k v");
    let now = node.engine.now();
    node.engine.persistence.begin_load_beside(now, 1000);
    let refused = b"-LOADING Redis is loading the dataset in memory\r\n";
    for request in [&b"REPLICAOF NO ONE\r\n"[..], b"SAVE\r\n", b"PSYNC ? -1\r\n"] {
        assert_eq!(node.send("a", request), refused);
    }
    assert_eq!(node.send("a", b"GET k\r\n"), b"$1\r\nv\r\n");
    let info = node.send("a", b"INFO persistence\r\n");
    let info = String::from_utf8_lossy(&info).into_owned();
    assert!(info.contains("loading:0\r\nasync_loading:1\r\n"), "{info}");
    assert!(info.contains("\r\nloading_total_bytes:1000\r\n"), "{info}");
    node.engine.persistence.end_load_beside();
    // As long as a copy arrives, that is told, and nothing is refused.
    node.engine.persistence.begin_copy_beside(now);
    assert_eq!(node.send("a", b"REPLICAOF NO ONE\r\n"), b"+OK\r\n");
    let info = node.send("a", b"INFO persistence\r\n");
    let info = String::from_utf8_lossy(&info).into_owned();
    assert!(info.contains("loading:0\r\nasync_loading:1\r\n"), "{info}");
    node.engine.persistence.end_copy_beside();
    let info = node.send("a", b"INFO persistence\r\n");
    let info = String::from_utf8_lossy(&info).into_owned();
    assert!(info.contains("loading:0\r\nasync_loading:0\r\n"), "{info}");
}
