//! A hash table of short byte strings, for large sets and hashes: a member costs its bytes and
//! about five more.
//!
//! **The problem.** A word per element, as [`Table`](crate::table::Table) has, and an allocation
//! behind it cost more than twenty bytes above the element's own. Members and fields are short, so
//! that is more than they are.
//!
//! **The way chosen** is the same linear hashing, with a bucket as one small allocation in which
//! the items lie packed (`bucket.rs`). Looking one up reads the directory and the bucket; eight
//! bits of the hash stand in front of each item, so that hardly any other item is compared.
//! What is long lies behind a pointer, so rewriting a bucket moves a few hundred bytes, and
//! never more than a few KiB.
//!
//! ```text
//!   directory (directory.rs)      buckets (bucket.rs)
//!     │ bucket 0 ─┼───▶ count, heads, "alice", "bob", "carol"
//!     │ bucket 1 ─┼───▶ count, heads, "dave"
//!     │ bucket 2  │
//! ```
//!
//! Growing, shrinking and scanning are as described there: by one bucket at a time, and in the
//! order of reversed hashes, so that a scan misses nothing that stays.
//!
//! **Hashes** are keyed with a seed that whoever makes a table gives, so that nobody outside can
//! choose items that collide.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;

use crate::frozen::{self, Frozen};
use crate::table::{address, ending_bits, parent, prefetch};

mod blob;
mod bucket;
mod directory;

use bucket::{Bucket, Place};
use directory::Directory;

pub use bucket::Item;

/// Items a bucket holds on average before the table grows. A higher load saves little and makes
/// searches longer: with 6 a 16-byte member of a large set costs 21.0 bytes, with 8 20.7, with 12
/// 20.4.
const GROW_LOAD: usize = 6;

/// Items a bucket holds on average before the table shrinks.
const SHRINK_LOAD: usize = 4;

/// Items drawn at once when one is chosen by chance.
const DRAWS: usize = 4;

/// The key of a table's hashes. It must be kept from whoever sends members and fields.
#[derive(Clone, Copy, Debug)]
pub struct HashSeed(pub u64);

impl HashSeed {
    #[inline]
    pub(crate) fn hash(self, bytes: &[u8]) -> u64 {
        FixedState::with_seed(self.0).hash_one(bytes)
    }
}

/// A table of members.
pub type PackedSet = Packed<false>;

/// A table of fields and values.
pub type PackedMap = Packed<true>;

/// What both are.
pub struct Packed<const VALUES: bool> {
    buckets: Directory<VALUES>,
    len: usize,
    /// Bytes of buckets, blobs and directory.
    memory: usize,
    seed: HashSeed,
    frozen: Option<Box<Frozen>>,
}

// A cache line, so that telling whether the table is frozen fetches nothing.
const _: () = assert!(size_of::<PackedMap>() == 64);

impl<const VALUES: bool> Packed<VALUES> {
    pub fn new(seed: HashSeed) -> Self {
        Packed {
            buckets: Directory::default(),
            len: 0,
            memory: 0,
            seed,
            frozen: None,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn seed(&self) -> HashSeed {
        self.seed
    }

    /// Bytes of all allocations behind the table.
    pub fn memory(&self) -> usize {
        self.memory + self.frozen.as_ref().map_or(0, |frozen| frozen.memory())
    }

    /// Buckets, and the most items in one of them, for those who look into memory.
    pub fn shape(&self) -> (usize, usize) {
        let buckets = self.buckets.len();
        let counts = (0..buckets).map(|at| self.buckets.get(at).count());
        (buckets as usize, counts.max().unwrap_or(0))
    }

    /// Fetches where a field is, or would be, ahead of its use.
    #[inline]
    pub fn prefetch(&self, field: &[u8]) {
        if self.len > 0 {
            let at = address(self.hash(field), self.buckets.len());
            self.buckets.get(at).prefetch_items();
        }
    }

    #[inline]
    pub fn contains(&self, field: &[u8]) -> bool {
        self.find(field).is_some()
    }

    /// Takes a field away. Returns whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        if self.len == 0 {
            return false;
        }
        let hash = self.hash(field);
        let bucket = self.buckets.get_mut(address(hash, self.buckets.len()));
        let Some(place) = bucket.find(tag(hash), field) else {
            return false;
        };
        if let Some(frozen) = &mut self.frozen {
            keep_item(frozen, bucket, place);
        }
        bucket.remove(place, &mut self.memory);
        self.count_removed();
        true
    }

    /// Counts an item that is gone.
    #[inline]
    fn count_removed(&mut self) {
        self.len -= 1;
        if self.len < self.buckets.len() as usize * SHRINK_LOAD {
            self.merge();
        }
    }

