//! The world: one queue of events, one generator, and nothing else that decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use replication::{Flaw, Input, LinkId, Primary, Role};
use stdx::prng::Prng;

use crate::chronicle::{Chronicle, Violation};
use crate::network::{Conn, ConnId};
use crate::node::{Birth, Disk, Node, Wish, host, port};
use crate::options::Options;
use crate::store::{Store, mix};

/// The links that a node may try in a span of time; orders come more often than links fail.
const DIALS_MAX: u32 = 100;
const DIALS_SPAN_MS: u64 = 10_000;

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Tick {
        node: usize,
        life: u32,
    },
    Arrive {
        conn: ConnId,
        direction: usize,
    },
    /// An end learns that the other one is gone.
    Lost {
        conn: ConnId,
        end: usize,
    },
    Dial {
        from: usize,
        life: u32,
        link: u64,
        to: usize,
    },
    Loaded {
        node: usize,
        life: u32,
        link: u64,
    },
    Save {
        node: usize,
    },
    Restart {
        node: usize,
    },
    Client,
    Fate,
}

/// A machine's place in the world, with or without a process on it.
pub struct Site<S> {
    pub node: Option<Node<S>>,
    pub life: u32,
    pub disk: Disk,
    /// No process runs before this.
    pub frozen_until_ms: u64,
    clock_start_ms: u64,
    /// Parts of a thousand by which its clock is fast.
    clock_drift: u64,
    tick_ms: Option<u64>,
    /// The primary it was told to follow by an order that has not been carried out yet.
    pub ordered: Option<usize>,
    /// Whether it is giving its role to another.
    hands_over: bool,
    /// The links it has tried by the beginning of a span of time.
    dials: (u64, u32),
    /// Whether it began without anything after having held data.
    pub has_lost: bool,
}

pub struct World<S> {
    pub options: Options,
    pub now_ms: u64,
    pub prng: Prng,
    pub sites: Vec<Site<S>>,
    pub chronicle: Chronicle,
    pub conns: BTreeMap<ConnId, Conn>,
    /// Who does not hear whom: `[from][to]`, until then.
    pub deaf_until_ms: Vec<Vec<u64>>,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    scheduled: u64,
    pub events: u64,
    /// Over all that has happened.
    pub hash: u64,
    pub next_tag: u64,
    pub is_healed: bool,
    /// Who is to follow whom in the end.
    pub plan: Vec<(usize, usize)>,
    pub is_traced: bool,
    seed: u64,
    flaw: Option<Flaw>,
}

impl<S: Store> World<S> {
    pub fn new(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> World<S> {
        let mut prng = Prng::new(seed);
        let options = Options::draw(&mut prng);
        let nodes = options.nodes;
        let site = |_| Site {
            node: None,
            life: 0,
            disk: Disk::default(),
            frozen_until_ms: 0,
            clock_start_ms: prng.below(1_000_000),
            clock_drift: prng.below(4),
            tick_ms: None,
            ordered: None,
            hands_over: false,
            dials: (0, 0),
            has_lost: false,
        };
        let mut world = World {
            now_ms: 0,
            sites: (0..nodes).map(site).collect(),
            prng,
            chronicle: Chronicle::of(nodes),
            conns: BTreeMap::new(),
            deaf_until_ms: vec![vec![0; nodes]; nodes],
            queue: BinaryHeap::new(),
            scheduled: 0,
            events: 0,
            hash: seed,
            next_tag: 0,
            is_healed: false,
            plan: Vec::new(),
            is_traced,
            seed,
            flaw,
            options,
        };
        (0..nodes).for_each(|node| world.begin_node(node));
        for node in 0..nodes {
            let first = world.draw(5_000);
            world.schedule(first, Event::Save { node });
        }
        world.schedule(10, Event::Client);
        world.schedule(2_000, Event::Fate);
        world
    }

    pub fn draw(&mut self, bound: u64) -> u64 {
        self.prng.below(bound.max(1))
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.draw(100) < percent
    }

    pub fn schedule(&mut self, in_ms: u64, event: Event) {
        self.scheduled += 1;
        let entry = (self.now_ms + in_ms, self.scheduled, event);
        self.queue.push(Reverse(entry));
    }

    /// Lets time pass until a moment, or until a promise is broken.
    pub fn run_until(&mut self, until_ms: u64) -> Result<(), Violation> {
        while let Some(Reverse((at_ms, _, _))) = self.queue.peek()
            && *at_ms <= until_ms
        {
            let Reverse((at_ms, _, event)) = self.queue.pop().expect("it was looked at just now");
            self.now_ms = at_ms;
            self.events += 1;
            self.hash = mix(self.hash, mix(at_ms, self.scheduled));
            self.happen(event);
            if let Some(violation) = self.chronicle.violation() {
                return Err(violation.clone());
            }
        }
        self.now_ms = until_ms;
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick { node, life } => self.tick(node, life),
            Event::Arrive { conn, direction } => self.arrive(conn, direction),
            Event::Lost { conn, end } => self.lose(conn, end),
            Event::Dial { .. } => self.dial(event),
            Event::Loaded { node, life, link } => self.loaded(node, life, link, event),
            Event::Save { node } => {
                self.save(node);
                let next = 1_000 + self.draw(20_000);
                self.schedule(next, Event::Save { node });
            }
            Event::Restart { node } => self.restart(node),
            Event::Client => self.client(),
            Event::Fate => self.fate(),
        }
    }

