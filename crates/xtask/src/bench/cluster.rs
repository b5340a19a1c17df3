//! A cluster: what a node of one costs beside a server alone, and how long a range of slots with
//! many keys takes to move while clients write.

use super::load::{self, Value, connect};
use super::median;
use super::question::ask;
use super::requests::Requests;
use super::table::Target::{None, RatioMost, ValueLeast};
use super::writer::Writer;
use super::{Bench, Row};
use crate::server::Server;
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

const NODE: [&str; 4] = [
    "--cluster-enabled",
    "yes",
    "--cluster-require-full-coverage",
    "no",
];

/// Keys of a node, as `load::fill` names them.
const KEYS: u64 = 1_000_000;

/// The slots that move, from the first.
const MOVED_SLOTS: u16 = 2000;
/// The slots of the first of two nodes.
const FIRST_SLOTS: u16 = 8192;
/// Slots whose keys clients write meanwhile: of the first node, and staying there.
const WRITTEN_SLOT: u16 = 8000;

const QUIET: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(10);
const MEETING_MAX: Duration = Duration::from_secs(30);
const MOVE_MAX: Duration = Duration::from_secs(600);

/// Keys are set in requests of so many pairs.
const PAIRS: u64 = 100;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = throughput(bench)?;
    rows.extend(moves(bench)?);
    rows.extend(manager(bench)?);
    Ok(rows)
}

fn throughput(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (command, pipeline, count) in [("get", 1, 200_000), ("get", 16, 1_000_000)] {
        let name = format!("GET pipeline {pipeline} of a node of a cluster");
        let requests = Requests {
            words: &["-t", command],
            pipeline,
            count,
            spread: Some(KEYS),
        };
        let [kept, dearer] = bench.take_turns(&name, bench.rounds, |side| {
            let [alone, node] = [
                bench.start_as(side, "alone", &[])?,
                bench.start_as(side, "node", &NODE)?,
            ];
            ask(&mut connect(node.port)?, "CLUSTER ADDSLOTSRANGE 0 16383")?;
            wait_for(&node, "CLUSTER INFO", "cluster_state:ok")?;
            for server in [&alone, &node] {
                load::fill(server.port, KEYS, Value::Plain)?;
                requests.run(bench, server)?;
            }
            let (mut rates, mut costs) = (Vec::new(), Vec::new());
            for _ in 0..3 {
                let [rate_alone, cpu_alone] = requests.run(bench, &alone)?;
                let [rate, cpu] = requests.run(bench, &node)?;
                rates.push(rate / rate_alone);
                costs.push(cpu / cpu_alone);
            }
            Ok([median(rates), median(costs)])
        })?;
        let mut row = |what: &str, values, target| {
            rows.push(Row::new(
                format!("{name}: {what}"),
                "of alone",
                values,
                target,
            ));
        };
        row("throughput", kept, ValueLeast(0.95));
        row("server CPU", dearer, None);
    }
    Ok(rows)
}

/// Servers move the slots themselves where they can; else redis-cli moves key by key.
fn moves(bench: &Bench) -> Result<Vec<Row>> {
    let keys = if bench.quick { 200_000 } else { 2_000_000 };
    let name = format!("moving 2,000 slots with {keys} keys");
    let [took, kept] = bench.take_turns(&name, 1, |side| {
        let nodes = pair(bench, side)?;
        fill_slots(&nodes[0], keys)?;
        let writer = || Writer::over_slot(nodes[0].port, tag_of(WRITTEN_SLOT), KEYS / 10);
        writer()?.run_for(QUIET)?;
        let before = writer()?.run_for(QUIET)?;
        let (running, begun) = (writer()?.start(), Instant::now());
        if side == 0 {
            move_as_a_whole(&nodes)?;
        } else {
            let words = ["redis-cli", "--cluster", "reshard"];
            reshard(&words, &nodes, "--cluster-", MOVED_SLOTS)?;
        }
        let took = begun.elapsed();
        let during = running.finish()?;
        let after = writer()?.run_for(QUIET)?;
        ensure_moved(&nodes, keys)?;
        Ok([took.as_secs_f64(), during / before.midpoint(after)])
    })?;
    let row = |what: &str, unit, values, target| {
        Row::new(format!("{name}: {what}"), unit, values, target)
    };
    Ok(vec![
        row("time", "s", took, RatioMost(0.1)),
        row(
            "writes to other slots kept",
            "of quiet",
            kept,
            ValueLeast(0.8),
        ),
    ])
}

/// The managers, both over nodes of Redis; then ours over ours.
fn manager(bench: &Bench) -> Result<Vec<Row>> {
    let keys = if bench.quick { 100_000 } else { 1_000_000 };
    let ours = bench.binary(0).to_string_lossy().into_owned();
    let mut rows = Vec::new();
    for (over, target) in [("Redis", RatioMost(1.0 / 3.0)), ("Ochre", RatioMost(0.1))] {
        let name = format!("reshard of 1,000 slots with {keys} keys, ours over {over}");
        let [took] = bench.take_turns(&name, 1, |side| {
            let nodes = pair(bench, usize::from(side == 1 || over == "Redis"))?;
            fill_slots(&nodes[0], 2 * keys)?;
            let begun = Instant::now();
            match side {
                0 => reshard(
                    &[&ours, "cluster", "reshard"],
                    &nodes,
                    "--",
                    MOVED_SLOTS / 2,
                )?,
                _ => {
                    let words = ["redis-cli", "--cluster", "reshard"];
                    reshard(&words, &nodes, "--cluster-", MOVED_SLOTS / 2)?;
                }
            }
            let took = begun.elapsed();
            ensure_moved(&nodes, keys)?;
            Ok([took.as_secs_f64()])
        })?;
        rows.push(Row::new(format!("{name}: time"), "s", took, target));
    }
    Ok(rows)
}

