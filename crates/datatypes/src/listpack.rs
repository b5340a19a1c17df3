//! Elements one behind the other, as Redis keeps small collections in memory and in its dumps.
//!
//! ```text
//!   4 bytes        2 bytes                                              1 byte
//!  │ all bytes    │ elements │ element │ its length │ element │ ‥ │ ‥ │ ff │
//! ```
//!
//! The length behind an element lets one walk from either end. 65535 elements and more are not
//! counted in the header: one has to walk. What an element looks like is told in `element.rs`.
//!
//! A [`Listpack`] is one pointer, for the header knows the size. Every change moves what lies
//! behind it, so whoever uses listpacks keeps them small.

use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;

use crate::Text;
use block::{Block, HEADER};
use element::Encoded;

mod block;
mod distinct;
mod element;

const END: u8 = 0xff;
const EMPTY: [u8; Listpack::EMPTY_BYTES] = [Listpack::EMPTY_BYTES as u8, 0, 0, 0, 0, 0, END];

/// The header's count of elements when there are this many or more, or when nobody counted.
const UNCOUNTED: u16 = u16::MAX;

/// An element and its length behind take two bytes at least.
const ELEMENT_BYTES_MIN: usize = 2;

/// Small elements in one piece of memory.
#[derive(Clone)]
pub struct Listpack(Block);

/// The place of an element in a listpack. A change at or before it makes it meaningless, unless
/// the change says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(usize);

/// Bytes that are not in the encoding they were read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid;

impl Listpack {
    /// Bytes of a listpack without elements.
    pub const EMPTY_BYTES: usize = HEADER + 1;

    pub fn new() -> Listpack {
        Listpack(Block::new(&EMPTY))
    }

    /// A copy of `bytes`, if every one of them is as it must be.
    pub fn from_bytes(bytes: &[u8]) -> Result<Listpack, Invalid> {
        let [a, b, c, d, e, f, elements @ .., END] = bytes else {
            return Err(Invalid);
        };
        if u32::from_le_bytes([*a, *b, *c, *d]) as usize != bytes.len() {
            return Err(Invalid);
        }
        let (mut rest, mut count) = (elements, 0);
        while !rest.is_empty() {
            rest = behind_valid(rest).ok_or(Invalid)?;
            count += 1;
        }
        match u16::from_le_bytes([*e, *f]) {
            UNCOUNTED => {}
            claimed if usize::from(claimed) == count => {}
            _ => return Err(Invalid),
        }
        Ok(Listpack(Block::new(bytes)))
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// How many bytes [`Listpack::as_bytes`] has.
    #[inline]
    pub fn bytes_len(&self) -> usize {
        self.0.len()
    }

    /// Bytes of the allocation.
    pub fn memory(&self) -> usize {
        self.0.memory()
    }

    /// How many bytes an element takes in a listpack.
    pub fn size_of(text: Text<'_>) -> usize {
        element::size_of(text)
    }

    pub fn len(&self) -> usize {
        match self.0.count() {
            UNCOUNTED => self.iter().count(),
            count => usize::from(count),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes_len() == Listpack::EMPTY_BYTES
    }

    pub fn into_raw(self) -> NonNull<u8> {
        self.0.into_raw()
    }

    /// # Safety
    /// `raw` came from [`Listpack::into_raw`], and ownership passes to the result.
    pub unsafe fn from_raw(raw: NonNull<u8>) -> Listpack {
        // SAFETY: the caller's promise.
        Listpack(unsafe { Block::from_raw(raw) })
    }
}

/// What lies behind the first element, if that is one and the length behind it is its own.
fn behind_valid(bytes: &[u8]) -> Option<&[u8]> {
    let (_, len) = element::decode(bytes)?;
    let back = element::back_bytes(len);
    let behind = bytes.get(len + back..)?;
    (element::read_back(&bytes[..len + back]) == Some((len, back))).then_some(behind)
}

/// Reading.
impl Listpack {
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        let bytes = self.as_bytes();
        Iter {
            bytes,
            front: HEADER,
            back: bytes.len() - 1,
        }
    }

    /// The element at `index`, counted from the end if it is negative.
    pub fn get(&self, index: isize) -> Option<Text<'_>> {
        self.seek(index).map(|at| self.read(at))
    }

