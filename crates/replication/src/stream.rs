//! A primary's stream, cut into units that are applied as one.
//!
//! A unit is a command, or a transaction from its `MULTI` to its `EXEC`: a link may break in the
//! middle of one, and then neither the data nor the offset has moved. The cutter keeps the
//! incomplete end and remembers how far it has understood it, so a long argument that arrives in
//! pieces is looked at once.

use stdx::number::parse_i64;

/// A line that announces arguments or bytes is short.
const LINE_BYTES_MAX: usize = 64;

/// What `MULTI` begins must end within so many bytes more than one argument may have.
const UNIT_BYTES_MAX: usize = 1 << 30;

const ARGS_MAX: i64 = 1 << 20;

/// The bytes of one unit, as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit<'a> {
    pub bytes: &'a [u8],
    /// The primary asks how far this node is. It is to be told the offset in front of this unit.
    pub asks_ack: bool,
}

/// The stream is not what a primary sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt(pub &'static str);

/// Takes a stream apart.
#[derive(Debug, Default)]
pub struct Cutter {
    bytes: Vec<u8>,
    /// The first byte that was not handed out.
    start: usize,
    /// The first byte that is not understood, and the arguments missing of the command there.
    next: usize,
    missing: usize,
    /// Where the command under way begins; its first two arguments tell what it is.
    command: usize,
    words: [(usize, usize); 2],
    words_len: usize,
    in_transaction: bool,
}

enum Step {
    Incomplete,
    Command,
}

impl Cutter {
    /// Takes in what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            for at in [&mut self.next, &mut self.command] {
                *at -= self.start;
            }
            for (word, _) in &mut self.words {
                *word = word.saturating_sub(self.start);
            }
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The bytes of what is incomplete.
    pub fn pending(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// The next unit that is whole.
    pub fn next_unit(&mut self) -> Result<Option<Unit<'_>>, Corrupt> {
        loop {
            if self.missing == 0 && self.bytes.get(self.next) == Some(&b'\n') {
                // An empty line says that the primary lives, and counts as a byte of the stream.
                self.next += 1;
                self.command = self.next;
                if !self.in_transaction {
                    return Ok(Some(self.hand_out(false)));
                }
                continue;
            }
            match self.command()? {
                Step::Incomplete if self.pending() > UNIT_BYTES_MAX => {
                    return Err(Corrupt("a unit without an end"));
                }
                Step::Incomplete => return Ok(None),
                Step::Command => {}
            }
            let asks_ack = self.word_is(0, b"REPLCONF") && self.word_is(1, b"GETACK");
            if self.word_is(0, b"MULTI") {
                self.in_transaction = true;
            } else if self.word_is(0, b"EXEC") {
                self.in_transaction = false;
            }
            self.command = self.next;
            self.words_len = 0;
            if !self.in_transaction {
                return Ok(Some(self.hand_out(asks_ack)));
            }
        }
    }

    fn hand_out(&mut self, asks_ack: bool) -> Unit<'_> {
        let start = std::mem::replace(&mut self.start, self.next);
        Unit {
            bytes: &self.bytes[start..self.next],
            asks_ack,
        }
    }

    fn word_is(&self, index: usize, name: &[u8]) -> bool {
        let (at, len) = self.words[index];
        index < self.words_len && self.bytes[at..at + len].eq_ignore_ascii_case(name)
    }

    /// Goes on to the end of the command under way.
    fn command(&mut self) -> Result<Step, Corrupt> {
        if self.missing == 0 {
            match self.header(b'*', ARGS_MAX)? {
                None => return Ok(Step::Incomplete),
                Some((0, _)) => return Err(Corrupt("a command without a name")),
                Some((count, next)) => (self.missing, self.next) = (count, next),
            }
        }
        while self.missing > 0 {
            let Some((len, at)) = self.header(b'$', UNIT_BYTES_MAX as i64)? else {
                return Ok(Step::Incomplete);
            };
            match self.bytes.get(at + len..at + len + 2) {
                None => return Ok(Step::Incomplete),
                Some(b"\r\n") => {}
                Some(_) => return Err(Corrupt("an argument longer than announced")),
            }
            if self.words_len < 2 {
                self.words[self.words_len] = (at, len);
                self.words_len += 1;
            }
            self.next = at + len + 2;
            self.missing -= 1;
        }
        Ok(Step::Command)
    }

    /// The number on the line at `next`, and where the following one begins.
    fn header(&self, kind: u8, max: i64) -> Result<Option<(usize, usize)>, Corrupt> {
        let line = &self.bytes[self.next..];
        match line.first() {
            None => return Ok(None),
            Some(&first) if first != kind => {
                return Err(Corrupt(match kind {
                    b'*' => "expected '*'",
                    _ => "expected '$'",
                }));
            }
            Some(_) => {}
        }
        let window = &line[..line.len().min(LINE_BYTES_MAX)];
        let Some(end) = memchr::memchr(b'\n', window) else {
            return match line.len() >= LINE_BYTES_MAX {
                true => Err(Corrupt("a header without an end")),
                false => Ok(None),
            };
        };
        let number = window[1..end].strip_suffix(b"\r").and_then(parse_i64);
        match number {
            Some(number) if (0..=max).contains(&number) => {
                Ok(Some((number as usize, self.next + end + 1)))
            }
            _ => Err(Corrupt("a length that is none")),
        }
    }
}

#[cfg(test)]
mod tests;
