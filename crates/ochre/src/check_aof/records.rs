//! The records of one file, and the first of them that is not sane.
//!
//! This reads as the tool of Redis 7.0.15 does, to find the same defects and name them in the same
//! words. It is more patient than the server: a number may have spaces or a sign before it, and a
//! command no words. Sums before what was written at once are Ochre's own.

use std::io::{self, BufRead};

use persistence::aof::annotation::{self, Check};
use persistence::aof::reader::What;
use stdx::crc64;

#[cfg(test)]
mod tests;

/// The longest piece of an annotation that is looked at as one.
const ANNOTATION_BYTES_MAX: usize = 1023;

/// The longest header that is looked at.
const HEADER_BYTES_MAX: usize = 127;

/// What is kept of a command's first word: enough to tell MULTI and EXEC from others.
const NAME_BYTES_MAX: usize = 6;

/// Reads records, and counts what was sane.
pub struct Records<R> {
    input: R,
    /// Bytes of the file before what is read next.
    at: u64,
    /// The line that comes next. Headers and words count, over all files.
    line: u64,
    /// Where the part that was begun last begins.
    part: u64,
    in_transaction: bool,
    /// The bytes behind the last sane record outside of a transaction.
    valid: u64,
    /// What the last header of a command has left behind what is read over it.
    header: [u8; HEADER_BYTES_MAX + 1],
    /// What is being read, if its sum stood before it.
    checked: Option<Checked>,
}

/// Bytes whose sum is known.
struct Checked {
    /// Where the line with the sum begins.
    at: u64,
    expected: Check,
    /// Of what has been read.
    sum: u64,
    len: usize,
}

impl Checked {
    fn note(&mut self, bytes: &[u8]) {
        self.sum = crc64::update(self.sum, bytes);
        self.len += bytes.len();
    }

    fn is_over(&self) -> bool {
        self.len >= self.expected.len
    }

    fn fits(&self) -> bool {
        (self.len, self.sum) == (self.expected.len, self.expected.sum)
    }
}

/// What comes next in a file.
pub enum Next {
    Record,
    /// What follows the annotation at this offset happened in this second, if it is one.
    Timestamp {
        at: u64,
        seconds: Option<i64>,
    },
    End,
    Defect(Defect),
}

/// Why a file is not sane.
pub enum Defect {
    /// In these words, of the part that begins at this offset.
    At(u64, Vec<u8>),
    /// A command is expected, and there is something else.
    NoRecord,
    /// The file ends where there should be a header.
    Silent,
}

/// Of a part of a record: the file cannot be read, or it is not sane.
enum Stop {
    Io(io::Error),
    Defect(Defect),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Io(error)
    }
}

impl<R: BufRead> Records<R> {
    /// Reads from `input`, which is at byte `at` of its file. `line` is the line that comes next.
    pub fn new(input: R, at: u64, line: u64) -> Records<R> {
        Records {
            input,
            at,
            line,
            part: 0,
            in_transaction: false,
            valid: at,
            header: [0; HEADER_BYTES_MAX + 1],
            checked: None,
        }
    }

    /// How many bytes of the file may stay.
    pub fn valid(&self) -> u64 {
        self.valid
    }

    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads on. `file` is what the file is called.
    pub fn next(&mut self, file: &[u8]) -> io::Result<Next> {
        let next = match self.peek()? {
            None if self.in_transaction => self.unfinished(),
            None => match self.checked.take() {
                None => return Ok(Next::End),
                Some(checked) => Next::Defect(not_as_written(checked.at)),
            },
            Some(b'#') => self.annotation()?,
            Some(b'*') => match self.record(file) {
                Ok(()) => Next::Record,
                Err(Stop::Io(error)) => return Err(error),
                Err(Stop::Defect(Defect::Silent)) if self.in_transaction => self.unfinished(),
                Err(Stop::Defect(defect)) => Next::Defect(defect),
            },
            Some(_) => Next::Defect(Defect::NoRecord),
        };
        if matches!(next, Next::Defect(_)) {
            return Ok(next);
        }
        if let Some(checked) = self.checked.take_if(|checked| checked.is_over())
            && !checked.fits()
        {
            return Ok(Next::Defect(not_as_written(checked.at)));
        }
        if !self.in_transaction && self.checked.is_none() {
            self.valid = self.at;
        }
        Ok(next)
    }

