//! What happens without being asked: keys expire, garbage is freed, rates are sampled.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use datatypes::list::Limits;
use keyspace::{ExpiryCursor, Lapsing, ShardSet};
use stdx::time::UnixMillis;

use crate::Engine;
use crate::clients::ClientFlags;
use crate::dispatch::Worker;
use crate::host::LogLevel;

/// What `DEBUG` can make otherwise.
#[derive(Debug)]
pub struct Switches {
    pub active_expire: AtomicBool,
    /// Nothing happens without being asked.
    pub still: AtomicBool,
    /// Nothing happens at all.
    pub asleep: AtomicBool,
    /// Bytes from which on an element of a list is kept on its own.
    pub list_plain_bytes_min: AtomicUsize,
    /// Sums of dumps are taken for right.
    pub skips_checksums: AtomicBool,
    /// How long each write to the append-only file waits first.
    pub log_flush_delay_micros: AtomicU64,
}

impl Default for Switches {
    fn default() -> Self {
        Switches {
            active_expire: AtomicBool::new(true),
            still: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            list_plain_bytes_min: AtomicUsize::new(Limits::PLAIN_BYTES_MIN),
            skips_checksums: AtomicBool::new(false),
            log_flush_delay_micros: AtomicU64::new(0),
        }
    }
}

/// Between two looks at whether the sleep is over.
const NAP_MICROS: u64 = 1000;

impl Engine {
    /// Has the whole server do nothing for so long, as if its machine hung.
    pub fn sleep(&self, micros: u64) {
        self.switches.asleep.store(true, Ordering::Release);
        self.host.sleep(micros);
        self.switches.asleep.store(false, Ordering::Release);
    }

    /// Sleeps as long as another session has the server do so.
    #[inline]
    pub(crate) fn sleep_as_told(&self) {
        while self.switches.asleep.load(Ordering::Relaxed) {
            self.host.sleep(NAP_MICROS);
        }
    }
}

/// The state of recurring work. The server calls [`Maintenance::tick`] `hz` times a second.
#[derive(Debug, Default)]
pub struct Maintenance {
    cursor: ExpiryCursor,
    /// What the walk under way has found, by db.
    found: Vec<Lapsing>,
    last_sample_ms: i64,
    last_idle_look_ms: i64,
}

/// Keys looked at under one lock.
const STEP_KEYS: usize = 64;

/// The share of a tick that expiry may use: a quarter.
const EXPIRE_SHARE: u64 = 4;

/// Milliseconds between two samples of the rates.
const SAMPLE_MS: i64 = 100;

/// Milliseconds between two looks for idle clients.
const IDLE_LOOK_MS: i64 = 1000;

impl Maintenance {
    pub fn tick(&mut self, engine: &Engine, worker: &mut Worker, hz: u64) {
        let switches = &engine.switches;
        if switches.still.load(Ordering::Relaxed) || switches.asleep.load(Ordering::Relaxed) {
            return;
        }
        let now = engine.now();
        engine.pause.tick(now.0);
        engine.look_after_shutdown();
        let is_settled = !engine.pause.is_on()
            && !engine.persistence.is_loading()
            && !engine.standing.is_replica();
        if engine.switches.active_expire.load(Ordering::Relaxed) && is_settled {
            let budget_nanos = 1_000_000_000 / hz.max(1) / EXPIRE_SHARE;
            self.expire(engine, worker, now, budget_nanos);
        }
        engine.expire_own_keys(worker, now);
        let config = engine.config.load();
        engine.close_slow_readers(&config);
        engine.shrink_clients(&config);
        engine.make_room(worker, &config);
        if now.0 - self.last_sample_ms >= SAMPLE_MS {
            self.last_sample_ms = now.0;
            let totals = engine.stats.totals();
            let syncs = &engine.standing.syncs;
            let [input, output] = [&syncs.bytes_in, &syncs.bytes_out];
            let replicated = [input, output].map(|bytes| bytes.load(Ordering::Relaxed));
            let [input, output] = [totals.bytes_in, totals.bytes_out];
            let totals = [totals.commands, input, output, replicated[0], replicated[1]];
            engine.stats.rates.lock().sample(now.0, totals);
        }
        if now.0 - self.last_idle_look_ms >= IDLE_LOOK_MS {
            self.last_idle_look_ms = now.0;
            close_idle_clients(engine, now);
            engine.close_idle_lines(now);
        }
    }

