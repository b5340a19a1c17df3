//! Running requests.
//!
//! A connection hands over the requests of one read. Neighbours that only touch declared keys form
//! a group: their shards are locked together and their buckets fetched together, so that the waits
//! for memory overlap; then they run one after the other, and their effects enter the log before
//! the locks are given back. Everything else runs alone, under the locks it needs.

use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::Guard;
use config::{Config, KeyspaceEvents};
use keyspace::{DbIndex, Detached, Expire, Frequency, Lapsed, Locked, Recall, ShardSet};
use resp::request::{Batch, ProtocolError};
use stdx::prng::Prng;
use stdx::time::UnixMillis;

use crate::Engine;
use crate::args::{Args, Located};
use crate::blocking::Server;
use crate::clients::ClientFlags;
use crate::cluster::{Route, SlotMap};
use crate::command::{CommandId, CommandResult, Entry, Flags};
use crate::context::{Context, Event};
use crate::error::{Error, excerpt};
use crate::gates::{self, Gate};
use crate::intruder;
use crate::replication::{Held, Verbatim};
use crate::reply::Reply;
use crate::session::{Origin, Replies, Session};
use crate::settings::Seen;
use crate::transaction;

pub(crate) use words::{find_keys, locate, words_of_name};
use words::{recycle, unknown_command};
pub use worker::Worker;

mod group;
mod words;
mod worker;

/// How far a batch was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    All,
    /// The session has to wait before request `next`.
    Waits {
        next: usize,
    },
    /// The session waits for a key; when that is over it goes on at request `next`.
    Blocks {
        next: usize,
    },
    /// The session ends; what follows is not run.
    Closes,
}

impl Engine {
    /// Runs the requests of a batch from `first` on. Their replies go to the end of `out`.
    pub fn run(
        &self,
        session: &mut Session,
        worker: &mut Worker,
        batch: &Batch<'_>,
        first: usize,
        out: &mut Vec<u8>,
    ) -> Progress {
        self.sleep_as_told();
        if session.client.has(ClientFlags::UNSUBSCRIBED) {
            session.forget_lost_channels();
        }
        let mut run = Run::new(self, session, worker, batch, out);
        run.measure();
        let progress = run.all(first);
        if run.now == UnixMillis(0) {
            // Who is refused, or has only begun to ask, is there all the same.
            run.begin_moment();
        }
        self.settle(&run.session.client, &run.config);
        run.end();
        progress
    }

    /// Runs a command of the append-only file, whatever the gates say. Returns whether it is known.
    pub(crate) fn replay(
        &self,
        session: &mut Session,
        worker: &mut Worker,
        batch: &Batch<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let words = batch.request(0);
        let Some(entry) = self.table.resolve(words) else {
            return false;
        };
        if session.transaction.is_some() && !entry.flags.has(Flags::NOT_QUEUED) {
            session.queue(entry.id, words);
            return true;
        }
        let mut run = Run::new(self, session, worker, batch, out);
        run.run_alone(entry, batch.request(0));
        run.end();
        true
    }

    /// Runs commands of the primary, whatever the gates say.
    pub(crate) fn run_stream<'b>(
        &self,
        session: &mut Session,
        worker: &mut Worker,
        batch: &Batch<'b>,
        verbatim: &mut Verbatim<'b>,
        out: &mut Vec<u8>,
    ) {
        self.run_foreign(session, worker, batch, Some(verbatim), out);
    }

    /// Runs commands of a node whose slots are on their way here.
    pub(crate) fn run_import(
        &self,
        session: &mut Session,
        worker: &mut Worker,
        batch: &Batch<'_>,
        out: &mut Vec<u8>,
    ) {
        self.run_foreign(session, worker, batch, None, out);
    }

    fn run_foreign<'b>(
        &self,
        session: &mut Session,
        worker: &mut Worker,
        batch: &Batch<'b>,
        verbatim: Option<&mut Verbatim<'b>>,
        out: &mut Vec<u8>,
    ) {
        let mut run = Run::new(self, session, worker, batch, out);
        run.verbatim = verbatim;
        run.stream();
        run.end();
    }

    /// Replies that the stream is broken. The session ends.
    pub fn refuse_stream(&self, session: &mut Session, error: ProtocolError, out: &mut Vec<u8>) {
        let text = format!("ERR {error}");
        self.stats.count_error(text.as_bytes());
        resp::reply::Encoder {
            out,
            protocol: session.protocol,
        }
        .error(text.as_bytes());
        session.close_after_reply();
    }
}

