//! Strings as fields of integers, of any width and at any bit.

use std::num::NonZeroU32;

use datatypes::bits;
use engine::command::{Flags, KeySpec};
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::Entry;
use stdx::number::parse_i64;

use super::{Idle, bytes_up_to, grown, within};
use crate::event;
use crate::string::text_of;

pub(super) static BITFIELD: Command = Command {
    name: "bitfield",
    syntax: "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] \
             <SET encoding offset value | INCRBY encoding offset increment> ...]",
    summary: "Reads, sets and adds to integers of any width in the string a key holds.",
    since: "3.2.0",
    complexity: "O(1) for each subcommand specified",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::DENY_OOM),
    acl: Acl::BITMAP,
    keys: &[KeySpec {
        notes: "This command allows both access and modification of the key",
        ..KeySpec::at(1, WRITES.and(Access::VARIABLE))
    }],
    access: Some(access),
    handler: |cx, args| {
        let key = args.key()?;
        let program = Program::parse(cx, args)?;
        match program.end {
            None => program.read(cx, &key),
            Some(last) => program.write(cx, &key, last),
        }
    },
    ..Command::BLANK
};

const WRITES: Access = Access::RW.and(Access::ACCESS).and(Access::UPDATE);

/// As long as every part only reads, so does the command. Words that are no such part may write.
fn access(words: &[&[u8]]) -> Access {
    let mut rest = words.get(2..).unwrap_or_default();
    while let [name, values @ ..] = rest {
        let count = match name.to_ascii_lowercase().as_slice() {
            b"get" => 2,
            b"overflow" => 1,
            _ => return WRITES,
        };
        let Some(behind) = values.get(count..) else {
            return WRITES;
        };
        rest = behind;
    }
    Access::RO.and(Access::ACCESS)
}

pub(super) static BITFIELD_RO: Command = Command {
    name: "bitfield_ro",
    syntax: "key [GET encoding offset [GET encoding offset ...]]",
    summary: "Reads integers of any width in the string a key holds.",
    since: "6.0.0",
    complexity: "O(1) for each subcommand specified",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::FAST),
    acl: Acl::BITMAP,
    keys: &[KeySpec::at(1, Access::RO.and(Access::ACCESS))],
    handler: |cx, args| {
        let key = args.key()?;
        let program = Program::parse(cx, args)?;
        match program.end {
            None => program.read(cx, &key),
            Some(_) => Err(Error::text(
                "ERR BITFIELD_RO only supports the GET subcommand",
            )),
        }
    },
    ..Command::BLANK
};

/// The integers of a field: how many bits they have, and whether the first is a sign.
#[derive(Clone, Copy)]
struct Encoding {
    signed: bool,
    width: NonZeroU32,
}

impl Encoding {
    fn parse(word: &[u8]) -> Result<Encoding, Error> {
        let invalid = || {
            Error::text(
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not \
                 supported but i64 is.",
            )
        };
        let (signed, width_max, digits) = match word {
            [b'i', digits @ ..] => (true, i64::BITS, digits),
            [b'u', digits @ ..] => (false, i64::BITS - 1, digits),
            _ => return Err(invalid()),
        };
        let width = parse_i64(digits).and_then(|width| u32::try_from(width).ok());
        let width = width.filter(|width| *width <= width_max);
        let width = width.and_then(NonZeroU32::new).ok_or_else(invalid)?;
        Ok(Encoding { signed, width })
    }

    fn width(self) -> u32 {
        self.width.get()
    }

    /// The number that a field's bits are, the highest of them being a sign or not.
    fn number(self, bits: u64) -> i64 {
        let unused = i64::BITS - self.width();
        if self.signed {
            ((bits << unused) as i64) >> unused
        } else {
            bits as i64
        }
    }

    fn largest(self) -> i64 {
        let digits = if self.signed {
            self.width() - 1
        } else {
            self.width()
        };
        ((1_u64 << digits) - 1) as i64
    }

    fn least(self) -> i64 {
        if self.signed { -self.largest() - 1 } else { 0 }
    }

