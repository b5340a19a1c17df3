//! A string or an element of a collection, as encodings keep it.

use stdx::number::{self, INT_TEXT_BYTES_MAX, parse_i64};

/// Text, which is kept as an integer when it is one's shortest form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Text<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Text<'a> {
    /// The same text, as an integer if it reads as one.
    #[inline]
    pub fn shortest(self) -> Text<'a> {
        match self {
            Text::Bytes(bytes) if bytes.len() <= INT_TEXT_BYTES_MAX => {
                parse_i64(bytes).map_or(self, Text::Int)
            }
            _ => self,
        }
    }

    /// Whether this is the same text as `wanted`, which is in its shortest form. Peers may have
    /// written an integer as a string.
    #[inline]
    pub fn is_same(self, wanted: Text<'_>) -> bool {
        match (self, wanted) {
            (Text::Bytes(_), Text::Int(_)) => self.shortest() == wanted,
            _ => self == wanted,
        }
    }
}

impl Text<'_> {
    /// The length of the text in bytes.
    pub fn len(self) -> usize {
        match self {
            Text::Bytes(bytes) => bytes.len(),
            Text::Int(number) => number::text_len(number),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Gives `read` the text itself.
    #[inline]
    pub fn with_bytes<R>(self, read: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Text::Bytes(bytes) => read(bytes),
            Text::Int(number) => read(&number::text(number)),
        }
    }

    /// A copy of the text.
    pub fn to_vec(self) -> Vec<u8> {
        self.with_bytes(<[u8]>::to_vec)
    }
}
