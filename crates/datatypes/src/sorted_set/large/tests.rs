use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use stdx::prng::Prng;

use super::*;
use crate::sorted_set::element::ElementRef;

/// A sorted set as anybody would write it.
#[derive(Default)]
struct Model {
    scores: BTreeMap<Vec<u8>, f64>,
    order: BTreeSet<(Order, Vec<u8>)>,
}

impl Model {
    fn put(&mut self, member: &[u8], score: f64) -> Put {
        match self.scores.get(member) {
            Some(old) if *old == score => return Put::Kept,
            Some(old) => assert!(self.order.remove(&(Order::of(*old), member.to_vec()))),
            None => {}
        }
        self.order.insert((Order::of(score), member.to_vec()));
        match self.scores.insert(member.to_vec(), score) {
            Some(_) => Put::Moved,
            None => Put::Added,
        }
    }

    fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.remove(member)?;
        assert!(self.order.remove(&(Order::of(score), member.to_vec())));
        Some(score)
    }
}

/// A set and its model, which take the same steps.
struct Pair {
    set: Large,
    model: Model,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            set: Large::new(HashSeed(1)),
            model: Model::default(),
        }
    }

    fn put(&mut self, member: &[u8], score: f64) {
        let put = self.set.put(member, score);
        assert_eq!(put, self.model.put(member, score));
        let rank = self
            .model
            .order
            .range(..(Order::of(score), member.to_vec()));
        let rank = (self.set.len() < 300).then(|| rank.count());
        if let Some(rank) = rank {
            assert_eq!(
                self.set.rank(member),
                Some((rank, self.model.scores[member]))
            );
        }
    }

    fn remove(&mut self, member: &[u8]) {
        let removed = self.set.remove(member);
        assert_eq!(removed, self.model.remove(member));
    }

    fn remove_ranks(&mut self, ranks: Range<usize>) {
        let removed: Vec<(Vec<u8>, f64)> = self
            .set
            .iter(ranks.clone())
            .map(|element| (element.member().to_vec(), element.score()))
            .collect();
        self.set.remove_ranks(ranks.clone());
        let expected: Vec<(Order, Vec<u8>)> = self
            .model
            .order
            .iter()
            .skip(ranks.start)
            .take(ranks.len())
            .cloned()
            .collect();
        assert_eq!(removed.len(), expected.len());
        for ((member, score), (order, expected)) in removed.iter().zip(&expected) {
            assert_eq!((Order::of(*score), member), (*order, expected));
            self.model.remove(member);
        }
    }

    fn check(&self) {
        assert_eq!(self.set.tree.invariants().len(), self.set.len());
        let elements = self.set.table.iter().map(|element| element.memory());
        assert_eq!(self.set.element_bytes, elements.sum::<usize>());
        let members = |element: ElementRef<'_>| element.member().to_vec();
        let all: Vec<Vec<u8>> = self.set.iter(0..self.set.len()).map(members).collect();
        let expected = self.model.order.iter().map(|(_, member)| member.clone());
        assert_eq!(all, expected.collect::<Vec<_>>());
        let mut reversed: Vec<Vec<u8>> = self
            .set
            .iter(0..self.set.len())
            .rev()
            .map(members)
            .collect();
        reversed.reverse();
        assert_eq!(all, reversed);
    }

    fn check_rank(&self, score: f64) {
        let order = Order::of(score);
        let before = self.model.order.iter().filter(|(other, _)| *other < order);
        let up_to = self.model.order.iter().filter(|(other, _)| *other <= order);
        assert_eq!(self.set.rank_of(Place::BeforeScore(score)), before.count());
        assert_eq!(self.set.rank_of(Place::AfterScore(score)), up_to.count());
    }

    fn tear_down(mut self) {
        let mut freed = 0;
        loop {
            match self.set.free_some(20) {
                0 => break,
                some => freed += some,
            }
        }
        assert_eq!(freed, self.model.scores.len());
        assert_eq!(self.set.tree.len(), 0);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u16, f64),
    PutMany(u16, u16, f64),
    Remove(u16),
    RemoveRanks(u16, u16),
    Rank(f64),
}

