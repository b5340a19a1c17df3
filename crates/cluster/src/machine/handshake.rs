//! From an address to a node: meeting, being met, and following who moves.

use core::net::IpAddr;

use super::{Machine, Save, Turn};
use crate::bus::Header;
use crate::id::NodeId;
use crate::input::LinkId;
use crate::node::{Flags, Node};
use crate::output::Level;
use crate::table::Seat;

/// How many handshakes strangers may have caused.
const STRANGERS_MAX: usize = 64;

/// How long a handshake is waited for at least.
const HANDSHAKE_MS_MIN: u64 = 1000;

/// Where somebody is to be reached.
pub(super) struct Place<'a> {
    pub ip: &'a str,
    pub port: u16,
    pub plain_port: u16,
    pub bus_port: u16,
}

impl Machine {
    /// An operator wants to meet somebody. False if the address is none.
    pub(super) fn meet(&mut self, place: &Place<'_>, turn: &mut Turn<'_>) -> bool {
        let Ok(ip) = place.ip.parse::<IpAddr>() else {
            return false;
        };
        if place.port == 0 || place.bus_port == 0 {
            return false;
        }
        let ip = ip.to_string();
        let flags = Flags::HANDSHAKE | Flags::MEET;
        self.begin_handshake(&Place { ip: &ip, ..*place }, flags, turn);
        true
    }

    /// Somebody wants to be met.
    pub(super) fn meet_back(&mut self, link: LinkId, header: &Header<'_>, turn: &mut Turn<'_>) {
        let peer = self.links.get(&link).map_or("", |link| &link.peer);
        let ip = if header.ip.is_empty() {
            peer
        } else {
            header.ip
        };
        let Ok(ip) = ip.parse::<IpAddr>() else {
            self.stats.refused += 1;
            return;
        };
        let pending = self.nodes.iter().filter(|(_, node)| node.is_handshake());
        if pending.count() >= STRANGERS_MAX || header.bus_port == 0 {
            self.stats.refused += 1;
            return;
        }
        let ip = ip.to_string();
        let place = Place {
            ip: &ip,
            port: header.port,
            plain_port: header.plain_port,
            bus_port: header.bus_port,
        };
        self.begin_handshake(&place, Flags::HANDSHAKE, turn);
    }

    fn begin_handshake(&mut self, place: &Place<'_>, flags: Flags, turn: &mut Turn<'_>) {
        let is_same = |node: &Node| {
            node.is_handshake() && node.ip == place.ip && node.bus_port == place.bus_port
        };
        if self.nodes.iter().any(|(_, node)| is_same(node)) {
            return;
        }
        // The name is drawn, and holds until the node tells its own.
        let id = NodeId::draw(&mut self.prng);
        let mut node = Node::new(id, flags, turn.now());
        node.ip = place.ip.to_owned();
        node.port = place.port;
        node.plain_port = place.plain_port;
        node.bus_port = place.bus_port;
        if self.nodes.insert(node).is_none() {
            turn.log(Level::Warning, "Too many nodes: one more cannot be met.");
        }
    }

    /// Whoever lives at an address has answered. False if it is somebody who is known already.
    pub(super) fn end_handshake(
        &mut self,
        seat: Seat,
        header: &Header<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let id = header.sender;
        if let Some(known) = self.nodes.find(id) {
            let line =
                format!("Handshake: we already know node {id}, updating the address if needed.");
            turn.log(Level::Verbose, line);
            let node = &self.nodes[seat];
            let place = (node.ip.clone(), node.port, node.plain_port, node.bus_port);
            self.delete_node(seat, turn);
            if known != self.me {
                let (ip, port, plain_port, bus_port) = place;
                let place = Place {
                    ip: &ip,
                    port,
                    plain_port,
                    bus_port,
                };
                self.move_node(known, &place, turn);
            }
            return false;
        }
        let before = self.nodes[seat].id;
        self.nodes.rename(seat, id);
        turn.log(Level::Debug, format!("Renaming node {before} into {id}"));
        turn.log(Level::Debug, format!("Handshake with node {id} completed."));
        let flags = &mut self.nodes[seat].flags;
        flags.clear(Flags::HANDSHAKE | Flags::MEET);
        flags.set(Flags::PRIMARY);
        self.forgotten.remove(&id);
        self.todo.map_changed = true;
        self.todo.judge = true;
        self.save(Save::Soon);
        true
    }

    /// Handshakes that nobody answers end.
    pub(super) fn give_up_handshakes(&mut self, turn: &mut Turn<'_>) {
        let patience_ms = self.settings.node_timeout_ms.max(HANDSHAKE_MS_MIN);
        let is_over = |node: &Node| {
            node.is_handshake() && turn.view.now_ms.saturating_sub(node.created_ms) > patience_ms
        };
        let over = self.nodes.iter().filter(|(_, node)| is_over(node));
        let over: Vec<Seat> = over.map(|(seat, _)| seat).collect();
        for seat in over {
            self.delete_node(seat, turn);
        }
    }

    /// A known node has pinged from somewhere: it is reached there from now on.
    pub(super) fn follow_address(
        &mut self,
        sender: Seat,
        link: LinkId,
        header: &Header<'_>,
        turn: &mut Turn<'_>,
    ) {
        let peer = self.links.get(&link).map_or("", |link| &link.peer);
        let ip = if header.ip.is_empty() {
            peer
        } else {
            header.ip
        };
        let Ok(ip) = ip.parse::<IpAddr>() else {
            return;
        };
        let place = Place {
            ip: &ip.to_string(),
            port: header.port,
            plain_port: header.plain_port,
            bus_port: header.bus_port,
        };
        if place.bus_port != 0 {
            self.move_node(sender, &place, turn);
        }
    }

    fn move_node(&mut self, seat: Seat, place: &Place<'_>, turn: &mut Turn<'_>) {
        let node = &self.nodes[seat];
        let (port, plain_port, bus_port) = (node.port, node.plain_port, node.bus_port);
        let is_there = (node.ip.as_str(), port, plain_port, bus_port)
            == (place.ip, place.port, place.plain_port, place.bus_port);
        if is_there {
            return;
        }
        self.close_link_to(seat, turn);
        let node = &mut self.nodes[seat];
        node.ip = place.ip.to_owned();
        node.port = place.port;
        node.plain_port = place.plain_port;
        node.bus_port = place.bus_port;
        node.flags.clear(Flags::NO_ADDRESS);
        let (id, ip, port) = (node.id, &node.ip, node.port);
        let line = format!("Address updated for node {id}, now {ip}:{port}");
        turn.log(Level::Warning, line);
        self.todo.map_changed = true;
        self.save(Save::Soon);
        self.follow_moved_primary(turn);
    }

    /// Where others reach this node is where it is. A stranger's word counts only as long as
    /// nobody else's is there.
    pub(super) fn learn_own_ip(&mut self, link: LinkId, is_meet: bool, turn: &mut Turn<'_>) {
        if !self.settings.announce_ip.is_empty() {
            return;
        }
        let me = self.me;
        let local = self.links.get(&link).map_or("", |link| &link.local);
        let is_open = self.nodes[me].ip.is_empty() || is_meet || !self.own_ip_is_sure;
        if local.is_empty() || !is_open {
            return;
        }
        self.own_ip_is_sure = true;
        if self.nodes[me].ip == local {
            return;
        }
        self.nodes[me].ip = local.to_owned();
        let line = format!("IP address for this node updated to {local}");
        turn.log(Level::Warning, line);
        self.todo.map_changed = true;
        self.save(Save::Soon);
    }
}
