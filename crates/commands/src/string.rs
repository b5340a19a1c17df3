//! String commands. One `static` per command, its handler right below it.

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::{Text, Ttl};
use stdx::number;
use stdx::time::UnixMillis;

use crate::expiry::{self, Unit};

pub(crate) static STRINGS: Family = Family {
    name: "string",
    commands: &[&GET, &SET],
};

static GET: Command = Command {
    name: "get",
    syntax: "key",
    summary: "Returns the string a key holds.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: get,
    ..Command::BLANK
};

fn get(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let found = cx.read_string(&key, |text, reply| match text {
        Text::Bytes(bytes) => reply.bulk(bytes),
        Text::Int(number) => reply.bulk(&number::text(number)),
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.null()))
}

static SET: Command = Command {
    name: "set",
    syntax: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
             PXAT unix-time-milliseconds | KEEPTTL]",
    summary: "Makes a key hold a string, whatever it held before.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::STRING,
    keys: &[KeySpec {
        notes: "RW and ACCESS due to the optional `GET` argument",
        ..KeySpec::at(1, SET_ACCESS)
    }],
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

fn set(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.key()?, args.bytes()?);
    let options = SetOptions::parse(args, cx.now)?;

    // Only GET cares about the old type; a plain SET overwrites anything.
    let previous = match options.get {
        true => cx.read_string(&key, |text, reply| match text {
            Text::Bytes(bytes) => reply.bulk(bytes),
            Text::Int(number) => reply.bulk(&number::text(number)),
        })?,
        false => None,
    };
    let applies = options
        .condition
        .is_none_or(|wanted| wanted == presence(cx.db.contains(&key)));
    if applies {
        cx.db.set_string(&key, value, options.ttl);
        cx.changed(1);
        if let Ttl::At(UnixMillis(at)) = options.ttl {
            // The same moment for whoever replays it, whatever the unit it was given in.
            cx.effect(&[b"SET", key.bytes, value, b"PXAT", &number::text(at)]);
        }
    }
    Ok(match (previous, options.get, applies) {
        (Some(done), _, _) => done,
        (None, false, true) => cx.reply.ok(),
        (None, _, _) => cx.reply.null(),
    })
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
struct SetOptions {
    condition: Option<Presence>,
    ttl: Ttl,
    get: bool,
}

impl SetOptions {
    #[inline]
    fn parse(args: &mut Args<'_>, now: UnixMillis) -> Result<SetOptions, Error> {
        let mut options = SetOptions::default();
        let mut ttl = None;
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"NX" => once(&mut options.condition, Presence::Absent)?,
                b"XX" => once(&mut options.condition, Presence::Present)?,
                b"GET" => options.get = true,
                b"KEEPTTL" => once(&mut ttl, Ttl::Keep)?,
                word => {
                    let unit = Unit::of_option(word).ok_or(Error::Syntax)?;
                    let at = match args.is_empty() {
                        true => return Err(Error::Syntax),
                        false => expiry::positive(args, unit, now)?,
                    };
                    once(&mut ttl, Ttl::At(at))?;
                }
            }
        }
        options.ttl = ttl.unwrap_or_default();
        Ok(options)
    }
}

/// Sets an option that excludes itself and its like.
fn once<T>(option: &mut Option<T>, value: T) -> Result<(), Error> {
    match option.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::Syntax),
    }
}

#[cfg(test)]
mod tests;
