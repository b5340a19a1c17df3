//! Requests, taken off the front of a connection's bytes.
//!
//! A client sends `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`, or a plain line of words. [`Parser::parse`]
//! takes every whole request that has arrived and hands them out as slices of the input: nothing is
//! copied. What is left at the end is an incomplete request; the caller keeps those bytes and
//! passes them again, with more behind them. How far into them the parser had got is remembered in
//! the [`Parser`], so that a request of a million arguments that arrives byte by byte is still
//! scanned once.
//!
//! Memory follows the bytes received, never a length that was merely announced.

use std::fmt;
use std::mem;

use stdx::text::split_words;

/// The longest line: an inline request, or the header of an argument or of a request.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// The most arguments a request may announce.
pub const ARGS_MAX: i64 = i32::MAX as i64;

/// Before authentication, a client may announce this many arguments of this many bytes.
pub const UNAUTHENTICATED_ARGS_MAX: i64 = 10;
pub const UNAUTHENTICATED_BULK_BYTES_MAX: i64 = 16 * 1024;

/// What a request may announce.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`: the longest argument, in bytes.
    pub bulk_bytes_max: i64,
    /// Whether the client still has to authenticate, which tightens everything.
    pub unauthenticated: bool,
}

/// The requests of one read, as slices of the bytes read.
///
/// The arguments of all requests lie in one list, and `ends` says where each request's stop. A
/// request that is framed as the one before it is, as those of a pipeline often are, is not
/// parsed but compared.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    args: Vec<&'a [u8]>,
    ends: Vec<u32>,
    /// Each request as it was sent.
    requests: Vec<&'a [u8]>,
    /// The arguments of the request that is being parsed, or was last.
    ranges: Vec<Range>,
}

/// An argument of a request: where it starts, from the start of the request, and its length.
type Range = (usize, usize);

/// Where there are more arguments than this, comparing what frames them saves little.
const TWIN_ARGS_MAX: usize = 4;

/// Arguments that an emptied batch has room for.
const ARGS_KEPT: usize = 8192;

impl<'a> Batch<'a> {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The arguments of request `index`, the command's name first. Never empty.
    pub fn request(&self, index: usize) -> &[&'a [u8]] {
        let start = if index == 0 {
            0
        } else {
            self.ends[index - 1] as usize
        };
        &self.args[start..self.ends[index] as usize]
    }

