//! Keeps workers asleep while fewer are enough.
//!
//! The runtime wakes a second worker as soon as two connections are ready at once. For small
//! requests that costs more than it gains: the worker is woken, takes a few requests and sleeps
//! again, many thousand times a second. With 50 connections and no pipeline, two workers on two
//! cores use 15 % more processor time for every request than one, and finish no more of them.
//!
//! So all workers but one begin in *beds*: a bed is a task that blocks the worker it runs on. A
//! thread looks a hundred times a second how busy the workers that are up have been, and lets
//! another out of bed when they hardly rest, or puts one back when they rest a lot. A worker that
//! is stuck in a slow command counts as busy, so nobody waits behind it for longer than that.
//!
//! A worker that goes to bed may have had connections in its queue, or been the one that waits for
//! sockets. An empty task, spawned from outside once it lies down, makes another worker look; what
//! only the worker itself could do, it does before, for the bed waits its turn.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How often the governor looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Workers that are up are too few when they are busy for more than this share of the time, so
/// many looks in a row.
const BUSY_SHARE: f64 = 0.95;
const BUSY_LOOKS: u32 = 3;

/// One fewer would do when those would be busy for less than this share, so many looks in a row.
const ENOUGH_SHARE: f64 = 0.9;
const ENOUGH_LOOKS: u32 = 40;

/// A worker in bed rises so often, lest anything was left with it after all.
const SLEEP_MAX: Duration = Duration::from_millis(100);

/// Watches the workers of one runtime.
#[derive(Clone)]
pub struct Governor {
    pulses: Arc<Mutex<Vec<Weak<Pulse>>>>,
    beginning: Instant,
}

/// How busy one thread has been.
#[derive(Default)]
struct Pulse {
    busy_nanos: AtomicU64,
    /// When it last woke, in nanoseconds since the beginning; 0 while it rests.
    up_since: AtomicU64,
}

thread_local! {
    static PULSE: RefCell<Option<Arc<Pulse>>> = const { RefCell::new(None) };
}

impl Governor {
    pub fn new() -> Governor {
        Governor {
            pulses: Arc::default(),
            beginning: Instant::now(),
        }
    }

    fn nanos(&self) -> u64 {
        // Never 0, which means rest.
        self.beginning.elapsed().as_nanos() as u64 + 1
    }

    /// This thread begins to work.
    pub fn wake(&self) {
        PULSE.with_borrow_mut(|pulse| {
            let pulse = pulse.get_or_insert_with(|| {
                let pulse = Arc::new(Pulse::default());
                self.pulses.lock().push(Arc::downgrade(&pulse));
                pulse
            });
            pulse.up_since.store(self.nanos(), Ordering::Relaxed);
        });
    }

    /// This thread rests, or works on something that is no business of the other workers.
    pub fn rest(&self) {
        PULSE.with_borrow(|pulse| {
            let Some(pulse) = pulse else { return };
            let since = pulse.up_since.swap(0, Ordering::Relaxed);
            if since > 0 {
                let busy = self.nanos().saturating_sub(since);
                pulse.busy_nanos.fetch_add(busy, Ordering::Relaxed);
            }
        });
    }

    /// How long all threads together have been busy, up to now.
    fn busy_nanos(&self) -> u64 {
        let now = self.nanos();
        let mut pulses = self.pulses.lock();
        pulses.retain(|pulse| pulse.strong_count() > 0);
        let busy = |pulse: Arc<Pulse>| {
            let since = pulse.up_since.load(Ordering::Relaxed);
            let current = if since == 0 {
                0
            } else {
                now.saturating_sub(since)
            };
            pulse.busy_nanos.load(Ordering::Relaxed) + current
        };
        pulses.iter().filter_map(Weak::upgrade).map(busy).sum()
    }

