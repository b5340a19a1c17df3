//! Commands about the connection itself.

use engine::command::Flags;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error, Family};

pub(crate) static CONNECTION: Family = Family {
    name: "connection",
    commands: &[&PING],
};

static PING: Command = Command {
    name: "ping",
    syntax: "[message]",
    summary: "Answers, so that a client knows the server is there.",
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(1),
    flags: Flags::FAST,
    acl: Acl::CONNECTION,
    handler: ping,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..Command::BLANK
};

fn ping(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    match args.rest() {
        [] => Ok(cx.reply.simple("PONG")),
        [message] => Ok(cx.reply.bulk(message)),
        _ => Err(Error::Arity),
    }
}
