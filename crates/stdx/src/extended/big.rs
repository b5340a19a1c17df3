//! Natural numbers of any size, with just the operations that decimal ⇄ binary needs.

use crate::number;

/// The largest power of ten in a limb, and its number of zeros.
const CHUNK: (u64, usize) = (10_u64.pow(19), 19);

/// The largest power of five in a limb, and its exponent.
const FIVES: (u64, u64) = (5_u64.pow(27), 27);

/// Little-endian limbs; the last is not 0.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Big {
    limbs: Vec<u64>,
}

impl Big {
    pub fn from_u128(number: u128) -> Self {
        let mut big = Self {
            limbs: vec![number as u64, (number >> 64) as u64],
        };
        big.trim();
        big
    }

    /// 0 to 9 each, most significant first.
    pub fn from_digits(digits: impl Iterator<Item = u8>) -> Self {
        let mut big = Self { limbs: Vec::new() };
        let (mut scale, mut chunk) = (1, 0);
        for digit in digits {
            scale *= 10;
            chunk = chunk * 10 + u64::from(digit);
            if scale == CHUNK.0 {
                big.multiply_add(scale, chunk);
                (scale, chunk) = (1, 0);
            }
        }
        big.multiply_add(scale, chunk);
        big
    }

    /// self × 5^exponent
    pub fn times_power_of_five(mut self, mut exponent: u64) -> Self {
        while exponent > FIVES.1 {
            self.multiply_add(FIVES.0, 0);
            exponent -= FIVES.1;
        }
        self.multiply_add(5_u64.pow(exponent as u32), 0);
        self
    }

    fn multiply_add(&mut self, factor: u64, mut carry: u64) {
        for limb in &mut self.limbs {
            let wide = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            *limb = wide as u64;
            carry = (wide >> 64) as u64;
        }
        self.limbs.push(carry);
        self.trim();
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }

    /// Bits without leading zeros.
    fn width(&self) -> u64 {
        let Some(last) = self.limbs.last() else {
            return 0;
        };
        self.limbs.len() as u64 * 64 - u64::from(last.leading_zeros())
    }

    /// self × 2^bits
    pub fn shift_left(&mut self, bits: u64) {
        self.multiply_add(1 << (bits % 64), 0);
        self.limbs
            .splice(0..0, std::iter::repeat_n(0, (bits / 64) as usize));
    }

    /// The upper bits, jammed, × 2^exponent.
    pub fn to_scaled(&self) -> (u128, i64) {
        let low = self.limbs.len().saturating_sub(2);
        let lost = self.limbs[..low].iter().any(|limb| *limb != 0);
        let upper = self.limbs[low..]
            .iter()
            .rfold(0, |upper, limb| upper << 64 | u128::from(*limb));
        // The two upper limbs have at least 65 bits: too few to jam, unless a third helps.
        let Some(third) = low.checked_sub(1).map(|index| self.limbs[index]) else {
            return (upper, 0);
        };
        let room = upper.leading_zeros();
        let filled = if room == 0 {
            upper
        } else {
            upper << room | u128::from(third) >> (64 - room)
        };
        (filled | u128::from(lost), low as i64 * 64 - i64::from(room))
    }

    /// self / divisor, neither 0, as 66 or 67 bits, jammed, × 2^exponent.
    ///
    /// Long division in base 2: so few bits are wanted that nothing cleverer is worth its lines.
    pub fn divide(mut self, mut divisor: Self) -> (u128, i64) {
        const BITS: u32 = 67;
        let exponent = self.width() as i64 - divisor.width() as i64;
        if exponent > 0 {
            divisor.shift_left(exponent.unsigned_abs());
        } else {
            self.shift_left(exponent.unsigned_abs());
        }
        let mut quotient = 0_u128;
        for _ in 0..BITS {
            quotient <<= 1;
            if self.at_least(&divisor) {
                self.subtract(&divisor);
                quotient |= 1;
            }
            self.multiply_add(2, 0);
        }
        let lost = !self.limbs.is_empty();
        (quotient | u128::from(lost), exponent + 1 - i64::from(BITS))
    }

    fn at_least(&self, other: &Self) -> bool {
        let by_len = self.limbs.len().cmp(&other.limbs.len());
        by_len
            .then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
            .is_ge()
    }

    /// Takes away `other`, which is not larger.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        let others = other.limbs.iter().chain(std::iter::repeat(&0));
        for (limb, other) in self.limbs.iter_mut().zip(others) {
            (*limb, borrow) = limb.borrowing_sub(*other, borrow);
        }
        self.trim();
    }

    /// Appends the decimal digits.
    pub fn push_decimal(mut self, out: &mut Vec<u8>) {
        let mut chunks = Vec::new();
        while !self.limbs.is_empty() {
            chunks.push(self.divide_by_chunk());
        }
        let mut chunks = chunks.iter().rev();
        out.extend_from_slice(&number::text_u64(chunks.next().copied().unwrap_or(0)));
        for chunk in chunks {
            let digits = number::text_u64(*chunk);
            out.extend(std::iter::repeat_n(b'0', CHUNK.1 - digits.len()));
            out.extend_from_slice(&digits);
        }
    }

    /// Divides by 10^19 and returns the remainder.
    fn divide_by_chunk(&mut self) -> u64 {
        let mut remainder = 0;
        for limb in self.limbs.iter_mut().rev() {
            let wide = u128::from(remainder) << 64 | u128::from(*limb);
            *limb = (wide / u128::from(CHUNK.0)) as u64;
            remainder = (wide % u128::from(CHUNK.0)) as u64;
        }
        self.trim();
        remainder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(big: Big) -> String {
        let mut out = Vec::new();
        big.push_decimal(&mut out);
        String::from_utf8(out).expect("digits are ASCII")
    }

    #[test]
    fn decimals_survive() {
        for text in [
            "1",
            "9999999999999999999",
            "10000000000000000000",
            &"1203".repeat(300),
        ] {
            assert_eq!(
                decimal(Big::from_digits(text.bytes().map(|byte| byte - b'0'))),
                *text
            );
        }
        assert_eq!(decimal(Big::from_u128(u128::MAX)), u128::MAX.to_string());
        assert_eq!(decimal(Big::from_u128(0)), "0");
    }

    #[test]
    fn powers() {
        let mut big = Big::from_u128(1).times_power_of_five(100);
        big.shift_left(100);
        assert_eq!(decimal(big.clone()), format!("1{}", "0".repeat(100)));
        let (upper, exponent) = big.to_scaled();
        assert_eq!((upper.leading_zeros(), exponent), (0, 205));
        let ten = Big::from_u128(1).times_power_of_five(99);
        let (quotient, exponent) = big.divide(ten);
        // 5 × 2^100
        assert_eq!((quotient, exponent), (5 << 63, 37));
    }
}
