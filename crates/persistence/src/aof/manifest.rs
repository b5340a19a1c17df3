//! The list of the files that make up an append-only file, and its text.
//!
//! ```text
//!   file appendonly.aof.2.base.rdb seq 2 type b     the base: loaded first
//!   file appendonly.aof.1.incr.aof seq 1 type h     history: to be removed
//!   file appendonly.aof.2.incr.aof seq 2 type i     increments: loaded in this order
//! ```
//!
//! Operators edit this file by hand, so the reader takes what they are used to: comments, words in
//! quotes, pairs in any order, further pairs, `\r\n`. Numbers need not follow each other closely,
//! but they must grow.

use std::fmt;

use stdx::text::{quote, split_words};

use super::names::{Format, Names, is_increment};

#[cfg(test)]
mod tests;

/// The longest line, its end included.
const LINE_BYTES_MAX: usize = 1024;

/// The largest number of a file that is read, so that there is always a next one.
const SEQUENCE_MAX: i64 = i64::MAX / 2;

/// A file of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in the folder, never a path.
    pub name: String,
    pub sequence: i64,
}

/// The files that make up an append-only file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    pub(super) base: Option<Part>,
    /// Replaced, and to be removed; what was replaced last comes first.
    pub(super) history: Vec<Part>,
    /// Ascending.
    pub(super) increments: Vec<Part>,
}

impl Manifest {
    pub fn base(&self) -> Option<&Part> {
        self.base.as_ref()
    }

    pub fn history(&self) -> &[Part] {
        &self.history
    }

    pub fn increments(&self) -> &[Part] {
        &self.increments
    }

    /// What is to be loaded, in this order.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.base.iter().chain(&self.increments)
    }

    /// Whether there is nothing to load.
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.increments.is_empty()
    }

    /// The base that comes next.
    pub(super) fn next_base(&self, names: &Names, format: Format) -> Part {
        let last = self.last(&self.base, |name| !is_increment(name));
        Part {
            name: names.base(last + 1, format),
            sequence: last + 1,
        }
    }

    /// The increment that comes next.
    pub(super) fn next_increment(&self, names: &Names) -> Part {
        let last = self.last(&self.increments, is_increment);
        Part {
            name: names.increment(last + 1),
            sequence: last + 1,
        }
    }

    /// The largest number of a kind. History counts: a name that is still listed is not given to
    /// another file.
    fn last<'a>(
        &'a self,
        listed: impl IntoIterator<Item = &'a Part>,
        in_history: impl Fn(&str) -> bool,
    ) -> i64 {
        let replaced = self.history.iter().filter(|part| in_history(&part.name));
        let numbers = listed.into_iter().chain(replaced).map(|part| part.sequence);
        numbers.fold(0, i64::max)
    }

    /// The text of the manifest. Nothing, if it lists nothing: then there should be no file.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        self.base
            .iter()
            .for_each(|part| push_line(part, b'b', &mut text));
        self.history
            .iter()
            .for_each(|part| push_line(part, b'h', &mut text));
        self.increments
            .iter()
            .for_each(|part| push_line(part, b'i', &mut text));
        text
    }

    /// Reads the text of a manifest.
    pub fn parse(text: &[u8]) -> Result<Manifest, Malformed> {
        if text.is_empty() {
            return Err(Malformed::Empty);
        }
        let mut manifest = Manifest::default();
        let mut rest = text;
        let mut number = 0;
        while !rest.is_empty() {
            let end = rest
                .iter()
                .take(LINE_BYTES_MAX)
                .position(|byte| *byte == b'\n');
            let (line, behind) = match end {
                Some(end) => rest.split_at(end + 1),
                None => rest.split_at(rest.len().min(LINE_BYTES_MAX)),
            };
            (rest, number) = (behind, number + 1);
            if line[0] == b'#' {
                continue;
            }
            if end.is_none() || line.contains(&0) {
                return Err(Malformed::LineTooLong);
            }
            let line = trim(line);
            manifest.read_line(line).map_err(|defect| Malformed::Line {
                number,
                text: String::from_utf8_lossy(line).into_owned(),
                defect,
            })?;
        }
        Ok(manifest)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), Defect> {
        let (part, kind) = parse_line(line)?;
        match kind {
            b'b' if self.base.is_some() => return Err(Defect::SecondBase),
            b'b' => self.base = Some(part),
            b'h' => self.history.push(part),
            b'i' => {
                let last = self.increments.last().map_or(0, |part| part.sequence);
                if part.sequence <= last {
                    return Err(Defect::Order);
                }
                self.increments.push(part);
            }
            _ => return Err(Defect::Kind),
        }
        Ok(())
    }
}

