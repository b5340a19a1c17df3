//! How long keys live.

use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::Expire;
use stdx::number::{self, parse_i64};
use stdx::time::UnixMillis;

use crate::event;
use crate::expiry::Unit;
use crate::keys::dispose;

pub(crate) static EXPIRY: Family = Family {
    name: "generic",
    commands: &[
        &EXPIRE,
        &EXPIREAT,
        &EXPIRETIME,
        &PERSIST,
        &PEXPIRE,
        &PEXPIREAT,
        &PEXPIRETIME,
        &PTTL,
        &TTL,
    ],
};

/// What the four commands that set an expiry are.
const SETTER: Command = Command {
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
    ..Command::BLANK
};

static EXPIRE: Command = Command {
    name: "expire",
    syntax: "key seconds [NX | XX | GT | LT]",
    summary: "Has a key end in so many seconds.",
    since: "1.0.0",
    handler: |cx, args| expire(cx, args, Unit::Seconds),
    ..SETTER
};

static PEXPIRE: Command = Command {
    name: "pexpire",
    syntax: "key milliseconds [NX | XX | GT | LT]",
    summary: "Has a key end in so many milliseconds.",
    since: "2.6.0",
    handler: |cx, args| expire(cx, args, Unit::Millis),
    ..SETTER
};

static EXPIREAT: Command = Command {
    name: "expireat",
    syntax: "key unix-time-seconds [NX | XX | GT | LT]",
    summary: "Has a key end at a Unix time, in seconds.",
    since: "1.2.0",
    handler: |cx, args| expire(cx, args, Unit::UnixSeconds),
    ..SETTER
};

static PEXPIREAT: Command = Command {
    name: "pexpireat",
    syntax: "key unix-time-milliseconds [NX | XX | GT | LT]",
    summary: "Has a key end at a Unix time, in milliseconds.",
    since: "2.6.0",
    handler: |cx, args| expire(cx, args, Unit::UnixMillis),
    ..SETTER
};

fn expire(cx: &mut Context<'_>, args: &mut Args<'_>, unit: Unit) -> CommandResult {
    let (key, amount) = (args.key()?, args.bytes()?);
    let condition = Condition::parse(args)?;
    let amount = parse_i64(amount).ok_or(Error::NotInteger)?;
    let at = unit.moment(amount, cx.now).ok_or(Error::ExpireTime)?;

    let applies = match cx.db.get(&key) {
        Some(entry) => condition.holds(entry.expiry(), at),
        None => false,
    };
    if !applies {
        return Ok(cx.reply.flag(false));
    }
    cx.changed(1);
    // Only who decides about expiry deletes early: a replica keeps the key, for its primary may
    // take the expiry away again.
    if at <= cx.now && cx.db.expire_mode() == Expire::Delete {
        let lazily = cx.config.memory.lazy_expire;
        if let Some(entry) = cx.db.remove(&key) {
            dispose(cx, entry, lazily);
        }
        cx.notify(&key, Event::DEL);
        let name: &[u8] = if lazily { b"UNLINK" } else { b"DEL" };
        cx.effect(&[name, key.bytes]);
    } else {
        cx.db.set_expiry(&key, Some(at));
        cx.notify(&key, event::EXPIRE);
        // The same moment for whoever replays it, whatever it was told as and depended on.
        cx.effect(&[b"PEXPIREAT", key.bytes, &number::text(at.0)]);
    }
    Ok(cx.reply.flag(true))
}

/// What the key's expiry must be for another to take its place.
#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    absent: bool,
    present: bool,
    later: bool,
    earlier: bool,
}

impl Condition {
    fn parse(args: &mut Args<'_>) -> Result<Condition, Error> {
        let mut condition = Condition::default();
        for word in args.rest() {
            let option = match word.to_ascii_uppercase().as_slice() {
                b"NX" => &mut condition.absent,
                b"XX" => &mut condition.present,
                b"GT" => &mut condition.later,
                b"LT" => &mut condition.earlier,
                _ => return Err(unsupported(word)),
            };
            *option = true;
        }
        let Condition {
            absent,
            present,
            later,
            earlier,
        } = condition;
        if absent && (present || later || earlier) {
            let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
            return Err(Error::text(text));
        }
        if later && earlier {
            let text = "ERR GT and LT options at the same time are not compatible";
            return Err(Error::text(text));
        }
        Ok(condition)
    }

