//! Sorted sets: members with scores, in the order of the scores, then of the members' bytes.
//!
//! A small one is a listpack, as Redis keeps it. A large one (`large.rs`) has each member with its
//! score in one allocation, which a hash table finds by the member and a B+ tree by its order:
//!
//! ```text
//!   table   member ▶ element          12 bytes a member
//!   element score, length, member     32 bytes, if the member has 16
//!   tree    rank ◀▶ element           10 bytes
//! ```
//!
//! No operation on one member has a worst case that grows with the set, but for the depth of the
//! tree.

use std::ops::Range;
use std::ptr::NonNull;

use crate::listpack::{Invalid, Listpack};
use crate::packed::HashSeed;
use crate::{Collection, Compact, Shown, Text};

mod element;
mod large;
mod small;
mod tree;

use large::Large;

pub use small::integer;

/// A place between two members of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place<'a> {
    BeforeScore(f64),
    AfterScore(f64),
    /// In a set whose members have one score, and so are in the order of their bytes.
    BeforeMember(&'a [u8]),
    AfterMember(&'a [u8]),
}

/// What became of a member that was given a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    Added,
    /// It had another score.
    Moved,
    /// It had this score.
    Kept,
}

/// What decides when a sorted set becomes large, and the key of its table's hashes.
#[derive(Clone, Copy, Debug)]
pub struct SortedSetLimits {
    /// Members in a listpack.
    pub entries_max: usize,
    /// Bytes of a member in a listpack.
    pub value_bytes_max: usize,
    pub seed: HashSeed,
}

/// Members with scores.
#[derive(Clone)]
pub struct SortedSet(Encoding);

#[derive(Clone)]
enum Encoding {
    Small(Listpack),
    Large(Box<Large>),
}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet(Encoding::Small(Listpack::new()))
    }
}

// SAFETY: the bit says whose pointer it is, and both take back what they gave.
unsafe impl Compact for SortedSet {
    fn into_raw(self) -> (bool, NonNull<u8>) {
        match self.0 {
            Encoding::Small(pack) => (false, pack.into_raw()),
            Encoding::Large(large) => (true, NonNull::from(Box::leak(large)).cast()),
        }
    }

    /// # Safety
    /// The arguments came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(is_large: bool, raw: NonNull<u8>) -> Self {
        // SAFETY: the caller's promise.
        SortedSet(unsafe {
            match is_large {
                false => Encoding::Small(Listpack::from_raw(raw)),
                true => Encoding::Large(Box::from_raw(raw.cast().as_ptr())),
            }
        })
    }
}

impl Collection for SortedSet {
    fn len(&self) -> usize {
        match &self.0 {
            Encoding::Small(pack) => pack.len() / 2,
            Encoding::Large(large) => large.len(),
        }
    }

    fn encoding(&self) -> &'static str {
        match &self.0 {
            Encoding::Small(_) => "listpack",
            Encoding::Large(_) => "skiplist",
        }
    }

    fn memory(&self) -> usize {
        match &self.0 {
            Encoding::Small(pack) => pack.memory(),
            Encoding::Large(large) => large.memory(),
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        match &mut self.0 {
            Encoding::Small(_) => std::mem::take(self).len(),
            Encoding::Large(large) => large.free_some(budget),
        }
    }

    fn freeze(&mut self) -> bool {
        match &mut self.0 {
            Encoding::Small(_) => false,
            Encoding::Large(large) => {
                large.freeze();
                true
            }
        }
    }

    fn frozen_len(&self) -> Option<usize> {
        match &self.0 {
            Encoding::Small(_) => None,
            Encoding::Large(large) => large.frozen_len(),
        }
    }

    fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Shown<'_>)) -> bool {
        match &mut self.0 {
            Encoding::Small(_) => false,
            Encoding::Large(large) => large.show_frozen(budget, &mut |member, score| {
                visit(Shown::Scored(Text::Bytes(member), score));
            }),
        }
    }

    fn thaw(&mut self, budget: usize) -> bool {
        match &mut self.0 {
            Encoding::Small(_) => false,
            Encoding::Large(large) => large.thaw(budget),
        }
    }
}

/// Reading.
impl SortedSet {
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.0 {
            Encoding::Small(pack) => small::find(pack, member).map(|(_, score)| score),
            Encoding::Large(large) => large.score(member),
        }
    }

    /// How many members are before this one, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.0 {
            Encoding::Small(_) => self
                .iter(0..self.len())
                .map(|(other, score)| (other.with_bytes(|other| other == member), score))
                .enumerate()
                .find_map(|(rank, (found, score))| found.then_some((rank, score))),
            Encoding::Large(large) => large.rank(member),
        }
    }

    /// How many members are before a place. A range between two places is counted by two calls,
    /// and read by [`SortedSet::iter`].
    pub fn rank_of(&self, place: Place<'_>) -> usize {
        match &self.0 {
            Encoding::Small(pack) => small::rank_of(pack, place),
            Encoding::Large(large) => large.rank_of(place),
        }
    }

    /// The members of these ranks with their scores, from either end.
    ///
    /// # Panics
    /// If the set has fewer.
    pub fn iter(&self, ranks: Range<usize>) -> Iter<'_> {
        assert!(
            ranks.start <= ranks.end && ranks.end <= self.len(),
            "ranks within the set"
        );
        Iter(match &self.0 {
            Encoding::Small(pack) => {
                let members = small::Iter::new(pack, ranks.start, ranks.len(), self.len());
                Members::Small(members)
            }
            Encoding::Large(large) => Members::Large(large.iter(ranks)),
        })
    }

    /// Visits some members and returns the position behind them, or 0 at the end. A scan begins at
    /// 0. It misses nothing that stays, though it may see a member twice.
    pub fn scan(&self, position: u32, mut visit: impl FnMut(Text<'_>, f64)) -> u32 {
        match &self.0 {
            Encoding::Small(_) => {
                let members = self.iter(0..self.len());
                members.for_each(|(member, score)| visit(member, score));
                0
            }
            Encoding::Large(large) => large.scan(position, visit),
        }
    }

    /// The listpack, if the set is one.
    pub fn listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Encoding::Small(pack) => Some(pack),
            Encoding::Large(_) => None,
        }
    }
}

