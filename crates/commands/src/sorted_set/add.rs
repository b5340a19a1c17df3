//! Giving members scores.

use datatypes::sorted_set::Put;
use datatypes::{SortedSet, SortedSetLimits};
use engine::command::{Flags, KeySpec};
use engine::context::Edit;
use engine::reply::Done;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;

use super::{limits, score, score_or_null};
use crate::event;

pub(super) static ZADD: Command = Command {
    name: "zadd",
    syntax: "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    summary: "Adds members to a sorted set, or gives those that are there another score.",
    since: "1.2.0",
    complexity: "O(log(N)) for each member, where N is the number of members of the sorted set",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE
        .and(Flags::DENY_OOM)
        .and(Flags::FAST)
        .and(Flags::BRIEF),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    handler: zadd,
    history: &[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
    ..Command::BLANK
};

fn zadd(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let conditions = Conditions::parse(args)?;
    let members = members(args)?;
    let (_, done) = put_all(cx, &key, &conditions, &members)?;
    Ok(done)
}

/// Gives members scores, as far as the conditions allow it, and replies as ZADD does. Returns how
/// many changed, too.
pub(crate) fn put_all(
    cx: &mut Context<'_>,
    key: &Key<'_>,
    conditions: &Conditions,
    members: &[(f64, &[u8])],
) -> Result<(usize, Done), Error> {
    let limits = limits(cx);
    let put_all = |set: &mut SortedSet| -> Edit<(Counts, Option<f64>)> {
        let (mut counts, mut last) = (Counts::default(), None);
        for (score, member) in members {
            last = conditions.put(set, *score, member, &limits, &mut counts)?;
        }
        Ok((counts.changed() as u64, (counts, last)))
    };
    let event = match conditions.increment {
        true => event::ZINCR,
        false => event::ZADD,
    };
    let (counts, last) = if conditions.only_present {
        let edited = cx.edit(key, event, |set, _| put_all(set))?;
        edited.unwrap_or_default()
    } else {
        cx.edit_or_create(key, event, SortedSet::default, |set, _| put_all(set))?
    };
    let done = match (conditions.increment, conditions.count_changed) {
        (true, _) => score_or_null(&mut cx.reply, last),
        (false, true) => cx.reply.count(counts.changed()),
        (false, false) => cx.reply.count(counts.added),
    };
    Ok((counts.changed(), done))
}

/// Scores and members in turn, to the end.
fn members<'a>(args: &mut Args<'a>) -> Result<Vec<(f64, &'a [u8])>, Error> {
    let pairs = args.len() / 2;
    (0..pairs)
        .map(|_| Ok((score(args)?, args.bytes()?)))
        .collect()
}

/// What must hold for a member to be given a score, and what is done then.
#[derive(Default)]
pub(crate) struct Conditions {
    pub only_absent: bool,
    pub only_present: bool,
    only_greater: bool,
    only_less: bool,
    pub count_changed: bool,
    increment: bool,
}

impl Conditions {
    fn parse(args: &mut Args<'_>) -> Result<Conditions, Error> {
        let mut conditions = Conditions::default();
        while let Some(word) = args.peek_keyword() {
            let option = match word.as_bytes() {
                b"NX" => &mut conditions.only_absent,
                b"XX" => &mut conditions.only_present,
                b"GT" => &mut conditions.only_greater,
                b"LT" => &mut conditions.only_less,
                b"CH" => &mut conditions.count_changed,
                b"INCR" => &mut conditions.increment,
                _ => break,
            };
            *option = true;
            args.skip(1);
        }
        conditions.check(args.len())?;
        Ok(conditions)
    }

    fn check(&self, words_left: usize) -> Result<(), Error> {
        if words_left == 0 || !words_left.is_multiple_of(2) {
            return Err(Error::Syntax);
        }
        if self.only_absent && self.only_present {
            return Err(Error::text(
                "ERR XX and NX options at the same time are not compatible",
            ));
        }
        let exclusive = [self.only_greater, self.only_less, self.only_absent];
        if exclusive.iter().filter(|option| **option).count() > 1 {
            return Err(Error::text(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if self.increment && words_left > 2 {
            return Err(Error::text(
                "ERR INCR option supports a single increment-element pair",
            ));
        }
        Ok(())
    }

    fn are_any(&self) -> bool {
        self.only_absent || self.only_present || self.only_greater || self.only_less
    }

    /// Gives one member a score, if that is allowed. Returns the score it has then; `None` if not.
    fn put(
        &self,
        set: &mut SortedSet,
        mut score: f64,
        member: &[u8],
        limits: &SortedSetLimits,
        counts: &mut Counts,
    ) -> Result<Option<f64>, Error> {
        if self.increment || self.are_any() {
            let old = set.score(member);
            let refused = match old {
                Some(_) => self.only_absent,
                None => self.only_present,
            };
            if refused {
                return Ok(None);
            }
            if let Some(old) = old {
                score = if self.increment {
                    sum(old, score)?
                } else {
                    score
                };
                if self.only_greater && score <= old || self.only_less && score >= old {
                    return Ok(None);
                }
            }
        }
        match set.put(member, score, limits) {
            Put::Added => counts.added += 1,
            Put::Moved => counts.moved += 1,
            Put::Kept => {}
        }
        Ok(Some(score))
    }
}

fn sum(a: f64, b: f64) -> Result<f64, Error> {
    let sum = a + b;
    if sum.is_nan() {
        return Err(Error::text("ERR resulting score is not a number (NaN)"));
    }
    Ok(sum)
}

#[derive(Default)]
struct Counts {
    added: usize,
    moved: usize,
}

impl Counts {
    fn changed(&self) -> usize {
        self.added + self.moved
    }
}

pub(super) static ZINCRBY: Command = Command {
    name: "zincrby",
    syntax: "key increment member",
    summary: "Adds to the score of a member of a sorted set. One that is not there counts as 0.",
    since: "1.2.0",
    complexity: "O(log(N)) where N is the number of members",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    handler: zincrby,
    ..Command::BLANK
};

fn zincrby(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    // An option of ZADD is one here, too: it leaves a score without a member.
    let _none = Conditions::parse(args)?;
    let (increment, member) = (score(args)?, args.bytes()?);
    let limits = limits(cx);
    let add = |set: &mut SortedSet| -> Result<(u64, f64), Error> {
        let score = match set.score(member) {
            Some(old) => sum(old, increment)?,
            None => increment,
        };
        let put = set.put(member, score, &limits);
        Ok((u64::from(put != Put::Kept), score))
    };
    let score = cx.edit_or_create(&key, event::ZINCR, SortedSet::default, |set, _| add(set))?;
    Ok(cx.reply.double(score))
}
