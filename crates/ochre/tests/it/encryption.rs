//! The command line and the benchmark over TLS, with certificates made for the test, against
//! `redis-server`.

use std::path::Path;

use crate::papers::Papers;
use crate::process::{Ended, OCHRE, Process, free_port, wait_until};
use crate::side::REDIS;

/// A `redis-server` that speaks TLS only.
struct Encrypted {
    papers: Papers,
    port: u16,
    _process: Process,
}

impl Encrypted {
    /// Whether clients have to show a certificate is `yes`, `no` or `optional`.
    fn start(clients: &str) -> Encrypted {
        let papers = Papers::new();
        loop {
            let port = free_port();
            let line = format!(
                "--port 0 --tls-port {port} --tls-cert-file @server.pem --tls-key-file @server.key \
                 --tls-ca-cert-file @authority.pem --tls-auth-clients {clients} --dbfilename none"
            );
            let words = papers.words(&line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut process = Process::start(Path::new(REDIS), "redis-server", &words, "");
            let mut has_ended = false;
            wait_until("the server is ready", || {
                has_ended = process.has_ended();
                has_ended || process.output().contains("Ready to accept connections")
            });
            if !has_ended {
                return Encrypted {
                    papers,
                    port,
                    _process: process,
                };
            }
            let output = process.output();
            assert!(output.contains("Address already in use"), "{output}");
        }
    }

    fn run(&self, called: &str, line: &str) -> Ended {
        let words = self.papers.words(&format!("-p {} {line}", self.port));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Process::start(OCHRE.as_ref(), called, &words, "").end()
    }

    fn cli(&self, line: &str) -> (Option<i32>, String) {
        let ended = self.run("redis-cli", line);
        (ended.code, ended.output)
    }
}

#[test]
fn the_command_line_trusts_whom_it_is_told_to() {
    let server = Encrypted::start("no");
    let uri = format!("rediss://localhost:{}", server.port);
    let pong = (Some(0), "PONG\n".to_owned());
    for line in [
        "--tls --cacert @authority.pem ping",
        "--tls --cacertdir @authorities ping",
        "--tls --cacert @server.pem ping",
        "--tls --insecure ping",
        "--tls --insecure --sni elsewhere.example ping",
        &format!("-u {uri} --cacert @authority.pem ping"),
        "--tls --cacert @authority.pem --tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256 ping",
        "--tls --cacert @authority.pem --tls-ciphers DEFAULT:-AES128-SHA256 ping",
        "--tls --cacert @authority.pem --tls-ciphersuites TLS_AES_256_GCM_SHA384 ping",
        // A certificate without its key is not shown.
        "--tls --cacert @authority.pem --cert @client.pem ping",
    ] {
        assert_eq!(server.cli(line), pong, "{line}");
    }
    let start = "Could not negotiate a TLS connection: ";
    let authorities = format!("{start}Invalid CA Certificate File/Directory");
    let verified = format!(
        "Could not connect to Redis at 127.0.0.1:{}: SSL_connect failed: certificate verify failed",
        server.port
    );
    for (line, message) in [
        ("--cacert @stranger.pem", &verified),
        ("", &verified),
        ("--cacert @nothing.pem", &authorities),
        ("--cacert @client.key", &authorities),
        (
            "--insecure --cert @nothing.pem --key @client.key",
            &format!("{start}Invalid client certificate"),
        ),
        (
            "--insecure --cert @client.pem --key @nothing.key",
            &format!("{start}Invalid private key"),
        ),
        (
            "--insecure --tls-ciphers NULL-MD5",
            &format!("{start}Error while configuring ciphers"),
        ),
        (
            "--insecure --tls-ciphersuites NULL",
            &format!("{start}Error while setting cypher suites"),
        ),
    ] {
        let (code, output) = server.cli(&format!("--tls {line} ping"));
        assert_eq!((code, output), (Some(1), format!("{message}\n")), "{line}");
    }
    // Without TLS there is nobody to talk to.
    let (code, output) = server.cli("ping");
    assert!(
        code == Some(1) && output.starts_with("Error: "),
        "{code:?} {output}"
    );
}

#[test]
fn a_server_that_wants_to_know_its_clients_gets_to() {
    let server = Encrypted::start("yes");
    let known = "--tls --cacert @authority.pem --cert @client.pem --key @client.key";
    let long = "x".repeat(100_000);
    let set = server.cli(&format!("{known} set k {long}"));
    assert_eq!(set, (Some(0), "OK\n".to_owned()));
    let got = server.cli(&format!("{known} get k"));
    assert_eq!(got, (Some(0), format!("{long}\n")));
    let (code, output) = server.cli("--tls --cacert @authority.pem ping");
    assert_eq!(code, Some(1), "{output}");
    assert!(!output.contains("PONG"), "{output}");
}

#[test]
fn the_benchmark_encrypts_all_its_connections() {
    let server = Encrypted::start("yes");
    let known = "--tls --cacert @authority.pem --cert @client.pem --key @client.key";
    for (line, command, calls) in [
        ("-n 300 -c 7 -t incr -q", "incr", 300),
        ("-n 1000 -P 10 --threads 2 -t sadd --json", "sadd", 1000),
        ("-n 20 -c 3 -k 0 -t lpush --csv", "lpush", 20),
        // Values that no socket takes at once.
        ("-n 40 -c 2 -P 4 -d 300000 -t mset", "mset", 40),
        ("-n 40 -c 2 -P 4 GET key:__rand_int__", "get", 40),
    ] {
        let ended = server.run("redis-benchmark", &format!("{known} {line}"));
        assert_eq!(ended.code, Some(0), "{line}: {}", ended.output);
        let (_, figures) = server.cli(&format!("{known} info commandstats"));
        let counted = format!("cmdstat_{command}:calls={calls},");
        assert!(figures.contains(&counted), "{line}: {figures}");
    }
    let ended = server.run(
        "redis-benchmark",
        "--tls --cacert @stranger.pem -n 3 -t get -q",
    );
    assert_eq!(ended.code, Some(1));
    let output = ended.output;
    assert!(output.ends_with("certificate verify failed\n"), "{output}");
}
