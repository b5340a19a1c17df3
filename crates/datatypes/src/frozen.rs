//! What a collection held at one moment, shown step by step while it changes.
//!
//! **The problem.** A snapshot without a fork saves an old value before the first write to it. A
//! collection of millions of elements can neither be copied at once, which stalls and doubles it,
//! nor be written out under its lock in one go.
//!
//! **The way chosen.** A large collection is *frozen* in one step, whatever its size. From then on
//! [`show_frozen`](crate::Collection::show_frozen) gives the elements it held, each once, a bounded
//! number at a time. Changes go on in between: who changes what was not shown yet first sets aside
//! what it was. So what a freeze costs follows from how much is changed under it, not from how
//! much there is.
//!
//! **Hashed collections** are shown in the order of reversed hashes, in which tables are scanned
//! and which no growing or shrinking upsets:
//!
//! ```text
//!   shown                  next              to be shown
//!   ━━━━━━━━━━━━━━━━━━━━━━━━┿─────────────────────────────────────
//!     changes are free              a change: the old state goes aside, once
//!
//!   aside    "alice" ▶ was "7"      "bob" ▶ was not there
//! ```
//!
//! What was set aside is passed over where it stands, and shown at the end. It lies in a table that
//! grows and shrinks by small steps, as theirs do. Lists have an order to keep, and a way of their
//! own (`list/nodes/frozen.rs`).
//!
//! Small collections are not frozen: copying them is cheaper.

use crate::Text;
use crate::packed::{HashSeed, Item, PackedMap};

/// An element of a collection that was frozen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shown<'a> {
    /// Of a list, or a member of a set.
    Element(Text<'a>),
    /// A field of a hash and its value.
    Pair(Text<'a>, Text<'a>),
    /// A member of a sorted set and its score.
    Scored(Text<'a>, f64),
}

/// The position behind the last.
const END: u64 = 1 << 32;

/// The first byte of what is set aside for an element that was there.
const WAS_THERE: u8 = 1;

/// What a hashed collection held. Its elements are told as items: a value is what the collection
/// keeps beside an element, in bytes.
pub(crate) struct Frozen {
    /// Elements whose hashes, reversed, are less were shown.
    next: u64,
    /// Elements that were there.
    len: usize,
    shown: usize,
    /// That of the collection's own hashes.
    seed: HashSeed,
    /// Elements that changed before they were shown: nothing for one that was not there, or a byte
    /// and the value it had.
    aside: PackedMap,
}

impl Frozen {
    /// `seed` is that of the collection's own hashes.
    pub fn new(len: usize, seed: HashSeed) -> Frozen {
        Frozen {
            next: 0,
            len,
            shown: 0,
            seed,
            // By the collection's own hashes, all that is set aside late would lie in the last
            // few buckets.
            aside: PackedMap::new(HashSeed(!seed.0)),
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn memory(&self) -> usize {
        size_of::<Frozen>() + self.aside.memory()
    }

    /// Sets aside what an element is, or that it is not there, before that changes.
    #[cold]
    #[inline(never)]
    pub fn keep(&mut self, element: &[u8], old: Option<&[u8]>) {
        if !self.is_left(element) {
            return;
        }
        match old {
            None => self.aside.insert(element, &[]),
            Some(value) => self.aside.insert(element, &[&[WAS_THERE], value].concat()),
        };
    }

    /// Whether an element is still to be shown from where it stands.
    fn is_left(&self, element: &[u8]) -> bool {
        let position = (self.seed.hash(element) as u32).reverse_bits();
        u64::from(position) >= self.next && !self.aside.contains(element)
    }

    /// Shows about `budget` elements more. `scan` visits those that are at a position now, and
    /// tells the position behind them, as tables do. Returns whether any are left.
    pub fn show(
        &mut self,
        budget: usize,
        scan: impl Fn(u32, &mut dyn FnMut(Item<'_>)) -> u32,
        visit: &mut dyn FnMut(Item<'_>),
    ) -> bool {
        let (budget, mut seen) = (budget.max(1), 0);
        while seen < budget && self.next < END {
            seen += 1;
            let mut shown = 0;
            let behind = scan(self.next as u32, &mut |item| {
                seen += 1;
                // After a merge a bucket begins before the position.
                if self.is_left(item.field) {
                    shown += 1;
                    visit(item);
                }
            });
            self.shown += shown;
            self.next = match behind {
                0 => END,
                behind => u64::from(behind),
            };
        }
        while seen < budget && self.show_aside(&mut seen, visit) {}
        let is_left = self.next < END || !self.aside.is_empty();
        assert!(
            is_left || self.shown == self.len,
            "each element is shown once"
        );
        is_left
    }

    /// Shows one bucket of what was set aside, and frees it. Returns whether there was one.
    fn show_aside(&mut self, seen: &mut usize, visit: &mut dyn FnMut(Item<'_>)) -> bool {
        let shown = &mut self.shown;
        self.aside.take_bucket(|item| {
            *seen += 1;
            if let Some((_, value)) = item.value.split_first() {
                *shown += 1;
                visit(Item { value, ..item });
            }
        })
    }

    /// Gives up, and frees about `budget` of what was set aside. Returns how many; 0 when nothing
    /// is left.
    pub fn free_some(&mut self, budget: usize) -> usize {
        self.next = END;
        self.aside.free_some(budget.max(1))
    }

    pub fn is_freed(&self) -> bool {
        self.next == END && self.aside.is_empty()
    }
}

/// Frees about `budget` of what a collection has set aside, and its frozen state with the last.
/// Returns how many; 0 when nothing is left.
pub(crate) fn free_some(frozen: &mut Option<Box<Frozen>>, budget: usize) -> usize {
    let Some(kept) = frozen else { return 0 };
    let freed = kept.free_some(budget);
    if kept.is_freed() {
        *frozen = None;
    }
    freed
}

#[cfg(test)]
mod tests;
