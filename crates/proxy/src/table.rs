//! Which commands there are, where their keys stand, and where requests go.
//!
//! Most rows are generated from the crate `commands`; the rest are commands of other servers.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::configuration::{CustomCommand, Rights};

pub mod action;
#[rustfmt::skip]
mod generated;
#[rustfmt::skip]
mod supplement;

pub use action::Action;
pub use supplement::SUPPLEMENT;

/// A command or subcommand.
#[derive(Debug)]
pub struct Command {
    /// In lower case.
    pub name: &'static str,
    /// How many words a request has, the name included; negative when that is the least.
    pub arity: i32,
    pub flags: u32,
    pub keys: &'static [Keys],
    pub spread: Spread,
    pub merge: Merge,
    pub subcommands: &'static [Command],
}

/// Changes data.
pub const WRITE: u32 = 1;
pub const READ: u32 = 1 << 1;
pub const ADMIN: u32 = 1 << 2;
pub const PUBSUB: u32 = 1 << 3;
/// May wait for something to happen.
pub const BLOCKING: u32 = 1 << 4;
/// Is refused within a transaction.
pub const NO_MULTI: u32 = 1 << 5;
/// Answers before the client has said who it is.
pub const NO_AUTH: u32 = 1 << 6;

/// Where a command's keys are.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    pub begin: Begin,
    pub find: Find,
}

#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At this word; the name is word 0.
    Index(usize),
    /// Behind this word, searched from word `from` on; from the end when `from` is negative.
    Keyword { word: &'static str, from: i64 },
}

#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// Up to `last`, relative to the beginning; from the end when negative. With `limit` 2, half
    /// of what is there.
    Range {
        last: i64,
        step: usize,
        limit: usize,
    },
    /// As many as the word `count` behind the beginning says.
    Counted {
        count: usize,
        first: usize,
        step: usize,
    },
}

/// To whom a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// To the server of its keys, or any if it has none.
    Keys,
    /// To the servers of its keys, each getting its own.
    EachKey,
    /// To every master.
    Shards,
    /// To every server.
    Nodes,
    Special,
}

/// How the answers of several servers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// In the order of the keys, or one behind the other.
    Elements,
    /// The first, if all succeeded.
    AllSucceeded,
    /// The first that succeeded.
    OneSucceeded,
    Sum,
    Least,
    Greatest,
    And,
    Or,
    Special,
}

impl Command {
    const fn row(name: &'static str, arity: i32, flags: u32) -> Command {
        Command {
            name,
            arity,
            flags,
            keys: &[],
            spread: Spread::Keys,
            merge: Merge::Elements,
            subcommands: &[],
        }
    }

    const fn keys(self, keys: &'static [Keys]) -> Command {
        Command { keys, ..self }
    }

    const fn to(self, spread: Spread, merge: Merge) -> Command {
        Command {
            spread,
            merge,
            ..self
        }
    }

    const fn of(self, subcommands: &'static [Command]) -> Command {
        Command {
            subcommands,
            ..self
        }
    }

    pub const fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    pub fn allows(&self, words: usize) -> bool {
        match self.arity {
            0.. => words == self.arity as usize,
            _ => words >= self.arity.unsigned_abs() as usize,
        }
    }

    /// Calls `found` with the index of every word that is a key. Words that do not fit have none:
    /// a server will say what is wrong with them.
    #[inline]
    pub fn each_key(&self, words: &[&[u8]], mut found: impl FnMut(usize)) {
        for keys in self.keys {
            keys.each(words, &mut found);
        }
    }

    /// The first key.
    #[inline]
    pub fn first_key(&self, words: &[&[u8]]) -> Option<usize> {
        if let [
            Keys {
                begin: Begin::Index(index),
                find: Find::Range { .. },
            },
            ..,
        ] = self.keys
        {
            return (*index < words.len()).then_some(*index);
        }
        let mut first = None;
        self.each_key(words, |index| first = first.or(Some(index)));
        first
    }

    /// Whether a request has one key at the most.
    #[inline]
    pub fn has_one_key(&self) -> bool {
        match self.keys {
            [] => true,
            [only] => matches!(only.find, Find::Range { last: 0, .. }),
            _ => false,
        }
    }

    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        let mut subcommands = self.subcommands.iter();
        subcommands.find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

impl Keys {
    const fn range(index: usize, last: i64, step: usize, limit: usize) -> Keys {
        let begin = Begin::Index(index);
        let find = Find::Range { last, step, limit };
        Keys { begin, find }
    }

