//! Ranges of members: counted, returned, stored.

use std::ops::Range;

use datatypes::{Collection, SortedSet, Text};
use engine::command::{Flags, KeySpec};
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};

use super::bounds::{Bounds, Order};
use super::{limits, reply_members};
use crate::event;

/// What ZCOUNT and ZLEXCOUNT are.
const COUNTS: Command = Command {
    syntax: "key min max",
    complexity: "O(log(N)) where N is the number of members",
    arity: Arity::Exactly(4),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    ..Command::BLANK
};

pub(super) static ZCOUNT: Command = Command {
    name: "zcount",
    summary: "Counts the members of a sorted set with scores in a range.",
    since: "2.0.0",
    handler: |cx, args| count(cx, args, Order::Score),
    ..COUNTS
};

pub(super) static ZLEXCOUNT: Command = Command {
    name: "zlexcount",
    summary: "Counts the members of a sorted set in a range of bytes, all having one score.",
    since: "2.8.9",
    handler: |cx, args| count(cx, args, Order::Lex),
    ..COUNTS
};

fn count(cx: &mut Context<'_>, args: &mut Args<'_>, order: Order) -> CommandResult {
    let (key, min, max) = (args.key()?, args.bytes()?, args.bytes()?);
    let bounds = Bounds::parse(order, min, max)?;
    let count = cx.view(&key, |set: &SortedSet, _| bounds.ranks(set, false).len())?;
    Ok(cx.reply.count(count.unwrap_or(0)))
}

/// What the commands are that return a range.
const RETURNS: Command = Command {
    complexity: "O(log(N)+M) where N is the number of members and M how many are returned",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    ..Command::BLANK
};

pub(super) static ZRANGE: Command = Command {
    name: "zrange",
    syntax: "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
    summary: "Returns a range of members of a sorted set: by rank, score or bytes.",
    since: "1.2.0",
    handler: |cx, args| range(cx, args, &Form::default()),
    history: &[(
        "6.2.0",
        "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.",
    )],
    ..RETURNS
};

pub(super) static ZREVRANGE: Command = Command {
    name: "zrevrange",
    syntax: "key start stop [WITHSCORES]",
    summary: "Returns a range of members of a sorted set, by rank, the last first.",
    since: "1.2.0",
    handler: |cx, args| range(cx, args, &Form::fixed(Order::Rank, true)),
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` argument")),
    ..RETURNS
};

pub(super) static ZRANGEBYSCORE: Command = Command {
    name: "zrangebyscore",
    syntax: "key min max [WITHSCORES] [LIMIT offset count]",
    summary: "Returns the members of a sorted set with scores in a range.",
    since: "1.0.5",
    handler: |cx, args| range(cx, args, &Form::fixed(Order::Score, false)),
    history: &[("2.0.0", "Added the `WITHSCORES` modifier.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYSCORE` argument")),
    ..RETURNS
};

pub(super) static ZREVRANGEBYSCORE: Command = Command {
    name: "zrevrangebyscore",
    syntax: "key max min [WITHSCORES] [LIMIT offset count]",
    summary: "Returns the members of a sorted set with scores in a range, the last first.",
    since: "2.2.0",
    handler: |cx, args| range(cx, args, &Form::fixed(Order::Score, true)),
    history: &[("2.1.6", "`min` and `max` can be exclusive.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")),
    ..RETURNS
};

pub(super) static ZRANGEBYLEX: Command = Command {
    name: "zrangebylex",
    syntax: "key min max [LIMIT offset count]",
    summary: "Returns the members of a sorted set in a range of bytes, all having one score.",
    since: "2.8.9",
    handler: |cx, args| range(cx, args, &Form::fixed(Order::Lex, false)),
    deprecated: Some(("6.2.0", "`ZRANGE` with the `BYLEX` argument")),
    ..RETURNS
};

pub(super) static ZREVRANGEBYLEX: Command = Command {
    name: "zrevrangebylex",
    syntax: "key max min [LIMIT offset count]",
    summary: "Returns the members of a sorted set in a range of bytes, the last first.",
    since: "2.8.9",
    handler: |cx, args| range(cx, args, &Form::fixed(Order::Lex, true)),
    deprecated: Some(("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")),
    ..RETURNS
};

fn range(cx: &mut Context<'_>, args: &mut Args<'_>, form: &Form) -> CommandResult {
    let key = args.key()?;
    let query = Query::parse(args, form)?;
    let found = cx.view(&key, |set: &SortedSet, reply| query.reply(set, reply))?;
    Ok(found.unwrap_or_else(|| cx.reply.array(0).done()))
}

