//! Keys that clients of a writable replica gave an expiry.
//!
//! A replica's keys are its primary's to expire. Of these the primary knows nothing, so they are
//! remembered, and deleted when their time has come, unless somebody has changed it meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use keyspace::{DbIndex, Expire, ShardSet};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::args::Located;
use crate::context::Context;
use crate::dispatch::Worker;
use crate::session::Origin;
use crate::sync::{AtomicUsize, Mutex};

/// Keys deleted in one go.
const STEP_KEYS: usize = 64;

/// A key, by when it is due.
type Due = (UnixMillis, DbIndex, Box<[u8]>);

/// The keys, those first that are due first.
#[derive(Debug, Default)]
pub struct OwnKeys {
    due: Mutex<BTreeSet<Due>>,
    count: AtomicUsize,
}

impl OwnKeys {
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn add(&self, at: UnixMillis, db: DbIndex, key: &[u8]) {
        let mut due = self.due.lock();
        due.insert((at, db, key.into()));
        self.count.store(due.len(), Ordering::Relaxed);
    }

    /// The data is another, or the node lets all its keys expire by itself.
    pub fn forget(&self) {
        let mut due = self.due.lock();
        due.clear();
        self.count.store(0, Ordering::Relaxed);
    }

    /// Takes some of those whose time has come.
    fn take_due(&self, now: UnixMillis) -> Vec<Due> {
        let mut due = self.due.lock();
        let mut taken = Vec::new();
        while taken.len() < STEP_KEYS && due.first().is_some_and(|(at, ..)| *at < now) {
            taken.extend(due.pop_first());
        }
        self.count.store(due.len(), Ordering::Relaxed);
        taken
    }
}

impl Context<'_> {
    /// Remembers the keys of a command that a client wrote to a replica.
    #[inline]
    pub(crate) fn note_own_keys(&mut self, keys: &[Located<'_>]) {
        if self.engine.standing.is_replica() && self.session.origin == Origin::Client {
            self.remember_own_keys(keys);
        }
    }

    #[cold]
    fn remember_own_keys(&mut self, keys: &[Located<'_>]) {
        let here = self.db.index();
        for index in (0..self.engine.keyspace.dbs()).map(DbIndex) {
            self.db.select(index);
            for located in keys {
                let expiry = self.db.find(&located.key).and_then(|entry| entry.expiry());
                if let Some(at) = expiry {
                    let own_keys = &self.engine.standing.own_keys;
                    own_keys.add(at, index, located.key.bytes);
                }
            }
        }
        self.db.select(here);
    }
}

impl Engine {
    /// Deletes keys that clients of this replica gave an expiry that has come.
    pub(crate) fn expire_own_keys(&self, worker: &mut Worker, now: UnixMillis) {
        if self.standing.own_keys.count() == 0 {
            return;
        }
        loop {
            let taken = self.standing.own_keys.take_due(now);
            if taken.is_empty() {
                return;
            }
            for (at, index, key) in taken {
                self.expire_own_key(worker, now, (at, index, &key));
            }
        }
    }

    fn expire_own_key(
        &self,
        worker: &mut Worker,
        now: UnixMillis,
        (at, index, bytes): (UnixMillis, DbIndex, &[u8]),
    ) {
        let key = self.keyspace.key(bytes);
        let mut locked = self.keyspace.lock(ShardSet::of(key.slot.shard()));
        if self.pause.is_on() || !self.standing.is_replica() {
            return;
        }
        let mut db = locked.db(index, now, Expire::Delete);
        if db.find(&key).and_then(|entry| entry.expiry()) == Some(at) {
            // To look at it is enough.
            db.contains(&key);
        }
        self.note_lapsed(worker, &self.config.load(), locked.take_lapsed());
        if !worker.effects.is_empty() {
            worker.append_effects(&self.log);
        }
    }
}
