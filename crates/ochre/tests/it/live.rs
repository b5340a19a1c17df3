//! Changing a server while it runs.

use std::fs;

use crate::process::{Folder, Server, free_port};
use crate::wire::Wire;

#[test]
fn the_port_moves_and_clients_stay() {
    let server = Server::start(&[]);
    let mut wire = server.connect();
    let port = free_port();
    assert_eq!(wire.ask(&format!("CONFIG SET port {port}")), "+OK");
    assert_eq!(Wire::connect(("127.0.0.1", port)).ask("PING"), "+PONG");
    assert_eq!(wire.ask("PING"), "+PONG");
    let refused = std::net::TcpStream::connect(("127.0.0.1", server.port));
    assert!(refused.is_err());
}

#[test]
fn a_port_that_is_taken_changes_nothing() {
    let server = Server::start(&[]);
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut wire = server.connect();
    let reply = wire.ask(&format!("CONFIG SET port {port}"));
    assert!(reply.starts_with("-ERR CONFIG SET failed"), "{reply}");
    assert_eq!(server.connect().ask("PING"), "+PONG");
    let reply = wire.ask("CONFIG GET port");
    let number = server.port.to_string();
    assert_eq!(
        reply,
        format!("*2\r\n$4\r\nport\r\n${}\r\n{number}", number.len())
    );
}

#[test]
fn the_addresses_change() {
    let server = Server::start(&["--bind", "127.0.0.1"]);
    let mut wire = server.connect();
    assert_eq!(
        wire.ask_words(&["CONFIG", "SET", "bind", "127.0.0.2"]),
        "+OK"
    );
    assert_eq!(
        Wire::connect(("127.0.0.2", server.port)).ask("PING"),
        "+PONG"
    );
    let refused = std::net::TcpStream::connect(("127.0.0.1", server.port));
    assert!(refused.is_err());
    assert_eq!(wire.ask("PING"), "+PONG");
}

#[test]
fn a_rewritten_file_starts_the_same_server() {
    let folder = Folder::new();
    let conf = folder.file("ochre.conf", "# ours: ü\nmaxmemory 1mb\n");
    let dir = &["--dir", folder.root()];
    let server = Server::start_as("redis-server", &[&conf], dir, "");
    let mut wire = server.connect();
    assert_eq!(wire.ask("CONFIG SET maxmemory 3mb timeout 99"), "+OK");
    assert_eq!(wire.ask("CONFIG REWRITE"), "+OK");
    drop(server);
    let text = fs::read_to_string(&conf).unwrap();
    assert!(text.starts_with("# ours: ü\nmaxmemory 3mb\n"), "{text}");
    let server = Server::start_as("redis-server", &[&conf], &[], "");
    let mut wire = server.connect();
    assert_eq!(
        wire.ask("CONFIG GET maxmemory"),
        "*2\r\n$9\r\nmaxmemory\r\n$7\r\n3145728"
    );
    assert_eq!(
        wire.ask("CONFIG GET timeout"),
        "*2\r\n$7\r\ntimeout\r\n$2\r\n99"
    );
}

#[test]
fn without_a_file_there_is_nothing_to_rewrite() {
    let server = Server::start(&[]);
    assert_eq!(
        server.connect().ask("CONFIG REWRITE"),
        "-ERR The server is running without a config file"
    );
}

#[test]
fn one_client_too_many_is_told_so() {
    const FULL: &str = "-ERR max number of clients reached\r\n";
    let server = Server::start(&["--maxclients", "2"]);
    let (mut first, mut second) = (server.connect(), server.connect());
    assert_eq!(first.ask("PING"), "+PONG");
    assert_eq!(second.ask("PING"), "+PONG");
    assert_eq!(server.connect().rest(), FULL);
    assert_eq!(first.ask("CONFIG SET maxclients 3"), "+OK");
    let mut third = server.connect();
    assert_eq!(third.ask("PING"), "+PONG");
    assert_eq!(server.connect().rest(), FULL);
    assert_eq!(third.ask("QUIT"), "+OK");
    third.wait_for_close();
    crate::process::wait_until("the place is free again", || {
        let mut wire = server.connect();
        wire.send(b"PING\r\n").is_ok() && wire.reply() == "+PONG"
    });
}

#[test]
fn a_client_is_woken_more_than_once() {
    let server = Server::start(&[]);
    let (mut monitor, mut busy) = (server.connect(), server.connect());
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    for _ in 0..3 {
        assert_eq!(busy.ask("ECHO a"), "$1\r\na");
        let line = monitor.reply();
        assert!(line.ends_with("] \"ECHO\" \"a\""), "{line}");
    }
    assert_eq!(busy.ask("CLIENT KILL SKIPME yes"), ":1");
    assert_eq!(monitor.rest(), "");
}
