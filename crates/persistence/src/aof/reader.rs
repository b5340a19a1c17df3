//! The records of a file, from pieces of any size.
//!
//! ```text
//!   *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n    a command
//!   #TS:1628217473\r\n                           an annotation: from here on, it was this second
//! ```
//!
//! Bytes whose sum stands before them are handed out when all of them have come and the sum fits,
//! so that nothing is done of what is damaged.
//!
//! A file whose writer was killed ends within a record, or within a transaction: both are cut off,
//! for nobody was told that they are there. Anything else that is not a record is damage.
//!
//! Memory follows the bytes that came, never a length that was merely announced.

use std::fmt;
use std::ops::Range;

use super::annotation;

#[cfg(test)]
mod tests;

/// The longest line: an annotation, or the header of a command or of an argument.
const LINE_BYTES_MAX: usize = 1024;

/// The most arguments a command may announce.
const ARGS_MAX: u64 = i32::MAX as u64;

/// The bytes a snapshot begins with.
pub const SNAPSHOT_MAGIC: &[u8] = b"REDIS";

/// What a file that begins with `bytes` holds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A snapshot, with records behind it.
    Snapshot,
    Records,
    /// More bytes are needed to tell. If there are none, it is records.
    Unknown,
}

impl Opening {
    pub fn of(bytes: &[u8]) -> Opening {
        let len = bytes.len().min(SNAPSHOT_MAGIC.len());
        match bytes[..len] == SNAPSHOT_MAGIC[..len] {
            false => Opening::Records,
            true if len == SNAPSHOT_MAGIC.len() => Opening::Snapshot,
            true => Opening::Unknown,
        }
    }
}

/// A record, as slices of what the reader keeps.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    Command(Arguments<'a>),
    /// What follows happened in this second.
    Timestamp(i64),
    /// A line behind `#` that says something else, for whoever knows what.
    Annotation(&'a [u8]),
}

/// The arguments of a command, its name first. Never empty.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    bytes: &'a [u8],
    ranges: &'a [Range<usize>],
}

impl<'a> Arguments<'a> {
    /// The name of the command.
    pub fn name(&self) -> &'a [u8] {
        &self.bytes[self.ranges[0].clone()]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.ranges.iter().map(move |range| &bytes[range.clone()])
    }
}

/// The file is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Where the line or the byte lies that should not be there.
    pub offset: u64,
    /// The file may be cut off here: behind the last whole record, outside of transactions.
    pub valid: u64,
    pub what: What,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A record begins with neither `*` nor `#`.
    Start,
    /// The number of arguments.
    Count,
    /// An argument begins with something else than `$`.
    Dollar,
    /// The length of an argument.
    Length,
    /// An argument does not end where it says.
    LineBreak,
    LineTooLong,
    /// The bytes behind a sum are not those it was made of.
    Sum,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Start => "a record begins with neither '*' nor '#'",
            What::Count => "the number of arguments is none",
            What::Dollar => "an argument does not begin with '$'",
            What::Length => "the length of an argument is none",
            What::LineBreak => "an argument does not end where it says",
            What::LineTooLong => "a line is too long",
            What::Sum => "the bytes that follow are not those that were written",
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Bad file format reading the append only file: at offset {}, {}",
            self.offset, self.what
        )
    }
}

impl std::error::Error for Broken {}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a whole record, outside of transactions.
    Clean,
    /// The file is to be cut off at `valid`.
    Truncated {
        valid: u64,
        /// Everything since MULTI is cut off, for EXEC is missing.
        in_transaction: bool,
    },
}

/// Reads records from pieces: [`Reader::feed`], then [`Reader::next`] until there is none.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// The offset in the file of the first byte of the buffer.
    buffer_at: u64,
    /// Where the record under way begins in the buffer.
    start: usize,
    partial: Partial,
    /// Where the MULTI begins, in the file, whose EXEC has not come.
    transaction: Option<u64>,
}

/// How far a command is understood.
#[derive(Debug, Default)]
struct Partial {
    /// Whether the header was read.
    begun: bool,
    /// Arguments that are still to come.
    missing: u64,
    ranges: Vec<Range<usize>>,
    /// From where on nothing is understood.
    next: usize,
    /// Bytes of the buffer without which another look does not help.
    wanted: usize,
}

/// Ranges that are kept from one command to the next.
const RANGES_KEPT: usize = 8192;

/// A buffer that is kept when it is empty.
const BUFFER_BYTES_KEPT: usize = 1 << 20;

impl Reader {
    /// A reader of what lies at `offset` and behind.
    pub fn new(offset: u64) -> Reader {
        Reader {
            buffer_at: offset,
            ..Reader::default()
        }
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.forget();
        self.buffer.extend_from_slice(bytes);
    }

