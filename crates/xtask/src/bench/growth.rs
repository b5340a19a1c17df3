//! What a bystander waits while another client makes the key space grow.

use super::load::{self, Value};
use super::probe::{Probe, micros};
use super::table::Target::{None, RatioMost};
use super::{Bench, Row};
use crate::server::Server;
use anyhow::Result;
use hdrhistogram::Histogram;
use std::time::Duration;

const KEYS: u64 = 5_000_000;

/// One that asks as fast as it can takes a core of its own.
const PACE: Duration = Duration::from_micros(200);

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let name = "growth to 5 M keys";
    let [worst, tail, again] = bench.compare(name, bench.rounds, &[], |server| {
        let growing = beside_sets(bench, server)?;
        // The same once more: now nothing grows.
        let overwriting = beside_sets(bench, server)?;
        Ok([
            micros(growing.max()),
            micros(growing.value_at_quantile(0.999)),
            micros(overwriting.max()),
        ])
    })?;
    let row =
        |what: &str, values, target| Row::new(format!("{what} GET latency"), "us", values, target);
    Ok(vec![
        row("growing to 5 M keys: worst", worst, RatioMost(0.3)),
        row("growing to 5 M keys: p99.9", tail, None),
        row("the same keys again: worst", again, None),
    ])
}

/// How long a bystander waits while all keys are set.
fn beside_sets(bench: &Bench, server: &Server) -> Result<Histogram<u64>> {
    let probe = Probe::paced(server.port, PACE)?;
    load::fill(server.port, KEYS, Value::Plain)?;
    probe.finish(&bench.stood_still)
}
