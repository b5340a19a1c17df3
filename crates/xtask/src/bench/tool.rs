//! `ochre benchmark` beside redis-benchmark: how many requests each sends per second to the same
//! server, and what a request costs the one that sends it.

use super::sample::{cpu_time, cpu_time_of_family};
use super::table::Target::{None, RatioMost};
use super::{Bench, Row};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// Pipeline and requests.
const CASES: &[(u64, u64)] = &[(1, 200_000), (16, 2_000_000)];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let server = bench.start(1, &[])?;
    let mut rows = Vec::new();
    for (pipeline, count) in CASES {
        let count = if bench.quick { count / 4 } else { *count };
        let name = format!("load generator, GET pipeline {pipeline}");
        let [rate, cpu] = bench.take_turns(&name, bench.rounds, |side| {
            run(bench, side, &server, *pipeline, count)
        })?;
        let mut row = |what: &str, unit, values, target| {
            rows.push(Row::new(format!("{name}: {what}"), unit, values, target));
        };
        row("throughput", "k/s", rate, None);
        row("its own CPU", "us/req", cpu, RatioMost(1.0));
    }
    Ok(rows)
}

/// Thousands of requests per second, and microseconds of the tool's CPU per request.
fn run(bench: &Bench, side: usize, server: &Server, pipeline: u64, count: u64) -> Result<[f64; 2]> {
    let mut command = if side == 0 {
        let mut command = Command::new(bench.binary(0));
        command.arg("benchmark");
        command
    } else {
        Command::new("redis-benchmark")
    };
    command.args(["-p", &server.port.to_string(), "-t", "get", "--csv"]);
    command.args(["-n", &count.to_string(), "-P", &pipeline.to_string()]);
    let before = of_children()?;
    let output = command.output().context("running a load generator")?;
    let used = of_children()? - before;
    ensure!(
        output.status.success(),
        "a load generator failed: {output:?}"
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = super::requests::rate(&text)
        .with_context(|| format!("a load generator printed no rate: {output:?}"))?;
    Ok([rate / 1e3, used * 1e6 / count as f64])
}

/// Seconds of CPU of the children of this process that have ended.
fn of_children() -> Result<f64> {
    let own = std::process::id();
    Ok((cpu_time_of_family(own)? - cpu_time(own)?).as_secs_f64())
}