    /// The next record that is whole. After an error there is nothing more to be had.
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows from the reader"
    )]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, Broken> {
        if self.buffer.len() < self.partial.wanted {
            return Ok(None);
        }
        let end = match self.read() {
            Ok(Some(end)) => end,
            Ok(None) => return Ok(None),
            Err((at, what)) => {
                return Err(Broken {
                    offset: self.buffer_at + at as u64,
                    valid: self.valid(),
                    what,
                });
            }
        };
        let start = std::mem::replace(&mut self.start, end);
        self.partial.next = end;
        self.partial.wanted = 0;
        if !std::mem::take(&mut self.partial.begun) {
            return Ok(Some(annotation_record(&self.buffer[start + 1..end])));
        }
        let arguments = Arguments {
            bytes: &self.buffer,
            ranges: &self.partial.ranges,
        };
        if is_transaction_start(&arguments) {
            let at = self.buffer_at + start as u64;
            self.transaction.get_or_insert(at);
        } else if is_transaction_end(&arguments) {
            self.transaction = None;
        }
        Ok(Some(Record::Command(arguments)))
    }

    /// The offset behind the last whole record.
    pub fn offset(&self) -> u64 {
        self.buffer_at + self.start as u64
    }

    /// Where the file may be cut off: behind the last whole record, before the MULTI of a
    /// transaction that is open.
    pub fn valid(&self) -> u64 {
        self.transaction.unwrap_or(self.offset())
    }

    /// Bytes of a record that is not whole yet.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// How the file ends, if nothing more comes and [`Reader::next`] has no more.
    pub fn end(&self) -> End {
        match self.pending() == 0 && self.transaction.is_none() {
            true => End::Clean,
            false => End::Truncated {
                valid: self.valid(),
                in_transaction: self.transaction.is_some(),
            },
        }
    }

    /// Drops what was handed out.
    fn forget(&mut self) {
        if self.start == 0 {
            return;
        }
        self.buffer.drain(..self.start);
        self.buffer_at += self.start as u64;
        if self.buffer.is_empty() && self.buffer.capacity() > BUFFER_BYTES_KEPT {
            self.buffer = Vec::new();
        }
        if self.partial.begun {
            for range in &mut self.partial.ranges {
                *range = range.start - self.start..range.end - self.start;
            }
        }
        self.partial.next -= self.start;
        self.partial.wanted = self.partial.wanted.saturating_sub(self.start);
        self.start = 0;
    }

    /// Reads on in the record under way and returns where it ends, or where it is broken.
    fn read(&mut self) -> Result<Option<usize>, (usize, What)> {
        if !self.partial.begun {
            match self.buffer.get(self.start) {
                None => return Ok(None),
                Some(b'#') => return self.read_annotation(),
                Some(b'*') => {}
                Some(_) => return Err((self.start, What::Start)),
            }
            let Some(line) = self.line(self.start)? else {
                return Ok(None);
            };
            let count = self
                .number(&line)
                .filter(|count| (1..=ARGS_MAX).contains(count));
            self.partial.missing = count.ok_or((self.start, What::Count))?;
            self.partial.next = line.end;
            self.partial.begun = true;
            match self.partial.ranges.capacity() > RANGES_KEPT {
                true => self.partial.ranges = Vec::new(),
                false => self.partial.ranges.clear(),
            }
        }
        while self.partial.missing > 0 {
            if !self.read_argument()? {
                return Ok(None);
            }
        }
        Ok(Some(self.partial.next))
    }

    /// Where the annotation under way ends. One about a sum is not over before the bytes behind it
    /// have come.
    fn read_annotation(&mut self) -> Result<Option<usize>, (usize, What)> {
        let Some(line) = self.line(self.start)? else {
            return Ok(None);
        };
        let Some(check) = annotation::check(trim(&self.buffer[line.start + 1..line.end])) else {
            return Ok(Some(line.end));
        };
        let broken = (line.start, What::Sum);
        let check = check.map_err(|_| broken)?;
        let end = line.end.checked_add(check.len).ok_or(broken)?;
        match self.buffer.get(line.end..end) {
            Some(bytes) if check.fits(bytes) => Ok(Some(line.end)),
            Some(_) => Err(broken),
            None => {
                self.partial.wanted = end;
                Ok(None)
            }
        }
    }

    /// Whether the next argument was whole.
    fn read_argument(&mut self) -> Result<bool, (usize, What)> {
        let at = self.partial.next;
        match self.buffer.get(at) {
            None => return Ok(false),
            Some(b'$') => {}
            Some(_) => return Err((at, What::Dollar)),
        }
        let Some(line) = self.line(at)? else {
            return Ok(false);
        };
        let len = self.number(&line).and_then(|len| usize::try_from(len).ok());
        let end = len.and_then(|len| line.end.checked_add(len)?.checked_add(2));
        let end = end.ok_or((at, What::Length))?;
        if self.buffer.len() < end {
            self.partial.wanted = end;
            return Ok(false);
        }
        let argument = line.end..end - 2;
        if &self.buffer[argument.end..end] != b"\r\n" {
            return Err((argument.end, What::LineBreak));
        }
        self.partial.ranges.push(argument);
        self.partial.missing -= 1;
        self.partial.next = end;
        Ok(true)
    }

    /// The line that begins at `start`, its break included, if it is whole.
    fn line(&self, start: usize) -> Result<Option<Range<usize>>, (usize, What)> {
        let rest = &self.buffer[start..];
        let head = &rest[..rest.len().min(LINE_BYTES_MAX)];
        match head.iter().position(|byte| *byte == b'\n') {
            Some(len) => Ok(Some(start..start + len + 1)),
            None if head.len() < LINE_BYTES_MAX => Ok(None),
            None => Err((start, What::LineTooLong)),
        }
    }

    /// The number between the first byte of a line and its break.
    fn number(&self, line: &Range<usize>) -> Option<u64> {
        let text = &self.buffer[line.start + 1..line.end];
        let text = text.strip_suffix(b"\n")?;
        stdx::number::parse_u64(text.strip_suffix(b"\r").unwrap_or(text))
    }
}

fn annotation_record(line: &[u8]) -> Record<'_> {
    let line = trim(line);
    annotation::timestamp(line).map_or(Record::Annotation(line), Record::Timestamp)
}

/// A line without its break.
fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_transaction_start(arguments: &Arguments<'_>) -> bool {
    arguments.name().eq_ignore_ascii_case(b"multi")
}

fn is_transaction_end(arguments: &Arguments<'_>) -> bool {
    let name = arguments.name();
    name.eq_ignore_ascii_case(b"exec") || name.eq_ignore_ascii_case(b"discard")
}
