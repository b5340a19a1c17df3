//! Free text: names, paths, passwords.

use std::fmt;

use super::{How, Line, Refusal, Value, single};
use crate::directive::Limits;
use crate::syntax::quote;

/// Bytes as the operator wrote them. Empty means unset.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Vec<u8>);

impl Text {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, unless it is unset.
    pub fn set(&self) -> Option<&[u8]> {
        (!self.is_empty()).then_some(&*self.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Text {
        Text(bytes)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&quote(&self.0)))
    }
}

impl Value for Text {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        self.0 = single(words)?.to_vec();
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn lines(&self, default: &Text) -> Vec<Line> {
        match self.is_empty() && default.is_empty() {
            true => Vec::new(),
            false => vec![Line::new(quote(&self.0), self == default)],
        }
    }
}
