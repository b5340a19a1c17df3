//! Replies, decoded while their bytes arrive.
//!
//! A reply may be gigabytes long or nested, and comes in pieces of any size. The [`Decoder`] takes
//! what it has understood off the front of the input and keeps it as values, so no byte is looked
//! at twice, and whoever reads keeps only the bytes that are not understood yet. A length that was
//! merely announced reserves nothing.

use crate::value::{DEPTH_MAX, Malformed, Value};

/// Decodes one reply after the other.
#[derive(Debug, Default)]
pub struct Decoder {
    /// Aggregates begun, the outermost first.
    open: Vec<Open>,
    /// Bytes of the current line that hold no line feed.
    searched: usize,
    /// What has to be there before another look can help.
    wanted: usize,
    /// Bytes taken off since the reply's first.
    offset: usize,
}

/// What [`Decoder::decode`] took off the front of its input.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes understood. The rest is to be passed again, with more behind it.
    pub consumed: usize,
    /// The reply that ends there, if one does.
    pub value: Option<Value>,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    missing: usize,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Array,
    Attribute,
    Map,
    Push,
    Set,
}

/// What a reply's first line announces.
enum Head {
    Value(Value),
    Aggregate(Kind, usize),
    Incomplete,
}

impl Decoder {
    /// Goes on with the reply under way, up to its end or the input's.
    pub fn decode(&mut self, input: &[u8]) -> Result<Decoded, Malformed> {
        let mut at = 0;
        loop {
            let mut value = match self.head(input, &mut at)? {
                Head::Value(value) => value,
                Head::Aggregate(kind, 0) => kind.value(Vec::new()),
                Head::Aggregate(kind, missing) => {
                    if self.open.len() >= DEPTH_MAX {
                        return Err(self.malformed(at, "nested too deeply"));
                    }
                    let values = Vec::new();
                    self.open.push(Open {
                        kind,
                        missing,
                        values,
                    });
                    continue;
                }
                Head::Incomplete => {
                    self.offset += at;
                    return Ok(Decoded {
                        consumed: at,
                        value: None,
                    });
                }
            };
            loop {
                let Some(open) = self.open.last_mut() else {
                    self.offset = 0;
                    return Ok(Decoded {
                        consumed: at,
                        value: Some(value),
                    });
                };
                open.values.push(value);
                open.missing -= 1;
                if open.missing > 0 {
                    break;
                }
                let whole = self.open.pop().expect("the last one was just seen");
                value = whole.kind.value(whole.values);
            }
        }
    }

    /// Whether a reply has begun that is not complete, apart from bytes that were not consumed.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    fn malformed(&self, at: usize, what: &'static str) -> Malformed {
        Malformed {
            offset: self.offset + at,
            what,
        }
    }

    /// Takes a value that is no aggregate, or an aggregate's header, off the front.
    fn head(&mut self, input: &[u8], at: &mut usize) -> Result<Head, Malformed> {
        let rest = &input[*at..];
        if rest.len() < self.wanted.max(1) {
            return Ok(Head::Incomplete);
        }
        self.wanted = 0;
        if !b"+-:,(#_$=!*~>%|".contains(&rest[0]) {
            return Err(self.malformed(*at, "unknown type"));
        }
        let Some(end) = memchr::memchr(b'\n', &rest[self.searched..]) else {
            self.searched = rest.len();
            return Ok(Head::Incomplete);
        };
        let end = self.searched + end;
        let Some(line) = rest[1..end].strip_suffix(b"\r") else {
            return Err(self.malformed(*at, "bare line feed"));
        };
        match understand(rest[0], line, &rest[end + 1..]) {
            Ok(Understood::Whole(head, behind)) => {
                self.searched = 0;
                *at += end + 1 + behind;
                Ok(head)
            }
            Ok(Understood::Needs(bytes)) => {
                self.searched = end;
                self.wanted = (end + 1).saturating_add(bytes);
                Ok(Head::Incomplete)
            }
            Err(what) => Err(self.malformed(*at, what)),
        }
    }
}

enum Understood {
    /// The head, and how many bytes behind its line belong to it.
    Whole(Head, usize),
    /// So many bytes must stand behind the line.
    Needs(usize),
}

fn understand(kind: u8, line: &[u8], behind: &[u8]) -> Result<Understood, &'static str> {
    let value = match kind {
        b'+' => Value::Simple(line.to_vec()),
        b'-' => Value::Error(line.to_vec()),
        b':' => Value::Integer(number(line)?),
        b',' => Value::Double(line.to_vec()),
        b'(' => Value::BigNumber(line.to_vec()),
        b'#' if line == b"t" || line == b"f" => Value::Boolean(line == b"t"),
        b'#' => return Err("neither true nor false"),
        b'_' => Value::Null,
        b'*' if line == b"-1" => Value::NullArray,
        b'*' => return aggregate(Kind::Array, line, 1),
        b'~' => return aggregate(Kind::Set, line, 1),
        b'>' => return aggregate(Kind::Push, line, 1),
        b'%' => return aggregate(Kind::Map, line, 2),
        b'|' => return aggregate(Kind::Attribute, line, 2),
        b'$' if line == b"-1" => Value::Null,
        b'$' | b'=' | b'!' => return text(kind, line, behind),
        _ => return Err("unknown type"),
    };
    Ok(Understood::Whole(Head::Value(value), 0))
}

fn aggregate(kind: Kind, line: &[u8], values: usize) -> Result<Understood, &'static str> {
    let len = length(line)?
        .checked_mul(values)
        .ok_or("length too large")?;
    Ok(Understood::Whole(Head::Aggregate(kind, len), 0))
}

fn text(kind: u8, line: &[u8], behind: &[u8]) -> Result<Understood, &'static str> {
    let len = length(line)?;
    let Some(whole) = len.checked_add(2).and_then(|whole| behind.get(..whole)) else {
        return Ok(Understood::Needs(len.saturating_add(2)));
    };
    let Some(bytes) = whole.strip_suffix(b"\r\n") else {
        return Err("string longer than announced");
    };
    let value = match (kind, bytes) {
        (b'$', _) => Value::Bulk(bytes.to_vec()),
        (b'!', _) => Value::Error(bytes.to_vec()),
        (_, [a, b, c, b':', text @ ..]) => Value::Verbatim([*a, *b, *c], text.to_vec()),
        _ => return Err("verbatim string without a format"),
    };
    Ok(Understood::Whole(Head::Value(value), len + 2))
}

fn number(line: &[u8]) -> Result<i64, &'static str> {
    stdx::number::parse_i64(line).ok_or("not a number")
}

fn length(line: &[u8]) -> Result<usize, &'static str> {
    usize::try_from(number(line)?).map_err(|_| "negative length")
}

impl Kind {
    fn value(self, values: Vec<Value>) -> Value {
        match self {
            Kind::Array => Value::Array(values),
            Kind::Attribute => Value::Attribute(pairs(values)),
            Kind::Map => Value::Map(pairs(values)),
            Kind::Push => Value::Push(values),
            Kind::Set => Value::Set(values),
        }
    }
}

fn pairs(values: Vec<Value>) -> Vec<(Value, Value)> {
    let mut values = values.into_iter();
    let next = || Some((values.next()?, values.next()?));
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests;
