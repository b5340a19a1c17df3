//! A dump, cut into what it consists of as its bytes arrive.
//!
//! Loading a dump is two jobs. Finding where each key and value begins and ends can only be done
//! from the front, and is quick; making values of the bytes takes long and can be done by many
//! threads. [`Scanner`] is the first: it hands out [`Record`]s, which say where things lie.
//!
//! ```text
//!   buffer   │ key, value │ key, value │ key, val          what was read so far
//!            └─ Record ───┘└─ Record ──┘└── the next buffer begins with it
//! ```
//!
//! The caller owns the buffer. It calls [`Scanner::next`] until nothing comes, then may append to
//! the buffer, or first take off its front what was handed out ([`Scanner::take_consumed`]). A
//! value that came in part is not looked at again: it is walked over once, as it arrives.

use std::ops::Range;

use stdx::crc64;

use super::error::{Error, Phase, Reason};
use super::frame::{self, Frame, Stop};
use super::input::Input;
use super::text::{self, Str};
use super::{VERSION_READ_MAX, kind};

/// A dump's name and version.
const SIGNATURE: &[u8] = b"REDIS";
const HEADER_BYTES: usize = 9;

/// The form of the number that says when a module's data is to be read.
const WHEN_FORM: u64 = 2;

const SUM_BYTES: usize = 8;

/// From this version on a dump ends with its checksum.
pub const VERSION_SUMMED: u32 = 5;

/// How a dump is read.
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions {
    /// Whether the checksum at the end is compared.
    pub verify: bool,
    /// Whether values that cannot be held are handed out all the same, to be left out, if it is
    /// known where they end. Otherwise they are errors.
    pub pass_unsupported: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions {
            verify: true,
            pass_unsupported: false,
        }
    }
}

/// What a dump consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A fact about the dump.
    Aux {
        name: Vec<u8>,
        value: Vec<u8>,
    },
    /// The keys that follow are of this db.
    Select(u64),
    /// How many keys the db has, and how many of them expire.
    Sizes {
        keys: u64,
        expiries: u64,
    },
    /// The code of a library of functions.
    Function(Vec<u8>),
    /// The name of a module, whose data follows and is left out.
    ModuleAux(String),
    Record(Record),
    /// The end. What is behind it is not the dump's.
    End(Sum),
}

/// What became of the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    Right,
    /// The dump was written without one.
    Missing,
    /// Nobody wanted to know.
    Unverified,
}

/// A key with its value: where they lie in the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub db: u64,
    /// In milliseconds since 1970.
    pub expiry: Option<i64>,
    pub usage: Usage,
    /// The type of the value (see [`kind`]).
    pub kind: u8,
    start: usize,
    middle: usize,
    end: usize,
    /// Where the value begins, counted from the first byte of the dump.
    pub offset: u64,
}

/// What is known of a key's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    #[default]
    Unknown,
    /// So many seconds ago.
    Idle(u64),
    /// The logarithmic counter.
    Frequency(u8),
}

impl Record {
    /// Where the key lies in the buffer (see [`super::string`]).
    pub fn key(&self) -> Range<usize> {
        self.start..self.middle
    }

    /// Where the value lies in the buffer (see [`super::decode`]).
    pub fn value(&self) -> Range<usize> {
        self.middle..self.end
    }
}

/// Where the scanner is.
#[derive(Debug)]
enum Stage {
    Header,
    Instruction,
    /// Behind a type.
    Key(u8),
    Value {
        kind: u8,
        start: usize,
        middle: usize,
    },
    /// Behind the name of a module.
    ModuleData,
    End,
    Over,
}

/// Cuts a dump into items.
#[derive(Debug)]
pub struct Scanner {
    options: ScanOptions,
    stage: Stage,
    /// What is being read where instructions are.
    instruction: Phase,
    frame: Frame,
    version: u32,
    db: u64,
    expiry: Option<i64>,
    usage: Usage,
    /// The first byte of the buffer, counted from that of the dump.
    base: u64,
    /// In the buffer: the first byte that is not yet walked over.
    at: usize,
    /// In the buffer: the first byte that is not yet in the sum, behind the last item.
    consumed: usize,
    sum: u64,
}

