//! Requests per second and server CPU per request, with redis-benchmark as the load.

use super::load::{self, Value};
use super::sample::cpu_time;
use super::table::Target::{self, RatioLeast, RatioMost};
use super::{Bench, Row, median, turns};
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use std::process::Command;

const CLIENTS: &str = "50";
const KEYS: u64 = 1_000_000;

/// The first requests of a fresh process are slower, whoever's they are.
const WARM_UP: Case = case("SET", 16, 200_000, 0.0, 0.0);

struct Case {
    command: &'static str,
    pipeline: u64,
    requests: u64,
    cpu: f64,
    rate: f64,
}

const fn case(command: &'static str, pipeline: u64, requests: u64, cpu: f64, rate: f64) -> Case {
    Case {
        command,
        pipeline,
        requests,
        cpu,
        rate,
    }
}

/// Each with its targets: CPU at most, throughput at least, both as ratios.
const CASES: &[Case] = &[
    case("GET", 1, 200_000, 0.95, 1.0),
    case("SET", 1, 200_000, 0.95, 1.0),
    case("GET", 16, 1_500_000, 0.75, 1.25),
    case("SET", 16, 1_500_000, 0.75, 1.25),
    case("GET", 100, 4_000_000, 0.6, 2.0),
    case("SET", 100, 3_000_000, 0.7, 1.7),
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for keys in [None, Some(KEYS)] {
        let spread = if keys.is_some() { "1 M keys" } else { "1 key" };
        // Both run all the time, since a server at rest takes nothing from the other, so that
        // the turns are as short as one measurement.
        let servers = [bench.start(0, &[])?, bench.start(1, &[])?];
        for server in &servers {
            load::fill(server.port, keys.unwrap_or(1), Value::Plain)?;
            WARM_UP.run(bench, server, keys)?;
        }
        for case in CASES {
            let name = format!("{} pipeline {}, {spread}", case.command, case.pipeline);
            let [rate, cpu] = case.compare(bench, &servers, &name, keys)?;
            let mut row = |what: &str, unit, values, target: Target| {
                rows.push(Row::new(format!("{name}: {what}"), unit, values, target));
            };
            row("throughput", "k/s", rate, RatioLeast(case.rate));
            row("server CPU", "us/req", cpu, RatioMost(case.cpu));
        }
    }
    Ok(rows)
}

impl Case {
    /// The medians of rate and CPU: ours and theirs.
    fn compare(
        &self,
        bench: &Bench,
        servers: &[Server; 2],
        name: &str,
        keys: Option<u64>,
    ) -> Result<[(f64, f64); 2]> {
        let mut values = [const { (Vec::new(), Vec::new()) }; 2];
        for round in 0..bench.rounds {
            for side in turns(round) {
                bench.announce(name, round, bench.rounds, side);
                let [rate, cpu] = self.run(bench, &servers[side], keys)?;
                values[side].0.push(rate);
                values[side].1.push(cpu);
            }
        }
        let [ours, theirs] = values;
        Ok([
            (median(ours.0), median(theirs.0)),
            (median(ours.1), median(theirs.1)),
        ])
    }

    /// Thousands of requests per second, and microseconds of server CPU per request.
    fn run(&self, bench: &Bench, server: &Server, keys: Option<u64>) -> Result<[f64; 2]> {
        let requests = if bench.quick {
            self.requests / 4
        } else {
            self.requests
        };
        let mut command = Command::new("redis-benchmark");
        command.args(["-p", &server.port.to_string(), "-c", CLIENTS, "--csv"]);
        command.args([
            "-t",
            &self.command.to_lowercase(),
            "-n",
            &requests.to_string(),
        ]);
        command.args(["-P", &self.pipeline.to_string()]);
        if bench.load_threads > 1 {
            command.args(["--threads", &bench.load_threads.to_string()]);
        }
        if let Some(keys) = keys {
            command.args(["-r", &keys.to_string()]);
        }
        let before = cpu_time(server.pid())?;
        let output = command.output().context("running redis-benchmark")?;
        let used = cpu_time(server.pid())? - before;
        ensure!(
            output.status.success(),
            "redis-benchmark failed: {output:?}"
        );
        let rate = rate(&String::from_utf8_lossy(&output.stdout))
            .with_context(|| format!("redis-benchmark printed no rate: {output:?}"))?;
        eprintln!(
            "bench:   {} pipeline {}: {rate:.0}/s",
            self.command, self.pipeline
        );
        Ok([rate / 1e3, used.as_secs_f64() * 1e6 / requests as f64])
    }
}

/// The second column of the last line: `"GET","81234.56",…`.
fn rate(csv: &str) -> Option<f64> {
    csv.lines()
        .last()?
        .split(',')
        .nth(1)?
        .trim_matches('"')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rate_is_in_the_last_line() {
        let csv = "\"test\",\"rps\",\"avg\"\n\"GET\",\"81234.5\",\"0.3\"\n";
        assert_eq!(super::rate(csv), Some(81234.5));
    }
}
