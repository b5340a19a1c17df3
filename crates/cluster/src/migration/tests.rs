//! Both ends in a made-up world: time is a number, and messages are lost as a seed has it.

use stdx::prng::Prng;

use super::*;

/// A target as the shell makes it, and the wire to it.
struct World {
    prng: Prng,
    now_ms: u64,
    target: Target,
    /// Of a thousand messages, how many are lost with what they ask for, and how many of the
    /// answers.
    lost: u64,
    slots_left: u32,
    /// Writes that clients were told are done, and those that the target was sent.
    written: u64,
    sent: u64,
    holds_writes: bool,
}

#[derive(Default)]
struct Target {
    import: Option<Import>,
    received: u64,
    /// What it has taken, if it has: the writes it knew then.
    taken: Option<u64>,
    is_dead: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut prng = Prng::new(seed);
        World {
            now_ms: 1_000,
            target: Target::default(),
            lost: [0, 5, 50, 300][prng.below(4) as usize],
            slots_left: prng.below(20) as u32 + 1,
            written: 0,
            sent: 0,
            holds_writes: false,
            prng,
        }
    }

    fn pass(&mut self, most_ms: u64) {
        self.now_ms += self.prng.below(most_ms) + 1;
        if self.prng.below(2_000) < self.lost {
            self.target.is_dead = true;
        }
        if !self.holds_writes {
            self.written += self.prng.below(3);
        }
    }

    /// Whether a message gets through, and whether its answer does.
    fn deliver(&mut self) -> (bool, bool) {
        self.pass(20);
        if self.prng.below(50) == 0 {
            // Somebody slept.
            self.pass(6_000);
        }
        let arrives = !self.target.is_dead && self.prng.below(1_000) >= self.lost;
        (arrives, arrives && self.prng.below(1_000) >= self.lost)
    }

    fn receive(&mut self) -> Event<'static> {
        let (arrives, is_answered) = self.deliver();
        let (now_ms, written) = (self.now_ms, self.written);
        if !arrives {
            return Event::Lost("no answer");
        }
        match &mut self.target.import {
            Some(import) => {
                import.note_received(now_ms);
                self.target.received = written;
            }
            None => return Event::Refused("unknown"),
        }
        self.pass(30);
        match is_answered {
            true => Event::Drained,
            false => Event::Lost("no answer"),
        }
    }

    fn take(&mut self) -> Event<'static> {
        let (arrives, is_answered) = self.deliver();
        if !arrives {
            return Event::Lost("no answer");
        }
        let import = self.target.import.take();
        let takes = import.is_some_and(|import| import.may_take(self.now_ms));
        if takes {
            self.target.taken = Some(self.target.received);
            if self.prng.below(50) == 0 {
                self.target.is_dead = true;
                return Event::Lost("no answer");
            }
        }
        match (is_answered, takes) {
            (false, _) => Event::Lost("no answer"),
            (_, true) => Event::Taken,
            (_, false) => Event::Refused("too late"),
        }
    }

    fn ask(&mut self) -> Event<'static> {
        match self.deliver() {
            (_, false) => Event::Lost("no answer"),
            _ if self.target.taken.is_some() => Event::Taken,
            _ => Event::Refused("not taken"),
        }
    }

    fn perform(&mut self, task: Task) -> Event<'static> {
        match task {
            Task::Connect => match self.deliver() {
                (_, false) => Event::Lost("no answer"),
                _ if self.prng.below(3) == 0 => Event::Busy,
                _ => {
                    self.target.import = Some(Import::new(self.now_ms));
                    Event::Established
                }
            },
            Task::Copy => match self.receive() {
                Event::Drained => {
                    self.slots_left -= 1;
                    let more = self.slots_left > 0;
                    Event::Copied { more }
                }
                event => event,
            },
            Task::Follow => match self.receive() {
                Event::Drained => {
                    let bytes = self.prng.below(2 * CAUGHT_UP_BYTES);
                    Event::Followed { bytes }
                }
                event => event,
            },
            Task::Hold => {
                self.pass(10);
                self.holds_writes = true;
                Event::Held
            }
            Task::Drain => {
                let event = self.receive();
                self.sent = self.written;
                event
            }
            Task::Take => self.take(),
            Task::Ask => self.ask(),
            Task::Give => {
                self.holds_writes = false;
                Event::Given
            }
            Task::RollBack { .. } => {
                self.holds_writes = false;
                Event::RolledBack
            }
            Task::Wait { .. } | Task::End => unreachable!("nothing is done"),
        }
    }

    /// Plays until the source is at its end, and returns it with whether it has reclaimed.
    fn play(&mut self) -> (Export, bool) {
        let (mut export, mut reclaimed) = (Export::new(self.now_ms), false);
        let cancels_at = match self.prng.below(5) {
            0 => self.now_ms + self.prng.below(500),
            _ => u64::MAX,
        };
        let mut held_ms = 0;
        loop {
            if self.now_ms >= cancels_at {
                let stage = export.stage();
                assert_eq!(export.cancel(), stage.may_be_cancelled());
            }
            match export.task(self.now_ms) {
                Task::End => return (export, reclaimed),
                Task::Wait { ms } => self.now_ms += ms,
                task => {
                    reclaimed |= task == Task::RollBack { reclaims: true };
                    let held_before = self.holds_writes;
                    let from_ms = self.now_ms;
                    let event = self.perform(task);
                    if held_before {
                        held_ms += self.now_ms - from_ms;
                    }
                    export.note(self.now_ms, event);
                }
            }
            // A sleeper may oversleep in each of a bounded number of steps.
            assert!(held_ms < 200_000, "writes are held for ever");
        }
    }
}