/// Of a part that is not all there yet.
struct Hungry;

/// What a step gives: an item, or nothing but progress.
type Step = Result<Result<Option<Item>, Hungry>, Reason>;

impl Scanner {
    pub fn new(options: ScanOptions) -> Scanner {
        Scanner {
            options,
            stage: Stage::Header,
            instruction: Phase::Type,
            frame: Frame::default(),
            version: 0,
            db: 0,
            expiry: None,
            usage: Usage::Unknown,
            base: 0,
            at: 0,
            consumed: 0,
            sum: 0,
        }
    }

    /// The version the dump says it is of; 0 before that is known.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How far the dump was walked over, in bytes from its first.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// What is being read, for those who report where the bytes ended.
    pub fn phase(&self) -> Phase {
        match self.stage {
            Stage::Header => Phase::Start,
            Stage::Instruction | Stage::Over => self.instruction,
            Stage::Key(_) => Phase::Key,
            Stage::Value { .. } => Phase::Value,
            Stage::ModuleData => Phase::ModuleAux,
            Stage::End => Phase::Checksum,
        }
    }

    /// The type of the value that is being read, and where in the buffer its key is, if that is
    /// known.
    pub fn unfinished(&self) -> Option<(u8, Option<Range<usize>>)> {
        match self.stage {
            Stage::Key(kind) => Some((kind, None)),
            Stage::Value {
                kind,
                start,
                middle,
            } => Some((kind, Some(start..middle))),
            _ => None,
        }
    }

    /// How many bytes at the front of the buffer were handed out. The caller takes them off before
    /// the next call.
    #[must_use = "the buffer must begin behind what was handed out"]
    pub fn take_consumed(&mut self) -> usize {
        let consumed = std::mem::take(&mut self.consumed);
        self.base += consumed as u64;
        self.at -= consumed;
        if let Stage::Value { start, middle, .. } = &mut self.stage {
            *start -= consumed;
            *middle -= consumed;
        }
        consumed
    }

    /// The next item; none if more bytes are needed, or the end was handed out. The buffer is what
    /// it was at the last call, with what has arrived since behind it.
    #[inline]
    pub fn next(&mut self, buffer: &[u8]) -> Result<Option<Item>, Error> {
        loop {
            match self.step(buffer) {
                Ok(Ok(Some(item))) => {
                    self.consume(buffer);
                    return Ok(Some(item));
                }
                Ok(Ok(None)) => {}
                Ok(Err(Hungry)) => return Ok(None),
                Err(reason) => return Err(self.error(reason, buffer)),
            }
        }
    }

    /// Says that no more bytes will come: an error if the dump has not come to its end.
    pub fn finish(&mut self, buffer: &[u8]) -> Result<(), Error> {
        match self.stage {
            Stage::Over => Ok(()),
            _ => Err(self.error(Reason::Truncated, buffer)),
        }
    }

    #[cold]
    fn error(&mut self, reason: Reason, buffer: &[u8]) -> Error {
        let rest = &buffer[self.at..];
        let reach = match self.stage {
            Stage::Header if rest.len() < HEADER_BYTES => 0,
            Stage::Header => HEADER_BYTES,
            Stage::Instruction => rest.split_first().map_or(0, |(&byte, rest)| {
                1 + frame::reach(frame::instruction_parts(byte), rest)
            }),
            Stage::Key(_) => text::reach(rest),
            Stage::Value { .. } | Stage::ModuleData => self.frame.reach(rest),
            Stage::End if reason == Reason::Truncated => 0,
            Stage::End => SUM_BYTES,
            Stage::Over => 0,
        };
        Error {
            offset: self.offset() + reach as u64,
            phase: self.phase(),
            reason,
        }
    }

    /// Adds everything up to here to the sum.
    #[inline]
    fn consume(&mut self, buffer: &[u8]) {
        if self.options.verify && !matches!(self.stage, Stage::Over) {
            self.sum = crc64::update(self.sum, &buffer[self.consumed..self.at]);
        }
        self.consumed = self.at;
    }

