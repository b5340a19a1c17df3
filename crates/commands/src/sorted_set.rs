//! Sorted set commands. One `static` per command, its handler right below it.

use datatypes::{Collection, SortedSet, SortedSetLimits, Text};
use engine::command::{Flags, KeySpec};
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use stdx::float;

pub(crate) mod add;
mod bounds;
mod combine;
mod pop;
mod random;
mod range;
mod remove;
mod scan;

pub(crate) static SORTED_SETS: Family = Family {
    name: "sorted-set",
    commands: &[
        &pop::BZMPOP,
        &pop::BZPOPMAX,
        &pop::BZPOPMIN,
        &add::ZADD,
        &ZCARD,
        &range::ZCOUNT,
        &combine::ZDIFF,
        &combine::ZDIFFSTORE,
        &add::ZINCRBY,
        &combine::ZINTER,
        &combine::ZINTERCARD,
        &combine::ZINTERSTORE,
        &range::ZLEXCOUNT,
        &pop::ZMPOP,
        &ZMSCORE,
        &pop::ZPOPMAX,
        &pop::ZPOPMIN,
        &random::ZRANDMEMBER,
        &range::ZRANGE,
        &range::ZRANGEBYLEX,
        &range::ZRANGEBYSCORE,
        &range::ZRANGESTORE,
        &ZRANK,
        &remove::ZREM,
        &remove::ZREMRANGEBYLEX,
        &remove::ZREMRANGEBYRANK,
        &remove::ZREMRANGEBYSCORE,
        &range::ZREVRANGE,
        &range::ZREVRANGEBYLEX,
        &range::ZREVRANGEBYSCORE,
        &ZREVRANK,
        &scan::ZSCAN,
        &ZSCORE,
        &combine::ZUNION,
        &combine::ZUNIONSTORE,
    ],
};

static ZCARD: Command = Command {
    name: "zcard",
    syntax: "key",
    summary: "Returns how many members a sorted set has.",
    since: "1.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO)],
    handler: zcard,
    ..Command::BLANK
};

fn zcard(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let len = cx.view(&key, |set: &SortedSet, _| set.len())?;
    Ok(cx.reply.count(len.unwrap_or(0)))
}

static ZSCORE: Command = Command {
    name: "zscore",
    syntax: "key member",
    summary: "Returns the score of a member of a sorted set.",
    since: "1.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST).and(Flags::BRIEF),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: zscore,
    ..Command::BLANK
};

fn zscore(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, member) = (args.key()?, args.bytes()?);
    let score = cx.view(&key, |set: &SortedSet, _| set.score(member))?;
    Ok(score_or_null(&mut cx.reply, score.flatten()))
}

static ZMSCORE: Command = Command {
    name: "zmscore",
    syntax: "key member [member ...]",
    summary: "Returns the scores of several members of a sorted set.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of members asked for",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: zmscore,
    ..Command::BLANK
};

fn zmscore(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let members = args.rest();
    let scores = |set: Option<&SortedSet>, reply: &mut Reply<'_>| {
        let mut array = reply.array(members.len());
        for member in members {
            let score = set.and_then(|set| set.score(member));
            let _one = score_or_null(array.element(), score);
        }
        array.done()
    };
    let found = cx.view(&key, |set: &SortedSet, reply| scores(Some(set), reply))?;
    Ok(found.unwrap_or_else(|| scores(None, &mut cx.reply)))
}

/// What ZRANK and ZREVRANK are.
const RANKS: Command = Command {
    syntax: "key member",
    since: "2.0.0",
    complexity: "O(log(N)) where N is the number of members",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    ..Command::BLANK
};

static ZRANK: Command = Command {
    name: "zrank",
    summary: "Returns how many members of a sorted set are before one.",
    handler: |cx, args| rank(cx, args, |rank, _| rank),
    ..RANKS
};

static ZREVRANK: Command = Command {
    name: "zrevrank",
    summary: "Returns how many members of a sorted set are behind one.",
    handler: |cx, args| rank(cx, args, |rank, len| len - 1 - rank),
    ..RANKS
};

fn rank(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    counted: fn(usize, usize) -> usize,
) -> CommandResult {
    let (key, member) = (args.key()?, args.bytes()?);
    let found = cx.view(&key, |set: &SortedSet, _| {
        set.rank(member).map(|(rank, _)| counted(rank, set.len()))
    })?;
    Ok(match found.flatten() {
        Some(rank) => cx.reply.count(rank),
        None => cx.reply.null(),
    })
}

/// What a sorted set needs to know when it grows.
pub(crate) fn limits(cx: &Context<'_>) -> SortedSetLimits {
    let encodings = &cx.config.encodings;
    SortedSetLimits {
        entries_max: usize::try_from(encodings.sorted_set_entries_max).unwrap_or(usize::MAX),
        value_bytes_max: usize::try_from(encodings.sorted_set_value_max.0).unwrap_or(usize::MAX),
        seed: cx.engine.hash_seed,
    }
}

/// Replies members, with their scores if asked for: in pairs where the protocol has doubles, for
/// there an element of an array may be one.
pub(crate) fn reply_members<'m>(
    reply: &mut Reply<'_>,
    members: impl ExactSizeIterator<Item = (Text<'m>, f64)>,
    with_scores: bool,
) -> Done {
    if !with_scores {
        let mut array = reply.array(members.len());
        for (member, _) in members {
            member.with_bytes(|member| array.bulk(member));
            if array.is_full() {
                break;
            }
        }
        return array.done();
    }
    if reply.protocol() == resp::Protocol::Resp3 {
        return reply_pairs(reply, members);
    }
    let mut array = reply.array(members.len() * 2);
    for (member, score) in members {
        member.with_bytes(|member| array.bulk(member));
        let _score = array.element().double(score);
        if array.is_full() {
            break;
        }
    }
    array.done()
}

/// Replies members and scores, a pair each.
fn reply_pairs<'m>(
    reply: &mut Reply<'_>,
    members: impl ExactSizeIterator<Item = (Text<'m>, f64)>,
) -> Done {
    let mut array = reply.array(members.len());
    for (member, score) in members {
        let mut pair = array.element().array(2);
        member.with_bytes(|member| pair.bulk(member));
        let _score = pair.element().double(score);
        let _pair = pair.done();
        if array.is_full() {
            break;
        }
    }
    array.done()
}

fn score_or_null(reply: &mut Reply<'_>, score: Option<f64>) -> Done {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// The next word as a number, which `nan` is not.
fn score(args: &mut Args<'_>) -> Result<f64, Error> {
    float::parse(args.bytes()?).ok_or(Error::NotFloat)
}

#[cfg(test)]
mod tests;
