//! Commands that give a value another key or another db.

use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{DbIndex, Key};

use super::dispose;
use crate::database;
use crate::event;

pub(super) static RENAME: Command = Command {
    name: "rename",
    syntax: "key newkey",
    summary: "Gives a key another name, whatever had that name before.",
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE,
    acl: Acl::KEYSPACE,
    keys: &[
        KeySpec::at(1, MOVED),
        KeySpec::at(2, Access::OW.and(Access::UPDATE)),
    ],
    handler: rename,
    ..Command::BLANK
};

const MOVED: Access = Access::RW.and(Access::ACCESS).and(Access::DELETE);

fn rename(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (source, target) = (args.key()?, args.key()?);
    cx.db.get(&source).ok_or(Error::NoKey)?;
    if source.bytes != target.bytes {
        if let Some(overwritten) = cx.db.remove(&target) {
            dispose(cx, overwritten, cx.config.memory.lazy_server_del);
        }
        give_name(cx, &source, &target);
    }
    Ok(cx.reply.ok())
}

pub(super) static RENAMENX: Command = Command {
    name: "renamenx",
    syntax: "key newkey",
    summary: "Gives a key another name, unless that is taken.",
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::KEYSPACE,
    keys: &[
        KeySpec::at(1, MOVED),
        KeySpec::at(2, Access::OW.and(Access::INSERT)),
    ],
    handler: renamenx,
    history: &[(
        "3.2.0",
        "The command no longer returns an error when source and destination names are the same.",
    )],
    ..Command::BLANK
};

fn renamenx(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (source, target) = (args.key()?, args.key()?);
    cx.db.get(&source).ok_or(Error::NoKey)?;
    let is_free = !cx.db.contains(&target);
    if is_free {
        give_name(cx, &source, &target);
    }
    Ok(cx.reply.flag(is_free))
}

/// Moves what `source` holds to `target`, which holds nothing.
fn give_name(cx: &mut Context<'_>, source: &Key<'_>, target: &Key<'_>) {
    if let Some(entry) = cx.db.extract(source) {
        cx.db.insert(target, entry.renamed(target.bytes));
        cx.changed(1);
        cx.notify(source, event::RENAME_FROM);
        cx.notify(target, event::RENAME_TO);
    }
}

pub(super) static MOVE: Command = Command {
    name: "move",
    syntax: "key db",
    summary: "Moves a key to another db, unless it is there already.",
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::FAST),
    acl: Acl::KEYSPACE,
    keys: &[KeySpec::at(
        1,
        Access::RW.and(Access::ACCESS).and(Access::UPDATE),
    )],
    handler: to_db,
    ..Command::BLANK
};

fn to_db(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = args.key()?;
    if cx.engine.cluster.is_on() {
        return Err(Error::text("ERR MOVE is not allowed in cluster mode"));
    }
    let (here, there) = (cx.db.index(), database::index(cx, args.bytes()?)?);
    if here == there {
        return Err(same_object());
    }
    let moves = cx.db.get(&key).is_some() && !in_db(cx, there, |cx| cx.db.contains(&key));
    if moves && let Some(entry) = cx.db.extract(&key) {
        in_db(cx, there, |cx| cx.db.insert(&key, entry));
        cx.changed(1);
        cx.notify(&key, event::MOVE_FROM);
        in_db(cx, there, |cx| cx.notify(&key, event::MOVE_TO));
    }
    Ok(cx.reply.flag(moves))
}

pub(super) static COPY: Command = Command {
    name: "copy",
    syntax: "source destination [DB destination-db] [REPLACE]",
    summary: "Copies what a key holds to another key.",
    since: "6.2.0",
    complexity: "O(N) where N is the number of elements of a collection, or the length of a string",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::KEYSPACE,
    keys: &[
        KeySpec::at(1, Access::RO.and(Access::ACCESS)),
        KeySpec::at(2, Access::OW.and(Access::UPDATE)),
    ],
    handler: copy,
    ..Command::BLANK
};

fn copy(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (source, target) = (args.key()?, args.key()?);
    let options = CopyOptions::parse(cx, args)?;
    if cx.engine.cluster.is_on() && options.db != cx.db.index() {
        let text = "ERR Copying to another database is not allowed in cluster mode";
        return Err(Error::text(text));
    }
    if source.bytes == target.bytes && options.db == cx.db.index() {
        return Err(same_object());
    }
    let is_there = cx.read(&source).is_some();
    let is_free = is_there && !in_db(cx, options.db, |cx| cx.db.contains(&target));
    let copies = is_there && (is_free || options.replace);
    if copies && let Some(copied) = cx.db.peek(&source).map(|e| e.duplicate(target.bytes)) {
        in_db(cx, options.db, |cx| {
            if let Some(overwritten) = cx.db.remove(&target) {
                dispose(cx, overwritten, cx.config.memory.lazy_server_del);
            }
            cx.db.insert(&target, copied);
            cx.notify(&target, event::COPY_TO);
        });
        cx.changed(1);
    }
    Ok(cx.reply.flag(copies))
}

struct CopyOptions {
    db: DbIndex,
    replace: bool,
}

impl CopyOptions {
    fn parse(cx: &Context<'_>, args: &mut Args<'_>) -> Result<CopyOptions, Error> {
        let mut options = CopyOptions {
            db: cx.db.index(),
            replace: false,
        };
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"REPLACE" => options.replace = true,
                b"DB" if !args.is_empty() => options.db = database::index(cx, args.bytes()?)?,
                _ => return Err(Error::Syntax),
            }
        }
        Ok(options)
    }
}

/// Does something in another db, under the locks that are held: a key's lock is the same in all.
fn in_db<R>(cx: &mut Context<'_>, there: DbIndex, run: impl FnOnce(&mut Context<'_>) -> R) -> R {
    let here = cx.db.index();
    cx.db.select(there);
    let result = run(cx);
    cx.db.select(here);
    result
}

fn same_object() -> Error {
    Error::text("ERR source and destination objects are the same")
}