    #[inline]
    fn step(&mut self, buffer: &[u8]) -> Step {
        match self.stage {
            Stage::Instruction => self.instruction(buffer),
            Stage::Key(kind) => self.key(kind, buffer),
            Stage::Value {
                kind,
                start,
                middle,
            } => self.value(kind, start..middle, buffer),
            Stage::Header => self.header(buffer),
            Stage::ModuleData => self.module_data(buffer),
            Stage::End => self.end(buffer),
            Stage::Over => Ok(Err(Hungry)),
        }
    }

    fn header(&mut self, buffer: &[u8]) -> Step {
        let Some(header) = buffer.get(..HEADER_BYTES) else {
            return Ok(Err(Hungry));
        };
        let Some(digits) = header.strip_prefix(SIGNATURE) else {
            return Err(Reason::Signature);
        };
        let version = leading_number(digits);
        if !(1..=VERSION_READ_MAX).contains(&version) {
            return Err(Reason::Version(version));
        }
        self.version = version;
        self.at = HEADER_BYTES;
        self.stage = Stage::Instruction;
        Ok(Ok(None))
    }

    #[inline]
    fn instruction(&mut self, buffer: &[u8]) -> Step {
        self.instruction = Phase::Type;
        let Some((&byte, rest)) = buffer[self.at..].split_first() else {
            return Ok(Err(Hungry));
        };
        match byte {
            ..kind::SLOT_INFO => self.begin_record(byte),
            kind::EXPIRY_MILLIS => {
                self.instruction = Phase::Expiry;
                let expiry = rest.first_chunk().map(|bytes| i64::from_le_bytes(*bytes));
                Ok(self.expires(expiry, 8))
            }
            kind::END => {
                self.at += 1;
                self.stage = Stage::End;
                Ok(Ok(None))
            }
            _ => self.rare(byte, rest),
        }
    }

    fn begin_record(&mut self, kind: u8) -> Step {
        if !kind::is_supported(kind) {
            let framed = self.options.pass_unsupported && frame::parts(kind).is_some();
            if !framed {
                return Err(match kind::is_known(kind) {
                    true => Reason::Unsupported(kind),
                    false => Reason::Type(kind),
                });
            }
        }
        self.at += 1;
        self.stage = Stage::Key(kind);
        Ok(Ok(None))
    }

    fn expires(&mut self, expiry: Option<i64>, size: usize) -> Result<Option<Item>, Hungry> {
        self.expiry = Some(expiry.ok_or(Hungry)?);
        self.at += 1 + size;
        Ok(None)
    }

    #[inline]
    fn key(&mut self, kind: u8, buffer: &[u8]) -> Step {
        let start = self.at;
        let Some(len) = whole_text(&buffer[start..])? else {
            return Ok(Err(Hungry));
        };
        self.at += len;
        let middle = self.at;
        let parts = frame::parts(kind).ok_or(Reason::Unsupported(kind))?;
        // Most values are strings, which need no frame if they are all there.
        if kind == kind::STRING
            && let Ok(Some(len)) = whole_text(&buffer[middle..])
        {
            self.at += len;
            return Ok(Ok(Some(self.record(kind, start..middle))));
        }
        self.frame.start(parts);
        self.stage = Stage::Value {
            kind,
            start,
            middle,
        };
        Ok(Ok(None))
    }

    fn value(&mut self, kind: u8, key: Range<usize>, buffer: &[u8]) -> Step {
        match self.frame.walk(buffer, &mut self.at)? {
            Stop::Hungry => Ok(Err(Hungry)),
            Stop::Whole => Ok(Ok(Some(self.record(kind, key)))),
        }
    }

    /// The record that ends here.
    #[inline]
    fn record(&mut self, kind: u8, key: Range<usize>) -> Item {
        self.stage = Stage::Instruction;
        Item::Record(Record {
            db: self.db,
            expiry: self.expiry.take(),
            usage: std::mem::take(&mut self.usage),
            kind,
            start: key.start,
            middle: key.end,
            end: self.at,
            offset: self.base + key.end as u64,
        })
    }

