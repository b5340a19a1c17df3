//! What a client sees of a pool.

use resp::value::Value;

use crate::arena::{Proxy, arena};
use crate::process::wait_until;

const MODULA: &[&str] = &["hash: crc32a", "distribution: modula"];

/// Keys on the two servers of a pool with `hash_tag`.
fn two_servers(wire: &mut crate::wire::Wire) -> (String, String) {
    let reply = |wire: &mut crate::wire::Wire, key: &str| wire.ask(&format!("RENAME first {key}"));
    assert_eq!(wire.ask("SET first 1"), "+OK");
    let crossing = (0..100).map(|i| format!("other{i}"));
    for key in crossing {
        if reply(wire, &key).starts_with("-CROSSSLOT") {
            return ("first".to_owned(), key);
        }
        wire.ask(&format!("RENAME {key} first"));
    }
    panic!("all keys are on one server");
}

#[test]
fn requests_are_cut_and_replies_put_together() {
    let (backends, proxy) = arena(3, MODULA);
    let mut wire = proxy.connect();
    let keys: Vec<String> = (0..50).map(|i| format!("k{i}")).collect();
    let pairs: Vec<String> = keys.iter().map(|key| format!("{key} of-{key}")).collect();
    assert_eq!(wire.ask(&format!("MSET {}", pairs.join(" "))), "+OK");
    let values = wire.ask_all(&[format!("MGET {} none", keys.join(" "))]);
    let mut wanted: Vec<Value> = keys
        .iter()
        .map(|key| Value::Bulk(format!("of-{key}").into_bytes()))
        .collect();
    wanted.push(Value::Null);
    assert_eq!(values, [Value::Array(wanted)]);
    for backend in &backends {
        let size = backend.connect().ask("DBSIZE");
        assert_ne!(size, ":0", "every server has some");
    }
    assert_eq!(wire.ask("DBSIZE"), ":50");
    assert_eq!(wire.ask(&format!("EXISTS {} none", keys.join(" "))), ":50");
    let Value::Array(found) = &wire.ask_all(&["KEYS *"])[0] else {
        panic!("KEYS gives no array");
    };
    assert_eq!(found.len(), 50);
    assert_eq!(scan_all(&mut wire).len(), 50);
    assert!(wire.ask("RANDOMKEY").contains('k'));
    assert_eq!(wire.ask(&format!("DEL {}", keys.join(" "))), ":50");
    assert_eq!(wire.ask("SET a 1"), "+OK");
    assert_eq!(wire.ask("FLUSHALL"), "+OK");
    assert_eq!(wire.ask("RANDOMKEY"), "$-1");
}

fn scan_all(wire: &mut crate::wire::Wire) -> std::collections::BTreeSet<Vec<u8>> {
    let (mut cursor, mut found) = ("0".to_owned(), std::collections::BTreeSet::new());
    loop {
        let reply = wire.ask_all(&[format!("SCAN {cursor} COUNT 7")]);
        let [Value::Array(parts)] = &reply[..] else {
            panic!("{reply:?}");
        };
        let [Value::Bulk(next), Value::Array(keys)] = &parts[..] else {
            panic!("{parts:?}");
        };
        found.extend(keys.iter().map(|key| match key {
            Value::Bulk(key) => key.clone(),
            other => panic!("{other:?}"),
        }));
        cursor = String::from_utf8(next.clone()).unwrap();
        if cursor == "0" {
            return found;
        }
    }
}

#[test]
fn a_transaction_runs_where_its_first_key_is() {
    let (_backends, proxy) = arena(2, MODULA);
    let mut wire = proxy.connect();
    let (here, there) = two_servers(&mut wire);
    wire.ask("FLUSHALL");
    let lines = [
        "MULTI",
        "PING",
        "SET first 2",
        "GET first",
        "EXEC",
        "GET first",
    ];
    let replies = wire.ask_all(&lines);
    let text = |text: &str| Value::Simple(text.as_bytes().to_vec());
    let bulk = |text: &str| Value::Bulk(text.as_bytes().to_vec());
    let queued = || text("QUEUED");
    let executed = Value::Array(vec![text("PONG"), text("OK"), bulk("2")]);
    let wanted = [
        text("OK"),
        queued(),
        queued(),
        queued(),
        executed,
        bulk("2"),
    ];
    assert_eq!(replies, wanted);
    // A key elsewhere spoils it, and the connection is kept.
    wire.ask("MULTI");
    assert_eq!(wire.ask(&format!("SET {here} 3")), "+QUEUED");
    assert!(
        wire.ask(&format!("SET {there} 3"))
            .starts_with("-CROSSSLOT")
    );
    assert!(wire.ask("EXEC").starts_with("-EXECABORT"));
    assert_eq!(wire.ask("GET first"), "$1\r\n2");
    // What is watched and changed by somebody else stops it.
    let mut other = proxy.connect();
    assert_eq!(wire.ask("WATCH first"), "+OK");
    assert_eq!(other.ask("SET first 4"), "+OK");
    wire.ask("MULTI");
    wire.ask("SET first 5");
    assert_eq!(wire.ask("EXEC"), "*-1");
    assert_eq!(wire.ask("GET first"), "$1\r\n4");
    assert!(wire.ask("EXEC").starts_with("-ERR EXEC without MULTI"));
    wire.ask("MULTI");
    assert!(wire.ask("KEYS *").starts_with("-ERR Command not allowed"));
    assert_eq!(wire.ask("DISCARD"), "+OK");
    wire.ask("MULTI");
    assert_eq!(wire.ask("EXEC"), "*0");
}

