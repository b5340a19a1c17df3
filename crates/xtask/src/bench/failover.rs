//! Three Sentinels over a master and two replicas of Redis: how long after the master's death its
//! successor takes the first write.

use super::load::connect;
use super::question::ask;
use super::table::Target::RatioMost;
use super::{Bench, Row};
use crate::server::{Server, free_port, is_ochre};
use anyhow::{Context, Result, ensure};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SENTINELS: usize = 3;
const REPLICAS: usize = 2;
const ROUNDS: usize = 5;

/// How long a master is silent before it counts as dead.
const DOWN_AFTER_MILLIS: u64 = 1000;

const LOOK_EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let rounds = if bench.quick { 1 } else { ROUNDS };
    let name = format!("failover by {SENTINELS} Sentinels, down after {DOWN_AFTER_MILLIS} ms");
    let [took] = bench.take_turns(&name, rounds, |side| {
        Ok([fail_over(bench, side)?.as_secs_f64()])
    })?;
    let what = format!("{name}: first write");
    Ok(vec![Row::new(what, "s", took, RatioMost(1.0))])
}

struct Sentinel {
    child: Child,
    port: u16,
}

impl Sentinel {
    fn start(bench: &Bench, side: usize, number: usize, master: u16) -> Result<Sentinel> {
        let folder = bench.workplace.folder().join(format!("sentinel-{number}"));
        std::fs::create_dir_all(&folder)?;
        let (file, port) = (folder.join("sentinel.conf"), free_port()?);
        let lines = format!(
            "port {port}\ndir {}\nsentinel monitor bench 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds bench {DOWN_AFTER_MILLIS}\n",
            folder.display()
        );
        std::fs::write(&file, lines)?;
        let mut command = Command::new(bench.binary(side));
        if is_ochre(bench.binary(side)) {
            command.arg("server");
        }
        let child = command
            .arg(&file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting a Sentinel")?;
        Ok(Sentinel { child, port })
    }

    /// Whether it knows all replicas and all other Sentinels.
    fn knows_all(&self) -> bool {
        let asked = connect(self.port);
        let info = asked.and_then(|mut stream| ask(&mut stream, "INFO sentinel"));
        let expected = format!(",slaves={REPLICAS},sentinels={SENTINELS}");
        info.is_ok_and(|info| info.contains(&expected))
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // Nothing of it is worth keeping.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fail_over(bench: &Bench, side: usize) -> Result<Duration> {
    let at_once = ["--repl-diskless-sync-delay", "0"];
    let master = bench.start_as(1, "master", &at_once)?;
    let port = master.port.to_string();
    let replicas = (0..REPLICAS)
        .map(|number| {
            let follow = [&at_once[..], &["--replicaof", "127.0.0.1", &port]].concat();
            bench.start_as(1, &format!("replica-{number}"), &follow)
        })
        .collect::<Result<Vec<Server>>>()?;
    let sentinels = (0..SENTINELS)
        .map(|number| Sentinel::start(bench, side, number, master.port))
        .collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    while !sentinels.iter().all(Sentinel::knows_all) {
        ensure!(begun.elapsed() < PATIENCE, "the Sentinels do not meet");
        std::thread::sleep(LOOK_EVERY);
    }
    // Whom a Sentinel elects has to have been asked lately, which it does every second.
    std::thread::sleep(Duration::from_secs(2));
    let mut streams = replicas
        .iter()
        .map(|replica| connect(replica.port))
        .collect::<Result<Vec<_>>>()?;
    drop(master);
    let begun = Instant::now();
    loop {
        for (stream, replica) in streams.iter_mut().zip(&replicas) {
            match ask(stream, "SET bench 1") {
                Ok(said) if said == "+OK" => return Ok(begun.elapsed()),
                Ok(_) => {}
                // A promotion closes the connections of clients.
                Err(_) => *stream = connect(replica.port)?,
            }
        }
        ensure!(begun.elapsed() < PATIENCE, "nobody takes writes");
        std::thread::sleep(LOOK_EVERY);
    }
}
