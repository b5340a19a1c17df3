//! `CLIENT`: who is connected, and what becomes of them.

use engine::clients::{ClientFlags, ClientId};
use engine::command::Flags;
use engine::error::excerpt;
use engine::pause::Paused;
use engine::session::Replies;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::number::parse_i64;

use crate::help;
use kill::KILL;
use list::{INFO, LIST};

mod kill;
mod list;
pub(crate) mod name;

pub(crate) static CLIENT: Command = Command {
    name: "client",
    summary: "Looks after the connections of clients.",
    since: "2.4.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[
        &GETNAME,
        &GETREDIR,
        &HELP,
        &ID,
        &INFO,
        &KILL,
        &LIST,
        &NO_EVICT,
        &NO_TOUCH,
        &PAUSE,
        &REPLY,
        &SETNAME,
        &TRACKINGINFO,
        &UNBLOCK,
        &UNPAUSE,
    ],
    ..Command::BLANK
};

/// What every subcommand is that concerns the client itself.
const OWN: Flags = Flags::NO_SCRIPT.and(Flags::LOADING).and(Flags::STALE);

/// What every subcommand is that concerns others.
const OTHERS: Flags = OWN.and(Flags::ADMIN);

static ID: Command = Command {
    name: "id",
    summary: "Tells the number of this connection.",
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: id,
    ..Command::BLANK
};

fn id(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let id = cx.session.client.id;
    Ok(cx.reply.integer(id.0 as i64))
}

static GETNAME: Command = Command {
    name: "getname",
    summary: "Tells the name of this connection.",
    since: "2.6.9",
    arity: Arity::Exactly(2),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: getname,
    ..Command::BLANK
};

fn getname(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let name = cx.session.client.name.lock();
    Ok(match name.is_empty() {
        true => cx.reply.null(),
        false => cx.reply.bulk(name.as_bytes()),
    })
}

static SETNAME: Command = Command {
    name: "setname",
    syntax: "connection-name",
    summary: "Names this connection.",
    since: "2.6.9",
    arity: Arity::Exactly(3),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: setname,
    ..Command::BLANK
};

fn setname(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = name::valid(args.bytes()?)?;
    cx.session.set_name(name);
    Ok(cx.reply.ok())
}

static GETREDIR: Command = Command {
    name: "getredir",
    summary: "Tells to which connection notices about tracked keys are sent.",
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: getredir,
    ..Command::BLANK
};

fn getredir(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    Ok(cx.reply.integer(NOT_TRACKING))
}

/// In place of a connection's number: keys are not tracked for this one.
const NOT_TRACKING: i64 = -1;

static TRACKINGINFO: Command = Command {
    name: "trackinginfo",
    summary: "Tells how keys are tracked for this connection.",
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: trackinginfo,
    ..Command::BLANK
};

fn trackinginfo(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let mut map = cx.reply.map(3);
    map.bulk(b"flags");
    let mut flags = map.element().set(1);
    flags.bulk(b"off");
    let _flags = flags.done();
    map.bulk(b"redirect");
    map.integer(NOT_TRACKING);
    map.bulk(b"prefixes");
    let _prefixes = map.element().array(0).done();
    Ok(map.done())
}

static NO_EVICT: Command = Command {
    name: "no-evict",
    syntax: "<ON | OFF>",
    summary: "Spares this connection when clients take too much memory, or no longer.",
    since: "7.0.0",
    arity: Arity::Exactly(3),
    flags: OTHERS,
    acl: Acl::CONNECTION,
    handler: no_evict,
    ..Command::BLANK
};

fn no_evict(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = switch(args)?;
    cx.session.client.set_no_evict(on);
    Ok(cx.reply.ok())
}

static NO_TOUCH: Command = Command {
    name: "no-touch",
    syntax: "<ON | OFF>",
    summary: "Has this connection's reads not count as uses of keys, or count again.",
    since: "7.2.0",
    arity: Arity::Exactly(3),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: no_touch,
    ..Command::BLANK
};

fn no_touch(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = switch(args)?;
    cx.session.client.set(ClientFlags::NO_TOUCH, on);
    cx.session.touches = !on;
    Ok(cx.reply.ok())
}

fn switch(args: &mut Args<'_>) -> Result<bool, Error> {
    match args.keyword().as_ref().map(|word| word.as_bytes()) {
        Some(b"ON") => Ok(true),
        Some(b"OFF") => Ok(false),
        _ => Err(Error::Syntax),
    }
}

