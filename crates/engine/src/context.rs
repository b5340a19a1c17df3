//! What a handler works with.

use config::Config;
use datatypes::table::Ref;
use keyspace::{Db, Entry as KeyEntry, Key, Kind, Text};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::command::Entry;
use crate::dispatch::Worker;
use crate::error::Error;
use crate::reply::Reply;
use crate::session::Session;

/// The surroundings of one command: its locked keys, its client, its reply.
pub struct Context<'a> {
    pub engine: &'a Engine,
    pub config: &'a Config,
    pub session: &'a mut Session,
    pub worker: &'a mut Worker,
    pub db: Db<'a>,
    pub reply: Reply<'a>,
    /// The moment of the batch that the command came in.
    pub now: UnixMillis,
    pub command: &'a Entry,
    /// Whether anybody reads the log.
    pub(crate) logged: bool,
    pub(crate) changes: u64,
    pub(crate) has_own_effect: bool,
}

impl Context<'_> {
    /// Counts changes of data. A command that changed something is logged as it was sent, unless
    /// it says otherwise by [`Context::effect`].
    #[inline]
    pub fn changed(&mut self, count: u64) {
        self.changes += count;
    }

    /// Logs these words in place of the command's own: what was done, in terms that do not depend
    /// on when or where it is done again.
    pub fn effect<T: AsRef<[u8]>>(&mut self, words: &[T]) {
        self.has_own_effect = true;
        if self.logged {
            self.log_lapsed();
            self.worker.effects.push(self.db.index(), words);
        }
    }

    /// Keys that were found past their expiry are deleted for readers of the log too, before
    /// whatever the command did.
    pub(crate) fn log_lapsed(&mut self) {
        if !self.db.has_lapsed() {
            return;
        }
        for lapsed in self.db.take_lapsed() {
            self.worker.stats.expired.add(1);
            self.worker.stats.dirty.add(1);
            if self.logged {
                self.worker
                    .effects
                    .push(lapsed.db, &[b"DEL".as_slice(), &lapsed.key]);
            }
        }
    }

    /// What the key holds, counted as a hit or a miss.
    #[inline]
    pub fn read(&mut self, key: &Key<'_>) -> Option<Ref<'_, KeyEntry>> {
        let entry = self.db.get(key);
        let counter = match entry {
            Some(_) => &self.worker.stats.hits,
            None => &self.worker.stats.misses,
        };
        counter.add(1);
        entry
    }

    /// Gives `read` the string the key holds, counted as a hit or a miss.
    #[inline]
    pub fn read_string<R>(
        &mut self,
        key: &Key<'_>,
        read: impl FnOnce(Text<'_>, &mut Reply<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        let Some(entry) = self.db.get(key) else {
            self.worker.stats.misses.add(1);
            return Ok(None);
        };
        self.worker.stats.hits.add(1);
        match entry.kind() {
            Kind::String => Ok(Some(read(entry.text(), &mut self.reply))),
        }
    }

    /// The longest string a command may make.
    pub fn string_bytes_max(&self) -> u64 {
        self.config.clients.bulk_len_max.0
    }
}
