//! Taking elements from the ends of lists.

use datatypes::list::{End, Limits};
use datatypes::{Collection, List};
use engine::command::{Flags, KeySpec};
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;
use stdx::number;

use super::{end, limits, popped, reply_text};

/// What LPOP and RPOP are.
const POPS: Command = Command {
    syntax: "key [count]",
    since: "1.0.0",
    complexity: "O(N), N being the number of elements returned",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::BRIEF),
    acl: Acl::LIST,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::DELETE),
    )],
    history: &[("6.2.0", "Added the `count` argument.")],
    ..Command::BLANK
};

pub(super) static LPOP: Command = Command {
    name: "lpop",
    summary: "Removes elements from the head of a list, and returns them.",
    handler: |cx, args| pop(cx, args, End::Head),
    ..POPS
};

pub(super) static RPOP: Command = Command {
    name: "rpop",
    summary: "Removes elements from the tail of a list, and returns them.",
    handler: |cx, args| pop(cx, args, End::Tail),
    ..POPS
};

fn pop(cx: &mut Context<'_>, args: &mut Args<'_>, end: End) -> CommandResult {
    let key = args.key()?;
    if args.is_empty() {
        let pop = |list: &mut List, reply: &mut Reply<'_>| Ok((1, pop_one(list, end, reply)));
        let done = cx.edit(&key, popped(end), pop)?;
        return Ok(done.unwrap_or_else(|| cx.reply.null()));
    }
    if args.len() > 1 {
        return Err(Error::Arity);
    }
    let count = match args.integer() {
        Ok(count @ 0..) => count as usize,
        _ => return Err(Error::NotPositive),
    };
    let limits = limits(cx);
    let pop = |list: &mut List, reply: &mut Reply<'_>| {
        let (popped, done) = pop_some(list, end, count, &limits, reply);
        Ok((popped as u64, done))
    };
    let done = cx.edit(&key, popped(end), pop)?;
    Ok(done.unwrap_or_else(|| cx.reply.null_array()))
}

/// Moves the element at an end of a list that has one to the reply.
pub(super) fn pop_one(list: &mut List, end: End, reply: &mut Reply<'_>) -> Done {
    let popped = list.pop(end, |text| reply_text(text, reply));
    popped.expect("a key's list has elements")
}

/// Moves up to `count` elements to the reply, as an array. Returns how many.
fn pop_some(
    list: &mut List,
    end: End,
    count: usize,
    limits: &Limits,
    reply: &mut Reply<'_>,
) -> (usize, Done) {
    let len = list.len();
    let count = count.min(len);
    let (first, start, towards) = match end {
        End::Head => (0, 0, End::Tail),
        End::Tail => (len - 1, len - count, End::Head),
    };
    let mut array = reply.array(count);
    for text in list.walk(first, towards).take(count) {
        text.with_bytes(|bytes| array.bulk(bytes));
    }
    let done = array.done();
    list.remove_range(start, count, limits);
    (count, done)
}

pub(super) static LMPOP: Command = Command {
    name: "lmpop",
    syntax: "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
    summary: "Removes elements from an end of the first list that has any, and returns them.",
    since: "7.0.0",
    complexity: "O(N+M), N being the number of keys and M that of the elements returned",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::MOVABLE_KEYS),
    acl: Acl::LIST,
    keys: &[KeySpec::counted(
        1,
        Access::RW.and(Access::ACCESS).and(Access::DELETE),
    )],
    handler: lmpop,
    ..Command::BLANK
};

fn lmpop(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let request = Request::parse(args)?;
    for key in &request.keys {
        if let Some(done) = pop_request(cx, key, &request)? {
            return Ok(done);
        }
    }
    Ok(cx.reply.null_array())
}

/// What LMPOP and BLMPOP are asked for.
pub(super) struct Request<'a> {
    pub keys: Vec<Key<'a>>,
    pub end: End,
    pub count: usize,
}

impl<'a> Request<'a> {
    pub fn parse(args: &mut Args<'a>) -> Result<Request<'a>, Error> {
        let too_few = Error::text("ERR numkeys should be greater than 0");
        let keys = positive(args, too_few)?;
        if keys >= args.len() {
            return Err(Error::Syntax);
        }
        let keys: Result<Vec<Key<'a>>, Error> = (0..keys).map(|_| args.key()).collect();
        let (keys, end) = (keys?, end(args)?);
        let mut count = None;
        while !args.is_empty() {
            if !args.accept(b"COUNT") || count.is_some() || args.is_empty() {
                return Err(Error::Syntax);
            }
            let too_small = Error::text("ERR count should be greater than 0");
            count = Some(positive(args, too_small)?);
        }
        Ok(Request {
            keys,
            end,
            count: count.unwrap_or(1),
        })
    }
}

fn positive(args: &mut Args<'_>, otherwise: Error) -> Result<usize, Error> {
    match args.integer() {
        Ok(number @ 1..) => Ok(number as usize),
        _ => Err(otherwise),
    }
}

/// Pops from one of the keys, if it holds a list: the reply names the key, the effect how many
/// elements there were.
pub(super) fn pop_request(
    cx: &mut Context<'_>,
    key: &Key<'_>,
    request: &Request<'_>,
) -> Result<Option<Done>, Error> {
    let (end, count, limits) = (request.end, request.count, limits(cx));
    let popped = cx.edit(key, popped(end), |list: &mut List, reply| {
        let mut pair = reply.array(2);
        pair.bulk(key.bytes);
        let (count, _) = pop_some(list, end, count, &limits, pair.element());
        Ok((count as u64, (count, pair.done())))
    })?;
    Ok(popped.map(|(count, done)| {
        cx.effect(&[name_of(end), key.bytes, &number::text(count as i64)]);
        done
    }))
}

/// The command that pops from an end.
pub(super) fn name_of(end: End) -> &'static [u8] {
    match end {
        End::Head => b"LPOP",
        End::Tail => b"RPOP",
    }
}
