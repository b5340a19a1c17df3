//! Who sees everything, and what he finds wrong.
//!
//! The names of promises are those of the reference: C1 to C9 hold at every event or at the end,
//! D9 and D10 for data, L1, L4 and L5 for time.

use std::collections::BTreeMap;

use cluster::bus::{Body, Gossip, decode};
use cluster::{Flags, Machine, NodeId, PrimaryLink};

use super::network::End;
use super::options::port;
use super::world::World;
use super::{QUIET_MS, broken};
use crate::chronicle::Violation;

/// Where the header of a packet has what is looked at.
const KIND: usize = 13;
const CURRENT_EPOCH: usize = 16;
const CONFIG_EPOCH: usize = 24;
const FLAGS: usize = 2251;

const MEET: u8 = 2;
const FAIL: u8 = 3;
const VOTE: u8 = 6;

#[derive(Debug, Default)]
pub struct Judge {
    /// For whom a node has voted in an epoch.
    votes: BTreeMap<(NodeId, u64), usize>,
    /// Who was elected in an epoch.
    elected: BTreeMap<u64, NodeId>,
    /// When a node was last told by another that a third cannot be reached.
    told_ms: BTreeMap<(usize, NodeId, NodeId), u64>,
    /// Since when two nodes serve a slot.
    dual_since_ms: BTreeMap<u16, u64>,
    pub dual_ms: u64,
    pub lost: u64,
    /// Before this, operators have made two primaries on purpose.
    pub excused_until_ms: u64,
    /// Who was forgotten by everybody, and until when he is not met again.
    pub forgotten: BTreeMap<NodeId, u64>,
}

impl World {
    pub fn accuse(&mut self, invariant: &'static str, what: String) {
        self.broken.get_or_insert(Violation { invariant, what });
    }

    /// C3: no epoch goes back.
    pub fn judge_epochs(&mut self, node: usize, is_reset: bool) {
        let site = &mut self.sites[node];
        let Some(machine) = &site.machine else {
            return;
        };
        let (epoch, config_epoch) = (machine.current_epoch(), machine.config_epoch());
        let before = (site.last_epoch, site.last_config_epoch);
        (site.last_epoch, site.last_config_epoch) = (epoch, config_epoch);
        if is_reset {
            (site.told_epoch, site.told_config_epoch) = (0, 0);
        } else if epoch < before.0 || config_epoch < before.1 {
            self.accuse(
                "C3",
                format!("node {node} went from {before:?} to {epoch}, {config_epoch}"),
            );
        }
    }

    /// What a packet says that leaves a node.
    pub fn judge_packet(&mut self, end: End, bytes: &[u8]) {
        let number = |at: usize| {
            let cut = bytes[at..at + 8].try_into();
            cut.map_or(0, u64::from_be_bytes)
        };
        let (epoch, config_epoch) = (number(CURRENT_EPOCH), number(CONFIG_EPOCH));
        let site = &mut self.sites[end.node];
        site.told_epoch = site.told_epoch.max(epoch);
        if bytes[FLAGS] & 1 != 0 {
            site.told_config_epoch = site.told_config_epoch.max(config_epoch);
        }
        match bytes[KIND] {
            VOTE => self.judge_vote(end, epoch),
            FAIL => {
                let accused = NodeId::parse(&bytes[2256..2296]);
                if let Some(accused) = accused {
                    self.judge_fail(end.node, accused);
                }
            }
            _ => {}
        }
    }

    /// C1: one vote an epoch, and it outlasts a crash before it is sent.
    fn judge_vote(&mut self, end: End, epoch: u64) {
        let Some(id) = self.sites[end.node].id() else {
            return;
        };
        let Some(to) = self.pipes.get(&end).map(|pipe| pipe.to.node) else {
            return;
        };
        let before = *self.judge.votes.entry((id, epoch)).or_insert(to);
        if before != to {
            let node = end.node;
            self.accuse(
                "C1",
                format!("node {node} votes in {epoch} for {before} and {to}"),
            );
        }
        let saved = self.sites[end.node].durable.as_deref().unwrap_or("");
        let mut is_saved = saved
            .split_ascii_whitespace()
            .skip_while(|word| *word != "lastVoteEpoch");
        let is_saved = is_saved
            .nth(1)
            .is_some_and(|saved| saved.parse() == Ok(epoch));
        if !is_saved {
            let node = end.node;
            self.accuse(
                "C1",
                format!("the vote of node {node} in {epoch} is not in its file"),
            );
        }
    }

