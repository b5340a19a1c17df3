//! Saving data to files: when it is asked for, and when that was last done.

use engine::command::Flags;
use engine::host::{Refused, SaveError, Started};
use engine::{Args, Arity, Command, CommandResult, Context, Error, Family};

pub(crate) static PERSISTENCE: Family = Family {
    name: "server",
    commands: &[&BGREWRITEAOF, &BGSAVE, &LASTSAVE, &SAVE],
};

/// What the commands are that begin something.
const BEGINNER: Command = Command {
    since: "1.0.0",
    complexity: "O(1)",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN
        .and(Flags::NO_SCRIPT)
        .and(Flags::NO_ASYNC_LOADING),
    ..Command::BLANK
};

static SAVE: Command = Command {
    name: "save",
    summary: "Saves all data to the snapshot file, and then answers. Others need not wait.",
    complexity: "O(N) where N is the total number of keys in all databases",
    flags: BEGINNER.flags.and(Flags::NO_MULTI).and(Flags::LONG),
    handler: save,
    ..BEGINNER
};

fn save(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let engine = cx.engine;
    if engine.persistence.saves().started.is_some() {
        return Err(already_saving());
    }
    engine.persistence.count_save();
    match engine.host.save(engine) {
        Ok(()) => Ok(cx.reply.ok()),
        Err(SaveError::Busy) => Err(already_saving()),
        Err(SaveError::Failed) => Err(Error::text("ERR")),
    }
}

fn already_saving() -> Error {
    Error::text("ERR Background save already in progress")
}

static BGSAVE: Command = Command {
    name: "bgsave",
    syntax: "[SCHEDULE]",
    summary: "Begins to save all data to the snapshot file, and answers at once.",
    arity: Arity::AtLeast(1),
    handler: bgsave,
    history: &[("3.2.2", "Added the `SCHEDULE` option.")],
    ..BEGINNER
};

fn bgsave(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let schedule = !args.is_empty();
    if schedule && !args.accept(b"SCHEDULE") || !args.is_empty() {
        return Err(Error::Syntax);
    }
    let engine = cx.engine;
    match engine.host.save_in_background(engine, schedule) {
        Ok(Started::Now) => Ok(cx.reply.simple("Background saving started")),
        Ok(Started::Later) => Ok(cx.reply.simple("Background saving scheduled")),
        Err(Refused::Saving) => Err(already_saving()),
        Err(Refused::Rewriting) => Err(Error::text(
            "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE \
             SCHEDULE in order to schedule a BGSAVE whenever possible.",
        )),
        Err(Refused::Failed) => Err(Error::text("ERR")),
    }
}

static LASTSAVE: Command = Command {
    name: "lastsave",
    summary: "Tells the Unix time at which all data was last saved.",
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: engine::Acl::ADMIN.and(engine::Acl::DANGEROUS),
    handler: lastsave,
    tips: &["nondeterministic_output"],
    ..BEGINNER
};

fn lastsave(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let last = cx.engine.persistence.saves().last_done;
    Ok(cx.reply.integer(last.0 / 1000))
}

static BGREWRITEAOF: Command = Command {
    name: "bgrewriteaof",
    summary: "Begins to write the append-only file anew, as short as it can be.",
    handler: bgrewriteaof,
    ..BEGINNER
};

fn bgrewriteaof(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let engine = cx.engine;
    let (started, scheduled) = (
        "Background append only file rewriting started",
        "Background append only file rewriting scheduled",
    );
    match engine.host.rewrite_log(engine) {
        Ok(Started::Now) => Ok(cx.reply.simple(started)),
        Ok(Started::Later) => Ok(cx.reply.simple(scheduled)),
        Err(Refused::Saving | Refused::Rewriting) => Err(Error::text(
            "ERR Background append only file rewriting already in progress",
        )),
        Err(Refused::Failed) => Err(Error::text(
            "ERR Can't execute an AOF background rewriting. Please check the server logs for more \
             information.",
        )),
    }
}

#[cfg(test)]
mod tests;
