//! How much unread output a client may cause before it is cut off.

use super::{How, Line, Refusal, Value, forgiving_decimal};
use crate::directive::Limits;
use crate::value::ByteSize;

/// Cut off at `hard` at once, at `soft` after that many seconds above it. 0 means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    pub hard: ByteSize,
    pub soft: ByteSize,
    pub soft_seconds: u64,
}

/// One limit per class of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    pub normal: OutputLimit,
    pub replica: OutputLimit,
    pub pubsub: OutputLimit,
}

impl OutputLimit {
    pub(crate) const fn of(hard: u64, soft: u64, soft_seconds: u64) -> OutputLimit {
        OutputLimit {
            hard: ByteSize(hard),
            soft: ByteSize(soft),
            soft_seconds,
        }
    }

    fn parse([hard, soft, seconds]: [&[u8]; 3]) -> Option<OutputLimit> {
        let (hard, soft) = (ByteSize::parse(hard)?, ByteSize::parse(soft)?);
        let soft_seconds = u64::try_from(forgiving_decimal(seconds)?).ok()?;
        Some(OutputLimit {
            hard,
            soft,
            soft_seconds,
        })
    }
}

impl OutputLimits {
    /// The classes, by the name a file has for each.
    fn classes(&self) -> [(&'static str, &OutputLimit); 3] {
        [
            ("normal", &self.normal),
            ("replica", &self.replica),
            ("pubsub", &self.pubsub),
        ]
    }

    fn class_mut(&mut self, name: &[u8]) -> Option<&mut OutputLimit> {
        match class_named(name)? {
            "normal" => Some(&mut self.normal),
            "replica" => Some(&mut self.replica),
            _ => Some(&mut self.pubsub),
        }
    }
}

fn class_named(name: &[u8]) -> Option<&'static str> {
    const NAMES: [(&str, &str); 4] = [
        ("normal", "normal"),
        ("slave", "replica"),
        ("replica", "replica"),
        ("pubsub", "pubsub"),
    ];
    let known = NAMES
        .iter()
        .find(|(word, _)| word.as_bytes().eq_ignore_ascii_case(name))?;
    Some(known.1)
}

impl Value for OutputLimits {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        if !words.len().is_multiple_of(4) {
            let why = "Wrong number of arguments in buffer limit configuration.";
            return Err(Refusal::because(why));
        }
        for group in words.chunks_exact(4) {
            let class = self.class_mut(&group[0]).ok_or(Refusal::because(
                "Invalid client class specified in buffer limit configuration.",
            ))?;
            *class =
                OutputLimit::parse([&group[1], &group[2], &group[3]]).ok_or(Refusal::because(
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
                ))?;
        }
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        let class = |(name, limit): (&str, &OutputLimit)| {
            // Replies keep the word clients compare with; only files say `replica`.
            let name = if name == "replica" { "slave" } else { name };
            format!(
                "{name} {} {} {}",
                limit.hard.0, limit.soft.0, limit.soft_seconds
            )
        };
        self.classes().map(class).join(" ").into_bytes()
    }

    fn lines(&self, default: &OutputLimits) -> Vec<Line> {
        let pairs = self.classes().into_iter().zip(default.classes());
        pairs
            .map(|((class, limit), (_, standard))| {
                let (hard, soft) = (limit.hard.in_units(), limit.soft.in_units());
                let text = format!("{class} {hard} {soft} {}", limit.soft_seconds);
                Line {
                    class,
                    text: text.into_bytes(),
                    is_default: limit == standard,
                }
            })
            .collect()
    }

    fn class(words: &[Vec<u8>]) -> &'static str {
        words
            .first()
            .and_then(|word| class_named(word))
            .unwrap_or_default()
    }
}
