//! Links: one to every node, and those that others have made.

use super::{Machine, Turn};
use crate::bus::{Frames, Next};
use crate::flaw::flawed;
use crate::input::LinkId;
use crate::output::{Level, Output};
use crate::settings::Address;
use crate::table::Seat;

/// How many links may be open that belong to no node.
const STRANGERS_MAX: usize = 1024;

#[derive(Debug)]
pub(super) struct Link {
    /// Whose it is, once that is known.
    pub node: Option<Seat>,
    frames: Frames,
    pub is_up: bool,
    pub created_ms: u64,
    /// The two addresses of a link that was accepted.
    pub peer: String,
    pub local: String,
    pub held: u64,
    pub used: u64,
}

impl Link {
    fn new(node: Option<Seat>, now_ms: u64) -> Link {
        Link {
            node,
            frames: Frames::default(),
            is_up: false,
            created_ms: now_ms,
            peer: String::new(),
            local: String::new(),
            held: 0,
            used: 0,
        }
    }
}

impl Machine {
    pub(super) fn accepted(&mut self, link: LinkId, peer: &str, local: &str, turn: &mut Turn<'_>) {
        turn.log(
            Level::Verbose,
            format!("Accepting cluster node connection from {peer}"),
        );
        let is_stranger = |link: &&Link| link.node.is_none();
        if self.links.values().filter(is_stranger).count() >= STRANGERS_MAX {
            self.stats.refused += 1;
            turn.push(Output::Close { link });
            return;
        }
        let accepted = Link {
            is_up: true,
            peer: plain_ip(peer).to_owned(),
            local: plain_ip(local).to_owned(),
            ..Link::new(None, turn.now())
        };
        self.links.insert(link, accepted);
    }

    /// Begins a link to a node.
    pub(super) fn connect(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        self.links_made += 1;
        let link = LinkId::Out(self.links_made);
        let opened = Link::new(Some(seat), turn.now());
        self.links.insert(link, opened);
        let node = &mut self.nodes[seat];
        node.link = Some(self.links_made);
        let address = Address {
            ip: node.ip.clone(),
            port: node.bus_port,
        };
        let line = format!(
            "Connecting with Node {} at {}:{}",
            node.id, address.ip, address.port
        );
        let hostname = node.hostname.clone();
        turn.log(Level::Debug, line);
        turn.push(Output::Connect {
            link,
            address,
            hostname,
        });
    }

    pub(super) fn lost(&mut self, link: LinkId, why: &str, turn: &mut Turn<'_>) {
        let Some(gone) = self.forget_link(link) else {
            return;
        };
        let line = match gone.node.filter(|_| !gone.is_up) {
            Some(seat) => {
                let node = &self.nodes[seat];
                let (id, ip, port) = (node.id, &node.ip, node.bus_port);
                format!("Connection with Node {id} at {ip}:{port} failed: {why}")
            }
            None => format!("I/O error reading from node link: {why}"),
        };
        turn.log(Level::Debug, line);
        if let (LinkId::Out(_), Some(seat)) = (link, gone.node) {
            // The clock of a node that cannot even be asked runs, too.
            self.nodes[seat].pinged_ms.get_or_insert(turn.now());
        }
    }

    pub(super) fn close(&mut self, link: LinkId, turn: &mut Turn<'_>) {
        if self.forget_link(link).is_some() {
            turn.push(Output::Close { link });
        }
    }

    fn forget_link(&mut self, link: LinkId) -> Option<Link> {
        let gone = self.links.remove(&link)?;
        if let Some(seat) = gone.node {
            let node = &mut self.nodes[seat];
            match link {
                LinkId::Out(number) if node.link == Some(number) => {
                    node.link = None;
                    node.asked_ms = None;
                }
                LinkId::In(number) if node.inbound == Some(number) => node.inbound = None,
                LinkId::Out(_) | LinkId::In(_) => {}
            }
        }
        Some(gone)
    }

