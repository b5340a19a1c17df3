//! Time of commands that read every element of large collections.

use super::collection::Collection;
use super::load::connect;
use super::table::Target::RatioMost;
use super::{Bench, Row};
use anyhow::{Result, bail, ensure};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

const ELEMENTS: u64 = 100_000;

/// Times that a command runs in one round.
const TIMES: u32 = 10;

/// What comes behind a command, so that the end of its reply is known without reading it.
const PING: &[u8] = b"PING\r\n";
const PONG: &[u8] = b"+PONG\r\n";

const COMMANDS: &[&str] = &[
    "SINTER set:1 set:2",
    "SINTERCARD 2 set:1 set:2",
    "SUNION set:1 set:2",
    "SDIFFSTORE to set:1 set:2",
    "SMEMBERS set:1",
    "HGETALL hash",
    "ZRANGE zset:1 0 -1",
    "ZUNIONSTORE to 2 zset:1 zset:2",
    "ZINTERSTORE to 2 zset:1 zset:2",
    "LRANGE list 0 -1",
    "SORT list ALPHA",
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let servers = bench.start_both(&[])?;
    for server in &servers {
        let fill = |collection: Collection, key: &str, first: u64| {
            collection.fill(server.port, key, first..first + ELEMENTS)
        };
        // Half of the elements are in both.
        for (number, first) in [(1, 0), (2, ELEMENTS / 2)] {
            fill(Collection::SET, &format!("set:{number}"), first)?;
            fill(Collection::SORTED_SET, &format!("zset:{number}"), first)?;
        }
        fill(Collection::HASH, "hash", 0)?;
        fill(Collection::LIST, "list", 0)?;
    }
    let mut rows = Vec::new();
    for command in COMMANDS {
        if !servers
            .iter()
            .all(|server| understands(server.port, command))
        {
            eprintln!("bench: {command} skipped: one of the servers refuses it");
            continue;
        }
        let what = format!("{command}, 100 k each");
        let [values] = bench.alternate(&what, &servers, |server| {
            let mut stream = connect(server.port)?;
            let begun = Instant::now();
            for _ in 0..TIMES {
                ask(&mut stream, command)?;
            }
            Ok([begun.elapsed().as_secs_f64() * 1e3 / f64::from(TIMES)])
        })?;
        rows.push(Row::new(what, "ms", values, RatioMost(1.0)));
    }
    Ok(rows)
}

fn understands(port: u16, command: &str) -> bool {
    connect(port).is_ok_and(|mut stream| ask(&mut stream, command).is_ok())
}

/// Runs a command and reads the whole reply, which may not be an error.
fn ask(stream: &mut TcpStream, command: &str) -> Result<()> {
    stream.write_all(&[command.as_bytes(), b"\r\n", PING].concat())?;
    let mut buffer = vec![0; 1 << 18];
    let mut tail = Vec::new();
    let mut is_first = true;
    while tail != PONG {
        let read = stream.read(&mut buffer)?;
        ensure!(read > 0, "the server closed the connection of {command}");
        if is_first && buffer[0] == b'-' {
            bail!("{command} was refused");
        }
        is_first = false;
        tail.extend_from_slice(&buffer[..read]);
        tail.drain(..tail.len().saturating_sub(PONG.len()));
    }
    Ok(())
}
