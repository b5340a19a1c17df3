//! `create`: a cluster out of empty nodes.

use std::sync::Arc;

use serde_json::json;
use stdx::prng::Prng;
use tokio::time::sleep;

use super::check::describe;
use super::{Errand, Outcome, Over};
use crate::allocation::{Allocation, BESIDE_PRIMARY, Rotation, Zone, allocate, optimize};
use crate::carrier::back_off;
use crate::fleet::{Asked, Fleet, NoAnswer, explain, look, replied};
use crate::link::{Link, Trouble, field};
use crate::node::BUS_PORT_DISTANCE;
use crate::place::Place;
use crate::view::View;
use crate::voice::{Dialect, Tone};
use crate::words;

/// A cluster without so many primaries cannot fail over.
const PRIMARIES_MIN: usize = 3;

/// How often a replica is told to be one while it does not know its primary yet.
const REPLICATE_ATTEMPTS_MAX: u32 = 12;

impl Errand {
    pub async fn create(&mut self) -> Result<Outcome, Over> {
        if self.is(Dialect::Trib) {
            self.voice.heading(">>> Creating cluster");
        }
        let mut fleet = self.gather_empty().await?;
        let replicas = self.request.settings.replicas;
        let nodes = fleet.view.nodes.len();
        let primaries = nodes / (replicas + 1);
        if primaries < PRIMARIES_MIN && !self.accepts_few(nodes, primaries, replicas) {
            return Err(Over(Outcome::Unhealthy));
        }
        self.voice.heading(&format!(
            ">>> Performing hash slots allocation on {nodes} nodes..."
        ));
        let allocation = self.allocate(&fleet.view)?;
        adopt(&mut fleet.view, &allocation);
        self.show_allocation(&fleet.view);
        if self.request.settings.dry_run {
            return Ok(Outcome::Done);
        }
        if !self.request.settings.yes {
            let question = "Can I set the above configuration?";
            if !self.voice.confirms(question) {
                return match self.voice.dialect {
                    Dialect::Cli => Ok(Outcome::Done),
                    Dialect::Trib | Dialect::Ochre => {
                        self.voice.bad("*** Aborting...");
                        Err(Over(Outcome::Unhealthy))
                    }
                };
            }
        }
        self.give_slots(&mut fleet).await?;
        self.voice.heading(">>> Nodes configuration updated");
        self.voice
            .heading(">>> Assign a different config epoch to each node");
        for (index, link) in fleet.links.iter_mut().enumerate() {
            // A node that has an epoch already keeps it.
            drop(
                link.ask(&words!["CLUSTER", "SET-CONFIG-EPOCH", index + 1])
                    .await,
            );
        }
        self.voice
            .heading(">>> Sending CLUSTER MEET messages to join the cluster");
        self.introduce(&mut fleet).await?;
        if !self.join(&mut fleet).await {
            self.undo(&mut fleet).await;
            return Err(Over(Outcome::Unhealthy));
        }
        self.give_primaries(&mut fleet).await?;
        let first = fleet.view.nodes[0].place();
        let mut made = self.load(&first).await?;
        let mut health = self.check(&made, true);
        if self.is(Dialect::Ochre) && !health.is_good() && self.settle(&mut made).await {
            made.reload(&self.voice).await;
            health = self.check(&made, false);
        }
        if self.is(Dialect::Ochre) && !self.wait_until_serving(&mut made).await {
            return Err(Over(Outcome::Partial));
        }
        match health.is_good() || self.is(Dialect::Trib) {
            true => Ok(Outcome::Done),
            false => Err(Over(Outcome::Unhealthy)),
        }
    }

    /// Connects to all nodes, each of which must be empty.
    async fn gather_empty(&mut self) -> Result<Fleet, Over> {
        let mut fleet = Fleet {
            view: View::default(),
            links: Vec::new(),
            access: Arc::clone(&self.access),
        };
        for index in 0..self.request.args.len() {
            let text = self.request.arg(index);
            let Some(place) = Place::parse(&text) else {
                match self.is(Dialect::Trib) {
                    true => self.bad_address(&text),
                    false => self.voice.aside(&format!("Invalid address format: {text}")),
                }
                return Err(Over(Outcome::Usage));
            };
            let asked = self.look_at_empty(&place).await?;
            fleet.add(asked);
        }
        Ok(fleet)
    }

    /// Connects to a node, which must be alone and hold nothing.
    pub async fn look_at_empty(&self, place: &Place) -> Result<Asked, Over> {
        let mut asked = match look(place, &self.access).await {
            Ok(asked) => asked,
            Err(answer) => {
                explain(&self.voice, place, &answer);
                if let (NoAnswer::Unreachable(_), crate::request::Command::AddNode) =
                    (&answer, self.request.command)
                    && !self.is(Dialect::Trib)
                {
                    let text = format!("[ERR] Sorry, can't connect to node {place}");
                    self.voice.bad(&text);
                }
                return Err(Over(Outcome::Unhealthy));
            }
        };
        match is_empty(&mut asked.link).await {
            Ok(true) => Ok(asked),
            Ok(false) => {
                self.voice.bad(&format!(
                    "[ERR] Node {place} is not empty. Either the node already knows other nodes \
                     (check with CLUSTER NODES) or contains some key in database 0."
                ));
                Err(Over(Outcome::Unhealthy))
            }
            Err(trouble) => {
                replied(&self.voice, place, &trouble);
                Err(Over(Outcome::Unhealthy))
            }
        }
    }

