//! Giving members scores.

use datatypes::SortedSet;
use datatypes::sorted_set::Put;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};

use super::{event, limits, score, score_or_null};

pub(super) static ZADD: Command = Command {
    name: "zadd",
    syntax: "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
    summary: "Adds members to a sorted set, or gives those that are there another score.",
    since: "1.2.0",
    complexity: "O(log(N)) for each member, where N is the number of members of the sorted set",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
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
    let options = Options::parse(args)?;
    let members = members(args)?;
    let limits = limits(cx);
    let mut counts = Counts::default();
    let mut put_all = |set: &mut SortedSet| -> Result<(u64, Option<f64>), Error> {
        let mut last = None;
        for (score, member) in &members {
            last = options.apply(set, *score, member, &mut counts, |set, score| {
                set.put(member, score, &limits)
            })?;
        }
        Ok((counts.changes(), last))
    };
    let event = event(if options.increment { "zincr" } else { "zadd" });
    let last = if options.only_present {
        cx.edit(&key, event, |set, _| put_all(set))?.flatten()
    } else {
        cx.edit_or_create(&key, event, SortedSet::default, |set, _| put_all(set))?
    };
    Ok(match (options.increment, options.count_changed) {
        (true, _) => score_or_null(&mut cx.reply, last),
        (false, true) => cx.reply.count(counts.added + counts.moved),
        (false, false) => cx.reply.count(counts.added),
    })
}

/// Scores and members in turn, to the end.
fn members<'a>(args: &mut Args<'a>) -> Result<Vec<(f64, &'a [u8])>, Error> {
    let pairs = args.len() / 2;
    (0..pairs)
        .map(|_| Ok((score(args)?, args.bytes()?)))
        .collect()
}

#[derive(Default)]
struct Options {
    only_absent: bool,
    only_present: bool,
    only_greater: bool,
    only_less: bool,
    count_changed: bool,
    increment: bool,
}

impl Options {
    fn parse(args: &mut Args<'_>) -> Result<Options, Error> {
        let mut options = Options::default();
        while let Some(word) = args.peek_keyword() {
            let option = match word.as_bytes() {
                b"NX" => &mut options.only_absent,
                b"XX" => &mut options.only_present,
                b"GT" => &mut options.only_greater,
                b"LT" => &mut options.only_less,
                b"CH" => &mut options.count_changed,
                b"INCR" => &mut options.increment,
                _ => break,
            };
            *option = true;
            args.skip(1);
        }
        options.check(args.len())?;
        Ok(options)
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

    fn has_conditions(&self) -> bool {
        self.only_absent || self.only_present || self.only_greater || self.only_less
    }

    /// Gives one member a score by `put`, if the options allow it. Returns the score it has then;
    /// `None` if they do not.
    fn apply(
        &self,
        set: &mut SortedSet,
        score: f64,
        member: &[u8],
        counts: &mut Counts,
        put: impl FnOnce(&mut SortedSet, f64) -> Put,
    ) -> Result<Option<f64>, Error> {
        let mut score = score;
        if self.increment || self.has_conditions() {
            let old = set.score(member);
            if old.is_some() && self.only_absent {
                return Ok(None);
            }
            score = match old {
                Some(old) if self.increment => sum(old, score)?,
                _ => score,
            };
            let allowed = match old {
                None => !self.only_present,
                Some(old) => {
                    (!self.only_greater || score > old) && (!self.only_less || score < old)
                }
            };
            if !allowed {
                return Ok(None);
            }
        }
        match put(set, score) {
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
    fn changes(&self) -> u64 {
        (self.added + self.moved) as u64
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
    let (key, increment, member) = (args.key()?, score(args)?, args.bytes()?);
    let limits = limits(cx);
    let add = |set: &mut SortedSet| -> Result<(u64, f64), Error> {
        let score = match set.score(member) {
            Some(old) => sum(old, increment)?,
            None => increment,
        };
        let put = set.put(member, score, &limits);
        Ok((u64::from(put != Put::Kept), score))
    };
    let event = event("zincr");
    let score = cx.edit_or_create(&key, event, SortedSet::default, |set, _| add(set))?;
    Ok(cx.reply.double(score))
}
