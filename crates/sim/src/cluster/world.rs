//! The world: one queue of events, one generator, and nothing else that decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use bytes::Bytes;
use cluster::{Answer, Command, Flaw, Input, LinkId, Machine, Output, Refused};
use stdx::prng::Prng;

use super::Report;
use super::judge::Judge;
use super::moves::{Moves, Step};
use super::network::{Dial, End, Pipe};
use super::options::{Options, ip, number_of, port};
use super::site::Site;
use crate::chronicle::Violation;
use crate::store::mix;

/// The slots that are written to and looked at.
pub const WATCHED: u16 = 64;

/// How often everybody's view is looked at.
const AUDIT_MS: u64 = 50;

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Tick {
        node: usize,
        life: u32,
    },
    Arrive {
        from: End,
    },
    Lost {
        end: End,
    },
    Dial {
        dial: Dial,
    },
    Sync {
        node: usize,
    },
    Restart {
        node: usize,
    },
    /// The operator finishes what he began.
    Finish {
        slot: u16,
        from: usize,
        to: usize,
    },
    Client,
    Fate,
    Audit,
    Move(Step),
}

pub struct World {
    pub options: Options,
    pub now_ms: u64,
    pub prng: Prng,
    pub sites: Vec<Site>,
    pub judge: Judge,
    pub pipes: BTreeMap<End, Pipe>,
    /// Who does not hear whom: `[from][to]`, until then.
    pub deaf_until_ms: Vec<Vec<u64>>,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    scheduled: u64,
    pub events: u64,
    pub hash: u64,
    links_made: u64,
    pub next_tag: u64,
    pub acknowledged: BTreeSet<u64>,
    pub is_chaos: bool,
    pub is_traced: bool,
    pub failover_ms: Option<u64>,
    /// Slots that move as a whole, if this is their world.
    pub moves: Option<Moves>,
    flaw: Option<Flaw>,
    /// A promise that was broken inside of a step.
    pub broken: Option<Violation>,
}