    /// The items, in no order.
    pub fn iter(&self) -> impl Iterator<Item = Item<'_>> {
        (0..self.buckets.len()).flat_map(|at| self.buckets.get(at).items())
    }

    /// Visits the items of the bucket at `position` and returns the position behind it, or 0 at
    /// the end. A scan begins at 0.
    pub fn scan(&self, position: u32, visit: impl FnMut(Item<'_>)) -> u32 {
        if self.len == 0 {
            return 0;
        }
        let at = address(u64::from(position.reverse_bits()), self.buckets.len());
        self.buckets.get(at).items().for_each(visit);
        // The bucket holds every hash that ends in its `bits` bits: reversed, one range of this
        // length, which the position lies in.
        let bits = ending_bits(at, self.buckets.len());
        let mask = u32::MAX.checked_shr(bits).unwrap_or(0);
        (position | mask).wrapping_add(1)
    }

    /// One of the items, all equally likely. `random` gives a number below its argument.
    pub fn sample(&self, random: impl FnMut(u64) -> u64) -> Option<Item<'_>> {
        let (at, nth) = self.draw(random)?;
        self.buckets.get(at).items().nth(nth)
    }

    /// Takes one of the items out, all equally likely, and gives it to `read`.
    pub fn pop<R>(
        &mut self,
        random: impl FnMut(u64) -> u64,
        read: impl FnOnce(Item<'_>) -> R,
    ) -> Option<R> {
        let (at, nth) = self.draw(random)?;
        let bucket = self.buckets.get_mut(at);
        let place = bucket.place(nth);
        if let Some(frozen) = &mut self.frozen {
            keep_item(frozen, bucket, place);
        }
        let result = read(bucket.item(place));
        bucket.remove(place, &mut self.memory);
        self.count_removed();
        Some(result)
    }

    /// A bucket, and the number of an item in it, all items being equally likely.
    ///
    /// A bucket is drawn, and a place in it as if it were as full as the fullest. If nothing is
    /// there, both are drawn again. Several draws are made at once, so that the waits for memory
    /// overlap.
    fn draw(&self, mut random: impl FnMut(u64) -> u64) -> Option<(u32, usize)> {
        if self.len == 0 {
            return None;
        }
        loop {
            let drawn: [(u32, usize); DRAWS] = std::array::from_fn(|_| {
                let at = random(u64::from(self.buckets.len())) as u32;
                (at, random(u64::from(self.buckets.fullest())) as usize)
            });
            drawn
                .iter()
                .for_each(|&(at, _)| prefetch(self.buckets.get(at)));
            drawn
                .iter()
                .for_each(|&(at, _)| self.buckets.get(at).prefetch());
            let is_there = |&&(at, nth): &&(u32, usize)| nth < self.buckets.get(at).count();
            if let Some(&found) = drawn.iter().find(is_there) {
                return Some(found);
            }
        }
    }

    /// Frees about `budget` items: a bounded step of tearing the table down. Returns how many were
    /// freed; 0 when none is left.
    pub fn free_some(&mut self, budget: usize) -> usize {
        let mut freed = frozen::free_some(&mut self.frozen, budget);
        let kept = freed;
        while freed < budget {
            let Some(bucket) = self.buckets.pop(&mut self.memory) else {
                break;
            };
            freed += bucket.free(&mut self.memory);
        }
        self.len -= freed - kept;
        freed
    }

    /// Takes the last bucket away, after its items were given to `visit`. Returns whether there
    /// was one. From the first of these steps on the table is good for nothing else.
    pub(crate) fn take_bucket(&mut self, visit: impl FnMut(Item<'_>)) -> bool {
        let Some(bucket) = self.buckets.pop(&mut self.memory) else {
            return false;
        };
        bucket.items().for_each(visit);
        self.len -= bucket.free(&mut self.memory);
        true
    }

    #[inline]
    fn hash(&self, field: &[u8]) -> u64 {
        self.seed.hash(field)
    }

    #[inline]
    fn find(&self, field: &[u8]) -> Option<Item<'_>> {
        if self.len == 0 {
            return None;
        }
        let hash = self.hash(field);
        let bucket = self.buckets.get(address(hash, self.buckets.len()));
        Some(bucket.item(bucket.find(tag(hash), field)?))
    }

    /// Adds an item, or gives it another value. Returns whether it was missing.
    #[inline(always)]
    fn put(&mut self, item: Item<'_>) -> bool {
        if self.buckets.len() == 0 {
            self.buckets.push(Bucket::default(), &mut self.memory);
        }
        let hash = self.hash(item.field);
        let bucket = self.buckets.get_mut(address(hash, self.buckets.len()));
        if let Some(place) = bucket.find(tag(hash), item.field) {
            if VALUES {
                if let Some(frozen) = &mut self.frozen {
                    keep_item(frozen, bucket, place);
                }
                bucket.set_value(place, item.value, &mut self.memory);
            }
            return false;
        }
        if let Some(frozen) = &mut self.frozen {
            frozen.keep(item.field, None);
        }
        bucket.push(tag(hash), item, &mut self.memory);
        let count = bucket.count();
        self.buckets.note(count);
        self.len += 1;
        if self.len > self.buckets.len() as usize * GROW_LOAD {
            self.split();
        }
        true
    }

    /// Adds a bucket, and moves to it what belongs there from the one bucket it splits off.
    #[cold]
    fn split(&mut self) {
        let (added, len) = (self.buckets.len(), self.buckets.len() + 1);
        let seed = self.seed;
        let leaves = |field: &[u8]| address(seed.hash(field), len) == added;
        let source = self.buckets.get_mut(parent(added));
        let bucket = source.split(leaves, &mut self.memory);
        self.buckets.push(bucket, &mut self.memory);
    }

    /// Gives the last bucket's items back to the one it had split off.
    #[cold]
    fn merge(&mut self) {
        if self.buckets.len() == 1 && self.len > 0 {
            return;
        }
        let Some(last) = self.buckets.pop(&mut self.memory) else {
            return;
        };
        let Some(left) = self.buckets.len().checked_sub(1) else {
            last.free(&mut self.memory);
            return;
        };
        let target = self.buckets.get_mut(parent(left + 1));
        target.append(last, &mut self.memory);
        let count = target.count();
        self.buckets.note(count);
    }
}

