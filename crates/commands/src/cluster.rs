//! Being one node of a cluster: who owns which slot, and how that changes.
//!
//! What all of this means is decided by the machine of the crate `cluster`: these handlers put the
//! words into its terms, and what it knows into replies.

use std::ops::RangeInclusive;

use ::cluster::{Answer, Command as Order, SLOTS};
use engine::clients::ClientFlags;
use engine::command::Flags;
use engine::host::ClusterRequest;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use stdx::number::parse_i64;

mod look;
mod moves;
mod nodes;
mod slots;

pub(crate) static CLUSTERS: Family = Family {
    name: "cluster",
    commands: &[&ASKING, &CLUSTER, &READONLY, &READWRITE],
};

static CLUSTER: Command = Command {
    name: "cluster",
    summary: "Shows and changes what the node knows of its cluster.",
    since: "3.0.0",
    complexity: "Depends on subcommand.",
    arity: Arity::AtLeast(2),
    subcommands: &[
        &slots::ADDSLOTS,
        &slots::ADDSLOTSRANGE,
        &nodes::BUMPEPOCH,
        &moves::CANCELSLOTMIGRATIONS,
        &look::COUNT_FAILURE_REPORTS,
        &slots::COUNTKEYSINSLOT,
        &slots::DELSLOTS,
        &slots::DELSLOTSRANGE,
        &nodes::FAILOVER,
        &slots::FLUSHSLOTS,
        &nodes::FORGET,
        &slots::GETKEYSINSLOT,
        &moves::GETSLOTMIGRATIONS,
        &look::HELP,
        &look::INFO,
        &slots::KEYSLOT,
        &look::LINKS,
        &nodes::MEET,
        &moves::MIGRATESLOTS,
        &look::MYID,
        &look::MYSHARDID,
        &look::NODES,
        &look::REPLICAS,
        &nodes::REPLICATE,
        &nodes::RESET,
        &nodes::SAVECONFIG,
        &nodes::SET_CONFIG_EPOCH,
        &slots::SETSLOT,
        &look::SHARDS,
        &look::SLAVES,
        &look::SLOTS_SERVED,
        &moves::SYNCSLOTS,
    ],
    ..Command::BLANK
};

/// What changes the cluster.
const CHANGES: Flags = Flags::ADMIN.and(Flags::STALE).and(Flags::NO_ASYNC_LOADING);

static ASKING: Command = Command {
    name: "asking",
    summary: "Has the next command use a slot that is on its way to this node.",
    since: "3.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::FAST,
    acl: Acl::CONNECTION,
    handler: |cx, _| {
        enabled(cx)?;
        cx.session.asking = 2;
        Ok(cx.reply.ok())
    },
    ..Command::BLANK
};

static READONLY: Command = Command {
    name: "readonly",
    summary: "Lets a replica of a cluster answer what the client only reads.",
    since: "3.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::FAST.and(Flags::LOADING).and(Flags::STALE),
    acl: Acl::CONNECTION,
    handler: |cx, _| read_from_replica(cx, true),
    ..Command::BLANK
};

static READWRITE: Command = Command {
    name: "readwrite",
    summary: "Has a replica of a cluster send the client to the primary, whatever it wants.",
    handler: |cx, _| read_from_replica(cx, false),
    ..READONLY
};

fn read_from_replica(cx: &mut Context<'_>, on: bool) -> CommandResult {
    enabled(cx)?;
    cx.session.reads_replica = on;
    cx.session.client.set(ClientFlags::READS_REPLICA, on);
    Ok(cx.reply.ok())
}

/// Fails if the node is none of a cluster.
fn enabled(cx: &Context<'_>) -> Result<(), Error> {
    match cx.engine.cluster.is_on() {
        true => Ok(()),
        false => Err(Error::text(
            "ERR This instance has cluster support disabled",
        )),
    }
}

/// Has the machine do something, under the locks that the command holds.
pub(crate) fn order(cx: &mut Context<'_>, command: Order<'_>) -> CommandResult {
    enabled(cx)?;
    let holds_locks = cx.command.flags.has(Flags::ALL_KEYS);
    let request = ClusterRequest {
        command,
        holds_keys: holds_locks && cx.db.count().0 > 0,
        holds_locks,
    };
    let reply = cx.engine.host.command_cluster(cx.engine, request);
    let reply = reply.map_err(|refused| Error::text(refused.0))?;
    if reply.deletes_all {
        delete_all(cx);
    }
    Ok(match reply.answer {
        Answer::Ok => cx.reply.ok(),
        Answer::Bumped(epoch) => cx.reply.simple(&format!("BUMPED {epoch}")),
        Answer::Still(epoch) => cx.reply.simple(&format!("STILL {epoch}")),
    })
}

/// A replica that leaves its cluster keeps nothing of it. Whoever reads the log keeps nothing, too.
fn delete_all(cx: &mut Context<'_>) {
    let keys = cx.db.count().0;
    let detached = cx.db.detach_all();
    cx.engine.garbage.add(detached);
    cx.changed(keys as u64);
    cx.effect(&[b"FLUSHALL"]);
}

/// The slot that a word means.
fn slot(word: &[u8]) -> Result<u16, Error> {
    let number = parse_i64(word).and_then(|number| u16::try_from(number).ok());
    let slot = number.filter(|&number| number < SLOTS);
    slot.ok_or(Error::text("ERR Invalid or out of range slot"))
}

/// Slots one by one.
fn single_slots(args: &Args<'_>) -> Result<Vec<RangeInclusive<u16>>, Error> {
    let slots = args.rest().iter().map(|word| slot(word));
    slots.map(|slot| slot.map(|slot| slot..=slot)).collect()
}

/// Slots from one to another, again and again.
fn slot_ranges(args: &Args<'_>) -> Result<Vec<RangeInclusive<u16>>, Error> {
    let pairs = args.rest().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(Error::Arity);
    }
    let range = |pair: &[&[u8]]| {
        let (first, last) = (slot(pair[0])?, slot(pair[1])?);
        if first > last {
            return Err(Error::text(format!(
                "ERR start slot number {first} is greater than end slot number {last}"
            )));
        }
        Ok(first..=last)
    };
    pairs.map(range).collect()
}

#[cfg(test)]
mod tests;
