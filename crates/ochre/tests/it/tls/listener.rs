//! Who is let in, and how certificates are exchanged.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use super::{KNOWN, Server, cli, redis_cli};
use crate::clusters::{Kind, REDIS_CLI};
use crate::papers::Papers;
use crate::process::{Folder, OCHRE, PATIENCE, Process, free_port, wait_until};
use crate::wire::Wire;

const TRUSTING: &str = "--tls --cacert @authority.pem";
const FOREIGN: &str = "--tls --cacert @authority.pem --cert @foreign.pem --key @foreign.key";
const REFUSED: &str = "Unable to update TLS configuration. Check server logs.";

#[track_caller]
fn is_let_in(server: &Server, papers: &Papers, who: &str) -> bool {
    let ended = server.cli(papers, &format!("{who} PING"));
    let is_in = ended.output == "PONG\n";
    if Path::new(REDIS_CLI).exists() {
        let theirs = redis_cli(papers, &format!("-p {} {who} PING", server.port));
        assert_eq!(theirs.output == "PONG\n", is_in, "{who}: {}", theirs.output);
    }
    assert_eq!(ended.code, Some(i32::from(!is_in)), "{}", ended.output);
    is_in
}

fn refusal(name: &str) -> String {
    format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - {REFUSED}")
}

#[test]
fn clients_show_who_they_are_as_far_as_they_have_to() {
    let papers = Papers::new();
    let server = Server::start(Kind::Ochre, &papers, "");
    for (clients, anonymous, foreign) in [
        ("yes", false, false),
        ("optional", true, false),
        ("no", true, true),
        ("yes", false, false),
    ] {
        let line = format!("CONFIG SET tls-auth-clients {clients}");
        assert_eq!(server.ask(&line), "+OK");
        assert!(is_let_in(&server, &papers, KNOWN), "{clients}");
        assert_eq!(
            is_let_in(&server, &papers, TRUSTING),
            anonymous,
            "{clients}"
        );
        assert_eq!(is_let_in(&server, &papers, FOREIGN), foreign, "{clients}");
    }
    server.wait_for_line("Error accepting a client connection: peer did not return a certificate");
    server.wait_for_line("Error accepting a client connection: certificate verify failed");
    assert!(!is_let_in(&server, &papers, "--tls --cacert @stranger.pem"));
    server.wait_for_line("Error accepting a client connection: tlsv1 alert unknown ca");
    // By name, the same clients are told of another port.
    assert!(
        server
            .ask("INFO server")
            .contains(&format!("tcp_port:{}\r\n", server.plain))
    );
}

#[test]
fn who_does_not_shake_hands_does_no_harm() {
    let papers = Papers::new();
    let server = Server::start(Kind::Ochre, &papers, "--tls-auth-clients no");
    let place = ("127.0.0.1", server.port);
    let mut plain = TcpStream::connect(place).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain.write_all(b"PING\r\n").unwrap();
    let mut rest = Vec::new();
    // It may be an alert that comes, or nothing.
    drop(plain.read_to_end(&mut rest));
    assert!(!rest.windows(4).any(|window| window == b"PONG"));
    server.wait_for_line("Error accepting a client connection: wrong version number");
    assert!(
        server
            .ask("INFO stats")
            .contains("rejected_connections:0\r\n")
    );

    // Those who are being asked who they are take the places of clients.
    assert_eq!(server.ask("CONFIG SET maxclients 4"), "+OK");
    let half: Vec<TcpStream> = (0..3)
        .map(|_| {
            let mut half = TcpStream::connect(place).unwrap();
            half.write_all(b"\x16\x03\x01").unwrap();
            half
        })
        .collect();
    let mut last = Wire::connect(("127.0.0.1", server.plain));
    wait_until("nobody else is let in", || {
        let mut one = TcpStream::connect(place).unwrap();
        one.set_read_timeout(Some(PATIENCE)).unwrap();
        let ended = one.read(&mut [0; 1]);
        matches!(ended, Ok(0) | Err(_)) && {
            let stats = last.ask("INFO stats");
            !stats.contains("rejected_connections:0\r\n")
        }
    });
    drop(half);
    wait_until("there is room again", || {
        server.cli(&papers, &format!("{TRUSTING} PING")).output == "PONG\n"
    });
}