    /// The place of the element at `index`, counted from the end if it is negative.
    pub fn seek(&self, index: isize) -> Option<Position> {
        let mut iter = self.iter();
        let from_end = match self.0.count() {
            UNCOUNTED if index >= 0 => {
                let before = iter.by_ref().take(index as usize).count();
                return self.real(iter.front).filter(|_| before == index as usize);
            }
            UNCOUNTED => index.unsigned_abs(),
            count => {
                let count = isize::try_from(count).expect("16 bits fit");
                let ahead = if index < 0 { index + count } else { index };
                if !(0..count).contains(&ahead) {
                    return None;
                }
                if ahead <= count / 2 {
                    iter.by_ref().take(ahead as usize).for_each(drop);
                    return self.real(iter.front);
                }
                (count - ahead) as usize
            }
        };
        let seen = iter.by_ref().rev().take(from_end).count();
        (seen == from_end).then_some(Position(iter.back))
    }

    /// The element at a place.
    #[inline]
    pub fn read(&self, at: Position) -> Text<'_> {
        let (text, _) = element::decode(&self.as_bytes()[at.0..]).expect("elements are valid");
        text
    }

    /// How many bytes the element at a place takes.
    pub fn size_at(&self, at: Position) -> usize {
        behind(self.as_bytes(), at.0) - at.0
    }

    pub fn first(&self) -> Option<Position> {
        self.real(HEADER)
    }

    pub fn last(&self) -> Option<Position> {
        self.previous(self.end())
    }

    /// The place behind the last element.
    pub fn end(&self) -> Position {
        Position(self.bytes_len() - 1)
    }

    #[inline]
    pub fn next(&self, at: Position) -> Option<Position> {
        self.real(behind(self.as_bytes(), at.0))
    }

    #[inline]
    pub fn previous(&self, at: Position) -> Option<Position> {
        (at.0 > HEADER).then(|| Position(before(self.as_bytes(), at.0)))
    }

    fn real(&self, at: usize) -> Option<Position> {
        (at + 1 < self.bytes_len()).then_some(Position(at))
    }

    /// The first element from `from` on that is `wanted`, looking at every `step`th only: so a
    /// value that looks like a field is none.
    pub fn find(&self, from: Option<Position>, wanted: Text<'_>, step: usize) -> Option<Position> {
        let (wanted, bytes) = (wanted.shortest(), self.as_bytes());
        let (mut at, end) = (from?.0, bytes.len() - 1);
        while at < end {
            let (text, len) = element::decode(&bytes[at..]).expect("elements are valid");
            if text.is_same(wanted) {
                return Some(Position(at));
            }
            at += len + element::back_bytes(len);
            for _ in 1..step {
                if at < end {
                    at = behind(bytes, at);
                }
            }
        }
        None
    }

    /// Whether the element at a place is `wanted`.
    pub fn is_at(&self, at: Position, wanted: Text<'_>) -> bool {
        self.read(at).is_same(wanted.shortest())
    }
}

/// Where the element behind the one at `at` lies.
#[inline]
fn behind(bytes: &[u8], at: usize) -> usize {
    let len = element::len_of(&bytes[at..]).expect("elements are valid");
    at + len + element::back_bytes(len)
}

/// Where the element before the one at `at` lies.
#[inline]
fn before(bytes: &[u8], at: usize) -> usize {
    let (len, back) = element::read_back(&bytes[..at]).expect("elements are valid");
    at - len - back
}

/// Changing.
impl Listpack {
    pub fn push_front(&mut self, text: Text<'_>) {
        self.insert(Position(HEADER), text);
    }

    pub fn push_back(&mut self, text: Text<'_>) {
        self.insert(self.end(), text);
    }

    /// Adds an element before the one at `at`, which then is the place of the added one.
    pub fn insert(&mut self, at: Position, text: Text<'_>) {
        self.put(at.0..at.0, text);
        self.count_changed(1, 0);
    }

    /// Adds an element behind the one at `at`, which stays its place.
    pub fn insert_behind(&mut self, at: Position, text: Text<'_>) {
        self.insert(Position(behind(self.as_bytes(), at.0)), text);
    }

