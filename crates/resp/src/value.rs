//! Replies, read back into values by whoever is the client.

/// The deepest nesting a reply may have.
pub const DEPTH_MAX: usize = 32;

/// One reply of either protocol version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Array(Vec<Value>),
    Attribute(Vec<(Value, Value)>),
    BigNumber(Vec<u8>),
    Boolean(bool),
    Bulk(Vec<u8>),
    /// A double, as the text it was sent as.
    Double(Vec<u8>),
    Error(Vec<u8>),
    Integer(i64),
    Map(Vec<(Value, Value)>),
    Null,
    NullArray,
    Push(Vec<Value>),
    Set(Vec<Value>),
    Simple(Vec<u8>),
    /// Three letters of format, and the text.
    Verbatim([u8; 3], Vec<u8>),
}

/// The peer sent something that is no reply: what was wrong, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub offset: usize,
    pub what: &'static str,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed reply at byte {}: {}", self.offset, self.what)
    }
}

impl std::error::Error for Malformed {}

/// Reads the reply at the front of `input`: the value and its length in bytes, or `None` while
/// it is incomplete.
pub fn read(input: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    let mut reader = Reader { input, at: 0 };
    match reader.value(0) {
        Ok(value) => Ok(Some((value, reader.at))),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Malformed(what)) => Err(Malformed {
            offset: reader.at,
            what,
        }),
    }
}

enum Stop {
    Incomplete,
    Malformed(&'static str),
}

struct Reader<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Stop> {
        if depth > DEPTH_MAX {
            return Err(Stop::Malformed("nested too deeply"));
        }
        let kind = *self.input.get(self.at).ok_or(Stop::Incomplete)?;
        let start = self.at;
        self.at += 1;
        let line = self.line()?;
        Ok(match kind {
            b'+' => Value::Simple(line.to_vec()),
            b'-' => Value::Error(line.to_vec()),
            b':' => Value::Integer(number(line)?),
            b',' => Value::Double(line.to_vec()),
            b'(' => Value::BigNumber(line.to_vec()),
            b'#' if line == b"t" || line == b"f" => Value::Boolean(line == b"t"),
            b'_' => Value::Null,
            b'$' => self
                .bulk(line)?
                .map_or(Value::Null, |bytes| Value::Bulk(bytes.to_vec())),
            b'=' => self.verbatim(line)?,
            b'*' if line == b"-1" => Value::NullArray,
            b'*' => Value::Array(self.values(line, depth)?),
            b'~' => Value::Set(self.values(line, depth)?),
            b'>' => Value::Push(self.values(line, depth)?),
            b'%' => Value::Map(self.pairs(line, depth)?),
            b'|' => Value::Attribute(self.pairs(line, depth)?),
            _ => {
                self.at = start;
                return Err(Stop::Malformed("unknown type"));
            }
        })
    }

    fn line(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.input[self.at..];
        let end = memchr::memchr(b'\n', rest).ok_or(Stop::Incomplete)?;
        let line = rest[..end]
            .strip_suffix(b"\r")
            .ok_or(Stop::Malformed("bare line feed"))?;
        self.at += end + 1;
        Ok(line)
    }

    fn bulk(&mut self, line: &[u8]) -> Result<Option<&'a [u8]>, Stop> {
        if line == b"-1" {
            return Ok(None);
        }
        let len = count(line)?;
        let rest = &self.input[self.at..];
        let bytes = rest.get(..len).ok_or(Stop::Incomplete)?;
        match rest.get(len..len + 2) {
            Some(b"\r\n") => self.at += len + 2,
            Some(_) => return Err(Stop::Malformed("string longer than announced")),
            None => return Err(Stop::Incomplete),
        }
        Ok(Some(bytes))
    }

    fn verbatim(&mut self, line: &[u8]) -> Result<Value, Stop> {
        match self.bulk(line)? {
            Some([a, b, c, b':', text @ ..]) => Ok(Value::Verbatim([*a, *b, *c], text.to_vec())),
            _ => Err(Stop::Malformed("verbatim string without a format")),
        }
    }

    fn values(&mut self, line: &[u8], depth: usize) -> Result<Vec<Value>, Stop> {
        // Collected one by one: a length that was merely announced reserves nothing.
        (0..count(line)?).map(|_| self.value(depth + 1)).collect()
    }

    fn pairs(&mut self, line: &[u8], depth: usize) -> Result<Vec<(Value, Value)>, Stop> {
        (0..count(line)?)
            .map(|_| Ok((self.value(depth + 1)?, self.value(depth + 1)?)))
            .collect()
    }
}

fn number(line: &[u8]) -> Result<i64, Stop> {
    stdx::number::parse_i64(line).ok_or(Stop::Malformed("not a number"))
}

fn count(line: &[u8]) -> Result<usize, Stop> {
    usize::try_from(number(line)?).map_err(|_| Stop::Malformed("negative length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_replies_come_whole_or_not_at_all() {
        let input = b"*3\r\n%1\r\n+a\r\n:-7\r\n$-1\r\n=6\r\ntxt:hi\r\n";
        let pair = (Value::Simple(b"a".to_vec()), Value::Integer(-7));
        let expected = Value::Array(vec![
            Value::Map(vec![pair]),
            Value::Null,
            Value::Verbatim(*b"txt", b"hi".to_vec()),
        ]);
        assert_eq!(read(input), Ok(Some((expected, input.len()))));
        for end in 0..input.len() {
            assert_eq!(read(&input[..end]), Ok(None));
        }
    }

    #[test]
    fn hostile_replies_are_refused() {
        for input in [
            "!\r\n",
            "*1\r\n!\r\n",
            ":x\r\n",
            "$-2\r\n",
            "$1\r\nabc",
            "#x\r\n",
        ] {
            assert!(read(input.as_bytes()).is_err(), "{input}");
        }
        assert!(read("*1\r\n".repeat(DEPTH_MAX + 2).as_bytes()).is_err());
        assert_eq!(read(b"*99999999999\r\n"), Ok(None));
    }
}
