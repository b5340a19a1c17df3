//! Who is connected: what others may know about a session, and how they reach it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU64, Ordering};
use std::task::Waker;

use crate::sync::{AtomicU32, Mutex};

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
    pub queued_bytes: AtomicU64,
    pub watched: AtomicU32,
    /// Names it subscribed to, by [`Scope`](crate::pubsub::Scope).
    pub subscriptions: [AtomicU32; 3],
    /// Bytes of an incomplete request.
    pub query_bytes: AtomicU64,
    pub query_capacity: AtomicU64,
    /// Bytes of replies that the socket did not take yet.
    pub output_bytes: AtomicU64,
    pub name: Mutex<String>,
    pub user: Mutex<String>,
    inbox: Mutex<Inbox>,
}

/// What others send to a session.
#[derive(Debug, Default)]
struct Inbox {
    bytes: Vec<u8>,
    waker: Option<Waker>,
}

/// Facts about a client, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFlags(pub u32);

impl ClientFlags {
    pub const MONITOR: ClientFlags = ClientFlags(1);
    pub const BLOCKED: ClientFlags = ClientFlags(1 << 1);
    pub const MULTI: ClientFlags = ClientFlags(1 << 2);
    /// A watched key has changed.
    pub const DIRTY: ClientFlags = ClientFlags(1 << 3);
    /// To be closed once its replies are written.
    pub const CLOSE_AFTER_REPLY: ClientFlags = ClientFlags(1 << 4);
    /// To be closed at once.
    pub const KILLED: ClientFlags = ClientFlags(1 << 5);
    pub const NO_EVICT: ClientFlags = ClientFlags(1 << 6);
    pub const NO_TOUCH: ClientFlags = ClientFlags(1 << 7);
    /// The inbox has something, or a wait is over.
    pub const WOKEN: ClientFlags = ClientFlags(1 << 8);
    /// Has subscriptions.
    pub const PUBSUB: ClientFlags = ClientFlags(1 << 9);
}

impl Client {
    pub fn new(id: ClientId, endpoints: Endpoints, now_ms: i64) -> Client {
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
            queued_bytes: AtomicU64::new(0),
            watched: AtomicU32::new(0),
            subscriptions: Default::default(),
            query_bytes: AtomicU64::new(0),
            query_capacity: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            name: Mutex::new(String::new()),
            user: Mutex::new("default".to_owned()),
            inbox: Mutex::new(Inbox::default()),
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
        self.inbox.lock().bytes.extend_from_slice(bytes);
        self.wake();
    }

    /// As [`Client::send`], without waking the session: whoever leaves more wakes it at the end.
    pub(crate) fn leave(&self, bytes: &[u8]) {
        self.inbox.lock().bytes.extend_from_slice(bytes);
    }

    /// Has the connection closed without another byte.
    pub fn kill(&self) {
        self.set(ClientFlags::KILLED, true);
        self.wake();
    }

    /// Has the session look around.
    pub fn wake(&self) {
        let before = self.flags.fetch_or(ClientFlags::WOKEN.0, Ordering::AcqRel);
        if before & ClientFlags::WOKEN.0 != 0 {
            // It has been woken, and has not looked yet.
            return;
        }
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
        let len = inbox.bytes.len();
        out.append(&mut std::mem::take(&mut inbox.bytes));
        len
    }

    /// Bytes that wait to be written.
    pub fn pending_output(&self) -> u64 {
        self.output_bytes.load(Ordering::Relaxed) + self.inbox.lock().bytes.len() as u64
    }
}

/// Everybody who is connected, by number.
#[derive(Debug, Default)]
pub struct Clients {
    connected: Mutex<BTreeMap<ClientId, Arc<Client>>>,
    next: AtomicU64,
    pub peak: AtomicU64,
}

impl Clients {
    pub fn next_id(&self) -> ClientId {
        ClientId(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub fn add(&self, client: Arc<Client>) {
        let mut connected = self.connected.lock();
        connected.insert(client.id, client);
        self.peak
            .fetch_max(connected.len() as u64, Ordering::Relaxed);
    }

    pub fn remove(&self, id: ClientId) {
        self.connected.lock().remove(&id);
    }

    /// Has a connection closed. It counts as gone at once.
    pub(crate) fn kill(&self, client: &Client) {
        self.remove(client.id);
        client.kill();
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
