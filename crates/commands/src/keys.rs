//! Commands about keys, whatever they hold.

use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Family};
use keyspace::{Detached, Entry, Slot, SlotPosition};
use stdx::glob;

use crate::scan::SCAN;
use crate::sort::{SORT, SORT_RO};

mod migrate;
mod object;
mod payload;
mod transfer;

use migrate::MIGRATE;
use object::OBJECT;
use payload::{DUMP, RESTORE, RESTORE_ASKING};
use transfer::{COPY, MOVE, RENAME, RENAMENX};

pub(crate) static KEYS_OF_ANY_KIND: Family = Family {
    name: "generic",
    commands: &[
        &COPY, &DEL, &DUMP, &EXISTS, &KEYS, &MIGRATE, &MOVE, &OBJECT, &RANDOMKEY, &RENAME,
        &RENAMENX, &RESTORE, &SCAN, &SORT, &SORT_RO, &TOUCH, &TYPE, &UNLINK,
    ],
};

pub(crate) static KEYS_ON_THEIR_WAY: Family = Family {
    name: "server",
    commands: &[&RESTORE_ASKING],
};

/// What the commands about any number of keys are.
const MANY: Command = Command {
    syntax: "key [key ...]",
    arity: Arity::AtLeast(2),
    acl: Acl::KEYSPACE,
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..Command::BLANK
};

static DEL: Command = Command {
    name: "del",
    summary: "Deletes keys.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys and of the elements they hold",
    flags: Flags::WRITE,
    keys: &[KeySpec::from(1, Access::RM.and(Access::DELETE))],
    handler: |cx, args| delete(cx, args, cx.config.memory.lazy_user_del),
    ..MANY
};

static UNLINK: Command = Command {
    name: "unlink",
    summary: "Deletes keys, and frees what they held in the background.",
    since: "4.0.0",
    complexity: "O(N) where N is the number of keys, and in the background the number of the \
                 elements they held",
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::from(1, Access::RM.and(Access::DELETE))],
    handler: |cx, args| delete(cx, args, true),
    ..MANY
};

fn delete(cx: &mut Context<'_>, args: &mut Args<'_>, lazily: bool) -> CommandResult {
    let mut deleted = 0;
    while !args.is_empty() {
        let key = args.key()?;
        if let Some(entry) = cx.db.remove(&key) {
            dispose(cx, entry, lazily);
            cx.notify(&key, Event::DEL);
            deleted += 1;
        }
    }
    cx.changed(deleted);
    Ok(cx.reply.integer(deleted as i64))
}

/// Entries above this are worth freeing in the background. In bytes.
const SMALL_BYTES_MAX: usize = 64 << 10;

/// Frees an entry that is no longer in any db: `lazily`, later, if that takes its time. Many
/// elements are always freed later, for a step must not grow with them.
pub(crate) fn dispose(cx: &mut Context<'_>, entry: Entry, lazily: bool) {
    if lazily && entry.memory() > SMALL_BYTES_MAX {
        cx.engine.garbage.add(vec![Detached::entry(entry)]);
    } else {
        cx.db.discard(entry);
    }
}

static EXISTS: Command = Command {
    name: "exists",
    summary: "Returns how many of the keys are there, each as often as it is named.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys to check.",
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::from(1, Access::RO)],
    handler: |cx, args| count(cx, args, |cx, key| cx.peek(key).is_some()),
    history: &[("3.0.3", "Accepts multiple `key` arguments.")],
    ..MANY
};

static TOUCH: Command = Command {
    name: "touch",
    summary: "Counts as a use of keys, and returns how many of them are there.",
    since: "3.2.1",
    complexity: "O(N) where N is the number of keys that will be touched.",
    flags: Flags::READONLY.and(Flags::FAST),
    keys: &[KeySpec::from(1, Access::RO)],
    handler: |cx, args| count(cx, args, |cx, key| cx.read(key).is_some()),
    ..MANY
};

fn count(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    is_there: fn(&mut Context<'_>, &keyspace::Key<'_>) -> bool,
) -> CommandResult {
    let mut found = 0;
    while !args.is_empty() {
        let key = args.key()?;
        found += i64::from(is_there(cx, &key));
    }
    Ok(cx.reply.integer(found))
}

static TYPE: Command = Command {
    name: "type",
    syntax: "key",
    summary: "Returns the kind of value a key holds.",
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(1, Access::RO)],
    handler: kind,
    ..Command::BLANK
};

fn kind(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let name = cx.peek(&key).map_or("none", |entry| entry.kind().name());
    Ok(cx.reply.simple(name))
}

static KEYS: Command = Command {
    name: "keys",
    syntax: "pattern",
    summary: "Returns every key that matches a pattern.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of keys in the db, for short names and patterns",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::WALKS).and(Flags::LONG),
    acl: Acl::KEYSPACE.and(Acl::DANGEROUS),
    handler: keys,
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    ..Command::BLANK
};

/// A pattern that says enough of the keys is looked up where they would be: in their slot if it
/// holds their hash tag, as one key if it has no wildcard.
fn keys(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let pattern = args.bytes()?;
    if !glob::has_wildcards(pattern) {
        let key = cx.db.key(pattern);
        let found = cx.visit_key(&key, |db| db.contains(&key));
        return Ok(cx.reply.bulks(found.then_some(pattern).into_iter()));
    }
    let Context { db, reply, .. } = cx;
    Ok(reply.array_of_unknown_len(|reply| {
        let mut matching = 0;
        let mut show = |entry: &Entry| {
            if glob::is_all(pattern) || glob::matches(pattern, entry.key(), false) {
                let _one = reply.bulk(entry.key());
                matching += 1;
            }
        };
        match Slot::of_prefix(glob::literal_prefix(pattern)) {
            Some(slot) => db.walk_slot(slot, &mut show),
            None => db.walk(&mut show),
        }
        matching
    }))
}

static RANDOMKEY: Command = Command {
    name: "randomkey",
    summary: "Returns any key of the db.",
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::READONLY.and(Flags::WALKS),
    acl: Acl::KEYSPACE,
    handler: randomkey,
    tips: &["request_policy:all_shards", "nondeterministic_output"],
    ..Command::BLANK
};

fn randomkey(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let found = draw(cx).or_else(|| first(cx));
    Ok(match found {
        Some(key) => cx.reply.bulk(&key),
        None => cx.reply.null(),
    })
}

/// How often a key is drawn anew because the last was past its expiry, or gone meanwhile.
const DRAWS_MAX: usize = 100;

/// A random key that is alive. Those past their expiry are deleted on the way.
fn draw(cx: &mut Context<'_>) -> Option<Box<[u8]>> {
    for _ in 0..DRAWS_MAX {
        let Context { db, worker, .. } = cx;
        if let Some(bytes) = db.random_key(|bound| worker.prng.below(bound)) {
            let key = cx.db.key(&bytes);
            if cx.visit_key(&key, |db| db.contains(&key)) {
                return Some(bytes);
            }
        } else if cx.db.count().0 == 0 {
            return None;
        }
    }
    None
}

/// The first key that is alive, for dbs in which hardly any is.
fn first(cx: &mut Context<'_>) -> Option<Box<[u8]>> {
    let (mut at, mut found) = (SlotPosition::default(), Vec::new());
    loop {
        at = cx
            .db
            .scan(at, 1, |entry| found.push(Box::from(entry.key())));
        for bytes in found.drain(..) {
            let bytes: Box<[u8]> = bytes;
            let key = cx.db.key(&bytes);
            if cx.visit_key(&key, |db| db.contains(&key)) {
                return Some(bytes);
            }
        }
        if at == SlotPosition::default() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests;
