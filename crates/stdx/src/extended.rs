//! The 80-bit floating-point number of x86: a 64-bit mantissa and a 15-bit exponent.
//!
//! Counters that grow by fractions were given to the world computed in this format, which is
//! `long double` on x86 and nowhere else, and printed with 17 decimals. Whoever wants the same
//! digits needs the same roundings: text to 64 bits, the sum to 64 bits, 64 bits to text. An `f64`
//! would say 0.1 + 0.2 = 0.30000000000000004; here it is 0.3.
//!
//! Numbers with up to 38 digits and a small exponent, which is nearly all of them, are read and
//! printed within a `u128`. The others go through `big.rs`, bounded by the length of the text and
//! the range of the exponent: tens of microseconds at worst.

use crate::binary::{Finite, Format, shift_jam, shift_round};
use crate::float::hex;
use crate::number;
use big::Big;

mod big;

const FORMAT: Format = Format {
    precision: 64,
    exponent_min: -16445,
    exponent_max: 16320,
};

/// Bytes of the longest text that is read.
pub const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;

/// Decimals that are printed.
const DECIMALS: usize = 17;

/// Powers of five that leave a quotient of 128 by so many bits at least 67 bits long.
const FIVES_FAST_MAX: u64 = 26;

/// Powers of ten outside which every number, whatever its digits, is out of range.
const TENS: std::ops::Range<i64> = -5_000..5_000;

/// A number, an infinity, or not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magnitude {
    Finite(Finite),
    Infinite,
    Nan,
}

/// The number that `text` as a whole writes: decimal with optional sign, point and exponent,
/// hexadecimal (`0x1.8p3`), or `inf` and `infinity` in any case, correctly rounded.
///
/// None if it is no number (`nan` included, spaces anywhere), longer than [`TEXT_BYTES_MAX`], or
/// out of range: too large for any finite number, or not 0 but too small for any other.
pub fn parse(text: &[u8]) -> Option<Extended> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (negative, text) = hex::split_sign(text);
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(Extended {
            negative,
            magnitude: Magnitude::Infinite,
        });
    }
    let (mantissa, exponent) = match text {
        [b'0', b'x' | b'X', ..] => hex::scan(text)?,
        _ => Decimal::scan(text)?.to_scaled()?,
    };
    let rounded = FORMAT.round(mantissa, exponent)?;
    let vanished = mantissa != 0 && rounded.mantissa == 0;
    (!vanished).then_some(Extended {
        negative,
        magnitude: Magnitude::Finite(rounded),
    })
}

impl Extended {
    pub fn is_finite(self) -> bool {
        matches!(self.magnitude, Magnitude::Finite(_))
    }

    pub fn is_infinite(self) -> bool {
        self.magnitude == Magnitude::Infinite
    }

    /// Only a sum can be no number: that of two opposite infinities.
    pub fn is_nan(self) -> bool {
        self.magnitude == Magnitude::Nan
    }

    /// Appends the number without an exponent, rounded to 17 decimals, of two texts to the even
    /// one, without needless zeros and point, and without the sign of a zero. At most 4,950 bytes;
    /// `inf`, `-inf` or `nan` if it is not finite.
    pub fn push_text(self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.negative {
            out.push(b'-');
        }
        match self.magnitude {
            Magnitude::Nan => out.extend_from_slice(b"nan"),
            Magnitude::Infinite => out.extend_from_slice(b"inf"),
            Magnitude::Finite(number) if number.exponent > 0 => push_integer(number, out),
            Magnitude::Finite(number) => push_fraction(number, out),
        }
        if &out[start..] == b"-0" {
            out.remove(start);
        }
    }
}

impl std::ops::Add for Extended {
    type Output = Self;

    /// The sum, rounded to nearest, of two to even; an infinity if it is too large.
    fn add(self, other: Self) -> Self {
        match (self.magnitude, other.magnitude) {
            (Magnitude::Nan, _) | (_, Magnitude::Finite(_)) if !self.is_finite() => self,
            (_, Magnitude::Nan) | (Magnitude::Finite(_), Magnitude::Infinite) => other,
            (Magnitude::Finite(a), Magnitude::Finite(b)) => {
                if (a.exponent, a.mantissa) >= (b.exponent, b.mantissa) {
                    sum((self.negative, a), (other.negative, b))
                } else {
                    sum((other.negative, b), (self.negative, a))
                }
            }
            _ if self.negative == other.negative => self,
            _ => Self {
                negative: false,
                magnitude: Magnitude::Nan,
            },
        }
    }
}

