//! Who waits for which key to hold something (`BLPOP` and its kin).

use std::collections::{BTreeMap, VecDeque};

use crate::DbIndex;
use crate::lock::ShardSet;

/// A number for one wait, which its owner chose and knows the rest of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(pub u64);

/// A wait at a key.
struct Waiting {
    id: WaiterId,
    /// The shards that serving it touches besides those of the keys it waits for.
    beyond: ShardSet,
}

/// The waits for the keys of one shard, those for the same key in the order they began.
#[derive(Default)]
pub(crate) struct Waiters {
    by_key: BTreeMap<(DbIndex, Box<[u8]>), VecDeque<Waiting>>,
    /// How many waits touch each shard beyond.
    beyond: BTreeMap<usize, usize>,
}

impl Waiters {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn add(&mut self, index: DbIndex, key: &[u8], id: WaiterId, beyond: ShardSet) {
        let waiting = self.by_key.entry((index, key.into())).or_default();
        if waiting.iter().any(|other| other.id == id) {
            return;
        }
        waiting.push_back(Waiting { id, beyond });
        beyond.for_each(|shard| *self.beyond.entry(shard).or_default() += 1);
    }

    pub fn remove(&mut self, index: DbIndex, key: &[u8], id: WaiterId) {
        let place = (index, Box::from(key));
        let Some(waiting) = self.by_key.get_mut(&place) else {
            return;
        };
        let at = waiting.iter().position(|other| other.id == id);
        let removed = at.and_then(|at| waiting.remove(at));
        if waiting.is_empty() {
            self.by_key.remove(&place);
        }
        let beyond = removed.map(|removed| removed.beyond).unwrap_or_default();
        beyond.for_each(|shard| {
            let count = self.beyond.get_mut(&shard).expect("it was counted");
            *count -= 1;
            if *count == 0 {
                self.beyond.remove(&shard);
            }
        });
    }

    /// The waits for a key, the oldest first.
    pub fn of(&self, index: DbIndex, key: &[u8]) -> Vec<WaiterId> {
        let waiting = self.by_key.get(&(index, key.into()));
        waiting.into_iter().flatten().map(|one| one.id).collect()
    }

    pub fn contains(&self, index: DbIndex, key: &[u8]) -> bool {
        self.by_key.contains_key(&(index, key.into()))
    }

    /// The keys of a db that somebody waits for.
    pub fn keys(&self, index: DbIndex) -> Vec<Box<[u8]>> {
        let keys = self.by_key.keys().filter(|(db, _)| *db == index);
        keys.map(|(_, key)| key.clone()).collect()
    }

    /// The shards that serving the waits touches beyond this one.
    #[inline]
    pub fn beyond(&self) -> impl Iterator<Item = usize> {
        self.beyond.keys().copied()
    }
}