/// The requests of one read on their way.
struct Run<'a, 'b> {
    engine: &'a Engine,
    config: Seen,
    session: &'a mut Session,
    worker: &'a mut Worker,
    batch: &'a Batch<'b>,
    /// The moment at which commands run, once one does.
    now: UnixMillis,
    located: Vec<Located<'a>>,
    /// The last request's first word, and the command it names: neighbours are often the same.
    named: Option<(&'a [u8], &'a Entry)>,
    /// Where the session's own replies begin in `out`.
    start: usize,
    /// The length of `out` at which the session leaves too much unread.
    full_at: usize,
    /// Of the primary's stream, what is to enter the log.
    verbatim: Option<&'a mut Verbatim<'b>>,
    /// In a cluster, who serves what, as the group under way was told.
    map: Option<Guard<Arc<SlotMap>>>,
    /// Where in `out` the replies of writes are that replicas must confirm.
    unconfirmed: Vec<Range<usize>>,
    out: &'a mut Vec<u8>,
}

impl<'a, 'b> Run<'a, 'b> {
    // Else it is made elsewhere and copied.
    #[inline(always)]
    fn new(
        engine: &'a Engine,
        session: &'a mut Session,
        worker: &'a mut Worker,
        batch: &'a Batch<'b>,
        out: &'a mut Vec<u8>,
    ) -> Run<'a, 'b> {
        Run {
            engine,
            config: worker.lend_config(engine),
            session,
            batch,
            now: UnixMillis(0),
            located: recycle(mem::take(&mut worker.spare)),
            named: None,
            start: out.len(),
            full_at: usize::MAX,
            verbatim: None,
            map: None,
            unconfirmed: Vec::new(),
            worker,
            out,
        }
    }

    /// Begins the moment at which the next commands run, and the client is seen to ask for
    /// something. Returns it in nanoseconds of the clock that never goes back.
    #[inline]
    fn begin_moment(&mut self) -> u64 {
        let moment = self.engine.host.moment();
        self.now = UnixMillis(moment.unix_micros / 1000);
        let last_use = &self.session.client.last_use_ms;
        last_use.store(self.now.0, Ordering::Relaxed);
        moment.nanos
    }

    /// What was run leaves what it was lent for what is run next.
    #[inline(always)]
    fn end(self) {
        self.worker.finish(self.config, self.located);
    }

    fn all(&mut self, first: usize) -> Progress {
        let mut next = first;
        while next < self.batch.len() {
            let grouped = self.group(next);
            if grouped > 0 {
                next += grouped;
            } else if self.holds_replies() {
                // What comes may end the session, or make it wait for something else.
                return Progress::Blocks { next };
            } else if self.alone(next) {
                next += 1;
            } else {
                return Progress::Waits { next };
            }
            if self.session.blocked.is_some() {
                return Progress::Blocks { next };
            }
            if self.session.client.has(CLOSING) {
                return Progress::Closes;
            }
        }
        match self.holds_replies() {
            true => Progress::Blocks { next },
            false => Progress::All,
        }
    }

    /// Whether the session has to wait until replicas have confirmed what it wrote. Then nothing
    /// of it is told before.
    #[inline]
    fn holds_replies(&mut self) -> bool {
        !self.unconfirmed.is_empty() && self.hold_replies()
    }

    #[cold]
    fn hold_replies(&mut self) -> bool {
        let held = Held::take(self.out, &mem::take(&mut self.unconfirmed));
        let command = self.session.client.last_command.load(Ordering::Relaxed);
        let held = (self.session.written_to, held);
        self.engine
            .hold_replies(self.session, CommandId(command), held, self.out)
    }

    /// Runs the commands of the primary.
    fn stream(&mut self) {
        let mut next = 0;
        while next < self.batch.len() {
            next += match self.group(next) {
                0 => {
                    self.next_of_stream(next);
                    1
                }
                grouped => grouped,
            };
            self.out.clear();
        }
    }

    fn next_of_stream(&mut self, index: usize) {
        let words = self.batch.request(index);
        let Some(entry) = self.engine.table.resolve(words) else {
            self.refuse(None, &unknown_command(words));
            let name = String::from_utf8_lossy(excerpt(words[0], 128));
            return match self.session.origin {
                Origin::Import => self.engine.stop_import(self.session, &name, self.out),
                _ => self.engine.report_stream_error(&name, self.out),
            };
        };
        if self.session.transaction.is_some() && !entry.flags.has(Flags::NOT_QUEUED) {
            return self.session.queue(entry.id, words);
        }
        match entry.command.arity.allows(words.len()) {
            true => drop(self.run_alone(entry, words)),
            false => self.refuse(Some(entry), &Error::Arity),
        }
    }

