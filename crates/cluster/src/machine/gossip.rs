//! News of other nodes: what is told with a heartbeat, and what is believed of it.

use super::{Machine, Save, Turn};
use crate::bus::{Extension, Gossip};
use crate::flaw::flawed;
use crate::id::NodeId;
use crate::input::View;
use crate::node::{Flags, Node};
use crate::output::Level;
use crate::table::Seat;

/// How far another's clock may be ahead for its word on a pong to be taken.
const CLOCK_TOLERANCE_MS: u64 = 500;

/// How many nodes a heartbeat tells of at least, if there are so many.
const GOSSIP_MIN: usize = 3;

/// What a new node is believed to be from what others say.
const TOLD_FLAGS: Flags = Flags(Flags::PRIMARY.0 | Flags::REPLICA.0 | Flags::NO_FAILOVER.0);

impl Machine {
    /// Draws a tenth of the nodes, and adds all that are suspected.
    pub(super) fn pick_gossip(&mut self, target: Option<Seat>) -> Vec<Seat> {
        self.pings_made += 1;
        let ping = self.pings_made;
        let others = self.nodes.len().saturating_sub(2);
        let wanted = (self.nodes.len() / 10).max(GOSSIP_MIN).min(others);
        let mut picked = Vec::with_capacity(wanted);
        let width = self.nodes.width() as u64;
        for _ in 0..wanted * 3 {
            if picked.len() == wanted {
                break;
            }
            let seat = Seat(self.random_below(width) as u16);
            let is_news = |node: &&Node| {
                let is_reached = node.link.is_some() || node.slot_count > 0;
                let is_whole = !node.flags.has(Flags::HANDSHAKE | Flags::NO_ADDRESS);
                let is_fresh = node.gossiped != ping && !node.flags.has(Flags::MAYBE_FAILED);
                is_reached && is_whole && is_fresh
            };
            let excepted = seat == self.me || Some(seat) == target;
            if !excepted && self.nodes.get(seat).filter(is_news).is_some() {
                self.nodes[seat].gossiped = ping;
                picked.push(seat);
            }
        }
        if self.health.suspects > 0 {
            let is_told = |node: &Node| {
                node.flags.has(Flags::MAYBE_FAILED)
                    && !node.flags.has(Flags::HANDSHAKE | Flags::NO_ADDRESS)
            };
            let suspects = self.nodes.iter().filter(|(_, node)| is_told(node));
            picked.extend(suspects.map(|(seat, _)| seat));
        }
        // Of itself a node is only told that it may have been replaced.
        picked.extend(target.filter(|&target| self.may_have_heir(target)));
        picked
    }

    /// Whether somebody says of this node that it has failed. He may have voted for its heir, who
    /// has not told anybody yet: nobody serves by such an answer.
    pub(super) fn is_doubted(&self, news: &[Gossip<'_>]) -> bool {
        let mine = self.my().id;
        let mut told = news.iter().filter(|told| told.id == mine);
        told.any(|told| told.flags.has(Flags::FAILED))
    }

    pub(super) fn gossip_about(&self, seat: Seat, view: &View) -> Gossip<'_> {
        let node = &self.nodes[seat];
        let seconds = |at: Option<u64>| at.map_or(0, |at| (wall_of(at, view) / 1000) as u32);
        Gossip {
            id: node.id,
            ping_sent_s: seconds(node.pinged_ms),
            pong_s: seconds(node.pong_ms),
            ip: &node.ip,
            port: node.port,
            bus_port: node.bus_port,
            flags: node.flags,
            plain_port: node.plain_port,
        }
    }

