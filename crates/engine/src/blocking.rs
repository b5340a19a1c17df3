//! Sessions that wait until a key holds something (`BLPOP` and its kin).
//!
//! A handler that finds nothing calls [`Context::wait`], under the locks of its keys: from then on
//! whoever makes one of them hold something serves the wait, under the locks of its own command,
//! before anybody else can see the key. So waits for the same key are served in the order they
//! began, and nobody takes away what they waited for.
//!
//! ```text
//!   waiter   BLPOP k ── nothing there ── wait ················ woken ── writes its reply
//!   writer              RPUSH k a ── k is ready ── serve: LPOP k ──┘ reply into the inbox
//! ```
//!
//! One wait may stand at keys of several shards, and end in several ways at the same instant: it is
//! served, its time is over, it is unblocked, its client goes. `Blocked::claim` lets exactly one
//! of them happen.
//!
//! A wait that moves an element to another key needs that key's lock too. The keyspace knows of it,
//! and every writer takes the locks of all that the waits at its keys could touch together with its
//! own (`Keyspace::lock_to_serve`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use config::Config;
use keyspace::{DbIndex, Key, Kind, Locked, ShardSet, WaiterId};
use resp::Protocol;
use stdx::time::UnixMillis;

use crate::Engine;
use crate::args::{Args, Located};
use crate::clients::{Client, ClientFlags, ClientId};
use crate::command::{CommandId, CommandResult, Entry};
use crate::context::Context;
use crate::dispatch::{self, Worker, locate};
use crate::replication::Confirmation;
use crate::reply::{Done, Reply};
use crate::session::{Replies, Session};
use crate::sync::{AtomicU8, Mutex};

/// Does for a wait what its command would have done, had the key held something: the reply and the
/// effect are this function's. The lock of `key` is held, and those of all keys that the command
/// names beyond the ones it waits for.
pub type Serve = fn(&mut Context<'_>, &mut Args<'_>, &Key<'_>) -> CommandResult;

/// What a handler waits for.
pub struct Wait<'a> {
    pub keys: &'a [Key<'a>],
    /// What one of the keys must come to hold.
    pub kind: Kind,
    /// When the wait ends in vain; never, if there is no moment.
    pub deadline: Option<UnixMillis>,
    /// The reply of a wait in vain.
    pub nil: Nil,
    pub serve: Serve,
}

/// What those are told who wait when the node's role changes.
const DISMISSED: &str = "UNBLOCKED force unblock from blocking operation, instance state changed \
     (master -> replica?)";

/// What those are told who wait for an end that does not come.
pub const STAYED: &str = "ERR Errors trying to SHUTDOWN. Check logs.";

/// The two forms of nothing that RESP2 tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nil {
    Bulk,
    Array,
}

impl Nil {
    fn write(self, reply: &mut Reply<'_>) -> Done {
        match self {
            Nil::Bulk => reply.null(),
            Nil::Array => reply.null_array(),
        }
    }
}

/// How a wait stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    Waiting,
    /// Somebody is about to serve it.
    Claimed,
    /// The reply is there.
    Served,
    /// Nobody serves it any more.
    Over,
    /// It is to end as if its time were over.
    Released,
    /// It is to end with an error.
    Refused,
    /// It is to end with the error in its reply: its key is served elsewhere now.
    Redirected,
    /// It is to end with an error, and the session with it: the node's role has changed.
    Dismissed,
    /// It is to end with an error: the program does not end, after all.
    Stayed,
}

/// One wait.
#[derive(Debug)]
pub struct Blocked {
    pub(crate) id: WaiterId,
    pub(crate) client: Arc<Client>,
    db: DbIndex,
    protocol: Protocol,
    /// The client asked for no reply.
    silent: bool,
    command: CommandId,
    deadline: Option<UnixMillis>,
    pub(crate) what: What,
    state: AtomicU8,
    /// How long the command has run so far, in nanoseconds; that it waits does not count.
    nanos: AtomicU64,
    /// The reply, once the wait is served.
    reply: Mutex<Vec<u8>>,
}

/// What is waited for.
#[derive(Debug)]
pub(crate) enum What {
    Key(AwaitedKey),
    /// Replicas that confirm.
    Replicas(Confirmation),
    /// The end of the program.
    End,
}

/// A key that comes to hold something.
#[derive(Debug)]
pub(crate) struct AwaitedKey {
    words: Box<[Box<[u8]>]>,
    keys: Box<[Box<[u8]>]>,
    kind: Kind,
    nil: Nil,
    serve: Serve,
}

impl Blocked {
    /// Counts that the command ran for so long. Returns whether it goes on when it is served.
    pub(crate) fn count_run(&self, nanos: u64) -> bool {
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        matches!(self.what, What::Key(_))
    }

