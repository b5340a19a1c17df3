//! What the node knows of the cluster, as clients and operators are shown it.

use ::cluster::{
    Direction, Health, LinkRow, Machine, NodeRow, ShardNode, ShardRow, SlotsRow, View,
};
use engine::command::Flags;
use engine::reply::{Done, Reply};
use engine::{Args, Arity, Command, CommandResult, Context, Error};

use super::enabled;
use crate::help;

/// What all of this is.
const LOOKS: Command = Command {
    since: "3.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::STALE.and(Flags::WHILE_LOADING),
    tips: &["nondeterministic_output"],
    ..Command::BLANK
};

/// Whether the client speaks TLS: it is told ports where that is spoken.
fn is_encrypted(cx: &Context<'_>) -> bool {
    cx.session.client.endpoints.encrypted
}

/// Something of what the machine knows.
pub(super) fn known<R>(
    cx: &Context<'_>,
    look: impl FnOnce(&Machine, &View) -> R,
) -> Result<R, Error> {
    enabled(cx)?;
    let (mut look, mut result) = (Some(look), None);
    let host = &cx.engine.host;
    host.look_at_cluster(cx.engine, &mut |machine, view| {
        result = look.take().map(|look| look(machine, view));
    });
    Ok(result.expect("the host shows the machine once"))
}

pub(super) static INFO: Command = Command {
    name: "info",
    summary: "Tells how the cluster is, line by line.",
    handler: |cx, _| {
        let text = known(cx, |machine, _| machine.info_text())?;
        Ok(cx.reply.verbatim(text.as_bytes()))
    },
    ..LOOKS
};

pub(super) static NODES: Command = Command {
    name: "nodes",
    summary: "Lists the nodes as this one knows them, in the format of its file.",
    complexity: "O(N) where N is the total number of Cluster nodes",
    handler: |cx, _| {
        let text = known(cx, |machine, view| {
            machine.nodes_text(view, is_encrypted(cx))
        })?;
        Ok(cx.reply.verbatim(text.as_bytes()))
    },
    ..LOOKS
};

pub(super) static MYID: Command = Command {
    name: "myid",
    summary: "Tells the name of this node.",
    tips: &[],
    handler: |cx, _| {
        let id = known(cx, |machine, _| machine.myself())?;
        Ok(cx.reply.bulk(id.as_bytes()))
    },
    ..LOOKS
};

pub(super) static MYSHARDID: Command = Command {
    name: "myshardid",
    summary: "Tells the name that this node, its primary and its replicas share.",
    since: "7.2.0",
    tips: &[],
    handler: |cx, _| {
        let id = known(cx, |machine, _| machine.shard())?;
        Ok(cx.reply.bulk(id.as_bytes()))
    },
    ..LOOKS
};

pub(super) static SLOTS_SERVED: Command = Command {
    name: "slots",
    summary: "Lists ranges of slots, and the nodes that serve them.",
    complexity: "O(N) where N is the total number of Cluster nodes",
    handler: |cx, _| {
        let rows = known(cx, |machine, view| {
            machine.slots_rows(view, is_encrypted(cx))
        })?;
        let mut array = cx.reply.array(rows.len());
        for row in &rows {
            let _row = write_slots(array.element(), row);
        }
        Ok(array.done())
    },
    history: &[
        ("4.0.0", "Added node IDs."),
        ("7.0.0", "Added additional networking metadata field."),
    ],
    deprecated: Some(("7.0.0", "`CLUSTER SHARDS`")),
    ..LOOKS
};

fn write_slots(reply: &mut Reply<'_>, row: &SlotsRow) -> Done {
    let mut array = reply.array(2 + row.nodes.len());
    array.integer(i64::from(row.first));
    array.integer(i64::from(row.last));
    for node in &row.nodes {
        let _node = write_node(array.element(), node);
    }
    array.done()
}

fn write_node(reply: &mut Reply<'_>, node: &NodeRow) -> Done {
    let mut array = reply.array(4);
    match &node.endpoint {
        Some(endpoint) => array.bulk(endpoint.as_bytes()),
        None => array.null(),
    }
    array.integer(i64::from(node.port));
    array.bulk(node.id.as_bytes());
    let mut metadata = array.element().map(node.metadata.len());
    for (kind, name) in &node.metadata {
        metadata.bulk(kind.as_bytes());
        metadata.bulk(name.as_bytes());
    }
    let _metadata = metadata.done();
    array.done()
}

pub(super) static SHARDS: Command = Command {
    name: "shards",
    summary: "Lists primaries with their replicas, and the slots they serve.",
    since: "7.0.0",
    complexity: "O(N) where N is the total number of cluster nodes",
    handler: |cx, _| {
        let rows = known(cx, |machine, view| machine.shard_rows(view))?;
        let mut array = cx.reply.array(rows.len());
        for row in &rows {
            let _row = write_shard(array.element(), row);
        }
        Ok(array.done())
    },
    ..LOOKS
};

