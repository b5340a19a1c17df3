//! The longest common subsequence of two strings.
//!
//! The usual table has a number for each pair of prefixes: the length of their longest common
//! subsequence. From one column to the next it grows by 0 or 1, so a row is a bit for every byte of
//! `b`, and a whole row follows from the one above by one addition over the bits:
//!
//! ```text
//!         b  m y n e w     level = where the row above stays level: no step up
//!   a        1 2 3 4 5     steps = those where the byte of a occurs in b
//!   o  1   . . . . .       next  = (level + steps) | (level - steps)
//!   m  2   ^ . . . .
//!   y  3   ^ ^ . . .       ^ a step up: the count is one more than to its left
//! ```
//!
//! So 64 cells cost one word and a few instructions, and the way back from the last cell needs no
//! counts: where the bytes are equal it goes diagonally, else up if the cell is a step, else left.
//! Of several subsequences of the same length this finds the one that Redis does.

use engine::command::{Flags, KeySpec};
use engine::reply::Reply;
use engine::{Access, Acl, Args, Arity, Command, CommandResult, Context, Error};
use keyspace::{Key, Text};
use stdx::number;

pub(super) static LCS: Command = Command {
    name: "lcs",
    syntax: "key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]",
    summary: "Finds the longest sequence of bytes that two strings have in the same order.",
    since: "7.0.0",
    complexity: "O(N*M) where N and M are the lengths of the strings",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::LONG),
    acl: Acl::STRING,
    keys: &[KeySpec::range(1, Access::RO.and(Access::ACCESS), 1, 1)],
    handler: lcs,
    ..Command::BLANK
};

fn lcs(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let (a, b) = (args.key()?, args.key()?);
    // Both are looked up before either is found to be no string.
    let lens = (len_of(cx, &a), len_of(cx, &b));
    let lens = (lens.0?, lens.1?);
    let options = LcsOptions::parse(args)?;
    admit(lens, cx.string_bytes_max())?;

    // With an empty string the other has nothing in common, however long it is.
    let (a, b) = match lens {
        (0, _) | (_, 0) => (Vec::new(), Vec::new()),
        _ => (copy_of(cx, &a)?, copy_of(cx, &b)?),
    };
    if options.len {
        let len = Rows::new(&a, &b, Keep::Last)?.common_len();
        return Ok(cx.reply.count(len));
    }
    let rows = Rows::new(&a, &b, Keep::All)?;
    let runs = rows.runs(&a, &b);
    if !options.idx {
        let common: Vec<u8> = runs
            .iter()
            .rev()
            .flat_map(|run| run.of(&a))
            .copied()
            .collect();
        return Ok(cx.reply.bulk(&common));
    }
    let mut map = cx.reply.map(2);
    map.bulk(b"matches");
    options.write_runs(&runs, map.element());
    map.bulk(b"len");
    map.integer(rows.common_len() as i64);
    Ok(map.done())
}

/// The length of the string a key holds, counted as a hit or a miss.
fn len_of(cx: &mut Context<'_>, key: &Key<'_>) -> Result<usize, Error> {
    let no_string = |_| Error::text("ERR The specified keys must contain string values");
    let len = cx.read_string(key, |text, _| text.len());
    Ok(len.map_err(no_string)?.unwrap_or(0))
}

fn copy_of(cx: &mut Context<'_>, key: &Key<'_>) -> Result<Vec<u8>, Error> {
    let copied = cx.db.string(key, |text| match text {
        Text::Bytes(bytes) => bytes.to_vec(),
        Text::Int(number) => number::text(number).to_vec(),
    })?;
    Ok(copied.unwrap_or_default())
}

/// Refuses strings that are too long for each other: those whose table, at four bytes a cell, would
/// be larger than the longest string there may be. That is Redis's limit; less is allocated here.
fn admit((a, b): (usize, usize), bytes_max: u64) -> Result<(), Error> {
    const LEN_MAX: usize = u32::MAX as usize - 2;
    if a > LEN_MAX || b > LEN_MAX {
        return Err(Error::text("ERR String too long for LCS"));
    }
    match (a as u128 + 1) * (b as u128 + 1) * 4 > u128::from(bytes_max) {
        true => Err(Error::text(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        )),
        false => Ok(()),
    }
}

#[derive(Default)]
struct LcsOptions {
    len: bool,
    idx: bool,
    with_match_len: bool,
    match_len_min: i64,
}

impl LcsOptions {
    fn parse(args: &mut Args<'_>) -> Result<LcsOptions, Error> {
        let mut options = LcsOptions::default();
        while let Some(word) = args.keyword() {
            match word.as_bytes() {
                b"LEN" => options.len = true,
                b"IDX" => options.idx = true,
                b"WITHMATCHLEN" => options.with_match_len = true,
                b"MINMATCHLEN" => options.match_len_min = args.integer()?,
                _ => return Err(Error::Syntax),
            }
        }
        if options.len && options.idx {
            let text = "ERR If you want both the length and indexes, please just use IDX.";
            return Err(Error::text(text));
        }
        Ok(options)
    }

