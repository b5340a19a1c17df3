//! Who is there, and who replicates whom.

use super::{Machine, Save, Turn};
use crate::bus::{Beat, Extension};
use crate::id::{NodeId, ShardId};
use crate::input::LinkId;
use crate::node::Flags;
use crate::output::Output;
use crate::table::Seat;

/// How long a node that was forgotten is not met again when others speak of it.
const FORGOTTEN_S: u64 = 60;

impl Machine {
    pub(super) fn replicas_of(&self, primary: Seat) -> impl Iterator<Item = Seat> + '_ {
        let is_replica = move |(seat, node): (Seat, &crate::node::Node)| {
            (node.primary == Some(primary)).then_some(seat)
        };
        self.nodes.iter().filter_map(is_replica)
    }

    pub(super) fn shard_of(&self, seat: Seat) -> ShardId {
        let node = &self.nodes[seat];
        match (node.shard, node.primary) {
            (Some(shard), _) => shard,
            (None, Some(primary)) => self.nodes[primary].shard.unwrap_or(self.nodes[primary].id),
            (None, None) => node.id,
        }
    }

    /// A node says that it is a primary.
    pub(super) fn note_primary(&mut self, seat: Seat) {
        if self.nodes[seat].is_primary() {
            return;
        }
        self.set_primary(seat, None);
        let flags = &mut self.nodes[seat].flags;
        flags.clear(Flags::REPLICA);
        flags.set(Flags::PRIMARY);
        if seat != self.me {
            flags.set(Flags::MIGRATE_TO);
        }
        self.todo.judge = true;
        self.todo.map_changed = true;
        self.save(Save::Soon);
    }

    /// A node says that it is a replica: of somebody who may not be known yet.
    pub(super) fn note_replica(&mut self, seat: Seat, primary: Option<Seat>) {
        if !self.nodes[seat].is_replica() {
            self.give_up_slots(seat);
            let flags = &mut self.nodes[seat].flags;
            flags.clear(Flags::PRIMARY | Flags::MIGRATE_TO);
            flags.set(Flags::REPLICA);
            self.todo.judge = true;
            self.todo.map_changed = true;
            self.save(Save::Now);
        }
        if primary.is_some() && self.nodes[seat].primary != primary {
            self.set_primary(seat, primary);
            self.todo.map_changed = true;
            self.save(Save::Soon);
        }
    }

    /// Who has replicas may be sent spare ones; who has none any longer may not.
    fn set_primary(&mut self, seat: Seat, primary: Option<Seat>) {
        let before = std::mem::replace(&mut self.nodes[seat].primary, primary);
        if let Some(before) = before
            && self.replicas_of(before).next().is_none()
        {
            self.nodes[before].flags.clear(Flags::MIGRATE_TO);
        }
        if let Some(primary) = primary {
            self.nodes[primary].flags.set(Flags::MIGRATE_TO);
        }
    }

    /// This node replicates another from now on.
    pub(super) fn follow(&mut self, primary: Seat, turn: &mut Turn<'_>) {
        let me = self.me;
        if self.nodes[me].is_primary() {
            let flags = &mut self.nodes[me].flags;
            flags.clear(Flags::PRIMARY | Flags::MIGRATE_TO);
            flags.set(Flags::REPLICA);
            self.stop_moving_slots();
        }
        self.set_primary(me, Some(primary));
        self.nodes[me].shard = None;
        self.claim_for_primary();
        self.end_manual(turn);
        self.hushed_until_ms = None;
        self.health.doubted = false;
        self.forget_election();
        self.following = None;
        self.follow_moved_primary(turn);
        self.todo.judge = true;
        self.save(Save::Now);
    }

    /// Replication goes to where the primary is, as soon as that is known.
    pub(super) fn follow_moved_primary(&mut self, turn: &mut Turn<'_>) {
        let Some(primary) = self.my().primary else {
            return;
        };
        let node = &self.nodes[primary];
        let address = crate::Address {
            ip: node.ip.clone(),
            // Replication goes through the port of the bus's own kind.
            port: node.port,
        };
        let is_known = !node.flags.has(Flags::NO_ADDRESS) && !address.ip.is_empty();
        if is_known && address.port != 0 && self.following.as_ref() != Some(&address) {
            self.following = Some(address.clone());
            turn.push(Output::Follow { primary: address });
        }
    }

    /// This node is a primary from now on.
    pub(super) fn promote(&mut self, turn: &mut Turn<'_>) {
        let me = self.me;
        let shard = self.shard_of(me);
        self.nodes[me].shard = (shard != self.nodes[me].id).then_some(shard);
        self.note_primary(me);
        self.following = None;
        self.forget_election();
        self.claim_for_primary();
        self.save(Save::Now);
        turn.push(Output::Promote);
    }

    /// Takes the place of this node's primary.
    pub(super) fn replace_primary(&mut self, turn: &mut Turn<'_>) {
        let Some(before) = self.my().primary else {
            return;
        };
        self.promote(turn);
        self.health.note_promotion(turn.now());
        for slot in self.slots.of(before).iter() {
            // What the primary had given up is not its successor's.
            if self.slots.claimant(slot).is_some() {
                self.give_slot(slot, Some(self.me));
            }
        }
        self.todo.judge = true;
        self.todo.tell_all = true;
        self.save(Save::Now);
        self.end_manual(turn);
    }

    pub(super) fn delete_node(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        self.close_links_of(seat, turn);
        self.give_up_slots(seat);
        self.slots.migrating.retain(|_, to| *to != seat);
        self.slots.importing.retain(|_, from| *from != seat);
        if self.nodes[seat].primary.is_some() {
            self.set_primary(seat, None);
        }
        for (_, node) in self.nodes.iter_mut() {
            node.reports.retain(|(by, _)| *by != seat);
            if node.primary == Some(seat) {
                node.primary = None;
            }
        }
        self.forget_manual_of(seat, turn);
        if self.nodes[seat].flags.has(Flags::MAYBE_FAILED) {
            self.health.suspects = self.health.suspects.saturating_sub(1);
        }
        let is_whole = !self.nodes[seat].is_handshake();
        self.nodes.remove(seat);
        if is_whole {
            self.todo.judge = true;
            self.todo.map_changed = true;
            self.save(Save::Soon);
        }
    }

    /// An operator wants a node forgotten. Those who understand are told, too.
    pub(super) fn forget(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        let id = self.nodes[seat].id;
        self.forgotten.insert(id, turn.now() + FORGOTTEN_S * 1000);
        self.delete_node(seat, turn);
        self.save(Save::Now);
        let told = Extension::Forgotten {
            id,
            ttl_s: FORGOTTEN_S,
        };
        let listeners = self.nodes.iter().filter(|(_, node)| node.extended);
        let links = listeners.filter_map(|(_, node)| node.link.map(LinkId::Out));
        for link in links.collect::<Vec<_>>() {
            self.send_extended(Beat::Pong, link, Some(told), turn);
        }
    }

    /// Another was told to forget a node, and passes it on.
    pub(super) fn forget_too(&mut self, sender: Seat, id: NodeId, ttl_s: u64, turn: &mut Turn<'_>) {
        let ttl_ms = ttl_s.min(FORGOTTEN_S) * 1000;
        let Some(seat) = self.nodes.find(id) else {
            return;
        };
        if seat == self.me || seat == sender || self.my().primary == Some(seat) {
            return;
        }
        self.forgotten.insert(id, turn.now() + ttl_ms);
        self.delete_node(seat, turn);
        self.save(Save::Now);
    }

    pub(super) fn drop_old_forgotten(&mut self, now_ms: u64) {
        self.forgotten.retain(|_, until_ms| now_ms < *until_ms);
    }
}