    /// The link to a node is closed, and another one will be made.
    pub(super) fn close_link_to(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        if let Some(number) = self.nodes[seat].link {
            self.close(LinkId::Out(number), turn);
        }
    }

    pub(super) fn close_links_of(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        self.close_link_to(seat, turn);
        self.close_link_from(seat, turn);
    }

    /// The link from a node is closed, and it will make another one.
    pub(super) fn close_link_from(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        if let Some(number) = self.nodes[seat].inbound {
            self.close(LinkId::In(number), turn);
        }
    }

    /// A link that somebody made is known to be a node's.
    pub(super) fn bind_inbound(&mut self, link: LinkId, seat: Seat, turn: &mut Turn<'_>) {
        let LinkId::In(number) = link else {
            return;
        };
        let Some(bound) = self.links.get_mut(&link) else {
            return;
        };
        if bound.node.is_some() {
            return;
        }
        bound.node = Some(seat);
        if let Some(old) = self.nodes[seat].inbound.replace(number) {
            let line = format!(
                "Replacing inbound link fd {old} from node {} with fd {number}",
                self.nodes[seat].id
            );
            turn.log(Level::Debug, line);
            self.links.remove(&LinkId::In(old));
            let link = LinkId::In(old);
            turn.push(Output::Close { link });
        }
    }

    pub(super) fn note_unsent(&mut self, link: LinkId, held: u64, used: u64) {
        if let Some(link) = self.links.get_mut(&link) {
            (link.held, link.used) = (held, used);
        }
    }

    /// Cuts links whose peers do not read.
    pub(super) fn cut_full_links(&mut self, turn: &mut Turn<'_>) {
        let max = self.settings.link_unsent_bytes_max;
        if max == 0 {
            return;
        }
        let is_full = |(_, link): &(&LinkId, &Link)| link.held > max;
        let full: Vec<LinkId> = self
            .links
            .iter()
            .filter(is_full)
            .map(|(id, _)| *id)
            .collect();
        for id in full {
            let link = &self.links[&id];
            let direction = match id {
                LinkId::Out(_) => "to",
                LinkId::In(_) => "from",
            };
            if let Some(seat) = link.node {
                let (node, held) = (self.nodes[seat].id, link.held);
                let line = format!(
                    "Freeing cluster link({direction} node {node}, used memory: {held}) \
                     due to exceeding send buffer memory limit."
                );
                turn.log(Level::Warning, line);
            }
            self.stats.links_cut += 1;
            self.close(id, turn);
        }
    }

    pub(super) fn received(&mut self, link: LinkId, bytes: &[u8], turn: &mut Turn<'_>) {
        let Some(open) = self.links.get_mut(&link) else {
            return;
        };
        let mut frames = std::mem::take(&mut open.frames);
        let is_known = self.is_known(link);
        let fed = frames.feed(bytes, is_known, |packet| {
            self.take_packet(link, packet, turn);
            match self.links.contains_key(&link) {
                true => Next::Go {
                    is_known: self.is_known(link),
                },
                false => Next::Stop,
            }
        });
        if fed.is_err() {
            self.stats.refused += 1;
            turn.log(
                Level::Warning,
                "Bad message length or signature received from Cluster bus.",
            );
            self.close(link, turn);
        }
        if let Some(open) = self.links.get_mut(&link) {
            open.frames = frames;
        }
    }

    /// Whether a link is a known node's, which may send large messages.
    fn is_known(&self, link: LinkId) -> bool {
        let node = self.links.get(&link).and_then(|link| link.node);
        node.is_some_and(|seat| !self.nodes[seat].is_handshake()) || flawed!(self, TrustStrangers)
    }
}

/// An address as it is told: an IPv4 address in an IPv6 socket is one of IPv4.
fn plain_ip(ip: &str) -> &str {
    ip.strip_prefix("::ffff:")
        .filter(|ip| ip.contains('.'))
        .unwrap_or(ip)
}
