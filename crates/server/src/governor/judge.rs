//! Decides how many workers are to be up, from what a look at them finds, and from nothing else.
//!
//! One that rests too much is put to bed. When none rests another gets up at once. That may gain
//! nothing, for the cores may be taken by other programs, or workers wait for each other's locks;
//! then it goes to bed again, and as long as clients ask for the like, another gets up for a trial
//! now and then only. The judge also remembers what a byte to or from clients has cost each number
//! of workers. If one fewer could do what is done it tries that for a moment, and keeps it so if
//! clients are served no less. A trial that changes nothing is repeated after twice the time.

use std::mem;
use std::ops::AddAssign;

/// Of a worker's time, less than this is rest.
const IDLE_SHARE: f64 = 0.01;

/// Workers that are up are too few when they are busy for more than this share of the time, so
/// many looks in a row.
const BUSY_SHARE: f64 = 0.95;
const BUSY_LOOKS: u32 = 3;

/// One fewer would do when those would be busy for less than this share on the average, of which
/// each look makes up a twentieth. So many looks pass between two such changes.
const ENOUGH_SHARE: f64 = 0.9;
const LOOK_WEIGHT: f64 = 0.05;
const ENOUGH_LOOKS: u32 = 40;

/// So many looks show what workers serve; the first after a change do not count.
const WINDOW_LOOKS: u32 = 20;
const SETTLING_LOOKS: u32 = 2;

/// One fewer is tried if those would be busy for less than this share, were they as quick as when
/// they were last seen.
const TRIAL_SHARE: f64 = 1.1;

/// A difference of this share in what is served may be chance.
const CHANCE_SHARE: f64 = 0.03;

/// After so many looks a trial is over if its end is clear: fewer serve less than this share, or
/// more serve either no more than by chance or so much more.
const CLEAR_LOOKS: u32 = 5;
const LOSS_SHARE: f64 = 0.85;
const GAIN_SHARE: f64 = 1.2;

/// Looks between two trials, of those that found this much of a worker busy.
const PAUSE_MIN: u32 = 100;
const PAUSE_MAX: u32 = 800;
const PAUSE_SHARE: f64 = 0.7;

/// Reads are alike that take up to so many times as long as each other, and bring, with what they
/// make to send, up to so many times as much.
const ALIKE_NANOS: f64 = 2.0;
const ALIKE_BYTES: f64 = 1.5;

/// Workers that take more nanoseconds than this for what they read at once, on the average, do not
/// hold each other up: then more are worth it for certain.
const LONG_NANOS: f64 = 500_000.0;

/// What workers did in a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// How long it was, in nanoseconds.
    pub nanos: f64,
    /// How long workers that are up were busy, all together, in nanoseconds.
    pub busy_nanos: f64,
    /// How many times they read from a client.
    pub reads: u64,
    /// How many bytes they exchanged with clients.
    pub bytes: u64,
}

impl AddAssign for Look {
    fn add_assign(&mut self, more: Look) {
        self.nanos += more.nanos;
        self.busy_nanos += more.busy_nanos;
        self.reads += more.reads;
        self.bytes += more.bytes;
    }
}

impl Look {
    /// How many workers' worth of time was not rest. Clocks that are read one after the other may
    /// say a little less than nothing.
    fn busy(&self) -> f64 {
        (self.busy_nanos / self.nanos).max(0.0)
    }

    /// Bytes in a nanosecond.
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.nanos
    }

    /// Nanoseconds of a worker for a byte.
    fn cost(&self) -> f64 {
        self.busy_nanos / self.bytes as f64
    }

    /// Whether clients ask for the like.
    fn is_like(&self, other: &Look) -> bool {
        let within = |most: f64, a: f64, b: f64| a <= b * most && b <= a * most;
        let (reads, others) = (self.reads as f64, other.reads as f64);
        let (nanos, bytes) = (self.busy_nanos / reads, self.bytes as f64 / reads);
        within(ALIKE_NANOS, nanos, other.busy_nanos / others)
            && within(ALIKE_BYTES, bytes, other.bytes as f64 / others)
    }

    /// Whether clients were served one long thing after the other, or nothing.
    fn is_long(&self) -> bool {
        self.busy_nanos > LONG_NANOS * self.reads as f64
    }
}

/// Several looks at the same workers.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    looks: u32,
    sum: Look,
}

impl Window {
    fn add(&mut self, look: Look) {
        self.looks += 1;
        self.sum += look;
    }
}

