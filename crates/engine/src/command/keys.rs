//! Where a command's keys are among its arguments, and what it does to them.
//!
//! A [`KeySpec`] is what `COMMAND INFO` calls a key specification: where the search begins, how the
//! keys follow from there, and the access. One command may have several.

use crate::error::Error;

#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    pub access: Access,
    pub begin: Begin,
    pub find: Find,
    pub notes: &'static str,
}

/// Where the search for keys begins.
#[derive(Clone, Copy, Debug)]
pub enum Begin {
    /// At this word; the command's name is word 0.
    Index(usize),
    /// Behind this word, searched from word `from` on; from the end when `from` is negative.
    Keyword {
        word: &'static str,
        from: i64,
    },
    Unknown,
}

/// How the keys follow from the beginning.
#[derive(Clone, Copy, Debug)]
pub enum Find {
    /// Every `step`th word up to `last`, relative to the beginning; from the end when negative, as
    /// -1 is the last word. With -1, `limit` of 2 stops half way, and so on.
    Range {
        last: i64,
        step: usize,
        limit: usize,
    },
    /// A word `count` behind the beginning says how many keys there are, the first being `first`
    /// behind the beginning.
    Counted {
        count: usize,
        first: usize,
        step: usize,
    },
    Unknown,
}

impl Find {
    fn reaches_end(self) -> bool {
        matches!(self, Find::Range { last: -1, .. })
    }
}

/// What a command does to a key, in the words of `COMMAND INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(u16);

impl Access {
    /// Reads the value and changes it.
    pub const RW: Access = Access(1);
    /// Reads the value.
    pub const RO: Access = Access(1 << 1);
    /// Replaces the value, whatever it was.
    pub const OW: Access = Access(1 << 2);
    /// Removes the key.
    pub const RM: Access = Access(1 << 3);
    /// Returns something of the value to the user.
    pub const ACCESS: Access = Access(1 << 4);
    /// Changes the value depending on what it was.
    pub const UPDATE: Access = Access(1 << 5);
    /// Adds to the value without losing what it was.
    pub const INSERT: Access = Access(1 << 6);
    /// Deletes some of the value.
    pub const DELETE: Access = Access(1 << 7);
    /// It only looks like a key, for routing.
    pub const NOT_KEY: Access = Access(1 << 8);
    /// The specification may miss keys.
    pub const INCOMPLETE: Access = Access(1 << 9);
    /// The access depends on other arguments.
    pub const VARIABLE: Access = Access(1 << 10);

    pub const fn and(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    pub const fn has(self, any: Access) -> bool {
        self.0 & any.0 != 0
    }

    /// The names, in `COMMAND INFO`'s order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ACCESS_NAMES
            .iter()
            .filter(move |(flag, _)| self.has(*flag))
            .map(|(_, name)| *name)
    }
}

const ACCESS_NAMES: &[(Access, &str)] = &[
    (Access::RW, "RW"),
    (Access::RO, "RO"),
    (Access::OW, "OW"),
    (Access::RM, "RM"),
    (Access::ACCESS, "access"),
    (Access::UPDATE, "update"),
    (Access::INSERT, "insert"),
    (Access::DELETE, "delete"),
    (Access::NOT_KEY, "not_key"),
    (Access::INCOMPLETE, "incomplete"),
    (Access::VARIABLE, "variable_flags"),
];

impl KeySpec {
    /// One key, at word `index`.
    pub const fn at(index: usize, access: Access) -> KeySpec {
        KeySpec::range(index, access, 0, 1)
    }

    /// Every word from `index` on.
    pub const fn from(index: usize, access: Access) -> KeySpec {
        KeySpec::range(index, access, -1, 1)
    }

    /// Every other word from `index` on: keys with something between.
    pub const fn alternate(index: usize, access: Access) -> KeySpec {
        KeySpec::range(index, access, -1, 2)
    }

