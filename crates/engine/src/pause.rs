//! `CLIENT PAUSE`: sessions that wait until a moment, or until they are let go.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::clients::{Client, ClientFlags};
use crate::command::Flags;
use crate::sync::{AtomicI64, AtomicU8, Mutex};

/// Which commands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Paused {
    Nothing = 0,
    Writes = 1,
    Everything = 2,
}

/// The pause, if there is one.
#[derive(Debug)]
pub struct Pause {
    what: AtomicU8,
    until_ms: AtomicI64,
    waiting: Mutex<Vec<Arc<Client>>>,
}

impl Default for Pause {
    fn default() -> Self {
        let what = AtomicU8::new(Paused::Nothing as u8);
        Pause {
            what,
            until_ms: AtomicI64::new(0),
            waiting: Mutex::default(),
        }
    }
}

impl Pause {
    #[inline]
    pub fn is_on(&self) -> bool {
        self.what.load(Ordering::Acquire) != Paused::Nothing as u8
    }

    /// Whether a command has to wait now.
    pub(crate) fn holds(&self, may_write: bool, flags: Flags) -> bool {
        match self.what.load(Ordering::Acquire) {
            0 => false,
            1 => may_write,
            // The pause itself can always be ended.
            _ => !flags.has(Flags::ALLOW_PAUSED),
        }
    }

    /// Pauses until `until_ms` of Unix time. A pause under way is never shortened nor weakened, and
    /// one that ends at once never begins. Whoever holds every lock here can be sure that nothing
    /// is under way that the pause would have held back.
    pub fn begin(&self, what: Paused, now_ms: i64, until_ms: i64) {
        let _waiting = self.waiting.lock();
        if until_ms <= now_ms && !self.is_on() {
            return;
        }
        self.until_ms.fetch_max(until_ms, Ordering::AcqRel);
        self.what.fetch_max(what as u8, Ordering::AcqRel);
    }

    /// Ends the pause and lets everybody go.
    pub fn end(&self) {
        self.let_go(&mut self.waiting.lock());
    }

    /// Ends the pause if its time is over.
    pub fn tick(&self, now_ms: i64) {
        if !self.is_on() {
            return;
        }
        let mut waiting = self.waiting.lock();
        // It may have been made longer meanwhile.
        if self.until_ms.load(Ordering::Acquire) <= now_ms {
            self.let_go(&mut waiting);
        }
    }

    fn let_go(&self, waiting: &mut Vec<Arc<Client>>) {
        self.what.store(Paused::Nothing as u8, Ordering::Release);
        self.until_ms.store(0, Ordering::Release);
        for client in waiting.drain(..) {
            client.set(ClientFlags::BLOCKED, false);
            client.wake();
        }
    }

    /// When the pause ends by itself, in milliseconds of Unix time.
    pub fn until_ms(&self) -> i64 {
        self.until_ms.load(Ordering::Acquire)
    }

    /// Has `client` woken when the pause ends. Returns false if it has ended already.
    pub fn wait(&self, client: &Arc<Client>) -> bool {
        let mut waiting = self.waiting.lock();
        if !self.is_on() {
            return false;
        }
        if !client.has(ClientFlags::BLOCKED) {
            client.set(ClientFlags::BLOCKED, true);
            waiting.push(Arc::clone(client));
        }
        true
    }

    /// Forgets a client that has gone.
    pub fn forget(&self, client: &Arc<Client>) {
        if client.has(ClientFlags::BLOCKED) {
            self.waiting
                .lock()
                .retain(|other| !Arc::ptr_eq(other, client));
        }
    }

    /// How many clients wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().len()
    }
}
