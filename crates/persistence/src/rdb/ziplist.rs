//! Ziplists: what lists, hashes and sorted sets were packed in before there were listpacks.
//!
//! ```text
//!   4 bytes     4 bytes         2 bytes
//!  │ all bytes │ last element  │ elements │ length before, element │ ‥ │ ff │
//! ```
//!
//! Numbers are little endian. The length before an element is one byte, or `fe` and four bytes.
//! 65535 elements and more are not counted. An element is
//!
//! ```text
//!   00xxxxxx …               a string of up to 63 bytes
//!   01xxxxxx 8 bits …        a string of up to 16383 bytes, the highest bits first
//!   10000000 32 bits …       a longer string, the highest bits first
//!   c0, d0, e0, f0, fe       an integer of 16, 32, 64, 24, 8 bits
//!   f1 to fd                 0 to 12
//! ```

use datatypes::Text;
use datatypes::listpack::Listpack;

use super::text::signed;

const HEADER_BYTES: usize = 10;
const END: u8 = 0xff;
const UNCOUNTED: u16 = u16::MAX;

/// The same elements as a listpack, if every byte is as it must be.
pub(super) fn to_listpack(bytes: &[u8]) -> Option<Listpack> {
    let [a, b, c, d, e, f, g, h, i, j, rest @ ..] = bytes else {
        return None;
    };
    let len = u32::from_le_bytes([*a, *b, *c, *d]);
    let last = u32::from_le_bytes([*e, *f, *g, *h]);
    let count = u16::from_le_bytes([*i, *j]);
    let [elements @ .., END] = rest else {
        return None;
    };
    if len as usize != bytes.len() {
        return None;
    }
    let mut pack = Listpack::new();
    let (mut at, mut before, mut seen) = (0, 0, 0_usize);
    while let Some(rest) = elements.get(at..).filter(|rest| !rest.is_empty()) {
        let (text, size) = element(rest, before)?;
        pack.push_back(text);
        (at, before) = (at + size, size);
        seen += 1;
    }
    let is_counted = count == UNCOUNTED || usize::from(count) == seen;
    let is_last = last as usize == HEADER_BYTES + at - before;
    (is_counted && is_last).then_some(pack)
}

/// The first element and its size, if the one before has the size it says.
fn element(rest: &[u8], before: usize) -> Option<(Text<'_>, usize)> {
    let (claimed, head) = match rest {
        [0xfe, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 5),
        [short @ ..0xfe, ..] => (usize::from(*short), 1),
        _ => return None,
    };
    if claimed != before {
        return None;
    }
    let body = &rest[head..];
    let (text, size) = text(body)?;
    Some((text, head + size))
}

fn text(body: &[u8]) -> Option<(Text<'_>, usize)> {
    let string = |head: usize, len: usize| {
        let end = head.checked_add(len)?;
        Some((Text::Bytes(body.get(head..end)?), end))
    };
    let int = |size: usize| Some((Text::Int(signed(body.get(1..=size)?)), 1 + size));
    match *body {
        [short @ ..0x40, ..] => string(1, short.into()),
        [high @ 0x40..0x80, low, ..] => string(2, usize::from(high & 0x3f) << 8 | usize::from(low)),
        [0x80, a, b, c, d, ..] => string(5, u32::from_be_bytes([a, b, c, d]) as usize),
        [0xc0, ..] => int(2),
        [0xd0, ..] => int(4),
        [0xe0, ..] => int(8),
        [0xf0, ..] => int(3),
        [0xfe, ..] => int(1),
        [small @ 0xf1..=0xfd, ..] => Some((Text::Int(i64::from(small) - 0xf1), 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
