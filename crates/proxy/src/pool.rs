//! A pool as all workers share it: its servers, and where keys live now.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::configuration::{self, Address, Centres, Follow, Group, GroupHash, Groups, Reading};
use crate::hot::HotKeys;
use crate::house::Control;
use crate::moving::Moves;
use crate::placement::hash::Hash;
use crate::placement::ring::{Member, Ring};
use crate::placement::roster::Roster;
use crate::placement::tagged;
use crate::slow::SlowLog;
use crate::stats::{PoolCounters, Samples, ServerCounters, Shared};
use crate::table::{self, Entry};
use crate::tls::{Connecting, Connector, Listening};
use stdx::prng::Prng;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// A pool of servers.
pub struct Pool {
    pub config: configuration::Pool,
    roster: Mutex<Roster>,
    view: Mutex<Arc<View>>,
    /// Grows with every new view.
    version: AtomicU64,
    pub shared: Shared,
    /// One for each worker.
    pub counters: Vec<PoolCounters>,
    started: Instant,
    /// Told when who serves what has turned out to be different.
    pub changed: Notify,
    pub live: Live,
    pub control: Arc<Control>,
    /// Where keys come from.
    pub source: Option<Arc<Pool>>,
    pub moves: Moves,
    /// Encrypts what is said to servers.
    pub connector: Option<Connector>,
    /// Encrypts what is said to clients.
    pub acceptor: Option<TlsAcceptor>,
    pub slow: SlowLog,
    pub hot: HotKeys,
    /// By monitor and command.
    watched: Vec<Vec<bool>>,
    custom: Vec<&'static Entry>,
}

/// What may be changed while the pool runs.
#[derive(Debug)]
pub struct Live {
    pub client_timeout_ms: AtomicU64,
    pub memory_max: AtomicU64,
}

/// A server, as all workers share it.
#[derive(Debug)]
pub struct Server {
    pub label: String,
    pub address: Address,
    /// One for each worker.
    pub counters: Vec<ServerCounters>,
    /// When it was put out of the ring, in microseconds of Unix time; 0 if never.
    pub ejected_at_us: AtomicU64,
    /// Whether it has failed since it last answered well.
    failed: AtomicU64,
    /// It has failed, and is not asked while others can be.
    down_until_ms: AtomicU64,
    /// Since when it has not answered well; 0 if it does.
    down_since_ms: AtomicU64,
    /// The data centre it is in.
    centre: Option<usize>,
}

/// Where keys live. A unit is what a key belongs to: a server of a ring, or a group.
#[derive(Debug)]
pub struct View {
    pub servers: Vec<Arc<Server>>,
    routing: Routing,
    hash_tag: Option<[u8; 2]>,
    /// When somebody comes back, in the pool's milliseconds.
    pub changes_at: Option<u64>,
}

#[derive(Clone, Debug)]
enum Routing {
    Ring(Hash, Ring),
    Groups(GroupHash, Vec<Members>),
    Cluster(Owners),
}

/// The masters of a cluster's slots. A slot is a unit, and so is a master, above all slots.
#[derive(Clone, Debug)]
struct Owners {
    /// By slot, the server's index.
    owners: Vec<u16>,
    masters: Vec<u16>,
    /// By master.
    replicas: Vec<Vec<(usize, u32)>>,
}

pub const SLOTS: usize = 16_384;
/// Of a slot that nobody serves.
const NOBODY: u16 = u16::MAX;

/// Consecutive slots.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    pub first: usize,
    /// The first behind them.
    pub end: usize,
}

impl Slots {
    pub const NONE: Slots = Slots { first: 0, end: 0 };

    pub fn one(slot: usize) -> Slots {
        let end = slot.saturating_add(1);
        Slots { first: slot, end }
    }
}

/// Slots, and who serves them.
#[derive(Clone, Debug)]
pub struct SlotRange {
    pub slots: Slots,
    pub master: Address,
    /// Missing where nothing has been said of them.
    pub replicas: Option<Vec<Address>>,
}

/// Who serves a group now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    pub master: Option<usize>,
    /// Server and priority.
    pub replicas: Vec<(usize, u32)>,
}

