//! The slots that somebody reads about, for writers to look at without a lock.

use std::sync::atomic::Ordering::Relaxed;

use ::cluster::SlotSet;
use keyspace::{SLOTS, Slot};

use crate::sync::AtomicU64;

const SLOTS_PER_WORD: usize = u64::BITS as usize;

/// A bit for each slot. None is set for somebody new but under every lock of the keyspace; so to
/// whoever holds one they say the same all the while, or too much of readers that have gone.
#[derive(Debug)]
pub(super) struct Topics(Box<[AtomicU64]>);

impl Default for Topics {
    fn default() -> Topics {
        let words = (0..SLOTS / SLOTS_PER_WORD).map(|_| AtomicU64::new(0));
        Topics(words.collect())
    }
}

impl Topics {
    pub fn set<'s>(&self, sets: impl Iterator<Item = &'s SlotSet>) {
        let mut words = vec![0; self.0.len()];
        for slot in sets.flat_map(SlotSet::iter).map(usize::from) {
            words[slot / SLOTS_PER_WORD] |= 1 << (slot % SLOTS_PER_WORD);
        }
        for (shared, word) in self.0.iter().zip(words) {
            shared.store(word, Relaxed);
        }
    }

    #[inline]
    pub fn hold_any(&self, slots: impl IntoIterator<Item = Slot>) -> bool {
        slots.into_iter().any(|slot| {
            let at = usize::from(slot.number());
            let word = self.0[at / SLOTS_PER_WORD].load(Relaxed);
            word & 1 << (at % SLOTS_PER_WORD) != 0
        })
    }
}
