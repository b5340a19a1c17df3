//! Waiting until nodes agree.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Errand;
use crate::fleet::{Fleet, lines};
use crate::link::field;
use crate::voice::Dialect;
use crate::words;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Between two looks of the classic tools, which show a dot for each.
const DOT_EVERY: Duration = Duration::from_secs(1);

/// How long nodes may take to hear of each other.
const PATIENCE: Duration = Duration::from_secs(60);

/// The classic tools wait for ever. This is as long as somebody who is asleep.
const CLASSIC_PATIENCE: Duration = Duration::from_secs(3600);

/// Behind so many dots it is said who cannot be reached.
const DOTS_PATIENT: usize = 20;

impl Errand {
    fn patience(&self) -> Duration {
        let default = match self.voice.dialect {
            Dialect::Ochre => PATIENCE,
            Dialect::Cli | Dialect::Trib => CLASSIC_PATIENCE,
        };
        self.request.settings.patience.unwrap_or(default)
    }

    /// Waits until all nodes say the same of the slots, and shows it.
    pub async fn join(&mut self, fleet: &mut Fleet) -> bool {
        let deadline = Instant::now() + self.patience();
        if self.is(Dialect::Ochre) {
            return self.join_briefly(fleet, deadline).await;
        }
        sleep(DOT_EVERY).await;
        self.voice.write("Waiting for the cluster to join");
        self.voice
            .write(if self.is(Dialect::Cli) { "\n" } else { "" });
        let mut dots = 0;
        while !fleet.agree().await {
            if Instant::now() > deadline {
                self.voice.line("");
                return false;
            }
            self.voice.write(".");
            sleep(DOT_EVERY).await;
            dots += 1;
            if dots % (DOTS_PATIENT + fleet.links.len() * 3 / 20) == 0 {
                self.voice.line("");
                self.name_unreachable(fleet).await;
            }
        }
        self.voice.line("");
        true
    }

    async fn join_briefly(&mut self, fleet: &mut Fleet, deadline: Instant) -> bool {
        let nodes = fleet.links.len();
        self.voice
            .line(&format!("Waiting for {nodes} nodes to agree"));
        while !fleet.agree().await {
            if Instant::now() > deadline {
                let first = fleet.view.signatures.first().cloned();
                let agreeing = fleet.view.signatures.iter();
                let agreeing = agreeing.filter(|s| Some(*s) == first.as_ref()).count();
                self.voice.bad(&format!(
                    "[ERR] {agreeing} of {nodes} nodes agree with the first one."
                ));
                self.name_unreachable(fleet).await;
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }

    /// Says who cannot reach whom.
    async fn name_unreachable(&mut self, fleet: &mut Fleet) {
        let mut found: Vec<(String, Vec<String>)> = Vec::new();
        for index in 0..fleet.links.len() {
            let place = fleet.view.nodes[index].place().to_string();
            let Ok(seen) = lines(&mut fleet.links[index]).await else {
                continue;
            };
            for line in seen.iter().filter(|line| !line.myself) {
                let node = &line.node;
                let doubtful = ["handshake", "fail", "fail?", "noaddr"];
                let doubtful = doubtful.iter().any(|flag| node.has_flag(flag));
                if line.connected && !doubtful {
                    continue;
                }
                let whom = match node.bus_port {
                    Some(port) => format!("The port {port} of node {}", node.host),
                    None => format!("Node {}", node.place()),
                };
                match found.iter_mut().find(|(name, _)| *name == whom) {
                    Some((_, from)) => from.push(place.clone()),
                    None => found.push((whom, vec![place.clone()])),
                }
            }
        }
        if found.is_empty() {
            return;
        }
        let count = found.len();
        self.voice
            .warning(&format!("Warning: {count} node(s) may be unreachable"));
        for (whom, from) in found {
            self.voice
                .warning(&format!(" - {whom} may be unreachable from:"));
            from.iter()
                .for_each(|place| self.voice.line(&format!("   {place}")));
        }
        self.voice.warning(
            "Cluster bus ports must be reachable by every node.\nRemember that cluster bus ports \
             are different from standard instance ports.",
        );
    }

    /// Waits, without a word, until all nodes agree about slots. Returns whether they do.
    pub async fn settle(&self, fleet: &mut Fleet) -> bool {
        let deadline = Instant::now() + PATIENCE.min(self.patience());
        while !fleet.agree().await {
            if Instant::now() > deadline {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }

    /// Waits until everybody knows a node, or nobody does, and all are served. A node that has
    /// just joined serves nobody for a few seconds: it would refuse the keys that are sent to it.
    pub async fn wait_until_known(&self, fleet: &mut Fleet, id: &str, known: bool) -> bool {
        let deadline = Instant::now() + PATIENCE.min(self.patience());
        while Instant::now() < deadline {
            if all_know(fleet, id, known).await {
                return true;
            }
            sleep(LOOK_EVERY).await;
        }
        false
    }

    /// Waits until every node says that the cluster is well: a fresh one serves nobody for a few
    /// seconds. Says so if it stays like that.
    pub async fn wait_until_serving(&self, fleet: &mut Fleet) -> bool {
        let deadline = Instant::now() + PATIENCE.min(self.patience());
        loop {
            let mut serving = true;
            for link in &mut fleet.links {
                let info = link.text(&words!["CLUSTER", "INFO"]).await;
                let info = info.unwrap_or_default();
                serving &= field(&info, "cluster_state") == Some("ok");
            }
            if serving {
                return true;
            }
            if Instant::now() > deadline {
                self.voice
                    .bad("[ERR] Not every node serves: see what 'check' says.");
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

async fn all_know(fleet: &mut Fleet, id: &str, known: bool) -> bool {
    let mut states = Vec::new();
    for link in &mut fleet.links {
        let Ok(seen) = lines(link).await else {
            return false;
        };
        let met = |line: &crate::node::Line| line.node.id == id && !line.node.has_flag("handshake");
        if seen.iter().any(met) != known {
            return false;
        }
        let info = link.text(&words!["CLUSTER", "INFO"]).await;
        let info = info.unwrap_or_default();
        states.push(field(&info, "cluster_state") == Some("ok"));
    }
    // The others tell whether the cluster is well at all.
    match states.split_last() {
        Some((newest, others)) => *newest || !known || !others.iter().all(|state| *state),
        None => true,
    }
}