impl View {
    /// What the file says.
    fn new(config: &configuration::Pool, roster: &Roster, workers: usize) -> View {
        let servers = config.servers.iter();
        let servers: Vec<Arc<Server>> = servers
            .map(|server| {
                Server::new(
                    server.label.clone(),
                    server.address.clone(),
                    config,
                    workers,
                )
            })
            .collect();
        let routing = match &config.groups {
            None if config.cluster.is_some() => Routing::Cluster(Owners {
                owners: vec![NOBODY; SLOTS],
                masters: Vec::new(),
                replicas: Vec::new(),
            }),
            None => Routing::Ring(config.hash, roster.ring().clone()),
            Some(groups) => {
                let members = groups
                    .list
                    .iter()
                    .map(|group| static_members(groups, &config.reading, group, &servers));
                Routing::Groups(groups.hash, members.collect())
            }
        };
        View {
            servers,
            routing,
            hash_tag: config.hash_tag,
            changes_at: None,
        }
    }

    /// The unit of a key.
    #[inline]
    pub fn unit_of(&self, key: &[u8], chance: &mut Prng) -> Option<usize> {
        match &self.routing {
            // A pool of one server hashes nothing.
            Routing::Ring(_, ring) if self.servers.len() == 1 => ring.server(0, chance),
            Routing::Ring(hash, ring) => ring.server(hash.of(tagged(key, self.hash_tag)), chance),
            Routing::Groups(hash, groups) => {
                let key = tagged(key, self.hash_tag);
                let sum = match hash {
                    GroupHash::Nothing => 0,
                    GroupHash::Crc16 => u64::from(Hash::Crc16.of(key) as u16),
                    GroupHash::Number => leading_number(key) as u64,
                    GroupHash::Chance => chance.next_u64(),
                };
                Some((sum % groups.len() as u64) as usize)
            }
            Routing::Cluster(_) => {
                let key = tagged(key, self.hash_tag);
                Some(Hash::Crc16.of(key) as usize % SLOTS)
            }
        }
    }

    /// The unit of a number below [`View::units`].
    pub fn unit_at(&self, number: usize) -> usize {
        match &self.routing {
            Routing::Cluster(_) => SLOTS + number,
            Routing::Ring(..) | Routing::Groups(..) => number,
        }
    }

    /// How many units hear of a subscription to a pattern, if each message is to come once.
    pub fn listening_units(&self) -> usize {
        match &self.routing {
            // Nodes tell each other what is published.
            Routing::Cluster(_) => 1,
            Routing::Ring(..) | Routing::Groups(..) => self.units(),
        }
    }

    pub fn units(&self) -> usize {
        match &self.routing {
            Routing::Ring(..) => self.servers.len(),
            Routing::Groups(_, groups) => groups.len(),
            Routing::Cluster(slots) => slots.masters.len(),
        }
    }

    /// The server for a unit's writes.
    #[inline]
    pub fn master_of(&self, unit: usize) -> Option<usize> {
        match &self.routing {
            Routing::Ring(..) => Some(unit),
            Routing::Groups(_, groups) => groups[unit].master,
            Routing::Cluster(slots) => {
                let owner = match unit.checked_sub(SLOTS) {
                    Some(number) => slots.masters.get(number),
                    None => slots.owners.get(unit),
                };
                owner
                    .filter(|owner| **owner != NOBODY)
                    .map(|owner| usize::from(*owner))
            }
        }
    }

    /// The server for a unit's reads: of those that work, one of the highest priority.
    #[inline]
    pub fn reader_of(
        &self,
        unit: usize,
        reading: &Reading,
        now_ms: u64,
        chance: &mut Prng,
    ) -> Option<usize> {
        let (master, replicas) = match &self.routing {
            Routing::Ring(..) => return Some(unit),
            Routing::Groups(_, groups) => (groups[unit].master, &groups[unit].replicas[..]),
            Routing::Cluster(slots) => {
                let master = self.master_of(unit)?;
                let replicas = slots.replicas.get(master).map_or(&[][..], Vec::as_slice);
                (Some(master), replicas)
            }
        };
        let master = master.map(|master| (master, reading.master_priority));
        let all = || {
            let all = master.into_iter().chain(replicas.iter().copied());
            all.filter(|(_, priority)| *priority > 0)
        };
        let works = |server: usize| !self.servers[server].is_down(now_ms);
        let centre = match &reading.centres {
            Some(centres) => {
                let working = all().filter(|(server, _)| works(*server));
                let there = working.filter_map(|(server, _)| self.servers[server].centre);
                let chosen = choose_centre(centres, there, chance);
                // All have failed; one may be back.
                Some(chosen.or_else(|| {
                    let there = all().filter_map(|(server, _)| self.servers[server].centre);
                    choose_centre(centres, there, chance)
                })?)
            }
            None => None,
        };
        let candidates = || {
            all().filter(|(server, _)| centre.is_none() || self.servers[*server].centre == centre)
        };
        let working = candidates().filter(|(server, _)| works(*server));
        let best = working.clone().map(|(_, priority)| priority).max();
        let Some(best) = best else {
            // All have failed; one may be back.
            return candidates()
                .max_by_key(|(_, p)| *p)
                .map(|(server, _)| server);
        };
        let equals = working.filter(|(_, priority)| *priority == best);
        let count = equals.clone().count() as u64;
        let choice = if count > 1 { chance.below(count) } else { 0 };
        equals.map(|(server, _)| server).nth(choice as usize)
    }
}

