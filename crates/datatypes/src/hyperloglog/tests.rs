use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The default of `hll-sparse-max-bytes`.
const SPARSE_BYTES_MAX: u64 = 3000;

fn elements(count: u64) -> impl Iterator<Item = Observation> {
    (0..count).map(|number| Observation::of(&number.to_le_bytes()))
}

#[test]
fn hashes_are_murmur() {
    // Values of the reference vectors' method: lengths around a word.
    let of = |text: &str| murmur(text.as_bytes());
    let hashes = [
        of(""),
        of("a"),
        of("abcdefg"),
        of("abcdefgh"),
        of("abcdefghi"),
    ];
    let mut unique = hashes.to_vec();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), hashes.len());
    // What a server makes of the element `a`, as PFDEBUG DECODE shows it.
    let expected = Observation {
        register: 12711,
        rank: 2,
    };
    assert_eq!(Observation::of(b"a"), expected);
}

#[test]
fn an_empty_value_is_one_run() {
    let value = HyperLogLog::empty();
    assert_eq!(value.bytes(), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    let runs: Vec<Run> = value.runs().into_iter().flatten().collect();
    assert_eq!(runs, [Run::EmptyLong { len: REGISTERS }]);
    assert_eq!(value.cached_cardinality(), Some(0));
    assert_eq!(value.cardinality(), Ok(0));
}

#[test]
fn only_good_headers_are_taken() {
    let dense = [b"HYLL\0".as_slice(), &[0; 11 + dense::BYTES]].concat();
    assert!(HyperLogLog::of(&dense).is_some());
    assert!(HyperLogLog::of(&dense[..dense.len() - 1]).is_none());
    assert!(HyperLogLog::of(b"HYLL\x01aaaaaaaaaaa").is_some());
    for bad in [
        b"HYLL\x02aaaaaaaaaaa",
        b"HYLX\x01aaaaaaaaaaa",
        b"HYLL\0aaaaaaaaaaa",
    ] {
        assert!(HyperLogLog::of(bad).is_none());
    }
    assert!(HyperLogLog::of(b"HYLL\x01aaaaaaaaaa").is_none());
    assert!(HyperLogLog::of(b"").is_none());
}

#[test]
fn estimates_are_close_at_every_size() {
    let mut value = HyperLogLog::empty();
    for (count, observed) in (1_u64..).zip(elements(300_000)) {
        let raised = value.raise(observed, SPARSE_BYTES_MAX);
        assert!(raised.is_ok());
        if count.is_power_of_two() {
            let estimate = value.cardinality().expect("the value is good");
            let error = estimate.abs_diff(count as i64) as f64 / count as f64;
            assert!(error < 0.03, "{estimate}, not {count}");
        }
    }
    assert_eq!(value.encoding(), Encoding::Dense);
}

#[test]
fn runs_end_within_their_limit() {
    for bytes_max in [0, 18, 21, 100, 3000] {
        let mut value = HyperLogLog::empty();
        for observed in elements(5000) {
            let raised = value.raise(observed, bytes_max);
            assert!(raised.is_ok());
            let len = value.bytes().len() as u64;
            let is_sparse = value.encoding() == Encoding::Sparse;
            assert!(
                !is_sparse || len <= bytes_max.max(18),
                "{len} of {bytes_max}"
            );
        }
        assert_eq!(value.encoding(), Encoding::Dense);
    }
}

#[test]
fn a_rank_that_no_run_can_say_makes_the_value_dense() {
    let mut value = HyperLogLog::empty();
    let high = Observation {
        register: 5,
        rank: 33,
    };
    assert_eq!(value.raise(high, u64::MAX), Ok(true));
    assert_eq!(value.encoding(), Encoding::Dense);
    assert_eq!(value.ranks().map(|registers| registers.ranks()[5]), Ok(33));
    assert_eq!(value.raise(high, u64::MAX), Ok(false));
}

#[test]
fn registers_that_no_element_makes_have_no_cardinality() {
    let mut dense = HyperLogLog::empty();
    assert_eq!(dense.densify(), Ok(true));
    let mut bytes = dense.into_bytes();
    bytes[HEADER..].fill(0xff);
    let value = HyperLogLog::of(&bytes).expect("the header is good");
    assert_eq!(value.cardinality(), Ok(i64::MIN));
}

#[test]
fn runs_of_other_lengths_are_corrupted() {
    let header = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80";
    let too_many = [0x7f, 0xff].repeat(1 << 17);
    for runs in [&b""[..], b"\x7f\xfe", b"\x7f\xff\x00", b"\x7f", &too_many] {
        let bytes = [header, runs].concat();
        let value = HyperLogLog::of(&bytes).expect("the header is good");
        assert_eq!(value.cardinality(), Err(Corrupted));
        assert!(value.ranks().is_err());
        assert_eq!(value.clone().densify(), Err(Corrupted));
    }
}

proptest! {
    #[test]
    fn sparse_and_dense_registers_are_the_same(
        seen in vec((0..REGISTERS, 1_u8..=32), 0..600),
        near in vec((100_usize..140, 1_u8..4), 0..100),
    ) {
        let (mut sparse, mut dense) = (HyperLogLog::empty(), HyperLogLog::empty());
        prop_assert_eq!(dense.densify(), Ok(true));
        let mut expected = vec![0; REGISTERS];
        for (register, rank) in seen.into_iter().chain(near) {
            let observed = Observation { register, rank };
            let raises = expected[register] < rank;
            expected[register] = rank.max(expected[register]);
            prop_assert_eq!(sparse.raise(observed, u64::MAX), Ok(raises));
            prop_assert_eq!(dense.raise(observed, 0), Ok(raises));
        }
        prop_assert_eq!(sparse.encoding(), Encoding::Sparse);
        for value in [&sparse, &dense] {
            let ranks = value.ranks().map(|registers| registers.ranks().to_vec());
            prop_assert_eq!(ranks.as_ref(), Ok(&expected));
        }
        prop_assert_eq!(sparse.cardinality(), dense.cardinality());
        let union = sparse.ranks().expect("the runs are good");
        for limit in [0, u64::MAX] {
            let mut merged = HyperLogLog::empty();
            let observed = Observation {
                register: 0,
                rank: 40 * u8::from(limit == 0) + 1,
            };
            prop_assert_eq!(merged.raise(observed, limit), Ok(true));
            prop_assert_eq!(merged.raise_all(&union, limit), Ok(()));
            let mut highest = expected.clone();
            highest[0] = observed.rank.max(highest[0]);
            let ranks = merged.ranks().map(|registers| registers.ranks().to_vec());
            prop_assert_eq!(ranks, Ok(highest));
        }
        sparse.densify().expect("the runs are good");
        prop_assert_eq!(&sparse.bytes()[HEADER..], &dense.bytes()[HEADER..]);
    }

    #[test]
    fn any_bytes_are_survived(
        encoding in 0_u8..3,
        tail in vec(any::<u8>(), 11..200),
        seen in vec((0..REGISTERS, 1_u8..=51), 0..20),
    ) {
        let bytes = [b"HYLL".as_slice(), &[encoding], &tail].concat();
        let Some(mut value) = HyperLogLog::of(&bytes) else {
            return Ok(());
        };
        let _ = (value.cardinality(), value.ranks().is_ok(), value.clone().densify());
        for (register, rank) in seen {
            let observed = Observation { register, rank };
            let _ = value.raise(observed, SPARSE_BYTES_MAX);
            prop_assert!(value.bytes().len() <= HEADER + dense::BYTES);
        }
    }
}
