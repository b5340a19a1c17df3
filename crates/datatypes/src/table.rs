//! A hash table that grows by one bucket at a time.
//!
//! **The problem.** A table that doubles must move everything at once, or keep two copies and move
//! them on the side; either way its worst case, and its spare room, grow with its size. At tens of
//! millions of keys that is a stall of many milliseconds and a memory peak of a third.
//!
//! **The way chosen** is linear hashing (Litwin, 1980). With `n` buckets, an element belongs to
//! bucket `hash mod 2^k`, the smallest `2^k ≥ n`, or to its half when that bucket is not there yet.
//! One insertion too many adds bucket `n`, whose elements all come from the one bucket `n -
//! 2^(k-1)`:
//!
//! ```text
//!   n = 5      0     1     2     3     4          bucket 4 took its elements from bucket 0
//!            ┌─────┬─────┬─────┬─────┬─────┐
//!            │x000 │ x01 │ x10 │ x11 │ 100 │      bits of the hash that an element here ends in
//!            └─────┴─────┴─────┴─────┴─────┘
//!   n = 6    bucket 1 (x01) splits into 001 and 101
//! ```
//!
//! So the load stays near [`GROW_LOAD`] at every size, no step moves more than one bucket, and
//! shrinking is the same step backwards.
//!
//! **Buckets** are one cache line: eight words, each an owned pointer of 48 bits with 16 bits of
//! the element's hash, so that a miss rarely touches an element. A full bucket's last word leads to
//! another, smaller one (`bucket.rs`). Buckets lie in segments of 512 bytes, the last of which
//! grows bucket by bucket, so no allocation is ever large and nothing is ever spare.
//!
//! **Scanning** walks the hashes in the order of their reversed bits. A bucket holds one contiguous
//! range of that order, splitting cuts the range in two and merging joins two neighbours, so a
//! position means the same whatever the table did in between: no element that was there from the
//! beginning to the end of a scan is missed, though one may be seen twice.

mod bucket;

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use bucket::{Bucket, Buckets, Word};

/// An owned pointer to one element, eight bytes aligned, that fits in a word.
///
/// # Safety
/// `into_raw` must give a non-null pointer aligned to 8 of which only the lower 48 bits are used,
/// and `from_raw` must take exactly such pointers back.
pub unsafe trait Thin: Sized {
    fn into_raw(self) -> NonNull<u8>;

    /// # Safety
    /// `raw` came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// Asks the processor to fetch the element behind `raw`.
    fn prefetch(raw: NonNull<u8>);
}

/// Asks the processor to fetch the cache line at `address`, which need not be valid.
#[inline]
pub fn prefetch<T>(address: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing the program can see, and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Elements a bucket holds on average before the table grows. A higher load saves little, for
/// more buckets need an overflow: 6.5 costs 11.9 bytes an element, 7 costs 11.5, 8 costs 10.8.
pub const GROW_LOAD: u32 = 7;

/// Buckets between two of what is fetched ahead of a visit to all.
const AHEAD: u32 = 3;

/// Elements a bucket holds on average before the table shrinks.
pub const SHRINK_LOAD: u32 = 5;

/// An element that is borrowed from its table.
pub struct Ref<'a, T> {
    value: ManuallyDrop<T>,
    table: PhantomData<&'a T>,
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Thin> Ref<'_, T> {
    fn of(word: Word) -> Self {
        // SAFETY: the word owns an element, and the result neither drops it nor outlives the
        // borrow of the table that its lifetime is taken from.
        let value = ManuallyDrop::new(unsafe { T::from_raw(word.pointer()) });
        Ref {
            value,
            table: PhantomData,
        }
    }
}

/// The place of an element in its table.
pub struct Place<'a, T> {
    word: &'a mut Word,
    element: PhantomData<&'a mut T>,
}

impl<'a, T: Thin> Place<'a, T> {
    pub fn get(&self) -> Ref<'_, T> {
        Ref::of(*self.word)
    }

    pub fn into_ref(self) -> Ref<'a, T> {
        Ref::of(*self.word)
    }

    /// Puts what `change` makes of the element in its place. The hash must stay the same.
    pub fn update<R>(&mut self, change: impl FnOnce(T) -> (T, R)) -> R {
        // SAFETY: the word owns the element. Its place is filled again below; a panic aborts the
        // process in between, as everywhere a shard is half changed.
        let (value, result) = change(unsafe { T::from_raw(self.word.pointer()) });
        *self.word = Word::new(value.into_raw(), self.word.tag());
        result
    }
}

/// A set of elements of which each is found by its hash and a comparison.
pub struct Table<T: Thin> {
    buckets: Buckets,
    len: u32,
    elements: PhantomData<T>,
}

