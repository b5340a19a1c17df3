//! Who waits for which key to hold something (`BLPOP` and its kin).

use std::collections::{BTreeMap, VecDeque};

use crate::DbIndex;

/// A number for one wait, which its owner chose and knows the rest of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(pub u64);

/// The waits for the keys of one shard, those for the same key in the order they began.
#[derive(Default)]
pub(crate) struct Waiters {
    by_key: BTreeMap<(DbIndex, Box<[u8]>), VecDeque<WaiterId>>,
}

impl Waiters {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn add(&mut self, index: DbIndex, key: &[u8], id: WaiterId) {
        let waiting = self.by_key.entry((index, key.into())).or_default();
        if !waiting.contains(&id) {
            waiting.push_back(id);
        }
    }

    pub fn remove(&mut self, index: DbIndex, key: &[u8], id: WaiterId) {
        let place = (index, Box::from(key));
        if let Some(waiting) = self.by_key.get_mut(&place) {
            waiting.retain(|other| *other != id);
            if waiting.is_empty() {
                self.by_key.remove(&place);
            }
        }
    }

    /// The waits for a key, the oldest first.
    pub fn of(&self, index: DbIndex, key: &[u8]) -> Vec<WaiterId> {
        let waiting = self.by_key.get(&(index, key.into()));
        waiting.into_iter().flatten().copied().collect()
    }

    pub fn contains(&self, index: DbIndex, key: &[u8]) -> bool {
        self.by_key.contains_key(&(index, key.into()))
    }

    /// The keys of a db that somebody waits for.
    pub fn keys(&self, index: DbIndex) -> Vec<Box<[u8]>> {
        let keys = self.by_key.keys().filter(|(db, _)| *db == index);
        keys.map(|(_, key)| key.clone()).collect()
    }
}
