//! From the file and back.

use std::collections::BTreeMap;

use stdx::prng::Prng;

use super::election::Election;
use super::gossip::wall_of;
use super::health::Health;
use super::manual::HUSH_MS;
use super::ownership::Owners;
use super::{Machine, Save, Stats, Todo, Turn, Unsaved};
use crate::id::NodeId;
use crate::input::{LinkId, View};
use crate::node::{Flags, Node};
use crate::nodes_conf::{Corrupt, Entry, NodesConf};
use crate::output::{Level, Output};
use crate::settings::Settings;
use crate::slots::{SLOTS, SlotSet};
use crate::table::{Seat, Table};

impl Machine {
    /// A node that starts. `conf` is what its file says, if there is one; a file with nothing in
    /// it is refused, as it cannot be told from one that was lost. `seeds` are random.
    pub fn new(
        settings: Settings,
        conf: Option<&[u8]>,
        seeds: [u64; 2],
        view: &View,
    ) -> Result<Machine, Corrupt> {
        let mut prng = seeds.map(Prng::new);
        let conf = conf.map(NodesConf::parse).transpose()?;
        let is_fresh = conf.is_none();
        let conf = conf.unwrap_or_else(|| NodesConf {
            entries: vec![Entry {
                flags: Flags::MYSELF | Flags::PRIMARY,
                ..Entry::of(NodeId::draw(&mut prng))
            }],
            ..NodesConf::default()
        });
        let (nodes, me) = seat_all(&conf, view.now_ms).ok_or(Corrupt::NoMyself)?;
        let mut machine = Machine {
            settings,
            prng,
            nodes,
            me,
            slots: Owners::new(me),
            current_epoch: conf.current_epoch,
            last_vote_epoch: conf.last_vote_epoch,
            links: BTreeMap::new(),
            ignored: None,
            links_made: 0,
            forgotten: BTreeMap::new(),
            election: Election::default(),
            manual: None,
            following: None,
            own_ip_is_sure: false,
            health: Health::new(view.now_ms),
            stats: Stats::default(),
            todo: Todo::default(),
            unsaved: Unsaved::default(),
            chosen_epoch: conf.chosen_epoch,
            won_epoch: 0,
            reserved: None,
            hushed_until_ms: conf.yields.then_some(view.now_ms + HUSH_MS),
            handing_over: SlotSet::default(),
            doubt_until_ms: None,
            taken: Vec::new(),
            next_tick_ms: view.now_ms,
            last_tick_ms: view.now_ms,
            ticks: 0,
            pings_made: 0,
            skipped: conf.unknown.clone(),
            #[cfg(any(test, feature = "flaws"))]
            flaw: None,
        };
        machine.restore(&conf);
        if machine.chosen_epoch != machine.config_epoch() {
            machine.won_epoch = machine.config_epoch();
        }
        machine.doubt(&conf.handed_over, view.now_ms);
        machine.announce();
        if is_fresh {
            machine.save(Save::Now);
        }
        Ok(machine)
    }

    /// What a shell does once, before the first input.
    pub fn start(&mut self, view: &View, out: &mut Vec<Output>) {
        let start = out.len();
        let turn = &mut Turn { view, out };
        let id = self.my().id;
        let is_fresh = self.todo.save == Save::Now;
        let line = match is_fresh {
            true => format!("No cluster configuration found, I'm {id}"),
            false => format!("Node configuration loaded, I'm {id}"),
        };
        for name in std::mem::take(&mut self.skipped) {
            let line = format!("Skipping unknown cluster config variable '{name}'");
            turn.log(Level::Notice, line);
        }
        turn.log(Level::Notice, line);
        // What the configuration says may differ from what the file says.
        self.save(Save::Now);
        self.todo.map_changed = true;
        self.follow_moved_primary(turn);
        self.renew_lease(turn);
        self.finish(start, turn);
    }

    /// Takes over who replicates whom, and who owns what.
    fn restore(&mut self, conf: &NodesConf) {
        let seat_of = |nodes: &Table, id: NodeId| nodes.find(id);
        for entry in &conf.entries {
            let Some(seat) = seat_of(&self.nodes, entry.id) else {
                continue;
            };
            let primary = entry.primary.and_then(|id| seat_of(&self.nodes, id));
            if let Some(primary) = primary.filter(|&primary| primary != seat) {
                self.nodes[seat].primary = Some(primary);
                self.nodes[primary].flags.set(Flags::MIGRATE_TO);
            }
            for slot in entry.slots.iter().cloned().flatten() {
                if slot < SLOTS && self.slots.owner(slot).is_none() {
                    self.give_slot(slot, Some(seat));
                }
            }
            for (slot, to) in &entry.migrating {
                if let Some(to) = seat_of(&self.nodes, *to) {
                    self.slots.migrating.insert(*slot, to);
                }
            }
            for (slot, from) in &entry.importing {
                if let Some(from) = seat_of(&self.nodes, *from) {
                    self.slots.importing.insert(*slot, from);
                }
            }
        }
        let me = self.me;
        self.slots.release(&conf.released);
        self.nodes[me].shard = conf.shard;
        let greatest = self.nodes.iter().map(|(_, node)| node.config_epoch).max();
        self.current_epoch = self.current_epoch.max(greatest.unwrap_or(0));
        self.claim_for_primary();
    }

