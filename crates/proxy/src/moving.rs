//! Keys that move from an old pool to a new one, each when it is first asked for.
//!
//! A key is copied with its time to live, then removed from the old pool, and only then used: from
//! there on the new pool alone knows it, so that what is deleted does not come back. While a key
//! moves, this process does nothing else with it.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use resp::reply::write_request;
use resp::value::{Value, read};

use crate::backend::{Backend, Lane};
use crate::client::Client;
use crate::identity::Identity;
use crate::link::{Errand, Receiver};
use crate::stream::Stream;

/// What all workers know of keys that move.
#[derive(Debug, Default)]
pub struct Moves {
    state: Mutex<State>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct State {
    /// Hashes of keys that the old pool has not got any longer, or never had.
    done: HashSet<u64>,
    /// Keys that are being moved.
    under_way: HashSet<Vec<u8>>,
}

/// When more are done, it is asked again of each.
const DONE_MAX: usize = 4 * 1024 * 1024;

/// Between two looks whether somebody else is done with a key.
const GLANCE: Duration = Duration::from_millis(1);

impl Moves {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_done(&self, db: u32, key: &[u8]) -> bool {
        let hash = self.hasher.hash_one((db, key));
        self.state().done.contains(&hash)
    }

    /// Takes all keys at once, or none of them.
    fn take(&self, keys: &[Vec<u8>]) -> bool {
        let mut state = self.state();
        let free = keys.iter().all(|key| !state.under_way.contains(key));
        if free {
            state.under_way.extend(keys.iter().cloned());
        }
        free
    }

    fn give_back(&self, db: u32, keys: &[Vec<u8>], failed: &HashMap<Vec<u8>, String>) {
        let mut state = self.state();
        if state.done.len() > DONE_MAX {
            state.done.clear();
        }
        for key in keys {
            state.under_way.remove(key);
            if !failed.contains_key(key) {
                state
                    .done
                    .insert(self.hasher.hash_one((db, key.as_slice())));
            }
        }
    }
}

/// Keys that a client waits for.
#[derive(Debug, Default)]
pub struct Moving {
    pub busy: Cell<bool>,
    /// Keys that could not be moved, and why.
    pub failed: RefCell<HashMap<Vec<u8>, String>>,
}

/// Moves keys, and then wakes the client.
pub async fn move_keys(client: Rc<Client>, moving: Rc<Moving>, db: u32, mut keys: Vec<Vec<u8>>) {
    keys.sort_unstable();
    keys.dedup();
    let backend = &client.backend;
    let moves = &backend.pool.moves;
    while !moves.take(&keys) {
        tokio::time::sleep(GLANCE).await;
    }
    let mut failed = HashMap::new();
    if let Some(source) = &backend.source {
        let (old, new) = (Desk::new(source, db), Desk::new(backend, db));
        transfer(&old, &new, &keys, &mut failed).await;
    }
    moves.give_back(db, &keys, &failed);
    *moving.failed.borrow_mut() = failed;
    moving.busy.set(false);
    client.wake();
}

const LOST: &str = "ERR the key cannot be moved: no reply";

async fn transfer(old: &Desk, new: &Desk, keys: &[Vec<u8>], failed: &mut HashMap<Vec<u8>, String>) {
    for key in keys {
        new.ask(key, &[b"EXISTS", key]);
        old.ask(key, &[b"DUMP", key]);
        old.ask(key, &[b"PTTL", key]);
    }
    let (there, copies) = (
        new.replies(keys.len()).await,
        old.replies(keys.len() * 2).await,
    );
    let mut fail = |key: &Vec<u8>, reply: Option<&Value>| {
        let text = match reply {
            Some(Value::Error(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => LOST.to_owned(),
        };
        failed.insert(key.clone(), text);
    };
    let (mut copied, mut doubled) = (Vec::new(), Vec::new());
    for (index, key) in keys.iter().enumerate() {
        match (
            there.get(index),
            copies.get(index * 2),
            copies.get(index * 2 + 1),
        ) {
            (Some(Value::Integer(_)), Some(Value::Null), Some(Value::Integer(_))) => {}
            // It expired between the two questions.
            (Some(Value::Integer(0)), Some(Value::Bulk(_)), Some(Value::Integer(-2))) => {}
            (Some(Value::Integer(0)), Some(Value::Bulk(copy)), Some(Value::Integer(left_ms))) => {
                let left_ms = (*left_ms).max(0).to_string();
                new.ask(key, &[b"RESTORE", key, left_ms.as_bytes(), copy]);
                copied.push(key);
            }
            // A move that did not come to its end: the new pool is right.
            (Some(Value::Integer(_)), Some(Value::Bulk(_)), Some(Value::Integer(_))) => {
                doubled.push(key);
            }
            (there, copy, left) => {
                let replies = [there, copy, left].into_iter().flatten();
                let error = replies
                    .into_iter()
                    .find(|reply| matches!(reply, Value::Error(_)));
                fail(key, error);
            }
        }
    }
    let restored = new.replies(copied.len()).await;
    for (index, key) in copied.into_iter().enumerate() {
        match restored.get(index) {
            Some(Value::Simple(_)) => doubled.push(key),
            Some(Value::Error(text)) if text.starts_with(b"BUSYKEY") => doubled.push(key),
            reply => fail(key, reply),
        }
    }
    for key in &doubled {
        old.ask(key, &[b"DEL", key]);
    }
    let removed = old.replies(doubled.len()).await;
    for (index, key) in doubled.into_iter().enumerate() {
        match removed.get(index) {
            Some(Value::Integer(_)) => {}
            reply => fail(key, reply),
        }
    }
}

/// A client inside the proxy, who asks a pool.
struct Desk {
    client: Rc<Client>,
    db: u32,
    read: RefCell<Vec<u8>>,
}

impl Desk {
    fn new(backend: &Rc<Backend>, db: u32) -> Desk {
        Desk {
            client: Rc::new(Client::new(0, Rc::clone(backend), Stream::Nowhere, false)),
            db: backend.pool.config.db + db,
            read: RefCell::default(),
        }
    }

    fn ask(&self, key: &[u8], words: &[&[u8]]) {
        let backend = &self.client.backend;
        backend.tick();
        backend.refresh();
        let number = self.client.open();
        let unit = backend.unit_of(key);
        let server = unit.and_then(|unit| backend.master_of(unit));
        let (Some(unit), Some(server)) = (unit, server) else {
            return self
                .client
                .fail(number, 0, b"-ERR no server connection avaliable\r\n");
        };
        let lane = Lane {
            server,
            db: self.db,
            resp3: false,
            identity: Identity::POOL,
        };
        let receiver = Receiver::Client(Rc::clone(&self.client));
        let errand = Errand {
            unit: unit as u32,
            ..Errand::of(receiver, number, 0)
        };
        let link = backend.link(lane, self.client.id);
        link.send_with(errand, |out| write_request(out, words));
    }

    /// The next replies; fewer if there are no more.
    async fn replies(&self, count: usize) -> Vec<Value> {
        let mut replies = Vec::with_capacity(count);
        poll_fn(|cx| {
            self.client.set_waker(cx.waker());
            let read_so_far = &mut *self.read.borrow_mut();
            self.client.drain_into(read_so_far);
            while replies.len() < count {
                match read(read_so_far) {
                    Ok(Some((value, len))) => {
                        read_so_far.drain(..len);
                        replies.push(value);
                    }
                    Ok(None) if !self.client.broken.get() => return Poll::Pending,
                    _ => break,
                }
            }
            Poll::Ready(())
        })
        .await;
        replies
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.client.broken.set(true);
        self.client.forget();
    }
}
