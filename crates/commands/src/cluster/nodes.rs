//! Nodes that come, go, and change their roles.

use core::net::IpAddr;

use ::cluster::{Command as Order, Failover};
use engine::command::Flags;
use engine::{Args, Arity, Command, CommandResult, Context, Error};
use stdx::number::parse_i64;

use super::{CHANGES, enabled, order};
use crate::client::unknown_form;

pub(super) static MEET: Command = Command {
    name: "meet",
    syntax: "ip port [cluster_bus_port]",
    summary: "Makes the cluster of this node and that of another one.",
    since: "3.0.0",
    arity: Arity::AtLeast(4),
    flags: CHANGES,
    handler: meet,
    history: &[("4.0.0", "Added the optional `cluster_bus_port` argument.")],
    ..Command::BLANK
};

fn meet(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    enabled(cx)?;
    let (ip, base, bus) = match *args.rest() {
        [ip, base] => (ip, base, None),
        [ip, base, bus] => (ip, base, Some(bus)),
        _ => return Err(unknown_form("CLUSTER", args.words()[1])),
    };
    let number = |word: &[u8], what: &str| {
        let invalid = format!("ERR Invalid TCP {what} port specified: ");
        parse_i64(word).ok_or(Error::Bytes([invalid.as_bytes(), word].concat()))
    };
    let port = number(base, "base")?;
    let bus_port = match bus {
        Some(bus) => number(bus, "bus")?,
        None => port.saturating_add(10_000),
    };
    let address = std::str::from_utf8(ip).ok();
    let address = address.and_then(|ip| ip.parse::<IpAddr>().ok());
    let valid = |port: i64| u16::try_from(port).ok().filter(|&port| port > 0);
    let (Some(address), Some(port), Some(bus_port)) = (address, valid(port), valid(bus_port))
    else {
        let invalid = [b"ERR Invalid node address specified: ", ip, b":", base];
        return Err(Error::Bytes(invalid.concat()));
    };
    let ip = &address.to_string();
    order(cx, Order::Meet { ip, port, bus_port })
}

pub(super) static FORGET: Command = Command {
    name: "forget",
    syntax: "node-id",
    summary: "Removes a node from those this node knows.",
    since: "3.0.0",
    arity: Arity::Exactly(3),
    flags: CHANGES,
    handler: |cx, args| {
        enabled(cx)?;
        order(cx, Order::Forget(args.bytes()?))
    },
    ..Command::BLANK
};

pub(super) static REPLICATE: Command = Command {
    name: "replicate",
    syntax: "node-id",
    summary: "Makes the node a replica of another.",
    since: "3.0.0",
    arity: Arity::Exactly(3),
    flags: CHANGES.and(Flags::ALL_KEYS),
    handler: |cx, args| {
        enabled(cx)?;
        order(cx, Order::Replicate(args.bytes()?))
    },
    ..Command::BLANK
};

pub(super) static FAILOVER: Command = Command {
    name: "failover",
    syntax: "[FORCE | TAKEOVER]",
    summary: "Has this replica take its primary's place.",
    since: "3.0.0",
    arity: Arity::AtLeast(2),
    flags: CHANGES.and(Flags::ALL_KEYS),
    handler: failover,
    ..Command::BLANK
};

fn failover(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    enabled(cx)?;
    if args.len() > 1 {
        return Err(unknown_form("CLUSTER", args.words()[1]));
    }
    let how = match args.keyword().as_ref().map(|word| word.as_bytes()) {
        None => Failover::Agreed,
        Some(b"FORCE") => Failover::Force,
        Some(b"TAKEOVER") => Failover::Takeover,
        Some(_) => return Err(Error::Syntax),
    };
    order(cx, Order::Failover(how))
}

pub(super) static RESET: Command = Command {
    name: "reset",
    syntax: "[HARD | SOFT]",
    summary: "Has the node leave its cluster, and forget all others.",
    since: "3.0.0",
    complexity: "O(N) where N is the number of known nodes. The command may execute a FLUSHALL as \
                 a side effect.",
    arity: Arity::AtLeast(2),
    flags: Flags::ADMIN
        .and(Flags::STALE)
        .and(Flags::NO_SCRIPT)
        .and(Flags::ALL_KEYS),
    handler: reset,
    ..Command::BLANK
};

fn reset(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    enabled(cx)?;
    if args.len() > 1 {
        return Err(unknown_form("CLUSTER", args.words()[1]));
    }
    let hard = match args.keyword().as_ref().map(|word| word.as_bytes()) {
        None | Some(b"SOFT") => false,
        Some(b"HARD") => true,
        Some(_) => return Err(Error::Syntax),
    };
    order(cx, Order::Reset { hard })
}

pub(super) static SET_CONFIG_EPOCH: Command = Command {
    name: "set-config-epoch",
    syntax: "config-epoch",
    summary: "Gives a node that knows no other its first epoch.",
    since: "3.0.0",
    arity: Arity::Exactly(3),
    flags: CHANGES,
    handler: set_config_epoch,
    ..Command::BLANK
};

fn set_config_epoch(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    enabled(cx)?;
    let epoch = args.integer()?;
    let negative = Error::text(format!("ERR Invalid config epoch specified: {epoch}"));
    let epoch = u64::try_from(epoch).map_err(|_| negative)?;
    order(cx, Order::SetConfigEpoch(epoch))
}

pub(super) static BUMPEPOCH: Command = Command {
    name: "bumpepoch",
    summary: "Gives the node the greatest epoch, unless it has it.",
    since: "3.0.0",
    arity: Arity::Exactly(2),
    flags: CHANGES,
    handler: |cx, _| {
        enabled(cx)?;
        order(cx, Order::BumpEpoch)
    },
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

pub(super) static SAVECONFIG: Command = Command {
    name: "saveconfig",
    summary: "Writes the file in which the node keeps what it knows of the cluster.",
    since: "3.0.0",
    arity: Arity::Exactly(2),
    flags: CHANGES,
    handler: |cx, _| {
        enabled(cx)?;
        order(cx, Order::SaveConfig)
    },
    ..Command::BLANK
};
