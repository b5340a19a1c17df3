//! What arrives: from whom it is, whether that one may say it, and who looks at it.

use bytes::Bytes;

use super::{Machine, Turn};
use crate::bus::{Beat, Body, Extension, Gossip, Header, Kind, Packet, decode};
use crate::flaw::flawed;
use crate::input::LinkId;
use crate::node::Flags;
use crate::output::{Level, Output};
use crate::table::Seat;

/// The greatest epoch that is believed: what operators may set.
const EPOCH_MAX: u64 = i64::MAX as u64;

/// A ping, a pong or a meet.
struct Heartbeat<'a> {
    beat: Beat,
    gossip: Vec<Gossip<'a>>,
    extensions: Vec<Extension<'a>>,
}

impl Machine {
    pub(super) fn take_packet(&mut self, link: LinkId, bytes: &[u8], turn: &mut Turn<'_>) {
        let packet = match decode(bytes) {
            Ok(packet) => packet,
            Err(malformed) => {
                if let Some(kind) = told_kind(bytes) {
                    self.stats.received[kind as usize] += 1;
                }
                let (what, offset) = (malformed.what, malformed.offset);
                let line = format!("Received an invalid packet: {what} at byte {offset}");
                return self.refuse(line, turn);
            }
        };
        let kind = packet.body.kind();
        if self.ignored == Some(kind as u16) {
            return;
        }
        let len = bytes.len();
        let line = format!("--- Processing packet of type {}, {len} bytes", kind.name());
        turn.log(Level::Debug, line);
        let header = &packet.header;
        let epochs = header.current_epoch.max(header.config_epoch);
        if epochs > EPOCH_MAX || header.primary == Some(header.sender) {
            return self.refuse("Received a packet with impossible claims", turn);
        }
        self.stats.received[kind as usize] += 1;
        if !self.is_from_its_owner(link, &packet, turn) {
            return;
        }
        let sender = self.nodes.find(header.sender);
        match sender.filter(|&seat| seat != self.me && !self.nodes[seat].is_handshake()) {
            Some(sender) => self.take_from(sender, link, packet, turn),
            None => self.take_from_stranger(link, packet, turn),
        }
    }

    fn refuse(&mut self, line: impl Into<String>, turn: &mut Turn<'_>) {
        self.stats.refused += 1;
        turn.log(Level::Verbose, line);
    }

    /// Whether a packet on a link that is somebody's is by that one. An answer on the link to an
    /// address may tell who lives there.
    fn is_from_its_owner(
        &mut self,
        link: LinkId,
        packet: &Packet<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Some(owner) = self.links.get(&link).and_then(|link| link.node) else {
            return true;
        };
        let sender = packet.header.sender;
        if self.nodes[owner].is_handshake() {
            let is_pong = matches!(
                packet.body,
                Body::Heartbeat {
                    beat: Beat::Pong,
                    ..
                }
            );
            return is_pong && self.end_handshake(owner, &packet.header, turn);
        }
        if self.nodes[owner].id == sender {
            return true;
        }
        self.stats.refused += 1;
        if let LinkId::Out(_) = link {
            let age_ms = turn.now().saturating_sub(self.nodes[owner].created_ms);
            let (id, flags) = (self.nodes[owner].id, self.nodes[owner].flags.0);
            let line = format!(
                "PONG contains mismatching sender ID. About node {id} added {age_ms} ms ago, \
                 having flags {flags}"
            );
            turn.log(Level::Debug, line);
            let node = &mut self.nodes[owner];
            node.flags.set(Flags::NO_ADDRESS);
            node.ip.clear();
            (node.port, node.plain_port, node.bus_port) = (0, 0, 0);
            self.todo.map_changed = true;
            self.save(super::Save::Soon);
        }
        self.close(link, turn);
        false
    }

    /// Who is not known may ask whether somebody is here, and ask to be met; nothing else.
    fn take_from_stranger(&mut self, link: LinkId, packet: Packet<'_>, turn: &mut Turn<'_>) {
        if flawed!(self, TrustStrangers) {
            self.see_epoch(packet.header.current_epoch);
        }
        match packet.body {
            Body::Heartbeat { beat, .. } => {
                let is_meant = beat == Beat::Meet && packet.header.sender != self.my().id;
                if is_meant {
                    self.learn_own_ip(link, false, turn);
                    self.meet_back(link, &packet.header, turn);
                }
                if beat != Beat::Pong {
                    self.send_heartbeat(Beat::Pong, link, turn);
                }
            }
            Body::Fail(accused) => {
                let sender = packet.header.sender;
                let line =
                    format!("Ignoring FAIL message from unknown node {sender} about {accused}");
                self.refuse(line, turn);
            }
            _ => self.refuse("Received a packet from an unknown node", turn),
        }
    }

