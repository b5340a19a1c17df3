use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn set(numbers: &[i64]) -> IntSet {
    let mut set = IntSet::default();
    for &number in numbers {
        assert!(set.insert(number), "{number} is there once");
    }
    set
}

/// What `DUMP` gives for these sets, without its frame.
const DUMPED: &[(&[i64], &[u8])] = &[
    (&[1], b"\x02\0\0\0\x01\0\0\0\x01\0"),
    (&[1, 2, 3], b"\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0"),
    (
        &[-1, 300, 70000],
        b"\x04\0\0\0\x03\0\0\0\xff\xff\xff\xff,\x01\0\0p\x11\x01\0",
    ),
    (
        &[-5000000000, 0, 5000000000, 7],
        b"\x08\0\0\0\x04\0\0\0\0\x0e\xfa\xd5\xfe\xff\xff\xff\0\0\0\0\0\0\0\0\
          \x07\0\0\0\0\0\0\0\0\xf2\x05*\x01\0\0\0",
    ),
    (&[32767, -32768], b"\x02\0\0\0\x02\0\0\0\0\x80\xff\x7f"),
    (&[32768], b"\x04\0\0\0\x01\0\0\0\0\x80\0\0"),
    (
        &[2147483648, -2147483649],
        b"\x08\0\0\0\x02\0\0\0\xff\xff\xff\x7f\xff\xff\xff\xff\0\0\0\x80\0\0\0\0",
    ),
];

#[test]
fn bytes_are_those_of_dump() {
    for &(numbers, bytes) in DUMPED {
        assert_eq!(set(numbers).as_bytes(), bytes, "{numbers:?}");
        let read = IntSet::from_bytes(bytes).expect("a set");
        assert_eq!(read.as_bytes(), bytes);
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        assert_eq!(read.iter().collect::<Vec<_>>(), sorted);
    }
}

#[test]
fn a_width_stays_when_the_widest_goes() {
    let mut set = set(&[1, 70000]);
    assert!(set.remove(70000));
    assert_eq!(set.as_bytes(), b"\x04\0\0\0\x01\0\0\0\x01\0\0\0");
}

#[test]
fn other_bytes_are_refused() {
    let refused: &[&[u8]] = &[
        b"",
        b"\x02\0\0\0\0\0\0",
        b"\x03\0\0\0\0\0\0\0",
        b"\0\0\0\0\0\0\0\0",
        b"\x02\0\0\0\x01\0\0\0",
        b"\x02\0\0\0\x01\0\0\0\x01",
        b"\x02\0\0\0\x01\0\0\0\x01\0\x02",
        b"\x02\0\0\0\x01\0\0\0\x01\0\x02\0",
        b"\x02\0\0\0\x02\0\0\0\x01\0\x01\0",
        b"\x02\0\0\0\x02\0\0\0\x02\0\x01\0",
        b"\x02\0\0\0\x02\0\0\0\x01\0\xff\xff",
        b"\x08\0\0\0\xff\xff\xff\xff\x01\0\0\0\0\0\0\0",
    ];
    for bytes in refused {
        assert_eq!(IntSet::from_bytes(bytes).err(), Some(Invalid), "{bytes:?}");
    }
    assert!(IntSet::from_bytes(b"\x02\0\0\0\0\0\0\0").is_ok_and(|set| set.is_empty()));
}

#[test]
fn sampling_reaches_everything_and_an_empty_set_has_nothing() {
    let set = set(&[1, 2, 300000]);
    let drawn: Vec<_> = (0..3).map(|n| set.sample(|_| n)).collect();
    assert_eq!(drawn, [Some(1), Some(2), Some(300000)]);
    assert_eq!(set.get(3), None);
    assert_eq!(IntSet::default().sample(|_| 0), None);
}

#[test]
fn memory_is_whole_classes() {
    assert_eq!(IntSet::default().memory(), 8);
    let numbers: Vec<i64> = (0..512).collect();
    assert_eq!(set(&numbers).memory(), 1280);
}

proptest! {
    #[test]
    fn it_behaves_as_a_set(
        steps in vec((any::<bool>(), any::<i64>(), 0_u32..64), 0..400),
        few in any::<bool>(),
    ) {
        let (mut set, mut model) = (IntSet::default(), BTreeSet::new());
        for (put, bits, shift) in steps {
            // Either every width at random, or few numbers that meet again.
            let number = if few { bits & 0xf } else { bits >> shift };
            if put {
                prop_assert_eq!(set.insert(number), model.insert(number));
            } else {
                prop_assert_eq!(set.remove(number), model.remove(&number));
            }
            prop_assert_eq!(set.contains(number), put);
        }
        prop_assert_eq!(set.len(), model.len());
        prop_assert!(set.iter().eq(model.iter().copied()));
        let read = IntSet::from_bytes(set.as_bytes()).expect("its own bytes");
        prop_assert_eq!(read.as_bytes(), set.as_bytes());
        prop_assert!((0..set.len()).all(|at| set.get(at) == set.iter().nth(at)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(set) = IntSet::from_bytes(&bytes) {
            prop_assert_eq!(set.as_bytes(), &bytes[..]);
        }
    }
}
