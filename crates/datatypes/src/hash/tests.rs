use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use stdx::prng::Prng;

use super::*;

const LIMITS: HashLimits = HashLimits {
    entries_max: 8,
    value_bytes_max: 20,
    seed: HashSeed(1),
};

fn hash(fields: impl IntoIterator<Item = usize>) -> Hash {
    let mut hash = Hash::default();
    for field in fields {
        assert!(hash.insert(format!("f{field}").as_bytes(), b"v", &LIMITS));
    }
    hash
}

#[test]
fn the_encoding_follows_number_and_length() {
    let mut eight = hash(0..8);
    assert_eq!(eight.encoding(), "listpack");
    assert!(!eight.insert(b"f0", b"12345678901234567890", &LIMITS));
    assert_eq!(eight.encoding(), "listpack");
    assert!(eight.clone().insert(b"f8", b"v", &LIMITS));
    assert_eq!(hash(0..9).encoding(), "hashtable");

    let mut long = eight.clone();
    assert!(!long.insert(b"f0", b"123456789012345678901", &LIMITS));
    assert_eq!((long.encoding(), long.len()), ("hashtable", 8));
    assert_eq!(long.get(b"f0"), Some(Text::Bytes(b"123456789012345678901")));
    let mut long = Hash::default();
    assert!(long.insert(b"123456789012345678901", b"v", &LIMITS));
    assert!(long.remove(b"123456789012345678901"));
    assert_eq!((long.encoding(), long.len()), ("hashtable", 0));
}

#[test]
fn a_value_is_not_mistaken_for_a_field() {
    let mut hash = Hash::default();
    assert!(hash.insert(b"a", b"b", &LIMITS) && hash.insert(b"b", b"12", &LIMITS));
    assert_eq!(hash.get(b"b"), Some(Text::Int(12)));
    assert!(!hash.contains(b"12") && hash.remove(b"b") && !hash.contains(b"b"));
    assert_eq!(hash.get(b"a"), Some(Text::Bytes(b"b")));
}

#[test]
fn a_word_carries_either_encoding() {
    for fields in [3, 30] {
        let (is_large, raw) = hash(0..fields).into_raw();
        assert_eq!(is_large, fields == 30);
        // SAFETY: the arguments came from `into_raw`.
        let hash = unsafe { Hash::from_raw(is_large, raw) };
        assert_eq!(hash.len(), fields);
        assert_eq!(hash.get(b"f2"), Some(Text::Bytes(b"v")));
    }
}

#[test]
fn freeing_ends_in_nothing() {
    let mut large = hash(0..1000);
    let first = large.free_some(100);
    assert!((100..130).contains(&first), "{first}");
    assert_eq!(large.free_some(usize::MAX), 1000 - first);
    assert_eq!(large.free_some(100), 0);
    let mut small = hash(0..2);
    assert_eq!((small.free_some(1), small.free_some(1)), (2, 0));
}

proptest! {
    #[test]
    fn it_behaves_as_a_map(steps in vec((0_u8..3, 0_u8..12, any::<u8>()), 0..200)) {
        let (mut hash, mut model) = (Hash::default(), BTreeMap::new());
        for (step, id, bits) in steps {
            let field = match id % 2 {
                0 => id.to_string().into_bytes(),
                _ => vec![b'f'; usize::from(id)],
            };
            let value = match bits % 2 {
                0 => bits.to_string().into_bytes(),
                _ => vec![b'v'; usize::from(bits % 24)],
            };
            match step {
                0 => prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                1 => {
                    let kept = hash.get(&field).map(Text::to_vec);
                    prop_assert_eq!(kept.as_ref(), model.get(&field));
                }
                _ => {
                    let missing = hash.insert(&field, &value, &LIMITS);
                    prop_assert_eq!(missing, model.insert(field, value).is_none());
                }
            }
            prop_assert_eq!(hash.len(), model.len());
        }
        let pair = |(field, value): (Text<'_>, Text<'_>)| (field.to_vec(), value.to_vec());
        prop_assert_eq!(&hash.iter().map(pair).collect::<BTreeMap<_, _>>(), &model);
        let (mut scanned, mut position) = (BTreeMap::new(), 0);
        loop {
            position = hash.scan(position, |field, value| {
                scanned.insert(field.to_vec(), value.to_vec());
            });
            if position == 0 {
                break;
            }
        }
        prop_assert_eq!(&scanned, &model);
        let mut random = Prng::new(1);
        let drawn = hash.sample(|below| random.below(below)).map(pair);
        prop_assert_eq!(drawn.is_some(), !model.is_empty());
        prop_assert!(drawn.is_none_or(|(field, value)| model.get(&field) == Some(&value)));
        prop_assert!(hash.clone().iter().eq(hash.iter()));
    }
}

#[test]
fn a_listpack_becomes_the_hash_that_fits_the_limits() {
    let pack = |texts: &[&str]| {
        let mut pack = Listpack::new();
        texts
            .iter()
            .for_each(|text| pack.push_back(Text::Bytes(text.as_bytes())));
        pack
    };
    let of = |texts: &[&str]| Hash::of_listpack(pack(texts), &LIMITS);
    let small = of(&["f", "v", "g", "f"]).expect("a hash");
    assert_eq!((small.encoding(), small.len()), ("listpack", 2));
    let long = of(&["f", "123456789012345678901", "g", "v"]).expect("a hash");
    assert_eq!((long.encoding(), long.len()), ("hashtable", 2));
    assert!(
        long.get(b"g")
            .is_some_and(|value| value == Text::Bytes(b"v"))
    );
    assert!(of(&["f", "v", "g"]).is_err());
    assert!(of(&["f", "v", "f", "w"]).is_err());
    assert!(of(&["f", "123456789012345678901", "f", "v"]).is_err());
    let many: Vec<String> = (0..2 * LIMITS.entries_max + 2)
        .map(|n| n.to_string())
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(of(&many).expect("a hash").encoding(), "hashtable");
    assert_eq!(of(&many[2..]).expect("a hash").encoding(), "listpack");
}

#[test]
fn a_hash_for_many_fields_is_a_table_from_the_first_on() {
    assert_eq!(
        Hash::for_fields(LIMITS.entries_max, &LIMITS).encoding(),
        "listpack"
    );
    assert_eq!(
        Hash::for_fields(LIMITS.entries_max + 1, &LIMITS).encoding(),
        "hashtable"
    );
}
