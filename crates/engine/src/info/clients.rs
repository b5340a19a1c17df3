//! Who is connected.

use std::sync::atomic::Ordering::Relaxed;

use super::Lines;
use crate::clients::ClientFlags;
use crate::context::Context;

pub(super) fn clients(cx: &mut Context<'_>, lines: &mut Lines) {
    let clients = cx.engine.clients.all();
    let largest = |bytes: &dyn Fn(usize) -> u64| (0..clients.len()).map(bytes).max().unwrap_or(0);
    let blocked = clients
        .iter()
        .filter(|client| client.has(ClientFlags::BLOCKED));
    let replicas = clients
        .iter()
        .filter(|client| client.has(ClientFlags::REPLICA))
        .count();
    lines.put("connected_clients", clients.len() - replicas);
    let (links, _) = cx.engine.bus_figures();
    lines.put("cluster_connections", links);
    lines.put("maxclients", cx.config.clients.count_max);
    let input = largest(&|index| clients[index].usage.query_capacity.load(Relaxed));
    let output = largest(&|index| clients[index].usage.output());
    lines.put("client_recent_max_input_buffer", input);
    lines.put("client_recent_max_output_buffer", output);
    lines.put("blocked_clients", blocked.count());
    lines.zeros(&["tracking_clients", "clients_in_timeout_table"]);
}
