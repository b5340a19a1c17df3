//! The buckets of a table: where its words lie in memory.
//!
//! ```text
//!   bucket, 64 bytes      │ word │ word │ word │ word │ word │ word │ word │ chain ─┐
//!   its overflow, 32      │ word │ word │ empty │ empty │ ◀────────────────────────┘
//!
//!   word        16 bits of the hash, 48 bits of an element's address
//!   chain       the address of the overflow, with its lowest bit set
//!   empty       0, and nothing but empty words behind it
//! ```
//!
//! Up to 8 buckets are one segment, which the table's root points to. Of more, the root points to
//! the directory of their segments. All segments but the last are full.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;
use std::slice;

const SEGMENT_BUCKETS: u32 = 8;
const POINTER: u64 = (1 << 48) - 1;
const CHAINED: u64 = 1;

type Node = [u64; 8];
type Overflow = [u64; 4];

/// An element's address and 16 bits of its hash.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Word(u64);

impl Word {
    pub fn new(pointer: NonNull<u8>, tag: u16) -> Word {
        let address = pointer.expose_provenance().get() as u64;
        assert!(
            address & !POINTER == 0 && address.is_multiple_of(8),
            "an address needs 48 bits, aligned"
        );
        Word(u64::from(tag) << 48 | address)
    }

    #[inline]
    pub fn tag(self) -> u16 {
        (self.0 >> 48) as u16
    }

    #[inline]
    pub fn pointer(self) -> NonNull<u8> {
        let address = (self.0 & POINTER) as usize;
        // SAFETY: a word is made of a pointer that was not null, and empty words are not handed
        // out.
        unsafe { NonNull::new_unchecked(std::ptr::with_exposed_provenance_mut(address)) }
    }
}

fn chain(overflow: Box<Overflow>) -> u64 {
    Box::into_raw(overflow).expose_provenance() as u64 | CHAINED
}

fn overflow(chain: u64) -> *mut Overflow {
    debug_assert!(chain & CHAINED != 0, "only a chain leads to an overflow");
    std::ptr::with_exposed_provenance_mut((chain & !CHAINED) as usize)
}

/// A bucket, borrowed: the words of its first node.
#[derive(Clone, Copy)]
pub(super) struct Bucket<'a>(&'a [u64]);

impl<'a> Bucket<'a> {
    pub const EMPTY: Bucket<'static> = Bucket(&[]);

    pub fn is_chained(self) -> bool {
        self.0.last().is_some_and(|last| last & CHAINED != 0)
    }

    /// Fetches the words that are not in the first node.
    #[inline]
    pub fn prefetch_overflow(self) {
        if let Some(last) = self.0.last().filter(|last| *last & CHAINED != 0) {
            super::prefetch(overflow(*last));
        }
    }

    #[inline]
    pub fn words(self) -> Words<'a> {
        Words(self.0)
    }
}

/// The words of a bucket, in the order they came.
pub(super) struct Words<'a>(&'a [u64]);

impl Iterator for Words<'_> {
    type Item = Word;

    #[inline]
    fn next(&mut self) -> Option<Word> {
        loop {
            let (&first, rest) = self.0.split_first()?;
            if first & CHAINED != 0 {
                // SAFETY: the chain owns its overflow, which lives as long as the bucket.
                self.0 = unsafe { &*overflow(first) };
                continue;
            }
            self.0 = rest;
            return (first != 0).then_some(Word(first));
        }
    }
}

/// A bucket, borrowed for a change.
pub(super) struct BucketMut<'a>(&'a mut Node);

