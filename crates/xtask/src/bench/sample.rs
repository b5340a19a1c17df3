//! What the kernel knows about a server process: its CPU time and its memory.

use anyhow::{Context, Result};
use std::time::Duration;

/// User and system time of all threads so far.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat
        .rsplit_once(')')
        .context("a stat line has a name in parentheses")?;
    // `utime` and `stime` are fields 14 and 15; the first one after the name is field 3.
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(parse)
        .sum();
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// Resident memory in bytes.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.split_whitespace().next())
        .and_then(parse);
    Ok(kib.context("a living process has a VmRSS line")? * 1024)
}

fn parse(text: &str) -> Option<u64> {
    text.parse().ok()
}
