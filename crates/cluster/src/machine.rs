//! The machine: its parts, and the way of each input to one of them.

mod election;
mod epochs;
mod failure;
mod file;
mod gossip;
mod handshake;
mod health;
mod heartbeat;
mod links;
mod manual;
mod membership;
mod migration;
mod operator;
mod ownership;
mod packets;
mod report;
mod tick;

use std::collections::BTreeMap;

use stdx::prng::Prng;

use crate::bus::Kind;
use crate::command::{Answer, Command, Refused};
use crate::id::{NodeId, ShardId};
use crate::input::{Input, LinkId, View};
use crate::node::Flags;
use crate::output::{Level, Output};
use crate::settings::{Address, Settings};
use crate::slots::SlotSet;
use crate::table::{Seat, Table};
use election::Election;
use health::Health;
use links::Link;
use manual::Manual;

/// How often everything is looked after.
pub(crate) const TICK_MS: u64 = 100;

/// How long a file that could not be written is left alone.
const UNSAVED_RETRY_MS: u64 = 1000;

/// The cluster as one node sees it.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    prng: [Prng; 2],
    nodes: Table,
    me: Seat,
    slots: ownership::Owners,
    current_epoch: u64,
    last_vote_epoch: u64,
    links: BTreeMap<LinkId, Link>,
    links_made: u64,
    /// Names that were forgotten, and until when they are not to be met again.
    forgotten: BTreeMap<NodeId, u64>,
    election: Election,
    manual: Option<Manual>,
    /// Before a restart writes had been stopped for a replica, which may take over until then.
    hushed_until_ms: Option<u64>,
    /// Where replication was last told to go.
    following: Option<Address>,
    /// Whether somebody has reached this node where it says it is, since it started.
    own_ip_is_sure: bool,
    health: Health,
    stats: Stats,
    todo: Todo,
    unsaved: Unsaved,
    /// The epoch that this node chose alone when it took slots.
    chosen_epoch: u64,
    /// The epoch for which it was elected last.
    won_epoch: u64,
    /// The epoch with which it is going to claim its slots again, when a majority knows of it.
    reserved: Option<epochs::Reserved>,
    /// Slots that another node is being told to take.
    handing_over: SlotSet,
    /// Before a restart such slots were being handed over, and it is not known what came of it. If
    /// nobody has claimed them by then, they are this node's.
    doubt_until_ms: Option<u64>,
    /// Slots that the last command took, and whose they were.
    taken: Vec<Before>,
    next_tick_ms: u64,
    last_tick_ms: u64,
    ticks: u64,
    pings_made: u64,
    /// A kind of packet that is not taken, by its number, for those who look for faults.
    ignored: Option<u16>,
    /// Variables of the file that mean nothing here.
    skipped: Vec<String>,
    #[cfg(any(test, feature = "flaws"))]
    flaw: Option<crate::flaw::Flaw>,
}

/// What `CLUSTER INFO` counts.
#[derive(Debug, Default)]
struct Stats {
    sent: [u64; Kind::COUNT],
    received: [u64; Kind::COUNT],
    /// Packets that are none, or that nobody may send.
    refused: u64,
    links_cut: u64,
}

/// Whose a slot was before it was taken, and whom it was imported from.
#[derive(Debug)]
struct Before {
    slot: u16,
    owner: Option<Seat>,
    source: Option<Seat>,
}

/// What is to be done before the end of a step.
#[derive(Debug, Default)]
struct Todo {
    save: Save,
    /// What the next tick saves must outlast a loss of power.
    syncs_soon: bool,
    judge: bool,
    map_changed: bool,
    /// Tell everyone what this node is now.
    tell_all: bool,
    look_at_election: bool,
    /// Writes need not wait any longer.
    resume: bool,
}

/// When the file is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Save {
    #[default]
    No,
    /// With the next tick: nobody depends on it.
    Soon,
    /// Before anything is sent, but a loss of power may undo it: who owns what is as certain
    /// without it.
    Written,
    /// Before anything is sent.
    Now,
}

/// Whether the file could be written.
#[derive(Debug, Default)]
struct Unsaved {
    failed: bool,
    /// It was tried again in the step before.
    retried: bool,
    retry_ms: u64,
}

/// One step: what may be looked at, and where outputs go.
pub(crate) struct Turn<'a> {
    pub view: &'a View,
    pub out: &'a mut Vec<Output>,
}

impl Turn<'_> {
    pub fn now(&self) -> u64 {
        self.view.now_ms
    }

    pub fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    pub fn log(&mut self, level: Level, line: impl Into<String>) {
        let line = line.into();
        self.out.push(Output::Log { level, line });
    }
}

impl Machine {
    /// The same machine with a mistake.
    #[cfg(any(test, feature = "flaws"))]
    pub fn with_flaw(mut self, flaw: Option<crate::flaw::Flaw>) -> Machine {
        self.flaw = flaw;
        self
    }

