//! `maxmemory`: giving up keys when memory is full.
//!
//! Before a command runs that may make memory grow, and at every tick, keys are evicted until what
//! is used is below the limit again. Which ones depends on the policy: of a few keys drawn at
//! random, those that were used longest ago, most rarely, or that expire first. The best that were
//! drawn but not evicted are remembered, so that they compete with the next ones drawn.

use config::{Config, EvictionPolicy};
use keyspace::{Db, DbIndex, Detached, Entry, Expire, ShardSet};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::context::Event;
use crate::dispatch::{self, Worker};
use crate::sync::Mutex;

/// Candidates that are remembered between two evictions.
const CANDIDATES_MAX: usize = 16;

/// Elements freed in one step.
const STEP_ELEMENTS: usize = 10_000;

/// Keys evicted between two looks at the clock.
const KEYS_BETWEEN_LOOKS: usize = 16;

/// For how long it is taken for known which dbs hold keys.
const DBS_KNOWN_MS: i64 = 100;

/// How trying to get below the limit went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It is below the limit.
    Free,
    /// It is above, but keys are still being evicted: the tick goes on with it.
    Shrinking,
    /// It is above, and there is nothing left to evict.
    Full,
}

/// A key that could be given up.
#[derive(Debug)]
struct Candidate {
    /// The higher, the sooner it goes.
    weight: u64,
    db: DbIndex,
    key: Box<[u8]>,
}

/// What is remembered between two evictions.
#[derive(Debug, Default)]
struct Memo {
    policy: Option<EvictionPolicy>,
    /// Ascending by weight.
    candidates: Vec<Candidate>,
    /// The dbs that held keys when this was last looked at, and when that was.
    dbs: Vec<DbIndex>,
    looked: UnixMillis,
}

/// The state of eviction. Whoever holds it evicts.
#[derive(Debug, Default)]
pub struct Eviction(Mutex<Memo>);

impl Engine {
    /// Evicts keys until memory is below the limit, for a bounded time.
    #[inline]
    pub(crate) fn make_room(&self, worker: &mut Worker, config: &Config) -> Memory {
        let limit = config.memory.limit.0;
        if limit == 0 || self.host.memory_used() <= limit {
            return Memory::Free;
        }
        // What a primary keeps its replica keeps, too.
        if self.standing.is_replica() && config.replication.ignore_memory_limit {
            return Memory::Free;
        }
        self.evict(worker, config, limit)
    }

    #[cold]
    fn evict(&self, worker: &mut Worker, config: &Config, limit: u64) -> Memory {
        // What is loaded comes whole.
        if self.persistence.is_loading() {
            return Memory::Free;
        }
        let may_evict = config.memory.policy != EvictionPolicy::NoEviction && !self.pause.is_on();
        let started = self.host.monotonic_nanos();
        let budget = time_budget_nanos(config.memory.eviction_tenacity);
        let mut memo = self.eviction.0.lock();
        if memo.policy.replace(config.memory.policy) != Some(config.memory.policy) {
            memo.candidates.clear();
        }
        let mut evicted = 0_usize;
        let result = loop {
            if self.host.memory_used() <= limit {
                break Memory::Free;
            }
            // What was given up to the background may be enough.
            if !self.garbage.free_some(STEP_ELEMENTS) {
                if !may_evict || !self.evict_one(worker, config, &mut memo) {
                    break Memory::Full;
                }
                evicted += 1;
            }
            let elapsed = self.host.monotonic_nanos().saturating_sub(started);
            if evicted.is_multiple_of(KEYS_BETWEEN_LOOKS) && elapsed > budget {
                break Memory::Shrinking;
            }
        };
        let elapsed = self.host.monotonic_nanos().saturating_sub(started);
        self.note_latency("eviction-cycle", elapsed);
        result
    }

    /// Evicts the best key there is. Returns whether there was one.
    fn evict_one(&self, worker: &mut Worker, config: &Config, memo: &mut Memo) -> bool {
        self.look_for_dbs(memo, DBS_KNOWN_MS);
        loop {
            if !self.draw_candidates(worker, config, memo) && memo.candidates.is_empty() {
                self.look_for_dbs(memo, 0);
                if !self.draw_candidates(worker, config, memo) {
                    return false;
                }
            }
            // A candidate may be gone since it was drawn, or not expire any more.
            while let Some(best) = memo.candidates.pop() {
                if self.evict_key(worker, config, &best) {
                    return true;
                }
            }
        }
    }

    /// Looks which dbs hold keys, unless that is known since less than `known_ms`.
    fn look_for_dbs(&self, memo: &mut Memo, known_ms: i64) {
        let now = self.now();
        if now.0 - memo.looked.0 < known_ms && !memo.dbs.is_empty() {
            return;
        }
        memo.looked = now;
        let mut locked = self.keyspace.lock(ShardSet::NONE);
        let mut holds_keys = |index: &DbIndex| locked.db(*index, now, Expire::Ignore).count().0 > 0;
        memo.dbs = (0..self.keyspace.dbs())
            .map(DbIndex)
            .filter(&mut holds_keys)
            .collect();
    }

