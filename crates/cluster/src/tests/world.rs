//! A few machines with links between them, in time that is made up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use config::EndpointType;
use stdx::prng::Prng;

use crate::flaw::Flaw;
use crate::{
    Answer, Command, Input, LinkId, Machine, Map, NodeId, Output, PrimaryLink, Refused, Settings,
    View,
};

pub const TIMEOUT_MS: u64 = 2000;
const WALL_MS: u64 = 1_795_000_000_000;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    node: usize,
    link: LinkId,
}

#[derive(Debug)]
struct Pipe {
    to: End,
    from: usize,
    queue: VecDeque<(u64, Bytes)>,
}

#[derive(Debug)]
struct Dial {
    from: End,
    to: usize,
    due_ms: u64,
}

pub struct Peer {
    pub machine: Machine,
    /// What the machine said when it last said that this has changed.
    pub map: Map,
    /// Who owns what, by name: the first slot of each run.
    owners: Vec<(u16, Option<NodeId>)>,
    pub is_alive: bool,
    pub file: String,
    pub offset: u64,
    pub following: Option<u16>,
    pub paused_until_ms: u64,
    pub lease_ms: u64,
    pub log: Vec<String>,
    pub delivered: Vec<String>,
    pub deleted: usize,
    pub disk_fails: bool,
    pub saves: u64,
    pub syncs: u64,
    heard_ms: Option<u64>,
}

pub struct World {
    pub now_ms: u64,
    pub peers: Vec<Peer>,
    pub prng: Prng,
    pipes: BTreeMap<End, Pipe>,
    dials: Vec<Dial>,
    links_made: u64,
    /// Pairs that cannot speak, one way.
    pub cut: BTreeSet<(usize, usize)>,
    /// One whose answers another does not hear yet, but all else.
    pub unanswered: Option<(usize, usize)>,
    flaw: Option<Flaw>,
}

pub fn settings(number: usize) -> Settings {
    let port = 7000 + number as u16;
    Settings {
        port,
        tls_port: 0,
        bus_port: port + 10_000,
        tls: false,
        node_timeout_ms: TIMEOUT_MS,
        replica_validity_factor: 10,
        migration_barrier: 1,
        allow_replica_migration: true,
        require_full_coverage: true,
        no_failover: false,
        link_unsent_bytes_max: 0,
        announce_ip: String::new(),
        announce_hostname: String::new(),
        announce_port: 0,
        announce_tls_port: 0,
        announce_bus_port: 0,
        preferred_endpoint: EndpointType::Ip,
        replication_ping_ms: 10_000,
    }
}

impl World {
    /// Nodes that do not know each other.
    pub fn new(count: usize, seed: u64, flaw: Option<Flaw>) -> World {
        let mut world = World {
            now_ms: 1000,
            peers: Vec::new(),
            prng: Prng::new(seed),
            pipes: BTreeMap::new(),
            dials: Vec::new(),
            links_made: 0,
            cut: BTreeSet::new(),
            unanswered: None,
            flaw,
        };
        for number in 0..count {
            world.add(number, None);
        }
        world
    }

    fn add(&mut self, number: usize, file: Option<String>) {
        let seeds = [self.prng.next_u64(), self.prng.next_u64()];
        let conf = file.as_ref().map(|file| file.as_bytes());
        let view = self.blank_view();
        let machine = Machine::new(settings(number), conf, seeds, &view);
        let machine = machine.expect("the file is whole").with_flaw(self.flaw);
        let peer = Peer {
            owners: owners(&machine.map()),
            map: machine.map(),
            machine,
            is_alive: true,
            file: file.unwrap_or_default(),
            offset: self.peers.get(number).map_or(0, |peer| peer.offset),
            following: None,
            paused_until_ms: 0,
            lease_ms: 0,
            log: Vec::new(),
            delivered: Vec::new(),
            deleted: 0,
            disk_fails: false,
            saves: 0,
            syncs: 0,
            heard_ms: None,
        };
        match self.peers.get_mut(number) {
            Some(old) => *old = peer,
            None => self.peers.push(peer),
        }
        let mut out = Vec::new();
        let view = self.view(number);
        self.peers[number].machine.start(&view, &mut out);
        self.perform(number, out);
    }

