//! A set of hash slots, as a bit each.

use std::fmt;
use std::ops::RangeInclusive;

/// How many slots there are.
pub const SLOTS: u16 = 16384;

/// A set of slots. Its bytes are those of the bus: slot 0 is the lowest bit of the first.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet {
    words: Box<[u64; 256]>,
    count: u16,
}

impl SlotSet {
    /// How many bytes the bus spends on a set.
    pub const BYTES: usize = 2048;

    pub fn insert(&mut self, slot: u16) -> bool {
        let (word, bit) = place(slot);
        let is_fresh = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u16::from(is_fresh);
        is_fresh
    }

    pub fn remove(&mut self, slot: u16) -> bool {
        let (word, bit) = place(slot);
        let was_there = self.words[word] & bit != 0;
        self.words[word] &= !bit;
        self.count -= u16::from(was_there);
        was_there
    }

    pub fn contains(&self, slot: u16) -> bool {
        let (word, bit) = place(slot);
        self.words[word] & bit != 0
    }

    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as u16)?;
                rest &= rest - 1;
                Some(at as u16 * 64 + bit)
            })
        })
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

    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> SlotSet {
        let mut set = SlotSet::default();
        for (word, chunk) in set.words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(chunk.try_into().expect("chunks are of eight bytes"));
        }
        set.count = set.words.iter().map(|word| word.count_ones() as u16).sum();
        set
    }

    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

fn place(slot: u16) -> (usize, u64) {
    (usize::from(slot) / 64, 1 << (slot % 64))
}

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet {
            words: Box::new([0; 256]),
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
