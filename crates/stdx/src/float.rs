//! `f64` and its text, in the forms a C library reads and writes.
//!
//! Printed are 17 significant digits, correctly rounded, without trailing zeros: enough to read the
//! same number back, though not the shortest that would do (0.1 is `0.10000000000000001`). An
//! exponent is written when it is below -4 or above 16.

use std::fmt;
use std::io::Write;
use std::ops::Deref;

use crate::binary::Format;
use crate::number;

pub(crate) mod hex;

const DOUBLE: Format = Format {
    precision: 53,
    exponent_min: -1074,
    exponent_max: 971,
};

/// Integers up to here are exact, and their text is the integer's.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Bytes of the longest text: `-2.2250738585072014e-308`.
pub const FLOAT_TEXT_BYTES_MAX: usize = 24;

/// The number that `text` as a whole writes: decimal with optional sign, point and exponent,
/// hexadecimal (`0x1.8p3`), or `inf` and `infinity` in any case, correctly rounded.
///
/// None if it is no number (`nan` included, spaces anywhere), or out of range: too large for any
/// finite number, or not 0 but too small for any other.
pub fn parse(text: &[u8]) -> Option<f64> {
    if text.len() < 16
        && let Some(integer) = number::parse_i64(text)
    {
        return Some(integer as f64);
    }
    let (negative, magnitude) = hex::split_sign(text);
    if let [b'0', b'x' | b'X', ..] = magnitude {
        let magnitude = parse_hex(magnitude)?;
        return Some(if negative { -magnitude } else { magnitude });
    }
    let value: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    let in_range = if value.is_infinite() {
        !magnitude[0].is_ascii_digit() && magnitude[0] != b'.'
    } else {
        value != 0.0 || is_zero(magnitude)
    };
    (in_range && !value.is_nan()).then_some(value)
}

fn parse_hex(text: &[u8]) -> Option<f64> {
    let (mantissa, exponent) = hex::scan(text)?;
    let rounded = DOUBLE.round(mantissa, exponent)?;
    if mantissa != 0 && rounded.mantissa == 0 {
        return None;
    }
    // A subnormal has no bit 52, and its biased exponent of 1 counts as 0.
    let biased = (i64::from(rounded.exponent) - DOUBLE.exponent_min) as u64;
    Some(f64::from_bits((biased << 52) + rounded.mantissa))
}

/// Whether a decimal number, unsigned, has no digit but 0 before its exponent.
fn is_zero(text: &[u8]) -> bool {
    let mut digits = text.iter().take_while(|byte| !matches!(byte, b'e' | b'E'));
    digits.all(|byte| matches!(byte, b'0' | b'.'))
}

/// The text of an `f64`, on the stack.
#[derive(Clone, Copy)]
pub struct FloatText {
    bytes: [u8; FLOAT_TEXT_BYTES_MAX],
    len: u8,
}

/// The text of `value`: `inf`, `-inf`, `nan`, or 17 significant digits without trailing zeros.
pub fn text(value: f64) -> FloatText {
    if value.abs() < EXACT_MAX && value == value.trunc() && (value != 0.0 || is_positive(value)) {
        return FloatText::of(&number::text(value as i64));
    }
    if value.is_nan() {
        return FloatText::of(b"nan");
    }
    if value.is_infinite() {
        return FloatText::of(if is_positive(value) { b"inf" } else { b"-inf" });
    }
    let (digits, exponent) = significant_digits(value);
    let mut text = FloatText::of(if is_positive(value) { b"" } else { b"-" });
    let used = digits
        .iter()
        .rposition(|digit| *digit != b'0')
        .map_or(1, |last| last + 1);
    match exponent {
        -4..0 => {
            text.push(b"0.");
            text.push(&b"000"[..(-1 - exponent) as usize]);
            text.push(&digits[..used]);
        }
        0..17 => {
            let (integer, fraction) = digits.split_at(exponent as usize + 1);
            text.push(integer);
            text.push_fraction(&fraction[..used.saturating_sub(integer.len())]);
        }
        _ => {
            text.push(&digits[..1]);
            text.push_fraction(&digits[1..used]);
            text.push_exponent(exponent);
        }
    }
    text
}

fn is_positive(value: f64) -> bool {
    value.is_sign_positive()
}

/// The 17 digits nearest to the finite `value`, and the power of ten of the first.
fn significant_digits(value: f64) -> ([u8; 17], i32) {
    const INVARIANT: &str = "core::fmt writes d.dddddddddddddddde±x for a finite number";
    let mut scientific = [0; FLOAT_TEXT_BYTES_MAX];
    let mut rest = &mut scientific[..];
    write!(rest, "{:.16e}", value.abs()).expect(INVARIANT);
    let unused = rest.len();
    let written = &scientific[..FLOAT_TEXT_BYTES_MAX - unused];
    let mut digits = [written[0]; 17];
    digits[1..].copy_from_slice(&written[2..18]);
    let exponent = number::parse_i64(&written[19..]).expect(INVARIANT);
    (digits, exponent as i32)
}

