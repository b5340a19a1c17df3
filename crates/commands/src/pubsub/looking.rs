//! `PUBSUB`: who listens to what.

use engine::command::Flags;
use engine::pubsub::Scope;
use engine::{Args, Arity, Command, CommandResult, Context};

use super::OPEN;
use crate::client::unknown_form;
use crate::help;

pub(super) static PUBSUB: Command = Command {
    name: "pubsub",
    summary: "Looks who listens to what.",
    since: "2.8.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[
        &CHANNELS,
        &HELP,
        &NUMPAT,
        &NUMSUB,
        &SHARDCHANNELS,
        &SHARDNUMSUB,
    ],
    ..Command::BLANK
};

static CHANNELS: Command = Command {
    name: "channels",
    syntax: "[pattern]",
    summary: "Shows the channels that somebody subscribed to.",
    since: "2.8.0",
    complexity: "O(N) where N is the number of such channels",
    arity: Arity::AtLeast(2),
    flags: OPEN,
    handler: |cx, args| names(cx, args, Scope::Channel),
    ..Command::BLANK
};

static SHARDCHANNELS: Command = Command {
    name: "shardchannels",
    syntax: "[pattern]",
    summary: "Shows the shard channels that somebody subscribed to.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of such shard channels",
    arity: Arity::AtLeast(2),
    flags: OPEN,
    handler: |cx, args| names(cx, args, Scope::ShardChannel),
    ..Command::BLANK
};

fn names(cx: &mut Context<'_>, args: &mut Args<'_>, scope: Scope) -> CommandResult {
    let pattern = match *args.rest() {
        [] => None,
        [pattern] => Some(pattern),
        _ => return Err(unknown_form("PUBSUB", args.words()[1])),
    };
    let names = cx.engine.pubsub.names(scope, pattern);
    Ok(cx.reply.bulks(names.iter()))
}

static NUMSUB: Command = Command {
    name: "numsub",
    syntax: "[channel ...]",
    summary: "Counts the subscribers of channels, those of patterns apart.",
    since: "2.8.0",
    complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    arity: Arity::AtLeast(2),
    flags: OPEN,
    handler: |cx, args| subscribers(cx, args, Scope::Channel),
    ..Command::BLANK
};

static SHARDNUMSUB: Command = Command {
    name: "shardnumsub",
    syntax: "[shardchannel ...]",
    summary: "Counts the subscribers of shard channels.",
    since: "7.0.0",
    complexity: "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard \
                 channels",
    arity: Arity::AtLeast(2),
    flags: OPEN,
    handler: |cx, args| subscribers(cx, args, Scope::ShardChannel),
    ..Command::BLANK
};

fn subscribers(cx: &mut Context<'_>, args: &mut Args<'_>, scope: Scope) -> CommandResult {
    let mut counts = cx.reply.array(args.len() * 2);
    for name in args.rest() {
        counts.bulk(name);
        counts.integer(cx.engine.pubsub.subscribers(scope, name) as i64);
    }
    Ok(counts.done())
}

static NUMPAT: Command = Command {
    name: "numpat",
    summary: "Counts the patterns that somebody subscribed to.",
    since: "2.8.0",
    arity: Arity::Exactly(2),
    flags: OPEN,
    handler: |cx, _| {
        let patterns = cx.engine.pubsub.count(Scope::Pattern);
        Ok(cx.reply.count(patterns))
    },
    ..Command::BLANK
};

static HELP: Command = Command {
    name: "help",
    summary: "Shows what can be asked.",
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    handler: |cx, _| help::subcommands(cx),
    ..Command::BLANK
};