    /// Takes in what happened, and says what is to be done.
    pub fn step(&mut self, view: &View, input: Input<'_>, out: &mut Vec<Output>) {
        let start = out.len();
        let turn = &mut Turn { view, out };
        self.note_writes_stopped();
        if matches!(input, Input::Unsaved) {
            self.unsaved = Unsaved {
                failed: true,
                retried: false,
                retry_ms: view.now_ms + UNSAVED_RETRY_MS,
            };
            return self.give_back_taken(turn);
        }
        self.taken.clear();
        if self.unsaved.retried {
            self.unsaved = Unsaved::default();
        }
        match input {
            Input::Tick => {}
            Input::Unsaved => unreachable!("handled above"),
            Input::Configured(settings) => self.configure(settings, turn),
            Input::Loaded { slots } => self.compare_with_data(slots, turn),
            Input::Accepted { link, peer, local } => self.accepted(link, peer, local, turn),
            Input::Connected { link } => self.connected(link, turn),
            Input::Lost { link, why } => self.lost(link, why, turn),
            Input::Received { link, bytes } => self.received(link, bytes, turn),
            Input::Unsent { link, held, used } => self.note_unsent(link, held, used),
            Input::Publish {
                channel,
                message,
                sharded,
            } => self.publish(channel, message, sharded, turn),
        }
        self.tick_if_due(turn);
        self.finish(start, turn);
    }

    /// Does what an operator asks for; or nothing, and says why.
    pub fn command(
        &mut self,
        view: &View,
        command: Command<'_>,
        out: &mut Vec<Output>,
    ) -> Result<Answer, Refused> {
        let start = out.len();
        let turn = &mut Turn { view, out };
        self.note_writes_stopped();
        self.taken.clear();
        let answer = self.obey(command, turn)?;
        self.finish(start, turn);
        Ok(answer)
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next_deadline(&self) -> u64 {
        match self.owes_paused_ping() {
            true => 0,
            false => self.next_tick_ms,
        }
    }

    /// What is done once at the end of a step, however many packets asked for it.
    fn finish(&mut self, start: usize, turn: &mut Turn<'_>) {
        if self.todo.look_at_election {
            self.todo.look_at_election = false;
            self.advance_manual(turn);
            self.advance_election(turn);
        }
        if self.todo.judge {
            self.todo.judge = false;
            self.judge_state(turn);
            self.renew_lease(turn);
        }
        if std::mem::take(&mut self.todo.tell_all) {
            self.pong_everyone(turn);
        }
        if std::mem::take(&mut self.todo.map_changed) {
            turn.push(Output::MapChanged);
        }
        if std::mem::take(&mut self.todo.resume) {
            turn.push(Output::ResumeWrites);
        }
        self.save_first(start, turn);
    }

    /// Puts the file before everything that is sent, or sends nothing.
    fn save_first(&mut self, start: usize, turn: &mut Turn<'_>) {
        if self.unsaved.failed && turn.now() < self.unsaved.retry_ms {
            let is_sent = |output: &Output| matches!(output, Output::Send { .. });
            let mut at = 0;
            turn.out.retain(|output| {
                at += 1;
                at <= start || !is_sent(output)
            });
            return;
        }
        let save = match self.unsaved.failed {
            true => Save::Now,
            false => self.todo.save,
        };
        if save >= Save::Written {
            self.todo.save = Save::No;
            self.unsaved.retried = self.unsaved.failed;
            let sync = save == Save::Now;
            // What is only written now is synced with the next tick, if it has to be.
            match sync {
                true => self.todo.syncs_soon = false,
                false if self.todo.syncs_soon => self.todo.save = Save::Soon,
                false => {}
            }
            let save = Output::Save { sync };
            match flawed!(self, VoteUnsaved) {
                false => turn.out.insert(start, save),
                true => turn.out.push(save),
            }
        }
    }

    fn save(&mut self, when: Save) {
        self.todo.save = self.todo.save.max(when);
    }

    /// Many slots may change hands one by one: they are synced together.
    fn save_claim(&mut self) {
        self.save(Save::Soon);
        self.todo.syncs_soon = true;
    }

    fn random_below(&mut self, bound: u64) -> u64 {
        self.prng[0].below(bound)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn myself(&self) -> NodeId {
        self.my().id
    }

    pub fn shard(&self) -> ShardId {
        self.shard_of(self.me)
    }

    pub fn current_epoch(&self) -> u64 {
        self.current_epoch
    }

    pub fn last_vote_epoch(&self) -> u64 {
        self.last_vote_epoch
    }

    /// How recent this node's own claim to its slots is.
    pub fn config_epoch(&self) -> u64 {
        self.my().config_epoch
    }

    /// Everybody who is known by name: what he is, and how recent his claim is.
    pub fn peers(&self) -> impl Iterator<Item = (NodeId, Flags, u64)> + '_ {
        let whole = self.nodes.iter().filter(|(_, node)| !node.is_handshake());
        whole.map(|(_, node)| (node.id, node.flags, node.config_epoch))
    }

    fn my(&self) -> &crate::node::Node {
        &self.nodes[self.me]
    }

    /// The primary that this node speaks for: itself, or the one it replicates.
    fn my_primary(&self) -> Seat {
        self.my().primary.unwrap_or(self.me)
    }

    /// Whether the file could not be written.
    pub fn is_unsaved(&self) -> bool {
        self.unsaved.failed
    }

    /// Whether it is not settled yet whose some slots of this node's are.
    pub fn is_handing_over(&self) -> bool {
        !self.handing_over.is_empty()
    }

    /// Whether the owner of a slot has said that it does not claim it any longer.
    pub fn is_released(&self, slot: u16) -> bool {
        self.slots.released().contains(slot)
    }

    /// The slots of a node.
    pub fn slots_of(&self, id: NodeId) -> SlotSet {
        match self.nodes.find(id) {
            Some(seat) => self.slots.of(seat),
            None => SlotSet::default(),
        }
    }
}

use crate::flaw::flawed;
