//! A set of hash slots, as a bit each.

use std::fmt;
use std::ops::RangeInclusive;

/// How many slots there are.
pub const SLOTS: u16 = 16384;

/// A set of slots. Its bytes are those of the bus: slot 0 is the lowest bit of the first.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet {
    bytes: Box<[u8; SlotSet::BYTES]>,
    count: u16,
}

impl SlotSet {
    /// How many bytes the bus spends on a set.
    pub const BYTES: usize = 2048;

    pub fn insert(&mut self, slot: u16) -> bool {
        let (byte, bit) = place(slot);
        let is_fresh = self.bytes[byte] & bit == 0;
        self.bytes[byte] |= bit;
        self.count += u16::from(is_fresh);
        is_fresh
    }

    pub fn remove(&mut self, slot: u16) -> bool {
        let (byte, bit) = place(slot);
        let was_there = self.bytes[byte] & bit != 0;
        self.bytes[byte] &= !bit;
        self.count -= u16::from(was_there);
        was_there
    }

    pub fn contains(&self, slot: u16) -> bool {
        let (byte, bit) = place(slot);
        self.bytes[byte] & bit != 0
    }

    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        each_slot(&self.bytes)
    }

    /// Runs of neighbours, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u16>> + '_ {
        let mut slots = self.iter().peekable();
        std::iter::from_fn(move || {
            let first = slots.next()?;
            let mut last = first;
            while slots.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            Some(first..=last)
        })
    }

    pub fn as_bytes(&self) -> &[u8; SlotSet::BYTES] {
        &self.bytes
    }
}

fn place(slot: u16) -> (usize, u8) {
    (usize::from(slot) / 8, 1 << (slot % 8))
}

/// The slots of a set as the bus has it, ascending.
pub(crate) fn each_slot(bytes: &[u8; SlotSet::BYTES]) -> impl Iterator<Item = u16> + '_ {
    words(bytes).enumerate().flat_map(|(at, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as u16)?;
            rest &= rest - 1;
            Some(at as u16 * 64 + bit)
        })
    })
}

pub(crate) fn count_slots(bytes: &[u8; SlotSet::BYTES]) -> u16 {
    words(bytes).map(|word| word.count_ones() as u16).sum()
}

fn words(bytes: &[u8; SlotSet::BYTES]) -> impl Iterator<Item = u64> + '_ {
    let word = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().expect("cut to eight bytes"));
    bytes.chunks_exact(8).map(word)
}

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet {
            bytes: Box::new([0; SlotSet::BYTES]),
            count: 0,
        }
    }
}

impl FromIterator<u16> for SlotSet {
    fn from_iter<T: IntoIterator<Item = u16>>(slots: T) -> SlotSet {
        let mut set = SlotSet::default();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ranges()).finish()
    }
}
