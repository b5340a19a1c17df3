//! How much memory the data set may take, and what gives way: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static MEMORY: &[Directive] = &[
    Directive {
        name: "maxmemory",
        doc: "Memory the data set may use before eviction starts. 0 means no limit.",
        field: &field!(memory.limit),
        effect: Effect::EvictNow,
        ..Directive::LIVE
    },
    Directive {
        name: "maxmemory-policy",
        doc: "What to evict once `maxmemory` is reached.",
        field: &field!(memory.policy),
        ..Directive::LIVE
    },
    Directive {
        name: "maxmemory-samples",
        doc: "Keys sampled per eviction. More is closer to true LRU, and slower.",
        field: &field!(memory.samples),
        limits: Limits::POSITIVE,
        ..Directive::LIVE
    },
    Directive {
        name: "maxmemory-eviction-tenacity",
        doc: "How long one round of eviction may take: 0 is brief, 100 has no bound.",
        field: &field!(memory.eviction_tenacity),
        limits: Limits::between(0, 100),
        ..Directive::LIVE
    },
    Directive {
        name: "lfu-log-factor",
        doc: "How slowly the counter of a popular key grows.",
        field: &field!(memory.lfu_log_factor),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "lfu-decay-time",
        doc: "Minutes after which an unused key's counter shrinks.",
        field: &field!(memory.lfu_decay_time),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "active-expire-effort",
        doc: "How much time goes into finding expired keys nobody asks for.",
        field: &field!(memory.active_expire_effort),
        limits: Limits::between(1, 10),
        ..Directive::LIVE
    },
    Directive {
        name: "lazyfree-lazy-eviction",
        doc: "Free evicted values in the background.",
        field: &field!(memory.lazy_eviction),
        ..Directive::LIVE
    },
    Directive {
        name: "lazyfree-lazy-expire",
        doc: "Free expired values in the background.",
        field: &field!(memory.lazy_expire),
        ..Directive::LIVE
    },
    Directive {
        name: "lazyfree-lazy-server-del",
        doc: "Free values in the background that a command replaces.",
        field: &field!(memory.lazy_server_del),
        ..Directive::LIVE
    },
    Directive {
        name: "lazyfree-lazy-user-del",
        doc: "Make DEL behave like UNLINK.",
        field: &field!(memory.lazy_user_del),
        ..Directive::LIVE
    },
    Directive {
        name: "lazyfree-lazy-user-flush",
        doc: "Make FLUSHALL and FLUSHDB asynchronous unless they say SYNC.",
        field: &field!(memory.lazy_user_flush),
        ..Directive::LIVE
    },
    Directive {
        name: "activerehashing",
        doc: "Spend idle time on growing tables.",
        field: &field!(memory.active_rehashing),
        ..Directive::LIVE
    },
    Directive {
        name: "activedefrag",
        doc: "Move values together to give fragmented memory back.",
        field: &field!(memory.active_defrag),
        effect: Effect::ActiveDefrag,
        ..Directive::LIVE
    },
    Directive {
        name: "active-defrag-ignore-bytes",
        doc: "Wasted memory below which nothing is moved.",
        field: &field!(memory.defrag_ignore_bytes),
        limits: Limits::between(1, i64::MAX),
        ..Directive::LIVE
    },
    Directive {
        name: "active-defrag-threshold-lower",
        doc: "Percentage of waste at which moving starts.",
        field: &field!(memory.defrag_threshold_lower),
        limits: Limits::between(0, 1000),
        ..Directive::LIVE
    },
    Directive {
        name: "active-defrag-threshold-upper",
        doc: "Percentage of waste at which moving takes all the time it may.",
        field: &field!(memory.defrag_threshold_upper),
        limits: Limits::between(0, 1000),
        ..Directive::LIVE
    },
    Directive {
        name: "active-defrag-cycle-min",
        doc: "Percentage of time for moving at the lower threshold.",
        field: &field!(memory.defrag_cycle_min),
        effect: Effect::ActiveDefrag,
        limits: Limits::between(1, 99),
        ..Directive::LIVE
    },
    Directive {
        name: "active-defrag-cycle-max",
        doc: "Percentage of time for moving at the upper threshold.",
        field: &field!(memory.defrag_cycle_max),
        effect: Effect::ActiveDefrag,
        limits: Limits::between(1, 99),
        ..Directive::LIVE
    },
    Directive {
        name: "active-defrag-max-scan-fields",
        doc: "Members of one collection moved in one go.",
        field: &field!(memory.defrag_scan_fields_max),
        limits: Limits::between(1, i64::MAX),
        ..Directive::LIVE
    },
    Directive {
        name: "jemalloc-bg-thread",
        doc: "Let the allocator return memory from a thread of its own.",
        field: &field!(memory.allocator_thread),
        effect: Effect::AllocatorThread,
        ..Directive::LIVE
    },
];
