//! The bus of a cluster, disturbed on purpose.

use ::cluster::Command as Order;
use engine::{Args, CommandResult, Context, Error};

use crate::cluster::order;

/// Cuts links of the bus.
pub(super) fn cut_links(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    if !args.accept(b"KILL") {
        return Err(Error::Syntax);
    }
    let direction = args.keyword();
    let (to, from) = match direction.as_ref().map(|word| word.as_bytes()) {
        Some(b"TO") => (true, false),
        Some(b"FROM") => (false, true),
        Some(b"ALL") => (true, true),
        _ => return Err(Error::Syntax),
    };
    let node = args.bytes()?;
    order(cx, Order::CutLinks { node, to, from })
}

/// Has packets of a type go unheard.
pub(super) fn ignore_packets(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let kind = u16::try_from(args.integer()?).ok();
    if !cx.engine.cluster.is_on() {
        return Ok(cx.reply.ok());
    }
    order(cx, Order::Ignore(kind))
}
