//! Who is connected: what others may know about a session, and how they reach it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, Ordering};
use std::task::Waker;

use keyspace::WatchFlag;

use crate::sync::{self, AtomicU32, Mutex};

pub use line::Request;
pub use usage::{Input, Tally, Usage};
pub use wakes::Wakes;

mod line;
pub(crate) mod usage;
mod wakes;

/// A connection's number. Never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// The ends of a connection, as `CLIENT LIST` shows them.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    pub addr: String,
    pub laddr: String,
    pub fd: i32,
    pub unix: bool,
    /// Whether the peer is on this machine: protected mode lets it in.
    pub local: bool,
    /// Whether it speaks TLS, and is told ports where that is spoken.
    pub encrypted: bool,
}

/// The part of a session that others see. Its owner writes, everybody reads; nothing here is
/// exact to the instant.
#[derive(Debug)]
pub struct Client {
    pub id: ClientId,
    pub endpoints: Endpoints,
    /// When it connected, in milliseconds of Unix time.
    pub created_ms: i64,
    pub last_use_ms: AtomicI64,
    pub db: AtomicU16,
    pub resp3: AtomicBool,
    pub last_command: AtomicU16,
    pub flags: AtomicU32,
    /// Queued commands, or -1 without a transaction.
    pub queued: AtomicI64,
    pub watched: AtomicU32,
    /// Names it subscribed to, by [`Scope`](crate::pubsub::Scope).
    pub subscriptions: [AtomicU32; 3],
    pub usage: Usage,
    /// Since when more replies are unread than may be for long, in seconds of Unix time; or 0.
    pub(crate) slow_since: sync::AtomicI64,
    pub name: Mutex<String>,
    pub user: Mutex<String>,
    /// Raised when a key that it watches has changed.
    watching: Mutex<Option<Arc<WatchFlag>>>,
    /// Shard channels that belong to another shard now: the subscriptions are over.
    pub(crate) lost_channels: Mutex<Vec<Box<[u8]>>>,
    inbox: Mutex<Inbox>,
    tally: Arc<Tally>,
}

/// An inbox that begins to fill gets room for what the last one held, but not for more than this.
const INBOX_BYTES_FORESEEN: usize = 16 * 1024;

/// What others send to a session.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    waker: Option<Waker>,
    /// How much the session found when it last looked: as much may come again.
    last_taken: u32,
    /// Nobody reads it any more.
    is_closed: bool,
}

/// Facts about a client, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFlags(pub u32);

impl ClientFlags {
    pub const MONITOR: ClientFlags = ClientFlags(1);
    pub const BLOCKED: ClientFlags = ClientFlags(1 << 1);
    pub const MULTI: ClientFlags = ClientFlags(1 << 2);
    /// To be closed once its replies are written.
    pub const CLOSE_AFTER_REPLY: ClientFlags = ClientFlags(1 << 3);
    /// To be closed at once.
    pub const KILLED: ClientFlags = ClientFlags(1 << 4);
    pub const NO_EVICT: ClientFlags = ClientFlags(1 << 5);
    pub const NO_TOUCH: ClientFlags = ClientFlags(1 << 6);
    /// The inbox has something, or a wait is over.
    pub const WOKEN: ClientFlags = ClientFlags(1 << 7);
    /// Has subscriptions.
    pub const PUBSUB: ClientFlags = ClientFlags(1 << 8);
    /// A replica, which is sent the log.
    pub const REPLICA: ClientFlags = ClientFlags(1 << 9);
    /// The primary, whose stream is applied here.
    pub const PRIMARY: ClientFlags = ClientFlags(1 << 10);
    /// Has spoken of replication, so that its end matters there.
    pub const REPLICATES: ClientFlags = ClientFlags(1 << 11);
    /// Reads from a replica of a cluster.
    pub const READS_REPLICA: ClientFlags = ClientFlags(1 << 12);
    /// Subscriptions were ended that the session still believes in.
    pub const UNSUBSCRIBED: ClientFlags = ClientFlags(1 << 13);
}

