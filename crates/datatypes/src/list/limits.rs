//! How much one node of a list may hold.

use super::End;
use crate::{Listpack, Text};

/// What the directive `list-max-listpack-size` means for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a listpack with more than one element.
    pub bytes_max: usize,
    pub count_max: usize,
    /// An element from this length on is kept on its own, outside of any listpack.
    pub plain_bytes_min: usize,
}

impl Limits {
    /// The largest node a directive can ask for.
    pub const BYTES_MAX: usize = 64 << 10;

    /// Bytes of a node whose elements are counted.
    const COUNTED_BYTES_MAX: usize = 8 << 10;

    /// A listpack counts its bytes in 32 bits; this leaves room to spare.
    pub const PLAIN_BYTES_MIN: usize = 1 << 30;

    /// A positive directive is a number of elements; -1 to -5 are sizes of 4 to 64 KiB.
    pub fn of_directive(size: i64) -> Limits {
        let (bytes_max, count_max) = match size {
            0.. => (Limits::COUNTED_BYTES_MAX, size.clamp(1, 1 << 15) as usize),
            -5.. => (2 << 10 << size.unsigned_abs(), usize::MAX),
            _ => (Limits::BYTES_MAX, usize::MAX),
        };
        Limits {
            bytes_max,
            count_max,
            plain_bytes_min: Limits::PLAIN_BYTES_MIN,
        }
    }

    pub(super) fn is_plain(&self, text: Text<'_>) -> bool {
        matches!(text, Text::Bytes(bytes) if bytes.len() >= self.plain_bytes_min)
    }

    /// Whether a listpack may take another element.
    pub(super) fn allow(&self, pack: &Listpack, count: usize, text: Text<'_>) -> bool {
        if self.is_plain(text) {
            return false;
        }
        let bytes = pack.bytes_len() + Listpack::size_of(text);
        count == 0 || (bytes <= self.bytes_max && count < self.count_max)
    }

    /// Whether one listpack may hold what two do.
    pub(super) fn allow_joined(&self, a: &Listpack, b: &Listpack) -> bool {
        let bytes = a.bytes_len() + b.bytes_len() - Listpack::EMPTY_BYTES;
        bytes <= self.bytes_max && a.len() + b.len() <= self.count_max
    }

    /// Whether two listpacks are so small that they should be one. One of half the limits does
    /// not have to be split again soon.
    pub(super) fn want_joined(&self, a: &Listpack, b: &Listpack) -> bool {
        a.bytes_len() + b.bytes_len() <= self.bytes_max / 2
            && a.len() + b.len() <= self.count_max / 2
    }

    /// Adds an element if a listpack may take it.
    pub(super) fn push(&self, pack: &mut Listpack, end: End, text: Text<'_>) -> bool {
        let allowed = self.allow(pack, pack.len(), text);
        match end {
            _ if !allowed => {}
            End::Head => pack.push_front(text),
            End::Tail => pack.push_back(text),
        }
        allowed
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::of_directive(-2)
    }
}
