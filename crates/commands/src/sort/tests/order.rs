//! The order against a plain stable sort.

use datatypes::Text;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::sort::order::{self, Direction};
use crate::sort::texts::Texts;

fn texts(items: &[Option<Vec<u8>>]) -> Texts {
    let mut texts = Texts::default();
    for item in items {
        match item {
            Some(bytes) => texts.push(Text::Bytes(bytes)),
            None => texts.push_absent(),
        }
    }
    texts
}

/// Texts that share their beginnings, and are often equal.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let shared = prop::sample::select(vec!["", "a", "abcdefg", "abcdefgh", "abcdefghij"]);
    (shared, vec(prop::sample::select(vec![0, b'a', 0xff]), 0..3))
        .prop_map(|(shared, end)| [shared.as_bytes(), &end].concat())
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Ascending, Direction::Descending])
}

fn in_direction<T: Ord>(a: &T, b: &T, direction: Direction) -> std::cmp::Ordering {
    match direction {
        Direction::Ascending => a.cmp(b),
        Direction::Descending => b.cmp(a),
    }
}

proptest! {
    #[test]
    fn texts_are_in_the_order_of_a_stable_sort(
        items in vec(prop::option::of(text()), 0..40),
        direction in direction(),
        (start, len) in (0usize..50, 0usize..50),
    ) {
        let start = start.min(items.len());
        let window = start..(start + len).min(items.len());
        let mut expected: Vec<usize> = (0..items.len()).collect();
        expected.sort_by(|&a, &b| in_direction(&items[a], &items[b], direction));
        let sorted = order::by_text(&texts(&items), None, direction, window.clone());
        prop_assert_eq!(&sorted, &expected[window]);
    }

    #[test]
    fn numbers_are_in_the_order_of_a_stable_sort(
        items in vec((prop::option::of(-3i32..3), text()), 0..40),
        direction in direction(),
        (start, len) in (0usize..50, 0usize..50),
    ) {
        let start = start.min(items.len());
        let window = start..(start + len).min(items.len());
        let half = |number: i32| f64::from(number) / 2.0;
        let weights: Vec<_> = items
            .iter()
            .map(|(weight, _)| weight.map(|weight| half(weight).to_string().into_bytes()))
            .collect();
        let elements: Vec<_> = items.iter().map(|(_, text)| Some(text.clone())).collect();
        let mut expected: Vec<usize> = (0..items.len()).collect();
        let ranked = |at: usize| (items[at].0.unwrap_or(0), &items[at].1);
        expected.sort_by(|&a, &b| in_direction(&ranked(a), &ranked(b), direction));
        let (weights, elements) = (texts(&weights), texts(&elements));
        let sorted = order::by_number(&weights, &elements, direction, window.clone());
        prop_assert_eq!(&sorted.expect("all weights are numbers"), &expected[window]);
    }
}

#[test]
fn numbers_of_any_size_are_in_order() {
    let ascending = [
        "-inf", "-1e300", "-1", "-1e-300", "0", "1e-300", "0.5", "1", "1e300", "inf",
    ];
    let shuffled: Vec<_> = (0..ascending.len())
        .map(|at| Some(ascending[at * 7 % ascending.len()].into()))
        .collect();
    let texts = texts(&shuffled);
    let window = 0..ascending.len();
    let sorted = order::by_number(&texts, &texts, Direction::Ascending, window);
    let sorted = sorted.expect("all are numbers");
    let sorted: Vec<_> = sorted.iter().map(|&at| texts.get(at)).collect();
    let expected: Vec<_> = ascending.iter().map(|text| Some(text.as_bytes())).collect();
    assert_eq!(sorted, expected);
}
