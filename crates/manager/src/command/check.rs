//! `check` and `info`: how a cluster is, and what is in it.

use serde_json::json;

use super::{Errand, Outcome, Over};
use crate::fleet::Fleet;
use crate::slots::{SLOTS, SlotSet};
use crate::view::View;
use crate::voice::{Dialect, Voice};
use crate::words;

/// What is wrong with a cluster.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Each as a sentence.
    pub errors: Vec<String>,
    pub agreed: bool,
    pub open: Vec<u16>,
    pub uncovered: Vec<u16>,
}

impl Health {
    pub fn is_good(&self) -> bool {
        self.errors.is_empty()
    }
}

/// How a node is described to people.
pub fn describe(voice: &Voice, view: &View, node: usize, indent: &str) -> String {
    let shown = &view.nodes[node];
    let (letter, place) = (if shown.is_replica() { 'S' } else { 'M' }, shown.place());
    let slots = match voice.dialect {
        Dialect::Trib => shown.slots.plain(),
        Dialect::Cli | Dialect::Ochre => shown.slots.bracketed(),
    };
    let (count, flags) = (shown.slots.len(), shown.flags.join(","));
    let mut lines = vec![
        format!("{letter}: {} {place}", shown.id),
        format!("   slots:{slots} ({count} slots) {flags}"),
    ];
    let replicas = view.replicas_of(&shown.id);
    match &shown.primary {
        Some(primary) => lines.push(format!("   replicates {primary}")),
        None if replicas > 0 || voice.is(Dialect::Trib) => {
            lines.push(format!("   {replicas} additional replica(s)"));
        }
        None => {}
    }
    // redis-trib indents the first line alone.
    let indented = lines.iter().enumerate().map(|(index, line)| {
        let indented = index == 0 || !voice.is(Dialect::Trib);
        format!("{}{line}\n", if indented { indent } else { "" })
    });
    indented.collect()
}

impl Errand {
    pub async fn check_command(&mut self) -> Result<Outcome, Over> {
        let place = self.place()?;
        let mut fleet = self.load(&place).await?;
        if !self.is(Dialect::Trib) {
            self.show_info(&mut fleet).await?;
        }
        let mut health = self.check(&fleet, true);
        if self.request.settings.search_multiple_owners {
            let several = self.find_multiple_owners(&mut fleet).await?;
            let several = several
                .iter()
                .map(|(slot, _)| format!("slot {slot} has several"));
            health.errors.extend(several);
        }
        if self.is(Dialect::Ochre) {
            self.advise(&mut fleet, &mut health).await;
        }
        match health.is_good() || self.is(Dialect::Trib) {
            true => Ok(Outcome::Done),
            false => Ok(Outcome::Unhealthy),
        }
    }

    pub async fn info(&mut self) -> Result<Outcome, Over> {
        let place = self.place()?;
        let mut fleet = self.load(&place).await?;
        self.show_info(&mut fleet).await?;
        Ok(Outcome::Done)
    }

    /// Counts what every primary holds.
    pub async fn show_info(&mut self, fleet: &mut Fleet) -> Result<(), Over> {
        let (mut total, mut primaries) = (0, 0);
        let mut documents = Vec::new();
        for index in 0..fleet.view.nodes.len() {
            let node = fleet.view.nodes[index].clone();
            if node.is_replica() {
                continue;
            }
            let place = node.place();
            let keys = match fleet.links[index].number(&["DBSIZE"]).await {
                Ok(keys) => u64::try_from(keys).unwrap_or(0),
                Err(trouble) => {
                    crate::fleet::replied(&self.voice, &place, &trouble);
                    return Err(Over(Outcome::Unhealthy));
                }
            };
            let (slots, replicas) = (node.slots.len(), fleet.view.replicas_of(&node.id));
            let id = node.id.get(..8).unwrap_or(&node.id);
            self.voice.line(&format!(
                "{place} ({id}...) -> {keys} keys | {slots} slots | {replicas} slaves."
            ));
            total += keys;
            primaries += 1;
            documents.push(json!({
            "id": node.id.as_str(),
            "address": place.to_string(),
            "keys": keys,
            "slots": slots,
            "replicas": replicas,
            }));
        }
        self.voice
            .good(&format!("[OK] {total} keys in {primaries} masters."));
        let average = total as f64 / f64::from(SLOTS);
        self.voice
            .line(&format!("{average:.2} keys per slot on average."));
        self.note("keys", total);
        self.note("primaries", documents);
        Ok(())
    }

    /// Shows what is known of the cluster, and what is wrong with it.
    pub fn check(&mut self, fleet: &Fleet, shows_nodes: bool) -> Health {
        let view = &fleet.view;
        let voice = &self.voice;
        let first = view.nodes[0].place();
        voice.heading(&format!(
            ">>> Performing Cluster Check (using node {first})"
        ));
        if shows_nodes {
            for node in 0..view.nodes.len() {
                voice.write(&describe(voice, view, node, ""));
            }
        }
        let mut health = Health {
            agreed: view.nodes_agree(),
            open: view.open_slots(),
            uncovered: view.uncovered(),
            ..Health::default()
        };
        match health.agreed {
            true => voice.good("[OK] All nodes agree about slots configuration."),
            false => {
                let text = "[ERR] Nodes don't agree about configuration!";
                voice.bad(text);
                health.errors.push(text.to_owned());
            }
        }
        check_open(voice, view, &mut health);
        // The rest is said by whoever mends what is open in between.
        health
            .errors
            .extend((!health.uncovered.is_empty()).then(|| not_covered().to_owned()));
        if self.request.command != crate::request::Command::Fix {
            self.check_coverage(&health.uncovered);
        }
        self.note_health(&health);
        health
    }

