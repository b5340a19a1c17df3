//! Unions, intersections and differences of sorted sets, and of sets, whose members have the
//! score 1.

use std::collections::HashMap;

use datatypes::{Collection, Set, SortedSet, Text};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use foldhash::quality::FixedState;
use keyspace::{Entry, Key, Kind};
use stdx::{float, number};

use super::{limits, reply_members};
use crate::event;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

impl Operation {
    /// How many members it goes through.
    fn size(self, inputs: &[Input<'_>]) -> usize {
        let mut lens = inputs.iter().map(|input| input.len);
        match self {
            Operation::Union => lens.sum(),
            Operation::Intersection => lens.min().unwrap_or(0),
            Operation::Difference => lens.next().unwrap_or(0),
        }
    }
}

/// What becomes of several scores of one member.
#[derive(Clone, Copy, Default)]
enum Aggregate {
    #[default]
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            // Opposite infinities cancel each other out.
            Aggregate::Sum => number_or_zero(a + b),
            // Of two zeros the first stays, whatever their signs.
            Aggregate::Min if b < a => b,
            Aggregate::Max if b > a => b,
            Aggregate::Min | Aggregate::Max => a,
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What the commands are that reply what they find.
const RETURNS: Command = Command {
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::counted(1, Access::RO.and(Access::ACCESS))],
    ..Command::BLANK
};

/// What the commands are that store what they find.
const STORES: Command = Command {
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::MOVABLE_KEYS),
    acl: Acl::SORTEDSET,
    keys: &[
        KeySpec::at(1, Access::OW.and(Access::UPDATE)),
        KeySpec::counted(2, Access::RO.and(Access::ACCESS)),
    ],
    ..Command::BLANK
};

const UNION_COMPLEXITY: &str = "O(N)+O(M*log(M)) where N is the number of all members and M how \
                                many are in the result";
const INTERSECTION_COMPLEXITY: &str = "O(N*K)+O(M*log(M)) where N is the number of members of the \
                                       smallest input, K that of inputs and M how many members \
                                       are in the result";
const DIFFERENCE_COMPLEXITY: &str = "O(N*K)+O(M*log(M)) where N is the number of members of the \
                                     first input, K that of inputs and M how many members are in \
                                     the result";

pub(super) static ZUNION: Command = Command {
    name: "zunion",
    syntax: "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] \
             [WITHSCORES]",
    summary: "Returns the members of several sorted sets together.",
    complexity: UNION_COMPLEXITY,
    handler: |cx, args| combine(cx, args, Operation::Union),
    ..RETURNS
};

pub(super) static ZINTER: Command = Command {
    name: "zinter",
    syntax: "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] \
             [WITHSCORES]",
    summary: "Returns the members that several sorted sets have in common.",
    complexity: INTERSECTION_COMPLEXITY,
    handler: |cx, args| combine(cx, args, Operation::Intersection),
    ..RETURNS
};

pub(super) static ZDIFF: Command = Command {
    name: "zdiff",
    syntax: "numkeys key [key ...] [WITHSCORES]",
    summary: "Returns the members of a sorted set that are in none of several others.",
    complexity: DIFFERENCE_COMPLEXITY,
    handler: |cx, args| combine(cx, args, Operation::Difference),
    ..RETURNS
};

fn combine(cx: &mut Context<'_>, args: &mut Args<'_>, operation: Operation) -> CommandResult {
    let mut inputs = inputs(cx, args)?;
    let options = Options::parse(args, operation, Form::Reply, &mut inputs)?;
    let (engine, size) = (cx.engine, operation.size(&inputs));
    Ok(engine.run_sized(size, || {
        let members = combined(cx, operation, options.aggregate, inputs);
        let members = members
            .iter()
            .map(|(member, score)| (Text::Bytes(member), *score));
        reply_members(&mut cx.reply, members, options.with_scores)
    }))
}

pub(super) static ZINTERCARD: Command = Command {
    name: "zintercard",
    syntax: "numkeys key [key ...] [LIMIT limit]",
    summary: "Counts the members that several sorted sets have in common.",
    since: "7.0.0",
    complexity: "O(N*K) where N is the number of members of the smallest input and K that of \
                 inputs",
    handler: zintercard,
    ..RETURNS
};

fn zintercard(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut inputs = inputs(cx, args)?;
    let options = Options::parse(args, Operation::Intersection, Form::Count, &mut inputs)?;
    let (engine, size) = (cx.engine, Operation::Intersection.size(&inputs));
    let count = engine.run_sized(size, || {
        combined(cx, Operation::Intersection, Aggregate::Sum, inputs).len()
    });
    Ok(cx.reply.count(match options.limit {
        0 => count,
        limit => count.min(limit),
    }))
}

