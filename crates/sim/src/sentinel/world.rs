//! Time, links, nodes and Sentinels, moved by events in order.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use config::{Config, Sources};
use resp::value::Value;
use sentinel::{Answer, ConnectionId, Flaw, Input, Machine, Output, Settings, Statement, View};
use stdx::prng::Prng;

use crate::chronicle::Violation;
use crate::sentinel::judge::Judge;
use crate::sentinel::node::{Effect, Node, Place, Words};
use crate::sentinel::options::Options;
use crate::sentinel::site::{Conn, Sentinel, Site, Tenant};

/// How long a shell tries to connect.
const CONNECT_MS: u64 = 3_000;

/// How often replicas get what their masters have.
const REPLICATE_MS: u64 = 100;

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
    conns_made: u64,
    violation: Option<Violation>,
    flaw: Option<Flaw>,
    is_traced: bool,
}

fn name_of(group: usize) -> String {
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

    fn make_run_id(&mut self) -> String {
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

    fn site_at(&self, host: &str) -> Option<usize> {
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

    fn schedule_at(&mut self, at_ms: u64, event: Event) {
        self.scheduled += 1;
        self.queue.insert((at_ms, self.scheduled), event);
    }

    pub fn trace(&self, line: impl FnOnce() -> String) {
        if self.is_traced {
            println!("{:>8} {}", self.now_ms, line());
        }
    }

    /// Something goes from one site to another, late, and not before what went earlier.
    fn travel(&mut self, conn: u64, is_back: bool, event: Event) {
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
    fn note(&mut self, checked: Result<(), Violation>) {
        if let Err(violation) = checked {
            self.violation.get_or_insert(violation);
        }
    }

    fn sentinel(&mut self, site: usize) -> Option<&mut Sentinel> {
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

    fn dial(&mut self, site: usize, connection: ConnectionId, ip: IpAddr) {
        let Some(listener) = self.site_at(&ip.to_string()) else {
            return;
        };
        self.conns_made += 1;
        let conn = self.conns_made;
        self.conns.insert(
            conn,
            Conn {
                dialer: site,
                connection,
                listener,
                listener_life: None,
                is_standing: false,
                subscribes: false,
                transaction: None,
                last_ms: [0; 2],
            },
        );
        if let Some(sentinel) = self.sentinel(site) {
            sentinel.connections.insert(connection, conn);
        }
        self.travel(conn, false, Event::Arrive { conn });
        self.schedule(CONNECT_MS, Event::GiveUp { conn });
    }

    fn arrive(&mut self, conn: u64) {
        let Some(listener) = self.conns.get(&conn).map(|conn| conn.listener) else {
            return;
        };
        let site = &self.sites[listener];
        if !site.is_up {
            return self.travel(conn, true, Event::Close { conn });
        }
        let life = site.life;
        if let Some(known) = self.conns.get_mut(&conn) {
            known.listener_life = Some(life);
        }
        self.travel(conn, true, Event::Stand { conn });
    }

    fn stand(&mut self, conn: u64) {
        let Some(known) = self.conns.get_mut(&conn) else {
            return;
        };
        known.is_standing = true;
        let (site, connection) = (known.dialer, known.connection);
        let local_ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, site as u8 + 1));
        self.with_machine(site, |machine, view, out| {
            let input = Input::Connected {
                connection,
                local_ip,
            };
            machine.step(view, input, out);
        });
    }

    /// The dialer learns that a connection is gone.
    fn lose(&mut self, conn: u64) {
        let Some(known) = self.conns.remove(&conn) else {
            return;
        };
        let Some(sentinel) = self.sentinel(known.dialer) else {
            return;
        };
        sentinel.connections.remove(&known.connection);
        self.with_machine(known.dialer, |machine, view, out| {
            let input = Input::Lost {
                connection: known.connection,
                why: "connection reset",
            };
            machine.step(view, input, out);
        });
    }

    fn reply(&mut self, conn: u64, value: &Value) {
        let Some(known) = self.conns.get(&conn) else {
            return;
        };
        let (site, by, connection) = (known.dialer, known.listener, known.connection);
        if let Value::Array(parts) = value
            && let [Value::Integer(is_down), _, _, Value::Bulk(name)] = &parts[..]
        {
            // The name is the world's own note of what was asked; Sentinels do not send it.
            let name = String::from_utf8_lossy(name).into_owned();
            self.judge.word(site, by, &name, *is_down == 1, self.now_ms);
            let value = Value::Array(parts[..3].to_vec());
            return self.hand_over(site, connection, &value);
        }
        self.hand_over(site, connection, value);
    }

    fn hand_over(&mut self, site: usize, connection: ConnectionId, value: &Value) {
        self.with_machine(site, |machine, view, out| {
            machine.step(view, Input::Reply { connection, value }, out);
        });
    }

    fn request(&mut self, conn: u64, words: Words) {
        let Some(known) = self.conns.get(&conn) else {
            return;
        };
        let site = &self.sites[known.listener];
        if known.listener_life != Some(site.life) || !site.is_up {
            return self.travel(conn, true, Event::Close { conn });
        }
        let listener = known.listener;
        let value = match &site.tenant {
            Tenant::Node(_) => self.ask_node(listener, conn, words),
            Tenant::Sentinel(_) => self.ask_sentinel(listener, &words),
        };
        if let Some(value) = value {
            let raves = self.sites[listener].raves_until_ms > self.now_ms;
            let value = if raves { self.nonsense() } else { value };
            self.travel(conn, true, Event::Reply { conn, value });
        }
    }

    fn nonsense(&mut self) -> Value {
        match self.draw(7) {
            0 => Value::Integer(-1),
            1 => Value::NullArray,
            2 => Value::Array(vec![Value::Integer(1), Value::Bulk(b"*".to_vec())]),
            3 => Value::Bulk(b"role:slave:master\r\nslave0:ip=,port=x\r\nrun_id:\r\n:".to_vec()),
            4 => Value::Error(b"ERR nonsense".to_vec()),
            5 => Value::Array(vec![
                Value::Integer(i64::MAX),
                Value::Bulk(vec![0xff; 40]),
                Value::Integer(-5),
            ]),
            _ => Value::Map(Vec::new()),
        }
    }

    fn ask_node(&mut self, site: usize, conn: u64, words: Words) -> Option<Value> {
        let queued = Value::Simple(b"QUEUED".to_vec());
        let known = self.conns.get_mut(&conn)?;
        let requests = match (&words[0][..], &mut known.transaction) {
            (b"MULTI", transaction) => {
                *transaction = Some(Vec::new());
                return Some(Value::Simple(b"OK".to_vec()));
            }
            (b"EXEC", transaction) => transaction.take().unwrap_or_default(),
            (_, Some(requests)) => {
                requests.push(words);
                return Some(queued);
            }
            (_, None) => vec![words],
        };
        let is_one = requests.len() == 1;
        let mut values = Vec::new();
        for words in requests {
            let mut effects = Vec::new();
            let now_ms = self.now_ms;
            let Tenant::Node(node) = &self.sites[site].tenant else {
                return None;
            };
            values.push(node.answer(now_ms, &words, &mut effects));
            for effect in effects {
                self.take_effect(site, conn, effect);
            }
        }
        match is_one {
            true => values.pop(),
            false => Some(Value::Array(values)),
        }
    }

    fn take_effect(&mut self, site: usize, conn: u64, effect: Effect) {
        match effect {
            Effect::Follow(master) => self.follow(site, master),
            Effect::Publish(message) => self.publish(site, &message),
            Effect::Subscribe => {
                if let Some(conn) = self.conns.get_mut(&conn) {
                    conn.subscribes = true;
                }
            }
            Effect::KillClients => {
                let others = self.conns.iter();
                let others = others.filter(|(id, other)| **id != conn && other.listener == site);
                for conn in others.map(|(id, _)| *id).collect::<Vec<_>>() {
                    self.travel(conn, true, Event::Close { conn });
                    if let Some(conn) = self.conns.get_mut(&conn) {
                        conn.listener_life = None;
                    }
                }
            }
        }
    }

    pub fn follow(&mut self, site: usize, master: Option<Place>) {
        let now_ms = self.now_ms;
        self.trace(|| format!("[{site}] follows {master:?}"));
        if let Tenant::Node(node) = &mut self.sites[site].tenant
            && node.master != master
        {
            node.master = master;
            node.is_linked = false;
            node.link_lost_ms = now_ms;
        }
    }

    /// A message goes to all who listen at a node, and to its replicas.
    pub fn publish(&mut self, site: usize, message: &[u8]) {
        let value = Value::Array(vec![
            Value::Bulk(b"message".to_vec()),
            Value::Bulk(sentinel::HELLO_CHANNEL.into()),
            Value::Bulk(message.to_vec()),
        ]);
        let life = self.sites[site].life;
        let listens = |conn: &Conn| {
            conn.listener == site && conn.subscribes && conn.listener_life == Some(life)
        };
        let listeners = self.conns.iter().filter(|(_, conn)| listens(conn));
        for conn in listeners.map(|(id, _)| *id).collect::<Vec<_>>() {
            let value = value.clone();
            self.travel(conn, true, Event::Reply { conn, value });
        }
        let Tenant::Node(node) = &self.sites[site].tenant else {
            return;
        };
        let replicas = node.replicas.clone();
        for (host, _) in replicas {
            if let Some(replica) = self.site_at(&host) {
                let message = message.to_vec();
                let in_ms = 1 + self.options.latency_ms;
                self.schedule(
                    in_ms,
                    Event::Pass {
                        site: replica,
                        message,
                    },
                );
            }
        }
    }

    /// Another Sentinel is asked. Its vote is judged as it leaves.
    fn ask_sentinel(&mut self, site: usize, words: &Words) -> Option<Value> {
        match (&words[0][..], &words[1..]) {
            (b"PING", _) => Some(Value::Simple(b"PONG".to_vec())),
            (b"PUBLISH", [_, text]) => {
                self.with_machine(site, |machine, view, out| {
                    machine.step(view, Input::Hello { text }, out);
                })?;
                Some(Value::Integer(1))
            }
            (b"SENTINEL", [_, host, _, _, _]) => {
                let asked = words[1..].iter().map(Vec::as_slice).collect::<Vec<_>>();
                let host = String::from_utf8_lossy(host).into_owned();
                let (answer, name, is_own, voted) =
                    self.with_machine(site, |machine, view, out| {
                        let answer = machine.command(view, &asked, &|_| false, out);
                        let mut watched = machine.watched();
                        let watched = watched.find(|watched| watched.address.0 == host);
                        let name = watched.map_or(String::new(), |it| it.name.to_owned());
                        let is_own = asked[4] == machine.id().as_bytes();
                        let voted = out.iter().any(|output| {
                            matches!(output, Output::Publish { channel, .. }
                                if channel == "+vote-for-leader")
                        });
                        (answer, name, is_own, voted)
                    })?;
                if voted && !is_own {
                    self.judge.yields(site, &name, self.now_ms);
                }
                self.tell_vote(site, &name, answer)
            }
            _ => Some(Value::Simple(b"OK".to_vec())),
        }
    }

    fn tell_vote(&mut self, site: usize, name: &str, answer: Answer) -> Option<Value> {
        let Answer::Array(parts) = answer else {
            return Some(Value::Error(b"ERR".to_vec()));
        };
        let [
            Answer::Integer(is_down),
            Answer::Bulk(leader),
            Answer::Integer(epoch),
        ] = &parts[..]
        else {
            return None;
        };
        let id = String::from_utf8_lossy(leader).into_owned();
        let told = match id == "*" {
            true => Ok(()),
            false => self.judge.vote(site, name, *epoch as u64, &id),
        };
        self.note(told);
        let is_tilted = match &self.sites[site].tenant {
            Tenant::Sentinel(sentinel) => sentinel.machine.as_ref().is_some_and(Machine::is_tilted),
            Tenant::Node(_) => false,
        };
        if is_tilted && *is_down != 0 {
            let what = format!("{site} takes {name} for down in tilt");
            let invariant = "N5";
            self.violation.get_or_insert(Violation { invariant, what });
        }
        Some(Value::Array(vec![
            Value::Integer(*is_down),
            Value::Bulk(leader.clone()),
            Value::Integer(*epoch),
            Value::Bulk(name.as_bytes().to_vec()),
        ]))
    }

    /// Replicas that reach their masters have what these have.
    fn replicate(&mut self) {
        self.schedule(REPLICATE_MS, Event::Replicate);
        let nodes = self.options.groups * self.options.nodes;
        let mut linked = vec![Vec::new(); nodes];
        for site in 0..nodes {
            let found = self.reachable_master(site);
            let offset = found.map(|master| self.node(master).offset);
            let now_ms = self.now_ms;
            let is_up = self.sites[site].is_up;
            let node = self.node_mut(site);
            match offset {
                Some(offset) => {
                    node.offset = offset;
                    node.is_linked = true;
                }
                None if node.master.is_none() && is_up => node.offset += 10,
                None if node.is_linked => {
                    node.is_linked = false;
                    node.link_lost_ms = now_ms;
                }
                None => {}
            }
            if let Some(master) = found {
                let place = self.place(site);
                linked[master].push(place);
            }
        }
        for (site, replicas) in linked.into_iter().enumerate() {
            self.node_mut(site).replicas = replicas;
        }
    }

    /// Whom a node replicates from: its master, if that one is there, and has its data from a
    /// master in the end. Nodes that follow each other in a circle have no data to give.
    fn reachable_master(&self, site: usize) -> Option<usize> {
        let mut last = site;
        let mut found = None;
        for _ in 0..self.options.nodes {
            let Some((host, _)) = &self.node(last).master else {
                return found;
            };
            let master = self.site_at(host)?;
            if !self.is_connected(last, master) {
                return None;
            }
            found.get_or_insert(master);
            last = master;
        }
        None
    }

    fn is_connected(&self, site: usize, other: usize) -> bool {
        let is_awake = |site: usize| {
            let site = &self.sites[site];
            site.is_up && site.frozen_until_ms <= self.now_ms
        };
        let hears = |from: usize, to: usize| self.deaf_until_ms[from][to] <= self.now_ms;
        let is_there = is_awake(site) && is_awake(other) && other != site;
        is_there && hears(site, other) && hears(other, site)
    }

    pub fn node(&self, site: usize) -> &Node {
        match &self.sites[site].tenant {
            Tenant::Node(node) => node,
            Tenant::Sentinel(_) => unreachable!("the first sites are nodes"),
        }
    }

    pub fn node_mut(&mut self, site: usize) -> &mut Node {
        match &mut self.sites[site].tenant {
            Tenant::Node(node) => node,
            Tenant::Sentinel(_) => unreachable!("the first sites are nodes"),
        }
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

    fn conns_of(&self, site: usize) -> Vec<(u64, usize)> {
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
            }
        }
    }

    /// What keeps everybody from being of one mind.
    pub fn disagreement(&self) -> Option<String> {
        (0..self.options.groups).find_map(|group| self.disagreement_of(group))
    }

    fn disagreement_of(&self, group: usize) -> Option<String> {
        let nodes = self.nodes_of(group);
        let Some(master) = self.master_of(group) else {
            return Some(format!("group {group} has not one master"));
        };
        let place = self.place(master);
        for site in nodes.filter(|site| *site != master) {
            let node = self.node(site);
            if node.master.as_ref() != Some(&place) || !node.is_linked {
                return Some(format!(
                    "node {site} follows {:?}, linked: {}, and not {place:?}",
                    node.master, node.is_linked
                ));
            }
        }
        let name = name_of(group);
        let mut epochs = Vec::new();
        for site in &self.sites {
            let Tenant::Sentinel(sentinel) = &site.tenant else {
                continue;
            };
            let Some(machine) = &sentinel.machine else {
                return Some("a Sentinel is dead".to_owned());
            };
            let mut watched = machine.watched();
            let watched = watched.find(|watched| watched.name == name)?;
            let is_quiet = watched.failover.is_none() && !watched.is_down && !machine.is_tilted();
            let knows_all = watched.peers + 1 == self.options.sentinels
                && watched.replicas + 1 == self.options.nodes;
            if watched.current != place || !is_quiet || !knows_all {
                return Some(format!("{place:?} is not what is watched: {watched:?}"));
            }
            epochs.push(watched.config_epoch);
        }
        epochs.dedup();
        (epochs.len() > 1).then(|| format!("epochs of group {group}: {epochs:?}"))
    }

    pub fn nodes_of(&self, group: usize) -> std::ops::Range<usize> {
        let nodes = self.options.nodes;
        group * nodes..(group + 1) * nodes
    }

    /// The one node of a group that is up and follows nobody.
    pub fn master_of(&self, group: usize) -> Option<usize> {
        let is_master = |site: &usize| self.sites[*site].is_up && self.node(*site).master.is_none();
        let mut masters = self.nodes_of(group).filter(is_master);
        let master = masters.next()?;
        masters.next().is_none().then_some(master)
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