/// Whether another number of workers serves more.
#[derive(Clone, Copy, Debug)]
struct Trial {
    /// How many there were before, and what they did.
    up: usize,
    sum: Look,
}

/// One more than so many serve no more, for clients who ask for the like of what these did.
#[derive(Clone, Copy, Debug)]
struct Enough {
    up: usize,
    sum: Look,
}

#[derive(Debug)]
pub struct Judge {
    workers: usize,
    /// How many are up.
    up: usize,
    /// Nothing is to do, and no worker too many is up.
    pub is_idle: bool,
    /// Looks since the last change.
    looks: u32,
    /// How many workers' worth of work was done, on the average.
    average: f64,
    /// The last looks, as far as they found all workers busy.
    busy: Window,
    window: Window,
    /// What a byte has cost one worker, two, and so on, where that is known.
    costs: Vec<Option<f64>>,
    trial: Option<Trial>,
    /// What the last trial said, if it said that.
    enough: Option<Enough>,
    /// Looks since the last trial that count, and how many there are to be before the next.
    since_trial: u32,
    pause: u32,
}

impl Judge {
    pub fn new(workers: usize) -> Judge {
        Judge {
            workers,
            up: workers,
            is_idle: false,
            looks: ENOUGH_LOOKS,
            average: 0.0,
            busy: Window::default(),
            window: Window::default(),
            costs: vec![None; workers],
            trial: None,
            enough: None,
            since_trial: 0,
            pause: 0,
        }
    }

    /// How many workers are up.
    pub fn up(&self) -> usize {
        self.up
    }

    /// Whether one more than were up shows what that is worth. Until then it may cost much.
    pub fn is_trying_more(&self) -> bool {
        self.trial.is_some_and(|trial| trial.up < self.up)
    }

    /// Takes note that so many are up, after it said that there should be others than were.
    pub fn changed(&mut self, up: usize) {
        if up == self.up {
            // Nobody had time to lie down.
            (self.trial, self.enough) = (None, None);
        }
        (self.up, self.looks) = (up, 0);
        (self.busy, self.window) = (Window::default(), Window::default());
    }

    /// Says how many workers should be up: as many as are, one more, or one fewer.
    pub fn look(&mut self, look: Look) -> usize {
        self.note(look);
        if let Some(trial) = self.trial {
            return self.go_on(trial);
        }
        if self.busy.looks >= BUSY_LOOKS && self.up < self.workers {
            let sum = self.busy.sum;
            if look.is_long() || sum.is_long() {
                (self.enough, self.costs[self.up - 1]) = (None, None);
                return self.up + 1;
            }
            if !self.is_enough_for(&sum) {
                self.costs[self.up - 1] = Some(sum.cost());
                return self.try_out(self.up + 1, sum);
            }
        }
        let are_too_many = self.average < (self.up - 1) as f64 * ENOUGH_SHARE;
        if are_too_many && self.looks >= ENOUGH_LOOKS {
            return self.up - 1;
        }
        match self.window.looks >= WINDOW_LOOKS {
            true => self.begin(),
            false => self.up,
        }
    }

    fn note(&mut self, look: Look) {
        self.average += (look.busy() - self.average) * LOOK_WEIGHT;
        self.is_idle = self.up == 1 && look.busy() < IDLE_SHARE;
        match look.busy() > self.up as f64 * BUSY_SHARE {
            true => self.busy.add(look),
            false => self.busy = Window::default(),
        }
        self.looks += 1;
        self.since_trial += u32::from(look.busy() > PAUSE_SHARE);
        if self.looks > SETTLING_LOOKS {
            self.window.add(look);
        }
    }

    /// Begins a trial if the window that has passed suggests one, and it is time.
    fn begin(&mut self) -> usize {
        let Window { sum, .. } = mem::take(&mut self.window);
        let up = self.up as f64;
        if self.since_trial < self.pause || sum.is_long() {
            self.up
        } else if self.enough.is_some() && sum.busy() > up * BUSY_SHARE && self.up < self.workers {
            self.try_out(self.up + 1, sum)
        } else if self.fewer_might_do(sum) {
            self.try_out(self.up - 1, sum)
        } else {
            self.up
        }
    }

    fn is_enough_for(&self, sum: &Look) -> bool {
        let is_enough = |enough: Enough| self.up >= enough.up && enough.sum.is_like(sum);
        self.enough.is_some_and(is_enough)
    }

    /// Has another number of workers show what they do, beside what those who are up did.
    fn try_out(&mut self, number: usize, sum: Look) -> usize {
        self.trial = Some(Trial { up: self.up, sum });
        number
    }

