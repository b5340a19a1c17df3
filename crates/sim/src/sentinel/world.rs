//! Time, links, nodes and Sentinels, moved by events in order.

use std::collections::BTreeMap;

use config::{Config, Sources};
use resp::value::Value;
use sentinel::{Flaw, Input, Machine, Output, Settings, Statement, View};
use stdx::prng::Prng;

use crate::chronicle::Violation;
use crate::sentinel::answer::REPLICATE_MS;
use crate::sentinel::judge::Judge;
use crate::sentinel::node::{Node, Place, Words};
use crate::sentinel::options::Options;
use crate::sentinel::site::{Conn, Sentinel, Site, Tenant};

/// When the simulated wall clocks begin.
const WALL_MS: i64 = 1_700_000_000_000;

#[derive(Clone, Debug)]
pub enum Event {
    Tick {
        site: usize,
        life: u32,
    },
    /// A connection arrives at its listener.
    Arrive {
        conn: u64,
    },
    /// The dialer is told that it stands.
    Stand {
        conn: u64,
    },
    /// The dialer is told that it does not, or not any longer.
    Close {
        conn: u64,
    },
    GiveUp {
        conn: u64,
    },
    Request {
        conn: u64,
        words: Words,
    },
    Reply {
        conn: u64,
        value: Value,
    },
    /// A replica gets a message from its master.
    Pass {
        site: usize,
        message: Vec<u8>,
    },
    Replicate,
    Fate,
    Restart {
        site: usize,
    },
}

pub struct World {
    pub options: Options,
    pub now_ms: u64,
    pub events: u64,
    pub hash: u64,
    /// What Sentinels have told their subscribers.
    pub said: u64,
    pub sites: Vec<Site>,
    pub conns: BTreeMap<u64, Conn>,
    pub deaf_until_ms: Vec<Vec<u64>>,
    pub judge: Judge,
    pub is_healed: bool,
    prng: Prng,
    queue: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    pub(super) conns_made: u64,
    pub(super) violation: Option<Violation>,
    flaw: Option<Flaw>,
    is_traced: bool,
}

/// What a group is called.
pub fn name_of(group: usize) -> String {
    format!("group{group}")
}

