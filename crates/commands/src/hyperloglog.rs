//! HyperLogLog commands: counting different elements in little memory.

use datatypes::hyperloglog::{self, Corrupted, Encoding, HyperLogLog, Observation, Registers};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::{Entry, Key, Text};

use crate::event;
use crate::string::text_of;

mod debug;
mod selftest;

pub(crate) static HYPERLOGLOGS: Family = Family {
    name: "hyperloglog",
    commands: &[
        &PFADD,
        &PFCOUNT,
        &debug::PFDEBUG,
        &PFMERGE,
        &selftest::PFSELFTEST,
    ],
};

static PFADD: Command = Command {
    name: "pfadd",
    syntax: "key [element [element ...]]",
    summary: "Shows elements to a HyperLogLog, and tells whether it took notice.",
    since: "2.8.9",
    complexity: "O(1) to add every element.",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    acl: Acl::HYPERLOGLOG,
    keys: &[KeySpec::at(1, Access::RW.and(Access::INSERT))],
    handler: pfadd,
    ..Command::BLANK
};

fn pfadd(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let elements = args.rest();
    let sparse_bytes_max = cx.config.encodings.hyperloglog_sparse_max.0;
    let plan = |entry: &Entry| plan_to_add(entry, elements, sparse_bytes_max);
    let change = |entry: Entry, addition| match addition {
        Addition::Written(value, count) => (with_value(entry, &value), count),
        Addition::InPlace(elements) => {
            let mut entry = entry;
            let bytes = entry.bytes_mut();
            let observed = elements.iter().map(|element| Observation::of(element));
            let raised = observed.filter(|&seen| hyperloglog::raise_dense(bytes, seen));
            let count = raised.count() as u64;
            hyperloglog::forget_cardinality(entry.bytes_mut());
            entry.mark_raw();
            (entry, count)
        }
    };
    let changes = match cx.db.try_change(&key, plan, change) {
        Ok(Some(count)) => count,
        Ok(None) => {
            let mut value = HyperLogLog::empty();
            let count = add(&mut value, elements, sparse_bytes_max)?;
            value.forget_cardinality();
            create(cx, &key, value.bytes());
            count + 1
        }
        Err(Idle::Same) => {
            cx.db.make_raw(&key);
            return Ok(cx.reply.flag(false));
        }
        Err(Idle::Failed(error)) => return Err(error),
    };
    cx.changed(changes);
    cx.notify(&key, event::PFADD);
    Ok(cx.reply.flag(true))
}

/// How elements are added, and how many of them raise a register.
enum Addition<'a> {
    /// The registers are dense, and nothing before these elements raises one.
    InPlace(&'a [&'a [u8]]),
    /// The runs are written anew: a mistake in them may show itself after any element.
    Written(Vec<u8>, u64),
}

/// Why nothing is added.
enum Idle {
    Failed(Error),
    Same,
}

impl From<Error> for Idle {
    fn from(error: Error) -> Idle {
        Idle::Failed(error)
    }
}

fn plan_to_add<'a>(
    entry: &Entry,
    elements: &'a [&'a [u8]],
    sparse_bytes_max: u64,
) -> Result<Addition<'a>, Idle> {
    let mut value = value_of(text_of(entry).map_err(Error::from)?)?;
    if value.encoding() == Encoding::Dense {
        let raises =
            |element: &&[u8]| hyperloglog::would_raise_dense(&value, Observation::of(element));
        let first = elements.iter().position(raises).ok_or(Idle::Same)?;
        return Ok(Addition::InPlace(&elements[first..]));
    }
    match add(&mut value, elements, sparse_bytes_max)? {
        0 => Err(Idle::Same),
        count => {
            value.forget_cardinality();
            Ok(Addition::Written(value.into_bytes(), count))
        }
    }
}

/// Adds elements, and returns how many raised a register.
fn add(
    value: &mut HyperLogLog<'_>,
    elements: &[&[u8]],
    sparse_bytes_max: u64,
) -> Result<u64, Error> {
    let mut count = 0;
    for element in elements {
        let raised = value.raise(Observation::of(element), sparse_bytes_max);
        count += u64::from(raised.map_err(corrupted)?);
    }
    Ok(count)
}

static PFCOUNT: Command = Command {
    name: "pfcount",
    syntax: "key [key ...]",
    summary: "Tells how many elements a HyperLogLog, or several together, have probably seen.",
    since: "2.8.9",
    complexity: "O(1) with a very small average constant time when called with a single key. O(N) \
                 with N being the number of keys, and much bigger constant times, when called \
                 with multiple keys.",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::MAY_REPLICATE),
    acl: Acl::HYPERLOGLOG,
    keys: &[KeySpec {
        notes: "RW because it may change the internal representation of the key, and propagate \
                to replicas",
        ..KeySpec::from(1, Access::RW.and(Access::ACCESS))
    }],
    handler: pfcount,
    ..Command::BLANK
};