    /// Instructions that do not stand before every key.
    fn rare(&mut self, byte: u8, rest: &[u8]) -> Step {
        self.instruction = match byte {
            kind::EXPIRY_SECONDS => Phase::Expiry,
            kind::SELECT | kind::SIZES => Phase::Length,
            kind::AUX => Phase::Aux,
            kind::MODULE_AUX => Phase::ModuleAux,
            kind::FUNCTION | kind::FUNCTION_EARLY => Phase::Functions,
            _ => Phase::Type,
        };
        if byte == kind::FUNCTION_EARLY {
            return Err(Reason::FunctionForm);
        }
        let Some(size) = frame::measure(frame::instruction_parts(byte), rest)? else {
            return Ok(Err(Hungry));
        };
        let item = self.instructed(byte, &mut Input::new(&rest[..size]))?;
        self.at += 1 + size;
        Ok(Ok(item))
    }

    /// Does what an instruction says whose parts are all there.
    fn instructed(&mut self, byte: u8, parts: &mut Input<'_>) -> Result<Option<Item>, Reason> {
        let own = |string: Str<'_>| string.into_bytes().into_owned();
        Ok(match byte {
            kind::SELECT => {
                self.db = parts.length()?;
                Some(Item::Select(self.db))
            }
            kind::SIZES => Some(Item::Sizes {
                keys: parts.length()?,
                expiries: parts.length()?,
            }),
            kind::EXPIRY_SECONDS => {
                let seconds = i32::from_le_bytes(parts.array()?);
                self.expiry = Some(i64::from(seconds) * 1000);
                None
            }
            kind::IDLE => {
                self.usage = Usage::Idle(parts.length()?);
                None
            }
            kind::FREQUENCY => {
                let [frequency] = parts.array()?;
                self.usage = Usage::Frequency(frequency);
                None
            }
            kind::AUX => Some(Item::Aux {
                name: own(parts.string()?),
                value: own(parts.string()?),
            }),
            kind::FUNCTION => Some(Item::Function(own(parts.string()?))),
            kind::MODULE_AUX => {
                let (name, form) = (module_name(parts.length()?), parts.length()?);
                if form != WHEN_FORM {
                    return Err(Reason::When);
                }
                self.frame.start(frame::MODULE_DATA);
                self.stage = Stage::ModuleData;
                Some(Item::ModuleAux(name))
            }
            // How many keys a slot of a cluster has: a hint.
            kind::SLOT_INFO => None,
            _ => return Err(Reason::Type(byte)),
        })
    }

    fn module_data(&mut self, buffer: &[u8]) -> Step {
        match self.frame.walk(buffer, &mut self.at)? {
            Stop::Hungry => Ok(Err(Hungry)),
            Stop::Whole => {
                self.stage = Stage::Instruction;
                Ok(Ok(None))
            }
        }
    }

    fn end(&mut self, buffer: &[u8]) -> Step {
        if self.version < VERSION_SUMMED {
            self.stage = Stage::Over;
            return Ok(Ok(Some(Item::End(Sum::Missing))));
        }
        let Some(announced) = buffer[self.at..].first_chunk() else {
            return Ok(Err(Hungry));
        };
        let announced = u64::from_le_bytes(*announced);
        let sum = match announced {
            _ if !self.options.verify => Sum::Unverified,
            0 => Sum::Missing,
            _ => {
                let found = crc64::update(self.sum, &buffer[self.consumed..self.at]);
                if announced != found {
                    return Err(Reason::Checksum { announced, found });
                }
                Sum::Right
            }
        };
        self.at += SUM_BYTES;
        self.stage = Stage::Over;
        Ok(Ok(Some(Item::End(sum))))
    }
}

/// The length of the string that `bytes` begin with, if all of it is there.
#[inline]
fn whole_text(bytes: &[u8]) -> Result<Option<usize>, Reason> {
    let end = text::end(bytes)?.filter(|&end| end <= bytes.len() as u64);
    Ok(end.map(|end| end as usize))
}

/// The number that digits at the front make.
fn leading_number(digits: &[u8]) -> u32 {
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// A module's name: nine characters of six bits each, above ten bits of a version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |place: u32| char::from(LETTERS[(id >> (10 + 6 * place)) as usize & 0x3f]);
    (0..9).rev().map(letter).collect()
}

#[cfg(test)]
mod tests;
