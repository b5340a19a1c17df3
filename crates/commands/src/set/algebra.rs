//! Several sets at one moment: what they have in common, all of it, and the difference.
//!
//! The sets are looked at where they are. Only a union, and what is stored, is put together as a
//! set; the others are lists of members that the sets still own.

use datatypes::{Borrowed, Collection, Set, SetLimits, Text};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;

use super::limits;
use crate::event;

/// The sets that some keys hold; `None` for a key that holds nothing.
type Sets<'a> = [Option<Borrowed<'a, Set>>];

/// What commands have that combine sets and reply with the members.
const READER: Command = Command {
    syntax: "key [key ...]",
    since: "1.0.0",
    complexity: "O(N) where N is the number of members of all sets.",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    acl: Acl::SET,
    keys: &[KeySpec::from(1, Access::RO.and(Access::ACCESS))],
    tips: &["nondeterministic_output_order"],
    ..Command::BLANK
};

/// What commands have that combine sets and store the result.
const STORER: Command = Command {
    syntax: "destination key [key ...]",
    since: "1.0.0",
    complexity: "O(N) where N is the number of members of all sets.",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::SET,
    keys: &[
        KeySpec::at(1, Access::OW.and(Access::UPDATE)),
        KeySpec::from(2, Access::RO.and(Access::ACCESS)),
    ],
    ..Command::BLANK
};

const INTERSECTION_COMPLEXITY: &str = "O(N*M) at worst, where N is the number of members of the \
     smallest set and M the number of sets.";

pub(super) static SINTER: Command = Command {
    name: "sinter",
    summary: "Returns the members that all of the sets have.",
    complexity: INTERSECTION_COMPLEXITY,
    handler: |cx, args| {
        reply_with(cx, args, least, |sets, reply, _| {
            reply_members(reply, common(sets))
        })
    },
    ..READER
};

pub(super) static SUNION: Command = Command {
    name: "sunion",
    summary: "Returns the members that any of the sets has.",
    handler: |cx, args| {
        reply_with(cx, args, total, |sets, reply, limits| {
            let union = union(sets, limits);
            let mut members = reply.set(union.len());
            for member in union.iter() {
                member.with_bytes(|bytes| members.bulk(bytes));
            }
            members.done()
        })
    },
    ..READER
};

pub(super) static SDIFF: Command = Command {
    name: "sdiff",
    summary: "Returns the members that only the first of the sets has.",
    handler: |cx, args| {
        reply_with(cx, args, first, |sets, reply, _| {
            reply_members(reply, only_first(sets))
        })
    },
    ..READER
};

pub(super) static SINTERSTORE: Command = Command {
    name: "sinterstore",
    summary: "Stores the members that all of the sets have.",
    complexity: INTERSECTION_COMPLEXITY,
    keys: &[
        KeySpec::at(1, Access::RW.and(Access::UPDATE)),
        KeySpec::from(2, Access::RO.and(Access::ACCESS)),
    ],
    handler: |cx, args| {
        store_as(cx, args, event::SINTERSTORE, least, |sets, limits| {
            set_of(common(sets), limits)
        })
    },
    ..STORER
};

pub(super) static SUNIONSTORE: Command = Command {
    name: "sunionstore",
    summary: "Stores the members that any of the sets has.",
    handler: |cx, args| store_as(cx, args, event::SUNIONSTORE, total, union),
    ..STORER
};

pub(super) static SDIFFSTORE: Command = Command {
    name: "sdiffstore",
    summary: "Stores the members that only the first of the sets has.",
    handler: |cx, args| {
        store_as(cx, args, event::SDIFFSTORE, first, |sets, limits| {
            set_of(only_first(sets), limits)
        })
    },
    ..STORER
};

fn reply_with(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    size: fn(&Sets<'_>) -> usize,
    combine: impl FnOnce(&Sets<'_>, &mut Reply<'_>, &SetLimits) -> Done,
) -> CommandResult {
    let (engine, keys, limits) = (cx.engine, keys(args, args.len())?, limits(cx));
    cx.view_all(&keys, |sets: &Sets<'_>, reply| {
        engine.run_sized(size(sets), || combine(sets, reply, &limits))
    })
}

