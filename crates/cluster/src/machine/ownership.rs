//! Who owns which slot, and what follows when somebody else claims one.
//!
//! A primary claims its slots with every packet. Of two that claim the same slot the one with the
//! greater configuration epoch is believed, so what everybody believes is settled by the epochs,
//! whatever the order in which packets arrive.

use std::collections::BTreeMap;

use super::{Machine, Save, Turn};
use crate::bus::{Body, Header};
use crate::flaw::flawed;
use crate::input::LinkId;
use crate::map::NOBODY;
use crate::node::Gained;
use crate::output::{Level, Output};
use crate::slots::{SLOTS, SlotSet, count_slots, each_slot};
use crate::table::Seat;

/// The owner of each slot, and slots on their way.
#[derive(Debug)]
pub(super) struct Owners {
    owners: Vec<u16>,
    pub migrating: BTreeMap<u16, Seat>,
    pub importing: BTreeMap<u16, Seat>,
    /// What this node's packets claim: the slots of the primary it speaks for.
    claimed: SlotSet,
    claimed_of: Seat,
    /// Slots whose owners do not claim them any longer. Clients are sent there still, but whoever
    /// claims such a slot gets it, whatever his epoch, and nobody is told of the old owner. It
    /// outlasts a restart: whoever forgot it would have its present owner, whose epoch may be
    /// smaller, give it to one who has not got it.
    released: SlotSet,
}

impl Owners {
    pub fn new(me: Seat) -> Owners {
        Owners {
            owners: vec![NOBODY; usize::from(SLOTS)],
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            claimed: SlotSet::default(),
            claimed_of: me,
            released: SlotSet::default(),
        }
    }

    pub fn owner(&self, slot: u16) -> Option<Seat> {
        match self.owners[usize::from(slot)] {
            NOBODY => None,
            seat => Some(Seat(seat)),
        }
    }

    /// The owner of a slot that he claims, as far as is known.
    pub fn claimant(&self, slot: u16) -> Option<Seat> {
        self.owner(slot).filter(|_| !self.released.contains(slot))
    }

    /// Whether all these slots are a node's. Asked of every packet, so a run is compared at once.
    fn has_all(&self, seat: Seat, slots: &[u8; SlotSet::BYTES]) -> bool {
        let runs = slots.chunks_exact(8).zip(self.owners.chunks_exact(64));
        let mut runs = runs.filter(|(bits, _)| **bits != [0; 8]);
        runs.all(|(bits, owners)| match *bits == [u8::MAX; 8] {
            true => owners.iter().all(|owner| *owner == seat.0),
            false => (0..64)
                .filter(|at| bits[at / 8] & 1 << (at % 8) != 0)
                .all(|at| owners[at] == seat.0),
        })
    }

    pub fn released(&self) -> &SlotSet {
        &self.released
    }

    /// The owners of these slots do not claim them.
    pub fn release(&mut self, slots: &SlotSet) {
        let is_anothers = |&slot: &u16| {
            let owner = self.owner(slot);
            owner.is_some_and(|owner| owner != self.claimed_of)
        };
        self.released = slots.iter().filter(is_anothers).collect();
    }

    /// Whether a node does not claim all that is its own.
    fn has_released_of(&self, seat: Seat) -> bool {
        !self.released.is_empty()
            && self
                .released
                .iter()
                .any(|slot| self.owner(slot) == Some(seat))
    }

    pub fn raw(&self) -> &[u16] {
        &self.owners
    }

    pub fn claimed(&self) -> &SlotSet {
        &self.claimed
    }

    pub fn of(&self, seat: Seat) -> SlotSet {
        if seat == self.claimed_of {
            return self.claimed.clone();
        }
        let owned = |(slot, &owner): (usize, &u16)| (owner == seat.0).then_some(slot as u16);
        self.owners.iter().enumerate().filter_map(owned).collect()
    }

