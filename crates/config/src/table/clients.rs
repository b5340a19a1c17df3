//! What one client, and all of them together, may take: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static CLIENTS: &[Directive] = &[
    Directive {
        name: "maxclients",
        doc: "Connections accepted at the same time.",
        field: &field!(clients.count_max),
        effect: Effect::MaxClients,
        limits: Limits::between(1, u32::MAX as i64),
        ..Directive::LIVE
    },
    Directive {
        name: "timeout",
        doc: "Seconds after which an idle client is closed. 0 means never.",
        field: &field!(clients.timeout),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "maxmemory-clients",
        doc: "Memory of all clients at which the greediest are closed. 0 means no limit.",
        field: &field!(clients.memory),
        effect: Effect::EvictClients,
        ..Directive::LIVE
    },
    Directive {
        name: "client-query-buffer-limit",
        doc: "Bytes of an unfinished request at which its client is closed.",
        field: &field!(clients.query_buffer_limit),
        limits: Limits::between(1 << 20, i64::MAX),
        ..Directive::LIVE
    },
    Directive {
        name: "client-output-buffer-limit",
        doc: "Unread output at which a client is closed: at once, or after some seconds.",
        field: &field!(clients.output_limits),
        multi: true,
        ..Directive::LIVE
    },
    Directive {
        name: "proto-max-bulk-len",
        doc: "Longest single string a client may send.",
        field: &field!(clients.bulk_len_max),
        limits: Limits::between(1 << 20, i64::MAX),
        ..Directive::LIVE
    },
    Directive {
        name: "tracking-table-max-keys",
        doc: "Keys remembered for client-side caches. 0 means no limit.",
        field: &field!(clients.tracked_keys_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "notify-keyspace-events",
        doc: "Which changes of keys are published, one letter per class.",
        field: &field!(clients.keyspace_events),
        ..Directive::LIVE
    },
];
