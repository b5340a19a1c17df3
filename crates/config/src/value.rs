//! The types of the settings: each brings how it is read, printed and refused.

mod addresses;
mod choice;
mod events;
mod limits;
mod lines;
mod number;
mod oom;
mod percentiles;
mod save;
mod shutdown;
mod size;
mod text;

use std::borrow::Cow;
use std::fmt;

pub use addresses::{Addresses, HostPort};
pub use choice::{
    AclPubsub, AppendFsync, Choice, DisklessLoad, EndpointType, EvictionPolicy, LogLevel, OomMode,
    Permit, PropagationError, SanitizeDump, Supervised, SyslogFacility, TlsClients,
};
pub use events::KeyspaceEvents;
pub use limits::{OutputLimit, OutputLimits};
pub use lines::{ANY, Lines, Statements};
pub use number::{Permission, Threads};
pub use oom::OomScores;
pub use percentiles::Percentiles;
pub use save::{SavePoint, SavePoints};
pub use shutdown::ShutdownMode;
pub use size::{ByteSize, MemoryShare};
pub use text::Text;

use crate::directive::Limits;

/// A type a directive's field can have.
pub trait Value: PartialEq + 'static {
    /// Takes the value from its words. On an error `self` may be half changed: callers work on a
    /// copy of the configuration.
    fn assign(&mut self, words: &[Vec<u8>], how: How, limits: &Limits) -> Result<(), Refusal>;

    /// The value as CONFIG GET answers it.
    fn print(&self) -> Vec<u8>;

    /// The value as lines of a file.
    fn lines(&self, default: &Self) -> Vec<Line> {
        vec![Line::new(self.print(), self == default)]
    }

    /// Which of the value's lines a line with these words is: some types keep one line per class.
    fn class(_: &[Vec<u8>]) -> &'static str {
        ""
    }
}

/// Where words come from, for the types to which it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// CONFIG SET: the words are the whole value.
    Live,
    /// The directive's first line of a start: it takes the default's place.
    First,
    /// A further line of a start: it may add to those before.
    Further,
}

/// One line of a value in a file, without the directive's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub class: &'static str,
    pub text: Vec<u8>,
    /// Says the same as no line at all.
    pub is_default: bool,
}

impl Line {
    pub(crate) fn new(text: Vec<u8>, is_default: bool) -> Line {
        Line {
            class: "",
            text,
            is_default,
        }
    }
}

/// Why a value is refused, in the words clients know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Cow<'static, str>);

impl Refusal {
    pub(crate) const WRONG_ARITY: Refusal = Refusal(Cow::Borrowed("wrong number of arguments"));

    pub(crate) const BAD_LINE: Refusal =
        Refusal(Cow::Borrowed("Bad directive or wrong number of arguments"));

    pub(crate) fn because(why: &'static str) -> Refusal {
        Refusal(Cow::Borrowed(why))
    }

    pub(crate) fn outside(min: i128, max: i128) -> Refusal {
        Refusal(format!("argument must be between {min} and {max} inclusive").into())
    }

    pub(crate) fn not_one_of(words: &str) -> Refusal {
        Refusal(format!("argument(s) must be one of the following: {words}").into())
    }
}

impl From<String> for Refusal {
    fn from(why: String) -> Refusal {
        Refusal(why.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The single word of a directive that takes one.
fn single(words: &[Vec<u8>]) -> Result<&[u8], Refusal> {
    match words {
        [word] => Ok(word),
        _ => Err(Refusal::WRONG_ARITY),
    }
}

/// Whether the words say "nothing": none at all, or one empty word.
fn is_nothing(words: &[Vec<u8>]) -> bool {
    words.iter().all(Vec::is_empty) && words.len() <= 1
}

/// A decimal as C reads it, without what C forgives: no blanks, no plus, no second spelling.
fn decimal<T: std::str::FromStr + ToString>(word: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(word).ok()?;
    text.parse()
        .ok()
        .filter(|number: &T| number.to_string() == text)
}

/// A decimal as C's own reader takes it: blanks in front, a sign, and nothing at all for zero.
fn forgiving_decimal(word: &[u8]) -> Option<i64> {
    if word.is_empty() {
        return Some(0);
    }
    std::str::from_utf8(word)
        .ok()?
        .trim_ascii_start()
        .parse()
        .ok()
}
