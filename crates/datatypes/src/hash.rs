//! A hash: fields and their values.
//!
//! While they are few and short they lie in a [`Listpack`], each value behind its field; else in a
//! table. A hash that has become a table stays one.

use std::iter::from_fn;
use std::ptr::NonNull;

use crate::class::class;
use crate::listpack::{Invalid, Position};
use crate::packed::{HashSeed, PackedMap};
use crate::{Collection, Compact, Listpack, Shown, Text};

/// A field and its value are this many elements.
const STEP: usize = 2;

/// Bytes of a listpack, whatever the limits say.
const LISTPACK_BYTES_MAX: usize = 1 << 30;

/// A hash, in the encoding that fits its fields.
#[derive(Clone)]
pub enum Hash {
    /// Field, value, field, value.
    Pairs(Listpack),
    Table(Box<PackedMap>),
}

/// What decides when a hash becomes a table, and the key of the table's hashes.
#[derive(Clone, Copy, Debug)]
pub struct HashLimits {
    /// Fields in a listpack.
    pub entries_max: usize,
    /// Bytes of a field or a value in a listpack.
    pub value_bytes_max: usize,
    pub seed: HashSeed,
}

impl Default for Hash {
    fn default() -> Self {
        Hash::Pairs(Listpack::new())
    }
}

impl Hash {
    /// Fetches what a look at a field of a large hash reads, ahead of it.
    #[inline]
    pub fn prefetch(&self, field: &[u8]) {
        if let Hash::Table(table) = self {
            table.prefetch(field);
        }
    }

    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<Text<'_>> {
        match self {
            Hash::Pairs(pairs) => {
                let value = value_of(pairs, find(pairs, field)?);
                Some(pairs.read(value))
            }
            Hash::Table(table) => table.get(field).map(Text::Bytes),
        }
    }

    #[inline]
    pub fn contains(&self, field: &[u8]) -> bool {
        match self {
            Hash::Pairs(pairs) => find(pairs, field).is_some(),
            Hash::Table(table) => table.contains(field),
        }
    }

    /// Gives a field a value. Returns whether the field was missing.
    pub fn insert(&mut self, field: &[u8], value: &[u8], limits: &HashLimits) -> bool {
        let bytes = field.len() + value.len();
        if let Hash::Pairs(pairs) = self
            && (field.len().max(value.len()) > limits.value_bytes_max
                || pairs.bytes_len() + bytes > LISTPACK_BYTES_MAX)
        {
            self.make_table(limits.seed);
        }
        match self {
            Hash::Table(table) => table.insert(field, value),
            Hash::Pairs(pairs) => {
                let Some(found) = find(pairs, field) else {
                    pairs.push_back(Text::Bytes(field));
                    pairs.push_back(Text::Bytes(value));
                    if pairs.len() / 2 > limits.entries_max {
                        self.make_table(limits.seed);
                    }
                    return true;
                };
                pairs.replace(value_of(pairs, found), Text::Bytes(value));
                false
            }
        }
    }

    /// Takes a field out. Returns whether it was there.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match self {
            Hash::Table(table) => table.remove(field),
            Hash::Pairs(pairs) => match find(pairs, field) {
                Some(found) => pairs.remove_range(found, STEP) > 0,
                None => false,
            },
        }
    }

    /// Fields and values. Those of a small hash are in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (Text<'_>, Text<'_>)> {
        let (pairs, table) = match self {
            Hash::Pairs(pairs) => (Some(pairs), None),
            Hash::Table(table) => (None, Some(table)),
        };
        let items = table.into_iter().flat_map(|table| table.iter());
        let items = items.map(|item| (Text::Bytes(item.field), Text::Bytes(item.value)));
        pairs.into_iter().flat_map(pairs_of).chain(items)
    }

    /// Visits some fields, from `position` on, and returns the position behind them, or 0 at the
    /// end. A scan begins at 0; it misses no field that is there from its beginning to its end.
    /// A small hash is visited at once.
    pub fn scan(&self, position: u32, mut visit: impl FnMut(Text<'_>, Text<'_>)) -> u32 {
        match self {
            Hash::Pairs(pairs) => {
                pairs_of(pairs).for_each(|(field, value)| visit(field, value));
                0
            }
            Hash::Table(table) => table.scan(position, |item| {
                visit(Text::Bytes(item.field), Text::Bytes(item.value));
            }),
        }
    }

    /// One of the fields with its value, all equally likely. `random` gives a number below its
    /// argument.
    pub fn sample(&self, mut random: impl FnMut(u64) -> u64) -> Option<(Text<'_>, Text<'_>)> {
        match self {
            Hash::Pairs(pairs) => match pairs.len() as u64 / 2 {
                0 => None,
                len => pairs_of(pairs).nth(random(len) as usize),
            },
            Hash::Table(table) => {
                let item = table.sample(random)?;
                Some((Text::Bytes(item.field), Text::Bytes(item.value)))
            }
        }
    }

    /// A hash that will have so many fields: a table from the first on if they will not fit a
    /// listpack.
    pub fn for_fields(len: usize, limits: &HashLimits) -> Hash {
        let mut hash = Hash::default();
        if len > limits.entries_max {
            hash.make_table(limits.seed);
        }
        hash
    }

    /// The hash that a listpack is, if behind every field is its value and no field is there twice.
    /// It becomes a table if the limits ask for one.
    pub fn of_listpack(pairs: Listpack, limits: &HashLimits) -> Result<Hash, Invalid> {
        let len = pairs.len();
        if !len.is_multiple_of(STEP) {
            return Err(Invalid);
        }
        let fits = len / STEP <= limits.entries_max
            && pairs.bytes_len() <= LISTPACK_BYTES_MAX
            && pairs
                .iter()
                .all(|text| text.len() <= limits.value_bytes_max);
        if fits {
            let distinct = pairs.is_distinct(STEP, limits.seed);
            return distinct.then_some(Hash::Pairs(pairs)).ok_or(Invalid);
        }
        let mut hash = Hash::Pairs(pairs);
        hash.make_table(limits.seed);
        let distinct = hash.len() == len / STEP;
        distinct.then_some(hash).ok_or(Invalid)
    }

    #[cold]
    fn make_table(&mut self, seed: HashSeed) {
        let mut table = Box::new(PackedMap::new(seed));
        for (field, value) in self.iter() {
            field.with_bytes(|field| value.with_bytes(|value| table.insert(field, value)));
        }
        *self = Hash::Table(table);
    }
}