    /// Draws a few keys of every db. Returns whether there were any.
    fn draw_candidates(&self, worker: &mut Worker, config: &Config, memo: &mut Memo) -> bool {
        let (policy, now) = (config.memory.policy, self.now());
        let samples = match policy {
            EvictionPolicy::AllKeysRandom | EvictionPolicy::VolatileRandom => 1,
            _ => config.memory.samples as usize,
        };
        let mut found = false;
        for &index in &memo.dbs {
            let mut locked = self.keyspace.lock(ShardSet::NONE);
            dispatch::prepare(&mut locked, config, worker);
            let mut db = locked.db(index, now, Expire::Ignore);
            // Each from a shard of its own: two keys of one shard are no worse, but the first
            // shards of a db that holds few keys are.
            for _ in 0..samples {
                let from = worker.prng.below(keyspace::SHARDS as u64) as usize;
                let prng = &mut worker.prng;
                let mut drawn = None;
                found |= db.draw(
                    from,
                    policy.only_volatile(),
                    1,
                    &mut |bound| prng.below(bound),
                    |entry| drawn = Some((entry.access(), entry.expiry(), Box::from(entry.key()))),
                );
                if let Some((access, expiry, key)) = drawn {
                    let (weight, db) = (weight(policy, &db, access, expiry), index);
                    remember(&mut memo.candidates, Candidate { weight, db, key });
                }
            }
        }
        found
    }

    fn evict_key(&self, worker: &mut Worker, config: &Config, candidate: &Candidate) -> bool {
        let key = self.keyspace.key(&candidate.key);
        let mut locked = self.keyspace.lock(ShardSet::of(key.slot.shard()));
        let mut db = locked.db(candidate.db, self.now(), Expire::Ignore);
        let Some(expiry) = db.peek(&key).map(|entry| entry.expiry()) else {
            return false;
        };
        if expiry.is_none() && config.memory.policy.only_volatile() {
            return false;
        }
        let Some(entry) = db.remove(&key) else {
            return false;
        };
        worker.stats.evicted.add(1);
        worker.stats.dirty.add(1);
        self.notify(config, candidate.db, key.bytes, Event::EVICTED);
        if self.log.is_read() {
            let name: &[u8] = if config.memory.lazy_eviction {
                b"UNLINK"
            } else {
                b"DEL"
            };
            worker.effects.push(candidate.db, &[name, key.bytes]);
            worker.append_effects(&self.log);
        }
        drop(locked);
        self.log.wake_readers();
        self.free(entry, config.memory.lazy_eviction);
        true
    }

    /// Frees an entry without holding a lock, for its memory is needed now.
    pub(crate) fn free(&self, entry: Entry, lazily: bool) {
        let detached = Detached::entry(entry);
        match lazily {
            true => self.garbage.add(vec![detached]),
            false => detached.free(),
        }
    }
}

/// Keeps a candidate in its place, if it is better than the worst of enough others.
fn remember(candidates: &mut Vec<Candidate>, candidate: Candidate) {
    let is_known = |known: &Candidate| known.db == candidate.db && known.key == candidate.key;
    candidates.retain(|known| !is_known(known));
    let at = candidates.partition_point(|known| known.weight <= candidate.weight);
    candidates.insert(at, candidate);
    if candidates.len() > CANDIDATES_MAX {
        candidates.remove(0);
    }
}

fn weight(policy: EvictionPolicy, db: &Db<'_>, access: u32, expiry: Option<UnixMillis>) -> u64 {
    match policy {
        EvictionPolicy::AllKeysLru | EvictionPolicy::VolatileLru => {
            u64::from(db.idle_seconds(access))
        }
        EvictionPolicy::AllKeysLfu | EvictionPolicy::VolatileLfu => {
            u64::from(u8::MAX - db.frequency(access))
        }
        EvictionPolicy::VolatileTtl => u64::MAX - expiry.map_or(0, |at| at.0.max(0) as u64),
        _ => 0,
    }
}

/// How long a command may evict before it runs. `tenacity` is of 0 to 100, which is without end.
fn time_budget_nanos(tenacity: u32) -> u64 {
    const MICROS_AT_TEN: f64 = 500.0;
    let micros = match tenacity {
        0..=10 => MICROS_AT_TEN * f64::from(tenacity) / 10.0,
        11..100 => MICROS_AT_TEN * 1.15_f64.powi(tenacity as i32 - 10),
        _ => return u64::MAX,
    };
    (micros * 1000.0) as u64
}
