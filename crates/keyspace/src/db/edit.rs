//! Changing what a key holds, in view of what it holds.

use super::{Db, WrongType};
use crate::entry::Entry;
use crate::kind::{Kind, Value};
use crate::recall::Usage;
use crate::slot::Key;

impl Db<'_> {
    /// Replaces the entry of a key that is there by what `change` makes of it, if `plan`, which
    /// sees it before, has no reason against it. The key and the expiry must stay the same.
    /// Returns what `change` returns, or `None` if the key holds nothing.
    ///
    /// When `plan` fails nothing has happened, and no watcher is told. As long as nobody watches
    /// the shard and no snapshot is on its way to the slot, the key is looked up once.
    #[inline]
    pub fn try_change<P, R, E>(
        &mut self,
        key: &Key<'_>,
        plan: impl FnOnce(&Entry) -> Result<P, E>,
        change: impl FnOnce(Entry, P) -> (Entry, R),
    ) -> Result<Option<R>, E> {
        self.expire_if_due(key);
        let (index, now) = (self.index, self.now);
        let shard = self.shards.get(key.slot.shard());
        let observed = shard.is_observed(key);
        let Some(place) = shard.place(index, key) else {
            return Ok(None);
        };
        let planned = plan(&place.get())?;
        let mut place = match observed {
            false => place,
            true => {
                shard.before_write(index, key);
                let place = shard.place(index, key);
                place.expect("a key stays where it is when its watchers are told")
            }
        };
        let recall = &mut self.notes.recall;
        Ok(Some(place.update(|entry| {
            let access = recall.used(entry.access(), now);
            let changed = entry.is_changed();
            let (mut entry, result) = change(entry, planned);
            entry.succeed(changed, access);
            (entry, result)
        })))
    }

    /// Keeps the string of a key as bytes that are `raw`, though nothing in it changes. Counts as a
    /// use of the key, but no watcher is told.
    pub fn make_raw(&mut self, key: &Key<'_>) {
        self.lengthen(key, 0);
    }

    /// As [`Db::make_raw`], with zeros behind it if it has fewer than `len` bytes. Returns whether
    /// it had. Of these no watcher is told either.
    pub fn lengthen(&mut self, key: &Key<'_>, len: usize) -> bool {
        let text_len = |entry: &Entry| (entry.kind() == Kind::String).then(|| entry.text().len());
        let Some((old_len, is_raw)) = self
            .get(key)
            .and_then(|entry| Some((text_len(&entry)?, entry.is_raw())))
        else {
            return false;
        };
        let grows = old_len < len;
        if is_raw && !grows {
            return false;
        }
        let index = self.index;
        let shard = self.shards.get(key.slot.shard());
        if grows {
            shard.before_edit(index, key);
        }
        if let Some(mut place) = shard.place(index, key) {
            place.update(|entry| {
                let mut entry = entry.with_len(old_len.max(len));
                entry.mark_raw();
                (entry, ())
            });
        }
        grows
    }

    /// Gives `read` the collection that the key holds; `None` if it holds nothing.
    #[inline]
    pub fn view<V: Value, R>(
        &mut self,
        key: &Key<'_>,
        read: impl FnOnce(&V) -> R,
    ) -> Result<Option<R>, WrongType> {
        let Some(entry) = self.get(key) else {
            return Ok(None);
        };
        let value = entry.value::<V>().ok_or(WrongType)?;
        Ok(Some(read(&value)))
    }

    /// Gives `edit` the collection that the key holds; `None` if it holds nothing. Whoever edits
    /// tells the watchers, and removes the key if nothing is left: whether that is so comes second.
    #[inline]
    pub fn edit<V: Value, R>(
        &mut self,
        key: &Key<'_>,
        edit: impl FnOnce(&mut V) -> R,
    ) -> Result<Option<(R, bool)>, WrongType> {
        self.expire_if_due(key);
        let (index, now) = (self.index, self.now);
        let shard = self.shards.get(key.slot.shard());
        shard.before_edit(index, key);
        let Some(mut place) = shard.place(index, key) else {
            return Ok(None);
        };
        let recall = &mut self.notes.recall;
        let edited = place.update(|mut entry| {
            let edited = entry.edit(|value: &mut V| (edit(value), value.is_empty()));
            if edited.is_some() {
                let access = recall.used(entry.access(), now);
                entry.set_access(access);
            }
            (entry, edited)
        });
        edited.ok_or(WrongType).map(Some)
    }

    /// Tells those who watch a key that it was edited.
    #[inline]
    pub fn touch(&mut self, key: &Key<'_>) {
        let index = self.index;
        let watchers = &self.shards.get(key.slot.shard()).watchers;
        if !watchers.is_empty() {
            watchers.touch(index, key.bytes);
        }
    }

    /// Makes a key hold something, whatever it held before, which is returned. Only a key that held
    /// nothing is reported as created, and wakes those who wait for it.
    pub fn overwrite(&mut self, key: &Key<'_>, entry: Entry) -> Option<Entry> {
        let previous = self.remove(key);
        let before = self.notes.made();
        self.create(key, entry);
        if previous.is_some() {
            self.notes.forget_made(before);
        }
        previous
    }

    /// As [`Db::create`], of an entry that was used elsewhere.
    pub fn create_used(&mut self, key: &Key<'_>, mut entry: Entry, usage: Usage) {
        entry.set_access(self.notes.recall.restored(usage, self.now));
        self.insert(key, entry);
    }

    /// Makes a key that is not there hold something. The entry carries the same key.
    pub fn create(&mut self, key: &Key<'_>, mut entry: Entry) {
        entry.set_access(self.notes.recall.created(self.now));
        self.insert(key, entry);
    }

    /// As [`Db::create`], but no watcher is told.
    pub fn create_unheard(&mut self, key: &Key<'_>, mut entry: Entry) {
        entry.set_access(self.notes.recall.created(self.now));
        self.insert_unheard(key, entry);
    }
}