    /// Makes the caller the one who ends the wait. False if somebody else is.
    pub(crate) fn claim(&self, to: State) -> bool {
        let (from, to) = (State::Waiting as u8, to as u8);
        let claimed = self
            .state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        claimed.is_ok()
    }

    pub(crate) fn is(&self, state: State) -> bool {
        self.state.load(Ordering::Acquire) == state as u8
    }

    pub fn deadline(&self) -> Option<UnixMillis> {
        self.deadline
    }

    /// The error that it ends with, if it does.
    fn error(&self) -> Option<Cow<'static, str>> {
        let text = match self.state.load(Ordering::Acquire) {
            state if state == State::Redirected as u8 => {
                let reply = self.reply.lock();
                return Some(String::from_utf8_lossy(&reply).into_owned().into());
            }
            state if state == State::Refused as u8 => {
                "UNBLOCKED client unblocked via CLIENT UNBLOCK"
            }
            state if state == State::Dismissed as u8 => DISMISSED,
            state if state == State::Stayed as u8 => STAYED,
            _ => return None,
        };
        Some(text.into())
    }
}

/// All waits.
#[derive(Debug, Default)]
pub struct Blocking {
    pub(crate) waits: Mutex<BTreeMap<WaiterId, Arc<Blocked>>>,
    /// Those for replicas, by client.
    pub(crate) confirmations: Mutex<BTreeMap<ClientId, Arc<Blocked>>>,
    next: AtomicU64,
}

impl Blocking {
    fn get(&self, id: WaiterId) -> Option<Arc<Blocked>> {
        self.waits.lock().get(&id).cloned()
    }

    /// Ends the wait of a client, as if its time were over or with an error. Returns whether there
    /// was one.
    pub fn unblock(&self, client: ClientId, with_error: bool) -> bool {
        let waits_for_end = |blocked: &Arc<Blocked>| {
            blocked.client.id == client && matches!(blocked.what, What::End)
        };
        if self.waits.lock().values().any(waits_for_end) {
            return false;
        }
        match with_error {
            true => self.end(client, State::Refused),
            false => self.end(client, State::Released),
        }
    }

    /// Ends the wait of a client that is to go: what comes from now on is for others.
    pub(crate) fn abandon(&self, client: &Client) {
        if client.has(ClientFlags::BLOCKED) {
            self.end(client.id, State::Over);
        }
    }

    /// Ends every wait: the node's role has changed.
    pub(crate) fn dismiss(&self) {
        for blocked in self.waits.lock().values() {
            if !matches!(blocked.what, What::End) && blocked.claim(State::Dismissed) {
                blocked.client.wake();
            }
        }
    }

    /// Ends the waits of which `error` says why they can be served here no longer.
    pub(crate) fn redirect(&self, error: impl Fn(&[u8], &Client) -> Option<String>) {
        for blocked in self.waits.lock().values() {
            let What::Key(awaited) = &blocked.what else {
                continue;
            };
            let key = awaited.keys.first();
            let error = key.and_then(|key| error(key, &blocked.client));
            if let Some(error) = error
                && blocked.claim(State::Claimed)
            {
                *blocked.reply.lock() = error.into_bytes();
                blocked
                    .state
                    .store(State::Redirected as u8, Ordering::Release);
                blocked.client.wake();
            }
        }
    }

    fn end(&self, client: ClientId, state: State) -> bool {
        let waits = self.waits.lock();
        let Some(blocked) = waits.values().find(|blocked| blocked.client.id == client) else {
            return false;
        };
        let unblocked = blocked.claim(state);
        if unblocked {
            blocked.client.wake();
        }
        unblocked
    }
}

impl Context<'_> {
    /// Has the session wait. Within another command nothing waits: the reply is that of a wait in
    /// vain.
    pub fn wait(&mut self, args: &Args<'_>, wait: &Wait<'_>) -> Done {
        if self.nested {
            return wait.nil.write(&mut self.reply);
        }
        let owned = |bytes: &&[u8]| Box::from(*bytes);
        let what = What::Key(AwaitedKey {
            words: args.words().iter().map(owned).collect(),
            keys: wait.keys.iter().map(|key| Box::from(key.bytes)).collect(),
            kind: wait.kind,
            nil: wait.nil,
            serve: wait.serve,
        });
        let (command, deadline) = (self.command.id, wait.deadline);
        let blocked = self.engine.block(self.session, command, deadline, what);
        let beyond = self.shards_beyond(args, wait.keys);
        for key in wait.keys {
            self.db.wait_for(key, blocked.id, beyond);
        }
        self.reply.nothing()
    }

    /// The shards of the keys that the command names beyond those it waits for.
    fn shards_beyond(&self, args: &Args<'_>, awaited: &[Key<'_>]) -> ShardSet {
        let mut beyond = ShardSet::NONE;
        for located in locate_again(self.engine, self.command, args.words()) {
            if !awaited.iter().any(|key| key.bytes == located.key.bytes) {
                beyond.insert(located.key.slot.shard());
            }
        }
        beyond
    }
}

