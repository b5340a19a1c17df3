//! Servers of either kind that speak TLS to their clients and to each other. What a test asks of
//! them in passing goes by a plain port.

use std::path::Path;

use crate::clusters::{Kind, REDIS_CLI};
use crate::papers::Papers;
use crate::process::{Ended, Folder, OCHRE, Process, free_port, wait_until};
use crate::side::REDIS;
use crate::wire::Wire;

mod cluster;
mod listener;
mod replication;
mod resharding;
mod sentinel;

/// How a client says who it is and whom it trusts.
const KNOWN: &str = "--tls --cacert @authority.pem --cert @client.pem --key @client.key";

/// A server with a port of either sort.
struct Server {
    process: Process,
    plain: u16,
    port: u16,
    folder: Folder,
}

impl Server {
    /// Starts a server with its papers and these directives.
    fn start(kind: Kind, papers: &Papers, directives: &str) -> Server {
        loop {
            let folder = Folder::new();
            let (plain, port) = (free_port(), free_port());
            let mut process = run(kind, papers, &folder, (plain, port), directives);
            if is_ready(&mut process) {
                return Server {
                    process,
                    plain,
                    port,
                    folder,
                };
            }
        }
    }

    fn restart(&mut self, kind: Kind, papers: &Papers, directives: &str) {
        let ports = (self.plain, self.port);
        self.process = run(kind, papers, &self.folder, ports, directives);
        assert!(is_ready(&mut self.process), "{}", self.process.output());
    }

    /// Asks over the plain port.
    #[track_caller]
    fn ask(&self, line: &str) -> String {
        Wire::connect(("127.0.0.1", self.plain)).ask(line)
    }

    #[track_caller]
    fn wait_for(&self, question: &str, answer: &str) {
        let what = format!("{question} says {answer}");
        wait_until(&what, || {
            // Clients of a server that becomes another may be sent away.
            let mut wire = Wire::connect(("127.0.0.1", self.plain));
            let sent = wire.send(format!("{question}\r\nQUIT\r\n").as_bytes());
            sent.is_ok() && wire.rest().contains(answer)
        });
    }

    #[track_caller]
    fn wait_for_line(&self, text: &str) {
        wait_until(text, || self.process.output().contains(text));
    }

    /// Runs the command line on the port of TLS.
    fn cli(&self, papers: &Papers, line: &str) -> Ended {
        cli(papers, &format!("-p {} {line}", self.port), "")
    }
}

fn run(
    kind: Kind,
    papers: &Papers,
    folder: &Folder,
    (plain, port): (u16, u16),
    directives: &str,
) -> Process {
    let line = format!(
        "--port {plain} --tls-port {port} --tls-cert-file @server.pem --tls-key-file @server.key \
         --tls-ca-cert-file @authority.pem --dir {} {directives}",
        folder.root()
    );
    let words = papers.words(&line);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["--save", ""]);
    match kind {
        Kind::Debian => Process::start(Path::new(REDIS), "redis-server", &words, ""),
        Kind::Ochre => {
            let words = [&["server"], &words[..]].concat();
            Process::start(OCHRE.as_ref(), "ochre", &words, "")
        }
    }
}

/// Waits until a server serves. It does not if somebody else took a port meanwhile.
fn is_ready(process: &mut Process) -> bool {
    let mut has_ended = false;
    wait_until("the server is ready", || {
        has_ended = process.has_ended();
        has_ended || process.output().contains("Ready to accept connections")
    });
    let output = process.output();
    let is_taken = output.contains("Address already in use");
    assert!(!has_ended || is_taken, "{output}");
    !has_ended
}

/// Runs this program's command line.
fn cli(papers: &Papers, line: &str, input: &str) -> Ended {
    called(Path::new(OCHRE), "redis-cli", papers, line, input)
}

/// Runs Debian's command line.
fn redis_cli(papers: &Papers, line: &str) -> Ended {
    called(Path::new(REDIS_CLI), "redis-cli", papers, line, "")
}

fn called(program: &Path, name: &str, papers: &Papers, line: &str, input: &str) -> Ended {
    let words = papers.words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Process::start(program, name, &words, input).end()
}
