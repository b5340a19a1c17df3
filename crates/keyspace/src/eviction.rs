//! Looking for keys that can be given up when memory is full.
//!
//! No key is in any order of use: a few are drawn at random, and whoever evicts takes the best of
//! them, as Redis does. Drawing needs one shard's lock at a time.

use datatypes::table::Table;

use crate::Db;
use crate::entry::Entry;
use crate::shard::ShardDb;

/// How often a slot's keys are drawn for one that expires, before all of them are looked at.
const DRAWS_MAX: usize = 16;

impl Db<'_> {
    /// Shows up to `count` keys of this db that `random` draws from one shard, the first from shard
    /// `from` on that has any: all kinds of keys, or only those that expire. The same key may be
    /// shown twice. Returns whether there was any.
    pub fn draw(
        &mut self,
        from: usize,
        only_volatile: bool,
        count: usize,
        random: &mut impl FnMut(u64) -> u64,
        mut show: impl FnMut(&Entry),
    ) -> bool {
        let index = self.index();
        (0..crate::SHARDS).any(|step| {
            self.visit_shard((from + step) % crate::SHARDS, |shard| {
                let Some(db) = shard.db(index) else {
                    return false;
                };
                let candidates = if only_volatile { db.volatile } else { db.keys };
                for _ in 0..count.min(candidates) {
                    draw_one(db, only_volatile, random, &mut show);
                }
                candidates > 0
            })
        })
    }
}

/// Shows one key of a shard that has some.
fn draw_one(
    db: &ShardDb,
    only_volatile: bool,
    random: &mut impl FnMut(u64) -> u64,
    show: &mut impl FnMut(&Entry),
) {
    let candidates = if only_volatile { db.volatile } else { db.keys };
    let mut nth = random(candidates as u64) as usize;
    for slot in db.slots() {
        let here = match only_volatile {
            true => slot.volatile as usize,
            false => slot.table.len(),
        };
        match nth.checked_sub(here) {
            Some(rest) => nth = rest,
            None if only_volatile => return draw_volatile(&slot.table, random, show),
            None => {
                if let Some(entry) = slot.table.sample(|| random(u64::MAX)) {
                    show(&entry);
                }
                return;
            }
        }
    }
}

/// Shows one of a slot's keys that expire, of which there is at least one.
fn draw_volatile(
    table: &Table<Entry>,
    random: &mut impl FnMut(u64) -> u64,
    show: &mut impl FnMut(&Entry),
) {
    for _ in 0..DRAWS_MAX {
        let drawn = table.sample(|| random(u64::MAX));
        if let Some(entry) = drawn.filter(|entry| entry.expiry().is_some()) {
            return show(&entry);
        }
    }
    if let Some(entry) = table.iter().find(|entry| entry.expiry().is_some()) {
        show(&entry);
    }
}

#[cfg(test)]
mod tests;