impl<'a> BucketMut<'a> {
    pub fn words_mut(self) -> impl Iterator<Item = &'a mut Word> {
        let mut node: &'a mut [u64] = self.0;
        std::iter::from_fn(move || {
            loop {
                let (first, rest) = std::mem::take(&mut node).split_first_mut()?;
                if *first & CHAINED != 0 {
                    // SAFETY: the chain owns its overflow, which lives as long as the bucket, and
                    // the bucket is borrowed for a change.
                    node = unsafe { &mut *overflow(*first) };
                    continue;
                }
                node = rest;
                // SAFETY: `Word` is a transparent `u64`.
                return (*first != 0).then(|| unsafe { &mut *(&raw mut *first).cast::<Word>() });
            }
        })
    }

    pub fn push(&mut self, word: Word) {
        let mut node: &mut [u64] = self.0;
        loop {
            let last = node.len() - 1;
            if node[last] & CHAINED != 0 {
                // SAFETY: as in `words_mut`.
                node = unsafe { &mut *overflow(node[last]) };
            } else if node[last] != 0 {
                node[last] = chain(Box::new([node[last], word.0, 0, 0]));
                return;
            } else {
                let free = node.iter_mut().find(|word| **word == 0);
                *free.expect("the last word is empty") = word.0;
                return;
            }
        }
    }

    /// Takes out the word that `is_it`, closing the gap with the bucket's last word.
    pub fn take(&mut self, is_it: impl Fn(Word) -> bool) -> Option<Word> {
        let found: *mut Word = BucketMut(self.0).words_mut().find(|word| is_it(**word))?;
        let last: *mut Word = BucketMut(self.0).words_mut().last()?;
        // SAFETY: both point to words of this bucket, which nothing else borrows.
        let taken = unsafe {
            let taken = *found;
            *found = *last;
            *last = Word(0);
            taken
        };
        unchain_last(self.0);
        Some(taken)
    }

    /// Takes out all words and leaves the bucket empty.
    pub fn take_all(&mut self) -> Vec<Word> {
        let words = Bucket(self.0).words().collect();
        free_overflows(self.0[self.0.len() - 1]);
        self.0.fill(0);
        words
    }
}

/// An overflow that holds a single word is given up, and the word takes the chain's place.
fn unchain_last(mut node: &mut [u64]) {
    loop {
        let last = node.len() - 1;
        if node[last] & CHAINED == 0 {
            return;
        }
        let child = overflow(node[last]);
        // SAFETY: the chain owns its overflow, and the bucket is borrowed for a change.
        let words = unsafe { &mut *child };
        if words[1] == 0 {
            node[last] = words[0];
            // SAFETY: it was a box, and the chain that led to it is overwritten.
            drop(unsafe { Box::from_raw(child) });
            return;
        }
        node = words;
    }
}

fn free_overflows(mut last: u64) {
    while last & CHAINED != 0 {
        // SAFETY: the chain owned the overflow, and its bucket is being emptied.
        let words = unsafe { Box::from_raw(overflow(last)) };
        last = words[words.len() - 1];
    }
}

/// The buckets of one table.
pub(super) struct Buckets {
    /// A segment, or a directory of segments, or dangling.
    root: NonNull<u8>,
    len: u32,
}

impl Default for Buckets {
    fn default() -> Self {
        Buckets {
            root: NonNull::dangling(),
            len: 0,
        }
    }
}

