//! Rounding to a binary floating-point format: what `float` and `extended` share.
//!
//! A magnitude on its way is a wide integer × a power of two. Bits that fall off its end are not
//! forgotten but "jammed": if any was set, the lowest bit that stays is set. With at least two bits
//! more than the format holds, that is enough to round as if all of them had been kept.

/// A floating-point format. Exponents are those of the mantissa's lowest bit.
pub(crate) struct Format {
    /// Bits of the mantissa: at most 64.
    pub precision: i64,
    /// Of the smallest subnormal.
    pub exponent_min: i64,
    /// Of the largest finite number.
    pub exponent_max: i64,
}

/// mantissa × 2^exponent. The mantissa has all the format's bits, unless the exponent is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finite {
    pub mantissa: u64,
    pub exponent: i32,
}

impl Format {
    /// The number nearest to mantissa × 2^exponent, of two the even one; none if it is too large.
    pub fn round(&self, mantissa: u128, exponent: i64) -> Option<Finite> {
        if mantissa == 0 {
            return Some(Finite {
                mantissa: 0,
                exponent: self.exponent_min as i32,
            });
        }
        let width = i64::from(u128::BITS - mantissa.leading_zeros());
        let mut lowest = (exponent + width - self.precision).max(self.exponent_min);
        let mut kept = shift_round(mantissa, lowest - exponent);
        if kept >> self.precision != 0 {
            kept >>= 1;
            lowest += 1;
        }
        (lowest <= self.exponent_max).then_some(Finite {
            mantissa: kept as u64,
            exponent: lowest as i32,
        })
    }
}

/// mantissa / 2^shift, rounded to nearest, of two to even. A negative shift must lose no bits.
pub(crate) fn shift_round(mantissa: u128, shift: i64) -> u128 {
    if shift <= 0 {
        return mantissa << -shift;
    }
    let jammed = if shift == 1 {
        mantissa << 1
    } else {
        shift_jam(mantissa, shift - 2)
    };
    let (kept, lost) = (jammed >> 2, jammed & 3);
    kept + u128::from(lost == 3 || lost == 2 && kept & 1 == 1)
}

/// mantissa / 2^shift; if bits were lost, the lowest is set. The shift is not negative.
pub(crate) fn shift_jam(mantissa: u128, shift: i64) -> u128 {
    if shift >= i64::from(u128::BITS) {
        return u128::from(mantissa != 0);
    }
    let kept = mantissa >> shift;
    kept | u128::from(kept << shift != mantissa)
}