impl Client {
    /// A client that is not one of [`Clients`] yet.
    pub fn new(id: ClientId, endpoints: Endpoints, now_ms: i64, tally: Arc<Tally>) -> Client {
        Client {
            id,
            endpoints,
            created_ms: now_ms,
            last_use_ms: AtomicI64::new(now_ms),
            db: AtomicU16::new(0),
            resp3: AtomicBool::new(false),
            last_command: AtomicU16::new(u16::MAX),
            flags: AtomicU32::new(0),
            queued: AtomicI64::new(-1),
            watched: AtomicU32::new(0),
            subscriptions: Default::default(),
            usage: Usage::default(),
            slow_since: sync::AtomicI64::new(0),
            name: Mutex::new(String::new()),
            user: Mutex::new("default".to_owned()),
            watching: Mutex::default(),
            lost_channels: Mutex::default(),
            inbox: Mutex::new(Inbox::default()),
            tally,
        }
    }

    #[inline]
    pub fn has(&self, flag: ClientFlags) -> bool {
        self.flags.load(Ordering::Acquire) & flag.0 != 0
    }

    pub fn set(&self, flag: ClientFlags, value: bool) {
        match value {
            true => self.flags.fetch_or(flag.0, Ordering::AcqRel),
            false => self.flags.fetch_and(!flag.0, Ordering::AcqRel),
        };
    }

    /// Sends bytes that the session writes before anything else.
    pub fn send(&self, bytes: &[u8]) {
        self.leave(bytes);
        self.wake();
    }

    /// As [`Client::send`], without waking the session: whoever leaves more wakes it at the end.
    pub(crate) fn leave(&self, bytes: &[u8]) {
        let mut inbox = self.inbox.lock();
        if !inbox.is_closed {
            if inbox.bytes.capacity() == 0 {
                let foreseen = inbox.last_taken as usize;
                inbox.bytes.reserve_exact(foreseen);
            }
            inbox.bytes.extend_from_slice(bytes);
            self.note_inbox(&inbox.bytes);
        }
    }

    /// Has the connection closed without another byte.
    pub fn kill(&self) {
        self.set(ClientFlags::KILLED, true);
        self.wake();
    }

    /// Has the session look around.
    pub fn wake(&self) {
        if self.note_woken() {
            self.rouse();
        }
    }

    /// Returns whether the session is to be roused: if it has been and has not looked yet, it is
    /// not.
    fn note_woken(&self) -> bool {
        let before = self.flags.fetch_or(ClientFlags::WOKEN.0, Ordering::AcqRel);
        before & ClientFlags::WOKEN.0 == 0
    }