    const fn behind(word: &'static str, from: i64, last: i64, step: usize, limit: usize) -> Keys {
        let begin = Begin::Keyword { word, from };
        let find = Find::Range { last, step, limit };
        Keys { begin, find }
    }

    const fn counted(index: usize, count: usize, first: usize, step: usize) -> Keys {
        let begin = Begin::Index(index);
        let find = Find::Counted { count, first, step };
        Keys { begin, find }
    }

    fn each(&self, words: &[&[u8]], found: &mut impl FnMut(usize)) {
        let begin = match self.begin {
            Begin::Index(index) => index,
            Begin::Keyword { word, from } => match behind(words, word, from) {
                Some(index) => index,
                None => return,
            },
        };
        if begin >= words.len() {
            return;
        }
        let (first, count, step) = match self.find {
            Find::Range { last, step, limit } => {
                let last = match last {
                    0.. => begin + last as usize,
                    _ if limit <= 1 => words.len().saturating_sub(last.unsigned_abs() as usize),
                    _ => begin + ((words.len() - begin) / limit).saturating_sub(1),
                };
                let step = step.max(1);
                (begin, (last + step).saturating_sub(begin) / step, step)
            }
            Find::Counted { count, first, step } => {
                let counted = words.get(begin + count);
                let counted = counted.and_then(|word| stdx::number::parse_i64(word));
                let counted = counted.and_then(|count| usize::try_from(count).ok());
                (begin + first, counted.unwrap_or(0), step.max(1))
            }
        };
        let indices = (first..words.len()).step_by(step);
        indices.take(count).for_each(found);
    }
}

fn behind(words: &[&[u8]], keyword: &str, from: i64) -> Option<usize> {
    let is_it = |index: &usize| words[*index].eq_ignore_ascii_case(keyword.as_bytes());
    let found = match from {
        0.. => (from as usize..words.len().saturating_sub(1)).find(is_it),
        _ => (1..=(words.len() as i64 + from).max(0) as usize)
            .rev()
            .find(is_it),
    };
    found.map(|index| index + 1)
}

/// A command, and what the proxy does with it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub command: &'static Command,
    pub action: Action,
    /// Its place among all.
    pub number: u16,
    pub words_max: usize,
}

/// Open addressing over the names.
struct Index {
    slots: Vec<Option<Entry>>,
}

const SLOTS: usize = 2048;

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut slots: Vec<Option<Entry>> = vec![None; SLOTS];
    for (number, command) in (0..).zip(all()) {
        let mut at = slot(command.name.as_bytes());
        while slots[at].is_some() {
            at = (at + 1) % SLOTS;
        }
        let action = action::of(command);
        slots[at] = Some(Entry {
            command,
            action,
            number,
            words_max: usize::MAX,
        });
    }
    Index { slots }
});

/// Every command, without subcommands.
pub fn all() -> impl Iterator<Item = &'static Command> {
    generated::COMMANDS.iter().chain(SUPPLEMENT)
}

/// The number of commands that files define.
pub const CUSTOM: u16 = u16::MAX;

/// The entry of a command that a file defines. Each is made once, and stays.
pub fn custom(definition: &CustomCommand) -> &'static Entry {
    static KNOWN: Mutex<BTreeMap<String, &'static Entry>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry(format!("{definition:?}")).or_insert_with(|| {
        let flags = match definition.rights {
            Rights::Read => READ,
            Rights::Write => WRITE,
            Rights::Admin => ADMIN,
        };
        let name = Box::leak(definition.name.clone().into_boxed_str());
        let keys = Box::leak(Box::new([Keys::range(definition.key_at, 0, 1, 0)]));
        let row = Command::row(name, -(definition.words_min as i32), flags).keys(keys);
        Box::leak(Box::new(Entry {
            command: Box::leak(Box::new(row)),
            action: Action::Keys,
            number: CUSTOM,
            words_max: definition.words_max,
        }))
    })
}

fn slot(name: &[u8]) -> usize {
    let sum = name.iter().fold(0x811c_9dc5_u32, |sum, byte| {
        (sum ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193)
    });
    (sum ^ (sum >> 15)) as usize % SLOTS
}

/// The command of a name, in any case.
#[inline]
pub fn find(name: &[u8]) -> Option<&'static Entry> {
    let slots = &INDEX.slots;
    let mut at = slot(name);
    while let Some(entry) = &slots[at] {
        if entry.command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(entry);
        }
        at = (at + 1) % SLOTS;
    }
    None
}

#[cfg(test)]
mod tests;
