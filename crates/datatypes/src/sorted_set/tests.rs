use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const LIMITS: SortedSetLimits = SortedSetLimits {
    entries_max: 8,
    value_bytes_max: 6,
    seed: HashSeed(7),
};

const ROOMY: SortedSetLimits = SortedSetLimits {
    entries_max: 128,
    value_bytes_max: 64,
    ..LIMITS
};

fn members(set: &SortedSet) -> Vec<(Vec<u8>, f64)> {
    let members = set.iter(0..set.len());
    members
        .map(|(member, score)| (member.to_vec(), score))
        .collect()
}

/// What a sorted set must look like, from a map.
fn sorted(model: &BTreeMap<Vec<u8>, f64>) -> Vec<(Vec<u8>, f64)> {
    let mut sorted: Vec<(Vec<u8>, f64)> = model.clone().into_iter().collect();
    // The map's order is that of the members, which a stable sort keeps among equal scores.
    sorted.sort_by(|(_, a), (_, b)| a.partial_cmp(b).expect("scores are numbers"));
    sorted
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRanks(usize, usize),
    Copy,
    Store,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0u8..30).prop_map(|number| number.to_string().into_bytes()),
        2 => vec(any::<u8>(), 0..7),
        1 => vec(any::<u8>(), 7..300),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-3i8..3).prop_map(f64::from),
        (-3i8..3).prop_map(|score| f64::from(score) / 8.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (member(), score()).prop_map(|(member, score)| Step::Put(member, score)),
        4 => member().prop_map(Step::Remove),
        1 => (0usize..20, 0usize..10).prop_map(|(start, count)| Step::RemoveRanks(start, count)),
        1 => Just(Step::Copy),
        1 => Just(Step::Store),
    ]
}

fn check(set: &SortedSet, model: &BTreeMap<Vec<u8>, f64>) {
    let expected = sorted(model);
    assert_eq!(members(set), expected);
    let mut backwards: Vec<_> = set.iter(0..set.len()).rev().collect();
    backwards.reverse();
    assert!(backwards.into_iter().eq(set.iter(0..set.len())));
    for (rank, (member, score)) in expected.iter().enumerate() {
        assert_eq!(set.rank(member), Some((rank, *score)));
        let before = expected.iter().filter(|(_, other)| other < score).count();
        let up_to = expected.iter().filter(|(_, other)| other <= score).count();
        assert_eq!(set.rank_of(Place::BeforeScore(*score)), before);
        assert_eq!(set.rank_of(Place::AfterScore(*score)), up_to);
        for end in rank..=expected.len() {
            let part = set
                .iter(rank..end)
                .map(|(member, score)| (member.to_vec(), score));
            assert!(part.eq(expected[rank..end].iter().cloned()));
        }
    }
    let mut seen = BTreeMap::new();
    let mut position = 0;
    loop {
        position = set.scan(position, |member, score| {
            seen.insert(member.to_vec(), score);
        });
        if position == 0 {
            break;
        }
    }
    assert_eq!(&seen, model);
}

proptest! {
    #[test]
    fn both_encodings_behave_as_a_sorted_map(steps in vec(step(), 0..40), roomy: bool) {
        let limits = if roomy { ROOMY } else { LIMITS };
        let (mut set, mut model) = (SortedSet::default(), BTreeMap::new());
        let mut is_small = true;
        for step in steps {
            match step {
                Step::Put(member, score) => {
                    let put = set.put(&member, score, &limits);
                    let len_max = limits.value_bytes_max;
                    let old = model.insert(member.clone(), score);
                    let fits = model.len() <= limits.entries_max && member.len() <= len_max;
                    is_small &= fits || old.is_some();
                    prop_assert_eq!(put, match old {
                        None => Put::Added,
                        Some(old) if old == score => Put::Kept,
                        Some(_) => Put::Moved,
                    });
                }
                Step::Remove(member) => prop_assert_eq!(set.remove(&member), model.remove(&member)),
                Step::RemoveRanks(start, count) => {
                    let start = start.min(set.len());
                    let ranks = start..(start + count).min(set.len());
                    sorted(&model)[ranks.clone()].iter().for_each(|(member, _)| {
                        model.remove(member);
                    });
                    set.remove_ranks(ranks);
                }
                Step::Copy => set = set.clone(),
                Step::Store => {
                    let (is_large, raw) = set.into_raw();
                    // SAFETY: it was just given.
                    set = unsafe { SortedSet::from_raw(is_large, raw) };
                }
            }
            prop_assert_eq!(set.encoding(), if is_small { "listpack" } else { "skiplist" });
            check(&set, &model);
        }
        let mut freed = 0;
        loop {
            match set.free_some(3) {
                0 => break,
                some => freed += some,
            }
        }
        prop_assert_eq!(freed, model.len());
    }
}

