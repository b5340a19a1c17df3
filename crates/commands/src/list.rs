//! List commands. One `static` per command, its handler right below it.

use std::sync::atomic::Ordering;

use config::KeyspaceEvents;
use datatypes::list::{End, Limits};
use datatypes::{Collection, List, Text};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};

mod blocking;
mod pop;
mod range;
mod search;
mod transfer;

pub(crate) static LISTS: Family = Family {
    name: "list",
    commands: &[
        &transfer::BLMOVE,
        &blocking::BLMPOP,
        &blocking::BLPOP,
        &blocking::BRPOP,
        &transfer::BRPOPLPUSH,
        &LINDEX,
        &search::LINSERT,
        &LLEN,
        &transfer::LMOVE,
        &pop::LMPOP,
        &pop::LPOP,
        &search::LPOS,
        &LPUSH,
        &LPUSHX,
        &range::LRANGE,
        &search::LREM,
        &LSET,
        &range::LTRIM,
        &pop::RPOP,
        &transfer::RPOPLPUSH,
        &RPUSH,
        &RPUSHX,
    ],
};

/// What the four commands that push are.
const PUSHES: Command = Command {
    syntax: "key element [element ...]",
    complexity: "O(N), N being the number of elements pushed",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE
        .and(Flags::DENY_OOM)
        .and(Flags::FAST)
        .and(Flags::BRIEF),
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RW.and(Access::INSERT))],
    ..Command::BLANK
};

static LPUSH: Command = Command {
    name: "lpush",
    summary: "Pushes elements to the head of a list. A key that is not there counts as empty.",
    since: "1.0.0",
    handler: |cx, args| push(cx, args, End::Head, OnAbsent::Create),
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    ..PUSHES
};

static RPUSH: Command = Command {
    name: "rpush",
    summary: "Pushes elements to the tail of a list. A key that is not there counts as empty.",
    since: "1.0.0",
    handler: |cx, args| push(cx, args, End::Tail, OnAbsent::Create),
    history: &[("2.4.0", "Accepts multiple `element` arguments.")],
    ..PUSHES
};

static LPUSHX: Command = Command {
    name: "lpushx",
    summary: "Pushes elements to the head of a list, if there is one.",
    since: "2.2.0",
    handler: |cx, args| push(cx, args, End::Head, OnAbsent::Leave),
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    ..PUSHES
};

static RPUSHX: Command = Command {
    name: "rpushx",
    summary: "Pushes elements to the tail of a list, if there is one.",
    since: "2.2.0",
    handler: |cx, args| push(cx, args, End::Tail, OnAbsent::Leave),
    history: &[("4.0.0", "Accepts multiple `element` arguments.")],
    ..PUSHES
};

/// What to do about a list that is not there.
#[derive(Clone, Copy)]
enum OnAbsent {
    Create,
    Leave,
}

fn push(cx: &mut Context<'_>, args: &mut Args<'_>, end: End, on_absent: OnAbsent) -> CommandResult {
    let (key, elements, limits) = (args.key()?, args.rest(), limits(cx));
    let add = |list: &mut List, _: &mut Reply<'_>| {
        for element in elements {
            list.push(end, Text::Bytes(element), &limits);
        }
        Ok((elements.len() as u64, list.len()))
    };
    let len = match on_absent {
        OnAbsent::Create => cx.edit_or_create(&key, pushed(end), List::new, add)?,
        OnAbsent::Leave => cx.edit(&key, pushed(end), add)?.unwrap_or(0),
    };
    Ok(cx.reply.count(len))
}

static LLEN: Command = Command {
    name: "llen",
    syntax: "key",
    summary: "Returns how many elements a list has.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RO)],
    handler: llen,
    ..Command::BLANK
};

fn llen(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let len = cx.view(&key, |list: &List, _| list.len())?;
    Ok(cx.reply.count(len.unwrap_or(0)))
}

static LINDEX: Command = Command {
    name: "lindex",
    syntax: "key index",
    summary: "Returns the element at an index of a list, counted from the end if negative.",
    since: "1.0.0",
    complexity: "O(N), N being the number of nodes between the element and the nearer end",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY,
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: lindex,
    ..Command::BLANK
};

fn lindex(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, index) = (args.key()?, args.integer());
    // A key that is not there hides a mistake in the index.
    let found = cx.view(&key, |list: &List, reply| {
        let element = place(index?, list.len()).and_then(|at| list.get(at));
        Ok(match element {
            Some(text) => reply_text(text, reply),
            None => reply.null(),
        })
    })?;
    found.unwrap_or_else(|| Ok(cx.reply.null()))
}

static LSET: Command = Command {
    name: "lset",
    syntax: "key index element",
    summary: "Replaces the element at an index of a list.",
    since: "1.0.0",
    complexity: "O(N), N being the number of nodes between the element and the nearer end",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    handler: lset,
    ..Command::BLANK
};

fn lset(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, index, element) = (args.key()?, args.integer(), args.bytes()?);
    let limits = limits(cx);
    let set = |list: &mut List, _: &mut Reply<'_>| {
        let at = place(index?, list.len());
        let at = at.ok_or(Error::text("ERR index out of range"))?;
        list.set(at, Text::Bytes(element), &limits);
        Ok((1, ()))
    };
    cx.edit(&key, event("lset"), set)?.ok_or(Error::NoKey)?;
    Ok(cx.reply.ok())
}

/// Where the element at `index` is, counted from the end if it is negative.
fn place(index: i64, len: usize) -> Option<usize> {
    let at = if index < 0 { index + len as i64 } else { index };
    usize::try_from(at).ok().filter(|at| *at < len)
}

pub(crate) fn limits(cx: &Context<'_>) -> Limits {
    let switches = &cx.engine.switches;
    Limits {
        plain_bytes_min: switches.list_plain_bytes_min.load(Ordering::Relaxed),
        ..Limits::of_directive(cx.config.encodings.list_node_size_max)
    }
}

fn event(name: &'static str) -> Event {
    Event::new(KeyspaceEvents::LIST, name)
}

fn pushed(end: End) -> Event {
    match end {
        End::Head => event("lpush"),
        End::Tail => event("rpush"),
    }
}

fn popped(end: End) -> Event {
    match end {
        End::Head => event("lpop"),
        End::Tail => event("rpop"),
    }
}

/// One end of a list, `LEFT` or `RIGHT`.
fn end(args: &mut Args<'_>) -> Result<End, Error> {
    match args.keyword().as_ref().map(|word| word.as_bytes()) {
        Some(b"LEFT") => Ok(End::Head),
        Some(b"RIGHT") => Ok(End::Tail),
        _ => Err(Error::Syntax),
    }
}

fn reply_text(text: Text<'_>, reply: &mut Reply<'_>) -> Done {
    text.with_bytes(|bytes| reply.bulk(bytes))
}

#[cfg(test)]
mod tests;
