//! A bucket: one allocation that holds its items one behind the other.
//!
//! ```text
//!   bytes   2       stride   stride         field   value   field   value
//!          │ count │ head 0 │ head 1 │ ... │ item 0        │ item 1        │ ...
//!
//!   head    8 bits of the hash, the field's width, and the value's if there are values
//!   width   the bytes themselves, up to 64 of them; or 255: a pointer to a blob
//! ```
//!
//! The heads of a bucket fill a cache line or less, so most searches for what is not there read
//! nothing else. How much memory a bucket has follows from its heads.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;
use std::slice;

use super::blob::Blob;
use crate::class::class;
use crate::table::prefetch;

const COUNT_BYTES: usize = 2;

/// Bytes of a field or value that is kept in the bucket. Longer ones would make a bucket's rewrite
/// expensive.
const NEAR_BYTES_MAX: usize = 64;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// Of a bucket so much is fetched ahead: half a dozen items of twenty bytes or so.
const ITEMS_BYTES: usize = 3 * LINE_BYTES;

/// The width that stands for a pointer to a blob.
const FAR: u8 = u8::MAX;

/// The bucket of a table that has values, or of one that has none. It does not free itself, for
/// its owner counts what is freed.
pub(super) struct Bucket<const VALUES: bool>(Option<NonNull<u8>>);

// SAFETY: a bucket owns its allocation and its blobs, and shares nothing.
unsafe impl<const VALUES: bool> Send for Bucket<VALUES> {}
// SAFETY: a shared bucket is only read.
unsafe impl<const VALUES: bool> Sync for Bucket<VALUES> {}

/// Where an item is in its bucket.
#[derive(Clone, Copy)]
pub(super) struct Place {
    index: usize,
    /// Where its field begins.
    at: usize,
}

/// A field and its value; in tables without values that is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    pub field: &'a [u8],
    pub value: &'a [u8],
}

impl<const VALUES: bool> Default for Bucket<VALUES> {
    fn default() -> Self {
        Bucket(None)
    }
}

impl<const VALUES: bool> Bucket<VALUES> {
    const STRIDE: usize = if VALUES { 3 } else { 2 };

    #[inline]
    pub fn count(&self) -> usize {
        self.0.map_or(0, |memory| {
            // SAFETY: every bucket begins with its count.
            usize::from(u16::from_le_bytes(unsafe { memory.cast().read() }))
        })
    }

    #[inline]
    pub fn find(&self, tag: u8, field: &[u8]) -> Option<Place> {
        let heads = self.heads();
        let mut at = COUNT_BYTES + heads.len();
        for (index, head) in heads.chunks_exact(Self::STRIDE).enumerate() {
            if head[0] == tag && self.text(at, head[1]) == field {
                return Some(Place { index, at });
            }
            at += data_bytes(head);
        }
        None
    }

