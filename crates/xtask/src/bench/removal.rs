//! What a bystander waits while millions of elements or keys are deleted.

use super::collection::Collection;
use super::load::{self, Value, connect};
use super::probe::{Probe, micros};
use super::table::Target::{None, ValueMost};
use super::{Bench, Row};
use crate::server::Server;
use anyhow::{Result, ensure};
use std::io::{Read, Write};
use std::time::Duration;

/// A pause that nobody complains about.
const MICROS_MOST: f64 = 2000.0;

/// The bystander asks so often.
const PACE: Duration = Duration::from_micros(200);

/// What is freed after the reply may disturb, too.
const AFTERMATH: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
enum Removal {
    Set,
    Keys,
}

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let count = if bench.quick { 1_000_000 } else { 5_000_000 };
    let millions = count / 1_000_000;
    let default: (&[&str], &str) = (&[], "");
    let one_thread: (&[&str], &str) = (&["--io-threads", "1"], ", one thread");
    let mut rows = Vec::new();
    for (arguments, suffix) in [default, one_thread] {
        for removal in [Removal::Set, Removal::Keys] {
            let name = match removal {
                Removal::Set => format!("DEL of a set of {millions} M{suffix}"),
                Removal::Keys => format!("FLUSHALL of {millions} M keys{suffix}"),
            };
            let [quiet, longest, tail, took] =
                bench.compare(&name, bench.rounds, arguments, |server| {
                    removal.watch(bench, server, count)
                })?;
            let mut row = |what: &str, unit, values, target| {
                rows.push(Row::new(format!("{name}: {what}"), unit, values, target));
            };
            row("longest GET of others before", "us", quiet, None);
            row(
                "longest GET of others",
                "us",
                longest,
                ValueMost(MICROS_MOST),
            );
            row("p99.9 of GET of others", "us", tail, ValueMost(MICROS_MOST));
            row("time to the reply", "ms", took, None);
        }
    }
    Ok(rows)
}

impl Removal {
    /// The longest latency of others before the command, the longest and the p99.9 from then on,
    /// and how long the command took.
    fn watch(self, bench: &Bench, server: &Server, count: u64) -> Result<[f64; 4]> {
        let request: &[u8] = match self {
            Removal::Set => {
                Collection::SET.fill(server.port, "set", 0..count)?;
                b"DEL set\r\n"
            }
            Removal::Keys => {
                load::fill(server.port, count, Value::Plain)?;
                b"FLUSHALL\r\n"
            }
        };
        let mut stream = connect(server.port)?;
        let before = Probe::paced(server.port, PACE)?;
        std::thread::sleep(AFTERMATH);
        let before = before.finish(&bench.stood_still)?;
        let probe = Probe::paced(server.port, PACE)?;
        let begun = std::time::Instant::now();
        stream.write_all(request)?;
        let mut reply = [0; 16];
        let len = stream.read(&mut reply)?;
        ensure!(
            reply[..len].ends_with(b"\r\n") && reply[0] != b'-',
            "it was refused"
        );
        let took = begun.elapsed();
        std::thread::sleep(AFTERMATH);
        let latencies = probe.finish(&bench.stood_still)?;
        Ok([
            micros(before.max()),
            micros(latencies.max()),
            micros(latencies.value_at_quantile(0.999)),
            took.as_secs_f64() * 1e3,
        ])
    }
}