    /// Finds out how long the replies may be.
    fn measure(&mut self) {
        let room = self.engine.output_room(&self.config, self.session);
        self.full_at = self.start.saturating_add(room);
    }

    /// Notes that a command has run, and for how long.
    #[inline]
    fn note_duration(&mut self, entry: &Entry, words: &[&[u8]], nanos: u64) {
        if self.session.origin != Origin::LogFile {
            self.observe(entry, words, nanos);
            self.worker.count(entry, 1, nanos, &self.config);
        }
    }

    #[inline]
    fn observe(&mut self, entry: &Entry, words: &[&[u8]], nanos: u64) {
        let redacted = &mut self.worker.redacted;
        self.engine
            .observe(self.session, entry, words, redacted, nanos, &self.config);
    }

    /// Closes clients if all take too much memory. Returns whether this one is among the closed.
    #[inline]
    fn is_closed_for_memory(&mut self) -> bool {
        self.engine.shrink_clients(&self.config);
        self.session.client.has(ClientFlags::KILLED)
    }

    /// Runs one request through all gates. Returns whether it did not have to wait.
    fn alone(&mut self, index: usize) -> bool {
        let has_run = self.pass_alone(index);
        if self.session.asking > 0 && has_run && self.session.transaction.is_none() {
            self.session.asking -= 1;
        }
        has_run
    }

    fn pass_alone(&mut self, index: usize) -> bool {
        if self.is_closed_for_memory() {
            return true;
        }
        let words = self.batch.request(index);
        let Some(entry) = self.engine.table.resolve(words) else {
            match intruder::is_foreign(words[0]) {
                true => self.cut_off(),
                false => self.refuse(None, &unknown_command(words)),
            }
            return true;
        };
        // What is queued, waits or is refused is what the client last asked for, too.
        self.note_command(entry);
        let memory = self.engine.make_room(self.worker, &self.config);
        let gate = gates::pass(
            self.engine,
            &self.config,
            self.session,
            entry,
            words,
            memory,
        );
        match gate {
            Gate::Open => return self.run_alone(entry, words),
            Gate::Queue => {
                self.session.queue(entry.id, words);
                let mark = self.out.len();
                self.out.extend_from_slice(b"+QUEUED\r\n");
                self.finish_reply(mark, &entry.full_name);
            }
            Gate::Wait => return false,
            Gate::Closed(error) => self.refuse(Some(entry), &error),
        }
        true
    }

