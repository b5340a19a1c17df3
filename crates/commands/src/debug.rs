//! `DEBUG`: a look inside, and accidents on purpose, for tests.
//!
//! It holds every lock, so that a look sees one moment, and `SLEEP` stops the server for all.

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;

use config::{ByteSize, How, Limits, Value};
use datatypes::list;
use engine::command::{Flags, Reach};
use engine::host::{Crash, LogLevel, RewriteError};
use engine::{Access, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Ttl;
use stdx::float;
use stdx::number::parse_i64;

use crate::client::unknown_form;
use crate::help;

mod bus;
mod digest;
mod object;
mod packs;
mod protocol;
mod reload;
mod tables;

pub(crate) static DEBUG: Command = Command {
    name: "debug",
    summary: "Looks into the server, or makes it misbehave, for tests.",
    since: "1.0.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    flags: Flags::ADMIN
        .and(Flags::NO_SCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::PROTECTED)
        .and(Flags::LONG),
    finder: Some(reach),
    handler: debug,
    ..Command::BLANK
};

/// Loading the append-only file runs commands that lock for themselves.
fn reach(words: &[&[u8]], _: &mut dyn FnMut(usize, Access)) -> Reach {
    match words.get(1) {
        Some(name) if name.eq_ignore_ascii_case(b"LOADAOF") => Reach::Declared,
        _ => Reach::Everything,
    }
}

/// One thing that `DEBUG` can do. To clients these are no subcommands: they are not in the table,
/// and a wrong number of words is the same error as an unknown name.
struct Tool {
    name: &'static str,
    syntax: &'static str,
    summary: &'static str,
    /// How many words follow the name.
    words: RangeInclusive<usize>,
    run: engine::command::Handler,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "AOF-FLUSH-SLEEP",
        syntax: "microseconds",
        summary: "Has each write to the append-only file wait first.",
        words: 1..=1,
        run: log_flush_delay,
    },
    Tool {
        name: "ASSERT",
        syntax: "",
        summary: "Crashes by an assertion.",
        words: 0..=0,
        run: |cx, _| crash(cx, Crash::Panic),
    },
    Tool {
        name: "CLUSTERLINK",
        syntax: "KILL <TO | FROM | ALL> node-id",
        summary: "Cuts the bus's links to a node, or those from it.",
        words: 3..=3,
        run: bus::cut_links,
    },
    Tool {
        name: "CONFIG-REWRITE-FORCE-ALL",
        syntax: "",
        summary: "Writes the whole configuration to its file, defaults too.",
        words: 0..=0,
        run: rewrite_all,
    },
    Tool {
        name: "DIGEST",
        syntax: "",
        summary: "Sums all data up in forty digits: the same for the same data.",
        words: 0..=0,
        run: digest::of_all,
    },
    Tool {
        name: "DIGEST-VALUE",
        syntax: "[key ...]",
        summary: "Sums each key's value up in forty digits, zeros for a missing key.",
        words: 0..=usize::MAX,
        run: digest::of_values,
    },
    Tool {
        name: "DROP-CLUSTER-PACKET-FILTER",
        syntax: "packet-type",
        summary: "Takes no packet of this type from the bus; -1 takes all again.",
        words: 1..=1,
        run: bus::ignore_packets,
    },
    Tool {
        name: "ERROR",
        syntax: "text",
        summary: "Replies with an error of this text.",
        words: 1..=1,
        run: |_, args| Err(Error::Bytes(args.bytes()?.to_vec())),
    },
    Tool {
        name: "FAIL-JOB",
        syntax: "",
        summary: "Has the save or rewrite in the background fail.",
        words: 0..=0,
        run: fail_job,
    },
    Tool {
        name: "HELP",
        syntax: "",
        summary: "Shows this.",
        words: 0..=0,
        run: help,
    },
    Tool {
        name: "HTSTATS",
        syntax: "db",
        summary: "Describes the tables that hold a db's keys.",
        words: 1..=1,
        run: tables::of_db,
    },
    Tool {
        name: "HTSTATS-KEY",
        syntax: "key",
        summary: "Describes the table that holds a key's value.",
        words: 1..=1,
        run: tables::of_key,
    },
    Tool {
        name: "LISTPACK",
        syntax: "key",
        summary: "Writes how a small hash or sorted set is kept to the server's log.",
        words: 1..=1,
        run: packs::of_small,
    },
    Tool {
        name: "LOADAOF",
        syntax: "",
        summary: "Replaces all data by what the append-only file holds.",
        words: 0..=usize::MAX,
        run: reload::load_log,
    },
    Tool {
        name: "LOG",
        syntax: "message",
        summary: "Writes to the server's log.",
        words: 1..=1,
        run: log,
    },
    Tool {
        name: "OBJECT",
        syntax: "key",
        summary: "Tells how a key's value is kept.",
        words: 1..=1,
        run: object::describe,
    },
    Tool {
        name: "OOM",
        syntax: "",
        summary: "Crashes as if memory had run out.",
        words: 0..=0,
        run: |cx, _| crash(cx, Crash::Abort),
    },
    Tool {
        name: "PANIC",
        syntax: "",
        summary: "Crashes by a panic.",
        words: 0..=0,
        run: |cx, _| crash(cx, Crash::Panic),
    },
    Tool {
        name: "PAUSE-CRON",
        syntax: "<0 | 1>",
        summary: "Whether nothing happens that nobody asks for.",
        words: 1..=1,
        run: pause_cron,
    },
    Tool {
        name: "POPULATE",
        syntax: "count [prefix] [size]",
        summary: "Makes keys `key:0` and on, those that are missing; replicas are not told.",
        words: 1..=3,
        run: populate,
    },
    Tool {
        name: "PROTOCOL",
        syntax: "type",
        summary: "Replies with a sample of a type.",
        words: 1..=1,
        run: protocol::sample,
    },
    Tool {
        name: "QUICKLIST",
        syntax: "key [<0 | 1>]",
        summary: "Writes how a list is kept to the server's log, with its elements if asked to.",
        words: 1..=2,
        run: packs::of_list,
    },
    Tool {
        name: "QUICKLIST-PACKED-THRESHOLD",
        syntax: "size",
        summary: "Elements of lists from this size up are kept alone; 0 is the default: 1gb.",
        words: 1..=1,
        run: packed_threshold,
    },
    Tool {
        name: "RELOAD",
        syntax: "[MERGE] [NOFLUSH] [NOSAVE]",
        summary: "Saves all data, and loads it again in its place.",
        words: 0..=usize::MAX,
        run: reload::reload,
    },
    Tool {
        name: "REPLYBUFFER",
        syntax: "<PEAK-RESET-TIME <NEVER | RESET | milliseconds> | RESIZING <0 | 1>>",
        summary: "Accepted: clients have no reply buffers that could be resized.",
        words: 2..=2,
        run: reply_buffer,
    },
    Tool {
        name: "REPLICATE",
        syntax: "word [word ...]",
        summary: "Sends replicas a command that is not run here.",
        words: 1..=usize::MAX,
        run: replicate,
    },
    Tool {
        name: "SEGFAULT",
        syntax: "",
        summary: "Crashes by an access to memory that is not there.",
        words: 0..=0,
        run: |cx, _| crash(cx, Crash::Segfault),
    },
    Tool {
        name: "SET-ACTIVE-EXPIRE",
        syntax: "<0 | 1>",
        summary: "Whether keys expire that nobody asks for.",
        words: 1..=1,
        run: set_active_expire,
    },
    Tool {
        name: "SET-SKIP-CHECKSUM-VALIDATION",
        syntax: "<0 | 1>",
        summary: "Whether dumps are taken whatever their checksum is.",
        words: 1..=1,
        run: skip_checksums,
    },
    Tool {
        name: "SLEEP",
        syntax: "seconds",
        summary: "Stops the server for a while.",
        words: 1..=1,
        run: sleep,
    },
];

