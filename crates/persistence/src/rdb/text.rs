//! Lengths and strings, of which everything in a dump is made.
//!
//! ```text
//!   00xxxxxx                 a length of 6 bits
//!   01xxxxxx xxxxxxxx        14 bits, the highest first
//!   10000000 4 bytes         32 bits, the highest first
//!   10000001 8 bytes         64 bits, the highest first
//!   110000nn ...             no length: nn = 0, 1, 2 an integer of 8, 16, 32 bits, lowest first;
//!                            3 compressed bytes: their length, the length of what they give, they
//! ```
//!
//! A string is its length and its bytes, or one of the last four. An integer stands for its text.

use std::borrow::Cow;

use datatypes::Text;
use stdx::number::{self, IntText};

use super::error::Reason;
use super::lzf;

/// A text this long may be that of an integer of 32 bits.
const INT_BYTES_MAX: usize = 11;

/// Text up to here is not worth compressing.
const PLAIN_BYTES_MAX: usize = 20;

/// Bytes that compression must save.
const SAVING_MIN: usize = 4;

/// A length, or the form of a string that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Length(u64),
    Form(u8),
}

/// The length or form at the front of `bytes`, and how many bytes it takes. Nothing if they end
/// within it.
#[inline]
pub(super) fn head(bytes: &[u8]) -> Result<Option<(Head, usize)>, Reason> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let low = first & 0x3f;
    Ok(match first >> 6 {
        0 => Some((Head::Length(low.into()), 1)),
        1 => rest
            .first()
            .map(|&next| (Head::Length(u64::from(low) << 8 | u64::from(next)), 2)),
        2 => match low {
            0 => rest
                .first_chunk()
                .map(|bytes| (Head::Length(u32::from_be_bytes(*bytes).into()), 5)),
            1 => rest
                .first_chunk()
                .map(|bytes| (Head::Length(u64::from_be_bytes(*bytes)), 9)),
            _ => return Err(Reason::Length(2)),
        },
        _ => Some((Head::Form(low), 1)),
    })
}

/// As [`head`], for a length only.
#[inline]
pub(super) fn length(bytes: &[u8]) -> Result<Option<(u64, usize)>, Reason> {
    match head(bytes)? {
        Some((Head::Length(len), size)) => Ok(Some((len, size))),
        Some((Head::Form(_), _)) => Err(Reason::Length(3)),
        None => Ok(None),
    }
}

/// A string as it lies in a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Int(u8),
    Plain { head: usize, len: u64 },
    Packed { head: usize, packed: u64, len: u64 },
}

/// The form of the string at the front of `bytes`. Nothing if they end before that is known.
#[inline]
fn form(bytes: &[u8]) -> Result<Option<Form>, Reason> {
    let Some((found, head)) = head(bytes)? else {
        return Ok(None);
    };
    match found {
        Head::Length(len) => Ok(Some(Form::Plain { head, len })),
        Head::Form(int @ 0..=2) => Ok(Some(Form::Int(1 << int))),
        Head::Form(3) => packed_form(bytes),
        Head::Form(form) => Err(Reason::StringForm(form)),
    }
}

fn packed_form(bytes: &[u8]) -> Result<Option<Form>, Reason> {
    let Some((packed, first)) = length(&bytes[1..])? else {
        return Ok(None);
    };
    let Some((len, second)) = length(&bytes[1 + first..])? else {
        return Ok(None);
    };
    Ok(Some(Form::Packed {
        head: 1 + first + second,
        packed,
        len,
    }))
}

/// Where a string that is at the front of `bytes` ends; `None` if its announced end is not known
/// yet. The end may lie behind that of `bytes`.
#[inline]
pub(super) fn end(bytes: &[u8]) -> Result<Option<u64>, Reason> {
    let (head, body) = match form(bytes)? {
        None => return Ok(None),
        Some(Form::Int(size)) => (1, u64::from(size)),
        Some(Form::Plain { head, len }) => (head, len),
        Some(Form::Packed { head, packed, .. }) => (head, packed),
    };
    // An end beyond all numbers is not reached either.
    Ok(Some(body.saturating_add(head as u64)))
}

/// How many bytes of the length that `bytes` begin with can be read: all, or its first.
pub(super) fn length_reach(bytes: &[u8]) -> usize {
    match head(bytes) {
        Ok(Some((_, size))) => size,
        Ok(None) | Err(_) => bytes.len().min(1),
    }
}

/// As [`length_reach`], for a string: its length and what else comes before its bytes, and they if
/// all are there.
pub(super) fn reach(bytes: &[u8]) -> usize {
    let head = match form(bytes) {
        Ok(Some(Form::Plain { head, .. } | Form::Packed { head, .. })) => head,
        Ok(Some(Form::Int(_))) => 1,
        Ok(None) | Err(_) if matches!(bytes, [0xc3, ..]) => {
            let first = 1 + length_reach(&bytes[1..]);
            let second = match length(&bytes[1..]) {
                Ok(Some(_)) => length_reach(&bytes[first..]),
                _ => 0,
            };
            return first + second;
        }
        Ok(None) | Err(_) => return length_reach(bytes),
    };
    match end(bytes) {
        Ok(Some(end)) if end <= bytes.len() as u64 => end as usize,
        _ => head,
    }
}