    /// The bytes of request `index` as they were sent; none if it was a line of words.
    pub fn sent(&self, index: usize) -> Option<&'a [u8]> {
        let request = self.requests[index];
        (request[0] == b'*').then_some(request)
    }

    /// How many bytes request `index` was sent as; 0 if it came in words.
    pub fn sent_len(&self, index: usize) -> usize {
        self.requests.get(index).map_or(0, |request| request.len())
    }

    /// Empties the batch and gives its memory to one of another lifetime, unless a large request
    /// has made it large.
    pub fn recycle<'b>(mut self) -> Batch<'b> {
        if self.args.capacity() > ARGS_KEPT {
            return Batch::default();
        }
        self.args.clear();
        self.ends.clear();
        self.requests.clear();
        self.ranges.clear();
        // An empty vector collected from itself keeps its allocation.
        let args = self.args.into_iter().map(|_| -> &'b [u8] { &[] }).collect();
        let requests = self.requests.into_iter();
        let requests = requests.map(|_| -> &'b [u8] { &[] }).collect();
        Batch {
            args,
            ends: self.ends,
            requests,
            ranges: self.ranges,
        }
    }

    /// Adds a request that is in words already, the command's name first.
    ///
    /// # Panics
    /// If there is no word.
    pub fn add(&mut self, words: &[&'a [u8]]) {
        assert!(!words.is_empty(), "a request has a name");
        self.args.extend_from_slice(words);
        self.end();
    }

    fn push(&mut self, request: &'a [u8]) {
        self.args.extend(
            self.ranges
                .iter()
                .map(|&(start, len)| &request[start..start + len]),
        );
        self.requests.push(request);
        self.end();
    }

    fn end(&mut self) {
        let end = u32::try_from(self.args.len()).expect("one read holds fewer than 4 G arguments");
        self.ends.push(end);
    }

    /// How long the request at the front of `input` is, if it has the name and the framing of the
    /// last, and so its ranges.
    #[inline]
    fn twin(&self, input: &[u8]) -> Option<usize> {
        let last = *self.requests.last()?;
        let input = input.get(..last.len())?;
        if self.ranges.len() > TWIN_ARGS_MAX || last[0] != b'*' {
            return None;
        }
        let mut at = 0;
        for &(start, len) in self.ranges.get(1..)? {
            if input[at..start] != last[at..start] {
                return None;
            }
            at = start + len;
        }
        (input[at..] == last[at..]).then_some(last.len())
    }
}

/// Why a connection must be closed: the stream cannot be followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    ArgsAnnounced,
    ArgsAnnouncedUnauthenticated,
    ArgsHeaderTooLong,
    BulkExpected(u8),
    BulkHeaderTooLong,
    BulkLength,
    BulkLengthUnauthenticated,
    LineTooLong,
    UnbalancedQuotes,
}

impl fmt::Display for ProtocolError {
    /// The text a client sees behind `ERR `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            Self::ArgsAnnounced => f.write_str("invalid multibulk length"),
            Self::ArgsAnnouncedUnauthenticated => f.write_str("unauthenticated multibulk length"),
            Self::ArgsHeaderTooLong => f.write_str("too big mbulk count string"),
            Self::BulkExpected(got) => match got {
                b'\r' | b'\n' | 0 => f.write_str("expected '$', got ' '"),
                got => write!(f, "expected '$', got '{}'", char::from(*got)),
            },
            Self::BulkHeaderTooLong => f.write_str("too big bulk count string"),
            Self::BulkLength => f.write_str("invalid bulk length"),
            Self::BulkLengthUnauthenticated => f.write_str("unauthenticated bulk length"),
            Self::LineTooLong => f.write_str("too big inline request"),
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// How far one connection's bytes have been understood. Between requests it holds nothing.
#[derive(Debug, Default)]
pub struct Parser {
    partial: Option<Box<Partial>>,
}

/// An incomplete request: the header said `missing` more arguments, `next` is the first byte
/// behind those in `ranges`.
#[derive(Debug)]
struct Partial {
    ranges: Vec<Range>,
    /// The sum of their lengths.
    argument_bytes: usize,
    missing: usize,
    next: usize,
    /// The bytes that must be there before another look can help.
    wanted: usize,
    /// The first byte behind all that is understood: of `next`, or of the argument announced there.
    behind: usize,
}

/// How far an incomplete request is understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Bytes of the input that need not be looked at again.
    pub understood: usize,
    /// The bytes of the arguments that are complete.
    pub argument_bytes: usize,
    /// The argument under way has to bring so many bytes more, its line break included.
    pub argument_left: usize,
}

/// What [`Parser::parse`] did.
#[derive(Debug)]
pub struct Parsed {
    /// Bytes taken off the front. The rest is to be passed again.
    pub consumed: usize,
    /// The stream is broken behind the requests in the batch.
    pub error: Option<ProtocolError>,
}

enum Step {
    /// A request of this many bytes, its arguments in the batch's ranges.
    Whole(usize),
    /// Nothing to run in this many bytes.
    Empty(usize),
    Incomplete,
}

impl Parser {
    /// Takes every whole request off the front of `input` into `batch`.
    ///
    /// `input` is writable because a quoted inline request is unescaped where it stands.
    pub fn parse<'a>(
        &mut self,
        input: &'a mut [u8],
        limits: &Limits,
        batch: &mut Batch<'a>,
    ) -> Parsed {
        let total = input.len();
        let mut rest = input;
        // What other limits allowed has no twins.
        batch.ranges.clear();
        let error = loop {
            if rest.is_empty() {
                break None;
            }
            let step = match batch.twin(rest) {
                Some(len) => Ok(Step::Whole(len)),
                None => {
                    batch.ranges.clear();
                    match rest[0] {
                        b'*' => self.multibulk(rest, limits, &mut batch.ranges),
                        _ => inline(rest, &mut batch.ranges),
                    }
                }
            };
            match step {
                Ok(Step::Whole(len)) => {
                    let (request, behind) = mem::take(&mut rest).split_at_mut(len);
                    batch.push(request);
                    rest = behind;
                }
                Ok(Step::Empty(len)) => rest = &mut mem::take(&mut rest)[len..],
                Ok(Step::Incomplete) => break None,
                Err(error) => break Some(error),
            }
        };
        Parsed {
            consumed: total - rest.len(),
            error,
        }
    }

    /// How far the incomplete request is understood that `len` bytes of are there.
    pub fn standing(&self, len: usize) -> Standing {
        let Some(partial) = &self.partial else {
            return Standing::default();
        };
        let announced = partial.behind > partial.next;
        Standing {
            understood: partial.behind,
            argument_bytes: partial.argument_bytes,
            argument_left: match announced {
                true => partial.wanted.saturating_sub(len),
                false => 0,
            },
        }
    }

    fn multibulk(
        &mut self,
        input: &[u8],
        limits: &Limits,
        ranges: &mut Vec<Range>,
    ) -> Result<Step, ProtocolError> {
        let (mut missing, mut next, mut argument_bytes) = match self.partial.take() {
            Some(partial) if input.len() < partial.wanted => {
                self.partial = Some(partial);
                return Ok(Step::Incomplete);
            }
            Some(mut partial) => {
                mem::swap(ranges, &mut partial.ranges);
                (partial.missing, partial.next, partial.argument_bytes)
            }
            None => match args_header(input, limits)? {
                Some((0, next)) => return Ok(Step::Empty(next)),
                Some((missing, next)) => (missing, next, 0),
                None => return Ok(Step::Incomplete),
            },
        };
        while missing > 0 {
            match bulk(input, next, limits)? {
                Bulk::Whole(start, len) => {
                    ranges.push((start, len));
                    argument_bytes += len;
                    next = start + len + 2;
                    missing -= 1;
                }
                Bulk::Incomplete { wanted, behind } => {
                    let ranges = mem::take(ranges);
                    self.partial = Some(Box::new(Partial {
                        ranges,
                        argument_bytes,
                        missing,
                        next,
                        wanted,
                        behind,
                    }));
                    return Ok(Step::Incomplete);
                }
            }
        }
        Ok(Step::Whole(next))
    }
}