    fn rouse(&self) {
        // The waker stays: the session says only once how to wake it.
        let waker = self.inbox.lock().waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Says how to wake the session, from now on. Called by its owner before it first sleeps.
    pub fn set_waker(&self, waker: &Waker) {
        let mut inbox = self.inbox.lock();
        if inbox
            .waker
            .as_ref()
            .is_none_or(|known| !known.will_wake(waker))
        {
            inbox.waker = Some(waker.clone());
        }
    }

    /// Moves what others sent behind `out`, and returns how much that was.
    pub fn take_inbox(&self, out: &mut Vec<u8>) -> usize {
        self.set(ClientFlags::WOKEN, false);
        let mut inbox = self.inbox.lock();
        let mut bytes = std::mem::take(&mut inbox.bytes);
        let len = bytes.len();
        inbox.last_taken = len.min(INBOX_BYTES_FORESEEN) as u32;
        if len > 0 {
            self.note_inbox(&inbox.bytes);
            out.append(&mut bytes);
        }
        len
    }

    fn note_inbox(&self, bytes: &Vec<u8>) {
        let (inbox, capacity) = (&self.usage.inbox, &self.usage.inbox_capacity);
        inbox.store(bytes.len() as u64, Ordering::Relaxed);
        capacity.store(bytes.capacity() as u64, Ordering::Relaxed);
        self.count();
    }

    /// Notes how much input waits for more.
    pub fn note_input(&self, input: Input) {
        let usage = &self.usage;
        let figures = [
            (&usage.query, input.query),
            (&usage.arguments, input.arguments),
            (&usage.query_free, input.free),
            (&usage.query_capacity, input.capacity),
        ];
        for (figure, bytes) in figures {
            figure.store(bytes as u64, Ordering::Relaxed);
        }
        self.count();
    }

    /// Notes how much the socket has refused, and the buffer it is in.
    pub fn note_unsent(&self, bytes: usize, capacity: usize) {
        let (unsent, buffer) = (&self.usage.unsent, &self.usage.unsent_capacity);
        unsent.store(bytes as u64, Ordering::Relaxed);
        buffer.store(capacity as u64, Ordering::Relaxed);
        self.count();
    }

    /// Notes replies beside those that the socket has refused.
    pub(crate) fn add_unsent(&self, bytes: usize) {
        for figure in [&self.usage.unsent, &self.usage.unsent_capacity] {
            figure.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Has the common sum hold what this client takes now.
    #[inline]
    pub(crate) fn count(&self) {
        self.usage.count(&self.tally);
    }

    /// Spares the client when clients take too much memory, or no longer.
    pub fn set_no_evict(&self, on: bool) {
        let inbox = self.inbox.lock();
        if self.has(ClientFlags::NO_EVICT) == on {
            return;
        }
        self.set(ClientFlags::NO_EVICT, on);
        let evictable = &self.tally.evictable;
        if !inbox.is_closed {
            match on {
                true => evictable.fetch_sub(1, Ordering::AcqRel),
                false => evictable.fetch_add(1, Ordering::AcqRel),
            };
        }
    }

    /// Notes since when more is unread than may be for long, in seconds of Unix time; `None` if it
    /// is not so.
    pub(crate) fn note_slow(&self, since: Option<i64>) {
        if self.slow_since() == since {
            return;
        }
        let before = self.slow_since.swap(since.unwrap_or(0), Ordering::AcqRel);
        match (before != 0, since.is_some()) {
            (false, true) => self.tally.slow.fetch_add(1, Ordering::AcqRel),
            (true, false) => self.tally.slow.fetch_sub(1, Ordering::AcqRel),
            _ => return,
        };
    }

    pub(crate) fn slow_since(&self) -> Option<i64> {
        match self.slow_since.load(Ordering::Acquire) {
            0 => None,
            since => Some(since),
        }
    }

    pub(crate) fn watch_by(&self, flag: Option<&Arc<WatchFlag>>) {
        *self.watching.lock() = flag.map(Arc::clone);
    }

    /// Whether a key that it watches has changed.
    fn is_dirty(&self) -> bool {
        let watching = self.watching.lock();
        watching.as_ref().is_some_and(|flag| flag.is_raised())
    }

    /// Becomes one of those whose memory counts.
    fn join(&self) {
        self.tally.evictable.fetch_add(1, Ordering::AcqRel);
        self.count();
    }

    /// Is no longer one of those whose memory counts, and is sent nothing more.
    fn part(&self) {
        let mut inbox = self.inbox.lock();
        if std::mem::replace(&mut inbox.is_closed, true) {
            return;
        }
        inbox.bytes = Vec::new();
        self.note_inbox(&inbox.bytes);
        self.usage.leave(&self.tally);
        self.note_slow(None);
        if !self.has(ClientFlags::NO_EVICT) {
            self.tally.evictable.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Everybody who is connected, by number.
#[derive(Debug, Default)]
pub struct Clients {
    connected: Mutex<BTreeMap<ClientId, Arc<Client>>>,
    next: AtomicU64,
    pub peak: AtomicU64,
    /// What all of them take.
    pub tally: Arc<Tally>,
}

impl Clients {
    pub fn next_id(&self) -> ClientId {
        ClientId(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub fn add(&self, client: Arc<Client>) {
        client.join();
        let mut connected = self.connected.lock();
        connected.insert(client.id, client);
        self.peak
            .fetch_max(connected.len() as u64, Ordering::Relaxed);
    }

    /// Returns whether it was there.
    pub fn remove(&self, id: ClientId) -> bool {
        let removed = self.connected.lock().remove(&id);
        if let Some(client) = &removed {
            client.part();
        }
        removed.is_some()
    }

    /// Has a connection closed. It counts as gone at once. Returns whether it was there.
    pub(crate) fn kill(&self, client: &Client) -> bool {
        let was_there = self.remove(client.id);
        client.kill();
        was_there
    }

    pub fn get(&self, id: ClientId) -> Option<Arc<Client>> {
        self.connected.lock().get(&id).cloned()
    }

    pub fn len(&self) -> usize {
        self.connected.lock().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, ascending.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.connected.lock().values().cloned().collect()
    }
}
