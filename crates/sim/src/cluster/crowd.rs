//! A large cluster where nothing goes wrong but that primaries die: how soon everybody agrees, and
//! what the bus costs.
//!
//! This world has no faults, no data and no judge, so that it holds a thousand machines.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use cluster::{Command, Input, LinkId, Machine, Output, PrimaryLink, Settings, View};
use config::Config;
use stdx::prng::Prng;

use super::options::{ip, number_of, port};

const WALL_MS: u64 = 1_795_000_000_000;
const TIMEOUT_MS: u64 = 15_000;
const LATENCY_MS: u64 = 1;

/// How long the bus is listened to, and how often it is asked whether all agree.
const QUIET_MS: u64 = 10_000;
const LOOK_MS: u64 = 500;

/// How long agreement is waited for.
const PATIENCE_MS: u64 = 300_000;

/// Of so many primaries one dies.
const SURVIVORS: usize = 10;

/// What a large cluster has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub nodes: usize,
    pub timeout_ms: u64,
    /// From the first MEET until all agree, and from the deaths until all agree again.
    pub started_ms: Option<u64>,
    pub killed: usize,
    pub healed_ms: Option<u64>,
    /// What was sent while nothing happened.
    pub quiet_ms: u64,
    pub packets: u64,
    pub bytes: u64,
}

impl Report {
    /// Packets and bytes that a node sends each second.
    pub fn per_node(&self) -> (u64, u64) {
        let node_ms = (self.nodes as u64 * self.quiet_ms).max(1);
        (self.packets * 1_000 / node_ms, self.bytes * 1_000 / node_ms)
    }