fn write_shard(reply: &mut Reply<'_>, row: &ShardRow) -> Done {
    let mut map = reply.map(2);
    map.bulk(b"slots");
    let mut slots = map.element().array(row.slots.len() * 2);
    for &(first, last) in &row.slots {
        slots.integer(i64::from(first));
        slots.integer(i64::from(last));
    }
    let _slots = slots.done();
    map.bulk(b"nodes");
    let mut nodes = map.element().array(row.nodes.len());
    for node in &row.nodes {
        let _node = write_shard_node(nodes.element(), node);
    }
    let _nodes = nodes.done();
    map.done()
}

fn write_shard_node(reply: &mut Reply<'_>, node: &ShardNode) -> Done {
    let ports = [("port", node.port), ("tls-port", node.tls_port)];
    let ports = ports.iter().filter(|(_, port)| *port != 0);
    let has_name = !node.hostname.is_empty();
    let mut map = reply.map(6 + ports.clone().count() + usize::from(has_name));
    map.bulk(b"id");
    map.bulk(node.id.as_bytes());
    for &(name, port) in ports {
        map.bulk(name.as_bytes());
        map.integer(i64::from(port));
    }
    map.bulk(b"ip");
    map.bulk(node.ip.as_bytes());
    map.bulk(b"endpoint");
    match &node.endpoint {
        Some(endpoint) => map.bulk(endpoint.as_bytes()),
        None => map.null(),
    }
    if has_name {
        map.bulk(b"hostname");
        map.bulk(node.hostname.as_bytes());
    }
    map.bulk(b"role");
    map.bulk(if node.is_primary {
        b"master"
    } else {
        b"replica"
    });
    map.bulk(b"replication-offset");
    map.integer(node.replication_offset as i64);
    map.bulk(b"health");
    map.bulk(match node.health {
        Health::Online => b"online",
        Health::Failed => b"fail",
        Health::Loading => b"loading",
    });
    map.done()
}

pub(super) static LINKS: Command = Command {
    name: "links",
    summary: "Lists the links of the bus, to other nodes and from them.",
    since: "7.0.0",
    complexity: "O(N) where N is the total number of Cluster nodes",
    handler: |cx, _| {
        let rows = known(cx, |machine, view| machine.link_rows(view))?;
        let mut array = cx.reply.array(rows.len());
        for row in &rows {
            let _row = write_link(array.element(), row);
        }
        Ok(array.done())
    },
    ..LOOKS
};

fn write_link(reply: &mut Reply<'_>, row: &LinkRow) -> Done {
    let mut map = reply.map(6);
    map.bulk(b"direction");
    map.bulk(match row.direction {
        Direction::To => b"to",
        Direction::From => b"from",
    });
    map.bulk(b"node");
    map.bulk(row.node.as_bytes());
    map.bulk(b"create-time");
    map.integer(row.created_ms as i64);
    map.bulk(b"events");
    map.bulk(if row.writable { b"rw" } else { b"r" });
    map.bulk(b"send-buffer-allocated");
    map.integer(row.held_bytes as i64);
    map.bulk(b"send-buffer-used");
    map.integer(row.used_bytes as i64);
    map.done()
}

pub(super) static REPLICAS: Command = Command {
    name: "replicas",
    syntax: "node-id",
    summary: "Lists the replicas of a primary.",
    since: "5.0.0",
    complexity: "O(N) where N is the number of replicas",
    arity: Arity::Exactly(3),
    flags: Flags::ADMIN.and(Flags::STALE).and(Flags::WHILE_LOADING),
    handler: replicas,
    ..LOOKS
};

pub(super) static SLAVES: Command = Command {
    name: "slaves",
    since: "3.0.0",
    deprecated: Some(("5.0.0", "`CLUSTER REPLICAS`")),
    ..REPLICAS
};

fn replicas(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let node = args.bytes()?;
    let encrypted = is_encrypted(cx);
    let lines = known(cx, |machine, view| {
        machine.replica_lines(view, node, encrypted)
    })?;
    let lines = lines.map_err(|refused| Error::text(refused.0))?;
    Ok(cx.reply.bulks(lines.iter()))
}

pub(super) static COUNT_FAILURE_REPORTS: Command = Command {
    name: "count-failure-reports",
    syntax: "node-id",
    summary: "Counts the nodes that say they cannot reach a node.",
    complexity: "O(N) where N is the number of failure reports",
    arity: Arity::Exactly(3),
    flags: Flags::ADMIN.and(Flags::STALE).and(Flags::WHILE_LOADING),
    handler: |cx, args| {
        let node = args.bytes()?;
        let count = known(cx, |machine, view| {
            machine.count_failure_reports(view, node)
        })?;
        let count = count.map_err(|refused| Error::text(refused.0))?;
        Ok(cx.reply.count(count))
    },
    ..LOOKS
};

pub(super) static HELP: Command = Command {
    name: "help",
    summary: "Shows what can be asked.",
    since: "5.0.0",
    flags: Flags::LOADING.and(Flags::STALE),
    tips: &[],
    handler: |cx, _| {
        enabled(cx)?;
        help::subcommands(cx)
    },
    ..LOOKS
};
