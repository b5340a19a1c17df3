//! Bytes of server memory per idle connection.

use super::load::connect;
use super::sample::resident_bytes;
use super::table::Target::ValueMost;
use super::{Bench, Row};
use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const CONNECTIONS: usize = 10_000;
/// Above `maxclients` and what either process opens besides.
const FILES: u64 = 20_500;
/// Below this the connections do not fit.
const FILES_MIN: u64 = CONNECTIONS as u64 + 500;
/// Longer than Redis takes to shrink the buffers of a connection at rest.
const REST: Duration = Duration::from_secs(5);

/// Raises the open-file limit of this process; the servers it starts inherit it.
pub fn raise_file_limit() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= FILES) {
        return;
    }
    let within = limit.maximum.map_or(FILES, |maximum| maximum.min(FILES));
    // The hard limit is the administrator's to raise; below it the soft one is ours.
    for current in [within, FILES] {
        let maximum = limit.maximum.map(|maximum| maximum.max(current));
        let _ = rustix::process::setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(current),
                maximum,
            },
        );
    }
}

/// Whether so many connections fit.
pub fn has_files() -> bool {
    let files = rustix::process::getrlimit(Resource::Nofile).current;
    files.is_none_or(|files| files >= FILES_MIN)
}

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let what = "memory per idle connection";
    if !has_files() {
        eprintln!("bench: {what} skipped: it takes {FILES_MIN} open files, the limit is lower");
        return Ok(Vec::new());
    }
    let arguments = ["--maxclients", "20000"];
    let [values] = bench.compare(what, 1, &arguments, |server| {
        let _first = connect_and_ping(server.port)?;
        let before = resident_bytes(server.pid())?;
        let connections = (0..CONNECTIONS).map(|_| connect_and_ping(server.port));
        let connections = connections.collect::<Result<Vec<_>>>()?;
        std::thread::sleep(REST);
        let grown = resident_bytes(server.pid())?.saturating_sub(before);
        Ok([grown as f64 / connections.len() as f64])
    })?;
    Ok(vec![Row::new(
        format!("{what}, 10 k of them"),
        "bytes",
        values,
        ValueMost(4096.0),
    )])
}

/// A connection that was used once, as idle connections are.
pub fn connect_and_ping(port: u16) -> Result<TcpStream> {
    let mut stream = connect(port)?;
    stream.write_all(b"*1\r\n$4\r\nPING\r\n")?;
    let mut reply = [0; 7];
    stream.read_exact(&mut reply)?;
    ensure!(&reply == b"+PONG\r\n", "PING did not answer PONG");
    Ok(stream)
}
