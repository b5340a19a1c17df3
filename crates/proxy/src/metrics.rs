//! All figures as Prometheus reads them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::pool::{Pool, Server};
use crate::stats::{Counter, LATENCY_BUCKETS, PoolCounters, ServerCounters};

/// Name, kind, what it tells and where it is kept.
type Metric<T> = (&'static str, &'static str, &'static str, fn(&T) -> &Counter);

const OF_POOLS: &[Metric<PoolCounters>] = &[
    ("clients", "gauge", "Clients there are.", |c| {
        &c.client_connections
    }),
    (
        "clients_accepted_total",
        "counter",
        "Clients that have come.",
        |c| &c.clients_accepted,
    ),
    (
        "client_errors_total",
        "counter",
        "Clients that were not understood.",
        |c| &c.client_err,
    ),
    (
        "client_bytes_in_total",
        "counter",
        "Bytes from clients.",
        |c| &c.client_bytes_in,
    ),
    (
        "client_bytes_out_total",
        "counter",
        "Bytes to clients.",
        |c| &c.client_bytes_out,
    ),
    ("requests_total", "counter", "Requests of clients.", |c| {
        &c.requests
    }),
    (
        "homeless_requests_total",
        "counter",
        "Requests without a server.",
        |c| &c.forward_error,
    ),
    (
        "fragments_total",
        "counter",
        "Parts of requests that were cut.",
        |c| &c.fragments,
    ),
    (
        "held_requests_total",
        "counter",
        "Requests that waited for a server.",
        |c| &c.held,
    ),
    (
        "resent_requests_total",
        "counter",
        "Requests sent again.",
        |c| &c.resent,
    ),
    (
        "closed_for_memory_total",
        "counter",
        "Clients closed for their unread replies.",
        |c| &c.closed_for_memory,
    ),
    (
        "buffered_bytes",
        "gauge",
        "Bytes held for clients and servers.",
        |c| &c.memory,
    ),
];

const OF_SERVERS: &[Metric<ServerCounters>] = &[
    ("connections", "gauge", "Connections there are.", |c| {
        &c.server_connections
    }),
    (
        "connects_total",
        "counter",
        "Connections that were made.",
        |c| &c.connects,
    ),
    (
        "eof_total",
        "counter",
        "Connections that the server ended.",
        |c| &c.server_eof,
    ),
    ("errors_total", "counter", "Connections that failed.", |c| {
        &c.server_err
    }),
    (
        "timeouts_total",
        "counter",
        "Connections that were too slow.",
        |c| &c.server_timedout,
    ),
    ("requests_total", "counter", "Requests sent.", |c| {
        &c.requests
    }),
    ("responses_total", "counter", "Replies received.", |c| {
        &c.responses
    }),
    (
        "request_bytes_total",
        "counter",
        "Bytes of requests.",
        |c| &c.request_bytes,
    ),
    (
        "response_bytes_total",
        "counter",
        "Bytes of replies.",
        |c| &c.response_bytes,
    ),
    ("queued_bytes", "gauge", "Bytes not sent yet.", |c| {
        &c.in_queue_bytes
    }),
];

pub fn text(pools: &[Arc<Pool>]) -> String {
    let mut text = String::new();
    let head = |name: &str, kind: &str, what: &str| {
        format!("# HELP ochre_proxy_{name} {what}\n# TYPE ochre_proxy_{name} {kind}\n")
    };
    text += &head("memory_bytes", "gauge", "Resident memory of the process.");
    let _ = writeln!(text, "ochre_proxy_memory_bytes {}", crate::system::memory());
    let (system, user) = crate::system::processor_seconds();
    text += &head(
        "cpu_seconds_total",
        "counter",
        "Processor time of the process.",
    );
    let _ = writeln!(text, "ochre_proxy_cpu_seconds_total {}", system + user);
    for (name, kind, what, field) in OF_POOLS {
        text += &head(name, kind, what);
        for pool in pools {
            let sum: u64 = pool.counters.iter().map(|c| field(c).get()).sum();
            let label = escaped(&pool.config.name);
            let _ = writeln!(text, "ochre_proxy_{name}{{pool=\"{label}\"}} {sum}");
        }
    }
    text += &head(
        "ejections_total",
        "counter",
        "Times a server was put out of the ring.",
    );
    for pool in pools {
        let label = escaped(&pool.config.name);
        let ejects = pool.shared.server_ejects.load(Ordering::Relaxed);
        let _ = writeln!(
            text,
            "ochre_proxy_ejections_total{{pool=\"{label}\"}} {ejects}"
        );
    }
    for (name, kind, what, field) in OF_SERVERS {
        text += &head(&format!("server_{name}"), kind, what);
        each_server(pools, |labels, server| {
            let sum: u64 = server.counters.iter().map(|c| field(c).get()).sum();
            let _ = writeln!(text, "ochre_proxy_server_{name}{{{labels}}} {sum}");
        });
    }
    text += &head(
        "server_up",
        "gauge",
        "Whether the server has answered last.",
    );
    each_server(pools, |labels, server| {
        let up = u8::from(!server.has_failed());
        let _ = writeln!(text, "ochre_proxy_server_up{{{labels}}} {up}");
    });
    let name = "server_latency_seconds";
    text += &head(
        name,
        "histogram",
        "Time from a request's arrival to its reply.",
    );
    each_server(pools, |labels, server| latency(&mut text, labels, server));
    text
}

fn each_server(pools: &[Arc<Pool>], mut write: impl FnMut(&str, &Server)) {
    for pool in pools {
        for server in &pool.view().servers {
            let (pool, server_name) = (escaped(&pool.config.name), escaped(&server.label));
            write(&format!("pool=\"{pool}\",server=\"{server_name}\""), server);
        }
    }
}

fn latency(text: &mut String, labels: &str, server: &Server) {
    let sum =
        |field: &dyn Fn(&ServerCounters) -> u64| -> u64 { server.counters.iter().map(field).sum() };
    let mut count = 0;
    for bucket in 0..LATENCY_BUCKETS {
        count += sum(&|c| c.latency.buckets[bucket].get());
        let bound = match bucket + 1 == LATENCY_BUCKETS {
            true => "+Inf".to_owned(),
            false => ((1_u64 << bucket) as f64 / 1e6).to_string(),
        };
        let _ = writeln!(
            text,
            "ochre_proxy_server_latency_seconds_bucket{{{labels},le=\"{bound}\"}} {count}"
        );
    }
    let total = sum(&|c| c.latency.sum_us.get()) as f64 / 1e6;
    let _ = write!(
        text,
        "ochre_proxy_server_latency_seconds_sum{{{labels}}} {total}\n\
         ochre_proxy_server_latency_seconds_count{{{labels}}} {count}\n"
    );
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
