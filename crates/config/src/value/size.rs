//! Amounts of memory: in bytes with a unit, or as a share of the limit.

use super::{How, Line, Refusal, Value, single};
use crate::directive::Limits;

/// Bytes. `k`, `m` and `g` are powers of 1000; `kb`, `mb` and `gb` of 1024.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&[u8], u64); 8] = [
    (b"", 1),
    (b"b", 1),
    (b"k", 1000),
    (b"kb", 1 << 10),
    (b"m", 1_000_000),
    (b"mb", 1 << 20),
    (b"g", 1_000_000_000),
    (b"gb", 1 << 30),
];

impl ByteSize {
    /// Reads digits and a unit. No digits are zero; more than 64 bits are as much as there is.
    pub(crate) fn parse(word: &[u8]) -> Option<ByteSize> {
        let end = word
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(word.len());
        let (digits, unit) = word.split_at(end);
        let (_, scale) = UNITS
            .iter()
            .find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
        let number = digits.iter().fold(0u64, |number, digit| {
            number
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        });
        Some(ByteSize(number.saturating_mul(*scale)))
    }

    /// The size in the largest unit that divides it, as a file has it.
    pub(crate) fn in_units(self) -> String {
        match self.0 {
            0 => "0".to_owned(),
            n if n % (1 << 30) == 0 => format!("{}gb", n >> 30),
            n if n % (1 << 20) == 0 => format!("{}mb", n >> 20),
            n if n % (1 << 10) == 0 => format!("{}kb", n >> 10),
            n => n.to_string(),
        }
    }
}

impl Value for ByteSize {
    fn assign(&mut self, words: &[Vec<u8>], _: How, limits: &Limits) -> Result<(), Refusal> {
        let size = ByteSize::parse(single(words)?)
            .ok_or(Refusal::because("argument must be a memory value"))?;
        let admitted = limits.admit(i128::from(size.0))?;
        self.0 = u64::try_from(admitted).expect("the limits of a size lie within 64 bits");
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }

    fn lines(&self, default: &ByteSize) -> Vec<Line> {
        vec![Line::new(self.in_units().into_bytes(), self == default)]
    }
}

/// An amount of memory of its own, or a share of `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryShare {
    Bytes(ByteSize),
    Percent(u8),
}

impl MemoryShare {
    pub(crate) const UNLIMITED: MemoryShare = MemoryShare::Bytes(ByteSize(0));

    /// The limit in bytes under a `maxmemory` of `whole`; 0 means none.
    pub fn bytes(self, whole: ByteSize) -> u64 {
        match self {
            MemoryShare::Bytes(size) => size.0,
            MemoryShare::Percent(share) => {
                let bytes = u128::from(whole.0) * u128::from(share) / 100;
                u64::try_from(bytes).expect("a share is no larger than the whole")
            }
        }
    }
}

impl Value for MemoryShare {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let word = single(words)?;
        let refused = || Refusal::because("argument must be a memory or percent value");
        let Some(percent) = word.strip_suffix(b"%") else {
            *self = MemoryShare::Bytes(ByteSize::parse(word).ok_or_else(refused)?);
            return Ok(());
        };
        if percent.is_empty() || !percent.iter().all(u8::is_ascii_digit) {
            return Err(refused());
        }
        let ByteSize(percent) = ByteSize::parse(percent).ok_or_else(refused)?;
        *self = match u8::try_from(percent) {
            Ok(0) => MemoryShare::UNLIMITED,
            Ok(share @ 1..=100) => MemoryShare::Percent(share),
            _ => {
                let why = "percentage argument must be less or equal to 100";
                return Err(Refusal::because(why));
            }
        };
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        match self {
            MemoryShare::Bytes(size) => size.print(),
            MemoryShare::Percent(share) => format!("{share}%").into_bytes(),
        }
    }

    fn lines(&self, default: &MemoryShare) -> Vec<Line> {
        let text = match self {
            MemoryShare::Bytes(size) => size.in_units().into_bytes(),
            MemoryShare::Percent(_) => self.print(),
        };
        vec![Line::new(text, self == default)]
    }
}
