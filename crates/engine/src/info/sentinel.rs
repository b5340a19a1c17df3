//! What a Sentinel watches.

use super::Lines;
use crate::context::Context;

pub(super) fn sentinel(cx: &mut Context<'_>, lines: &mut Lines) {
    if let Some(watcher) = cx.engine.host.watcher() {
        watcher.look(cx.engine, &mut |machine, view| {
            lines.0 += &machine.info(view)
        });
    }
}