    pub(super) fn take_gossip(&mut self, sender: Seat, news: &[Gossip<'_>], turn: &mut Turn<'_>) {
        for told in news {
            match self.nodes.find(told.id) {
                Some(seat) if seat == self.me || seat == sender => {}
                Some(seat) => self.take_word(sender, seat, told, turn),
                None => self.learn_of(told, turn),
            }
        }
    }

    /// What somebody says of a node that is known.
    fn take_word(&mut self, sender: Seat, seat: Seat, told: &Gossip<'_>, turn: &mut Turn<'_>) {
        let is_accused = told.flags.has(Flags::MAYBE_FAILED | Flags::FAILED);
        if self.nodes[sender].is_primary() {
            match is_accused {
                true => self.note_report(seat, sender, turn),
                false => self.withdraw_report(seat, sender, turn),
            }
        }
        let node = &mut self.nodes[seat];
        if !is_accused && node.pinged_ms.is_none() && node.reports.is_empty() {
            let pong_ms = clock_of(u64::from(told.pong_s) * 1000, turn.view);
            if pong_ms <= turn.now() + CLOCK_TOLERANCE_MS && Some(pong_ms) > node.pong_ms {
                node.pong_ms = Some(pong_ms.min(turn.now()));
            }
        }
        // Somebody reaches a node at another address than the one where it cannot be reached.
        let differs =
            node.ip != told.ip || node.port != told.port || node.bus_port != told.bus_port;
        let moved = node.is_suspect() && !is_accused && !told.flags.has(Flags::NO_ADDRESS);
        if moved && differs && !told.ip.is_empty() {
            self.close_link_to(seat, turn);
            let node = &mut self.nodes[seat];
            node.ip = told.ip.to_owned();
            node.port = told.port;
            node.plain_port = told.plain_port;
            node.bus_port = told.bus_port;
            node.flags.clear(Flags::NO_ADDRESS);
            self.todo.map_changed = true;
            self.save(Save::Soon);
        }
    }

    /// Somebody tells of a node that is not known.
    fn learn_of(&mut self, told: &Gossip<'_>, turn: &mut Turn<'_>) {
        let has_address = !told.flags.has(Flags::NO_ADDRESS | Flags::HANDSHAKE)
            && !told.ip.is_empty()
            && told.bus_port != 0;
        if !has_address || self.is_forgotten(told.id, turn.now()) {
            return;
        }
        let mut flags = Flags(told.flags.0 & TOLD_FLAGS.0);
        if !flags.has(Flags::PRIMARY | Flags::REPLICA) {
            flags.set(Flags::PRIMARY);
        }
        if flags.has(Flags::PRIMARY) {
            flags.clear(Flags::REPLICA);
        }
        let mut node = Node::new(told.id, flags, turn.now());
        node.ip = told.ip.to_owned();
        node.port = told.port;
        node.plain_port = told.plain_port;
        node.bus_port = told.bus_port;
        if self.nodes.insert(node).is_some() {
            self.todo.map_changed = true;
            self.todo.judge = true;
            self.save(Save::Soon);
            let (id, ip, port, bus_port) = (told.id, told.ip, told.port, told.bus_port);
            let line = format!("GOSSIP {id} {ip}:{port}@{bus_port} {flags}");
            turn.log(Level::Debug, line);
        }
    }

    pub(super) fn is_forgotten(&self, id: NodeId, now_ms: u64) -> bool {
        let is_held = self
            .forgotten
            .get(&id)
            .is_some_and(|&until_ms| now_ms < until_ms);
        is_held && !flawed!(self, ForgetBlacklist)
    }

    /// What stands behind the gossip. Who does not say its host name any longer has none.
    pub(super) fn take_extensions(
        &mut self,
        sender: Seat,
        extensions: &[Extension<'_>],
        turn: &mut Turn<'_>,
    ) {
        let mut hostname = "";
        for extension in extensions {
            match *extension {
                Extension::HostName(name) => hostname = name,
                Extension::Shard(shard) => {
                    self.nodes[sender].extended = true;
                    if self.nodes[sender].shard != Some(shard) {
                        self.nodes[sender].shard = Some(shard);
                    }
                }
                Extension::Forgotten { id, ttl_s } => self.forget_too(sender, id, ttl_s, turn),
                Extension::Unknown(_) => {}
            }
        }
        if self.nodes[sender].hostname != hostname {
            self.nodes[sender].hostname = hostname.to_owned();
            self.todo.map_changed = true;
            self.save(Save::Soon);
        }
    }
}

/// When something was, by the clock on the wall.
pub(super) fn wall_of(at_ms: u64, view: &View) -> u64 {
    match at_ms <= view.now_ms {
        true => view.wall_ms.saturating_sub(view.now_ms - at_ms),
        false => view.wall_ms.saturating_add(at_ms - view.now_ms),
    }
}

/// When something was, by the clock that never goes back.
pub(super) fn clock_of(wall_ms: u64, view: &View) -> u64 {
    match wall_ms <= view.wall_ms {
        true => view.now_ms.saturating_sub(view.wall_ms - wall_ms),
        false => view.now_ms.saturating_add(wall_ms - view.wall_ms),
    }
}
