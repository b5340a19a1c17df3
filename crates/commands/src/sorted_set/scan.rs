//! `ZSCAN`: the members of a sorted set, some at a time.

use datatypes::SortedSet;
use datatypes::sorted_set::integer;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::{float, number};

use crate::scan::{self, Filter, Kinds};

pub(super) static ZSCAN: Command = Command {
    name: "zscan",
    syntax: "key cursor [MATCH pattern] [COUNT count]",
    summary: "Returns some of a sorted set's members with their scores, and the cursor to go on \
              with.",
    since: "2.8.0",
    complexity: "O(1) for a call with the usual COUNT, O(N) for all calls until the cursor is 0 \
                 again, where N is the number of members",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    acl: Acl::SORTEDSET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: zscan,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn zscan(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, cursor) = (args.key()?, scan::cursor(args.bytes()?)?);
    let page = cx.view(&key, |set: &SortedSet, reply| {
        // A key that is not there hides a mistake in the options.
        let filter = Filter::parse(args, Kinds::One)?;
        let mut found: Vec<Box<[u8]>> = Vec::new();
        let is_small = set.listpack().is_some();
        let next = scan::walk(cursor, filter.count, |position| {
            let mut seen = 0;
            let next = set.scan(position, |member, score| {
                seen += 1;
                member.with_bytes(|bytes| {
                    if filter.admits_name(bytes) {
                        found.push(bytes.into());
                        found.push(score_text(score, is_small));
                    }
                });
            });
            (next, seen)
        });
        Ok::<_, Error>(scan::reply_page(reply, next, &found))
    })?;
    page.unwrap_or_else(|| Ok(scan::reply_page(&mut cx.reply, 0, &[])))
}

/// A score as the walk shows it: that of a small set as its listpack has it, where integers have
/// all their digits.
fn score_text(score: f64, is_small: bool) -> Box<[u8]> {
    match integer(score) {
        Some(integer) if is_small => Box::from(&*number::text(integer)),
        _ => Box::from(&*float::text(score)),
    }
}