/// The centre to read from, of those where somebody is: of the highest priority, by weight.
fn choose_centre(
    centres: &Centres,
    there: impl Iterator<Item = usize>,
    chance: &mut Prng,
) -> Option<usize> {
    let there: Vec<usize> = there.collect();
    let policy = &centres.list[centres.local].policy;
    let possible = policy
        .iter()
        .filter(|preference| preference.priority > 0 && there.contains(&preference.centre));
    let best = possible
        .clone()
        .map(|preference| preference.priority)
        .max()?;
    let equals = possible.filter(|preference| preference.priority == best);
    let weights: u64 = equals
        .clone()
        .map(|preference| u64::from(preference.weight))
        .sum();
    let mut left = chance.below(weights);
    for preference in equals {
        match left.checked_sub(u64::from(preference.weight)) {
            Some(rest) => left = rest,
            None => return Some(preference.centre),
        }
    }
    None
}

/// The signed number that a key begins with; 0 if it begins with none.
fn leading_number(key: &[u8]) -> i64 {
    let (sign, digits) = match key.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, key),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0i64, |sum, byte| {
        sum.wrapping_mul(10)
            .wrapping_add(sign * i64::from(byte - b'0'))
    })
}

impl Server {
    fn new(
        label: String,
        address: Address,
        config: &configuration::Pool,
        workers: usize,
    ) -> Arc<Server> {
        let centres = config.reading.centres.as_ref();
        let counters = || ServerCounters {
            monitors: Samples::of(&config.monitors),
            ..ServerCounters::default()
        };
        Arc::new(Server {
            label,
            centre: centres.and_then(|centres| centres.of(&address)),
            address,
            counters: (0..workers).map(|_| counters()).collect(),
            ejected_at_us: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            down_until_ms: AtomicU64::new(0),
            down_since_ms: AtomicU64::new(0),
        })
    }

    /// The name of its data centre.
    pub fn centre<'a>(&self, reading: &'a Reading) -> &'a str {
        let centres = reading.centres.as_ref().zip(self.centre);
        centres.map_or("", |(centres, index)| &centres.list[index].name)
    }

    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed) != 0
    }

    /// How long it has not answered well.
    pub fn outage_ms(&self, now_ms: u64) -> u64 {
        match self.down_since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since => now_ms.saturating_sub(since),
        }
    }

    fn is_down(&self, now_ms: u64) -> bool {
        self.down_until_ms.load(Ordering::Relaxed) > now_ms
    }
}

/// A panic ends the process, so what a lock guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({})", self.config.name)
    }
}

impl Pool {
    pub fn new(
        config: configuration::Pool,
        workers: usize,
        control: Arc<Control>,
    ) -> Result<Pool, String> {
        let members = config.servers.iter().map(|server| Member {
            label: server.label.clone(),
            weight: server.weight,
        });
        let roster = Roster::new(config.distribution, members.collect(), config.ejection);
        let view = View::new(&config, &roster, workers);
        let counters = || PoolCounters {
            monitors: Samples::of(&config.monitors),
            ..PoolCounters::default()
        };
        let source = match &config.source {
            Some(source) => Some(Pool::new(
                (**source).clone(),
                workers,
                Arc::clone(&control),
            )?),
            None => None,
        };
        Ok(Pool {
            control,
            source: source.map(Arc::new),
            moves: Moves::default(),
            connector: config
                .server_tls
                .as_ref()
                .map(Connecting::connector)
                .transpose()?,
            acceptor: config
                .client_tls
                .as_ref()
                .map(Listening::acceptor)
                .transpose()?,
            counters: (0..workers).map(|_| counters()).collect(),
            live: Live {
                client_timeout_ms: AtomicU64::new(config.client_timeout_ms),
                memory_max: AtomicU64::new(config.memory_max),
            },
            slow: SlowLog::default(),
            hot: HotKeys::default(),
            custom: config.custom.iter().map(table::custom).collect(),
            watched: config.monitors.iter().map(watched).collect(),
            config,
            roster: Mutex::new(roster),
            view: Mutex::new(Arc::new(view)),
            version: AtomicU64::new(0),
            shared: Shared::default(),
            started: Instant::now(),
            changed: Notify::new(),
        })
    }

