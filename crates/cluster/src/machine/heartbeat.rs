//! What this node says of itself with every packet, and to whom.

use bytes::Bytes;

use super::{Machine, Turn};
use crate::bus::{Beat, Body, Extension, Header, Marks, Packet};
use crate::input::{LinkId, View};
use crate::node::Flags;
use crate::output::Output;
use crate::table::Seat;

impl Machine {
    fn header(&self, view: &View, marks: Marks) -> Header<'_> {
        let me = self.my();
        Header {
            port: me.port,
            plain_port: me.plain_port,
            bus_port: me.bus_port,
            current_epoch: self.current_epoch,
            config_epoch: self.nodes[self.my_primary()].config_epoch,
            offset: view.replication_offset,
            sender: me.id,
            slots: self.slots.claimed().as_bytes(),
            primary: me.primary.map(|seat| self.nodes[seat].id),
            ip: &self.settings.announce_ip,
            flags: me.flags,
            is_down: !self.health.is_ok(),
            marks: Marks {
                paused: self.is_paused_for_sure(),
                extended: true,
                ..marks
            },
        }
    }

    fn packet(&self, body: &Body<'_>, marks: Marks, turn: &Turn<'_>) -> Bytes {
        let header = self.header(turn.view, marks);
        let body = body.clone();
        Packet { header, body }.encode()
    }

    pub(super) fn send(&mut self, link: LinkId, body: &Body<'_>, turn: &mut Turn<'_>) {
        self.send_marked(link, body, Marks::default(), turn);
    }

    fn send_marked(&mut self, link: LinkId, body: &Body<'_>, marks: Marks, turn: &mut Turn<'_>) {
        if self.links.get(&link).is_some_and(|link| link.is_up) {
            let bytes = self.packet(body, marks, turn);
            self.send_bytes(link, body, bytes, turn);
        }
    }

    fn send_bytes(&mut self, link: LinkId, body: &Body<'_>, bytes: Bytes, turn: &mut Turn<'_>) {
        self.stats.sent[body.kind() as usize] += 1;
        turn.push(Output::Send { link, bytes });
    }

    /// Sends the same to every node that can be reached and that `is_meant`.
    pub(super) fn broadcast(
        &mut self,
        body: &Body<'_>,
        marks: Marks,
        turn: &mut Turn<'_>,
        is_meant: impl Fn(&Machine, Seat) -> bool,
    ) {
        let bytes = self.packet(body, marks, turn);
        for link in self.links_to(is_meant) {
            self.send_bytes(link, body, bytes.clone(), turn);
        }
    }

    /// The links that stand to nodes that are more than addresses.
    fn links_to(&self, is_meant: impl Fn(&Machine, Seat) -> bool) -> Vec<LinkId> {
        let reached = |(seat, node): (Seat, &crate::node::Node)| {
            let link = LinkId::Out(node.link?);
            let is_up = self.links.get(&link)?.is_up;
            let is_reached = is_up && !node.is_handshake() && is_meant(self, seat);
            is_reached.then_some(link)
        };
        self.nodes.iter().filter_map(reached).collect()
    }

    /// Sends a ping, a pong or a meet, with news of others.
    pub(super) fn send_heartbeat(&mut self, beat: Beat, link: LinkId, turn: &mut Turn<'_>) {
        self.send_extended(beat, link, None, turn);
    }

    /// Sends a heartbeat with something more to say.
    pub(super) fn send_extended(
        &mut self,
        beat: Beat,
        link: LinkId,
        more: Option<Extension<'_>>,
        turn: &mut Turn<'_>,
    ) {
        let Some(open) = self.links.get(&link).filter(|link| link.is_up) else {
            return;
        };
        let target = open.node;
        if let (Beat::Ping | Beat::Meet, Some(target), LinkId::Out(_)) = (beat, target, link) {
            let node = &mut self.nodes[target];
            node.pinged_ms.get_or_insert(turn.now());
            node.asked_ms.get_or_insert(turn.now());
        }
        let picked = self.pick_gossip(target);
        let hostname = self.my().hostname.clone();
        let mut extensions = Vec::new();
        if !hostname.is_empty() {
            extensions.push(Extension::HostName(&hostname));
        }
        if target.is_some_and(|target| self.nodes[target].extended) {
            extensions.push(Extension::Shard(self.shard()));
        }
        extensions.extend(more);
        let header = self.header(turn.view, Marks::default());
        let gossip = picked
            .iter()
            .map(|&seat| self.gossip_about(seat, turn.view));
        let body = Body::Heartbeat {
            beat,
            gossip: gossip.collect(),
            extensions,
        };
        let kind = body.kind();
        let bytes = Packet { header, body }.encode();
        self.stats.sent[kind as usize] += 1;
        turn.push(Output::Send { link, bytes });
    }

    /// Tells everyone what this node is now.
    pub(super) fn pong_everyone(&mut self, turn: &mut Turn<'_>) {
        for link in self.links_to(|_, _| true) {
            self.send_heartbeat(Beat::Pong, link, turn);
        }
    }

    /// Tells the other replicas of the same primary how far this one is.
    pub(super) fn pong_fellows(&mut self, turn: &mut Turn<'_>) {
        let primary = self.my().primary;
        let links = self
            .links_to(|machine, seat| primary.is_some() && machine.nodes[seat].primary == primary);
        for link in links {
            self.send_heartbeat(Beat::Pong, link, turn);
        }
    }

    /// The link stands: the node is asked whether it is there.
    pub(super) fn connected(&mut self, link: LinkId, turn: &mut Turn<'_>) {
        let Some(open) = self.links.get_mut(&link) else {
            return;
        };
        open.is_up = true;
        let Some(seat) = open.node else {
            return;
        };
        let beat = match self.nodes[seat].flags.has(Flags::MEET) {
            true => Beat::Meet,
            false => Beat::Ping,
        };
        self.send_heartbeat(beat, link, turn);
        self.nodes[seat].flags.clear(Flags::MEET);
    }

    /// A client's message goes to all nodes, or to those that serve the same slots.
    pub(super) fn publish(
        &mut self,
        channel: &[u8],
        message: &[u8],
        sharded: bool,
        turn: &mut Turn<'_>,
    ) {
        let body = Body::Publish {
            channel,
            message,
            sharded,
        };
        let shard = self.my_primary();
        self.broadcast(&body, Marks::default(), turn, |machine, seat| {
            !sharded || seat == shard || machine.nodes[seat].primary == Some(shard)
        });
    }
}
