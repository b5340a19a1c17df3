//! Epochs: the cluster's clock.
//!
//! The current epoch counts elections. A primary's configuration epoch says how recent its claim
//! to its slots is; no two may have the same, and where they do one moves.

use super::ownership::Claims;
use super::{Machine, Save, Turn};
use crate::bus::Header;
use crate::flaw::flawed;
use crate::output::Level;
use crate::slots::{SlotSet, each_slot};
use crate::table::Seat;

/// An epoch that nobody has, and of which a majority is to know before this node takes it.
///
/// A primary that took it at once and was cut off then could be replaced by an election for a
/// smaller one: it would have all its slots back, and what its heir was given would be lost. Once
/// a majority knows of it, nobody is elected for a smaller one.
#[derive(Debug)]
pub(super) struct Reserved {
    epoch: u64,
    since_ms: u64,
}

impl Machine {
    /// A known node says which epochs it knows.
    pub(super) fn take_epochs(&mut self, sender: Seat, header: &Header<'_>) {
        self.see_epoch(header.current_epoch);
        let node = &mut self.nodes[sender];
        if header.config_epoch > node.config_epoch {
            node.config_epoch = header.config_epoch;
            node.gained = None;
            self.save(Save::Soon);
        }
        // Its claims are judged by the greater of the two, so this must not fall behind.
        self.see_epoch(header.config_epoch);
    }

    pub(super) fn see_epoch(&mut self, epoch: u64) {
        if epoch > self.current_epoch {
            self.current_epoch = epoch;
            self.save(Save::Now);
        }
    }

    /// The epoch after all that are known.
    pub(super) fn next_epoch(&mut self) -> u64 {
        self.current_epoch = self.greatest_epoch().saturating_add(1);
        self.save(Save::Now);
        self.current_epoch
    }

    fn greatest_epoch(&self) -> u64 {
        let known = self.nodes.iter().map(|(_, node)| node.config_epoch).max();
        known.unwrap_or(0).max(self.current_epoch)
    }

    /// Makes this node's claims the most recent ones without asking anybody.
    pub(super) fn bump_epoch(&mut self, turn: &mut Turn<'_>) -> bool {
        let mine = self.my().config_epoch;
        if mine != 0 && mine == self.greatest_epoch() {
            return false;
        }
        self.choose_next_epoch(turn);
        true
    }

    /// The same, also if they are the most recent ones.
    pub(super) fn choose_next_epoch(&mut self, turn: &mut Turn<'_>) {
        let epoch = self.next_epoch();
        self.adopt_epoch(epoch, turn);
    }

    fn adopt_epoch(&mut self, epoch: u64, turn: &mut Turn<'_>) {
        self.set_my_epoch(epoch);
        turn.log(Level::Warning, format!("New configEpoch set to {epoch}"));
    }

    /// An epoch beyond what anybody can have chosen, once a majority has answered what it was asked
    /// when this node knew of it.
    pub(super) fn reserve_epoch(&mut self, now_ms: u64) -> Option<u64> {
        if self.reserved.is_none() {
            self.next_epoch();
            let epoch = self.next_epoch();
            self.reserved = Some(Reserved {
                epoch,
                since_ms: now_ms,
            });
        }
        let reserved = self.reserved.as_ref()?;
        let (epoch, since_ms) = (reserved.epoch, reserved.since_ms);
        let is_heard = self.majority_asked_ms() > Some(since_ms);
        // Somebody else may have got a greater one meanwhile.
        let is_behind = self
            .nodes
            .iter()
            .any(|(_, node)| node.config_epoch >= epoch);
        if is_heard || is_behind {
            self.reserved = None;
        }
        (is_heard && !is_behind).then_some(epoch)
    }

    /// While this node is cut off another may be elected, for an epoch beyond the reserved one.
    pub(super) fn drop_old_reservation(&mut self, now_ms: u64) {
        if self.reserved.is_some() && self.may_be_replaced(now_ms) {
            self.reserved = None;
        }
    }

    pub(super) fn take_reserved(&mut self, epoch: u64, turn: &mut Turn<'_>) {
        self.adopt_epoch(epoch, turn);
        self.chosen_epoch = epoch;
        self.todo.tell_all = true;
    }

    pub(super) fn set_my_epoch(&mut self, epoch: u64) {
        let me = self.me;
        self.nodes[me].config_epoch = epoch;
        self.save(Save::Now);
    }

    /// Of two primaries with the same epoch, the one with the smaller name takes another, as soon
    /// as it knows that its slots are still its own.
    ///
    /// Unless they claim the same slots. Whoever takes slots chooses his epoch alone, and if he is
    /// cut off then, his heir may be elected for the same. With another epoch he would have all of
    /// his own back, and what was written since would be lost. So the other one is believed.
    pub(super) fn settle_collision(
        &mut self,
        sender: Seat,
        header: &Header<'_>,
        turn: &mut Turn<'_>,
    ) {
        let epoch = header.config_epoch;
        let collides = self.my().is_primary()
            && self.nodes[sender].is_primary()
            && epoch == self.my().config_epoch;
        // While slots are handed over this node's epoch has to stay; the other one says it again.
        if !collides || !self.handing_over.is_empty() || flawed!(self, KeepCollision) {
            return;
        }
        if self.yields_chosen(sender, epoch, header.slots, turn) {
            return;
        }
        let id = self.nodes[sender].id;
        if id <= self.my().id || self.may_be_replaced(turn.now()) {
            return;
        }
        let is_chosen = self.chosen_epoch == epoch;
        let epoch = self.next_epoch();
        self.set_my_epoch(epoch);
        if is_chosen {
            self.chosen_epoch = epoch;
        }
        turn.log(
            Level::Verbose,
            format!("WARNING: configEpoch collision with node {id}. configEpoch set to {epoch}"),
        );
    }

    /// Whether another has won the epoch that this node chose alone, and has its slots.
    pub(super) fn yields_chosen(
        &mut self,
        rival: Seat,
        epoch: u64,
        slots: &[u8; SlotSet::BYTES],
        turn: &mut Turn<'_>,
    ) -> bool {
        let is_chosen = self.my().is_primary()
            && self.my().config_epoch == epoch
            && self.chosen_epoch == epoch
            && self.handing_over.is_empty();
        let mine = self.slots.claimed();
        let are_rivals = each_slot(slots).any(|slot| mine.contains(slot));
        if !is_chosen || !are_rivals || flawed!(self, KeepCollision) {
            return false;
        }
        let claims = Claims {
            epoch: epoch.saturating_add(1),
            slots,
            link: None,
        };
        self.take_claims(rival, claims, turn);
        true
    }
}
