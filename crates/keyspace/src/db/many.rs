//! What several keys hold, at once.

use datatypes::table::Ref;

use super::{Db, Expire, is_past};
use crate::entry::Entry;
use crate::slot::Key;

impl Db<'_> {
    /// What each of the keys holds. The caller has got each of them just before, which counts as
    /// its use and deletes what is past its expiry.
    pub fn find_all(&self, keys: &[Key<'_>]) -> Vec<Option<Ref<'_, Entry>>> {
        let is_shown = |entry: &Ref<'_, Entry>| {
            self.expire != Expire::Hide || !is_past(entry.expiry(), self.now)
        };
        let find = |key: &Key<'_>| {
            let shard = self.shards.shared(key.slot.shard());
            shard.find(self.index, key).filter(is_shown)
        };
        keys.iter().map(find).collect()
    }
}
