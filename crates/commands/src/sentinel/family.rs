//! `SENTINEL`: the table's part of it. What the words mean is decided by the machine.

use ::sentinel::Answer;
use engine::command::Flags;
use engine::reply::{Done, Reply};
use engine::{Args, Arity, Command, CommandResult, Context, Error};

use crate::help;

pub(super) static SENTINEL: Command = Command {
    name: "sentinel",
    summary: "Shows and changes what this Sentinel watches.",
    since: "2.8.4",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    flags: Flags::ADMIN,
    subcommands: &[
        &CKQUORUM,
        &CONFIG,
        &DEBUG,
        &FAILOVER,
        &FLUSHCONFIG,
        &GET_MASTER_ADDR_BY_NAME,
        &HELP,
        &INFO_CACHE,
        &IS_MASTER_DOWN_BY_ADDR,
        &MASTER,
        &MASTERS,
        &MONITOR,
        &MYID,
        &PENDING_SCRIPTS,
        &REMOVE,
        &REPLICAS,
        &RESET,
        &SENTINELS,
        &SET,
        &SIMULATE_FAILURE,
        &SLAVES,
    ],
    ..Command::BLANK
};

/// What all subcommands are that the machine answers.
const ASKED: Command = Command {
    flags: Flags::ADMIN,
    handler: ask,
    complexity: "",
    ..Command::BLANK
};

fn ask(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let Some(watcher) = cx.engine.host.watcher() else {
        return Err(Error::text("ERR This instance is no Sentinel"));
    };
    match watcher.ask(cx.engine, &args.words()[1..]) {
        Answer::Error(text) => Err(Error::text(text)),
        answer => Ok(write(&mut cx.reply, &answer)),
    }
}

/// Writes an answer in the protocol that the client speaks.
fn write(reply: &mut Reply<'_>, answer: &Answer) -> Done {
    match answer {
        Answer::Ok | Answer::OkIfSaved => reply.ok(),
        Answer::Status(text) => reply.simple(text),
        Answer::Error(text) => {
            reply.error(text.as_bytes());
            reply.nothing()
        }
        Answer::Integer(number) => reply.integer(*number),
        Answer::Bulk(bytes) => reply.bulk(bytes),
        Answer::Null => reply.null(),
        Answer::NullArray => reply.null_array(),
        Answer::Array(items) => {
            let mut array = reply.array(items.len());
            for item in items {
                let _element = write(array.element(), item);
            }
            array.done()
        }
        Answer::Map(pairs) => {
            let mut map = reply.map(pairs.len());
            for (field, value) in pairs {
                let _field = write(map.element(), field);
                let _value = write(map.element(), value);
            }
            map.done()
        }
    }
}

static CKQUORUM: Command = Command {
    name: "ckquorum",
    syntax: "master-name",
    summary: "Tells whether enough Sentinels are there to fail over.",
    since: "2.8.4",
    arity: Arity::Exactly(3),
    ..ASKED
};

static CONFIG: Command = Command {
    name: "config",
    syntax: "<SET parameter value | GET parameter>",
    summary: "Shows or changes what concerns all masters.",
    since: "6.2.0",
    complexity: "O(1)",
    arity: Arity::AtLeast(3),
    ..ASKED
};

static DEBUG: Command = Command {
    name: "debug",
    syntax: "[parameter value [parameter value ...]]",
    summary: "Shows or changes how long everything takes, in milliseconds.",
    since: "7.0.0",
    complexity: "O(N) where N is the number of configurable parameters",
    arity: Arity::AtLeast(2),
    ..ASKED
};

static FAILOVER: Command = Command {
    name: "failover",
    syntax: "master-name",
    summary: "Fails over to a replica without asking other Sentinels.",
    since: "2.8.4",
    arity: Arity::Exactly(3),
    ..ASKED
};

static FLUSHCONFIG: Command = Command {
    name: "flushconfig",
    summary: "Writes the configuration file, with all that was learned.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    ..ASKED
};