    fn unfinished(&self) -> Next {
        let words = b"Reached EOF before reading EXEC for MULTI".to_vec();
        Next::Defect(Defect::At(self.part, words))
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// Takes up to `max` bytes, but nothing behind a line feed.
    fn take_line(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let limit = u64::try_from(max).unwrap_or(u64::MAX);
        io::Read::take(&mut self.input, limit).read_until(b'\n', &mut line)?;
        self.at += line.len() as u64;
        if let Some(checked) = &mut self.checked {
            checked.note(&line);
        }
        Ok(line)
    }

    fn annotation(&mut self) -> io::Result<Next> {
        self.part = self.at;
        let line = self.take_line(ANNOTATION_BYTES_MAX)?;
        let Some(text) = line.strip_prefix(b"#TS:") else {
            return Ok(self.begin_checked(&line));
        };
        let (seconds, rest) = leading_number(text);
        Ok(Next::Timestamp {
            at: self.part,
            seconds: (rest == b"\r\n").then_some(seconds),
        })
    }

    /// Compares what follows with its sum, if the line says one.
    fn begin_checked(&mut self, line: &[u8]) -> Next {
        let text = line.trim_ascii_end().strip_prefix(b"#");
        match text.and_then(annotation::check) {
            None => Next::Record,
            Some(Ok(expected)) if self.checked.is_none() => {
                self.checked = Some(Checked {
                    at: self.part,
                    expected,
                    sum: 0,
                    len: 0,
                });
                Next::Record
            }
            Some(_) => Next::Defect(not_as_written(self.part)),
        }
    }

    /// Reads a command.
    fn record(&mut self, file: &[u8]) -> Result<(), Stop> {
        let words = self.header(b'*')?;
        for index in 0..words {
            let name = self.word()?;
            if index > 0 {
                continue;
            }
            let (ends, what) = if name.eq_ignore_ascii_case(b"MULTI") {
                (false, "MULTI")
            } else if name.eq_ignore_ascii_case(b"EXEC") {
                (true, "EXEC")
            } else {
                continue;
            };
            if ends != self.in_transaction {
                let text = [format!("Unexpected {what} in AOF ").as_bytes(), file].concat();
                return Err(self.defect(text));
            }
            self.in_transaction = !ends;
        }
        Ok(())
    }

    /// Reads a header, and returns its number.
    fn header(&mut self, prefix: u8) -> Result<i64, Stop> {
        self.part = self.at;
        let line = self.take_line(HEADER_BYTES_MAX)?;
        let Some(first) = line.first() else {
            return Err(Stop::Defect(Defect::Silent));
        };
        if *first != prefix {
            // The original writes a string of C, which a zero ends.
            let mut text = format!("Expected prefix '{}', got: '", char::from(prefix)).into_bytes();
            if *first != 0 {
                text.extend_from_slice(&[*first, b'\'']);
            }
            return Err(self.defect(text));
        }
        // A word's header begins with an empty buffer, a command's is read over the last one.
        let mut buffer = match prefix {
            b'*' => self.header,
            _ => [0; HEADER_BYTES_MAX + 1],
        };
        buffer[..line.len()].copy_from_slice(&line);
        buffer[line.len()] = 0;
        if prefix == b'*' {
            self.header = buffer;
        }
        let (number, rest) = leading_number(&line[1..]);
        if rest != b"\r\n" {
            let end = line.len() - rest.len();
            let second = buffer.get(end + 1).copied().unwrap_or(0);
            return Err(self.defect(no_line_break([buffer[end], second])));
        }
        self.line += 1;
        Ok(number)
    }

    /// Reads a word, and returns how it begins, up to a zero.
    fn word(&mut self) -> Result<Vec<u8>, Stop> {
        let len = self.header(b'$')?;
        if !(0..=i64::MAX - 2).contains(&len) {
            let text = format!(
                "Expected to read string of {len} bytes, which is not in the suitable range"
            );
            return Err(self.defect(text.into_bytes()));
        }
        self.part = self.at;
        let wanted = len as u64 + 2;
        let (mut left, mut name, mut end) = (wanted, Vec::new(), [0; 2]);
        while left > 0 {
            let bytes = self.input.fill_buf()?;
            let bytes = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            if bytes.is_empty() {
                let got = wanted - left;
                let text = format!("Expected to read {wanted} bytes, got {got} bytes");
                return Err(self.defect(text.into_bytes()));
            }
            let room = NAME_BYTES_MAX.saturating_sub(name.len()).min(bytes.len());
            name.extend_from_slice(&bytes[..room]);
            end = match *bytes {
                [.., before, last] => [before, last],
                [last] => [end[1], last],
                [] => end,
            };
            let taken = bytes.len();
            if let Some(checked) = &mut self.checked {
                checked.note(bytes);
            }
            self.input.consume(taken);
            self.at += taken as u64;
            left -= taken as u64;
        }
        if end != *b"\r\n" {
            return Err(self.defect(no_line_break(end)));
        }
        name.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        let terminated = name.iter().position(|byte| *byte == 0);
        name.truncate(terminated.unwrap_or(NAME_BYTES_MAX));
        self.line += 1;
        Ok(name)
    }

    fn defect(&self, text: Vec<u8>) -> Stop {
        Stop::Defect(Defect::At(self.part, text))
    }
}

fn not_as_written(at: u64) -> Defect {
    Defect::At(at, What::Sum.to_string().into_bytes())
}

fn no_line_break(got: [u8; 2]) -> Vec<u8> {
    // Bytes from 0x80 on are negative, and written as such.
    let digits = |byte: u8| format!("{:02x}", i32::from(byte.cast_signed()));
    let [first, second] = got.map(digits);
    format!("Expected \\r\\n, got: {first}{second}").into_bytes()
}

/// The number that a text begins with, behind white space and a sign, and what follows it. If it
/// begins with none, that is 0 and all of the text. What is too large is the largest there is.
pub fn leading_number(text: &[u8]) -> (i64, &[u8]) {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let spaces = text.iter().take_while(|byte| is_space(byte)).count();
    let (negative, digits) = match &text[spaces..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let len = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if len == 0 {
        return (0, text);
    }
    let number = digits[..len].iter().fold(0_i64, |number, digit| {
        let digit = i64::from(digit - b'0');
        let digit = if negative { -digit } else { digit };
        number.saturating_mul(10).saturating_add(digit)
    });
    (number, &digits[len..])
}
