use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use stdx::prng::Prng;

use super::*;

const LIMITS: SetLimits = SetLimits {
    ints_max: 8,
    seed: HashSeed(1),
};

fn set(members: &[&str]) -> Set {
    let mut set = Set::default();
    for member in members {
        assert!(set.insert(member.as_bytes(), &LIMITS), "{member}");
    }
    set
}

#[test]
fn the_encoding_follows_the_members() {
    assert_eq!(Set::default().encoding(), "intset");
    assert_eq!(
        set(&["1", "-5", "9223372036854775807"]).encoding(),
        "intset"
    );
    for other in ["a", "01", "-0", "+1", "1.0", "9223372036854775808", ""] {
        assert_eq!(set(&["1", other]).encoding(), "hashtable", "{other}");
    }
    let mut members = set(&["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(members.encoding(), "intset");
    assert!(!members.insert(b"8", &LIMITS));
    assert_eq!(members.encoding(), "intset");
    assert!(members.insert(b"9", &LIMITS));
    assert_eq!(members.encoding(), "hashtable");
    assert!(members.remove(b"9") && members.remove(b"8"));
    assert_eq!(members.encoding(), "hashtable");
}

#[test]
fn what_is_no_integer_is_not_looked_for_among_integers() {
    let mut ints = set(&["1", "2"]);
    assert!(!ints.contains(b"01") && !ints.remove(b"a") && ints.contains(b"1"));
    assert_eq!(ints.encoding(), "intset");
}

#[test]
fn a_word_carries_either_encoding() {
    for members in [&["3", "1", "2"][..], &["a", "b"]] {
        let (is_large, raw) = set(members).into_raw();
        // SAFETY: the arguments came from `into_raw`.
        let set = unsafe { Set::from_raw(is_large, raw) };
        assert_eq!(set.len(), members.len());
        assert!(members.iter().all(|member| set.contains(member.as_bytes())));
    }
}

#[test]
fn freeing_ends_in_nothing() {
    let many: Vec<String> = (0..1000).map(|id| format!("m{id}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut large = set(&many);
    let first = large.free_some(100);
    assert!((100..130).contains(&first), "{first}");
    assert_eq!(large.free_some(usize::MAX), 1000 - first);
    assert_eq!(large.free_some(100), 0);
    let mut small = set(&["1", "2"]);
    assert_eq!((small.free_some(1), small.free_some(1)), (2, 0));
}

proptest! {
    #[test]
    fn it_behaves_as_a_set(
        steps in vec((0_u8..3, -6_i64..30), 0..300),
        letters in any::<bool>(),
    ) {
        let (mut set, mut model) = (Set::default(), BTreeSet::new());
        for (step, number) in steps {
            let member = match letters && number > 25 {
                true => format!("m{number}").into_bytes(),
                false => number.to_string().into_bytes(),
            };
            match step {
                0 => prop_assert_eq!(set.remove(&member), model.remove(&member)),
                1 => prop_assert_eq!(set.contains(&member), model.contains(&member)),
                _ => prop_assert_eq!(set.insert(&member, &LIMITS), model.insert(member)),
            }
            prop_assert_eq!(set.len(), model.len());
        }
        let members: BTreeSet<Vec<u8>> = set.iter().map(Text::to_vec).collect();
        prop_assert_eq!(&members, &model);
        let (mut scanned, mut position) = (BTreeSet::new(), 0);
        loop {
            position = set.scan(position, |member| { scanned.insert(member.to_vec()); });
            if position == 0 {
                break;
            }
        }
        prop_assert_eq!(&scanned, &model);
        let mut random = Prng::new(1);
        let drawn = set.sample(|below| random.below(below)).map(Text::to_vec);
        prop_assert_eq!(drawn.is_some(), !model.is_empty());
        prop_assert!(drawn.is_none_or(|member| model.contains(&member)));
        prop_assert!(set.clone().iter().eq(set.iter()));
    }
}

#[test]
fn integers_become_the_set_that_fits_the_limits() {
    let ints = |count: usize| {
        let mut ints = IntSet::default();
        (0..count as i64).for_each(|number| _ = ints.insert(number));
        Set::of_ints(ints, &LIMITS)
    };
    let (most, more) = (ints(LIMITS.ints_max), ints(LIMITS.ints_max + 1));
    assert_eq!((most.encoding(), most.len()), ("intset", LIMITS.ints_max));
    assert_eq!(
        (more.encoding(), more.len()),
        ("hashtable", LIMITS.ints_max + 1)
    );
}
