//! Values that are numbers.

use datatypes::{Hash, Text};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::extended;
use stdx::number::{self, parse_i64};

use super::limits;
use crate::event;

/// What both have.
const COUNTER: Command = Command {
    syntax: "key field increment",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    acl: Acl::HASH,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    ..Command::BLANK
};

pub(super) static HINCRBY: Command = Command {
    name: "hincrby",
    summary: "Adds to the integer that is a field's value. A field that is not there counts as 0.",
    since: "2.0.0",
    handler: hincrby,
    ..COUNTER
};

fn hincrby(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field, step) = (args.key()?, args.bytes()?, args.integer()?);
    let limits = limits(cx);
    let sum = cx.edit_or_create(&key, event::HINCRBY, Hash::default, |hash, _| {
        let held = match hash.get(field) {
            None => Some(0),
            Some(Text::Int(number)) => Some(number),
            Some(Text::Bytes(bytes)) => parse_i64(bytes),
        };
        let held = held.ok_or(Error::text("ERR hash value is not an integer"))?;
        let sum = held.checked_add(step).ok_or(Error::Overflow)?;
        hash.insert(field, &number::text(sum), &limits);
        Ok((1, sum))
    })?;
    Ok(cx.reply.integer(sum))
}

pub(super) static HINCRBYFLOAT: Command = Command {
    name: "hincrbyfloat",
    summary: "Adds to the number that is a field's value, which may have a fraction. A field that \
              is not there counts as 0.",
    since: "2.6.0",
    handler: hincrbyfloat,
    ..COUNTER
};

fn hincrbyfloat(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.key()?, args.bytes()?);
    let step = extended::parse(args.bytes()?).ok_or(Error::NotFloat)?;
    if !step.is_finite() {
        return Err(Error::text("ERR value is NaN or Infinity"));
    }
    let limits = limits(cx);
    let text = cx.edit_or_create(&key, event::HINCRBYFLOAT, Hash::default, |hash, _| {
        let sum = match hash.get(field) {
            None => step,
            Some(held) => {
                let held = held.with_bytes(extended::parse);
                held.ok_or(Error::text("ERR hash value is not a float"))? + step
            }
        };
        if !sum.is_finite() {
            return Err(Error::text("ERR increment would produce NaN or Infinity"));
        }
        let mut text = Vec::new();
        sum.push_text(&mut text);
        hash.insert(field, &text, &limits);
        Ok((1, text))
    })?;
    // Whoever replays this may add with other roundings.
    cx.effect(&[b"HSET", key.bytes, field, &text]);
    Ok(cx.reply.bulk(&text))
}
