//! `LATENCY`: what took long, and how long each command takes.

use engine::command::{Entry, Flags};
use engine::reply::Done;
use engine::stats::CommandTotals;
use engine::{Args, Arity, Command, CommandResult, Context, Error};

use crate::help;

mod doctor;
mod graph;

pub(crate) static LATENCY: Command = Command {
    name: "latency",
    summary: "Looks after the monitor of latencies.",
    since: "2.8.13",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[
        &DOCTOR, &GRAPH, &HELP, &HISTOGRAM, &HISTORY, &LATEST, &RESET,
    ],
    ..Command::BLANK
};

const COMMON: Flags = Flags::ADMIN
    .and(Flags::NO_SCRIPT)
    .and(Flags::LOADING)
    .and(Flags::STALE);

const TIPS: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_nodes",
    "response_policy:special",
];

static LATEST: Command = Command {
    name: "latest",
    summary: "Shows the latest and the longest of every kind of event.",
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: COMMON,
    handler: latest,
    tips: TIPS,
    ..Command::BLANK
};

fn latest(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let events = cx.engine.latency.all();
    let mut array = cx.reply.array(events.len());
    for (name, event) in events {
        let &(at, ms) = event.samples.back().expect("an event begins by a sample");
        let mut fields = array.element().array(4);
        fields.bulk(name.as_bytes());
        [at, ms as i64, event.max_ms as i64]
            .into_iter()
            .for_each(|number| fields.integer(number));
        let _event = fields.done();
    }
    Ok(array.done())
}

static HISTORY: Command = Command {
    name: "history",
    syntax: "event",
    summary: "Shows the longest of each second in which an event took long.",
    since: "2.8.13",
    arity: Arity::Exactly(3),
    flags: COMMON,
    handler: history,
    tips: TIPS,
    ..Command::BLANK
};

fn history(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let event = cx.engine.latency.get(&name(args.bytes()?));
    let samples = event.unwrap_or_default().samples;
    let mut array = cx.reply.array(samples.len());
    for (at, ms) in samples {
        let mut fields = array.element().array(2);
        fields.integer(at);
        fields.integer(ms as i64);
        let _sample = fields.done();
    }
    Ok(array.done())
}

/// An event's name. No event is called what no text can be.
fn name(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

static RESET: Command = Command {
    name: "reset",
    syntax: "[event [event ...]]",
    summary: "Forgets these events, or all.",
    since: "2.8.13",
    arity: Arity::AtLeast(2),
    flags: COMMON,
    handler: reset,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::BLANK
};

fn reset(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let names: Vec<String> = args.rest().iter().map(|word| name(word)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let forgotten = cx.engine.latency.reset(&names);
    Ok(cx.reply.count(forgotten))
}

static GRAPH: Command = Command {
    name: "graph",
    syntax: "event",
    summary: "Draws an event's latencies over time.",
    since: "2.8.13",
    arity: Arity::Exactly(3),
    flags: COMMON,
    handler: draw,
    tips: TIPS,
    ..Command::BLANK
};

fn draw(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let word = args.bytes()?;
    let event = cx.engine.latency.get(&name(word)).ok_or_else(|| {
        let text = [b"ERR No samples available for event '", word, b"'"].concat();
        Error::Bytes(text)
    })?;
    let graph = graph::draw(&name(word), &event, cx.engine.now().seconds());
    Ok(cx.reply.verbatim(graph.as_bytes()))
}

static DOCTOR: Command = Command {
    name: "doctor",
    summary: "Says what the latencies seen may come from.",
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: COMMON,
    handler: examine,
    tips: TIPS,
    ..Command::BLANK
};

fn examine(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let threshold = cx.engine.config.load().latency.monitor_threshold;
    let report = doctor::report(&cx.engine.latency.all(), threshold);
    Ok(cx.reply.verbatim(report.as_bytes()))
}

static HISTOGRAM: Command = Command {
    name: "histogram",
    syntax: "[command [command ...]]",
    summary: "Counts the calls of commands by how long they took.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of commands with latency information being retrieved.",
    arity: Arity::AtLeast(2),
    flags: COMMON,
    handler: histogram,
    tips: TIPS,
    ..Command::BLANK
};

fn histogram(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let table = &cx.engine.table;
    let mut entries: Vec<&Entry> = Vec::new();
    for word in args.rest() {
        let Some(entry) = table.find_full(word) else {
            continue;
        };
        entries.push(entry);
        entries.extend(entry.subcommands.iter().map(|&id| table.get(id)));
    }
    if args.is_empty() {
        entries.extend(table.all());
    }
    let totals = |entry: &Entry| cx.engine.stats.command(entry.id);
    let called: Vec<(&Entry, CommandTotals)> = entries
        .into_iter()
        .map(|entry| (entry, totals(entry)))
        .filter(|(_, totals)| totals.calls > 0)
        .collect();
    let mut map = cx.reply.map(called.len());
    for (entry, totals) in called {
        map.bulk(entry.full_name.as_bytes());
        let _totals = show(map.element(), &totals);
    }
    Ok(map.done())
}

fn show(reply: &mut engine::reply::Reply<'_>, totals: &CommandTotals) -> Done {
    let buckets = cumulated(&totals.histogram);
    let mut fields = reply.map(2);
    fields.bulk(b"calls");
    fields.integer(totals.calls as i64);
    fields.bulk(b"histogram_usec");
    let mut pairs = fields.element().map(buckets.len());
    for (micros, calls) in buckets {
        pairs.integer(micros as i64);
        pairs.integer(calls as i64);
    }
    let _pairs = pairs.done();
    fields.done()
}

/// The first bucket is that of everything up to 2^10 nanoseconds.
const FIRST_BUCKET: usize = 10;

/// Microseconds, and how many calls took that long at most; a bucket that adds nothing is left out.
///
/// Clients know the bounds from a histogram of two decimal digits, in which the bucket of 2^n
/// nanoseconds reaches a 128th further.
fn cumulated(histogram: &[u64]) -> Vec<(u64, u64)> {
    let mut cumulated = Vec::new();
    let (mut calls, mut waiting) = (0, 0);
    for (power, count) in histogram.iter().enumerate() {
        (calls, waiting) = (calls + count, waiting + count);
        if power >= FIRST_BUCKET && waiting > 0 {
            let nanos = (1_u64 << power) + (1 << (power - 7)) - 1;
            cumulated.push((nanos / 1000, calls));
            waiting = 0;
        }
    }
    cumulated
}

static HELP: Command = Command {
    name: "help",
    summary: "Shows the subcommands.",
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    handler: help,
    ..Command::BLANK
};

fn help(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    help::subcommands(cx)
}

#[cfg(test)]
mod tests;
