//! Whole dbs: choosing one, counting its keys, emptying and exchanging them.

use engine::command::Flags;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::DbIndex;
use stdx::number::parse_i64;

pub(crate) static DATABASES: Family = Family {
    name: "server",
    commands: &[&DBSIZE, &FLUSHALL, &FLUSHDB, &SWAPDB],
};

pub(crate) static SELECTION: Family = Family {
    name: "connection",
    commands: &[&SELECT],
};

static SELECT: Command = Command {
    name: "select",
    syntax: "index",
    summary: "Makes a db the one that this connection's commands work on.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: Acl::CONNECTION,
    handler: select,
    ..Command::BLANK
};

fn select(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let number = int(args.bytes()?)?;
    if cx.engine.cluster.is_on() && number != 0 {
        return Err(Error::text("ERR SELECT is not allowed in cluster mode"));
    }
    let index = existing(cx, number)?;
    cx.session.select(index);
    Ok(cx.reply.ok())
}

static DBSIZE: Command = Command {
    name: "dbsize",
    summary: "Returns how many keys the db holds.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(1),
    flags: Flags::READONLY.and(Flags::FAST).and(Flags::WALKS),
    acl: Acl::KEYSPACE,
    handler: dbsize,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..Command::BLANK
};

fn dbsize(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let (keys, _) = cx.db.count();
    Ok(cx.reply.count(keys))
}

/// What both flushes are.
const FLUSH: Command = Command {
    syntax: "[ASYNC | SYNC]",
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::WRITE.and(Flags::ALL_KEYS).and(Flags::LONG),
    acl: Acl::KEYSPACE.and(Acl::DANGEROUS),
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    history: &[
        ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
        ("6.2.0", "Added the `SYNC` flushing mode modifier."),
    ],
    ..Command::BLANK
};

static FLUSHDB: Command = Command {
    name: "flushdb",
    summary: "Deletes every key of the db.",
    complexity: "O(N) where N is the number of keys in the selected database",
    handler: flushdb,
    ..FLUSH
};

fn flushdb(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let here = cx.db.index();
    flush(cx, args, here.0..here.0 + 1)
}

static FLUSHALL: Command = Command {
    name: "flushall",
    summary: "Deletes every key of every db.",
    complexity: "O(N) where N is the total number of keys in all databases",
    handler: flushall,
    ..FLUSH
};

fn flushall(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let all = 0..cx.engine.keyspace.dbs();
    let flushed = flush(cx, args, all)?;
    cx.engine.host.save_emptiness(cx.engine, cx.changes());
    Ok(flushed)
}

/// Takes the keys away under all locks, which is quick. Their memory is given back after the locks:
/// in the background, or before the reply.
fn flush(cx: &mut Context<'_>, args: &mut Args<'_>, dbs: std::ops::Range<u16>) -> CommandResult {
    let lazily = match args.is_empty() {
        true => cx.config.memory.lazy_user_flush,
        false if args.accept(b"ASYNC") => true,
        false if args.accept(b"SYNC") => false,
        false => return Err(Error::Syntax),
    };
    args.end()?;
    let here = cx.db.index();
    let mut keys = 0;
    for index in dbs {
        cx.db.select(DbIndex(index));
        keys += cx.db.count().0;
        let detached = cx.db.detach_all();
        match lazily {
            true => cx.engine.garbage.add(detached),
            false => cx.db.discard_now(detached),
        }
    }
    cx.db.select(here);
    cx.changed(keys as u64);
    // Whoever replays this may hold keys that are no longer here.
    cx.effect(args.words());
    Ok(cx.reply.ok())
}

static SWAPDB: Command = Command {
    name: "swapdb",
    syntax: "index1 index2",
    summary: "Exchanges the contents of two dbs.",
    since: "4.0.0",
    complexity: "O(N) where N is the number of keys of the two dbs that clients watch or wait for",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::ALL_KEYS),
    acl: Acl::KEYSPACE.and(Acl::DANGEROUS),
    handler: swapdb,
    ..Command::BLANK
};

fn swapdb(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if cx.engine.cluster.is_on() {
        return Err(Error::text("ERR SWAPDB is not allowed in cluster mode"));
    }
    let first = int(args.bytes()?).map_err(|_| Error::text("ERR invalid first DB index"))?;
    let second = int(args.bytes()?).map_err(|_| Error::text("ERR invalid second DB index"))?;
    let (first, second) = (existing(cx, first)?, existing(cx, second)?);
    if first != second {
        cx.db.swap(first, second);
    }
    cx.changed(1);
    Ok(cx.reply.ok())
}

/// The db that a word means.
pub(crate) fn index(cx: &Context<'_>, word: &[u8]) -> Result<DbIndex, Error> {
    existing(cx, int(word)?)
}

fn int(word: &[u8]) -> Result<i32, Error> {
    let number = parse_i64(word).ok_or(Error::NotInteger)?;
    i32::try_from(number).map_err(|_| {
        Error::text("ERR value is out of range, value must between -2147483648 and 2147483647")
    })
}

fn existing(cx: &Context<'_>, number: i32) -> Result<DbIndex, Error> {
    let index = u16::try_from(number).map_err(|_| Error::DbIndex)?;
    if index < cx.engine.keyspace.dbs() {
        Ok(DbIndex(index))
    } else {
        Err(Error::DbIndex)
    }
}

#[cfg(test)]
mod tests;
