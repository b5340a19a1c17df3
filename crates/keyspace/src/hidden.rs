//! Slots whose keys nobody is shown.
//!
//! Keys that are on their way here belong to another node still; those of a slot that was given
//! away are only waiting to be deleted. Both lie in the tables as all others do, so that they are
//! changed, logged, saved and counted as memory, and become visible, or not, by one bit of their
//! slot. Hidden are they from whoever looks at all keys, or at those of a slot; who names a key
//! finds it. No hidden key expires by itself: its owner says when.

use crate::Db;
use crate::slot::{SHARDS, SLOTS_PER_SHARD, Slot};

impl Db<'_> {
    /// Hides the keys of a slot from now on, those that come to it included, or shows them.
    pub fn hide_slot(&mut self, slot: Slot, is_hidden: bool) {
        self.visit_shard(slot.shard(), |shard| match is_hidden {
            true => shard.hidden |= 1 << slot.within(),
            false => shard.hidden &= !(1 << slot.within()),
        });
    }

    pub fn is_hidden(&mut self, slot: Slot) -> bool {
        self.visit_shard(slot.shard(), |shard| shard.hides(slot.within()))
    }

    /// Whether all of these slots are hidden.
    pub fn hides_all(&mut self, slots: impl Iterator<Item = Slot>) -> bool {
        let mut wanted = [0_u64; SHARDS];
        slots.for_each(|slot| wanted[slot.shard()] |= 1 << slot.within());
        let mut shards = (0..SHARDS).zip(wanted).filter(|(_, wanted)| *wanted != 0);
        shards.all(|(shard, wanted)| self.visit_shard(shard, |shard| !shard.hidden & wanted == 0))
    }

    /// The hidden slots, ascending.
    pub fn hidden_slots(&mut self) -> Vec<Slot> {
        let mut slots = Vec::new();
        for shard in 0..SHARDS {
            let hidden = self.visit_shard(shard, |shard| shard.hidden);
            let within = (0..SLOTS_PER_SHARD).filter(|within| hidden & 1 << within != 0);
            slots.extend(within.map(|within| Slot::from_parts(shard, within)));
        }
        slots.sort_unstable();
        slots
    }

    /// Up to `max` keys of a slot, hidden or not.
    pub fn all_slot_keys(&mut self, slot: Slot, max: usize) -> Vec<Box<[u8]>> {
        let index = self.index();
        self.visit_shard(slot.shard(), |shard| {
            let table = shard.table(index, slot).into_iter();
            let entries = table.flat_map(|table| table.iter());
            entries.take(max).map(|entry| entry.key().into()).collect()
        })
    }

    /// How many keys a slot holds, hidden or not.
    pub fn full_slot_len(&mut self, slot: Slot) -> usize {
        let index = self.index();
        self.visit_shard(slot.shard(), |shard| {
            shard.table(index, slot).map_or(0, |table| table.len())
        })
    }
}

#[cfg(test)]
mod tests;
