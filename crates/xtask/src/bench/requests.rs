//! Many requests of one kind, with a load generator as the load.

use super::Bench;
use super::sample::cpu_time_of_threads;
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use std::process::Command;

const CLIENTS: u64 = 50;

/// Who sends the requests. Both understand the same options.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Load {
    /// `ochre benchmark`, the lighter one, for the load runs on the cores that what is measured
    /// runs on. Without a pipeline it takes 6.2 us of a core for a request, redis-benchmark 10.5,
    /// which is more than either server; in pipelines of 16 redis-benchmark is at its end at a
    /// million requests a second, less than Ochre serves.
    Ochre,
    /// redis-benchmark.
    Redis,
}

impl Load {
    fn command(self, bench: &Bench) -> Command {
        match self {
            Load::Redis => Command::new("redis-benchmark"),
            Load::Ochre => {
                let mut command = Command::new(bench.binary(0));
                command.arg("benchmark");
                command
            }
        }
    }
}

/// A round is cut into so many turns, for the machine may change its speed within seconds.
const TURNS_PER_ROUND: u64 = 6;

#[derive(Clone, Copy)]
pub struct Requests<'a> {
    /// What the load generator is told to send: `-t get`, or the words of a command.
    pub words: &'a [&'a str],
    pub pipeline: u64,
    pub count: u64,
    /// How many names stand for one that is to vary.
    pub spread: Option<u64>,
}

impl Requests<'_> {
    /// What [`Requests::run`] says of two servers, as [`Bench::alternate`] in shorter turns.
    pub fn alternate(
        &self,
        bench: &Bench,
        name: &str,
        servers: &[Server; 2],
    ) -> Result<[(f64, f64); 2]> {
        let count = self.count / TURNS_PER_ROUND;
        let part = Requests { count, ..*self };
        let turns = bench.rounds * TURNS_PER_ROUND as usize;
        bench.take_turns(name, turns, |side| part.run(bench, &servers[side]))
    }

    /// Thousands of requests per second, and microseconds of server CPU per request.
    pub fn run(&self, bench: &Bench, server: &Server) -> Result<[f64; 2]> {
        let process = (server.port, server.pid());
        self.run_at(bench, process, CLIENTS)
    }

    /// The same of any process at a port, with so many clients.
    pub fn run_at(&self, bench: &Bench, (port, pid): (u16, u32), clients: u64) -> Result<[f64; 2]> {
        let count = if bench.quick {
            self.count / 4
        } else {
            self.count
        };
        let mut command = bench.load.command(bench);
        command.args(["-p", &port.to_string(), "-c", &clients.to_string(), "--csv"]);
        command.args(["-n", &count.to_string(), "-P", &self.pipeline.to_string()]);
        if bench.load_threads > 1 {
            command.args(["--threads", &bench.load_threads.to_string()]);
        }
        if let Some(names) = self.spread {
            command.args(["-r", &names.to_string()]);
        }
        command.args(self.words);
        let before = cpu_time_of_threads(pid)?;
        let output = command.output().context("running a load generator")?;
        let used = cpu_time_of_threads(pid)?.saturating_sub(before);
        ensure!(
            output.status.success(),
            "a load generator failed: {output:?}"
        );
        let rate = rate(&String::from_utf8_lossy(&output.stdout))
            .with_context(|| format!("a load generator printed no rate: {output:?}"))?;
        eprintln!("bench:   {rate:.0}/s");
        Ok([rate / 1e3, used.as_secs_f64() * 1e6 / count as f64])
    }
}

/// The second column of the last line: `"GET","81234.56",…`.
pub fn rate(csv: &str) -> Option<f64> {
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
