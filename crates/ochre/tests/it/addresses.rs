//! Where a server listens, and whom it lets in.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;

use crate::process::{Server, free_port, run};
use crate::wire::Wire;

/// An address kept for documentation: no machine has it.
const FOREIGN: &str = "203.0.113.77";

#[test]
fn an_address_this_machine_lacks_is_left_out_only_if_optional() {
    let optional = format!("127.0.0.1 -{FOREIGN}");
    let server = Server::start(&["--bind", &optional]);
    assert_eq!(server.connect().ask("PING"), "+PONG");

    let port = free_port().to_string();
    let args = ["server", "--port", &port, "--save", "", "--bind", FOREIGN];
    let ended = run(&args);
    assert_eq!(ended.code, Some(1));
    let words = [
        format!("{FOREIGN}:{port}: bind: Cannot assign requested address"),
        format!("Failed listening on port {port} (TCP), aborting."),
    ];
    for words in words {
        assert!(ended.output.contains(&words), "{}", ended.output);
    }
}

#[test]
fn two_addresses_and_a_socket_are_served_at_once() {
    let folder = crate::process::Folder::new();
    let path = folder.path("ochre.sock");
    let server = Server::start(&[
        "--bind",
        "127.0.0.1",
        "127.0.0.2",
        "--unixsocket",
        &path,
        "--unixsocketperm",
        "700",
    ]);
    assert_eq!(server.connect().ask("SET k v"), "+OK");
    let mut second = Wire::connect(("127.0.0.2", server.port));
    assert_eq!(second.ask("GET k"), "$1\r\nv");
    assert_eq!(Wire::connect_unix(&path).ask("GET k"), "$1\r\nv");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn the_sixth_version_of_the_protocol_is_served() {
    if let Err(error) = TcpListener::bind("[::1]:0") {
        println!("skipped: this machine has no ::1 ({error})");
        return;
    }
    let server = Server::start(&["--bind", "127.0.0.1", "::1"]);
    assert_eq!(Wire::connect(("::1", server.port)).ask("PING"), "+PONG");
}

#[test]
fn protected_mode_admits_only_this_machine() {
    let Some(own) = own_address() else {
        println!("skipped: this machine has no address but its loopback");
        return;
    };
    let server = Server::start(&["--bind", "*"]);
    let denied = Wire::connect((own, server.port)).rest();
    assert!(denied.starts_with("-DENIED "), "{denied}");
    let mut local = server.connect();
    assert_eq!(local.ask("CONFIG SET protected-mode no"), "+OK");
    assert_eq!(Wire::connect((own, server.port)).ask("PING"), "+PONG");
    assert_eq!(local.ask("CONFIG SET protected-mode yes"), "+OK");
    assert_eq!(local.ask("CONFIG SET requirepass secret"), "+OK");
    let mut stranger = Wire::connect((own, server.port));
    assert_eq!(stranger.ask("PING"), "-NOAUTH Authentication required.");
}

/// An address of this machine that is not a loopback, out of the kernel's routing table.
fn own_address() -> Option<Ipv4Addr> {
    let table = std::fs::read_to_string("/proc/net/fib_trie").ok()?;
    let lines: Vec<&str> = table.lines().collect();
    let local = lines
        .windows(2)
        .filter(|pair| pair[1].contains("/32 host LOCAL"));
    local
        .filter_map(|pair| pair[0].trim().strip_prefix("|-- ")?.parse().ok())
        .find(|address: &Ipv4Addr| !address.is_loopback())
}
