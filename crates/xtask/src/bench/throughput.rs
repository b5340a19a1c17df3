//! Requests per second and server CPU per request, of GET and SET.

use super::load::{self, Value};
use super::requests::Requests;
use super::table::Target::{self, RatioLeast, RatioMost};
use super::{Bench, Row};
use anyhow::Result;

const KEYS: u64 = 1_000_000;

struct Case {
    command: &'static str,
    words: &'static [&'static str],
    pipeline: u64,
    requests: u64,
    cpu: f64,
    rate: f64,
}

const fn get(pipeline: u64, requests: u64, cpu: f64, rate: f64) -> Case {
    Case {
        command: "GET",
        words: &["-t", "get"],
        pipeline,
        requests,
        cpu,
        rate,
    }
}

const fn set(pipeline: u64, requests: u64, cpu: f64, rate: f64) -> Case {
    Case {
        command: "SET",
        words: &["-t", "set"],
        ..get(pipeline, requests, cpu, rate)
    }
}

/// The first requests of a fresh process are slower, whoever's they are.
const WARM_UP: Case = set(16, 200_000, 0.0, 0.0);

/// Each with its targets: CPU at most, throughput at least, both as ratios.
const CASES: &[Case] = &[
    get(1, 200_000, 0.95, 1.0),
    set(1, 200_000, 0.95, 1.0),
    get(16, 1_500_000, 0.75, 1.25),
    set(16, 1_500_000, 0.75, 1.25),
    get(100, 4_000_000, 0.6, 2.0),
    set(100, 3_000_000, 0.7, 1.7),
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for keys in [None, Some(KEYS)] {
        let spread = if keys.is_some() { "1 M keys" } else { "1 key" };
        let servers = bench.start_both(&[])?;
        for server in &servers {
            load::fill(server.port, keys.unwrap_or(1), Value::Plain)?;
            WARM_UP.requests(keys).run(bench, server)?;
        }
        for case in CASES {
            let name = format!("{} pipeline {}, {spread}", case.command, case.pipeline);
            let [rate, cpu] = case.requests(keys).alternate(bench, &name, &servers)?;
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
    fn requests(&self, keys: Option<u64>) -> Requests<'static> {
        Requests {
            words: self.words,
            pipeline: self.pipeline,
            count: self.requests,
            spread: keys,
        }
    }
}
