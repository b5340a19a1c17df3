//! Strings that are numbers.

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Entry, Key, Text};
use stdx::{extended, number};

use super::text_of;
use crate::event;

/// What every counter command is.
const COUNTER: Command = Command {
    complexity: "O(1)",
    flags: Flags::WRITE
        .and(Flags::DENY_OOM)
        .and(Flags::FAST)
        .and(Flags::BRIEF),
    acl: Acl::STRING,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    ..Command::BLANK
};

pub(super) static INCR: Command = Command {
    name: "incr",
    syntax: "key",
    summary: "Adds one to an integer. A key that is not there counts as 0.",
    since: "1.0.0",
    arity: Arity::Exactly(2),
    handler: incr,
    ..COUNTER
};

fn incr(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    add(cx, &key, 1)
}

pub(super) static DECR: Command = Command {
    name: "decr",
    syntax: "key",
    summary: "Subtracts one from an integer. A key that is not there counts as 0.",
    since: "1.0.0",
    arity: Arity::Exactly(2),
    handler: decr,
    ..COUNTER
};

fn decr(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    add(cx, &key, -1)
}

pub(super) static INCRBY: Command = Command {
    name: "incrby",
    syntax: "key increment",
    summary: "Adds to an integer. A key that is not there counts as 0.",
    since: "1.0.0",
    arity: Arity::Exactly(3),
    handler: incrby,
    ..COUNTER
};

fn incrby(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, step) = (args.key()?, args.integer()?);
    add(cx, &key, step)
}

pub(super) static DECRBY: Command = Command {
    name: "decrby",
    syntax: "key decrement",
    summary: "Subtracts from an integer. A key that is not there counts as 0.",
    since: "1.0.0",
    arity: Arity::Exactly(3),
    handler: decrby,
    ..COUNTER
};

fn decrby(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, step) = (args.key()?, args.integer()?);
    let overflow = || Error::text("ERR decrement would overflow");
    add(cx, &key, step.checked_neg().ok_or_else(overflow)?)
}

/// Adds to the integer a key holds, and replies the sum.
#[inline]
fn add(cx: &mut Context<'_>, key: &Key<'_>, step: i64) -> CommandResult {
    let sum = |entry: &Entry| -> Result<i64, Error> {
        let number = match text_of(entry)? {
            Text::Int(number) => number,
            Text::Bytes(bytes) => number::parse_i64(bytes).ok_or(Error::NotInteger)?,
        };
        number.checked_add(step).ok_or(Error::Overflow)
    };
    let replace = |entry: Entry, sum| (entry.with_int(sum), sum);
    let counted = cx.db.try_change(key, sum, replace)?;
    if counted.is_none() {
        cx.db.create(key, Entry::int(key.bytes, step, None));
    }
    cx.changed(1);
    cx.notify(key, event::INCRBY);
    Ok(cx.reply.integer(counted.unwrap_or(step)))
}

pub(super) static INCRBYFLOAT: Command = Command {
    name: "incrbyfloat",
    syntax: "key increment",
    summary: "Adds to a number, which may have a fraction. A key that is not there counts as 0.",
    since: "2.6.0",
    arity: Arity::Exactly(3),
    handler: incrbyfloat,
    ..COUNTER
};

fn incrbyfloat(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, step) = (args.key()?, args.bytes()?);
    let read = |text: Text<'_>| match text {
        Text::Bytes(bytes) => extended::parse(bytes),
        Text::Int(number) => extended::parse(&number::text(number)),
    };
    let held = match cx.db.string(&key, read)? {
        None => None,
        Some(number) => Some(number.ok_or(Error::NotFloat)?),
    };
    let step = extended::parse(step).ok_or(Error::NotFloat)?;
    let sum = held.map_or(step, |held| held + step);
    if !sum.is_finite() {
        return Err(Error::text("ERR increment would produce NaN or Infinity"));
    }
    let mut text = Vec::new();
    sum.push_text(&mut text);

    // The sum stays text, even if it reads as an integer.
    match held {
        Some(_) => drop(cx.db.change(&key, |entry| (entry.with_bytes(&text), ()))),
        None => cx.db.create(&key, Entry::bytes(key.bytes, &text, None)),
    }
    cx.changed(1);
    cx.notify(&key, event::INCRBYFLOAT);
    // Whoever replays this may add with other roundings.
    cx.effect(&[b"SET", key.bytes, &text, b"KEEPTTL"]);
    Ok(cx.reply.bulk(&text))
}
