//! Sets of hash slots.

use std::fmt;

/// How many slots a cluster has.
pub const SLOTS: u16 = 16_384;

const WORDS: usize = SLOTS as usize / 64;

/// A set of slots, as a bit each.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotSet([u64; WORDS]);

impl Default for SlotSet {
    fn default() -> SlotSet {
        SlotSet([0; WORDS])
    }
}

impl fmt::Debug for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

impl SlotSet {
    pub fn insert(&mut self, slot: u16) {
        self.0[usize::from(slot / 64)] |= 1 << (slot % 64);
    }

    pub fn remove(&mut self, slot: u16) {
        self.0[usize::from(slot / 64)] &= !(1 << (slot % 64));
    }

    pub fn contains(&self, slot: u16) -> bool {
        slot < SLOTS && self.0[usize::from(slot / 64)] >> (slot % 64) & 1 == 1
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// In ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..SLOTS).filter(|slot| self.contains(*slot))
    }

    pub fn extend(&mut self, other: &SlotSet) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Neighbours, as the first and the last of each row of them.
    pub fn ranges(&self) -> Vec<(u16, u16)> {
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        for slot in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == slot => *last = slot,
                _ => ranges.push((slot, slot)),
            }
        }
        ranges
    }

    /// `0-5460,7000`.
    pub fn plain(&self) -> String {
        self.write(|range| range)
    }

    /// `[0-5460],[7000]`.
    pub fn bracketed(&self) -> String {
        self.write(|range| format!("[{range}]"))
    }

    fn write(&self, dress: impl Fn(String) -> String) -> String {
        let ranges = self.ranges().into_iter().map(|range| match range {
            (first, last) if first == last => dress(first.to_string()),
            (first, last) => dress(format!("{first}-{last}")),
        });
        ranges.collect::<Vec<_>>().join(",")
    }
}

impl FromIterator<u16> for SlotSet {
    fn from_iter<I: IntoIterator<Item = u16>>(slots: I) -> SlotSet {
        let mut set = SlotSet::default();
        slots.into_iter().for_each(|slot| set.insert(slot));
        set
    }
}

/// The slot of a key: what stands between the first brace and the next, or all of it.
pub fn slot_of(key: &[u8]) -> u16 {
    let hashed = key
        .iter()
        .position(|&byte| byte == b'{')
        .and_then(|open| {
            let behind = &key[open + 1..];
            let close = behind.iter().position(|&byte| byte == b'}')?;
            (close > 0).then(|| &behind[..close])
        })
        .unwrap_or(key);
    stdx::crc16::crc16(hashed) % SLOTS
}

/// `1,2,3`.
pub fn listed(slots: &[u16]) -> String {
    let slots: Vec<String> = slots.iter().map(u16::to_string).collect();
    slots.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_in_both_forms() {
        let mut set: SlotSet = [7000, 0, 1, 2, 16_383].into_iter().collect();
        assert_eq!(set.plain(), "0-2,7000,16383");
        assert_eq!(set.bracketed(), "[0-2],[7000],[16383]");
        assert_eq!((set.len(), set.contains(7000)), (5, true));
        set.remove(7000);
        assert_eq!((set.plain().as_str(), set.is_empty()), ("0-2,16383", false));
        assert!(SlotSet::default().is_empty());
    }

    #[test]
    fn keys_with_one_tag_share_a_slot() {
        assert_eq!(slot_of(b"mykey"), 14_687);
        assert_eq!(slot_of(b"{oo}k1"), slot_of(b"x{oo}{k}"));
        assert_ne!(slot_of(b"{}k1"), slot_of(b"{}k2"));
        assert_eq!(slot_of(b"{k"), stdx::crc16::crc16(b"{k") % SLOTS);
    }
}
