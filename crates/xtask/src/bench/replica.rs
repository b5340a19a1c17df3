//! A replica: how long its first copy of the data takes beside writes, what that costs the
//! primary, and what it costs to feed a replica that has all.

use super::load::{self, Value, connect};
use super::median;
use super::question::ask;
use super::reader::Reader;
use super::requests::Requests;
use super::sample::{children, private_bytes, resident_bytes};
use super::table::Target::{self, None, RatioMost, ValueLeast, ValueMost};
use super::writer::Writer;
use super::{Bench, Row};
use crate::server::Server;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// Both wait for more replicas by default, which is not what is measured.
const AT_ONCE: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

const LOOK_EVERY: Duration = Duration::from_millis(20);
const COPY_MAX: Duration = Duration::from_secs(300);

/// Keys that are written while a replica is fed.
const KEYS: u64 = 1_000_000;

/// Who is fed, how much clients send at once, and how often in all.
struct Feeding {
    peer: Peer,
    pipeline: u64,
    count: u64,
    kept: Target,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Peer {
    Replica,
    /// As a replica that has cores of its own.
    Reader,
}

/// Without a pipeline the path through the network binds all. With one, client, primary and replica
/// together want three cores: on a machine of two that row shows who gets how much of them.
const FEEDINGS: [Feeding; 3] = [
    Feeding {
        peer: Peer::Replica,
        pipeline: 1,
        count: KEYS / 2,
        kept: ValueLeast(0.85),
    },
    Feeding {
        peer: Peer::Reader,
        pipeline: 16,
        count: KEYS,
        kept: ValueLeast(0.85),
    },
    Feeding {
        peer: Peer::Replica,
        pipeline: 16,
        count: KEYS,
        kept: None,
    },
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = copy(bench)?;
    for feeding in &FEEDINGS {
        rows.extend(feeding.measure(bench)?);
    }
    Ok(rows)
}

fn copy(bench: &Bench) -> Result<Vec<Row>> {
    let keys = if bench.quick { 1_000_000 } else { 5_000_000 };
    let name = format!("first copy of {} M keys beside writes", keys / 1_000_000);
    let [took, extra, kept] = bench.take_turns(&name, bench.rounds, |side| {
        let [primary, replica] = start(bench, side)?;
        let empty = resident_bytes(primary.pid())?;
        load::fill(primary.port, keys, Value::Plain)?;
        let quiet = Writer::over(primary.port, keys)?.run_for(Duration::from_secs(2))?;
        let data = resident_bytes(primary.pid())?.saturating_sub(empty);
        let writer = Writer::over(primary.port, keys)?.start();
        let (took, extra) = attach(&primary, &replica)?;
        let during = writer.finish()?;
        let extra = 100.0 * extra as f64 / data as f64;
        Ok([took.as_secs_f64(), extra, during / quiet])
    })?;
    let row = |what: &str, unit, values, target| {
        Row::new(format!("{name}: {what}"), unit, values, target)
    };
    Ok(vec![
        row("time", "s", took, RatioMost(0.5)),
        row(
            "extra memory of the primary",
            "% of data",
            extra,
            ValueMost(5.0),
        ),
        row("writes kept", "of quiet", kept, None),
    ])
}

impl Feeding {
    fn measure(&self, bench: &Bench) -> Result<Vec<Row>> {
        let peer = match self.peer {
            Peer::Replica => "a replica",
            Peer::Reader => "a peer that only reads",
        };
        let name = &format!("SET pipeline {} with {peer}", self.pipeline);
        let requests = Requests {
            words: &["-t", "set"],
            pipeline: self.pipeline,
            count: self.count,
            spread: Some(KEYS),
        };
        let [rate, kept, dearer] = bench.take_turns(name, bench.rounds, |side| {
            let [primary, replica] = start(bench, side)?;
            load::fill(primary.port, KEYS, Value::Plain)?;
            // The first requests of a fresh process are slower.
            requests.run(bench, &primary)?;
            let (mut rates, mut alone, mut costs) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..3 {
                let [rate_alone, cpu_alone] = requests.run(bench, &primary)?;
                let [rate, cpu] = self.run_fed(bench, &requests, &primary, &replica)?;
                rates.push(rate);
                alone.push(rate / rate_alone);
                costs.push(cpu / cpu_alone);
            }
            Ok([median(rates), median(alone), median(costs)])
        })?;
        let row = |what: &str, unit, values, target| {
            Row::new(format!("{name}: {what}"), unit, values, target)
        };
        Ok(vec![
            row("throughput", "k/s", rate, None),
            row("throughput kept", "of alone", kept, self.kept),
            row("CPU of the primary", "of alone", dearer, None),
        ])
    }

    /// The requests, while the primary feeds the peer.
    fn run_fed(
        &self,
        bench: &Bench,
        requests: &Requests<'_>,
        primary: &Server,
        replica: &Server,
    ) -> Result<[f64; 2]> {
        if self.peer == Peer::Replica {
            attach(primary, replica)?;
            let ran = requests.run(bench, primary)?;
            ask(&mut connect(replica.port)?, "REPLICAOF NO ONE")?;
            wait_until(primary, "connected_slaves:0")?;
            return Ok(ran);
        }
        let reader = Reader::start(primary.port)?;
        wait_until(primary, "state=online")?;
        let ran = requests.run(bench, primary)?;
        reader.finish()?;
        wait_until(primary, "connected_slaves:0")?;
        Ok(ran)
    }
}

/// Two servers of one kind.
fn start(bench: &Bench, side: usize) -> Result<[Server; 2]> {
    Ok([
        bench.start_as(side, "primary", &AT_ONCE)?,
        bench.start_as(side, "replica", &AT_ONCE)?,
    ])
}

/// Makes a server the other's replica. Returns how long that took, and how many bytes the primary
/// had at most beyond those at the beginning, children included.
fn attach(primary: &Server, replica: &Server) -> Result<(Duration, u64)> {
    let (mut above, mut below) = (connect(primary.port)?, connect(replica.port)?);
    let before = resident_bytes(primary.pid())?;
    let begun = Instant::now();
    ask(&mut below, &format!("REPLICAOF 127.0.0.1 {}", primary.port))?;
    let mut extra = 0;
    loop {
        ensure!(begun.elapsed() < COPY_MAX, "the copy does not end");
        // A child may end at any time: then it has no memory.
        let of_children = children(primary.pid())?.into_iter().map(private_bytes);
        let of_children: u64 = of_children.filter_map(Result::ok).sum();
        let now = resident_bytes(primary.pid())? + of_children;
        extra = extra.max(now.saturating_sub(before));
        // Until it has loaded, a replica refuses to say anything.
        let followed = ask(&mut below, "INFO replication")?.contains("master_link_status:up");
        if followed && ask(&mut above, "INFO replication")?.contains("state=online") {
            return Ok((begun.elapsed(), extra));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until a primary says this of its replicas.
fn wait_until(primary: &Server, what: &str) -> Result<()> {
    let (mut above, begun) = (connect(primary.port)?, Instant::now());
    while !ask(&mut above, "INFO replication")?.contains(what) {
        ensure!(begun.elapsed() < COPY_MAX, "in vain: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
