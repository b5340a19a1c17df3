//! Taking elements from lists, and waiting for them if there are none.

use datatypes::List;
use datatypes::list::End;
use engine::blocking::{Nil, Serve, Wait};
use engine::command::{Flags, KeySpec};
use engine::reply::Done;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Key, Kind};

use super::pop::{Request, name_of, pop_one, pop_request};
use super::popped;

const POPPED: Access = Access::RW.and(Access::ACCESS).and(Access::DELETE);

/// What BLPOP and BRPOP are.
const WAITS: Command = Command {
    syntax: "key [key ...] timeout",
    since: "2.0.0",
    complexity: "O(N), N being the number of keys",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::NO_SCRIPT).and(Flags::BLOCKING),
    acl: Acl::LIST,
    keys: &[KeySpec::range(1, POPPED, -2, 1)],
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    ..Command::BLANK
};

pub(super) static BLPOP: Command = Command {
    name: "blpop",
    summary: "Removes the first element of the first list that has any, or waits for one.",
    handler: |cx, args| {
        pop(cx, args, End::Head, |cx, _, key| {
            serve_pop(cx, key, End::Head)
        })
    },
    ..WAITS
};

pub(super) static BRPOP: Command = Command {
    name: "brpop",
    summary: "Removes the last element of the first list that has any, or waits for one.",
    handler: |cx, args| {
        pop(cx, args, End::Tail, |cx, _, key| {
            serve_pop(cx, key, End::Tail)
        })
    },
    ..WAITS
};

fn pop(cx: &mut Context<'_>, args: &mut Args<'_>, end: End, serve: Serve) -> CommandResult {
    let mut last = args.clone();
    last.skip(args.len() - 1);
    let deadline = last.deadline(cx.now)?;
    let keys: Result<Vec<Key<'_>>, Error> = (1..args.len()).map(|_| args.key()).collect();
    let keys = keys?;
    for key in &keys {
        if let Some(done) = pop_from(cx, key, end)? {
            return Ok(done);
        }
    }
    let wait = Wait {
        keys: &keys,
        kind: Kind::List,
        deadline,
        nil: Nil::Array,
        serve,
    };
    Ok(cx.wait(args, &wait))
}

fn serve_pop(cx: &mut Context<'_>, key: &Key<'_>, end: End) -> CommandResult {
    let done = pop_from(cx, key, end)?;
    Ok(done.unwrap_or_else(|| cx.reply.null_array()))
}

/// Pops an element of a key, if it holds a list: the reply names the key too.
fn pop_from(cx: &mut Context<'_>, key: &Key<'_>, end: End) -> Result<Option<Done>, Error> {
    let done = cx.edit(key, popped(end), |list: &mut List, reply| {
        let mut pair = reply.array(2);
        pair.bulk(key.bytes);
        let _element = pop_one(list, end, pair.element());
        Ok((1, pair.done()))
    })?;
    if done.is_some() {
        cx.effect(&[name_of(end), key.bytes]);
    }
    Ok(done)
}

pub(super) static BLMPOP: Command = Command {
    name: "blmpop",
    syntax: "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    summary: "Removes elements from an end of the first list that has any, or waits for some.",
    since: "7.0.0",
    complexity: "O(N+M), N being the number of keys and M that of the elements returned",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    acl: Acl::LIST,
    keys: &[KeySpec::counted(2, POPPED)],
    handler: blmpop,
    ..Command::BLANK
};

fn blmpop(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut first = args.clone();
    args.skip(1);
    let request = Request::parse(args)?;
    let deadline = first.deadline(cx.now)?;
    for key in &request.keys {
        if let Some(done) = pop_request(cx, key, &request)? {
            return Ok(done);
        }
    }
    let wait = Wait {
        keys: &request.keys,
        kind: Kind::List,
        deadline,
        nil: Nil::Array,
        serve: serve_request,
    };
    Ok(cx.wait(args, &wait))
}

fn serve_request(cx: &mut Context<'_>, args: &mut Args<'_>, key: &Key<'_>) -> CommandResult {
    args.skip(1);
    let request = Request::parse(args)?;
    let done = pop_request(cx, key, &request)?;
    Ok(done.unwrap_or_else(|| cx.reply.null_array()))
}
