//! Writing all data as it is at one moment, while it goes on changing.
//!
//! [`Engine::begin_snapshot`] marks the moment under all locks; [`Snapshot::step`] then takes slot
//! after slot, each under its shard's lock alone, and appends what it holds to a buffer. Slots are
//! visited so that all shards get on evenly, and every visit takes along what writers had to copy
//! in that shard since the last: copies never wait for long.
//!
//! Whoever holds every lock until the end needs no marks: [`Snapshot::under_locks`].

use keyspace::{Db, DbIndex, Expire, Locked, SLOTS, ShardSet, Slot};
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::Engine;

/// As what a snapshot is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A snapshot file.
    Rdb,
    /// Commands that make the same data.
    Commands,
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub keys: usize,
    pub keys_total: usize,
}

/// A snapshot that is being written. It must come to its end or be abandoned.
#[must_use]
pub struct Snapshot {
    next: usize,
    progress: Progress,
}

impl Engine {
    /// Makes this the moment of a snapshot, and runs `at_moment` there, under all locks. `None`
    /// while another is being taken. `aux` are the fields at the head of a snapshot file.
    pub fn begin_snapshot(
        &self,
        _form: Form,
        _aux: &[(&str, String)],
        at_moment: impl FnOnce(&Locked<'_>),
    ) -> Option<Snapshot> {
        if self.snapshot_taken.swap(1, AcqRel) != 0 {
            return None;
        }
        let mut locked = self.keyspace.lock(ShardSet::ALL);
        let progress = self.begin_progress(&mut locked.db(DbIndex(0), self.now(), Expire::Ignore));
        locked.mark_snapshot();
        at_moment(&locked);
        Some(Snapshot { next: 0, progress })
    }

    fn begin_progress(&self, db: &mut Db<'_>) -> Progress {
        let here = db.index();
        let mut keys_total = 0;
        for index in 0..self.keyspace.dbs() {
            db.select(DbIndex(index));
            keys_total += db.count().0;
        }
        db.select(here);
        self.persistence.progress.keys.store(0, Relaxed);
        self.persistence
            .progress
            .keys_total
            .store(keys_total, Relaxed);
        Progress {
            keys: 0,
            keys_total,
        }
    }
}

impl Snapshot {
    /// A snapshot for whoever holds every lock until it is written.
    pub fn under_locks(
        engine: &Engine,
        db: &mut Db<'_>,
        _form: Form,
        _aux: &[(&str, String)],
    ) -> Snapshot {
        let progress = engine.begin_progress(db);
        Snapshot { next: 0, progress }
    }

    /// Appends about `bytes` to `into`. Returns false when the end is written.
    pub fn step(&mut self, engine: &Engine, _bytes: usize, _into: &mut Vec<u8>) -> bool {
        let mut locked = engine.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), engine.now(), Expire::Ignore);
        db.take_snapshot_slot(Slot::new(self.next as u16), |_| self.progress.keys += 1);
        self.next += 1;
        if self.next == SLOTS {
            engine.snapshot_taken.store(0, Relaxed);
        }
        self.next < SLOTS
    }

    /// As [`Snapshot::step`], of one that was begun under all locks, which are still held.
    pub fn step_under(
        &mut self,
        _engine: &Engine,
        _db: &mut Db<'_>,
        _bytes: usize,
        _into: &mut Vec<u8>,
    ) -> bool {
        false
    }

    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Gives up a snapshot that was not written to its end.
    pub fn abandon(self, engine: &Engine) {
        let mut rest = self;
        while rest.step(engine, usize::MAX, &mut Vec::new()) {}
    }
}
