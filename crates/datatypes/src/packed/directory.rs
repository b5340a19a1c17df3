//! Where the buckets of a packed table are: an array that grows at its end, and of which no step
//! moves more than a few KiB.
//!
//! A segment holds 512 buckets, a page 512 segments; the pages of a table of a thousand million
//! items fill 6 KiB. Of a small table there is one segment, as long as it needs to be.

use super::bucket::Bucket;

const SEGMENT_BUCKETS: usize = 512;
const PAGE_SEGMENTS: usize = 512;

type Segment<const VALUES: bool> = Vec<Bucket<VALUES>>;

pub(super) struct Directory<const VALUES: bool> {
    pages: Vec<Vec<Segment<VALUES>>>,
    len: u32,
    /// No bucket holds or held more items.
    fullest: u32,
}

impl<const VALUES: bool> Default for Directory<VALUES> {
    fn default() -> Self {
        Directory {
            pages: Vec::new(),
            len: 0,
            fullest: 0,
        }
    }
}

impl<const VALUES: bool> Directory<VALUES> {
    pub fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub fn fullest(&self) -> u32 {
        self.fullest
    }

    /// Notes how many items a bucket has come to hold.
    #[inline]
    pub fn note(&mut self, count: usize) {
        self.fullest = self.fullest.max(count as u32);
    }

    #[inline]
    pub fn get(&self, at: u32) -> &Bucket<VALUES> {
        let (page, segment, within) = parts(at);
        &self.pages[page][segment][within]
    }

    #[inline]
    pub fn get_mut(&mut self, at: u32) -> &mut Bucket<VALUES> {
        let (page, segment, within) = parts(at);
        &mut self.pages[page][segment][within]
    }

    /// Adds a bucket at the end. `memory` counts bytes.
    pub fn push(&mut self, bucket: Bucket<VALUES>, memory: &mut usize) {
        let (page, segment, within) = parts(self.len);
        if segment == 0 && within == 0 {
            counted(&mut self.pages, memory, |pages| grow(pages, Vec::new()));
        }
        let page = &mut self.pages[page];
        if within == 0 {
            counted(page, memory, |page| grow(page, Vec::new()));
        }
        counted(&mut page[segment], memory, |segment| grow(segment, bucket));
        self.len += 1;
    }

    /// Takes the last bucket away.
    pub fn pop(&mut self, memory: &mut usize) -> Option<Bucket<VALUES>> {
        let at = self.len.checked_sub(1)?;
        let (page, segment, within) = parts(at);
        let segments = &mut self.pages[page];
        let bucket = counted(&mut segments[segment], memory, shrink)?;
        if within == 0 {
            counted(segments, memory, shrink);
        }
        if segment == 0 && within == 0 {
            counted(&mut self.pages, memory, shrink);
        }
        self.len = at;
        Some(bucket)
    }
}

/// Page, segment within it, bucket within that.
#[inline]
fn parts(at: u32) -> (usize, usize, usize) {
    let at = at as usize;
    let segment = at / SEGMENT_BUCKETS;
    (
        segment / PAGE_SEGMENTS,
        segment % PAGE_SEGMENTS,
        at % SEGMENT_BUCKETS,
    )
}

/// Changes an array, and counts what its memory grew or shrank by.
fn counted<T, R>(
    array: &mut Vec<T>,
    memory: &mut usize,
    change: impl FnOnce(&mut Vec<T>) -> R,
) -> R {
    let before = array.capacity();
    let result = change(array);
    *memory = *memory + array.capacity() * size_of::<T>() - before * size_of::<T>();
    result
}

/// Adds an element, and room for a quarter more at a time, so that little is ever spare.
fn grow<T>(array: &mut Vec<T>, element: T) {
    if array.len() == array.capacity() {
        array.reserve_exact(1 + array.len() / 4);
    }
    array.push(element);
}

/// Takes the last element, and gives back room when half is spare.
fn shrink<T>(array: &mut Vec<T>) -> Option<T> {
    let element = array.pop();
    if array.len() <= array.capacity() / 2 {
        array.shrink_to_fit();
    }
    element
}
