//! `CLIENT PAUSE`: sessions that wait until a moment, or until they are let go. While a primary
//! hands its role over, or is about to end, writes wait, too.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::clients::{Client, ClientFlags};
use crate::command::Flags;
use crate::sync::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Mutex};

/// Which commands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Paused {
    Nothing = 0,
    Writes = 1,
    Everything = 2,
}

/// Why writes wait, whatever clients ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Holder {
    /// `FAILOVER`.
    Failover = 1,
    Shutdown = 2,
    /// `CLUSTER FAILOVER`.
    ManualFailover = 4,
}

/// The pause, if there is one.
#[derive(Debug)]
pub struct Pause {
    /// The most that is asked for.
    what: AtomicU8,
    until_ms: AtomicI64,
    /// How many slot migrations hold writes to their slots.
    holding_slots: AtomicUsize,
    /// How often such a hold has ended.
    releases: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    clients: Vec<Arc<Client>>,
    /// What `CLIENT PAUSE` has asked for.
    asked: u8,
    /// For whom writes wait, as bits.
    holders: u8,
}

impl Waiting {
    /// Has everybody look again.
    fn let_go(&mut self) {
        for client in self.clients.drain(..) {
            client.set(ClientFlags::BLOCKED, false);
            client.wake();
        }
    }
}

impl Default for Pause {
    fn default() -> Self {
        let what = AtomicU8::new(Paused::Nothing as u8);
        Pause {
            what,
            until_ms: AtomicI64::new(0),
            holding_slots: AtomicUsize::new(0),
            releases: AtomicU64::new(0),
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
        let mut waiting = self.waiting.lock();
        if until_ms <= now_ms && waiting.asked == 0 {
            return;
        }
        self.until_ms.fetch_max(until_ms, Ordering::AcqRel);
        waiting.asked = waiting.asked.max(what as u8);
        self.settle(&mut waiting);
    }

    /// Ends the pause and lets everybody go whom nothing else holds.
    pub fn end(&self) {
        let mut waiting = self.waiting.lock();
        waiting.asked = 0;
        self.until_ms.store(0, Ordering::Release);
        self.settle(&mut waiting);
    }

    /// Has writes wait until this is called again, whatever clients ask for. The same holds of
    /// locks as for [`Pause::begin`].
    pub fn hold_writes(&self, holder: Holder, on: bool) {
        let mut waiting = self.waiting.lock();
        match on {
            true => waiting.holders |= holder as u8,
            false => waiting.holders &= !(holder as u8),
        }
        self.settle(&mut waiting);
    }

    /// Whether writes to some slots wait.
    #[inline]
    pub(crate) fn holds_slots(&self) -> bool {
        self.holding_slots.load(Ordering::Acquire) > 0
    }

    /// Writes to some more slots wait, or to some fewer: then everybody looks again. Which slots
    /// these are the map says.
    pub(crate) fn hold_slots(&self, on: bool) {
        let mut waiting = self.waiting.lock();
        match on {
            true => drop(self.holding_slots.fetch_add(1, Ordering::AcqRel)),
            false => {
                self.holding_slots.fetch_sub(1, Ordering::AcqRel);
                self.releases.fetch_add(1, Ordering::AcqRel);
                waiting.let_go();
            }
        }
    }

    /// How often writes to slots were let go. To be asked before a command is looked at that may
    /// have to [wait](Pause::wait).
    pub fn releases(&self) -> u64 {
        self.releases.load(Ordering::Acquire)
    }

    /// Ends the pause if its time is over.
    pub fn tick(&self, now_ms: i64) {
        if !self.is_on() {
            return;
        }
        let mut waiting = self.waiting.lock();
        // It may have been made longer meanwhile.
        if waiting.asked > 0 && self.until_ms.load(Ordering::Acquire) <= now_ms {
            waiting.asked = 0;
            self.until_ms.store(0, Ordering::Release);
            self.settle(&mut waiting);
        }
    }

    /// Has everybody see what is paused. Whoever waits looks again if it has become less.
    fn settle(&self, waiting: &mut Waiting) {
        let held = match waiting.holders {
            0 => Paused::Nothing,
            _ => Paused::Writes,
        };
        let what = waiting.asked.max(held as u8);
        if self.what.swap(what, Ordering::AcqRel) > what {
            waiting.let_go();
        }
    }

    /// When the pause ends by itself, in milliseconds of Unix time; `None` if it does not.
    pub fn until_ms(&self) -> Option<i64> {
        let until_ms = self.until_ms.load(Ordering::Acquire);
        (until_ms > 0).then_some(until_ms)
    }

    /// Has `client` woken when what it waits for ends. Returns false if it may have ended already:
    /// there is no pause, and writes to slots were let go since there had been so many `releases`.
    pub fn wait(&self, client: &Arc<Client>, releases: u64) -> bool {
        let mut waiting = self.waiting.lock();
        if !self.is_on() && (!self.holds_slots() || self.releases() != releases) {
            return false;
        }
        if !client.has(ClientFlags::BLOCKED) {
            client.set(ClientFlags::BLOCKED, true);
            waiting.clients.push(Arc::clone(client));
        }
        true
    }

    /// Forgets a client that has gone.
    pub fn forget(&self, client: &Arc<Client>) {
        if client.has(ClientFlags::BLOCKED) {
            self.waiting
                .lock()
                .clients
                .retain(|other| !Arc::ptr_eq(other, client));
        }
    }

    /// How many clients wait.
    pub fn waiting(&self) -> usize {
        self.waiting.lock().clients.len()
    }
}
