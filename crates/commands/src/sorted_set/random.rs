//! Members by chance.

use std::collections::BTreeSet;

use datatypes::{Collection, SortedSet, Text};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::prng::Prng;

use super::reply_members;
use crate::chance::{self, Wanted};

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
    let mut random = chance::prng(cx);
    if args.is_empty() {
        let found = cx.view(&key, |set: &SortedSet, reply| {
            let rank = random.below(set.len() as u64) as usize;
            let (member, _) = member_at(set, rank);
            member.with_bytes(|member| reply.bulk(member))
        })?;
        return Ok(found.unwrap_or_else(|| cx.reply.null()));
    }
    let wanted = Wanted::parse(args)?;
    let with_scores = args.accept(b"WITHSCORES");
    args.end()?;
    // Twice as many elements have to be counted.
    if with_scores && wanted.count() > i64::MAX as u64 / 2 {
        return Err(Error::text("ERR value is out of range"));
    }
    let found = cx.view(&key, |set: &SortedSet, reply| match wanted {
        Wanted::Repeated(count) => {
            let members = (0..count as usize).map(|_| {
                let rank = random.below(set.len() as u64);
                member_at(set, rank as usize)
            });
            reply_members(reply, members, with_scores)
        }
        Wanted::Different(count) => {
            let ranks = different_ranks(count, set.len(), &mut random);
            let members = ranks.into_iter().map(|rank| member_at(set, rank));
            reply_members(reply, members, with_scores)
        }
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.array(0).done()))
}

fn member_at(set: &SortedSet, rank: usize) -> (Text<'_>, f64) {
    let mut found = set.iter(rank..rank + 1);
    found.next().expect("it has this rank")
}

/// So many ranks below `len`, or all.
fn different_ranks(wanted: usize, len: usize, random: &mut Prng) -> Vec<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..10_000 {
            let chosen = different_ranks(2, 5, &mut Prng::new(seed));
            *counts.entry(chosen).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 10, "two of five");
        assert!(
            counts.values().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
    }
}
