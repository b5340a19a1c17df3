//! Addresses: those a server listens on, and the one of its primary.

use super::{How, Line, Refusal, Value, forgiving_decimal, is_nothing};
use crate::directive::Limits;
use crate::syntax::{bare_or_quoted, join_words};

/// Listening addresses as written: names, numbers, `*`, and `-` before those that may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(Vec<Vec<u8>>);

impl Addresses {
    const COUNT_MAX: usize = 16;

    pub(crate) fn everywhere() -> Addresses {
        Addresses(vec![b"*".to_vec(), b"-::*".to_vec()])
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value for Addresses {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        if words.len() > Addresses::COUNT_MAX {
            return Err(Refusal::because("Too many bind addresses specified."));
        }
        self.0 = if is_nothing(words) {
            Vec::new()
        } else {
            words.to_vec()
        };
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.0.join(&b' ')
    }

    fn lines(&self, default: &Addresses) -> Vec<Line> {
        let text = if self.is_empty() {
            b"\"\"".to_vec()
        } else {
            join_words(&self.0)
        };
        vec![Line::new(text, self == default)]
    }
}

/// A host, by name or number, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    pub host: Vec<u8>,
    pub port: u16,
}

/// The primary this node follows, if it follows one.
impl Value for Option<HostPort> {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let [host, port] = words else {
            return Err(Refusal::WRONG_ARITY);
        };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            *self = None;
            return Ok(());
        }
        let port = forgiving_decimal(port)
            .and_then(|port| u16::try_from(port).ok())
            .ok_or(Refusal::because("Invalid master port"))?;
        *self = Some(HostPort {
            host: host.clone(),
            port,
        });
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.as_ref()
            .map_or_else(Vec::new, |HostPort { host, port }| {
                [host, b" ".as_slice(), port.to_string().as_bytes()].concat()
            })
    }

    fn lines(&self, default: &Option<HostPort>) -> Vec<Line> {
        let Some(HostPort { host, port }) = self else {
            return Vec::new();
        };
        let text = [
            &bare_or_quoted(host),
            b" ".as_slice(),
            port.to_string().as_bytes(),
        ]
        .concat();
        vec![Line::new(text, self == default)]
    }
}