pub(super) static ZRANGESTORE: Command = Command {
    name: "zrangestore",
    syntax: "dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
    summary: "Stores a range of members of a sorted set under another key.",
    since: "6.2.0",
    complexity: "O(log(N)+M) where N is the number of members and M how many are stored",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    keys: &[
        KeySpec::at(1, Access::OW.and(Access::UPDATE)),
        KeySpec::at(2, Access::RO.and(Access::ACCESS)),
    ],
    handler: zrangestore,
    ..RETURNS
};

fn zrangestore(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (target, source) = (args.key()?, args.key()?);
    let form = Form {
        stores: true,
        ..Form::default()
    };
    let query = Query::parse(args, &form)?;
    let limits = limits(cx);
    let stored = cx.view(&source, |set: &SortedSet, _| {
        let ranks = query.ranks(set);
        // Only of a range by rank is known at the start how many members it has.
        let known = match query.bounds {
            Bounds::Ranks(..) => ranks.len(),
            Bounds::Between(..) => 0,
        };
        let mut part = SortedSet::for_members(known, &limits);
        let add = |(member, score): (Text<'_>, f64)| {
            member.with_bytes(|member| part.put(member, score, &limits));
        };
        // A zero loses its sign unless a longer member comes before it.
        match query.reverse {
            true => set.iter(ranks).rev().for_each(add),
            false => set.iter(ranks).for_each(add),
        }
        part
    })?;
    let stored = stored.unwrap_or_default();
    let len = stored.len();
    cx.store(&target, event::ZRANGESTORE, stored);
    Ok(cx.reply.count(len))
}

/// What a command's name says about its range.
#[derive(Default)]
struct Form {
    /// Nothing if options say it.
    order: Option<Order>,
    reverse: bool,
    stores: bool,
}

impl Form {
    fn fixed(order: Order, reverse: bool) -> Form {
        Form {
            order: Some(order),
            reverse,
            stores: false,
        }
    }
}

/// A range, and what of it is returned how.
struct Query<'a> {
    bounds: Bounds<'a>,
    reverse: bool,
    /// How many members are passed over, and how many returned; all of them if that is negative.
    limit: (i64, i64),
    with_scores: bool,
}

impl<'a> Query<'a> {
    fn parse(args: &mut Args<'a>, form: &Form) -> Result<Query<'a>, Error> {
        let (first, second) = (args.bytes()?, args.bytes()?);
        let (mut order, mut reverse) = (form.order, form.reverse);
        let (mut limit, mut with_scores) = (None, false);
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"WITHSCORES" if !form.stores => with_scores = true,
                b"LIMIT" if args.len() >= 2 => limit = Some((args.integer()?, args.integer()?)),
                b"REV" if form.order.is_none() && !reverse => reverse = true,
                b"BYSCORE" if order.is_none() => order = Some(Order::Score),
                b"BYLEX" if order.is_none() => order = Some(Order::Lex),
                _ => return Err(Error::Syntax),
            }
        }
        let order = order.unwrap_or_default();
        // A limit of -1 is none, whatever is passed over.
        let limit = match order {
            Order::Rank => limit.filter(|(_, count)| *count != -1),
            Order::Score | Order::Lex => limit,
        };
        if limit.is_some() && order == Order::Rank {
            return Err(Error::text(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or \
                 BYLEX",
            ));
        }
        if with_scores && order == Order::Lex {
            return Err(Error::text(
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
            ));
        }
        let (min, max) = match reverse && order != Order::Rank {
            true => (second, first),
            false => (first, second),
        };
        Ok(Query {
            bounds: Bounds::parse(order, min, max)?,
            reverse,
            limit: limit.unwrap_or((0, -1)),
            with_scores,
        })
    }

    fn ranks(&self, set: &SortedSet) -> Range<usize> {
        let Range { start, end } = self.bounds.ranks(set, self.reverse);
        let (offset, count) = self.limit;
        // A negative offset is beyond every end.
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let passed = offset.min(end - start);
        let left = end - start - passed;
        let count = usize::try_from(count).map_or(left, |count| count.min(left));
        match self.reverse {
            true => end - passed - count..end - passed,
            false => start + passed..start + passed + count,
        }
    }

    fn reply(&self, set: &SortedSet, reply: &mut Reply<'_>) -> Done {
        let members = set.iter(self.ranks(set));
        match self.reverse {
            true => reply_members(reply, members.rev(), self.with_scores),
            false => reply_members(reply, members, self.with_scores),
        }
    }
}