#[test]
fn who_waits_for_a_key_stops_nobody_else() {
    let (_backends, proxy) = arena(2, MODULA);
    let (mut waiting, mut other) = (proxy.connect(), proxy.connect());
    waiting
        .send(b"*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n*1\r\n$4\r\nPING\r\n")
        .unwrap();
    assert_eq!(other.ask("SET a 1"), "+OK");
    assert_eq!(other.ask("RPUSH l x"), ":1");
    assert_eq!(waiting.reply(), "*2\r\n$1\r\nl\r\n$1\r\nx");
    assert_eq!(waiting.reply(), "+PONG");
    // Who goes while it waits takes nothing away.
    waiting
        .send(b"*3\r\n$5\r\nBLPOP\r\n$1\r\nl\r\n$1\r\n0\r\n")
        .unwrap();
    drop(waiting);
    wait_until("the client has gone", || {
        proxy.statistics().contains("\"client_connections\":1")
    });
    other.ask("RPUSH l y");
    wait_until("the element stays", || other.ask("LLEN l") == ":1");
}

#[test]
fn channels_are_heard_wherever_they_are_published() {
    let (_backends, proxy) = arena(2, MODULA);
    let (mut listener, mut other) = (proxy.connect(), proxy.connect());
    let request = "SUBSCRIBE c1 c2 c3 c4";
    assert_eq!(
        listener.ask(request),
        "*3\r\n$9\r\nsubscribe\r\n$2\r\nc1\r\n:1"
    );
    for (channel, count) in [("c2", 2), ("c3", 3), ("c4", 4)] {
        let wanted = format!("*3\r\n$9\r\nsubscribe\r\n$2\r\n{channel}\r\n:{count}");
        assert_eq!(listener.reply(), wanted);
    }
    assert_eq!(
        listener.ask("PSUBSCRIBE d*"),
        "*3\r\n$10\r\npsubscribe\r\n$2\r\nd*\r\n:5"
    );
    for channel in ["c1", "c2", "c3", "c4"] {
        assert_eq!(other.ask(&format!("PUBLISH {channel} m")), ":1");
        let wanted = format!("*3\r\n$7\r\nmessage\r\n$2\r\n{channel}\r\n$1\r\nm");
        assert_eq!(listener.reply(), wanted);
    }
    other.ask("PUBLISH d1 m");
    assert!(listener.reply().starts_with("*4\r\n$8\r\npmessage"));
    assert_eq!(listener.ask("PING"), "*2\r\n$4\r\npong\r\n$0");
    assert!(
        listener
            .ask("GET a")
            .starts_with("-ERR Can't execute 'get'")
    );
    assert!(listener.ask("PUNSUBSCRIBE").ends_with(":4"));
    assert!(listener.ask("UNSUBSCRIBE c1 c2 c3 c4").ends_with(":3"));
    for count in [2, 1, 0] {
        assert!(listener.reply().ends_with(&format!(":{count}")));
    }
    assert_eq!(listener.ask("GET a"), "$-1");
}

#[test]
fn what_cannot_be_done_gets_an_error_and_the_connection_stays() {
    let (_backends, proxy) = arena(2, MODULA);
    let mut wire = proxy.connect();
    for (line, start) in [
        (
            "NOSUCH a b",
            "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ",
        ),
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        ("SHUTDOWN", "-ERR the proxy does not pass on 'shutdown'"),
        ("CONFIG SET a b", "-ERR the proxy does not pass on 'config'"),
        ("SCAN x", "-ERR invalid cursor"),
        ("SELECT 99", "-ERR DB index is out of range"),
        ("AUTH x", "-ERR Client sent AUTH, but no password is set"),
        ("HELLO 9", "-NOPROTO"),
        ("HELLO 3", "%7"),
        ("GET none", "_"),
        ("HELLO 2", "*14"),
        ("PING hello", "$5\r\nhello"),
        ("ECHO hi", "$2\r\nhi"),
        ("CLIENT SETNAME me", "+OK"),
        ("CLIENT GETNAME", "$2\r\nme"),
        ("CONFIG GET save", "*0"),
    ] {
        let reply = wire.ask(line);
        assert!(reply.starts_with(start), "{line}: {reply}");
    }
    wire.send(b"SET inline \"a b\"\r\nGET inline\r\n").unwrap();
    assert_eq!(wire.reply(), "+OK");
    assert_eq!(wire.reply(), "$3\r\na b");
    // One db does not see another's keys, and requests go in order over the change.
    let lines = [
        "SET d 0", "SELECT 1", "GET d", "SET d 1", "SELECT 0", "GET d",
    ];
    let replies = wire.ask_all(&lines);
    assert_eq!(replies[2], Value::Null);
    assert_eq!(replies[5], Value::Bulk(b"0".to_vec()));
    wire.send(b"*1\r\n$x\r\n").unwrap();
    assert_eq!(wire.rest(), "-ERR Protocol error: invalid bulk length\r\n");
    let mut wire = proxy.connect();
    assert_eq!(wire.ask("QUIT"), "+OK");
    assert_eq!(wire.rest(), "");
}