impl Engine {
    /// Has a session wait from now on.
    pub(crate) fn block(
        &self,
        session: &mut Session,
        command: CommandId,
        deadline: Option<UnixMillis>,
        what: What,
    ) -> Arc<Blocked> {
        let blocking = &self.blocking;
        let id = WaiterId(blocking.next.fetch_add(1, Ordering::Relaxed));
        let client = &session.client;
        let blocked = Arc::new(Blocked {
            id,
            client: Arc::clone(client),
            db: session.db,
            protocol: session.protocol,
            silent: session.replies != Replies::On,
            command,
            deadline,
            what,
            state: AtomicU8::new(State::Waiting as u8),
            nanos: AtomicU64::new(0),
            reply: Mutex::default(),
        });
        if let What::Replicas(_) = &blocked.what {
            let mut confirmations = blocking.confirmations.lock();
            confirmations.insert(client.id, Arc::clone(&blocked));
        }
        blocking.waits.lock().insert(id, Arc::clone(&blocked));
        client.set(ClientFlags::BLOCKED, true);
        if client.has(ClientFlags::KILLED) {
            // Whoever did that may have come too early to end the wait.
            blocked.claim(State::Over);
        }
        session.blocked = Some(Arc::clone(&blocked));
        blocked
    }

    /// Whether the session still waits. When the wait has just ended, its reply is written.
    pub fn is_blocked(&self, session: &mut Session, worker: &Worker, out: &mut Vec<u8>) -> bool {
        let Some(blocked) = &session.blocked else {
            return false;
        };
        if blocked.deadline.is_some_and(|at| at <= self.now()) {
            blocked.claim(State::Released);
        }
        let blocked = match blocked.state.load(Ordering::Acquire) {
            state if state == State::Waiting as u8 || state == State::Claimed as u8 => return true,
            _ => Arc::clone(blocked),
        };
        session.client.take_inbox(out);
        self.forget_blocked(session);
        let mark = out.len();
        match blocked.error() {
            Some(text) => self.fail_blocked(&blocked, worker, &text, out),
            None => self.write_end(&blocked, out),
        }
        self.judge_served(session, &blocked);
        if blocked.silent {
            out.truncate(mark);
        }
        if blocked.is(State::Dismissed) {
            session.close_after_reply();
        }
        // A write that was waited for is confirmed as any other.
        let is_write = blocked.is(State::Served) && matches!(blocked.what, What::Key(_));
        is_write && self.confirm_served(session, blocked.command, mark, out)
    }

    /// Notes how long a command took that was served late. One that waited in vain is not noted.
    fn judge_served(&self, session: &Session, blocked: &Blocked) {
        let What::Key(awaited) = &blocked.what else {
            return;
        };
        if blocked.is(State::Served) {
            let entry = self.table.get(blocked.command);
            let words: Vec<&[u8]> = awaited.words.iter().map(|word| &**word).collect();
            let nanos = blocked.nanos.load(Ordering::Relaxed);
            let config = self.config.load();
            self.judge_duration(session, entry, (&words, &[]), nanos, &config);
        }
    }

    /// Ends a wait with an error.
    fn fail_blocked(&self, blocked: &Blocked, worker: &Worker, text: &str, out: &mut Vec<u8>) {
        self.stats.count_error(text.as_bytes());
        let stats = &worker.stats.commands[usize::from(blocked.command.0)];
        stats.failed.add(1);
        if let What::Replicas(confirmation) = &blocked.what
            && confirmation.refuse(text, out)
        {
            return;
        }
        Reply::new(out, blocked.protocol).error(text.as_bytes());
    }

    /// Writes the reply of a wait that did not end with an error.
    pub(crate) fn write_end(&self, blocked: &Blocked, out: &mut Vec<u8>) {
        match &blocked.what {
            What::Key(_) if blocked.is(State::Served) => out.append(&mut blocked.reply.lock()),
            What::Key(key) if blocked.is(State::Released) => {
                let _written = key.nil.write(&mut Reply::new(out, blocked.protocol));
            }
            What::Key(_) | What::End => {}
            What::Replicas(confirmation) => self.write_confirmed(confirmation, out),
        }
    }

