//! Who watches which key (`WATCH`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::DbIndex;

/// Raised when a key that its owner watches is changed.
#[derive(Debug, Default)]
pub struct WatchFlag(AtomicBool);

impl WatchFlag {
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The db a key is watched in, and who is told.
type Watcher = (DbIndex, Arc<WatchFlag>);

/// The watched keys of one shard.
#[derive(Default)]
pub(crate) struct Watchers {
    by_key: BTreeMap<Box<[u8]>, Vec<Watcher>>,
}

impl Watchers {
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn add(&mut self, index: DbIndex, key: &[u8], flag: &Arc<WatchFlag>) {
        self.by_key
            .entry(key.into())
            .or_default()
            .push((index, Arc::clone(flag)));
    }

    pub fn remove(&mut self, index: DbIndex, key: &[u8], flag: &Arc<WatchFlag>) {
        if let Some(watchers) = self.by_key.get_mut(key) {
            watchers.retain(|(db, other)| *db != index || !Arc::ptr_eq(other, flag));
            if watchers.is_empty() {
                self.by_key.remove(key);
            }
        }
    }

    pub fn keys(&self) -> Vec<Box<[u8]>> {
        self.by_key.keys().cloned().collect()
    }

    pub fn touch(&self, index: DbIndex, key: &[u8]) {
        let watchers = self.by_key.get(key).into_iter().flatten();
        watchers
            .filter(|(db, _)| *db == index)
            .for_each(|(_, flag)| flag.raise());
    }

    /// Touches every watched key of the db that `holds`.
    pub fn touch_matching(&self, index: DbIndex, holds: impl Fn(&[u8]) -> bool) {
        for (key, watchers) in &self.by_key {
            let mut here = watchers.iter().filter(|(db, _)| *db == index).peekable();
            if here.peek().is_some() && holds(key) {
                here.for_each(|(_, flag)| flag.raise());
            }
        }
    }
}
