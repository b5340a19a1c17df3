//! `DEBUG RELOAD` and `DEBUG LOADAOF`: all data goes to a file and comes back.

use engine::host::SaveError;
use engine::load::{Expired, LoadPolicy};
use engine::snapshot::{Form, Snapshot};
use engine::{Args, CommandResult, Context, Error};
use keyspace::DbIndex;

/// Bytes that are handed to the file at once.
const PIECE_BYTES: usize = 64 << 10;

#[derive(Default)]
struct ReloadOptions {
    merges: bool,
    keeps: bool,
    only_loads: bool,
}

impl ReloadOptions {
    fn parse(args: &mut Args<'_>) -> Result<ReloadOptions, Error> {
        let mut options = ReloadOptions::default();
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"MERGE" => options.merges = true,
                b"NOFLUSH" => options.keeps = true,
                b"NOSAVE" => options.only_loads = true,
                _ => {
                    return Err(Error::text(
                        "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                    ));
                }
            }
        }
        Ok(options)
    }
}

/// Under every lock, so nobody sees the data while it is gone.
pub(super) fn reload(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let options = ReloadOptions::parse(args)?;
    if !options.only_loads {
        save(cx).map_err(|_| Error::text("ERR"))?;
    }
    let failed = || Error::text("ERR Error trying to load the RDB dump");
    let mut file = cx.engine.host.open_snapshot().map_err(|_| failed())?;
    if !options.keeps {
        flush(cx);
    }
    let policy = LoadPolicy {
        // A replica's keys are its primary's to expire.
        expired: match cx.engine.standing.is_replica() {
            true => Expired::Kept,
            false => Expired::LeftOut,
        },
        replaces: options.merges,
    };
    let loaded = cx.engine.load_snapshot(&mut cx.db, &mut file, policy);
    loaded.map_err(|_| failed())?;
    Ok(cx.reply.ok())
}

fn save(cx: &mut Context<'_>) -> Result<(), SaveError> {
    let (engine, db) = (cx.engine, &mut cx.db);
    let changes = engine.stats.totals().dirty;
    let mut snapshot = Snapshot::under_locks(engine, db, Form::Rdb, &[]);
    engine
        .host
        .write_snapshot(&mut |into| snapshot.step_under(engine, db, PIECE_BYTES, into))?;
    engine.note_save(changes);
    Ok(())
}

fn flush(cx: &mut Context<'_>) {
    let here = cx.db.index();
    for index in 0..cx.engine.keyspace.dbs() {
        cx.db.select(DbIndex(index));
        let detached = cx.db.detach_all();
        cx.db.discard_now(detached);
    }
    cx.db.select(here);
}

/// Holds no lock: the commands of the file take their own.
pub(super) fn load_log(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    if cx.nested {
        let text = "ERR DEBUG LOADAOF is not allowed inside a transaction";
        return Err(Error::text(text));
    }
    match cx.engine.host.load_log(cx.engine) {
        Ok(()) => Ok(cx.reply.ok()),
        Err(engine::host::LoadFailed) => Err(Error::text(
            "ERR Error trying to load the AOF files, check server logs",
        )),
    }
}
