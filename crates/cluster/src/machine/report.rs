//! What operators and clients are shown.

use std::fmt::Write;

use config::EndpointType;

use super::Machine;
use super::gossip::wall_of;
use crate::bus::Kind;
use crate::command::{Refused, named};
use crate::input::{LinkId, View};
use crate::map::{Endpoint, Map};
use crate::node::{Flags, Node};
use crate::report::{Direction, Health, LinkRow, NodeRow, ShardNode, ShardRow, SlotsRow};
use crate::table::Seat;

impl Machine {
    /// Who owns which slot, as clients are told.
    pub fn map(&self) -> Map {
        let mut places = vec![crate::NOBODY; self.nodes.width()];
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (seat, node) in self.nodes.iter().filter(|(_, node)| !node.is_handshake()) {
            places[usize::from(seat.0)] = nodes.len() as u16;
            nodes.push(Endpoint {
                id: node.id,
                ip: node.ip.clone(),
                hostname: node.hostname.clone(),
                port: node.port,
                plain_port: node.plain_port,
            });
        }
        let place = |seat: u16| places.get(usize::from(seat)).copied();
        let moved = |(&slot, seat): (&u16, &Seat)| (slot, places[usize::from(seat.0)]);
        let owners = self.slots.raw().iter();
        Map {
            ok: self.health.is_ok(),
            myself: places[usize::from(self.me.0)],
            primary: self.my().primary.and_then(|seat| place(seat.0)),
            owners: owners
                .map(|&seat| place(seat).unwrap_or(crate::NOBODY))
                .collect(),
            migrating: self.slots.migrating.iter().map(moved).collect(),
            importing: self.slots.importing.iter().map(moved).collect(),
            nodes,
        }
    }

    /// `CLUSTER NODES`, for a client whose own connection is `encrypted`.
    pub fn nodes_text(&self, view: &View, encrypted: bool) -> String {
        let ranges = self.ranges();
        let mut text = String::new();
        for (seat, _) in self.nodes.iter() {
            let entry = self.entry(seat, &ranges, encrypted, view);
            let _ = writeln!(text, "{entry}");
        }
        text
    }

    /// `CLUSTER REPLICAS`: a line for each.
    pub fn replica_lines(
        &self,
        view: &View,
        node: &[u8],
        encrypted: bool,
    ) -> Result<Vec<String>, Refused> {
        let primary = self.nodes.find(named(node)?);
        let primary = primary.ok_or_else(|| Refused::unknown(node))?;
        if self.nodes[primary].is_replica() {
            return Err(Refused::new("The specified node is not a master"));
        }
        let ranges = self.ranges();
        let line = |seat| self.entry(seat, &ranges, encrypted, view).to_string();
        Ok(self.replicas_of(primary).map(line).collect())
    }

    /// `CLUSTER COUNT-FAILURE-REPORTS`.
    pub fn count_failure_reports(&self, view: &View, node: &[u8]) -> Result<usize, Refused> {
        let seat = self.nodes.find(named(node)?);
        let seat = seat.ok_or_else(|| Refused::unknown(node))?;
        Ok(self.count_reports(seat, view.now_ms))
    }

    /// `CLUSTER INFO`.
    pub fn info_text(&self) -> String {
        let state = if self.health.is_ok() { "ok" } else { "fail" };
        let (mut assigned, mut maybe_failed, mut failed) = (0, 0, 0);
        for (_, node) in self.nodes.iter() {
            let count = u32::from(node.slot_count);
            assigned += count;
            if node.has_failed() {
                failed += count;
            } else if node.flags.has(Flags::MAYBE_FAILED) {
                maybe_failed += count;
            }
        }
        let served = assigned - failed - maybe_failed;
        let voters = self
            .nodes
            .iter()
            .filter(|(_, node)| node.is_voter())
            .count();
        let mut text = String::new();
        let mut row = |name: &str, value: &dyn std::fmt::Display| {
            let _ = write!(text, "{name}:{value}\r\n");
        };
        row("cluster_state", &state);
        row("cluster_slots_assigned", &assigned);
        row("cluster_slots_ok", &served);
        row("cluster_slots_pfail", &maybe_failed);
        row("cluster_slots_fail", &failed);
        row("cluster_known_nodes", &self.nodes.len());
        row("cluster_size", &voters);
        row("cluster_current_epoch", &self.current_epoch);
        row(
            "cluster_my_epoch",
            &self.nodes[self.my_primary()].config_epoch,
        );
        let counted = [
            ("sent", &self.stats.sent),
            ("received", &self.stats.received),
        ];
        for (way, counts) in counted {
            for (kind, count) in Kind::ALL
                .iter()
                .zip(counts)
                .filter(|(_, count)| **count > 0)
            {
                let name = format!("cluster_stats_messages_{}_{way}", kind.name());
                row(&name, count);
            }
            let name = format!("cluster_stats_messages_{way}");
            row(&name, &counts.iter().sum::<u64>());
        }
        if self.stats.refused > 0 {
            row("cluster_stats_messages_refused", &self.stats.refused);
        }
        row(
            "total_cluster_links_buffer_limit_exceeded",
            &self.stats.links_cut,
        );
        text
    }

