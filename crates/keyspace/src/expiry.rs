//! Active expiry: finding the keys whose time has come though nobody asks for them.
//!
//! There is no second table of expiring keys. Each slot knows how many of its keys expire and a
//! bound below which none does, so a walk touches only slots where something may be due. The walk
//! goes in bounded steps, one shard's lock at a time, and through all dbs of a shard together: most
//! of them are empty, and a lock costs more than to see that.

use stdx::time::UnixMillis;

use crate::db::is_past;
use crate::slot::{SHARDS, SLOTS_PER_SHARD, Slot};
use crate::{Db, DbIndex, Expire, Locked};

/// How far a walk has come. The default is the beginning of a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExpiryCursor {
    shard: usize,
    db: u16,
    /// The slot's number within the shard.
    within: usize,
    /// Where the slot's table is scanned on.
    position: u64,
}

/// With so few expiring keys in a shard, all its slots are looked at to know how long keys have
/// left; with more, one slot is enough.
const SAMPLED_KEYS: usize = 16;

/// What a walk has found in one db.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lapsing {
    /// Keys with an expiry that were looked at, and are still alive.
    pub alive: u64,
    /// The time those have left, added up, in milliseconds.
    pub left_ms: u64,
    pub deleted: u64,
}

impl ExpiryCursor {
    /// The shard that the next step needs the lock of.
    pub fn shard(&self) -> usize {
        self.shard
    }

    fn end_slot(&mut self) {
        (self.within, self.position) = (self.within + 1, 0);
    }

    /// On to the next db, or the next shard.
    fn end_db(&mut self, dbs: u16) {
        (self.db, self.within, self.position) = (self.db + 1, 0, 0);
        if self.db == dbs {
            (self.shard, self.db) = (self.shard + 1, 0);
        }
    }
}

impl Locked<'_> {
    /// Looks at keys from `cursor` on, `budget` at most and within one shard, whose lock is held,
    /// and deletes those past their expiry. What is found of a db is added to its element of
    /// `found`. Returns whether the walk has been through everything.
    pub fn expire_step(
        &mut self,
        cursor: &mut ExpiryCursor,
        now: UnixMillis,
        budget: usize,
        found: &mut [Lapsing],
    ) -> bool {
        let (shard, dbs, mut seen) = (cursor.shard, found.len() as u16, 0);
        while cursor.shard == shard && seen < budget {
            let index = DbIndex(cursor.db);
            let found = &mut found[usize::from(cursor.db)];
            let mut db = self.db(index, now, Expire::Delete);
            seen += db.expire_in_shard(cursor, budget - seen, found);
            if cursor.within == SLOTS_PER_SHARD {
                cursor.end_db(dbs);
            }
        }
        let finished = cursor.shard == SHARDS;
        if finished {
            *cursor = ExpiryCursor::default();
        }
        finished
    }
}

impl Db<'_> {
    /// Goes through this db's slots of the cursor's shard. Returns how many keys it saw.
    fn expire_in_shard(
        &mut self,
        cursor: &mut ExpiryCursor,
        budget: usize,
        found: &mut Lapsing,
    ) -> usize {
        let (index, now, mut seen) = (self.index(), self.now(), 0);
        while cursor.within < SLOTS_PER_SHARD && seen < budget {
            let slot = Slot::from_parts(cursor.shard, cursor.within);
            let due = self.visit_shard(cursor.shard, |shard| {
                let db = shard.db(index).filter(|db| db.volatile > 0)?;
                let sampled = db.volatile <= SAMPLED_KEYS || slot.within() == 0;
                let earliest = db.slot(slot.within()).map(|slot| slot.earliest);
                let is_due = earliest.is_some_and(|earliest| earliest < now);
                Some((is_due && !shard.hides(slot.within()), sampled))
            });
            match due {
                None => cursor.within = SLOTS_PER_SHARD,
                Some((false, sampled)) => {
                    if sampled {
                        self.sample_slot(slot, found);
                    }
                    cursor.end_slot();
                }
                Some((true, _)) => {
                    seen += self.expire_in_slot(slot, cursor, budget - seen, found);
                }
            }
        }
        seen
    }

    /// Goes through one slot's table, or as far as `budget` reaches. Returns how many keys it saw.
    fn expire_in_slot(
        &mut self,
        slot: Slot,
        cursor: &mut ExpiryCursor,
        budget: usize,
        found: &mut Lapsing,
    ) -> usize {
        let (index, now) = (self.index(), self.now());
        let (mut due, mut alive, mut seen) = (Vec::<Box<[u8]>>::new(), Vec::new(), 0);
        self.visit_shard(slot.shard(), |shard| {
            if cursor.position == 0 {
                shard.begin_walk(index, slot);
            }
            let Some(table) = shard.table(index, slot) else {
                return;
            };
            loop {
                cursor.position = table.scan(cursor.position, |entry| {
                    seen += 1;
                    match entry.expiry() {
                        Some(at) if is_past(Some(at), now) => due.push(entry.key().into()),
                        Some(at) => alive.push(at),
                        None => {}
                    }
                });
                if cursor.position == 0 || seen >= budget {
                    break;
                }
            }
            for &at in &alive {
                found.note_alive(at, now);
                shard.seen_on_walk(index, slot, at);
            }
        });
        found.deleted += due.len() as u64;
        for key in due {
            self.contains(&self.key(&key));
        }
        if cursor.position == 0 {
            cursor.end_slot();
            self.visit_shard(slot.shard(), |shard| shard.end_walk(index, slot));
        }
        seen.max(1)
    }

    /// Looks at a bucket of a slot where nothing is due, to know how long keys have left.
    fn sample_slot(&mut self, slot: Slot, found: &mut Lapsing) {
        let (index, now) = (self.index(), self.now());
        self.visit_shard(slot.shard(), |shard| {
            if let Some(table) = shard.table(index, slot) {
                table.scan(0, |entry| {
                    if let Some(at) = entry.expiry() {
                        found.note_alive(at, now);
                    }
                });
            }
        });
    }
}

impl Lapsing {
    fn note_alive(&mut self, at: UnixMillis, now: UnixMillis) {
        self.alive += 1;
        self.left_ms += (at.0 - now.0).max(0) as u64;
    }
}
