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
//! is stuck in a slow command counts as busy, so nobody waits behind it for longer than that. While
//! all rest it looks ten times a second, so the first to be stuck is found out a little later.
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

/// How often it looks while all rest.
const IDLE_LOOK_EVERY: Duration = Duration::from_millis(100);

/// Of a worker's time, less than this is rest.
const IDLE_SHARE: f64 = 0.01;

/// Workers that are up are too few when they are busy for more than this share of the time, so
/// many looks in a row.
const BUSY_SHARE: f64 = 0.95;
const BUSY_LOOKS: u32 = 3;

/// One fewer would do when those would be busy for less than this share on the average, of which
/// each look makes up a twentieth. So many looks pass between two changes.
const ENOUGH_SHARE: f64 = 0.9;
const LOOK_WEIGHT: f64 = 0.05;
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

impl Pulse {
    /// How long it has been busy up to a moment.
    fn busy_at(&self, now: u64) -> u64 {
        let current = match self.up_since.load(Ordering::Relaxed) {
            0 => 0,
            since => now.saturating_sub(since),
        };
        self.busy_nanos.load(Ordering::Relaxed) + current
    }

    /// Counts so many of the last nanoseconds as rest.
    fn excuse(&self, nanos: u64) {
        let since = self.up_since.load(Ordering::Relaxed);
        if since > 0 {
            self.up_since.store(since + nanos, Ordering::Relaxed);
        }
    }
}

/// Has this thread wait for something. That is work for as long as it lasts, lest others wait
/// behind a thread that is stuck; when it is over it was rest.
pub fn wait<R>(until: impl FnOnce() -> R) -> R {
    let began = Instant::now();
    let result = until();
    PULSE.with_borrow(|pulse| {
        if let Some(pulse) = pulse {
            pulse.excuse(began.elapsed().as_nanos() as u64);
        }
    });
    result
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
        let busy = |pulse: Arc<Pulse>| pulse.busy_at(now);
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
    judge: Judge,
}

impl Watch {
    fn new(governor: Governor, runtime: Handle, beds: Vec<Arc<Bed>>) -> Watch {
        let judge = Judge::new(beds.len() + 1);
        Watch {
            governor,
            runtime,
            beds,
            judge,
        }
    }

    fn run(mut self) {
        let (mut then, mut busy_then) = (Instant::now(), self.governor.busy_nanos());
        loop {
            std::thread::sleep(match self.judge.is_idle {
                true => IDLE_LOOK_EVERY,
                false => LOOK_EVERY,
            });
            let (now, busy_now) = (Instant::now(), self.governor.busy_nanos());
            let busy = busy_now.saturating_sub(busy_then) as f64;
            self.act(busy / (now - then).as_nanos() as f64);
            (then, busy_then) = (now, busy_now);
        }
    }

    /// The first beds of the list are the occupied ones.
    fn act(&mut self, busy: f64) {
        match self.judge.look(busy) {
            Verdict::Fitting => {}
            Verdict::TooFew => {
                self.judge.asleep -= 1;
                self.beds[self.judge.asleep].release();
            }
            Verdict::TooMany => {
                let bed = &self.beds[self.judge.asleep];
                bed.call();
                self.judge.asleep += usize::from(*bed.state.lock() == Sleep::Asleep);
                // Whatever the worker left behind is for the others.
                self.runtime.spawn(async {});
            }
        }
    }
}

/// Decides how many workers are needed.
struct Judge {
    workers: usize,
    asleep: usize,
    busy_looks: u32,
    /// Nothing is to do, and no worker too many is up.
    is_idle: bool,
    /// Looks since the last change.
    looks: u32,
    /// How many workers' worth of work was done, on the average.
    average: f64,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fitting,
    TooFew,
    TooMany,
}

impl Judge {
    fn new(workers: usize) -> Judge {
        Judge {
            workers,
            asleep: 0,
            busy_looks: 0,
            is_idle: false,
            looks: ENOUGH_LOOKS,
            average: 0.0,
        }
    }

    /// `busy` is how many workers' worth of time was not rest since the last look. Those in bed do
    /// nothing, but count as busy, for they never rest.
    fn look(&mut self, busy: f64) -> Verdict {
        let up = self.workers - self.asleep;
        let busy = (busy - self.asleep as f64).max(0.0);
        self.average += (busy - self.average) * LOOK_WEIGHT;
        self.looks += 1;
        let is_short = busy > up as f64 * BUSY_SHARE;
        self.busy_looks = if is_short { self.busy_looks + 1 } else { 0 };
        self.is_idle = up == 1 && busy < IDLE_SHARE;
        let verdict = if self.busy_looks >= BUSY_LOOKS && self.asleep > 0 {
            Verdict::TooFew
        } else if up > 1
            && self.looks >= ENOUGH_LOOKS
            && self.average < (up - 1) as f64 * ENOUGH_SHARE
        {
            Verdict::TooMany
        } else {
            return Verdict::Fitting;
        };
        (self.busy_looks, self.looks) = (0, 0);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_work_until_it_is_over() {
        let pulse = Pulse::default();
        pulse.up_since.store(10, Ordering::Relaxed);
        assert_eq!(pulse.busy_at(50), 40);
        pulse.excuse(30);
        assert_eq!(pulse.busy_at(50), 10);
        assert_eq!(pulse.busy_at(60), 20);
        // A thread that rests has nothing to be excused for.
        pulse.up_since.store(0, Ordering::Relaxed);
        pulse.excuse(5);
        assert_eq!(pulse.busy_at(70), 0);
    }

    /// Looks `times` times at workers that are so busy while up, and returns how many are up then.
    fn after(judge: &mut Judge, times: usize, busy_while_up: f64) -> usize {
        for _ in 0..times {
            let up = judge.workers - judge.asleep;
            match judge.look(judge.asleep as f64 + busy_while_up.min(up as f64)) {
                Verdict::Fitting => {}
                Verdict::TooFew => judge.asleep -= 1,
                Verdict::TooMany => judge.asleep += 1,
            }
        }
        judge.workers - judge.asleep
    }

    #[test]
    fn one_worker_is_up_while_there_is_little_to_do() {
        let mut judge = Judge::new(4);
        assert_eq!(after(&mut judge, 1000, 0.0), 1);
        assert!(judge.is_idle);
        // Clocks that are read one after the other may say a little less than nothing.
        assert_eq!(after(&mut judge, 1000, -0.01), 1);
        assert_eq!(after(&mut judge, 1000, 0.7), 1);
    }

    #[test]
    fn more_are_up_as_soon_as_they_hardly_rest() {
        let mut judge = Judge::new(4);
        after(&mut judge, 1000, 0.0);
        assert_eq!(after(&mut judge, BUSY_LOOKS as usize, 4.0), 2);
        assert_eq!(after(&mut judge, 3 * BUSY_LOOKS as usize, 4.0), 4);
        assert_eq!(after(&mut judge, 1000, 4.0), 4);
        assert_eq!(after(&mut judge, 1000, 1.2), 2);
    }
}
