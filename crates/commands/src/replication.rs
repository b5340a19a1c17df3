//! Following a primary, being followed, and waiting for those who follow.
//!
//! What all of this means is decided by the machine of the crate `replication`: these handlers put
//! the words into its terms.

use std::sync::Arc;

use ::replication::{FailoverRequest, Input, Primary};
use engine::clients::{Client, ClientFlags};
use engine::command::Flags;
use engine::reply::Done;
use engine::session::{Origin, Replies};
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error, Family};
use stdx::number::parse_i64;

pub(crate) static REPLICATION: Family = Family {
    name: "server",
    commands: &[
        &FAILOVER, &PSYNC, &REPLCONF, &REPLICAOF, &ROLE, &SLAVEOF, &SYNC,
    ],
};

pub(crate) static WAITING: Family = Family {
    name: "generic",
    commands: &[&WAIT],
};

/// What changes the node's role: nothing else happens meanwhile.
const CHANGES_ROLE: Flags = Flags::ADMIN
    .and(Flags::NO_SCRIPT)
    .and(Flags::STALE)
    .and(Flags::ALL_KEYS);

static REPLICAOF: Command = Command {
    name: "replicaof",
    syntax: "<host port | NO ONE>",
    summary: "Makes the server a copy of another, or a primary.",
    since: "5.0.0",
    arity: Arity::Exactly(3),
    flags: CHANGES_ROLE.and(Flags::NO_ASYNC_LOADING),
    handler: replicaof,
    ..Command::BLANK
};

static SLAVEOF: Command = Command {
    name: "slaveof",
    since: "1.0.0",
    deprecated: Some(("5.0.0", "`REPLICAOF`")),
    ..REPLICAOF
};

fn replicaof(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if cx.engine.cluster.is_on() {
        let text = "ERR REPLICAOF not allowed in cluster mode.";
        return Err(Error::text(text));
    }
    let primary = primary(args)?;
    let (mut refusal, mut is_followed) = (None, false);
    cx.engine
        .host
        .look_at_replication(cx.engine, &mut |machine, _| {
            refusal = machine.refuses_replica_of();
            is_followed = primary.as_ref().is_some_and(|it| machine.follows(it));
        });
    if let Some(refusal) = refusal {
        return Err(Error::text(refusal));
    }
    let mut by = String::new();
    let request = engine::clients::Request::of(args.words());
    cx.engine.describe(&cx.session.client, request, &mut by);
    let _nothing = cx.replicate(Input::ReplicaOf { primary, by: &by });
    Ok(match is_followed {
        true => cx.reply.simple("OK Already connected to specified master"),
        false => cx.reply.ok(),
    })
}

fn primary(args: &mut Args<'_>) -> Result<Option<Primary>, Error> {
    let &[host, port] = args.rest() else {
        return Err(Error::Arity);
    };
    if host.eq_ignore_ascii_case(b"NO") && port.eq_ignore_ascii_case(b"ONE") {
        return Ok(None);
    }
    let port = parse_i64(port).and_then(|port| u16::try_from(port).ok());
    Ok(Some(Primary {
        host: String::from_utf8_lossy(host).into_owned(),
        port: port.ok_or(Error::text("ERR Invalid master port"))?,
    }))
}

static ROLE: Command = Command {
    name: "role",
    summary: "Tells whether the server is a primary or a replica, and of whom.",
    since: "2.8.12",
    arity: Arity::Exactly(1),
    flags: Flags::NO_SCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST),
    acl: Acl::ADMIN.and(Acl::DANGEROUS),
    handler: role,
    ..Command::BLANK
};

fn role(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let (host, out) = (&cx.engine.host, cx.reply.buffer());
    host.look_at_replication(cx.engine, &mut |machine, view| {
        out.extend(machine.role_reply(view))
    });
    Ok(cx.reply.nothing())
}

static FAILOVER: Command = Command {
    name: "failover",
    syntax: "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
    summary: "Hands the role of the primary over to one of its replicas.",
    since: "6.2.0",
    arity: Arity::AtLeast(1),
    flags: CHANGES_ROLE,
    handler: failover,
    ..Command::BLANK
};