impl FloatText {
    fn of(bytes: &[u8]) -> Self {
        let mut text = Self {
            bytes: [0; FLOAT_TEXT_BYTES_MAX],
            len: 0,
        };
        text.push(bytes);
        text
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len() as u8;
    }

    fn push_fraction(&mut self, digits: &[u8]) {
        if !digits.is_empty() {
            self.push(b".");
            self.push(digits);
        }
    }

    /// `e`, a sign and at least two digits.
    fn push_exponent(&mut self, exponent: i32) {
        self.push(if exponent < 0 { b"e-" } else { b"e+" });
        if exponent.abs() < 10 {
            self.push(b"0");
        }
        self.push(&number::text(i64::from(exponent.abs())));
    }
}

impl Deref for FloatText {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl AsRef<[u8]> for FloatText {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for FloatText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `ZADD z TEXT m`, then `ZSCORE z m`, on redis-server 7.0.15. None: refused.
    const OBSERVED: &[(&str, Option<&str>)] = &[
        ("3", Some("3")),
        ("0.1", Some("0.10000000000000001")),
        ("1e20", Some("1e+20")),
        ("1.5e-9", Some("1.5e-09")),
        ("1e300", Some("1.0000000000000001e+300")),
        ("inf", Some("inf")),
        ("+inf", Some("inf")),
        ("-INFINITY", Some("-inf")),
        ("nan", None),
        ("nan(1)", None),
        ("infin", None),
        ("1e400", None),
        ("-1e400", None),
        ("1e-400", None),
        ("2e-324", None),
        ("1e99999999999999999999", None),
        ("1e-99999999999999999999", None),
        ("0e99999999999999999999", Some("0")),
        ("4.9e-324", Some("4.9406564584124654e-324")),
        ("1e-320", Some("9.9998886718268301e-321")),
        ("0x10", Some("16")),
        ("0x1.8p3", Some("12")),
        ("-0X1P1", Some("-2")),
        ("0x.8", Some("0.5")),
        ("0x1.", Some("1")),
        ("0x1e3", Some("483")),
        ("0x0p9999", Some("0")),
        ("0x1p2000", None),
        ("0x1p-2000", None),
        ("0x1p-1075", None),
        ("0x1.8p-1075", Some("4.9406564584124654e-324")),
        ("0x", None),
        ("0x.", None),
        ("0x1p", None),
        ("1.", Some("1")),
        (".5", Some("0.5")),
        (".", None),
        ("", None),
        ("+", None),
        ("+1", Some("1")),
        ("+-1", None),
        (" 1", None),
        ("1 ", None),
        ("1\0", None),
        ("1e", None),
        ("1e+", None),
        ("1_0", None),
        ("1f", None),
        ("1,5", None),
        ("9007199254740993", Some("9007199254740992")),
        ("12345678901234567", Some("12345678901234568")),
        ("123456789012345678", Some("1.2345678901234568e+17")),
        ("99999999999999999", Some("1e+17")),
        ("1e16", Some("10000000000000000")),
        ("0.0001", Some("0.0001")),
        ("0.00001", Some("1.0000000000000001e-05")),
        ("2.98023223876953125e-8", Some("2.9802322387695312e-08")),
    ];

    #[test]
    fn observed() {
        for (written, printed) in OBSERVED {
            let found = parse(written.as_bytes()).map(|value| text(value).to_vec());
            assert_eq!(found.as_deref(), printed.map(str::as_bytes), "{written}");
        }
        assert_eq!(&*text(-0.0), b"-0");
        assert_eq!(parse(b"-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
        assert_eq!(&*text(f64::NAN), b"nan");
        assert_eq!(&*text(-f64::MIN_POSITIVE), b"-2.2250738585072014e-308");
    }

    #[test]
    fn long_texts_are_numbers_too() {
        let tiny = format!("0.{}1e401", "0".repeat(400));
        assert_eq!(parse(tiny.as_bytes()), Some(1.0));
        assert_eq!(parse("9".repeat(400).as_bytes()), None);
        assert_eq!(
            parse(format!("0x1{}p-1600", "0".repeat(400)).as_bytes()),
            Some(1.0)
        );
    }

    proptest! {
        #[test]
        fn text_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(parse(&text(value)).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn hex_is_exact(mantissa in 0_u64..1 << 53, exponent in -1074_i32..900) {
            let written = format!("{mantissa:#x}p{exponent}");
            let half = exponent / 2;
            let value = mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(exponent - half);
            prop_assert_eq!(parse(written.as_bytes()), Some(value));
        }
    }
}
