//! Members by chance.

use std::collections::BTreeSet;

use datatypes::{Collection, SortedSet};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::prng::Prng;

use super::reply_members;

pub(super) static ZRANDMEMBER: Command = Command {
    name: "zrandmember",
    syntax: "key [count [WITHSCORES]]",
    summary: "Returns members of a sorted set, chosen by chance.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of members returned",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: zrandmember,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn zrandmember(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let mut random = cx.worker.prng.clone();
    cx.worker.prng.next_u64();
    if args.is_empty() {
        let found = cx.view(&key, |set: &SortedSet, reply| {
            let rank = random.below(set.len() as u64) as usize;
            let (member, _) = set.iter(rank..rank + 1).next().expect("it has this rank");
            member.with_bytes(|member| reply.bulk(member))
        })?;
        return Ok(found.unwrap_or_else(|| cx.reply.null()));
    }
    let (count, with_scores) = options(args)?;
    let found = cx.view(&key, |set: &SortedSet, reply| {
        let ranks = ranks(count, set.len(), &mut random);
        let members = ranks.iter().map(|&rank| {
            let mut found = set.iter(rank..rank + 1);
            found.next().expect("it has this rank")
        });
        reply_members(reply, members, with_scores)
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.array(0).done()))
}

fn options(args: &mut Args<'_>) -> Result<(i64, bool), Error> {
    let range = "ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807";
    let count = args.integer_within(-i64::MAX, i64::MAX, Error::text(range))?;
    let with_scores = args.accept(b"WITHSCORES");
    args.end()?;
    // Twice as many elements have to be counted.
    if with_scores && !(-i64::MAX / 2..=i64::MAX / 2).contains(&count) {
        return Err(Error::text("ERR value is out of range"));
    }
    Ok((count, with_scores))
}

/// So many different ranks below `len`, or if `count` is negative, as many that may be the same.
fn ranks(count: i64, len: usize, random: &mut Prng) -> Vec<usize> {
    let Ok(wanted) = usize::try_from(count) else {
        let repeated = 0..count.unsigned_abs();
        return repeated
            .map(|_| random.below(len as u64) as usize)
            .collect();
    };
    if wanted >= len {
        return (0..len).collect();
    }
    // Floyd's way to a fair choice: each step adds one of one more rank, or that one itself.
    let mut chosen = BTreeSet::new();
    for last in len - wanted..len {
        let rank = random.below(last as u64 + 1) as usize;
        if !chosen.insert(rank) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}