    fn blank_view(&self) -> View {
        View {
            now_ms: self.now_ms,
            wall_ms: WALL_MS + self.now_ms,
            replication_offset: 0,
            primary_link: PrimaryLink::Down { since_ms: None },
            holds_keys: false,
        }
    }

    pub fn view(&self, number: usize) -> View {
        let peer = &self.peers[number];
        let heard_ms = peer.heard_ms;
        View {
            replication_offset: peer.offset,
            primary_link: match heard_ms {
                Some(heard_ms) if heard_ms + 100 >= self.now_ms => PrimaryLink::Up { heard_ms },
                since_ms => PrimaryLink::Down { since_ms },
            },
            ..self.blank_view()
        }
    }

    pub fn id(&self, number: usize) -> NodeId {
        self.peers[number].machine.myself()
    }

    pub fn command(&mut self, number: usize, command: Command<'_>) -> Result<Answer, Refused> {
        let view = self.view(number);
        let mut out = Vec::new();
        let answer = self.peers[number].machine.command(&view, command, &mut out);
        if answer.is_err() {
            assert!(out.is_empty(), "what is refused changes nothing");
        }
        self.perform(number, out);
        answer
    }

    pub fn input(&mut self, number: usize, input: Input<'_>) {
        let view = self.view(number);
        let mut out = Vec::new();
        self.peers[number].machine.step(&view, input, &mut out);
        self.perform(number, out);
    }

    fn perform(&mut self, number: usize, out: Vec<Output>) {
        let mut is_saved = true;
        for output in out {
            let now_ms = self.now_ms;
            let peer = &mut self.peers[number];
            match output {
                Output::Save { .. } if peer.disk_fails => is_saved = false,
                Output::Save { sync } => {
                    let view = self.view(number);
                    let peer = &mut self.peers[number];
                    peer.file = peer.machine.nodes_conf(&view);
                    peer.saves += 1;
                    peer.syncs += u64::from(sync);
                }
                Output::Send { .. } if !is_saved => {}
                Output::Send { link, bytes } => {
                    let due_ms = now_ms + 1 + self.prng.below(3);
                    let end = End { node: number, link };
                    if let Some(pipe) = self.pipes.get_mut(&end) {
                        pipe.queue.push_back((due_ms, bytes));
                    }
                }
                Output::Connect { link, address, .. } => {
                    let to = usize::from(address.port).checked_sub(17_000);
                    let to = to
                        .filter(|_| address.ip == "127.0.0.1")
                        .unwrap_or(usize::MAX);
                    let from = End { node: number, link };
                    let due_ms = now_ms + 1;
                    self.dials.push(Dial { from, to, due_ms });
                }
                Output::Close { link } => self.hang_up(End { node: number, link }),
                Output::Follow { primary } => {
                    peer.following = Some(primary.port - 7000);
                    peer.heard_ms = None;
                }
                Output::Promote => peer.following = None,
                Output::DeleteAll => peer.offset = 0,
                Output::DeleteKeys { slots } => peer.deleted += slots.len(),
                Output::MapChanged => {
                    peer.map = peer.machine.map();
                    peer.owners = owners(&peer.map);
                }
                Output::Lease { until_ms } => peer.lease_ms = until_ms,
                Output::PauseWrites { until_ms } => peer.paused_until_ms = until_ms,
                Output::ResumeWrites => peer.paused_until_ms = 0,
                Output::Deliver { message, .. } => {
                    peer.delivered
                        .push(String::from_utf8_lossy(&message).into_owned());
                }
                Output::Log { level, line } => {
                    if level != crate::Level::Debug {
                        peer.log.push(format!("{now_ms} {line}"));
                    }
                }
            }
        }
        if !is_saved {
            self.input(number, Input::Unsaved);
        }
    }

    /// Ends a connection: the other end hears of it, this one does not.
    fn hang_up(&mut self, end: End) {
        self.dials.retain(|dial| dial.from != end);
        if let Some(pipe) = self.pipes.remove(&end) {
            self.pipes.remove(&pipe.to);
            if self.peers[pipe.to.node].is_alive {
                let link = pipe.to.link;
                self.input(
                    pipe.to.node,
                    Input::Lost {
                        link,
                        why: "closed",
                    },
                );
            }
        }
    }

