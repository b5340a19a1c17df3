use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::Text;

const SEED: HashSeed = HashSeed(7);

#[test]
fn a_number_and_its_text_are_the_same() {
    // 1 as an integer, and as a string as peers may write it.
    let pack = Listpack::from_bytes(b"\x0c\0\0\0\x02\0\x01\x01\x811\x02\xff").expect("a listpack");
    assert!(!pack.is_distinct(1, SEED));
    assert!(pack.is_distinct(2, SEED));
    assert!(Listpack::new().is_distinct(1, SEED));
}

proptest! {
    #[test]
    fn as_a_set_says(elements in vec("[0-9]{1,2}|[ab]{0,3}", 0..60), step in 1..3_usize) {
        let mut pack = Listpack::new();
        elements.iter().for_each(|element| pack.push_back(Text::Bytes(element.as_bytes())));
        let looked_at: Vec<&String> = elements.iter().step_by(step).collect();
        let distinct: BTreeSet<&String> = looked_at.iter().copied().collect();
        prop_assert_eq!(pack.is_distinct(step, SEED), distinct.len() == looked_at.len());
    }
}
