//! What a bystander waits while another client runs `KEYS *` over and over.

use super::load::{self, Value, connect};
use super::probe::{Probe, micros};
use super::table::Target::{None, ValueMost};
use super::{Bench, Row};
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const KEYS: u64 = 1_000_000;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let duration = Duration::from_secs(if bench.quick { 2 } else { 5 });
    let rounds = bench.rounds;
    let [quiet, busy, ratio] = bench.compare("GET beside KEYS *", rounds, &[], |server| {
        load::fill(server.port, KEYS, Value::Plain)?;
        let probe = Probe::start(server.port)?;
        std::thread::sleep(duration);
        let quiet = probe.finish(&bench.stood_still)?.value_at_quantile(0.99);
        let probe = Probe::start(server.port)?;
        list_keys_for(server.port, duration)?;
        let busy = probe.finish(&bench.stood_still)?.value_at_quantile(0.99);
        Ok([micros(quiet), micros(busy), busy as f64 / quiet as f64])
    })?;
    Ok(vec![
        Row::new("p99 of GET, quiet".to_owned(), "us", quiet, None),
        Row::new(
            "p99 of GET beside KEYS over 1 M keys".to_owned(),
            "us",
            busy,
            None,
        ),
        Row::new(
            "the same, as multiple of quiet".to_owned(),
            "times",
            ratio,
            ValueMost(2.0),
        ),
    ])
}

/// Every key is 16 bytes, so the length of the reply is known without parsing it.
fn list_keys_for(port: u16, duration: Duration) -> Result<()> {
    let head = format!("*{KEYS}\r\n").len();
    let reply_len = head + KEYS as usize * "$16\r\nkey:000000000000\r\n".len();
    let mut stream = connect(port)?;
    let mut buffer = vec![0; 1 << 18];
    let begun = Instant::now();
    while begun.elapsed() < duration {
        stream.write_all(b"*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n")?;
        let mut left = reply_len;
        while left > 0 {
            let room = left.min(buffer.len());
            let read = stream.read(&mut buffer[..room])?;
            ensure!(read > 0, "the server closed the connection of KEYS");
            left -= read;
        }
    }
    Ok(())
}