#[test]
fn a_small_one_has_the_bytes_that_a_dump_has() {
    let mut set = SortedSet::default();
    let scores = [
        ("a", 1.0),
        ("b", -0.0),
        ("c", 0.1),
        ("d", f64::INFINITY),
        ("e", 1e20),
        ("f", 3.5),
        ("g", 12345678901234567.0),
        ("h", 1e15),
        ("i", 123456789012.0),
    ];
    for (member, score) in scores {
        set.put(member.as_bytes(), score, &ROOMY);
    }
    let bytes = b"j\0\0\0\x12\0\x81b\x02\0\x01\x81c\x02\x930.10000000000000001\x14\x81a\x02\x01\
        \x01\x81f\x02\x833.5\x04\x81i\x02\xf4\x14\x1a\x99\xbe\x1c\0\0\0\t\x81h\x02\xf4\0\x80\xc6\
        \xa4~\x8d\x03\0\t\x81g\x02\xf4\x88Kk]T\xdc+\0\t\x81e\x02\x851e+20\x06\x81d\x02\x83inf\
        \x04\xff";
    let pack = set.listpack().expect("it is small");
    assert_eq!(pack.as_bytes(), bytes);
    assert!(set.score(b"b").expect("it is there").is_sign_positive());
}

#[test]
fn the_largest_integers_are_text() {
    let mut set = SortedSet::default();
    for (member, score) in [
        ("a", 4611686018427387904.0),
        ("b", 4611686018427388928.0),
        ("c", -4611686018427387904.0),
        ("d", -4611686018427388928.0),
    ] {
        set.put(member.as_bytes(), score, &ROOMY);
    }
    let pack = set.listpack().expect("it is small");
    let scores: Vec<Text<'_>> = pack.iter().skip(1).step_by(2).collect();
    assert_eq!(
        scores,
        [
            Text::Bytes(b"-4.6116860184273889e+18"),
            Text::Int(-4611686018427387904),
            Text::Int(4611686018427387904),
            Text::Bytes(b"4.6116860184273889e+18"),
        ]
    );
}

#[test]
fn a_listpack_becomes_the_set_that_fits_the_limits() {
    let of = |texts: &[&str], limits: &SortedSetLimits| {
        let mut pack = Listpack::new();
        texts
            .iter()
            .for_each(|text| pack.push_back(Text::Bytes(text.as_bytes())));
        SortedSet::of_listpack(pack, limits)
    };
    let members = ["a", "-inf", "b", "1", "c", "1", "d", "2.5"];
    for (entries_max, encoding) in [(4, "listpack"), (3, "skiplist")] {
        let limits = SortedSetLimits {
            entries_max,
            ..LIMITS
        };
        let set = of(&members, &limits).expect("a sorted set");
        assert_eq!((set.encoding(), set.len()), (encoding, 4));
        assert_eq!(set.score(b"d"), Some(2.5));
        for broken in [
            &["a"][..],
            &["a", "x"],
            &["a", "nan"],
            &["a", "2", "b", "1"],
            &["b", "1", "a", "1"],
            &["a", "1", "a", "1"],
            &["a", "1", "b", "1", "c", "1", "d", "2", "a", "3"],
        ] {
            assert!(of(broken, &limits).is_err(), "{broken:?}");
        }
    }
}