/// The sum of two finite numbers with their signs, the one of larger magnitude first.
fn sum((negative, large): (bool, Finite), (small_negative, small): (bool, Finite)) -> Extended {
    /// Room below the mantissas for bits that are only needed to round.
    const GUARD_BITS: i32 = 62;
    let distance = i64::from(large.exponent - small.exponent);
    let aligned = shift_jam(u128::from(small.mantissa) << GUARD_BITS, distance);
    let wide = u128::from(large.mantissa) << GUARD_BITS;
    let total = if negative == small_negative {
        wide + aligned
    } else {
        wide - aligned
    };
    let magnitude = match FORMAT.round(total, i64::from(large.exponent - GUARD_BITS)) {
        Some(number) => Magnitude::Finite(number),
        None => Magnitude::Infinite,
    };
    // Opposite numbers make a zero without sign.
    Extended {
        negative: negative && (total != 0 || small_negative),
        magnitude,
    }
}

/// Appends a number that is a multiple of 2.
fn push_integer(number: Finite, out: &mut Vec<u8>) {
    let mut integer = Big::from_u128(u128::from(number.mantissa));
    integer.shift_left(number.exponent.unsigned_abs().into());
    integer.push_decimal(out);
}

/// Appends a number below 2^64, in units of 10^-17: they fit a `u128`.
fn push_fraction(number: Finite, out: &mut Vec<u8>) {
    const UNIT: u128 = 10_u128.pow(DECIMALS as u32);
    let units = shift_round(
        u128::from(number.mantissa) * UNIT,
        -i64::from(number.exponent),
    );
    out.extend_from_slice(&number::text_u64((units / UNIT) as u64));
    let fraction = (units % UNIT) as u64;
    if fraction == 0 {
        return;
    }
    let digits = number::text_u64(fraction);
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', DECIMALS - digits.len()));
    out.extend_from_slice(&digits);
    while out.last() == Some(&b'0') {
        out.pop();
    }
}

/// An unsigned decimal number, taken apart.
struct Decimal<'a> {
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn scan(text: &'a [u8]) -> Option<Self> {
        let (integer, rest) = split_digits(text);
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => split_digits(rest),
            _ => (&rest[..0], rest),
        };
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', exponent @ ..] => hex::scan_exponent(exponent)?,
            _ => return None,
        };
        let any = !integer.is_empty() || !fraction.is_empty();
        any.then_some(Self {
            integer,
            fraction,
            exponent,
        })
    }

    /// 0 to 9 each, from the first that is not 0.
    fn digits(&self) -> impl Iterator<Item = u8> + Clone {
        let digits = self
            .integer
            .iter()
            .chain(self.fraction)
            .map(|byte| byte - b'0');
        digits.skip_while(|digit| *digit == 0)
    }

    /// At least 66 bits, jammed, or all of them, × 2^exponent. None if it is far out of range.
    fn to_scaled(&self) -> Option<(u128, i64)> {
        let tens = self.exponent - self.fraction.len() as i64;
        let digits = self.digits().try_fold(0_u128, |number, digit| {
            number.checked_mul(10)?.checked_add(u128::from(digit))
        });
        if digits == Some(0) {
            return Some((0, 0));
        }
        if !TENS.contains(&(tens + self.digits().count() as i64)) {
            return None;
        }
        digits
            .and_then(|digits| scale_fast(digits, tens))
            .or_else(|| Some(self.scale(tens)))
    }

    /// The digits × 10^tens, whatever their size.
    fn scale(&self, tens: i64) -> (u128, i64) {
        let digits = Big::from_digits(self.digits());
        let (mantissa, exponent) = if tens >= 0 {
            digits.times_power_of_five(tens.unsigned_abs()).to_scaled()
        } else {
            digits.divide(Big::from_u128(1).times_power_of_five(tens.unsigned_abs()))
        };
        (mantissa, exponent + tens)
    }
}

/// `digits`, not 0, × 10^tens, if a `u128` has room for it.
fn scale_fast(digits: u128, tens: i64) -> Option<(u128, i64)> {
    if tens.unsigned_abs() > FIVES_FAST_MAX {
        return None;
    }
    let fives = 5_u128.pow(tens.unsigned_abs() as u32);
    if tens >= 0 {
        return Some((digits.checked_mul(fives)?, tens));
    }
    let room = digits.leading_zeros();
    let (quotient, rest) = ((digits << room) / fives, (digits << room) % fives);
    Some((quotient | u128::from(rest != 0), tens - i64::from(room)))
}

/// The digits that `text` starts with, and the rest.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let len = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(len)
}

#[cfg(test)]
mod tests;
