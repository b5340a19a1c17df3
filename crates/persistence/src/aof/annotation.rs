//! Lines behind `#` among the records, which whoever does not know them passes over.
//!
//! ```text
//!   #TS:1628217473\r\n                  what follows happened in this second of Unix time
//!   #CRC:e9c6d914c4b8d9ca:1234\r\n      the sum (CRC-64) of the 1234 bytes that follow
//! ```

use stdx::{crc64, number};

#[cfg(test)]
mod tests;

const TIMESTAMP: &[u8] = b"TS:";
const CHECK: &[u8] = b"CRC:";

/// Digits of a sum.
const SUM_DIGITS: usize = 16;

/// Appends the line that what follows happened in this second, for `aof-timestamp-enabled yes`.
pub fn write_timestamp(unix_seconds: i64, out: &mut Vec<u8>) {
    out.extend(format!("#TS:{unix_seconds}\r\n").into_bytes());
}

/// Appends the line that `bytes` must follow, for `aof-checksum yes`.
pub fn write_check(bytes: &[u8], out: &mut Vec<u8>) {
    let sum = crc64::update(0, bytes);
    out.extend(format!("#CRC:{sum:016x}:{}\r\n", bytes.len()).into_bytes());
}

/// The second that a line, without its `#` and its break, tells of.
pub fn timestamp(line: &[u8]) -> Option<i64> {
    number::parse_i64(line.strip_prefix(TIMESTAMP)?)
}

/// Bytes whose sum is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    pub sum: u64,
    pub len: usize,
}

impl Check {
    pub fn fits(&self, bytes: &[u8]) -> bool {
        crc64::update(0, bytes) == self.sum
    }
}

/// What a line, without its `#` and its break, says of the bytes that follow, if it is about them
/// and can be read.
pub fn check(line: &[u8]) -> Option<Result<Check, Unreadable>> {
    let text = line.strip_prefix(CHECK)?;
    let read = || {
        let (sum, len) = text.split_at_checked(SUM_DIGITS)?;
        let sum = str::from_utf8(sum).ok()?;
        let len = number::parse_u64(len.strip_prefix(b":")?)?;
        Some(Check {
            sum: u64::from_str_radix(sum, 16).ok()?,
            len: usize::try_from(len).ok()?,
        })
    };
    Some(read().ok_or(Unreadable))
}

/// A line about the bytes that follow says no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;
