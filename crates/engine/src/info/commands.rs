//! How each command fared, and which errors there were.

use super::{Lines, ratio};
use crate::context::Context;

pub(super) fn calls(cx: &mut Context<'_>, lines: &mut Lines) {
    for entry in cx.engine.table.all() {
        let totals = cx.engine.stats.command(entry.id);
        if totals.calls + totals.rejected + totals.failed == 0 {
            continue;
        }
        let micros = totals.nanos / 1000;
        let each = ratio(micros as f64, totals.calls as f64);
        let (calls, rejected, failed) = (totals.calls, totals.rejected, totals.failed);
        lines.put(
            format_args!("cmdstat_{}", entry.full_name),
            format_args!(
                "calls={calls},usec={micros},usec_per_call={each:.2},\
                 rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

pub(super) fn errors(cx: &mut Context<'_>, lines: &mut Lines) {
    for (code, count) in cx.engine.stats.errors() {
        lines.put(
            format_args!("errorstat_{code}"),
            format_args!("count={count}"),
        );
    }
}

pub(super) fn latencies(cx: &mut Context<'_>, lines: &mut Lines) {
    if !cx.config.latency.tracking {
        return;
    }
    let percentiles = &cx.config.latency.info_percentiles.0;
    for entry in cx.engine.table.all() {
        let totals = cx.engine.stats.command(entry.id);
        if totals.tracked() == 0 {
            continue;
        }
        let micros = |percentile: f64| totals.percentile_nanos(percentile) / 1000.0;
        let shown = percentiles
            .iter()
            .map(|&percentile| format!("p{percentile}={:.3}", micros(percentile)));
        lines.put(
            format_args!("latency_percentiles_usec_{}", entry.full_name),
            shown.collect::<Vec<_>>().join(","),
        );
    }
}