fn push_line(part: &Part, kind: u8, text: &mut Vec<u8>) {
    text.extend_from_slice(b"file ");
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    match part.name.bytes().all(plain) {
        true => text.extend_from_slice(part.name.as_bytes()),
        false => quote(part.name.as_bytes(), text),
    }
    text.extend_from_slice(
        format!(" seq {} type {}\n", part.sequence, char::from(kind)).as_bytes(),
    );
}

fn trim(line: &[u8]) -> &[u8] {
    let inner = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(inner).unwrap_or(line.len());
    let end = line.iter().rposition(inner).map_or(start, |last| last + 1);
    &line[start..end]
}

/// The file that a line lists, and as what.
fn parse_line(line: &[u8]) -> Result<(Part, u8), Defect> {
    let words = split_words(line).map_err(|_| Defect::Format)?;
    if words.len() < 6 || words.len() % 2 != 0 {
        return Err(Defect::Format);
    }
    let (mut name, mut sequence, mut kind) = (None, 0, None);
    for pair in words.chunks_exact(2) {
        let (key, value) = (&pair[0], &pair[1]);
        if key.eq_ignore_ascii_case(b"file") {
            name = Some(file_name(value)?);
        } else if key.eq_ignore_ascii_case(b"seq") {
            sequence = leading_number(value).ok_or(Defect::Format)?;
        } else if key.eq_ignore_ascii_case(b"type") {
            kind = value.first().copied();
        }
    }
    match (name, sequence, kind) {
        (None, ..) | (_, 0, _) | (.., None) => Err(Defect::Format),
        (Some(name), sequence, Some(kind)) => Ok((Part { name, sequence }, kind)),
    }
}

/// The name of a file that lies in the folder itself.
fn file_name(name: &[u8]) -> Result<String, Defect> {
    if name.iter().any(|byte| matches!(byte, b'/' | b'\\')) || matches!(name, b"" | b"." | b"..") {
        return Err(Defect::Path);
    }
    match std::str::from_utf8(name) {
        Ok(name) if !name.contains('\0') => Ok(name.to_owned()),
        _ => Err(Defect::Format),
    }
}

/// The number a word starts with, 0 if it starts with none. Nothing if the number is too large.
fn leading_number(word: &[u8]) -> Option<i64> {
    let (negative, digits) = match word.trim_ascii_start() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits
        .map(|byte| i64::from(byte - b'0'))
        .try_fold(0_i64, |number, digit| {
            number
                .checked_mul(10)?
                .checked_add(digit)
                .filter(|number| *number <= SEQUENCE_MAX)
        })?;
    Some(if negative { -number } else { number })
}

/// Why a text is no manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    Empty,
    LineTooLong,
    /// Lines count from 1.
    Line {
        number: usize,
        text: String,
        defect: Defect,
    },
}

/// Why a line of a manifest is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    Format,
    Path,
    SecondBase,
    Order,
    Kind,
}

impl Malformed {
    /// What an operator is told, line by line.
    pub fn report(&self) -> Vec<String> {
        let mut lines = vec!["\n*** FATAL AOF MANIFEST FILE ERROR ***".to_owned()];
        if let Malformed::Line { number, text, .. } = self {
            lines.push(format!("Reading the manifest file, at line {number}"));
            lines.push(format!(">>> '{text}'"));
        }
        lines.push(self.to_string());
        lines
    }
}

impl fmt::Display for Malformed {
    /// The reason alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Malformed::Empty => "Found an empty AOF manifest",
            Malformed::LineTooLong => "The AOF manifest file contains too long line",
            Malformed::Line { defect, .. } => match defect {
                Defect::Format => "Invalid AOF manifest file format",
                Defect::Path => "File can't be a path, just a filename",
                Defect::SecondBase => "Found duplicate base file information",
                Defect::Order => "Found a non-monotonic sequence number",
                Defect::Kind => "Unknown AOF file type",
            },
        })
    }
}

impl std::error::Error for Malformed {}