/// `*3\r\n`: how many arguments follow, and where the first begins.
fn args_header(input: &[u8], limits: &Limits) -> Result<Option<(usize, usize)>, ProtocolError> {
    let Some((count, next)) = header(input, 0) else {
        return match input.len() > LINE_BYTES_MAX {
            true => Err(ProtocolError::ArgsHeaderTooLong),
            false => Ok(None),
        };
    };
    match count {
        None => Err(ProtocolError::ArgsAnnounced),
        Some(count) if count > ARGS_MAX => Err(ProtocolError::ArgsAnnounced),
        Some(count) if limits.unauthenticated && count > UNAUTHENTICATED_ARGS_MAX => {
            Err(ProtocolError::ArgsAnnouncedUnauthenticated)
        }
        Some(count) => Ok(Some((usize::try_from(count).unwrap_or(0), next))),
    }
}

enum Bulk {
    Whole(usize, usize),
    Incomplete { wanted: usize, behind: usize },
}

/// `$5\r\nhello\r\n`: where the argument's bytes begin, and how many they are.
fn bulk(input: &[u8], at: usize, limits: &Limits) -> Result<Bulk, ProtocolError> {
    match input.get(at) {
        None => {
            return Ok(Bulk::Incomplete {
                wanted: at + 1,
                behind: at,
            });
        }
        Some(b'$') => {}
        Some(&other) => return Err(ProtocolError::BulkExpected(other)),
    }
    let Some((len, start)) = header(input, at) else {
        return match input.len() - at > LINE_BYTES_MAX {
            true => Err(ProtocolError::BulkHeaderTooLong),
            false => Ok(Bulk::Incomplete {
                wanted: input.len() + 1,
                behind: at,
            }),
        };
    };
    let len = match len {
        Some(len) if limits.unauthenticated && len > UNAUTHENTICATED_BULK_BYTES_MAX => {
            return Err(ProtocolError::BulkLengthUnauthenticated);
        }
        Some(len) if (0..=limits.bulk_bytes_max).contains(&len) => len as usize,
        _ => return Err(ProtocolError::BulkLength),
    };
    let end = start + len;
    match input.get(end..end + 2) {
        Some(b"\r\n") => Ok(Bulk::Whole(start, len)),
        // An argument longer than announced: what follows must not be run as requests.
        Some(_) => Err(ProtocolError::BulkLength),
        None => Ok(Bulk::Incomplete {
            wanted: end + 2,
            behind: start,
        }),
    }
}

/// The number on the line whose first byte stands at `at`, and where the next line begins.
/// The outer option is `None` while the line is incomplete, the inner when it is no number.
#[inline(always)]
fn header(input: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    let digits = &input[at + 1..];
    let value = |digit: &u8| i64::from(digit - b'0');
    // Nearly every header has one to three digits.
    match digits {
        [a @ b'0'..=b'9', b'\r', b'\n', ..] => Some((Some(value(a)), at + 4)),
        [a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', b'\n', ..] => {
            Some((Some(value(a) * 10 + value(b)), at + 5))
        }
        [
            a @ b'1'..=b'9',
            b @ b'0'..=b'9',
            c @ b'0'..=b'9',
            b'\r',
            b'\n',
            ..,
        ] => {
            let number = (value(a) * 10 + value(b)) * 10 + value(c);
            Some((Some(number), at + 6))
        }
        _ => any_header(digits, at),
    }
}

/// As [`header`], of any line.
#[cold]
fn any_header(digits: &[u8], at: usize) -> Option<(Option<i64>, usize)> {
    let window = &digits[..digits.len().min(LINE_BYTES_MAX)];
    let end = memchr::memchr(b'\r', window)?;
    let newline = digits.get(end + 1)?;
    let number = match newline {
        b'\n' => stdx::number::parse_i64(&digits[..end]),
        _ => None,
    };
    Some((number, at + end + 3))
}

/// `SET k "a b"\r\n`: the words are unescaped in place, and their ranges noted.
fn inline(input: &mut [u8], ranges: &mut Vec<Range>) -> Result<Step, ProtocolError> {
    let window = &input[..input.len().min(LINE_BYTES_MAX)];
    let Some(end) = memchr::memchr(b'\n', window) else {
        return match input.len() >= LINE_BYTES_MAX {
            true => Err(ProtocolError::LineTooLong),
            false => Ok(Step::Incomplete),
        };
    };
    let line = &mut input[..end];
    let words = split_words(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
    if words.is_empty() {
        return Ok(Step::Empty(end + 1));
    }
    // A word is never longer than the text it was written as, so all of them fit again.
    let mut at = 0;
    for word in &words {
        line[at..at + word.len()].copy_from_slice(word);
        ranges.push((at, word.len()));
        at += word.len();
    }
    Ok(Step::Whole(end + 1))
}

#[cfg(test)]
mod tests;
