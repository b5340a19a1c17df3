//! Several keys at once, and results that are kept under a key.

use datatypes::Borrowed;
use keyspace::{Entry as KeyEntry, Key, Value};

use super::{Context, Event};
use crate::error::Error;
use crate::reply::Reply;

impl Context<'_> {
    /// Gives `read` the collections that the keys hold, all at once, counted as hits and misses. A
    /// key that holds nothing gives `None`.
    pub fn view_all<V: Value, R>(
        &mut self,
        keys: &[Key<'_>],
        read: impl FnOnce(&[Option<Borrowed<'_, V>>], &mut Reply<'_>) -> R,
    ) -> Result<R, Error> {
        keys.iter().for_each(|key| self.tell_of_lapse(key));
        let index = self.db.index();
        let entries = self.db.get_all(keys);
        let mut values = Vec::with_capacity(entries.len());
        for (key, entry) in keys.iter().zip(&entries) {
            self.engine
                .note_lookup(self.worker, self.config, index, key, entry.is_some());
            values.push(match entry {
                None => None,
                Some(entry) => Some(entry.value().ok_or(Error::WrongKind)?),
            });
        }
        Ok(read(&values, &mut self.reply))
    }

    /// Makes the key hold a result, whatever it held before. It holds nothing if the result is
    /// empty.
    pub fn store<V: Value>(&mut self, key: &Key<'_>, event: Event, result: V) {
        let is_empty = result.is_empty();
        let previous = if is_empty {
            self.db.take(key)
        } else {
            let entry = KeyEntry::holding(key.bytes, result, None);
            self.db.overwrite(key, entry)
        };
        let held = previous.is_some();
        if let Some(entry) = previous {
            self.db.discard(entry);
        }
        if !is_empty {
            self.changed(1);
            self.signal(key, event);
        } else if held {
            self.changed(1);
            self.signal(key, Event::DEL);
        }
    }
}
