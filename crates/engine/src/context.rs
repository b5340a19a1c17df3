//! What a handler works with.

use config::{Config, KeyspaceEvents};
use datatypes::table::Ref;
use keyspace::{Db, DbIndex, Entry as KeyEntry, Key, Kind, ShardSet, Text, Value};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::clients::Wakes;
use crate::command::Entry;
use crate::dispatch::{self, Worker};
use crate::error::Error;
use crate::reply::Reply;
use crate::session::{Origin, Session};

mod many;

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

/// Something that happens to a key, as those are told who listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub class: KeyspaceEvents,
    pub name: &'static str,
}

impl Event {
    pub const DEL: Event = Event::new(KeyspaceEvents::GENERIC, "del");
    pub const EXPIRED: Event = Event::new(KeyspaceEvents::EXPIRED, "expired");
    pub const EVICTED: Event = Event::new(KeyspaceEvents::EVICTED, "evicted");
    const KEY_MISS: Event = Event::new(KeyspaceEvents::KEY_MISS, "keymiss");
    const NEW: Event = Event::new(KeyspaceEvents::NEW_KEY, "new");

    pub const fn new(class: KeyspaceEvents, name: &'static str) -> Event {
        Event { class, name }
    }
}

impl Engine {
    /// Publishes what has happened to a key, as far as the configuration wants it.
    pub(crate) fn notify(&self, config: &Config, db: DbIndex, key: &[u8], event: Event) {
        let wanted = config.clients.keyspace_events;
        if !wanted.intersects(event.class) {
            return;
        }
        let mut wakes = Wakes::default();
        if wanted.contains(KeyspaceEvents::KEYSPACE) {
            let mut channel = format!("__keyspace@{}__:", db.0).into_bytes();
            channel.extend_from_slice(key);
            self.publish(config, &mut wakes, &channel, event.name.as_bytes());
        }
        if wanted.contains(KeyspaceEvents::KEYEVENT) {
            let channel = format!("__keyevent@{}__:{}", db.0, event.name);
            self.publish(config, &mut wakes, channel.as_bytes(), key);
        }
    }
}

impl Engine {
    /// Counts a key that was looked up.
    #[inline]
    pub fn note_lookup(
        &self,
        worker: &Worker,
        config: &Config,
        db: DbIndex,
        key: &Key<'_>,
        found: bool,
    ) {
        match found {
            true => worker.stats.hits.add(1),
            false => {
                worker.stats.misses.add(1);
                self.notify(config, db, key.bytes, Event::KEY_MISS);
            }
        }
    }
}

/// What editing a collection did: how many changes it counts as, and what it found.
pub type Edit<R> = Result<(u64, R), Error>;

