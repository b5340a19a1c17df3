//! `MEMORY`: where the memory goes.

use engine::command::{Flags, KeySpec};
use engine::info::{KEY_TABLE_BYTES, MemoryFigures};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};

mod doctor;
mod stats;

pub(crate) static MEMORIES: Family = Family {
    name: "server",
    commands: &[&MEMORY],
};

static MEMORY: Command = Command {
    name: "memory",
    summary: "Says where the memory goes.",
    since: "4.0.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[&DOCTOR, &HELP, &MALLOC_STATS, &PURGE, &STATS, &USAGE],
    ..Command::BLANK
};

/// Each node has its own answer.
const EVERYWHERE: &[&str] = &[
    "nondeterministic_output",
    "request_policy:all_shards",
    "response_policy:special",
];

static USAGE: Command = Command {
    name: "usage",
    syntax: "key [SAMPLES count]",
    summary: "Returns the bytes that a key and its value take.",
    since: "4.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    acl: Acl::NONE,
    keys: &[KeySpec::at(2, Access::RO)],
    handler: usage,
    ..Command::BLANK
};

fn usage(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    while !args.is_empty() {
        // What collections take is known without looking at samples; the number only has to be one.
        let samples = args.accept(b"SAMPLES") && !args.is_empty();
        if !samples || args.integer()? < 0 {
            return Err(Error::Syntax);
        }
    }
    let memory = cx.db.peek(&key).map(|entry| entry.memory());
    Ok(match memory {
        Some(bytes) => cx.reply.integer(bytes as i64 + KEY_TABLE_BYTES as i64),
        None => cx.reply.null(),
    })
}

static STATS: Command = Command {
    name: "stats",
    summary: "Returns the figures of the memory, by what they are for.",
    since: "4.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::WALKS,
    handler: stats,
    tips: EVERYWHERE,
    ..Command::BLANK
};

fn stats(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let figures = MemoryFigures::of(cx);
    let dbs = cx.count_keys();
    Ok(stats::write(&figures, &dbs, &mut cx.reply))
}

static DOCTOR: Command = Command {
    name: "doctor",
    summary: "Says in words whether the memory is in good order.",
    since: "4.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::WALKS,
    handler: doctor,
    tips: EVERYWHERE,
    ..Command::BLANK
};

fn doctor(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let report = doctor::report(&MemoryFigures::of(cx));
    Ok(cx.reply.verbatim(report.as_bytes()))
}

static MALLOC_STATS: Command = Command {
    name: "malloc-stats",
    summary: "Returns the allocator's own figures as text.",
    since: "4.0.0",
    complexity: "Depends on how much memory is allocated, could be slow",
    arity: Arity::Exactly(2),
    handler: malloc_stats,
    tips: EVERYWHERE,
    ..Command::BLANK
};

fn malloc_stats(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let memory = cx.engine.host.memory();
    let text = format!(
        "allocator: {}\nallocated: {}\nactive: {}\nresident: {}\n",
        memory.allocator, memory.used, memory.allocator_active, memory.allocator_resident
    );
    Ok(cx.reply.verbatim(text.as_bytes()))
}

static PURGE: Command = Command {
    name: "purge",
    summary: "Gives freed memory back to the system.",
    since: "4.0.0",
    complexity: "Depends on how much memory is allocated, could be slow",
    arity: Arity::Exactly(2),
    handler: purge,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Command::BLANK
};

fn purge(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.engine.host.purge_memory();
    Ok(cx.reply.ok())
}

static HELP: Command = Command {
    name: "help",
    summary: "Lists the subcommands.",
    since: "4.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    handler: help,
    ..Command::BLANK
};

fn help(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    Ok(cx.reply.lines(HELP_LINES))
}

const HELP_LINES: &[&str] = &[
    "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    Say in words whether the memory is in good order.",
    "MALLOC-STATS",
    "    Show the allocator's own figures.",
    "PURGE",
    "    Give freed memory back to the system.",
    "STATS",
    "    Show where the memory goes.",
    "USAGE <key> [SAMPLES <count>]",
    "    Show the bytes that a key and its value take, all elements of a collection",
    "    counted, whatever <count> says.",
    "HELP",
    "    Print this help.",
];

#[cfg(test)]
mod tests;
