//! Replies, read back into values by whoever is the client.

use crate::decoder::Decoder;

/// The deepest nesting a reply may have. Scripts nest about as deep at most.
pub const DEPTH_MAX: usize = 128;

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
    let decoded = Decoder::default().decode(input)?;
    Ok(decoded.value.map(|value| (value, decoded.consumed)))
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
