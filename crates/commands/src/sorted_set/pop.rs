//! Taking the first or last members, and waiting until there is one.

use datatypes::{Collection, SortedSet, Text};
use engine::blocking::{Nil, Wait};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Key, Kind};
use stdx::number;

use super::reply_pairs;
use crate::event;

/// The end that members are taken from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

impl End {
    /// The command that takes from this end, as the log has it.
    fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }

    fn event(self) -> Event {
        match self {
            End::Min => event::ZPOPMIN,
            End::Max => event::ZPOPMAX,
        }
    }

    fn parse(args: &mut Args<'_>) -> Result<End, Error> {
        match args.keyword().as_ref().map(|word| word.as_bytes()) {
            Some(b"MIN") => Ok(End::Min),
            Some(b"MAX") => Ok(End::Max),
            _ => Err(Error::Syntax),
        }
    }
}

const POPS: Access = Access::RW.and(Access::ACCESS).and(Access::DELETE);

/// What ZPOPMIN and ZPOPMAX are.
const TAKES: Command = Command {
    syntax: "key [count]",
    since: "5.0.0",
    complexity: "O(log(N)*M) where N is the number of members and M how many are taken",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, POPS)],
    ..Command::BLANK
};

pub(super) static ZPOPMIN: Command = Command {
    name: "zpopmin",
    summary: "Takes the members with the lowest scores out of a sorted set and returns them.",
    handler: |cx, args| zpop(cx, args, End::Min),
    ..TAKES
};

pub(super) static ZPOPMAX: Command = Command {
    name: "zpopmax",
    summary: "Takes the members with the highest scores out of a sorted set and returns them.",
    handler: |cx, args| zpop(cx, args, End::Max),
    ..TAKES
};

fn zpop(cx: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let key = args.key()?;
    let count = match args.len() {
        0 => None,
        1 => Some(positive(args, 0, Error::NotPositive)?),
        _ => return Err(Error::Syntax),
    };
    let taken = take(cx, &key, end, count.unwrap_or(1), |taken, reply| {
        if count.is_some() && reply.protocol() == resp::Protocol::Resp3 {
            return reply_pairs(reply, taken);
        }
        let mut array = reply.array(taken.len() * 2);
        for (member, score) in taken {
            member.with_bytes(|member| array.bulk(member));
            let _score = array.element().double(score);
        }
        array.done()
    })?;
    Ok(match taken {
        Some((_, done)) => done,
        None => cx.reply.array(0).done(),
    })
}

/// A count of at least `least`, in a word of which anything else is refused with `error`.
fn positive(args: &mut Args<'_>, least: i64, error: Error) -> Result<usize, Error> {
    let number = number::parse_i64(args.bytes()?).filter(|number| *number >= least);
    number.map(|number| number as usize).ok_or(error)
}

/// Members on their way out.
type Taken<'t, 's> = &'t mut dyn ExactSizeIterator<Item = (Text<'s>, f64)>;

/// Takes up to `count` members from an end, and gives them to `write`. Returns how many there were;
/// `None` if the key holds nothing.
fn take(
    cx: &mut Context<'_>,
    key: &Key<'_>,
    end: End,
    count: usize,
    write: impl FnOnce(Taken<'_, '_>, &mut Reply<'_>) -> Done,
) -> Result<Option<(usize, Done)>, Error> {
    cx.edit(key, end.event(), |set: &mut SortedSet, reply| {
        let len = set.len();
        let count = count.min(len);
        let ranks = match end {
            End::Min => 0..count,
            End::Max => len - count..len,
        };
        let members = set.iter(ranks.clone());
        let done = match end {
            End::Min => write(&mut { members }, reply),
            End::Max => write(&mut members.rev(), reply),
        };
        set.remove_ranks(ranks);
        Ok((count as u64, (count, done)))
    })
}

pub(super) static ZMPOP: Command = Command {
    name: "zmpop",
    syntax: "numkeys key [key ...] <MIN | MAX> [COUNT count]",
    summary: "Takes members out of the first of several sorted sets that is there.",
    since: "7.0.0",
    complexity: "O(K) + O(M*log(N)) where K is the number of keys, N that of members and M how \
                 many are taken",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::counted(1, POPS)],
    handler: zmpop,
    ..Command::BLANK
};

fn zmpop(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let many = Many::parse(args)?;
    for key in &many.keys {
        if let Some(done) = many.take(cx, key)? {
            return Ok(done);
        }
    }
    Ok(cx.reply.null_array())
}

/// What ZMPOP and BZMPOP are asked for.
struct Many<'a> {
    keys: Vec<Key<'a>>,
    end: End,
    count: usize,
}

