//! A cluster under management: what is known of it, and a link to every node.

use std::sync::Arc;

use crate::link::{Access, Link, Trouble, field};
use crate::node::{Line, Node, parse_lines, signature};
use crate::place::Place;
use crate::view::View;
use crate::voice::{Dialect, Voice};
use crate::words;

/// A cluster under management. Nodes and links stand in the same order.
pub struct Fleet {
    pub view: View,
    pub links: Vec<Link>,
    pub access: Arc<Access>,
}

/// A node that has been asked for itself, and what it says of all.
pub struct Asked {
    pub node: Node,
    pub link: Link,
    pub lines: Vec<Line>,
}

/// Why a node tells nothing of itself.
pub enum NoAnswer {
    Unreachable(Trouble),
    NoCluster,
    Unloadable(Trouble),
}

/// Connects to a node and reads what it says of itself.
pub async fn look(place: &Place, access: &Arc<Access>) -> Result<Asked, NoAnswer> {
    let mut link = Link::new(place.clone(), access);
    link.open().await.map_err(NoAnswer::Unreachable)?;
    let info = link.text(&["INFO"]).await.map_err(NoAnswer::Unloadable)?;
    if field(&info, "cluster_enabled") != Some("1") {
        return Err(NoAnswer::NoCluster);
    }
    let lines = lines(&mut link).await.map_err(NoAnswer::Unloadable)?;
    let own = lines.iter().find(|line| line.myself);
    let nothing = || Trouble::Refused("it does not list itself".to_owned());
    let mut node = own
        .ok_or_else(|| NoAnswer::Unloadable(nothing()))?
        .node
        .clone();
    node.host.clone_from(&place.host);
    node.port = place.port;
    Ok(Asked { node, link, lines })
}

/// What a node says of the cluster.
pub async fn lines(link: &mut Link) -> Result<Vec<Line>, Trouble> {
    Ok(parse_lines(&link.text(&["CLUSTER", "NODES"]).await?))
}

/// Says why a node tells nothing.
pub fn explain(voice: &Voice, place: &Place, answer: &NoAnswer) {
    match answer {
        NoAnswer::Unreachable(_) if voice.is(Dialect::Trib) => {
            voice.bad(&format!("[ERR] Sorry, can't connect to node {place}"));
        }
        NoAnswer::Unreachable(trouble @ Trouble::Refused(_)) => {
            voice.aside(&format!("AUTH failed: {trouble}"));
        }
        NoAnswer::Unreachable(trouble) => voice.aside(&trouble.to_string()),
        NoAnswer::NoCluster => {
            let text = format!("[ERR] Node {place} is not configured as a cluster node.");
            voice.bad(&text);
        }
        NoAnswer::Unloadable(trouble) => {
            replied(voice, place, trouble);
        }
    }
}

/// Says what a node answered instead of doing what it was told.
pub fn replied(voice: &Voice, place: &Place, trouble: &Trouble) {
    match trouble {
        Trouble::Refused(text) => {
            voice.bad(&format!("Node {place} replied with error:\n{text}"));
        }
        _ => voice.aside(&format!("Error: {place}: {trouble}")),
    }
}

impl Fleet {
    /// Reads the cluster that a node belongs to. What cannot be reached is said.
    pub async fn load(voice: &Voice, place: &Place, access: &Arc<Access>) -> Option<Fleet> {
        let first = match look(place, access).await {
            Ok(first) => first,
            Err(answer) => {
                explain(voice, place, &answer);
                return None;
            }
        };
        let mut fleet = Fleet {
            view: View::default(),
            links: Vec::new(),
            access: Arc::clone(access),
        };
        let friends: Vec<Line> = first.lines.iter().filter(|l| !l.myself).cloned().collect();
        fleet.add(first);
        fleet.greet(voice, friends).await;
        for orphan in fleet.view.orphans() {
            let (place, id) = (orphan.place(), orphan.primary.as_deref().unwrap_or("-"));
            voice.warning(&format!(
                "*** WARNING: {place} claims to be slave of unknown node ID {id}."
            ));
        }
        Some(fleet)
    }

    /// Reads everything once more, without a word.
    pub async fn reload(&mut self, voice: &Voice) -> bool {
        let mut quiet = voice.clone();
        quiet.hushed = true;
        let place = self.view.nodes[0].place();
        match Fleet::load(&quiet, &place, &self.access).await {
            Some(fleet) => {
                *self = fleet;
                true
            }
            None => false,
        }
    }

    /// Asks all other nodes at once, and keeps those that answer, in the order of the list.
    async fn greet(&mut self, voice: &Voice, friends: Vec<Line>) {
        let away = |line: &Line| {
            let node = &line.node;
            node.has_flag("noaddr") || node.has_flag("fail") || !line.connected
        };
        let mut asked = Vec::new();
        for line in &friends {
            let (place, access) = (line.node.place(), Arc::clone(&self.access));
            let skipped = voice.is(Dialect::Trib) && away(line) || line.node.has_flag("noaddr");
            asked
                .push((!skipped).then(|| tokio::spawn(async move { look(&place, &access).await })));
        }
        for (line, asked) in friends.into_iter().zip(asked) {
            let answer = match asked {
                Some(task) => task.await.ok(),
                None => None,
            };
            match answer {
                Some(Ok(found)) if !away(&line) || voice.is(Dialect::Ochre) => {
                    self.add(found);
                    continue;
                }
                Some(Err(answer)) => self.excuse(voice, &line.node.place(), &answer),
                _ => {}
            }
            if line.node.is_primary() {
                self.view.unreachable_primaries += 1;
            }
            self.view.unreachable.push(line.node);
        }
    }

    fn excuse(&self, voice: &Voice, place: &Place, answer: &NoAnswer) {
        explain(voice, place, answer);
        if let NoAnswer::Unloadable(_) = answer {
            voice.bad(&format!("[ERR] Unable to load info for node {place}"));
        }
    }

    pub fn add(&mut self, asked: Asked) {
        self.view.signatures.push(signature(&asked.lines));
        self.view.nodes.push(asked.node);
        self.links.push(asked.link);
    }

    /// Asks every node again what it says of the slots.
    pub async fn agree(&mut self) -> bool {
        let mut signatures = Vec::new();
        for link in &mut self.links {
            match lines(link).await {
                Ok(lines) => signatures.push(signature(&lines)),
                Err(_) => return false,
            }
        }
        self.view.signatures = signatures;
        self.view.nodes_agree()
    }

    /// How many keys a node holds in each of these slots.
    pub async fn keys_in_slots(&mut self, node: usize, slots: &[u16]) -> Result<Vec<u64>, Trouble> {
        let mut counts = Vec::with_capacity(slots.len());
        for part in slots.chunks(1024) {
            let commands: Vec<_> = part
                .iter()
                .map(|slot| words!["CLUSTER", "COUNTKEYSINSLOT", slot])
                .collect();
            for reply in self.links[node].ask_all(&commands).await? {
                match reply {
                    resp::value::Value::Integer(count) => {
                        counts.push(u64::try_from(count).unwrap_or(0));
                    }
                    other => return Err(Trouble::Refused(format!("{other:?}"))),
                }
            }
        }
        Ok(counts)
    }
}
