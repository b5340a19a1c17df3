//! `MULTI`: commands that are queued, then run at one moment.

use std::mem::{size_of, size_of_val};
use std::sync::atomic::Ordering;

use keyspace::{Keyspace, ShardSet};

use crate::Engine;
use crate::args::{Args, Located};
use crate::clients::ClientFlags;
use crate::clients::usage::name_bytes;
use crate::command::{CommandId, CommandResult, Flags};
use crate::context::Context;
use crate::dispatch::{self, locate};
use crate::error::Error;

use crate::session::{Session, Watched, WatchedKey};

/// An open transaction.
#[derive(Debug, Default)]
pub struct Transaction {
    queue: Vec<Queued>,
    /// A command was refused while it was to be queued, so none will run.
    aborted: bool,
}

/// A queued command: its words one behind the other, and where each ends.
#[derive(Debug)]
struct Queued {
    command: CommandId,
    words: Box<[u8]>,
    ends: Box<[usize]>,
}

impl Queued {
    fn new(command: CommandId, words: &[&[u8]]) -> Queued {
        let mut end = 0;
        let ends = words.iter().map(|word| {
            end += word.len();
            end
        });
        Queued {
            command,
            ends: ends.collect(),
            words: words.concat().into(),
        }
    }

    /// The memory it takes.
    fn bytes(&self) -> u64 {
        (size_of::<Queued>() + self.words.len() + size_of_val(&*self.ends)) as u64
    }

    fn words(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.words[start..end])
            .collect()
    }
}

impl Transaction {
    pub fn abort(&mut self) {
        self.aborted = true;
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Shows the queued commands, in their order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(CommandId, &[&[u8]])) {
        for queued in &self.queue {
            visit(queued.command, &queued.words());
        }
    }

    /// Whether a queued command has any of `flags`.
    pub fn has(&self, engine: &Engine, flags: Flags) -> bool {
        self.queue
            .iter()
            .any(|queued| engine.table.get(queued.command).flags.has(flags))
    }

    /// Whether a queued command has none of these flags.
    pub fn lacks(&self, engine: &Engine, flags: Flags) -> bool {
        self.queue
            .iter()
            .any(|queued| !engine.table.get(queued.command).flags.has(flags))
    }
}