impl Buckets {
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, at: u32) -> Bucket<'_> {
        // SAFETY: `node` points to a bucket of ours.
        Bucket(unsafe { &*self.node(at) })
    }

    pub fn get_mut(&mut self, at: u32) -> BucketMut<'_> {
        // SAFETY: `node` points to a bucket of ours, which is borrowed for a change.
        BucketMut(unsafe { &mut *self.node(at) })
    }

    pub fn prefetch(&self, at: u32) {
        super::prefetch(self.node(at));
    }

    /// Fetches where bucket `at` is, if there is a directory.
    #[inline]
    pub fn prefetch_directory(&self, at: u32) {
        if self.len > SEGMENT_BUCKETS {
            let directory = self.root.as_ptr().cast::<NonNull<u8>>();
            super::prefetch(directory.wrapping_add((at / SEGMENT_BUCKETS) as usize));
        }
    }

    /// Adds an empty bucket at the end.
    pub fn push(&mut self) {
        let (segment, within) = (self.len / SEGMENT_BUCKETS, self.len % SEGMENT_BUCKETS);
        if segment > 0 && within == 0 {
            self.grow_directory(segment);
        }
        let place = self.segment_place(segment);
        // SAFETY: the place holds the last segment, of `within` buckets, or nothing if that is 0.
        unsafe {
            *place = resize_segment(*place, within, within + 1);
            (*place).cast::<Node>().add(within as usize).write([0; 8]);
        }
        self.len += 1;
    }

    /// Takes the last bucket away and returns its words.
    pub fn pop(&mut self) -> Option<Vec<Word>> {
        let at = self.len.checked_sub(1)?;
        let words = self.get_mut(at).take_all();
        let (segment, within) = (at / SEGMENT_BUCKETS, at % SEGMENT_BUCKETS);
        let place = self.segment_place(segment);
        // SAFETY: the place holds the last segment, of `within + 1` buckets.
        unsafe { *place = resize_segment(*place, within + 1, within) };
        self.len = at;
        if segment > 0 && within == 0 {
            self.shrink_directory(segment);
        }
        Some(words)
    }

    #[inline]
    fn node(&self, at: u32) -> *mut Node {
        assert!(at < self.len, "a bucket beyond the table");
        let segment = match self.len <= SEGMENT_BUCKETS {
            true => self.root,
            // SAFETY: with more than one segment the root is their directory.
            false => unsafe {
                *self
                    .root
                    .cast::<NonNull<u8>>()
                    .add((at / SEGMENT_BUCKETS) as usize)
                    .as_ptr()
            },
        };
        // SAFETY: all segments but the last are full, so that bucket lies within this one.
        unsafe {
            segment
                .cast::<Node>()
                .as_ptr()
                .add((at % SEGMENT_BUCKETS) as usize)
        }
    }

    /// Where the pointer to segment `segment`, the last one, is kept.
    fn segment_place(&mut self, segment: u32) -> *mut NonNull<u8> {
        match segment {
            0 => &raw mut self.root,
            // SAFETY: with more than one segment the root is their directory.
            _ => unsafe {
                self.root
                    .cast::<NonNull<u8>>()
                    .as_ptr()
                    .add(segment as usize)
            },
        }
    }

    /// Makes room for a segment behind `segments` full ones.
    fn grow_directory(&mut self, segments: u32) {
        if segments > 1 && !segments.is_power_of_two() {
            return;
        }
        let mut grown = directory_alloc(segments * 2);
        let old = match segments {
            1 => slice::from_ref(&self.root),
            // SAFETY: the root is the directory of so many segments.
            _ => unsafe { slice::from_raw_parts(self.root.cast().as_ptr(), segments as usize) },
        };
        // SAFETY: the new directory has room for twice as many.
        unsafe { grown.as_mut()[..old.len()].copy_from_slice(old) };
        if segments > 1 {
            directory_free(self.root, segments);
        }
        self.root = grown.cast();
    }

    /// Gives up room after segment `segments` has gone.
    fn shrink_directory(&mut self, segments: u32) {
        if !segments.is_power_of_two() {
            return;
        }
        let old = self.root;
        // SAFETY: the root is the directory of so many segments, and at least one.
        let kept = unsafe { slice::from_raw_parts(old.cast().as_ptr(), segments as usize) };
        self.root = match segments {
            1 => kept[0],
            _ => {
                let mut shrunk = directory_alloc(segments);
                // SAFETY: the new directory has room for exactly these.
                unsafe { shrunk.as_mut() }.copy_from_slice(kept);
                shrunk.cast()
            }
        };
        directory_free(old, segments * 2);
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}

fn segment_layout(buckets: u32) -> Layout {
    Layout::from_size_align(buckets as usize * 64, 64).expect("a segment is at most 512 bytes")
}

/// Moves a segment of `from` buckets to where `to` have room, keeping those that stay.
///
/// # Safety
/// `segment` came from this function for `from` buckets, unless that is 0, and is given up.
unsafe fn resize_segment(segment: NonNull<u8>, from: u32, to: u32) -> NonNull<u8> {
    let layout = segment_layout(to);
    let moved = match (from, to) {
        // SAFETY: the size is not zero.
        (0, _) => unsafe { alloc(layout) },
        (_, 0) => {
            // SAFETY: the segment was allocated with this layout.
            unsafe { dealloc(segment.as_ptr(), segment_layout(from)) };
            return NonNull::dangling();
        }
        // SAFETY: the segment was allocated with the old layout, and the size is not zero.
        _ => unsafe { realloc(segment.as_ptr(), segment_layout(from), layout.size()) },
    };
    NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(layout))
}

fn directory_alloc(segments: u32) -> NonNull<[NonNull<u8>]> {
    NonNull::from(Box::leak(
        vec![NonNull::dangling(); segments as usize].into_boxed_slice(),
    ))
}

fn directory_free(root: NonNull<u8>, segments: u32) {
    let directory = NonNull::slice_from_raw_parts(root.cast::<NonNull<u8>>(), segments as usize);
    // SAFETY: it was leaked by `directory_alloc` with this length, and the root no longer uses it.
    drop(unsafe { Box::from_raw(directory.as_ptr()) });
}
