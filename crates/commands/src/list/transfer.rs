//! Moving an element from one list to another, or from one end of a list to the other.

use datatypes::list::End;
use datatypes::{Collection, List, Text};
use engine::blocking::{Nil, Serve, Wait};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::reply::Done;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Key, Kind};
use stdx::time::UnixMillis;

use super::{end, limits, popped, pushed};

/// What all of these are.
const MOVES: Command = Command {
    complexity: "O(1)",
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::LIST,
    keys: &[
        KeySpec::at(1, Access::RW.and(Access::ACCESS).and(Access::DELETE)),
        KeySpec::at(2, Access::RW.and(Access::INSERT)),
    ],
    ..Command::BLANK
};

const WAITS: Flags = Flags::WRITE
    .and(Flags::DENY_OOM)
    .and(Flags::NO_SCRIPT)
    .and(Flags::BLOCKING);

pub(super) static LMOVE: Command = Command {
    name: "lmove",
    syntax: "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
    summary: "Moves an element from an end of a list to an end of another, and returns it.",
    since: "6.2.0",
    arity: Arity::Exactly(5),
    handler: lmove,
    ..MOVES
};

pub(super) static RPOPLPUSH: Command = Command {
    name: "rpoplpush",
    syntax: "source destination",
    summary: "Moves the last element of a list to the head of another, and returns it.",
    since: "1.2.0",
    arity: Arity::Exactly(3),
    handler: rpoplpush,
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    ..MOVES
};

pub(super) static BLMOVE: Command = Command {
    name: "blmove",
    syntax: "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
    summary: "Moves an element from an end of a list to an end of another, or waits for one.",
    since: "6.2.0",
    arity: Arity::Exactly(6),
    flags: WAITS,
    handler: blmove,
    ..MOVES
};

pub(super) static BRPOPLPUSH: Command = Command {
    name: "brpoplpush",
    syntax: "source destination timeout",
    summary: "Moves the last element of a list to the head of another, or waits for one.",
    since: "2.2.0",
    arity: Arity::Exactly(4),
    flags: WAITS,
    handler: brpoplpush,
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    ..MOVES
};

/// Where an element goes from, and where to.
struct Way<'a> {
    source: Key<'a>,
    destination: Key<'a>,
    from: End,
    to: End,
}

impl<'a> Way<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Way<'a>, Error> {
        Ok(Way {
            source: args.key()?,
            destination: args.key()?,
            from: end(args)?,
            to: end(args)?,
        })
    }

    fn from_tail_to_head(args: &mut Args<'a>) -> Result<Way<'a>, Error> {
        Ok(Way {
            source: args.key()?,
            destination: args.key()?,
            from: End::Tail,
            to: End::Head,
        })
    }
}

fn lmove(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let way = Way::parse(args)?;
    Ok(transfer(cx, &way)?.unwrap_or_else(|| cx.reply.null()))
}

fn rpoplpush(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let way = Way::from_tail_to_head(args)?;
    Ok(transfer(cx, &way)?.unwrap_or_else(|| cx.reply.null()))
}

fn blmove(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let way = Way::parse(args)?;
    let deadline = args.deadline(cx.now)?;
    match transfer(cx, &way)? {
        Some(done) => {
            log_move(cx, &way, args.words()[3], args.words()[4]);
            Ok(done)
        }
        None => Ok(wait(cx, args, &way, deadline, |cx, args, _| {
            let way = Way::parse(args)?;
            let done = transfer(cx, &way)?;
            log_move(cx, &way, name_of(way.from), name_of(way.to));
            Ok(done.unwrap_or_else(|| cx.reply.null_array()))
        })),
    }
}

fn brpoplpush(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let way = Way::from_tail_to_head(args)?;
    let deadline = args.deadline(cx.now)?;
    match transfer(cx, &way)? {
        Some(done) => {
            log_pop_and_push(cx, &way);
            Ok(done)
        }
        None => Ok(wait(cx, args, &way, deadline, |cx, args, _| {
            let way = Way::from_tail_to_head(args)?;
            let done = transfer(cx, &way)?;
            log_pop_and_push(cx, &way);
            Ok(done.unwrap_or_else(|| cx.reply.null_array()))
        })),
    }
}

/// Waits for an element at the source. In vain, it gets the array's nil though the reply is none;
/// within another command, the string's.
fn wait(
    cx: &mut Context<'_>,
    args: &Args<'_>,
    way: &Way<'_>,
    deadline: Option<UnixMillis>,
    serve: Serve,
) -> Done {
    if cx.nested {
        return cx.reply.null();
    }
    let wait = Wait {
        keys: &[way.source],
        kind: Kind::List,
        deadline,
        nil: Nil::Array,
        serve,
    };
    cx.wait(args, &wait)
}

fn log_move(cx: &mut Context<'_>, way: &Way<'_>, from: &[u8], to: &[u8]) {
    let (source, destination) = (way.source.bytes, way.destination.bytes);
    cx.effect(&[b"LMOVE", source, destination, from, to]);
}

fn log_pop_and_push(cx: &mut Context<'_>, way: &Way<'_>) {
    cx.effect(&[b"RPOPLPUSH", way.source.bytes, way.destination.bytes]);
}

fn name_of(end: End) -> &'static [u8] {
    match end {
        End::Head => b"left",
        End::Tail => b"right",
    }
}

/// Moves an element, if the source holds any, and replies with it. Whoever listens hears of the
/// push first.
fn transfer(cx: &mut Context<'_>, way: &Way<'_>) -> Result<Option<Done>, Error> {
    let (source, destination) = (&way.source, &way.destination);
    let peeked = cx.db.view(source, |list: &List| {
        let at = match way.from {
            End::Head => 0,
            End::Tail => list.len() - 1,
        };
        list.get(at).expect("a key's list has elements").to_vec()
    })?;
    let Some(element) = peeked else {
        return Ok(None);
    };
    let limits = limits(cx);
    if source.bytes == destination.bytes {
        cx.edit(source, pushed(way.to), |list: &mut List, _| {
            list.pop(way.from, |_| ());
            list.push(way.to, Text::Bytes(&element), &limits);
            Ok((1, ()))
        })?;
        cx.signal(source, popped(way.from));
        return Ok(Some(cx.reply.bulk(&element)));
    }
    cx.edit_or_create(
        destination,
        pushed(way.to),
        List::new,
        |list: &mut List, _| {
            list.push(way.to, Text::Bytes(&element), &limits);
            Ok((1, ()))
        },
    )?;
    let pop = |list: &mut List| list.pop(way.from, |_| ());
    let edited = cx.db.edit(source, pop)?;
    cx.signal(source, popped(way.from));
    if let Some((_, true)) = edited {
        cx.db.remove(source);
        cx.signal(source, Event::DEL);
    }
    Ok(Some(cx.reply.bulk(&element)))
}
