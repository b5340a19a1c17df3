//! Active expiry: finding the keys whose time has come though nobody asks for them.
//!
//! There is no second table of expiring keys. Each slot knows how many of its keys expire and a
//! bound below which none does, so a walk touches only slots where something may be due. The walk
//! goes in bounded steps, one shard's lock at a time.

use stdx::time::UnixMillis;

use crate::Db;
use crate::db::is_past;
use crate::slot::{SHARDS, SLOTS_PER_SHARD, Slot};

/// How far a walk has come. The default is the beginning of a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExpiryCursor {
    ordinal: usize,
    position: u64,
}

/// With so few expiring keys in a shard, all its slots are looked at to know how long keys have
/// left; with more, one slot is enough.
const SAMPLED_KEYS: usize = 16;

/// What one step of the walk found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lapsing {
    /// Keys with an expiry that were looked at, and are still alive.
    pub alive: u64,
    /// The time those have left, added up, in milliseconds.
    pub left_ms: u64,
    pub deleted: u64,
    /// The walk has been through all slots.
    pub finished: bool,
}

impl ExpiryCursor {
    /// The shard that the next step needs the lock of.
    pub fn shard(&self) -> usize {
        self.ordinal / SLOTS_PER_SHARD
    }
}

impl Db<'_> {
    /// Looks at the keys of this db from `cursor` on, `budget` at most and within one shard, and
    /// deletes those past their expiry.
    pub fn expire_step(&mut self, cursor: &mut ExpiryCursor, budget: usize) -> Lapsing {
        let (index, now) = (self.index(), self.now());
        let (shard, mut found, mut seen) = (cursor.shard(), Lapsing::default(), 0);
        while cursor.shard() == shard && seen < budget {
            let slot = Slot::from_parts(shard, cursor.ordinal % SLOTS_PER_SHARD);
            let due = self.visit_shard(shard, |shard| {
                let db = shard.db(index).filter(|db| db.volatile > 0)?;
                let sampled = db.volatile <= SAMPLED_KEYS || slot.within() == 0;
                let earliest = db.slot(slot.within()).map(|slot| slot.earliest);
                let is_due = earliest.is_some_and(|earliest| earliest < now);
                Some((is_due && !shard.hides(slot.within()), sampled))
            });
            match due {
                None => {
                    *cursor = ExpiryCursor {
                        ordinal: (shard + 1) * SLOTS_PER_SHARD,
                        position: 0,
                    }
                }
                Some((false, sampled)) => {
                    if sampled {
                        self.sample_slot(slot, &mut found);
                    }
                    *cursor = ExpiryCursor {
                        ordinal: cursor.ordinal + 1,
                        position: 0,
                    }
                }
                Some((true, _)) => {
                    seen += self.expire_in_slot(slot, cursor, budget - seen, &mut found);
                }
            }
        }
        if cursor.ordinal >= SHARDS * SLOTS_PER_SHARD {
            *cursor = ExpiryCursor::default();
            found.finished = true;
        }
        found
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
            cursor.ordinal += 1;
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