    /// Whether a cluster of few primaries is wanted nevertheless.
    fn accepts_few(&self, nodes: usize, primaries: usize, replicas: usize) -> bool {
        let needed = PRIMARIES_MIN * (replicas + 1);
        let voice = &self.voice;
        if self.is(Dialect::Ochre) && primaries > 0 {
            voice.warning(&format!(
                "[WARNING] With {primaries} primaries nobody takes over for one that fails; \
                 {needed} nodes would do."
            ));
            let settings = &self.request.settings;
            return settings.yes || settings.dry_run || voice.confirms("Go on?");
        }
        let lines = [
            "*** ERROR: Invalid configuration for cluster creation.".to_owned(),
            "*** Redis Cluster requires at least 3 master nodes.".to_owned(),
            format!(
                "*** This is not possible with {nodes} nodes and {replicas} replicas per node."
            ),
        ];
        let last = format!("*** At least {needed} nodes are required.");
        match self.is(Dialect::Trib) {
            true => voice.line(&format!("{}\n{last}", lines.join("\n"))),
            false => {
                voice.write_toned(Tone::Bad, &lines.join("\n"));
                voice.bad(&format!("\n{last}"));
            }
        }
        false
    }

    /// What fails together with each node.
    fn zones(&self, view: &View) -> Result<Vec<Zone>, Over> {
        let mut zones: Vec<(String, String)> = Vec::new();
        for pair in &self.request.settings.zones {
            let Some((host, zone)) = pair.split_once('=') else {
                let text = format!("ochre: --zone takes HOST=ZONE, and not {pair}");
                self.voice.aside(&text);
                return Err(Over(Outcome::Usage));
            };
            zones.push((host.to_owned(), zone.to_owned()));
        }
        let zone = |node: &crate::node::Node| {
            let place = node.place().to_string();
            let named = zones
                .iter()
                .find(|(host, _)| *host == place || *host == node.host);
            named.map_or(node.host.clone(), |(_, zone)| zone.clone())
        };
        Ok(view.nodes.iter().map(zone).collect())
    }

    fn allocate(&mut self, view: &View) -> Result<Allocation, Over> {
        let hosts = self.zones(view)?;
        let replicas = self.request.settings.replicas;
        let rotation = match self.voice.dialect {
            Dialect::Trib => Rotation::None,
            Dialect::Cli | Dialect::Ochre => Rotation::Once,
        };
        let mut allocation = allocate(&hosts, replicas, rotation);
        let voice = &self.voice;
        let place = |node: usize| view.nodes[node].place();
        if self.is(Dialect::Trib) {
            let count = allocation.primaries.len();
            voice.line(&format!("Using {count} masters:"));
            for (node, _, _) in &allocation.primaries {
                voice.line(&place(*node).to_string());
            }
        } else {
            for (index, (_, first, last)) in allocation.primaries.iter().enumerate() {
                voice.line(&format!("Master[{index}] -> Slots {first} - {last}"));
            }
        }
        let requested = allocation.replicas.len() - allocation.extra;
        for (index, (replica, primary)) in allocation.replicas.iter().enumerate() {
            if index == requested && !self.is(Dialect::Trib) {
                voice.line("Adding extra replicas...");
            }
            let (replica, primary) = (place(*replica), place(*primary));
            voice.line(&format!("Adding replica {replica} to {primary}"));
        }
        // redis-trib of the version that is spoken here exchanges nobody.
        if !self.is(Dialect::Trib) {
            self.improve(&hosts, &mut allocation);
        }
        Ok(allocation)
    }

    fn improve(&mut self, hosts: &[Zone], allocation: &mut Allocation) {
        // Everybody who makes the same cluster gets the same plan.
        let mut random = Prng::new(hosts.len() as u64);
        if crate::allocation::affinity(hosts, allocation).score == 0 {
            self.note("affinity", 0_u64);
            return;
        }
        self.voice
            .heading(">>> Trying to optimize slaves allocation for anti-affinity");
        let before = allocation.clone();
        let (score_before, score) = optimize(hosts, allocation, &mut random);
        if score == score_before {
            // Exchanges that help nobody only make the plan harder to read.
            *allocation = before;
        }
        match score {
            0 => self.voice.good("[OK] Perfect anti-affinity obtained!"),
            BESIDE_PRIMARY.. => self
                .voice
                .warning("[WARNING] Some slaves are in the same host as their master"),
            _ => self
                .voice
                .warning("[WARNING] Some slaves of the same master are in the same host"),
        }
        self.note("affinity", score);
    }

