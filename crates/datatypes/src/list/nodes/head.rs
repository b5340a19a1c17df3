//! The first node, which is kept small.
//!
//! Every push and pop at the head moves the whole first node, so that it costs as much as the node
//! is long. A full head moves on as one: another comes to stand before it, and what was the second
//! node by then is joined to the third. A large node that has become the first gives its first
//! elements to a head. Either way a large node moves once for many elements, and as there may be
//! two small nodes before it, pushing and popping in turns moves none.
//!
//! ```text
//!   push   │ full │ full │ large ···· │    ▶    │ 1 │ full │ larger ······· │
//!   pop    │ 1 │ large ·········· │        ▶    │ small │ large ······· │
//! ```
//!
//! Of large elements a head would hold few: there each is as much work to write as others are to
//! move, and nodes of them stay as they are.

use super::{End, Kept, Limits, Nodes};
use crate::{Listpack, Text};

/// Bytes of a head.
const HEAD_BYTES: usize = 1 << 10;

/// Bytes from which on an element is a large one, and of a head that grows by large ones.
const LARGE_BYTES: usize = 64;
const LARGE_HEAD_BYTES: usize = 4 << 10;

impl Nodes {
    /// Adds an element at the head.
    pub(super) fn push_front(&mut self, text: Text<'_>, limits: &Limits) {
        let bytes = match Listpack::size_of(text) < LARGE_BYTES {
            true => HEAD_BYTES,
            false => LARGE_HEAD_BYTES,
        };
        let head = Limits {
            bytes_max: bytes.min(limits.bytes_max),
            ..*limits
        };
        if !self.push_within(0, End::Head, text, &head) {
            self.join_if(1, |second, third| {
                second.bytes_len() <= HEAD_BYTES && limits.allow_joined(second, third)
            });
            self.put(0, Kept::of(text, limits));
        }
    }

    /// Makes a large first node two, the first of them small.
    pub(super) fn split_head(&mut self) {
        if let Some(first @ Kept::Packed { pack, .. }) = self.nodes.front() {
            let (count, bytes) = (first.count(), pack.bytes_len());
            if bytes > 2 * HEAD_BYTES && bytes < count * LARGE_BYTES {
                let part = count * HEAD_BYTES / bytes;
                let head = first.copy(0, part);
                self.remove_front(part);
                self.put(0, head);
            }
        }
    }
}
