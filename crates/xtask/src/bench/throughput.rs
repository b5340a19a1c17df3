//! Requests per second and server CPU per request, of GET and SET.

use super::load::{self, Value};
use super::requests::Requests;
use super::table::Target::{self, RatioLeast, RatioMost};
use super::{Bench, Row};
use crate::server::Server;
use anyhow::Result;

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
        let servers = bench.start_both(&[])?;
        for server in &servers {
            load::fill(server.port, keys.unwrap_or(1), Value::Plain)?;
            WARM_UP.run(bench, server, keys)?;
        }
        for case in CASES {
            let name = format!("{} pipeline {}, {spread}", case.command, case.pipeline);
            let [rate, cpu] =
                bench.alternate(&name, &servers, |server| case.run(bench, server, keys))?;
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
    fn run(&self, bench: &Bench, server: &Server, keys: Option<u64>) -> Result<[f64; 2]> {
        let command = self.command.to_lowercase();
        let requests = Requests {
            words: &["-t", &command],
            pipeline: self.pipeline,
            count: self.requests,
            spread: keys,
        };
        requests.run(bench, server)
    }
}
