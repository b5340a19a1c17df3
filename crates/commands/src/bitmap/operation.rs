//! Combining strings bit by bit.

use datatypes::bits::{self, Combine};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Entry, Key};

use crate::event;
use crate::keys::dispose;

pub(super) static BITOP: Command = Command {
    name: "bitop",
    syntax: "operation destkey key [key ...]",
    summary: "Makes a key hold other keys' strings, combined bit by bit by AND, OR, XOR or NOT.",
    since: "2.6.0",
    complexity: "O(N)",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::BITMAP,
    keys: &[
        KeySpec::at(2, Access::OW.and(Access::UPDATE)),
        KeySpec::from(3, Access::RO.and(Access::ACCESS)),
    ],
    handler: bitop,
    ..Command::BLANK
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Combine(Combine),
    Not,
}

fn bitop(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let operation = operation(args)?;
    let target = args.key()?;
    if operation == Operation::Not && args.len() != 1 {
        return Err(Error::text(
            "ERR BITOP NOT must be called with a single source key.",
        ));
    }
    let mut sources = Vec::with_capacity(args.len());
    while !args.is_empty() {
        let key = args.key()?;
        let len = cx.read_string(&key, |text, _| text.len())?;
        sources.push((key, len.unwrap_or(0)));
    }
    let combined = combined(cx, operation, &target, &mut sources)?;
    let len = combined.as_ref().map_or(0, |entry| entry.text().len());
    let (replaced, event) = match combined {
        Some(combined) => (cx.db.overwrite(&target, combined), Some(event::SET)),
        None => {
            let replaced = cx.db.take(&target);
            let event = replaced.is_some().then_some(Event::DEL);
            (replaced, event)
        }
    };
    if let Some(event) = event {
        cx.changed(1);
        cx.notify(&target, event);
    }
    if let Some(replaced) = replaced {
        dispose(cx, replaced, cx.config.memory.lazy_server_del);
    }
    Ok(cx.reply.count(len))
}

fn operation(args: &mut Args<'_>) -> Result<Operation, Error> {
    let word = args.keyword().ok_or(Error::Syntax)?;
    match word.as_bytes() {
        b"AND" => Ok(Operation::Combine(Combine::And)),
        b"OR" => Ok(Operation::Combine(Combine::Or)),
        b"XOR" => Ok(Operation::Combine(Combine::Xor)),
        b"NOT" => Ok(Operation::Not),
        _ => Err(Error::Syntax),
    }
}

/// What the operation makes of the sources; nothing if all of them are empty.
///
/// The longest one is copied to where the result will stay, and the others are added to it where
/// they lie: the order does not matter, and no string is copied twice.
fn combined(
    cx: &mut Context<'_>,
    operation: Operation,
    target: &Key<'_>,
    sources: &mut [(Key<'_>, usize)],
) -> Result<Option<Entry>, Error> {
    sources.sort_by_key(|(_, len)| std::cmp::Reverse(*len));
    let Some(((longest, 1..), others)) = sources.split_first() else {
        return Ok(None);
    };
    let copy = |bytes: &[u8]| Entry::bytes(target.bytes, bytes, None);
    let copied = cx.db.string(longest, |text| text.with_bytes(copy))?;
    let mut entry = copied.unwrap_or_else(|| copy(b""));
    let Operation::Combine(how) = operation else {
        bits::invert(entry.bytes_mut());
        entry.mark_raw();
        return Ok(Some(entry));
    };
    for (source, _) in others {
        let into = entry.bytes_mut();
        let found = cx.db.string(source, |text| {
            text.with_bytes(|bytes| bits::combine(how, into, bytes));
        })?;
        if found.is_none() {
            bits::combine(how, entry.bytes_mut(), b"");
        }
    }
    entry.mark_raw();
    Ok(Some(entry))
}