    /// How many packets were none, or said what their senders may not say.
    pub fn refused(&self) -> u64 {
        self.stats.refused
    }

    /// How many packets were sent and received.
    pub fn messages(&self) -> (u64, u64) {
        let (sent, received) = (&self.stats.sent, &self.stats.received);
        (sent.iter().sum(), received.iter().sum())
    }

    /// `CLUSTER SLOTS`. A replica that has nothing of its primary's yet is nobody to read from.
    pub fn slots_rows(&self, view: &View, encrypted: bool) -> Vec<SlotsRow> {
        let mut rows = Vec::new();
        for (seat, ranges) in self
            .ranges()
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.is_empty())
        {
            let owner = Seat(seat as u16);
            let is_there =
                |&seat: &Seat| !self.nodes[seat].has_failed() && self.offset_of(seat, view) != 0;
            // By name, so that all nodes list them alike.
            let mut replicas: Vec<Seat> = self.replicas_of(owner).filter(is_there).collect();
            replicas.sort_by_key(|&seat| self.nodes[seat].id);
            let served = std::iter::once(owner).chain(replicas);
            let nodes: Vec<NodeRow> = served
                .map(|seat| self.node_row(&self.nodes[seat], encrypted))
                .collect();
            rows.extend(ranges.iter().map(|range| SlotsRow {
                first: *range.start(),
                last: *range.end(),
                nodes: nodes.clone(),
            }));
        }
        rows.sort_by_key(|row| row.first);
        rows
    }

    fn node_row(&self, node: &Node, encrypted: bool) -> NodeRow {
        let preferred = self.settings.preferred_endpoint;
        let mut metadata = Vec::new();
        if preferred != EndpointType::Ip {
            metadata.push(("ip", node.ip.clone()));
        }
        if preferred != EndpointType::Hostname && !node.hostname.is_empty() {
            metadata.push(("hostname", node.hostname.clone()));
        }
        NodeRow {
            endpoint: self.endpoint(node),
            port: self.client_port(node, encrypted),
            id: node.id,
            metadata,
        }
    }

    fn endpoint(&self, node: &Node) -> Option<String> {
        match self.settings.preferred_endpoint {
            EndpointType::Ip => Some(node.ip.clone()),
            EndpointType::Hostname if node.hostname.is_empty() => Some("?".to_owned()),
            EndpointType::Hostname => Some(node.hostname.clone()),
            EndpointType::UnknownEndpoint => None,
        }
    }

    /// `CLUSTER SHARDS`.
    pub fn shard_rows(&self, view: &View) -> Vec<ShardRow> {
        let ranges = self.ranges();
        let leads = |node: &Node| node.is_primary() && !node.is_handshake();
        let primaries = self.nodes.iter().filter(|(_, node)| leads(node));
        let row = |(primary, _): (Seat, &Node)| {
            let runs = ranges[usize::from(primary.0)].iter();
            let nodes = std::iter::once(primary).chain(self.replicas_of(primary));
            ShardRow {
                slots: runs.map(|run| (*run.start(), *run.end())).collect(),
                nodes: nodes.map(|seat| self.shard_node(seat, view)).collect(),
            }
        };
        primaries.map(row).collect()
    }

    fn shard_node(&self, seat: Seat, view: &View) -> ShardNode {
        let node = &self.nodes[seat];
        let (port, tls_port) = match self.settings.tls {
            true => (node.plain_port, node.port),
            false => (node.port, 0),
        };
        let offset = self.offset_of(seat, view);
        let is_loading = node.is_replica() && offset == 0;
        ShardNode {
            id: node.id,
            port,
            tls_port,
            ip: node.ip.clone(),
            endpoint: self.endpoint(node),
            hostname: node.hostname.clone(),
            is_primary: node.is_primary(),
            replication_offset: offset,
            health: match (node.has_failed(), is_loading) {
                (true, _) => Health::Failed,
                (false, true) => Health::Loading,
                (false, false) => Health::Online,
            },
        }
    }

    /// How far a node says it is in its primary's history, or its own.
    fn offset_of(&self, seat: Seat, view: &View) -> u64 {
        match seat == self.me {
            true => view.replication_offset,
            false => self.nodes[seat].offset,
        }
    }

    /// `CLUSTER LINKS`.
    pub fn link_rows(&self, view: &View) -> Vec<LinkRow> {
        let row = |(id, link): (&LinkId, &super::links::Link)| {
            Some(LinkRow {
                direction: match id {
                    LinkId::Out(_) => Direction::To,
                    LinkId::In(_) => Direction::From,
                },
                node: self.nodes[link.node?].id,
                created_ms: wall_of(link.created_ms, view),
                writable: link.used > 0,
                held_bytes: link.held,
                used_bytes: link.used,
            })
        };
        self.links.iter().filter_map(row).collect()
    }
}
