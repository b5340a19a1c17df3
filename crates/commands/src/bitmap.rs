//! Bit commands: strings as sequences of bits, of which bit 0 is the highest of the first byte.

use datatypes::bits;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::{Entry, WrongType};
use stdx::number;

use crate::event;
use crate::string::text_of;

mod field;
mod operation;
mod range;

pub(crate) static BITMAPS: Family = Family {
    name: "bitmap",
    commands: &[
        &range::BITCOUNT,
        &field::BITFIELD,
        &field::BITFIELD_RO,
        &operation::BITOP,
        &range::BITPOS,
        &GETBIT,
        &SETBIT,
    ],
};

static GETBIT: Command = Command {
    name: "getbit",
    syntax: "key offset",
    summary: "Returns one bit of the string a key holds.",
    since: "2.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::BITMAP,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: getbit,
    ..Command::BLANK
};

fn getbit(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, offset) = (args.key()?, bit_offset(cx, args.bytes()?)?);
    let found = cx.read_string(&key, |text, _| {
        text.with_bytes(|bytes| bits::get(bytes, offset))
    })?;
    Ok(cx.reply.flag(found.unwrap_or(false)))
}

static SETBIT: Command = Command {
    name: "setbit",
    syntax: "key offset value",
    summary: "Sets or clears one bit of the string a key holds, and returns what it was.",
    since: "2.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::BITMAP,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    handler: setbit,
    ..Command::BLANK
};

fn setbit(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, offset) = (args.key()?, bit_offset(cx, args.bytes()?)?);
    let on = bit_value(args.bytes()?)?;
    let len = bytes_up_to(offset);
    let plan = |entry: &Entry| -> Result<bool, Idle<bool>> {
        let text = text_of(entry)?;
        let before = text.with_bytes(|bytes| bits::get(bytes, offset));
        match before == on && text.len() >= len {
            true => Err(Idle::Same(before)),
            false => Ok(before),
        }
    };
    let set = |entry: Entry, before| {
        let mut entry = grown(entry, len);
        bits::set(entry.bytes_mut(), offset, on);
        (entry, before)
    };
    let before = match cx.db.try_change(&key, plan, set) {
        Ok(Some(before)) => before,
        Ok(None) => {
            let (entry, before) = set(Entry::bytes(key.bytes, b"", None), false);
            cx.db.create(&key, entry);
            before
        }
        Err(Idle::Same(before)) => {
            cx.db.make_raw(&key);
            return Ok(cx.reply.flag(before));
        }
        Err(Idle::Failed(error)) => return Err(error),
    };
    cx.changed(1);
    cx.notify(&key, event::SETBIT);
    Ok(cx.reply.flag(before))
}

/// Why a command that may change a string does not.
enum Idle<T> {
    Failed(Error),
    /// It is already as it should be.
    Same(T),
}

impl<T> From<WrongType> for Idle<T> {
    fn from(error: WrongType) -> Idle<T> {
        Idle::Failed(error.into())
    }
}

/// The place of a bit, as far as the longest string goes.
fn bit_offset(cx: &Context<'_>, word: &[u8]) -> Result<u64, Error> {
    let offset = number::parse_i64(word).and_then(|offset| u64::try_from(offset).ok());
    within(cx, offset)
}

fn within(cx: &Context<'_>, offset: Option<u64>) -> Result<u64, Error> {
    let bytes_max = cx.string_bytes_max();
    let within = offset.filter(|offset| offset / 8 < bytes_max);
    within.ok_or_else(|| Error::text("ERR bit offset is not an integer or out of range"))
}

fn bit_value(word: &[u8]) -> Result<bool, Error> {
    match word {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(Error::text("ERR bit is not an integer or out of range")),
    }
}

/// How many bytes a string has that ends with this bit.
fn bytes_up_to(bit: u64) -> usize {
    (bit / 8) as usize + 1
}

/// The same string as bytes that may be changed in part, with zeros behind it if it is shorter.
fn grown(entry: Entry, len: usize) -> Entry {
    let len = len.max(entry.text().len());
    let mut entry = entry.with_len(len);
    entry.mark_raw();
    entry
}

#[cfg(test)]
mod tests;
