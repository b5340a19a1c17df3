//! A key, its value, its expiry and its eviction data, in one allocation.
//!
//! ```text
//!   bytes   4        8 if it expires   1, 2 or 9   n     1, 2 or 9   m, or 8
//!          │ meta   │ expiry          │ length    │ key │ length    │ value    │
//!
//!   meta   kind:4  word:1  raw or large:1  expires:1  changed:1  access:24
//! ```
//!
//! * A string's value lies in the entry, however long it is: a small one costs one cache miss, and
//!   a large one grows by `realloc`, which the allocator does in place or by steps of a fifth.
//! * A string that reads as a 64-bit integer is kept as one (`int`), without a length.
//! * A collection lies elsewhere: the value is a word that leads there, without a length, and the
//!   bit that tells its two encodings apart is in the meta word (`entry/collection.rs`).
//! * Lengths below 128 take one byte, below 16,384 two, others nine.
//! * `changed` is the snapshot's: see `snapshot.rs`. It belongs to the entry's place in its table,
//!   so it stays when the entry there is exchanged, and a copy or a new name does not have it.
//! * The allocation's size is the length rounded up to 8, so a value of about the same length is
//!   overwritten where it lies.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;
use std::slice;

use datatypes::Text;
use datatypes::table::{Thin, prefetch};
use stdx::number::parse_i64;
use stdx::time::UnixMillis;

use crate::kind::Kind;

mod collection;
mod copies;

pub use copies::Copies;

/// Strings up to this length are `embstr` to clients, longer ones `raw`.
pub const EMBSTR_BYTES_MAX: usize = 44;

/// The longest text that is tried as an integer.
const INT_TEXT_BYTES_MAX: usize = 20;

/// What a small entry takes: 16 bytes of key and 16 of value.
const SMALL_BYTES: usize = 40;

const META_BYTES: usize = 4;
const EXPIRY_BYTES: usize = 8;
const WORD_BYTES: usize = 8;

const KIND: u32 = 0xf;
/// The value is eight bytes without a length: an integer, or the way to a collection.
const WORD: u32 = 1 << 4;
/// A string that was changed in part.
const RAW: u32 = 1 << 5;
/// A collection in its large encoding.
const LARGE: u32 = 1 << 5;
const EXPIRES: u32 = 1 << 6;
/// Not what it was when the snapshot was marked that has not come to its slot yet.
const CHANGED: u32 = 1 << 7;
const ACCESS_SHIFT: u32 = 8;

/// An owned key and value.
pub struct Entry(NonNull<u8>);

// SAFETY: an entry owns its allocation and shares nothing.
unsafe impl Send for Entry {}
// SAFETY: a shared entry is only read.
unsafe impl Sync for Entry {}

// SAFETY: entries are aligned to 8, and user space has 47 or 48 bits of addresses.
unsafe impl Thin for Entry {
    fn into_raw(self) -> NonNull<u8> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    /// # Safety
    /// `raw` came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Entry(raw)
    }

    fn prefetch(raw: NonNull<u8>) {
        prefetch(raw.as_ptr());
        // A small entry may begin in one cache line and end in the next.
        prefetch(raw.as_ptr().wrapping_add(SMALL_BYTES - 1));
    }
}

/// Where the parts of an entry lie, from its first byte.
#[derive(Clone, Copy)]
struct Shape {
    key: usize,
    key_len: usize,
    value: usize,
    value_len: usize,
}

impl Shape {
    fn end(self) -> usize {
        self.value + self.value_len
    }
}

