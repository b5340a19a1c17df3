//! Registers written as runs of equal ranks.
//!
//! ```text
//!   00zzzzzz             zzzzzz + 1 empty registers, up to 64
//!   01zzzzzz zzzzzzzz    as many as 16384 of them
//!   1rrrrrll             ll + 1 registers of rank rrrrr + 1
//! ```
//!
//! Raising a register cuts the run that it lies in into up to three. Then runs of one rank that
//! have become neighbours are joined, though only within the reach of the change: what a value's
//! bytes are depends on what was done to it, and has to be the same everywhere.

use std::ops::Range;

use super::{Corrupted, Observation, REGISTERS};

const SHORT_MAX: usize = 64;
const LONG: u8 = 0x40;
const RANKED: u8 = 0x80;

/// The highest rank that a run can say.
const RANK_MAX: u8 = 32;

/// The longest run that has a rank.
const RANKED_MAX: usize = 4;

/// Runs that are looked at behind a change, to join them.
const JOIN_REACH: usize = 5;

/// Bytes that the runs which take the place of one may need: two long ones with one between.
const PIECES_BYTES_MAX: usize = 5;

/// Registers that follow each other and have the same rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Empty { len: usize },
    EmptyLong { len: usize },
    Ranked { rank: u8, len: usize },
}

impl Run {
    /// The run at the front. Of a long one whose end is missing, the missing byte counts as zero.
    fn first(bytes: &[u8]) -> Option<Run> {
        let &first = bytes.first()?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => Run::Empty { len: low + 1 },
            1 => Run::EmptyLong {
                len: (low << 8 | usize::from(*bytes.get(1).unwrap_or(&0))) + 1,
            },
            _ => Run::Ranked {
                rank: (first >> 2 & 0x1f) + 1,
                len: usize::from(first & 3) + 1,
            },
        })
    }

    /// How many registers it stands for.
    pub fn registers(self) -> usize {
        match self {
            Run::Empty { len } | Run::EmptyLong { len } | Run::Ranked { len, .. } => len,
        }
    }

    fn rank(self) -> u8 {
        match self {
            Run::Empty { .. } | Run::EmptyLong { .. } => 0,
            Run::Ranked { rank, .. } => rank,
        }
    }

    /// How many bytes it is written in.
    fn size(self) -> usize {
        match self {
            Run::Empty { .. } | Run::Ranked { .. } => 1,
            Run::EmptyLong { .. } => 2,
        }
    }
}

/// The runs, from the first on. They may end anywhere.
pub fn runs(bytes: &[u8]) -> impl Iterator<Item = Run> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = Run::first(bytes.get(at..)?)?;
        at += run.size();
        Some(run)
    })
}

/// Shows the registers of every run with their rank. Fails when the runs are not those of all
/// registers, perhaps after some have been shown.
pub fn for_each_run(
    bytes: &[u8],
    mut visit: impl FnMut(Range<usize>, u8),
) -> Result<(), Corrupted> {
    let mut next = 0;
    for run in runs(bytes) {
        let range = next..next + run.registers();
        if range.end > REGISTERS {
            return Err(Corrupted);
        }
        next = range.end;
        visit(range, run.rank());
    }
    if next == REGISTERS {
        Ok(())
    } else {
        Err(Corrupted)
    }
}

/// Adds a run of empty registers.
pub fn push_zeros(bytes: &mut Vec<u8>, len: usize) {
    let mut pieces = Pieces::default();
    pieces.zeros(len);
    bytes.extend_from_slice(pieces.bytes());
}

/// What has to be done to raise a register.
pub enum Plan {
    Nothing,
    Replace(Change),
    /// Runs cannot say it, or not in the room there is.
    Densify,
}

/// Bytes that take the place of a run.
pub struct Change {
    at: usize,
    replaced: usize,
    pieces: Pieces,
    /// Where joining begins: the run before, if there is one.
    join_from: usize,
}

