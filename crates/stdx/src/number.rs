//! Integers and their decimal text.
//!
//! A text is an integer only if it is *the* text of that integer: no spaces, no `+`, no leading
//! zeros, no `-0`. So a value may be kept as a number and given back as text, and nobody can tell.

use std::fmt;
use std::ops::Deref;

/// Bytes of the longest text: `-9223372036854775808` and `18446744073709551615`.
pub const INT_TEXT_BYTES_MAX: usize = 20;

/// Digits that always fit a `u64`: 10^19 - 1 < 2^64.
const DIGITS_SAFE: usize = 19;

/// The number whose text is exactly `text`.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => match parse_u64(digits)? {
            0 => None,
            magnitude if magnitude <= i64::MIN.unsigned_abs() => {
                Some((magnitude as i64).wrapping_neg())
            }
            _ => None,
        },
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// The number whose text is exactly `text`; no sign.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    let [first, rest @ ..] = text else {
        return None;
    };
    let first = digit(*first)?;
    if first == 0 {
        return rest.is_empty().then_some(0);
    }
    if text.len() > DIGITS_SAFE {
        return parse_twenty(text);
    }
    rest.iter()
        .try_fold(first, |number, byte| Some(number * 10 + digit(*byte)?))
}

/// Twenty digits, which may be too many.
#[cold]
fn parse_twenty(text: &[u8]) -> Option<u64> {
    if text.len() > INT_TEXT_BYTES_MAX {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        number.checked_mul(10)?.checked_add(digit(*byte)?)
    })
}

#[inline]
fn digit(byte: u8) -> Option<u64> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// The decimal text of an integer, on the stack.
#[derive(Clone, Copy)]
pub struct IntText {
    /// Filled from the end.
    bytes: [u8; INT_TEXT_BYTES_MAX],
    start: u8,
}

/// The text of `number`: `-` if negative, then digits.
#[inline]
pub fn text(number: i64) -> IntText {
    let mut text = text_u64(number.unsigned_abs());
    if number < 0 {
        text.start -= 1;
        text.bytes[usize::from(text.start)] = b'-';
    }
    text
}

/// The text of `number`: its digits.
#[inline]
pub fn text_u64(number: u64) -> IntText {
    let mut bytes = [0; INT_TEXT_BYTES_MAX];
    let start = fill(&mut bytes, number) as u8;
    IntText { bytes, start }
}

/// Adds the text of `number` at the end of `out`. The digits are written where they stay: whoever
/// copies what was just written in other pieces waits for it.
#[inline]
pub fn push(out: &mut Vec<u8>, number: i64) {
    let start = out.len();
    out.extend_from_slice(&[b'-'; INT_TEXT_BYTES_MAX]);
    out.truncate(start + text_len(number));
    fill(&mut out[start..], number.unsigned_abs());
}

/// Writes the digits of `number` to the end of `bytes`. Returns where they start.
#[inline]
fn fill(bytes: &mut [u8], mut number: u64) -> usize {
    let mut start = bytes.len();
    while number >= 100 {
        let pair = PAIRS[(number % 100) as usize];
        number /= 100;
        start -= 2;
        bytes[start..start + 2].copy_from_slice(&pair);
    }
    if number >= 10 {
        start -= 2;
        bytes[start..start + 2].copy_from_slice(&PAIRS[number as usize]);
    } else {
        start -= 1;
        bytes[start] = b'0' + number as u8;
    }
    start
}

/// The length of `text(number)`, in bytes: 1 to 20.
#[inline]
pub fn text_len(number: i64) -> usize {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(number < 0)
}

impl Deref for IntText {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..]
    }
}

impl AsRef<[u8]> for IntText {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for IntText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self))
    }
}

/// The two digits of every number below 100.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EDGES: &[i64] = &[
        0,
        1,
        -1,
        9,
        10,
        -10,
        99,
        100,
        101,
        999,
        1000,
        i64::MAX,
        i64::MIN,
    ];

    #[test]
    fn edges_survive_the_round_trip() {
        for number in EDGES {
            let expected = number.to_string();
            assert_eq!(&*text(*number), expected.as_bytes());
            assert_eq!(text_len(*number), expected.len());
            let mut out = b"behind ".to_vec();
            push(&mut out, *number);
            assert_eq!(out, format!("behind {number}").into_bytes());
            assert_eq!(parse_i64(expected.as_bytes()), Some(*number));
        }
        assert_eq!(&*text_u64(u64::MAX), b"18446744073709551615");
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn other_texts_are_refused() {
        let texts = [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "00",
            "-0",
            "-01",
            "--1",
            "1a",
            "a",
            "1.0",
            "1\0",
            "0x1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "-18446744073709551615",
            "99999999999999999999",
            "100000000000000000000",
            "1e3",
        ];
        for refused in texts {
            assert_eq!(parse_i64(refused.as_bytes()), None, "{refused}");
        }
        for refused in [
            "",
            "-1",
            "-0",
            "18446744073709551616",
            "184467440737095516150",
            "01",
        ] {
            assert_eq!(parse_u64(refused.as_bytes()), None, "{refused}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_std(bits: u64, shift in 0_u32..64) {
            let number = (bits as i64) >> shift;
            prop_assert_eq!(text(number).to_vec(), number.to_string().into_bytes());
            prop_assert_eq!(text_len(number), number.to_string().len());
            let bits = bits >> shift;
            prop_assert_eq!(text_u64(bits).to_vec(), bits.to_string().into_bytes());
        }

        #[test]
        fn only_canonical_text_is_accepted(digits in "-?[0-9]{1,21}") {
            let expected = digits.parse::<i64>().ok().filter(|n| n.to_string() == digits);
            prop_assert_eq!(parse_i64(digits.as_bytes()), expected);
            let expected = digits.parse::<u64>().ok().filter(|n| n.to_string() == digits);
            prop_assert_eq!(parse_u64(digits.as_bytes()), expected);
        }
    }
}
