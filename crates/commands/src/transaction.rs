//! Commands that run other commands at one moment.

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use keyspace::Key;

pub(crate) static TRANSACTIONS: Family = Family {
    name: "transactions",
    commands: &[&DISCARD, &EXEC, &MULTI, &UNWATCH, &WATCH],
};

/// What every transaction command is.
const COMMON: Flags = Flags::NO_SCRIPT
    .and(Flags::LOADING)
    .and(Flags::STALE)
    .and(Flags::FAST)
    .and(Flags::ALLOW_BUSY);

static MULTI: Command = Command {
    name: "multi",
    summary: "Begins a transaction: what follows is queued until EXEC.",
    since: "1.2.0",
    arity: Arity::Exactly(1),
    flags: COMMON.and(Flags::NOT_QUEUED),
    acl: Acl::TRANSACTION,
    handler: multi,
    ..Command::BLANK
};

fn multi(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.session.begin_transaction()?;
    Ok(cx.reply.ok())
}

static EXEC: Command = Command {
    name: "exec",
    summary: "Runs the queued commands at one moment.",
    since: "1.2.0",
    complexity: "Depends on commands in the transaction",
    arity: Arity::Exactly(1),
    flags: Flags::NO_SCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::NO_SLOWLOG)
        .and(Flags::NOT_QUEUED)
        .and(Flags::RUNS_QUEUE)
        .and(Flags::TRANSACTION),
    acl: Acl::TRANSACTION,
    handler: exec,
    ..Command::BLANK
};

fn exec(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.execute()
}

static DISCARD: Command = Command {
    name: "discard",
    summary: "Forgets the queued commands and the watched keys.",
    since: "2.0.0",
    complexity: "O(N), when N is the number of queued commands",
    arity: Arity::Exactly(1),
    flags: COMMON.and(Flags::NOT_QUEUED).and(Flags::TRANSACTION),
    acl: Acl::TRANSACTION,
    handler: discard,
    ..Command::BLANK
};

fn discard(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.discard()?;
    Ok(cx.reply.ok())
}

static WATCH: Command = Command {
    name: "watch",
    syntax: "key [key ...]",
    summary: "Has the next EXEC do nothing if one of the keys changes before.",
    since: "2.2.0",
    complexity: "O(1) for every key.",
    arity: Arity::AtLeast(2),
    flags: COMMON.and(Flags::NOT_QUEUED),
    acl: Acl::TRANSACTION,
    keys: &[KeySpec::from(1, Access::RO)],
    handler: watch,
    ..Command::BLANK
};

fn watch(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if cx.session.transaction.is_some() {
        return Err(Error::text("ERR WATCH inside MULTI is not allowed"));
    }
    let keys = (0..args.len())
        .map(|_| args.key())
        .collect::<Result<Vec<Key<'_>>, Error>>()?;
    cx.watch(&keys);
    Ok(cx.reply.ok())
}

static UNWATCH: Command = Command {
    name: "unwatch",
    summary: "Forgets the watched keys.",
    since: "2.2.0",
    arity: Arity::Exactly(1),
    flags: COMMON.and(Flags::TRANSACTION),
    acl: Acl::TRANSACTION,
    handler: unwatch,
    ..Command::BLANK
};

fn unwatch(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.unwatch();
    Ok(cx.reply.ok())
}
