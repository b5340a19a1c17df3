//! How large a collection may grow in its compact encoding: the directives, one row each.

use crate::directive::{Directive, Limits, field};

pub(crate) static ENCODINGS: &[Directive] = &[
    Directive {
        name: "hash-max-listpack-entries",
        alias: Some("hash-max-ziplist-entries"),
        doc: "Fields up to which a hash stays compact.",
        field: &field!(encodings.hash_entries_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "hash-max-listpack-value",
        alias: Some("hash-max-ziplist-value"),
        doc: "Longest field or value of a compact hash.",
        field: &field!(encodings.hash_value_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "set-max-intset-entries",
        doc: "Members up to which a set of integers stays compact.",
        field: &field!(encodings.set_integers_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "zset-max-listpack-entries",
        alias: Some("zset-max-ziplist-entries"),
        doc: "Members up to which a sorted set stays compact.",
        field: &field!(encodings.sorted_set_entries_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "zset-max-listpack-value",
        alias: Some("zset-max-ziplist-value"),
        doc: "Longest member of a compact sorted set.",
        field: &field!(encodings.sorted_set_value_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "list-max-listpack-size",
        alias: Some("list-max-ziplist-size"),
        doc: "Size of a list's nodes: elements, or -1 to -5 for 4 kb to 64 kb.",
        field: &field!(encodings.list_node_size_max),
        limits: Limits::INTEGER,
        ..Directive::LIVE
    },
    Directive {
        name: "list-compress-depth",
        doc: "Nodes at each end of a list that stay uncompressed. 0 means all.",
        field: &field!(encodings.list_compress_depth),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "hll-sparse-max-bytes",
        doc: "Bytes up to which a HyperLogLog stays sparse.",
        field: &field!(encodings.hyperloglog_sparse_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "stream-node-max-bytes",
        doc: "Bytes of one node of a stream. 0 means no limit.",
        field: &field!(encodings.stream_node_bytes_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "stream-node-max-entries",
        doc: "Entries of one node of a stream. 0 means no limit.",
        field: &field!(encodings.stream_node_entries_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
];
