//! Slots that move as a whole, in a world of clusters: both machines of a migration, on nodes
//! whose cluster machines go on all the while.
//!
//! ```text
//!   source: Export ── request ──▶ late, lost, on a cut line ──▶ target: Import, hidden slots
//!              ▲                                                    │
//!              └──── answer: late, lost, behind the time-out ◀──────┘
//! ```
//!
//! Replication is at once here, and a write is acknowledged only if all replicas have it. So no
//! failover loses anything, and whatever is lost was lost by a migration.

mod fate;
mod judge;
mod target;

use std::collections::BTreeMap;

use cluster::migration::{Event as Note, Export, Import, Stage, TAKE_WITHIN_MS, Task};
use cluster::{Command, MoveFlaw, NodeId, SlotSet};
use stdx::prng::Prng;

use super::options::Options;
use super::world::{Event, World};
use super::{Failure, Report};
use crate::chronicle::Violation;

/// How long the source waits for an answer.
const PATIENCE_MS: u64 = 5_000;

/// The log that a write makes.
const WRITE_BYTES: u64 = 20 << 10;

/// How long after all faults have ended all migrations are over, and nothing is hidden.
const SETTLED_MS: u64 = 90_000;

/// Everything about migrations.
#[derive(Debug, Default)]
pub struct Moves {
    flaw: Option<MoveFlaw>,
    leaving: BTreeMap<u64, Leaving>,
    begun: u64,
    /// The slot of each write that was acknowledged.
    written: BTreeMap<u64, u16>,
    pub ended: Ended,
}

/// What became of migrations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub successes: u64,
    pub failures: u64,
    pub cancellations: u64,
    /// Failures after which the source took a greater epoch.
    pub reclaims: u64,
}

/// The source's side, as its thread keeps it.
#[derive(Debug)]
struct Leaving {
    node: usize,
    me: NodeId,
    to: NodeId,
    place: usize,
    slots: SlotSet,
    export: Export,
    uncopied: Vec<u16>,
    /// How much of each slot that was copied was sent.
    sent: BTreeMap<u16, usize>,
    /// The request that is waited for.
    serial: u64,
    /// Whether the connection stands, and in which life of the target it was made.
    wire: Option<Option<u32>>,
    /// Nothing on one connection arrives before what was sent earlier.
    last_ms: u64,
    holds_since_ms: Option<u64>,
}

/// The target's side.
#[derive(Debug)]
pub struct Coming {
    import: Import,
    slots: SlotSet,
    from: NodeId,
}

