//! Following a primary, and being followed: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static REPLICATION: &[Directive] = &[
    Directive {
        name: "replicaof",
        alias: Some("slaveof"),
        doc: "Host and port of the primary to copy.",
        field: &field!(replication.primary),
        multi: true,
        ..Directive::STARTUP
    },
    Directive {
        name: "masteruser",
        doc: "User to log in as at the primary.",
        field: &field!(replication.primary_user),
        sensitive: true,
        ..Directive::LIVE
    },
    Directive {
        name: "masterauth",
        doc: "Password to log in with at the primary.",
        field: &field!(replication.primary_password),
        sensitive: true,
        ..Directive::LIVE
    },
    Directive {
        name: "replica-serve-stale-data",
        alias: Some("slave-serve-stale-data"),
        doc: "Answer from old data while the link to the primary is down.",
        field: &field!(replication.serve_stale_data),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-read-only",
        alias: Some("slave-read-only"),
        doc: "Refuse writes of clients while this node is a replica.",
        field: &field!(replication.read_only),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-ignore-maxmemory",
        alias: Some("slave-ignore-maxmemory"),
        doc: "Leave eviction to the primary while this node is a replica.",
        field: &field!(replication.ignore_memory_limit),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-ignore-disk-write-errors",
        doc: "Go on applying the primary's writes although they cannot be stored.",
        field: &field!(replication.ignore_disk_errors),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-lazy-flush",
        alias: Some("slave-lazy-flush"),
        doc: "Free the old data in the background when a full copy arrives.",
        field: &field!(replication.lazy_flush),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-priority",
        alias: Some("slave-priority"),
        doc: "Rank in a failover by Sentinel: lower wins, 0 never does.",
        field: &field!(replication.priority),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "replica-announced",
        doc: "Let Sentinel tell clients of this replica.",
        field: &field!(replication.announced),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-announce-ip",
        alias: Some("slave-announce-ip"),
        doc: "Address under which the primary lists this replica.",
        field: &field!(replication.announce_ip),
        ..Directive::LIVE
    },
    Directive {
        name: "replica-announce-port",
        alias: Some("slave-announce-port"),
        doc: "Port under which the primary lists this replica. 0 means the real one.",
        field: &field!(replication.announce_port),
        limits: Limits::PORT,
        ..Directive::LIVE
    },
    Directive {
        name: "repl-ping-replica-period",
        alias: Some("repl-ping-slave-period"),
        doc: "Seconds between the primary's pings to its replicas.",
        field: &field!(replication.ping_period),
        limits: Limits::POSITIVE,
        ..Directive::LIVE
    },
    Directive {
        name: "repl-timeout",
        doc: "Seconds of silence after which a link is given up.",
        field: &field!(replication.timeout),
        limits: Limits::POSITIVE,
        ..Directive::LIVE
    },
    Directive {
        name: "repl-disable-tcp-nodelay",
        doc: "Let the kernel gather small packets to replicas.",
        field: &field!(replication.disable_nodelay),
        ..Directive::LIVE
    },
    Directive {
        name: "repl-backlog-size",
        doc: "Bytes of the past kept so that a replica can catch up.",
        field: &field!(replication.backlog_size),
        effect: Effect::ResizeBacklog,
        limits: Limits::between(1, i64::MAX).settling(16 << 10, i64::MAX),
        ..Directive::LIVE
    },
    Directive {
        name: "repl-backlog-ttl",
        doc: "Seconds without replicas after which the backlog goes. 0 means never.",
        field: &field!(replication.backlog_ttl),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "repl-diskless-sync",
        doc: "Send full copies straight to the socket.",
        field: &field!(replication.diskless_sync),
        ..Directive::LIVE
    },
    Directive {
        name: "repl-diskless-sync-delay",
        doc: "Seconds to wait for more replicas before a full copy is sent.",
        field: &field!(replication.diskless_sync_delay),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "repl-diskless-sync-max-replicas",
        doc: "Replicas whose arrival ends that wait. 0 means only the delay does.",
        field: &field!(replication.diskless_sync_replicas_max),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "repl-diskless-load",
        doc: "How a replica takes a full copy that arrives over the socket.",
        field: &field!(replication.diskless_load),
        settled_data_only: true,
        ..Directive::LIVE
    },
    Directive {
        name: "min-replicas-to-write",
        alias: Some("min-slaves-to-write"),
        doc: "Replicas that must be listening for a write to be accepted.",
        field: &field!(replication.replicas_to_write),
        effect: Effect::CountGoodReplicas,
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "min-replicas-max-lag",
        alias: Some("min-slaves-max-lag"),
        doc: "Seconds of silence after which a replica no longer counts.",
        field: &field!(replication.replicas_lag_max),
        effect: Effect::CountGoodReplicas,
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "sync-replicas",
        doc: "Replicas that must confirm a write before it is answered. 0 means none.",
        field: &field!(replication.sync_replicas),
        effect: Effect::CountGoodReplicas,
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "sync-replicas-timeout",
        doc: "Milliseconds until a write without confirmation fails for its client. 0 means never.",
        field: &field!(replication.sync_timeout),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "replica-full-sync-from-empty-master",
        doc: "Let a primary that restarted empty empty this replica, too.",
        field: &field!(replication.full_sync_from_empty),
        ..Directive::LIVE
    },
    Directive {
        name: "propagation-error-behavior",
        doc: "What a replica does with a command of its primary that fails.",
        field: &field!(replication.propagation_error),
        ..Directive::LIVE
    },
];
