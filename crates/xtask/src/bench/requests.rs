//! Many requests of one kind, with redis-benchmark as the load.

use super::Bench;
use super::sample::cpu_time;
use crate::server::Server;
use anyhow::{Context, Result, ensure};
use std::process::Command;

const CLIENTS: u64 = 50;

pub struct Requests<'a> {
    /// What redis-benchmark is told to send: `-t get`, or the words of a command.
    pub words: &'a [&'a str],
    pub pipeline: u64,
    pub count: u64,
    /// How many names stand for one that is to vary.
    pub spread: Option<u64>,
}

impl Requests<'_> {
    /// Thousands of requests per second, and microseconds of server CPU per request.
    pub fn run(&self, bench: &Bench, server: &Server) -> Result<[f64; 2]> {
        self.run_at(bench, server.port, server.pid(), CLIENTS)
    }

    /// The same of any process at a port, with so many clients.
    pub fn run_at(&self, bench: &Bench, port: u16, pid: u32, clients: u64) -> Result<[f64; 2]> {
        let count = if bench.quick {
            self.count / 4
        } else {
            self.count
        };
        let mut command = Command::new("redis-benchmark");
        command.args(["-p", &port.to_string(), "-c", &clients.to_string(), "--csv"]);
        command.args(["-n", &count.to_string(), "-P", &self.pipeline.to_string()]);
        if bench.load_threads > 1 {
            command.args(["--threads", &bench.load_threads.to_string()]);
        }
        if let Some(names) = self.spread {
            command.args(["-r", &names.to_string()]);
        }
        command.args(self.words);
        let before = cpu_time(pid)?;
        let output = command.output().context("running redis-benchmark")?;
        let used = cpu_time(pid)? - before;
        ensure!(
            output.status.success(),
            "redis-benchmark failed: {output:?}"
        );
        let rate = rate(&String::from_utf8_lossy(&output.stdout))
            .with_context(|| format!("redis-benchmark printed no rate: {output:?}"))?;
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
