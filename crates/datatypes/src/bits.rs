//! Strings as sequences of bits.
//!
//! Bit 0 is the highest of the first byte, so a field of bits reads as its number is written. What
//! lies behind the end of a string counts as zeros.
//!
//! Long strings are gone through in blocks of eight words. Counting adds the words of a block as a
//! circuit adds: three bits of one place make a sum and a carry, so that one population count
//! stands for a whole block. The other loops are written so that the compiler makes vectors of
//! them.

use std::ops::RangeInclusive;

/// Bytes of a word.
const WORD: usize = 8;

/// Words that are looked at together.
const BLOCK: usize = 8;

/// Bits of the widest field.
pub const FIELD_BITS_MAX: u32 = 64;

/// Bytes that a field may lie in: its own eight, and one more as it need not begin with a byte.
const WINDOW: usize = 9;

/// How strings are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    And,
    Or,
    Xor,
}

/// The bit at `at`.
pub fn get(bytes: &[u8], at: u64) -> bool {
    let byte = usize::try_from(at / 8).ok().and_then(|at| bytes.get(at));
    byte.is_some_and(|byte| byte & mask(at) != 0)
}

/// Sets or clears the bit at `at`, which lies within the string.
pub fn set(bytes: &mut [u8], at: u64, on: bool) {
    let byte = &mut bytes[(at / 8) as usize];
    *byte = if on {
        *byte | mask(at)
    } else {
        *byte & !mask(at)
    };
}

fn mask(at: u64) -> u8 {
    0x80 >> (at % 8)
}

/// How many bits are set.
pub fn count(bytes: &[u8]) -> u64 {
    let mut blocks = bytes.chunks_exact(WORD * BLOCK);
    let mut counter = Counter::default();
    for block in &mut blocks {
        counter.add(words(block));
    }
    let mut rest = blocks.remainder().chunks_exact(WORD);
    let whole: u64 = (&mut rest)
        .map(|bytes| u64::from(word(bytes).count_ones()))
        .sum();
    let bytes = rest.remainder().iter();
    let single: u64 = bytes.map(|byte| u64::from(byte.count_ones())).sum();
    counter.total() + whole + single
}

/// How many of these bits are set. The range lies within the string.
pub fn count_within(bytes: &[u8], range: RangeInclusive<u64>) -> u64 {
    let (part, before, behind) = cut(bytes, &range);
    let (Some(first), Some(last)) = (part.first(), part.last()) else {
        return 0;
    };
    let outside =
        (first & !(0xff >> before)).count_ones() + (last & !(0xff << behind)).count_ones();
    count(part) - u64::from(outside)
}

/// The first bit that is `on`.
pub fn find(bytes: &[u8], on: bool) -> Option<u64> {
    let skipped = if on { 0 } else { u64::MAX };
    let is_dull = |block: &&[u8]| {
        let differing = words(block)
            .iter()
            .fold(0, |sum, word| sum | (word ^ skipped));
        differing == 0
    };
    let blocks = bytes.chunks_exact(WORD * BLOCK).take_while(is_dull);
    let start = blocks.count() * WORD * BLOCK;
    let rest = &bytes[start..];
    let at = rest.iter().position(|byte| *byte != skipped as u8)?;
    let within = (rest[at] ^ skipped as u8).leading_zeros();
    Some((start + at) as u64 * 8 + u64::from(within))
}

/// The first of these bits that is `on`. The range lies within the string.
pub fn find_within(bytes: &[u8], on: bool, range: RangeInclusive<u64>) -> Option<u64> {
    let (part, before, behind) = cut(bytes, &range);
    let base = *range.start() / 8 * 8;
    let [first, .., last] = *part else {
        let only = part.first()?;
        let wanted = (only ^ if on { 0 } else { 0xff }) & (0xff >> before) & (0xff << behind);
        return (wanted != 0).then(|| base + u64::from(wanted.leading_zeros()));
    };
    let skipped = if on { 0 } else { 0xff };
    let (head, tail) = (
        (first ^ skipped) & (0xff >> before),
        (last ^ skipped) & (0xff << behind),
    );
    let middle = part.len() - 2;
    let in_byte = |at: usize, bits: u8| {
        (bits != 0).then(|| base + at as u64 * 8 + u64::from(bits.leading_zeros()))
    };
    in_byte(0, head)
        .or_else(|| find(&part[1..=middle], on).map(|at| base + 8 + at))
        .or_else(|| in_byte(middle + 1, tail))
}