impl Session {
    pub fn begin_transaction(&mut self) -> Result<(), Error> {
        if self.transaction.is_some() {
            return Err(Error::text("ERR MULTI calls can not be nested"));
        }
        self.transaction = Some(Box::default());
        self.client.set(ClientFlags::MULTI, true);
        self.client.queued.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Adds a command to the open transaction.
    pub(crate) fn queue(&mut self, command: CommandId, words: &[&[u8]]) {
        let transaction = self
            .transaction
            .as_mut()
            .expect("commands are queued in a transaction");
        let queued = Queued::new(command, words);
        let bytes = queued.bytes();
        transaction.queue.push(queued);
        self.client
            .queued
            .store(transaction.queue.len() as i64, Ordering::Relaxed);
        let taken = &self.client.usage.queued;
        taken.fetch_add(bytes, Ordering::Relaxed);
        self.client.count();
    }

    fn take_transaction(&mut self) -> Option<Box<Transaction>> {
        self.client.set(ClientFlags::MULTI, false);
        self.client.queued.store(-1, Ordering::Relaxed);
        self.client.usage.queued.store(0, Ordering::Relaxed);
        self.transaction.take()
    }

    /// The shards of what the open transaction touches and of the watched keys.
    pub(crate) fn transaction_shards(&self, engine: &Engine) -> ShardSet {
        let mut shards = ShardSet::NONE;
        for watched in self.watched.iter().flat_map(|watched| &watched.keys) {
            shards.insert(engine.keyspace.key(&watched.key).slot.shard());
        }
        for queued in self
            .transaction
            .iter()
            .flat_map(|transaction| &transaction.queue)
        {
            let entry = engine.table.get(queued.command);
            let (mut located, words) = (Vec::new(), queued.words());
            if entry.flags.has(Flags::WALKS) || entry.reaches_everything(&words) {
                return ShardSet::ALL;
            }
            // A command whose keys cannot be found fails when it runs, before it touches any.
            if locate(&engine.keyspace, entry, &words, &mut located).is_ok() {
                located
                    .iter()
                    .for_each(|located| shards.insert(located.key.slot.shard()));
            }
        }
        shards
    }
}

impl Context<'_> {
    pub fn watch(&mut self, keys: &[keyspace::Key<'_>]) {
        let watched = self.session.watched.get_or_insert_default();
        let (client, before) = (&self.session.client, watched.keys.len());
        if before == 0 {
            client.watch_by(Some(&watched.flag));
        }
        for key in keys {
            let (db, bytes) = (self.db.index(), Box::from(key.bytes));
            if watched
                .keys
                .iter()
                .any(|known| known.db == db && known.key == bytes)
            {
                continue;
            }
            self.db.watch(key, &watched.flag);
            watched.keys.push(WatchedKey { db, key: bytes });
        }
        let names = watched.keys[before..].iter();
        let bytes: u64 = names.map(|watched| name_bytes(&watched.key)).sum();
        client.usage.watched.fetch_add(bytes, Ordering::Relaxed);
        let count = watched.keys.len() as u32;
        client.watched.store(count, Ordering::Relaxed);
    }

    /// Watches nothing any longer. The watched keys are locked.
    pub fn unwatch(&mut self) {
        let Some(watched) = self.session.watched.take() else {
            return;
        };
        let here = self.db.index();
        for key in &watched.keys {
            self.db.select(key.db);
            self.db.unwatch(&self.db.key(&key.key), &watched.flag);
        }
        self.db.select(here);
        let client = &self.session.client;
        client.watch_by(None);
        client.watched.store(0, Ordering::Relaxed);
        client.usage.watched.store(0, Ordering::Relaxed);
    }

    /// Drops the open transaction and what it watched.
    pub fn discard(&mut self) -> Result<(), Error> {
        self.session
            .take_transaction()
            .ok_or(Error::text("ERR DISCARD without MULTI"))?;
        self.unwatch();
        Ok(())
    }

    /// Runs the open transaction. Everything it touches is locked.
    pub fn execute(&mut self) -> CommandResult {
        let transaction = self
            .session
            .take_transaction()
            .ok_or(Error::UnbalancedExec)?;
        let changed = self.watched_has_changed();
        self.unwatch();
        if transaction.aborted {
            let text = "EXECABORT Transaction discarded because of previous errors.";
            return Err(Error::text(text));
        }
        if changed {
            return Ok(self.reply.null_array());
        }
        self.run_queue(&transaction.queue)
    }

    fn watched_has_changed(&mut self) -> bool {
        let Some(watched) = &self.session.watched else {
            return false;
        };
        if watched.flag.is_raised() {
            return true;
        }
        let here = self.db.index();
        let ended = watched.keys.iter().any(|key| {
            self.db.select(key.db);
            self.db.has_ended(&self.db.key(&key.key), &watched.flag)
        });
        self.db.select(here);
        ended
    }

    fn run_queue(&mut self, queue: &[Queued]) -> CommandResult {
        let first_effect = self.worker.effects.len();
        self.reply.buffer().reserve(queue.len() * 8);
        let array = self.reply.array(queue.len());
        // Each command of the queue writes one of the announced elements itself.
        let written = array.written_elsewhere();
        for queued in queue {
            let words = queued.words();
            let engine = self.engine;
            let entry = engine.table.get(queued.command);
            let mut located: Vec<Located<'_>> = Vec::new();
            match locate(&engine.keyspace, entry, &words, &mut located) {
                // The handler gives its own error for words that hide the keys.
                Err(Error::InvalidArguments) => located.clear(),
                Err(error) => {
                    self.refuse(entry, &error);
                    continue;
                }
                Ok(()) => {}
            }
            let args = Args::new(&words, dispatch::words_of_name(entry), &located);
            self.run_nested(entry, args);
        }
        self.log_lapsed();
        self.worker.effects.wrap_transaction(first_effect);
        self.has_own_effect = true;
        Ok(written)
    }
}

/// Ends the transaction of a session that cannot run it: it ran into `message`. Returns what the
/// client is told.
pub(crate) fn give_up(
    engine: &Engine,
    session: &mut Session,
    error: &Error,
    name: &str,
) -> Vec<u8> {
    forget_watched(&engine.keyspace, engine, session);
    session.client.watched.store(0, Ordering::Relaxed);
    session.take_transaction();
    let message = error.message(name);
    let reason = match error {
        // The client has to run it elsewhere, so nothing is put before where that is.
        Error::Redirected(_) => return message.into_owned(),
        Error::Arity => message.strip_prefix(b"ERR ").unwrap_or(&message),
        _ => &message,
    };
    [b"EXECABORT Transaction discarded because of: ", reason].concat()
}

/// Forgets what a session that ends was watching.
pub(crate) fn forget_watched(keyspace: &Keyspace, engine: &Engine, session: &mut Session) {
    let shards = session.transaction_shards(engine);
    session.client.watch_by(None);
    if let Some(watched) = session.watched.take() {
        let Watched { flag, keys } = *watched;
        let mut locked = keyspace.lock(shards);
        for WatchedKey { db: index, key, .. } in keys {
            let now = stdx::time::UnixMillis(0);
            let mut db = locked.db(index, now, keyspace::Expire::Ignore);
            db.unwatch(&keyspace.key(&key), &flag);
        }
    }
}
