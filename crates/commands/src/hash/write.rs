//! Giving fields values, and taking fields out.

use datatypes::Hash;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};

use super::limits;
use crate::event;

/// What commands have that give fields values.
const SETTER: Command = Command {
    since: "2.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE
        .and(Flags::DENY_OOM)
        .and(Flags::FAST)
        .and(Flags::BRIEF),
    acl: Acl::HASH,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    ..Command::BLANK
};

pub(super) static HSET: Command = Command {
    name: "hset",
    syntax: "key field value [field value ...]",
    summary: "Gives fields of a hash values.",
    complexity: "O(1) for each field, so O(N) to set N fields.",
    handler: |cx, args| {
        let added = set(cx, args)?;
        Ok(cx.reply.count(added))
    },
    history: &[("4.0.0", "Accepts multiple `field` and `value` arguments.")],
    ..SETTER
};

pub(super) static HMSET: Command = Command {
    name: "hmset",
    syntax: "key field value [field value ...]",
    summary: "Gives fields of a hash values.",
    complexity: "O(N) where N is the number of fields being set.",
    handler: |cx, args| {
        set(cx, args)?;
        Ok(cx.reply.ok())
    },
    deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
    ..SETTER
};

/// Returns how many of the fields were missing.
fn set(cx: &mut Context<'_>, args: &mut Args<'_>) -> Result<usize, Error> {
    let (key, limits) = (args.key()?, limits(cx));
    let (pairs, []) = args.rest().as_chunks::<2>() else {
        return Err(Error::Arity);
    };
    cx.edit_or_create(&key, event::HSET, Hash::default, |hash, _| {
        let added = pairs
            .iter()
            .filter(|[field, value]| hash.insert(field, value, &limits))
            .count();
        Ok((pairs.len() as u64, added))
    })
}

pub(super) static HSETNX: Command = Command {
    name: "hsetnx",
    syntax: "key field value",
    summary: "Gives a field of a hash a value, unless it has one.",
    arity: Arity::Exactly(4),
    keys: &[KeySpec::at(1, Access::RW.and(Access::INSERT))],
    handler: hsetnx,
    ..SETTER
};

fn hsetnx(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, field, value) = (args.key()?, args.bytes()?, args.bytes()?);
    let limits = limits(cx);
    let applies = cx.edit_or_create(&key, event::HSET, Hash::default, |hash, _| {
        let applies = !hash.contains(field) && hash.insert(field, value, &limits);
        Ok((u64::from(applies), applies))
    })?;
    Ok(cx.reply.flag(applies))
}

pub(super) static HDEL: Command = Command {
    name: "hdel",
    syntax: "key field [field ...]",
    summary: "Takes fields out of a hash.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of fields to be removed.",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::HASH,
    keys: &[KeySpec::at(1, Access::RW.and(Access::DELETE))],
    handler: hdel,
    history: &[("2.4.0", "Accepts multiple `field` arguments.")],
    ..Command::BLANK
};

fn hdel(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, fields) = (args.key()?, args.rest());
    let removed = cx.edit(&key, event::HDEL, |hash: &mut Hash, _| {
        let removed = fields.iter().filter(|field| hash.remove(field)).count();
        Ok((removed as u64, removed))
    })?;
    Ok(cx.reply.count(removed.unwrap_or(0)))
}