    /// A key without an expiry counts as one that lives for ever.
    fn holds(self, from: Option<UnixMillis>, to: UnixMillis) -> bool {
        let refused = self.absent && from.is_some()
            || self.present && from.is_none()
            || self.later && from.is_none_or(|from| to <= from)
            || self.earlier && from.is_some_and(|from| to >= from);
        !refused
    }
}

/// The error quotes the option up to a zero byte, and line breaks only where something follows.
fn unsupported(option: &[u8]) -> Error {
    let shown = option.split(|&byte| byte == 0).next().unwrap_or_default();
    let is_shown = |byte: &u8| !matches!(byte, b'\r' | b'\n');
    let len = shown.iter().rposition(is_shown).map_or(0, |last| last + 1);
    Error::Bytes([b"ERR Unsupported option ", &shown[..len]].concat())
}

/// What the four commands that tell an expiry are.
const GETTER: Command = Command {
    syntax: "key",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    ..Command::BLANK
};

/// Those whose answer depends on when they are asked.
const COUNTDOWN: Command = Command {
    tips: &["nondeterministic_output"],
    history: &[("2.8.0", "Added the -2 reply.")],
    ..GETTER
};

static TTL: Command = Command {
    name: "ttl",
    summary: "Returns how many seconds a key has left.",
    since: "1.0.0",
    handler: |cx, args| expiry(cx, args, Unit::Seconds),
    ..COUNTDOWN
};

static PTTL: Command = Command {
    name: "pttl",
    summary: "Returns how many milliseconds a key has left.",
    since: "2.6.0",
    handler: |cx, args| expiry(cx, args, Unit::Millis),
    ..COUNTDOWN
};

static EXPIRETIME: Command = Command {
    name: "expiretime",
    summary: "Returns the Unix time at which a key ends, in seconds.",
    since: "7.0.0",
    handler: |cx, args| expiry(cx, args, Unit::UnixSeconds),
    ..GETTER
};

static PEXPIRETIME: Command = Command {
    name: "pexpiretime",
    summary: "Returns the Unix time at which a key ends, in milliseconds.",
    since: "7.0.0",
    handler: |cx, args| expiry(cx, args, Unit::UnixMillis),
    ..GETTER
};

const NO_KEY: i64 = -2;
const NO_EXPIRY: i64 = -1;

fn expiry(cx: &mut Context<'_>, args: &mut Args<'_>, unit: Unit) -> CommandResult {
    let key = args.key()?;
    let now = cx.now;
    let told = match cx.peek(&key).map(|entry| entry.expiry()) {
        None => NO_KEY,
        Some(None) => NO_EXPIRY,
        Some(Some(at)) => {
            let left = at.0.saturating_sub(now.0).max(0);
            match unit {
                Unit::Seconds => nearest_second(left),
                Unit::Millis => left,
                Unit::UnixSeconds => nearest_second(at.0),
                Unit::UnixMillis => at.0,
            }
        }
    };
    Ok(cx.reply.integer(told))
}

fn nearest_second(millis: i64) -> i64 {
    millis / 1000 + i64::from(millis % 1000 >= 500)
}

static PERSIST: Command = Command {
    name: "persist",
    syntax: "key",
    summary: "Has a key live for ever, whatever its expiry was.",
    since: "2.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    handler: persist,
    ..Command::BLANK
};

fn persist(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let expires = cx
        .db
        .get(&key)
        .is_some_and(|entry| entry.expiry().is_some());
    if expires {
        cx.db.set_expiry(&key, None);
        cx.changed(1);
        cx.notify(&key, event::PERSIST);
    }
    Ok(cx.reply.flag(expires))
}

#[cfg(test)]
mod tests;