fn debug(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = args.bytes()?;
    let tool = TOOLS
        .iter()
        .find(|tool| tool.name.as_bytes().eq_ignore_ascii_case(name))
        .filter(|tool| tool.words.contains(&args.len()))
        .ok_or_else(|| unknown_form("DEBUG", name))?;
    (tool.run)(cx, args)
}

fn help(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let item = |tool: &Tool| (format!("{} {}", tool.name, tool.syntax), tool.summary);
    let items: Vec<(String, &str)> = TOOLS.iter().map(item).collect();
    Ok(help::lines(cx, "debug", &items))
}

fn crash(cx: &mut Context<'_>, how: Crash) -> CommandResult {
    cx.engine.host.crash(how);
    Ok(cx.reply.ok())
}

fn rewrite_all(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let config = cx.engine.config.load();
    let why = match cx.engine.host.rewrite_config(&config, true) {
        Ok(()) => return Ok(cx.reply.ok()),
        // What Redis's C library calls the lack of a file's name.
        Err(RewriteError::NoFile) => "Bad address".to_owned(),
        Err(RewriteError::Failed(why)) => why,
    };
    let text = format!("ERR CONFIG-REWRITE-FORCE-ALL failed: {why}");
    Err(Error::text(text))
}

fn log(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let line = format!("DEBUG LOG: {}", String::from_utf8_lossy(args.bytes()?));
    cx.engine.host.log(LogLevel::Warning, &line);
    Ok(cx.reply.ok())
}