    /// As many keys as word `count` says, right behind it.
    pub const fn counted(count: usize, access: Access) -> KeySpec {
        let find = Find::Counted {
            count: 0,
            first: 1,
            step: 1,
        };
        KeySpec {
            access,
            begin: Begin::Index(count),
            find,
            notes: "",
        }
    }

    pub const fn range(index: usize, access: Access, last: i64, step: usize) -> KeySpec {
        let find = Find::Range {
            last,
            step,
            limit: 0,
        };
        KeySpec {
            access,
            begin: Begin::Index(index),
            find,
            notes: "",
        }
    }

    /// The first key, the last and the step between keys, as far as these three can tell: what
    /// clients read that know of no key specifications. All 0 if the keys are elsewhere.
    pub fn simple_range(specs: &[KeySpec]) -> (usize, i64, usize) {
        let mut range: Option<(usize, i64, usize)> = None;
        for spec in specs {
            let (Begin::Index(first), Find::Range { last, step, .. }) = (spec.begin, spec.find)
            else {
                continue;
            };
            let last = if last < 0 { last } else { first as i64 + last };
            range = match range {
                None => Some((first, last, step)),
                Some((start, end, step)) if end + 1 == first as i64 => Some((start, last, step)),
                known => known,
            };
        }
        range.unwrap_or_default()
    }

    /// Calls `found` with the index of every word that is a key, ascending. An error means that
    /// the words do not fit the specification: nothing is a key then.
    #[inline]
    pub fn find(&self, words: &[&[u8]], mut found: impl FnMut(usize)) -> Result<(), Error> {
        let begin = match self.begin {
            Begin::Index(index) if index < words.len() => index,
            // As `PFMERGE destkey`: the keys up to the end are none.
            Begin::Index(index) if index == words.len() && self.find.reaches_end() => return Ok(()),
            Begin::Index(_) | Begin::Unknown => return Err(Error::InvalidArguments),
            Begin::Keyword { word, from } => match behind_keyword(words, word, from) {
                Some(index) => index,
                None => return Ok(()),
            },
        };
        let (first, last, step) = match self.find {
            Find::Range { last, step, limit } => (begin, last_of(words, begin, last, limit)?, step),
            Find::Counted { count, first, step } => {
                let counted = words.get(begin + count).and_then(|word| count_of(word));
                let keys = counted.ok_or(Error::InvalidArguments)?;
                let first = begin + first;
                let behind = keys
                    .checked_mul(step)
                    .and_then(|span| first.checked_add(span));
                match behind {
                    Some(end) if keys == 0 || end < words.len() + step => {}
                    _ => return Err(Error::InvalidArguments),
                }
                if keys == 0 {
                    return Ok(());
                }
                (first, first + (keys - 1) * step, step)
            }
            Find::Unknown => return Err(Error::InvalidArguments),
        };
        (first..=last).step_by(step).for_each(&mut found);
        Ok(())
    }
}

fn last_of(words: &[&[u8]], begin: usize, last: i64, limit: usize) -> Result<usize, Error> {
    let last = match last {
        0.. => begin + last as usize,
        _ if limit <= 1 => (words.len() as i64 + last).max(begin as i64) as usize,
        _ => begin + ((words.len() - begin) / limit).saturating_sub(1),
    };
    if last < words.len() {
        Ok(last)
    } else {
        Err(Error::InvalidArguments)
    }
}

fn behind_keyword(words: &[&[u8]], keyword: &str, from: i64) -> Option<usize> {
    let is_it = |index: &usize| words[*index].eq_ignore_ascii_case(keyword.as_bytes());
    let found = match from {
        0.. => (from as usize..words.len().saturating_sub(1)).find(is_it),
        _ => (1..=(words.len() as i64 + from).max(0) as usize)
            .rev()
            .find(is_it),
    };
    found.map(|index| index + 1)
}

fn count_of(word: &[u8]) -> Option<usize> {
    stdx::number::parse_i64(word).and_then(|count| usize::try_from(count).ok())
}