impl World {
    pub fn new(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> World {
        let mut prng = Prng::new(seed);
        let options = Options::draw(&mut prng);
        let nodes = options.groups * options.nodes;
        let count = nodes + options.sentinels;
        let mut world = World {
            options,
            now_ms: 0,
            events: 0,
            hash: seed,
            said: 0,
            sites: Vec::new(),
            conns: BTreeMap::new(),
            deaf_until_ms: vec![vec![0; count]; count],
            judge: Judge::default(),
            is_healed: false,
            prng,
            queue: BTreeMap::new(),
            scheduled: 0,
            conns_made: 0,
            violation: None,
            flaw,
            is_traced,
        };
        for index in 0..count {
            let tenant = match index < nodes {
                true => Tenant::Node(world.make_node(index)),
                false => Tenant::Sentinel(Box::new(world.make_sentinel())),
            };
            world.sites.push(Site {
                life: 0,
                is_up: true,
                frozen_until_ms: 0,
                wall_off_ms: 0,
                raves_until_ms: 0,
                tenant,
            });
        }
        for site in nodes..count {
            let in_ms = world.draw(1_000);
            world.sites[site].is_up = false;
            world.schedule(in_ms, Event::Restart { site });
        }
        world.schedule(REPLICATE_MS, Event::Replicate);
        // Sentinels need some time to meet before fate strikes.
        world.schedule(6_000, Event::Fate);
        world
    }

    fn make_node(&mut self, index: usize) -> Node {
        let group = index / self.options.nodes;
        let first = group * self.options.nodes;
        Node {
            run_id: self.make_run_id(),
            master: (index != first).then(|| self.place(first)),
            offset: 0,
            is_linked: false,
            link_lost_ms: 0,
            replicas: Vec::new(),
            priority: 100,
        }
    }

    pub(super) fn make_run_id(&mut self) -> String {
        let mut id = [0; 20];
        self.prng.fill(&mut id);
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A Sentinel's file, as an operator writes it.
    fn make_sentinel(&mut self) -> Sentinel {
        let mut saved = Vec::new();
        let options = self.options.clone();
        let mut say = |line: String| {
            saved.push(
                line.split(' ')
                    .map(|word| word.as_bytes().to_vec())
                    .collect(),
            );
        };
        for group in 0..options.groups {
            let name = name_of(group);
            let (host, port) = self.place(group * options.nodes);
            say(format!("monitor {name} {host} {port} {}", options.quorum));
            say(format!(
                "down-after-milliseconds {name} {}",
                options.down_after_ms
            ));
            say(format!(
                "failover-timeout {name} {}",
                options.failover_timeout_ms
            ));
            say(format!("parallel-syncs {name} {}", options.parallel_syncs));
        }
        Sentinel {
            machine: None,
            saved,
            dies_in: None,
            connections: BTreeMap::new(),
        }
    }

    /// Where a site listens.
    pub fn place(&self, site: usize) -> Place {
        let nodes = self.options.groups * self.options.nodes;
        let port = if site < nodes { 6379 } else { 26379 };
        (format!("10.0.0.{}", site + 1), port)
    }

    pub(super) fn site_at(&self, host: &str) -> Option<usize> {
        let number = host.strip_prefix("10.0.0.")?.parse::<usize>().ok()?;
        let site = number.checked_sub(1)?;
        (site < self.sites.len()).then_some(site)
    }

    pub fn draw(&mut self, below: u64) -> u64 {
        self.prng.below(below.max(1))
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.draw(100) < percent
    }

    pub fn schedule(&mut self, in_ms: u64, event: Event) {
        self.schedule_at(self.now_ms + in_ms, event);
    }

    pub(super) fn schedule_at(&mut self, at_ms: u64, event: Event) {
        self.scheduled += 1;
        self.queue.insert((at_ms, self.scheduled), event);
    }

    pub fn trace(&self, line: impl FnOnce() -> String) {
        if self.is_traced {
            println!("{:>8} {}", self.now_ms, line());
        }
    }

    /// Something goes from one site to another, late, and not before what went earlier.
    pub(super) fn travel(&mut self, conn: u64, is_back: bool, event: Event) {
        let latency_ms = self.options.latency_ms;
        let latency_ms = 1 + self.draw(2 * latency_ms);
        let Some(known) = self.conns.get_mut(&conn) else {
            return;
        };
        let (from, to) = match is_back {
            false => (known.dialer, known.listener),
            true => (known.listener, known.dialer),
        };
        let deaf_until_ms = self.deaf_until_ms[from][to];
        let last_ms = &mut known.last_ms[usize::from(is_back)];
        let at_ms = self.now_ms.max(deaf_until_ms) + latency_ms;
        *last_ms = at_ms.max(*last_ms);
        let at_ms = *last_ms;
        self.schedule_at(at_ms, event);
    }

    pub fn run_until(&mut self, until_ms: u64) -> Result<(), Violation> {
        while let Some((&(at_ms, _), _)) = self.queue.first_key_value() {
            if at_ms > until_ms {
                break;
            }
            let ((at_ms, _), event) = self.queue.pop_first().expect("an event was seen");
            self.now_ms = at_ms;
            self.happen(event);
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        self.now_ms = until_ms;
        Ok(())
    }

    /// Whose event it is, so that it waits while that one is frozen.
    fn addressee(&self, event: &Event) -> Option<usize> {
        match event {
            Event::Tick { site, .. } | Event::Pass { site, .. } => Some(*site),
            Event::Arrive { conn } | Event::Request { conn, .. } => {
                self.conns.get(conn).map(|conn| conn.listener)
            }
            Event::Stand { conn }
            | Event::Close { conn }
            | Event::GiveUp { conn }
            | Event::Reply { conn, .. } => self.conns.get(conn).map(|conn| conn.dialer),
            Event::Replicate | Event::Fate | Event::Restart { .. } => None,
        }
    }

    fn happen(&mut self, event: Event) {
        if let Some(site) = self.addressee(&event) {
            let until_ms = self.sites[site].frozen_until_ms;
            if until_ms > self.now_ms {
                return self.schedule_at(until_ms, event);
            }
        }
        self.events += 1;
        let mixed = self.hash ^ self.now_ms ^ self.scheduled << 20;
        self.hash = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        match event {
            Event::Tick { site, life } => self.tick(site, life),
            Event::Arrive { conn } => self.arrive(conn),
            Event::Stand { conn } => self.stand(conn),
            Event::Close { conn } => self.lose(conn),
            Event::GiveUp { conn } => {
                if self.conns.get(&conn).is_some_and(|conn| !conn.is_standing) {
                    self.lose(conn);
                }
            }
            Event::Request { conn, words } => self.request(conn, words),
            Event::Reply { conn, value } => self.reply(conn, &value),
            Event::Pass { site, message } => self.publish(site, &message),
            Event::Replicate => self.replicate(),
            Event::Fate => self.strike(),
            Event::Restart { site } => self.restart(site),
        }
    }

    fn view(&self, site: usize) -> View {
        View {
            now_ms: self.now_ms,
            wall_ms: WALL_MS + self.now_ms as i64 + self.sites[site].wall_off_ms,
        }
    }

    fn tick(&mut self, site: usize, life: u32) {
        if self.sites[site].life != life || !self.sites[site].is_up {
            return;
        }
        let next_ms = self.with_machine(site, |machine, view, out| {
            machine.step(view, Input::Tick, out);
            machine.next_deadline()
        });
        if let Some(next_ms) = next_ms {
            self.schedule_at(next_ms.max(self.now_ms + 1), Event::Tick { site, life });
        }
    }

    /// A step of a Sentinel: it is judged, and its outputs are performed, unless it dies of it.
    pub fn with_machine<T>(
        &mut self,
        site: usize,
        step: impl FnOnce(&mut Machine, &View, &mut Vec<Output>) -> T,
    ) -> Option<T> {
        let view = self.view(site);
        let Tenant::Sentinel(sentinel) = &mut self.sites[site].tenant else {
            return None;
        };
        let machine = sentinel.machine.as_mut()?;
        let was_tilted = machine.is_tilted();
        let mut out = Vec::new();
        let result = step(machine, &view, &mut out);
        for output in out {
            if let Output::Publish { channel, text } = &output {
                self.hear(site, (channel, text), was_tilted);
            }
            if !self.perform(site, output) {
                return None;
            }
        }
        let Tenant::Sentinel(sentinel) = &self.sites[site].tenant else {
            return None;
        };
        let settled = self.judge.settle(site, sentinel.machine.as_ref()?);
        self.note(settled);
        Some(result)
    }

    fn hear(&mut self, site: usize, event: (&str, &str), was_tilted: bool) {
        let Tenant::Sentinel(sentinel) = &self.sites[site].tenant else {
            return;
        };
        let Some(machine) = &sentinel.machine else {
            return;
        };
        self.said += 1;
        let about = (self.now_ms, &self.options);
        let heard = self.judge.hear(site, machine, event, was_tilted, about);
        self.note(heard);
    }

    /// The first broken promise ends the run.
    pub(super) fn note(&mut self, checked: Result<(), Violation>) {
        if let Err(violation) = checked {
            self.violation.get_or_insert(violation);
        }
    }

    pub(super) fn sentinel(&mut self, site: usize) -> Option<&mut Sentinel> {
        match &mut self.sites[site].tenant {
            Tenant::Sentinel(sentinel) => Some(sentinel),
            Tenant::Node(_) => None,
        }
    }

    /// Returns whether the Sentinel still lives.
    fn perform(&mut self, site: usize, output: Output) -> bool {
        let Some(sentinel) = self.sentinel(site) else {
            return false;
        };
        if let Some(left) = &mut sentinel.dies_in {
            if *left == 0 {
                self.crash(site);
                let in_ms = 10 + self.draw(3_000);
                self.schedule(in_ms, Event::Restart { site });
                return false;
            }
            *left -= 1;
        }
        match output {
            Output::Connect { connection, ip, .. } => self.dial(site, connection, ip),
            Output::Close { connection } => {
                let conn = self
                    .sentinel(site)
                    .and_then(|sentinel| sentinel.connections.remove(&connection));
                if let Some(conn) = conn {
                    self.conns.remove(&conn);
                }
            }
            Output::Send { connection, words } => {
                let sentinel = self.sentinel(site);
                let conn = sentinel.and_then(|it| it.connections.get(&connection).copied());
                if let Some(conn) = conn {
                    self.travel(conn, false, Event::Request { conn, words });
                }
            }
            Output::Save => {
                if let Some(sentinel) = self.sentinel(site)
                    && let Some(machine) = &sentinel.machine
                {
                    sentinel.saved = machine.statements();
                }
            }
            Output::Log { line, .. } => self.trace(|| format!("[{site}] {line}")),
            Output::Publish { .. }
            | Output::Resolve { .. }
            | Output::RunScript { .. }
            | Output::KillScript { .. }
            | Output::Crash => {}
        }
        true
    }

    /// A process dies. Its peers are told, or not.
    pub fn crash(&mut self, site: usize) {
        self.trace(|| format!("[{site}] dies"));
        self.sites[site].is_up = false;
        self.sites[site].life += 1;
        if let Some(sentinel) = self.sentinel(site) {
            sentinel.machine = None;
            sentinel.dies_in = None;
            sentinel.connections.clear();
        }
        let is_silent = self.chance(30);
        for (conn, dialer) in self.conns_of(site) {
            if dialer == site {
                self.conns.remove(&conn);
            } else if !is_silent {
                self.travel(conn, true, Event::Close { conn });
            }
        }
    }

    pub(super) fn conns_of(&self, site: usize) -> Vec<(u64, usize)> {
        let touches = |conn: &&Conn| conn.dialer == site || conn.listener == site;
        let conns = self.conns.iter().filter(|(_, conn)| touches(conn));
        conns.map(|(id, conn)| (*id, conn.dialer)).collect()
    }

    /// A process lives again, with what its file says.
    pub fn restart(&mut self, site: usize) {
        if self.sites[site].is_up {
            return;
        }
        self.trace(|| format!("[{site}] lives"));
        self.sites[site].is_up = true;
        let life = self.sites[site].life;
        let run_id = self.make_run_id();
        let seed = self.draw(u64::MAX);
        let view = self.view(site);
        let flaw = self.flaw;
        match &mut self.sites[site].tenant {
            Tenant::Node(node) => {
                node.run_id = run_id;
                node.is_linked = false;
                node.link_lost_ms = view.now_ms;
            }
            Tenant::Sentinel(sentinel) => {
                let statements = read_file(&sentinel.saved);
                let settings = Settings {
                    port: 26379,
                    ..Settings::default()
                };
                let machine = Machine::new(settings, &statements, seed, &|_| false, &view);
                let machine = machine.expect("a Sentinel reads what it wrote");
                sentinel.machine = Some(machine.with_flaw(flaw));
                self.judge.restart(site);
                self.with_machine(site, |machine, view, out| machine.start(view, out));
                self.schedule(0, Event::Tick { site, life });
                self.ask_for_given_votes(site);
            }
        }
    }

    pub fn kill_master(&mut self, group: usize) -> usize {
        let master = self.master_of(group);
        let master = master.expect("everybody has agreed on it");
        self.crash(master);
        master
    }

    pub fn revive(&mut self, site: usize) {
        self.restart(site);
    }

    /// Malformed messages change nothing that a Sentinel keeps.
    pub fn send_garbage(&mut self, site: usize, text: &[u8]) {
        let changed = self.with_machine(site, |machine, view, out| {
            // Time alone may change something, so it passes first.
            machine.step(view, Input::Tick, out);
            let before = machine.statements();
            machine.step(view, Input::Hello { text }, out);
            before != machine.statements()
        });
        if changed == Some(true) {
            self.violation.get_or_insert(Violation {
                invariant: "H",
                what: format!("{site} believes {:?}", String::from_utf8_lossy(text)),
            });
        }
    }
}

/// Statements as they come out of a file they were written to.
fn read_file(saved: &[Words]) -> Vec<Statement> {
    let text = sentinel::file::rewrite(b"", &Config::default(), saved.to_vec());
    let sources = Sources {
        text: &text,
        options: b"",
        sentinel: true,
        include: &mut |_| Ok(Vec::new()),
    };
    let loaded = config::load(sources).expect("a written file is read");
    Statement::all(&loaded)
}
