use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// An element whose hash is chosen by the test.
struct Element(Box<(u64, u32)>);

// SAFETY: a box of two words is aligned to 8, and its address fits in 48 bits.
unsafe impl Thin for Element {
    fn into_raw(self) -> NonNull<u8> {
        NonNull::from(Box::leak(self.0)).cast()
    }

    /// # Safety
    /// The caller passes what `into_raw` gave.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: the caller passes what `into_raw` gave.
        Element(unsafe { Box::from_raw(raw.as_ptr().cast()) })
    }

    fn prefetch(_: NonNull<u8>) {}
}

fn hash_of(element: &Element) -> u64 {
    element.0.0
}

fn spread(id: u32) -> u64 {
    stdx::prng::Prng::new(u64::from(id)).next_u64()
}

fn add(table: &mut Table<Element>, hash: u64, id: u32) {
    table.insert(hash, Element(Box::new((hash, id))), hash_of);
}

fn take(table: &mut Table<Element>, hash: u64, id: u32) -> bool {
    table.remove(hash, |element| element.0.1 == id).is_some()
}

fn ids(table: &Table<Element>) -> Vec<u32> {
    let mut ids: Vec<u32> = table.iter().map(|element| element.0.1).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_million_elements_come_and_go() {
    let mut table = Table::default();
    for id in 0..1_000_000 {
        add(&mut table, spread(id), id);
    }
    let (buckets, chained) = table.shape();
    assert!(
        buckets >= 1_000_000 / 7 && chained * 3 < buckets,
        "{buckets} {chained}"
    );
    for id in 0..1_000_000 {
        assert!(
            table
                .find(spread(id), |element| element.0.1 == id)
                .is_some()
        );
    }
    for id in 0..1_000_000 {
        assert!(take(&mut table, spread(id), id));
    }
    assert_eq!(table.shape(), (0, 0));
}

#[test]
fn equal_hashes_are_kept_apart_by_the_comparison() {
    let mut table = Table::default();
    (0..100).for_each(|id| add(&mut table, 7, id));
    assert!((0..100).all(|id| table.find(7, |element| element.0.1 == id).is_some()));
    assert!((0..100).all(|id| take(&mut table, 7, id)));
    assert!(table.is_empty());
}

#[test]
fn an_element_may_be_replaced_where_it_stands() {
    let mut table = Table::default();
    add(&mut table, 1, 1);
    let mut place = table
        .find_mut(1, |element| element.0.1 == 1)
        .expect("it was added");
    let old = place.update(|element| (Element(Box::new((1, 2))), element.0.1));
    assert_eq!((old, place.get().0.1), (1, 2));
    assert_eq!(ids(&table), [2]);
}

#[test]
fn every_place_is_shown_once_chained_ones_too() {
    let mut table = Table::default();
    (0..500).for_each(|id| add(&mut table, spread(id), id));
    // Equal hashes fill one bucket and its overflows.
    (500..600).for_each(|id| add(&mut table, 7, id));
    table.for_each_place(|mut place| {
        place.update(|mut element| {
            element.0.1 += 1000;
            (element, ())
        })
    });
    assert_eq!(ids(&table), (1000..1600).collect::<Vec<u32>>());
}

#[test]
fn sampling_reaches_everything() {
    let mut table = Table::default();
    (0..50).for_each(|id| add(&mut table, spread(id), id));
    let mut random = stdx::prng::Prng::new(1);
    let seen: BTreeSet<u32> = (0..5000)
        .filter_map(|_| {
            table
                .sample(|| random.next_u64())
                .map(|element| element.0.1)
        })
        .collect();
    assert_eq!(seen.len(), 50);
}

proptest! {
    #[test]
    fn it_behaves_as_a_map(steps in vec((any::<bool>(), 0u32..600), 0..3000), bits in 0u32..64) {
        // Few bits of hash make collisions and long chains; many make a large table.
        let hash = |id| spread(id) & u64::MAX >> bits;
        let (mut table, mut model) = (Table::default(), BTreeMap::new());
        for (put, id) in steps {
            if put && model.insert(id, ()).is_none() {
                add(&mut table, hash(id), id);
            } else if !put {
                prop_assert_eq!(take(&mut table, hash(id), id), model.remove(&id).is_some());
            }
            prop_assert_eq!(table.len(), model.len());
        }
        prop_assert_eq!(ids(&table), model.into_keys().collect::<Vec<_>>());
    }

    #[test]
    fn a_scan_misses_nothing_that_stays(
        stays in 1u32..400,
        changes in vec((any::<bool>(), 1000u32..1900), 0..2000),
        pace in 1usize..40,
    ) {
        let mut table = Table::default();
        (0..stays).for_each(|id| add(&mut table, spread(id), id));
        let (mut seen, mut there) = (BTreeSet::new(), BTreeSet::new());
        let (mut position, mut changes) = (0, changes.chunks(pace));
        loop {
            position = table.scan(position, |element| { seen.insert(element.0.1); });
            if position == 0 {
                break;
            }
            for &(put, id) in changes.next().unwrap_or_default() {
                if put && there.insert(id) {
                    add(&mut table, spread(id), id);
                } else if !put && there.remove(&id) {
                    take(&mut table, spread(id), id);
                }
            }
        }
        prop_assert!((0..stays).all(|id| seen.contains(&id)));
    }
}
