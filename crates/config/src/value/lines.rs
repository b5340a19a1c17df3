//! Statements a file may make many times, kept as their words.

use super::{How, Line, Refusal, Value};
use crate::directive::Limits;
use crate::syntax::join_words;

/// No bound on the words of a line.
pub const ANY: usize = usize::MAX;

/// The words of each line, in the order of the file. `ARITY_MIN` and `ARITY_MAX` bound the words
/// of one line, the directive's name not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines<const ARITY_MIN: usize, const ARITY_MAX: usize>(pub Vec<Vec<Vec<u8>>>);

impl<const ARITY_MIN: usize, const ARITY_MAX: usize> Value for Lines<ARITY_MIN, ARITY_MAX> {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        if !(ARITY_MIN..=ARITY_MAX).contains(&words.len()) {
            return Err(Refusal::BAD_LINE);
        }
        self.0.push(words.to_vec());
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        let lines: Vec<Vec<u8>> = self.0.iter().map(|words| join_words(words)).collect();
        lines.join(&b'\n')
    }

    fn lines(&self, _: &Self) -> Vec<Line> {
        self.0
            .iter()
            .map(|words| Line::new(join_words(words), false))
            .collect()
    }
}

/// Sentinel's statements. One takes the place of another that begins with the same word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements(pub Vec<Vec<Vec<u8>>>);

/// The words a statement may begin with. `known-slave` is the old name of `known-replica`.
const KEYWORDS: &[&str] = &[
    "announce-hostnames",
    "announce-ip",
    "announce-port",
    "auth-pass",
    "auth-user",
    "client-reconfig-script",
    "config-epoch",
    "current-epoch",
    "deny-scripts-reconfig",
    "down-after-milliseconds",
    "failover-timeout",
    "known-replica",
    "known-sentinel",
    "known-slave",
    "leader-epoch",
    "master-reboot-down-after-period",
    "monitor",
    "myid",
    "notification-script",
    "parallel-syncs",
    "rename-command",
    "resolve-hostnames",
    "sentinel-pass",
    "sentinel-user",
];

impl Value for Statements {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        if words.is_empty() {
            return Err(Refusal::BAD_LINE);
        }
        self.0.push(words.to_vec());
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        let lines: Vec<Vec<u8>> = self.0.iter().map(|words| join_words(words)).collect();
        lines.join(&b'\n')
    }

    fn lines(&self, _: &Self) -> Vec<Line> {
        let line = |words: &Vec<Vec<u8>>| Line {
            class: Self::class(words),
            ..Line::new(join_words(words), false)
        };
        self.0.iter().map(line).collect()
    }

    fn class(words: &[Vec<u8>]) -> &'static str {
        let keyword = words.first().map(Vec::as_slice).unwrap_or_default();
        let is_it = |known: &&&str| known.as_bytes().eq_ignore_ascii_case(keyword);
        match KEYWORDS.iter().find(is_it) {
            Some(&"known-slave") => "known-replica",
            Some(known) => known,
            None => "",
        }
    }
}
