//! `DEBUG OBJECT`: how a value is kept.

use datatypes::{Collection, Hash, List, Set, SortedSet};
use engine::{Args, CommandResult, Context, Error};
use keyspace::{Entry, Kind, Text};
use stdx::number::text_len;

pub(super) fn describe(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = cx.db.key(args.bytes()?);
    let entry = cx.db.find(&key).ok_or(Error::NoKey)?;
    let (at, access) = (entry.key().as_ptr(), entry.access());
    let (encoding, bytes) = (entry.encoding(), serialized_len(&entry));
    let idle = cx.db.idle_seconds(access);
    Ok(cx.reply.simple(&format!(
        "Value at:{at:p} refcount:1 encoding:{encoding} serializedlength:{bytes} lru:{access} \
         lru_seconds_idle:{idle}"
    )))
}

/// Bytes the value takes in an RDB file that is not compressed.
fn serialized_len(entry: &Entry) -> usize {
    match entry.kind() {
        Kind::String => match entry.text() {
            Text::Bytes(bytes) => string_len(bytes.len()),
            Text::Int(number) => match number {
                -0x80..0x80 => 2,
                -0x8000..0x8000 => 3,
                -0x8000_0000..0x8000_0000 => 5,
                _ => string_len(text_len(number)),
            },
        },
        _ => elements_len(entry),
    }
}

/// As [`serialized_len`], of a collection, each of whose elements is written as a string.
fn elements_len(entry: &Entry) -> usize {
    let mut len = count_len(entry.elements());
    let list = entry.value::<List>();
    for element in list.iter().flat_map(|list| list.iter()) {
        len += string_len(element.len());
    }
    let set = entry.value::<Set>();
    for member in set.iter().flat_map(|set| set.iter()) {
        len += string_len(member.len());
    }
    let sorted = entry.value::<SortedSet>();
    for (member, _) in sorted
        .iter()
        .flat_map(|sorted| sorted.iter(0..sorted.len()))
    {
        len += string_len(member.len()) + size_of::<f64>();
    }
    let hash = entry.value::<Hash>();
    for (field, value) in hash.iter().flat_map(|hash| hash.iter()) {
        len += string_len(field.len()) + string_len(value.len());
    }
    len
}

fn string_len(len: usize) -> usize {
    count_len(len) + len
}

/// Bytes that a length takes.
fn count_len(len: usize) -> usize {
    match len {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..=0xffff_ffff => 5,
        _ => 9,
    }
}
