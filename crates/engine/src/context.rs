//! What a handler works with.

use config::Config;
use datatypes::table::Ref;
use keyspace::{Db, Entry as KeyEntry, Key, Kind, ShardSet, Text};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::command::Entry;
use crate::dispatch::{self, Worker};
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
    /// Whether another command runs this one, as `EXEC` does: then it must not wait for anything.
    pub nested: bool,
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

    /// Hides a word of the request, its place counted from the command's name on, from monitors and
    /// the slow log: it is a secret.
    pub fn redact(&mut self, word: usize) {
        self.worker.redacted.push(word);
    }

    /// Keys that were found past their expiry are deleted for readers of the log too, before
    /// whatever the command did.
    pub(crate) fn log_lapsed(&mut self) {
        if self.db.has_lapsed() {
            let lapsed = self.db.take_lapsed();
            self.worker
                .note_lapsed(lapsed, self.logged, self.config.memory.lazy_expire);
        }
    }

    /// Looks at a key that was not declared, in a command that walks over keys: under its shard's
    /// lock, which is taken for the moment unless every lock is held. If the key is past its
    /// expiry, its deletion enters the log before that lock is given back.
    pub fn visit_key<R>(&mut self, key: &Key<'_>, look: impl FnOnce(&mut Db<'_>) -> R) -> R {
        if self.db.holds(key) {
            return look(&mut self.db);
        }
        let mut locked = self.engine.keyspace.lock(ShardSet::of(key.slot.shard()));
        locked.set_recall(dispatch::recall(self.config, self.worker));
        let mode = self.db.expire_mode();
        let result = look(&mut locked.db(self.db.index(), self.now, mode));
        if locked.has_lapsed() {
            let (log, lapsed) = (&self.engine.log, locked.take_lapsed());
            self.worker
                .note_lapsed(lapsed, log.is_read(), self.config.memory.lazy_expire);
            if !self.worker.effects.is_empty() {
                log.append(&mut self.worker.effects);
            }
        }
        result
    }

    /// As [`Context::read`], without counting as a use of the key.
    pub fn peek(&mut self, key: &Key<'_>) -> Option<Ref<'_, KeyEntry>> {
        let entry = self.db.peek(key);
        let counter = match entry {
            Some(_) => &self.worker.stats.hits,
            None => &self.worker.stats.misses,
        };
        counter.add(1);
        entry
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