/// Where a field is.
#[inline]
fn find(pairs: &Listpack, field: &[u8]) -> Option<Position> {
    pairs.find(pairs.first(), Text::Bytes(field), STEP)
}

/// Where the value of the field at `found` is.
#[inline]
fn value_of(pairs: &Listpack, found: Position) -> Position {
    pairs.next(found).expect("behind every field is its value")
}

fn pairs_of(pairs: &Listpack) -> impl Iterator<Item = (Text<'_>, Text<'_>)> {
    let mut elements = pairs.iter();
    from_fn(move || Some((elements.next()?, elements.next()?)))
}

impl Collection for Hash {
    fn len(&self) -> usize {
        match self {
            Hash::Pairs(pairs) => pairs.len() / 2,
            Hash::Table(table) => table.len(),
        }
    }

    fn encoding(&self) -> &'static str {
        match self {
            Hash::Pairs(_) => "listpack",
            Hash::Table(_) => "hashtable",
        }
    }

    fn memory(&self) -> usize {
        match self {
            Hash::Pairs(pairs) => pairs.memory(),
            Hash::Table(table) => class(size_of::<PackedMap>()) + table.memory(),
        }
    }

    fn free_some(&mut self, budget: usize) -> usize {
        match self {
            Hash::Pairs(pairs) => std::mem::take(pairs).len() / 2,
            Hash::Table(table) => table.free_some(budget),
        }
    }

    fn freeze(&mut self) -> bool {
        match self {
            Hash::Pairs(_) => false,
            Hash::Table(table) => {
                table.freeze();
                true
            }
        }
    }

    fn frozen_len(&self) -> Option<usize> {
        match self {
            Hash::Pairs(_) => None,
            Hash::Table(table) => table.frozen_len(),
        }
    }

    fn show_frozen(&mut self, budget: usize, visit: &mut dyn FnMut(Shown<'_>)) -> bool {
        match self {
            Hash::Pairs(_) => false,
            Hash::Table(table) => table.show_frozen(budget, &mut |item| {
                visit(Shown::Pair(
                    Text::Bytes(item.field),
                    Text::Bytes(item.value),
                ));
            }),
        }
    }

    fn thaw(&mut self, budget: usize) -> bool {
        match self {
            Hash::Pairs(_) => false,
            Hash::Table(table) => table.thaw(budget),
        }
    }
}

// SAFETY: the bit tells which of the two gave its pointer, and each takes its own back.
unsafe impl Compact for Hash {
    fn into_raw(self) -> (bool, NonNull<u8>) {
        match self {
            Hash::Pairs(pairs) => (false, pairs.into_raw()),
            Hash::Table(table) => (true, NonNull::from(Box::leak(table)).cast()),
        }
    }

    /// # Safety
    /// The arguments came from `into_raw`, and ownership passes to the result.
    unsafe fn from_raw(is_large: bool, raw: NonNull<u8>) -> Self {
        match is_large {
            // SAFETY: the pointer is the one that `Listpack` gave.
            false => Hash::Pairs(unsafe { Listpack::from_raw(raw) }),
            // SAFETY: the pointer is that of a leaked box.
            true => Hash::Table(unsafe { Box::from_raw(raw.cast().as_ptr()) }),
        }
    }
}

#[cfg(test)]
mod tests;
