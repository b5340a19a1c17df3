//! A string or an element of a collection, as encodings keep it.

use stdx::number;

/// Text, which is kept as an integer when it is one's shortest form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Text<'a> {
    Int(i64),
    Bytes(&'a [u8]),
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