static GET_MASTER_ADDR_BY_NAME: Command = Command {
    name: "get-master-addr-by-name",
    syntax: "master-name",
    summary: "Tells the address of the master.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    ..ASKED
};

static HELP: Command = Command {
    name: "help",
    summary: "Shows this list.",
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    handler: |cx, _| help::subcommands(cx),
    ..Command::BLANK
};

static INFO_CACHE: Command = Command {
    name: "info-cache",
    syntax: "nodename [nodename ...]",
    summary: "Shows what masters and their replicas last said of themselves.",
    since: "3.2.0",
    complexity: "O(N) where N is the number of instances",
    arity: Arity::AtLeast(3),
    ..ASKED
};

static IS_MASTER_DOWN_BY_ADDR: Command = Command {
    name: "is-master-down-by-addr",
    syntax: "ip port current-epoch runid",
    summary: "Tells whether a master seems down, and votes when asked to.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::Exactly(6),
    ..ASKED
};

static MASTER: Command = Command {
    name: "master",
    syntax: "master-name",
    summary: "Shows what is known of a master.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    ..ASKED
};

static MASTERS: Command = Command {
    name: "masters",
    summary: "Shows what is known of every master.",
    since: "2.8.4",
    complexity: "O(N) where N is the number of masters",
    arity: Arity::Exactly(2),
    ..ASKED
};

static MONITOR: Command = Command {
    name: "monitor",
    syntax: "name ip port quorum",
    summary: "Begins to watch a master.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::Exactly(6),
    ..ASKED
};

static MYID: Command = Command {
    name: "myid",
    summary: "Tells the name of this Sentinel.",
    since: "6.2.0",
    complexity: "O(1)",
    arity: Arity::Exactly(2),
    ..ASKED
};

static PENDING_SCRIPTS: Command = Command {
    name: "pending-scripts",
    summary: "Shows the scripts that run or wait.",
    since: "2.8.4",
    arity: Arity::Exactly(2),
    ..ASKED
};

static REMOVE: Command = Command {
    name: "remove",
    syntax: "master-name",
    summary: "Ends watching a master.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::Exactly(3),
    ..ASKED
};

static REPLICAS: Command = Command {
    name: "replicas",
    syntax: "master-name",
    summary: "Shows what is known of a master's replicas.",
    since: "5.0.0",
    complexity: "O(N) where N is the number of replicas",
    arity: Arity::Exactly(3),
    ..ASKED
};

static RESET: Command = Command {
    name: "reset",
    syntax: "pattern",
    summary: "Forgets all that was learned of the masters whose names match.",
    since: "2.8.4",
    complexity: "O(N) where N is the number of monitored masters",
    arity: Arity::Exactly(3),
    ..ASKED
};

static SENTINELS: Command = Command {
    name: "sentinels",
    syntax: "master-name",
    summary: "Shows the other Sentinels that watch a master.",
    since: "2.8.4",
    complexity: "O(N) where N is the number of Sentinels",
    arity: Arity::Exactly(3),
    ..ASKED
};

static SET: Command = Command {
    name: "set",
    syntax: "master-name option value [option value ...]",
    summary: "Changes how a master is watched.",
    since: "2.8.4",
    complexity: "O(1)",
    arity: Arity::AtLeast(5),
    ..ASKED
};

static SIMULATE_FAILURE: Command = Command {
    name: "simulate-failure",
    syntax: "[CRASH-AFTER-ELECTION | CRASH-AFTER-PROMOTION | HELP]",
    summary: "Has this Sentinel crash in the midst of a failover.",
    since: "3.2.0",
    arity: Arity::AtLeast(3),
    ..ASKED
};

static SLAVES: Command = Command {
    name: "slaves",
    syntax: "master-name",
    summary: "Shows what is known of a master's replicas.",
    since: "2.8.0",
    complexity: "O(N) where N is the number of slaves",
    arity: Arity::Exactly(3),
    deprecated: Some(("5.0.0", "`SENTINEL REPLICAS`")),
    ..ASKED
};