    // Nodes.

    pub fn clock(&self, node: usize) -> u64 {
        let site = &self.sites[node];
        site.clock_start_ms + self.now_ms + self.now_ms * site.clock_drift / 1000
    }

    pub fn begin_node(&mut self, index: usize) {
        let birth = Birth {
            index,
            settings: self.options.settings(&host(index), port(index)),
            seeds: [self.prng.next_u64(), self.prng.next_u64()],
            now_ms: self.clock(index),
            flaw: self.flaw,
            // Some are of a kind that has never heard of it.
            can_carry: !(self.seed + index as u64).is_multiple_of(3),
        };
        let site = &mut self.sites[index];
        site.life += 1;
        site.tick_ms = None;
        let mut node = Node::start(birth, &site.disk, &mut self.chronicle);
        node.is_traced = self.is_traced;
        site.node = Some(node);
        self.after(index);
    }

    /// Has a node do something, and carries out what it wishes.
    pub fn with_node(&mut self, index: usize, act: impl FnOnce(&mut Node<S>, u64, &mut Chronicle)) {
        let now_ms = self.clock(index);
        if let Some(node) = self.sites[index].node.as_mut() {
            act(node, now_ms, &mut self.chronicle);
            self.after(index);
        }
    }

    fn after(&mut self, index: usize) {
        self.judge_emptying(index);
        self.judge_failover(index);
        self.judge_dials(index);
        self.pump(index);
        let now_ms = self.clock(index);
        let site = &mut self.sites[index];
        let Some(node) = &site.node else {
            return;
        };
        self.hash = mix(self.hash, mix(node.store.digest(), node.log.end()));
        site.has_lost &= node.store.is_empty();
        let drift = 1000 + site.clock_drift;
        let left_ms = node.machine.next_deadline().saturating_sub(now_ms);
        let at_ms = self.now_ms + (left_ms * 1000).div_ceil(drift).max(1);
        if site
            .tick_ms
            .is_none_or(|tick_ms| at_ms < tick_ms || tick_ms < self.now_ms)
        {
            site.tick_ms = Some(at_ms);
            let (node, life) = (index, site.life);
            self.schedule(at_ms - self.now_ms, Event::Tick { node, life });
        }
    }

    fn tick(&mut self, node: usize, life: u32) {
        let site = &mut self.sites[node];
        if site.life != life || site.node.is_none() {
            return;
        }
        if site.frozen_until_ms > self.now_ms {
            let left_ms = site.frozen_until_ms - self.now_ms;
            return self.schedule(left_ms, Event::Tick { node, life });
        }
        if site.tick_ms == Some(self.now_ms) {
            site.tick_ms = None;
        }
        self.with_node(node, |node, now_ms, chronicle| {
            node.step(now_ms, Input::Tick, chronicle);
        });
    }

