//! Requests per second and server CPU per request, of a command of every family.

use super::collection::Collection;
use super::requests::Requests;
use super::table::Target::{None, RatioMost};
use super::{Bench, Row};
use crate::server::Server;
use anyhow::Result;

const PIPELINE: u64 = 16;
const CPU_MOST: f64 = 0.8;

/// Names that a varying one is drawn from.
const NAMES: u64 = 1_000_000;

struct Case {
    what: &'static str,
    /// What the load generator is told to send.
    words: &'static [&'static str],
    requests: u64,
    /// What must be there: enough for every round where elements are taken away.
    prepare: Option<(Collection, &'static str, Amount)>,
    spread: Option<u64>,
}

#[derive(Clone, Copy)]
enum Amount {
    Elements(u64),
    OnePerRequest,
}

/// A command that needs nothing to be there.
const fn case(what: &'static str, words: &'static [&'static str], requests: u64) -> Case {
    Case {
        what,
        words,
        requests,
        prepare: Option::None,
        spread: Some(NAMES),
    }
}

impl Case {
    const fn prepared(self, collection: Collection, key: &'static str, amount: Amount) -> Case {
        let prepare = Some((collection, key, amount));
        Case { prepare, ..self }
    }
}

const CASES: &[Case] = &[
    case("LPUSH", &["-t", "lpush"], 600_000),
    case("LPOP", &["-t", "lpop"], 600_000).prepared(
        Collection::LIST,
        "mylist",
        Amount::OnePerRequest,
    ),
    case("LRANGE of 100", &["lrange", "mylist", "0", "99"], 100_000).prepared(
        Collection::LIST,
        "mylist",
        Amount::Elements(100_000),
    ),
    case("SADD", &["-t", "sadd"], 600_000),
    case("SPOP", &["-t", "spop"], 600_000).prepared(
        Collection::SET,
        "myset",
        Amount::OnePerRequest,
    ),
    case("HSET", &["-t", "hset"], 600_000),
    case("ZADD", &["-t", "zadd"], 600_000),
    case("ZRANGE of 10", &["zrange", "myzset", "0", "9"], 600_000).prepared(
        Collection::SORTED_SET,
        "myzset",
        Amount::Elements(100_000),
    ),
    Case {
        spread: Option::None,
        ..case("INCR of one key", &["-t", "incr"], 1_000_000)
    },
    case("MSET of 10", &["-t", "mset"], 200_000),
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in CASES {
        let name = format!("{} pipeline {PIPELINE}", case.what);
        let servers = bench.start_both(&[])?;
        for server in &servers {
            case.prepare(bench, server)?;
        }
        let requests = Requests {
            words: case.words,
            pipeline: PIPELINE,
            count: case.requests,
            spread: case.spread,
        };
        let [rate, cpu] = requests.alternate(bench, &name, &servers)?;
        rows.push(Row::new(format!("{name}: throughput"), "k/s", rate, None));
        let most = RatioMost(CPU_MOST);
        rows.push(Row::new(format!("{name}: server CPU"), "us/req", cpu, most));
    }
    Ok(rows)
}

impl Case {
    fn prepare(&self, bench: &Bench, server: &Server) -> Result<()> {
        let Some((collection, key, amount)) = self.prepare else {
            return Ok(());
        };
        let count = match amount {
            Amount::Elements(count) => count,
            // More than enough, so that the last requests find as much to do as the first.
            Amount::OnePerRequest => self.requests * (bench.rounds as u64 + 1),
        };
        collection.fill(server.port, key, 0..count)
    }
}