pub(super) static ZUNIONSTORE: Command = Command {
    name: "zunionstore",
    syntax: "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] \
             [AGGREGATE <SUM | MIN | MAX>]",
    summary: "Stores the members of several sorted sets together under a key.",
    since: "2.0.0",
    complexity: UNION_COMPLEXITY,
    handler: |cx, args| combine_and_store(cx, args, Operation::Union, event::ZUNIONSTORE),
    ..STORES
};

pub(super) static ZINTERSTORE: Command = Command {
    name: "zinterstore",
    syntax: "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] \
             [AGGREGATE <SUM | MIN | MAX>]",
    summary: "Stores the members that several sorted sets have in common under a key.",
    since: "2.0.0",
    complexity: INTERSECTION_COMPLEXITY,
    handler: |cx, args| combine_and_store(cx, args, Operation::Intersection, event::ZINTERSTORE),
    ..STORES
};

pub(super) static ZDIFFSTORE: Command = Command {
    name: "zdiffstore",
    syntax: "destination numkeys key [key ...]",
    summary: "Stores the members of a sorted set that are in none of several others under a key.",
    since: "6.2.0",
    complexity: DIFFERENCE_COMPLEXITY,
    handler: |cx, args| combine_and_store(cx, args, Operation::Difference, event::ZDIFFSTORE),
    ..STORES
};

fn combine_and_store(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    operation: Operation,
    event: Event,
) -> CommandResult {
    count_of_inputs(cx, &args.rest()[1..])?;
    let target = args.key()?;
    let mut inputs = inputs(cx, args)?;
    let options = Options::parse(args, operation, Form::Store, &mut inputs)?;
    let (engine, size) = (cx.engine, operation.size(&inputs));
    let set = engine.run_sized(size, || {
        let members = combined(cx, operation, options.aggregate, inputs);
        SortedSet::of(&members, &limits(cx))
    });
    let len = set.len();
    cx.store(&target, event, set);
    Ok(cx.reply.count(len))
}

/// A key whose members are combined, and what their scores are multiplied by.
struct Input<'a> {
    key: Key<'a>,
    len: usize,
    weight: f64,
}

/// How many keys there are, if as many words follow. Without that no word is known to be a key.
fn count_of_inputs(cx: &Context<'_>, words: &[&[u8]]) -> Result<usize, Error> {
    let (first, keys) = words.split_first().ok_or(Error::Arity)?;
    let count = number::parse_i64(first).ok_or(Error::NotInteger)?;
    if count < 1 {
        let name = &cx.command.full_name;
        let message = format!("ERR at least 1 input key is needed for '{name}' command");
        return Err(Error::text(message));
    }
    if count as usize > keys.len() {
        return Err(Error::Syntax);
    }
    Ok(count as usize)
}

/// Reads how many keys there are, and the keys.
fn inputs<'a>(cx: &mut Context<'_>, args: &mut Args<'a>) -> Result<Vec<Input<'a>>, Error> {
    let count = count_of_inputs(cx, args.rest())?;
    args.skip(1);
    let inputs = (0..count).map(|_| {
        let key = args.key()?;
        let len = match cx.read(&key) {
            None => 0,
            Some(entry) => match source(&entry)? {
                Source::Sorted(set) => set.len(),
                Source::Plain(set) => set.len(),
            },
        };
        Ok(Input {
            key,
            len,
            weight: 1.0,
        })
    });
    inputs.collect()
}

/// What members may come from.
enum Source<'e> {
    Sorted(datatypes::Borrowed<'e, SortedSet>),
    Plain(datatypes::Borrowed<'e, Set>),
}

fn source(entry: &Entry) -> Result<Source<'_>, Error> {
    let source = match entry.kind() {
        Kind::SortedSet => entry.value().map(Source::Sorted),
        Kind::Set => entry.value().map(Source::Plain),
        _ => None,
    };
    source.ok_or(Error::WrongKind)
}

impl Source<'_> {
    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Sorted(set) => set.score(member),
            Source::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    fn for_each(&self, mut visit: impl FnMut(Text<'_>, f64)) {
        match self {
            Source::Sorted(set) => {
                let members = set.iter(0..set.len());
                members.for_each(|(member, score)| visit(member, score));
            }
            Source::Plain(set) => set.iter().for_each(|member| visit(member, 1.0)),
        }
    }
}