/// Showing what the table held at one moment. An item changes, comes or goes only after what it
/// was is kept.
impl<const VALUES: bool> Packed<VALUES> {
    /// See [`Collection::freeze`](crate::Collection::freeze).
    pub fn freeze(&mut self) {
        assert!(self.frozen.is_none(), "one moment at a time");
        self.frozen = Some(Box::new(Frozen::new(self.len, self.seed)));
    }

    /// How many items the table held when it was frozen, if it is.
    pub fn frozen_len(&self) -> Option<usize> {
        self.frozen.as_ref().map(|frozen| frozen.len())
    }

    /// See [`Collection::show_frozen`](crate::Collection::show_frozen).
    pub fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Item<'_>)) -> bool {
        let Some(mut frozen) = self.frozen.take() else {
            return false;
        };
        let is_left = frozen.show(budget, |position, visit| self.scan(position, visit), visit);
        self.frozen = is_left.then_some(frozen);
        is_left
    }

    /// See [`Collection::thaw`](crate::Collection::thaw).
    pub fn thaw(&mut self, budget: usize) -> bool {
        frozen::free_some(&mut self.frozen, budget);
        self.frozen.is_some()
    }
}

impl PackedSet {
    /// Adds a member. Returns whether it was missing.
    pub fn insert(&mut self, member: &[u8]) -> bool {
        self.put(Item {
            field: member,
            value: &[],
        })
    }
}

impl PackedMap {
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<&[u8]> {
        self.find(field).map(|item| item.value)
    }

    /// Gives a field a value. Returns whether the field was missing.
    pub fn insert(&mut self, field: &[u8], value: &[u8]) -> bool {
        self.put(Item { field, value })
    }
}

impl<const VALUES: bool> Clone for Packed<VALUES> {
    fn clone(&self) -> Self {
        let mut copy = Packed::new(self.seed);
        copy.len = self.len;
        copy.buckets.note(self.buckets.fullest() as usize);
        for at in 0..self.buckets.len() {
            let bucket = self.buckets.get(at).duplicate(&mut copy.memory);
            copy.buckets.push(bucket, &mut copy.memory);
        }
        copy
    }
}

impl<const VALUES: bool> Drop for Packed<VALUES> {
    fn drop(&mut self) {
        while let Some(bucket) = self.buckets.pop(&mut self.memory) {
            bucket.free(&mut self.memory);
        }
        debug_assert!(self.memory == 0, "what was counted in is counted out");
    }
}

/// Keeps what an item is before it changes.
#[cold]
fn keep_item<const VALUES: bool>(frozen: &mut Frozen, bucket: &Bucket<VALUES>, place: Place) {
    let item = bucket.item(place);
    frozen.keep(item.field, Some(item.value));
}

/// The part of the hash that stands before an item. It comes from the other end of the hash than
/// the address does.
#[inline]
fn tag(hash: u64) -> u8 {
    (hash >> 56) as u8
}

#[cfg(test)]
mod tests;