    /// Runs one request under its locks. Returns whether it did not have to wait.
    fn run_alone(&mut self, entry: &'a Entry, words: &'a [&'a [u8]]) -> bool {
        self.located.clear();
        let mut located = mem::take(&mut self.located);
        if let Err(error) = locate(&self.engine.keyspace, entry, words, &mut located) {
            // The handler gives its own error for words that hide the keys.
            located.clear();
            if error != Error::InvalidArguments {
                self.refuse(Some(entry), &error);
                return true;
            }
        }
        let mut shards = if entry.reaches_everything(words) {
            ShardSet::ALL
        } else if entry.flags.has(Flags::TRANSACTION) {
            self.session.transaction_shards(self.engine)
        } else {
            ShardSet::NONE
        };
        located
            .iter()
            .for_each(|located| shards.insert(located.key.slot.shard()));
        let long = entry.flags.has(Flags::LONG)
            || entry.flags.has(Flags::TRANSACTION)
                && self
                    .session
                    .transaction
                    .as_ref()
                    .is_some_and(|t| t.has(self.engine, Flags::LONG));
        let engine = self.engine;
        let mut has_run = true;
        let mut run = || {
            let mut locked = self.lock(shards, makes_ready(entry));
            // What is loaded takes the place of what was there, under every lock.
            let is_client = self.session.origin == Origin::Client;
            if is_client && gates::is_loading(engine, self.session, entry) {
                self.refuse(Some(entry), &Error::Loading);
                return;
            }
            // So is what changes the role.
            if is_client && let Err(error) = gates::role_allows(engine, self.session, entry) {
                self.refuse(Some(entry), &error);
                return;
            }
            if is_client && let Err(error) = self.check_route(entry, words, &mut locked) {
                self.refuse(Some(entry), &error);
                return;
            }
            // Whoever pauses writes holds every lock, and whoever is killed does nothing more: what
            // was let through before is asked again now that it cannot be overtaken.
            if is_client && gates::has_to_wait(engine, self.session, entry, words) {
                has_run = false;
                return;
            }
            if self.session.client.has(ClientFlags::KILLED) {
                return;
            }
            let args = Args::new(words, words_of_name(entry), &located);
            let started = self.begin_moment();
            self.call(entry, args, &mut locked);
            let nanos = engine.host.monotonic_nanos().saturating_sub(started);
            self.note_duration(entry, words, nanos);
            self.give_back(locked, words);
        };
        match long {
            true => engine.host.run_long(&mut run),
            false => run(),
        }
        self.located = located;
        has_run
    }

    /// Whether, in a cluster, the request is served here. What its keys hold is locked.
    fn check_route(
        &mut self,
        entry: &Entry,
        words: &[&[u8]],
        locked: &mut Locked<'_>,
    ) -> Result<(), Error> {
        if !self.engine.cluster.is_on() {
            return Ok(());
        }
        let map = self.engine.cluster.map();
        let route = Route {
            engine: self.engine,
            config: &self.config,
            map: &map,
            session: self.session,
            entry,
            words,
        };
        let now = self.engine.now();
        route.check(&mut |key| locked.db(DbIndex(0), now, Expire::Hide).contains(key))
    }

    /// Takes locks, and if somebody may come to be served under them, also what that needs.
    #[inline(always)]
    fn lock(&mut self, shards: ShardSet, makes_ready: bool) -> Locked<'a> {
        let mut locked = match makes_ready {
            true => self.engine.keyspace.lock_to_serve(shards),
            false => self.engine.keyspace.lock(shards),
        };
        prepare(&mut locked, &self.config, self.worker);
        locked
    }

    /// Runs one command under its locks.
    #[inline]
    fn call(&mut self, entry: &Entry, args: Args<'_>, locked: &mut Locked<'_>) {
        let mark = self.out.len();
        let origin = self.session.origin;
        let confirms = self.engine.is_synchronous(&self.config);
        let dirty = if confirms {
            self.worker.stats.dirty.get()
        } else {
            0
        };
        let logged = words::are_logged(self.engine, origin, entry, &args);
        let expire = self.engine.expire_mode(self.session, entry);
        let mut db = locked.db(self.session.db, self.now, expire);
        db.set_touches(self.session.touches);
        self.note_command(entry);
        let mut cx = Context {
            engine: self.engine,
            config: &self.config,
            reply: Reply::bounded(self.out, self.session.protocol, self.full_at),
            session: self.session,
            worker: self.worker,
            db,
            now: self.now,
            command: entry,
            nested: false,
            logged,
            changes: 0,
            has_own_effect: false,
        };
        cx.run(entry, args, entry.command.handler);
        if cx.db.has_ready() {
            self.serve_ready(entry, locked);
        }
        let full_at = self.full_at;
        if entry.flags.has(CONFIGURES) {
            self.config.renew(&self.engine.config);
            self.measure();
        }
        if self.session.replies != Replies::On {
            let pushes = entry.flags.has(Flags::PUSHES);
            let mark = if pushes { self.out.len() } else { mark };
            self.finish_reply(mark, &entry.full_name);
        }
        if confirms && self.must_confirm(entry, dirty) && self.out.len() > mark {
            self.unconfirmed.push(mark..self.out.len());
        }
        if self.out.get(mark) == Some(&b'-') {
            self.note_foreign_error(&entry.full_name, mark);
        }
        // The reply may have been cut short, so the limit is the one that it was written under.
        if self.out.len() > full_at {
            let own = self.out.len() - self.start;
            self.engine.cut_off_reader(&self.session.client, own);
        }
    }

    /// An error that no client is told of stands in the log of the program.
    #[cold]
    fn note_foreign_error(&self, name: &str, mark: usize) {
        let reply = &self.out[mark..];
        match self.session.origin {
            Origin::Primary => self.engine.report_stream_error(name, reply),
            Origin::Import => self.engine.stop_import(self.session, name, reply),
            Origin::Client | Origin::LogFile => {}
        }
    }

    /// Whether a command has changed data, of which there were so many changes before it.
    fn must_confirm(&self, entry: &Entry, changes: u64) -> bool {
        const CHANGES: Flags = MAY_WRITE.and(Flags::TRANSACTION);
        self.session.origin == Origin::Client
            && entry.flags.has(CHANGES)
            && self.worker.stats.dirty.get() != changes
    }

