//! Where a key lives: hash functions, hash tags, distributions, and who is out of the ring.
//!
//! Everything here answers as twemproxy on x86-64 does, byte for byte and rounding for rounding: an
//! operator who replaces one by the other must find every key where it was.

pub mod hash;
pub mod ring;
pub mod roster;

/// The bytes of a key that are hashed: what stands between the two characters of a hash tag.
pub fn tagged(key: &[u8], tag: Option<[u8; 2]>) -> &[u8] {
    let Some([open, close]) = tag else {
        return key;
    };
    let Some(start) = memchr::memchr(open, key) else {
        return key;
    };
    let behind = &key[start + 1..];
    match memchr::memchr(close, behind) {
        Some(len) if len > 0 => &behind[..len],
        _ => key,
    }
}

#[cfg(test)]
mod tests;
