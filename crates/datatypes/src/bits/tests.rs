use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Every bit of a string, as the slow way has it.
fn bits_of(bytes: &[u8]) -> Vec<bool> {
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1 == 1;
    (0..bytes.len() * 8).map(bit).collect()
}

/// Strings in which words of all zeros and all ones are common.
fn string() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop_oneof![Just(0), Just(0xff), any::<u8>()], 0_usize..100);
    vec(run, 0..6).prop_map(|runs| {
        let bytes = runs.into_iter();
        bytes.flat_map(|(byte, len)| vec![byte; len]).collect()
    })
}

#[test]
fn bit_zero_is_the_highest() {
    let mut bytes = [0, 0];
    set(&mut bytes, 0, true);
    set(&mut bytes, 15, true);
    assert_eq!(bytes, [0x80, 0x01]);
    set(&mut bytes, 0, false);
    assert_eq!(bytes, [0, 0x01]);
    assert!(get(&bytes, 15) && !get(&bytes, 14));
    assert!(!get(&bytes, 16) && !get(&bytes, u64::MAX));
}

#[test]
fn fields_behind_the_end_are_zero() {
    assert_eq!(field(b"\xff", 4, 8), 0xf0);
    assert_eq!(field(b"\xff", 8, 64), 0);
    assert_eq!(field(b"\xff", u64::MAX, 64), 0);
}

proptest! {
    #[test]
    fn counting_and_finding_agree_with_single_bits(
        bytes in string(),
        from: u64,
        to: u64,
        on: bool,
    ) {
        let bits = bits_of(&bytes);
        prop_assert_eq!(count(&bytes), bits.iter().filter(|bit| **bit).count() as u64);
        let first = bits.iter().position(|bit| *bit == on);
        prop_assert_eq!(find(&bytes, on), first.map(|at| at as u64));
        if bits.is_empty() {
            return Ok(());
        }
        let (from, to) = (from % bits.len() as u64, to % bits.len() as u64);
        let part = bits.get(from as usize..=to as usize).unwrap_or_default();
        let ones = part.iter().filter(|bit| **bit).count() as u64;
        prop_assert_eq!(count_within(&bytes, from..=to), ones);
        let first = part.iter().position(|bit| *bit == on).map(|at| from + at as u64);
        prop_assert_eq!(find_within(&bytes, on, from..=to), first);
    }

    #[test]
    fn strings_are_combined_bit_by_bit(a in string(), b in string()) {
        let (longer, shorter) = if a.len() >= b.len() { (a, b) } else { (b, a) };
        let (left, mut right) = (bits_of(&longer), bits_of(&shorter));
        right.resize(left.len(), false);
        let pairs = || left.iter().zip(&right);
        for (how, expected) in [
            (Combine::And, pairs().map(|(a, b)| a & b).collect::<Vec<_>>()),
            (Combine::Or, pairs().map(|(a, b)| a | b).collect()),
            (Combine::Xor, pairs().map(|(a, b)| a ^ b).collect()),
        ] {
            let mut target = longer.clone();
            combine(how, &mut target, &shorter);
            prop_assert_eq!(bits_of(&target), expected);
        }
        let mut inverted = longer.clone();
        invert(&mut inverted);
        prop_assert_eq!(bits_of(&inverted), left.iter().map(|bit| !bit).collect::<Vec<_>>());
    }

    #[test]
    fn fields_are_read_and_written_bit_by_bit(
        bytes in vec(any::<u8>(), 9..20),
        at: u64,
        width in 1_u32..=64,
        value: u64,
    ) {
        let at = at % (bytes.len() as u64 * 8 - u64::from(width) + 1);
        let digits = |bits: &[bool]| bits.iter().fold(0, |sum, bit| sum << 1 | u64::from(*bit));
        let range = at as usize..at as usize + width as usize;
        let mut expected = bits_of(&bytes);
        prop_assert_eq!(field(&bytes, at, width), digits(&expected[range.clone()]));
        for (step, place) in range.rev().enumerate() {
            expected[place] = value >> step & 1 == 1;
        }
        let mut changed = bytes.clone();
        set_field(&mut changed, at, width, value);
        prop_assert_eq!(bits_of(&changed), expected);
    }
}