    /// Enters the effects of a group into the log, gives its locks back, and then does what could
    /// not be done under them. `last` are the words of the group's last request.
    #[inline]
    fn give_back(&mut self, mut locked: Locked<'_>, last: &[&[u8]]) {
        match &mut self.verbatim {
            // A transaction enters the log when it has run.
            Some(verbatim) if self.session.transaction.is_none() => {
                verbatim.append_through(self.engine, last, self.session.db);
            }
            _ if self.worker.effects.is_empty() => {}
            _ => {
                self.worker.append_effects(&self.engine.log);
                self.session.written_to = self.worker.appended_to;
            }
        }
        let (discarded, now) = (locked.take_discarded(), locked.take_discarded_now());
        drop(locked);
        self.engine.log.wake_readers();
        now.into_iter().for_each(Detached::free);
        if !discarded.is_empty() {
            self.engine.garbage.add(discarded);
        }
    }

    /// Serves those who wait for keys that this command has made hold something.
    #[cold]
    fn serve_ready(&mut self, entry: &Entry, locked: &mut Locked<'_>) {
        let mut server = Server {
            engine: self.engine,
            config: &self.config,
            session: self.session,
            worker: self.worker,
            // A key may have ended while the command ran.
            now: self.engine.now(),
            command: entry,
        };
        server.serve_ready(locked);
    }

    #[inline]
    fn note_command(&self, entry: &Entry) {
        let last = &self.session.client.last_command;
        last.store(entry.id.0, Ordering::Relaxed);
    }

    /// Ends the session of somebody who speaks another protocol, without a word.
    fn cut_off(&mut self) {
        self.out.clear();
        self.engine
            .intruders
            .note(self.engine.host.as_ref(), self.engine.now());
        self.engine.kill(&self.session.client);
    }

    fn refuse(&mut self, entry: Option<&Entry>, error: &Error) {
        let mark = self.out.len();
        if let Some(transaction) = &mut self.session.transaction {
            transaction.abort();
        }
        let name = entry.map_or("", |entry| &entry.full_name);
        let message = match entry {
            Some(entry) if entry.flags.has(Flags::RUNS_QUEUE) => {
                transaction::give_up(self.engine, self.session, error, name).into()
            }
            _ => error.message(name),
        };
        self.engine.stats.count_error(&message);
        if let Some(entry) = entry {
            self.worker.stats.commands[usize::from(entry.id.0)]
                .rejected
                .add(1);
        }
        let protocol = self.session.protocol;
        resp::reply::Encoder {
            out: self.out,
            protocol,
        }
        .error(&message);
        let name = entry.map_or("<unknown>", |entry| &entry.full_name);
        self.finish_reply(mark, name);
    }

    /// Takes the reply from `mark` on back if the client asked for none.
    fn finish_reply(&mut self, mark: usize, name: &str) {
        match self.session.replies {
            Replies::On => return,
            Replies::Off => {
                let client = &self.session.client;
                if client.has(ClientFlags::REPLICA) && self.out.len() > mark {
                    let reply = &self.out[mark..];
                    self.engine.drop_talking_replica(client, name, reply);
                }
            }
            Replies::Skip => self.session.replies = Replies::On,
            // This was `CLIENT REPLY SKIP` itself, which has no reply either.
            Replies::SkipNext => self.session.replies = Replies::Skip,
        }
        self.out.truncate(mark);
    }
}

const CLOSING: ClientFlags = ClientFlags(ClientFlags::CLOSE_AFTER_REPLY.0 | ClientFlags::KILLED.0);

/// Commands after which the configuration may be another.
const CONFIGURES: Flags = Flags::ADMIN.and(Flags::TRANSACTION);

const MAY_WRITE: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE);

/// Whether a command may make an awaited key hold something.
#[inline]
fn makes_ready(entry: &Entry) -> bool {
    const MAKE_READY: Flags = Flags::WRITE
        .and(Flags::MAY_REPLICATE)
        .and(Flags::TRANSACTION);
    entry.flags.has(MAKE_READY)
}