// SAFETY: the table owns its elements as a `Vec<T>` would.
unsafe impl<T: Thin + Send> Send for Table<T> {}
// SAFETY: as above; a shared table only lends shared elements.
unsafe impl<T: Thin + Sync> Sync for Table<T> {}

impl<T: Thin> Default for Table<T> {
    fn default() -> Self {
        Table {
            buckets: Buckets::default(),
            len: 0,
            elements: PhantomData,
        }
    }
}

impl<T: Thin> Table<T> {
    pub fn len(&self) -> usize {
        self.len as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many buckets there are, and how many of them needed more room than one.
    pub fn shape(&self) -> (usize, usize) {
        let chained = (0..self.buckets.len()).filter(|&at| self.buckets.get(at).is_chained());
        (self.buckets.len() as usize, chained.count())
    }

    /// Fetches where the bucket of `hash` is, ahead of its use.
    #[inline]
    pub fn prefetch_directory(&self, hash: u64) {
        if !self.buckets.is_empty() {
            let at = address(hash, self.buckets.len());
            self.buckets.prefetch_directory(at);
        }
    }

    /// Fetches the bucket of `hash` ahead of its use.
    pub fn prefetch_bucket(&self, hash: u64) {
        if !self.buckets.is_empty() {
            self.buckets.prefetch(address(hash, self.buckets.len()));
        }
    }

    /// Fetches the element of `hash` ahead of its use, if the bucket is likely to hold it.
    pub fn prefetch_element(&self, hash: u64) {
        if let Some(word) = self.words(hash).find(|word| word.tag() == tag(hash)) {
            T::prefetch(word.pointer());
        }
    }

    pub fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<Ref<'_, T>> {
        let tag = tag(hash);
        self.words(hash)
            .filter(|word| word.tag() == tag)
            .map(Ref::of)
            .find(|element: &Ref<'_, T>| is_it(element))
    }

    pub fn find_mut(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<Place<'_, T>> {
        if self.len == 0 {
            return None;
        }
        let tag = tag(hash);
        let bucket = self.buckets.get_mut(address(hash, self.buckets.len()));
        let word = bucket
            .words_mut()
            .find(|word| word.tag() == tag && is_it(&Ref::of(**word)))?;
        Some(Place {
            word,
            element: PhantomData,
        })
    }

    /// Adds an element that is known not to be there. `hash_of` is asked again for the elements of
    /// the bucket that splits.
    pub fn insert(&mut self, hash: u64, element: T, hash_of: impl Fn(&T) -> u64) {
        if self.buckets.is_empty() {
            self.buckets.push();
        }
        let at = address(hash, self.buckets.len());
        self.buckets
            .get_mut(at)
            .push(Word::new(element.into_raw(), tag(hash)));
        self.len += 1;
        if self.len > self.buckets.len() * GROW_LOAD {
            self.split(hash_of);
        }
    }

    pub fn remove(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        let tag = tag(hash);
        let mut bucket = self.buckets.get_mut(address(hash, self.buckets.len()));
        let word = bucket.take(|word| word.tag() == tag && is_it(&Ref::of(word)))?;
        self.len -= 1;
        if self.len < self.buckets.len() * SHRINK_LOAD {
            self.merge();
        }
        // SAFETY: the word owned the element, and the bucket has given it up.
        Some(unsafe { T::from_raw(word.pointer()) })
    }

    /// Visits the elements of the bucket at `position` and returns the position behind it, or 0 at
    /// the end. A scan begins at 0.
    pub fn scan(&self, position: u64, mut visit: impl FnMut(&T)) -> u64 {
        if self.buckets.is_empty() {
            return 0;
        }
        let at = address(position.reverse_bits(), self.buckets.len());
        for word in self.buckets.get(at).words() {
            visit(&Ref::of(word));
        }
        // The bucket holds every hash that ends in its `bits` bits: reversed, one range of this
        // length, which the position lies in.
        let bits = ending_bits(at, self.buckets.len());
        let mask = u64::MAX.checked_shr(bits).unwrap_or(0);
        (position | mask).wrapping_add(1)
    }

    pub fn iter(&self) -> impl Iterator<Item = Ref<'_, T>> {
        (0..self.buckets.len())
            .flat_map(|at| self.buckets.get(at).words())
            .map(Ref::of)
    }

