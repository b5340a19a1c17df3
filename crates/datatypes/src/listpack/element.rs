//! The bytes of one element.
//!
//! ```text
//!   0xxxxxxx                     0 to 127
//!   10xxxxxx …                   a string of up to 63 bytes
//!   110xxxxx  8 bits             -4096 to 4095
//!   1110xxxx  8 bits …           a string of up to 4095 bytes
//!   11110000  32 bits …          a longer string
//!   1111 0001, 2, 3, 4           an integer of 16, 24, 32, 64 bits
//! ```
//!
//! Integers are two's complement. Numbers of two bytes whose upper bits share the first byte have
//! their lower bits behind; all others begin with their lowest byte. Behind an element stands the
//! length of the above, seven bits a byte, the lowest last; all bytes but the first have their
//! upper bit set, so that it can be read backwards.

use crate::Text;

/// How many bytes an element's first part and its text take.
#[derive(Clone, Copy)]
struct Shape {
    head: usize,
    data: usize,
}

/// The element at the start of `bytes`, and how many bytes it takes up to its length behind.
/// Nothing if that is no element.
#[inline]
pub(super) fn decode(bytes: &[u8]) -> Option<(Text<'_>, usize)> {
    let shape = shape(bytes)?;
    let len = shape.head + shape.data;
    let whole = bytes.get(..len)?;
    let text = match whole[0] {
        small @ ..=0x7f => Text::Int(i64::from(small)),
        0x80..=0xbf | 0xe0..=0xf0 => Text::Bytes(&whole[shape.head..]),
        upper @ 0xc0..=0xdf => {
            let bits = i16::from(upper & 0x1f) << 8 | i16::from(whole[1]);
            Text::Int(i64::from(bits << 3 >> 3))
        }
        _ => Text::Int(sign_extended(&whole[1..])),
    };
    Some((text, len))
}

/// As [`decode`], without looking at what the element is.
#[inline]
pub(super) fn len_of(bytes: &[u8]) -> Option<usize> {
    shape(bytes).map(|shape| shape.head + shape.data)
}

#[inline]
fn shape(bytes: &[u8]) -> Option<Shape> {
    let shape = |head, data| Some(Shape { head, data });
    match *bytes.first()? {
        ..=0x7f => shape(1, 0),
        len @ 0x80..=0xbf => shape(1, usize::from(len & 0x3f)),
        0xc0..=0xdf => shape(2, 0),
        upper @ 0xe0..=0xef => {
            let lower = *bytes.get(1)?;
            shape(2, usize::from(upper & 0xf) << 8 | usize::from(lower))
        }
        0xf0 => {
            let len = bytes.get(1..5)?.try_into().ok()?;
            shape(5, u32::from_le_bytes(len) as usize)
        }
        0xf1 => shape(3, 0),
        0xf2 => shape(4, 0),
        0xf3 => shape(5, 0),
        0xf4 => shape(9, 0),
        0xf5.. => None,
    }
}

fn sign_extended(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[8 - bytes.len()..].copy_from_slice(bytes);
    i64::from_le_bytes(wide) >> (64 - 8 * bytes.len())
}

/// An element on its way into a listpack.
pub(super) struct Encoded<'a> {
    head: [u8; 9],
    head_len: usize,
    data: &'a [u8],
    back: [u8; BACK_BYTES_MAX],
    back_len: usize,
}

/// Bytes of the longest length behind an element.
const BACK_BYTES_MAX: usize = 5;

impl<'a> Encoded<'a> {
    pub fn new(text: Text<'a>) -> Encoded<'a> {
        match text.shortest() {
            Text::Int(number) => Encoded::int(number),
            Text::Bytes(bytes) => Encoded::string(bytes),
        }
    }

    fn string(data: &'a [u8]) -> Encoded<'a> {
        let len = data.len();
        let (mut head, head_len) = ([0; 9], string_head_len(len));
        match head_len {
            1 => head[0] = 0x80 | len as u8,
            2 => head[..2].copy_from_slice(&(0xe000 | len as u16).to_be_bytes()),
            _ => {
                let len = u32::try_from(len).expect("an element is shorter than its listpack");
                head[0] = 0xf0;
                head[1..5].copy_from_slice(&len.to_le_bytes());
            }
        }
        Encoded::of(head, head_len, data)
    }

    fn int(number: i64) -> Encoded<'a> {
        let (mut head, head_len) = ([0; 9], int_head_len(number));
        head[1..].copy_from_slice(&number.to_le_bytes());
        match head_len {
            1 => head[0] = number as u8,
            2 => head[..2].copy_from_slice(&(0xc000 | number as u16 & 0x1fff).to_be_bytes()),
            3 => head[0] = 0xf1,
            4 => head[0] = 0xf2,
            5 => head[0] = 0xf3,
            _ => head[0] = 0xf4,
        }
        Encoded::of(head, head_len, &[])
    }

    fn of(head: [u8; 9], head_len: usize, data: &'a [u8]) -> Encoded<'a> {
        let len = head_len + data.len();
        let (mut back, back_len) = ([0; BACK_BYTES_MAX], back_bytes(len));
        write_back(len, &mut back[..back_len]);
        Encoded {
            head,
            head_len,
            data,
            back,
            back_len,
        }
    }

    /// What stands in a listpack, one part behind the other.
    pub fn parts(&self) -> [&[u8]; 3] {
        let (head, back) = (&self.head[..self.head_len], &self.back[..self.back_len]);
        [head, self.data, back]
    }
}

/// How many bytes an element takes, with its length behind.
#[inline]
pub(super) fn size_of(text: Text<'_>) -> usize {
    let len = match text.shortest() {
        Text::Int(number) => int_head_len(number),
        Text::Bytes(bytes) => string_head_len(bytes.len()) + bytes.len(),
    };
    len + back_bytes(len)
}

#[inline]
fn string_head_len(len: usize) -> usize {
    match len {
        ..=0x3f => 1,
        0x40..=0xfff => 2,
        _ => 5,
    }
}

#[inline]
fn int_head_len(number: i64) -> usize {
    // The bits of a negative number are as many as those of its distance from -1.
    let bits = 64 - (number ^ (number >> 63)).leading_zeros();
    match bits {
        0..=7 if number >= 0 => 1,
        0..=12 => 2,
        13..=15 => 3,
        16..=23 => 4,
        24..=31 => 5,
        _ => 9,
    }
}

/// How many bytes an element's length takes behind it. Each limit is what peers expect, though
/// seven bits a byte would hold the next number too.
#[inline]
pub(super) fn back_bytes(len: usize) -> usize {
    match len {
        ..0x80 => 1,
        0x80..0x3fff => 2,
        0x3fff..0x1f_ffff => 3,
        0x1f_ffff..0xfff_ffff => 4,
        _ => 5,
    }
}

fn write_back(len: usize, bytes: &mut [u8]) {
    let mut rest = len;
    for (from_end, byte) in bytes.iter_mut().rev().enumerate() {
        *byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if from_end + 1 < back_bytes(len) {
            *byte |= 0x80;
        }
    }
}

/// The length that `bytes` end with, and how many bytes it takes.
#[inline]
pub(super) fn read_back(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut len = 0;
    for (from_end, byte) in bytes.iter().rev().take(5).enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * from_end);
        if byte & 0x80 == 0 {
            return Some((len, from_end + 1));
        }
    }
    None
}
