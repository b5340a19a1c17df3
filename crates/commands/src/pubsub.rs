//! Publish and subscribe.

use engine::command::{Flags, KeySpec};
use engine::host::BusMessage;
use engine::pubsub::Scope;
use engine::reply::Done;
use engine::{Access, Args, Arity, Command, CommandResult, Context, Family};

mod looking;

use looking::PUBSUB;

pub(crate) static PUBLISH_AND_SUBSCRIBE: Family = Family {
    name: "pubsub",
    commands: &[
        &PSUBSCRIBE,
        &PUBLISH,
        &PUBSUB,
        &PUNSUBSCRIBE,
        &SPUBLISH,
        &SSUBSCRIBE,
        &SUBSCRIBE,
        &SUNSUBSCRIBE,
        &UNSUBSCRIBE,
    ],
};

/// What everything here is.
const OPEN: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE);

/// What the commands about a session's own subscriptions are.
const OWN: Command = Command {
    flags: OPEN
        .and(Flags::NO_SCRIPT)
        .and(Flags::ALLOW_SUBSCRIBED)
        .and(Flags::PUSHES),
    ..Command::BLANK
};

/// A shard channel: it has a slot like a key, though it is none.
const SHARD_CHANNELS: KeySpec = KeySpec::from(1, Access::NOT_KEY);

pub(crate) static SUBSCRIBE: Command = Command {
    name: "subscribe",
    syntax: "channel [channel ...]",
    summary: "Has the client receive what is published to channels.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of channels",
    arity: Arity::AtLeast(2),
    handler: |cx, args| subscribe(cx, args, Scope::Channel),
    ..OWN
};

pub(crate) static PSUBSCRIBE: Command = Command {
    name: "psubscribe",
    syntax: "pattern [pattern ...]",
    summary: "Has the client receive what is published to channels that match patterns.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of patterns the client has subscribed to",
    arity: Arity::AtLeast(2),
    handler: |cx, args| subscribe(cx, args, Scope::Pattern),
    ..OWN
};

static SSUBSCRIBE: Command = Command {
    name: "ssubscribe",
    syntax: "shardchannel [shardchannel ...]",
    summary: "Has the client receive what is published to shard channels.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of shard channels",
    arity: Arity::AtLeast(2),
    keys: &[SHARD_CHANNELS],
    handler: |cx, args| subscribe(cx, args, Scope::ShardChannel),
    ..OWN
};

fn subscribe(cx: &mut Context<'_>, args: &mut Args<'_>, scope: Scope) -> CommandResult {
    let mut done = cx.reply.nothing();
    for name in args.rest() {
        cx.engine.pubsub.subscribe(cx.session, scope, name);
        done = announce(cx, scope, scope.subscribed(), Some(name));
    }
    Ok(done)
}

pub(crate) static UNSUBSCRIBE: Command = Command {
    name: "unsubscribe",
    syntax: "[channel ...]",
    summary: "Ends the client's subscriptions to channels; without a name, to all.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of channels",
    arity: Arity::AtLeast(1),
    handler: |cx, args| unsubscribe(cx, args, Scope::Channel),
    ..OWN
};

pub(crate) static PUNSUBSCRIBE: Command = Command {
    name: "punsubscribe",
    syntax: "[pattern ...]",
    summary: "Ends the client's subscriptions to patterns; without a name, to all.",
    since: "2.0.0",
    complexity: "O(N) where N is the number of patterns the client has subscribed to",
    arity: Arity::AtLeast(1),
    handler: |cx, args| unsubscribe(cx, args, Scope::Pattern),
    ..OWN
};

static SUNSUBSCRIBE: Command = Command {
    name: "sunsubscribe",
    syntax: "[shardchannel ...]",
    summary: "Ends the client's subscriptions to shard channels; without a name, to all.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of shard channels",
    arity: Arity::AtLeast(1),
    keys: &[SHARD_CHANNELS],
    handler: |cx, args| unsubscribe(cx, args, Scope::ShardChannel),
    ..OWN
};

fn unsubscribe(cx: &mut Context<'_>, args: &mut Args<'_>, scope: Scope) -> CommandResult {
    let all: Vec<Box<[u8]>> = match args.is_empty() {
        true => cx
            .session
            .subscriptions
            .iter()
            .flat_map(|own| own.of(scope))
            .cloned()
            .collect(),
        false => args.rest().iter().map(|&name| name.into()).collect(),
    };
    if all.is_empty() {
        return Ok(announce(cx, scope, scope.unsubscribed(), None));
    }
    let mut done = cx.reply.nothing();
    for name in &all {
        cx.engine.pubsub.unsubscribe(cx.session, scope, name);
        done = announce(cx, scope, scope.unsubscribed(), Some(name));
    }
    Ok(done)
}

/// Tells the client of one subscription that began or ended, and how many there are now.
fn announce(cx: &mut Context<'_>, scope: Scope, what: &str, name: Option<&[u8]>) -> Done {
    let own = cx.session.subscriptions.as_deref();
    let count = own.map_or(0, |own| own.count_beside(scope));
    let mut push = cx.reply.push(3);
    push.bulk(what.as_bytes());
    match name {
        Some(name) => push.bulk(name),
        None => push.null(),
    }
    push.integer(count as i64);
    push.done()
}

/// What the commands that publish are.
const PUBLISHES: Command = Command {
    arity: Arity::Exactly(3),
    flags: OPEN.and(Flags::FAST).and(Flags::MAY_REPLICATE),
    ..Command::BLANK
};

static PUBLISH: Command = Command {
    name: "publish",
    syntax: "channel message",
    summary: "Sends a message to all who subscribed to a channel.",
    since: "2.0.0",
    complexity: "O(N+M) where N is the number of the channel's subscribers and M the number of \
                 patterns anybody subscribed to",
    handler: |cx, args| {
        publish(cx, args, false, |cx, channel, message| {
            let wakes = &mut cx.worker.wakes;
            cx.engine.publish(cx.config, wakes, channel, message)
        })
    },
    ..PUBLISHES
};

static SPUBLISH: Command = Command {
    name: "spublish",
    syntax: "shardchannel message",
    summary: "Sends a message to all who subscribed to a shard channel.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of the shard channel's subscribers",
    keys: &[KeySpec::at(1, Access::NOT_KEY)],
    handler: |cx, args| {
        publish(cx, args, true, |cx, channel, message| {
            let wakes = &mut cx.worker.wakes;
            cx.engine
                .publish_in_shard(cx.config, wakes, channel, message)
        })
    },
    ..PUBLISHES
};

fn publish(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    sharded: bool,
    send: fn(&mut Context<'_>, &[u8], &[u8]) -> usize,
) -> CommandResult {
    let &[channel, message] = args.rest() else {
        return Err(engine::Error::Arity);
    };
    match cx.engine.cluster.is_on() {
        // The bus reaches replicas, too.
        true => cx.engine.host.publish_on_bus(
            cx.engine,
            BusMessage {
                channel,
                message,
                sharded,
            },
        ),
        false => cx.effect_for_replicas(args.words()),
    }
    let received = send(cx, channel, message);
    Ok(cx.reply.count(received))
}

#[cfg(test)]
mod tests;
