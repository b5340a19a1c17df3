//! What the kernel knows about a server process: its CPU time and its memory.

use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// User and system time of all threads so far.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    times(pid, 2)
}

/// The same to the nanosecond, of the threads that live.
pub fn cpu_time_of_threads(pid: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // Its first field is the time that the thread has run. One that has ended has none.
        let stat = std::fs::read_to_string(thread?.path().join("schedstat"));
        nanos += stat
            .ok()
            .and_then(|stat| parse(stat.split_whitespace().next()?))
            .unwrap_or(0);
    }
    ensure!(nanos > 0, "this kernel does not say how long threads ran");
    Ok(Duration::from_nanos(nanos))
}

/// As [`cpu_time`], and that of the children that have ended.
pub fn cpu_time_of_family(pid: u32) -> Result<Duration> {
    times(pid, 4)
}

/// The sum of the first of: user and system time, those of the children that have ended.
fn times(pid: u32, fields_wanted: usize) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat
        .rsplit_once(')')
        .context("a stat line has a name in parentheses")?;
    // `utime` and `stime` are fields 14 and 15; the first one after the name is field 3.
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(fields_wanted)
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

/// The processes that `pid` has forked, and that live.
pub fn children(pid: u32) -> Result<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(text.split_whitespace().filter_map(parse_pid).collect())
}

/// Bytes of memory that a process shares with no other: of a fork, what it or its parent has
/// changed since.
pub fn private_bytes(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let private = text.lines().filter(|line| line.starts_with("Private_"));
    let kib = private.filter_map(|line| parse(line.split_whitespace().nth(1)?));
    Ok(kib.sum::<u64>() * 1024)
}

fn parse_pid(text: &str) -> Option<u32> {
    text.parse().ok()
}

fn parse(text: &str) -> Option<u64> {
    text.parse().ok()
}