    /// Says whether all slots are served.
    pub fn check_coverage(&self, uncovered: &[u16]) {
        let voice = &self.voice;
        voice.heading(">>> Check slots coverage...");
        match (uncovered.is_empty(), voice.dialect) {
            (true, _) => voice.good(&format!("[OK] All {SLOTS} slots covered.")),
            (false, Dialect::Cli) => voice.bad(&format!("{}\n", not_covered())),
            (false, _) => voice.bad(not_covered()),
        }
    }

    fn note_health(&mut self, health: &Health) {
        let uncovered: SlotSet = health.uncovered.iter().copied().collect();
        self.note("agreed", health.agreed);
        self.note("open_slots", health.open.as_slice());
        self.note("uncovered_slots", uncovered.plain());
        self.note("errors", health.errors.as_slice());
    }

    /// Slots that several nodes claim, or hold keys of.
    pub async fn find_multiple_owners(
        &mut self,
        fleet: &mut Fleet,
    ) -> Result<Vec<(u16, Vec<usize>)>, Over> {
        self.voice.heading(">>> Check for multiple slot owners...");
        let all: Vec<u16> = (0..SLOTS).collect();
        let mut owners: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
        let primaries: Vec<usize> = fleet.view.primaries().collect();
        for node in primaries {
            let counted = fleet.keys_in_slots(node, &all).await;
            let counts = counted.map_err(|trouble| {
                crate::fleet::replied(&self.voice, &fleet.view.nodes[node].place(), &trouble);
                Over(Outcome::Unhealthy)
            })?;
            let slots = &fleet.view.nodes[node].slots;
            for (slot, count) in all.iter().zip(counts) {
                if slots.contains(*slot) || count > 0 {
                    owners[usize::from(*slot)].push(node);
                }
            }
        }
        let several = owners.into_iter().zip(&all);
        let several: Vec<(u16, Vec<usize>)> = several
            .filter(|(owners, _)| owners.len() > 1)
            .map(|(owners, slot)| (*slot, owners))
            .collect();
        for (slot, owners) in &several {
            let count = owners.len();
            self.voice
                .bad(&format!("[WARNING] Slot {slot} has {count} owners:"));
            for owner in owners {
                let place = fleet.view.nodes[*owner].place();
                self.voice.bad(&format!("    {place}"));
            }
        }
        if several.is_empty() {
            self.voice.good("[OK] No multiple owners found.");
        }
        Ok(several)
    }

    /// What operators want to know beyond what has always been checked.
    async fn advise(&mut self, fleet: &mut Fleet, health: &mut Health) {
        for epoch in fleet.view.shared_epochs() {
            let text = format!("[WARNING] Several primaries have the configuration epoch {epoch}.");
            self.voice.warning(&text);
        }
        for node in &fleet.view.unreachable {
            let (id, place) = (&node.id, node.place());
            let text = format!("[WARNING] {id} at {place} is listed and does not answer.");
            self.voice.warning(&text);
            health.errors.push(text);
        }
        for (index, link) in fleet.links.iter_mut().enumerate() {
            let info = link.text(&words!["CLUSTER", "INFO"]).await;
            let state = info
                .ok()
                .and_then(|info| crate::link::field(&info, "cluster_state").map(str::to_owned));
            if state.as_deref() != Some("ok") {
                let place = fleet.view.nodes[index].place();
                let text = format!("[WARNING] {place} says that the cluster is down.");
                self.voice.warning(&text);
                health.errors.push(text);
            }
        }
        self.note_health(health);
    }
}

fn not_covered() -> &'static str {
    "[ERR] Not all 16384 slots are covered by nodes."
}

fn check_open(voice: &Voice, view: &View, health: &mut Health) {
    voice.heading(">>> Check for open slots...");
    for node in &view.nodes {
        for (name, open) in [
            ("migrating", &node.migrating),
            ("importing", &node.importing),
        ] {
            if open.is_empty() {
                continue;
            }
            let slots: Vec<u16> = open.iter().map(|(slot, _)| *slot).collect();
            let (place, slots) = (node.place(), crate::slots::listed(&slots));
            let slots = match voice.dialect {
                Dialect::Trib => format!("({slots})"),
                Dialect::Cli | Dialect::Ochre => slots,
            };
            let text = format!("[WARNING] Node {place} has slots in {name} state {slots}.");
            voice.bad(&text);
            health.errors.push(text);
        }
    }
    if !health.open.is_empty() {
        let slots = crate::slots::listed(&health.open);
        let dot = if voice.is(Dialect::Trib) { "" } else { "." };
        voice.bad(&format!(
            "[WARNING] The following slots are open: {slots}{dot}"
        ));
    }
}