/// Two nodes of one kind that share the slots, the first having the lower ones.
fn pair(bench: &Bench, side: usize) -> Result<[Server; 2]> {
    let fresh = |name: &str| {
        // The pair before has left its cluster there.
        let folder = bench.workplace.folder().join(format!("{name}-{side}"));
        drop(std::fs::remove_dir_all(folder));
        bench.start_as(side, name, &NODE)
    };
    let nodes = [fresh("first")?, fresh("second")?];
    let last = FIRST_SLOTS - 1;
    for (node, slots, epoch) in [
        (&nodes[0], format!("0 {last}"), 1),
        (&nodes[1], format!("{FIRST_SLOTS} 16383"), 2),
    ] {
        let mut stream = connect(node.port)?;
        ask(&mut stream, &format!("CLUSTER SET-CONFIG-EPOCH {epoch}"))?;
        ask(&mut stream, &format!("CLUSTER ADDSLOTSRANGE {slots}"))?;
    }
    let meet = format!("CLUSTER MEET 127.0.0.1 {}", nodes[1].port);
    ask(&mut connect(nodes[0].port)?, &meet)?;
    for node in &nodes {
        wait_for(node, "CLUSTER INFO", "cluster_slots_assigned:16384")?;
        wait_for(node, "CLUSTER INFO", "cluster_state:ok")?;
    }
    Ok(nodes)
}

fn wait_for(node: &Server, question: &str, text: &str) -> Result<()> {
    let (mut stream, begun) = (connect(node.port)?, Instant::now());
    while !ask(&mut stream, question)?.contains(text) {
        ensure!(
            begun.elapsed() < MEETING_MAX,
            "{question} never says {text}"
        );
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// A word that as a hash tag leads to a slot.
fn tag_of(slot: u16) -> u32 {
    let leads_there =
        |number: &u32| stdx::crc16::crc16(number.to_string().as_bytes()) % 16_384 == slot;
    (0..)
        .find(leads_there)
        .expect("every slot has a number that leads to it")
}

/// Sets so many keys, as many in each of the slots that move.
fn fill_slots(node: &Server, keys: u64) -> Result<()> {
    let mut stream = connect(node.port)?;
    let (mut request, mut reply) = (Vec::new(), [0; 5]);
    for slot in 0..MOVED_SLOTS {
        let (tag, in_slot) = (tag_of(slot), keys / u64::from(MOVED_SLOTS));
        for first in (0..in_slot).step_by(PAIRS as usize) {
            request.clear();
            let count = PAIRS.min(in_slot - first);
            write!(request, "*{}\r\n$4\r\nMSET\r\n", 1 + 2 * count)?;
            for number in first..first + count {
                let (key, value) = (format!("{{{tag}}}{number:06}"), format!("v{number:015}"));
                write!(
                    request,
                    "${}\r\n{key}\r\n${}\r\n{value}\r\n",
                    key.len(),
                    value.len()
                )?;
            }
            stream.write_all(&request)?;
            stream.read_exact(&mut reply)?;
            ensure!(&reply == b"+OK\r\n", "MSET did not answer OK");
        }
    }
    Ok(())
}

fn move_as_a_whole(nodes: &[Server; 2]) -> Result<()> {
    let id = ask(&mut connect(nodes[1].port)?, "CLUSTER MYID")?;
    let (mut stream, begun) = (connect(nodes[0].port)?, Instant::now());
    let last = MOVED_SLOTS - 1;
    let said = ask(
        &mut stream,
        &format!("CLUSTER MIGRATESLOTS SLOTSRANGE 0 {last} NODE {id}"),
    )?;
    ensure!(said == "+OK", "CLUSTER MIGRATESLOTS answered {said}");
    // The new owner says so last.
    let mut stream = connect(nodes[1].port)?;
    let own = format!("0-{last}");
    while !ask(&mut stream, "CLUSTER NODES")?
        .lines()
        .any(|line| line.contains("myself") && line.contains(&own))
    {
        ensure!(begun.elapsed() < MOVE_MAX, "the move does not end");
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Has a manager move slots from the first node to the second. `prefix` is that of its options.
fn reshard(words: &[&str], nodes: &[Server; 2], prefix: &str, slots: u16) -> Result<()> {
    let ids = nodes
        .iter()
        .map(|node| ask(&mut connect(node.port)?, "CLUSTER MYID"))
        .collect::<Result<Vec<_>>>()?;
    let output = Command::new(words[0])
        .args(&words[1..])
        .arg(format!("127.0.0.1:{}", nodes[0].port))
        .args([format!("{prefix}from"), ids[0].clone()])
        .args([format!("{prefix}to"), ids[1].clone()])
        .args([format!("{prefix}slots"), slots.to_string()])
        .arg(format!("{prefix}yes"))
        .output()
        .with_context(|| format!("running {}", words[0]))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        bail!("{} failed: {last:?}", words.join(" "));
    }
    Ok(())
}

fn ensure_moved(nodes: &[Server; 2], keys: u64) -> Result<()> {
    let there = ask(&mut connect(nodes[1].port)?, "DBSIZE")?;
    ensure!(
        there == format!(":{keys}"),
        "{keys} keys were to move: {there}"
    );
    Ok(())
}
