use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use stdx::prng::Prng;

use super::*;

fn set() -> PackedSet {
    PackedSet::new(HashSeed(1))
}

fn name(id: u32) -> Vec<u8> {
    format!("member:{id:09}").into_bytes()
}

fn fields<const VALUES: bool>(table: &Packed<VALUES>) -> Vec<Vec<u8>> {
    let mut fields: Vec<Vec<u8>> = table.iter().map(|item| item.field.to_vec()).collect();
    fields.sort_unstable();
    fields
}

#[test]
fn many_members_come_and_go_and_cost_little() {
    let mut set = set();
    assert!((0..200_000).all(|id| set.insert(&name(id))));
    assert!(!set.insert(&name(5)));
    assert_eq!(set.len(), 200_000);
    assert!(set.memory() < 22 * set.len(), "{}", set.memory());
    assert!((0..200_000).all(|id| set.contains(&name(id))));
    assert!((200_000..201_000).all(|id| !set.contains(&name(id))));
    assert!((0..200_000).all(|id| set.remove(&name(id))));
    assert_eq!((set.len(), set.memory()), (0, 0));
}

#[test]
fn a_field_with_its_value_costs_five_bytes_more() {
    let mut map = PackedMap::new(HashSeed(1));
    for id in 0..100_000 {
        assert!(map.insert(&name(id), b"sixteen bytes va"));
    }
    assert!(map.memory() < 41 * map.len(), "{}", map.memory());
}

#[test]
fn no_bucket_is_large_whatever_values_are() {
    let mut map = PackedMap::new(HashSeed(1));
    let long = vec![b'x'; 100_000];
    for id in 0..1_000 {
        map.insert(&name(id), &long);
        map.insert(&[name(id), long.clone()].concat(), b"");
    }
    let blobs = 2_000 * class_of_blob(100_016);
    assert!(map.memory() - blobs < 100 * map.len(), "{}", map.memory());
    assert_eq!(map.get(&name(7)), Some(&long[..]));
}

fn class_of_blob(len: usize) -> usize {
    crate::class::class(len + 10)
}

#[test]
fn every_length_of_field_and_value_is_kept() {
    let mut map = PackedMap::new(HashSeed(1));
    let lengths = [
        0, 1, 63, 64, 65, 254, 255, 256, 65_532, 65_533, 65_534, 65_535, 65_536,
    ];
    let text = |len: usize, byte: u8| vec![byte; len];
    for field in lengths {
        for value in lengths {
            map.insert(&text(field, b'f'), &text(value, b'v'));
            assert_eq!(map.get(&text(field, b'f')), Some(&text(value, b'v')[..]));
        }
    }
    assert_eq!(map.len(), lengths.len());
    let copy = map.clone();
    assert!(lengths.iter().all(|&field| map.remove(&text(field, b'f'))));
    assert_eq!(map.memory(), 0);
    assert!(copy.iter().eq(copy.clone().iter()));
    assert_eq!(copy.get(&text(65, b'f')), Some(&text(65_536, b'v')[..]));
}

#[test]
fn sampling_is_fair() {
    let mut set = set();
    (0..200).for_each(|id| assert!(set.insert(&name(id))));
    let mut random = Prng::new(1);
    let mut counts = BTreeMap::new();
    for _ in 0..200_000 {
        let drawn = set.sample(|below| random.below(below)).expect("a member");
        *counts.entry(drawn.field.to_vec()).or_insert(0_u32) += 1;
    }
    // Of 200 counts around 1000, chi-square has a mean of 199 and a deviation of 20.
    let surplus = |&count: &u32| (f64::from(count) - 1000.0).powi(2) / 1000.0;
    let chi_square: f64 = counts.values().map(surplus).sum();
    assert!(counts.len() == 200 && chi_square < 300.0, "{chi_square}");
    assert_eq!(PackedSet::new(HashSeed(1)).sample(|_| 0), None);
}

