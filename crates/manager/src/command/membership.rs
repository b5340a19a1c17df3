//! `add-node` and `del-node`: who belongs to the cluster.

use resp::value::Value;

use super::create::replicate;
use super::{Errand, Outcome, Over};
use crate::fleet::{Asked, Fleet, replied};
use crate::link::Link;
use crate::node::Node;
use crate::place::Place;
use crate::voice::Dialect;
use crate::words;

impl Errand {
    pub async fn add_node(&mut self) -> Result<Outcome, Over> {
        let (place, known) = (self.place_at(0)?, self.place_at(1)?);
        self.voice
            .heading(&format!(">>> Adding node {place} to cluster {known}"));
        let mut fleet = self.load(&known).await?;
        let health = self.check(&fleet, true);
        if !health.is_good() && !self.is(Dialect::Trib) {
            return Err(Over(Outcome::Unhealthy));
        }
        let primary = self.choose_primary(&fleet)?;
        let mut asked = self.look_at_empty(&place).await?;
        if self.request.settings.dry_run {
            self.voice.line(&format!("Would have {place} join"));
            return Ok(Outcome::Done);
        }
        let functions = !self.is(Dialect::Trib) && primary.is_none();
        if functions {
            self.hand_functions(&mut fleet, &mut asked.link).await?;
        }
        self.voice.heading(&format!(
            ">>> Send CLUSTER MEET to node {place} to make it join the cluster."
        ));
        let first = fleet.view.nodes[0].clone();
        self.meet(&mut asked.link, &first).await?;
        let id = asked.node.id.clone();
        self.await_member(&mut fleet, asked, primary.as_ref())
            .await?;
        self.note("id", id);
        self.voice.good("[OK] New node added correctly.");
        Ok(Outcome::Done)
    }

    /// Whom the new node is to replicate.
    fn choose_primary(&self, fleet: &Fleet) -> Result<Option<Node>, Over> {
        let settings = &self.request.settings;
        if !settings.replica {
            return Ok(None);
        }
        let chosen = match &settings.primary_id {
            Some(id) => {
                let found = fleet.view.find(id);
                found.filter(|&node| fleet.view.nodes[node].is_primary())
            }
            None => {
                let poorest = fleet.view.poorest_primary();
                if let Some(node) = poorest {
                    let place = fleet.view.nodes[node].place();
                    self.voice
                        .line(&format!("Automatically selected master {place}"));
                }
                poorest
            }
        };
        match (chosen, &settings.primary_id) {
            (Some(node), _) => Ok(Some(fleet.view.nodes[node].clone())),
            (None, id) => {
                let id = id.as_deref().unwrap_or_default();
                self.voice.bad(&format!("[ERR] No such master ID {id}"));
                Err(Over(Outcome::Unhealthy))
            }
        }
    }

    /// A node of a cluster has the functions that all have.
    async fn hand_functions(&self, fleet: &mut Fleet, link: &mut Link) -> Result<(), Over> {
        let voice = &self.voice;
        voice.heading(">>> Getting functions from cluster");
        let dump = match fleet.links[0].ask(&["FUNCTION", "DUMP"]).await {
            Ok(Value::Bulk(dump)) => dump,
            other => {
                let error = match other {
                    Err(trouble) => trouble.to_string(),
                    Ok(value) => format!("{value:?}"),
                };
                if self.is(Dialect::Ochre) {
                    voice.heading(">>> The cluster knows no functions that it could have");
                    return Ok(());
                }
                voice.heading(&format!(
                    ">>> Failed retrieving Functions from the cluster, skip this step as Redis \
                     version do not support function command (error = '{error}')"
                ));
                return Ok(());
            }
        };
        let place = link.place.clone();
        voice.heading(&format!(
            ">>> Send FUNCTION LIST to {place} to verify there is no functions in it"
        ));
        match link.ask(&["FUNCTION", "LIST"]).await {
            Ok(Value::Array(list)) if list.is_empty() => {}
            Ok(_) => {
                voice.bad(
                    ">>> New node already contains functions and can not be added to the cluster. \
                     Use FUNCTION FLUSH and try again.",
                );
                return Err(Over(Outcome::Unhealthy));
            }
            Err(error) => {
                voice.bad(&format!(">>> Failed on CLUSTER LIST (error = '{error}')"));
                return Err(Over(Outcome::Unhealthy));
            }
        }
        voice.heading(&format!(">>> Send FUNCTION RESTORE to {place}"));
        let words = [b"FUNCTION".to_vec(), b"RESTORE".to_vec(), dump];
        match link.ask(&words).await {
            Ok(_) => Ok(()),
            Err(error) => {
                voice.bad(&format!(
                    ">>> Failed loading functions to the new node (error = '{error}')"
                ));
                Err(Over(Outcome::Unhealthy))
            }
        }
    }