impl Entry {
    /// A string. Text that reads as an integer is kept as one.
    pub fn string(key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Entry {
        match text_as_int(value) {
            Some(number) => Entry::int(key, number, expiry),
            None => Entry::bytes(key, value, expiry),
        }
    }

    pub fn int(key: &[u8], number: i64, expiry: Option<UnixMillis>) -> Entry {
        Entry::build(key, WORD, &number.to_le_bytes(), expiry)
    }

    /// A string that is kept as bytes, whatever it reads as.
    pub fn bytes(key: &[u8], value: &[u8], expiry: Option<UnixMillis>) -> Entry {
        Entry::build(key, 0, value, expiry)
    }

    fn build(key: &[u8], flags: u32, value: &[u8], expiry: Option<UnixMillis>) -> Entry {
        let is_int = flags & WORD != 0;
        let expiry_bytes = if expiry.is_some() { EXPIRY_BYTES } else { 0 };
        let value_header = if is_int { 0 } else { length_bytes(value.len()) };
        let head = META_BYTES + expiry_bytes + length_bytes(key.len());
        let size = head + key.len() + value_header + value.len();
        let mut entry = Entry(allocate(size));
        let flags = flags | if expiry.is_some() { EXPIRES } else { 0 };
        let mut writer = Writer {
            at: entry.0.as_ptr(),
        };
        // SAFETY: the parts written add up to `size`, which was allocated.
        unsafe {
            writer.put(&flags.to_le_bytes());
            if let Some(at) = expiry {
                writer.put(&at.0.to_le_bytes());
            }
            writer.length(key.len());
            writer.put(key);
            if !is_int {
                writer.length(value.len());
            }
            writer.put(value);
        }
        debug_assert_eq!(entry.shape().end(), size);
        entry.set_access(0);
        entry
    }

    #[inline]
    fn meta(&self) -> u32 {
        // SAFETY: every entry begins with its meta word.
        u32::from_le(unsafe { self.0.cast::<u32>().read() })
    }

    fn set_meta(&mut self, meta: u32) {
        // SAFETY: as in `meta`.
        unsafe { self.0.cast::<u32>().write(meta.to_le()) };
    }

    #[inline]
    fn shape(&self) -> Shape {
        let meta = self.meta();
        let at = META_BYTES + if meta & EXPIRES != 0 { EXPIRY_BYTES } else { 0 };
        let (key_len, header) = self.length_at(at);
        let key = at + header;
        let behind = key + key_len;
        if meta & WORD != 0 {
            return Shape {
                key,
                key_len,
                value: behind,
                value_len: WORD_BYTES,
            };
        }
        let (value_len, header) = self.length_at(behind);
        Shape {
            key,
            key_len,
            value: behind + header,
            value_len,
        }
    }

    /// The length written at `at`, and how many bytes it takes.
    #[inline]
    fn length_at(&self, at: usize) -> (usize, usize) {
        // SAFETY: `shape` passes only places where `build` or `resize` wrote a length.
        unsafe {
            let first = self.0.add(at);
            match first.read() {
                short @ 0..0x80 => (usize::from(short), 1),
                0xff => {
                    let long = first.add(1).cast::<[u8; 8]>().read();
                    (u64::from_le_bytes(long) as usize, 9)
                }
                high => (
                    usize::from(high & 0x3f) << 8 | usize::from(first.add(1).read()),
                    2,
                ),
            }
        }
    }

    fn slice(&self, start: usize, len: usize) -> &[u8] {
        // SAFETY: callers pass ranges of `shape`, which are initialised.
        unsafe { slice::from_raw_parts(self.0.add(start).as_ptr(), len) }
    }

    #[inline]
    pub fn key(&self) -> &[u8] {
        let at = META_BYTES
            + if self.meta() & EXPIRES != 0 {
                EXPIRY_BYTES
            } else {
                0
            };
        let (len, header) = self.length_at(at);
        self.slice(at + header, len)
    }

    pub fn kind(&self) -> Kind {
        Kind::of_number(self.meta() & KIND)
    }

    /// The string. Of no other kind.
    #[inline]
    pub fn text(&self) -> Text<'_> {
        debug_assert!(self.meta() & KIND == 0, "a collection is no text");
        let shape = self.shape();
        let bytes = self.slice(shape.value, shape.value_len);
        if self.meta() & WORD == 0 {
            return Text::Bytes(bytes);
        }
        Text::Int(i64::from_le_bytes(
            bytes.try_into().expect("an integer takes eight bytes"),
        ))
    }