    /// Governs the `workers` of the runtime this is called in, until the process ends.
    pub fn start(self, workers: usize) {
        let beds: Vec<Arc<Bed>> = (1..workers).map(|_| Arc::default()).collect();
        if beds.is_empty() {
            return;
        }
        for bed in &beds {
            tokio::spawn(Arc::clone(bed).occupy());
        }
        let runtime = Handle::current();
        let govern = move || Watch::new(self, runtime, beds).run();
        // Without the thread all workers stay up, as the runtime has them.
        drop(
            std::thread::Builder::new()
                .name("ochre-governor".to_owned())
                .spawn(govern),
        );
    }
}

/// Holds one worker while it is not needed.
#[derive(Default)]
struct Bed {
    called: Notify,
    state: Mutex<Sleep>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sleep {
    #[default]
    Up,
    Called,
    Asleep,
}

impl Bed {
    /// Takes whichever worker runs this out of service whenever it is called.
    async fn occupy(self: Arc<Bed>) {
        loop {
            self.called.notified().await;
            while *self.state.lock() != Sleep::Up {
                // What the worker would do next comes first: nobody can take that from it.
                tokio::task::yield_now().await;
                self.lie_down();
            }
        }
    }

    /// Blocks the worker until it is released, or for so long that it had better look around.
    fn lie_down(&self) {
        let mut state = self.state.lock();
        if *state == Sleep::Called {
            *state = Sleep::Asleep;
            self.changed.notify_all();
        }
        let asleep = |state: &mut Sleep| *state == Sleep::Asleep;
        self.changed.wait_while_for(&mut state, asleep, SLEEP_MAX);
    }

    /// Puts a worker to bed, and waits a moment for it to lie down.
    fn call(&self) {
        let mut state = self.state.lock();
        *state = Sleep::Called;
        self.called.notify_one();
        let lying = |state: &mut Sleep| *state == Sleep::Called;
        self.changed.wait_while_for(&mut state, lying, LOOK_EVERY);
        // Nobody had time to lie down: then nobody should.
        if *state == Sleep::Called {
            *state = Sleep::Up;
        }
    }

    fn release(&self) {
        *self.state.lock() = Sleep::Up;
        self.changed.notify_all();
    }
}

/// The governor's thread.
struct Watch {
    governor: Governor,
    runtime: Handle,
    beds: Vec<Arc<Bed>>,
    /// Beds that are occupied, the first of the list.
    asleep: usize,
    busy_looks: u32,
    enough_looks: u32,
}

impl Watch {
    fn new(governor: Governor, runtime: Handle, beds: Vec<Arc<Bed>>) -> Watch {
        Watch {
            governor,
            runtime,
            beds,
            asleep: 0,
            busy_looks: 0,
            enough_looks: ENOUGH_LOOKS,
        }
    }

    fn run(mut self) {
        let (mut then, mut busy_then) = (Instant::now(), self.governor.busy_nanos());
        loop {
            std::thread::sleep(LOOK_EVERY);
            let (now, busy_now) = (Instant::now(), self.governor.busy_nanos());
            let busy = busy_now.saturating_sub(busy_then) as f64;
            self.look(busy / (now - then).as_nanos() as f64);
            (then, busy_then) = (now, busy_now);
        }
    }

    /// Decides by how many workers' worth of work was done. Those in bed do none, but count as
    /// busy, for they never rest.
    fn look(&mut self, busy: f64) {
        let up = self.beds.len() + 1 - self.asleep;
        let busy = busy - self.asleep as f64;
        let too_few = busy > up as f64 * BUSY_SHARE;
        let too_many = up > 1 && busy < (up - 1) as f64 * ENOUGH_SHARE;
        self.busy_looks = if too_few { self.busy_looks + 1 } else { 0 };
        self.enough_looks = if too_many { self.enough_looks + 1 } else { 0 };
        if self.busy_looks >= BUSY_LOOKS && self.asleep > 0 {
            self.asleep -= 1;
            self.beds[self.asleep].release();
            self.busy_looks = 0;
        } else if self.enough_looks >= ENOUGH_LOOKS {
            self.beds[self.asleep].call();
            self.asleep += usize::from(*self.beds[self.asleep].state.lock() == Sleep::Asleep);
            // Whatever the worker left behind is for the others.
            self.runtime.spawn(async {});
            self.enough_looks = 0;
        }
    }
}
