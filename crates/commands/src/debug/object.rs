//! `DEBUG OBJECT`: how a value is kept.

use engine::{Args, CommandResult, Context, Error};
use keyspace::{Entry, Kind, Text};
use stdx::number::text_len;

pub(super) fn describe(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = cx.db.key(args.bytes()?);
    let entry = cx.db.peek(&key).ok_or(Error::NoKey)?;
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
    }
}

fn string_len(len: usize) -> usize {
    let header = match len {
        0..0x40 => 1,
        0x40..0x4000 => 2,
        0x4000..=0xffff_ffff => 5,
        _ => 9,
    };
    header + len
}