    fn set(&mut self, slot: u16, owner: Option<Seat>) {
        self.owners[usize::from(slot)] = owner.map_or(NOBODY, |seat| seat.0);
        self.released.remove(slot);
        match owner == Some(self.claimed_of) {
            true => self.claimed.insert(slot),
            false => self.claimed.remove(slot),
        };
    }

    /// From now on packets claim the slots of this primary.
    fn claim_for(&mut self, seat: Seat) {
        if self.claimed_of != seat {
            self.claimed = self.of(seat);
            self.claimed_of = seat;
        }
    }
}

/// What a node claims.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    pub epoch: u64,
    pub slots: &'a [u8; SlotSet::BYTES],
    /// The link on which it says so itself.
    pub link: Option<LinkId>,
}

/// What a claim has changed.
#[derive(Debug, Default)]
struct Taken {
    /// How many slots were claimed.
    claimed: usize,
    /// How many of them were this node's, or its primary's.
    ours: usize,
    /// Those that were this node's own.
    mine: SlotSet,
}

impl Machine {
    /// Gives a slot to a node, or to nobody.
    pub(super) fn give_slot(&mut self, slot: u16, owner: Option<Seat>) {
        let before = self.slots.owner(slot);
        if before == owner {
            return;
        }
        if let Some(before) = before {
            self.nodes[before].slot_count -= 1;
        }
        if let Some(owner) = owner {
            self.nodes[owner].slot_count += 1;
        }
        self.slots.set(slot, owner);
        self.todo.map_changed = true;
    }

    /// Another has slots that it did not have, as it said itself on a link, or as others know.
    pub(super) fn note_gain(&mut self, owner: Seat, link: Option<LinkId>, at_ms: u64) {
        self.nodes[owner].gained = Some(Gained { link, at_ms });
    }

    pub(super) fn give_up_slots(&mut self, seat: Seat) {
        for slot in self.slots.of(seat).iter() {
            self.give_slot(slot, None);
        }
    }

    /// Called whenever this node has become a primary, or has got another one.
    pub(super) fn claim_for_primary(&mut self) {
        let primary = self.my_primary();
        self.slots.claim_for(primary);
        self.todo.map_changed = true;
    }

    pub(super) fn stop_moving_slots(&mut self) {
        self.slots.migrating.clear();
        self.slots.importing.clear();
        self.handing_over = SlotSet::default();
        self.reserved = None;
        self.doubt_until_ms = None;
        self.todo.map_changed = true;
    }

    /// Compares what a sender claims with what is known, and believes it or corrects it.
    pub(super) fn compare_claims(
        &mut self,
        sender: Seat,
        link: LinkId,
        header: &Header<'_>,
        turn: &mut Turn<'_>,
    ) {
        let primary = match self.nodes[sender].is_primary() {
            true => Some(sender),
            false => self.nodes[sender].primary,
        };
        if !primary.is_some_and(|primary| self.differs(primary, header.slots)) {
            return;
        }
        if primary == Some(sender) {
            if self.is_behind_gains(sender, link, header) {
                self.note_released(sender, header.slots);
            }
            let claims = Claims {
                epoch: header.config_epoch,
                slots: header.slots,
                link: Some(link),
            };
            self.take_claims(sender, claims, turn);
        }
        self.correct(sender, link, header, turn);
    }

    /// Whether a node's slots are others than these.
    fn differs(&self, seat: Seat, claimed: &[u8; SlotSet::BYTES]) -> bool {
        if self.slots.has_released_of(seat) {
            return true;
        }
        if seat == self.slots.claimed_of {
            return self.slots.claimed.as_bytes() != claimed;
        }
        count_slots(claimed) != self.nodes[seat].slot_count || !self.slots.has_all(seat, claimed)
    }

    /// Whether an owner has said this after all that it has gained.
    ///
    /// Nodes talk over two links, and one may overtake the other: what a sender said before it took
    /// slots is no word about them. If its epoch was great enough before, it did not change. So
    /// what counts is what it says on the same link, and its answer to a later question.
    fn is_behind_gains(&self, sender: Seat, link: LinkId, header: &Header<'_>) -> bool {
        let node = &self.nodes[sender];
        if header.config_epoch < node.config_epoch {
            return false;
        }
        let Some(gained) = node.gained else {
            return true;
        };
        let is_answer = matches!(link, LinkId::Out(_));
        gained.link == Some(link) || is_answer && node.answered_ms > Some(gained.at_ms)
    }