/// Plans to raise a register, so that growing runs end within `bytes_max`.
pub fn plan(bytes: &[u8], observed: Observation, bytes_max: u64) -> Result<Plan, Corrupted> {
    let Observation { register, rank } = observed;
    if rank > RANK_MAX {
        return Ok(Plan::Densify);
    }
    let place = find(bytes, register);
    let run = bytes
        .get(place.at..)
        .and_then(Run::first)
        .ok_or(Corrupted)?;
    let Place {
        at,
        first,
        before: join_from,
    } = place;
    if run.rank() >= rank {
        return Ok(Plan::Nothing);
    }
    let (before, behind) = (register - first, first + run.registers() - 1 - register);
    let mut pieces = Pieces::default();
    pieces.like(run, before);
    pieces.ranked(rank, 1);
    pieces.like(run, behind);
    let (old, new) = (run.size(), pieces.bytes().len());
    if new > old && (bytes.len() + new - old) as u64 > bytes_max {
        return Ok(Plan::Densify);
    }
    Ok(Plan::Replace(Change {
        at,
        replaced: old,
        pieces,
        join_from,
    }))
}

/// Where a run is.
struct Place {
    at: usize,
    /// Its first register.
    first: usize,
    /// Where the run before it is, if there is one.
    before: usize,
}

/// The run of a register; the end if the runs do not go so far.
///
/// Kinds of runs follow each other as chance has it, so this does not branch by them.
fn find(bytes: &[u8], register: usize) -> Place {
    let (mut at, mut first, mut before) = (0, 0, 0);
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).map_or(0, |next| usize::from(*next));
        let low = usize::from(byte & 0x3f);
        let is_long = byte >> 6 == 1;
        let zeros = if is_long { low << 8 | next } else { low };
        let len = 1 + if byte & RANKED == 0 { zeros } else { low & 3 };
        if register < first + len {
            break;
        }
        before = at;
        at += 1 + usize::from(is_long);
        first += len;
    }
    Place { at, first, before }
}

/// Changes the runs of a value, which begin at `start`.
pub fn apply(value: &mut Vec<u8>, start: usize, change: &Change) {
    let at = start + change.at;
    let pieces = change.pieces.bytes();
    let end = value.len().min(at + change.replaced);
    // Where a long run lacks its second byte, the pieces are cut off as far as it was.
    let len = value.len() + pieces.len() - change.replaced;
    value.splice(at..end, pieces.iter().copied());
    value.truncate(len);
    join(value, start + change.join_from);
}

/// Joins neighbours of one rank, as far as a run of it can be long.
fn join(value: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_REACH {
        let Some(run) = Run::first(value.get(at..).unwrap_or_default()) else {
            return;
        };
        let next = value.get(at + 1..).and_then(Run::first);
        if let (
            Run::Ranked { rank, len },
            Some(Run::Ranked {
                rank: same,
                len: more,
            }),
        ) = (run, next)
            && rank == same
            && len + more <= RANKED_MAX
        {
            value[at + 1] = ranked_byte(rank, len + more);
            value.remove(at);
            continue;
        }
        at += run.size();
    }
}

fn ranked_byte(rank: u8, len: usize) -> u8 {
    RANKED | (rank - 1) << 2 | (len - 1) as u8
}

/// A few runs, as they are written.
#[derive(Default)]
struct Pieces {
    bytes: [u8; PIECES_BYTES_MAX],
    len: usize,
}

impl Pieces {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// A part of a run, `len` registers long.
    fn like(&mut self, run: Run, len: usize) {
        match run {
            _ if len == 0 => {}
            Run::Ranked { rank, .. } => self.ranked(rank, len),
            Run::Empty { .. } | Run::EmptyLong { .. } => self.zeros(len),
        }
    }

    fn ranked(&mut self, rank: u8, len: usize) {
        self.push(ranked_byte(rank, len));
    }

    fn zeros(&mut self, len: usize) {
        if len <= SHORT_MAX {
            self.push((len - 1) as u8);
        } else {
            self.push(LONG | ((len - 1) >> 8) as u8);
            self.push((len - 1) as u8);
        }
    }
}
