//! Bytes that are read part by part.

use stdx::float;

use super::error::Reason;
use super::text::{self, Str};

/// Bytes of a value, and how far they were read.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes, at: 0 }
    }

    /// How far the bytes were read.
    pub fn at(&self) -> usize {
        self.at
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    #[inline]
    pub fn length(&mut self) -> Result<u64, Reason> {
        let (len, size) = text::length(self.rest())?.ok_or(Reason::Truncated)?;
        self.at += size;
        Ok(len)
    }

    /// The length of a collection, which has elements.
    pub fn count(&mut self) -> Result<u64, Reason> {
        match self.length()? {
            0 => Err(Reason::Empty),
            count => Ok(count),
        }
    }

    #[inline]
    pub fn string(&mut self) -> Result<Str<'a>, Reason> {
        let rest = self.rest();
        let read = text::read(rest);
        self.at += match &read {
            Ok((_, size)) => *size,
            Err(_) => text::reach(rest),
        };
        read.map(|(string, _)| string)
    }

    pub fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Reason> {
        let bytes = self.rest().first_chunk().ok_or(Reason::Truncated)?;
        self.at += LEN;
        Ok(*bytes)
    }

    /// A score in binary.
    pub fn score(&mut self) -> Result<f64, Reason> {
        number(f64::from_le_bytes(self.array()?))
    }

    /// A score in digits.
    pub fn score_text(&mut self) -> Result<f64, Reason> {
        let [len] = self.array()?;
        match len {
            255 => return Ok(f64::NEG_INFINITY),
            254 => return Ok(f64::INFINITY),
            253 => return Err(NOT_A_NUMBER),
            _ => {}
        }
        let digits = self
            .rest()
            .get(..usize::from(len))
            .ok_or(Reason::Truncated)?;
        self.at += digits.len();
        number(float::parse(digits).ok_or(NOT_A_NUMBER)?)
    }
}

const NOT_A_NUMBER: Reason = Reason::Structure("Zset with NAN score detected");

fn number(score: f64) -> Result<f64, Reason> {
    match score.is_nan() {
        true => Err(NOT_A_NUMBER),
        false => Ok(score),
    }
}
