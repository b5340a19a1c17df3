//! Where a value ends, without reading what is in it.
//!
//! The value of each type is a sequence of [`Part`]s, of which some are repeated as often as the
//! length before them says. [`Frame`] walks over them, and stops where the bytes end: when more
//! have come it goes on from there, so that no byte is looked at twice, however large the value.

use super::error::Reason;
use super::{kind, text};

/// A part of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Length,
    Text,
    /// So many bytes.
    Bytes(u8),
    /// A score in decimal digits behind their number. Three numbers stand for scores themselves.
    Score,
    /// A length, and so many times these parts.
    Repeat(&'static [Part]),
    /// So many times these parts.
    Times(u64, &'static [Part]),
    /// What a module wrote, each item behind its form, up to an end.
    Module,
}

use Part::{Bytes, Length, Module, Repeat, Score, Text, Times};

/// The last form in which modules write items.
const MODULE_FORM_MAX: u64 = 5;

const ID: Part = Bytes(16);
const TIME: Part = Bytes(8);

const NODES: Part = Repeat(&[Text, Text]);
const PENDING: Part = Repeat(&[ID, TIME, Length]);
const CONSUMERS: Part = Repeat(&[Text, TIME, Repeat(&[ID])]);
const CONSUMERS_3: Part = Repeat(&[Text, TIME, TIME, Repeat(&[ID])]);

/// What a module gave to be kept beside the keys.
pub(super) const MODULE_DATA: &[Part] = &[Module];

/// The parts of an instruction, none of which is repeated.
pub(super) fn instruction_parts(byte: u8) -> &'static [Part] {
    match byte {
        kind::EXPIRY_MILLIS => &[Bytes(8)],
        kind::EXPIRY_SECONDS => &[Bytes(4)],
        kind::FREQUENCY => &[Bytes(1)],
        kind::SELECT | kind::IDLE => &[Length],
        kind::SIZES => &[Length, Length],
        // A name, the form of what follows, and when.
        kind::MODULE_AUX | kind::SLOT_INFO => &[Length, Length, Length],
        kind::FUNCTION => &[Text],
        kind::AUX => &[Text, Text],
        _ => &[],
    }
}

/// How many bytes these parts take together, if they are all there.
pub(super) fn measure(parts: &[Part], bytes: &[u8]) -> Result<Option<usize>, Reason> {
    let mut at = 0;
    for &part in parts {
        match size(part, &bytes[at..])? {
            Some(size) if size <= (bytes.len() - at) as u64 => at += size as usize,
            _ => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// How many bytes of these parts can be read, where they end too early or are wrong.
pub(super) fn reach(parts: &[Part], bytes: &[u8]) -> usize {
    let mut at = 0;
    for &part in parts {
        let rest = &bytes[at..];
        match size(part, rest) {
            Ok(Some(size)) if size <= rest.len() as u64 => at += size as usize,
            _ => return at + part_reach(part, rest),
        }
    }
    at
}

fn part_reach(part: Part, rest: &[u8]) -> usize {
    match part {
        Text => text::reach(rest),
        Length | Repeat(_) => text::length_reach(rest),
        Score => rest.len().min(1),
        Bytes(_) | Times(..) => 0,
        Module => match text::length(rest) {
            Ok(Some((form, head))) => head + part_reach(module_part(form), &rest[head..]),
            _ => text::length_reach(rest),
        },
    }
}

/// The parts of a value; none if nobody here knows where it ends.
pub(super) fn parts(kind: u8) -> Option<&'static [Part]> {
    Some(match kind {
        kind::STRING
        | kind::HASH_ZIPMAP
        | kind::LIST_ZIPLIST
        | kind::SET_INTSET
        | kind::SORTED_SET_ZIPLIST
        | kind::HASH_ZIPLIST
        | kind::HASH_LISTPACK
        | kind::SORTED_SET_LISTPACK
        | kind::SET_LISTPACK => &[Text],
        kind::LIST | kind::SET | kind::LIST_QUICKLIST => &[Repeat(&[Text])],
        kind::HASH => &[Repeat(&[Text, Text])],
        kind::SORTED_SET_TEXT => &[Repeat(&[Text, Score])],
        kind::SORTED_SET => &[Repeat(&[Text, Bytes(8)])],
        kind::LIST_QUICKLIST_2 => &[Repeat(&[Length, Text])],
        kind::MODULE_2 => &[Length, Module],
        kind::STREAM => &[
            NODES,
            Times(3, &[Length]),
            Repeat(&[Text, Length, Length, PENDING, CONSUMERS]),
        ],
        kind::STREAM_2 => &[
            NODES,
            Times(8, &[Length]),
            Repeat(&[Text, Times(3, &[Length]), PENDING, CONSUMERS]),
        ],
        kind::STREAM_3 => &[
            NODES,
            Times(8, &[Length]),
            Repeat(&[Text, Times(3, &[Length]), PENDING, CONSUMERS_3]),
        ],
        _ => return None,
    })
}

/// A place among parts, and how often they are still to be walked over.
#[derive(Clone, Copy, Debug)]
struct Loop {
    parts: &'static [Part],
    next: usize,
    left: u64,
}

/// A walk over the parts of a value.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// The innermost is the last. Never deeper than the parts above.
    loops: Vec<Loop>,
}

/// Why a walk stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The value ends here.
    Whole,
    /// The bytes end too early.
    Hungry,
}

