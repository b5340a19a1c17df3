//! The locks of shards, under many schedules of the threads that take them.
//!
//! Each thread locks random sets of shards, some of them to serve the waits that are there, and
//! begins or ends waits that touch other shards. However the threads take turns:
//!
//! * nobody waits for ever: the checker ends the run if all threads do;
//! * a shard is one thread's at a time;
//! * whoever locks to serve holds all that the waits at any of its shards touch.
//!
//! A failure prints the command that repeats it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use keyspace::{DbIndex, Expire, Keyspace, Locked, ShardSet, WaiterId};
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;
use stdx::prng::Prng;
use stdx::time::UnixMillis;

const SCHEDULES: u64 = 1000;

/// Keys, each in a shard of its own.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

const THREADS: u64 = 4;
const TURNS: u64 = 5;

#[test]
fn locks_are_exclusive_and_nobody_waits_for_ever() {
    match std::env::var("OCHRE_SCHEDULE") {
        Ok(number) => run(number.parse().unwrap()),
        Err(_) => (0..SCHEDULES).for_each(run),
    }
}

/// Says how to repeat a schedule that fails.
struct Repeat(u64);

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "repeat it with\n  OCHRE_SCHEDULE={} cargo test -p keyspace --features shuttle \
                 --test interleavings",
                self.0
            );
        }
    }
}

fn run(schedule: u64) {
    let _repeat = Repeat(schedule);
    let mut config = shuttle::Config::new();
    config.failure_persistence = shuttle::FailurePersistence::None;
    let scheduler = RandomScheduler::new_from_seed(schedule, 1);
    shuttle::Runner::new(scheduler, config).run(move || {
        let room = Arc::new(Room::open());
        let threads = (0..THREADS).map(|number| {
            let (room, mut prng) = (Arc::clone(&room), Prng::new(schedule * THREADS + number));
            thread::spawn(move || (0..TURNS).for_each(|turn| room.turn(number, turn, &mut prng)))
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

struct Room {
    keyspace: Keyspace,
    /// Whether somebody holds the lock of each key's shard.
    taken: [AtomicBool; KEYS.len()],
    /// The waits: the key of each, and the keys it touches beyond. Changed under the key's lock.
    waits: Mutex<BTreeMap<WaiterId, (usize, Vec<usize>)>>,
}

impl Room {
    fn open() -> Room {
        let room = Room {
            keyspace: Keyspace::new(1, 1),
            taken: Default::default(),
            waits: Mutex::default(),
        };
        let keys: Vec<usize> = (0..KEYS.len()).collect();
        let shards = room.shards(&keys);
        let mut count = 0;
        shards.for_each(|_| count += 1);
        assert_eq!(count, KEYS.len(), "a shard for each key");
        room
    }

    fn shards(&self, keys: &[usize]) -> ShardSet {
        let mut shards = ShardSet::NONE;
        keys.iter()
            .for_each(|key| shards.insert(self.keyspace.key(KEYS[*key].as_bytes()).slot.shard()));
        shards
    }

    fn turn(&self, thread: u64, turn: u64, prng: &mut Prng) {
        let some = |prng: &mut Prng| -> Vec<usize> {
            let chosen = 1 + prng.next_u64() % ((1 << KEYS.len()) - 1);
            (0..KEYS.len())
                .filter(|key| chosen & 1 << key != 0)
                .collect()
        };
        let keys = some(prng);
        let serves = prng.below(2) == 0;
        let mut locked = match serves {
            true => self.keyspace.lock_to_serve(self.shards(&keys)),
            false => self.keyspace.lock(self.shards(&keys)),
        };
        let held: Vec<usize> = (0..KEYS.len())
            .filter(|key| self.holds(&mut locked, *key))
            .collect();
        assert!(keys.iter().all(|key| held.contains(key)));
        assert!(serves || held == keys);
        for key in &held {
            let was_taken = self.taken[*key].swap(true, Ordering::SeqCst);
            assert!(!was_taken, "two threads hold the same lock");
        }
        if serves {
            self.check_reach(&held);
        }
        match prng.below(2) {
            0 => {
                let id = WaiterId(thread * TURNS + turn);
                let beyond = vec![prng.below(KEYS.len() as u64) as usize];
                self.wait(&mut locked, id, keys[0], beyond);
            }
            _ => self.stop(&mut locked, keys[0]),
        }
        for key in &held {
            self.taken[*key].store(false, Ordering::SeqCst);
        }
    }

    fn holds(&self, locked: &mut Locked<'_>, key: usize) -> bool {
        let db = locked.db(DbIndex(0), UnixMillis(0), Expire::Ignore);
        db.holds(&self.keyspace.key(KEYS[key].as_bytes()))
    }

    fn check_reach(&self, held: &[usize]) {
        for (key, beyond) in self.waits.lock().unwrap().values() {
            // What is at a shard that somebody else holds may change meanwhile.
            let reached = !held.contains(key) || beyond.iter().all(|key| held.contains(key));
            assert!(reached, "a wait at {key} touches {beyond:?}: {held:?}");
        }
    }

    fn wait(&self, locked: &mut Locked<'_>, id: WaiterId, key: usize, beyond: Vec<usize>) {
        let shards = self.shards(&beyond);
        let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Ignore);
        db.wait_for(&self.keyspace.key(KEYS[key].as_bytes()), id, shards);
        self.waits.lock().unwrap().insert(id, (key, beyond));
    }

    /// Ends the oldest wait at a key.
    fn stop(&self, locked: &mut Locked<'_>, key: usize) {
        let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Ignore);
        let located = self.keyspace.key(KEYS[key].as_bytes());
        if let Some(id) = db.waiters(&located).first() {
            db.stop_waiting(&located, *id);
            self.waits.lock().unwrap().remove(id);
        }
    }
}
