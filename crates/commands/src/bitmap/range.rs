//! Counting and finding bits, in a string or a part of it.

use std::ops::RangeInclusive;

use datatypes::bits;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};

pub(super) static BITCOUNT: Command = Command {
    name: "bitcount",
    syntax: "key [start end [BYTE | BIT]]",
    summary: "Counts the bits that are set in the string a key holds, or in a part of it.",
    since: "2.6.0",
    complexity: "O(N)",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    acl: Acl::BITMAP,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: bitcount,
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    ..Command::BLANK
};

fn bitcount(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let words = args.rest();
    // A key that is not there hides every mistake in the range.
    let counted = cx.read_string(&key, |text, _| {
        text.with_bytes(|bytes| counted(bytes, words))
    })?;
    let count = counted.unwrap_or(Ok(0))?;
    Ok(cx.reply.integer(count as i64))
}

fn counted(bytes: &[u8], words: &[&[u8]]) -> Result<u64, Error> {
    Ok(match counted_range(words, bytes.len())? {
        Counted::All => bits::count(bytes),
        Counted::Part(range) => bits::count_within(bytes, range),
        Counted::Nothing => 0,
    })
}

enum Counted {
    All,
    Part(RangeInclusive<u64>),
    Nothing,
}

fn counted_range(words: &[&[u8]], len: usize) -> Result<Counted, Error> {
    let [start, end, unit @ ..] = words else {
        return match words {
            [] => Ok(Counted::All),
            _ => Err(Error::Syntax),
        };
    };
    if unit.len() > 1 {
        return Err(Error::Syntax);
    }
    let (start, end) = (integer(start)?, integer(end)?);
    // What is empty however long the string is hides a mistake in the unit.
    if start < 0 && end < 0 && start > end {
        return Ok(Counted::Nothing);
    }
    let unit = unit.first().map_or(Ok(Unit::Byte), |word| Unit::of(word))?;
    Ok(match unit.range(start, end, len) {
        Some(range) => Counted::Part(range),
        None => Counted::Nothing,
    })
}

pub(super) static BITPOS: Command = Command {
    name: "bitpos",
    syntax: "key bit [start [end [BYTE | BIT]]]",
    summary: "Finds the first bit that is set, or clear, in the string a key holds or a part.",
    since: "2.8.7",
    complexity: "O(N)",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    acl: Acl::BITMAP,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: bitpos,
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    ..Command::BLANK
};

fn bitpos(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let on = match args.integer()? {
        0 => false,
        1 => true,
        _ => return Err(Error::text("ERR The bit argument must be 1 or 0.")),
    };
    let words = args.rest();
    // A key that is not there hides every mistake in the range, and is all zeros.
    let found = cx.read_string(&key, |text, _| {
        text.with_bytes(|bytes| position(bytes, on, words))
    })?;
    let nowhere = Ok(if on { -1 } else { 0 });
    Ok(cx.reply.integer(found.unwrap_or(nowhere)?))
}

/// The place of the first such bit, or -1. Zeros follow a string, unless an end was given.
fn position(bytes: &[u8], on: bool, words: &[&[u8]]) -> Result<i64, Error> {
    let (start, end, unit) = searched_range(words)?;
    let Some(range) = unit.range(start, end.unwrap_or(-1), bytes.len()) else {
        return Ok(-1);
    };
    Ok(match bits::find_within(bytes, on, range) {
        Some(at) => at as i64,
        None if !on && end.is_none() => bytes.len() as i64 * 8,
        None => -1,
    })
}

fn searched_range(words: &[&[u8]]) -> Result<(i64, Option<i64>, Unit), Error> {
    let [start, behind @ ..] = words else {
        return Ok((0, None, Unit::Byte));
    };
    if behind.len() > 2 {
        return Err(Error::Syntax);
    }
    let start = integer(start)?;
    let unit = behind
        .get(1)
        .map_or(Ok(Unit::Byte), |word| Unit::of(word))?;
    let end = behind.first().map(|word| integer(word)).transpose()?;
    Ok((start, end, unit))
}

/// What the numbers of a range count.
#[derive(Clone, Copy)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn of(word: &[u8]) -> Result<Unit, Error> {
        match engine::args::Keyword::of(word).as_bytes() {
            b"BYTE" => Ok(Unit::Byte),
            b"BIT" => Ok(Unit::Bit),
            _ => Err(Error::Syntax),
        }
    }

    /// The bits from `start` to `end` of a string of `len` bytes, both included. Negative ones
    /// count from the end, and what lies outside is moved to the string.
    fn range(self, start: i64, end: i64, len: usize) -> Option<RangeInclusive<u64>> {
        let units = match self {
            Unit::Byte => len as i64,
            Unit::Bit => len as i64 * 8,
        };
        let from_end = |at: i64| if at < 0 { (at + units).max(0) } else { at } as u64;
        let (first, last) = (from_end(start), from_end(end));
        let last = last.min((units as u64).checked_sub(1)?);
        (first <= last).then(|| match self {
            Unit::Byte => first * 8..=last * 8 + 7,
            Unit::Bit => first..=last,
        })
    }
}

fn integer(word: &[u8]) -> Result<i64, Error> {
    stdx::number::parse_i64(word).ok_or(Error::NotInteger)
}