    fn show_allocation(&mut self, view: &View) {
        let mut documents = Vec::new();
        for (index, node) in view.nodes.iter().enumerate() {
            let place = node.place();
            match &node.primary {
                Some(primary) => {
                    let id = &node.id;
                    self.voice
                        .line(&format!("S: {id} {place}\n   replicates {primary}"));
                }
                None => {
                    let mut alone = view.clone();
                    // Replicas are not told of as long as they are only planned.
                    alone.nodes.retain(|other| other.primary.is_none());
                    let shown = alone.find(&node.id).unwrap_or(index);
                    let text = describe(&self.voice, &alone, shown, "");
                    let planned = text.lines().take(2);
                    planned.for_each(|line| self.voice.line(line));
                }
            }
            documents.push(json!({
            "id": node.id.as_str(),
            "address": place.to_string(),
            "slots": node.slots.plain(),
            "replicates": node.primary.clone(),
            }));
        }
        self.note("nodes", documents);
    }

    async fn give_slots(&mut self, fleet: &mut Fleet) -> Result<(), Over> {
        for (node, link) in fleet.view.nodes.iter().zip(&mut fleet.links) {
            if node.primary.is_some() {
                continue;
            }
            let mut add = words!["CLUSTER", "ADDSLOTS"];
            add.extend(node.slots.iter().map(|slot| slot.to_string().into_bytes()));
            if let Err(trouble) = link.ask(&add).await {
                replied(&self.voice, &node.place(), &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(())
    }

    /// Has every node meet the first.
    async fn introduce(&mut self, fleet: &mut Fleet) -> Result<(), Over> {
        let first = fleet.view.nodes[0].clone();
        let (_, others) = fleet.links.split_at_mut(1);
        for link in others {
            self.meet(link, &first).await?;
        }
        Ok(())
    }

    /// Has a node meet another. Servers take addresses alone, so names are looked up here.
    pub async fn meet(&self, link: &mut Link, other: &crate::node::Node) -> Result<(), Over> {
        let found = tokio::net::lookup_host((other.host.as_str(), other.port)).await;
        let family = self.access.connection.family;
        let wanted = |address: &std::net::SocketAddr| match family {
            client::Family::Any => true,
            client::Family::V4 => address.is_ipv4(),
            client::Family::V6 => address.is_ipv6(),
        };
        let address = found.ok().and_then(|mut found| found.find(wanted));
        let Some(address) = address else {
            let host = &other.host;
            self.voice
                .bad(&format!("Invalid IP address or hostname specified: {host}"));
            return Err(Over(Outcome::Unhealthy));
        };
        let mut words = words!["CLUSTER", "MEET", address.ip(), other.port];
        let bus_port = other
            .bus_port
            .filter(|port| other.port.checked_add(BUS_PORT_DISTANCE) != Some(*port) && *port > 0);
        words.extend(bus_port.map(|port| port.to_string().into_bytes()));
        if let Err(trouble) = link.ask(&words).await {
            replied(&self.voice, &link.place, &trouble);
            return Err(Over(Outcome::Unhealthy));
        }
        Ok(())
    }

    async fn give_primaries(&mut self, fleet: &mut Fleet) -> Result<(), Over> {
        for (node, link) in fleet.view.nodes.iter().zip(&mut fleet.links) {
            let Some(primary) = &node.primary else {
                continue;
            };
            if let Err(trouble) = replicate(link, primary).await {
                replied(&self.voice, &node.place(), &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(())
    }

    /// Leaves the nodes as they were found.
    async fn undo(&self, fleet: &mut Fleet) {
        self.voice
            .line("Taking back what was set: CLUSTER RESET to every node");
        for link in &mut fleet.links {
            // Whoever cannot be reached has to be reset by hand, which the line above says how.
            drop(link.ask(&["CLUSTER", "RESET", "SOFT"]).await);
        }
    }
}

/// Has a node replicate another, as soon as it knows it.
pub async fn replicate(link: &mut Link, primary: &str) -> Result<(), Trouble> {
    let mut attempt = 0;
    loop {
        match link.ask(&["CLUSTER", "REPLICATE", primary]).await {
            Ok(_) => return Ok(()),
            Err(Trouble::Refused(text))
                if text.contains("Unknown node") && attempt < REPLICATE_ATTEMPTS_MAX =>
            {
                sleep(back_off(attempt)).await;
                attempt += 1;
            }
            Err(trouble) => return Err(trouble),
        }
    }
}

/// Whether a node knows nobody and holds nothing.
async fn is_empty(link: &mut Link) -> Result<bool, Trouble> {
    let info = link.text(&["INFO"]).await?;
    let cluster = link.text(&["CLUSTER", "INFO"]).await?;
    let alone = field(&cluster, "cluster_known_nodes") == Some("1");
    Ok(alone && field(&info, "db0").is_none())
}

/// Makes the view what the allocation says.
fn adopt(view: &mut View, allocation: &Allocation) {
    for (node, first, last) in &allocation.primaries {
        view.nodes[*node].slots = (*first..=*last).collect();
    }
    for (replica, primary) in &allocation.replicas {
        let id = view.nodes[*primary].id.clone();
        view.nodes[*replica].primary = Some(id);
        view.nodes[*replica].slots = crate::slots::SlotSet::default();
    }
}
