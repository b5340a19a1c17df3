//! One member of a large sorted set and its score, in one allocation.
//!
//! ```text
//!   bytes   8       1 or 9   n
//!          │ score │ length │ member │
//! ```
//!
//! The table owns it and finds it by its member; the tree holds a [`Handle`] and finds it by its
//! order.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::slice;

use crate::table::{Thin, prefetch};

const SCORE_BYTES: usize = 8;

/// The first byte of a length that does not fit in one.
const LONG: u8 = 0xff;

/// A score as an integer of the same order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order(u64);

impl Order {
    #[inline]
    pub fn of(score: f64) -> Order {
        debug_assert!(!score.is_nan(), "a score has a place in the order");
        // Adding 0 makes 0 of -0, which is equal to it.
        let bits = (score + 0.0).to_bits();
        let negative = bits >> 63 == 1;
        Order(if negative { !bits } else { bits | 1 << 63 })
    }
}

/// An owned member with its score.
pub(super) struct Element(NonNull<u8>);

// SAFETY: an element owns its allocation and shares nothing; handles to it are used only under a
// borrow of the set that owns it.
unsafe impl Send for Element {}
// SAFETY: a shared element is only read.
unsafe impl Sync for Element {}

// SAFETY: elements are aligned to 8, and user space has 47 or 48 bits of addresses.
unsafe impl Thin for Element {
    fn into_raw(self) -> NonNull<u8> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    /// # Safety
    /// `raw` came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Element(raw)
    }

    fn prefetch(raw: NonNull<u8>) {
        prefetch(raw.as_ptr());
    }
}

impl Element {
    pub fn new(score: f64, member: &[u8]) -> Element {
        let layout = layout(member.len());
        // SAFETY: the size is not zero, and the parts written add up to at most it.
        let raw = unsafe {
            let raw = alloc(layout);
            let Some(element) = NonNull::new(raw) else {
                handle_alloc_error(layout)
            };
            let at = raw.add(SCORE_BYTES);
            let at = if member.len() < usize::from(LONG) {
                at.write(member.len() as u8);
                at.add(1)
            } else {
                at.write(LONG);
                at.add(1)
                    .cast::<[u8; 8]>()
                    .write((member.len() as u64).to_ne_bytes());
                at.add(9)
            };
            at.copy_from_nonoverlapping(member.as_ptr(), member.len());
            element
        };
        let mut element = Element(raw);
        element.set_score(score);
        element
    }

    #[inline]
    pub fn score(&self) -> f64 {
        // SAFETY: every element begins with its score, and is aligned for it.
        unsafe { self.0.cast::<f64>().read() }
    }

    pub fn set_score(&mut self, score: f64) {
        // SAFETY: as in `score`.
        unsafe { self.0.cast::<f64>().write(score) };
    }

    #[inline]
    pub fn member(&self) -> &[u8] {
        // SAFETY: `new` wrote the length and then that many bytes.
        unsafe {
            let at = self.0.add(SCORE_BYTES);
            let (len, member) = match at.read() {
                LONG => {
                    let long = at.add(1).cast::<[u8; 8]>().read();
                    (u64::from_ne_bytes(long) as usize, at.add(9))
                }
                short => (usize::from(short), at.add(1)),
            };
            slice::from_raw_parts(member.as_ptr(), len)
        }
    }

    #[inline]
    pub fn order(&self) -> Order {
        Order::of(self.score())
    }

    /// Bytes the element takes, before the allocator rounds them up.
    pub fn memory(&self) -> usize {
        layout(self.member().len()).size()
    }

    pub fn handle(&self) -> Handle {
        Handle(self.0)
    }
}

impl Drop for Element {
    fn drop(&mut self) {
        // SAFETY: the element was allocated with the layout of its member's length.
        unsafe { dealloc(self.0.as_ptr(), layout(self.member().len())) };
    }
}

fn layout(member_len: usize) -> Layout {
    let length = if member_len < usize::from(LONG) { 1 } else { 9 };
    let size = (SCORE_BYTES + length + member_len).next_multiple_of(8);
    Layout::from_size_align(size, 8).expect("a member is shorter than the address space")
}

/// Where an element lies, without owning or borrowing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(NonNull<u8>);

// SAFETY: a handle alone reads nothing.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Default for Handle {
    /// Leads nowhere.
    fn default() -> Self {
        Handle(NonNull::dangling())
    }
}

impl Handle {
    /// # Safety
    /// The element is alive and not changed for as long as the result is used.
    #[inline]
    pub unsafe fn element<'a>(self) -> ElementRef<'a> {
        ElementRef {
            element: std::mem::ManuallyDrop::new(Element(self.0)),
            owner: std::marker::PhantomData,
        }
    }

    #[inline]
    pub fn prefetch(self) {
        prefetch(self.0.as_ptr());
    }
}

/// An element that is borrowed from its owner.
pub(super) struct ElementRef<'a> {
    element: std::mem::ManuallyDrop<Element>,
    owner: std::marker::PhantomData<&'a Element>,
}

impl<'a> ElementRef<'a> {
    #[inline]
    pub fn score(&self) -> f64 {
        self.element.score()
    }

    #[inline]
    pub fn order(&self) -> Order {
        self.element.order()
    }

    #[inline]
    pub fn member(&self) -> &'a [u8] {
        let member: *const [u8] = self.element.member();
        // SAFETY: the member lies in the element's allocation, which lives for 'a.
        unsafe { &*member }
    }
}