/// Changing.
impl SortedSet {
    /// A set that will have so many members: large from the first on if they will not fit a
    /// listpack, which would not keep the sign of a zero.
    pub fn for_members(len: usize, limits: &SortedSetLimits) -> SortedSet {
        let mut set = SortedSet::default();
        if len > limits.entries_max {
            set.enlarge(limits);
        }
        set
    }

    /// A set of these members. One that becomes large is so from the first on: a listpack would
    /// not keep the sign of a zero.
    pub fn of(members: &[(Vec<u8>, f64)], limits: &SortedSetLimits) -> SortedSet {
        let fits = |(member, _): &(Vec<u8>, f64)| member.len() <= limits.value_bytes_max;
        let mut set = SortedSet::default();
        if members.len() > limits.entries_max || !members.iter().all(fits) {
            set.enlarge(limits);
        }
        for (member, score) in members {
            set.put(member, *score, limits);
        }
        set
    }

    /// The set that a listpack is, if behind every member is its score, a number, and the members
    /// are in order and distinct. It becomes large if the limits ask for that.
    pub fn of_listpack(pack: Listpack, limits: &SortedSetLimits) -> Result<SortedSet, Invalid> {
        let (len, member_bytes_max) = small::check(&pack).ok_or(Invalid)?;
        let fits = len <= limits.entries_max
            && member_bytes_max <= limits.value_bytes_max
            && pack.bytes_len() <= LISTPACK_BYTES_MAX;
        if fits && !pack.is_distinct(small::STEP, limits.seed) {
            return Err(Invalid);
        }
        let mut set = SortedSet(Encoding::Small(pack));
        if !fits && set.enlarge(limits).len() < len {
            return Err(Invalid);
        }
        Ok(set)
    }

    /// Gives a member a score, which is a number.
    pub fn put(&mut self, member: &[u8], score: f64, limits: &SortedSetLimits) -> Put {
        assert!(!score.is_nan(), "a score has a place in the order");
        let pack = match &mut self.0 {
            Encoding::Small(pack) => pack,
            Encoding::Large(large) => return large.put(member, score),
        };
        if let Some((at, old)) = small::find(pack, member) {
            if old == score {
                return Put::Kept;
            }
            small::remove(pack, at, 1);
            small::insert(pack, member, score);
            return Put::Moved;
        }
        let fits = pack.len() / 2 < limits.entries_max
            && member.len() <= limits.value_bytes_max
            && pack.bytes_len() + member.len() < LISTPACK_BYTES_MAX;
        if fits {
            small::insert(pack, member, score);
            return Put::Added;
        }
        self.enlarge(limits).put(member, score)
    }

    /// Turns a listpack into the large encoding.
    fn enlarge(&mut self, limits: &SortedSetLimits) -> &mut Large {
        let mut large = Box::new(Large::new(limits.seed));
        for (member, score) in self.iter(0..self.len()) {
            member.with_bytes(|member| large.put(member, score));
        }
        self.0 = Encoding::Large(large);
        match &mut self.0 {
            Encoding::Large(large) => large,
            Encoding::Small(_) => unreachable!("it was just made large"),
        }
    }

    /// Takes a member out and returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.0 {
            Encoding::Small(pack) => {
                let (at, score) = small::find(pack, member)?;
                small::remove(pack, at, 1);
                Some(score)
            }
            Encoding::Large(large) => large.remove(member),
        }
    }

    /// Takes out the members of these ranks.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        match &mut self.0 {
            Encoding::Small(pack) => {
                if let Some(at) = pack.seek(ranks.start as isize * 2) {
                    small::remove(pack, at, ranks.len());
                }
            }
            Encoding::Large(large) => large.remove_ranks(ranks),
        }
    }
}

/// A listpack does not grow beyond this, whatever the limits allow.
const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// Members with their scores by rank, from either end.
pub struct Iter<'a>(Members<'a>);

enum Members<'a> {
    Small(small::Iter<'a>),
    Large(tree::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Text<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Members::Small(members) => members.next(),
            Members::Large(members) => members
                .next()
                .map(|element| (Text::Bytes(element.member()), element.score())),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match &self.0 {
            Members::Small(members) => members.len(),
            Members::Large(members) => members.len(),
        };
        (len, Some(len))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Members::Small(members) => members.next_back(),
            Members::Large(members) => members
                .next_back()
                .map(|element| (Text::Bytes(element.member()), element.score())),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests;
