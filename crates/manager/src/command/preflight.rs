//! What is looked at before slots move, and what to do about it.

use std::collections::BTreeSet;

use super::{Errand, Outcome, Over};
use crate::fleet::{Fleet, lines, replied};
use crate::link::field;
use crate::plan::Move;
use crate::voice::Dialect;

impl Errand {
    /// Whether everybody who gives and takes can. Says what to do if not.
    pub async fn preflight(&mut self, fleet: &mut Fleet, moves: &[Move]) -> Result<(), Over> {
        let pairs: BTreeSet<(usize, usize)> = moves
            .iter()
            .map(|step| (step.source, step.target))
            .collect();
        let mut good = true;
        for (source, target) in pairs {
            good &= self.reaches(fleet, source, target).await?;
        }
        let targets: BTreeSet<usize> = moves.iter().map(|step| step.target).collect();
        for target in targets {
            good &= self.serves(fleet, target).await?;
        }
        match good {
            true => Ok(()),
            false => Err(Over(Outcome::Unhealthy)),
        }
    }

    /// Whether a node can send another one keys, by what it says itself.
    async fn reaches(&self, fleet: &mut Fleet, source: usize, target: usize) -> Result<bool, Over> {
        let (from, to) = (
            fleet.view.nodes[source].place(),
            fleet.view.nodes[target].place(),
        );
        let seen = lines(&mut fleet.links[source]).await.map_err(|trouble| {
            replied(&self.voice, &from, &trouble);
            Over(Outcome::Unhealthy)
        })?;
        let id = &fleet.view.nodes[target].id;
        let line = seen.iter().find(|line| line.node.id == *id);
        let Some(line) = line else {
            self.voice.bad(&format!(
                "[ERR] {from} does not know {to}. Wait a little, or have them meet: CLUSTER MEET."
            ));
            return Ok(false);
        };
        if !line.connected {
            let port = line.node.bus_port.unwrap_or_default();
            self.voice.bad(&format!(
                "[ERR] {from} cannot reach {to}. Open its bus port {port} as well as its port, or \
                 set cluster-announce-ip, cluster-announce-port and cluster-announce-bus-port."
            ));
            return Ok(false);
        }
        let announced = line.node.place();
        let local = ["127.0.0.1", "localhost", "::1"].contains(&to.host.as_str());
        if announced != to && self.is(Dialect::Ochre) {
            let remedy = match local {
                true => "name the cluster by an address that all can use",
                false => "set cluster-announce-ip and cluster-announce-port",
            };
            self.voice.warning(&format!(
                "[WARNING] {to} is called {announced} by {from}: {remedy}."
            ));
        }
        Ok(true)
    }

    /// Whether a node takes keys.
    async fn serves(&self, fleet: &mut Fleet, target: usize) -> Result<bool, Over> {
        let id = fleet.view.nodes[target].id.clone();
        let place = fleet.view.nodes[target].place();
        // One that has joined a moment ago is waited for.
        if !self.wait_until_known(fleet, &id, true).await {
            self.voice.bad(&format!(
                "[ERR] {place} serves nobody. What its CLUSTER INFO says may tell why."
            ));
            return Ok(false);
        }
        let info = fleet.links[target].text(&["INFO", "memory"]).await;
        let info = info.unwrap_or_default();
        let number = |name| field(&info, name).and_then(|text| text.parse::<u64>().ok());
        if let (Some(used), Some(limit @ 1..)) = (number("used_memory"), number("maxmemory"))
            && used >= limit
        {
            let policy = field(&info, "maxmemory_policy").unwrap_or_default();
            self.voice.bad(&format!(
                "[ERR] {place} has used {used} of {limit} bytes ({policy}): raise its maxmemory \
                 before it is given more."
            ));
            return Ok(false);
        }
        Ok(true)
    }
}
