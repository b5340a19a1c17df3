//! String commands. One `static` per command, its handler right below it.

use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::{Entry, Kind, Text, Ttl, WrongType};
use stdx::number;

use crate::event;
use crate::expiry::{self, Stated};

mod counter;
mod lcs;
mod many;
mod range;
mod set;

pub(crate) static STRINGS: Family = Family {
    name: "string",
    commands: &[
        &range::APPEND,
        &counter::DECR,
        &counter::DECRBY,
        &GET,
        &GETDEL,
        &GETEX,
        &range::GETRANGE,
        &GETSET,
        &counter::INCR,
        &counter::INCRBY,
        &counter::INCRBYFLOAT,
        &lcs::LCS,
        &many::MGET,
        &many::MSET,
        &many::MSETNX,
        &set::PSETEX,
        &set::SET,
        &set::SETEX,
        &set::SETNX,
        &range::SETRANGE,
        &range::STRLEN,
        &range::SUBSTR,
    ],
};

static GET: Command = Command {
    name: "get",
    syntax: "key",
    summary: "Returns the string a key holds.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST).and(Flags::BRIEF),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: get,
    ..Command::BLANK
};

fn get(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let found = cx.read_string(&key, reply_text)?;
    Ok(found.unwrap_or_else(|| cx.reply.null()))
}

static GETDEL: Command = Command {
    name: "getdel",
    syntax: "key",
    summary: "Returns the string a key holds, and deletes the key.",
    since: "6.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::DELETE),
    )],
    handler: getdel,
    ..Command::BLANK
};

fn getdel(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let Some(done) = cx.read_string(&key, reply_text)? else {
        return Ok(cx.reply.null());
    };
    cx.db.remove(&key);
    cx.changed(1);
    cx.notify(&key, Event::DEL);
    cx.effect(&[b"DEL", key.bytes]);
    Ok(done)
}

static GETEX: Command = Command {
    name: "getex",
    syntax: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | PERSIST]",
    summary: "Returns the string a key holds, and gives the key another expiry, or none.",
    since: "6.2.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec {
        notes: "RW and UPDATE because it changes the TTL",
        ..KeySpec::at(1, Access::RW.and(Access::ACCESS).and(Access::UPDATE))
    }],
    handler: getex,
    ..Command::BLANK
};

fn getex(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let stated = getex_options(args)?;

    // A key that is not there hides a mistake in the amount.
    let Some(done) = cx.read_string(&key, reply_text)? else {
        return Ok(cx.reply.null());
    };
    match stated.kind() {
        None | Some(expiry::Kind::Keep) => {}
        Some(expiry::Kind::Persist) => {
            if cx
                .db
                .peek(&key)
                .is_some_and(|entry| entry.expiry().is_some())
            {
                cx.db.set_expiry(&key, None);
                cx.changed(1);
                cx.notify(&key, event::PERSIST);
                cx.effect(&[b"PERSIST", key.bytes]);
            }
        }
        Some(expiry::Kind::Until(unit)) => {
            let at = stated.moment(unit, cx.now)?;
            cx.changed(1);
            if at <= cx.now {
                let lazily = cx.config.memory.lazy_expire;
                let name: &[u8] = if lazily { b"UNLINK" } else { b"DEL" };
                cx.db.remove(&key);
                cx.notify(&key, Event::DEL);
                cx.effect(&[name, key.bytes]);
            } else {
                cx.db.set_expiry(&key, Some(at));
                cx.notify(&key, event::EXPIRE);
                cx.effect(&[b"PEXPIREAT", key.bytes, &number::text(at.0)]);
            }
        }
    }
    Ok(done)
}

fn getex_options<'a>(args: &mut Args<'a>) -> Result<Stated<'a>, Error> {
    let mut stated = Stated::default();
    while let Some(word) = args.keyword() {
        let kind = match word.as_bytes() {
            b"PERSIST" => expiry::Kind::Persist,
            word => expiry::Kind::Until(expiry::Unit::of_option(word).ok_or(Error::Syntax)?),
        };
        stated.take(kind, args)?;
    }
    Ok(stated)
}

static GETSET: Command = Command {
    name: "getset",
    syntax: "key value",
    summary: "Makes a key hold a string, and returns the string it held before.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    handler: getset,
    deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
    ..Command::BLANK
};

fn getset(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.key()?, args.bytes()?);
    let previous = cx.read_string(&key, reply_text)?;
    cx.db.set_string(&key, value, Ttl::Clear);
    cx.changed(1);
    cx.notify(&key, event::SET);
    cx.effect(&[b"SET", key.bytes, value]);
    Ok(previous.unwrap_or_else(|| cx.reply.null()))
}

fn reply_text(text: Text<'_>, reply: &mut Reply<'_>) -> Done {
    text.with_bytes(|bytes| reply.bulk(bytes))
}

/// The string that an entry holds.
#[inline]
pub(crate) fn text_of(entry: &Entry) -> Result<Text<'_>, WrongType> {
    if entry.kind() == Kind::String {
        Ok(entry.text())
    } else {
        Err(WrongType)
    }
}

#[cfg(test)]
mod tests;
