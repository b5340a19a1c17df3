//! Loading a snapshot at the start, as each server's own save left it, and as the other's did.

use super::load::{self, Value, connect};
use super::question::ask;
use super::sample::cpu_time;
use super::table::Target::{None, RatioMost};
use super::{Bench, Row};
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let keys = if bench.quick { 1_000_000 } else { 5_000_000 };
    let dumps = [write_dump(bench, 0, keys)?, write_dump(bench, 1, keys)?];
    let mut rows = Vec::new();
    for (dump, order) in dumps.iter().zip(["in Ochre's order", "in Redis's order"]) {
        let name = format!("load of {} M keys {order}", keys / 1_000_000);
        let path = dump.to_string_lossy();
        let folder = dump.parent().context("a dump lies in a folder")?;
        let arguments = ["--dir", &folder.to_string_lossy(), "--loglevel", "notice"];
        let [took, cpu] = bench.compare(&name, bench.rounds, &arguments, |server| {
            let size = ask(&mut connect(server.port)?, "DBSIZE")?;
            let used = cpu_time(server.pid())?.as_secs_f64();
            ensure!(size == format!(":{keys}"), "{path} was loaded as {size}");
            Ok([server.load_seconds()?, used])
        })?;
        rows.push(Row::new(format!("{name}: time"), "s", took, RatioMost(0.5)));
        rows.push(Row::new(format!("{name}: CPU"), "s", cpu, None));
    }
    Ok(rows)
}

/// Has one of the servers save so many keys in a folder of their own.
fn write_dump(bench: &Bench, side: usize, keys: u64) -> Result<PathBuf> {
    let folder = bench.workplace.folder().join(format!("dump-{side}"));
    std::fs::create_dir_all(&folder)?;
    let server = bench.start(side, &["--dir", &folder.to_string_lossy()])?;
    load::fill(server.port, keys, Value::Plain)?;
    let reply = ask(&mut connect(server.port)?, "SAVE")?;
    ensure!(reply == "+OK", "SAVE answered {reply}");
    Ok(folder.join("dump.rdb"))
}