static REPLY: Command = Command {
    name: "reply",
    syntax: "<ON | OFF | SKIP>",
    summary: "Leaves out the replies to this connection, or to its next command.",
    since: "3.2.0",
    arity: Arity::Exactly(3),
    flags: OWN,
    acl: Acl::CONNECTION,
    handler: reply,
    ..Command::BLANK
};

fn reply(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let replies = &mut cx.session.replies;
    match args.keyword().as_ref().map(|word| word.as_bytes()) {
        Some(b"ON") => *replies = Replies::On,
        Some(b"OFF") => *replies = Replies::Off,
        Some(b"SKIP") if *replies == Replies::Off => {}
        Some(b"SKIP") => *replies = Replies::SkipNext,
        _ => return Err(Error::Syntax),
    }
    // Dispatch takes this back unless replies are on.
    Ok(cx.reply.ok())
}

static PAUSE: Command = Command {
    name: "pause",
    syntax: "timeout [WRITE | ALL]",
    summary: "Has the commands of all clients wait for some milliseconds.",
    since: "2.9.50",
    arity: Arity::AtLeast(3),
    // Once it has replied, nothing that it holds back is under way any more.
    flags: OTHERS.and(Flags::ALL_KEYS),
    acl: Acl::CONNECTION,
    handler: pause,
    history: &[(
        "6.2.0",
        "`CLIENT PAUSE WRITE` mode added along with the `mode` option.",
    )],
    ..Command::BLANK
};

fn pause(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(unknown_form("CLIENT", args.words()[1]));
    }
    let timeout = args.bytes()?;
    let what = match args.keyword().as_ref().map(|word| word.as_bytes()) {
        None | Some(b"ALL") => Paused::Everything,
        Some(b"WRITE") => Paused::Writes,
        Some(_) => {
            let text = "ERR CLIENT PAUSE mode must be WRITE or ALL";
            return Err(Error::text(text));
        }
    };
    let text = "ERR timeout is not an integer or out of range";
    let timeout = parse_i64(timeout).ok_or(Error::text(text))?;
    if timeout < 0 {
        return Err(Error::text("ERR timeout is negative"));
    }
    let now = cx.engine.now().0;
    let until = now.saturating_add(timeout);
    cx.engine.pause.begin(what, now, until);
    Ok(cx.reply.ok())
}

static UNPAUSE: Command = Command {
    name: "unpause",
    summary: "Ends a pause before its time.",
    since: "6.2.0",
    complexity: "O(N) Where N is the number of paused clients",
    arity: Arity::Exactly(2),
    flags: OTHERS.and(Flags::ALLOW_PAUSED),
    acl: Acl::CONNECTION,
    handler: unpause,
    ..Command::BLANK
};

fn unpause(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.engine.pause.end();
    Ok(cx.reply.ok())
}

static UNBLOCK: Command = Command {
    name: "unblock",
    syntax: "client-id [TIMEOUT | ERROR]",
    summary: "Ends another client's wait for data.",
    since: "5.0.0",
    complexity: "O(log N) where N is the number of client connections",
    arity: Arity::AtLeast(3),
    flags: OTHERS,
    acl: Acl::CONNECTION,
    handler: unblock,
    ..Command::BLANK
};

fn unblock(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if args.len() > 2 {
        return Err(unknown_form("CLIENT", args.words()[1]));
    }
    let id = args.bytes()?;
    let with_error = match args.keyword().as_ref().map(|word| word.as_bytes()) {
        None | Some(b"TIMEOUT") => false,
        Some(b"ERROR") => true,
        Some(_) => {
            let text = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
            return Err(Error::text(text));
        }
    };
    let id = parse_i64(id).ok_or(Error::NotInteger)?;
    // One who waits for the end of a pause is not blocked in this sense.
    let unblocked =
        u64::try_from(id).is_ok_and(|id| cx.engine.blocking.unblock(ClientId(id), with_error));
    Ok(cx.reply.flag(unblocked))
}

/// The error for a subcommand that is unknown or has the wrong number of words.
pub(crate) fn unknown_form(command: &str, subcommand: &[u8]) -> Error {
    let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
    text.extend_from_slice(excerpt(subcommand, 128));
    text.extend_from_slice(format!("'. Try {command} HELP.").as_bytes());
    Error::Bytes(text)
}

static HELP: Command = Command {
    name: "help",
    summary: "Shows the subcommands.",
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    acl: Acl::CONNECTION,
    handler: help,
    ..Command::BLANK
};

fn help(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    help::subcommands(cx)
}

#[cfg(test)]
mod tests;