#[test]
fn certificates_are_exchanged_while_the_server_runs() {
    let papers = Papers::new();
    let server = Server::start(Kind::Ochre, &papers, "--tls-auth-clients no");
    let trusts = |authority: &str| {
        let line = format!("--tls --cacert @{authority}.pem PING");
        server.cli(&papers, &line).output == "PONG\n"
    };
    assert!(trusts("authority") && !trusts("stranger"));
    // The files hold something else, and are read when they are named again.
    let (own, key) = (papers.path("server.pem"), papers.path("server.key"));
    let kept = [&own, &key].map(|path| fs::read(path).unwrap());
    fs::copy(papers.path("foreign.pem"), &own).unwrap();
    fs::copy(papers.path("foreign.key"), &key).unwrap();
    assert!(trusts("authority"));
    assert_eq!(
        server.ask(&format!("CONFIG SET tls-cert-file {own}")),
        "+OK"
    );
    assert!(!trusts("authority") && trusts("stranger"));
    // Half of an exchange is refused, and changes nothing.
    fs::write(&own, &kept[0]).unwrap();
    let refused = server.ask(&format!("CONFIG SET tls-cert-file {own}"));
    assert_eq!(refused, refusal("tls-cert-file"));
    server.wait_for_line(&format!("Failed to load private key: {key}: "));
    assert!(trusts("stranger"));
    fs::write(&key, &kept[1]).unwrap();
    assert_eq!(server.ask(&format!("CONFIG SET tls-key-file {key}")), "+OK");
    assert!(trusts("authority") && !trusts("stranger"));
    for (name, value, line) in [
        (
            "tls-cert-file",
            "/nowhere",
            "Failed to load certificate: /nowhere: No such file",
        ),
        (
            "tls-key-file",
            "/nowhere",
            "Failed to load private key: /nowhere: No such file",
        ),
        (
            "tls-ca-cert-file",
            "/nowhere",
            "Failed to configure CA certificate(s) file/directory: ",
        ),
        (
            "tls-ca-cert-dir",
            "/nowhere",
            "Failed to configure CA certificate(s) file/directory: ",
        ),
        (
            "tls-dh-params-file",
            "/nowhere",
            "Failed to load /nowhere: No such file",
        ),
        ("tls-protocols", "SSLv3", "Invalid tls-protocols specified."),
        (
            "tls-ciphers",
            "NULL-MD5",
            "Failed to configure ciphers: NULL-MD5",
        ),
        (
            "tls-ciphersuites",
            "NULL",
            "Failed to configure ciphersuites: NULL",
        ),
    ] {
        let before = server.ask(&format!("CONFIG GET {name}"));
        let refused = server.ask(&format!("CONFIG SET maxclients 77 {name} {value}"));
        assert_eq!(refused, refusal(name));
        server.wait_for_line(line);
        assert_eq!(server.ask(&format!("CONFIG GET {name}")), before);
        assert!(!server.ask("CONFIG GET maxclients").contains("77"));
    }
    assert!(trusts("authority"));
}

#[test]
fn ports_are_opened_and_closed_one_by_one() {
    let papers = Papers::new();
    let server = Server::start(Kind::Ochre, &papers, "--tls-auth-clients no");
    let own = Wire::connect(("127.0.0.1", server.plain));
    let ask = |port: u16, line: &str| {
        let line = format!("-p {port} {TRUSTING} {line}");
        cli(&papers, &line, "").output
    };
    // A pipeline of which no socket takes all at once.
    let value = "x".repeat(300_000);
    let input = format!("SET k {value}\n{}", "GET k\n".repeat(40));
    let ended = cli(&papers, &format!("-p {} {TRUSTING}", server.port), &input);
    assert_eq!(ended.output.len(), "OK\n".len() + 40 * (value.len() + 1));
    let taken = free_port();
    let _taken = std::net::TcpListener::bind(("0.0.0.0", taken)).unwrap();
    let refused = ask(server.port, &format!("CONFIG SET tls-port {taken}"));
    assert!(
        refused.contains("Unable to listen on this port. Check server logs."),
        "{refused}"
    );
    assert_eq!(ask(server.port, "CONFIG SET port 0"), "OK\n");
    let next = free_port();
    assert_eq!(
        ask(server.port, &format!("CONFIG SET tls-port {next}")),
        "OK\n"
    );
    let info = ask(next, "INFO server");
    assert!(info.contains(&format!("tcp_port:{next}")), "{info}");
    assert!(TcpStream::connect(("127.0.0.1", server.plain)).is_err());
    assert!(TcpStream::connect(("127.0.0.1", server.port)).is_err());
    // Who was connected stays.
    let mut own = own;
    assert_eq!(own.ask("CONFIG SET tls-port 0"), "+OK");
    assert!(TcpStream::connect(("127.0.0.1", next)).is_err());
    assert_eq!(
        own.ask(&format!("CONFIG SET port {next} tls-port {}", server.port)),
        "+OK"
    );
    assert_eq!(ask(server.port, "PING"), "PONG\n");
    assert_eq!(Wire::connect(("127.0.0.1", next)).ask("PING"), "+PONG");
}

