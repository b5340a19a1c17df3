//! Members chosen by chance.

use datatypes::packed::PackedSet;
use datatypes::{Collection, Set};
use engine::command::{Flags, KeySpec};
use engine::reply::{Done, Reply};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Key;
use stdx::number::parse_i64;
use stdx::prng::Prng;

use crate::chance::{self, Wanted};
use crate::event;

pub(super) static SPOP: Command = Command {
    name: "spop",
    syntax: "key [count]",
    summary: "Takes one or several members out of a set, chosen by chance, and returns them.",
    since: "1.0.0",
    complexity: "O(1) without a count, else O(N) where N is the count.",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::SET,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::DELETE),
    )],
    handler: spop,
    tips: &["nondeterministic_output"],
    history: &[("3.2.0", "Added the `count` argument.")],
    ..Command::BLANK
};

fn spop(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    if args.len() > 1 {
        return Err(Error::Syntax);
    }
    if args.is_empty() {
        return pop_one(cx, &key);
    }
    let (count, mut random) = (count(args.bytes()?)?, chance::prng(cx));
    let popped = cx.edit(&key, event::SPOP, |set: &mut Set, _| {
        let members: Vec<Vec<u8>> = (0..count.min(set.len()))
            .filter_map(|_| set.pop(|below| random.below(below), |member| member.to_vec()))
            .collect();
        Ok((members.len() as u64, (members, set.is_empty())))
    })?;
    let (members, is_empty) = popped.unwrap_or_default();
    match &members[..] {
        [] => {}
        _ if is_empty => cx.effect(&[b"DEL", key.bytes]),
        members => {
            let mut words: Vec<&[u8]> = vec![b"SREM", key.bytes];
            words.extend(members.iter().map(Vec::as_slice));
            cx.effect(&words);
        }
    }
    let mut set = cx.reply.set(members.len());
    members.iter().for_each(|member| set.bulk(member));
    Ok(set.done())
}

fn pop_one(cx: &mut Context<'_>, key: &Key<'_>) -> CommandResult {
    let (logged, mut random) = (cx.is_logged(), chance::prng(cx));
    let popped = cx.edit(key, event::SPOP, |set: &mut Set, reply| {
        let popped = set.pop(
            |below| random.below(below),
            |member| {
                let copy = logged.then(|| member.to_vec());
                (member.with_bytes(|bytes| reply.bulk(bytes)), copy)
            },
        );
        Ok((1, popped.expect("a set that is there has members")))
    })?;
    let Some((done, member)) = popped else {
        return Ok(cx.reply.null());
    };
    if let Some(member) = member {
        cx.effect(&[b"SREM", key.bytes, &member]);
    }
    Ok(done)
}

/// A number of members to take out.
fn count(word: &[u8]) -> Result<usize, Error> {
    let count = parse_i64(word).and_then(|count| usize::try_from(count).ok());
    count.ok_or(Error::NotPositive)
}

pub(super) static SRANDMEMBER: Command = Command {
    name: "srandmember",
    syntax: "key [count]",
    summary: "Returns one or several members of a set, chosen by chance.",
    since: "1.0.0",
    complexity: "O(1) without a count, else O(N) where N is the absolute value of the count.",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    acl: Acl::SET,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: srandmember,
    tips: &["nondeterministic_output"],
    history: &[("2.6.0", "Added the optional `count` argument.")],
    ..Command::BLANK
};

fn srandmember(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    if args.len() > 1 {
        return Err(Error::Syntax);
    }
    let wanted = match args.is_empty() {
        true => None,
        false => Some(Wanted::parse(args)?),
    };
    let random = chance::prng(cx);
    let found = cx.view(&key, |set: &Set, reply| match wanted {
        None => reply_one(set, reply, random),
        Some(wanted) => reply_some(set, reply, wanted, random),
    })?;
    Ok(match (found, wanted) {
        (Some(done), _) => done,
        (None, None) => cx.reply.null(),
        (None, Some(_)) => cx.reply.array(0).done(),
    })
}

fn reply_one(set: &Set, reply: &mut Reply<'_>, mut random: Prng) -> Done {
    match set.sample(|below| random.below(below)) {
        Some(member) => member.with_bytes(|bytes| reply.bulk(bytes)),
        None => reply.null(),
    }
}

fn reply_some(set: &Set, reply: &mut Reply<'_>, wanted: Wanted, mut random: Prng) -> Done {
    let count = match wanted {
        Wanted::Repeated(count) => count as usize,
        Wanted::Different(count) => count.min(set.len()),
    };
    let mut array = reply.array(count);
    match wanted {
        Wanted::Repeated(count) => {
            for _ in 0..count {
                let member = set.sample(|below| random.below(below));
                let member = member.expect("a set that is there has members");
                member.with_bytes(|bytes| array.bulk(bytes));
            }
        }
        Wanted::Different(_) => match set {
            Set::Table(table) if chance::are_few(count, set.len()) => {
                let mut seen = PackedSet::new(table.seed());
                while seen.len() < count {
                    let item = table.sample(|below| random.below(below));
                    let member = item.expect("a set that is there has members").field;
                    if seen.insert(member) {
                        array.bulk(member);
                    }
                }
            }
            Set::Ints(_) | Set::Table(_) => {
                for member in chance::choose(set.iter(), set.len(), count, random) {
                    member.with_bytes(|bytes| array.bulk(bytes));
                }
            }
        },
    }
    array.done()
}
