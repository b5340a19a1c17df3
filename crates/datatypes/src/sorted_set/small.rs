//! The small encoding: members and their scores in turn, in order, in a listpack.

use stdx::float;

use super::Place;
use super::element::Order;
use crate::Text;
use crate::listpack::{self, Listpack, Position};

/// A member and its score are this many elements.
pub(super) const STEP: usize = 2;

/// Integers up to here, in either direction, are kept as integers, not as text.
const INTEGER_MAX: f64 = (1u64 << 62) as f64;

/// The integer as which a listpack keeps this score, if it is one. There -0 is 0.
pub fn integer(score: f64) -> Option<i64> {
    let fits = score.abs() <= INTEGER_MAX && score == score.trunc();
    fits.then_some(score as i64)
}

/// Gives `write` a score as a listpack keeps it.
fn with_text<R>(score: f64, write: impl FnOnce(Text<'_>) -> R) -> R {
    match integer(score) {
        Some(integer) => write(Text::Int(integer)),
        None => write(Text::Bytes(&float::text(score))),
    }
}

pub(super) fn score_of(text: Text<'_>) -> f64 {
    match text {
        Text::Int(number) => number as f64,
        Text::Bytes(bytes) => float::parse(bytes).unwrap_or(0.0),
    }
}

fn score_at(pack: &Listpack, member: Position) -> f64 {
    let score = pack.next(member).expect("a score follows its member");
    score_of(pack.read(score))
}

/// How many members there are and the length of the longest, if behind each is its score and they
/// are in order.
pub(super) fn check(pack: &Listpack) -> Option<(usize, usize)> {
    let (mut elements, mut len, mut longest) = (pack.iter(), 0, 0);
    let mut before: Option<(Order, Text<'_>)> = None;
    while let Some(member) = elements.next() {
        let score = match elements.next()? {
            Text::Int(number) => number as f64,
            Text::Bytes(bytes) => float::parse(bytes)?,
        };
        let order = Order::of(score);
        if let Some((least, other)) = before {
            let in_order = least < order
                || least == order && other.with_bytes(|a| member.with_bytes(|b| a < b));
            in_order.then_some(())?;
        }
        before = Some((order, member));
        longest = longest.max(member.len());
        len += 1;
    }
    Some((len, longest))
}

/// Where a member is, and its score.
pub(super) fn find(pack: &Listpack, member: &[u8]) -> Option<(Position, f64)> {
    let at = pack.find(pack.first(), Text::Bytes(member), STEP)?;
    Some((at, score_at(pack, at)))
}

/// Adds a member that is not there.
pub(super) fn insert(pack: &mut Listpack, member: &[u8], score: f64) {
    let order = Order::of(score);
    let is_before = |other: f64, text: Text<'_>| {
        let other = Order::of(other);
        other < order || other == order && text.with_bytes(|text| text < member)
    };
    let (at, _) = first_not(pack, is_before);
    pack.insert(at, Text::Bytes(member));
    with_text(score, |text| pack.insert_behind(at, text));
}

pub(super) fn remove(pack: &mut Listpack, at: Position, members: usize) {
    pack.remove_range(at, members * STEP);
}

/// How many members are before a place.
pub(super) fn rank_of(pack: &Listpack, place: Place<'_>) -> usize {
    let (_, rank) = first_not(pack, |score, text| match place {
        Place::BeforeScore(bound) => score < bound,
        Place::AfterScore(bound) => score <= bound,
        Place::BeforeMember(bound) => text.with_bytes(|text| text < bound),
        Place::AfterMember(bound) => text.with_bytes(|text| text <= bound),
    });
    rank
}

/// Where the first member is that is not before some place, and how many are.
fn first_not(pack: &Listpack, is_before: impl Fn(f64, Text<'_>) -> bool) -> (Position, usize) {
    let (mut next, mut rank) = (pack.first(), 0);
    while let Some(at) = next {
        let score = pack.next(at).expect("a score follows its member");
        if !is_before(score_of(pack.read(score)), pack.read(at)) {
            return (at, rank);
        }
        next = pack.next(score);
        rank += 1;
    }
    (pack.end(), rank)
}

/// Members and scores by rank, from either end.
pub(super) struct Iter<'a> {
    elements: listpack::Iter<'a>,
    members: usize,
}

impl<'a> Iter<'a> {
    /// All `len` members but some at each end.
    pub fn new(pack: &'a Listpack, skipped: usize, members: usize, len: usize) -> Iter<'a> {
        let mut elements = pack.iter();
        if let Some(last) = (skipped * STEP).checked_sub(1) {
            elements.nth(last);
        }
        if let Some(last) = ((len - skipped - members) * STEP).checked_sub(1) {
            elements.nth_back(last);
        }
        Iter { elements, members }
    }

    pub fn len(&self) -> usize {
        self.members
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Text<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.members = self.members.checked_sub(1)?;
        let (member, score) = (self.elements.next()?, self.elements.next()?);
        Some((member, score_of(score)))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.members = self.members.checked_sub(1)?;
        let (score, member) = (self.elements.next_back()?, self.elements.next_back()?);
        Some((member, score_of(score)))
    }
}
