use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use stdx::prng::Prng;

use super::*;
use crate::{Collection, Hash, HashLimits, Set, SetLimits, SortedSet, SortedSetLimits};

const SEED: HashSeed = HashSeed(1);

/// Elements and what is beside each of them.
type Contents = BTreeMap<Vec<u8>, String>;

/// What the three kinds of collections have in common here.
trait Hashed: Collection + Clone + Default {
    /// Returns what is kept beside the element.
    fn put(&mut self, element: &[u8], value: u16) -> String;
    fn take(&mut self, element: &[u8]) -> bool;
    /// Takes out the element of some rank, or any.
    fn pop(&mut self, random: &mut Prng) -> Option<Vec<u8>>;
    fn contents(&self) -> Contents;
}

impl Hashed for Hash {
    fn put(&mut self, field: &[u8], value: u16) -> String {
        let value = "v".repeat(usize::from(value % 90)) + &value.to_string();
        let limits = HashLimits {
            entries_max: 4,
            value_bytes_max: 8,
            seed: SEED,
        };
        self.insert(field, value.as_bytes(), &limits);
        value
    }

    fn take(&mut self, field: &[u8]) -> bool {
        self.remove(field)
    }

    fn pop(&mut self, random: &mut Prng) -> Option<Vec<u8>> {
        let (field, _) = self.sample(|below| random.below(below))?;
        let field = field.to_vec();
        assert!(self.remove(&field));
        Some(field)
    }

    fn contents(&self) -> Contents {
        let pairs = self.iter();
        pairs
            .map(|(field, value)| seen(Shown::Pair(field, value)))
            .collect()
    }
}

impl Hashed for Set {
    fn put(&mut self, member: &[u8], _: u16) -> String {
        let limits = SetLimits {
            ints_max: 4,
            seed: SEED,
        };
        self.insert(member, &limits);
        String::new()
    }

    fn take(&mut self, member: &[u8]) -> bool {
        self.remove(member)
    }

    fn pop(&mut self, random: &mut Prng) -> Option<Vec<u8>> {
        Set::pop(self, |below| random.below(below), |member| member.to_vec())
    }

    fn contents(&self) -> Contents {
        let members = self.iter();
        members.map(|member| seen(Shown::Element(member))).collect()
    }
}

impl Hashed for SortedSet {
    fn put(&mut self, member: &[u8], value: u16) -> String {
        let score = f64::from(value % 500) / 8.0;
        let limits = SortedSetLimits {
            entries_max: 4,
            value_bytes_max: 8,
            seed: SEED,
        };
        SortedSet::put(self, member, score, &limits);
        score.to_string()
    }

    fn take(&mut self, member: &[u8]) -> bool {
        self.remove(member).is_some()
    }

    fn pop(&mut self, random: &mut Prng) -> Option<Vec<u8>> {
        let rank = random.below(self.len().max(1) as u64) as usize;
        let (member, _) = self.iter(rank.min(self.len())..self.len()).next()?;
        let member = member.to_vec();
        self.remove_ranks(rank..rank + 1);
        Some(member)
    }

    fn contents(&self) -> Contents {
        let members = self.iter(0..self.len());
        members
            .map(|(member, score)| seen(Shown::Scored(member, score)))
            .collect()
    }
}

fn seen(element: Shown<'_>) -> (Vec<u8>, String) {
    match element {
        Shown::Element(member) => (member.to_vec(), String::new()),
        Shown::Scored(member, score) => (member.to_vec(), score.to_string()),
        Shown::Pair(field, value) => {
            let value = String::from_utf8(value.to_vec()).expect("a test's own text");
            (field.to_vec(), value)
        }
    }
}

/// Some names are too long for a bucket.
fn name(id: u16) -> Vec<u8> {
    let len = if id.is_multiple_of(9) { 80 } else { 5 };
    format!("{id:0len$}").into_bytes()
}

#[derive(Clone, Debug)]
enum Act {
    Put(u16, u16, u16),
    Take(u16, u16),
    Pop(u16),
    Show(usize),
    Thaw(usize),
    Copy,
}

fn act() -> impl Strategy<Value = Act> {
    let id = || 0_u16..8000;
    prop_oneof![
        6 => (id(), 1_u16..10, any::<u16>()).prop_map(|(id, count, value)| {
            Act::Put(id, count, value)
        }),
        2 => (id(), 1_u16..3000, any::<u16>()).prop_map(|(id, count, value)| {
            Act::Put(id, count, value)
        }),
        6 => (id(), 1_u16..10).prop_map(|(id, count)| Act::Take(id, count)),
        2 => (id(), 1_u16..4000).prop_map(|(id, count)| Act::Take(id, count)),
        3 => (1_u16..200).prop_map(Act::Pop),
        10 => (0_usize..1500).prop_map(Act::Show),
        1 => (0_usize..1500).prop_map(Act::Thaw),
        1 => Just(Act::Copy),
    ]
}

/// A collection, its model, and what both were when the collection was frozen.
struct Moment<H> {
    collection: H,
    model: Contents,
    held: Contents,
    shown: Contents,
    random: Prng,
}

impl<H: Hashed> Moment<H> {
    fn new(count: u16) -> Moment<H> {
        let mut moment = Moment {
            collection: H::default(),
            model: Contents::new(),
            held: Contents::new(),
            shown: Contents::new(),
            random: Prng::new(1),
        };
        moment.put(0, count, 7);
        moment.freeze();
        moment
    }

    fn freeze(&mut self) {
        let is_large = ["hashtable", "skiplist"].contains(&self.collection.encoding());
        assert_eq!(self.collection.freeze(), is_large);
        self.held = self.model.clone();
        self.shown.clear();
    }

