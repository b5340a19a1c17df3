//! Who watches which key (`WATCH`).

use std::collections::BTreeMap;
use std::mem;
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

/// Someone who watches a key.
struct Watcher {
    db: DbIndex,
    flag: Arc<WatchFlag>,
    /// The key was past its expiry already when it began to be watched, and is there still: its
    /// end is no change.
    was_due: bool,
}

impl Watcher {
    /// The key goes: a change, unless it was past its expiry all the time.
    fn lose(&mut self) {
        if !mem::take(&mut self.was_due) {
            self.flag.raise();
        }
    }
}

/// The watched keys of one shard.
#[derive(Default)]
pub(crate) struct Watchers {
    by_key: BTreeMap<Box<[u8]>, Vec<Watcher>>,
}

impl Watchers {
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub fn add(&mut self, db: DbIndex, key: &[u8], flag: &Arc<WatchFlag>, was_due: bool) {
        let flag = Arc::clone(flag);
        let watcher = Watcher { db, flag, was_due };
        self.by_key.entry(key.into()).or_default().push(watcher);
    }

    pub fn remove(&mut self, index: DbIndex, key: &[u8], flag: &Arc<WatchFlag>) {
        if let Some(watchers) = self.by_key.get_mut(key) {
            watchers.retain(|other| other.db != index || !Arc::ptr_eq(&other.flag, flag));
            if watchers.is_empty() {
                self.by_key.remove(key);
            }
        }
    }

    pub fn keys(&self) -> Vec<Box<[u8]>> {
        self.by_key.keys().cloned().collect()
    }

    /// Whether the owner of `flag` saw the key past its expiry already.
    pub fn was_due(&self, index: DbIndex, key: &[u8], flag: &Arc<WatchFlag>) -> bool {
        let mut watchers = self.by_key.get(key).into_iter().flatten();
        watchers.any(|one| one.db == index && one.was_due && Arc::ptr_eq(&one.flag, flag))
    }

    pub fn touch(&self, index: DbIndex, key: &[u8]) {
        let watchers = self.by_key.get(key).into_iter().flatten();
        watchers
            .filter(|watcher| watcher.db == index)
            .for_each(|watcher| watcher.flag.raise());
    }

    /// The key goes because its time has come.
    pub fn lapse(&mut self, index: DbIndex, key: &[u8]) {
        let watchers = self.by_key.get_mut(key).into_iter().flatten();
        for watcher in watchers.filter(|watcher| watcher.db == index) {
            watcher.lose();
        }
    }

    /// As [`Watchers::lapse`], of every watched key of the db that `holds`: all its keys go.
    pub fn lose_matching(&mut self, index: DbIndex, holds: impl Fn(&[u8]) -> bool) {
        for (key, watchers) in &mut self.by_key {
            let mut here = watchers.iter_mut().filter(|one| one.db == index).peekable();
            if here.peek().is_some() && holds(key) {
                here.for_each(Watcher::lose);
            }
        }
    }

    /// Touches every watched key of the db that `holds`.
    pub fn touch_matching(&self, index: DbIndex, holds: impl Fn(&[u8]) -> bool) {
        for (key, watchers) in &self.by_key {
            let mut here = watchers.iter().filter(|one| one.db == index).peekable();
            if here.peek().is_some() && holds(key) {
                here.for_each(|watcher| watcher.flag.raise());
            }
        }
    }
}