    /// Waits until everybody knows the new node, so that whatever is done next finds it.
    async fn await_member(
        &mut self,
        fleet: &mut Fleet,
        asked: Asked,
        primary: Option<&Node>,
    ) -> Result<(), Over> {
        let (id, place) = (asked.node.id.clone(), asked.node.place());
        fleet.add(asked);
        let newest = fleet.links.len() - 1;
        if let Some(primary) = primary {
            if !self.join(fleet).await {
                return Err(Over(Outcome::Unhealthy));
            }
            let of = primary.place();
            self.voice
                .heading(&format!(">>> Configure node as replica of {of}."));
            if let Err(trouble) = replicate(&mut fleet.links[newest], &primary.id).await {
                replied(&self.voice, &place, &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
        }
        let known = self.wait_until_known(fleet, &id, true).await;
        if !known && self.is(Dialect::Ochre) {
            self.voice.bad(&format!(
                "[ERR] Not everybody knows {place} yet. Can its bus port be reached by all? \
                 A node that was deleted may come back after a minute."
            ));
            return Err(Over(Outcome::Partial));
        }
        Ok(())
    }

    pub async fn del_node(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let mut name = self.request.arg(1);
        if self.is(Dialect::Trib) {
            name.make_ascii_lowercase();
        }
        self.voice
            .heading(&format!(">>> Removing node {name} from cluster {place}"));
        let mut fleet = self.load(&place).await?;
        let Some(node) = fleet.view.find(&name) else {
            return self.forget_absent(&mut fleet, &name).await;
        };
        let gone = fleet.view.nodes[node].clone();
        if !gone.slots.is_empty() {
            let place = gone.place();
            self.voice.bad(&format!(
                "[ERR] Node {place} is not empty! Reshard data away and try again."
            ));
            return Err(Over(Outcome::Unhealthy));
        }
        if self.request.settings.dry_run {
            self.voice.line(&format!("Would have all forget {place}"));
            return Ok(Outcome::Done);
        }
        self.voice
            .heading(">>> Sending CLUSTER FORGET messages to the cluster...");
        self.forget(&mut fleet, &gone).await?;
        let link = &mut fleet.links[node];
        if self.is(Dialect::Trib) {
            self.voice.heading(">>> SHUTDOWN the node.");
            // A node that shuts down does not answer.
            drop(link.ask(&["SHUTDOWN"]).await);
            return Ok(Outcome::Done);
        }
        self.voice
            .heading(">>> Sending CLUSTER RESET SOFT to the deleted node.");
        if let Err(trouble) = link.ask(&["CLUSTER", "RESET", "SOFT"]).await {
            replied(&self.voice, &gone.place(), &trouble);
            return Err(Over(Outcome::Partial));
        }
        Ok(Outcome::Done)
    }

    /// Has everybody else forget a node. Its replicas go to the primary that has fewest.
    async fn forget(&mut self, fleet: &mut Fleet, gone: &Node) -> Result<(), Over> {
        for index in 0..fleet.view.nodes.len() {
            let other = fleet.view.nodes[index].clone();
            if other.id == gone.id {
                continue;
            }
            if other.primary.as_deref() == Some(&gone.id) {
                self.hand_over(fleet, index, gone).await?;
            }
            let forgotten = fleet.links[index]
                .ask(&["CLUSTER", "FORGET", &gone.id])
                .await;
            if let Err(trouble) = forgotten {
                // A node that it does not know is one it need not forget.
                if trouble.to_string().contains("Unknown node") && self.is(Dialect::Ochre) {
                    continue;
                }
                replied(&self.voice, &other.place(), &trouble);
                return Err(Over(Outcome::Partial));
            }
        }
        Ok(())
    }

    async fn hand_over(
        &mut self,
        fleet: &mut Fleet,
        replica: usize,
        gone: &Node,
    ) -> Result<(), Over> {
        let others = fleet
            .view
            .primaries()
            .filter(|&node| fleet.view.nodes[node].id != gone.id);
        let poorest = others.min_by_key(|&node| {
            let other = &fleet.view.nodes[node];
            (other.slots.is_empty(), fleet.view.replicas_of(&other.id))
        });
        let Some(primary) = poorest else {
            return Ok(());
        };
        let (place, of) = (
            fleet.view.nodes[replica].place(),
            fleet.view.nodes[primary].place(),
        );
        self.voice
            .heading(&format!(">>> {place} as replica of {of}"));
        let id = fleet.view.nodes[primary].id.clone();
        if let Err(trouble) = replicate(&mut fleet.links[replica], &id).await {
            replied(&self.voice, &place, &trouble);
            return Err(Over(Outcome::Partial));
        }
        fleet.view.nodes[replica].primary = Some(id);
        Ok(())
    }

    /// A node that is listed and not there can only be forgotten.
    async fn forget_absent(&mut self, fleet: &mut Fleet, name: &str) -> Result<Outcome, Over> {
        let absent: Vec<Node> = fleet
            .view
            .unreachable
            .iter()
            .filter(|node| node.id.eq_ignore_ascii_case(name))
            .cloned()
            .collect();
        let (Some(gone), Dialect::Ochre) = (absent.first(), self.voice.dialect) else {
            self.voice.bad(&format!("[ERR] No such node ID {name}"));
            return Err(Over(Outcome::Unhealthy));
        };
        let place: Place = gone.place();
        if !gone.slots.is_empty() {
            self.voice.bad(&format!(
                "[ERR] {place} is away and its slots are nobody else's. Fail over to a replica of \
                 it, or have 'fix --fix-with-unreachable-masters' cover them, then try again."
            ));
            return Err(Over(Outcome::Unhealthy));
        }
        if self.request.settings.dry_run {
            self.voice.line(&format!("Would have all forget {place}"));
            return Ok(Outcome::Done);
        }
        self.voice.warning(&format!(
            "[WARNING] {place} does not answer: it is forgotten, and not reset."
        ));
        self.forget(fleet, gone).await?;
        match self.wait_until_known(fleet, &gone.id, false).await {
            true => {
                self.voice.good("[OK] Everybody has forgotten the node.");
                Ok(Outcome::Done)
            }
            false => {
                self.voice
                    .bad("[ERR] Somebody still knows the node, or has heard of it again.");
                Ok(Outcome::Partial)
            }
        }
    }
}

/// Sends a command that sets something on all nodes.
impl Errand {
    pub async fn set_timeout(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let text = self.request.arg(1);
        let millis: i64 = text.trim().parse().unwrap_or(0);
        if millis < 100 {
            let text = "Setting a node timeout of less than 100 milliseconds is a bad idea.";
            match self.is(Dialect::Trib) {
                true => self.voice.line(text),
                false => self.voice.aside(text),
            }
            return Err(Over(Outcome::Usage));
        }
        let mut fleet = self.load(&place).await?;
        self.voice
            .heading(">>> Reconfiguring node timeout in every cluster node...");
        let (mut good, mut bad) = (0_usize, 0_usize);
        for link in &mut fleet.links {
            let set = words!["CONFIG", "SET", "cluster-node-timeout", millis];
            let mut done = link.ask(&set).await;
            if done.is_ok() {
                done = link.ask(&["CONFIG", "REWRITE"]).await;
            }
            let place = &link.place;
            match done {
                Ok(_) => {
                    good += 1;
                    self.voice
                        .warning(&format!("*** New timeout set for {place}"));
                }
                Err(trouble) if self.is(Dialect::Trib) => {
                    bad += 1;
                    self.voice
                        .line(&format!("ERR setting node-timeot for {place}: {trouble}"));
                }
                Err(trouble) => {
                    bad += 1;
                    self.voice
                        .bad(&format!("ERR setting node-timeout for {place}: {trouble}"));
                }
            }
        }
        self.voice
            .heading(&format!(">>> New node timeout set. {good} OK, {bad} ERR."));
        self.note("set", good);
        self.note("failed", bad);
        match bad > 0 && self.is(Dialect::Ochre) {
            true => Ok(Outcome::Partial),
            false => Ok(Outcome::Done),
        }
    }
}
