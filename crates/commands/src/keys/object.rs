//! `OBJECT`: how a value is kept.

use engine::command::{Flags, KeySpec};
use engine::reply::Done;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Entry, Kind, Text};

pub(super) static OBJECT: Command = Command {
    name: "object",
    summary: "Tells how the value of a key is kept.",
    since: "2.2.3",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[&ENCODING, &FREQ, &HELP, &IDLETIME, &REFCOUNT],
    ..Command::BLANK
};

/// What the subcommands about a key are.
const ABOUT_KEY: Command = Command {
    syntax: "key",
    since: "2.2.3",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY,
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(2, Access::RO)],
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

static ENCODING: Command = Command {
    name: "encoding",
    summary: "Returns the encoding of a value.",
    handler: encoding,
    ..ABOUT_KEY
};

fn encoding(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let encoding = cx.inspect(&key).map(|entry| entry.encoding());
    Ok(match encoding {
        Some(name) => cx.reply.bulk(name.as_bytes()),
        None => cx.reply.null(),
    })
}

static REFCOUNT: Command = Command {
    name: "refcount",
    summary: "Returns how many users a value has.",
    handler: refcount,
    ..ABOUT_KEY
};

fn refcount(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let memory = &cx.config.memory;
    let shares =
        memory.limit.0 == 0 || !(memory.policy.keeps_recency() || memory.policy.keeps_frequency());
    let users = cx
        .inspect(&key)
        .map(|entry| match is_shared(&entry) && shares {
            true => SHARED_REFCOUNT,
            false => 1,
        });
    Ok(integer(cx, users))
}

fn integer(cx: &mut Context<'_>, number: Option<i64>) -> Done {
    match number {
        Some(number) => cx.reply.integer(number),
        None => cx.reply.null(),
    }
}

/// Clients expect small integers to be shared by everybody, which nothing is here.
const SHARED_REFCOUNT: i64 = i32::MAX as i64;
const SHARED_INTS: std::ops::Range<i64> = 0..10_000;

fn is_shared(entry: &Entry) -> bool {
    entry.kind() == Kind::String
        && matches!(entry.text(), Text::Int(number) if SHARED_INTS.contains(&number))
}

static IDLETIME: Command = Command {
    name: "idletime",
    summary: "Returns how many seconds ago a key was last used.",
    handler: idletime,
    ..ABOUT_KEY
};

fn idletime(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let frequency = cx.config.memory.policy.keeps_frequency();
    if frequency && cx.db.contains(&key) {
        return Err(Error::text(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that \
             when switching between policies at runtime LRU and LFU data will take some time to \
             adjust.",
        ));
    }
    let access = cx.inspect(&key).map(|entry| entry.access());
    let idle = access.map(|access| i64::from(cx.db.idle_seconds(access)));
    Ok(integer(cx, idle))
}

static FREQ: Command = Command {
    name: "freq",
    summary: "Returns how often a key is used: a logarithm that decays.",
    since: "4.0.0",
    handler: freq,
    ..ABOUT_KEY
};

fn freq(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let frequency = cx.config.memory.policy.keeps_frequency();
    if !frequency && cx.db.contains(&key) {
        return Err(Error::text(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
             note that when switching between policies at runtime LRU and LFU data will take \
             some time to adjust.",
        ));
    }
    let access = cx.inspect(&key).map(|entry| entry.access());
    let frequency = access.map(|access| i64::from(cx.db.frequency(access)));
    Ok(integer(cx, frequency))
}

static HELP: Command = Command {
    name: "help",
    summary: "Says what the subcommands do.",
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Acl::KEYSPACE,
    handler: |cx, _| Ok(cx.reply.lines(LINES)),
    ..Command::BLANK
};

const LINES: &[&str] = &[
    "OBJECT <subcommand> <key>, where <subcommand> is one of:",
    "ENCODING",
    "    How the value is represented in memory.",
    "FREQ",
    "    How often the key is used, on a logarithmic scale that decays with time.",
    "    Needs an LFU policy of eviction.",
    "IDLETIME",
    "    Seconds since the key was last used. Needs a policy other than LFU.",
    "REFCOUNT",
    "    How many users the value has.",
    "HELP",
    "    These lines.",
];