    /// The same as Redis's rules bound it: each node is pinged by each other within half a node
    /// timeout, and answers; a packet tells of a tenth of the nodes.
    pub fn per_node_of_redis(&self) -> (u64, u64) {
        let nodes = self.nodes as u64;
        let packet = 2_256 + 104 * (nodes / 10).max(3);
        let packets = 2 * nodes.saturating_sub(1) * 2_000 / self.timeout_ms.max(1);
        (packets, packets * packet)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct End {
    node: usize,
    link: LinkId,
}

enum Event {
    Tick { node: usize },
    Dial { from: End, to: usize },
    Arrive { to: End, bytes: Bytes },
    Lost { end: End },
}

struct Crowd {
    now_ms: u64,
    machines: Vec<Option<Machine>>,
    following: Vec<Option<usize>>,
    died_ms: Vec<Option<u64>>,
    /// The other end of each end; none while somebody dials.
    ends: HashMap<End, Option<End>>,
    links_made: u64,
    queue: BTreeMap<u64, Vec<Event>>,
    packets: u64,
    bytes: u64,
}

/// Plays one large cluster, half of it primaries.
pub fn play(nodes: usize, seed: u64) -> Report {
    let mut crowd = Crowd::new(nodes, seed);
    let mut report = Report {
        nodes,
        timeout_ms: TIMEOUT_MS,
        quiet_ms: QUIET_MS,
        ..Report::default()
    };
    let begun_ms = crowd.now_ms;
    crowd.create();
    report.started_ms = crowd.agree(nodes).map(|at_ms| at_ms - begun_ms);
    crowd.run_until(crowd.now_ms + TIMEOUT_MS);
    let (packets, bytes) = (crowd.packets, crowd.bytes);
    crowd.run_until(crowd.now_ms + QUIET_MS);
    (report.packets, report.bytes) = (crowd.packets - packets, crowd.bytes - bytes);
    report.killed = crowd.kill();
    let killed_ms = crowd.now_ms;
    report.healed_ms = crowd.agree(nodes).map(|at_ms| at_ms - killed_ms);
    report
}

impl Crowd {
    fn new(nodes: usize, seed: u64) -> Crowd {
        let mut prng = Prng::new(seed ^ 0x0c12_0d5e);
        let mut crowd = Crowd {
            now_ms: 1_000,
            machines: Vec::new(),
            following: vec![None; nodes],
            died_ms: vec![None; nodes],
            ends: HashMap::new(),
            links_made: 0,
            queue: BTreeMap::new(),
            packets: 0,
            bytes: 0,
        };
        for node in 0..nodes {
            let mut settings = Settings::of(&Config::default(), port(node), 0);
            settings.node_timeout_ms = TIMEOUT_MS;
            let seeds = [prng.next_u64(), prng.next_u64()];
            let view = crowd.view(node);
            let machine = Machine::new(settings, None, seeds, &view);
            let mut machine = machine.expect("there is no file that could be broken");
            let mut out = Vec::new();
            machine.start(&view, &mut out);
            crowd.machines.push(Some(machine));
            crowd.perform(node, out);
            // They do not all look at the clock in the same moment.
            crowd.schedule(1 + prng.below(100), Event::Tick { node });
        }
        crowd
    }

    fn primaries(&self) -> usize {
        self.machines.len().div_ceil(2)
    }

    /// Gives out the slots, has one meet all the others, and makes the second half replicas.
    fn create(&mut self) {
        let (nodes, primaries) = (self.machines.len(), self.primaries());
        let slots = usize::from(cluster::SLOTS);
        for node in 0..nodes {
            let (first, end) = (node * slots / primaries, (node + 1) * slots / primaries);
            if node < primaries {
                let range = first as u16..=end as u16 - 1;
                self.command(node, Command::AddSlots(&[range]));
            }
            self.command(node, Command::SetConfigEpoch(node as u64 + 1));
        }
        for node in 1..nodes {
            let meet = Command::Meet {
                ip: &ip(node),
                port: port(node),
                bus_port: port(node) + 10_000,
            };
            self.command(0, meet);
        }
        let until_ms = self.now_ms + PATIENCE_MS;
        while self.now_ms < until_ms && !self.all(|machine| machine.peers().count() == nodes) {
            self.run_until(self.now_ms + LOOK_MS);
        }
        for node in primaries..nodes {
            let primary = self.machines[node - primaries].as_ref();
            if let Some(id) = primary.map(Machine::myself) {
                self.command(node, Command::Replicate(id.as_bytes()));
            }
        }
    }

    fn all(&self, holds: impl Fn(&Machine) -> bool) -> bool {
        self.machines.iter().flatten().all(holds)
    }

    /// When all that live know so many, serve, and have the same map, in which nobody is dead.
    fn agree(&mut self, nodes: usize) -> Option<u64> {
        let until_ms = self.now_ms + PATIENCE_MS;
        while self.now_ms < until_ms {
            self.run_until(self.now_ms + LOOK_MS);
            let mut first = None;
            let is_same = self.all(|machine| machine.peers().count() == nodes);
            let agrees = |machine: &Machine| {
                let map = machine.map();
                let owner = |owner: &u16| map.nodes.get(usize::from(*owner)).map(|it| it.id);
                let owners: Vec<_> = map.owners.iter().map(owner).collect();
                let is_dead = |owner: &u16| {
                    let owner = map.nodes.get(usize::from(*owner));
                    let number = owner.and_then(|owner| number_of(&owner.ip));
                    number.is_none_or(|number| self.machines[number].is_none())
                };
                let mut runs = map.owners.clone();
                runs.dedup();
                map.ok
                    && !runs.iter().any(is_dead)
                    && *first.get_or_insert_with(|| owners.clone()) == owners
            };
            if is_same && self.machines.iter().flatten().all(agrees) {
                return Some(self.now_ms);
            }
        }
        None
    }

    /// Every tenth primary dies, and so do its connections.
    fn kill(&mut self) -> usize {
        let victims: Vec<usize> = (0..self.primaries()).step_by(SURVIVORS).collect();
        for &node in &victims {
            self.machines[node] = None;
            self.died_ms[node] = Some(self.now_ms);
        }
        let is_cut = |end: &End| victims.contains(&end.node);
        let cut: Vec<(End, Option<End>)> = self
            .ends
            .iter()
            .filter(|(end, _)| is_cut(end))
            .map(|(end, other)| (*end, *other))
            .collect();
        for (end, other) in cut {
            self.ends.remove(&end);
            if let Some(end) = other {
                self.schedule(LATENCY_MS, Event::Lost { end });
            }
        }
        victims.len()
    }

    fn view(&self, node: usize) -> View {
        let died_ms = self.following[node].and_then(|primary| self.died_ms[primary]);
        let heard_ms = self.now_ms;
        View {
            now_ms: self.now_ms,
            wall_ms: WALL_MS + self.now_ms,
            replication_offset: 1,
            primary_link: match died_ms {
                Some(_) => PrimaryLink::Down { since_ms: died_ms },
                None => PrimaryLink::Up { heard_ms },
            },
            holds_keys: false,
        }
    }

    fn schedule(&mut self, in_ms: u64, event: Event) {
        let at_ms = self.now_ms + in_ms.max(1);
        self.queue.entry(at_ms).or_default().push(event);
    }

    fn run_until(&mut self, until_ms: u64) {
        while let Some(entry) = self.queue.first_entry() {
            if *entry.key() > until_ms {
                break;
            }
            let (at_ms, events) = entry.remove_entry();
            self.now_ms = at_ms;
            for event in events {
                self.happen(event);
            }
        }
        self.now_ms = until_ms;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick { node } => {
                self.input(node, Input::Tick);
                if let Some(machine) = &self.machines[node] {
                    let in_ms = machine.next_deadline().saturating_sub(self.now_ms);
                    self.schedule(in_ms, Event::Tick { node });
                }
            }
            Event::Arrive { to, bytes } => {
                if self.ends.contains_key(&to) {
                    let (link, bytes) = (to.link, &*bytes);
                    self.input(to.node, Input::Received { link, bytes });
                }
            }
            Event::Lost { end } => {
                if self.ends.remove(&end).is_some() {
                    let (link, why) = (end.link, "closed");
                    self.input(end.node, Input::Lost { link, why });
                }
            }
            Event::Dial { from, to } => self.answer(from, to),
        }
    }

    fn answer(&mut self, from: End, to: usize) {
        if !self.ends.contains_key(&from) {
            return;
        }
        if self.machines.get(to).is_none_or(Option::is_none) {
            return self.happen(Event::Lost { end: from });
        }
        self.links_made += 1;
        let link = LinkId::In(self.links_made);
        let end = End { node: to, link };
        self.ends.insert(from, Some(end));
        self.ends.insert(end, Some(from));
        let (peer, local) = (&*ip(from.node), &*ip(to));
        self.input(to, Input::Accepted { link, peer, local });
        self.input(from.node, Input::Connected { link: from.link });
    }

    fn input(&mut self, node: usize, input: Input<'_>) {
        let view = self.view(node);
        if let Some(machine) = &mut self.machines[node] {
            let mut out = Vec::new();
            machine.step(&view, input, &mut out);
            self.perform(node, out);
        }
    }

    fn command(&mut self, node: usize, command: Command<'_>) {
        let view = self.view(node);
        if let Some(machine) = &mut self.machines[node] {
            let mut out = Vec::new();
            let answer = machine.command(&view, command, &mut out);
            answer.expect("nothing that can be refused is asked for");
            self.perform(node, out);
        }
    }

    fn perform(&mut self, node: usize, out: Vec<Output>) {
        for output in out {
            let end = |link| End { node, link };
            match output {
                Output::Connect { link, address, .. } => {
                    self.ends.insert(end(link), None);
                    let to = number_of(&address.ip).unwrap_or(usize::MAX);
                    let from = end(link);
                    self.schedule(LATENCY_MS, Event::Dial { from, to });
                }
                Output::Send { link, bytes } => {
                    self.packets += 1;
                    self.bytes += bytes.len() as u64;
                    if let Some(Some(to)) = self.ends.get(&end(link)).copied() {
                        self.schedule(LATENCY_MS, Event::Arrive { to, bytes });
                    }
                }
                Output::Close { link } => {
                    if let Some(Some(end)) = self.ends.remove(&end(link)) {
                        self.schedule(LATENCY_MS, Event::Lost { end });
                    }
                }
                Output::Follow { primary } => self.following[node] = number_of(&primary.ip),
                Output::Promote => self.following[node] = None,
                _ => {}
            }
        }
    }
}
