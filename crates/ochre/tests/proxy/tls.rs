//! Encrypted connections on both sides, with Debian's server behind them.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::arena::wait_for_port;
use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::reload::Own;

const REDIS: &str = "/usr/bin/redis-server";
const OPENSSL: &str = "/usr/bin/openssl";

fn openssl(folder: &Folder, line: &str) {
    let ended = Command::new(OPENSSL)
        .args(line.split(' '))
        .current_dir(folder.root())
        .stderr(Stdio::null())
        .status();
    assert!(ended.unwrap().success(), "{line}");
}

/// An authority, and a certificate that it vouches for.
fn certificates(folder: &Folder) {
    openssl(
        folder,
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt",
    );
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -subj /CN=here -keyout own.key -out own.csr",
    );
    folder.file("names", "subjectAltName=IP:127.0.0.1\n");
    openssl(
        folder,
        "x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names \
         -out own.crt",
    );
}

fn ask(proxy: &Own, folder: &Folder, args: &[&str], input: &str) -> String {
    let port = proxy.port.to_string();
    let authority = folder.path("ca.crt");
    let own = ["-p", &port, "--tls", "--cacert", &authority];
    let args = [&own, args].concat();
    Process::start(OCHRE.as_ref(), "redis-cli", &args, input)
        .end()
        .output
}

#[test]
fn both_sides_are_encrypted() {
    if !Path::new(REDIS).exists() || !Path::new(OPENSSL).exists() {
        eprintln!("skipped: {REDIS} or {OPENSSL} is not installed");
        return;
    }
    let folder = Folder::new();
    certificates(&folder);
    let [authority, certificate, key] =
        ["ca.crt", "own.crt", "own.key"].map(|name| folder.path(name));
    let port = free_port();
    let number = port.to_string();
    let args = [
        "--port",
        "0",
        "--tls-port",
        &number,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
        "--save",
        "",
        "--dir",
        folder.root(),
    ];
    let _server = Process::start(Path::new(REDIS), "redis-server", &args, "");
    wait_for_port(port);
    let files = |with_authority: bool| {
        let own = format!("certificate = \"{certificate}\", key = \"{key}\"");
        match with_authority {
            true => format!("{{ authorities = \"{authority}\", {own} }}"),
            false => format!("{{ {own} }}"),
        }
    };
    let proxy = Own::start(&format!(
        "tls = {}\nserver.tls = {}\nring.servers = [\"127.0.0.1:{port}:1\"]",
        files(false),
        files(true)
    ));
    assert_eq!(ask(&proxy, &folder, &["set", "k", "v"], ""), "OK\n");
    assert_eq!(ask(&proxy, &folder, &["get", "k"], ""), "v\n");
    // More than the sockets take at once.
    let value = "x".repeat(300_000);
    let mut lines = format!("set big {value}\n");
    lines += &"get big\n".repeat(40);
    let replies = ask(&proxy, &folder, &[], &lines);
    assert_eq!(replies.len(), "OK\n".len() + 40 * (value.len() + 1));
    // Who speaks plainly is not understood.
    let mut plain = proxy.connect();
    plain.send(b"PING\r\n").unwrap();
    assert!(!plain.rest().contains("PONG"));
    // From now on clients have to show who they are.
    let strict = format!(
        "tls = {}\nserver.tls = {}\nring.servers = [\"127.0.0.1:{port}:1\"]",
        files(true),
        files(true)
    );
    proxy.write(&strict);
    assert_eq!(ask(&proxy, &folder, &["proxy", "reload"], ""), "OK\n");
    wait_until("strangers are refused", || {
        !ask(&proxy, &folder, &["get", "k"], "").starts_with("v\n")
    });
    let shown = ["--cert", &certificate, "--key", &key, "get", "k"];
    assert_eq!(ask(&proxy, &folder, &shown, ""), "v\n");
    // A file that is not there is noticed before anything changes.
    proxy.write(&strict.replace("own.crt", "none.crt"));
    let shown = ["--cert", &certificate, "--key", &key, "proxy", "reload"];
    let refusal = ask(&proxy, &folder, &shown, "");
    assert!(
        refusal.contains("cannot read") && refusal.contains("none.crt"),
        "{refusal}"
    );
}