fn sleep(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    // What is no number is no time, as is less than none.
    let seconds = float::parse(args.bytes()?).unwrap_or_default();
    let micros = seconds * 1_000_000.0;
    if micros > 0.0 {
        cx.engine.sleep(micros as u64);
    }
    Ok(cx.reply.ok())
}

fn replicate(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    cx.effect(args.rest());
    Ok(cx.reply.ok())
}

fn set_active_expire(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = args.integer().is_ok_and(|number| number != 0);
    let switch = &cx.engine.switches.active_expire;
    switch.store(on, Ordering::Relaxed);
    Ok(cx.reply.ok())
}

fn pause_cron(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = args.integer().is_ok_and(|number| number != 0);
    let switch = &cx.engine.switches.still;
    switch.store(on, Ordering::Relaxed);
    Ok(cx.reply.ok())
}

fn skip_checksums(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let on = args.integer().is_ok_and(|number| number != 0);
    let switch = &cx.engine.switches.skips_checksums;
    switch.store(on, Ordering::Relaxed);
    Ok(cx.reply.ok())
}

fn log_flush_delay(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let micros = args.integer().unwrap_or(0).max(0).unsigned_abs();
    let switch = &cx.engine.switches.log_flush_delay_micros;
    switch.store(micros, Ordering::Relaxed);
    Ok(cx.reply.ok())
}

fn fail_job(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    cx.engine.host.fail_job(cx.engine);
    Ok(cx.reply.ok())
}

fn reply_buffer(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let name = args.words()[1];
    match args.keyword().as_ref().map(|word| word.as_bytes()) {
        Some(b"RESIZING") => {}
        Some(b"PEAK-RESET-TIME") => {
            let word = args.bytes()?;
            let is_named = [&b"never"[..], b"reset"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known));
            if !is_named {
                parse_i64(word).ok_or(Error::NotInteger)?;
            }
        }
        _ => return Err(unknown_form("DEBUG", name)),
    }
    Ok(cx.reply.ok())
}
/// A MiB below 4 GiB.
const PACKED_THRESHOLD_MAX: u64 = (4 << 30) - (1 << 20);

fn packed_threshold(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let mut size = ByteSize::default();
    let read = size.assign(&[args.bytes()?.to_vec()], How::Live, &Limits::NONE);
    if read.is_err() || size.0 > PACKED_THRESHOLD_MAX {
        let text = "ERR argument must be a memory value bigger than 1 and smaller than 4gb";
        return Err(Error::text(text));
    }
    // A larger element does not fit into a listpack.
    let most = list::Limits::PLAIN_BYTES_MIN;
    let bytes_min = match usize::try_from(size.0) {
        Ok(bytes @ 1..) => bytes.min(most),
        _ => most,
    };
    let switch = &cx.engine.switches.list_plain_bytes_min;
    switch.store(bytes_min, Ordering::Relaxed);
    Ok(cx.reply.ok())
}

fn populate(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let positive = |args: &mut Args<'_>| match args.integer() {
        Ok(number @ 0..) => Ok(number as usize),
        _ => Err(Error::NotPositive),
    };
    let count = positive(args)?;
    let prefix = match args.is_empty() {
        true => b"key",
        false => args.bytes()?,
    };
    let size = match args.is_empty() {
        true => 0,
        false => positive(args)?,
    };
    for number in 0..count {
        let suffix = format!(":{number}");
        let name = [prefix, suffix.as_bytes()].concat();
        let key = cx.db.key(&name);
        if cx.db.contains(&key) {
            continue;
        }
        let mut value = [b"value", suffix.as_bytes()].concat();
        if size > 0 {
            value.resize(size, 0);
        }
        cx.db.set_string(&key, &value, Ttl::Clear);
    }
    Ok(cx.reply.ok())
}

#[cfg(test)]
mod tests;
