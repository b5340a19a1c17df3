//! The dbs that hold keys.

use super::Lines;
use crate::context::Context;

pub(super) fn keyspace(cx: &mut Context<'_>, lines: &mut Lines) {
    for (index, keys, volatile) in cx.count_keys() {
        let average_ttl = match volatile {
            0 => 0,
            _ => {
                let averages = cx.engine.stats.average_ttl_ms.lock();
                averages.get(&index.0).copied().unwrap_or(0)
            }
        };
        lines.put(
            format_args!("db{}", index.0),
            format_args!("keys={keys},expires={volatile},avg_ttl={average_ttl}"),
        );
    }
}
