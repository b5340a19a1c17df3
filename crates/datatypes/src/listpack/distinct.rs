//! Whether elements are distinct.

use std::hash::BuildHasher;

use foldhash::quality::FixedState;

use super::{Listpack, Position};
use crate::packed::HashSeed;

/// So few elements are compared each with each.
const FEW: usize = 8;

impl Listpack {
    /// Whether no two of the elements are the same text, looking at every `step`th only, from the
    /// first on. The seed keeps whoever made the elements from making this slow.
    pub fn is_distinct(&self, step: usize, seed: HashSeed) -> bool {
        if self.len() <= FEW * step {
            return self.places(step).all(|at| {
                let behind = (0..step).try_fold(at, |at, _| self.next(at));
                self.find(behind, self.read(at), step).is_none()
            });
        }
        let hasher = FixedState::with_seed(seed.0);
        let hash_of = |at: Position| self.read(at).with_bytes(|bytes| hasher.hash_one(bytes));
        let mut hashes: Vec<(u64, Position)> =
            self.places(step).map(|at| (hash_of(at), at)).collect();
        hashes.sort_unstable();
        // Two texts of one hash are rare, unless they are the same.
        hashes.chunk_by(|(a, _), (b, _)| a == b).all(|twins| {
            let pairs = twins.iter().enumerate();
            let mut pairs = pairs.flat_map(|(i, a)| twins[i + 1..].iter().map(move |b| (a.1, b.1)));
            pairs.all(|(a, b)| !self.is_at(b, self.read(a)))
        })
    }

    fn places(&self, step: usize) -> impl Iterator<Item = Position> {
        std::iter::successors(self.first(), move |&at| {
            (0..step).try_fold(at, |at, _| self.next(at))
        })
    }
}

#[cfg(test)]
mod tests;