/// Something about a migration that happens at a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The source's thread goes on.
    Resume {
        name: u64,
        node: usize,
    },
    Arrive {
        letter: Letter,
    },
    Answered {
        name: u64,
        node: usize,
        serial: u64,
        answer: Answer,
    },
    /// Somebody looks after what is hidden.
    Sweep {
        node: usize,
    },
}

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter {
    name: u64,
    serial: u64,
    from: usize,
    to: usize,
    /// The life of the target that it is for, unless whoever is there may have it.
    life: Option<u32>,
    request: Request,
    /// Whether its answer gets lost.
    is_lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Request {
    Establish,
    Feed(Vec<(u16, Piece)>),
    Take { beyond: u64 },
    State,
    Drop,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Whole(Vec<u64>),
    More(Vec<u64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    Done,
    Busy,
    Refused,
    Broken,
}

impl Step {
    /// Whose process has to be awake for it.
    pub fn node(&self) -> usize {
        match self {
            Step::Resume { node, .. } | Step::Answered { node, .. } | Step::Sweep { node } => *node,
            Step::Arrive { letter } => letter.to,
        }
    }
}

/// Plays one seed.
pub fn play(
    seed: u64,
    flaw: Option<MoveFlaw>,
    is_traced: bool,
) -> Result<(Report, Ended), Box<Failure>> {
    let mut prng = Prng::new(seed ^ 0x0510_7a1e);
    let options = Options::draw_moves(&mut prng);
    let mut world = World::with_options(seed, prng, options, None, is_traced);
    world.moves = Some(Moves {
        flaw,
        ..Moves::default()
    });
    for site in &mut world.sites {
        site.tells_no_old_offset = true;
    }
    match live(&mut world) {
        Ok(ended) => Ok((world.report(), ended)),
        Err(violation) => Err(Box::new(Failure {
            seed,
            flaw: flaw.map(|flaw| format!("{flaw:?}")),
            world: "moves",
            violation,
            at_ms: world.now_ms,
            options: world.options.to_string(),
        })),
    }
}

fn live(world: &mut World) -> Result<Ended, Violation> {
    world.create()?;
    for node in 0..world.sites.len() {
        let step = Step::Sweep { node };
        world.schedule(100, Event::Move(step));
    }
    world.begin_chaos();
    world.run_until(world.now_ms + world.options.chaos_ms)?;
    world.heal();
    world.come_together()?;
    world.wait(SETTLED_MS, "end of all migrations", World::has_settled)?;
    world.judge_moves()?;
    Ok(world.moves().ended)
}

impl World {
    fn moves(&mut self) -> &mut Moves {
        self.moves.as_mut().expect("only this world has migrations")
    }

    pub fn step_move(&mut self, step: Step) {
        match step {
            Step::Resume { name, .. } => self.drive(name),
            Step::Arrive { letter } => self.deliver(letter),
            Step::Answered {
                name,
                node,
                serial,
                answer,
            } => {
                let leaving = self.moves().leaving.get(&name);
                if leaving.is_some_and(|it| it.node == node && it.serial == serial) {
                    self.take_answer(name, answer);
                }
            }
            Step::Sweep { node } => {
                let in_ms = 50 + self.draw(100);
                self.schedule(in_ms, Event::Move(Step::Sweep { node }));
                self.sweep(node);
            }
        }
    }

    /// Whoever ran the migrations of a node is gone.
    pub fn forget_moves(&mut self, node: usize) {
        if let Some(moves) = &mut self.moves {
            moves.leaving.retain(|_, leaving| leaving.node != node);
            self.sites[node].imports.clear();
        }
    }

    /// Whether a node owns all of these, as another sees it.
    fn sees_owner(&self, node: usize, owner: NodeId, slots: &SlotSet) -> bool {
        let Some(map) = &self.sites[node].map else {
            return false;
        };
        slots.iter().all(|slot| {
            let seat = usize::from(map.owners[usize::from(slot)]);
            map.nodes.get(seat).is_some_and(|node| node.id == owner)
        })
    }

    /// Does what the source's machine says until it has to wait.
    fn drive(&mut self, name: u64) {
        loop {
            let Some(leaving) = self.moves().leaving.get(&name) else {
                return;
            };
            let (node, me, slots) = (leaving.node, leaving.me, leaving.slots.clone());
            let now_ms = self.sites[node].local(self.now_ms);
            let owns = self.sees_owner(node, me, &slots);
            let Some(leaving) = self.moves().leaving.get_mut(&name) else {
                return;
            };
            if !owns {
                leaving
                    .export
                    .spoil("The slots are not this node's any more");
            }
            let task = leaving.export.task(now_ms);
            if self.is_traced {
                println!("{:>8} {node} migration {name}: {task:?}", self.now_ms);
            }
            match task {
                Task::End => return self.end_move(name),
                Task::Wait { ms } => {
                    return self.schedule(ms, Event::Move(Step::Resume { name, node }));
                }
                task => match self.perform_task(name, task) {
                    Some(note) => self.note(name, note),
                    // An answer is waited for, or the source has died of it.
                    None => return,
                },
            }
        }
    }

    fn note(&mut self, name: u64, note: Note<'_>) {
        let Some(node) = self.moves().leaving.get(&name).map(|it| it.node) else {
            return;
        };
        let now_ms = self.sites[node].local(self.now_ms);
        if let Some(leaving) = self.moves().leaving.get_mut(&name) {
            leaving.export.note(now_ms, note);
        }
    }

    fn perform_task(&mut self, name: u64, task: Task) -> Option<Note<'static>> {
        let request = match task {
            Task::Connect => Request::Establish,
            Task::Copy => Request::Feed(self.gather(name, true)),
            Task::Follow | Task::Drain => Request::Feed(self.gather(name, false)),
            Task::Take => match self.hand_over(name)? {
                Ok(request) => request,
                Err(note) => return Some(note),
            },
            Task::Hold => return self.hold(name),
            Task::Ask => {
                let leaving = self.moves().leaving.get(&name)?;
                let (node, to, slots) = (leaving.node, leaving.to, leaving.slots.clone());
                if self.sees_owner(node, to, &slots) {
                    return Some(Note::Taken);
                }
                Request::State
            }
            Task::Give => return self.give(name),
            Task::RollBack { reclaims } => return self.roll_back(name, reclaims),
            Task::Wait { .. } | Task::End => unreachable!("there is nothing to do"),
        };
        self.ask(name, request);
        None
    }

    /// What is to be sent: one more slot, and what was written to those that were.
    fn gather(&mut self, name: u64, copies: bool) -> Vec<(u16, Piece)> {
        let Some(moves) = &mut self.moves else {
            return Vec::new();
        };
        let Some(leaving) = moves.leaving.get_mut(&name) else {
            return Vec::new();
        };
        let data = &self.sites[leaving.node].data;
        let tags = |slot: &u16| data.slots.get(slot).map_or(&[][..], Vec::as_slice);
        let mut pieces = Vec::new();
        for (slot, sent) in &mut leaving.sent {
            let tags = tags(slot);
            if *sent < tags.len() {
                pieces.push((*slot, Piece::More(tags[*sent..].to_vec())));
                *sent = tags.len();
            }
        }
        if let Some(slot) = leaving.uncopied.pop_if(|_| copies) {
            let tags = tags(&slot).to_vec();
            leaving.sent.insert(slot, tags.len());
            pieces.push((slot, Piece::Whole(tags)));
        }
        pieces
    }

    fn hold(&mut self, name: u64) -> Option<Note<'static>> {
        let now_ms = self.now_ms;
        let leaving = self.moves().leaving.get_mut(&name)?;
        leaving.holds_since_ms = Some(now_ms);
        let (node, slots) = (leaving.node, leaving.slots.clone());
        self.sites[node].held.extend(slots.iter());
        Some(Note::Held)
    }

    fn release(&mut self, name: u64) {
        let Some(leaving) = self.moves().leaving.get_mut(&name) else {
            return;
        };
        leaving.holds_since_ms = None;
        let (node, slots) = (leaving.node, leaving.slots.clone());
        slots.iter().for_each(|slot| {
            self.sites[node].held.remove(&slot);
        });
    }

    /// Nobody is told to take what would be forgotten.
    fn hand_over(&mut self, name: u64) -> Option<Result<Request, Note<'static>>> {
        let leaving = self.moves().leaving.get(&name)?;
        let (node, slots) = (leaving.node, leaving.slots.clone());
        let is_noted = self.command(node, Command::HandOver(&slots)).is_ok();
        let machine = self.sites[node].machine.as_ref()?;
        let beyond = machine.config_epoch();
        Some(match is_noted && !machine.is_unsaved() {
            true => Ok(Request::Take { beyond }),
            false => Err(Note::Lost("The slots cannot be handed over")),
        })
    }

    fn give(&mut self, name: u64) -> Option<Note<'static>> {
        let leaving = self.moves().leaving.get(&name)?;
        let (node, me, to) = (leaving.node, leaving.me, leaving.to);
        let slots = leaving.slots.clone();
        let life = self.sites[node].life;
        let given = self.command(node, Command::GiveSlots { slots: &slots, to });
        if !self.lives(node, life) {
            return None;
        }
        if given.is_err() || self.sees_owner(node, me, &slots) {
            return Some(Note::Lost("The map is not published yet"));
        }
        self.replicate(node);
        self.release(name);
        Some(Note::Given)
    }

    fn roll_back(&mut self, name: u64, reclaims: bool) -> Option<Note<'static>> {
        let leaving = self.moves().leaving.get(&name)?;
        let (node, is_wired) = (leaving.node, leaving.wire.is_some());
        let slots = leaving.slots.clone();
        if reclaims {
            let life = self.sites[node].life;
            let reclaimed = self.command(node, Command::Reclaim(&slots));
            if !self.lives(node, life) {
                return None;
            }
            if reclaimed.is_err() {
                return Some(Note::Lost("The epoch is not another yet"));
            }
            self.moves().ended.reclaims += 1;
        } else {
            let _ = self.command(node, Command::Keep(&slots));
        }
        self.release(name);
        if is_wired {
            self.ask(name, Request::Drop);
        }
        // Whoever heard nothing on the old connection may hear it twice, or not at all.
        if self.chance(70) {
            self.moves().leaving.get_mut(&name)?.wire = None;
            self.ask(name, Request::Drop);
        }
        Some(Note::RolledBack)
    }

    /// Sends a request, on the connection that stands or on one of its own.
    fn ask(&mut self, name: u64, request: Request) {
        let (loss, latency_ms) = (self.options.loss, self.latency());
        let (is_sent, is_lost) = (!self.chance(loss), self.chance(loss));
        // What was sent on a connection that broke may be read by a target that was asleep.
        let late_ms = match (is_lost && self.chance(50), self.chance(loss)) {
            (true, _) => self.draw(TAKE_WITHIN_MS + 500),
            (_, true) => self.draw(2 * PATIENCE_MS),
            _ => 0,
        };
        let now_ms = self.now_ms;
        let Some(leaving) = self.moves().leaving.get_mut(&name) else {
            return;
        };
        leaving.serial += 1;
        let (serial, node) = (leaving.serial, leaving.node);
        let is_alone = matches!(request, Request::Establish | Request::State);
        let at_ms = now_ms + latency_ms + late_ms;
        let at_ms = if is_alone {
            at_ms
        } else {
            at_ms.max(leaving.last_ms)
        };
        leaving.last_ms = leaving.last_ms.max(at_ms);
        let letter = Letter {
            name,
            serial,
            from: node,
            to: leaving.place,
            life: leaving.wire.flatten().filter(|_| !is_alone),
            is_lost,
            request,
        };
        let patience_ms = match letter.request {
            Request::Take { .. } => TAKE_WITHIN_MS,
            _ => PATIENCE_MS,
        };
        let broken = |in_ms: u64| {
            let answer = Answer::Broken;
            (
                in_ms,
                Event::Move(Step::Answered {
                    name,
                    node,
                    serial,
                    answer,
                }),
            )
        };
        let is_broken = is_lost || !is_sent;
        let (in_ms, event) = broken(if is_broken { latency_ms } else { patience_ms });
        if is_sent {
            self.schedule(at_ms - now_ms, Event::Move(Step::Arrive { letter }));
        }
        self.schedule(in_ms, event);
    }

    fn take_answer(&mut self, name: u64, answer: Answer) {
        let Some(leaving) = self.moves().leaving.get_mut(&name) else {
            return;
        };
        // Nobody waits for it any more.
        leaving.serial += 1;
        if answer == Answer::Broken {
            leaving.wire = leaving.wire.map(|_| None);
        }
        let more = !leaving.uncopied.is_empty();
        let written = leaving.sent.iter().map(|(slot, sent)| (*slot, *sent));
        let (written, node): (Vec<(u16, usize)>, usize) = (written.collect(), leaving.node);
        let stage = leaving.export.stage();
        let note = match (answer, stage) {
            (Answer::Broken, _) => Note::Lost("no answer"),
            (Answer::Busy, stage) => {
                if stage == Stage::Taking {
                    let slots = leaving.slots.clone();
                    let _ = self.command(node, Command::Keep(&slots));
                }
                Note::Busy
            }
            (Answer::Refused, _) => Note::Refused("refused"),
            (Answer::Done, Stage::Connecting) => Note::Established,
            (Answer::Done, Stage::Copying) => Note::Copied { more },
            (Answer::Done, Stage::Following) => {
                let data = &self.sites[node].data;
                let count = |(slot, sent): &(u16, usize)| {
                    let len = data.slots.get(slot).map_or(0, Vec::len);
                    len.saturating_sub(*sent) as u64
                };
                let bytes = written.iter().map(count).sum::<u64>() * WRITE_BYTES;
                Note::Followed { bytes }
            }
            (Answer::Done, Stage::Draining) => Note::Drained,
            (Answer::Done, Stage::Taking | Stage::Asking) => Note::Taken,
            (Answer::Done, _) => return,
        };
        self.note(name, note);
        self.drive(name);
    }

    fn end_move(&mut self, name: u64) {
        let Some(leaving) = self.moves().leaving.remove(&name) else {
            return;
        };
        let ended = &mut self.moves().ended;
        match leaving.export.stage() {
            Stage::Success => ended.successes += 1,
            Stage::Cancelled => ended.cancellations += 1,
            _ => ended.failures += 1,
        }
    }
}
