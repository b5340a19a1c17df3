//! Elements found by what they are.

use datatypes::list::End;
use datatypes::{Collection, List, Text};
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};

use super::{event, limits};

pub(super) static LINSERT: Command = Command {
    name: "linsert",
    syntax: "key <BEFORE | AFTER> pivot element",
    summary: "Inserts an element beside another one of a list.",
    since: "2.2.0",
    complexity: "O(N), N being the number of elements before the one that is looked for",
    arity: Arity::Exactly(5),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RW.and(Access::INSERT))],
    handler: linsert,
    ..Command::BLANK
};

fn linsert(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let side = match args.keyword().as_ref().map(|word| word.as_bytes()) {
        Some(b"BEFORE") => End::Head,
        Some(b"AFTER") => End::Tail,
        _ => return Err(Error::Syntax),
    };
    let (pivot, element) = (Text::Bytes(args.bytes()?), Text::Bytes(args.bytes()?));
    let limits = limits(cx);
    let len = cx.edit(&key, event("linsert"), |list: &mut List, _| {
        let inserted = list.insert(pivot, side, element, &limits);
        let len = if inserted { list.len() as i64 } else { -1 };
        Ok((u64::from(inserted), len))
    })?;
    Ok(cx.reply.integer(len.unwrap_or(0)))
}

pub(super) static LREM: Command = Command {
    name: "lrem",
    syntax: "key count element",
    summary: "Removes elements that are equal to one, from the tail on if the count is negative.",
    since: "1.0.0",
    complexity: "O(N), N being the length of the list",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RW.and(Access::DELETE))],
    handler: lrem,
    ..Command::BLANK
};

fn lrem(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, count, element) = (args.key()?, args.integer()?, args.bytes()?);
    let (max, from) = match count {
        0 => (usize::MAX, End::Head),
        1.. => (count as usize, End::Head),
        _ => (count.unsigned_abs() as usize, End::Tail),
    };
    let limits = limits(cx);
    let removed = cx.edit(&key, event("lrem"), |list: &mut List, _| {
        let removed = list.remove_equal(Text::Bytes(element), max, from, &limits);
        Ok((removed as u64, removed))
    })?;
    Ok(cx.reply.count(removed.unwrap_or(0)))
}

pub(super) static LPOS: Command = Command {
    name: "lpos",
    syntax: "key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
    summary: "Returns the index of an element of a list, or of all that are equal to it.",
    since: "6.0.6",
    complexity: "O(N), N being the number of elements looked at",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    acl: Acl::LIST,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: lpos,
    ..Command::BLANK
};

fn lpos(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (key, wanted) = (args.key()?, Text::Bytes(args.bytes()?).shortest());
    let search = Search::parse(args)?;
    let done = cx.view(&key, |list: &List, reply| match search.count {
        None => match search.matches(list, wanted).next() {
            Some(index) => reply.count(index),
            None => reply.null(),
        },
        Some(count) => {
            let max = if count == 0 { usize::MAX } else { count };
            reply.array_of_unknown_len(|reply| {
                let indexes = search.matches(list, wanted).take(max);
                let written = indexes.map(|index| reply.count(index));
                written.count()
            })
        }
    })?;
    Ok(done.unwrap_or_else(|| match search.count {
        None => cx.reply.null(),
        Some(_) => cx.reply.array(0).done(),
    }))
}

/// Which matches LPOS is to return.
struct Search {
    /// The first match of these to count, seen from where the search begins.
    rank: usize,
    from: End,
    /// How many matches, 0 for all; without it, the first alone.
    count: Option<usize>,
    /// How many elements to look at.
    len_max: usize,
}

impl Search {
    fn parse(args: &mut Args<'_>) -> Result<Search, Error> {
        let mut search = Search {
            rank: 1,
            from: End::Head,
            count: None,
            len_max: usize::MAX,
        };
        while let Some(word) = args.keyword() {
            let missing = args.is_empty();
            match word.as_bytes() {
                b"RANK" if !missing => search.set_rank(args.integer()?)?,
                b"COUNT" if !missing => {
                    search.count = Some(not_negative(args, "ERR COUNT can't be negative")?);
                }
                b"MAXLEN" if !missing => {
                    let len = not_negative(args, "ERR MAXLEN can't be negative")?;
                    search.len_max = if len == 0 { usize::MAX } else { len };
                }
                _ => return Err(Error::Syntax),
            }
        }
        Ok(search)
    }

    fn set_rank(&mut self, rank: i64) -> Result<(), Error> {
        (self.rank, self.from) = match rank {
            0 => {
                return Err(Error::text(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the \
                     second ... or use negative to start from the end of the list",
                ));
            }
            1.. => (rank as usize, End::Head),
            // The number without a positive counterpart asks for the last match.
            i64::MIN => (1, End::Tail),
            _ => (rank.unsigned_abs() as usize, End::Tail),
        };
        Ok(())
    }

    /// The indexes of matches from the asked one on.
    fn matches<'l>(&self, list: &'l List, wanted: Text<'l>) -> impl Iterator<Item = usize> + 'l {
        let last = list.len() - 1;
        let (first, towards) = match self.from {
            End::Head => (0, End::Tail),
            End::Tail => (last, End::Head),
        };
        let looked_at = list.walk(first, towards).take(self.len_max).enumerate();
        let matches = looked_at.filter(move |(_, text)| text.is_same(wanted));
        let index = move |(step, _): (usize, Text<'_>)| first.abs_diff(step);
        matches.map(index).skip(self.rank - 1)
    }
}

fn not_negative(args: &mut Args<'_>, otherwise: &'static str) -> Result<usize, Error> {
    match args.integer() {
        Ok(number @ 0..) => Ok(number as usize),
        _ => Err(Error::text(otherwise)),
    }
}
