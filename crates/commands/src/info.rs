//! `INFO`.

use engine::command::Flags;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Family};

pub(crate) static INFOS: Family = Family {
    name: "server",
    commands: &[&INFO],
};

pub(crate) static INFO: Command = Command {
    name: "info",
    syntax: "[section [section ...]]",
    summary: "Returns the server's figures, section by section.",
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::WALKS),
    acl: Acl::DANGEROUS,
    handler: info,
    history: &[(
        "7.0.0",
        "Added support for taking multiple section arguments.",
    )],
    tips: &[
        "nondeterministic_output",
        "request_policy:all_shards",
        "response_policy:special",
    ],
    ..Command::BLANK
};

fn info(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let text = engine::info::text(cx, args.rest());
    Ok(match cx.config.sentinel.is_on {
        // A Sentinel of Redis does not say that it is text.
        true => cx.reply.bulk(text.as_bytes()),
        false => cx.reply.verbatim(text.as_bytes()),
    })
}

#[cfg(test)]
mod tests;
