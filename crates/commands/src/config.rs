//! `CONFIG`: directives read and changed while the server runs.

use config::{Config, Permit, Policy, SetError};
use engine::command::Flags;
use engine::host::RewriteError;
use engine::session::Session;
use engine::{Args, Arity, Command, CommandResult, Context, Error};

use crate::help;

pub(crate) static CONFIG: Command = Command {
    name: "config",
    summary: "Reads and changes the configuration.",
    since: "2.0.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[&GET, &HELP, &RESETSTAT, &REWRITE, &SET],
    ..Command::BLANK
};

const COMMON: Flags = Flags::ADMIN
    .and(Flags::NO_SCRIPT)
    .and(Flags::LOADING)
    .and(Flags::STALE);

static GET: Command = Command {
    name: "get",
    syntax: "<parameter> [<parameter> ...]",
    summary: "Returns the values of directives by name or pattern.",
    since: "2.0.0",
    complexity: "O(N) when N is the number of configuration parameters provided",
    arity: Arity::AtLeast(3),
    flags: COMMON,
    handler: get,
    history: &[(
        "7.0.0",
        "Added the ability to pass multiple pattern parameters in one call",
    )],
    ..Command::BLANK
};

fn get(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let found = cx.engine.config.load().get(args.rest());
    let mut map = cx.reply.map(found.len());
    for (name, value) in found {
        map.bulk(name.as_bytes());
        map.bulk(&value);
    }
    Ok(map.done())
}

static SET: Command = Command {
    name: "set",
    syntax: "<parameter value> [<parameter value> ...]",
    summary: "Changes directives, all or none.",
    since: "2.0.0",
    complexity: "O(N) when N is the number of configuration parameters provided",
    arity: Arity::AtLeast(4),
    flags: COMMON,
    handler: set,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    history: &[(
        "7.0.0",
        "Added the ability to set multiple parameters in one call.",
    )],
    ..Command::BLANK
};

fn set(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let words = args.rest();
    let first = args.words().len() - words.len();
    for (index, name) in words.iter().enumerate().step_by(2) {
        if config::directive(name).is_some_and(|directive| directive.sensitive) {
            cx.redact(first + index + 1);
        }
    }
    let (pairs, odd) = words.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(Error::Syntax);
    }
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|&[name, value]| (name, value)).collect();
    let policy = Policy {
        protected: trusts(&cx.engine.config.load(), cx.session),
        loading: cx.engine.persistence.is_loading(),
    };
    let refused = |error: SetError| Error::text(error.to_string());
    cx.engine.configure(&pairs, policy).map_err(refused)?;
    Ok(cx.reply.ok())
}

/// Whether the client may change directives that reach outside the data.
fn trusts(config: &Config, session: &Session) -> bool {
    match config.security.protected_configs {
        Permit::No => false,
        Permit::Yes => true,
        Permit::Local => session.client.endpoints.local,
    }
}

static RESETSTAT: Command = Command {
    name: "resetstat",
    summary: "Sets the statistics to zero.",
    since: "2.0.0",
    arity: Arity::Exactly(2),
    flags: COMMON,
    handler: resetstat,
    ..Command::BLANK
};

fn resetstat(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.engine.stats.reset();
    cx.engine.garbage.reset();
    cx.engine.standing.syncs.reset();
    Ok(cx.reply.ok())
}

static REWRITE: Command = Command {
    name: "rewrite",
    summary: "Writes the configuration to the file it came from.",
    since: "2.8.0",
    arity: Arity::Exactly(2),
    flags: COMMON,
    handler: rewrite,
    ..Command::BLANK
};

fn rewrite(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let written = cx
        .engine
        .host
        .rewrite_config(&cx.engine.config.load(), false);
    match written {
        Ok(()) => Ok(cx.reply.ok()),
        Err(RewriteError::NoFile) => {
            let text = "ERR The server is running without a config file";
            Err(Error::text(text))
        }
        Err(RewriteError::Failed(why)) => {
            let text = format!("ERR Rewriting config file: {why}");
            Err(Error::text(text))
        }
    }
}

static HELP: Command = Command {
    name: "help",
    summary: "Shows the subcommands.",
    since: "5.0.0",
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