fn store_as(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    event: Event,
    size: fn(&Sets<'_>) -> usize,
    combine: impl FnOnce(&Sets<'_>, &SetLimits) -> Set,
) -> CommandResult {
    let target = args.key()?;
    let (engine, keys, limits) = (cx.engine, keys(args, args.len())?, limits(cx));
    let result = cx.view_all(&keys, |sets: &Sets<'_>, _| {
        engine.run_sized(size(sets), || combine(sets, &limits))
    })?;
    let len = result.len();
    cx.store(&target, event, result);
    Ok(cx.reply.count(len))
}

pub(super) static SINTERCARD: Command = Command {
    name: "sintercard",
    syntax: "numkeys key [key ...] [LIMIT limit]",
    summary: "Returns how many members all of the sets have.",
    since: "7.0.0",
    complexity: INTERSECTION_COMPLEXITY,
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::MOVABLE_KEYS),
    keys: &[KeySpec::counted(1, Access::RO.and(Access::ACCESS))],
    handler: sintercard,
    tips: &[],
    ..READER
};

fn sintercard(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let count = args.integer().ok().filter(|&count| count > 0);
    let count = count.ok_or(Error::text("ERR numkeys should be greater than 0"))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > args.len() {
        let text = "ERR Number of keys can't be greater than number of args";
        return Err(Error::text(text));
    }
    let keys = keys(args, count)?;
    let mut limit = 0;
    while let Some(word) = args.keyword() {
        if word.as_bytes() != b"LIMIT" || args.is_empty() {
            return Err(Error::Syntax);
        }
        let stated = args.integer().ok().filter(|&limit| limit >= 0);
        limit = stated.ok_or(Error::text("ERR LIMIT can't be negative"))?;
    }
    let most = match usize::try_from(limit).unwrap_or(usize::MAX) {
        0 => usize::MAX,
        limit => limit,
    };
    let engine = cx.engine;
    cx.view_all(&keys, |sets: &Sets<'_>, reply| {
        let size = least(sets).min(most);
        reply.count(engine.run_sized(size, || common(sets).take(most).count()))
    })
}

fn keys<'a>(args: &mut Args<'a>, count: usize) -> Result<Vec<Key<'a>>, Error> {
    (0..count).map(|_| args.key()).collect()
}

/// How many members an intersection goes through: those of the smallest set.
fn least(sets: &Sets<'_>) -> usize {
    lens(sets).min().unwrap_or(0)
}

/// How many a union goes through.
fn total(sets: &Sets<'_>) -> usize {
    lens(sets).sum()
}

/// How many a difference goes through.
fn first(sets: &Sets<'_>) -> usize {
    lens(sets).next().unwrap_or(0)
}

fn lens(sets: &Sets<'_>) -> impl Iterator<Item = usize> {
    sets.iter()
        .map(|set| set.as_ref().map_or(0, |set| set.len()))
}

/// The members that all sets have: those of the smallest that the others have too, of which a
/// small one is asked first.
fn common<'a>(sets: &'a Sets<'_>) -> impl Iterator<Item = Text<'a>> {
    // A key that holds nothing is a set without members.
    let mut present: Vec<&Set> = sets.iter().flatten().map(|set| &**set).collect();
    present.sort_by_key(|set| set.len());
    let (smallest, others) = match present.len() == sets.len() {
        true => (Some(present.remove(0)), present),
        false => (None, Vec::new()),
    };
    let members = smallest.into_iter().flat_map(Set::iter);
    members.filter(move |member| others.iter().all(|set| has(set, *member)))
}

/// The members that only the first set has.
fn only_first<'a>(sets: &'a Sets<'_>) -> impl Iterator<Item = Text<'a>> {
    let (first, others) = sets.split_first().expect("a command names a key at least");
    let mut others: Vec<&Set> = others.iter().flatten().map(|set| &**set).collect();
    // The largest is the most likely to have a member.
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let members = first.iter().flat_map(|set| set.iter());
    members.filter(move |member| !others.iter().any(|set| has(set, *member)))
}

fn union(sets: &Sets<'_>, limits: &SetLimits) -> Set {
    set_of(sets.iter().flatten().flat_map(|set| set.iter()), limits)
}

fn has(set: &Set, member: Text<'_>) -> bool {
    match (set, member) {
        (Set::Ints(ints), Text::Int(number)) => ints.contains(number),
        _ => member.with_bytes(|bytes| set.contains(bytes)),
    }
}

fn set_of<'a>(members: impl Iterator<Item = Text<'a>>, limits: &SetLimits) -> Set {
    let mut set = Set::default();
    for member in members {
        member.with_bytes(|bytes| set.insert(bytes, limits));
    }
    set
}

fn reply_members<'a>(reply: &mut Reply<'_>, members: impl Iterator<Item = Text<'a>>) -> Done {
    let members: Vec<Text<'_>> = members.collect();
    let mut set = reply.set(members.len());
    for member in members {
        member.with_bytes(|bytes| set.bulk(bytes));
    }
    set.done()
}
