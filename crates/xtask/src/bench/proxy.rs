//! Ochre's proxy beside nutcracker, both before the same two servers.

use super::idle::{self, connect_and_ping};
use super::load::{connect, get_request};
use super::median;
use super::probe::micros;
use super::requests::Requests;
use super::sample::resident_bytes;
use super::table::Target::{None, RatioLeast, RatioMost, ValueMost};
use super::{Bench, Row};
use crate::process;
use crate::server::{self, Server};
use anyhow::{Result, bail, ensure};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NUTCRACKER: &str = "nutcracker";
const CPU_MOST: f64 = 0.8;
const RATE_LEAST: f64 = 1.2;
const IDLE_BYTES_MOST: f64 = 4096.0;
const IDLE_CLIENTS: usize = 10_000;
/// Longer than buffers at rest are kept.
const REST: Duration = Duration::from_secs(3);
const START_MAX: Duration = Duration::from_secs(20);
const KEYS: u64 = 100_000;

/// An hour's coming and going in two minutes, and how much larger a proxy may be from it.
const CHURN: Duration = Duration::from_secs(120);
const GROWN_MOST: f64 = 1.05;
const CROWD: usize = 50;
const CROWD_EVERY: Duration = Duration::from_millis(250);
const CHURNED_KEYS: usize = 1000;
const CHURNED_BYTES: &[usize] = &[10, 100, 1000, 20_000, 300_000];

/// What a proxy may add to half of the requests of a single client, in microseconds.
const ADDED_MOST: f64 = 60.0;
/// A single client asks so often in a row, the server itself and through a proxy in turns.
const ASKED_IN_A_ROW: usize = 500;
const ASKED_IN_TURNS: usize = 40;

/// Clients, pipeline and requests.
const CASES: &[(u64, u64, u64)] = &[
    (50, 1, 200_000),
    (50, 16, 1_000_000),
    (1000, 1, 200_000),
    (1000, 16, 1_000_000),
];