    fn loaded(&mut self, node: usize, life: u32, link: u64, event: Event) {
        if self.sites[node].life != life {
            return;
        }
        if self.sites[node].frozen_until_ms > self.now_ms {
            return self.schedule(1_000, event);
        }
        self.with_node(node, |node, now_ms, chronicle| {
            node.load(now_ms, LinkId(link), chronicle);
        });
        self.note_order(node);
    }

    /// Safe start: who has lost everything does not take it from others as well.
    fn judge_emptying(&mut self, index: usize) {
        let site = &mut self.sites[index];
        let primary = site.node.as_mut().and_then(|node| node.emptied_by.take());
        let Some(primary) = primary.and_then(|host| host[1..].parse::<usize>().ok()) else {
            return;
        };
        if self.sites[index].ordered.is_none() && self.sites[primary].has_lost {
            let what = format!("node {index} was emptied by {primary}, which had lost its data");
            self.chronicle.accuse("S1", what);
        }
    }

    fn judge_failover(&mut self, index: usize) {
        let site = &mut self.sites[index];
        let Some(node) = &site.node else {
            return;
        };
        let hands_over = node.machine.hands_over();
        let began = hands_over.is_some() && !site.hands_over;
        site.hands_over = hands_over.is_some();
        if let Some((target, false)) = hands_over
            && began
        {
            let target = usize::from(target.port - port(0));
            self.chronicle.hand_over(index, node.place(), target);
        }
    }

    /// L5: nobody tries again and again without a pause.
    fn judge_dials(&mut self, index: usize) {
        let site = &mut self.sites[index];
        let dials = site.node.as_ref().map_or(0, |node| node.dials);
        let (since_ms, before) = site.dials;
        if self.now_ms >= since_ms + DIALS_SPAN_MS || dials < before {
            site.dials = (self.now_ms, dials);
        } else if dials - before > DIALS_MAX {
            let what = format!("node {index} tried {} links in a row", dials - before);
            self.chronicle.accuse("L5", what);
        }
    }

    /// An order is carried out when its primary's stream comes.
    pub fn note_order(&mut self, node: usize) {
        let site = &mut self.sites[node];
        if site.node.as_ref().is_some_and(Node::is_online) {
            site.ordered = None;
        }
    }

    fn save(&mut self, node: usize) {
        let site = &mut self.sites[node];
        if let Some(saved) = site.node.as_ref().and_then(Node::save) {
            site.disk.saved = Some(saved);
        }
    }

