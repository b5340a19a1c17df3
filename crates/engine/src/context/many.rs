//! Several keys at once, and results that are kept under a key.

use datatypes::Borrowed;
use datatypes::table::Ref;
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
        // One after the other, so that what is told of the keys is in their order.
        for key in keys {
            let is_other = |entry: Ref<'_, KeyEntry>| entry.value::<V>().is_none();
            if self.read(key).is_some_and(is_other) {
                return Err(Error::WrongKind);
            }
        }
        let entries = self.db.find_all(keys);
        let values = entries.iter().map(|entry| entry.as_ref()?.value());
        let values: Vec<_> = values.collect();
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