/// The bytes that a range lies in, how many bits of the first come before it, and how many of the
/// last behind it.
fn cut<'a>(bytes: &'a [u8], range: &RangeInclusive<u64>) -> (&'a [u8], u32, u32) {
    let (start, end) = (*range.start(), *range.end());
    if start > end {
        return (&[], 0, 0);
    }
    let part = &bytes[(start / 8) as usize..=(end / 8) as usize];
    (part, (start % 8) as u32, 7 - (end % 8) as u32)
}

/// Combines `source` into `target`, which is at least as long.
pub fn combine(how: Combine, target: &mut [u8], source: &[u8]) {
    let (same, longer) = target.split_at_mut(source.len());
    let pairs = same.iter_mut().zip(source);
    match how {
        Combine::And => {
            pairs.for_each(|(target, source)| *target &= source);
            longer.fill(0);
        }
        Combine::Or => pairs.for_each(|(target, source)| *target |= source),
        Combine::Xor => pairs.for_each(|(target, source)| *target ^= source),
    }
}

/// Turns every bit.
pub fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

/// The `width` bits from `at` on, as a number.
pub fn field(bytes: &[u8], at: u64, width: u32) -> u64 {
    debug_assert!((1..=FIELD_BITS_MAX).contains(&width), "a field has bits");
    let start = usize::try_from(at / 8).unwrap_or(usize::MAX);
    let there = bytes.get(start..).unwrap_or_default();
    let there = &there[..there.len().min(WINDOW)];
    let mut window = [0; 16];
    window[..there.len()].copy_from_slice(there);
    let aligned = u128::from_be_bytes(window) << (at % 8);
    (aligned >> (u128::BITS - width)) as u64
}

/// Makes the `width` bits from `at` on those of `value`. They lie within the string.
pub fn set_field(bytes: &mut [u8], at: u64, width: u32, value: u64) {
    debug_assert!((1..=FIELD_BITS_MAX).contains(&width), "a field has bits");
    let within = (at % 8) as u32;
    let start = (at / 8) as usize;
    let part = &mut bytes[start..start + (within + width).div_ceil(8) as usize];
    let mut window = [0; 16];
    window[..part.len()].copy_from_slice(part);
    let shift = u128::BITS - within - width;
    let field = (u128::MAX >> (u128::BITS - width)) << shift;
    let value = (u128::from(value) << shift) & field;
    let changed = u128::from_be_bytes(window) & !field | value;
    part.copy_from_slice(&changed.to_be_bytes()[..part.len()]);
}

/// Sums of bits by their place: how many of each word's places have been seen once, twice and four
/// times, and the bits of every eighth.
#[derive(Default)]
struct Counter {
    ones: u64,
    twos: u64,
    fours: u64,
    eights: u64,
}

impl Counter {
    #[inline]
    fn add(&mut self, block: [u64; BLOCK]) {
        let [a, b, c, d, e, f, g, h] = block;
        let (ones, twos_a) = full_add(self.ones, a, b);
        let (ones, twos_b) = full_add(ones, c, d);
        let (twos, fours_a) = full_add(self.twos, twos_a, twos_b);
        let (ones, twos_a) = full_add(ones, e, f);
        let (ones, twos_b) = full_add(ones, g, h);
        let (twos, fours_b) = full_add(twos, twos_a, twos_b);
        let (fours, eight) = full_add(self.fours, fours_a, fours_b);
        (self.ones, self.twos, self.fours) = (ones, twos, fours);
        self.eights += u64::from(eight.count_ones());
    }

    fn total(&self) -> u64 {
        let of = |word: u64, weight: u64| u64::from(word.count_ones()) * weight;
        self.eights * 8 + of(self.fours, 4) + of(self.twos, 2) + of(self.ones, 1)
    }
}

/// Adds three bits at each place: the sum, and what is carried to the next place.
#[inline]
fn full_add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}

#[inline]
fn words(block: &[u8]) -> [u64; BLOCK] {
    std::array::from_fn(|at| word(&block[at * WORD..(at + 1) * WORD]))
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes.try_into().expect("a word has eight bytes"))
}

#[cfg(test)]
mod tests;