impl<'a> Many<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Many<'a>, Error> {
        let none = Error::text("ERR numkeys should be greater than 0");
        let len = positive(args, 1, none)?;
        // An end follows the keys.
        if len >= args.len() {
            return Err(Error::Syntax);
        }
        let keys: Result<Vec<Key<'a>>, Error> = (0..len).map(|_| args.key()).collect();
        let keys = keys?;
        let end = End::parse(args)?;
        let mut count = None;
        while let Some(word) = args.keyword() {
            if word.as_bytes() != b"COUNT" || args.is_empty() || count.is_some() {
                return Err(Error::Syntax);
            }
            let none = Error::text("ERR count should be greater than 0");
            count = Some(positive(args, 1, none)?);
        }
        Ok(Many {
            keys,
            end,
            count: count.unwrap_or(1),
        })
    }

    fn take(&self, cx: &mut Context<'_>, key: &Key<'_>) -> Result<Option<Done>, Error> {
        let taken = take(cx, key, self.end, self.count, |taken, reply| {
            let mut pair = reply.array(2);
            pair.bulk(key.bytes);
            let _members = reply_pairs(pair.element(), taken);
            pair.done()
        })?;
        Ok(taken.map(|(count, done)| {
            let count = number::text(count as i64);
            cx.effect(&[self.end.command(), key.bytes, &count]);
            done
        }))
    }
}

/// What BZPOPMIN and BZPOPMAX are.
const WAITS: Command = Command {
    syntax: "key [key ...] timeout",
    since: "5.0.0",
    complexity: "O(log(N)) where N is the number of members",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE
        .and(Flags::NO_SCRIPT)
        .and(Flags::BLOCKING)
        .and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::range(1, POPS, -2, 1)],
    history: &[(
        "6.0.0",
        "`timeout` is interpreted as a double instead of an integer.",
    )],
    ..Command::BLANK
};

pub(super) static BZPOPMIN: Command = Command {
    name: "bzpopmin",
    summary: "Takes the member with the lowest score out of the first of several sorted sets, and \
              waits until there is one.",
    handler: |cx, args| bzpop(cx, args, End::Min),
    ..WAITS
};

pub(super) static BZPOPMAX: Command = Command {
    name: "bzpopmax",
    summary: "Takes the member with the highest score out of the first of several sorted sets, \
              and waits until there is one.",
    handler: |cx, args| bzpop(cx, args, End::Max),
    ..WAITS
};

fn bzpop(cx: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let keys: Result<Vec<Key<'_>>, Error> = (1..args.len()).map(|_| args.key()).collect();
    let keys = keys?;
    let deadline = args.deadline(cx.now)?;
    for key in &keys {
        if let Some(done) = take_one(cx, key, end)? {
            return Ok(done);
        }
    }
    let wait = Wait {
        keys: &keys,
        kind: Kind::SortedSet,
        deadline,
        nil: Nil::Array,
        serve: match end {
            End::Min => |cx, _, key| served(cx, key, End::Min),
            End::Max => |cx, _, key| served(cx, key, End::Max),
        },
    };
    Ok(cx.wait(args, &wait))
}

fn served(cx: &mut Context<'_>, key: &Key<'_>, end: End) -> CommandResult {
    let taken = take_one(cx, key, end)?;
    Ok(taken.unwrap_or_else(|| cx.reply.null_array()))
}

/// Takes one member and replies it behind its key.
fn take_one(cx: &mut Context<'_>, key: &Key<'_>, end: End) -> Result<Option<Done>, Error> {
    let taken = take(cx, key, end, 1, |taken, reply| {
        let mut array = reply.array(3);
        array.bulk(key.bytes);
        for (member, score) in taken {
            member.with_bytes(|member| array.bulk(member));
            let _score = array.element().double(score);
        }
        array.done()
    })?;
    Ok(taken.map(|(_, done)| {
        cx.effect(&[end.command(), key.bytes]);
        done
    }))
}

pub(super) static BZMPOP: Command = Command {
    name: "bzmpop",
    syntax: "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
    summary: "Takes members out of the first of several sorted sets, and waits until there is one.",
    since: "7.0.0",
    complexity: "O(K) + O(M*log(N)) where K is the number of keys, N that of members and M how \
                 many are taken",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLE_KEYS),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::counted(2, POPS)],
    handler: bzmpop,
    ..Command::BLANK
};

fn bzmpop(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut first = args.clone();
    args.skip(1);
    let many = Many::parse(args)?;
    let deadline = first.deadline(cx.now)?;
    for key in &many.keys {
        if let Some(done) = many.take(cx, key)? {
            return Ok(done);
        }
    }
    let wait = Wait {
        keys: &many.keys,
        kind: Kind::SortedSet,
        deadline,
        nil: Nil::Array,
        serve: |cx, args, key| {
            args.skip(1);
            let taken = Many::parse(args)?.take(cx, key)?;
            Ok(taken.unwrap_or_else(|| cx.reply.null_array()))
        },
    };
    Ok(cx.wait(args, &wait))
}
