//! Commands about the connection itself: who is there, who it is, how it speaks, and its end.

use engine::clients::ClientFlags;
use engine::command::Flags;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::DbIndex;
use resp::Protocol;

use crate::client::CLIENT;
pub(crate) use hello::HELLO;

mod credentials;
mod hello;

pub(crate) static CONNECTION: Family = Family {
    name: "connection",
    commands: &[&AUTH, &CLIENT, &ECHO, &HELLO, &PING, &QUIT, &RESET],
};

/// What every command is that works before the client has shown who it is.
const ANYONE: Flags = Flags::NO_SCRIPT
    .and(Flags::LOADING)
    .and(Flags::STALE)
    .and(Flags::FAST)
    .and(Flags::NO_AUTH)
    .and(Flags::ALLOW_BUSY);

pub(crate) static PING: Command = Command {
    name: "ping",
    syntax: "[message]",
    summary: "Answers, so that a client knows the server is there.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(1),
    flags: Flags::FAST
        .and(Flags::ALLOW_SUBSCRIBED)
        .and(Flags::TELLS_HEALTH),
    acl: Acl::CONNECTION,
    handler: ping,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Command::BLANK
};

fn ping(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    match args.rest() {
        [] | [_] if cx.session.only_listens() => {
            let message = args.rest().first().copied().unwrap_or_default();
            Ok(cx.reply.bulks([b"pong", message].iter()))
        }
        [] => Ok(cx.reply.simple("PONG")),
        [message] => Ok(cx.reply.bulk(message)),
        _ => Err(Error::Arity),
    }
}

static ECHO: Command = Command {
    name: "echo",
    syntax: "message",
    summary: "Sends a message back.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: Acl::CONNECTION,
    handler: echo,
    ..Command::BLANK
};

fn echo(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let message = args.bytes()?;
    Ok(cx.reply.bulk(message))
}

pub(crate) static AUTH: Command = Command {
    name: "auth",
    syntax: "[username] password",
    summary: "Shows by a password who the client is.",
    since: "1.0.0",
    complexity: "O(N) where N is the number of passwords defined for the user",
    arity: Arity::AtLeast(2),
    flags: ANYONE,
    acl: Acl::CONNECTION,
    handler: auth,
    history: &[("6.0.0", "Added ACL style (username and password).")],
    ..Command::BLANK
};

fn auth(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (user, password) = match *args.rest() {
        [password] => {
            cx.redact(1);
            if cx.engine.config.load().security.password.is_empty() {
                return Err(Error::text(
                    "ERR AUTH <password> called without any password configured for the default \
                     user. Are you sure your configuration is correct?",
                ));
            }
            (credentials::DEFAULT_USER.as_bytes(), password)
        }
        [user, password] => {
            cx.redact(1);
            cx.redact(2);
            (user, password)
        }
        _ => return Err(Error::Syntax),
    };
    let user = credentials::check(cx, user, password)?;
    cx.session.authenticate(user);
    Ok(cx.reply.ok())
}

static QUIT: Command = Command {
    name: "quit",
    summary: "Ends the connection.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(1),
    flags: ANYONE.and(Flags::NOT_QUEUED).and(Flags::ALLOW_SUBSCRIBED),
    acl: Acl::CONNECTION,
    handler: quit,
    ..Command::BLANK
};

fn quit(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.session.close_after_reply();
    Ok(cx.reply.ok())
}

static RESET: Command = Command {
    name: "reset",
    summary: "Makes the connection what it was when it began.",
    since: "6.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(1),
    flags: ANYONE
        .and(Flags::NOT_QUEUED)
        .and(Flags::TRANSACTION)
        .and(Flags::ALLOW_SUBSCRIBED),
    acl: Acl::CONNECTION,
    handler: reset,
    ..Command::BLANK
};

fn reset(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    if cx.session.transaction.is_some() {
        cx.discard()?;
    }
    cx.unwatch();
    cx.engine.monitors.remove(&cx.session.client);
    cx.engine.pubsub.leave(cx.session);
    let free = cx.engine.config.load().security.password.is_empty();
    cx.session.authenticate(credentials::DEFAULT_USER);
    cx.session.authenticated = free;
    cx.session.select(DbIndex(0));
    cx.session.set_name("");
    cx.session.replies = Default::default();
    cx.session.reads_replica = false;
    cx.session.asking = 0;
    cx.session.client.set(ClientFlags::READS_REPLICA, false);
    speak(cx, Protocol::Resp2);
    Ok(cx.reply.simple("RESET"))
}

/// Has the connection speak a version of the protocol from this reply on.
fn speak(cx: &mut Context<'_>, protocol: Protocol) {
    cx.session.set_protocol(protocol);
    cx.reply.set_protocol(protocol);
}

#[cfg(test)]
mod tests;