    /// C9: a majority of those with slots has told, within two timeouts, that it cannot reach who
    /// is said to have failed.
    ///
    /// What counts is when a node was told, not when the other one thought so: packets may wait
    /// on a cut line for as long as it is cut, and nothing in them says when they were sent.
    fn judge_fail(&mut self, node: usize, accused: NodeId) {
        let Some(machine) = &self.sites[node].machine else {
            return;
        };
        let voters: Vec<NodeId> = machine
            .peers()
            .filter(|(id, flags, _)| flags.has(Flags::PRIMARY) && !machine.slots_of(*id).is_empty())
            .map(|(id, _, _)| id)
            .collect();
        let me = machine.myself();
        let least_ms = self.now_ms.saturating_sub(2 * self.options.timeout_ms);
        let accuses = |id: &&NodeId| {
            let told_ms = self.judge.told_ms.get(&(node, **id, accused)).copied();
            **id == me || told_ms.is_some_and(|told_ms| told_ms >= least_ms)
        };
        let count = voters.iter().filter(accuses).count();
        if count * 2 <= voters.len() {
            let of = voters.len();
            self.accuse(
                "C9",
                format!("node {node} fails {accused} with {count} of {of}"),
            );
        }
    }

    /// Remembers what a node is told of those who cannot be reached.
    pub fn note_accusations(&mut self, node: usize, bytes: &[u8]) {
        if bytes[KIND] > MEET {
            return;
        }
        let Ok(packet) = decode(bytes) else {
            return;
        };
        if let Body::Heartbeat { gossip, .. } = packet.body {
            let is_accused =
                |told: &&Gossip<'_>| told.flags.has(Flags::MAYBE_FAILED | Flags::FAILED);
            for told in gossip.iter().filter(is_accused) {
                let key = (node, packet.header.sender, told.id);
                self.judge.told_ms.insert(key, self.now_ms);
            }
        }
    }

    /// What a node's log says of elections.
    pub fn judge_line(&mut self, node: usize, line: &str) {
        if line.starts_with("Starting a failover election") {
            return self.judge_candidate(node);
        }
        let epoch = line
            .strip_prefix("configEpoch set to ")
            .and_then(|rest| rest.strip_suffix(" after successful failover"))
            .and_then(|epoch| epoch.parse().ok());
        if let (Some(epoch), Some(id)) = (epoch, self.sites[node].id()) {
            self.judge_elected(node, epoch, id);
        }
    }

    /// C2: an epoch that was won is one node's, and most of those with slots have voted for it.
    fn judge_elected(&mut self, node: usize, epoch: u64, id: NodeId) {
        let winner = *self.judge.elected.entry(epoch).or_insert(id);
        if winner != id {
            self.accuse("C2", format!("{winner} and {id} won epoch {epoch}"));
        }
        let is_for = |((_, at), to): &(&(NodeId, u64), &usize)| *at == epoch && **to == node;
        let votes = self.judge.votes.iter().filter(is_for).count();
        let Some(machine) = &self.sites[node].machine else {
            return;
        };
        let voters = machine.peers().filter(|(id, flags, _)| {
            flags.has(Flags::PRIMARY) && !machine.slots_of(*id).is_empty()
        });
        // The winner has its primary's slots already, which is no voter any longer.
        if votes * 2 < voters.count() {
            self.accuse(
                "C2",
                format!("node {node} won epoch {epoch} with {votes} votes"),
            );
        }
    }

