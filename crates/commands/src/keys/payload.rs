//! A value as bytes, on its way to another server or another time.

use std::sync::atomic::Ordering;

use engine::command::{Flags, KeySpec};
use engine::host::LogLevel;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, load, snapshot};
use keyspace::{Key, Usage};
use persistence::rdb;
use stdx::number::{parse_i64, text};
use stdx::time::UnixMillis;

use super::dispose;
use crate::event;

pub(super) static DUMP: Command = Command {
    name: "dump",
    syntax: "key",
    summary: "Returns what a key holds as bytes, for RESTORE.",
    since: "2.6.0",
    complexity: "O(N) where N is the number of bytes of the value",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: dump,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn dump(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let compress = cx.config.persistence.rdb_compression;
    let payload = cx
        .read(&key)
        .map(|entry| snapshot::with_value(&entry, |value| rdb::dump(value, compress)));
    Ok(match payload {
        Some(payload) => cx.reply.bulk(&payload),
        None => cx.reply.null(),
    })
}

pub(super) static RESTORE: Command = Command {
    name: "restore",
    syntax: "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
    summary: "Makes a key hold what DUMP returned.",
    since: "2.6.0",
    complexity: "O(N) where N is the number of bytes of the value, for a sorted set O(N*log(N))",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::KEYSPACE.and(Acl::DANGEROUS),
    keys: &[KeySpec::at(1, Access::OW.and(Access::UPDATE))],
    handler: restore,
    history: &[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ],
    ..Command::BLANK
};

pub(super) static RESTORE_ASKING: Command = Command {
    name: "restore-asking",
    summary: "Makes a key of a slot that is on its way here hold what DUMP returned.",
    since: "3.0.0",
    flags: Flags::WRITE
        .and(Flags::DENY_OOM)
        .and(Flags::ASKING)
        .and(Flags::SYSTEM),
    ..RESTORE
};

fn restore(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, ttl, payload) = (args.key()?, args.bytes()?, args.bytes()?);
    let options = RestoreOptions::parse(args)?;
    if !options.replaces && cx.db.contains(&key) {
        let text = "BUSYKEY Target key name already exists.";
        return Err(Error::text(text));
    }
    let ttl = parse_i64(ttl).ok_or(Error::NotInteger)?;
    if ttl < 0 {
        return Err(Error::text("ERR Invalid TTL value, must be >= 0"));
    }
    let value = parse_payload(cx, payload)?;
    let expiry = match ttl {
        0 => None,
        at if options.is_absolute => Some(UnixMillis(at)),
        // As in Redis, what goes beyond the end of time is past.
        ttl => Some(UnixMillis(cx.now.0.wrapping_add(ttl))),
    };
    let held = cx.db.remove(&key);
    let has_held = held.is_some();
    if let Some(overwritten) = held {
        dispose(cx, overwritten, cx.config.memory.lazy_server_del);
    }
    if expiry.is_some_and(|at| at < cx.now) {
        return Ok(lapse(cx, &key, has_held));
    }
    let entry = load::entry(key.bytes, value, expiry);
    cx.db.create_used(&key, entry, options.usage);
    cx.changed(1);
    cx.signal(&key, event::RESTORE);
    log_restore(cx, args.words(), expiry, options.is_absolute);
    Ok(cx.reply.ok())
}

fn parse_payload(cx: &Context<'_>, payload: &[u8]) -> Result<persistence::Value, Error> {
    let engine = cx.engine;
    let verify = !engine.switches.skips_checksums.load(Ordering::Relaxed);
    let value = rdb::restore_with(payload, verify, &engine.value_limits());
    value.map_err(|error| match error {
        rdb::RestoreError::VersionOrSum => {
            Error::text("ERR DUMP payload version or checksum are wrong")
        }
        // The client gets too few words to find out why.
        rdb::RestoreError::Format(error) => {
            let line = format!("Bad data format of a payload to restore: {error}");
            engine.host.log(LogLevel::Warning, &line);
            Error::text("ERR Bad data format")
        }
    })
}

/// The value is past its expiry already: the key holds nothing.
fn lapse(cx: &mut Context<'_>, key: &Key<'_>, has_held: bool) -> engine::reply::Done {
    if has_held {
        cx.changed(1);
        cx.signal(key, engine::context::Event::DEL);
        cx.effect(&[b"DEL", key.bytes]);
    }
    cx.reply.ok()
}

/// Whoever replays this does so later: the expiry is told as a moment.
fn log_restore(
    cx: &mut Context<'_>,
    words: &[&[u8]],
    expiry: Option<UnixMillis>,
    is_absolute: bool,
) {
    if let Some(at) = expiry
        && !is_absolute
        && cx.is_logged()
    {
        let at = text(at.0);
        let mut words = words.to_vec();
        words[2] = &at;
        words.push(b"ABSTTL");
        cx.effect(&words);
    }
}

#[derive(Default)]
struct RestoreOptions {
    replaces: bool,
    is_absolute: bool,
    usage: Usage,
}

impl RestoreOptions {
    fn parse(args: &mut Args<'_>) -> Result<RestoreOptions, Error> {
        let mut options = RestoreOptions::default();
        while let Some(word) = args.keyword() {
            // Either may be repeated, but not both be there.
            let (has_idle, has_frequency) = (
                matches!(options.usage, Usage::IdleSeconds(_)),
                matches!(options.usage, Usage::Frequency(_)),
            );
            match word.as_bytes() {
                b"REPLACE" => options.replaces = true,
                b"ABSTTL" => options.is_absolute = true,
                b"IDLETIME" if !has_frequency && !args.is_empty() => {
                    let seconds = u64::try_from(args.integer()?)
                        .map_err(|_| Error::text("ERR Invalid IDLETIME value, must be >= 0"))?;
                    options.usage = Usage::IdleSeconds(seconds);
                }
                b"FREQ" if !has_idle && !args.is_empty() => {
                    let count = u8::try_from(args.integer()?).map_err(|_| {
                        Error::text("ERR Invalid FREQ value, must be >= 0 and <= 255")
                    })?;
                    options.usage = Usage::Frequency(count);
                }
                _ => return Err(Error::Syntax),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests;
