//! Commands on hashes. One `static` per command, its handler right below it.

use datatypes::{Collection, Hash, HashLimits, Text};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};

use crate::scan::{self, Filter, Kinds};

mod counter;
mod random;
mod write;

pub(crate) static HASHES: Family = Family {
    name: "hash",
    commands: &[
        &write::HDEL,
        &HEXISTS,
        &HGET,
        &HGETALL,
        &counter::HINCRBY,
        &counter::HINCRBYFLOAT,
        &HKEYS,
        &HLEN,
        &HMGET,
        &write::HMSET,
        &random::HRANDFIELD,
        &HSCAN,
        &write::HSET,
        &write::HSETNX,
        &HSTRLEN,
        &HVALS,
    ],
};

/// What decides about the encoding of a hash.
fn limits(cx: &Context<'_>) -> HashLimits {
    let encodings = &cx.config.encodings;
    let size = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    HashLimits {
        entries_max: size(encodings.hash_entries_max),
        value_bytes_max: size(encodings.hash_value_max.0),
        seed: cx.engine.hash_seed,
    }
}

/// What commands have that read one field.
const READER: Command = Command {
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST).and(Flags::BRIEF),
    acl: Acl::HASH,
    keys: &[KeySpec::at(1, Access::RO)],
    ..Command::BLANK
};

/// What commands have that return all of a hash, or part of all.
const LISTER: Command = Command {
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    complexity: "O(N) where N is the number of fields.",
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..READER
};

static HGET: Command = Command {
    name: "hget",
    syntax: "key field",
    summary: "Returns the value of a field.",
    since: "2.0.0",
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: hget,
    ..READER
};

fn hget(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.key()?, args.bytes()?);
    let found = cx.view(&key, |hash: &Hash, reply| {
        let value = hash.get(field)?;
        Some(value.with_bytes(|bytes| reply.bulk(bytes)))
    })?;
    Ok(found.flatten().unwrap_or_else(|| cx.reply.null()))
}

static HMGET: Command = Command {
    name: "hmget",
    syntax: "key field [field ...]",
    summary: "Returns the values of several fields.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of fields being requested.",
    arity: Arity::AtLeast(3),
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: hmget,
    ..READER
};

fn hmget(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, fields) = (args.key()?, args.rest());
    let found = cx.view(&key, |hash: &Hash, reply| {
        let mut values = reply.array(fields.len());
        for field in fields {
            match hash.get(field) {
                Some(value) => value.with_bytes(|bytes| values.bulk(bytes)),
                None => values.null(),
            }
        }
        values.done()
    })?;
    Ok(found.unwrap_or_else(|| {
        let mut values = cx.reply.array(fields.len());
        fields.iter().for_each(|_| values.null());
        values.done()
    }))
}

static HEXISTS: Command = Command {
    name: "hexists",
    syntax: "key field",
    summary: "Tells whether a hash has a field.",
    since: "2.0.0",
    handler: hexists,
    ..READER
};

fn hexists(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.key()?, args.bytes()?);
    let has = cx.view(&key, |hash: &Hash, _| hash.contains(field))?;
    Ok(cx.reply.flag(has.unwrap_or(false)))
}

static HSTRLEN: Command = Command {
    name: "hstrlen",
    syntax: "key field",
    summary: "Returns the length of a field's value.",
    since: "3.2.0",
    handler: hstrlen,
    ..READER
};

fn hstrlen(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field) = (args.key()?, args.bytes()?);
    let len = cx.view(&key, |hash: &Hash, _| hash.get(field).map_or(0, Text::len))?;
    Ok(cx.reply.count(len.unwrap_or(0)))
}

static HLEN: Command = Command {
    name: "hlen",
    syntax: "key",
    summary: "Returns how many fields a hash has.",
    since: "2.0.0",
    arity: Arity::Exactly(2),
    handler: hlen,
    ..READER
};

fn hlen(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let len = cx.view(&key, |hash: &Hash, _| hash.len())?;
    Ok(cx.reply.count(len.unwrap_or(0)))
}

static HGETALL: Command = Command {
    name: "hgetall",
    syntax: "key",
    summary: "Returns all fields and values of a hash.",
    since: "2.0.0",
    handler: hgetall,
    ..LISTER
};

fn hgetall(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let found = cx.view(&key, |hash: &Hash, reply| {
        let mut pairs = reply.map(hash.len());
        for (field, value) in hash.iter() {
            field.with_bytes(|bytes| pairs.bulk(bytes));
            value.with_bytes(|bytes| pairs.bulk(bytes));
        }
        pairs.done()
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.map(0).done()))
}

static HKEYS: Command = Command {
    name: "hkeys",
    syntax: "key",
    summary: "Returns all fields of a hash.",
    since: "2.0.0",
    handler: |cx, args| list(cx, args, |(field, _)| field),
    ..LISTER
};

static HVALS: Command = Command {
    name: "hvals",
    syntax: "key",
    summary: "Returns all values of a hash.",
    since: "2.0.0",
    handler: |cx, args| list(cx, args, |(_, value)| value),
    ..LISTER
};

fn list(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    part: impl for<'t> Fn((Text<'t>, Text<'t>)) -> Text<'t>,
) -> CommandResult {
    let key = args.key()?;
    let found = cx.view(&key, |hash: &Hash, reply| {
        let mut array = reply.array(hash.len());
        for pair in hash.iter() {
            part(pair).with_bytes(|bytes| array.bulk(bytes));
        }
        array.done()
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.array(0).done()))
}

static HSCAN: Command = Command {
    name: "hscan",
    syntax: "key cursor [MATCH pattern] [COUNT count]",
    summary: "Returns some of a hash's fields and values, and the cursor to go on with.",
    since: "2.8.0",
    complexity: "O(1) for a call with the usual COUNT, O(N) for all calls until the cursor is 0 \
                 again, where N is the number of fields",
    arity: Arity::AtLeast(3),
    handler: hscan,
    tips: &["nondeterministic_output"],
    ..LISTER
};

fn hscan(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, cursor) = (args.key()?, scan::cursor(args.bytes()?)?);
    let page = cx.view(&key, |hash: &Hash, reply| {
        // A key that is not there hides a mistake in the options.
        let filter = Filter::parse(args, Kinds::One)?;
        let mut found: Vec<Box<[u8]>> = Vec::new();
        let next = scan::walk(cursor, filter.count, |position| {
            let mut seen = 0;
            let next = hash.scan(position, |field, value| {
                seen += 1;
                if field.with_bytes(|bytes| filter.admits_name(bytes)) {
                    found.extend([field, value].map(|text| text.to_vec().into_boxed_slice()));
                }
            });
            (next, seen)
        });
        Ok::<_, Error>(scan::reply_page(reply, next, &found))
    })?;
    page.unwrap_or_else(|| Ok(scan::reply_page(&mut cx.reply, 0, &[])))
}

#[cfg(test)]
mod tests;
