//! The large encoding: a table that finds elements by member, and a tree that finds them by order.

use std::ops::Range;

use super::element::{Element, Handle, Order};
use super::tree::{Iter, Tree};
use super::{Place, Put};
use crate::Text;
use crate::frozen::{self, Frozen};
use crate::packed::{HashSeed, Item};
use crate::table::Table;

/// Bytes that an element takes in the table, on average at any size.
const TABLE_BYTES_EACH: usize = 12;

/// A sorted set of any size.
pub(super) struct Large {
    // The tree goes first, for it may not outlive the elements.
    tree: Tree,
    table: Table<Element>,
    seed: HashSeed,
    element_bytes: usize,
    frozen: Option<Box<Frozen>>,
}

impl Large {
    pub fn new(seed: HashSeed) -> Large {
        Large {
            tree: Tree::default(),
            table: Table::default(),
            seed,
            element_bytes: 0,
            frozen: None,
        }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn memory(&self) -> usize {
        let table = self.table.len() * TABLE_BYTES_EACH;
        let frozen = self.frozen.as_ref().map_or(0, |frozen| frozen.memory());
        size_of::<Large>() + self.element_bytes + self.tree.memory() + table + frozen
    }

    pub fn score(&self, member: &[u8]) -> Option<f64> {
        let hash = self.seed.hash(member);
        let found = self.table.find(hash, |element| element.member() == member);
        found.map(|element| element.score())
    }

    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(member)?;
        Some((rank_of(&self.tree, Order::of(score), member), score))
    }

    /// How many members are before a place.
    pub fn rank_of(&self, place: Place<'_>) -> usize {
        match place {
            Place::BeforeScore(score) => {
                let bound = Order::of(score);
                self.tree.rank(|order, _| order < bound)
            }
            Place::AfterScore(score) => {
                let bound = Order::of(score);
                self.tree.rank(|order, _| order <= bound)
            }
            Place::BeforeMember(member) => self.tree.rank(|_, element| element.member() < member),
            Place::AfterMember(member) => self.tree.rank(|_, element| element.member() <= member),
        }
    }

    pub fn iter(&self, ranks: Range<usize>) -> Iter<'_> {
        self.tree.iter(ranks)
    }

    /// Visits the members of one bucket of the table, as [`Table::scan`] does.
    pub fn scan(&self, position: u32, mut visit: impl FnMut(Text<'_>, f64)) -> u32 {
        self.scan_elements(position, |element| {
            visit(Text::Bytes(element.member()), element.score());
        })
    }

    fn scan_elements(&self, position: u32, visit: impl FnMut(&Element)) -> u32 {
        // Fewer than 2^32 buckets begin at positions whose lower half is 0.
        let next = self.table.scan(u64::from(position) << 32, visit);
        (next >> 32) as u32
    }

    /// Gives a member a score.
    pub fn put(&mut self, member: &[u8], score: f64) -> Put {
        let (seed, hash) = (self.seed, self.seed.hash(member));
        let is_it = |element: &Element| element.member() == member;
        let Some(mut place) = self.table.find_mut(hash, is_it) else {
            if let Some(frozen) = &mut self.frozen {
                frozen.keep(member, None);
            }
            let element = Element::new(score, member);
            let handle = element.handle();
            self.element_bytes += element.memory();
            self.table
                .insert(hash, element, |element| seed.hash(element.member()));
            // SAFETY: the table keeps the element. Its score is changed and it is dropped only
            // while the tree does not hold it, except when both are torn down.
            unsafe { self.tree.insert(handle) };
            return Put::Added;
        };
        let old = place.get().score();
        if old == score {
            return Put::Kept;
        }
        if let Some(frozen) = &mut self.frozen {
            frozen.keep(member, Some(&old.to_ne_bytes()));
        }
        let handle = self
            .tree
            .remove(rank_of(&self.tree, Order::of(old), member));
        place.update(|mut element| {
            element.set_score(score);
            (element, ())
        });
        // SAFETY: as above.
        unsafe { self.tree.insert(handle) };
        Put::Moved
    }

    /// Takes a member out and returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.score(member)?;
        let rank = rank_of(&self.tree, Order::of(score), member);
        let handle = self.tree.remove(rank);
        self.drop_element(self.seed.hash(member), handle);
        Some(score)
    }

    /// Takes out the members of these ranks.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) {
        for _ in ranks.clone() {
            let handle = self.tree.remove(ranks.start);
            // SAFETY: the table keeps the element until the next line.
            let hash = self.seed.hash(unsafe { handle.element() }.member());
            self.drop_element(hash, handle);
        }
    }

    /// Drops an element that the tree does not hold any more.
    fn drop_element(&mut self, hash: u64, handle: Handle) {
        let element = self
            .table
            .remove(hash, |element| element.handle() == handle);
        let element = element.expect("an element of the tree is in the table");
        if let Some(frozen) = &mut self.frozen {
            frozen.keep(element.member(), Some(&element.score().to_ne_bytes()));
        }
        self.element_bytes -= element.memory();
    }

    /// Frees about `budget` members. Returns how many were freed; 0 when nothing is left. From the
    /// first of these steps on the set is good for nothing else.
    pub fn free_some(&mut self, budget: usize) -> usize {
        let mut freed = frozen::free_some(&mut self.frozen, budget);
        while freed < budget {
            // Leaves hold more than buckets, so the tree is gone before the table is.
            self.tree.tear_down_leaf();
            match self.table.take_bucket() {
                Some(members) => freed += members.len(),
                None => break,
            }
        }
        freed
    }
}

/// Showing what the set held at one moment.
impl Large {
    pub fn freeze(&mut self) {
        assert!(self.frozen.is_none(), "one moment at a time");
        self.frozen = Some(Box::new(Frozen::new(self.len(), self.seed)));
    }

    pub fn frozen_len(&self) -> Option<usize> {
        self.frozen.as_ref().map(|frozen| frozen.len())
    }

    pub fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(&[u8], f64)) -> bool {
        let Some(mut frozen) = self.frozen.take() else {
            return false;
        };
        let scan = |position: u32, visit: &mut dyn FnMut(Item<'_>)| {
            self.scan_elements(position, |element| {
                visit(Item {
                    field: element.member(),
                    value: &element.score().to_ne_bytes(),
                });
            })
        };
        let is_left = frozen.show(budget, scan, &mut |item| {
            let score = item.value.try_into().expect("a score has eight bytes");
            visit(item.field, f64::from_ne_bytes(score));
        });
        self.frozen = is_left.then_some(frozen);
        is_left
    }

    pub fn thaw(&mut self, budget: usize) -> bool {
        frozen::free_some(&mut self.frozen, budget);
        self.frozen.is_some()
    }
}

impl Clone for Large {
    fn clone(&self) -> Large {
        let mut copy = Large::new(self.seed);
        for element in self.iter(0..self.len()) {
            copy.put(element.member(), element.score());
        }
        copy
    }
}

fn rank_of(tree: &Tree, order: Order, member: &[u8]) -> usize {
    tree.rank(|other, element| other < order || other == order && element.member() < member)
}

#[cfg(test)]
mod tests;
