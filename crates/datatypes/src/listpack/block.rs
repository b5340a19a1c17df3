//! Bytes on the heap that begin with their own number, behind one pointer.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;

/// Bytes of a header: those of all, 32 bits, and 16 bits for the elements.
pub(super) const HEADER: usize = 6;

const LEN: usize = 4;

/// Owned bytes whose first four say how many they are.
pub(super) struct Block(NonNull<u8>);

// SAFETY: a block owns its allocation and shares nothing.
unsafe impl Send for Block {}
// SAFETY: a shared block is only read.
unsafe impl Sync for Block {}

impl Block {
    /// A copy of `bytes`, whose first four are set to their number.
    pub fn new(bytes: &[u8]) -> Block {
        assert!(bytes.len() >= HEADER, "a block has a header");
        let (len, layout) = (len_word(bytes.len()), layout(bytes.len()));
        // SAFETY: the size is not zero.
        let raw = unsafe { alloc(layout) };
        let raw = NonNull::new(raw).unwrap_or_else(|| handle_alloc_error(layout));
        // SAFETY: the allocation has room for `bytes`, which are at least four.
        unsafe {
            raw.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            raw.cast::<[u8; LEN]>().write(len);
        }
        Block(raw)
    }

    #[inline]
    pub fn len(&self) -> usize {
        // SAFETY: every block begins with its length.
        let len = unsafe { self.0.cast::<[u8; LEN]>().read() };
        u32::from_le_bytes(len) as usize
    }

    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are initialised.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), self.len()) }
    }

    /// Everything behind the length.
    fn body(&mut self) -> &mut [u8] {
        let len = self.len() - LEN;
        // SAFETY: so many bytes are initialised behind the length, and they are ours.
        unsafe { slice::from_raw_parts_mut(self.0.as_ptr().add(LEN), len) }
    }

    pub fn count(&self) -> u16 {
        let bytes = self.bytes();
        u16::from_le_bytes([bytes[LEN], bytes[LEN + 1]])
    }

    pub fn set_count(&mut self, count: u16) {
        self.body()[..2].copy_from_slice(&count.to_le_bytes());
    }

    /// Puts these bytes, one part behind the other, in the place of some others. What lies behind
    /// moves.
    #[inline]
    pub fn splice(&mut self, old: Range<usize>, parts: &[&[u8]]) {
        let len = self.len();
        assert!(HEADER <= old.start && old.start <= old.end && old.end <= len);
        let size: usize = parts.iter().map(|part| part.len()).sum();
        let new_len = len - (old.end - old.start) + size;
        if new_len > len {
            self.reallocate(len, new_len);
        }
        // SAFETY: the allocation has room for either length, what lies behind `old` is initialised
        // up to `len`, and nobody else has a reference into what is ours.
        unsafe {
            let mut place = self.0.add(old.start);
            place
                .add(size)
                .copy_from(self.0.add(old.end), len - old.end);
            for part in parts {
                place.copy_from_nonoverlapping(NonNull::from(*part).cast(), part.len());
                place = place.add(part.len());
            }
            self.0.cast::<[u8; LEN]>().write(len_word(new_len));
        }
        if new_len < len {
            self.reallocate(len, new_len);
        }
    }

    /// Moves bytes to an earlier place, over what lies there.
    pub fn move_back(&mut self, from: Range<usize>, to: usize) {
        assert!(HEADER <= to && to <= from.start);
        self.body()
            .copy_within(from.start - LEN..from.end - LEN, to - LEN);
    }

    /// Has an allocation for a block of one length hold one of another.
    #[inline]
    fn reallocate(&mut self, from: usize, to: usize) {
        let (old, new) = (layout(from), layout(to));
        if old.size() != new.size() {
            // SAFETY: the block was allocated with the old layout, and no size is zero.
            let moved = unsafe { realloc(self.0.as_ptr(), old, new.size()) };
            self.0 = NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(new));
        }
    }

    /// Bytes of the allocation.
    pub fn memory(&self) -> usize {
        layout(self.len()).size()
    }

    pub fn into_raw(self) -> NonNull<u8> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    /// # Safety
    /// `raw` came from `into_raw`, and ownership passes to the result.
    pub unsafe fn from_raw(raw: NonNull<u8>) -> Block {
        Block(raw)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block was allocated with the layout of its length.
        unsafe { dealloc(self.0.as_ptr(), layout(self.len())) };
    }
}

impl Clone for Block {
    fn clone(&self) -> Block {
        Block::new(self.bytes())
    }
}

fn len_word(len: usize) -> [u8; LEN] {
    u32::try_from(len)
        .expect("a listpack is shorter than 4 GiB")
        .to_le_bytes()
}

/// The allocation for so many bytes: rounded up to 8, and from 32 on to a quarter of the power of
/// two below. Allocators round so by themselves; who knows it need not ask them at every step.
fn layout(len: usize) -> Layout {
    let power = (len - 1).ilog2();
    let size = len.next_multiple_of(1 << power.saturating_sub(2).max(3));
    Layout::from_size_align(size, 8).expect("32 bits of size fit")
}