    /// Walks on over keys that may be due, through everything at most once, until the budget is
    /// used.
    fn expire(&mut self, engine: &Engine, worker: &mut Worker, now: UnixMillis, budget: u64) {
        let started = engine.host.monotonic_nanos();
        self.found
            .resize_with(usize::from(engine.keyspace.dbs()), Lapsing::default);
        loop {
            let used = engine.host.monotonic_nanos().saturating_sub(started);
            if used > budget {
                let reached = &engine.stats.expire_time_cap_reached;
                reached.fetch_add(1, Ordering::Relaxed);
                return self.count_time(engine, used);
            }
            if self.expire_step(engine, worker, now) {
                break;
            }
        }
        let used = engine.host.monotonic_nanos().saturating_sub(started);
        self.count_time(engine, used);
    }

    fn count_time(&self, engine: &Engine, nanos: u64) {
        engine.note_latency("expire-cycle", nanos);
        engine
            .stats
            .expire_cycle_micros
            .fetch_add(nanos / 1000, Ordering::Relaxed);
    }

    /// One step under one shard's lock. Returns whether the walk has come to its end.
    fn expire_step(&mut self, engine: &Engine, worker: &mut Worker, now: UnixMillis) -> bool {
        let mut shards = ShardSet::NONE;
        shards.insert(self.cursor.shard());
        let mut locked = engine.keyspace.lock(shards);
        if engine.pause.is_on() || engine.standing.is_replica() {
            return true;
        }
        let finished = locked.expire_step(&mut self.cursor, now, STEP_KEYS, &mut self.found);
        if locked.has_lapsed() {
            engine.note_lapsed(worker, &engine.config.load(), locked.take_lapsed());
        }
        if !worker.effects.is_empty() {
            worker.append_effects(&engine.log);
            engine.log.wake_readers();
        }
        drop(locked);
        if finished {
            self.end_round(engine);
        }
        finished
    }

    fn end_round(&mut self, engine: &Engine) {
        let mut averages = engine.stats.average_ttl_ms.lock();
        let (mut seen, mut deleted) = (0, 0);
        for (db, found) in std::mem::take(&mut self.found).iter().enumerate() {
            if let Some(average) = found.left_ms.checked_div(found.alive) {
                averages.insert(db as u16, average);
            }
            (seen, deleted) = (seen + found.alive + found.deleted, deleted + found.deleted);
        }
        if let Some(stale) = (deleted * 10_000).checked_div(seen) {
            let hundredths = &engine.stats.stale_hundredths;
            hundredths.store(stale, Ordering::Relaxed);
        }
    }
}

/// Clients that are not idle though they ask nothing: they wait, or are told things.
const ATTENTIVE: ClientFlags = ClientFlags(
    ClientFlags::BLOCKED.0
        | ClientFlags::MONITOR.0
        | ClientFlags::REPLICA.0
        | ClientFlags::PRIMARY.0,
);

/// Closes clients that have sent nothing for longer than `timeout`.
fn close_idle_clients(engine: &Engine, now: UnixMillis) {
    let timeout_ms = i64::from(engine.config.load().clients.timeout) * 1000;
    if timeout_ms == 0 {
        return;
    }
    for client in engine.clients.all() {
        let idle_ms = now.0 - client.last_use_ms.load(Ordering::Relaxed);
        if idle_ms > timeout_ms && !client.has(ATTENTIVE) {
            engine.host.log(LogLevel::Verbose, "Closing idle client");
            engine.kill(&client);
        }
    }
}