#[test]
fn tearing_down_takes_bounded_steps() {
    let mut set = set();
    (0..10_000).for_each(|id| assert!(set.insert(&name(id))));
    let (mut steps, mut freed) = (0, 0);
    loop {
        match set.free_some(100) {
            0 => break,
            some => {
                assert!(some < 150, "{some}");
                (steps, freed) = (steps + 1, freed + some);
            }
        }
    }
    assert!(freed == 10_000 && steps > 80, "{freed} {steps}");
    assert_eq!((set.len(), set.memory()), (0, 0));
}

#[test]
fn seeds_change_where_members_are() {
    let order = |seed| {
        let mut set = PackedSet::new(HashSeed(seed));
        (0..100).for_each(|id| assert!(set.insert(&name(id))));
        let order: Vec<Vec<u8>> = set.iter().map(|item| item.field.to_vec()).collect();
        order
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

/// Texts of a few lengths that a small number stands for, some of them long.
fn text(id: u16, salt: u8) -> Vec<u8> {
    let len = match id % 7 {
        0 => 0,
        1 => 64,
        2 => 65,
        3 => 300,
        _ => usize::from(id % 40),
    };
    let mut text = vec![salt; len];
    text.extend_from_slice(&id.to_le_bytes());
    text
}

proptest! {
    #[test]
    fn it_behaves_as_a_map(
        steps in vec((0_u8..5, 0_u16..600, any::<u16>()), 0..2000),
        seed in any::<u64>(),
    ) {
        let (mut map, mut model) = (PackedMap::new(HashSeed(seed)), BTreeMap::new());
        for (step, id, value) in steps {
            let (field, value) = (text(id, b'f'), text(value, b'v'));
            match step {
                0..3 => {
                    let missing = map.insert(&field, &value);
                    prop_assert_eq!(missing, model.insert(field, value).is_none());
                }
                3 => prop_assert_eq!(map.remove(&field), model.remove(&field).is_some()),
                _ => prop_assert_eq!(map.get(&field), model.get(&field).map(Vec::as_slice)),
            }
            prop_assert_eq!(map.len(), model.len());
        }
        let mut copy = map.clone();
        prop_assert_eq!(copy.memory() > 0, map.memory() > 0);
        for (field, value) in &model {
            prop_assert_eq!(map.get(field), Some(&value[..]));
            prop_assert!(map.remove(field));
        }
        prop_assert_eq!((map.len(), map.memory()), (0, 0));
        prop_assert_eq!(fields(&copy), model.keys().cloned().collect::<Vec<_>>());
        prop_assert!(model.iter().all(|(field, value)| copy.get(field) == Some(value)));
        prop_assert_eq!(copy.free_some(usize::MAX), model.len());
        prop_assert_eq!(copy.memory(), 0);
    }

    #[test]
    fn a_scan_misses_nothing_that_stays(
        stays in 1_u32..400,
        changes in vec((any::<bool>(), 1000_u32..1900), 0..3000),
        pace in 1_usize..60,
    ) {
        let mut set = set();
        (0..stays).for_each(|id| assert!(set.insert(&name(id))));
        let mut seen = BTreeSet::new();
        let (mut position, mut changes) = (0, changes.chunks(pace));
        loop {
            position = set.scan(position, |item| { seen.insert(item.field.to_vec()); });
            if position == 0 {
                break;
            }
            for &(put, id) in changes.next().unwrap_or_default() {
                if put {
                    set.insert(&name(id));
                } else {
                    set.remove(&name(id));
                }
            }
        }
        prop_assert!((0..stays).all(|id| seen.contains(&name(id))));
    }

    #[test]
    fn any_position_is_answered(members in 0_u32..300, position in any::<u32>()) {
        let mut set = set();
        (0..members).for_each(|id| assert!(set.insert(&name(id))));
        let mut at = position;
        let mut steps = 0;
        loop {
            let next = set.scan(at, |_| {});
            if next == 0 {
                break;
            }
            prop_assert!(next > at);
            (at, steps) = (next, steps + 1);
        }
        prop_assert!(steps <= members / 3 + 1);
    }
}
