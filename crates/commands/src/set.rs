//! Commands on sets. One `static` per command, its handler right below it.

use datatypes::{Collection, Set, SetLimits};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};

use crate::event;
use crate::scan::{self, Filter, Kinds};

mod algebra;
mod random;

pub(crate) static SETS: Family = Family {
    name: "set",
    commands: &[
        &SADD,
        &SCARD,
        &algebra::SDIFF,
        &algebra::SDIFFSTORE,
        &algebra::SINTER,
        &algebra::SINTERCARD,
        &algebra::SINTERSTORE,
        &SISMEMBER,
        &SMEMBERS,
        &SMISMEMBER,
        &SMOVE,
        &random::SPOP,
        &random::SRANDMEMBER,
        &SREM,
        &SSCAN,
        &algebra::SUNION,
        &algebra::SUNIONSTORE,
    ],
};

/// What decides about the encoding of a set.
fn limits(cx: &Context<'_>) -> SetLimits {
    let ints_max = cx.config.encodings.set_integers_max;
    SetLimits {
        ints_max: usize::try_from(ints_max).unwrap_or(usize::MAX),
        seed: cx.engine.hash_seed,
    }
}

/// What commands have that read one set.
const READER: Command = Command {
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST).and(Flags::BRIEF),
    acl: Acl::SET,
    keys: &[KeySpec::at(1, Access::RO)],
    ..Command::BLANK
};

static SADD: Command = Command {
    name: "sadd",
    syntax: "key member [member ...]",
    summary: "Adds members to a set.",
    since: "1.0.0",
    complexity: "O(1) for each member added, so O(N) to add N members.",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE
        .and(Flags::DENY_OOM)
        .and(Flags::FAST)
        .and(Flags::BRIEF),
    acl: Acl::SET,
    keys: &[KeySpec::at(1, Access::RW.and(Access::INSERT))],
    handler: sadd,
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    ..Command::BLANK
};

fn sadd(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, members, limits) = (args.key()?, args.rest(), limits(cx));
    let added = cx.edit_or_create(&key, event::SADD, Set::default, |set, _| {
        let missing = members.iter().filter(|member| set.insert(member, &limits));
        let added = missing.count();
        Ok((added as u64, added))
    })?;
    Ok(cx.reply.count(added))
}

static SREM: Command = Command {
    name: "srem",
    syntax: "key member [member ...]",
    summary: "Takes members out of a set.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of members to be removed.",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::SET,
    keys: &[KeySpec::at(1, Access::RW.and(Access::DELETE))],
    handler: srem,
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    ..Command::BLANK
};

fn srem(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, members) = (args.key()?, args.rest());
    let removed = cx.edit(&key, event::SREM, |set: &mut Set, _| {
        let present = members.iter().filter(|member| set.remove(member));
        let removed = present.count();
        Ok((removed as u64, removed))
    })?;
    Ok(cx.reply.count(removed.unwrap_or(0)))
}

static SCARD: Command = Command {
    name: "scard",
    syntax: "key",
    summary: "Returns how many members a set has.",
    since: "1.0.0",
    handler: scard,
    ..READER
};

fn scard(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let len = cx.view(&key, |set: &Set, _| set.len())?;
    Ok(cx.reply.count(len.unwrap_or(0)))
}

static SISMEMBER: Command = Command {
    name: "sismember",
    syntax: "key member",
    summary: "Tells whether a set has a member.",
    since: "1.0.0",
    arity: Arity::Exactly(3),
    handler: sismember,
    ..READER
};

fn sismember(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, member) = (args.key()?, args.bytes()?);
    let is_member = cx.view(&key, |set: &Set, _| set.contains(member))?;
    Ok(cx.reply.flag(is_member.unwrap_or(false)))
}

static SMISMEMBER: Command = Command {
    name: "smismember",
    syntax: "key member [member ...]",
    summary: "Tells of several members whether a set has them.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of members asked for.",
    arity: Arity::AtLeast(3),
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: smismember,
    ..READER
};

fn smismember(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, members) = (args.key()?, args.rest());
    let found = cx.view(&key, |set: &Set, reply| {
        let mut array = reply.array(members.len());
        for member in members {
            array.integer(i64::from(set.contains(member)));
        }
        array.done()
    })?;
    Ok(found.unwrap_or_else(|| {
        let mut array = cx.reply.array(members.len());
        members.iter().for_each(|_| array.integer(0));
        array.done()
    }))
}

static SMEMBERS: Command = Command {
    name: "smembers",
    syntax: "key",
    summary: "Returns all members of a set.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of members.",
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: smembers,
    tips: &["nondeterministic_output_order"],
    ..READER
};

fn smembers(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let found = cx.view(&key, |set: &Set, reply| {
        let mut members = reply.set(set.len());
        for member in set.iter() {
            member.with_bytes(|bytes| members.bulk(bytes));
        }
        members.done()
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.set(0).done()))
}

static SMOVE: Command = Command {
    name: "smove",
    syntax: "source destination member",
    summary: "Moves a member from one set to another.",
    since: "1.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::SET,
    keys: &[
        KeySpec::at(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)),
        KeySpec::at(2, Access::RW.and(Access::INSERT)),
    ],
    handler: smove,
    ..Command::BLANK
};

fn smove(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (source, target, member) = (args.key()?, args.key()?, args.bytes()?);
    let limits = limits(cx);
    let is_member = cx.db.view(&source, |set: &Set| set.contains(member))?;
    // Where there is no set to take from, it does not matter what the other key holds.
    let Some(is_member) = is_member else {
        return Ok(cx.reply.flag(false));
    };
    cx.db.view(&target, |_: &Set| ())?;
    if is_member && source.bytes != target.bytes {
        cx.edit(&source, event::SREM, |set: &mut Set, _| {
            Ok((u64::from(set.remove(member)), ()))
        })?;
        cx.edit_or_create(&target, event::SADD, Set::default, |set, _| {
            Ok((u64::from(set.insert(member, &limits)), ()))
        })?;
    }
    Ok(cx.reply.flag(is_member))
}

static SSCAN: Command = Command {
    name: "sscan",
    syntax: "key cursor [MATCH pattern] [COUNT count]",
    summary: "Returns some of a set's members, and the cursor to go on with.",
    since: "2.8.0",
    complexity: "O(1) for a call with the usual COUNT, O(N) for all calls until the cursor is 0 \
                 again, where N is the number of members",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: sscan,
    tips: &["nondeterministic_output"],
    ..READER
};

fn sscan(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, cursor) = (args.key()?, scan::cursor(args.bytes()?)?);
    let page = cx.view(&key, |set: &Set, reply| {
        // A key that is not there hides a mistake in the options.
        let filter = Filter::parse(args, Kinds::One)?;
        let mut members: Vec<Box<[u8]>> = Vec::new();
        let next = scan::walk(cursor, filter.count, |position| {
            let mut seen = 0;
            let next = set.scan(position, |member| {
                seen += 1;
                member.with_bytes(|bytes| {
                    if filter.admits_name(bytes) {
                        members.push(bytes.into());
                    }
                });
            });
            (next, seen)
        });
        Ok::<_, Error>(scan::reply_page(reply, next, &members))
    })?;
    page.unwrap_or_else(|| Ok(scan::reply_page(&mut cx.reply, 0, &[])))
}

#[cfg(test)]
mod tests;
