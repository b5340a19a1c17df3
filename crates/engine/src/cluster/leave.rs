//! What becomes of a slot that is served elsewhere from now on: of those who wait for its keys,
//! of those who hear its channels, and of the keys themselves.

use ::cluster::Map;
use config::Config;
use keyspace::{DbIndex, Expire, ShardSet, Slot};

use super::SlotMap;
use crate::Engine;
use crate::clients::ClientFlags;
use crate::context::Event;
use crate::dispatch::Worker;

/// Keys that are deleted under their shard's lock in one go.
const DELETED_AT_ONCE: usize = 64;

impl Engine {
    /// Commands are judged by this map from now on.
    pub fn publish_map(&self, map: Map) {
        let config = self.config.load();
        let map = self.cluster.change_map(|known, _| *known = map);
        self.redirect_blocked(&config, &map);
        self.drop_channels(&map);
    }

    /// Ends the waits for keys that are served elsewhere now.
    fn redirect_blocked(&self, config: &Config, map: &SlotMap) {
        self.blocking.redirect(|key, client| {
            let slot = Slot::of(key);
            let Some(owner) = map.owner(slot) else {
                return Some("CLUSTERDOWN Hash slot not served".to_owned());
            };
            if !map.map.ok {
                return Some("CLUSTERDOWN The cluster is down".to_owned());
            }
            let is_imported = SlotMap::target(&map.map.importing, slot).is_some();
            let is_read_here =
                client.has(ClientFlags::READS_REPLICA) && map.map.primary == Some(owner);
            if owner == map.map.myself || is_imported || is_read_here {
                return None;
            }
            let place = map.place(config, owner, client.endpoints.encrypted);
            Some(format!("MOVED {} {place}", slot.number()))
        });
    }

    /// Ends the subscriptions to channels of slots that belong to another shard now.
    fn drop_channels(&self, map: &SlotMap) {
        self.pubsub
            .drop_shard_channels(|channel| !map.hears(Slot::of(channel)));
    }

    /// Deletes some keys of a slot that others own now, unless it is on its way here, as
    /// `is_coming` says under its lock. Returns whether there may be more: nobody is kept waiting
    /// for long.
    pub fn delete_from_slot(
        &self,
        worker: &mut Worker,
        slot: u16,
        is_coming: &dyn Fn(u16) -> bool,
    ) -> bool {
        let slot = Slot::new(slot);
        let mut locked = self.keyspace.lock(ShardSet::of(slot.shard()));
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        let is_hidden = db.is_hidden(slot);
        // It may have come back meanwhile; or it was taken right before the node went down, or its
        // primary did, and is hidden still.
        let is_mine = self.cluster.map.load().is_mine(slot);
        if is_coming(slot.number()) || (is_mine && !is_hidden) {
            return false;
        }
        let keys = match is_mine {
            true => Vec::new(),
            false => db.all_slot_keys(slot, DELETED_AT_ONCE),
        };
        let config = self.config.load();
        let is_logged = self.log.is_read();
        let mut removed = Vec::new();
        for bytes in &keys {
            removed.extend(db.remove(&self.keyspace.key(bytes)));
            if !is_hidden {
                self.notify(&config, DbIndex(0), bytes, Event::DEL);
            }
            if is_logged {
                let words: [&[u8]; 2] = [b"DEL", bytes];
                worker.effects.push(DbIndex(0), &words);
            }
        }
        let more = keys.len() == DELETED_AT_ONCE;
        if is_hidden && !more {
            db.hide_slot(slot, false);
            if is_logged {
                let number = slot.number().to_string();
                let words = ["CLUSTER", "SYNCSLOTS", "SHOW", &number, &number];
                worker.effects.push(DbIndex(0), &words);
            }
        }
        worker.stats.dirty.add(keys.len() as u64);
        if !worker.effects.is_empty() {
            worker.append_effects(&self.log);
        }
        let discarded = locked.take_discarded();
        drop(locked);
        self.log.wake_readers();
        // A large collection takes long to free.
        let large = removed.into_iter().filter(|entry| entry.is_large());
        large.for_each(|entry| self.free(entry, true));
        if !discarded.is_empty() {
            self.garbage.add(discarded);
        }
        more
    }

    /// Whether any db but the first, which is all that a cluster has, holds a key.
    pub fn holds_other_dbs(&self) -> bool {
        let mut locked = self.keyspace.lock(ShardSet::NONE);
        (1..self.keyspace.dbs()).any(|index| {
            let mut db = locked.db(DbIndex(index), self.now(), Expire::Ignore);
            db.count().0 > 0
        })
    }

    /// The slots that hold a key.
    pub fn occupied_slots(&self) -> Vec<u16> {
        let mut locked = self.keyspace.lock(ShardSet::NONE);
        let mut db = locked.db(DbIndex(0), self.now(), Expire::Ignore);
        let slots = 0..keyspace::SLOTS as u16;
        slots
            .filter(|&slot| db.slot_len(Slot::new(slot)) > 0)
            .collect()
    }
}