    /// An owner claims some of its slots no longer, or again.
    fn note_released(&mut self, sender: Seat, claimed: &[u8; SlotSet::BYTES]) {
        let claimed: SlotSet = each_slot(claimed).collect();
        for slot in self.slots.of(sender).iter() {
            let is_news = match claimed.contains(slot) {
                true => self.slots.released.remove(slot),
                false => self.slots.released.insert(slot),
            };
            if is_news {
                self.save(Save::Now);
            }
        }
    }

    /// Tells a sender whose claim is old who has the slot now. One slot is enough, as the answer
    /// names all of its owner's. Of two with the same epoch one may have chosen it alone, and
    /// yields when he hears of the other.
    fn correct(&mut self, sender: Seat, link: LinkId, header: &Header<'_>, turn: &mut Turn<'_>) {
        if flawed!(self, NeverUpdate) {
            return;
        }
        let is_newer = |slot: u16| {
            let owner = self.slots.claimant(slot).filter(|&owner| owner != sender)?;
            let epoch = self.nodes[owner].config_epoch;
            (epoch > 0 && epoch >= header.config_epoch).then_some(owner)
        };
        let Some(owner) = each_slot(header.slots).find_map(is_newer) else {
            return;
        };
        let line = format!(
            "Node {} has old slots configuration, sending an UPDATE message about {}",
            self.nodes[sender].id, self.nodes[owner].id
        );
        turn.log(Level::Verbose, line);
        self.send_update(link, owner, turn);
    }

    fn send_update(&mut self, link: LinkId, about: Seat, turn: &mut Turn<'_>) {
        let owned = self.slots.of(about);
        let slots: SlotSet = owned
            .iter()
            .filter(|&slot| self.slots.claimant(slot).is_some())
            .collect();
        let body = Body::Update {
            config_epoch: self.nodes[about].config_epoch,
            node: self.nodes[about].id,
            slots: slots.as_bytes(),
        };
        self.send(link, &body, turn);
    }

    /// Somebody tells that a node has these slots.
    pub(super) fn take_update(
        &mut self,
        about: Seat,
        epoch: u64,
        slots: &[u8; SlotSet::BYTES],
        turn: &mut Turn<'_>,
    ) {
        if about == self.me || self.nodes[about].config_epoch > epoch {
            return;
        }
        let is_news = self.nodes[about].config_epoch < epoch;
        if is_news {
            if self.nodes[about].is_replica() {
                self.note_primary(about);
            }
            self.nodes[about].config_epoch = epoch;
            self.nodes[about].gained = None;
            self.save(Save::Now);
        }
        if self.yields_chosen(about, epoch, slots, turn) {
            return;
        }
        if !is_news {
            return self.hear_of_taken(about, epoch, slots, turn);
        }
        let link = None;
        let claims = Claims { epoch, slots, link };
        self.take_claims(about, claims, turn);
    }

    /// Whoever takes slots keeps an epoch that is the greatest anyway, so no greater one says
    /// that they were taken. What he has else may be old news, and he tells it himself.
    fn hear_of_taken(
        &mut self,
        about: Seat,
        epoch: u64,
        slots: &[u8; SlotSet::BYTES],
        turn: &mut Turn<'_>,
    ) {
        let is_handed = |slot: &u16| self.handing_over.contains(*slot);
        let handed: SlotSet = each_slot(slots).filter(is_handed).collect();
        let claims = Claims {
            epoch,
            slots: handed.as_bytes(),
            link: None,
        };
        self.take_claims(about, claims, turn);
    }