    /// Ends a process. Its peers may learn of it at once, or only when they miss it.
    pub fn crash(&mut self, index: usize, saves: bool) {
        if saves {
            self.save(index);
        }
        let life = self.sites[index].life;
        if self.sites[index].node.take().is_none() {
            return;
        }
        let mine = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.end_of(index, life).is_some());
        for conn in mine.map(|(id, _)| *id).collect::<Vec<_>>() {
            let tells = saves || self.chance(50);
            self.close(conn, index, life, tells);
        }
    }

    fn restart(&mut self, node: usize) {
        if self.sites[node].node.is_none() {
            self.begin_node(node);
        }
    }

    // The network.

    fn pump(&mut self, index: usize) {
        let now_ms = self.clock(index);
        loop {
            let Some(node) = self.sites[index].node.as_mut() else {
                return;
            };
            let wishes = std::mem::take(&mut node.wishes);
            let mut has_moved = !wishes.is_empty();
            for wish in wishes {
                self.fulfil(index, wish);
            }
            let Some(node) = self.sites[index].node.as_mut() else {
                return;
            };
            for conn in node.connections() {
                has_moved |= self.pump_conn(index, conn);
            }
            if let Some(node) = self.sites[index].node.as_mut() {
                node.settle(now_ms, &mut self.chronicle);
            }
            if !has_moved {
                return;
            }
        }
    }

    fn pump_conn(&mut self, index: usize, id: ConnId) -> bool {
        let life = self.sites[index].life;
        let Some(conn) = self.conns.get_mut(&id) else {
            return false;
        };
        let Some(end) = conn.end_of(index, life) else {
            return false;
        };
        let room = self
            .options
            .window_bytes
            .saturating_sub(conn.directions[end].bytes);
        let Some(node) = self.sites[index].node.as_mut().filter(|_| room > 0) else {
            return false;
        };
        let bytes = node.take_output(id, room);
        if bytes.is_empty() {
            return false;
        }
        self.hash = bytes.iter().fold(self.hash, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let latency_ms = 1 + self.draw(2 * self.options.latency_ms);
        let conn = self.conns.get_mut(&id).expect("it was there above");
        let direction = &mut conn.directions[end];
        direction.bytes += bytes.len();
        direction.chunks.push_back(bytes);
        direction.last_ms = direction.last_ms.max(self.now_ms + latency_ms);
        let in_ms = direction.last_ms - self.now_ms;
        let direction = end;
        self.schedule(
            in_ms,
            Event::Arrive {
                conn: id,
                direction,
            },
        );
        true
    }

    fn is_deaf(&self, from: usize, to: usize) -> bool {
        self.deaf_until_ms[from][to] > self.now_ms
    }

    fn arrive(&mut self, id: ConnId, direction: usize) {
        let Some(conn) = self.conns.get(&id) else {
            return;
        };
        let (from, to) = (conn.ends[direction], conn.ends[1 - direction]);
        let site = &self.sites[to.node];
        let wait_ms = if self.is_deaf(from.node, to.node) {
            self.deaf_until_ms[from.node][to.node] - self.now_ms
        } else if site.frozen_until_ms > self.now_ms {
            site.frozen_until_ms - self.now_ms
        } else if site.node.as_ref().is_some_and(|node| node.holds_link)
            && direction == 1
            && site.life == to.life
        {
            // While a copy is loaded the link is not read; what comes stays on its way.
            20
        } else {
            0
        };
        if wait_ms > 0 {
            return self.schedule(
                wait_ms,
                Event::Arrive {
                    conn: id,
                    direction,
                },
            );
        }
        if site.life != to.life || site.node.is_none() || !to.is_open {
            if site.node.is_some() && from.is_open {
                self.schedule(
                    1,
                    Event::Lost {
                        conn: id,
                        end: direction,
                    },
                );
            }
            return;
        }
        let cut = self.draw(40) as usize;
        let conn = self.conns.get_mut(&id).expect("it was there above");
        let Some(bytes) = conn.directions[direction].chunks.pop_front() else {
            return;
        };
        conn.directions[direction].bytes -= bytes.len();
        // Often in two pieces, now and then byte by byte.
        let piece = match cut {
            0 => 1,
            1..20 => bytes.len(),
            cut => bytes.len().min(cut),
        };
        let (first, rest) = bytes.split_at(piece.min(bytes.len()));
        self.deliver(id, 1 - direction, first);
        for piece in rest.chunks(if cut == 0 { 1 } else { rest.len().max(1) }) {
            self.deliver(id, 1 - direction, piece);
        }
        self.after(to.node);
        if self.sites[from.node].life == from.life {
            self.after(from.node);
        }
    }

    fn deliver(&mut self, id: ConnId, end: usize, bytes: &[u8]) {
        let Some(to) = self.conns.get(&id).map(|conn| conn.ends[end]) else {
            return;
        };
        let now_ms = self.clock(to.node);
        let Some(node) = self.sites[to.node].node.as_mut() else {
            return;
        };
        if let Some(link) = node.link_on(id) {
            node.hear_primary(now_ms, link, bytes, &mut self.chronicle);
        } else if let Some(peer) = node.peer_on(id) {
            node.hear_peer(now_ms, peer, bytes, &mut self.chronicle);
        }
        self.note_order(to.node);
    }

    /// One end does not use the connection any longer. The other may never hear of it.
    pub fn close(&mut self, id: ConnId, node: usize, life: u32, tells: bool) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let Some(end) = conn.end_of(node, life) else {
            return;
        };
        conn.ends[end].is_open = false;
        if !conn.ends[1 - end].is_open {
            self.conns.remove(&id);
        } else if tells {
            let last_ms = conn.directions[end].last_ms.max(self.now_ms);
            let in_ms = last_ms - self.now_ms + 1;
            let in_ms = if self.chance(50) { 1 } else { in_ms };
            self.schedule(
                in_ms,
                Event::Lost {
                    conn: id,
                    end: 1 - end,
                },
            );
        }
    }

    fn lose(&mut self, id: ConnId, end: usize) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let (here, there) = (conn.ends[end], conn.ends[1 - end].node);
        let wait_ms = (self.deaf_until_ms[there][here.node]
            .max(self.sites[here.node].frozen_until_ms))
        .saturating_sub(self.now_ms);
        if wait_ms > 0 {
            return self.schedule(wait_ms, Event::Lost { conn: id, end });
        }
        self.conns.remove(&id);
        if self.sites[here.node].life != here.life || !here.is_open {
            return;
        }
        self.with_node(here.node, |node, now_ms, chronicle| {
            if let Some(link) = node.link_on(id) {
                node.link_lost(now_ms, link, "Connection reset by peer", chronicle);
            } else if let Some(peer) = node.peer_on(id) {
                node.peer_gone(now_ms, peer, chronicle);
            }
        });
    }

    fn fulfil(&mut self, index: usize, wish: Wish) {
        let life = self.sites[index].life;
        match wish {
            Wish::Connect { link, host } => {
                let to = host[1..].parse::<usize>().unwrap_or(usize::MAX);
                let in_ms = 1 + self.draw(2 * self.options.latency_ms);
                let (from, link) = (index, link.0);
                self.schedule(
                    in_ms,
                    Event::Dial {
                        from,
                        life,
                        link,
                        to,
                    },
                );
            }
            Wish::Close { conn } => self.close(conn, index, life, true),
            Wish::Load { link } => {
                let in_ms = 1 + self.draw(2 * self.options.load_ms);
                let (node, link) = (index, link.0);
                self.schedule(in_ms, Event::Loaded { node, life, link });
            }
            Wish::Remember { primary } => self.sites[index].disk.primary = primary,
        }
    }

    fn dial(&mut self, event: Event) {
        let Event::Dial {
            from,
            life,
            link,
            to,
        } = event
        else {
            return;
        };
        if self.sites[from].life != life {
            return;
        }
        let frozen_ms = self.sites[from].frozen_until_ms.saturating_sub(self.now_ms);
        if frozen_ms > 0 {
            return self.schedule(frozen_ms, event);
        }
        if to < self.sites.len() && (self.is_deaf(from, to) || self.is_deaf(to, from)) {
            // Nobody answers.
            return;
        }
        let is_there = self.sites.get(to).is_some_and(|site| site.node.is_some());
        if !is_there || self.sites[to].frozen_until_ms > self.now_ms {
            return self.with_node(from, |node, now_ms, chronicle| {
                node.link_lost(now_ms, LinkId(link), "Connection refused", chronicle);
            });
        }
        self.scheduled += 1;
        let id = ConnId(self.scheduled);
        let listener = (to, self.sites[to].life);
        self.conns.insert(id, Conn::between((from, life), listener));
        if let Some(node) = self.sites[to].node.as_mut() {
            node.accept(id);
        }
        let mut is_wanted = false;
        self.with_node(from, |node, now_ms, chronicle| {
            is_wanted = node.connected(now_ms, LinkId(link), id, chronicle);
        });
        if !is_wanted {
            self.close(id, from, life, true);
        }
    }

    /// The operator's word.
    pub fn order(&mut self, node: usize, primary: Option<usize>) {
        self.sites[node].ordered = primary;
        let primary = primary.map(|primary| Primary {
            host: host(primary),
            port: port(primary),
        });
        self.with_node(node, |node, now_ms, chronicle| {
            if node.machine.refuses_replica_of().is_none() {
                let by = "the operator";
                node.step(now_ms, Input::ReplicaOf { primary, by }, chronicle);
            }
        });
        self.note_order(node);
    }

    pub fn live(&self) -> Vec<usize> {
        let is_live = |index: &usize| {
            let site = &self.sites[*index];
            site.node.is_some() && site.frozen_until_ms <= self.now_ms
        };
        (0..self.sites.len()).filter(is_live).collect()
    }

    pub fn primaries(&self) -> Vec<usize> {
        let mut live = self.live();
        let node = |index: &usize| self.sites[*index].node.as_ref();
        live.retain(|index| node(index).is_some_and(|node| node.role == Role::Primary));
        live
    }
}
