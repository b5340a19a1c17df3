//! Many keys at one moment.

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Text, Ttl};
use stdx::number;

use super::text_of;
use crate::event;

pub(super) static MGET: Command = Command {
    name: "mget",
    syntax: "key [key ...]",
    summary: "Returns the strings that several keys hold.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys to retrieve.",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::from(1, Access::RO.and(Access::ACCESS))],
    handler: mget,
    tips: &["request_policy:multi_shard"],
    ..Command::BLANK
};

/// What is no string counts as nothing.
fn mget(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let keys = args.len();
    let Context {
        engine, config, db, ..
    } = cx;
    let (index, mut array) = (db.index(), cx.reply.array(keys));
    for _ in 0..keys {
        let key = args.key()?;
        let found = db.get(&key);
        let is_found = found.is_some();
        match found.as_deref().map(text_of) {
            Some(Ok(Text::Bytes(bytes))) => array.bulk(bytes),
            Some(Ok(Text::Int(number))) => array.bulk(&number::text(number)),
            Some(Err(_)) | None => array.null(),
        }
        // The end of a key is told before it is missed.
        if !is_found && db.has_lapsed() {
            engine.note_lapsed(cx.worker, config, db.take_lapsed());
        }
        engine.note_lookup(cx.worker, config, index, &key, is_found);
    }
    Ok(array.done())
}

pub(super) static MSET: Command = Command {
    name: "mset",
    syntax: "key value [key value ...]",
    summary: "Makes several keys hold a string each, whatever they held before.",
    since: "1.0.1",
    complexity: "O(N) where N is the number of keys to set.",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::STRING,
    keys: &[KeySpec::alternate(1, Access::OW.and(Access::UPDATE))],
    handler: mset,
    tips: &[
        "request_policy:multi_shard",
        "response_policy:all_succeeded",
    ],
    ..Command::BLANK
};

fn mset(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if !args.len().is_multiple_of(2) {
        return Err(Error::Arity);
    }
    set_all(cx, args)?;
    Ok(cx.reply.ok())
}

pub(super) static MSETNX: Command = Command {
    name: "msetnx",
    syntax: "key value [key value ...]",
    summary: "Makes several keys hold a string each, unless one of them is there already.",
    since: "1.0.1",
    complexity: "O(N) where N is the number of keys to set.",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::STRING,
    keys: &[KeySpec::alternate(1, Access::OW.and(Access::INSERT))],
    handler: msetnx,
    tips: &["request_policy:multi_shard", "response_policy:agg_min"],
    ..Command::BLANK
};

fn msetnx(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if !args.len().is_multiple_of(2) {
        return Err(Error::Arity);
    }
    let mut ahead = args.clone();
    while !ahead.is_empty() {
        let (key, _) = (ahead.key()?, ahead.bytes()?);
        if cx.db.contains(&key) {
            return Ok(cx.reply.flag(false));
        }
    }
    set_all(cx, args)?;
    Ok(cx.reply.flag(true))
}

/// Sets keys and values in turn, as the rest of the arguments has them. Of equal keys, the last
/// one's value stays.
fn set_all(cx: &mut Context<'_>, args: &mut Args<'_>) -> Result<(), Error> {
    let pairs = args.len() / 2;
    for _ in 0..pairs {
        let (key, value) = (args.key()?, args.bytes()?);
        cx.db.set_string(&key, value, Ttl::Clear);
        cx.notify(&key, event::SET);
    }
    cx.changed(pairs as u64);
    Ok(())
}