    fn put(&mut self, first: u16, count: u16, value: u16) {
        for id in first..first + count {
            let value = self.collection.put(&name(id), value.wrapping_add(id));
            self.model.insert(name(id), value);
        }
    }

    fn take(&mut self, first: u16, count: u16) {
        for id in first..first + count {
            let was_there = self.model.remove(&name(id)).is_some();
            assert_eq!(self.collection.take(&name(id)), was_there);
        }
    }

    /// Shows some. Returns whether any are left, and if not, checks what was shown.
    fn show(&mut self, budget: usize) -> bool {
        let Some(len) = self.collection.frozen_len() else {
            return false;
        };
        assert_eq!(len, self.held.len());
        let shown = &mut self.shown;
        let before = shown.len();
        let is_left = self.collection.show_frozen(budget, &mut |element| {
            let (element, value) = seen(element);
            assert_eq!(shown.insert(element, value), None, "shown once");
        });
        assert!(self.shown.len() - before < budget + 40, "of {budget}");
        assert_eq!(is_left, self.collection.frozen_len().is_some());
        assert!(is_left || self.shown == self.held);
        is_left
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Put(first, count, value) => self.put(first, count, value),
            Act::Take(first, count) => self.take(first, count),
            Act::Pop(count) => {
                for _ in 0..count {
                    let popped = self.collection.pop(&mut self.random);
                    assert_eq!(popped.is_some(), !self.model.is_empty());
                    popped.map(|element| self.model.remove(&element).expect("it was there"));
                }
            }
            Act::Thaw(budget) => {
                while self.collection.thaw(budget) {}
                assert_eq!(self.collection.frozen_len(), None);
                self.freeze();
            }
            Act::Copy => {
                let copy = self.collection.clone();
                assert_eq!(copy.frozen_len(), None);
                assert_eq!(copy.contents(), self.model);
            }
            Act::Show(budget) => {
                if !self.show(budget) {
                    self.freeze();
                }
            }
        }
        assert_eq!(self.collection.len(), self.model.len());
    }

    fn finish(mut self) {
        while self.show(100) {}
        assert_eq!(self.collection.contents(), self.model);
    }
}

fn play<H: Hashed>(count: u16, acts: &[Act]) {
    let mut moment = Moment::<H>::new(count);
    for act in acts {
        moment.act(act.clone());
    }
    moment.finish();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn hashed_collections_show_what_they_held(
        count in prop_oneof![0_u16..20, 2000_u16..6000],
        acts in vec(act(), 0..50),
    ) {
        play::<Hash>(count, &acts);
        play::<Set>(count, &acts);
        play::<SortedSet>(count, &acts);
    }
}

fn emptied<H: Hashed>() {
    let mut moment = Moment::<H>::new(3000);
    assert!(moment.show(1000));
    moment.take(0, 3000);
    assert!(moment.collection.is_empty());
    let memory = moment.collection.memory();
    assert!(memory > 2000 * 10, "{memory}");
    assert!(moment.show(500));
    assert!(moment.collection.memory() < memory * 9 / 10);
    while moment.show(500) {}
    assert!(moment.collection.memory() <= 128, "nothing is kept");
    moment.finish();
}

#[test]
fn an_emptied_collection_still_shows_what_it_held() {
    emptied::<Hash>();
    emptied::<Set>();
    emptied::<SortedSet>();
}

fn given_up<H: Hashed>() {
    let mut moment = Moment::<H>::new(3000);
    moment.put(3000, 3000, 1);
    let (mut copy, before) = (Moment::<H>::new(3000), moment.collection.memory());
    copy.put(3000, 3000, 1);
    let mut steps = 0;
    while moment.collection.thaw(100) {
        steps += 1;
    }
    assert!((20..=31).contains(&steps), "{steps}");
    assert!(moment.collection.memory() < before - 3000 * 5);
    assert_eq!(moment.collection.contents(), moment.model);

    let (mut freed, mut steps) = (0, 0);
    loop {
        match copy.collection.free_some(100) {
            0 => break,
            some => {
                assert!(some < 150, "{some}");
                (freed, steps) = (freed + some, steps + 1);
            }
        }
    }
    assert!(freed == 9000 && steps > 70, "{freed} in {steps}");
    assert_eq!(copy.collection.frozen_len(), None);
}

#[test]
fn giving_up_takes_bounded_steps() {
    given_up::<Hash>();
    given_up::<Set>();
    given_up::<SortedSet>();
}

#[test]
fn changes_behind_are_free() {
    let mut moment = Moment::<Hash>::new(5000);
    while moment.shown.len() < 4900 {
        assert!(moment.show(20));
    }
    let before = moment.collection.memory();
    moment.put(0, 5000, 7);
    let aside = moment.collection.memory() - before;
    assert!(aside < 150 * 120, "{aside}");
    moment.finish();
}

#[test]
fn a_bucket_that_merges_across_the_position_is_shown_once() {
    for stop in 1..60 {
        let mut moment = Moment::<Set>::new(1500);
        assert!(moment.show(stop * 5));
        let gone = moment
            .model
            .keys()
            .filter(|name| !moment.shown.contains_key(*name));
        let gone: Vec<Vec<u8>> = gone.cloned().collect();
        for name in gone {
            assert!(moment.collection.take(&name));
            moment.model.remove(&name);
        }
        moment.finish();
    }
}

#[test]
fn what_is_set_aside_late_is_shown_in_small_steps() {
    let mut moment = Moment::<Set>::new(9000);
    while moment.shown.len() < 8800 {
        assert!(moment.show(20));
    }
    moment.take(0, 9000);
    let mut steps = 1;
    while moment.show(1) {
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
    moment.finish();
}