    /// The file's text.
    pub fn nodes_conf(&self, view: &View) -> String {
        let is_whole = |node: &Node| !node.is_handshake();
        let whole = self.nodes.iter().filter(|(_, node)| is_whole(node));
        let ranges = self.ranges();
        let me = self.my();
        NodesConf {
            entries: whole
                .map(|(seat, _)| self.entry(seat, &ranges, true, view))
                .collect(),
            current_epoch: self.current_epoch,
            last_vote_epoch: self.last_vote_epoch,
            shard: me.shard.filter(|&shard| shard != me.id),
            chosen_epoch: match self.chosen_epoch == me.config_epoch {
                true => self.chosen_epoch,
                false => 0,
            },
            released: self.slots.released().clone(),
            handed_over: self.handing_over.clone(),
            yields: self.is_yielding() || self.is_hushed(view.now_ms),
            unknown: Vec::new(),
        }
        .to_string()
    }

    /// For each seat, the runs of slots of its node.
    pub(super) fn ranges(&self) -> Vec<Vec<std::ops::RangeInclusive<u16>>> {
        let mut ranges = vec![Vec::new(); self.nodes.width()];
        let owners = self.slots.raw();
        let mut first = 0;
        for slot in 0..owners.len() {
            let is_last = owners.get(slot + 1) != Some(&owners[slot]);
            if is_last {
                if let Some(run) = ranges.get_mut(usize::from(owners[slot])) {
                    run.push(first as u16..=slot as u16);
                }
                first = slot + 1;
            }
        }
        ranges
    }

    /// What is known of a node, as a line says it.
    pub(super) fn entry(
        &self,
        seat: Seat,
        ranges: &[Vec<std::ops::RangeInclusive<u16>>],
        encrypted: bool,
        view: &View,
    ) -> Entry {
        let node = &self.nodes[seat];
        let shown = |at: Option<u64>| at.map_or(0, |at_ms| wall_of(at_ms, view));
        let named = |(slot, seat): (&u16, &Seat)| (*slot, self.nodes[*seat].id);
        let is_me = seat == self.me;
        let moving = |moving: &BTreeMap<u16, Seat>| match is_me {
            true => moving.iter().map(named).collect(),
            false => Vec::new(),
        };
        let is_up = node.link.is_some_and(|link| {
            let link = self.links.get(&LinkId::Out(link));
            link.is_some_and(|link| link.is_up)
        });
        Entry {
            id: node.id,
            ip: node.ip.clone(),
            port: self.client_port(node, encrypted),
            bus_port: node.bus_port,
            hostname: node.hostname.clone(),
            flags: node.flags,
            primary: node.primary.map(|seat| self.nodes[seat].id),
            ping_sent_ms: shown(node.pinged_ms),
            pong_ms: shown(node.pong_ms),
            config_epoch: node
                .primary
                .map_or(node.config_epoch, |seat| self.nodes[seat].config_epoch),
            connected: is_up || is_me,
            slots: ranges[usize::from(seat.0)].clone(),
            migrating: moving(&self.slots.migrating),
            importing: moving(&self.slots.importing),
        }
    }

    /// The port of a node for a client whose own connection is `encrypted`, or not.
    pub(super) fn client_port(&self, node: &Node, encrypted: bool) -> u16 {
        match self.settings.tls && !encrypted && node.plain_port != 0 {
            true => node.plain_port,
            false => node.port,
        }
    }
}

/// Seats everybody whom the file names, also those it names only as an end of something.
fn seat_all(conf: &NodesConf, now_ms: u64) -> Option<(Table, Seat)> {
    let mut nodes = Table::default();
    let mut me = None;
    for entry in &conf.entries {
        let seat = seat_one(&mut nodes, entry.id, now_ms)?;
        let node = &mut nodes[seat];
        node.flags = entry.flags;
        // That it could not be reached by the life before is no news of now.
        node.flags.clear(Flags::MAYBE_FAILED);
        if node.flags.has(Flags::FAILED) {
            node.failed_ms = now_ms;
        }
        node.ip = entry.ip.clone();
        (node.port, node.bus_port) = (entry.port, entry.bus_port);
        node.hostname = entry.hostname.clone();
        node.config_epoch = entry.config_epoch;
        node.pinged_ms = (entry.ping_sent_ms != 0).then_some(now_ms);
        node.pong_ms = (entry.pong_ms != 0).then_some(now_ms);
        if entry.flags.has(Flags::MYSELF) {
            me = Some(seat);
        }
    }
    for entry in &conf.entries {
        let moving = entry.migrating.iter().chain(&entry.importing);
        for id in moving.map(|(_, id)| *id).chain(entry.primary) {
            seat_one(&mut nodes, id, now_ms)?;
        }
    }
    Some((nodes, me?))
}

fn seat_one(nodes: &mut Table, id: NodeId, now_ms: u64) -> Option<Seat> {
    match nodes.find(id) {
        Some(seat) => Some(seat),
        None => nodes.insert(Node::new(id, Flags::NO_ADDRESS | Flags::PRIMARY, now_ms)),
    }
}

impl Entry {
    /// A node of which nothing is known but its name.
    fn of(id: NodeId) -> Entry {
        Entry {
            id,
            ip: String::new(),
            port: 0,
            bus_port: 0,
            hostname: String::new(),
            flags: Flags::default(),
            primary: None,
            ping_sent_ms: 0,
            pong_ms: 0,
            config_epoch: 0,
            connected: false,
            slots: Vec::new(),
            migrating: Vec::new(),
            importing: Vec::new(),
        }
    }
}
