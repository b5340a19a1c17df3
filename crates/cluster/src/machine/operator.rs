//! What operators ask for. Whatever is refused has changed nothing.

use std::ops::RangeInclusive;

use super::handshake::Place;
use super::{Before, Machine, Save, Turn};
use crate::command::{Answer, Command, Failover, Refused, SlotState, named};
use crate::id::NodeId;
use crate::node::Flags;
use crate::output::{Level, Output};
use crate::slots::{SLOTS, SlotSet};
use crate::table::Seat;

impl Machine {
    pub(super) fn obey(
        &mut self,
        command: Command<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Answer, Refused> {
        match command {
            Command::Meet { ip, port, bus_port } => self.obey_meet(ip, port, bus_port, turn)?,
            Command::AddSlots(ranges) => self.add_slots(ranges)?,
            Command::DelSlots(ranges) => self.delete_slots(ranges)?,
            Command::FlushSlots => self.flush_slots(turn)?,
            Command::SetSlot { slot, state, keys } => self.set_slot(slot, state, keys, turn)?,
            Command::TakeSlots { slots, beyond } => self.take_slots(slots, beyond, turn)?,
            Command::HandOver(slots) => self.hand_over(slots)?,
            Command::Keep(slots) => self.keep(slots),
            Command::GiveSlots { slots, to } => self.give_slots(slots, to, turn)?,
            Command::Reclaim(slots) => self.reclaim(slots, turn)?,
            Command::Replicate(node) => self.replicate(node, turn)?,
            Command::Reset { hard } => self.reset(hard, turn)?,
            Command::Forget(node) => self.obey_forget(node, turn)?,
            Command::Failover(how) => self.fail_over(how, turn)?,
            Command::SetConfigEpoch(epoch) => self.set_config_epoch(epoch, turn)?,
            Command::BumpEpoch => {
                self.must_be_settled()?;
                let is_raised = self.bump_epoch(turn);
                let epoch = self.my().config_epoch;
                // Its heir may be elected for the same.
                if is_raised {
                    self.chosen_epoch = epoch;
                }
                return Ok(match is_raised {
                    true => Answer::Bumped(epoch),
                    false => Answer::Still(epoch),
                });
            }
            Command::SaveConfig => self.save(Save::Now),
            Command::CutLinks { node, to, from } => self.cut_links(node, to, from, turn)?,
            Command::Ignore(kind) => self.ignored = kind,
        }
        Ok(Answer::Ok)
    }

    fn cut_links(
        &mut self,
        node: &[u8],
        to: bool,
        from: bool,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refused> {
        let found = NodeId::parse(node).and_then(|id| self.nodes.find(id));
        let seat = found.ok_or_else(|| Refused::unknown(node))?;
        if to {
            self.close_link_to(seat, turn);
        }
        if from {
            self.close_link_from(seat, turn);
        }
        Ok(())
    }

    fn obey_meet(
        &mut self,
        ip: &str,
        port: u16,
        bus_port: u16,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refused> {
        let place = Place {
            ip,
            port,
            plain_port: 0,
            bus_port,
        };
        match self.meet(&place, turn) {
            true => Ok(()),
            false => Err(Refused::new(format_args!(
                "Invalid node address specified: {ip}:{port}"
            ))),
        }
    }

    /// Whether these slots can all be given, or all be taken, each once.
    pub fn check_slots(
        &self,
        ranges: &[RangeInclusive<u16>],
        is_deletion: bool,
    ) -> Result<SlotSet, Refused> {
        let mut set = SlotSet::default();
        for slot in ranges.iter().cloned().flatten() {
            if slot >= SLOTS {
                return Err(Refused::new("Invalid or out of range slot"));
            }
            let is_owned = self.slots.owner(slot).is_some();
            if is_deletion && !is_owned {
                let why = format_args!("Slot {slot} is already unassigned");
                return Err(Refused::new(why));
            }
            if !is_deletion && is_owned {
                return Err(Refused::new(format_args!("Slot {slot} is already busy")));
            }
            if !set.insert(slot) {
                let why = format_args!("Slot {slot} specified multiple times");
                return Err(Refused::new(why));
            }
        }
        Ok(set)
    }

    fn add_slots(&mut self, ranges: &[RangeInclusive<u16>]) -> Result<(), Refused> {
        let slots = self.check_slots(ranges, false)?;
        for slot in slots.iter() {
            self.slots.importing.remove(&slot);
            self.give_slot(slot, Some(self.me));
        }
        self.slots_were_set();
        Ok(())
    }

    fn delete_slots(&mut self, ranges: &[RangeInclusive<u16>]) -> Result<(), Refused> {
        let slots = self.check_slots(ranges, true)?;
        for slot in slots.iter() {
            self.give_slot(slot, None);
        }
        self.slots_were_set();
        Ok(())
    }

    fn flush_slots(&mut self, turn: &Turn<'_>) -> Result<(), Refused> {
        if turn.view.holds_keys {
            return Err(Refused::new(
                "DB must be empty to perform CLUSTER FLUSHSLOTS.",
            ));
        }
        self.give_up_slots(self.me);
        self.slots_were_set();
        Ok(())
    }

    fn slots_were_set(&mut self) {
        self.save(Save::Now);
        self.map_was_changed();
    }

    fn map_was_changed(&mut self) {
        self.todo.judge = true;
        self.todo.map_changed = true;
    }

    fn set_slot(
        &mut self,
        slot: u16,
        state: SlotState<'_>,
        keys: u64,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refused> {
        if self.my().is_replica() {
            return Err(Refused::new("Please use SETSLOT only with masters."));
        }
        if slot >= SLOTS {
            return Err(Refused::new("Invalid or out of range slot"));
        }
        let is_mine = self.slots.owner(slot) == Some(self.me);
        match state {
            SlotState::Migrating(_) if !is_mine => {
                let why = format_args!("I'm not the owner of hash slot {slot}");
                return Err(Refused::new(why));
            }
            SlotState::Migrating(to) => {
                let to = self.other_end(to)?;
                self.slots.migrating.insert(slot, to);
            }
            SlotState::Importing(_) if is_mine => {
                let why = format_args!("I'm already the owner of hash slot {slot}");
                return Err(Refused::new(why));
            }
            SlotState::Importing(from) => {
                let from = self.other_end(from)?;
                self.slots.importing.insert(slot, from);
            }
            SlotState::Stable => {
                self.slots.migrating.remove(&slot);
                self.slots.importing.remove(&slot);
            }
            SlotState::Node(node) => self.assign_slot(slot, node, keys, turn)?,
        }
        // Resharding asks for this several times a slot, and a sync takes longer than all else.
        // After a loss of power a slot that came is known by its keys, and one that left by the
        // claim of its owner, whose epoch was synced when it was bumped.
        self.save(Save::Written);
        self.map_was_changed();
        Ok(())
    }

    /// The node that a slot moves to or from.
    fn other_end(&self, node: &[u8]) -> Result<Seat, Refused> {
        let seat = NodeId::parse(node).and_then(|id| self.nodes.find(id));
        let seat = seat.ok_or_else(|| {
            let node = String::from_utf8_lossy(node);
            Refused::new(format_args!("I don't know about node {node}"))
        })?;
        self.must_be_primary(seat)
    }

    fn must_be_primary(&self, seat: Seat) -> Result<Seat, Refused> {
        match self.nodes[seat].is_replica() {
            true => Err(Refused::new("Target node is not a master")),
            false => Ok(seat),
        }
    }

    fn assign_slot(
        &mut self,
        slot: u16,
        node: &[u8],
        keys: u64,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refused> {
        let owner = self.must_be_primary(self.find(node)?)?;
        let was_mine = self.slots.owner(slot) == Some(self.me);
        if was_mine && owner != self.me && keys > 0 {
            return Err(Refused::new(format_args!(
                "Can't assign hashslot {slot} to a different node while I still hold keys for \
                 this hash slot."
            )));
        }
        let is_import = owner == self.me && self.slots.importing.contains_key(&slot);
        if is_import {
            self.must_be_writable()?;
            self.taken = vec![self.before(slot)];
        }
        if keys == 0 {
            self.slots.migrating.remove(&slot);
        }
        self.give_slot(slot, Some(owner));
        self.note_gain(owner, None, turn.now());
        if is_import {
            self.slots.importing.remove(&slot);
            // The others know another owner, and believe only a greater epoch.
            if self.bump_epoch(turn) {
                turn.log(
                    Level::Warning,
                    format!("configEpoch updated after importing slot {slot}"),
                );
            }
            self.todo.tell_all = true;
        }
        let is_bare = was_mine && self.my().slot_count == 0 && owner != self.me;
        if is_bare && self.settings.allow_replica_migration {
            let id = self.nodes[owner].id;
            let line =
                format!("Configuration change detected. Reconfiguring myself as a replica of {id}");
            turn.log(Level::Warning, line);
            self.follow(owner, turn);
        }
        Ok(())
    }

    fn take_slots(
        &mut self,
        slots: &SlotSet,
        beyond: u64,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refused> {
        if self.my().is_replica() {
            return Err(Refused::new("Please use SETSLOT only with masters."));
        }
        self.must_be_settled()?;
        if self.is_yielding() {
            return Err(Refused::new("A replica is about to take over"));
        }
        self.must_be_writable()?;
        // Whoever was replaced meanwhile would take all of its own back with the greater epoch.
        if !self.health.is_ok() || turn.now() >= self.health.lease_until_ms() {
            return Err(Refused::new("The node does not serve"));
        }
        self.see_epoch(beyond);
        self.taken = slots.iter().map(|slot| self.before(slot)).collect();
        for slot in slots.iter() {
            self.slots.importing.remove(&slot);
            self.give_slot(slot, Some(self.me));
        }
        // The source may have chosen the same epoch alone: then neither's claim is the later one.
        let mine = self.my().config_epoch;
        let is_tied = |(seat, node): (Seat, &crate::node::Node)| {
            seat != self.me && node.config_epoch == mine && node.is_primary()
        };
        match mine == beyond || self.nodes.iter().any(is_tied) {
            true => self.choose_next_epoch(turn),
            false => drop(self.bump_epoch(turn)),
        }
        // Who was elected for it yields to nobody: of two that yield to each other neither has
        // the slots.
        if self.my().config_epoch != self.won_epoch {
            self.chosen_epoch = self.my().config_epoch;
        }
        self.slots_were_set();
        self.todo.tell_all = true;
        Ok(())
    }

    /// Nobody hears of slots that this node takes while it cannot write them down.
    fn must_be_writable(&self) -> Result<(), Refused> {
        match self.unsaved.failed {
            true => Err(Refused::new(
                "The cluster configuration file cannot be written",
            )),
            false => Ok(()),
        }
    }

    fn before(&self, slot: u16) -> Before {
        Before {
            slot,
            owner: self.slots.owner(slot),
            source: self.slots.importing.get(&slot).copied(),
        }
    }

    /// What was taken could not be written down, and nobody has heard of it: it is not taken.
    pub(super) fn give_back_taken(&mut self, turn: &mut Turn<'_>) {
        for before in std::mem::take(&mut self.taken) {
            self.give_slot(before.slot, before.owner);
            if let Some(source) = before.source {
                self.slots.importing.insert(before.slot, source);
            }
        }
        if std::mem::take(&mut self.todo.map_changed) {
            turn.push(Output::MapChanged);
        }
    }

    fn give_slots(
        &mut self,
        slots: &SlotSet,
        to: NodeId,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refused> {
        let unknown = || Refused::new(format_args!("I don't know about node {to}"));
        let owner = self.nodes.find(to).ok_or_else(unknown)?;
        if owner == self.me {
            return Err(Refused::new("A node gives no slots to itself"));
        }
        let mine = |&slot: &u16| self.slots.owner(slot) == Some(self.me);
        let given: SlotSet = slots.iter().filter(mine).collect();
        self.keep(slots);
        for slot in given.iter() {
            self.slots.migrating.remove(&slot);
            self.give_slot(slot, Some(owner));
            self.note_gain(owner, None, turn.now());
        }
        if given.is_empty() {
            return Ok(());
        }
        self.slots_were_set();
        if self.my().slot_count == 0 && self.settings.allow_replica_migration {
            let line =
                format!("Configuration change detected. Reconfiguring myself as a replica of {to}");
            turn.log(Level::Warning, line);
            self.follow(owner, turn);
            return Ok(());
        }
        turn.push(Output::DeleteKeys { slots: given });
        Ok(())
    }

    /// Whoever starts again must know that these may be another's.
    fn hand_over(&mut self, slots: &SlotSet) -> Result<(), Refused> {
        // What was handed over before is about to be claimed with another epoch.
        if self.doubt_until_ms.is_some() || self.reserved.is_some() {
            return Err(Refused::new("The node does not serve"));
        }
        // Both the target and the replica would have them: whoever's epoch is greater.
        if self.is_yielding() {
            return Err(Refused::new("A replica is about to take over"));
        }
        for slot in slots.iter() {
            self.handing_over.insert(slot);
        }
        self.save(Save::Now);
        Ok(())
    }

    fn keep(&mut self, slots: &SlotSet) {
        for slot in slots.iter() {
            self.handing_over.remove(slot);
        }
        self.save(Save::Soon);
    }

    /// No other epoch while slots are handed over.
    fn must_be_settled(&self) -> Result<(), Refused> {
        match self.handing_over.is_empty() {
            true => Ok(()),
            false => Err(Refused(
                "TRYAGAIN Slots are being handed over to another node".to_owned(),
            )),
        }
    }

    /// Whoever takes slots chooses the epoch behind all it knows, and may have done so unheard. To
    /// be asked for again until it is done.
    pub(super) fn reclaim(&mut self, slots: &SlotSet, turn: &mut Turn<'_>) -> Result<(), Refused> {
        // Who has heard whose they are must not be believed by those who have not.
        if slots
            .iter()
            .all(|slot| self.slots.owner(slot) != Some(self.me))
        {
            self.reserved = None;
            self.keep(slots);
            return Ok(());
        }
        // Where no majority hears this node, others may serve by the word of whoever took them. It
        // would have them back when it is heard; until then it serves nothing anyway.
        if self.may_be_replaced(turn.now()) {
            return Err(Refused(
                "TRYAGAIN The node may have been replaced".to_owned(),
            ));
        }
        // Others are settled before long, or reclaimed, too.
        if self.handing_over.iter().any(|slot| !slots.contains(slot)) {
            self.keep(slots);
            return self.must_be_settled();
        }
        let Some(epoch) = self.reserve_epoch(turn.now()) else {
            self.handing_over = slots.clone();
            return Err(Refused(
                "TRYAGAIN Most nodes have not heard of the next epoch".to_owned(),
            ));
        };
        self.keep(slots);
        self.take_reserved(epoch, turn);
        Ok(())
    }

    fn find(&self, node: &[u8]) -> Result<Seat, Refused> {
        let seat = self.nodes.find(named(node)?);
        seat.ok_or_else(|| Refused::unknown(node))
    }

    fn replicate(&mut self, node: &[u8], turn: &mut Turn<'_>) -> Result<(), Refused> {
        let primary = self.find(node)?;
        if primary == self.me {
            return Err(Refused::new("Can't replicate myself"));
        }
        if self.nodes[primary].is_replica() {
            return Err(Refused::new(
                "I can only replicate a master, not a replica.",
            ));
        }
        let is_bare = self.my().slot_count == 0 && !turn.view.holds_keys;
        if self.my().is_primary() && !is_bare {
            return Err(Refused::new(
                "To set a master the node must be empty and without assigned slots.",
            ));
        }
        self.follow(primary, turn);
        Ok(())
    }

    fn obey_forget(&mut self, node: &[u8], turn: &mut Turn<'_>) -> Result<(), Refused> {
        let id = named(node)?;
        let Some(seat) = self.nodes.find(id) else {
            // Others may have passed it on before the operator came here.
            return match self.is_forgotten(id, turn.now()) {
                true => Ok(()),
                false => Err(Refused::unknown(node)),
            };
        };
        if seat == self.me {
            return Err(Refused::new("I tried hard but I can't forget myself..."));
        }
        if self.my().primary == Some(seat) {
            return Err(Refused::new("Can't forget my master!"));
        }
        self.forget(seat, turn);
        Ok(())
    }

    fn fail_over(&mut self, how: Failover, turn: &mut Turn<'_>) -> Result<(), Refused> {
        if self.my().is_primary() {
            return Err(Refused::new(
                "You should send CLUSTER FAILOVER to a replica",
            ));
        }
        let Some(primary) = self.my().primary else {
            return Err(Refused::new("I'm a replica but my master is unknown to me"));
        };
        let node = &self.nodes[primary];
        let is_up = !node.has_failed() && node.link.is_some();
        if how == Failover::Agreed && !is_up {
            return Err(Refused::new(
                "Master is down or failed, please use CLUSTER FAILOVER FORCE",
            ));
        }
        self.take_over(how, primary, turn);
        Ok(())
    }

    fn set_config_epoch(&mut self, epoch: u64, turn: &mut Turn<'_>) -> Result<(), Refused> {
        if self.nodes.len() > 1 {
            return Err(Refused::new(
                "The user can assign a config epoch only when the node does not know any other \
                 node.",
            ));
        }
        if self.my().config_epoch != 0 {
            return Err(Refused::new("Node config epoch is already non-zero"));
        }
        self.set_my_epoch(epoch);
        self.see_epoch(epoch);
        turn.log(
            Level::Warning,
            format!("configEpoch set to {epoch} via CLUSTER SET-CONFIG-EPOCH"),
        );
        Ok(())
    }

    /// Knows nobody and owns nothing any more; `hard` makes it another node.
    fn reset(&mut self, hard: bool, turn: &mut Turn<'_>) -> Result<(), Refused> {
        if self.my().is_primary() && turn.view.holds_keys {
            return Err(Refused::new(
                "CLUSTER RESET can't be called with master nodes containing keys",
            ));
        }
        if self.my().is_replica() {
            self.promote(turn);
            turn.push(Output::DeleteAll);
        }
        self.stop_moving_slots();
        self.end_manual(turn);
        for slot in 0..SLOTS {
            self.give_slot(slot, None);
        }
        for seat in self.nodes.seats() {
            if seat != self.me {
                self.delete_node(seat, turn);
            }
        }
        let me = self.me;
        self.nodes[me].shard = None;
        self.nodes[me].flags.clear(Flags::MIGRATE_TO);
        if hard {
            self.current_epoch = 0;
            self.last_vote_epoch = 0;
            self.nodes[me].config_epoch = 0;
            turn.log(
                Level::Warning,
                "configEpoch set to 0 via CLUSTER RESET HARD",
            );
            let id = NodeId::draw(&mut self.prng);
            self.nodes.rename(me, id);
            turn.log(Level::Warning, format!("Node hard reset, now I'm {id}"));
        }
        self.slots_were_set();
        Ok(())
    }
}
