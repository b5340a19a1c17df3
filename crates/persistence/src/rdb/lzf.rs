//! LZF: the compression of strings in dumps.
//!
//! ```text
//!   000lllll                      l + 1 bytes follow as they are
//!   lllooooo oooooooo             l + 2 bytes, as they were o + 1 bytes ago
//!   111ooooo llllllll oooooooo    l + 9 bytes, as they were o + 1 bytes ago
//! ```
//!
//! Three bytes give 264 at most. So a length that is announced for fewer bytes than it takes is
//! refused before memory is taken for it.

/// Bytes that a literal run holds at most.
const LITERAL_MAX: usize = 1 << 5;

/// A distance is below this.
const DISTANCE_MAX: usize = 1 << 13;

/// Bytes that are copied at once, at least and at most.
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;

/// What one byte of compressed data gives at most.
const RATIO_MAX: usize = MATCH_MAX / 3;

/// After so many bytes in a row that were not seen before, a power of two, every second one is
/// looked up; after as many more, every third.
const PATIENCE_BITS: u32 = 5;

/// The bytes that were compressed to `bytes`, if those are `len`.
pub fn decompress(bytes: &[u8], len: usize) -> Option<Vec<u8>> {
    if len.div_ceil(RATIO_MAX) > bytes.len() {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = bytes;
    while let Some((&control, behind)) = rest.split_first() {
        let control = usize::from(control);
        rest = if control < LITERAL_MAX {
            let (literals, behind) = behind.split_at_checked(control + 1)?;
            if out.len() + literals.len() > len {
                return None;
            }
            out.extend_from_slice(literals);
            behind
        } else {
            copy(control, behind, len, &mut out)?
        };
    }
    (out.len() == len).then_some(out)
}

/// Appends what was there before, and returns what is behind the instruction.
fn copy<'a>(control: usize, rest: &'a [u8], len: usize, out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (count, rest) = match (control >> 5, rest) {
        (7, [more, rest @ ..]) => (usize::from(*more) + 9, rest),
        (short, rest) => (short + 2, rest),
    };
    let (&low, rest) = rest.split_first()?;
    let distance = ((control & 0x1f) << 8 | usize::from(low)) + 1;
    let from = out.len().checked_sub(distance)?;
    if out.len() + count > len {
        return None;
    }
    if distance >= count {
        out.extend_from_within(from..from + count);
    } else {
        // What is copied begins within what is written: it repeats itself.
        (from..from + count).for_each(|at| out.push(out[at]));
    }
    Some(rest)
}

/// Appends `bytes` in compressed form, if that takes at most `bytes_max`. Else `out` is as it was.
pub fn compress(bytes: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> bool {
    // The table of what was seen is zeroed for each string, so short ones get a short one.
    match bytes.len() {
        ..=512 => compress_with(&mut [0; 1 << 8], bytes, bytes_max, out),
        513..=4096 => compress_with(&mut [0; 1 << 10], bytes, bytes_max, out),
        _ => compress_with(&mut [0; 1 << 13], bytes, bytes_max, out),
    }
}

fn compress_with<const LEN: usize>(
    seen: &mut [u32; LEN],
    bytes: &[u8],
    bytes_max: usize,
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let end = start + bytes_max;
    let (mut at, mut literal) = (0, 0);
    while let Some(next) = bytes.get(at..at + MATCH_MIN) {
        let known = &mut seen[slot::<LEN>(next)];
        // Positions are counted from 1, for 0 means nothing was seen. Beyond 4 GiB they wrap, and
        // what they then lead to is compared as everything is.
        let before = (*known as usize).wrapping_sub(1);
        *known = (at as u32).wrapping_add(1);
        let count = match at.checked_sub(before) {
            Some(distance @ 1..=DISTANCE_MAX) => same(bytes, at - distance, at),
            _ => 0,
        };
        if count < MATCH_MIN {
            at += 1 + ((at - literal) >> PATIENCE_BITS);
            continue;
        }
        push_literals(&bytes[literal..at], out);
        push_match(at - before - 1, count, out);
        at += count;
        literal = at;
        if out.len() > end {
            break;
        }
        if let Some(last) = bytes.get(at - 1..at - 1 + MATCH_MIN) {
            seen[slot::<LEN>(last)] = at as u32;
        }
    }
    let rest = &bytes[literal..];
    let fits = out.len() + rest.len() + rest.len().div_ceil(LITERAL_MAX) <= end;
    match fits {
        true => push_literals(rest, out),
        false => out.truncate(start),
    }
    fits
}

/// How many bytes from `at` on are those from `before` on.
fn same(bytes: &[u8], before: usize, at: usize) -> usize {
    let most = MATCH_MAX.min(bytes.len() - at);
    let pairs = bytes[before..].iter().zip(&bytes[at..at + most]);
    pairs.take_while(|(a, b)| a == b).count()
}

#[inline]
fn slot<const LEN: usize>(next: &[u8]) -> usize {
    let value = u32::from(next[0]) << 16 | u32::from(next[1]) << 8 | u32::from(next[2]);
    (value.wrapping_mul(0x9e37_79b1) >> (u32::BITS - LEN.ilog2())) as usize
}

fn push_literals(literals: &[u8], out: &mut Vec<u8>) {
    for run in literals.chunks(LITERAL_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn push_match(distance: usize, count: usize, out: &mut Vec<u8>) {
    let high = (distance >> 8) as u8;
    match count {
        ..9 => out.push((count as u8 - 2) << 5 | high),
        _ => out.extend_from_slice(&[0xe0 | high, (count - 9) as u8]),
    }
    out.push(distance as u8);
}

#[cfg(test)]
mod tests;
