//! Clients that take more than they may.

use crate::process::{Server, wait_until};
use crate::wire::Wire;

#[test]
fn idle_clients_are_closed_and_busy_ones_are_not() {
    let server = Server::start(&["--loglevel", "verbose"]);
    let mut busy = server.connect();
    let mut monitor = server.connect();
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    let mut idle = server.connect();
    assert_eq!(idle.ask("PING"), "+PONG");
    assert_eq!(busy.ask("CONFIG SET timeout 1"), "+OK");
    wait_until("the idle client is closed", || {
        assert_eq!(busy.ask("PING"), "+PONG");
        server.process.output().contains("Closing idle client")
    });
    idle.wait_for_close();
    assert_eq!(busy.ask("CONFIG SET timeout 0"), "+OK");
    // The monitor has sent nothing for as long, and still hears everything.
    assert!(busy.ask("ECHO heard").ends_with("heard"));
    while !monitor.reply().ends_with("\"heard\"") {}
}

/// Sends until the server has had enough.
fn flood(wire: &mut Wire, request: &[u8]) {
    let many = request.repeat(1000);
    while wire.send(&many).is_ok() {}
}

#[test]
fn a_client_that_never_reads_is_closed() {
    let server = Server::start(&["--client-output-buffer-limit", "normal 1mb 0 0"]);
    let mut wire = server.connect();
    let value = "x".repeat(100_000);
    assert_eq!(wire.ask_words(&["SET", "k", &value]), "+OK");
    flood(&mut wire, b"GET k\r\n");
    server.wait_for_line("for overcoming of output buffer limits");
    assert_eq!(server.connect().ask("PING"), "+PONG");
}

#[test]
fn a_stranger_that_never_reads_is_closed() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut wire = server.connect();
    // A million commands at least; the refusals are five times as long.
    let commands = b"GET k\r\n".repeat(10_000);
    let sent = (0..100)
        .take_while(|_| wire.send(&commands).is_ok())
        .count();
    assert!(sent < 100, "the server took a million commands");
    server.wait_for_line("for overcoming of output buffer limits");
    assert_eq!(server.connect().ask("AUTH secret"), "+OK");
}

#[test]
fn a_request_that_never_ends_is_closed() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut wire = server.connect();
    wire.send(b"*2\r\n$3\r\nGET\r\n$100000000\r\n").unwrap();
    flood(&mut wire, &[b'x'; 1000]);
    server.wait_for_line("Closing client that reached max query buffer length");
    assert_eq!(server.connect().ask("PING"), "+PONG");
}

#[test]
fn a_server_without_descriptors_goes_on_once_it_has_some() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let server = Server::start(&[]);
    let mut first = server.connect();
    assert_eq!(first.ask("PING"), "+PONG");
    let few = Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    prlimit(Some(server.process.id()), Resource::Nofile, few).unwrap();
    let mut crowd: Vec<Wire> = (0..100).map(|_| server.connect()).collect();
    server.wait_for_line("Accepting client connection: Too many open files");
    assert_eq!(first.ask("PING"), "+PONG");
    assert_eq!(crowd[0].ask("PING"), "+PONG");
    drop(crowd);
    assert_eq!(server.connect().ask("PING"), "+PONG");
}