    #[inline]
    pub fn item(&self, place: Place) -> Item<'_> {
        let head = &self.heads()[place.index * Self::STRIDE..][..Self::STRIDE];
        self.item_at(place.at, head)
    }

    /// The items, in the order they came but for removals.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        let heads = self.heads();
        let mut at = COUNT_BYTES + heads.len();
        heads.chunks_exact(Self::STRIDE).map(move |head| {
            let item = self.item_at(at, head);
            at += data_bytes(head);
            item
        })
    }

    /// Where the `nth` item is.
    pub fn place(&self, nth: usize) -> Place {
        let heads = self.heads();
        let before = heads.chunks_exact(Self::STRIDE).take(nth).map(data_bytes);
        let at = COUNT_BYTES + heads.len() + before.sum::<usize>();
        Place { index: nth, at }
    }

    /// Asks the processor to fetch the heads.
    #[inline]
    pub fn prefetch(&self) {
        if let Some(memory) = self.0 {
            prefetch(memory.as_ptr());
        }
    }

    /// Asks the processor to fetch the heads and, of items as short as most, the rest.
    #[inline]
    pub fn prefetch_items(&self) {
        if let Some(memory) = self.0 {
            let lines = (0..ITEMS_BYTES).step_by(LINE_BYTES);
            lines.for_each(|at| prefetch(memory.as_ptr().wrapping_add(at)));
        }
    }

    /// Adds an item that is not there. `memory` counts bytes.
    pub fn push(&mut self, tag: u8, item: Item<'_>, memory: &mut usize) {
        let (field, value) = (Part::new(item.field, memory), Part::new(item.value, memory));
        let (count, end) = (self.count(), self.end());
        let start = COUNT_BYTES + count * Self::STRIDE;
        let data = end.max(COUNT_BYTES) + Self::STRIDE;
        let (field_bytes, value_bytes) = (field.bytes(), value.bytes());
        self.resize(end, data + field_bytes.len() + value_bytes.len(), memory);
        let bytes = self.bytes_mut(data + field_bytes.len() + value_bytes.len());
        bytes.copy_within(start..data - Self::STRIDE, start + Self::STRIDE);
        let head = [tag, field.width(), value.width()];
        bytes[start..start + Self::STRIDE].copy_from_slice(&head[..Self::STRIDE]);
        bytes[data..][..field_bytes.len()].copy_from_slice(field_bytes);
        bytes[data + field_bytes.len()..].copy_from_slice(value_bytes);
        set_count(bytes, count + 1);
    }

    /// Takes an item away.
    pub fn remove(&mut self, place: Place, memory: &mut usize) {
        let (count, end) = (self.count(), self.end());
        let head_at = COUNT_BYTES + place.index * Self::STRIDE;
        let head = &self.heads()[place.index * Self::STRIDE..][..Self::STRIDE];
        let gone = data_bytes(head);
        self.free_item(place.at, head, memory);
        let bytes = self.bytes_mut(end);
        bytes.copy_within(place.at + gone.., place.at);
        bytes.copy_within(head_at + Self::STRIDE..end - gone, head_at);
        set_count(bytes, count - 1);
        let left = match count {
            1 => 0,
            _ => end - gone - Self::STRIDE,
        };
        self.resize(end, left, memory);
    }

    /// Gives an item another value.
    pub fn set_value(&mut self, place: Place, value: &[u8], memory: &mut usize) {
        let end = self.end();
        let head_at = COUNT_BYTES + place.index * Self::STRIDE;
        let [_, field_width, old_width] = *self.bytes_mut(end)[head_at..]
            .first_chunk()
            .expect("a bucket with values has heads of three bytes");
        let at = place.at + part_bytes(field_width);
        self.free_part(at, old_width, memory);
        let value = Part::new(value, memory);
        let (added, behind) = (value.bytes(), at + part_bytes(old_width));
        let to = end - part_bytes(old_width) + added.len();
        if to > end {
            self.resize(end, to, memory);
        }
        let bytes = self.bytes_mut(end.max(to));
        bytes.copy_within(behind..end, at + added.len());
        bytes[at..at + added.len()].copy_from_slice(added);
        bytes[head_at + 2] = value.width();
        if to < end {
            self.resize(end, to, memory);
        }
    }

    /// Splits the items that `leaves` off into a bucket of their own.
    pub fn split(&mut self, leaves: impl Fn(&[u8]) -> bool, memory: &mut usize) -> Self {
        let marks: Vec<bool> = self.items().map(|item| leaves(item.field)).collect();
        let of = |wanted: bool| {
            let marked = self.raw_items().zip(&marks);
            marked.filter_map(move |(raw, leaves)| (*leaves == wanted).then_some(raw))
        };
        let (stays, left) = (
            Self::build(of(false), memory),
            Self::build(of(true), memory),
        );
        self.replace(stays, memory);
        left
    }

    /// Takes over all items of another bucket.
    pub fn append(&mut self, other: Self, memory: &mut usize) {
        let joined = Self::build(self.raw_items().chain(other.raw_items()), memory);
        self.replace(joined, memory);
        other.release(memory);
    }

    /// A copy with blobs of its own.
    pub fn duplicate(&self, memory: &mut usize) -> Self {
        let mut copy = Self::build(self.raw_items(), memory);
        let (count, end) = (self.count(), self.end());
        if count == 0 {
            return copy;
        }
        let mut at = COUNT_BYTES + count * Self::STRIDE;
        for index in 0..count * Self::STRIDE {
            // Widths are every byte of the heads but the first of each.
            let width = match index % Self::STRIDE {
                0 => continue,
                _ => self.heads()[index],
            };
            if width == FAR {
                let own = Part::new(self.text(at, width), memory);
                copy.bytes_mut(end)[at..][..own.bytes().len()].copy_from_slice(own.bytes());
            }
            at += part_bytes(width);
        }
        copy
    }

    /// Frees all items, and returns how many they were.
    pub fn free(self, memory: &mut usize) -> usize {
        let heads = self.heads();
        let mut at = COUNT_BYTES + heads.len();
        for head in heads.chunks_exact(Self::STRIDE) {
            self.free_item(at, head, memory);
            at += data_bytes(head);
        }
        let count = self.count();
        self.release(memory);
        count
    }

    /// A bucket of these items, whose blobs become its own.
    fn build<'a>(items: impl Iterator<Item = Raw<'a>> + Clone, memory: &mut usize) -> Self {
        let count = items.clone().count();
        let mut bucket = Self::default();
        if count == 0 {
            return bucket;
        }
        let sizes = items.clone().map(|raw| raw.head.len() + raw.data.len());
        let end = COUNT_BYTES + sizes.sum::<usize>();
        bucket.resize(0, end, memory);
        let bytes = bucket.bytes_mut(end);
        let (heads, mut rest) = bytes[COUNT_BYTES..].split_at_mut(count * Self::STRIDE);
        for (raw, head) in items.zip(heads.chunks_exact_mut(Self::STRIDE)) {
            head.copy_from_slice(raw.head);
            let (data, behind) = rest.split_at_mut(raw.data.len());
            data.copy_from_slice(raw.data);
            rest = behind;
        }
        set_count(bytes, count);
        bucket
    }

    /// Puts another bucket in the place of this one, whose items it has taken over.
    fn replace(&mut self, by: Self, memory: &mut usize) {
        std::mem::replace(self, by).release(memory);
    }

    /// Frees the allocation, not the blobs.
    fn release(mut self, memory: &mut usize) {
        self.resize(self.end(), 0, memory);
    }

    fn raw_items(&self) -> impl Iterator<Item = Raw<'_>> + Clone {
        let heads = self.heads();
        let mut at = COUNT_BYTES + heads.len();
        heads.chunks_exact(Self::STRIDE).map(move |head| {
            let data = self.slice(at, data_bytes(head));
            at += data.len();
            Raw { head, data }
        })
    }

    #[inline]
    fn heads(&self) -> &[u8] {
        match self.0 {
            None => &[],
            Some(_) => self.slice(COUNT_BYTES, self.count() * Self::STRIDE),
        }
    }

    #[inline]
    fn item_at(&self, at: usize, head: &[u8]) -> Item<'_> {
        Item {
            field: self.text(at, head[1]),
            value: match VALUES {
                true => self.text(at + part_bytes(head[1]), head[2]),
                false => &[],
            },
        }
    }

    /// The field or value of this width at `at`.
    #[inline]
    fn text(&self, at: usize, width: u8) -> &[u8] {
        let bytes = self.slice(at, part_bytes(width));
        match width {
            // SAFETY: a part of this width is the address of a blob, which lives as long as the
            // bucket is not changed.
            FAR => unsafe { Blob::at(address(bytes)).bytes() },
            _ => bytes,
        }
    }

    /// Frees the blobs of an item, which is then to be taken out of the bucket.
    fn free_item(&self, at: usize, head: &[u8], memory: &mut usize) {
        self.free_part(at, head[1], memory);
        self.free_part(at + part_bytes(head[1]), value_width(head), memory);
    }

    fn free_part(&self, at: usize, width: u8, memory: &mut usize) {
        if width == FAR {
            // SAFETY: a part of this width is the address of a blob, and who frees a part takes it
            // out of the bucket.
            unsafe {
                let blob = Blob::at(address(self.slice(at, Blob::ADDRESS_BYTES)));
                *memory -= blob.memory();
                blob.free();
            }
        }
    }

    /// Bytes in use.
    fn end(&self) -> usize {
        let heads = self.heads();
        match heads {
            [] => 0,
            _ => {
                let data = heads.chunks_exact(Self::STRIDE).map(data_bytes);
                COUNT_BYTES + heads.len() + data.sum::<usize>()
            }
        }
    }

    #[inline]
    fn slice(&self, at: usize, len: usize) -> &[u8] {
        let memory = self.0.expect("a bucket with items has memory");
        // SAFETY: the ranges asked for follow from count and heads, and are initialised.
        unsafe { slice::from_raw_parts(memory.as_ptr().add(at), len) }
    }

    /// The first `end` bytes, which must be in use, or have come by `resize`.
    fn bytes_mut(&mut self, end: usize) -> &mut [u8] {
        let memory = self.0.expect("a bucket with items has memory");
        // SAFETY: so many bytes are allocated and initialised.
        unsafe { slice::from_raw_parts_mut(memory.as_ptr(), end) }
    }

    /// Changes the size from `from` bytes to `to`, the added ones zero.
    fn resize(&mut self, from: usize, to: usize, memory: &mut usize) {
        let (old, resized) = (layout(from), layout(to));
        if old.size() != resized.size() {
            self.0 = match (self.0, to) {
                (None, 0) => None,
                // SAFETY: the size is not zero.
                (None, _) => Some(allocated(unsafe { alloc(resized) }, resized)),
                (Some(bytes), 0) => {
                    // SAFETY: the bucket was allocated with the old layout.
                    unsafe { dealloc(bytes.as_ptr(), old) };
                    None
                }
                (Some(bytes), _) => {
                    // SAFETY: the bucket was allocated with the old layout; no size is zero.
                    let moved = unsafe { realloc(bytes.as_ptr(), old, resized.size()) };
                    Some(allocated(moved, resized))
                }
            };
            *memory = *memory + resized.size() - old.size();
        }
        if let (Some(bytes), Some(added)) = (self.0, to.checked_sub(from)) {
            // SAFETY: `to` bytes are allocated.
            unsafe { bytes.add(from).write_bytes(0, added) };
        }
    }
}

