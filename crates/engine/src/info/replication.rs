//! The node among others.

use super::Lines;
use crate::context::Context;

pub(super) fn replication(cx: &mut Context<'_>, lines: &mut Lines) {
    let host = &cx.engine.host;
    host.look_at_replication(cx.engine, &mut |machine, view| {
        lines.0 += &machine.info(view);
    });
}

pub(super) fn cluster(cx: &mut Context<'_>, lines: &mut Lines) {
    lines.put("cluster_enabled", u8::from(cx.config.cluster.enabled));
}