    fn fewer_might_do(&self, sum: Look) -> bool {
        let fewer = self.up - 1;
        fewer > 0
            && self.costs[fewer - 1]
                .is_some_and(|cost| cost * sum.rate() < fewer as f64 * TRIAL_SHARE)
    }

    /// Goes on with a trial, or ends it.
    fn go_on(&mut self, trial: Trial) -> usize {
        let Window { looks, sum } = self.window;
        let gain = sum.rate() / trial.sum.rate();
        let is_more = trial.up < self.up;
        let is_open = match is_more {
            true => (1.0 + CHANCE_SHARE..GAIN_SHARE).contains(&gain),
            false => gain >= LOSS_SHARE,
        };
        if looks < CLEAR_LOOKS || looks < WINDOW_LOOKS && is_open {
            return self.up;
        }
        if is_more && sum.busy() < trial.up as f64 * PAUSE_SHARE {
            // Clients have stopped asking.
            self.trial = None;
            return self.up;
        }
        self.costs[self.up - 1] = Some(sum.cost());
        let fewer_do = match is_more {
            true => gain < 1.0 + CHANCE_SHARE,
            // Those that are busy all the time let clients wait.
            false if sum.busy() > self.up as f64 * BUSY_SHARE => gain >= 1.0,
            false => gain > 1.0 - CHANCE_SHARE,
        };
        let wanted = match fewer_do {
            true => trial.up.min(self.up),
            false => trial.up.max(self.up),
        };
        self.pause = match wanted == trial.up {
            true => (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX),
            false => PAUSE_MIN,
        };
        let sum = if is_more { trial.sum } else { sum };
        self.enough = fewer_do.then_some(Enough { up: wanted, sum });
        (self.trial, self.since_trial) = (None, 0);
        self.window = Window::default();
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK_NANOS: f64 = 1e7;

    /// Clients that want `demand` workers' worth of time, and what they are served by so many
    /// workers: `rates[n - 1]` by `n`, in bytes a microsecond.
    struct Load<'a> {
        demand: f64,
        rates: &'a [u64],
        bytes_per_read: u64,
    }

    impl Load<'_> {
        /// Goes on for so many looks, and returns how many of them found how many workers up.
        fn run(&self, judge: &mut Judge, looks: usize) -> Vec<usize> {
            let mut found = vec![0; judge.workers];
            for _ in 0..looks {
                let up = judge.up();
                found[up - 1] += 1;
                let wanted = judge.look(self.look(up));
                if wanted != up {
                    judge.changed(wanted);
                }
            }
            found
        }

        /// What a look at so many workers finds.
        fn look(&self, up: usize) -> Look {
            let share = (self.demand / up as f64).min(1.0);
            let bytes = (self.rates[up - 1] as f64 * LOOK_NANOS / 1e3 * share) as u64;
            Look {
                nanos: LOOK_NANOS,
                busy_nanos: share * up as f64 * LOOK_NANOS,
                reads: bytes / self.bytes_per_read,
                bytes,
            }
        }