    /// Ends the session's wait, if there is one and nobody else has ended it.
    pub(crate) fn forget_blocked(&self, session: &mut Session) {
        let Some(blocked) = session.blocked.take() else {
            return;
        };
        let was_waiting = blocked.claim(State::Over);
        self.blocking.waits.lock().remove(&blocked.id);
        session.client.set(ClientFlags::BLOCKED, false);
        let keys = match &blocked.what {
            What::Key(key) => &*key.keys,
            What::End => return,
            What::Replicas(_) => {
                let has_ended = !was_waiting && blocked.is(State::Served);
                return self.forget_confirmation(&blocked.client, has_ended);
            }
        };
        for bytes in keys {
            let key = self.keyspace.key(bytes);
            let mut locked = self.keyspace.lock(ShardSet::of(key.slot.shard()));
            let mut db = locked.db(blocked.db, UnixMillis(0), keyspace::Expire::Ignore);
            db.stop_waiting(&key, blocked.id);
        }
    }
}

/// Serves waits on the way of one session's commands.
pub(crate) struct Server<'a> {
    pub engine: &'a Engine,
    pub config: &'a Config,
    pub session: &'a mut Session,
    pub worker: &'a mut Worker,
    pub now: UnixMillis,
    /// The command under way, which made keys hold something.
    pub command: &'a Entry,
}

impl Server<'_> {
    /// Serves the waits for all keys that came to hold something under these locks, and for those
    /// that this makes hold something in turn.
    pub fn serve_ready(&mut self, locked: &mut Locked<'_>) {
        loop {
            let ready = locked.take_ready();
            if ready.is_empty() {
                return;
            }
            for (db, key) in ready {
                self.serve_key(locked, db, &key);
                self.note_lapsed(locked);
            }
        }
    }

    /// Serves the waits for one key as long as it holds what they want.
    fn serve_key(&mut self, locked: &mut Locked<'_>, index: DbIndex, bytes: &[u8]) {
        let key = self.engine.keyspace.key(bytes);
        for id in self.db(locked, index).waiters(&key) {
            let Some(blocked) = self.engine.blocking.get(id) else {
                self.db(locked, index).stop_waiting(&key, id);
                continue;
            };
            let Some(kind) = self.db(locked, index).peek(&key).map(|entry| entry.kind()) else {
                return;
            };
            let What::Key(awaited) = &blocked.what else {
                continue;
            };
            if kind == awaited.kind && blocked.claim(State::Claimed) {
                self.db(locked, index).stop_waiting(&key, id);
                self.serve(locked, &blocked, awaited, &key);
            }
        }
    }

    /// A key that was past its expiry when a wait was to be served is deleted for the log too.
    fn note_lapsed(&mut self, locked: &mut Locked<'_>) {
        if locked.has_lapsed() {
            let lapsed = locked.take_lapsed();
            self.engine.note_lapsed(self.worker, self.config, lapsed);
        }
    }

    fn serve(
        &mut self,
        locked: &mut Locked<'_>,
        blocked: &Blocked,
        awaited: &AwaitedKey,
        key: &Key<'_>,
    ) {
        let entry: &Entry = self.engine.table.get(blocked.command);
        let words: Vec<&[u8]> = awaited.words.iter().map(|word| &**word).collect();
        let located = locate_again(self.engine, entry, &words);
        let args = Args::new(&words, dispatch::words_of_name(entry), &located);
        let expire = self.engine.expire_mode(self.session, entry);
        let mut out = Vec::new();
        let mut cx = Context {
            engine: self.engine,
            config: self.config,
            reply: Reply::new(&mut out, blocked.protocol),
            session: self.session,
            worker: self.worker,
            db: locked.db(blocked.db, self.now, expire),
            now: self.now,
            command: entry,
            nested: true,
            logged: self.engine.log.is_read(),
            changes: 0,
            has_own_effect: false,
        };
        let started = self.engine.host.monotonic_nanos();
        cx.run(entry, args, |cx, args| (awaited.serve)(cx, args, key));
        let nanos = self.engine.host.monotonic_nanos().saturating_sub(started);
        blocked.nanos.fetch_add(nanos, Ordering::Relaxed);
        *blocked.reply.lock() = out;
        blocked.state.store(State::Served as u8, Ordering::Release);
        self.engine.blocking.waits.lock().remove(&blocked.id);
        blocked.client.wake();
    }

    fn db<'l>(&self, locked: &'l mut Locked<'_>, index: DbIndex) -> keyspace::Db<'l> {
        let expire = self.engine.expire_mode(self.session, self.command);
        locked.db(index, self.now, expire)
    }
}

/// The keys among the words of a command that is running or has run.
fn locate_again<'w>(engine: &Engine, entry: &Entry, words: &'w [&'w [u8]]) -> Vec<Located<'w>> {
    let mut located = Vec::new();
    let found = locate(&engine.keyspace, entry, words, &mut located);
    found.expect("the command was run with these words");
    located
}
