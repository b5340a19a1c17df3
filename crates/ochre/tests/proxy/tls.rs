//! Encrypted connections on both sides, with Debian's server behind them.

use std::path::Path;

use crate::arena::wait_for_port;
use crate::papers::Papers;
use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::reload::Own;

const REDIS: &str = "/usr/bin/redis-server";
fn ask(proxy: &Own, papers: &Papers, args: &[&str], input: &str) -> String {
    let port = proxy.port.to_string();
    let authority = papers.path("authority.pem");
    let own = ["-p", &port, "--tls", "--cacert", &authority];
    let args = [&own, args].concat();
    Process::start(OCHRE.as_ref(), "redis-cli", &args, input)
        .end()
        .output
}

#[test]
fn both_sides_are_encrypted() {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let (papers, folder) = (Papers::new(), Folder::new());
    let [authority, certificate, key] =
        ["authority.pem", "server.pem", "server.key"].map(|name| papers.path(name));
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
    assert_eq!(ask(&proxy, &papers, &["set", "k", "v"], ""), "OK\n");
    assert_eq!(ask(&proxy, &papers, &["get", "k"], ""), "v\n");
    // More than the sockets take at once.
    let value = "x".repeat(300_000);
    let mut lines = format!("set big {value}\n");
    lines += &"get big\n".repeat(40);
    let replies = ask(&proxy, &papers, &[], &lines);
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
    assert_eq!(ask(&proxy, &papers, &["proxy", "reload"], ""), "OK\n");
    wait_until("strangers are refused", || {
        !ask(&proxy, &papers, &["get", "k"], "").starts_with("v\n")
    });
    let shown = ["--cert", &certificate, "--key", &key, "get", "k"];
    assert_eq!(ask(&proxy, &papers, &shown, ""), "v\n");
    // A file that is not there is noticed before anything changes.
    proxy.write(&strict.replace("server.pem", "none.pem"));
    let shown = ["--cert", &certificate, "--key", &key, "proxy", "reload"];
    let refusal = ask(&proxy, &papers, &shown, "");
    assert!(
        refusal.contains("cannot read") && refusal.contains("none.pem"),
        "{refusal}"
    );
}