    /// The runs that are long enough, the last first.
    fn write_runs(&self, runs: &[Run], reply: &mut Reply<'_>) {
        let least = usize::try_from(self.match_len_min).unwrap_or(0);
        let shown = || runs.iter().filter(|run| run.len >= least);
        let mut array = reply.array(shown().count());
        for run in shown() {
            let mut parts = array.element().array(2 + usize::from(self.with_match_len));
            for start in [run.a, run.b] {
                let mut range = parts.element().array(2);
                range.integer(start as i64);
                range.integer((start + run.len) as i64 - 1);
                let _ = range.done();
            }
            if self.with_match_len {
                parts.integer(run.len as i64);
            }
            let _ = parts.done();
        }
        let _ = array.done();
    }
}

/// Bytes that follow each other in both strings, and in the common subsequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Where it begins in `a` and in `b`.
    a: usize,
    b: usize,
    len: usize,
}

impl Run {
    fn of<'a>(&self, a: &'a [u8]) -> impl DoubleEndedIterator<Item = &'a u8> + use<'a> {
        a[self.a..self.a + self.len].iter()
    }
}

/// Which rows of the table stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    All,
    Last,
}

/// Rows of the table, one for each byte of `a`, of one bit for each byte of `b`: 1 where the count
/// is the same as to its left.
struct Rows {
    words: Vec<u64>,
    /// Words of a row.
    width: usize,
    b_len: usize,
}

impl Rows {
    fn new(a: &[u8], b: &[u8], keep: Keep) -> Result<Rows, Error> {
        let width = b.len().div_ceil(64);
        let occurrences = Occurrences::new(a, b, width)?;
        let rows = match keep {
            Keep::All => a.len(),
            Keep::Last => 0,
        };
        let mut words = reserve((rows + 1) * width)?;
        words.resize(width, u64::MAX);
        for &byte in a {
            if keep == Keep::All {
                words.extend_from_within(words.len() - width..);
            }
            let last = words.len() - width;
            advance(&mut words[last..], occurrences.of(byte));
        }
        Ok(Rows {
            words,
            width,
            b_len: b.len(),
        })
    }

    /// The length of the longest common subsequence: the steps of the last row.
    fn common_len(&self) -> usize {
        let last = &self.words[self.words.len() - self.width..];
        // The bits behind the end of `b` began as 1 and were never steps.
        last.iter().map(|word| word.count_zeros() as usize).sum()
    }

    /// Whether the count at `row`, of all rows, and `column` is one more than to its left.
    fn is_step(&self, row: usize, column: usize) -> bool {
        self.words[(row + 1) * self.width + column / 64] & 1 << (column % 64) == 0
    }

    /// The runs that the longest common subsequence consists of, the last first.
    fn runs(&self, a: &[u8], b: &[u8]) -> Vec<Run> {
        let (mut runs, mut i, mut j) = (Vec::new(), a.len(), b.len());
        debug_assert_eq!(self.b_len, b.len(), "the rows are those of these strings");
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                let equal = a[..i].iter().rev().zip(b[..j].iter().rev());
                let len = equal.take_while(|(a, b)| a == b).count();
                (i, j) = (i - len, j - len);
                runs.push(Run { a: i, b: j, len });
            } else if self.is_step(i - 1, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        runs
    }
}

/// Turns the row above into the next one, which belongs to a byte of `a` that occurs in `b` at
/// `places`.
fn advance(row: &mut [u64], places: &[u64]) {
    let mut carry = false;
    for (level, places) in row.iter_mut().zip(places) {
        let steps = *level & places;
        let (sum, over) = level.overflowing_add(steps);
        let (sum, over_again) = sum.overflowing_add(u64::from(carry));
        carry = over || over_again;
        *level = sum | (*level - steps);
    }
}

/// Where each byte of `a` occurs in `b`, as rows of bits.
struct Occurrences {
    words: Vec<u64>,
    width: usize,
    /// The number of each byte's row.
    row: [Option<u16>; 256],
}

impl Occurrences {
    fn new(a: &[u8], b: &[u8], width: usize) -> Result<Occurrences, Error> {
        let (mut row, mut rows) = ([None; 256], 0);
        for &byte in a {
            if row[usize::from(byte)].is_none() {
                row[usize::from(byte)] = Some(rows);
                rows += 1;
            }
        }
        let mut words = reserve(usize::from(rows) * width)?;
        words.resize(usize::from(rows) * width, 0);
        for (at, &byte) in b.iter().enumerate() {
            if let Some(row) = row[usize::from(byte)] {
                words[usize::from(row) * width + at / 64] |= 1 << (at % 64);
            }
        }
        Ok(Occurrences { words, width, row })
    }

    fn of(&self, byte: u8) -> &[u64] {
        let row = self.row[usize::from(byte)].expect("every byte of `a` has a row");
        let start = usize::from(row) * self.width;
        &self.words[start..start + self.width]
    }
}

/// Room for so many words, if there is so much memory.
fn reserve(words: usize) -> Result<Vec<u64>, Error> {
    let text = "ERR Insufficient memory, failed allocating transient memory for LCS";
    let mut reserved = Vec::new();
    match reserved.try_reserve_exact(words) {
        Ok(()) => Ok(reserved),
        Err(_) => Err(Error::text(text)),
    }
}