    /// The encoding, as `OBJECT ENCODING` names it.
    pub fn encoding(&self) -> &'static str {
        let meta = self.meta();
        if meta & KIND != 0 {
            return self.with_any(|collection| collection.encoding());
        }
        match self.text() {
            Text::Int(_) => "int",
            Text::Bytes(_) if self.is_raw() => "raw",
            Text::Bytes(_) => "embstr",
        }
    }

    /// Whether a string is `raw` to clients: long, or changed in part.
    pub fn is_raw(&self) -> bool {
        match self.text() {
            Text::Int(_) => false,
            Text::Bytes(bytes) => self.meta() & RAW != 0 || bytes.len() > EMBSTR_BYTES_MAX,
        }
    }

    #[inline]
    pub fn expiry(&self) -> Option<UnixMillis> {
        if self.meta() & EXPIRES == 0 {
            return None;
        }
        // SAFETY: an entry that expires has its expiry behind the meta word.
        let bytes = unsafe { self.0.add(META_BYTES).cast::<[u8; 8]>().read() };
        Some(UnixMillis(i64::from_le_bytes(bytes)))
    }

    /// Bytes the entry and its value take, before the allocator rounds them up.
    pub fn memory(&self) -> usize {
        let own = rounded(self.shape().end());
        match self.kind() {
            Kind::String => own,
            _ => own + self.with_any(|collection| collection.memory()),
        }
    }

    /// The 24 bits that eviction keeps about the last uses.
    pub fn access(&self) -> u32 {
        self.meta() >> ACCESS_SHIFT
    }

    pub fn set_access(&mut self, access: u32) {
        debug_assert!(access < 1 << 24, "access data has 24 bits");
        self.set_meta(self.meta() & 0xff | access << ACCESS_SHIFT);
    }

    /// Whether the entry was changed since a snapshot was marked that has not come to its slot yet.
    #[inline]
    pub(crate) fn is_changed(&self) -> bool {
        self.meta() & CHANGED != 0
    }

    #[inline]
    pub(crate) fn set_changed(&mut self, changed: bool) {
        let bit = if changed { CHANGED } else { 0 };
        self.set_meta(self.meta() & !CHANGED | bit);
    }

    /// Becomes the one in the place of an entry that was `changed` or not, used as `access` says.
    #[inline]
    pub(crate) fn succeed(&mut self, changed: bool, access: u32) {
        self.set_access(access);
        self.set_changed(changed);
    }

    /// The same entry under another key.
    pub fn renamed(mut self, key: &[u8]) -> Entry {
        let entry = self.with_key(key);
        self.forget_collection();
        entry
    }

    /// A copy under another key, or the same.
    pub fn duplicate(&self, key: &[u8]) -> Entry {
        let mut entry = self.with_key(key);
        entry.own_collection();
        entry
    }

    /// An entry with another key and the same value, bit for bit: a collection has two owners then,
    /// until one of them gives it up or copies it.
    fn with_key(&self, key: &[u8]) -> Entry {
        let shape = self.shape();
        let value = self.slice(shape.value, shape.value_len);
        let meta = self.meta();
        let mut entry = Entry::build(key, meta & (KIND | WORD | RAW), value, self.expiry());
        entry.set_access(self.access());
        entry
    }

    /// The same entry with another expiry, or none.
    pub fn with_expiry(mut self, expiry: Option<UnixMillis>) -> Entry {
        if expiry.is_some() != self.expiry().is_some() {
            let end = self.shape().end();
            let (old_head, new_head) = match expiry {
                Some(_) => (META_BYTES, META_BYTES + EXPIRY_BYTES),
                None => (META_BYTES + EXPIRY_BYTES, META_BYTES),
            };
            let (tail, grown) = (end - old_head, end.max(end - old_head + new_head));
            self.reallocate(end, grown);
            // SAFETY: both ranges lie within the larger of the two lengths.
            unsafe {
                let start = self.0.as_ptr();
                std::ptr::copy(start.add(old_head), start.add(new_head), tail);
            }
            self.reallocate(grown, tail + new_head);
            self.set_meta(self.meta() ^ EXPIRES);
        }
        if let Some(at) = expiry {
            // SAFETY: an entry that expires has its expiry behind the meta word.
            unsafe {
                self.0
                    .add(META_BYTES)
                    .cast::<[u8; 8]>()
                    .write(at.0.to_le_bytes())
            };
        }
        self
    }

    /// The same entry with another value, which becomes an integer if it reads as one.
    pub fn with_string(self, value: &[u8]) -> Entry {
        match text_as_int(value) {
            Some(number) => self.with_int(number),
            None => self.with_bytes(value),
        }
    }

    /// The same entry with another value, kept as bytes whatever it reads as.
    pub fn with_bytes(self, value: &[u8]) -> Entry {
        let mut entry = self.with_len(value.len());
        entry.set_meta(entry.meta() & !RAW);
        entry.bytes_mut().copy_from_slice(value);
        entry
    }

    pub fn with_int(mut self, number: i64) -> Entry {
        let meta = self.meta();
        if meta & WORD == 0 {
            let expiry = self.expiry();
            let mut entry = Entry::int(self.key(), number, expiry);
            entry.succeed(self.is_changed(), self.access());
            return entry;
        }
        let start = self.shape().value;
        // SAFETY: an integer's eight bytes lie at its value.
        unsafe {
            self.0
                .add(start)
                .cast::<[u8; 8]>()
                .write(number.to_le_bytes())
        };
        self.set_meta(meta & !RAW);
        self
    }

    /// The same string as bytes, cut off or filled with zeros to `len` bytes.
    pub fn with_len(mut self, len: usize) -> Entry {
        let shape = self.shape();
        if self.meta() & WORD != 0 {
            return self.int_as_bytes().with_len(len);
        }
        let header = length_bytes(len);
        let old_header = shape.value - shape.key - shape.key_len;
        let start = shape.key + shape.key_len;
        let (old_end, end) = (shape.end(), start + header + len);
        let grown = end.max(start + header + shape.value_len).max(old_end);
        if grown > rounded(old_end) {
            self.reallocate(old_end, grown);
        }
        // SAFETY: `grown` covers the value at its old place and at its new one.
        unsafe {
            let base = self.0.as_ptr().add(start);
            if header != old_header {
                std::ptr::copy(
                    base.add(old_header),
                    base.add(header),
                    shape.value_len.min(len),
                );
            }
            Writer { at: base }.length(len);
            if let Some(zeros) = len.checked_sub(shape.value_len) {
                base.add(header + shape.value_len).write_bytes(0, zeros);
            }
        }
        self.reallocate(grown.max(old_end), end);
        self
    }

    fn int_as_bytes(self) -> Entry {
        let Text::Int(number) = self.text() else {
            return self;
        };
        let text = stdx::number::text(number);
        let mut entry = Entry::bytes(self.key(), &text, self.expiry());
        entry.succeed(self.is_changed(), self.access());
        entry
    }

    /// The bytes of a string that is not kept as an integer.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        debug_assert!(self.meta() & WORD == 0, "an integer has no text");
        let shape = self.shape();
        // SAFETY: the value's bytes are initialised and ours.
        unsafe { slice::from_raw_parts_mut(self.0.add(shape.value).as_ptr(), shape.value_len) }
    }

    /// Marks a string that was changed in part: its encoding is `raw`, however short it is.
    pub fn mark_raw(&mut self) {
        self.set_meta(self.meta() | RAW);
    }

    fn reallocate(&mut self, from: usize, to: usize) {
        let (old, new) = (layout(from), layout(to));
        if old.size() != new.size() {
            // SAFETY: the entry was allocated with the old layout, and no size is zero.
            let moved = unsafe { realloc(self.0.as_ptr(), old, new.size()) };
            self.0 = NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(new));
        }
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        if self.meta() & KIND != 0 {
            self.drop_collection();
        }
        // SAFETY: the entry was allocated with the layout of its shape.
        unsafe { dealloc(self.0.as_ptr(), layout(self.shape().end())) };
    }
}

