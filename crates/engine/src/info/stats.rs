//! What was counted since the start, or since `CONFIG RESETSTAT`.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::Lines;
use crate::context::Context;
use crate::pubsub::Scope;

pub(super) fn stats(cx: &mut Context<'_>, lines: &mut Lines) {
    write_traffic(cx, lines);
    let syncs = &cx.engine.standing.syncs;
    lines.put("sync_full", count(&syncs.full));
    lines.put("sync_partial_ok", count(&syncs.partial));
    lines.put("sync_partial_err", count(&syncs.partial_refused));
    write_keys(cx, lines);
    let pubsub = &cx.engine.pubsub;
    lines.put("pubsub_channels", pubsub.count(Scope::Channel));
    lines.put("pubsub_patterns", pubsub.count(Scope::Pattern));
    lines.put("pubsubshard_channels", pubsub.count(Scope::ShardChannel));
    // What others fork for. There is no fork that could take time.
    let persistence = &cx.engine.persistence;
    let jobs = persistence.saves().background_count + persistence.rewrites().count;
    lines.put("latest_fork_usec", 0);
    lines.put("total_forks", jobs);
    lines.put("migrate_cached_sockets", 0);
    let own_keys = cx.engine.standing.own_keys.count();
    lines.put("slave_expires_tracked_keys", own_keys);
    lines.zeros(&[
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
    ]);
    write_replies(cx, lines);
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

fn write_traffic(cx: &Context<'_>, lines: &mut Lines) {
    let stats = &cx.engine.stats;
    let totals = stats.totals();
    let [commands, input, output, input_repl, output_repl] = stats.rates.lock().average();
    let kilobytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1024.0);
    lines.put("total_connections_received", count(&stats.connections));
    lines.put("total_commands_processed", totals.commands);
    lines.put("instantaneous_ops_per_sec", commands);
    // What replication takes is part of the whole.
    let syncs = &cx.engine.standing.syncs;
    let [repl_in, repl_out] = [count(&syncs.bytes_in), count(&syncs.bytes_out)];
    lines.put("total_net_input_bytes", totals.bytes_in + repl_in);
    lines.put("total_net_output_bytes", totals.bytes_out + repl_out);
    lines.put("total_net_repl_input_bytes", repl_in);
    lines.put("total_net_repl_output_bytes", repl_out);
    lines.put("instantaneous_input_kbps", kilobytes(input + input_repl));
    lines.put("instantaneous_output_kbps", kilobytes(output + output_repl));
    lines.put("instantaneous_input_repl_kbps", kilobytes(input_repl));
    lines.put("instantaneous_output_repl_kbps", kilobytes(output_repl));
    lines.put("rejected_connections", count(&stats.rejected_connections));
}

fn write_keys(cx: &Context<'_>, lines: &mut Lines) {
    let stats = &cx.engine.stats;
    let totals = stats.totals();
    let stale_percent = count(&stats.stale_hundredths) as f64 / 100.0;
    lines.put("expired_keys", totals.expired);
    lines.put("expired_stale_perc", format_args!("{stale_percent:.2}"));
    lines.put(
        "expired_time_cap_reached_count",
        count(&stats.expire_time_cap_reached),
    );
    lines.put(
        "expire_cycle_cpu_milliseconds",
        count(&stats.expire_cycle_micros) / 1000,
    );
    lines.put("evicted_keys", totals.evicted);
    lines.put("evicted_clients", count(&stats.evicted_clients));
    lines.zeros(&[
        "total_eviction_exceeded_time",
        "current_eviction_exceeded_time",
    ]);
    lines.put("keyspace_hits", totals.hits);
    lines.put("keyspace_misses", totals.misses);
}

fn write_replies(cx: &Context<'_>, lines: &mut Lines) {
    let stats = &cx.engine.stats;
    let totals = stats.totals();
    lines.put("unexpected_error_replies", count(&stats.unexpected_errors));
    lines.put("total_error_replies", count(&stats.total_errors));
    lines.put("dump_payload_sanitizations", 0);
    lines.put("total_reads_processed", totals.reads);
    lines.put("total_writes_processed", totals.writes);
    lines.zeros(&[
        "io_threaded_reads_processed",
        "io_threaded_writes_processed",
        "reply_buffer_shrinks",
        "reply_buffer_expands",
    ]);
}