    /// On which side of what fits the sum lies.
    ///
    /// A signed value far below what fits is said to lie above, for its distance from the largest
    /// wraps around: clients know it so, and saturation shows it.
    fn beyond(self, value: i64, increment: i64) -> Option<Side> {
        if !self.signed {
            let (value, largest) = (value as u64, self.largest() as u64);
            let is_above = value > largest || increment > (largest - value) as i64;
            let is_below = increment
                .checked_neg()
                .map_or(u64::MAX, |less| less.max(0) as u64)
                > value;
            return match (is_above, is_below) {
                (true, _) => Some(Side::Above),
                (false, true) => Some(Side::Below),
                (false, false) => None,
            };
        }
        let (up, down) = (
            self.largest().wrapping_sub(value),
            self.least().wrapping_sub(value),
        );
        let narrow = self.width() < i64::BITS;
        if value > self.largest() || (narrow || value >= 0 && increment > 0) && increment > up {
            Some(Side::Above)
        } else if value < self.least() || (narrow || value < 0 && increment < 0) && increment < down
        {
            Some(Side::Below)
        } else {
            None
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Above,
    Below,
}

/// What happens to a number that does not fit.
#[derive(Clone, Copy)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

/// One part of the command.
#[derive(Clone, Copy)]
struct Step {
    action: Action,
    encoding: Encoding,
    offset: u64,
}

/// What a step makes of a string.
struct Outcome {
    reply: Option<i64>,
    /// The bits that the field gets, if it gets any.
    written: Option<u64>,
    differs: bool,
}

impl Step {
    fn outcome(&self, bytes: &[u8]) -> Outcome {
        let encoding = self.encoding;
        let old_bits = bits::field(bytes, self.offset, encoding.width());
        let old = encoding.number(old_bits);
        let (value, increment, overflow) = match self.action {
            Action::Get => {
                return Outcome {
                    reply: Some(old),
                    written: None,
                    differs: false,
                };
            }
            Action::Set(value, overflow) => (value, 0, overflow),
            Action::Add(increment, overflow) => (old, increment, overflow),
        };
        let number = match (encoding.beyond(value, increment), overflow) {
            (Some(_), Overflow::Fail) => {
                return Outcome {
                    reply: None,
                    written: None,
                    differs: false,
                };
            }
            (Some(Side::Above), Overflow::Saturate) => encoding.largest(),
            (Some(Side::Below), Overflow::Saturate) => encoding.least(),
            (Some(_), Overflow::Wrap) | (None, _) => value.wrapping_add(increment),
        };
        let bits = number as u64 & u64::MAX >> (u64::BITS - encoding.width());
        Outcome {
            reply: Some(match self.action {
                Action::Get | Action::Set(..) => old,
                Action::Add(..) => encoding.number(bits),
            }),
            written: Some(bits),
            differs: bits != old_bits,
        }
    }
}

/// All parts of the command.
struct Program {
    steps: Vec<Step>,
    /// The last bit that any step may write.
    end: Option<u64>,
}

impl Program {
    fn parse(cx: &Context<'_>, args: &mut Args<'_>) -> Result<Program, Error> {
        let mut program = Program {
            steps: Vec::new(),
            end: None,
        };
        let mut overflow = Overflow::Wrap;
        while let Some(word) = args.keyword() {
            let name = word.as_bytes();
            let values = match name {
                b"GET" => 2,
                b"SET" | b"INCRBY" => 3,
                b"OVERFLOW" => 1,
                _ => return Err(Error::Syntax),
            };
            if args.len() < values {
                return Err(Error::Syntax);
            }
            if name == b"OVERFLOW" {
                overflow = overflow_of(args)?;
                continue;
            }
            let encoding = Encoding::parse(args.bytes()?)?;
            let offset = field_offset(cx, args.bytes()?, encoding)?;
            let action = match name {
                b"SET" => Action::Set(args.integer()?, overflow),
                b"INCRBY" => Action::Add(args.integer()?, overflow),
                _ => Action::Get,
            };
            if !matches!(action, Action::Get) {
                let last = offset + u64::from(encoding.width()) - 1;
                program.end = program.end.max(Some(last));
            }
            program.steps.push(Step {
                action,
                encoding,
                offset,
            });
        }
        Ok(program)
    }

    fn read(&self, cx: &mut Context<'_>, key: &keyspace::Key<'_>) -> CommandResult {
        let replies =
            cx.read_string(key, |text, _| text.with_bytes(|bytes| self.replies(bytes)))?;
        let replies = replies.unwrap_or_else(|| self.replies(b""));
        Ok(reply(cx, &replies))
    }

    fn write(&self, cx: &mut Context<'_>, key: &keyspace::Key<'_>, last: u64) -> CommandResult {
        let len = bytes_up_to(last);
        let plan = |entry: &Entry| -> Result<(), Idle<Vec<Option<i64>>>> {
            let text = text_of(entry)?;
            let is_idle = |bytes: &[u8]| {
                // Before the first step that changes something, every step sees the same string.
                let grows = bytes.len() < len;
                self.steps.iter().all(|step| {
                    let outcome = step.outcome(bytes);
                    outcome.written.is_none() || !grows && !outcome.differs
                })
            };
            text.with_bytes(|bytes| match is_idle(bytes) {
                true => Err(Idle::Same(self.replies(bytes))),
                false => Ok(()),
            })
        };
        let run = |entry: Entry, ()| {
            let grows = entry.text().len() < len;
            let mut entry = grown(entry, len);
            let (replies, changes) = self.run(entry.bytes_mut(), grows);
            (entry, (replies, changes))
        };
        let (replies, changes) = match cx.db.try_change(key, plan, run) {
            Ok(Some(done)) => done,
            Ok(None) => {
                let (entry, done) = run(Entry::bytes(key.bytes, b"", None), ());
                match done.1 {
                    0 => cx.db.create_unheard(key, entry),
                    _ => cx.db.create(key, entry),
                }
                done
            }
            Err(Idle::Same(replies)) => {
                if cx.db.lengthen(key, len) {
                    cx.changed(1);
                }
                return Ok(reply(cx, &replies));
            }
            Err(Idle::Failed(error)) => return Err(error),
        };
        // That a string grew is logged, but nobody is told of it alone, not even who watches it.
        cx.changed(changes.max(1));
        if changes > 0 {
            cx.notify(key, event::SETBIT);
        }
        Ok(reply(cx, &replies))
    }

    /// What the steps reply when none of them changes the string.
    fn replies(&self, bytes: &[u8]) -> Vec<Option<i64>> {
        let steps = self.steps.iter();
        steps.map(|step| step.outcome(bytes).reply).collect()
    }

    /// Runs the steps on a string that is long enough, and counts those that changed it. In one
    /// that has grown for them, all do that write.
    fn run(&self, bytes: &mut [u8], grows: bool) -> (Vec<Option<i64>>, u64) {
        let mut changes = 0;
        let replies = self.steps.iter().map(|step| {
            let outcome = step.outcome(bytes);
            if let Some(written) = outcome.written {
                bits::set_field(bytes, step.offset, step.encoding.width(), written);
                changes += u64::from(grows || outcome.differs);
            }
            outcome.reply
        });
        let replies = replies.collect();
        (replies, changes)
    }
}

fn reply(cx: &mut Context<'_>, replies: &[Option<i64>]) -> engine::reply::Done {
    let mut array = cx.reply.array(replies.len());
    for reply in replies {
        match reply {
            Some(number) => array.integer(*number),
            None => array.null(),
        }
    }
    array.done()
}

fn overflow_of(args: &mut Args<'_>) -> Result<Overflow, Error> {
    match args.keyword().ok_or(Error::Syntax)?.as_bytes() {
        b"WRAP" => Ok(Overflow::Wrap),
        b"SAT" => Ok(Overflow::Saturate),
        b"FAIL" => Ok(Overflow::Fail),
        _ => Err(Error::text("ERR Invalid OVERFLOW type specified")),
    }
}

/// A bit, or behind `#` the number of a field when fields of this width lie side by side.
fn field_offset(cx: &Context<'_>, word: &[u8], encoding: Encoding) -> Result<u64, Error> {
    let (digits, scale) = match word {
        [b'#', digits @ ..] => (digits, u64::from(encoding.width())),
        digits => (digits, 1),
    };
    let number = parse_i64(digits).and_then(|number| u64::try_from(number).ok());
    within(cx, number.and_then(|number| number.checked_mul(scale)))
}
