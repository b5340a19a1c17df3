//! What is on the disk, on its way there, or on its way from there.

use std::sync::atomic::Ordering::Relaxed;

use stdx::time::UnixMillis;

use super::{Lines, ratio};
use crate::context::Context;
use crate::persistence::{LoadFigures, Persistence};

pub(super) fn persistence(cx: &mut Context<'_>, lines: &mut Lines) {
    let (persistence, now) = (&cx.engine.persistence, cx.engine.now());
    let is_loading = persistence.is_loading();
    let load = persistence.load.figures();
    lines.put("loading", u8::from(is_loading));
    let is_beside = persistence.is_loading_beside();
    lines.put("async_loading", u8::from(is_beside));
    snapshot(persistence, lines);
    saves(cx, now, lines);
    lines.put("rdb_last_load_keys_expired", load.keys_expired);
    lines.put("rdb_last_load_keys_loaded", load.keys);
    rewrites(persistence, now, lines);
    lines.zeros(&["module_fork_in_progress", "module_fork_last_cow_size"]);
    if persistence.log_file.is_enabled() {
        log_file(persistence, lines);
    }
    if is_loading || is_beside {
        loading(load, now, lines);
    }
}

/// The snapshot under way, whoever has it taken.
fn snapshot(persistence: &Persistence, lines: &mut Lines) {
    let progress = &persistence.progress;
    let is_taken =
        persistence.saves().started.is_some() || persistence.rewrites().started.is_some();
    let figure = |amount: usize| if is_taken { amount } else { 0 };
    let copied = figure(progress.copied_bytes.load(Relaxed));
    let keys = figure(progress.keys.load(Relaxed));
    let keys_total = figure(progress.keys_total.load(Relaxed));
    // What was copied is given back when it is written, but counts until the end.
    lines.put("current_cow_peak", copied);
    lines.put("current_cow_size", copied);
    lines.put("current_cow_size_age", 0);
    let percent = 100.0 * ratio(keys as f64, keys_total as f64);
    lines.put("current_fork_perc", format_args!("{percent:.2}"));
    lines.put("current_save_keys_processed", keys);
    lines.put("current_save_keys_total", keys_total);
}

/// Whether a snapshot is made for replicas, which counts as a save.
fn makes_copy(cx: &Context<'_>) -> bool {
    let mut makes_copy = false;
    let engine = cx.engine;
    engine
        .host
        .look_at_replication(engine, &mut |machine, _| makes_copy = machine.makes_copy());
    makes_copy
}

fn saves(cx: &Context<'_>, now: UnixMillis, lines: &mut Lines) {
    let saves = cx.engine.persistence.saves();
    lines.put("rdb_changes_since_last_save", cx.engine.unsaved_changes());
    let is_saved = saves.started.is_some() || makes_copy(cx);
    lines.put("rdb_bgsave_in_progress", u8::from(is_saved));
    lines.put("rdb_last_save_time", saves.last_done.0 / 1000);
    lines.put("rdb_last_bgsave_status", status(saves.last_ok));
    lines.put("rdb_last_bgsave_time_sec", or_never(saves.last_seconds));
    let since = or_never(saves.started.map(|began| seconds(began, now)));
    lines.put("rdb_current_bgsave_time_sec", since);
    lines.put("rdb_saves", saves.count);
    lines.put("rdb_last_cow_size", saves.last_copied_bytes);
}

fn rewrites(persistence: &Persistence, now: UnixMillis, lines: &mut Lines) {
    let (rewrites, log_file) = (persistence.rewrites(), &persistence.log_file);
    lines.put("aof_enabled", u8::from(log_file.is_enabled()));
    let is_running = rewrites.started.is_some();
    lines.put("aof_rewrite_in_progress", u8::from(is_running));
    lines.put("aof_rewrite_scheduled", u8::from(rewrites.scheduled));
    let last = or_never(rewrites.last_seconds);
    lines.put("aof_last_rewrite_time_sec", last);
    let since = or_never(rewrites.started.map(|began| seconds(began, now)));
    lines.put("aof_current_rewrite_time_sec", since);
    lines.put("aof_last_bgrewrite_status", status(rewrites.last_ok));
    lines.put("aof_rewrites", rewrites.count);
    let failures = rewrites.failures_in_a_row;
    lines.put("aof_rewrites_consecutive_failures", failures);
    let is_written = log_file.write_error().is_none();
    lines.put("aof_last_write_status", status(is_written));
    lines.put("aof_last_cow_size", rewrites.last_copied_bytes);
}

fn log_file(persistence: &Persistence, lines: &mut Lines) {
    let (file, rewrites) = (&persistence.log_file, persistence.rewrites());
    lines.put("aof_current_size", file.bytes.load(Relaxed));
    lines.put("aof_base_size", file.base_bytes.load(Relaxed));
    lines.put("aof_pending_rewrite", u8::from(rewrites.scheduled));
    lines.put("aof_buffer_length", file.buffered_bytes.load(Relaxed));
    lines.put("aof_pending_bio_fsync", file.pending_syncs.load(Relaxed));
    lines.put("aof_delayed_fsync", file.delayed_syncs.load(Relaxed));
}

fn loading(load: LoadFigures, now: UnixMillis, lines: &mut Lines) {
    lines.put("loading_start_time", load.started.0 / 1000);
    lines.put("loading_total_bytes", load.bytes_total);
    lines.put("loading_rdb_used_mem", load.memory_when_saved);
    lines.put("loading_loaded_bytes", load.bytes);
    let percent = 100.0 * ratio(load.bytes as f64, load.bytes_total as f64);
    lines.put("loading_loaded_perc", format_args!("{percent:.2}"));
    let left = load.bytes_total.saturating_sub(load.bytes);
    let elapsed = seconds(load.started, now).unsigned_abs();
    let eta = elapsed.saturating_mul(left).checked_div(load.bytes);
    match eta {
        Some(seconds) => lines.put("loading_eta_seconds", seconds),
        None => lines.put("loading_eta_seconds", 1),
    }
}

fn status(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "err" }
}

/// A duration in seconds, -1 if there is none.
fn or_never(seconds: Option<i64>) -> i64 {
    seconds.unwrap_or(-1)
}

fn seconds(from: UnixMillis, to: UnixMillis) -> i64 {
    (to.0 - from.0).max(0) / 1000
}