        fn up_after(&self, judge: &mut Judge, looks: usize) -> usize {
            self.run(judge, looks);
            judge.up()
        }
    }

    /// Small requests that are served by so many workers at such rates.
    fn small(demand: f64, rates: &[u64]) -> Load<'_> {
        Load {
            demand,
            rates,
            bytes_per_read: 40,
        }
    }

    const EVER_MORE: &[u64] = &[10, 20, 30, 40, 50, 60, 70, 80];

    #[test]
    fn one_worker_is_up_while_there_is_little_to_do() {
        let mut judge = Judge::new(4);
        assert_eq!(small(0.0, EVER_MORE).up_after(&mut judge, 1000), 1);
        assert!(judge.is_idle);
        // Clocks that are read one after the other may say a little less than nothing.
        assert_eq!(small(-0.01, EVER_MORE).up_after(&mut judge, 1000), 1);
        assert_eq!(small(0.7, EVER_MORE).up_after(&mut judge, 1000), 1);
        assert!(!judge.is_idle);
    }

    #[test]
    fn more_are_up_as_soon_as_they_hardly_rest() {
        let mut judge = Judge::new(4);
        small(0.0, EVER_MORE).run(&mut judge, 1000);
        let load = small(4.0, EVER_MORE);
        assert_eq!(load.up_after(&mut judge, BUSY_LOOKS as usize), 2);
        assert!(judge.is_trying_more());
        let looks = 2 * (SETTLING_LOOKS + CLEAR_LOOKS + 1);
        assert_eq!(load.up_after(&mut judge, looks as usize), 4);
        assert_eq!(small(1.2, EVER_MORE).up_after(&mut judge, 1000), 2);
        assert!(!judge.is_trying_more());
    }

    #[test]
    fn all_are_up_nearly_always_while_each_serves_its_share() {
        let mut judge = Judge::new(8);
        small(0.0, EVER_MORE).run(&mut judge, 1000);
        let found = small(8.0, EVER_MORE).run(&mut judge, 6000);
        assert!(found[7] > 5700, "{found:?}");
        assert!(found[..6].iter().sum::<usize>() < 80, "{found:?}");
    }

    #[test]
    fn one_is_put_to_bed_that_serves_nothing_more() {
        for rates in [[10, 10], [10, 8]] {
            let mut judge = Judge::new(2);
            small(0.0, &rates).run(&mut judge, 1000);
            let load = small(2.0, &rates);
            load.run(&mut judge, 100);
            let found = load.run(&mut judge, 6000);
            assert!(found[1] < 100, "{found:?}");
        }
    }

    #[test]
    fn what_was_found_out_is_tried_again() {
        let mut judge = Judge::new(2);
        assert_eq!(small(2.0, &[10, 8]).up_after(&mut judge, 1000), 1);
        let load = small(2.0, &[10, 15]);
        let pause = judge.pause as usize + 3 * WINDOW_LOOKS as usize;
        assert_eq!(load.up_after(&mut judge, pause), 2);
        let found = load.run(&mut judge, 6000);
        assert!(found[0] < 100, "{found:?}");
    }

    #[test]
    fn another_load_is_judged_anew() {
        let mut judge = Judge::new(2);
        assert_eq!(small(2.0, &[10, 8]).up_after(&mut judge, 6000), 1);
        small(0.1, &[10, 8]).run(&mut judge, 2 * WINDOW_LOOKS as usize);
        let other = Load {
            bytes_per_read: 400,
            ..small(2.0, &[10, 20])
        };
        assert_eq!(other.up_after(&mut judge, BUSY_LOOKS as usize), 2);
    }

    #[test]
    fn the_same_load_is_known_when_it_comes_again() {
        let mut judge = Judge::new(2);
        let rates = [10, 8];
        small(2.0, &rates).run(&mut judge, 6000);
        let mut found = [0, 0];
        for _ in 0..20 {
            small(0.0, &rates).run(&mut judge, 500);
            let burst = small(2.0, &rates).run(&mut judge, 100);
            found = [found[0] + burst[0], found[1] + burst[1]];
        }
        assert!(found[1] < 30, "{found:?}");
    }

    #[test]
    fn a_burst_that_ends_during_a_trial_says_nothing() {
        let mut judge = Judge::new(2);
        small(0.0, EVER_MORE).run(&mut judge, 1000);
        for _ in 0..20 {
            let burst = small(2.0, EVER_MORE);
            assert_eq!(burst.up_after(&mut judge, BUSY_LOOKS as usize), 2);
            small(0.0, EVER_MORE).run(&mut judge, 500);
        }
    }

    #[test]
    fn nobody_waits_for_one_who_is_stuck() {
        let mut judge = Judge::new(2);
        assert_eq!(small(2.0, &[10, 8]).up_after(&mut judge, 200), 1);
        // One worker runs something long, the other serves the rest.
        let stuck = small(1.5, &[0, 10]);
        assert_eq!(stuck.up_after(&mut judge, BUSY_LOOKS as usize), 2);
        assert_eq!(stuck.run(&mut judge, 1000)[0], 0);
    }

    #[test]
    fn who_does_not_lie_down_is_asked_again() {
        let mut judge = Judge::new(2);
        small(0.0, &[10, 8]).run(&mut judge, 1000);
        let load = small(2.0, &[10, 8]);
        load.run(&mut judge, BUSY_LOOKS as usize);
        let mut asked = 0;
        for _ in 0..1000 {
            let wanted = judge.look(load.look(2));
            asked += usize::from(wanted == 1);
            if wanted != 2 {
                judge.changed(2);
            }
        }
        assert!(asked > 10, "{asked}");
    }

    #[test]
    fn no_trial_lets_clients_wait_that_need_all() {
        // Clients that want one worker and a half, and are served by two without waiting.
        let mut judge = Judge::new(2);
        small(0.0, EVER_MORE).run(&mut judge, 1000);
        let found = small(1.5, EVER_MORE).run(&mut judge, 6000);
        assert_eq!(found[0], BUSY_LOOKS as usize);
    }
}