/// An item as it lies in the bucket.
#[derive(Clone, Copy)]
struct Raw<'a> {
    head: &'a [u8],
    data: &'a [u8],
}

/// A field or value on its way into a bucket.
enum Part<'a> {
    Near(&'a [u8]),
    Far([u8; Blob::ADDRESS_BYTES]),
}

impl<'a> Part<'a> {
    fn new(bytes: &'a [u8], memory: &mut usize) -> Part<'a> {
        if bytes.len() <= NEAR_BYTES_MAX {
            return Part::Near(bytes);
        }
        let blob = Blob::new(bytes);
        *memory += blob.memory();
        Part::Far(blob.address())
    }

    fn width(&self) -> u8 {
        match self {
            Part::Near(bytes) => bytes.len() as u8,
            Part::Far(_) => FAR,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Part::Near(bytes) => bytes,
            Part::Far(address) => address,
        }
    }
}

/// How many bytes of a bucket a part of this width takes.
#[inline]
fn part_bytes(width: u8) -> usize {
    match width {
        FAR => Blob::ADDRESS_BYTES,
        near => usize::from(near),
    }
}

/// How many bytes of a bucket the item with this head takes.
#[inline]
fn data_bytes(head: &[u8]) -> usize {
    part_bytes(head[1]) + part_bytes(value_width(head))
}

#[inline]
fn value_width(head: &[u8]) -> u8 {
    head.get(2).copied().unwrap_or(0)
}

fn address(bytes: &[u8]) -> [u8; Blob::ADDRESS_BYTES] {
    bytes.try_into().expect("an address is as long as it is")
}

fn set_count(bytes: &mut [u8], count: usize) {
    let count = u16::try_from(count).expect("hashes spread over the buckets");
    bytes[..COUNT_BYTES].copy_from_slice(&count.to_le_bytes());
}

fn layout(bytes: usize) -> Layout {
    let size = if bytes == 0 { 0 } else { class(bytes) };
    Layout::from_size_align(size, 8).expect("a bucket is small")
}

fn allocated(memory: *mut u8, layout: Layout) -> NonNull<u8> {
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}
