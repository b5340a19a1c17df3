//! Taking members out.

use datatypes::SortedSet;
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context};

use super::bounds::{Bounds, Order};
use crate::event;

pub(super) static ZREM: Command = Command {
    name: "zrem",
    syntax: "key member [member ...]",
    summary: "Takes members out of a sorted set, and deletes it if none is left.",
    since: "1.2.0",
    complexity: "O(M*log(N)) where N is the number of members and M how many are taken out",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RW.and(Access::DELETE))],
    handler: zrem,
    history: &[("2.4.0", "Accepts multiple elements.")],
    ..Command::BLANK
};

fn zrem(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let members = args.rest();
    let removed = cx.edit(&key, event::ZREM, |set: &mut SortedSet, _| {
        let removed = members.iter().filter_map(|member| set.remove(member));
        let removed = removed.count();
        Ok((removed as u64, removed))
    })?;
    Ok(cx.reply.count(removed.unwrap_or(0)))
}

/// What the commands are that take a range out.
const REMOVES_RANGE: Command = Command {
    complexity: "O(log(N)+M) where N is the number of members and M how many are taken out",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RW.and(Access::DELETE))],
    ..Command::BLANK
};

pub(super) static ZREMRANGEBYRANK: Command = Command {
    name: "zremrangebyrank",
    syntax: "key start stop",
    summary: "Takes a range of members out of a sorted set, by how many are before them.",
    since: "2.0.0",
    handler: |cx, args| remove_range(cx, args, Order::Rank, event::ZREMRANGEBYRANK),
    ..REMOVES_RANGE
};

pub(super) static ZREMRANGEBYSCORE: Command = Command {
    name: "zremrangebyscore",
    syntax: "key min max",
    summary: "Takes a range of members out of a sorted set, by their scores.",
    since: "1.2.0",
    handler: |cx, args| remove_range(cx, args, Order::Score, event::ZREMRANGEBYSCORE),
    ..REMOVES_RANGE
};

pub(super) static ZREMRANGEBYLEX: Command = Command {
    name: "zremrangebylex",
    syntax: "key min max",
    summary: "Takes a range of members of one score out of a sorted set, by their bytes.",
    since: "2.8.9",
    handler: |cx, args| remove_range(cx, args, Order::Lex, event::ZREMRANGEBYLEX),
    ..REMOVES_RANGE
};

fn remove_range(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    order: Order,
    event: Event,
) -> CommandResult {
    let (key, min, max) = (args.key()?, args.bytes()?, args.bytes()?);
    let bounds = Bounds::parse(order, min, max)?;
    let removed = cx.edit(&key, event, |set: &mut SortedSet, _| {
        let ranks = bounds.ranks(set, false);
        let removed = ranks.len();
        set.remove_ranks(ranks);
        Ok((removed as u64, removed))
    })?;
    Ok(cx.reply.count(removed.unwrap_or(0)))
}