    /// Milliseconds since the pool began.
    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Microseconds since the pool began.
    #[inline]
    pub fn now_us(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    /// Whether a monitor watches a command.
    pub fn watches(&self, monitor: usize, command: u16) -> bool {
        self.watched[monitor]
            .get(usize::from(command))
            .copied()
            .unwrap_or(false)
    }

    /// Encrypts what is said to Sentinels.
    pub fn sentinel_connector(&self) -> Option<&Connector> {
        let includes = self
            .config
            .server_tls
            .as_ref()
            .is_some_and(|tls| tls.sentinels);
        self.connector.as_ref().filter(|_| includes)
    }

    /// Whether a worker that holds so many bytes for clients holds more than its share.
    #[inline]
    pub fn is_short_of_memory(&self, bytes: usize) -> bool {
        let most = self.live.memory_max.load(Ordering::Relaxed);
        most > 0 && bytes as u64 > most / self.counters.len() as u64
    }

    /// A command that the file defines.
    pub fn custom(&self, name: &[u8]) -> Option<&'static Entry> {
        let mut custom = self.custom.iter();
        let found = custom.find(|entry| entry.command.name.as_bytes().eq_ignore_ascii_case(name));
        found.copied()
    }

    #[inline]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(&lock(&self.view))
    }

    /// Lets servers back in whose time is over.
    pub fn refresh(&self) {
        let mut roster = lock(&self.roster);
        if roster.refresh(self.now_ms()) {
            self.publish(&roster);
        }
    }

    /// A connection to a server failed.
    pub fn failed(&self, index: usize, server: &Server) {
        server.failed.store(1, Ordering::Relaxed);
        let now_ms = self.now_ms();
        // Whoever set it first knows best; 0 means something else.
        let _ = server.down_since_ms.compare_exchange(
            0,
            now_ms.max(1),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if self.config.groups.is_some() || self.config.cluster.is_some() {
            let until_ms = now_ms + self.config.reading.retry_ms;
            server.down_until_ms.store(until_ms, Ordering::Relaxed);
        }
        if !self.config.ejection.automatic {
            return;
        }
        let mut roster = lock(&self.roster);
        if roster.failed(index, self.now_ms()) {
            self.shared.server_ejects.fetch_add(1, Ordering::Relaxed);
            server.ejected_at_us.store(unix_us(), Ordering::Relaxed);
            self.publish(&roster);
        }
    }

    /// A server has given a good answer.
    #[inline]
    pub fn answered(&self, index: usize, server: &Server) {
        if server.failed.load(Ordering::Relaxed) != 0 {
            server.failed.store(0, Ordering::Relaxed);
            server.down_until_ms.store(0, Ordering::Relaxed);
            server.down_since_ms.store(0, Ordering::Relaxed);
            if self.config.ejection.automatic {
                lock(&self.roster).answered(index);
            }
        }
    }

    fn publish(&self, roster: &Roster) {
        let mut view = lock(&self.view);
        *view = Arc::new(View {
            servers: view.servers.clone(),
            routing: Routing::Ring(self.config.hash, roster.ring().clone()),
            hash_tag: view.hash_tag,
            changes_at: roster.next_return(),
        });
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Who serves group `unit` has been learnt. Returns whether that is news.
    pub fn learn(&self, unit: usize, master: Option<Address>, replicas: &[Address]) -> bool {
        let Some(groups) = &self.config.groups else {
            return false;
        };
        let mut view = lock(&self.view);
        let Routing::Groups(hash, mut members) = view.routing.clone() else {
            return false;
        };
        let mut servers = view.servers.clone();
        let mut index_of = |address: &Address| {
            let known = servers.iter().position(|server| server.address == *address);
            known.unwrap_or_else(|| {
                servers.push(self.server(address));
                servers.len() - 1
            })
        };
        let reading = &self.config.reading;
        let is_static = |address: &Address| groups.list[unit].servers.contains(address);
        let learnt = Members {
            master: master.as_ref().map(&mut index_of),
            replicas: replicas
                .iter()
                .map(|address| match is_static(address) {
                    true => (index_of(address), reading.static_priority),
                    false => (index_of(address), reading.dynamic_priority),
                })
                .collect(),
        };
        if members[unit] == learnt {
            return false;
        }
        members[unit] = learnt;
        *view = Arc::new(View {
            servers,
            routing: Routing::Groups(hash, members),
            hash_tag: view.hash_tag,
            changes_at: None,
        });
        self.version.fetch_add(1, Ordering::Release);
        true
    }
}

impl Pool {
    fn server(&self, address: &Address) -> Arc<Server> {
        let label = address.to_string();
        Server::new(label, address.clone(), &self.config, self.counters.len())
    }

    /// What a server is to others: a name for reports, and the group it is in.
    pub fn role_of(&self, server: usize) -> (&'static str, Option<usize>) {
        let view = self.view();
        match &view.routing {
            Routing::Ring(..) => ("master", None),
            Routing::Groups(_, groups) => {
                let leads = |members: &Members| members.master == Some(server);
                if let Some(group) = groups.iter().position(leads) {
                    return ("master", Some(group));
                }
                let follows =
                    |members: &Members| members.replicas.iter().any(|(index, _)| *index == server);
                match groups.iter().position(follows) {
                    Some(group) => ("slave", Some(group)),
                    None => ("unknown", None),
                }
            }
            Routing::Cluster(slots) => match slots.masters.contains(&(server as u16)) {
                true => ("master", None),
                false => ("slave", None),
            },
        }
    }

    /// Who serves which slots has been learnt: all of them, or some if not `all`.
    pub fn learn_slots(&self, ranges: &[SlotRange], all: bool) {
        let mut view = lock(&self.view);
        let Routing::Cluster(known) = &view.routing else {
            return;
        };
        let mut slots = known.clone();
        if all {
            slots.owners.fill(NOBODY);
        }
        let mut servers = view.servers.clone();
        let mut index_of = |address: &Address| {
            let known = servers.iter().position(|server| server.address == *address);
            known.unwrap_or_else(|| {
                servers.push(self.server(address));
                servers.len() - 1
            })
        };
        let priority = self.config.reading.dynamic_priority;
        for range in ranges {
            let index = index_of(&range.master);
            let end = range.slots.end.min(SLOTS);
            slots.owners[range.slots.first.min(end)..end].fill(index as u16);
            if let Some(replicas) = range.replicas.as_ref().filter(|_| priority > 0) {
                let replicas = replicas.iter().map(|address| (index_of(address), priority));
                let replicas = replicas.collect();
                if slots.replicas.len() <= index {
                    slots.replicas.resize(index + 1, Vec::new());
                }
                slots.replicas[index] = replicas;
            }
        }
        slots.masters = slots.owners.clone();
        slots.masters.sort_unstable();
        slots.masters.dedup();
        slots.masters.retain(|master| *master != NOBODY);
        let is_known = slots.owners == known.owners && slots.replicas == known.replicas;
        if is_known && servers.len() == view.servers.len() {
            return;
        }
        *view = Arc::new(View {
            servers,
            routing: Routing::Cluster(slots),
            hash_tag: view.hash_tag,
            changes_at: None,
        });
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// Which commands a monitor watches.
fn watched(monitor: &configuration::Monitor) -> Vec<bool> {
    table::all()
        .map(|command| monitor.watches(command.name))
        .collect()
}

/// What the file says of a group.
fn static_members(
    groups: &Groups,
    reading: &Reading,
    group: &Group,
    servers: &[Arc<Server>],
) -> Members {
    let index_of = |address: &Address| servers.iter().position(|s| s.address == *address);
    let mut indices = group.servers.iter().filter_map(index_of);
    Members {
        // Sentinels tell who it is.
        master: match groups.follow {
            Follow::Fixed => indices.next(),
            Follow::Sentinels { .. } => None,
        },
        replicas: indices
            .map(|index| (index, reading.static_priority))
            .collect(),
    }
}

/// Microseconds of Unix time.
pub fn unix_us() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}