impl Context<'_> {
    /// Tells those who watch the key, and those who listen, what has happened to it.
    #[inline]
    pub fn signal(&mut self, key: &Key<'_>, event: Event) {
        self.db.touch(key);
        self.notify(key, event);
    }

    /// As [`Context::signal`], of what its watchers were told already.
    #[inline]
    pub fn notify(&mut self, key: &Key<'_>, event: Event) {
        // What is on its way here is nobody's business yet.
        let is_told = self.session.origin != Origin::Import;
        if !self.config.clients.keyspace_events.is_empty() && is_told {
            self.log_lapsed();
            let (engine, config) = (self.engine, self.config);
            self.tell_created();
            engine.notify(config, self.db.index(), key.bytes, event);
        }
    }

    /// Tells of keys that were created, as far as anybody listens.
    pub(crate) fn tell_created(&mut self) {
        for (db, created) in self.db.take_created() {
            if self.session.origin == Origin::Import {
                continue;
            }
            self.engine.notify(self.config, db, &created, Event::NEW);
        }
    }

    /// Gives `read` the collection the key holds, counted as a hit or a miss.
    #[inline]
    pub fn view<V: Value, R>(
        &mut self,
        key: &Key<'_>,
        read: impl FnOnce(&V, &mut Reply<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        self.tell_of_lapse(key);
        let reply = &mut self.reply;
        let found = self.db.view(key, |value: &V| read(value, reply))?;
        let index = self.db.index();
        self.engine
            .note_lookup(self.worker, self.config, index, key, found.is_some());
        Ok(found)
    }

    /// Gives `edit` the collection the key holds; `None` if it holds nothing. If anything changed
    /// the change is counted and signalled, and a key that holds nothing any longer is deleted.
    #[inline]
    pub fn edit<V: Value, R>(
        &mut self,
        key: &Key<'_>,
        event: Event,
        edit: impl FnOnce(&mut V, &mut Reply<'_>) -> Edit<R>,
    ) -> Result<Option<R>, Error> {
        let reply = &mut self.reply;
        let Some((edited, is_empty)) = self.db.edit(key, |value: &mut V| edit(value, reply))?
        else {
            return Ok(None);
        };
        let (changes, result) = edited?;
        if changes > 0 {
            self.changed(changes);
            self.signal(key, event);
            if is_empty {
                self.db.remove(key);
                self.signal(key, Event::DEL);
            }
        }
        Ok(Some(result))
    }

    /// As [`Context::edit`], of a collection that `new` makes if the key holds nothing.
    #[inline]
    pub fn edit_or_create<V: Value, R>(
        &mut self,
        key: &Key<'_>,
        event: Event,
        new: impl FnOnce() -> V,
        edit: impl FnOnce(&mut V, &mut Reply<'_>) -> Edit<R>,
    ) -> Result<R, Error> {
        let mut edit = Some(edit);
        let edited = self.edit(key, event, |value: &mut V, reply| {
            let edit = edit.take().expect("a collection is edited once");
            edit(value, reply)
        })?;
        let edit = match (edited, edit) {
            (Some(result), _) => return Ok(result),
            (None, edit) => edit.expect("nothing was edited"),
        };
        let mut value = new();
        let (changes, result) = edit(&mut value, &mut self.reply)?;
        if !value.is_empty() {
            self.db
                .create(key, KeyEntry::holding(key.bytes, value, None));
        }
        if changes > 0 {
            self.changed(changes);
            self.signal(key, event);
        }
        Ok(result)
    }

    /// Counts changes of data. A command that changed something is logged as it was sent, unless
    /// it says otherwise by [`Context::effect`].
    #[inline]
    pub fn changed(&mut self, count: u64) {
        self.changes += count;
    }

    /// What this command has changed so far.
    pub fn changes(&self) -> u64 {
        self.changes
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

    /// Tells replicas of something that is no change of data. The append-only file alone has no
    /// need of it.
    ///
    /// It is in the log when this returns, unless it is part of a transaction: whoever hears of it
    /// afterwards, and does something because of it, comes later in the log.
    pub fn effect_for_replicas(&mut self, words: &[&[u8]]) {
        if !self.logged || !self.engine.log.is_kept() {
            return;
        }
        self.worker.effects.push(self.db.index(), words);
        if !self.nested {
            self.worker.append_effects(&self.engine.log);
            self.session.written_to = self.worker.appended_to;
        }
    }

    /// Whether anybody reads the log: with nobody, an effect need not be put into words.
    pub fn is_logged(&self) -> bool {
        self.logged
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
            self.engine.note_lapsed(self.worker, self.config, lapsed);
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
        dispatch::prepare(&mut locked, self.config, self.worker);
        let mode = self.db.expire_mode();
        let result = look(&mut locked.db(self.db.index(), self.now, mode));
        if locked.has_lapsed() {
            let lapsed = locked.take_lapsed();
            self.engine.note_lapsed(self.worker, self.config, lapsed);
            if !self.worker.effects.is_empty() {
                self.worker.append_effects(&self.engine.log);
                self.engine.log.wake_readers();
            }
        }
        result
    }

    /// If the key is past its expiry, and misses are told: tells of its end before the miss.
    #[inline]
    fn tell_of_lapse(&mut self, key: &Key<'_>) {
        let wanted = self.config.clients.keyspace_events;
        if wanted.contains(KeyspaceEvents::KEY_MISS) {
            self.db.contains(key);
            self.log_lapsed();
        }
    }

    /// As [`Context::read`], without counting as a use of the key.
    pub fn peek(&mut self, key: &Key<'_>) -> Option<Ref<'_, KeyEntry>> {
        self.tell_of_lapse(key);
        let index = self.db.index();
        let entry = self.db.peek(key);
        self.engine
            .note_lookup(self.worker, self.config, index, key, entry.is_some());
        entry
    }

    /// As [`Context::peek`], but nobody is told of a miss.
    pub fn inspect(&mut self, key: &Key<'_>) -> Option<Ref<'_, KeyEntry>> {
        let entry = self.db.peek(key);
        match entry {
            Some(_) => self.worker.stats.hits.add(1),
            None => self.worker.stats.misses.add(1),
        }
        entry
    }

    /// What the key holds, counted as a hit or a miss.
    #[inline]
    pub fn read(&mut self, key: &Key<'_>) -> Option<Ref<'_, KeyEntry>> {
        self.tell_of_lapse(key);
        let index = self.db.index();
        let entry = self.db.get(key);
        self.engine
            .note_lookup(self.worker, self.config, index, key, entry.is_some());
        entry
    }

    /// Gives `read` the string the key holds, counted as a hit or a miss.
    #[inline]
    pub fn read_string<R>(
        &mut self,
        key: &Key<'_>,
        read: impl FnOnce(Text<'_>, &mut Reply<'_>) -> R,
    ) -> Result<Option<R>, Error> {
        self.tell_of_lapse(key);
        let index = self.db.index();
        let entry = self.db.get(key);
        self.engine
            .note_lookup(self.worker, self.config, index, key, entry.is_some());
        let Some(entry) = entry else {
            return Ok(None);
        };
        match entry.kind() {
            Kind::String => Ok(Some(read(entry.text(), &mut self.reply))),
            _ => Err(Error::WrongKind),
        }
    }

    /// The longest string a command may make.
    pub fn string_bytes_max(&self) -> u64 {
        self.config.clients.bulk_len_max.0
    }
}
