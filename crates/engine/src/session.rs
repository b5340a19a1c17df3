//! A session: one client's conversation, as the engine keeps it between commands.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use keyspace::{DbIndex, WatchFlag};
use resp::Protocol;
use stdx::time::UnixMillis;

use crate::blocking::Blocked;
use crate::clients::{Client, ClientFlags, ClientId, Endpoints};
use crate::pubsub::Subscriptions;
use crate::transaction::Transaction;

/// One client's state. Owned by its connection's task.
#[derive(Debug)]
pub struct Session {
    pub client: Arc<Client>,
    pub protocol: Protocol,
    pub db: DbIndex,
    pub authenticated: bool,
    pub transaction: Option<Box<Transaction>>,
    pub watched: Option<Box<Watched>>,
    /// What the session waits for, if it does.
    pub blocked: Option<Arc<Blocked>>,
    pub subscriptions: Option<Box<Subscriptions>>,
    pub replies: Replies,
    pub origin: Origin,
    /// Where in the log the last effect of this session ended; 0 if there was none.
    pub written_to: u64,
    /// Whether this client's reads count as uses of the keys.
    pub touches: bool,
    /// Whether the client wants to be served from a replica what it only reads.
    pub reads_replica: bool,
    /// Commands for which the client may use a slot that is on its way here: 2 while `ASKING` runs,
    /// then 1 for the command or the transaction behind it.
    pub asking: u8,
}

/// Whose commands a session runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A client's, who may be refused.
    #[default]
    Client,
    /// Those of the append-only file: they are neither refused nor logged, nor counted.
    LogFile,
    /// The primary's: they are not refused, and are in the log as they came.
    Primary,
    /// Those of a node whose slots are on their way here: they are not refused, and nobody is told
    /// of them but the log.
    Import,
}

/// The keys a client watches.
#[derive(Debug, Default)]
pub struct Watched {
    pub flag: Arc<WatchFlag>,
    pub keys: Vec<WatchedKey>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct WatchedKey {
    pub db: DbIndex,
    pub key: Box<[u8]>,
}

/// What `CLIENT REPLY` asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replies {
    #[default]
    On,
    Off,
    /// The next command's reply is left out.
    SkipNext,
    /// This command's reply is left out.
    Skip,
}

impl Session {
    pub fn new(client: Arc<Client>, authenticated: bool) -> Session {
        Session {
            client,
            protocol: Protocol::Resp2,
            db: DbIndex(0),
            authenticated,
            transaction: None,
            watched: None,
            blocked: None,
            subscriptions: None,
            replies: Replies::On,
            origin: Origin::Client,
            written_to: 0,
            touches: true,
            reads_replica: false,
            asking: 0,
        }
    }

    /// A session of commands that no client sends.
    pub fn of_nobody(now: UnixMillis, origin: Origin) -> Session {
        let endpoints = Endpoints {
            addr: String::new(),
            laddr: String::new(),
            fd: 0,
            unix: false,
            local: true,
            encrypted: false,
        };
        let client = Client::new(ClientId(0), endpoints, now.0, Arc::default());
        Session {
            origin,
            ..Session::new(Arc::new(client), true)
        }
    }

    pub fn select(&mut self, db: DbIndex) {
        self.db = db;
        self.client.db.store(db.0, Ordering::Relaxed);
    }

    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
        self.client
            .resp3
            .store(protocol == Protocol::Resp3, Ordering::Relaxed);
    }

    pub fn set_name(&self, name: &str) {
        name.clone_into(&mut self.client.name.lock());
    }

    /// Who the client is from now on.
    pub fn authenticate(&mut self, user: &str) {
        self.authenticated = true;
        user.clone_into(&mut self.client.user.lock());
    }

    /// Whether the client hears of what it subscribed to, in a protocol that leaves no room for
    /// other replies.
    #[inline]
    pub fn only_listens(&self) -> bool {
        self.subscriptions.is_some()
            && self.protocol == Protocol::Resp2
            && self.client.has(ClientFlags::PUBSUB)
    }

    /// The connection closes once what is written so far has been sent.
    pub fn close_after_reply(&self) {
        self.client.set(ClientFlags::CLOSE_AFTER_REPLY, true);
    }
}
