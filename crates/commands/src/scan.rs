//! `SCAN`: the keys of a db, some at a time.
//!
//! The cursor is a place in the order of slots and hashes, not in a list: it stays good whatever
//! is added, deleted or grown between two calls, and needs no state in the server. A key that is
//! there from the first call to the last is returned at least once.

use engine::command::Flags;
use engine::reply::{Done, Reply};
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Entry, SlotPosition};
use stdx::{glob, number};

pub(crate) static SCAN: Command = Command {
    name: "scan",
    syntax: "cursor [MATCH pattern] [COUNT count] [TYPE type]",
    summary: "Returns some of the db's keys, and the cursor to go on with.",
    since: "2.8.0",
    complexity: "O(1) for a call with the usual COUNT, O(N) for all calls until the cursor is 0 \
                 again, where N is the number of keys in the db",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::WALKS),
    acl: Acl::KEYSPACE,
    handler: scan,
    tips: &["nondeterministic_output", "request_policy:special"],
    history: &[("6.0.0", "Added the `TYPE` subcommand.")],
    ..Command::BLANK
};

fn scan(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let cursor = cursor(args.bytes()?)?;
    let filter = Filter::parse(args, Kinds::Any)?;
    let now = cx.now;
    let (mut keys, mut due) = (Vec::new(), Vec::new());
    let next = cx.db.scan(SlotPosition(cursor), filter.count, |entry| {
        if filter.admits_name(entry.key()) {
            match entry.expiry() {
                Some(at) if at < now => due.push(Box::from(entry.key())),
                _ if filter.admits_kind(entry) => keys.push(Box::from(entry.key())),
                _ => {}
            }
        }
    });
    for key in due {
        let key: Box<[u8]> = key;
        let located = cx.db.key(&key);
        // Deletes the key, unless it may not lapse here or was set anew in between.
        let shown = cx.visit_key(&located, |db| {
            db.peek(&located)
                .is_some_and(|entry| filter.admits_kind(&entry))
        });
        if shown {
            keys.push(key);
        }
    }
    Ok(reply_page(&mut cx.reply, next.0, &keys))
}

/// Replies with some elements, and the cursor to go on with.
pub(crate) fn reply_page(reply: &mut Reply<'_>, next: u64, elements: &[Box<[u8]>]) -> Done {
    let mut page = reply.array(2);
    page.bulk(&number::text_u64(next));
    let _all = page.element().bulks(elements.iter());
    page.done()
}

/// Walks over a collection from a cursor on, by steps that each return where the next one begins,
/// until `count` elements were seen. Returns the cursor to go on with. `step` is given a position
/// and returns the next, and how many elements it came across.
pub(crate) fn walk(from: u64, count: usize, mut step: impl FnMut(u32) -> (u32, usize)) -> u64 {
    // A position of a collection has 32 bits; other cursors are no one's but the sender's.
    let (mut position, mut seen, mut steps) = (from as u32, 0, 0_usize);
    loop {
        let (next, visited) = step(position);
        (position, seen, steps) = (next, seen + visited, steps + 1);
        // As over keys, a sparse table is given up on after ten times as many buckets.
        if position == 0 || seen >= count || steps >= count.saturating_mul(10) {
            return u64::from(position);
        }
    }
}

/// Reads a cursor, of which clients expect C's `strtoul`: a sign is allowed, and a negative number
/// wraps around.
pub(crate) fn cursor(word: &[u8]) -> Result<u64, Error> {
    let invalid = || Error::text("ERR invalid cursor");
    let text = word.split(|&byte| byte == 0).next().unwrap_or_default();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() && !text.is_empty() {
        return Err(invalid());
    }
    let magnitude = digits.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    });
    let magnitude = magnitude.ok_or_else(invalid)?;
    Ok(if negative {
        magnitude.wrapping_neg()
    } else {
        magnitude
    })
}

/// Whether elements are of several kinds, of which a call may choose one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    Any,
    One,
}

/// Which elements a call returns, and about how many it looks at.
pub(crate) struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    pub count: usize,
}

impl<'a> Filter<'a> {
    pub fn parse(args: &mut Args<'a>, kinds: Kinds) -> Result<Filter<'a>, Error> {
        let mut filter = Filter {
            pattern: None,
            kind: None,
            count: 10,
        };
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"COUNT" if !args.is_empty() => {
                    let count = args.integer_within(1, i64::MAX, Error::Syntax)?;
                    filter.count = usize::try_from(count).unwrap_or(usize::MAX);
                }
                b"MATCH" => filter.pattern = Some(args.bytes()?),
                b"TYPE" if kinds == Kinds::Any => filter.kind = Some(args.bytes()?),
                _ => return Err(Error::Syntax),
            }
        }
        Ok(filter)
    }

    pub fn admits_name(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| glob::is_all(pattern) || glob::matches(pattern, name, false))
    }

    /// A type that does not exist admits nothing.
    fn admits_kind(&self, entry: &Entry) -> bool {
        self.kind
            .is_none_or(|kind| kind.eq_ignore_ascii_case(entry.kind().name().as_bytes()))
    }
}

#[cfg(test)]
mod tests;