/// A proxy process.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    /// Starts a proxy before `backends`. nutcracker knows the same file and the same options.
    fn start(binary: &Path, folder: &Path, backends: &[Server]) -> Result<Proxy> {
        std::fs::create_dir_all(folder)?;
        let (port, stats) = (server::free_port()?, server::free_port()?);
        let mut text = format!(
            "pool:\n  listen: 127.0.0.1:{port}\n  redis: true\n  hash: fnv1a_64\n  \
             distribution: ketama\n  servers:\n"
        );
        for (number, backend) in backends.iter().enumerate() {
            writeln!(text, "   - 127.0.0.1:{}:1 server{number}", backend.port)?;
        }
        let file = folder.join("nutcracker.yml");
        std::fs::write(&file, text)?;
        let mut command = Command::new(binary);
        if server::is_ochre(binary) {
            command.arg("proxy");
        }
        let child = command
            .arg("-c")
            .arg(&file)
            .args(["-a", "127.0.0.1", "-s", &stats.to_string(), "-o"])
            .arg(folder.join("log"))
            .stdin(Stdio::null())
            .spawn()?;
        let proxy = Proxy { child, port };
        let deadline = Instant::now() + START_MAX;
        while connect_and_ping(port).is_err() {
            if Instant::now() > deadline {
                bail!("{} does not answer PING", binary.display());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Nothing of it is worth keeping, and it may be hung.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many microseconds longer half of the requests take through a proxy. What the machine does
/// besides is in both, as they take short turns.
fn added_median(direct: u16, through: u16) -> Result<f64> {
    let (mut direct, mut through) = (connect(direct)?, connect(through)?);
    let differences = (0..ASKED_IN_TURNS).map(|_| {
        let without = median_latency(&mut direct)?;
        Ok(median_latency(&mut through)? - without)
    });
    Ok(median(differences.collect::<Result<Vec<f64>>>()?))
}

/// Of one GET after the other, of a key that is not there.
fn median_latency(stream: &mut TcpStream) -> Result<f64> {
    const NULL: &[u8] = b"$-1\r\n";
    let request = get_request(0);
    let mut latencies = Vec::with_capacity(ASKED_IN_A_ROW);
    for _ in 0..ASKED_IN_A_ROW {
        let begun = Instant::now();
        stream.write_all(&request)?;
        let mut reply = [0; NULL.len()];
        stream.read_exact(&mut reply)?;
        latencies.push(micros(begun.elapsed().as_nanos() as u64));
        ensure!(reply == NULL, "the key is there");
    }
    Ok(median(latencies))
}

/// Clients come, write and read values of all lengths, and go; every other one without waiting for
/// what it asked for.
fn churn(port: u16, lasting: Duration) -> Result<()> {
    let (begun, mut number) = (Instant::now(), 0);
    while begun.elapsed() < lasting {
        let turn = Instant::now();
        let mut crowd = Vec::with_capacity(CROWD);
        for _ in 0..CROWD {
            number += 1;
            let key = format!("churn:{}", number % CHURNED_KEYS);
            let value = "x".repeat(CHURNED_BYTES[number % CHURNED_BYTES.len()]);
            let mut stream = connect(port)?;
            let (key_len, value_len) = (key.len(), value.len());
            let set =
                format!("*3\r\n$3\r\nSET\r\n${key_len}\r\n{key}\r\n${value_len}\r\n{value}\r\n");
            let get = format!("*2\r\n$3\r\nGET\r\n${key_len}\r\n{key}\r\n");
            stream.write_all((set + &get).as_bytes())?;
            crowd.push(stream);
        }
        for stream in crowd.iter_mut().step_by(2) {
            let mut reply = [0; 5];
            stream.read_exact(&mut reply)?;
            ensure!(reply == *b"+OK\r\n", "SET is refused");
        }
        drop(crowd);
        // No more than leave ports for those who come: each is kept for a minute.
        std::thread::sleep(CROWD_EVERY.saturating_sub(turn.elapsed()));
    }
    Ok(())
}

/// How much more memory a proxy has after much coming and going than after a little of it.
fn grown_by_churn(proxy: &Proxy, lasting: Duration) -> Result<f64> {
    churn(proxy.port, lasting / 6)?;
    std::thread::sleep(REST);
    let before = resident_bytes(proxy.child.id())?;
    churn(proxy.port, lasting)?;
    std::thread::sleep(REST);
    Ok(resident_bytes(proxy.child.id())? as f64 / before as f64)
}

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    if !process::is_installed(NUTCRACKER) {
        eprintln!("bench: the proxy is skipped: no {NUTCRACKER}");
        return Ok(Vec::new());
    }
    let binaries = [bench.ours.clone(), PathBuf::from(NUTCRACKER)];
    let backends = bench.start_both_of_theirs()?;
    let start = |side: usize| {
        let folder = bench.workplace.folder().join(format!("proxy-{side}"));
        Proxy::start(&binaries[side], &folder, &backends)
    };
    let proxies = [start(0)?, start(1)?];
    let what = "proxy beside nutcracker, p50 added to a single client's GET";
    let [added] = bench.take_turns(what, bench.rounds, |side| {
        Ok([added_median(backends[0].port, proxies[side].port)?])
    })?;
    let what = what.to_owned();
    let mut rows = vec![Row::new(what, "us", added, ValueMost(ADDED_MOST))];
    for (clients, pipeline, count) in CASES {
        for command in ["get", "set"] {
            let name = format!(
                "proxy beside nutcracker, {command} pipeline {pipeline}, {clients} clients"
            );
            let requests = Requests {
                words: &["-t", command],
                pipeline: *pipeline,
                count: *count,
                spread: Some(KEYS),
            };
            let [rate, cpu, kept] = bench.take_turns(&name, bench.rounds, |side| {
                let (proxy, server) = (&proxies[side], &backends[0]);
                let process = (server.port, server.pid());
                let [direct, _] = requests.run_at(bench, process, *clients)?;
                let process = (proxy.port, proxy.child.id());
                let [rate, cpu] = requests.run_at(bench, process, *clients)?;
                Ok([rate, cpu, rate / direct])
            })?;
            let what = format!("{name}: throughput");
            rows.push(Row::new(what, "k/s", rate, RatioLeast(RATE_LEAST)));
            let what = format!("{name}: proxy CPU");
            rows.push(Row::new(what, "us/req", cpu, RatioMost(CPU_MOST)));
            let what = format!("{name}: throughput of one server asked directly");
            rows.push(Row::new(what, "of it", kept, None));
        }
    }
    drop(proxies);
    let what = "proxy beside nutcracker, memory after churn";
    let lasting = if bench.quick { CHURN / 10 } else { CHURN };
    let [grown] = bench.take_turns(what, 1, |side| {
        Ok([grown_by_churn(&start(side)?, lasting)?])
    })?;
    let what = format!("{what}, in parts of before");
    rows.push(Row::new(what, "x", grown, ValueMost(GROWN_MOST)));
    if !idle::has_files() {
        return Ok(rows);
    }
    let what = "proxy beside nutcracker, memory per idle client";
    let [bytes] = bench.take_turns(what, 1, |side| {
        let proxy = start(side)?;
        let before = resident_bytes(proxy.child.id())?;
        let clients = (0..IDLE_CLIENTS).map(|_| connect_and_ping(proxy.port));
        let clients = clients.collect::<Result<Vec<_>>>()?;
        std::thread::sleep(REST);
        let grown = resident_bytes(proxy.child.id())?.saturating_sub(before);
        Ok([grown as f64 / clients.len() as f64])
    })?;
    let what = format!("{what}, 10 k of them");
    rows.push(Row::new(what, "bytes", bytes, ValueMost(IDLE_BYTES_MOST)));
    Ok(rows)
}
