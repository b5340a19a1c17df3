//! A sorted array of distinct integers: small sets whose members all read as integers.
//!
//! ```text
//!   bytes   4          4        width   width
//!          │ width    │ length │ least │ ... │ greatest │        all little endian
//! ```
//!
//! The width is that of the widest integer that was ever in it: 2, 4 or 8 bytes. The bytes are
//! those that `DUMP` and snapshots carry. The owner keeps one pointer: how much memory is behind it
//! follows from the header.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::slice;

use crate::class::class;
use crate::listpack::Invalid;

const HEADER_BYTES: usize = 8;
const ALIGNMENT: usize = 8;

/// A set of integers.
pub struct IntSet(NonNull<u8>);

// SAFETY: a set owns its allocation and shares nothing.
unsafe impl Send for IntSet {}
// SAFETY: a shared set is only read.
unsafe impl Sync for IntSet {}

impl Default for IntSet {
    fn default() -> Self {
        IntSet::of(&[2, 0, 0, 0, 0, 0, 0, 0])
    }
}

impl Clone for IntSet {
    fn clone(&self) -> Self {
        IntSet::of(self.as_bytes())
    }
}

impl IntSet {
    /// The set that these bytes are, if they are one: of a known width, of the length it says,
    /// ascending.
    pub fn from_bytes(bytes: &[u8]) -> Result<IntSet, Invalid> {
        let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Invalid)?;
        let (width, len) = header_of(header);
        let is_whole = matches!(width, 2 | 4 | 8) && len.checked_mul(width) == Some(body.len());
        if !is_whole {
            return Err(Invalid);
        }
        let numbers = body.chunks_exact(width).map(read);
        match numbers.is_sorted_by(|a, b| a < b) {
            true => Ok(IntSet::of(bytes)),
            false => Err(Invalid),
        }
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: so many bytes were allocated and written.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), self.size()) }
    }

    pub fn len(&self) -> usize {
        self.header().1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes the set takes.
    pub fn memory(&self) -> usize {
        class(self.size())
    }

    pub fn contains(&self, number: i64) -> bool {
        self.search(number).is_ok()
    }

    /// The integer at `index` of the ascending order.
    pub fn get(&self, index: usize) -> Option<i64> {
        let (width, body) = self.body();
        body.chunks_exact(width).nth(index).map(read)
    }

    /// The integers, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + DoubleEndedIterator {
        let (width, body) = self.body();
        body.chunks_exact(width).map(read)
    }

    /// Adds an integer. Returns whether it was missing.
    pub fn insert(&mut self, number: i64) -> bool {
        let Err(index) = self.search(number) else {
            return false;
        };
        let (width, len) = self.header();
        if width_of(number) > width {
            *self = self.widened(number, index);
            return true;
        }
        let (at, end) = (HEADER_BYTES + index * width, self.size());
        self.resize(end + width);
        self.set_len(len + 1);
        let bytes = self.bytes_mut();
        bytes.copy_within(at..end, at + width);
        bytes[at..at + width].copy_from_slice(&number.to_le_bytes()[..width]);
        true
    }

    /// Takes an integer out. Returns whether it was there.
    pub fn remove(&mut self, number: i64) -> bool {
        let Ok(index) = self.search(number) else {
            return false;
        };
        let (width, len) = self.header();
        let at = HEADER_BYTES + index * width;
        self.bytes_mut().copy_within(at + width.., at);
        self.resize(HEADER_BYTES + (len - 1) * width);
        self.set_len(len - 1);
        true
    }

    /// One of the integers, all equally likely. `random` gives a number below its argument.
    pub fn sample(&self, random: impl FnOnce(u64) -> u64) -> Option<i64> {
        match self.len() {
            0 => None,
            len => self.get(random(len as u64) as usize),
        }
    }

    /// Gives the set away as a pointer.
    pub fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    /// `raw` came from `into_raw`, and ownership passes to the result.
    pub unsafe fn from_raw(raw: NonNull<u8>) -> IntSet {
        IntSet(raw)
    }

    /// Where `number` is, or where it belongs.
    fn search(&self, number: i64) -> Result<usize, usize> {
        let (width, body) = self.body();
        let (mut low, mut high) = (0, body.len() / width);
        while low < high {
            let middle = low.midpoint(high);
            let found = read(&body[middle * width..][..width]);
            match found.cmp(&number) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// A copy whose integers are wide enough for `number`, which stands at `index`.
    #[cold]
    fn widened(&self, number: i64, index: usize) -> IntSet {
        let width = width_of(number);
        let len = self.len() + 1;
        let mut bytes = Vec::with_capacity(HEADER_BYTES + len * width);
        bytes.extend_from_slice(&(width as u32).to_le_bytes());
        bytes.extend_from_slice(&(len as u32).to_le_bytes());
        let (before, behind) = (self.iter().take(index), self.iter().skip(index));
        for kept in before.chain([number]).chain(behind) {
            bytes.extend_from_slice(&kept.to_le_bytes()[..width]);
        }
        IntSet::of(&bytes)
    }

    fn of(bytes: &[u8]) -> IntSet {
        let layout = layout(bytes.len());
        // SAFETY: the size is not zero, for every set has a header; and it holds `bytes`.
        unsafe {
            let memory = alloc(layout);
            let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
            memory.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            IntSet(memory)
        }
    }

    /// Width and length.
    #[inline]
    fn header(&self) -> (usize, usize) {
        // SAFETY: every set begins with its header.
        header_of(unsafe { self.0.cast::<[u8; HEADER_BYTES]>().as_ref() })
    }

    fn size(&self) -> usize {
        let (width, len) = self.header();
        HEADER_BYTES + len * width
    }

    /// Width, and the integers' bytes.
    fn body(&self) -> (usize, &[u8]) {
        (self.header().0, &self.as_bytes()[HEADER_BYTES..])
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes were allocated and written, and the set is borrowed for a change.
        unsafe { slice::from_raw_parts_mut(self.0.as_ptr(), self.size()) }
    }

    /// Writes the length. The memory must fit it.
    fn set_len(&mut self, len: usize) {
        let len = u32::try_from(len).expect("a set of integers is short");
        // SAFETY: every set begins with its header.
        unsafe { self.0.add(4).cast::<[u8; 4]>().write(len.to_le_bytes()) };
    }

    /// Makes room for `size` bytes, the added ones zero, or gives up room behind them. The header
    /// still has the old length.
    fn resize(&mut self, size: usize) {
        let from = self.size();
        let (old, resized) = (layout(from), layout(size));
        // SAFETY: the set was allocated with the old layout, no size is zero, and the bytes that
        // are zeroed lie within the resized allocation.
        unsafe {
            if old.size() != resized.size() {
                let moved = realloc(self.0.as_ptr(), old, resized.size());
                self.0 = NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(resized));
            }
            if let Some(added) = size.checked_sub(from) {
                self.0.add(from).write_bytes(0, added);
            }
        }
    }
}

impl Drop for IntSet {
    fn drop(&mut self) {
        // SAFETY: the set was allocated with the layout of its size.
        unsafe { dealloc(self.0.as_ptr(), layout(self.size())) };
    }
}

#[inline]
fn header_of(header: &[u8; HEADER_BYTES]) -> (usize, usize) {
    let [a, b, c, d, e, f, g, h] = *header;
    let width = u32::from_le_bytes([a, b, c, d]);
    (width as usize, u32::from_le_bytes([e, f, g, h]) as usize)
}

/// The integer whose bytes are these 2, 4 or 8.
#[inline]
fn read(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i64::from(i16::from_le_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => unreachable!("an integer takes 2, 4 or 8 bytes"),
    }
}

/// How many bytes `number` needs.
fn width_of(number: i64) -> usize {
    match number {
        _ if i16::try_from(number).is_ok() => 2,
        _ if i32::try_from(number).is_ok() => 4,
        _ => 8,
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(class(size), ALIGNMENT).expect("a set fits the address space")
}

#[cfg(test)]
mod tests;