impl Context<'_> {
    /// Runs a handler, writes its error if it fails, and notes its effect.
    #[inline]
    pub(crate) fn run(
        &mut self,
        entry: &Entry,
        mut args: Args<'_>,
        handler: impl FnOnce(&mut Self, &mut Args<'_>) -> CommandResult,
    ) {
        let mark = self.reply.buffer().len();
        let (words, keys) = (args.words(), args.located());
        let result = handler(self, &mut args);
        self.log_lapsed();
        self.tell_created();
        if let Err(error) = result {
            debug_assert!(
                self.changes == 0,
                "errors come before effects: {}",
                entry.full_name
            );
            self.reply.buffer().truncate(mark);
            self.fail(entry, &error);
        }
        if self.changes > 0 {
            self.worker.stats.dirty.add(self.changes);
            self.note_own_keys(keys);
            if self.logged && !self.has_own_effect {
                self.worker.effects.push(self.db.index(), words);
            }
        }
    }

    #[cold]
    fn fail(&mut self, entry: &Entry, error: &Error) {
        let message = error.message(&entry.full_name);
        self.engine.stats.count_error(&message);
        self.worker.stats.commands[usize::from(entry.id.0)]
            .failed
            .add(1);
        let protocol = self.reply.protocol();
        resp::reply::Encoder {
            out: self.reply.buffer(),
            protocol,
        }
        .error(&message);
    }

    /// Writes the error of a command that does not run.
    pub(crate) fn refuse(&mut self, entry: &Entry, error: &Error) {
        self.fail(entry, error);
    }

    /// Runs a command within this one: a queued one, or a script's. Its keys are locked.
    pub(crate) fn run_nested(&mut self, entry: &Entry, args: Args<'_>) {
        let words = args.words();
        let started = self.engine.host.monotonic_nanos();
        let (protocol, full_at) = (self.session.protocol, self.reply.full_at());
        let mut nested = Context {
            engine: self.engine,
            config: self.config,
            reply: Reply::bounded(self.reply.buffer(), protocol, full_at),
            session: self.session,
            worker: self.worker,
            db: self.db.reborrow(),
            now: self.now,
            command: entry,
            nested: true,
            logged: self.logged,
            changes: 0,
            has_own_effect: false,
        };
        nested.run(entry, args, entry.command.handler);
        self.db.select(self.session.db);
        let nanos = self.engine.host.monotonic_nanos().saturating_sub(started);
        let config = self.engine.config.load();
        let redacted = &mut self.worker.redacted;
        self.engine
            .observe(self.session, entry, words, redacted, nanos, &config);
        self.worker.count(entry, 1, nanos, &config);
    }
}

impl Engine {
    /// Counts keys that were deleted because their time had come, tells those who listen, and has
    /// readers of the log delete them too.
    #[cold]
    pub fn note_lapsed(&self, worker: &mut Worker, config: &Config, lapsed: Vec<Lapsed>) {
        let lazily = config.memory.lazy_expire;
        let name: &[u8] = if lazily { b"UNLINK" } else { b"DEL" };
        let logged = self.log.is_read();
        for lapsed in lapsed {
            worker.stats.expired.add(1);
            worker.stats.dirty.add(1);
            self.notify(config, lapsed.db, &lapsed.key, Event::EXPIRED);
            if logged {
                worker.effects.push(lapsed.db, &[name, &lapsed.key]);
            }
        }
    }

    /// How keys past their expiry are treated now: while writes are paused they stay, as they do
    /// on a replica until its primary deletes them; and for commands that were logged they are
    /// what they were then.
    pub(crate) fn expire_mode(&self, session: &Session, entry: &Entry) -> Expire {
        if session.origin != Origin::Client {
            return Expire::Ignore;
        }
        let reads_from_replica =
            self.standing.is_replica() && !gates::may(self, session, entry, Flags::WRITE);
        match self.pause.is_on() || reads_from_replica {
            true => Expire::Hide,
            false => Expire::Delete,
        }
    }
}

/// Has the keyspace do what the configuration asks for under these locks.
#[inline]
pub(crate) fn prepare(locked: &mut Locked<'_>, config: &Config, worker: &mut Worker) {
    locked.set_recall(recall(config, || worker.prng.next_u64()));
    if config
        .clients
        .keyspace_events
        .contains(KeyspaceEvents::NEW_KEY)
    {
        locked.report_created();
    }
}

/// What keys are to remember of their use, for the policy of eviction.
#[inline]
pub(crate) fn recall(config: &Config, seed: impl FnOnce() -> u64) -> Recall {
    if !config.memory.policy.keeps_frequency() {
        return Recall::Recency;
    }
    Recall::Frequency(Frequency {
        log_factor: config.memory.lfu_log_factor,
        decay_minutes: config.memory.lfu_decay_time,
        chances: Prng::new(seed()),
    })
}
