//! The allocator: jemalloc with size classes every 8 bytes.
//!
//! Its binding takes any class for aligned to 16 bytes, which holds for classes every 16 bytes
//! only: a block of 88 bytes may begin at any multiple of 8, and an aligned load there ends the
//! process. Whoever asks for an alignment of 16 therefore gets a size that is a multiple of it, and
//! the blocks of such a class all begin at multiples of 16.

use std::alloc::{GlobalAlloc, Layout};

use tikv_jemalloc_ctl::{background_thread, raw};
use tikv_jemallocator::Jemalloc;

pub struct Allocator;

/// The layout that is asked of jemalloc. It depends on nothing but the one asked for, so that a
/// block is given back with the size it was taken with.
#[inline]
fn widened(layout: Layout) -> Layout {
    match layout.align() {
        16 => layout.pad_to_align(),
        _ => layout,
    }
}

// SAFETY: every call goes to jemalloc with a layout of the same alignment and no smaller size, the
// same one each time a block is named.
unsafe impl GlobalAlloc for Allocator {
    /// # Safety
    /// As for [`GlobalAlloc::alloc`].
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is the caller's, who promises that it is not zero, or more.
        unsafe { Jemalloc.alloc(widened(layout)) }
    }

    /// # Safety
    /// As for [`GlobalAlloc::alloc_zeroed`].
    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { Jemalloc.alloc_zeroed(widened(layout)) }
    }

    /// # Safety
    /// As for [`GlobalAlloc::dealloc`].
    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block was taken with this layout, widened in the same way.
        unsafe { Jemalloc.dealloc(block, widened(layout)) }
    }

    /// # Safety
    /// As for [`GlobalAlloc::realloc`].
    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let size = match layout.align() {
            // The caller promises that this does not overflow.
            16 => size.next_multiple_of(16),
            _ => size,
        };
        // SAFETY: the block was taken with this layout, widened in the same way.
        unsafe { Jemalloc.realloc(block, widened(layout), size) }
    }
}

/// Has a thread of the allocator give back to the system what nobody has used for so long.
/// Otherwise that waits until somebody takes or frees more, which at rest is never.
///
/// To be called before there are other threads: what they take from begins with this pace.
pub fn give_back_after(millis: isize) {
    for pace in [&b"arenas.dirty_decay_ms\0"[..], b"arena.0.dirty_decay_ms\0"] {
        // SAFETY: these names stand for numbers of this type.
        let set = unsafe { raw::write(pace, millis) };
        debug_assert_eq!(set, Ok(()), "jemalloc knows the name");
    }
    // Where the allocator was built without threads, whoever takes memory goes on giving it back.
    let _ = background_thread::write(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of one size, taken and given back.
    fn all_aligned(size: usize, align: usize) -> bool {
        let layout = Layout::from_size_align(size, align).expect("a small layout");
        // SAFETY: the size is not zero, and what is taken is given back with the same layout.
        let blocks: Vec<*mut u8> = (0..64)
            .map(|_| unsafe { Allocator.alloc(layout) })
            .collect();
        let aligned = blocks
            .iter()
            .all(|block| block.addr().is_multiple_of(align));
        for block in blocks {
            // SAFETY: as above.
            unsafe { Allocator.dealloc(block, layout) };
        }
        aligned
    }

    #[test]
    fn blocks_begin_where_they_were_asked_to() {
        for align in [1, 2, 4, 8, 16, 32, 64] {
            for size in 1..512 {
                assert!(all_aligned(size, align), "{size} bytes, aligned to {align}");
            }
        }
    }

    #[test]
    fn a_block_that_grows_stays_aligned_and_keeps_its_bytes() {
        let mut layout = Layout::from_size_align(24, 16).expect("a small layout");
        // SAFETY: the sizes are not zero, the block is written within its size, and each call names
        // the layout of the one before.
        unsafe {
            let mut block = Allocator.alloc(layout);
            block.write_bytes(7, 24);
            for size in (25..2000).step_by(3) {
                block = Allocator.realloc(block, layout, size);
                layout = Layout::from_size_align(size, 16).expect("a small layout");
                assert!(block.addr().is_multiple_of(16));
                assert_eq!(std::slice::from_raw_parts(block, 24), [7; 24]);
            }
            Allocator.dealloc(block, layout);
        }
    }
}
