//! Waiting until a key holds something.

use super::Db;
use crate::DbIndex;
use crate::lock::ShardSet;
use crate::slot::{Key, SHARDS};
use crate::waiters::WaiterId;

impl Db<'_> {
    /// Notes that somebody waits for the key, behind those who wait for it already. When the key
    /// comes to hold something it is reported by [`Locked::take_ready`](crate::Locked::take_ready).
    /// Whoever may be the one to make it so locks the shards `beyond` too, for they are what
    /// serving the wait touches: see [`Keyspace::lock_to_serve`](crate::Keyspace::lock_to_serve).
    pub fn wait_for(&mut self, key: &Key<'_>, id: WaiterId, beyond: ShardSet) {
        let index = self.index;
        let shard = self.shards.get(key.slot.shard());
        shard.waiters.add(index, key.bytes, id, beyond);
    }

    pub fn stop_waiting(&mut self, key: &Key<'_>, id: WaiterId) {
        let index = self.index;
        let shard = self.shards.get(key.slot.shard());
        shard.waiters.remove(index, key.bytes, id);
    }

    /// Those who wait for the key, in the order they began.
    pub fn waiters(&mut self, key: &Key<'_>) -> Vec<WaiterId> {
        let index = self.index;
        self.shards
            .get(key.slot.shard())
            .waiters
            .of(index, key.bytes)
    }

    pub fn has_ready(&self) -> bool {
        self.notes.has_ready()
    }

    /// Reports awaited keys of a db that has got other contents. Needs every lock.
    pub(super) fn note_ready(&mut self, index: DbIndex) {
        let here = self.index;
        self.index = index;
        for shard in 0..SHARDS {
            for awaited in self.shards.get(shard).waiters.keys(index) {
                let key = self.key(&awaited);
                if self.shards.get(shard).find(index, &key).is_some() {
                    self.notes.note().ready.push((index, awaited));
                }
            }
        }
        self.index = here;
    }
}
