//! Which slot a key belongs to, and which shard a slot.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;
use stdx::crc16::crc16;

pub const SLOTS: usize = 16384;
pub const SHARDS: usize = 256;
pub const SLOTS_PER_SHARD: usize = SLOTS / SHARDS;

/// One of the 16384 parts that the keyspace is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// # Panics
    /// If `number` is not below [`SLOTS`].
    pub fn new(number: u16) -> Slot {
        assert!(usize::from(number) < SLOTS, "a slot is below 16384");
        Slot(number)
    }

    /// The slot of a key: CRC16 of what stands between its first `{` and the next `}`, if that is
    /// not empty, else of the whole key. See "Key distribution model" in the Cluster specification.
    #[inline]
    pub fn of(key: &[u8]) -> Slot {
        Slot(crc16(hash_tag(key)) % SLOTS as u16)
    }

    /// The slot of every key that begins with `prefix`, if the prefix holds a whole hash tag.
    pub fn of_prefix(prefix: &[u8]) -> Option<Slot> {
        (hash_tag(prefix).len() < prefix.len()).then(|| Slot::of(prefix))
    }

    pub fn number(self) -> u16 {
        self.0
    }

    /// Neighbouring slots lie in different shards, so that a node which owns a range of slots uses
    /// all its locks.
    #[inline]
    pub fn shard(self) -> usize {
        usize::from(self.0) % SHARDS
    }

    /// The slot's number within its shard.
    #[inline]
    pub fn within(self) -> usize {
        usize::from(self.0) / SHARDS
    }

    pub fn from_parts(shard: usize, within: usize) -> Slot {
        assert!(
            shard < SHARDS && within < SLOTS_PER_SHARD,
            "the parts of a slot"
        );
        Slot((within * SHARDS + shard) as u16)
    }
}

/// Where the first `{` stands. Most keys have none, which is seen eight bytes at once.
#[inline]
fn find_open(key: &[u8]) -> Option<usize> {
    const OPEN: u64 = u64::from_ne_bytes([b'{'; 8]);
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // A byte is 0 if taking 1 from it sets its highest bit, which was not set.
    let holds = |eight: &[u8; 8]| {
        let other = u64::from_ne_bytes(*eight) ^ OPEN;
        other.wrapping_sub(ONES) & !other & HIGHS != 0
    };
    let (eights, rest) = key.as_chunks::<8>();
    if !eights.iter().any(holds) && !rest.contains(&b'{') {
        return None;
    }
    key.iter().position(|&byte| byte == b'{')
}

fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = find_open(key) else {
        return key;
    };
    let tag = &key[open + 1..];
    match tag.iter().position(|&byte| byte == b'}') {
        None | Some(0) => key,
        Some(close) => &tag[..close],
    }
}

/// A key and where it belongs: found once, used by locks, prefetch and tables.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub bytes: &'a [u8],
    pub slot: Slot,
    pub(crate) hash: u64,
}

/// Hashes keys with a seed of this process, so that nobody outside can choose keys that collide.
#[derive(Clone, Debug)]
pub(crate) struct KeyHasher(FixedState);

impl KeyHasher {
    pub fn seeded(seed: u64) -> KeyHasher {
        KeyHasher(FixedState::with_seed(seed))
    }

    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }
}

/// A place in a walk over all keys of a db, as a `SCAN` cursor: 48 bits of position within a table
/// above 14 bits that say which table. The walk goes shard by shard; 0 is its beginning and end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotPosition(pub u64);

const ORDINAL_BITS: u32 = SLOTS.ilog2();

impl SlotPosition {
    pub(crate) fn new(ordinal: usize, position: u64) -> SlotPosition {
        match ordinal {
            SLOTS.. => SlotPosition(0),
            _ => SlotPosition((position >> 16) << ORDINAL_BITS | ordinal as u64),
        }
    }

    /// The table's number in the walk's order: its shard, then its slot within.
    pub(crate) fn ordinal(self) -> usize {
        self.0 as usize % SLOTS
    }

    pub(crate) fn position(self) -> u64 {
        (self.0 >> ORDINAL_BITS) << 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_tags_are_those_of_the_specification() {
        let slot = |key: &str| Slot::of(key.as_bytes()).number();
        assert_eq!(slot("123456789"), 12739);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_eq!(slot("foo{}{bar}"), crc16(b"foo{}{bar}") % 16384);
        assert_eq!(slot("foo{{bar}}zap"), crc16(b"{bar") % 16384);
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_eq!(slot("foo{bar"), crc16(b"foo{bar") % 16384);
    }

    #[test]
    fn the_first_brace_is_found_wherever_it_stands() {
        // Bytes that differ from a brace by one, by one bit, or not in what is looked at.
        for other in [b'z', b'|', b'{' | 0x80, 0, 0xff] {
            for len in 0..40 {
                let mut key = vec![other; len];
                assert_eq!(find_open(&key), None, "{key:?}");
                for open in (0..len).rev() {
                    key[open] = b'{';
                    assert_eq!(find_open(&key), Some(open), "{key:?}");
                }
            }
        }
    }

    #[test]
    fn a_prefix_tells_the_slot_only_with_a_whole_tag() {
        assert_eq!(Slot::of_prefix(b"a{b}"), Some(Slot::of(b"b")));
        assert_eq!(Slot::of_prefix(b"{b}c{d"), Some(Slot::of(b"b")));
        for open in ["", "a", "{", "a{b", "a{}", "a{}{b}"] {
            assert_eq!(Slot::of_prefix(open.as_bytes()), None, "{open}");
        }
    }

    #[test]
    fn parts_make_the_slot_again() {
        for number in 0..SLOTS as u16 {
            let slot = Slot::new(number);
            assert_eq!(Slot::from_parts(slot.shard(), slot.within()), slot);
        }
    }
}