impl World {
    pub fn new(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> World {
        let mut prng = Prng::new(seed ^ 0xc1a5_7e12);
        let options = Options::draw(&mut prng);
        World::with_options(seed, prng, options, flaw, is_traced)
    }

    pub fn with_options(
        seed: u64,
        prng: Prng,
        options: Options,
        flaw: Option<Flaw>,
        is_traced: bool,
    ) -> World {
        let nodes = options.nodes();
        let mut world = World {
            now_ms: 0,
            sites: (0..nodes).map(|_| Site::default()).collect(),
            judge: Judge::default(),
            pipes: BTreeMap::new(),
            deaf_until_ms: vec![vec![0; nodes]; nodes],
            queue: BinaryHeap::new(),
            scheduled: 0,
            events: 0,
            hash: seed,
            links_made: 0,
            next_tag: 0,
            acknowledged: BTreeSet::new(),
            is_chaos: false,
            is_traced,
            failover_ms: None,
            moves: None,
            flaw,
            broken: None,
            prng,
            options,
        };
        for node in 0..nodes {
            world.sites[node].clock_ms = world.prng.below(1_000_000);
            world.begin(node);
            let in_ms = world.draw(world.options.lag_ms);
            world.schedule(in_ms, Event::Sync { node });
        }
        world.schedule(AUDIT_MS, Event::Audit);
        world
    }

    pub fn report(&self) -> Report {
        Report {
            events: self.events,
            hash: self.hash,
            simulated_ms: self.now_ms,
            acknowledged: self.acknowledged.len() as u64,
            lost: self.judge.lost,
            dual_ms: self.judge.dual_ms,
            failover_ms: self.failover_ms,
            timeout_ms: self.options.timeout_ms,
        }
    }

    pub fn draw(&mut self, bound: u64) -> u64 {
        self.prng.below(bound.max(1))
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.draw(100) < percent
    }

    pub fn schedule(&mut self, in_ms: u64, event: Event) {
        self.scheduled += 1;
        let key = (self.now_ms + in_ms, self.scheduled, event);
        self.queue.push(Reverse(key));
    }

    pub fn run_until(&mut self, until_ms: u64) -> Result<(), Violation> {
        while let Some(Reverse((at_ms, _, _))) = self.queue.peek() {
            if *at_ms > until_ms {
                break;
            }
            let Some(Reverse((at_ms, number, event))) = self.queue.pop() else {
                break;
            };
            self.now_ms = at_ms;
            self.events += 1;
            self.hash = mix(self.hash, at_ms ^ number.rotate_left(32));
            self.happen(event);
            if let Some(violation) = self.broken.take() {
                return Err(violation);
            }
        }
        self.now_ms = until_ms;
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        if let Some(awake_ms) = self.sleeps(&event) {
            return self.schedule(awake_ms - self.now_ms, event);
        }
        match event {
            Event::Tick { node, life } => {
                let is_due = |at_ms: u64| at_ms <= self.now_ms;
                if self.lives(node, life) && self.sites[node].tick_ms.is_some_and(is_due) {
                    self.sites[node].tick_ms = None;
                    self.input(node, Input::Tick);
                    self.schedule_tick(node);
                }
            }
            Event::Arrive { from } => self.arrive(from),
            Event::Lost { end } => {
                if self.lives(end.node, end.life) && self.pipes.remove(&end).is_some() {
                    let (link, why) = (end.link, "closed");
                    self.input(end.node, Input::Lost { link, why });
                }
            }
            Event::Dial { dial } => self.answer(dial),
            Event::Sync { node } => self.sync(node),
            Event::Restart { node } => {
                if self.sites[node].machine.is_none() {
                    self.begin(node);
                }
            }
            Event::Finish { slot, from, to } => self.finish_move(slot, from, to),
            Event::Client => self.client(),
            Event::Fate => self.fate(),
            Event::Move(step) => self.step_move(step),
            Event::Audit => {
                self.schedule(AUDIT_MS, Event::Audit);
                self.audit();
                self.audit_moves();
            }
        }
    }

    /// Until when the node of an event is frozen.
    fn sleeps(&self, event: &Event) -> Option<u64> {
        let node = match event {
            Event::Tick { node, .. } => *node,
            Event::Arrive { from } => self.pipes.get(from)?.to.node,
            Event::Lost { end } => end.node,
            Event::Move(step) => step.node(),
            _ => return None,
        };
        let until_ms = self.sites[node].frozen_until_ms;
        (until_ms > self.now_ms).then_some(until_ms)
    }

    pub fn lives(&self, node: usize, life: u32) -> bool {
        self.sites[node].life == life && self.sites[node].machine.is_some()
    }

    /// Starts a node with what is in its file.
    pub fn begin(&mut self, node: usize) {
        let seeds = [self.prng.next_u64(), self.prng.next_u64()];
        let settings = self.options.settings(node);
        let site = &mut self.sites[node];
        site.life += 1;
        site.tick_ms = None;
        site.following = None;
        site.heard_ms = None;
        site.paused_until_ms = 0;
        site.lease_ms = 0;
        site.asked_ms = None;
        site.manual_until_ms = 0;
        site.owners.clear();
        site.guests.clear();
        site.held.clear();
        let view = site.view(self.now_ms);
        let conf = site.file.as_ref().map(|file| file.as_bytes());
        let machine = Machine::new(settings, conf, seeds, &view);
        let machine = match machine {
            Ok(machine) => machine.with_flaw(self.flaw),
            Err(why) => return self.accuse("C7", format!("node {node} cannot start: {why}")),
        };
        site.last_epoch = machine.current_epoch();
        site.last_config_epoch = machine.config_epoch();
        site.map = Some(machine.map());
        let (epoch, told) = (site.last_epoch, site.told_epoch);
        site.machine = Some(machine);
        if epoch < told {
            self.accuse(
                "C3",
                format!("node {node} told epoch {told}, and knows {epoch}"),
            );
        }
        let mut out = Vec::new();
        if let Some(machine) = &mut self.sites[node].machine {
            machine.start(&view, &mut out);
        }
        let life = self.sites[node].life;
        self.perform(node, out);
        if self.lives(node, life) {
            let slots = self.sites[node].data.shown();
            self.input(node, Input::Loaded { slots: &slots });
        }
        self.schedule_tick(node);
    }

    /// Ends a node. Others hear of it at once, or find out.
    pub fn crash(&mut self, node: usize, is_power_cut: bool) {
        let site = &mut self.sites[node];
        if site.machine.take().is_none() {
            return;
        }
        site.map = None;
        if is_power_cut {
            site.file = site.durable.clone();
        }
        self.forget_moves(node);
        let mine = |end: &&End| end.node == node;
        let ends: Vec<End> = self.pipes.keys().filter(mine).copied().collect();
        for end in ends {
            if let Some(pipe) = self.pipes.remove(&end) {
                let latency_ms = self.latency();
                if !is_power_cut {
                    self.schedule(latency_ms, Event::Lost { end: pipe.to });
                }
            }
        }
    }

    pub fn latency(&mut self) -> u64 {
        let least = self.options.latency_ms;
        least + self.draw(least)
    }

    fn schedule_tick(&mut self, node: usize) {
        let site = &self.sites[node];
        let life = site.life;
        let Some(machine) = &site.machine else {
            return;
        };
        let in_ms = machine
            .next_deadline()
            .saturating_sub(site.local(self.now_ms))
            .max(1);
        let at_ms = self.now_ms + in_ms;
        if site.tick_ms.is_none_or(|planned_ms| at_ms < planned_ms) {
            self.sites[node].tick_ms = Some(at_ms);
            self.schedule(in_ms, Event::Tick { node, life });
        }
    }

    pub fn input(&mut self, node: usize, input: Input<'_>) {
        let site = &mut self.sites[node];
        let view = site.view(self.now_ms);
        let Some(machine) = &mut site.machine else {
            return;
        };
        let mut out = Vec::new();
        machine.step(&view, input, &mut out);
        self.judge_epochs(node, false);
        self.perform(node, out);
    }

    pub fn command(&mut self, node: usize, command: Command<'_>) -> Result<Answer, Refused> {
        let site = &mut self.sites[node];
        let view = site.view(self.now_ms);
        let Some(machine) = &mut site.machine else {
            return Err(Refused("nobody is there".to_owned()));
        };
        if self.is_traced {
            println!("{:>8} {node} > {command:?}", self.now_ms);
        }
        let is_reset = matches!(command, Command::Reset { hard: true });
        let mut out = Vec::new();
        let answer = machine.command(&view, command, &mut out);
        self.judge_epochs(node, is_reset);
        if answer.is_ok() {
            self.sites[node].owners.clear();
        }
        self.perform(node, out);
        answer
    }

    fn perform(&mut self, node: usize, out: Vec<Output>) {
        let life = self.sites[node].life;
        let is_weighty = out
            .iter()
            .any(|output| matches!(output, Output::Save { .. }));
        let may_crash = self.is_chaos && self.options.crashes && is_weighty;
        let crash_at = if may_crash && self.chance(1) && !self.hands_over_unheard(node) {
            Some(self.draw(out.len() as u64) as usize)
        } else {
            None
        };
        let mut is_saved = true;
        for (at, output) in out.into_iter().enumerate() {
            if crash_at == Some(at) {
                self.crash(node, self.options.power_cuts);
                let in_ms = 10 + self.draw(3_000);
                return self.schedule(in_ms, Event::Restart { node });
            }
            is_saved &= self.perform_one(node, output, is_saved);
            if !self.lives(node, life) {
                return;
            }
        }
        if !is_saved {
            self.input(node, Input::Unsaved);
        }
    }

    /// Performs one output. False if the file could not be written.
    fn perform_one(&mut self, node: usize, output: Output, is_saved: bool) -> bool {
        let (now_ms, life) = (self.now_ms, self.sites[node].life);
        let end = |link: LinkId| End { node, life, link };
        let site = &mut self.sites[node];
        match output {
            Output::Save { sync } => return self.save(node, sync),
            Output::Send { link, bytes } if is_saved => self.send(end(link), bytes),
            Output::Send { .. } => {}
            Output::Connect { link, address, .. } => {
                let (from, to) = (end(link), number_of(&address.ip));
                let to = to
                    .filter(|to| address.port == port(*to) + 10_000)
                    .unwrap_or(usize::MAX);
                let latency_ms = self.latency();
                let dial = Dial { from, to };
                self.pipes.insert(from, Pipe::to(from));
                self.schedule(latency_ms, Event::Dial { dial });
            }
            Output::Close { link } => self.close(end(link)),
            Output::Follow { primary } => {
                site.following = number_of(&primary.ip);
                site.heard_ms = None;
                // Another primary, another election.
                site.asked_ms = None;
                site.guests.clear();
            }
            Output::Promote => {
                site.following = None;
                site.heard_ms = None;
                site.note_guests();
            }
            Output::DeleteAll => site.data.slots.clear(),
            Output::DeleteKeys { slots } => {
                site.data.slots.retain(|slot, _| !slots.contains(*slot))
            }
            Output::MapChanged => self.map_changed(node),
            Output::Lease { until_ms } => site.lease_ms = until_ms,
            Output::PauseWrites { until_ms } => {
                site.paused_until_ms = until_ms;
                if until_ms > site.local(now_ms) + 10_000 {
                    self.accuse("L4", format!("node {node} pauses until {until_ms}"));
                }
            }
            Output::ResumeWrites => site.paused_until_ms = 0,
            Output::Deliver { .. } => {}
            Output::Log { line, .. } => {
                if self.is_traced && !line.starts_with("---") && !line.starts_with("GOSSIP") {
                    println!("{now_ms:>8} {node} {line}");
                }
                self.judge_line(node, &line);
            }
        }
        true
    }

    fn save(&mut self, node: usize, sync: bool) -> bool {
        let site = &mut self.sites[node];
        if site.disk_fails_until_ms > self.now_ms {
            return false;
        }
        let view = site.view(self.now_ms);
        if let Some(machine) = &site.machine {
            let text = machine.nodes_conf(&view);
            let released = World::slots().filter(|slot| machine.is_released(*slot));
            site.released.rotate_left(1);
            site.released[1] = released.collect();
            if sync {
                site.durable = Some(text.clone());
            }
            site.file = Some(text);
        }
        true
    }

    fn send(&mut self, end: End, bytes: Bytes) {
        self.sites[end.node].sent += 1;
        self.judge_packet(end, &bytes);
        let latency_ms = self.latency();
        let now_ms = self.now_ms;
        let Some(pipe) = self.pipes.get_mut(&end) else {
            return;
        };
        let at_ms = (now_ms + latency_ms).max(pipe.last_ms);
        pipe.last_ms = at_ms;
        pipe.queue.push_back(bytes);
        self.schedule(at_ms - now_ms, Event::Arrive { from: end });
    }

    /// This end does not use the connection any more; the other one hears of it.
    fn close(&mut self, end: End) {
        if let Some(pipe) = self.pipes.remove(&end) {
            let latency_ms = self.latency();
            self.schedule(latency_ms, Event::Lost { end: pipe.to });
        }
    }

    pub fn is_deaf(&self, from: usize, to: usize) -> bool {
        self.deaf_until_ms[from][to] > self.now_ms
    }

    fn arrive(&mut self, from: End) {
        let Some(pipe) = self.pipes.get_mut(&from) else {
            return;
        };
        let to = pipe.to;
        let deaf_until_ms = self.deaf_until_ms[from.node][to.node];
        if deaf_until_ms > self.now_ms {
            pipe.last_ms = pipe.last_ms.max(deaf_until_ms);
            return self.schedule(deaf_until_ms - self.now_ms, Event::Arrive { from });
        }
        let Some(bytes) = pipe.queue.pop_front() else {
            return;
        };
        if !self.lives(to.node, to.life) || !self.pipes.contains_key(&to) {
            return;
        }
        self.note_accusations(to.node, &bytes);
        let cut = self.draw(bytes.len() as u64) as usize;
        let (first, second) = bytes.split_at(cut);
        let link = to.link;
        self.input(to.node, Input::Received { link, bytes: first });
        if self.lives(to.node, to.life) && self.pipes.contains_key(&to) {
            self.input(
                to.node,
                Input::Received {
                    link,
                    bytes: second,
                },
            );
        }
        // What an input made due is done before the next one.
        if self.lives(to.node, to.life) && self.is_due_at_once(to.node) {
            self.schedule_tick(to.node);
        }
    }

    fn is_due_at_once(&self, node: usize) -> bool {
        let machine = self.sites[node].machine.as_ref();
        machine.is_some_and(|machine| machine.next_deadline() == 0)
    }

    fn answer(&mut self, dial: Dial) {
        let (from, to) = (dial.from, dial.to);
        if !self.lives(from.node, from.life) || !self.pipes.contains_key(&from) {
            return;
        }
        let link = from.link;
        let is_there = self
            .sites
            .get(to)
            .is_some_and(|site| site.machine.is_some());
        if to < self.sites.len() && (self.is_deaf(from.node, to) || self.is_deaf(to, from.node)) {
            return self.schedule(200, Event::Dial { dial });
        }
        if !is_there {
            self.pipes.remove(&from);
            let why = "Connection refused";
            return self.input(from.node, Input::Lost { link, why });
        }
        self.links_made += 1;
        let end = End {
            node: to,
            life: self.sites[to].life,
            link: LinkId::In(self.links_made),
        };
        self.pipes.insert(from, Pipe::to(end));
        self.pipes.insert(end, Pipe::to(from));
        let (peer, local) = (ip(from.node), ip(to));
        let accepted = Input::Accepted {
            link: end.link,
            peer: &peer,
            local: &local,
        };
        self.input(to, accepted);
        if self.lives(from.node, from.life) {
            self.input(from.node, Input::Connected { link });
        }
    }

    /// A replica takes over what its primary has.
    fn sync(&mut self, node: usize) {
        let in_ms = 1 + self.draw(2 * self.options.lag_ms);
        self.schedule(in_ms, Event::Sync { node });
        let Some(primary) = self.sites[node].following else {
            return;
        };
        let reaches = self.sites[node].is_awake(self.now_ms)
            && self.sites[primary].is_awake(self.now_ms)
            && !self.is_deaf(node, primary)
            && !self.is_deaf(primary, node);
        if reaches && primary != node {
            self.sites[node].data = self.sites[primary].data.clone();
            self.sites[node].heard_ms = Some(self.sites[node].local(self.now_ms));
        }
    }

    /// Makes the cluster, and waits until it serves.
    pub fn create(&mut self) -> Result<(), Violation> {
        let (primaries, nodes) = (self.options.primaries, self.options.nodes());
        let share = cluster::SLOTS / primaries as u16;
        for node in 0..primaries {
            let first = node as u16 * share;
            let is_last = node + 1 == primaries;
            let last = if is_last {
                cluster::SLOTS - 1
            } else {
                first + share - 1
            };
            let _ = self.command(node, Command::AddSlots(&[first..=last]));
        }
        for node in 0..nodes {
            let _ = self.command(node, Command::SetConfigEpoch(node as u64 + 1));
        }
        self.meet_all();
        let patience_ms = 20_000 + 4 * self.options.timeout_ms;
        self.wait(patience_ms, "nodes that know each other", |world| {
            let knows = |site: &Site| {
                site.map
                    .as_ref()
                    .is_some_and(|map| map.nodes.len() == nodes)
            };
            world.sites.iter().all(knows)
        })?;
        for node in primaries..nodes {
            if let Some(primary) = self.sites[node % primaries].id() {
                let _ = self.command(node, Command::Replicate(primary.as_bytes()));
            }
        }
        self.wait(patience_ms, "a cluster that serves", World::is_together)
    }

    pub fn meet_all(&mut self) {
        for node in 1..self.sites.len() {
            let address = ip(node);
            let meet = Command::Meet {
                ip: &address,
                port: port(node),
                bus_port: port(node) + 10_000,
            };
            let _ = self.command(0, meet);
        }
    }

    pub fn wait(
        &mut self,
        max_ms: u64,
        what: &str,
        holds: impl Fn(&World) -> bool,
    ) -> Result<(), Violation> {
        let until_ms = self.now_ms + max_ms;
        while !holds(self) {
            if self.now_ms >= until_ms {
                let picture = self.picture();
                return super::broken("C7", format!("no {what} within {max_ms} ms\n{picture}"));
            }
            self.run_until(self.now_ms + 50)?;
        }
        Ok(())
    }

    pub fn slots() -> impl Iterator<Item = u16> {
        (0..WATCHED).map(|number| number * (cluster::SLOTS / WATCHED) + 17)
    }

    pub fn sent_packets(&self) -> u64 {
        self.sites.iter().map(|site| site.sent).sum()
    }

    pub fn picture(&self) -> String {
        let mut text = String::new();
        for (node, site) in self.sites.iter().enumerate() {
            let Some(machine) = &site.machine else {
                text += &format!("node {node} is not there\n");
                continue;
            };
            text += &format!("node {node}, epoch {}\n", machine.current_epoch());
            text += &machine.nodes_text(&site.view(self.now_ms), false);
        }
        text
    }
}
