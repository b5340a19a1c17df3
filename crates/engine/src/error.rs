//! What a client is told when a command fails: every text that more than one place uses, as Redis
//! words it.

use std::borrow::Cow;

use keyspace::WrongType;

/// A client's mistake, or the server's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Too few or too many words; the text names the command.
    Arity,
    BadAuth,
    DbIndex,
    /// The command's expiry lies outside of what can be kept; the text names the command.
    ExpireTime,
    /// The words do not fit the command's key specification.
    InvalidArguments,
    /// The data is not there yet.
    Loading,
    NoAuth,
    NoKey,
    NotFloat,
    NotInteger,
    NotPositive,
    Overflow,
    StringTooLong,
    Syntax,
    UnbalancedExec,
    WrongKind,
    /// The slot is served elsewhere, or by nobody. A transaction is told so in these very words.
    Redirected(String),
    /// A text of one place, its code included.
    Text(Cow<'static, str>),
    /// As `Text`, quoting bytes of the client.
    Bytes(Vec<u8>),
}

impl Error {
    pub fn text(text: impl Into<Cow<'static, str>>) -> Error {
        Error::Text(text.into())
    }

    /// What follows the `-` of the reply. `command` is the full name of the command that failed.
    pub fn message(&self, command: &str) -> Cow<'_, [u8]> {
        let text: &'static str = match self {
            Error::Arity => {
                return format!("ERR wrong number of arguments for '{command}' command")
                    .into_bytes()
                    .into();
            }
            Error::ExpireTime => {
                return format!("ERR invalid expire time in '{command}' command")
                    .into_bytes()
                    .into();
            }
            Error::Redirected(text) => return text.as_bytes().into(),
            Error::Text(text) => return text.as_bytes().into(),
            Error::Bytes(bytes) => return bytes.as_slice().into(),
            Error::BadAuth => "WRONGPASS invalid username-password pair or user is disabled.",
            Error::DbIndex => "ERR DB index is out of range",
            Error::InvalidArguments => "ERR Invalid arguments specified for command",
            Error::Loading => "LOADING Redis is loading the dataset in memory",
            Error::NoAuth => "NOAUTH Authentication required.",
            Error::NoKey => "ERR no such key",
            Error::NotFloat => "ERR value is not a valid float",
            Error::NotInteger => "ERR value is not an integer or out of range",
            Error::NotPositive => "ERR value is out of range, must be positive",
            Error::Overflow => "ERR increment or decrement would overflow",
            Error::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Error::Syntax => "ERR syntax error",
            Error::UnbalancedExec => "ERR EXEC without MULTI",
            Error::WrongKind => "WRONGTYPE Operation against a key holding the wrong kind of value",
        };
        text.as_bytes().into()
    }
}

/// As much of a client's word as an error quotes: so many bytes, and none from a zero byte on.
pub fn excerpt(word: &[u8], bytes_max: usize) -> &[u8] {
    let word = &word[..word.len().min(bytes_max)];
    let end = word.iter().position(|byte| *byte == 0);
    &word[..end.unwrap_or(word.len())]
}

impl From<WrongType> for Error {
    fn from(_: WrongType) -> Error {
        Error::WrongKind
    }
}