    /// C6: whose data is old does not ask; L5: nobody asks again at once, unless somebody else has
    /// won what he asked for.
    fn judge_candidate(&mut self, node: usize) {
        let site = &self.sites[node];
        let local_ms = site.local(self.now_ms);
        if local_ms < site.manual_until_ms {
            return;
        }
        let timeout_ms = self.options.timeout_ms;
        let factor = u64::from(self.options.validity_factor);
        let age_ms = match site.view(self.now_ms).primary_link {
            PrimaryLink::Up { heard_ms } => local_ms - heard_ms,
            PrimaryLink::Down {
                since_ms: Some(at_ms),
            } => local_ms - at_ms,
            PrimaryLink::Down { since_ms: None } => u64::MAX,
        };
        let age_max_ms = timeout_ms + timeout_ms * factor + 10_000;
        let again_ms = 2 * self.options.patience_ms();
        let epoch = site.machine.as_ref().map_or(0, Machine::current_epoch);
        let site = &mut self.sites[node];
        let last_ms = site.asked_ms.replace(local_ms);
        let last_epoch = std::mem::replace(&mut site.asked_epoch, epoch);
        let mut others = self.sites.iter().enumerate().filter(|(at, _)| *at != node);
        let is_lost = others.any(|(_, other)| other.told_config_epoch >= last_epoch);
        if factor != 0 && age_ms > age_max_ms {
            self.accuse(
                "C6",
                format!("node {node} asks with data of {age_ms} ms ago"),
            );
        }
        if !is_lost && last_ms.is_some_and(|last_ms| local_ms - last_ms < again_ms) {
            let last_ms = last_ms.unwrap_or(0);
            let span_ms = local_ms - last_ms;
            self.accuse("L5", format!("node {node} asks again after {span_ms} ms"));
        }
    }

    /// C4: in nobody's view a slot goes to who claims it with a smaller epoch.
    pub fn map_changed(&mut self, node: usize) {
        let site = &mut self.sites[node];
        let Some(machine) = &site.machine else {
            return;
        };
        let map = machine.map();
        let epochs: BTreeMap<NodeId, u64> =
            machine.peers().map(|(id, _, epoch)| (id, epoch)).collect();
        let mut owners = BTreeMap::new();
        for slot in World::slots() {
            let owner = map.nodes.get(usize::from(map.owners[usize::from(slot)]));
            if let Some(owner) = owner.map(|owner| owner.id) {
                let epoch = epochs.get(&owner).copied().unwrap_or(0);
                owners.insert(slot, (owner, epoch));
            }
        }
        let is_mine = |slot: &u16| map.owners[usize::from(*slot)] == map.myself;
        site.held.retain(is_mine);
        site.map = Some(map);
        let before = std::mem::replace(&mut site.owners, owners);
        if self.is_traced {
            self.trace_owners(node, &before);
        }
        let backward = before.iter().find_map(|(slot, (owner, epoch))| {
            let (next, next_epoch) = self.sites[node].owners.get(slot)?;
            // What its owner does not claim any longer is anybody's; so it is for whoever has
            // slept, and hears only now that it was not claimed for a while.
            let claims = |site: &super::site::Site| site.id() == Some(*owner) && site.owns(*slot);
            let released = &self.sites[node].released;
            let is_released = released.iter().any(|slots| slots.contains(slot));
            let is_backward = owner != next && next_epoch < epoch && !is_released;
            (is_backward && self.sites.iter().any(claims)).then_some((*slot, *epoch, *next_epoch))
        });
        if let Some((slot, epoch, next_epoch)) = backward {
            let what = format!("node {node} gave slot {slot} from epoch {epoch} to {next_epoch}");
            self.accuse("C4", what);
        }
    }

    fn trace_owners(&self, node: usize, before: &BTreeMap<u16, (NodeId, u64)>) {
        let after = &self.sites[node].owners;
        for slot in World::slots() {
            let owners = [before.get(&slot), after.get(&slot)];
            let [from, to] = owners.map(|owner| {
                let is_it = |site: &super::site::Site| site.id() == owner.map(|owner| owner.0);
                owner.and_then(|_| self.sites.iter().position(is_it))
            });
            if from != to {
                println!(
                    "{:>8} {node} slot {slot} from {from:?} to {to:?}",
                    self.now_ms
                );
            }
        }
    }

    /// The nodes that would run a write for a slot now.
    pub fn servers(&self, slot: u16) -> Vec<usize> {
        let serves = |node: &usize| self.sites[*node].serves(slot, self.now_ms);
        (0..self.sites.len()).filter(serves).collect()
    }

