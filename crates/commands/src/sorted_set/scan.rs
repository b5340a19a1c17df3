//! `ZSCAN`: the members of a sorted set, some at a time.

use datatypes::SortedSet;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::{float, glob, number};

use crate::scan::cursor;

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
    let (key, cursor) = (args.key()?, cursor(args.bytes()?)?);
    // Options are read only if there is something to scan.
    let page = cx.view(&key, |set: &SortedSet, _| {
        Ok::<Page, Error>(Filter::parse(args)?.page(set, cursor))
    })?;
    let page = page.transpose()?.unwrap_or_default();
    let mut reply = cx.reply.array(2);
    reply.bulk(&number::text_u64(page.next));
    let mut members = reply.element().array(page.members.len() * 2);
    for (member, score) in &page.members {
        members.bulk(member);
        members.bulk(&float::text(*score));
    }
    let _members = members.done();
    Ok(reply.done())
}

/// What one call returns.
#[derive(Default)]
struct Page {
    next: u64,
    members: Vec<(Vec<u8>, f64)>,
}

/// Which members a call returns, and about how many it looks at.
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
}

impl<'a> Filter<'a> {
    fn parse(args: &mut Args<'a>) -> Result<Filter<'a>, Error> {
        let mut filter = Filter {
            pattern: None,
            count: 10,
        };
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"COUNT" if !args.is_empty() => {
                    let count = args.integer_within(1, i64::MAX, Error::Syntax)?;
                    filter.count = usize::try_from(count).unwrap_or(usize::MAX);
                }
                b"MATCH" => filter.pattern = Some(args.bytes()?),
                _ => return Err(Error::Syntax),
            }
        }
        Ok(filter)
    }

    fn page(&self, set: &SortedSet, cursor: u64) -> Page {
        let mut page = Page::default();
        // The positions of a small set differ in their first bits only: reversed, they are short.
        let (mut position, mut seen) = (cursor.reverse_bits(), 0);
        loop {
            position = set.scan(position, |member, score| {
                seen += 1;
                let admitted =
                    |pattern| member.with_bytes(|text| glob::matches(pattern, text, false));
                if self.pattern.is_none_or(admitted) {
                    page.members.push((member.to_vec(), score));
                }
            });
            if position == 0 || seen >= self.count {
                break;
            }
        }
        page.next = position.reverse_bits();
        page
    }
}