impl Input<'_> {
    fn weighted(&self, score: f64) -> f64 {
        number_or_zero(score * self.weight)
    }

    /// Gives `visit` what the key holds, if it holds anything.
    fn with_source<R>(
        &self,
        cx: &mut Context<'_>,
        visit: impl FnOnce(&Source<'_>) -> R,
    ) -> Option<R> {
        let entry = cx.db.peek(&self.key)?;
        let source = source(&entry).expect("its kind was looked at before");
        Some(visit(&source))
    }

    fn members(&self, cx: &mut Context<'_>) -> Vec<(Vec<u8>, f64)> {
        let mut members = Vec::with_capacity(self.len);
        self.with_source(cx, |source| {
            source.for_each(|member, score| members.push((member.to_vec(), self.weighted(score))));
        });
        members
    }
}

/// What a command does with the result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Reply,
    Store,
    Count,
}

#[derive(Default)]
struct Options {
    aggregate: Aggregate,
    with_scores: bool,
    /// 0 is none.
    limit: usize,
}

impl Options {
    fn parse(
        args: &mut Args<'_>,
        operation: Operation,
        form: Form,
        inputs: &mut [Input<'_>],
    ) -> Result<Options, Error> {
        let weighs = operation != Operation::Difference && form != Form::Count;
        let mut options = Options::default();
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"WEIGHTS" if weighs && args.len() >= inputs.len() => {
                    for input in &mut *inputs {
                        let invalid = Error::text("ERR weight value is not a float");
                        input.weight = float::parse(args.bytes()?).ok_or(invalid)?;
                    }
                }
                b"AGGREGATE" if weighs && !args.is_empty() => {
                    options.aggregate = match args.keyword().as_ref().map(|word| word.as_bytes()) {
                        Some(b"SUM") => Aggregate::Sum,
                        Some(b"MIN") => Aggregate::Min,
                        Some(b"MAX") => Aggregate::Max,
                        _ => return Err(Error::Syntax),
                    };
                }
                b"WITHSCORES" if form == Form::Reply => options.with_scores = true,
                b"LIMIT" if form == Form::Count && !args.is_empty() => {
                    let limit = number::parse_i64(args.bytes()?);
                    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
                    options.limit = limit.ok_or(Error::text("ERR LIMIT can't be negative"))?;
                }
                _ => return Err(Error::Syntax),
            }
        }
        Ok(options)
    }
}

/// The members of the result, in order.
fn combined(
    cx: &mut Context<'_>,
    operation: Operation,
    aggregate: Aggregate,
    mut inputs: Vec<Input<'_>>,
) -> Vec<(Vec<u8>, f64)> {
    if operation != Operation::Difference {
        // Scores are added in this order, of which the last digit of a sum may depend.
        inputs.sort_by_key(|input| input.len);
    }
    let mut members = match operation {
        Operation::Union => union(cx, aggregate, &inputs),
        Operation::Intersection | Operation::Difference => {
            let mut members = inputs[0].members(cx);
            for input in &inputs[1..] {
                let wanted = operation == Operation::Intersection;
                match wanted {
                    true => keep_common(cx, aggregate, input, &mut members),
                    false => drop_common(cx, input, &mut members),
                }
            }
            members
        }
    };
    members.sort_unstable_by(|(a, a_score), (b, b_score)| {
        let order = a_score.partial_cmp(b_score).expect("a score is a number");
        order.then_with(|| a.cmp(b))
    });
    members
}

fn union(cx: &mut Context<'_>, aggregate: Aggregate, inputs: &[Input<'_>]) -> Vec<(Vec<u8>, f64)> {
    let hasher = FixedState::with_seed(cx.engine.hash_seed.0);
    let mut members: HashMap<Vec<u8>, f64, FixedState> = HashMap::with_hasher(hasher);
    for input in inputs {
        input.with_source(cx, |source| {
            source.for_each(|member, score| {
                let score = input.weighted(score);
                member.with_bytes(|member| match members.get_mut(member) {
                    Some(known) => *known = aggregate.of(*known, score),
                    None => drop(members.insert(member.to_vec(), score)),
                });
            });
        });
    }
    members.into_iter().collect()
}

fn keep_common(
    cx: &mut Context<'_>,
    aggregate: Aggregate,
    input: &Input<'_>,
    members: &mut Vec<(Vec<u8>, f64)>,
) {
    let found = input.with_source(cx, |source| {
        members.retain_mut(|(member, known)| match source.score(member) {
            Some(score) => {
                // What is no number is made one when it is aggregated, and not before.
                *known = aggregate.of(*known, score * input.weight);
                true
            }
            None => false,
        });
    });
    if found.is_none() {
        members.clear();
    }
}

fn drop_common(cx: &mut Context<'_>, input: &Input<'_>, members: &mut Vec<(Vec<u8>, f64)>) {
    input.with_source(cx, |source| {
        members.retain(|(member, _)| source.score(member).is_none());
    });
}