    /// Shows the place of every element. What leads to those of a bucket is fetched a few buckets
    /// ahead, one after the other, for a visit has no time to wait for memory.
    ///
    /// ```text
    ///   visited ◀─ AHEAD ─▶ elements ◀─ AHEAD ─▶ overflow ◀─ AHEAD ─▶ bucket
    /// ```
    pub fn for_each_place(&mut self, mut visit: impl FnMut(Place<'_, T>)) {
        let len = self.buckets.len();
        for at in 0..len + 3 * AHEAD {
            let behind = |steps: u32| at.checked_sub(steps * AHEAD).filter(|at| *at < len);
            if let Some(at) = behind(0) {
                self.buckets.prefetch(at);
            }
            if let Some(at) = behind(1) {
                self.buckets.get(at).prefetch_overflow();
            }
            if let Some(at) = behind(2) {
                let words = self.buckets.get(at).words();
                words.for_each(|word| T::prefetch(word.pointer()));
            }
            if let Some(at) = behind(3) {
                let words = self.buckets.get_mut(at).words_mut();
                let element = PhantomData;
                words.for_each(|word| visit(Place { word, element }));
            }
        }
    }

    /// An element chosen by `random`: fair among buckets, then within one.
    pub fn sample(&self, mut random: impl FnMut() -> u64) -> Option<Ref<'_, T>> {
        if self.len == 0 {
            return None;
        }
        loop {
            let at = (random() % u64::from(self.buckets.len())) as u32;
            let count = self.buckets.get(at).words().count();
            if count > 0 {
                let nth = (random() % count as u64) as usize;
                return self.buckets.get(at).words().nth(nth).map(Ref::of);
            }
        }
    }

    /// Takes out every element of one bucket, the last: a bounded step of tearing the table down.
    /// `None` when no bucket is left.
    pub fn take_bucket(&mut self) -> Option<Vec<T>> {
        let words = self.buckets.pop()?;
        self.len -= words.len() as u32;
        // SAFETY: the words owned their elements, and their bucket is gone.
        let element = |word: Word| unsafe { T::from_raw(word.pointer()) };
        Some(words.into_iter().map(element).collect())
    }

    /// Takes all elements out.
    pub fn into_elements(mut self) -> impl Iterator<Item = T> {
        std::iter::from_fn(move || self.take_bucket()).flatten()
    }

    fn words(&self, hash: u64) -> impl Iterator<Item = Word> {
        let bucket = match self.len {
            0 => Bucket::EMPTY,
            _ => self.buckets.get(address(hash, self.buckets.len())),
        };
        bucket.words()
    }

    /// Adds a bucket, and moves to it what belongs there from the one bucket it splits off.
    #[cold]
    fn split(&mut self, hash_of: impl Fn(&T) -> u64) {
        self.buckets.push();
        let (len, added) = (self.buckets.len(), self.buckets.len() - 1);
        let source = parent(added);
        self.buckets
            .get(source)
            .words()
            .for_each(|word| T::prefetch(word.pointer()));
        for word in self.buckets.get_mut(source).take_all() {
            let at = address(hash_of(&Ref::of(word)), len);
            debug_assert!(
                at == source || at == added,
                "an element was in the wrong bucket"
            );
            self.buckets.get_mut(at).push(word);
        }
    }

    /// Gives the last bucket's elements back to the one it had split off.
    #[cold]
    fn merge(&mut self) {
        let target = match self.buckets.len() {
            0 => return,
            1 if self.len > 0 => return,
            1 => {
                self.buckets.pop();
                return;
            }
            len => parent(len - 1),
        };
        for word in self.buckets.pop().into_iter().flatten() {
            self.buckets.get_mut(target).push(word);
        }
    }
}

impl<T: Thin> Drop for Table<T> {
    fn drop(&mut self) {
        while self.take_bucket().is_some() {}
    }
}

/// The bucket of `hash` among `len`.
#[inline]
pub(crate) fn address(hash: u64, len: u32) -> u32 {
    debug_assert!(len > 0, "an empty table has no address");
    let at = hash as u32 & (len.next_power_of_two() - 1);
    if at < len { at } else { parent(at) }
}

/// The bucket that `at` splits off from: its number without the highest bit.
#[inline]
pub(crate) fn parent(at: u32) -> u32 {
    debug_assert!(at > 0, "the first bucket has no parent");
    at & !(1 << at.ilog2())
}

/// How many low bits of the hash all elements of bucket `at` share.
pub(crate) fn ending_bits(at: u32, len: u32) -> u32 {
    let bits = len.next_power_of_two().ilog2();
    let half = 1 << bits.saturating_sub(1);
    if bits == 0 || at >= half || at + half < len {
        bits
    } else {
        bits - 1
    }
}

/// The part of the hash that is kept beside the pointer. It comes from the other end of the hash
/// than the address does.
#[inline]
fn tag(hash: u64) -> u16 {
    (hash >> 48) as u16
}

#[cfg(test)]
mod tests;