    /// C5: two do not serve one slot, but for the time that news needs.
    pub fn audit(&mut self) {
        let may: Vec<usize> = (0..self.sites.len())
            .filter(|node| self.sites[*node].may_write(self.now_ms))
            .collect();
        let bound_ms = self.options.timeout_ms / 2 + 500 + 8 * self.options.latency_ms;
        let mut longest = None;
        for slot in World::slots() {
            let count = may
                .iter()
                .filter(|node| self.sites[**node].serves(slot, self.now_ms))
                .count();
            if count < 2 || self.now_ms < self.judge.excused_until_ms {
                self.judge.dual_since_ms.remove(&slot);
                continue;
            }
            let since_ms = *self.judge.dual_since_ms.entry(slot).or_insert(self.now_ms);
            let dual_ms = self.now_ms - since_ms;
            self.judge.dual_ms = self.judge.dual_ms.max(dual_ms);
            if dual_ms > bound_ms {
                longest = Some((slot, dual_ms));
            }
        }
        if let Some((slot, dual_ms)) = longest {
            let servers = self.servers(slot);
            let picture = self.picture();
            let what = format!("{servers:?} serve slot {slot} for {dual_ms} ms\n{picture}");
            self.accuse("C5", what);
        }
        self.judge_forgotten();
    }

    /// C7: who was forgotten by everybody is not met again for a minute.
    fn judge_forgotten(&mut self) {
        let now_ms = self.now_ms;
        self.judge
            .forgotten
            .retain(|_, until_ms| now_ms < *until_ms);
        for &id in self.judge.forgotten.keys() {
            let knows = |machine: &Machine| {
                machine.myself() != id && machine.peers().any(|(known, _, _)| known == id)
            };
            let who = self
                .sites
                .iter()
                .position(|site| site.machine.as_ref().is_some_and(knows));
            if let Some(who) = who {
                return self.accuse("C7", format!("node {who} knows {id} again"));
            }
        }
    }

    /// Whether everybody is there, serves, and agrees with the others on everything.
    pub fn is_together(&self) -> bool {
        let machines: Vec<&Machine> = self
            .sites
            .iter()
            .filter_map(|site| site.machine.as_ref())
            .collect();
        let maps = self.sites.iter().filter_map(|site| site.map.as_ref());
        let is_settled = |map: &cluster::Map| {
            map.ok
                && map.migrating.is_empty()
                && map.importing.is_empty()
                && map.nodes.len() == self.sites.len()
        };
        if machines.len() < self.sites.len() || !maps.clone().all(is_settled) {
            return false;
        }
        let mut views = machines.iter().map(|machine| view_of(machine));
        let first = views.next();
        let is_followed = |site: &super::site::Site| {
            let primary = site.map.as_ref().and_then(|map| {
                let primary = map.primary?;
                Some(map.nodes[usize::from(primary)].port)
            });
            site.following.map(port) == primary
        };
        views.all(|view| Some(&view) == first.as_ref())
            && have_different_epochs(&machines)
            && self.sites.iter().all(is_followed)
    }

    /// L5: who is at peace says little.
    pub fn judge_quiet(&self, sent: u64, span_ms: u64) -> Result<(), Violation> {
        let nodes = self.sites.len() as u64;
        // Each pings each of the others twice in a timeout or every second, at ticks, and is
        // answered.
        let interval_ms = (self.options.timeout_ms / 2).clamp(100, 1_000);
        let pings = nodes * (nodes - 1) * (span_ms / interval_ms + 1);
        let bound = 2 * 2 * (pings + nodes * span_ms / 1_000);
        match sent > bound {
            true => broken("L5", format!("{sent} packets in {span_ms} ms, not {bound}")),
            false => Ok(()),
        }
    }

