//! Commands about the running server.

use engine::blocking::STAYED;
use engine::command::Flags;
use engine::host::{Shutdown, ShutdownFailed};
use engine::{Args, Arity, Command, CommandResult, Context, Error, Family};
use stdx::number;

use crate::VERSION;
use crate::config::CONFIG;
use crate::debug::DEBUG;
use crate::latency::LATENCY;
use crate::slowlog::SLOWLOG;

mod landscape;

pub(crate) static SERVER: Family = Family {
    name: "server",
    commands: &[
        &CONFIG, &DEBUG, &LATENCY, &LOLWUT, &MONITOR, &SHUTDOWN, &SLOWLOG, &TIME,
    ],
};

static MONITOR: Command = Command {
    name: "monitor",
    summary: "Shows this client every command that runs from now on.",
    since: "1.0.0",
    complexity: "",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN
        .and(Flags::NO_SCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE),
    handler: monitor,
    ..Command::BLANK
};

fn monitor(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    if cx.nested {
        let text = "ERR MONITOR isn't allowed for DENY BLOCKING client";
        return Err(Error::text(text));
    }
    match cx.engine.monitors.add(&cx.session.client) {
        true => Ok(cx.reply.ok()),
        // Redis says nothing to one who watches already.
        false => Ok(cx.reply.nothing()),
    }
}

static TIME: Command = Command {
    name: "time",
    summary: "Tells the server's time: seconds of Unix time, and microseconds beyond.",
    since: "2.6.0",
    arity: Arity::Exactly(1),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    handler: time,
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

fn time(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let micros = cx.engine.host.unix_micros();
    let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let texts = [number::text(seconds), number::text(micros)];
    Ok(cx.reply.bulks(texts.iter()))
}

pub(crate) static SHUTDOWN: Command = Command {
    name: "shutdown",
    syntax: "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
    summary: "Ends the server, its data saved if it is to be.",
    since: "1.0.0",
    complexity: "O(N) when saving, where N is the total number of keys in all databases when \
                 saving data, otherwise O(1)",
    arity: Arity::AtLeast(1),
    flags: Flags::ADMIN
        .and(Flags::NO_SCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::NO_MULTI)
        .and(Flags::ALLOW_BUSY),
    handler: shutdown,
    history: &[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
    ..Command::BLANK
};

fn shutdown(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let engine = cx.engine;
    let Some(how) = parse_shutdown(args)? else {
        return match engine.abort_shutdown() {
            true => Ok(cx.reply.ok()),
            false => Err(Error::text("ERR No shutdown in progress.")),
        };
    };
    // Whoever asked learns of the end by that of the connection.
    let joins = !how.now && engine.ending.is_pending();
    if (joins || engine.begin_shutdown(how))
        && let Some(done) = cx.wait_for_end()
    {
        return Ok(done);
    }
    match engine.host.shut_down(how) {
        Ok(()) => Ok(cx.reply.nothing()),
        Err(ShutdownFailed) => Err(Error::text(STAYED)),
    }
}

/// How to shut down, or `None` to call it off.
fn parse_shutdown(args: &mut Args<'_>) -> Result<Option<Shutdown>, Error> {
    let mut how = Shutdown::default();
    let mut abort = false;
    while let Some(word) = args.keyword() {
        match (word.as_bytes(), how.save) {
            (b"SAVE", None | Some(true)) => how.save = Some(true),
            (b"NOSAVE", None | Some(false)) => how.save = Some(false),
            (b"NOW", _) => how.now = true,
            (b"FORCE", _) => how.force = true,
            (b"ABORT", _) => abort = true,
            _ => return Err(Error::Syntax),
        }
    }
    match abort {
        false => Ok(Some(how)),
        true if how == Shutdown::default() => Ok(None),
        true => Err(Error::Syntax),
    }
}

static LOLWUT: Command = Command {
    name: "lolwut",
    syntax: "[VERSION version]",
    summary: "Draws a landscape, another each time.",
    since: "5.0.0",
    complexity: "",
    arity: Arity::AtLeast(1),
    flags: Flags::READONLY.and(Flags::FAST),
    handler: lolwut,
    ..Command::BLANK
};

fn lolwut(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() >= 2 && args.accept(b"version") {
        args.integer()?;
    }
    let mut picture = landscape::draw(&mut cx.worker.prng);
    picture += &format!("Redis ver. {VERSION}\n");
    Ok(cx.reply.verbatim(picture.as_bytes()))
}

#[cfg(test)]
mod tests;
