//! The least of other families that the tests of strings need to look at keys and to replay a log.
//! Each takes the place of the real command only as long as the table has none.

use engine::command::KeySpec;
use engine::{Access, Args, Arity, Command, CommandResult, Context, Error, Family};
use resp::Protocol;
use stdx::time::UnixMillis;

const fn family(command: &'static [&'static Command]) -> Family {
    Family {
        name: "generic",
        commands: command,
    }
}

pub(super) static FAMILIES: &[&Family] = &[
    &family(&[&DEL]),
    &family(&[&HELLO]),
    &family(&[&OBJECT]),
    &family(&[&PERSIST]),
    &family(&[&PEXPIREAT]),
    &family(&[&PEXPIRETIME]),
];

const KEY_FIRST: Command = Command {
    arity: Arity::AtLeast(2),
    keys: &[KeySpec::at(1, Access::RW)],
    ..Command::BLANK
};

static DEL: Command = Command {
    name: "del",
    handler: del,
    ..KEY_FIRST
};

fn del(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let deleted = cx.db.remove(&key).is_some();
    cx.changed(u64::from(deleted));
    Ok(cx.reply.flag(deleted))
}

static HELLO: Command = Command {
    name: "hello",
    handler: hello,
    ..Command::BLANK
};

fn hello(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.session.set_protocol(Protocol::Resp3);
    Ok(cx.reply.ok())
}

static OBJECT: Command = Command {
    name: "object",
    subcommands: &[&OBJECT_ENCODING],
    ..Command::BLANK
};

static OBJECT_ENCODING: Command = Command {
    name: "encoding",
    arity: Arity::Exactly(3),
    keys: &[KeySpec::at(2, Access::RO)],
    handler: encoding,
    ..Command::BLANK
};

fn encoding(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    match cx.db.peek(&key).map(|entry| entry.encoding()) {
        Some(encoding) => Ok(cx.reply.bulk(encoding.as_bytes())),
        None => Ok(cx.reply.null()),
    }
}

static PERSIST: Command = Command {
    name: "persist",
    handler: |cx, args| expire(cx, args, |_| Ok(None)),
    ..KEY_FIRST
};

static PEXPIREAT: Command = Command {
    name: "pexpireat",
    handler: |cx, args| expire(cx, args, |args| Ok(Some(UnixMillis(args.integer()?)))),
    ..KEY_FIRST
};

fn expire(
    cx: &mut Context<'_>,
    args: &mut Args<'_>,
    at: impl FnOnce(&mut Args<'_>) -> Result<Option<UnixMillis>, Error>,
) -> CommandResult {
    let key = args.key()?;
    let at = at(args)?;
    cx.db.set_expiry(&key, at);
    cx.changed(1);
    Ok(cx.reply.flag(true))
}

static PEXPIRETIME: Command = Command {
    name: "pexpiretime",
    handler: pexpiretime,
    ..KEY_FIRST
};

fn pexpiretime(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    let at = match cx.db.peek(&key).map(|entry| entry.expiry()) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => at.0,
    };
    Ok(cx.reply.integer(at))
}
