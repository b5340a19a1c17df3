//! Replicas that follow over TLS.

use super::{KNOWN, Server};
use crate::clusters::{Kind, has_redis};
use crate::papers::Papers;

const QUICK: &str = "--tls-replication yes --repl-diskless-sync-delay 0";

/// A replica of one kind follows a primary of the other, loses it, and goes on where it was.
fn follow(primary: Kind, replica: Kind) {
    if !has_redis() {
        return;
    }
    let papers = Papers::new();
    let source = Server::start(primary, &papers, QUICK);
    let target = Server::start(replica, &papers, QUICK);
    let long = "x".repeat(1 << 20);
    assert_eq!(source.ask(&format!("SET long {long}")), "+OK");
    assert_eq!(
        target.ask(&format!("REPLICAOF 127.0.0.1 {}", source.port)),
        "+OK"
    );
    target.wait_for("INFO replication", "master_link_status:up");
    target.wait_for("STRLEN long", ":1048576");
    // What it is known by is where it speaks TLS.
    let known = format!("ip=127.0.0.1,port={},state=online", target.port);
    source.wait_for("INFO replication", &known);
    assert_eq!(source.ask(&format!("APPEND long {long}")), ":2097152");
    target.wait_for("STRLEN long", ":2097152");
    // The link is cut, and made anew from where it was.
    assert_eq!(source.ask("CLIENT KILL TYPE replica"), ":1");
    assert_eq!(source.ask("SET k v"), "+OK");
    target.wait_for("GET k", "v");
    assert!(source.ask("INFO stats").contains("sync_partial_ok:1\r\n"));
    let ended = target.cli(&papers, &format!("{KNOWN} GET k"));
    assert_eq!(ended.output, "v\n");
}

#[test]
fn ours_follows_redis() {
    follow(Kind::Debian, Kind::Ochre);
}

#[test]
fn redis_follows_ours() {
    follow(Kind::Ochre, Kind::Debian);
}

#[test]
fn ours_follows_ours() {
    follow(Kind::Ochre, Kind::Ochre);
}

#[test]
fn nobody_follows_a_primary_that_is_not_trusted() {
    let papers = Papers::new();
    let source = Server::start(Kind::Ochre, &papers, QUICK);
    let target = Server::start(Kind::Ochre, &papers, QUICK);
    assert_eq!(source.ask("SET k v"), "+OK");
    let stranger = papers.path("stranger.pem");
    assert_eq!(
        target.ask(&format!("CONFIG SET tls-ca-cert-file {stranger}")),
        "+OK"
    );
    assert_eq!(
        target.ask(&format!("REPLICAOF 127.0.0.1 {}", source.port)),
        "+OK"
    );
    target.wait_for_line("certificate verify failed");
    assert!(
        target
            .ask("INFO replication")
            .contains("master_link_status:down")
    );
    // Plain text is not understood there, nor TLS where that is not spoken.
    assert_eq!(target.ask("CONFIG SET tls-replication no"), "+OK");
    source.wait_for_line("Error accepting a client connection: wrong version number");
    let authority = papers.path("authority.pem");
    let set = format!("CONFIG SET tls-replication yes tls-ca-cert-file {authority}");
    assert_eq!(target.ask(&set), "+OK");
    target.wait_for("GET k", "v");
}
