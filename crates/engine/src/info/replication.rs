//! The node among others.

use super::Lines;
use crate::context::Context;

pub(super) fn replication(cx: &mut Context<'_>, lines: &mut Lines) {
    lines.put("role", "master");
    lines.put("connected_slaves", 0);
    lines.put("master_failover_state", "no-failover");
    lines.put("master_replid", &cx.engine.run_id);
    lines.put("master_replid2", "0".repeat(40));
    lines.put("master_repl_offset", cx.engine.log.offset());
    lines.put("second_repl_offset", -1);
    lines.put("repl_backlog_active", 0);
    lines.put("repl_backlog_size", cx.config.replication.backlog_size.0);
    lines.zeros(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}

pub(super) fn cluster(cx: &mut Context<'_>, lines: &mut Lines) {
    lines.put("cluster_enabled", u8::from(cx.config.cluster.enabled));
}
