//! Slow commands and where time goes: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static LATENCY: &[Directive] = &[
    Directive {
        name: "slowlog-log-slower-than",
        doc: "Microseconds from which a command enters the slow log. -1 means never.",
        field: &field!(latency.slow_log_threshold),
        limits: Limits::between(-1, i64::MAX),
        ..Directive::LIVE
    },
    Directive {
        name: "slowlog-max-len",
        doc: "Entries the slow log keeps.",
        field: &field!(latency.slow_log_len_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "latency-monitor-threshold",
        doc: "Milliseconds from which an event is remembered. 0 means never.",
        field: &field!(latency.monitor_threshold),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "latency-tracking",
        doc: "Keep a histogram of each command's latency.",
        field: &field!(latency.tracking),
        effect: Effect::LatencyTracking,
        ..Directive::LIVE
    },
    Directive {
        name: "latency-tracking-info-percentiles",
        doc: "Percentiles INFO shows of each command's latency.",
        field: &field!(latency.info_percentiles),
        multi: true,
        ..Directive::LIVE
    },
];