impl Frame {
    pub fn start(&mut self, parts: &'static [Part]) {
        self.loops.clear();
        self.loops.push(Loop {
            parts,
            next: 0,
            left: 1,
        });
    }

    /// Walks on from `at`, which is moved to the first byte of the part that could not be walked
    /// over.
    pub fn walk(&mut self, bytes: &[u8], at: &mut usize) -> Result<Stop, Reason> {
        while let Some(part) = self.part() {
            let rest = &bytes[*at..];
            let size = match size(part, rest)? {
                Some(size) if size <= rest.len() as u64 => size as usize,
                _ => return Ok(Stop::Hungry),
            };
            self.pass(part, rest)?;
            *at += size;
        }
        Ok(Stop::Whole)
    }

    /// How many bytes of the next part can be read.
    pub fn reach(&mut self, bytes: &[u8]) -> usize {
        self.part().map_or(0, |part| part_reach(part, bytes))
    }

    /// The next part.
    fn part(&mut self) -> Option<Part> {
        loop {
            let innermost = self.loops.last_mut()?;
            if innermost.left == 0 {
                self.loops.pop();
            } else if let Some(&part) = innermost.parts.get(innermost.next) {
                return Some(part);
            } else {
                innermost.next = 0;
                innermost.left -= 1;
            }
        }
    }

    /// Goes behind the next part, which `rest` begins with, or to the beginning of what it repeats.
    fn pass(&mut self, part: Part, rest: &[u8]) -> Result<(), Reason> {
        let innermost = self.loops.last_mut().expect("the part is in a loop");
        let (parts, left) = match part {
            Module if rest[0] != 0 => return Ok(()),
            Repeat(parts) => (parts, text::length(rest)?.map_or(0, |(len, _)| len)),
            Times(left, parts) => (parts, left),
            _ => (&[][..], 0),
        };
        innermost.next += 1;
        if left > 0 {
            let next = 0;
            self.loops.push(Loop { parts, next, left });
        }
        Ok(())
    }
}

/// How many bytes a part takes that `rest` begins with, if that can be told yet.
#[inline]
fn size(part: Part, rest: &[u8]) -> Result<Option<u64>, Reason> {
    Ok(match part {
        Text => text::end(rest)?,
        Length | Repeat(_) => text::length(rest)?.map(|(_, size)| size as u64),
        Bytes(count) => Some(count.into()),
        Score => rest.first().map(|&digits| match digits {
            0xfd.. => 1,
            digits => 1 + u64::from(digits),
        }),
        Times(..) => Some(0),
        Module => module_size(rest)?,
    })
}

/// How many bytes an item takes that a module wrote, if that can be told.
fn module_size(rest: &[u8]) -> Result<Option<u64>, Reason> {
    let Some((form, head)) = text::length(rest)? else {
        return Ok(None);
    };
    if form > MODULE_FORM_MAX {
        return Err(Reason::Structure("Unknown form of module data"));
    }
    let size = size(module_part(form), &rest[head..])?;
    Ok(size.and_then(|size| size.checked_add(head as u64)))
}

/// What is behind the form of an item that a module wrote.
fn module_part(form: u64) -> Part {
    match form {
        1 | 2 => Length,
        3 => Bytes(4),
        4 => Bytes(8),
        MODULE_FORM_MAX => Text,
        _ => Times(0, &[]),
    }
}
