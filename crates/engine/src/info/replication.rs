//! The node among others.

use super::Lines;
use crate::context::Context;

pub(super) fn replication(cx: &mut Context<'_>, lines: &mut Lines) {
    cx.engine
        .host
        .look_at_replication(cx.engine, &mut |machine, view| {
            for line in machine.info(view).lines() {
                if let Some((name, value)) = line.split_once(':') {
                    lines.put(name, value);
                }
            }
        });
}

pub(super) fn cluster(cx: &mut Context<'_>, lines: &mut Lines) {
    lines.put("cluster_enabled", u8::from(cx.config.cluster.enabled));
}
