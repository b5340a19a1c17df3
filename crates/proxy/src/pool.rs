//! A pool as all workers share it: its servers, and where keys live now.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::configuration::{self, Address};
use crate::placement::hash::Hash;
use crate::placement::ring::{Member, Ring};
use crate::placement::roster::Roster;
use crate::placement::tagged;
use crate::stats::{PoolCounters, ServerCounters, Shared};
use stdx::prng::Prng;

/// A pool of servers.
#[derive(Debug)]
pub struct Pool {
    pub config: configuration::Pool,
    roster: Mutex<Roster>,
    view: Mutex<Arc<View>>,
    /// Grows with every new view.
    version: AtomicU64,
    pub shared: Shared,
    /// One for each worker.
    pub counters: Vec<PoolCounters>,
    started: Instant,
}

/// A server, as all workers share it.
#[derive(Debug)]
pub struct Server {
    pub label: String,
    pub address: Address,
    /// One for each worker.
    pub counters: Vec<ServerCounters>,
    /// When it was put out of the ring, in microseconds of Unix time; 0 if never.
    pub ejected_at_us: AtomicU64,
    /// Whether it has failed since it last answered well.
    failed: AtomicU64,
}

/// Where keys live.
#[derive(Debug)]
pub struct View {
    pub servers: Vec<Arc<Server>>,
    pub ring: Ring,
    hash: Hash,
    hash_tag: Option<[u8; 2]>,
    /// When somebody comes back, in the pool's milliseconds.
    pub changes_at: Option<u64>,
}

impl View {
    /// The server of a key.
    #[inline]
    pub fn server_of(&self, key: &[u8], chance: &mut Prng) -> Option<usize> {
        // A pool of one server hashes nothing.
        if let [_] = self.servers[..] {
            return self.ring.server(0, chance);
        }
        let hash = self.hash.of(tagged(key, self.hash_tag));
        self.ring.server(hash, chance)
    }
}

/// A panic ends the process, so what a lock guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub fn new(config: configuration::Pool, workers: usize) -> Pool {
        let members = config.servers.iter().map(|server| Member {
            label: server.label.clone(),
            weight: server.weight,
        });
        let roster = Roster::new(config.distribution, members.collect(), config.ejection);
        let servers = config.servers.iter().map(|server| {
            Arc::new(Server {
                label: server.label.clone(),
                address: server.address.clone(),
                counters: (0..workers).map(|_| ServerCounters::default()).collect(),
                ejected_at_us: AtomicU64::new(0),
                failed: AtomicU64::new(0),
            })
        });
        let view = View {
            servers: servers.collect(),
            ring: roster.ring().clone(),
            hash: config.hash,
            hash_tag: config.hash_tag,
            changes_at: None,
        };
        Pool {
            config,
            roster: Mutex::new(roster),
            view: Mutex::new(Arc::new(view)),
            version: AtomicU64::new(0),
            shared: Shared::default(),
            counters: (0..workers).map(|_| PoolCounters::default()).collect(),
            started: Instant::now(),
        }
    }

    /// Milliseconds since the pool began.
    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    #[inline]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(&lock(&self.view))
    }

    /// Lets servers back in whose time is over.
    pub fn refresh(&self) {
        let mut roster = lock(&self.roster);
        if roster.refresh(self.now_ms()) {
            self.publish(&roster);
        }
    }

    /// A connection to a server failed.
    pub fn failed(&self, server: usize) {
        if !self.config.ejection.automatic {
            return;
        }
        let mut roster = lock(&self.roster);
        if let Some(server) = self.view().servers.get(server) {
            server.failed.store(1, Ordering::Relaxed);
        }
        if roster.failed(server, self.now_ms()) {
            self.shared.server_ejects.fetch_add(1, Ordering::Relaxed);
            let ejected = &self.view().servers[server];
            ejected.ejected_at_us.store(unix_us(), Ordering::Relaxed);
            self.publish(&roster);
        }
    }

    /// A server has given a good answer.
    #[inline]
    pub fn answered(&self, index: usize, server: &Server) {
        if server.failed.load(Ordering::Relaxed) != 0 {
            server.failed.store(0, Ordering::Relaxed);
            lock(&self.roster).answered(index);
        }
    }

    fn publish(&self, roster: &Roster) {
        let mut view = lock(&self.view);
        *view = Arc::new(View {
            servers: view.servers.clone(),
            ring: roster.ring().clone(),
            hash: view.hash,
            hash_tag: view.hash_tag,
            changes_at: roster.next_return(),
        });
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// Microseconds of Unix time.
pub fn unix_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}
