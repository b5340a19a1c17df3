//! Clients that do not keep to the protocol, or to any.

use crate::process::Server;

#[test]
fn a_byte_at_a_time_is_as_good_as_all_at_once() {
    let server = Server::start(&[]);
    let requests = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nb\0\r\nGET k\r\n*1\r\n$4\r\nNOPE\r\n\
        SET \"q\\x00\" 'v w'\r\n\r\n*0\r\nSTRLEN \"q\\x00\"\r\n*2\r\n$1\r\nx\r\n$x\r\n";
    let mut at_once = server.connect();
    at_once.send(requests).unwrap();
    let expected = at_once.rest();
    assert!(expected.contains("a\r\nb\0"), "{expected}");
    assert!(expected.contains(":3\r\n"), "{expected}");
    assert!(
        expected.ends_with("-ERR Protocol error: invalid bulk length\r\n"),
        "{expected}"
    );

    let mut slow = server.connect();
    for byte in requests {
        slow.send(&[*byte]).unwrap();
    }
    assert_eq!(slow.rest(), expected);
}

#[test]
fn half_a_command_is_no_command() {
    let server = Server::start(&[]);
    let request = b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5\r\nvalue\r\n";
    for len in 1..request.len() {
        let mut wire = server.connect();
        wire.send(&request[..len]).unwrap();
        wire.finish();
        assert_eq!(wire.rest(), "", "after {len} bytes");
    }
    let mut wire = server.connect();
    assert_eq!(wire.ask("EXISTS half"), ":0");
    wire.send(b"SET half inline").unwrap();
    wire.finish();
    assert_eq!(wire.rest(), "");
    assert_eq!(server.connect().ask("EXISTS half"), ":0");
}

#[test]
fn requests_of_a_browser_run_nothing() {
    let server = Server::start(&[]);
    let attacks: [&[u8]; 4] = [
        b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET evil 1\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET evil 1\r\n",
        b"*1\r\n$5\r\nhost:\r\nSET evil 1\r\n",
        b"MULTI\r\nPOST x\r\nSET evil 1\r\nEXEC\r\n",
    ];
    for attack in attacks {
        let mut wire = server.connect();
        wire.send(attack).unwrap();
        assert_eq!(wire.rest(), "");
    }
    let mut wire = server.connect();
    assert_eq!(wire.ask("EXISTS evil"), ":0");
    let output = server.process.output();
    let lines = output.matches("Possible SECURITY ATTACK detected").count();
    assert_eq!(lines, 1, "one line a minute is enough: {output}");
}

#[test]
fn what_is_no_protocol_is_refused() {
    let server = Server::start(&[]);
    let cases: [(&[u8], &str); 8] = [
        (
            b"*2147483648\r\n",
            "-ERR Protocol error: invalid multibulk length\r\n",
        ),
        (
            b"*99999999999999999999\r\n",
            "-ERR Protocol error: invalid multibulk length\r\n",
        ),
        (
            b"*1\r\n$-1\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            b"*1\r\n$536870913\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            b"*1\r\n$99999999999999999999\r\n",
            "-ERR Protocol error: invalid bulk length\r\n",
        ),
        (
            b"*1\r\n*1\r\n*1\r\n",
            "-ERR Protocol error: expected '$', got '*'\r\n",
        ),
        (
            b"SET \"k v\r\n",
            "-ERR Protocol error: unbalanced quotes in request\r\n",
        ),
        (
            b"*1\r\n\0\xff\xfe\r\n",
            "-ERR Protocol error: expected '$', got ' '\r\n",
        ),
    ];
    for (bytes, reply) in cases {
        let mut wire = server.connect();
        wire.send(bytes).unwrap();
        assert_eq!(wire.rest(), reply, "{}", bytes.escape_ascii());
    }
    let mut wire = server.connect();
    wire.send(&[b'x'; 70_000]).unwrap();
    assert_eq!(
        wire.rest(),
        "-ERR Protocol error: too big inline request\r\n"
    );
    assert_eq!(server.connect().ask("PING"), "+PONG");
}

#[test]
fn strangers_may_not_announce_large_requests() {
    let server = Server::start(&["--requirepass", "secret"]);
    let cases: [(&[u8], &str); 2] = [
        (
            b"*11\r\n",
            "-ERR Protocol error: unauthenticated multibulk length\r\n",
        ),
        (
            b"*1\r\n$16385\r\n",
            "-ERR Protocol error: unauthenticated bulk length\r\n",
        ),
    ];
    for (bytes, reply) in cases {
        let mut wire = server.connect();
        wire.send(bytes).unwrap();
        assert_eq!(wire.rest(), reply, "{}", bytes.escape_ascii());
    }
}

#[test]
fn promises_of_many_words_cost_nothing() {
    let server = Server::start(&[]);
    let mut wires: Vec<_> = (0..100).map(|_| server.connect()).collect();
    for wire in &mut wires {
        wire.send(b"*1048576\r\n$536870912\r\n").unwrap();
    }
    let mut wire = server.connect();
    assert_eq!(wire.ask("PING"), "+PONG");
    let info = wire.ask("INFO memory");
    let used = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    let used: u64 = used.unwrap().parse().unwrap();
    assert!(used < 200 << 20, "{used} bytes are used");
}