    /// What everybody holds in the end is what clients wrote, once, in its place and order.
    pub fn judge_data(&mut self) -> Result<(), Violation> {
        let mut held = std::collections::BTreeSet::new();
        for (node, site) in self
            .sites
            .iter()
            .enumerate()
            .filter(|(_, site)| site.is_primary())
        {
            for (slot, tags) in site.data.slots.iter().filter(|(_, tags)| !tags.is_empty()) {
                let is_calm = self.options.is_calm();
                if !site.owns(*slot) && site.guests.contains(slot) && !is_calm {
                    continue;
                }
                if !site.owns(*slot) {
                    return broken("D9", format!("node {node} holds keys of slot {slot}"));
                }
                if tags.windows(2).any(|pair| pair[0] >= pair[1]) {
                    return broken("D3", format!("slot {slot} holds {tags:?}"));
                }
                for tag in tags {
                    if !held.insert(*tag) || !self.acknowledged.contains(tag) {
                        return broken("D9", format!("{tag} is in two places, or nobody's"));
                    }
                }
            }
        }
        self.judge.lost = (self.acknowledged.len() - held.len()) as u64;
        if self.options.is_calm() && self.judge.lost > 0 {
            let lost = self.judge.lost;
            return broken("D9", format!("{lost} writes were lost by what was planned"));
        }
        let paused = self
            .sites
            .iter()
            .position(|site| site.paused_until_ms > site.local(self.now_ms));
        match paused {
            Some(node) => broken("L4", format!("node {node} has stopped writes for good")),
            None => Ok(()),
        }
    }

    /// L1: a primary that dies among healthy nodes is replaced in time.
    pub fn kill_one(&mut self) -> Result<(), Violation> {
        let timeout_ms = self.options.timeout_ms;
        let owned = |node: &usize| World::slots().find(|slot| self.sites[*node].owns(*slot));
        let with_heirs = |node: &usize| {
            let is_fresh = |site: &super::site::Site| {
                matches!(site.view(self.now_ms).primary_link, PrimaryLink::Up { .. })
            };
            let heirs = self
                .sites
                .iter()
                .filter(|site| site.following == Some(*node));
            self.sites[*node].is_primary()
                && heirs.clone().count() > 0
                && heirs.clone().all(is_fresh)
        };
        let voters = (0..self.sites.len())
            .filter(|node| self.sites[*node].is_primary() && owned(node).is_some());
        if voters.count() < 3 {
            return Ok(());
        }
        let victims: Vec<usize> = (0..self.sites.len()).filter(with_heirs).collect();
        let victims: Vec<(usize, u16)> = victims
            .iter()
            .filter_map(|node| Some((*node, owned(node)?)))
            .collect();
        if victims.is_empty() {
            return Ok(());
        }
        let (victim, slot) = victims[self.draw(victims.len() as u64) as usize];
        let is_power_cut = self.chance(50);
        let killed_ms = self.now_ms;
        self.crash(victim, is_power_cut);
        let hard_max_ms = timeout_ms + 2 * self.options.patience_ms() * 2 + 5_000;
        while self.servers(slot).is_empty() {
            if self.now_ms - killed_ms > hard_max_ms {
                let picture = self.picture();
                let what = format!("nobody serves slot {slot} after {hard_max_ms} ms\n{picture}");
                return broken("L1", what);
            }
            self.run_until(self.now_ms + 20)?;
        }
        self.failover_ms = Some(self.now_ms - killed_ms);
        self.run_until(self.now_ms + QUIET_MS / 4)
    }
}

/// What a node believes, but for what only it can see.
fn view_of(machine: &Machine) -> impl PartialEq + use<> {
    let map = machine.map();
    let name = |owner: &u16| map.nodes.get(usize::from(*owner)).map(|node| node.id);
    let mut peers: Vec<(NodeId, bool)> = machine
        .peers()
        .map(|(id, flags, _)| (id, flags.has(Flags::PRIMARY)))
        .collect();
    peers.sort_unstable();
    let owners: Vec<Option<NodeId>> = map.owners.iter().step_by(16).map(name).collect();
    (machine.current_epoch(), peers, owners)
}

/// C2: collisions are settled.
fn have_different_epochs(machines: &[&Machine]) -> bool {
    let is_primary = |machine: &&&Machine| machine.map().primary.is_none();
    let mut epochs: Vec<u64> = machines
        .iter()
        .filter(is_primary)
        .map(|machine| machine.config_epoch())
        .collect();
    let count = epochs.len();
    epochs.sort_unstable();
    epochs.dedup();
    epochs.len() == count
}
