//! The order of texts, by what they spell or by the numbers they are.
//!
//! What is compared first is a number of eight bytes that lies beside the place of each text: the
//! first bytes of a text, or a double in a form that sorts as an integer. Where these are equal the
//! whole texts decide, and where those are equal too, who was first. So the order is total, and
//! only what is wanted of it has to be sorted.

use std::cmp::Ordering;
use std::ops::Range;

use engine::Error;
use stdx::float;

use super::texts::Texts;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    #[default]
    Ascending,
    Descending,
}

impl Direction {
    fn apply(self, ordering: Ordering) -> Ordering {
        match self {
            Direction::Ascending => ordering,
            Direction::Descending => ordering.reverse(),
        }
    }
}

#[derive(Clone, Copy)]
struct Item {
    rank: u64,
    place: usize,
}

/// The places of texts in the order of their bytes, as far as they are within the window. Absent
/// ones come first. Where these are equal the bytes of `ties` decide, if there are any.
pub(super) fn by_text(
    weights: &Texts,
    ties: Option<&Texts>,
    direction: Direction,
    window: Range<usize>,
) -> Vec<usize> {
    let items = (0..weights.len()).map(|place| Item {
        rank: weights.get(place).map_or(0, first_bytes),
        place,
    });
    let tie = |place| ties.and_then(|ties| ties.get(place));
    arrange(items.collect(), direction, window, |a, b| {
        let by_weight = weights.get(a).cmp(&weights.get(b));
        by_weight.then_with(|| tie(a).cmp(&tie(b)))
    })
}

/// The places of elements in the order of their weights, which have to be numbers; an absent one is
/// 0. Where these are equal the elements' bytes decide.
pub(super) fn by_number(
    weights: &Texts,
    elements: &Texts,
    direction: Direction,
    window: Range<usize>,
) -> Result<Vec<usize>, Error> {
    let mut items = Vec::with_capacity(elements.len());
    for place in 0..elements.len() {
        let number = weights.get(place).map_or(Some(0.0), number);
        let no_number = Error::text("ERR One or more scores can't be converted into double");
        items.push(Item {
            rank: sortable(number.ok_or(no_number)?),
            place,
        });
    }
    Ok(arrange(items, direction, window, |a, b| {
        elements.get(a).cmp(&elements.get(b))
    }))
}

fn arrange(
    mut items: Vec<Item>,
    direction: Direction,
    window: Range<usize>,
    compare_texts: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let compare = |a: &Item, b: &Item| {
        let by_rank = a.rank.cmp(&b.rank);
        let ordering = by_rank.then_with(|| compare_texts(a.place, b.place));
        direction.apply(ordering).then(a.place.cmp(&b.place))
    };
    if window.is_empty() {
        return Vec::new();
    }
    if window.end < items.len() {
        items.select_nth_unstable_by(window.end, compare);
        items.truncate(window.end);
    }
    if window.start > 0 {
        items.select_nth_unstable_by(window.start, compare);
    }
    let wanted = &mut items[window.start..];
    wanted.sort_unstable_by(compare);
    wanted.iter().map(|item| item.place).collect()
}

/// The first eight bytes, which never say that a text is greater than one that follows it.
fn first_bytes(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = text.len().min(8);
    bytes[..len].copy_from_slice(&text[..len]);
    u64::from_be_bytes(bytes)
}

/// An integer that is less where the number is less. Both zeros are one.
fn sortable(number: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = (number + 0.0).to_bits();
    match bits & SIGN {
        0 => bits | SIGN,
        _ => !bits,
    }
}

/// The number that a C library reads from the text as a string of its own: up to a NUL, behind
/// space, 0 from nothing at all. What is too small for a double's full precision is no number.
fn number(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|&byte| byte == 0);
    let text = &text[..end.unwrap_or(text.len())];
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let digits = text.iter().position(|byte| !is_space(byte))?;
    float::parse(&text[digits..]).filter(|number| !number.is_subnormal())
}