    fn take_from(&mut self, sender: Seat, link: LinkId, packet: Packet<'_>, turn: &mut Turn<'_>) {
        let Packet { header, body } = packet;
        self.bind_inbound(link, sender, turn);
        self.take_epochs(sender, &header);
        let node = &mut self.nodes[sender];
        node.heard_ms = turn.now();
        node.offset = header.offset;
        node.extended |= header.marks.extended;
        self.note_paused_offset(sender, &header, turn);
        match body {
            Body::Heartbeat {
                beat,
                gossip,
                extensions,
            } => {
                let heartbeat = Heartbeat {
                    beat,
                    gossip,
                    extensions,
                };
                self.take_heartbeat(sender, link, &header, heartbeat, turn);
            }
            Body::Fail(accused) => {
                if let Some(accused) = self.nodes.find(accused) {
                    self.take_fail(sender, accused, turn);
                }
            }
            Body::Publish {
                channel,
                message,
                sharded,
            } => turn.push(Output::Deliver {
                channel: Bytes::copy_from_slice(channel),
                message: Bytes::copy_from_slice(message),
                sharded,
            }),
            Body::AskVote => self.vote(sender, link, &header, turn),
            Body::Vote => self.count_vote(sender, &header),
            Body::Update {
                config_epoch,
                node,
                slots,
            } => {
                let about = self.nodes.find(node);
                let about = about.filter(|&seat| !self.nodes[seat].is_handshake());
                match about {
                    Some(about) if config_epoch <= EPOCH_MAX => {
                        self.take_update(about, config_epoch, slots, turn);
                    }
                    _ => self.refuse("Received an update about an unknown node", turn),
                }
            }
            Body::StartFailover => self.pause_for(sender, turn),
            Body::Module => {}
        }
    }

    fn take_heartbeat(
        &mut self,
        sender: Seat,
        link: LinkId,
        header: &Header<'_>,
        heartbeat: Heartbeat<'_>,
        turn: &mut Turn<'_>,
    ) {
        let beat = heartbeat.beat;
        if beat != Beat::Pong {
            self.learn_own_ip(link, beat == Beat::Meet, turn);
        }
        let may_fail_over = !header.flags.has(Flags::NO_FAILOVER);
        let flags = &mut self.nodes[sender].flags;
        match may_fail_over {
            true => flags.clear(Flags::NO_FAILOVER),
            false => flags.set(Flags::NO_FAILOVER),
        }
        match (beat, link) {
            (Beat::Ping, LinkId::In(_)) => self.follow_address(sender, link, header, turn),
            (Beat::Pong, LinkId::Out(_)) => {
                let is_doubted = self.is_doubted(&heartbeat.gossip);
                self.health.doubted |= is_doubted && self.my().is_primary();
                let node = &mut self.nodes[sender];
                node.pong_ms = Some(turn.now());
                node.pinged_ms = None;
                if let Some(asked_ms) = node.asked_ms.take()
                    && !is_doubted
                {
                    node.answered_ms = Some(asked_ms);
                }
                self.take_back(sender, turn);
            }
            _ => {}
        }
        match header.primary {
            None => self.note_primary(sender),
            Some(primary) => self.note_replica(sender, self.nodes.find(primary)),
        }
        self.compare_claims(sender, link, header, turn);
        self.settle_collision(sender, header, turn);
        // Behind the news of who has its slots: whoever has the answer has heard of its heir.
        if beat != Beat::Pong {
            self.send_heartbeat(Beat::Pong, link, turn);
            if !self.may_have_heir(sender) {
                self.nodes[sender].assured_ms = Some(turn.now());
            }
        }
        self.take_gossip(sender, &heartbeat.gossip, turn);
        self.take_extensions(sender, &heartbeat.extensions, turn);
    }
}

/// The kind that a packet says it is, whatever else is wrong with it.
fn told_kind(bytes: &[u8]) -> Option<Kind> {
    let number = u16::from_be_bytes(bytes.get(12..14)?.try_into().ok()?);
    Kind::ALL.get(usize::from(number)).copied()
}