    /// Puts another element at a place.
    pub fn replace(&mut self, at: Position, text: Text<'_>) {
        self.put(at.0..behind(self.as_bytes(), at.0), text);
    }

    fn put(&mut self, old: Range<usize>, text: Text<'_>) {
        self.0.splice(old, &Encoded::new(text).parts());
    }

    /// Takes the element at `at` away; the one behind comes in its place.
    pub fn remove(&mut self, at: Position) {
        self.remove_range(at, 1);
    }

    /// Takes up to `count` elements from `at` on away. Returns how many there were.
    pub fn remove_range(&mut self, at: Position, count: usize) -> usize {
        let (end, removed) = self.pass(at, count);
        self.0.splice(at.0..end, &[]);
        self.count_changed(0, removed);
        removed
    }

    /// Where up to `count` elements from `at` on end, and how many there are.
    fn pass(&self, at: Position, count: usize) -> (usize, usize) {
        let (mut end, mut passed) = (at.0, 0);
        while passed < count && end + 1 < self.bytes_len() {
            end = behind(self.as_bytes(), end);
            passed += 1;
        }
        (end, passed)
    }

    /// Takes away what `keep` does not want to keep. Returns how many those were.
    pub fn retain(&mut self, mut keep: impl FnMut(Text<'_>) -> bool) -> usize {
        let end = self.end().0;
        let (mut at, mut kept, mut removed) = (HEADER, HEADER, 0);
        while at < end {
            let next = behind(self.as_bytes(), at);
            if !keep(self.read(Position(at))) {
                removed += 1;
            } else {
                if removed > 0 {
                    self.0.move_back(at..next, kept);
                }
                kept += next - at;
            }
            at = next;
        }
        self.0.splice(kept..end, &[]);
        self.count_changed(0, removed);
        removed
    }

    /// A copy of up to `count` elements from `at` on.
    pub fn copy(&self, at: Position, count: usize) -> Listpack {
        let (end, passed) = self.pass(at, count);
        let mut copy = Listpack::new();
        copy.append_bytes(&self.as_bytes()[at.0..end]);
        copy.count_changed(passed, 0);
        copy
    }

    /// Cuts off everything from `at` on and returns it.
    pub fn split_off(&mut self, at: Position) -> Listpack {
        let tail = self.copy(at, usize::MAX);
        self.remove_range(at, usize::MAX);
        tail
    }

    /// Adds all elements of another listpack at the end.
    pub fn append(&mut self, other: &Listpack) {
        self.append_bytes(&other.as_bytes()[HEADER..other.end().0]);
        match other.0.count() {
            UNCOUNTED => self.0.set_count(UNCOUNTED),
            count => self.count_changed(usize::from(count), 0),
        }
    }

    fn append_bytes(&mut self, elements: &[u8]) {
        let end = self.end().0;
        self.0.splice(end..end, &[elements]);
    }

    fn count_changed(&mut self, more: usize, less: usize) {
        let count = match self.0.count() {
            // So few bytes cannot hold too many to be counted.
            UNCOUNTED if self.bytes_len() < usize::from(UNCOUNTED) * ELEMENT_BYTES_MIN => {
                self.iter().count()
            }
            UNCOUNTED => return,
            count => usize::from(count) + more - less,
        };
        self.0.set_count(count.try_into().unwrap_or(UNCOUNTED));
    }
}

impl Default for Listpack {
    fn default() -> Listpack {
        Listpack::new()
    }
}

impl fmt::Debug for Listpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl PartialEq for Listpack {
    fn eq(&self, other: &Listpack) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Listpack {}

impl<'a> IntoIterator for &'a Listpack {
    type Item = Text<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The elements of a listpack, from either end.
#[derive(Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Text<'a>;

    #[inline]
    fn next(&mut self) -> Option<Text<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (text, len) = element::decode(&self.bytes[self.front..]).expect("elements are valid");
        self.front += len + element::back_bytes(len);
        Some(text)
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Text<'a>> {
        if self.front >= self.back {
            return None;
        }
        self.back = before(self.bytes, self.back);
        let (text, _) = element::decode(&self.bytes[self.back..]).expect("elements are valid");
        Some(text)
    }
}

#[cfg(test)]
mod tests;
