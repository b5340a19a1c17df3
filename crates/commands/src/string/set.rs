//! Making a key hold a string, on conditions and for a time.

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Entry, Key, Ttl};
use stdx::number;
use stdx::time::UnixMillis;

use super::reply_text;
use crate::event;
use crate::expiry::{self, Kind, Stated, Unit};

pub(super) static SET: Command = Command {
    name: "set",
    syntax: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | KEEPTTL]",
    summary: "Makes a key hold a string, whatever it held before.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::BRIEF),
    acl: Acl::STRING,
    keys: &[KeySpec {
        notes: "RW and ACCESS due to the optional `GET` argument",
        ..KeySpec::at(1, SET_ACCESS)
    }],
    access: Some(set_access),
    handler: set,
    history: &[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        (
            "7.0.0",
            "Allowed the `NX` and `GET` options to be used together.",
        ),
    ],
    ..Command::BLANK
};

const SET_ACCESS: Access = Access::RW
    .and(Access::ACCESS)
    .and(Access::UPDATE)
    .and(Access::VARIABLE);

/// Only with GET does SET look at what was there.
fn set_access(words: &[&[u8]]) -> Access {
    let mut options = words.iter().skip(3);
    match options.any(|word| word.eq_ignore_ascii_case(b"get")) {
        true => Access::RW.and(Access::ACCESS).and(Access::UPDATE),
        false => Access::OW.and(Access::UPDATE),
    }
}

fn set(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.key()?, args.bytes()?);
    let options = SetOptions::parse(args)?;
    let ttl = options.ttl(cx.now)?;

    // Only GET cares about the old type; a plain SET overwrites anything.
    let previous = match options.get {
        true => cx.read_string(&key, reply_text)?,
        false => None,
    };
    let applies = options
        .condition
        .is_none_or(|wanted| wanted == presence(cx.db.contains(&key)));
    if applies {
        cx.db.set_string(&key, value, ttl);
        cx.changed(1);
        notify(cx, &key, ttl);
        options.log(cx, key.bytes, value, ttl);
    }
    Ok(match (previous, options.get, applies) {
        (Some(done), _, _) => done,
        (None, false, true) => cx.reply.ok(),
        (None, _, _) => cx.reply.null(),
    })
}

/// Tells of a key that was set, and of its expiry, which listeners hear of apart.
#[inline]
fn notify(cx: &mut Context<'_>, key: &Key<'_>, ttl: Ttl) {
    cx.notify(key, event::SET);
    if let Ttl::At(_) = ttl {
        cx.notify(key, event::EXPIRE);
    }
}

/// Whether a key must be there for a command to apply, or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Absent,
    Present,
}

fn presence(is_there: bool) -> Presence {
    if is_there {
        Presence::Present
    } else {
        Presence::Absent
    }
}

#[derive(Default)]
struct SetOptions<'a> {
    condition: Option<Presence>,
    expiry: Stated<'a>,
    get: bool,
}

impl<'a> SetOptions<'a> {
    #[inline]
    fn parse(args: &mut Args<'a>) -> Result<SetOptions<'a>, Error> {
        let mut options = SetOptions::default();
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"NX" => expiry::exclusive(&mut options.condition, Presence::Absent)?,
                b"XX" => expiry::exclusive(&mut options.condition, Presence::Present)?,
                b"GET" => options.get = true,
                b"KEEPTTL" => options.expiry.take(Kind::Keep, args)?,
                word => {
                    let unit = Unit::of_option(word).ok_or(Error::Syntax)?;
                    options.expiry.take(Kind::Until(unit), args)?;
                }
            }
        }
        Ok(options)
    }

    #[inline]
    fn ttl(&self, now: UnixMillis) -> Result<Ttl, Error> {
        match self.expiry.kind() {
            None | Some(Kind::Persist) => Ok(Ttl::Clear),
            Some(Kind::Keep) => Ok(Ttl::Keep),
            Some(Kind::Until(unit)) => Ok(Ttl::At(self.expiry.moment(unit, now)?)),
        }
    }

    /// Logs a SET that applied: with the moment of its expiry, whatever the unit it was given in,
    /// and without GET. Any other is logged as it was sent.
    #[inline]
    fn log(&self, cx: &mut Context<'_>, key: &[u8], value: &[u8], ttl: Ttl) {
        if let Ttl::At(UnixMillis(at)) = ttl {
            return cx.effect(&[b"SET", key, value, b"PXAT", &number::text(at)]);
        }
        if !self.get {
            return;
        }
        let condition = self.condition.map(|condition| match condition {
            Presence::Absent => b"NX".as_slice(),
            Presence::Present => b"XX",
        });
        match (condition, ttl) {
            (None, Ttl::Keep) => cx.effect(&[b"SET", key, value, b"KEEPTTL"]),
            (None, _) => cx.effect(&[b"SET", key, value]),
            (Some(condition), Ttl::Keep) => {
                cx.effect(&[b"SET", key, value, condition, b"KEEPTTL"]);
            }
            (Some(condition), _) => cx.effect(&[b"SET", key, value, condition]),
        }
    }
}

pub(super) static SETNX: Command = Command {
    name: "setnx",
    syntax: "key value",
    summary: "Makes a key hold a string, unless the key is there already.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::OW.and(Access::INSERT))],
    handler: setnx,
    ..Command::BLANK
};

fn setnx(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.key()?, args.bytes()?);
    let applies = !cx.db.contains(&key);
    if applies {
        cx.db.create(&key, Entry::string(key.bytes, value, None));
        cx.changed(1);
        cx.notify(&key, event::SET);
    }
    Ok(cx.reply.flag(applies))
}

/// What SETEX and PSETEX are.
const EXPIRING: Command = Command {
    complexity: "O(1)",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::OW.and(Access::UPDATE))],
    ..Command::BLANK
};

pub(super) static SETEX: Command = Command {
    name: "setex",
    syntax: "key seconds value",
    summary: "Makes a key hold a string for some seconds.",
    since: "2.0.0",
    handler: |cx, args| set_for(cx, args, Unit::Seconds),
    ..EXPIRING
};

pub(super) static PSETEX: Command = Command {
    name: "psetex",
    syntax: "key milliseconds value",
    summary: "Makes a key hold a string for some milliseconds.",
    since: "2.6.0",
    handler: |cx, args| set_for(cx, args, Unit::Millis),
    ..EXPIRING
};

fn set_for(cx: &mut Context<'_>, args: &mut Args<'_>, unit: Unit) -> CommandResult {
    let (key, amount, value) = (args.key()?, args.bytes()?, args.bytes()?);
    let at = expiry::positive(amount, unit, cx.now)?;
    cx.db.set_string(&key, value, Ttl::At(at));
    cx.changed(1);
    notify(cx, &key, Ttl::At(at));
    cx.effect(&[b"SET", key.bytes, value, b"PXAT", &number::text(at.0)]);
    Ok(cx.reply.ok())
}