    /// Gives a node the slots it claims, as far as nobody has them with a greater epoch.
    pub(super) fn take_claims(&mut self, sender: Seat, claims: Claims<'_>, turn: &mut Turn<'_>) {
        if sender == self.me {
            return;
        }
        let Claims { epoch, slots, link } = claims;
        let our_primary = self.my_primary();
        let mut taken = Taken::default();
        for slot in each_slot(slots) {
            taken.claimed += 1;
            let owner = self.slots.owner(slot);
            if owner == Some(sender) {
                continue;
            }
            let yields = |owner: Seat| self.nodes[owner].config_epoch < epoch;
            if !self.slots.claimant(slot).is_none_or(yields) && !flawed!(self, TakeAnyClaim) {
                continue;
            }
            if owner == Some(self.me) {
                taken.mine.insert(slot);
            }
            taken.ours += usize::from(owner == Some(our_primary));
            self.give_slot(slot, Some(sender));
            self.note_gain(sender, link, turn.now());
            let is_planned = self.slots.migrating.remove(&slot).is_some();
            // Whoever took the place of the one that a slot comes from has its keys now.
            let from = self.slots.importing.get_mut(&slot);
            let is_imported = from.map(|from| *from = sender).is_some();
            // Whoever loses a slot deletes its keys. To all others a claim that is forgotten is one
            // that has not arrived yet: nobody counts on it that they have heard of it.
            match owner == Some(self.me) && !is_planned || is_imported {
                true => self.save(Save::Now),
                false => self.save_claim(),
            }
            self.todo.judge = true;
        }
        self.live_with_claims(sender, our_primary, taken, turn);
    }

    /// Whoever has lost all its slots follows who has them now; whoever lost some deletes them.
    fn live_with_claims(
        &mut self,
        sender: Seat,
        our_primary: Seat,
        taken: Taken,
        turn: &mut Turn<'_>,
    ) {
        let follows = self.settings.allow_replica_migration || taken.claimed == taken.ours;
        if taken.ours > 0 && follows && self.nodes[our_primary].slot_count == 0 {
            let id = self.nodes[sender].id;
            let line =
                format!("Configuration change detected. Reconfiguring myself as a replica of {id}");
            turn.log(Level::Warning, line);
            self.follow(sender, turn);
            return;
        }
        if self.follow_grandprimary(turn) || taken.mine.is_empty() || flawed!(self, KeepLostKeys) {
            return;
        }
        let slots = taken.mine;
        turn.push(Output::DeleteKeys { slots });
    }

    /// A replica of a replica follows that one's primary.
    pub(super) fn follow_grandprimary(&mut self, turn: &mut Turn<'_>) -> bool {
        let primary = self.my().primary;
        let grand = primary.and_then(|primary| self.nodes[primary].primary);
        let Some(grand) = grand.filter(|&grand| grand != self.me) else {
            return false;
        };
        let id = self.nodes[grand].id;
        let line =
            format!("I'm a sub-replica! Reconfiguring myself as a replica of grandmaster {id}");
        turn.log(Level::Warning, line);
        self.follow(grand, turn);
        true
    }

    /// The data is loaded. Keys of slots that nobody owns are an owner's; those of others are
    /// guests, until an operator says where they belong.
    pub(super) fn compare_with_data(&mut self, slots: &[u16], turn: &mut Turn<'_>) {
        if !self.my().is_primary() {
            return;
        }
        for &slot in slots {
            let owner = self.slots.owner(slot);
            if owner == Some(self.me) || self.slots.importing.contains_key(&slot) {
                continue;
            }
            self.save(Save::Now);
            self.todo.judge = true;
            self.todo.map_changed = true;
            let line = match owner {
                None => {
                    self.give_slot(slot, Some(self.me));
                    format!("I have keys for unassigned slot {slot}. Taking responsibility for it.")
                }
                Some(owner) => {
                    self.slots.importing.insert(slot, owner);
                    format!(
                        "I have keys for slot {slot}, but the slot is assigned to another node. \
                         Setting it to importing state."
                    )
                }
            };
            turn.log(Level::Warning, line);
        }
    }
}