fn scores() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-5i8..5).prop_map(f64::from),
        Just(-0.0),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u16..4000, scores()).prop_map(|(member, score)| Step::Put(member, score)),
        2 => (0u16..4000, 1u16..900, scores())
            .prop_map(|(member, count, score)| Step::PutMany(member, count, score)),
        6 => (0u16..4000).prop_map(Step::Remove),
        2 => (0u16..4000, 0u16..900).prop_map(|(start, count)| Step::RemoveRanks(start, count)),
        2 => scores().prop_map(Step::Rank),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn it_behaves_as_a_sorted_map(steps in vec(steps(), 0..60)) {
        let mut pair = Pair::new();
        for step in steps {
            match step {
                Step::Put(member, score) => pair.put(format!("{member}").as_bytes(), score),
                Step::PutMany(first, count, score) => {
                    for at in 0..count {
                        let member = (u32::from(first) + u32::from(at) * 7) % 4000;
                        pair.put(format!("{member}").as_bytes(), score + f64::from(at % 40));
                    }
                }
                Step::Remove(member) => pair.remove(format!("{member}").as_bytes()),
                Step::RemoveRanks(start, count) => {
                    let len = pair.set.len();
                    let start = usize::from(start).min(len);
                    pair.remove_ranks(start..len.min(start + usize::from(count)));
                }
                Step::Rank(score) => pair.check_rank(score),
            }
            pair.check();
        }
        pair.tear_down();
    }
}

#[test]
fn ten_thousand_come_and_go_in_any_order() {
    let orders: [fn(u64) -> f64; 4] = [
        |at| at as f64,
        |at| -(at as f64),
        |_| 0.0,
        |at| Prng::new(at).next_u64() as f64,
    ];
    for score in orders {
        let mut pair = Pair::new();
        for at in 0..10_000 {
            pair.put(format!("member:{at}").as_bytes(), score(at));
            if at % 500 == 0 {
                pair.check();
            }
        }
        let fill = pair.set.tree.leaf_len();
        assert!(fill > 50.0, "leaves are well filled: {fill}");
        let mut random = Prng::new(1);
        while pair.set.len() > 0 {
            let rank = random.below(pair.set.len() as u64) as usize;
            let mut found = pair.set.iter(rank..rank + 1);
            let member = found.next().expect("it has this rank").member().to_vec();
            pair.remove(&member);
            if pair.set.len() % 500 < 3 {
                pair.check();
            }
        }
        assert_eq!(pair.set.tree.memory(), 0);
    }
}

#[test]
fn members_of_one_score_are_in_the_order_of_their_bytes() {
    let mut pair = Pair::new();
    let members: Vec<Vec<u8>> = (0..3000u16)
        .map(|at| (at * 2).to_be_bytes().to_vec())
        .collect();
    members.iter().for_each(|member| pair.put(member, 1.5));
    for at in 0..6000u16 {
        let bytes = at.to_be_bytes();
        let before = pair.set.rank_of(Place::BeforeMember(&bytes));
        let up_to = pair.set.rank_of(Place::AfterMember(&bytes));
        assert_eq!(
            (before, up_to),
            (usize::from(at.div_ceil(2)), usize::from(at / 2 + 1))
        );
    }
    assert_eq!(pair.set.rank_of(Place::BeforeMember(b"")), 0);
    pair.tear_down();
}

#[test]
fn zero_has_no_sign() {
    let mut pair = Pair::new();
    pair.put(b"b", -0.0);
    pair.put(b"a", 0.0);
    pair.put(b"b", 0.0);
    assert!(
        pair.set
            .score(b"b")
            .expect("it was added")
            .is_sign_negative()
    );
    pair.check();
}

#[test]
fn a_member_may_be_empty_or_long() {
    let mut pair = Pair::new();
    for len in [0, 1, 254, 255, 256, 70_000] {
        pair.put(&vec![b'x'; len], 1.0);
    }
    pair.check();
    for len in [0, 255, 70_000, 254] {
        pair.remove(&vec![b'x'; len]);
    }
    pair.check();
    pair.tear_down();
}
