//! `SLOWLOG`: the last commands that took long.

use engine::command::Flags;
use engine::slowlog::SlowCommand;
use engine::{Args, Arity, Command, CommandResult, Context, Error};
use stdx::number::parse_i64;

use crate::client::unknown_form;
use crate::help;

pub(crate) static SLOWLOG: Command = Command {
    name: "slowlog",
    summary: "Looks after the log of slow commands.",
    since: "2.2.12",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    ..Command::BLANK
};

const COMMON: Flags = Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE);

/// How many commands are shown unless the client says.
const SHOWN: usize = 10;

static GET: Command = Command {
    name: "get",
    syntax: "[count]",
    summary: "Shows the latest slow commands: 10 of them, or as many as asked for, or all for -1.",
    since: "2.2.12",
    complexity: "O(N) where N is the number of entries returned",
    arity: Arity::AtLeast(2),
    flags: COMMON,
    handler: get,
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    history: &[(
        "4.0.0",
        "Added client IP address, port and name to the reply.",
    )],
    ..Command::BLANK
};

fn get(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let count = match *args.rest() {
        [] => SHOWN,
        [count] => match parse_i64(count) {
            Some(-1) => usize::MAX,
            Some(count @ 0..) => count as usize,
            _ => {
                let text = "ERR count should be greater than or equal to -1";
                return Err(Error::text(text));
            }
        },
        _ => return Err(unknown_form("SLOWLOG", args.words()[1])),
    };
    let commands = cx.engine.slowlog.latest(count);
    let mut array = cx.reply.array(commands.len());
    for command in &commands {
        let mut fields = array.element().array(6);
        show(command, &mut fields);
        let _command = fields.done();
    }
    Ok(array.done())
}

fn show(command: &SlowCommand, fields: &mut engine::reply::Elements<'_, '_>) {
    fields.integer(command.id);
    fields.integer(command.at);
    fields.integer(command.micros);
    let _words = fields.element().bulks(command.words.iter());
    fields.bulk(command.addr.as_bytes());
    fields.bulk(command.name.as_bytes());
}

static LEN: Command = Command {
    name: "len",
    summary: "Counts the slow commands that are kept.",
    since: "2.2.12",
    arity: Arity::Exactly(2),
    flags: COMMON,
    handler: len,
    tips: &[
        "request_policy:all_nodes",
        "response_policy:agg_sum",
        "nondeterministic_output",
    ],
    ..Command::BLANK
};

fn len(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let len = cx.engine.slowlog.len();
    Ok(cx.reply.count(len))
}

static RESET: Command = Command {
    name: "reset",
    summary: "Forgets all slow commands.",
    since: "2.2.12",
    complexity: "O(N) where N is the number of entries in the slowlog",
    arity: Arity::Exactly(2),
    flags: COMMON,
    handler: reset,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::BLANK
};

fn reset(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.engine.slowlog.reset();
    Ok(cx.reply.ok())
}

static HELP: Command = Command {
    name: "help",
    summary: "Shows the subcommands.",
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    handler: help,
    ..Command::BLANK
};

fn help(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    help::subcommands(cx)
}

#[cfg(test)]
mod tests;