#[test]
fn whatever_is_lost_the_slots_have_one_owner_with_all_writes() {
    let mut seen = [0; 4];
    for seed in 0..20_000 {
        let mut world = World::new(seed);
        let (export, reclaimed) = world.play();
        assert!(!world.holds_writes, "seed {seed}: writes wait for nobody");
        match (export.stage(), world.target.taken) {
            (Stage::Success, Some(taken)) => {
                assert_eq!(taken, world.sent, "seed {seed}: a write is lost");
                seen[0] += 1;
            }
            (Stage::Success, None) => panic!("seed {seed}: given to nobody"),
            (_, Some(_)) => {
                // Nobody could know, so the source has the greater epoch.
                assert!(reclaimed, "seed {seed}: two owners");
                seen[1] += 1;
            }
            (Stage::Cancelled, None) => seen[2] += 1,
            (_, None) => seen[3] += 1,
        }
    }
    assert!(
        seen.iter().all(|&count| count > 20),
        "all of it happens: {seen:?}"
    );
}

#[test]
fn a_late_order_to_take_is_refused() {
    let mut import = Import::new(0);
    import.note_received(500);
    assert!(import.may_take(500 + TAKE_WITHIN_MS));
    assert!(!import.may_take(501 + TAKE_WITHIN_MS));
    assert!(!import.is_forsaken(500 + SILENCE_MS));
    assert!(import.is_forsaken(501 + SILENCE_MS));
}

#[test]
fn nobody_asks_before_the_answer_is_final() {
    let mut export = Export::new(0);
    for event in [
        Event::Established,
        Event::Copied { more: false },
        Event::Followed { bytes: 0 },
        Event::Held,
        Event::Drained,
    ] {
        export.note(10, event);
    }
    assert_eq!(export.task(10), Task::Take);
    assert!(!export.cancel(), "it is too late");
    export.note(20, Event::Lost("gone"));
    let ms = 10 + TAKE_WITHIN_MS - 20;
    assert_eq!(export.task(20), Task::Wait { ms });
    assert_eq!(export.task(20 + ms), Task::Ask);
    let end = 10 + TAKE_WITHIN_MS + ASK_MS;
    export.note(end - 1, Event::Lost("gone"));
    assert!(matches!(export.task(end - 1), Task::Wait { .. }));
    export.note(end, Event::Lost("gone"));
    assert_eq!(export.task(end), Task::RollBack { reclaims: true });
}
