//! Zipmaps: what small hashes were packed in first of all.
//!
//! ```text
//!  │ fields │ length, field │ length, spare, value, spare bytes │ ‥ │ ff │
//! ```
//!
//! A length is one byte, or `fe` and four bytes, the lowest first. 254 fields and more are not
//! counted.

use datatypes::Text;
use datatypes::listpack::Listpack;

const END: u8 = 0xff;
const UNCOUNTED: u8 = 0xfe;

/// Fields and values as a listpack, if every byte is as it must be.
pub(super) fn to_listpack(bytes: &[u8]) -> Option<Listpack> {
    let [count, rest @ .., END] = bytes else {
        return None;
    };
    let mut pack = Listpack::new();
    let (mut rest, mut seen) = (rest, 0_usize);
    while !rest.is_empty() {
        let (len, behind) = length(rest)?;
        let (field, behind) = behind.split_at_checked(len)?;
        let (len, behind) = length(behind)?;
        let (&spare, behind) = behind.split_first()?;
        let (value, behind) = behind.split_at_checked(len)?;
        rest = behind.get(usize::from(spare)..)?;
        pack.push_back(Text::Bytes(field));
        pack.push_back(Text::Bytes(value));
        seen += 1;
    }
    (*count >= UNCOUNTED || usize::from(*count) == seen).then_some(pack)
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [0xfe, a, b, c, d, rest @ ..] => {
            Some((u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest))
        }
        [short @ ..0xfe, rest @ ..] => Some((usize::from(*short), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