fn failover(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if cx.config.cluster.enabled {
        return Err(Error::text(
            "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead.",
        ));
    }
    let request = FailoverRequest::parse(args.rest()).map_err(Error::text)?;
    let client = cx.session.client.peer();
    Ok(cx.replicate(Input::Failover { client, request }))
}

/// What replicas say.
const OF_REPLICAS: Command = Command {
    complexity: "",
    flags: Flags::ADMIN
        .and(Flags::NO_SCRIPT)
        .and(Flags::NO_ASYNC_LOADING)
        .and(Flags::NO_MULTI)
        .and(Flags::ALL_KEYS)
        .and(Flags::PUSHES),
    ..Command::BLANK
};

static PSYNC: Command = Command {
    name: "psync",
    syntax: "replicationid offset",
    summary: "Begins to send a replica what it lacks.",
    since: "2.8.0",
    arity: Arity::AtLeast(3),
    handler: psync,
    ..OF_REPLICAS
};

fn psync(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if cx.session.client.has(ClientFlags::REPLICA) {
        return Ok(cx.reply.nothing());
    }
    let client = Arc::clone(&cx.session.client);
    let input = Input::Psync {
        peer: client.peer(),
        words: args.rest(),
        address: host_of(&client),
        owes_replies: owes_replies(cx),
    };
    Ok(become_replica(cx, input))
}

static SYNC: Command = Command {
    name: "sync",
    summary: "Begins to send a replica all data.",
    arity: Arity::Exactly(1),
    handler: sync,
    ..OF_REPLICAS
};

fn sync(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    if cx.session.client.has(ClientFlags::REPLICA) {
        return Ok(cx.reply.nothing());
    }
    let client = Arc::clone(&cx.session.client);
    let input = Input::Sync {
        peer: client.peer(),
        address: host_of(&client),
        owes_replies: owes_replies(cx),
    };
    Ok(become_replica(cx, input))
}

/// Whether the client has replies coming that are not written yet.
fn owes_replies(cx: &mut Context<'_>) -> bool {
    !cx.reply.buffer().is_empty() || cx.session.client.usage.output() > 0
}

/// The address of a client, without its port.
fn host_of(client: &Client) -> &str {
    let address = client.endpoints.addr.as_str();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Has the session become a replica's, if the machine agrees. Then it is answered nothing more.
fn become_replica(cx: &mut Context<'_>, input: Input<'_>) -> Done {
    let done = cx.replicate(input);
    if cx.session.client.has(ClientFlags::REPLICA) {
        cx.session.replies = Replies::Off;
    }
    done
}

static REPLCONF: Command = Command {
    name: "replconf",
    summary: "Tells the primary of a replica, or the other way round.",
    since: "3.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::ADMIN
        .and(Flags::NO_SCRIPT)
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::SYSTEM),
    handler: replconf,
    ..Command::BLANK
};

fn replconf(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    // A primary asks in its stream, and is answered when what it sent is applied.
    if cx.session.origin != Origin::Client {
        return Ok(cx.reply.nothing());
    }
    let (peer, words) = (cx.session.client.peer(), args.rest());
    Ok(cx.replicate(Input::Replconf { peer, words }))
}

static WAIT: Command = Command {
    name: "wait",
    syntax: "numreplicas timeout",
    summary: "Waits until so many replicas have confirmed what this client wrote.",
    since: "3.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::NO_SCRIPT,
    acl: Acl::CONNECTION,
    handler: wait,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    ..Command::BLANK
};

fn wait(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if cx.engine.standing.is_replica() {
        return Err(Error::text(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis \
             4.0 if a replica is configured to be writable (which is not the default) writes to \
             replicas are just local and are not propagated.",
        ));
    }
    let replicas = args.integer()?;
    let not_integer = Error::text("ERR timeout is not an integer or out of range");
    let timeout_ms = args.integer().map_err(|_| not_integer)?;
    if timeout_ms < 0 {
        return Err(Error::text("ERR timeout is negative"));
    }
    let timeout_ms = (timeout_ms > 0).then_some(timeout_ms as u64);
    let replicas = replicas.clamp(0, i64::from(u32::MAX)) as u32;
    Ok(cx.wait_for_replicas(replicas, timeout_ms))
}

#[cfg(test)]
mod tests;
