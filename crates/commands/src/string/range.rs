//! Strings as sequences of bytes: their length, parts and growth.

use std::ops::Range;

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Entry, Text};
use stdx::number;

use super::text_of;
use crate::event;

pub(super) static STRLEN: Command = Command {
    name: "strlen",
    syntax: "key",
    summary: "Returns the length of the string a key holds, in bytes.",
    since: "2.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::RO)],
    handler: strlen,
    ..Command::BLANK
};

fn strlen(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let len = cx.read_string(&key, |text, _| text.len())?;
    Ok(cx.reply.count(len.unwrap_or(0)))
}

/// What GETRANGE and its older name are.
const READS_RANGE: Command = Command {
    syntax: "key start end",
    complexity: "O(N), N being the length of the part, since that much is copied",
    arity: Arity::Exactly(4),
    flags: Flags::READONLY,
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: getrange,
    ..Command::BLANK
};

pub(super) static GETRANGE: Command = Command {
    name: "getrange",
    summary: "Returns a part of the string a key holds.",
    since: "2.4.0",
    ..READS_RANGE
};

pub(super) static SUBSTR: Command = Command {
    name: "substr",
    summary: "Returns a part of the string a key holds. GETRANGE is its name now.",
    since: "1.0.0",
    deprecated: Some(("2.0.0", "`GETRANGE`")),
    ..READS_RANGE
};

fn getrange(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, start, end) = (args.key()?, args.integer()?, args.integer()?);
    let found = cx.read_string(&key, |text, reply| match text {
        Text::Bytes(bytes) => reply.bulk(&bytes[part(start, end, bytes.len())]),
        Text::Int(number) => {
            let text = number::text(number);
            reply.bulk(&text[part(start, end, text.len())])
        }
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.bulk(b"")))
}

/// The bytes from `start` to `end`, both included, of `len`. Negative ones count from the end, and
/// what lies outside is moved to the nearest byte: so the part from -9 to -8 of `ab` is `a`, but
/// from -8 to -9 there is none.
fn part(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_end = |at: i64| if at < 0 { (at + len).max(0) } else { at };
    let (first, last) = (from_end(start), from_end(end).min(len - 1));
    if first > last {
        return 0..0;
    }
    first as usize..last as usize + 1
}

pub(super) static APPEND: Command = Command {
    name: "append",
    syntax: "key value",
    summary: "Adds to the end of the string a key holds. A key that is not there counts as empty.",
    since: "2.0.0",
    complexity: "O(N), N being the length of the value, amortized over many calls",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM).and(Flags::FAST),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::RW.and(Access::INSERT))],
    handler: append,
    ..Command::BLANK
};

fn append(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, value) = (args.key()?, args.bytes()?);
    let len_max = cx.string_bytes_max();
    let plan = |entry: &Entry| -> Result<usize, Error> {
        let len = text_of(entry)?.len();
        sum_within(len as u64, value.len(), len_max)?;
        Ok(len)
    };
    let overwrite = |entry: Entry, at| (overwritten(entry, at, value), at + value.len());
    let len = cx.db.try_change(&key, plan, overwrite)?;
    if len.is_none() {
        cx.db.create(&key, Entry::string(key.bytes, value, None));
    }
    cx.changed(1);
    cx.notify(&key, event::APPEND);
    Ok(cx.reply.count(len.unwrap_or(value.len())))
}

pub(super) static SETRANGE: Command = Command {
    name: "setrange",
    syntax: "key offset value",
    summary: "Overwrites a part of the string a key holds, with zero bytes before it if need be.",
    since: "2.2.0",
    complexity: "O(N), N being the length of the value and of the zeros before it",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::STRING,
    keys: &[KeySpec::at(1, Access::RW.and(Access::UPDATE))],
    handler: setrange,
    ..Command::BLANK
};

fn setrange(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, offset, value) = (args.key()?, args.integer()?, args.bytes()?);
    let negative = |_| Error::text("ERR offset is out of range");
    let offset = u64::try_from(offset).map_err(negative)?;
    if value.is_empty() {
        // Nothing is set, so nothing grows either, however far the offset.
        let len = cx.db.string(&key, |text| text.len())?;
        return Ok(cx.reply.count(len.unwrap_or(0)));
    }
    let len_max = cx.string_bytes_max();
    let plan = |entry: &Entry| -> Result<usize, Error> {
        text_of(entry)?;
        sum_within(offset, value.len(), len_max)
    };
    let overwrite = |entry: Entry, end: usize| {
        let entry = overwritten(entry, end - value.len(), value);
        let len = entry.text().len();
        (entry, len)
    };
    let len = match cx.db.try_change(&key, plan, overwrite)? {
        Some(len) => len,
        None => {
            let end = sum_within(offset, value.len(), len_max)?;
            let empty = Entry::bytes(key.bytes, b"", None);
            cx.db
                .create(&key, overwritten(empty, end - value.len(), value));
            end
        }
    };
    cx.changed(1);
    cx.notify(&key, event::SETRANGE);
    Ok(cx.reply.count(len))
}

/// The length of a string that ends `more` bytes behind `offset`.
fn sum_within(offset: u64, more: usize, len_max: u64) -> Result<usize, Error> {
    match offset.checked_add(more as u64) {
        Some(end) if end <= len_max => Ok(end as usize),
        _ => Err(Error::StringTooLong),
    }
}

/// The same string with `value` at `at`, grown as far as that needs.
fn overwritten(entry: Entry, at: usize, value: &[u8]) -> Entry {
    let end = at + value.len();
    let len = entry.text().len().max(end);
    let mut entry = entry.with_len(len);
    entry.bytes_mut()[at..end].copy_from_slice(value);
    entry.mark_raw();
    entry
}
