//! The report of statistics that the port of statistics gives: one line of JSON.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::pool::{Pool, unix_us};
use crate::stats::{Counter, PoolCounters, SERVER_FIELDS, ServerCounters};

/// All figures of all pools.
pub fn json(pools: &[Arc<Pool>], host: &str) -> String {
    let connections = |field: fn(&PoolCounters) -> &Counter,
                       own: fn(&ServerCounters) -> &Counter| {
        let of_pool = |pool: &Arc<Pool>| {
            let view = pool.view();
            let servers = view.servers.iter().flat_map(|server| &server.counters);
            pool.counters.iter().map(|c| field(c).get()).sum::<u64>()
                + servers.map(|c| own(c).get()).sum::<u64>()
        };
        pools.iter().map(of_pool).sum::<u64>() + pools.len() as u64
    };
    let uptime = pools.first().map_or(0, |pool| pool.now_ms() / 1000);
    let mut text = format!(
        "{{\"service\":\"nutcracker\", \"source\":{}, \"version\":\"{}\", \"uptime\":{uptime}, \
         \"timestamp\":{}, \"total_connections\":{}, \"curr_connections\":{}",
        quoted(host),
        env!("CARGO_PKG_VERSION"),
        unix_us() / 1_000_000,
        connections(|c| &c.clients_accepted, |c| &c.connects),
        connections(|c| &c.client_connections, |c| &c.server_connections),
    );
    for pool in pools {
        let _ = write!(text, ", {}: {{", quoted(&pool.config.name));
        pool_fields(&mut text, pool);
        text.push('}');
    }
    text.push_str("}\n");
    text
}

fn pool_fields(text: &mut String, pool: &Pool) {
    let sum = |field: fn(&PoolCounters) -> &Counter| -> u64 {
        pool.counters.iter().map(|c| field(c).get()).sum()
    };
    let _ = write!(
        text,
        "\"client_eof\":{}, \"client_err\":{}, \"client_connections\":{}, \
         \"server_ejects\":{}, \"forward_error\":{}, \"fragments\":{}",
        sum(|c| &c.client_eof),
        sum(|c| &c.client_err),
        sum(|c| &c.client_connections),
        pool.shared.server_ejects.load(Ordering::Relaxed),
        sum(|c| &c.forward_error),
        sum(|c| &c.fragments),
    );
    for server in &pool.view().servers {
        let sum = |field: fn(&ServerCounters) -> &Counter| -> u64 {
            server.counters.iter().map(|c| field(c).get()).sum()
        };
        let _ = write!(
            text,
            ", {}: {{\"server_eof\":{}, \"server_err\":{}, \"server_timedout\":{}, \
             \"server_connections\":{}, \"server_ejected_at\":{}",
            quoted(&server.label),
            sum(|c| &c.server_eof),
            sum(|c| &c.server_err),
            sum(|c| &c.server_timedout),
            sum(|c| &c.server_connections),
            server.ejected_at_us.load(Ordering::Relaxed),
        );
        for (name, _, field) in SERVER_FIELDS {
            let _ = write!(text, ", \"{name}\":{}", sum(*field));
        }
        let waiting = sum(|c| &c.requests).saturating_sub(sum(|c| &c.responses));
        let _ = write!(text, ", \"out_queue\":{waiting}, \"out_queue_bytes\":0}}");
    }
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            _ if letter < ' ' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
    out
}
