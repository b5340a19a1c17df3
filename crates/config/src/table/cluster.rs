//! Being one node of a cluster: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};
use crate::table::check::host_name;

pub(crate) static CLUSTER: &[Directive] = &[
    Directive {
        name: "cluster-enabled",
        doc: "Run as a node of a cluster.",
        field: &field!(cluster.enabled),
        ..Directive::STARTUP
    },
    Directive {
        name: "cluster-config-file",
        doc: "File in which the node keeps what it knows of the cluster.",
        field: &field!(cluster.config_file),
        ..Directive::STARTUP
    },
    Directive {
        name: "cluster-node-timeout",
        doc: "Milliseconds of silence after which a node may be down.",
        field: &field!(cluster.node_timeout),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-port",
        doc: "Port of the cluster bus. 0 means 10000 above the clients' port.",
        field: &field!(cluster.port),
        limits: Limits::PORT,
        ..Directive::STARTUP
    },
    Directive {
        name: "cluster-replica-validity-factor",
        alias: Some("cluster-slave-validity-factor"),
        doc: "Node timeouts after which a replica's data is too old to fail over. 0 means never.",
        field: &field!(cluster.replica_validity_factor),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-migration-barrier",
        doc: "Replicas a primary keeps when one of its own moves to an orphaned primary.",
        field: &field!(cluster.migration_barrier),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-allow-replica-migration",
        doc: "Let replicas move to primaries that have none.",
        field: &field!(cluster.allow_replica_migration),
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-require-full-coverage",
        doc: "Refuse commands while some slots have no owner.",
        field: &field!(cluster.require_full_coverage),
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-replica-no-failover",
        alias: Some("cluster-slave-no-failover"),
        doc: "Never let this replica start a failover by itself.",
        field: &field!(cluster.no_failover),
        effect: Effect::ClusterFailoverFlag,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-allow-reads-when-down",
        doc: "Answer reads while the cluster is down.",
        field: &field!(cluster.reads_when_down),
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-allow-pubsubshard-when-down",
        doc: "Pass shard messages while the cluster is down.",
        field: &field!(cluster.shard_pubsub_when_down),
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-link-sendbuf-limit",
        doc: "Unsent bytes at which a link of the bus is cut. 0 means no limit.",
        field: &field!(cluster.link_output_limit),
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-announce-ip",
        doc: "Address the node tells others instead of its own.",
        field: &field!(cluster.announce_ip),
        effect: Effect::AnnounceCluster,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-announce-hostname",
        doc: "Host name the node tells others.",
        field: &field!(cluster.announce_hostname),
        effect: Effect::AnnounceCluster,
        check: Some(host_name),
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-announce-port",
        doc: "Port the node tells others instead of its own.",
        field: &field!(cluster.announce_port),
        effect: Effect::AnnounceCluster,
        limits: Limits::PORT,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-announce-tls-port",
        doc: "TLS port the node tells others instead of its own.",
        field: &field!(cluster.announce_tls_port),
        effect: Effect::AnnounceCluster,
        limits: Limits::PORT,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-announce-bus-port",
        doc: "Bus port the node tells others instead of its own.",
        field: &field!(cluster.announce_bus_port),
        effect: Effect::AnnounceCluster,
        limits: Limits::PORT,
        ..Directive::LIVE
    },
    Directive {
        name: "cluster-preferred-endpoint-type",
        doc: "What redirections tell clients to connect to.",
        field: &field!(cluster.preferred_endpoint),
        ..Directive::LIVE
    },
];