fn pfcount(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() == 1 {
        let key = args.key()?;
        return count_one(cx, &key);
    }
    let mut union = Registers::default();
    while !args.is_empty() {
        let key = args.key()?;
        read(cx, &key, |value| value.merge_into(&mut union))?;
    }
    Ok(cx.reply.integer(union.cardinality()))
}

/// The cardinality of one value is kept in it, which is a change as any other.
fn count_one(cx: &mut Context<'_>, key: &Key<'_>) -> CommandResult {
    let counted = read(cx, key, |value| match value.cached_cardinality() {
        Some(kept) => Ok((kept, false)),
        None => Ok((value.cardinality()?, true)),
    })?;
    let Some((cardinality, is_news)) = counted else {
        return Ok(cx.reply.integer(0));
    };
    cx.db.make_raw(key);
    if is_news {
        cx.db.change(key, |mut entry| {
            hyperloglog::keep_cardinality(entry.bytes_mut(), cardinality);
            (entry, ())
        });
        cx.changed(1);
    }
    Ok(cx.reply.integer(cardinality))
}

static PFMERGE: Command = Command {
    name: "pfmerge",
    syntax: "destkey [sourcekey [sourcekey ...]]",
    summary: "Makes a HyperLogLog one that has seen what others saw.",
    since: "2.8.9",
    complexity: "O(N) to merge N HyperLogLogs, but with high constant times.",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::HYPERLOGLOG,
    keys: &[
        KeySpec::at(1, Access::RW.and(Access::ACCESS).and(Access::INSERT)),
        KeySpec::from(2, Access::RO.and(Access::ACCESS)),
    ],
    handler: pfmerge,
    ..Command::BLANK
};

fn pfmerge(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let target = args.key()?;
    let (mut union, mut is_dense) = (Registers::default(), false);
    let mut merge = |value: &HyperLogLog<'_>| {
        is_dense |= value.encoding() == Encoding::Dense;
        value.merge_into(&mut union)
    };
    read(cx, &target, &mut merge)?;
    while !args.is_empty() {
        let key = args.key()?;
        read(cx, &key, &mut merge)?;
    }
    let sparse_bytes_max = cx.config.encodings.hyperloglog_sparse_max.0;
    let raise_all = |mut value: HyperLogLog<'_>| -> Result<Vec<u8>, Error> {
        if is_dense {
            value.densify().map_err(corrupted)?;
        }
        let raised = value.raise_all(&union, sparse_bytes_max);
        raised.map_err(corrupted)?;
        value.forget_cardinality();
        Ok(value.into_bytes())
    };
    let plan = |entry: &Entry| raise_all(value_of(text_of(entry)?)?);
    let change = |entry: Entry, value: Vec<u8>| (with_value(entry, &value), ());
    if cx.db.try_change(&target, plan, change)?.is_none() {
        let value = raise_all(HyperLogLog::empty())?;
        create(cx, &target, &value);
    }
    cx.changed(1);
    cx.notify(&target, event::PFADD);
    Ok(cx.reply.ok())
}

/// Gives `read` the value of a key, counted as a hit or a miss.
fn read<R>(
    cx: &mut Context<'_>,
    key: &Key<'_>,
    read: impl FnOnce(&HyperLogLog<'_>) -> Result<R, Corrupted>,
) -> Result<Option<R>, Error> {
    let read = |text: Text<'_>| read(&value_of(text)?).map_err(corrupted);
    cx.read_string(key, |text, _| read(text))?.transpose()
}

fn value_of(text: Text<'_>) -> Result<HyperLogLog<'_>, Error> {
    let value = match text {
        Text::Bytes(bytes) => HyperLogLog::of(bytes),
        Text::Int(_) => None,
    };
    value.ok_or_else(|| Error::text("WRONGTYPE Key is not a valid HyperLogLog string value."))
}

fn corrupted(_: Corrupted) -> Error {
    Error::text("INVALIDOBJ Corrupted HLL object detected")
}

fn create(cx: &mut Context<'_>, key: &Key<'_>, value: &[u8]) {
    let mut entry = Entry::bytes(key.bytes, value, None);
    entry.mark_raw();
    cx.db.create(key, entry);
}

/// The same entry with another value.
fn with_value(entry: Entry, value: &[u8]) -> Entry {
    let mut entry = entry.with_bytes(value);
    entry.mark_raw();
    entry
}

#[cfg(test)]
mod tests;
