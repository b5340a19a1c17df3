//! A proxy, and the servers behind it.

use std::net::TcpStream;
use std::path::Path;

use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::wire::Wire;

/// A server at a port that it may leave and come back to.
pub struct Backend {
    pub port: u16,
    process: Option<Process>,
}

impl Backend {
    pub fn start() -> Backend {
        let port = free_port();
        let mut backend = Backend {
            port,
            process: None,
        };
        backend.revive();
        backend
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn revive(&mut self) {
        let port = self.port.to_string();
        let args = ["server", "--port", &port, "--save", ""];
        self.process = Some(Process::start(OCHRE.as_ref(), "ochre", &args, ""));
        wait_for_port(self.port);
        let mut wire = self.connect();
        wait_until("the server has loaded", || wire.ask("PING") == "+PONG");
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(("127.0.0.1", self.port))
    }
}

pub fn wait_for_port(port: u16) {
    wait_until("somebody listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
}

/// A proxy of one pool.
pub struct Proxy {
    pub port: u16,
    pub stats_port: u16,
    /// Ended with this value.
    process: Process,
    _folder: Folder,
}

impl Proxy {
    /// A pool with these servers, and these lines beside.
    pub fn start(ports: &[u16], lines: &[&str]) -> Proxy {
        Proxy::start_program(Path::new(OCHRE), &["proxy"], ports, lines)
    }

    /// The same with another program that takes the same arguments.
    pub fn start_program(program: &Path, first: &[&str], ports: &[u16], lines: &[&str]) -> Proxy {
        let (port, stats_port) = (free_port(), free_port());
        let mut text = format!("pool:\n  listen: 127.0.0.1:{port}\n");
        for line in lines {
            text += &format!("  {line}\n");
        }
        text += "  servers:\n";
        for (index, port) in ports.iter().enumerate() {
            text += &format!("   - 127.0.0.1:{port}:1 server{index}\n");
        }
        let folder = Folder::new();
        let file = folder.file("nutcracker.yml", &text);
        let stats = stats_port.to_string();
        let own = ["-c", &file, "-s", &stats, "-a", "127.0.0.1", "-i", "100"];
        let log = folder.path("log");
        let args = [first, &own, &["-o", &log]].concat();
        let called = first.first().map_or("nutcracker", |_| "ochre");
        let process = Process::start(program, called, &args, "");
        wait_for_port(port);
        Proxy {
            port,
            stats_port,
            process,
            _folder: folder,
        }
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(("127.0.0.1", self.port))
    }

    /// The memory it holds, but for the program itself.
    pub fn memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id().as_raw_nonzero());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let number = line.and_then(|line| line.trim().split(' ').next());
        number.unwrap().parse().unwrap()
    }

    /// The report of statistics.
    pub fn statistics(&self) -> String {
        Wire::connect(("127.0.0.1", self.stats_port)).rest()
    }
}

/// A proxy over as many servers.
pub fn arena(servers: usize, lines: &[&str]) -> (Vec<Backend>, Proxy) {
    let backends: Vec<Backend> = (0..servers).map(|_| Backend::start()).collect();
    let ports: Vec<u16> = backends.iter().map(|backend| backend.port).collect();
    let lines = [&["redis: true"], lines].concat();
    let proxy = Proxy::start(&ports, &lines);
    (backends, proxy)
}