#[test]
fn a_server_that_cannot_encrypt_says_why_and_does_not_start() {
    let papers = Papers::new();
    let port = free_port().to_string();
    let last = "Failed to configure TLS. Check logs for more info.";
    for (line, why) in [
        ("", "No tls-cert-file configured!"),
        ("--tls-cert-file @server.pem", "No tls-key-file configured!"),
        (
            "--tls-cert-file @server.pem --tls-key-file @server.key",
            "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, \
             tls-replication or tls-auth-clients are enabled!",
        ),
        (
            "--tls-cert-file @server.pem --tls-key-file @client.key --tls-auth-clients no",
            "Failed to load private key: ",
        ),
    ] {
        let folder = Folder::new();
        let words = papers.words(line);
        let mut args = vec![
            "server",
            "--port",
            "0",
            "--tls-port",
            &port,
            "--dir",
            folder.root(),
        ];
        args.extend(words.iter().map(String::as_str));
        let ended = Process::start(OCHRE.as_ref(), "ochre", &args, "").end();
        assert_eq!(ended.code, Some(1), "{line}");
        let (at, behind) = (ended.output.find(why), ended.output.find(last));
        assert!(at.is_some() && at < behind, "{line}: {}", ended.output);
    }
    // Nobody looks at files that nothing needs.
    let mut process = Process::start(
        OCHRE.as_ref(),
        "ochre",
        &[
            "server",
            "--port",
            &port,
            "--save",
            "",
            "--tls-cert-file",
            "/nowhere",
        ],
        "",
    );
    assert!(super::is_ready(&mut process));
}

const OPENSSL: &str = "/usr/bin/openssl";

#[test]
fn versions_and_keys_are_those_of_openssl() {
    if !Path::new(OPENSSL).exists() {
        eprintln!("skipped: {OPENSSL} is not installed");
        return;
    }
    let papers = Papers::new();
    let server = Server::start(Kind::Ochre, &papers, "--tls-auth-clients no");
    let place = format!("127.0.0.1:{}", server.port);
    let openssl = |more: &[&str]| {
        let args = [&["s_client", "-connect", &place], more].concat();
        let ended = Process::start(OPENSSL.as_ref(), "openssl", &args, "").end();
        ended.output
    };
    let speaks = |version: &str| openssl(&[version]).contains("BEGIN CERTIFICATE");
    for (protocols, older, newer) in [
        ("TLSv1.2", true, false),
        ("TLSv1.3", false, true),
        ("tlsv1.1 tlsv1.2 TLSv1.3", true, true),
    ] {
        let mut wire = Wire::connect(("127.0.0.1", server.plain));
        assert_eq!(
            wire.ask_words(&["CONFIG", "SET", "tls-protocols", protocols]),
            "+OK"
        );
        assert_eq!(
            (speaks("-tls1_2"), speaks("-tls1_3")),
            (older, newer),
            "{protocols}"
        );
    }
    // Sessions are resumed as long as that is wanted.
    for (caching, count) in [("yes", 5), ("no", 0), ("yes", 5)] {
        assert_eq!(
            server.ask(&format!("CONFIG SET tls-session-caching {caching}")),
            "+OK"
        );
        let output = openssl(&["-tls1_2", "-reconnect"]);
        assert_eq!(output.matches("Reused, TLSv1.2").count(), count, "{output}");
    }
    // A key that a password opens.
    let (key, sealed) = (papers.path("server.key"), papers.path("sealed.key"));
    let line = format!("pkcs8 -topk8 -in {key} -out {sealed} -passout pass:secret -iter 100");
    let words: Vec<&str> = line.split(' ').collect();
    let ended = Process::start(OPENSSL.as_ref(), "openssl", &words, "").end();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let set = format!("CONFIG SET tls-key-file {sealed}");
    assert_eq!(server.ask(&set), refusal("tls-key-file"));
    server.wait_for_line("the key is encrypted, and no password is given");
    let wrong = format!("{set} tls-key-file-pass wrong");
    assert_eq!(server.ask(&wrong), refusal("tls-key-file"));
    server.wait_for_line("the password does not open the key");
    assert_eq!(
        server.ask(&format!("{set} tls-key-file-pass secret")),
        "+OK"
    );
    assert!(is_let_in(&server, &papers, TRUSTING));
}
