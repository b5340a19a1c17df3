//! Keeps workers asleep while fewer are enough.
//!
//! The runtime wakes a second worker as soon as two connections are ready at once. For small
//! requests that costs more than it gains: the worker is woken, takes a few requests and sleeps
//! again, many thousand times a second. With 50 connections and no pipeline, two workers on two
//! cores use 15 % more processor time for every request than one, and finish no more of them.
//!
//! So there are *beds*: a bed is a task that blocks the worker it runs on. A thread looks a hundred
//! times a second how busy the workers that are up have been, and what they served, and has a
//! [`Judge`] decide how many are to be up. A worker that is stuck in a slow command counts as busy,
//! so nobody waits behind it for long. While all rest it looks ten times a second, so the first to
//! be stuck is found out a little later; while one worker more is on trial it looks more often.
//!
//! A worker that goes to bed may have connections in its queue, or be the one that waits for
//! sockets. Empty tasks, spawned from outside once it lies, make another worker look. What only the
//! worker itself can do is done before: replies that it was left are written, and tasks that wait
//! for its next look at the sockets have had their turn, for the bed has waited with them. From the
//! moment that a bed is called none is added to those ([`is_calling`]).

use std::cell::RefCell;
use std::cmp::Ordering::{Equal, Greater, Less};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use engine::Engine;
use engine::stats::Traffic;
use parking_lot::{Condvar, Mutex};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use judge::{Judge, Look};

use crate::outbox;

mod judge;

/// How often the governor looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How often it looks while one worker more than before is on trial.
const TRIAL_LOOK_EVERY: Duration = Duration::from_millis(4);

/// How often it looks while all rest.
const IDLE_LOOK_EVERY: Duration = Duration::from_millis(100);

/// A worker in bed rises for a moment so often, lest anything was left with it after all.
const TURN_EVERY: Duration = Duration::from_secs(1);

/// A worker that was about to wait for sockets when another lay down may not have seen what that
/// left. It has begun to wait after this time, and is made to look again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(1);

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
    outbox::flush();
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
    pub fn start(self, workers: usize, engine: &Arc<Engine>) {
        let beds: Vec<Arc<Bed>> = (1..workers).map(|_| Arc::default()).collect();
        if beds.is_empty() {
            return;
        }
        for bed in &beds {
            tokio::spawn(Arc::clone(bed).occupy());
        }
        let watch = Watch {
            governor: self,
            engine: Arc::clone(engine),
            runtime: Handle::current(),
            beds,
            judge: Judge::new(workers),
        };
        // Without the thread all workers stay up, as the runtime has them.
        drop(
            std::thread::Builder::new()
                .name("ochre-governor".to_owned())
                .spawn(|| watch.run()),
        );
    }
}

/// Whether a worker is about to go to bed. Then no task may be left to the moment when its worker
/// has looked at the sockets: it might look no more.
pub fn is_calling() -> bool {
    IS_CALLING.load(Ordering::Acquire)
}

static IS_CALLING: AtomicBool = AtomicBool::new(false);

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
                wait_behind_others().await;
                self.lie_down();
            }
        }
    }

    /// Blocks the worker until it is released, or called again.
    fn lie_down(&self) {
        outbox::flush();
        let mut state = self.state.lock();
        if *state == Sleep::Called {
            *state = Sleep::Asleep;
            self.changed.notify_all();
        }
        let asleep = |state: &mut Sleep| *state == Sleep::Asleep;
        self.changed.wait_while(&mut state, asleep);
    }

    /// Puts a worker to bed, or the one that lies there again, and waits a moment for it to lie
    /// down. Returns whether it does.
    fn call(&self) -> bool {
        IS_CALLING.store(true, Ordering::Release);
        let lies = self.call_and_wait();
        IS_CALLING.store(false, Ordering::Release);
        lies
    }

    fn call_and_wait(&self) -> bool {
        let mut state = self.state.lock();
        *state = Sleep::Called;
        self.called.notify_one();
        self.changed.notify_all();
        let lying = |state: &mut Sleep| *state == Sleep::Called;
        self.changed.wait_while_for(&mut state, lying, LOOK_EVERY);
        *state == Sleep::Asleep
    }

    fn release(&self) {
        *self.state.lock() = Sleep::Up;
        self.changed.notify_all();
    }
}

/// Resolves when the worker that runs this has looked at its sockets, and whatever waited for that
/// has been told.
async fn wait_behind_others() {
    loop {
        let worker = std::thread::current().id();
        tokio::task::yield_now().await;
        // Another worker may have taken this one's place.
        if worker == std::thread::current().id() {
            return;
        }
    }
}

/// The governor's thread.
struct Watch {
    governor: Governor,
    engine: Arc<Engine>,
    runtime: Handle,
    /// The first are the occupied ones.
    beds: Vec<Arc<Bed>>,
    judge: Judge,
}

impl Watch {
    fn run(mut self) {
        let (mut then, mut before) = (Instant::now(), self.tally());
        let mut turned = then;
        loop {
            std::thread::sleep(match &self.judge {
                judge if judge.is_idle => IDLE_LOOK_EVERY,
                judge if judge.is_trying_more() => TRIAL_LOOK_EVERY,
                _ => LOOK_EVERY,
            });
            let (now, tally) = (Instant::now(), self.tally());
            let nanos = (now - then).as_nanos() as f64;
            // Those in bed do nothing, but never rest.
            let in_bed = self.in_bed() as f64;
            let busy_nanos = (tally.busy_nanos - before.busy_nanos) as f64 - in_bed * nanos;
            self.act(Look {
                nanos,
                busy_nanos,
                // After `CONFIG RESETSTAT` they begin anew.
                reads: tally.traffic.reads.saturating_sub(before.traffic.reads),
                bytes: tally.traffic.bytes.saturating_sub(before.traffic.bytes),
            });
            (then, before) = (now, tally);
            if turned.elapsed() >= TURN_EVERY {
                self.turn();
                turned = Instant::now();
            }
        }
    }

    /// Has those in bed rise, and lie down again.
    fn turn(&self) {
        for bed in &self.beds[..self.in_bed()] {
            // Who has no time to lie down does it later.
            self.lay(bed);
        }
    }

    /// Has a worker lie in a bed. Returns whether it does.
    fn lay(&self, bed: &Bed) -> bool {
        let lies = bed.call();
        // Whatever the worker left behind is for the others.
        self.runtime.spawn(async {});
        std::thread::sleep(LOOK_AGAIN_AFTER);
        self.runtime.spawn(async {});
        lies
    }

    fn tally(&self) -> Tally {
        Tally {
            busy_nanos: self.governor.busy_nanos() as i64,
            traffic: self.engine.stats.traffic(),
        }
    }

    fn in_bed(&self) -> usize {
        self.beds.len() + 1 - self.judge.up()
    }

    fn act(&mut self, look: Look) {
        let up = self.judge.up();
        let in_bed = self.in_bed();
        let up = match self.judge.look(look).cmp(&up) {
            Equal => return,
            Greater => {
                self.beds[in_bed - 1].release();
                up + 1
            }
            Less if self.lay(&self.beds[in_bed]) => up - 1,
            Less => {
                // Nobody had time to lie down: then nobody should.
                self.beds[in_bed].release();
                up
            }
        };
        self.judge.changed(up);
    }
}

/// What workers have done since they began.
struct Tally {
    busy_nanos: i64,
    traffic: Traffic,
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
}
