//! Sentinel: the few commands it answers, and `SENTINEL` itself.
//!
//! A Sentinel is a server without data. What concerns clients and the table is the server's own;
//! `PUBLISH` and `ROLE` are others, for a Sentinel has no channels and no role.

use ::sentinel::HELLO_CHANNEL;
use engine::command::Flags;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error, Family};

use crate::client::CLIENT;
use crate::command::COMMAND;
use crate::connection::{AUTH, HELLO, PING};
use crate::info::INFO;
use crate::pubsub::{PSUBSCRIBE, PUNSUBSCRIBE, SUBSCRIBE, UNSUBSCRIBE};
use crate::server::SHUTDOWN;
use family::SENTINEL;

mod family;

/// Every family of a Sentinel's commands.
pub(crate) const FAMILIES: &[&Family] = &[
    &Family {
        name: "connection",
        commands: &[&AUTH, &CLIENT, &HELLO, &PING],
    },
    &Family {
        name: "server",
        commands: &[&COMMAND, &INFO, &ROLE, &SHUTDOWN],
    },
    &Family {
        name: "pubsub",
        commands: &[
            &PSUBSCRIBE,
            &PUBLISH,
            &PUNSUBSCRIBE,
            &SUBSCRIBE,
            &UNSUBSCRIBE,
        ],
    },
    &Family {
        name: "sentinel",
        commands: &[&SENTINEL],
    },
];

static ROLE: Command = Command {
    name: "role",
    summary: "Tells which masters this Sentinel watches.",
    since: "2.8.12",
    arity: Arity::Exactly(1),
    flags: Flags::NO_SCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST),
    acl: Acl::ADMIN.and(Acl::DANGEROUS),
    handler: role,
    ..Command::BLANK
};

fn role(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let mut names = Vec::new();
    if let Some(watcher) = cx.engine.host.watcher() {
        watcher.look(cx.engine, &mut |machine, _| {
            names.extend(machine.masters().map(str::to_owned));
        });
    }
    let mut array = cx.reply.array(2);
    array.bulk(b"sentinel");
    let _names = array.element().bulks(names.iter());
    Ok(array.done())
}

static PUBLISH: Command = Command {
    name: "publish",
    syntax: "channel message",
    summary: "Tells this Sentinel of another.",
    since: "2.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    flags: Flags::PUBSUB
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::MAY_REPLICATE),
    handler: publish,
    ..Command::BLANK
};

fn publish(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (channel, message) = (args.bytes()?, args.bytes()?);
    if channel != HELLO_CHANNEL.as_bytes() {
        let text = "ERR Only HELLO messages are accepted by Sentinel instances.";
        return Err(Error::text(text));
    }
    if let Some(watcher) = cx.engine.host.watcher() {
        watcher.hear(cx.engine, message);
    }
    Ok(cx.reply.integer(1))
}

#[cfg(test)]
mod tests;