/// A string that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Str<'a> {
    Int(i64),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Str<'a> {
    pub fn text(&self) -> Text<'_> {
        match self {
            Str::Int(number) => Text::Int(*number),
            Str::Bytes(bytes) => Text::Bytes(bytes),
        }
    }

    /// The length of the text.
    pub fn len(&self) -> usize {
        self.text().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives `read` the text itself.
    #[inline]
    pub fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        self.text().with_bytes(read)
    }

    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        match self {
            Str::Int(number) => Cow::Owned(number::text(number).to_vec()),
            Str::Bytes(bytes) => bytes,
        }
    }
}

/// The string at the front of `bytes`, and how many bytes it takes.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Result<(Str<'_>, usize), Reason> {
    let taken = |from: usize, len: u64| {
        let end = usize::try_from(len)
            .ok()
            .and_then(|len| from.checked_add(len));
        let end = end.ok_or(Reason::Truncated)?;
        let body = bytes.get(from..end).ok_or(Reason::Truncated)?;
        Ok((body, end))
    };
    match form(bytes)?.ok_or(Reason::Truncated)? {
        Form::Plain { head, len } => {
            let (body, end) = taken(head, len)?;
            Ok((Str::Bytes(Cow::Borrowed(body)), end))
        }
        Form::Int(size) => {
            let (body, end) = taken(1, size.into())?;
            Ok((Str::Int(signed(body)), end))
        }
        Form::Packed { head, packed, len } => {
            let (body, end) = taken(head, packed)?;
            let len = usize::try_from(len).map_err(|_| Reason::Compression)?;
            let bytes = lzf::decompress(body, len).ok_or(Reason::Compression)?;
            Ok((Str::Bytes(Cow::Owned(bytes)), end))
        }
    }
}

/// The number whose bytes these are, the lowest first: at most eight.
pub(super) fn signed(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    let unused = 8 - bytes.len();
    wide[unused..].copy_from_slice(bytes);
    i64::from_le_bytes(wide) >> (8 * unused)
}

/// Appends a length.
#[inline]
pub(super) fn push_length(len: u64, into: &mut Vec<u8>) {
    match len {
        0..0x40 => into.push(len as u8),
        0x40..0x4000 => into.extend_from_slice(&(0x4000 | len as u16).to_be_bytes()),
        0x4000..=0xffff_ffff => {
            into.push(0x80);
            into.extend_from_slice(&(len as u32).to_be_bytes());
        }
        _ => {
            into.push(0x81);
            into.extend_from_slice(&len.to_be_bytes());
        }
    }
}

/// Appends a string: as an integer if it is the text of one, compressed if that is wanted and
/// saves anything.
#[inline]
pub(super) fn push(text: Text<'_>, compress: bool, into: &mut Vec<u8>) {
    match text {
        Text::Int(number) => push_int(number, into),
        Text::Bytes(bytes) => push_bytes(bytes, compress, into),
    }
}

#[inline]
pub(super) fn push_bytes(bytes: &[u8], compress: bool, into: &mut Vec<u8>) {
    if bytes.len() <= INT_BYTES_MAX
        && let Some(number) = number::parse_i64(bytes)
        && push_narrow(number, into)
    {
        return;
    }
    if compress && bytes.len() > PLAIN_BYTES_MAX && push_packed(bytes, into) {
        return;
    }
    push_plain(bytes, into);
}

fn push_int(number: i64, into: &mut Vec<u8>) {
    if !push_narrow(number, into) {
        let text: IntText = number::text(number);
        push_plain(&text, into);
    }
}

#[inline]
fn push_plain(bytes: &[u8], into: &mut Vec<u8>) {
    push_length(bytes.len() as u64, into);
    into.extend_from_slice(bytes);
}

/// Appends a number of up to 32 bits.
fn push_narrow(number: i64, into: &mut Vec<u8>) -> bool {
    let (form, size) = match number {
        _ if i8::try_from(number).is_ok() => (0xc0, 1),
        _ if i16::try_from(number).is_ok() => (0xc1, 2),
        _ if i32::try_from(number).is_ok() => (0xc2, 4),
        _ => return false,
    };
    into.push(form);
    into.extend_from_slice(&number.to_le_bytes()[..size]);
    true
}

/// Appends bytes in compressed form, if they are shorter so.
fn push_packed(bytes: &[u8], into: &mut Vec<u8>) -> bool {
    let start = into.len();
    let packed_max = bytes.len() - SAVING_MIN;
    let push_head = |packed: usize, into: &mut Vec<u8>| {
        into.push(0xc3);
        push_length(packed as u64, into);
        push_length(bytes.len() as u64, into);
    };
    // The compressed length stands before the bytes and is known behind them.
    push_head(packed_max, into);
    let body = into.len();
    if !lzf::compress(bytes, packed_max, into) {
        into.truncate(start);
        return false;
    }
    let mut head = Vec::with_capacity(body - start);
    push_head(into.len() - body, &mut head);
    into.splice(start..body, head);
    true
}

#[cfg(test)]
mod tests;
