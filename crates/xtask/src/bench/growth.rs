//! What a bystander waits while another client makes the key space grow.

use super::load::{self, Value};
use super::probe::{Probe, micros};
use super::table::Target::{None, RatioMost};
use super::{Bench, Row};
use anyhow::Result;

const KEYS: u64 = 5_000_000;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let [worst, tail] = bench.compare("growth to 5 M keys", bench.rounds, &[], |server| {
        let probe = Probe::start(server.port)?;
        load::fill(server.port, KEYS, Value::Plain)?;
        let latencies = probe.finish(&bench.stood_still)?;
        Ok([
            micros(latencies.max()),
            micros(latencies.value_at_quantile(0.999)),
        ])
    })?;
    let what = |name: &str| format!("growing to 5 M keys: {name} GET latency");
    Ok(vec![
        Row::new(what("worst"), "us", worst, RatioMost(0.3)),
        Row::new(what("p99.9"), "us", tail, None),
    ])
}
