//! Parts of lists.

use std::ops::Range;

use datatypes::list::End;
use datatypes::{Collection, List};
use engine::command::{Flags, KeySpec};
use engine::context::Event;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context};

use super::{event, limits};

pub(super) static LRANGE: Command = Command {
    name: "lrange",
    syntax: "key start stop",
    summary: "Returns the elements of a list from an index to another.",
    since: "1.0.0",
    complexity: "O(S+N), S being the number of nodes between the first element and the nearer end \
                 of the list, and N the number of elements returned",
    arity: Arity::Exactly(4),
    flags: Flags::READONLY,
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: lrange,
    ..Command::BLANK
};

fn lrange(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, start, stop) = (args.key()?, args.integer()?, args.integer()?);
    let done = cx.view(&key, |list: &List, reply| {
        let part = part(start, stop, list.len());
        let mut array = reply.array(part.len());
        for text in list.walk(part.start, End::Tail).take(part.len()) {
            text.with_bytes(|bytes| array.bulk(bytes));
        }
        array.done()
    })?;
    Ok(done.unwrap_or_else(|| cx.reply.array(0).done()))
}

pub(super) static LTRIM: Command = Command {
    name: "ltrim",
    syntax: "key start stop",
    summary: "Removes the elements of a list that are not between two indexes.",
    since: "1.0.0",
    complexity: "O(N), N being the number of nodes removed",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RW.and(Access::DELETE))],
    handler: ltrim,
    ..Command::BLANK
};

fn ltrim(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, start, stop) = (args.key()?, args.integer()?, args.integer()?);
    let Some(len) = cx.db.view(&key, List::len)? else {
        return Ok(cx.reply.ok());
    };
    let (part, limits) = (part(start, stop, len), limits(cx));
    if part.is_empty() {
        // A large list is torn down in the background.
        cx.db.remove(&key);
        cx.changed(len as u64);
        cx.signal(&key, event("ltrim"));
        cx.signal(&key, Event::DEL);
    } else if part.len() == len {
        // Nothing changes; yet it is an event.
        cx.signal(&key, event("ltrim"));
    } else {
        cx.edit(&key, event("ltrim"), |list: &mut List, _| {
            list.remove_range(part.end, len - part.end, &limits);
            list.remove_range(0, part.start, &limits);
            Ok(((len - part.len()) as u64, ()))
        })?;
    }
    Ok(cx.reply.ok())
}

/// The elements from `start` to `stop`, both included, of `len`. Negative ones count from the end,
/// and what lies outside is not there.
fn part(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |index: i64| if index < 0 { index + len } else { index };
    let (first, last) = (from_end(start).max(0), from_end(stop).min(len - 1));
    if first > last {
        return 0..0;
    }
    first as usize..last as usize + 1
}
