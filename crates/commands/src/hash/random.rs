//! Fields chosen by chance.

use datatypes::packed::PackedSet;
use datatypes::{Collection, Hash, Text};
use engine::command::{Flags, KeySpec};
use engine::reply::{Done, Elements, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use resp::Protocol;
use stdx::prng::Prng;

use crate::chance::{self, Wanted};

pub(super) static HRANDFIELD: Command = Command {
    name: "hrandfield",
    syntax: "key [count [WITHVALUES]]",
    summary: "Returns one or several fields of a hash, chosen by chance.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of fields returned",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    acl: Acl::HASH,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: hrandfield,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn hrandfield(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let random = chance::prng(cx);
    if args.is_empty() {
        let found = cx.view(&key, |hash: &Hash, reply| reply_one(hash, reply, random))?;
        return Ok(found.unwrap_or_else(|| cx.reply.null()));
    }
    let wanted = Wanted::parse(args)?;
    let with_values = parse_with_values(args, wanted)?;
    let shape = match (with_values, cx.reply.protocol()) {
        (false, _) => Shape::Fields,
        (true, Protocol::Resp2) => Shape::Flat,
        (true, Protocol::Resp3) => Shape::Pairs,
    };
    let found = cx.view(&key, |hash: &Hash, reply| {
        reply_some(hash, reply, shape, wanted, random)
    })?;
    Ok(found.unwrap_or_else(|| cx.reply.array(0).done()))
}

fn parse_with_values(args: &mut Args<'_>, wanted: Wanted) -> Result<bool, Error> {
    if args.is_empty() {
        return Ok(false);
    }
    if !args.accept(b"WITHVALUES") || !args.is_empty() {
        return Err(Error::Syntax);
    }
    // Fields and values together must be countable.
    if wanted.count() > i64::MAX as u64 / 2 {
        return Err(Error::text("ERR value is out of range"));
    }
    Ok(true)
}

/// How chosen fields are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Fields,
    /// Field, value, field, value.
    Flat,
    Pairs,
}

impl Shape {
    fn announce<'r, 'a>(self, reply: &'r mut Reply<'a>, fields: usize) -> Elements<'r, 'a> {
        reply.array(match self {
            Shape::Fields | Shape::Pairs => fields,
            Shape::Flat => fields * 2,
        })
    }

    fn write(self, array: &mut Elements<'_, '_>, field: Text<'_>, value: Text<'_>) {
        match self {
            Shape::Fields => field.with_bytes(|bytes| array.bulk(bytes)),
            Shape::Flat => {
                field.with_bytes(|bytes| array.bulk(bytes));
                value.with_bytes(|bytes| array.bulk(bytes));
            }
            Shape::Pairs => {
                let mut pair = array.element().array(2);
                field.with_bytes(|bytes| pair.bulk(bytes));
                value.with_bytes(|bytes| pair.bulk(bytes));
                let _pair = pair.done();
            }
        }
    }
}

fn reply_one(hash: &Hash, reply: &mut Reply<'_>, mut random: Prng) -> Done {
    match hash.sample(|below| random.below(below)) {
        Some((field, _)) => field.with_bytes(|bytes| reply.bulk(bytes)),
        None => reply.null(),
    }
}

fn reply_some(
    hash: &Hash,
    reply: &mut Reply<'_>,
    shape: Shape,
    wanted: Wanted,
    mut random: Prng,
) -> Done {
    let count = match wanted {
        Wanted::Repeated(count) => count as usize,
        Wanted::Different(count) => count.min(hash.len()),
    };
    let mut array = shape.announce(reply, count);
    match (wanted, hash) {
        (Wanted::Repeated(count), _) => {
            for _ in 0..count {
                if array.is_full() {
                    break;
                }
                let pair = hash.sample(|below| random.below(below));
                let (field, value) = pair.expect("a hash that is there has fields");
                shape.write(&mut array, field, value);
            }
        }
        (Wanted::Different(_), Hash::Table(table)) if chance::are_few(count, hash.len()) => {
            let mut seen = PackedSet::new(table.seed());
            while seen.len() < count {
                let item = table.sample(|below| random.below(below));
                let item = item.expect("a hash that is there has fields");
                if seen.insert(item.field) {
                    let (field, value) = (Text::Bytes(item.field), Text::Bytes(item.value));
                    shape.write(&mut array, field, value);
                }
            }
        }
        (Wanted::Different(_), Hash::Pairs(_) | Hash::Table(_)) => {
            let chosen = chance::choose(hash.iter(), hash.len(), count, random);
            chosen.for_each(|(field, value)| shape.write(&mut array, field, value));
        }
    }
    array.done()
}
