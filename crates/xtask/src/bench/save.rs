//! A snapshot to a file while a client writes: how long it takes, what it costs the others.

use super::collection::Collection;
use super::load::{self, Value, connect};
use super::probe::{Probe, micros};
use super::question::ask;
use super::sample::{children, cpu_time_of_family, private_bytes, resident_bytes};
use super::table::Target::{None, RatioMost, ValueLeast, ValueMost};
use super::writer::Writer;
use super::{Bench, Row};
use crate::server::Server;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// The writer is watched for so long before the save and after it, as it is during it.
const QUIET: Duration = Duration::from_secs(3);

const PACE: Duration = Duration::from_micros(500);

/// Between two looks at the memory and at whether the save is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const SAVE_MAX: Duration = Duration::from_secs(300);

/// The longest that a bystander may wait.
const STALL_MICROS_MOST: f64 = 5_000.0;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = keys(bench)?;
    rows.extend(collections(bench)?);
    Ok(rows)
}

/// What happened during a save.
struct Save {
    took: Duration,
    cpu: Duration,
    /// Resident bytes at most beyond those at its beginning, children included.
    extra: u64,
}

/// Many keys, of which one client sets one after the other.
fn keys(bench: &Bench) -> Result<Vec<Row>> {
    let keys = if bench.quick { 1_000_000 } else { 5_000_000 };
    let name = format!("BGSAVE of {} M keys beside writes", keys / 1_000_000);
    let [took, cpu, extra, kept, quiet, longest] =
        bench.compare(&name, bench.rounds, &[], |server| {
            let empty = resident_bytes(server.pid())?;
            load::fill(server.port, keys, Value::Plain)?;
            // Written once, as a data set is that has been in use.
            Writer::over(server.port, keys)?.run_for(QUIET)?;
            let data = resident_bytes(server.pid())?.saturating_sub(empty);
            // The bystander takes something of the writer's, too.
            let write_in_quiet = || -> Result<(f64, u64)> {
                let probe = Probe::paced(server.port, PACE)?;
                let rate = Writer::over(server.port, keys)?.run_for(QUIET)?;
                Ok((rate, probe.finish(&bench.stood_still)?.max()))
            };
            let (before, quiet) = write_in_quiet()?;
            let probe = Probe::paced(server.port, PACE)?;
            let writer = Writer::over(server.port, keys)?.start();
            let save = save(server)?;
            let during = writer.finish()?;
            let longest = probe.finish(&bench.stood_still)?.max();
            let (after, _) = write_in_quiet()?;
            Ok([
                save.took.as_secs_f64(),
                save.cpu.as_secs_f64(),
                100.0 * save.extra as f64 / data as f64,
                during / before.midpoint(after),
                micros(quiet),
                micros(longest),
            ])
        })?;
    let row = |what: &str, unit, values, target| {
        Row::new(format!("{name}: {what}"), unit, values, target)
    };
    Ok(vec![
        row("time", "s", took, RatioMost(0.7)),
        row("CPU of server and children", "s", cpu, None),
        row("extra memory", "% of data", extra, ValueMost(5.0)),
        row("writes kept", "of quiet", kept, ValueLeast(0.8)),
        row("longest GET of others before", "us", quiet, None),
        row(
            "longest GET of others",
            "us",
            longest,
            ValueMost(STALL_MICROS_MOST),
        ),
    ])
}

/// Two large collections, both written to while they are saved.
fn collections(bench: &Bench) -> Result<Vec<Row>> {
    let elements = if bench.quick { 500_000 } else { 2_000_000 };
    let tenths = elements / 100_000;
    let name = format!(
        "BGSAVE of a hash and a sorted set of {}.{} M, written",
        tenths / 10,
        tenths % 10
    );
    let [took, quiet, longest] = bench.compare(&name, bench.rounds, &[], |server| {
        Collection::HASH.fill(server.port, "hash", 0..elements)?;
        Collection::SORTED_SET.fill(server.port, "zset", 0..elements)?;
        let writers = || -> Result<[_; 2]> {
            let hash = Writer::of_collection(server.port, Collection::HASH, "hash", elements)?;
            let zset =
                Writer::of_collection(server.port, Collection::SORTED_SET, "zset", elements)?;
            Ok([hash.start(), zset.start()])
        };
        let (probe, running) = (Probe::paced(server.port, PACE)?, writers()?);
        std::thread::sleep(QUIET);
        let quiet = probe.finish(&bench.stood_still)?.max();
        let probe = Probe::paced(server.port, PACE)?;
        let save = save(server)?;
        let longest = probe.finish(&bench.stood_still)?.max();
        for writer in running {
            writer.finish()?;
        }
        Ok([save.took.as_secs_f64(), micros(quiet), micros(longest)])
    })?;
    let row = |what: &str, unit, values, target| {
        Row::new(format!("{name}: {what}"), unit, values, target)
    };
    Ok(vec![
        row("time", "s", took, None),
        row("longest GET of others before", "us", quiet, None),
        row(
            "longest GET of others",
            "us",
            longest,
            ValueMost(STALL_MICROS_MOST),
        ),
    ])
}

/// Has the server save in the background, and watches it until that is over.
fn save(server: &Server) -> Result<Save> {
    let mut stream = connect(server.port)?;
    let (resident, used) = (
        resident_bytes(server.pid())?,
        cpu_time_of_family(server.pid())?,
    );
    let begun = Instant::now();
    let reply = ask(&mut stream, "BGSAVE")?;
    ensure!(reply.starts_with('+'), "BGSAVE answered {reply}");
    let mut extra = 0;
    while is_saving(&ask(&mut stream, "INFO persistence")?)? {
        ensure!(begun.elapsed() < SAVE_MAX, "the save does not end");
        // A child may end at any time: then it has no memory.
        let of_children = children(server.pid())?.into_iter().map(private_bytes);
        let of_children: u64 = of_children.filter_map(Result::ok).sum();
        let now = resident_bytes(server.pid())? + of_children;
        extra = extra.max(now.saturating_sub(resident));
        std::thread::sleep(LOOK_EVERY);
    }
    let took = begun.elapsed();
    let cpu = cpu_time_of_family(server.pid())? - used;
    let info = ask(&mut stream, "INFO persistence")?;
    ensure!(
        info.contains("rdb_last_bgsave_status:ok"),
        "the save failed"
    );
    // The next server in this folder is to begin with nothing.
    std::fs::remove_file(server.folder().join("dump.rdb"))?;
    Ok(Save { took, cpu, extra })
}

fn is_saving(info: &str) -> Result<bool> {
    ensure!(
        info.contains("rdb_bgsave_in_progress:"),
        "no such line in INFO persistence"
    );
    Ok(info.contains("rdb_bgsave_in_progress:1"))
}