/// Writes the parts of an entry one behind the other.
struct Writer {
    at: *mut u8,
}

impl Writer {
    /// # Safety
    /// There is room for `bytes`.
    unsafe fn put(&mut self, bytes: &[u8]) {
        // SAFETY: the caller's promise; a slice never overlaps memory that is being written.
        unsafe {
            self.at
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            self.at = self.at.add(bytes.len());
        }
    }

    /// # Safety
    /// There is room for `length_bytes(len)` bytes.
    unsafe fn length(&mut self, len: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match length_bytes(len) {
                1 => self.put(&[len as u8]),
                2 => self.put(&[0x80 | (len >> 8) as u8, len as u8]),
                _ => {
                    self.put(&[0xff]);
                    self.put(&(len as u64).to_le_bytes());
                }
            }
        }
    }
}

fn text_as_int(text: &[u8]) -> Option<i64> {
    if text.len() > INT_TEXT_BYTES_MAX {
        None
    } else {
        parse_i64(text)
    }
}

fn length_bytes(len: usize) -> usize {
    match len {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        _ => 9,
    }
}

fn rounded(size: usize) -> usize {
    size.next_multiple_of(8)
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(rounded(size), 8).expect("a string is shorter than the address space")
}

fn allocate(size: usize) -> NonNull<u8> {
    let layout = layout(size);
    // SAFETY: the size is not zero, for every entry has a meta word.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cfg(test)]
mod tests;
