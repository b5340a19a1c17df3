//! SET with an append-only file: requests per second, and server CPU per request.

use super::load::{self, Value};
use super::requests::Requests;
use super::table::Target::{self, None, RatioLeast, RatioMost};
use super::{Bench, Row};
use anyhow::Result;

const KEYS: u64 = 1_000_000;

struct Case {
    name: &'static str,
    /// With a folder of its own, for what is there is loaded.
    arguments: &'static [&'static str],
    pipeline: u64,
    requests: u64,
    rate: Target,
    cpu: Target,
}

/// Rewrites come when the file has grown, whatever is measured then.
const NO_REWRITES: [&str; 2] = ["--auto-aof-rewrite-percentage", "0"];

const CASES: &[Case] = &[
    Case {
        name: "SET without AOF, pipeline 16",
        arguments: &["--appendonly", "no"],
        pipeline: 16,
        requests: 1_500_000,
        rate: None,
        cpu: None,
    },
    Case {
        name: "SET, AOF everysec, pipeline 16",
        arguments: &["--appendonly", "yes", "--appenddirname", "everysec"],
        pipeline: 16,
        requests: 1_500_000,
        rate: RatioLeast(1.5),
        cpu: RatioMost(0.75),
    },
    Case {
        name: "SET, AOF always, 50 clients",
        arguments: &[
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--appenddirname",
            "always",
        ],
        pipeline: 1,
        requests: 50_000,
        rate: RatioLeast(1.0),
        cpu: None,
    },
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in CASES {
        let servers = bench.start_both(&[case.arguments, &NO_REWRITES].concat())?;
        for server in &servers {
            load::fill(server.port, KEYS, Value::Plain)?;
        }
        let requests = Requests {
            words: &["-t", "set"],
            pipeline: case.pipeline,
            count: case.requests,
            spread: Some(KEYS),
        };
        let [rate, cpu] = requests.alternate(bench, case.name, &servers)?;
        let mut row = |what: &str, unit, values, target| {
            rows.push(Row::new(
                format!("{}: {what}", case.name),
                unit,
                values,
                target,
            ));
        };
        row("throughput", "k/s", rate, case.rate);
        row("server CPU", "us/req", cpu, case.cpu);
    }
    Ok(rows)
}
