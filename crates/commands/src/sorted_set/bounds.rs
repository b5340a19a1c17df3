//! The ends of a range, as clients write them.

use std::ops::Range;

use datatypes::sorted_set::Place;
use datatypes::{Collection, SortedSet};
use engine::Error;
use stdx::float;
use stdx::number::parse_i64;

/// What the ends of a range are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Rank,
    Score,
    Lex,
}

/// A range of members.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds<'a> {
    /// Both included; negative ones count from the end.
    Ranks(i64, i64),
    Between(Edge<'a>, Edge<'a>),
}

/// One end of a range.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge<'a> {
    /// Before all members.
    Start,
    At(Place<'a>),
    /// Behind all members.
    End,
}

impl<'a> Bounds<'a> {
    pub fn parse(order: Order, min: &'a [u8], max: &'a [u8]) -> Result<Bounds<'a>, Error> {
        match order {
            Order::Rank => {
                let rank = |word| parse_i64(word).ok_or(Error::NotInteger);
                Ok(Bounds::Ranks(rank(min)?, rank(max)?))
            }
            Order::Score => {
                Bounds::scores(min, max).ok_or_else(|| Error::text("ERR min or max is not a float"))
            }
            Order::Lex => Bounds::members(min, max)
                .ok_or_else(|| Error::text("ERR min or max not valid string range item")),
        }
    }

    fn scores(min: &'a [u8], max: &'a [u8]) -> Option<Bounds<'a>> {
        let from = match min {
            [b'(', min @ ..] => Place::AfterScore(score(min)?),
            min => Place::BeforeScore(score(min)?),
        };
        let to = match max {
            [b'(', max @ ..] => Place::BeforeScore(score(max)?),
            max => Place::AfterScore(score(max)?),
        };
        Some(Bounds::Between(Edge::At(from), Edge::At(to)))
    }

    fn members(min: &'a [u8], max: &'a [u8]) -> Option<Bounds<'a>> {
        let from = match min {
            b"-" => Edge::Start,
            b"+" => Edge::End,
            [b'(', min @ ..] => Edge::At(Place::AfterMember(min)),
            [b'[', min @ ..] => Edge::At(Place::BeforeMember(min)),
            _ => return None,
        };
        let to = match max {
            b"-" => Edge::Start,
            b"+" => Edge::End,
            [b'(', max @ ..] => Edge::At(Place::BeforeMember(max)),
            [b'[', max @ ..] => Edge::At(Place::AfterMember(max)),
            _ => return None,
        };
        Some(Bounds::Between(from, to))
    }

    /// The ranks of the members within. Ranks that clients state are counted from the last member
    /// backwards if `reverse`.
    pub fn ranks(self, set: &SortedSet, reverse: bool) -> Range<usize> {
        let len = set.len();
        match self {
            Bounds::Between(from, to) => {
                let (start, end) = (from.rank(set), to.rank(set));
                start.min(end)..end
            }
            Bounds::Ranks(first, last) => {
                let part = part(first, last, len);
                match reverse {
                    true => len - part.end..len - part.start,
                    false => part,
                }
            }
        }
    }
}

impl Edge<'_> {
    fn rank(self, set: &SortedSet) -> usize {
        match self {
            Edge::Start => 0,
            Edge::At(place) => set.rank_of(place),
            Edge::End => set.len(),
        }
    }
}

/// The elements from `first` to `last`, both included, of `len`.
fn part(first: i64, last: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let (first, last) = (from_end(first).max(0), from_end(last).min(len - 1));
    if first > last {
        return 0..0;
    }
    first as usize..last as usize + 1
}

/// A bound, of which clients expect what C's `strtod` reads: spaces in front, nothing at all for 0,
/// and numbers beyond all others.
fn score(word: &[u8]) -> Option<f64> {
    let text = word.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let text = match text
        .iter()
        .position(|byte| !b" \t\n\x0b\x0c\r".contains(byte))
    {
        Some(start) => &text[start..],
        None => return None,
    };
    float::parse(text).or_else(|| {
        let magnitude: f64 = str::from_utf8(text).ok()?.parse().ok()?;
        (!magnitude.is_nan()).then_some(magnitude)
    })
}