    pub fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut.contains(&(from, to))
    }

    fn answer_dials(&mut self) {
        let due = |dial: &Dial| dial.due_ms <= self.now_ms;
        let (due, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.dials).into_iter().partition(due);
        self.dials = rest;
        for dial in due {
            let (from, to) = (dial.from, dial.to);
            if !self.peers[from.node].is_alive {
                continue;
            }
            if self.is_cut(from.node, to) || self.is_cut(to, from.node) {
                let due_ms = self.now_ms + 200;
                self.dials.push(Dial { due_ms, ..dial });
            } else if !self.peers.get(to).is_some_and(|peer| peer.is_alive) {
                let link = from.link;
                self.input(
                    from.node,
                    Input::Lost {
                        link,
                        why: "Connection refused",
                    },
                );
            } else {
                self.join(from, to);
            }
        }
    }

    fn join(&mut self, from: End, to: usize) {
        self.links_made += 1;
        let end = End {
            node: to,
            link: LinkId::In(self.links_made),
        };
        let pipe = |to: End, from: usize| Pipe {
            to,
            from,
            queue: VecDeque::new(),
        };
        self.pipes.insert(from, pipe(end, from.node));
        self.pipes.insert(end, pipe(from, to));
        let link = end.link;
        let (peer, local) = ("127.0.0.1", "127.0.0.1");
        self.input(to, Input::Accepted { link, peer, local });
        if self.pipes.contains_key(&from) {
            let link = from.link;
            self.input(from.node, Input::Connected { link });
        }
    }

    fn deliver(&mut self) {
        let ends: Vec<End> = self.pipes.keys().copied().collect();
        for end in ends {
            while let Some(pipe) = self.pipes.get_mut(&end) {
                let way = (pipe.from, pipe.to.node);
                let is_answer = matches!(end.link, LinkId::In(_));
                let is_cut = self.cut.contains(&way) || is_answer && self.unanswered == Some(way);
                let is_due = pipe
                    .queue
                    .front()
                    .is_some_and(|(due, _)| *due <= self.now_ms);
                if is_cut || !is_due {
                    break;
                }
                let (_, bytes) = pipe.queue.pop_front().expect("the front is due");
                let (to, link) = (pipe.to.node, pipe.to.link);
                if self.peers[to].is_alive {
                    let cut = self.prng.below(bytes.len() as u64) as usize;
                    let (first, second) = bytes.split_at(cut);
                    self.input(to, Input::Received { link, bytes: first });
                    self.input(
                        to,
                        Input::Received {
                            link,
                            bytes: second,
                        },
                    );
                }
            }
        }
    }

    /// Replicas have what their primaries have, as far as they reach them.
    fn replicate(&mut self) {
        for number in 0..self.peers.len() {
            let Some(primary) = self.peers[number].following.map(usize::from) else {
                continue;
            };
            let is_reached = self.peers[number].is_alive
                && self.peers[primary].is_alive
                && !self.is_cut(primary, number)
                && !self.is_cut(number, primary);
            if is_reached {
                self.peers[number].offset = self.peers[primary].offset;
                self.peers[number].heard_ms = Some(self.now_ms);
            }
        }
    }

    pub fn run(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        while self.now_ms < end_ms {
            self.now_ms += 1;
            self.answer_dials();
            self.deliver();
            self.replicate();
            for number in 0..self.peers.len() {
                let peer = &self.peers[number];
                if peer.is_alive && peer.machine.next_deadline() <= self.now_ms {
                    self.input(number, Input::Tick);
                }
            }
        }
    }

    /// Runs until something holds, and says how long that took.
    #[track_caller]
    pub fn run_until(&mut self, max_ms: u64, what: &str, holds: impl Fn(&World) -> bool) -> u64 {
        let start_ms = self.now_ms;
        while !holds(self) {
            assert!(
                self.now_ms - start_ms < max_ms,
                "{what} did not come within {max_ms} ms\n{}",
                self.picture()
            );
            self.run(10);
        }
        self.now_ms - start_ms
    }

    pub fn kill(&mut self, number: usize) {
        self.peers[number].is_alive = false;
        let mine = |end: &&End| end.node == number;
        let ends: Vec<End> = self.pipes.keys().filter(mine).copied().collect();
        for end in ends {
            self.hang_up(end);
        }
        self.dials.retain(|dial| dial.from.node != number);
    }

    /// Starts a node that was killed, with what is in its file.
    pub fn restart(&mut self, number: usize) {
        let file = self.peers[number].file.clone();
        self.add(number, Some(file));
    }

    /// Cuts a set of nodes off from the others, both ways.
    pub fn isolate(&mut self, inside: &[usize]) {
        for a in 0..self.peers.len() {
            for b in 0..self.peers.len() {
                if inside.contains(&a) != inside.contains(&b) {
                    self.cut.insert((a, b));
                }
            }
        }
    }

    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// A node waits for others for much longer.
    pub fn give_patience(&mut self, number: usize) {
        let mut settings = self.peers[number].machine.settings().clone();
        settings.node_timeout_ms = 15_000;
        self.input(number, Input::Configured(settings));
    }

    /// Whether a node would run a write for a slot now.
    pub fn serves(&self, number: usize, slot: u16) -> bool {
        let peer = &self.peers[number];
        let map = &peer.map;
        peer.is_alive
            && map.ok
            && map.primary.is_none()
            && map.owners[usize::from(slot)] == map.myself
            && self.now_ms < peer.lease_ms
            && peer.paused_until_ms <= self.now_ms
    }

    pub fn picture(&self) -> String {
        let mut text = format!("at {} ms\n", self.now_ms);
        for (number, peer) in self.peers.iter().enumerate() {
            let alive = if peer.is_alive { "" } else { " (dead)" };
            text += &format!(
                "node {number}{alive} epoch {}\n",
                peer.machine.current_epoch()
            );
            text += &peer.machine.nodes_text(&self.view(number), false);
            let from = peer.log.len().saturating_sub(25);
            for line in &peer.log[from..] {
                text += &format!("    {line}\n");
            }
        }
        text
    }

    /// Makes a cluster of so many primaries, the other nodes replicas of them in turn.
    pub fn create(&mut self, primaries: usize) {
        let share = 16384 / primaries as u16;
        for number in 0..primaries {
            let first = number as u16 * share;
            let last = match number + 1 == primaries {
                true => 16383,
                false => first + share - 1,
            };
            let range = [first..=last];
            self.command(number, Command::AddSlots(&range))
                .expect("slots are free");
        }
        for number in 0..self.peers.len() {
            let epoch = number as u64 + 1;
            let set = self.command(number, Command::SetConfigEpoch(epoch));
            set.expect("nodes are alone");
        }
        for number in 1..self.peers.len() {
            self.meet(0, number);
        }
        let count = self.peers.len();
        self.run_until(10_000, "the cluster", |world| {
            let knows = |peer: &Peer| peer.map.nodes.len() == count;
            world.peers.iter().all(knows)
        });
        for number in primaries..count {
            let primary = self.id(number % primaries);
            let followed = self.command(number, Command::Replicate(primary.as_bytes()));
            followed.expect("primaries are known");
        }
        self.run_until(20_000, "an ok everywhere", World::is_ok);
    }

    pub fn meet(&mut self, number: usize, other: usize) {
        let port = 7000 + other as u16;
        let meet = Command::Meet {
            ip: "127.0.0.1",
            port,
            bus_port: port + 10_000,
        };
        self.command(number, meet).expect("the address is one");
    }

    pub fn is_ok(&self) -> bool {
        let alive = || self.peers.iter().filter(|peer| peer.is_alive);
        alive().all(|peer| peer.map.ok) && self.agree()
    }

    /// Whether all that live have the same owners, by name.
    pub fn agree(&self) -> bool {
        let mut alive = self.peers.iter().filter(|peer| peer.is_alive);
        let first = alive.next().map(|peer| &peer.owners);
        alive.all(|other| Some(&other.owners) == first)
    }

    pub fn owner(&self, at: usize, slot: u16) -> Option<NodeId> {
        let map = &self.peers[at].map;
        map.nodes
            .get(usize::from(map.owners[usize::from(slot)]))
            .map(|node| node.id)
    }

    pub fn logged(&self, number: usize, part: &str) -> bool {
        self.peers[number]
            .log
            .iter()
            .any(|line| line.contains(part))
    }
}

fn owners(map: &Map) -> Vec<(u16, Option<NodeId>)> {
    let mut runs = Vec::new();
    let mut last = None;
    for (slot, &owner) in map.owners.iter().enumerate() {
        if last != Some(owner) {
            last = Some(owner);
            let name = map.nodes.get(usize::from(owner)).map(|node| node.id);
            runs.push((slot as u16, name));
        }
    }
    runs
}