#[test]
fn a_password_is_asked_for() {
    let (backends, proxy) = arena(1, &["redis_auth: secret"]);
    let mut own = backends[0].connect();
    own.ask("CONFIG SET requirepass secret");
    let mut wire = proxy.connect();
    assert_eq!(wire.ask("GET a"), "-NOAUTH Authentication required");
    assert_eq!(wire.ask("PING"), "-NOAUTH Authentication required");
    assert_eq!(wire.ask("AUTH wrong"), "-ERR invalid password");
    assert_eq!(wire.ask("AUTH secret"), "+OK");
    assert_eq!(wire.ask("SET a 1"), "+OK");
    assert_eq!(wire.ask("AUTH wrong"), "-ERR invalid password");
    assert_eq!(wire.ask("GET a"), "-NOAUTH Authentication required");
    assert!(
        wire.ask("HELLO 3 AUTH default wrong")
            .starts_with("-WRONGPASS")
    );
    assert!(wire.ask("HELLO 3 AUTH default secret").starts_with("%7"));
    assert_eq!(wire.ask("GET a"), "$1\r\n1");
}

#[test]
fn a_dead_server_is_refused_and_comes_back() {
    let (mut backends, proxy) = arena(1, &["timeout: 5000"]);
    let mut wire = proxy.connect();
    assert_eq!(wire.ask("SET k 1"), "+OK");
    backends[0].kill();
    wait_until("the server is missed", || {
        wire.ask("SET k 2") == "-ERR Connection refused"
    });
    assert_eq!(wire.ask("MGET k l"), "-ERR Connection refused");
    backends[0].revive();
    assert_eq!(wire.ask("SET k 3"), "+OK");
}

#[test]
fn who_answers_too_late_is_given_up() {
    // It listens and takes what comes, and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let proxy = Proxy::start(&[port], &["redis: true", "timeout: 50"]);
    let mut wire = proxy.connect();
    assert_eq!(wire.ask("GET k"), "-ERR Connection timed out");
    let replies = wire.ask_all(&["PING", "GET k", "PING"]);
    assert!(matches!(&replies[1], Value::Error(text) if text == b"ERR Connection timed out"));
    assert!(proxy.statistics().contains("\"server_timedout\":2"));
}

#[test]
fn who_fails_too_often_leaves_the_ring() {
    let lines = [
        "auto_eject_hosts: true",
        "server_failure_limit: 1",
        "server_retry_timeout: 300",
    ];
    let (mut backends, proxy) = arena(2, &[MODULA, &lines].concat());
    let mut wire = proxy.connect();
    let (here, there) = two_servers(&mut wire);
    assert_eq!(wire.ask(&format!("MSET {here} 1 {there} 1")), "+OK");
    backends[0].kill();
    wait_until("the dead server is out", || {
        proxy.statistics().contains("\"server_ejects\":1")
    });
    // Both keys have a server again, the same one.
    wait_until("both are served", || {
        wire.ask(&format!("MSET {here} 1 {there} 1")) == "+OK"
    });
    backends[0].revive();
    wait_until("it is asked again", || {
        wire.ask(&format!("SET {here} 1"));
        wire.ask(&format!("SET {there} 1"));
        backends[0].connect().ask("DBSIZE") != ":0"
    });
}

#[test]
fn statistics_count_what_was_sent() {
    let (_backends, proxy) = arena(2, MODULA);
    let mut wire = proxy.connect();
    let keys: Vec<String> = (0..20).map(|i| format!("k{i}")).collect();
    wire.ask(&format!("MGET {}", keys.join(" ")));
    let report = proxy.statistics();
    assert!(
        report.starts_with("{\"service\":\"nutcracker\""),
        "{report}"
    );
    assert!(report.ends_with("}\n"), "{report}");
    assert_eq!(report.matches("\"requests\":1,").count(), 2, "{report}");
    assert!(report.contains("\"fragments\":2"), "{report}");
}
