//! A set of strings.
//!
//! While all members read as integers and are few, they are an [`IntSet`]; else a table. A set
//! that has become a table stays one.

use std::ptr::NonNull;

use stdx::number::parse_i64;

use crate::class::class;
use crate::intset::IntSet;
use crate::packed::{HashSeed, PackedSet};
use crate::{Collection, Compact, Shown, Text};

/// A set, in the encoding that fits its members.
#[derive(Clone)]
pub enum Set {
    Ints(IntSet),
    Table(Box<PackedSet>),
}

/// What decides when a set becomes a table, and the key of the table's hashes.
#[derive(Clone, Copy, Debug)]
pub struct SetLimits {
    /// Members of a set of integers.
    pub ints_max: usize,
    pub seed: HashSeed,
}

impl Default for Set {
    fn default() -> Self {
        Set::Ints(IntSet::default())
    }
}

impl Set {
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match self {
            Set::Ints(ints) => parse_i64(member).is_some_and(|number| ints.contains(number)),
            Set::Table(table) => table.contains(member),
        }
    }

    /// Fetches what a look at a member of a large set reads, ahead of it.
    #[inline]
    pub fn prefetch(&self, member: &[u8]) {
        if let Set::Table(table) = self {
            table.prefetch(member);
        }
    }

    /// The set of these integers. It becomes a table if the limits ask for one.
    pub fn of_ints(ints: IntSet, limits: &SetLimits) -> Set {
        let mut set = Set::Ints(ints);
        if set.len() > limits.ints_max {
            set.make_table(limits.seed);
        }
        set
    }

    /// Adds a member. Returns whether it was missing.
    pub fn insert(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        if let Set::Ints(ints) = self {
            if let Some(number) = parse_i64(member) {
                let added = ints.insert(number);
                if ints.len() > limits.ints_max {
                    self.make_table(limits.seed);
                }
                return added;
            }
            self.make_table(limits.seed);
        }
        match self {
            Set::Ints(_) => unreachable!("a set with other members is a table"),
            Set::Table(table) => table.insert(member),
        }
    }

    /// Takes a member out. Returns whether it was there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self {
            Set::Ints(ints) => parse_i64(member).is_some_and(|number| ints.remove(number)),
            Set::Table(table) => table.remove(member),
        }
    }

    /// The members: integers ascend, others have no order.
    pub fn iter(&self) -> impl Iterator<Item = Text<'_>> {
        let (ints, table) = match self {
            Set::Ints(ints) => (Some(ints), None),
            Set::Table(table) => (None, Some(table)),
        };
        let ints = ints.into_iter().flat_map(IntSet::iter).map(Text::Int);
        let items = table.into_iter().flat_map(|table| table.iter());
        ints.chain(items.map(|item| Text::Bytes(item.field)))
    }

    /// Visits some members, from `position` on, and returns the position behind them, or 0 at the
    /// end. A scan begins at 0; it misses no member that is there from its beginning to its end.
    /// A set of integers is visited at once.
    pub fn scan(&self, position: u32, mut visit: impl FnMut(Text<'_>)) -> u32 {
        match self {
            Set::Ints(ints) => {
                ints.iter().map(Text::Int).for_each(visit);
                0
            }
            Set::Table(table) => table.scan(position, |item| visit(Text::Bytes(item.field))),
        }
    }

    /// One of the members, all equally likely. `random` gives a number below its argument.
    pub fn sample(&self, random: impl FnMut(u64) -> u64) -> Option<Text<'_>> {
        match self {
            Set::Ints(ints) => ints.sample(random).map(Text::Int),
            Set::Table(table) => table.sample(random).map(|item| Text::Bytes(item.field)),
        }
    }

    /// Takes one of the members out, all equally likely, and gives it to `read`.
    pub fn pop<R>(
        &mut self,
        random: impl FnMut(u64) -> u64,
        read: impl FnOnce(Text<'_>) -> R,
    ) -> Option<R> {
        match self {
            Set::Table(table) => table.pop(random, |item| read(Text::Bytes(item.field))),
            Set::Ints(ints) => {
                let number = ints.sample(random)?;
                ints.remove(number);
                Some(read(Text::Int(number)))
            }
        }
    }

    #[cold]
    fn make_table(&mut self, seed: HashSeed) {
        let mut table = Box::new(PackedSet::new(seed));
        for member in self.iter() {
            member.with_bytes(|bytes| table.insert(bytes));
        }
        *self = Set::Table(table);
    }
}

impl Collection for Set {
    fn len(&self) -> usize {
        match self {
            Set::Ints(ints) => ints.len(),
            Set::Table(table) => table.len(),
        }
    }

    fn encoding(&self) -> &'static str {
        match self {
            Set::Ints(_) => "intset",
            Set::Table(_) => "hashtable",
        }
    }

    fn memory(&self) -> usize {
        match self {
            Set::Ints(ints) => ints.memory(),
            Set::Table(table) => class(size_of::<PackedSet>()) + table.memory(),
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        match self {
            Set::Ints(ints) => std::mem::take(ints).len(),
            Set::Table(table) => table.free_some(budget),
        }
    }

    fn freeze(&mut self) -> bool {
        match self {
            Set::Ints(_) => false,
            Set::Table(table) => {
                table.freeze();
                true
            }
        }
    }

    fn frozen_len(&self) -> Option<usize> {
        match self {
            Set::Ints(_) => None,
            Set::Table(table) => table.frozen_len(),
        }
    }

    fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Shown<'_>)) -> bool {
        match self {
            Set::Ints(_) => false,
            Set::Table(table) => table.show_frozen(budget, &mut |item| {
                visit(Shown::Element(Text::Bytes(item.field)));
            }),
        }
    }

    fn thaw(&mut self, budget: usize) -> bool {
        match self {
            Set::Ints(_) => false,
            Set::Table(table) => table.thaw(budget),
        }
    }
}

// SAFETY: the bit tells which of the two gave its pointer, and each takes its own back.
unsafe impl Compact for Set {
    fn into_raw(self) -> (bool, NonNull<u8>) {
        match self {
            Set::Ints(ints) => (false, ints.into_raw()),
            Set::Table(table) => (true, NonNull::from(Box::leak(table)).cast()),
        }
    }

    /// # Safety
    /// The arguments came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(is_large: bool, raw: NonNull<u8>) -> Self {
        match is_large {
            // SAFETY: the pointer is the one that `IntSet` gave.
            false => Set::Ints(unsafe { IntSet::from_raw(raw) }),
            // SAFETY: the pointer is that of a leaked box.
            true => Set::Table(unsafe { Box::from_raw(raw.cast().as_ptr()) }),
        }
    }
}

#[cfg(test)]
mod tests;
