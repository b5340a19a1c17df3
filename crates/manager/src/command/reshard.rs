//! `reshard`: slots from some nodes to another.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::carrying::{Carried, Manner};
use super::check::describe;
use super::{Errand, Outcome, Over};
use crate::carrier;
use crate::fleet::Fleet;
use crate::plan::reshard::{Rounding, plan};
use crate::plan::{Move, resume};
use crate::slots::{SLOTS, SlotSet};
use crate::voice::Dialect;
use crate::words;

/// Wherever somebody names no node.
fn unknown(name: &str) -> String {
    format!("*** The specified node ({name}) is not known or not a master, please retry.")
}

impl Errand {
    pub async fn reshard(&mut self) -> Result<Outcome, Over> {
        let place = self.place()?;
        let mut fleet = self.load(&place).await?;
        let health = self.check(&fleet, true);
        if self.request.settings.resume {
            return self.resume(&mut fleet).await;
        }
        if !health.is_good() {
            let text = "*** Please fix your cluster problems before resharding";
            self.voice_problem(text);
            if self.is(Dialect::Ochre) && !health.open.is_empty() {
                let text = "'reshard --resume' ends a move that was interrupted, 'fix' the rest.";
                self.voice.aside(text);
            }
            return Err(Over(Outcome::Unhealthy));
        }
        let count = self.ask_count()?;
        let target = self.ask_target(&fleet)?;
        let sources = self.ask_sources(&fleet, target)?;
        let rounding = match self.voice.dialect {
            Dialect::Ochre => Rounding::Exact,
            Dialect::Cli | Dialect::Trib => Rounding::Classic,
        };
        let moves = plan(&fleet.view, &sources, target, count, rounding);
        self.show_plan(&fleet, &sources, target, count, &moves);
        self.note_moves(&fleet, &moves);
        if self.request.settings.dry_run {
            return Ok(Outcome::Done);
        }
        if !self.request.settings.yes {
            let question = "Do you want to proceed with the proposed reshard plan (yes/no)? ";
            let answer = self.voice.ask(question).unwrap_or_default();
            let agreed = match self.voice.dialect {
                Dialect::Cli => answer.starts_with("yes"),
                Dialect::Trib | Dialect::Ochre => answer.trim() == "yes",
            };
            if !agreed {
                return Err(Over(Outcome::Unhealthy));
            }
        }
        let manner = match self.voice.dialect {
            Dialect::Ochre => Manner::Progress,
            Dialect::Cli | Dialect::Trib => Manner::Lines,
        };
        if self.is(Dialect::Ochre) {
            self.preflight(&mut fleet, &moves).await?;
        }
        let carried = self.carry(&mut fleet, &moves, self.pace(), manner).await;
        if let (Some(failed), Dialect::Cli) = (&carried.failed, self.voice.dialect) {
            self.voice
                .bad(&format!("clusterManagerMoveSlot failed: {failed}"));
        }
        self.conclude(&mut fleet, &moves, &carried).await
    }

    /// redis-cli says some things beside its output.
    pub fn voice_problem(&self, text: &str) {
        match self.voice.dialect {
            Dialect::Cli => self.voice.aside(text),
            Dialect::Trib => self.voice.line(text),
            Dialect::Ochre => self.voice.bad(text),
        }
    }

    pub fn note_moves(&mut self, fleet: &Fleet, moves: &[Move]) {
        let documents = moves.iter().map(|step| {
            let id = |node: usize| fleet.view.nodes[node].id.as_str();
            json!({
            "slot": step.slot,
            "source": id(step.source),
            "target": id(step.target),
            })
        });
        let documents: Vec<Json> = documents.collect();
        self.note("moves", documents);
    }

    /// Says how moves came out.
    pub async fn conclude(
        &mut self,
        fleet: &mut Fleet,
        moves: &[Move],
        carried: &Carried,
    ) -> Result<Outcome, Over> {
        self.note("moved", carried.done);
        self.note("error", carried.failed.clone());
        if !self.is(Dialect::Ochre) {
            return match &carried.failed {
                None => Ok(Outcome::Done),
                Some(_) => Err(Over(Outcome::Unhealthy)),
            };
        }
        match &carried.failed {
            None => match self.settle(fleet).await {
                true => Ok(Outcome::Done),
                false => {
                    self.voice.bad("[ERR] Not all nodes have heard of it yet.");
                    Ok(Outcome::Partial)
                }
            },
            Some(reason) => {
                let (done, all) = (carried.done, moves.len());
                self.voice.bad(&format!(
                    "[ERR] {done} of {all} slots have moved, then it ended: {reason}"
                ));
                self.tell_called_off(fleet, &carried.called_off);
                // Who has begun nothing else leaves nothing open.
                let text = match self.leaves_open(fleet).await {
                    true => "'reshard --resume' ends what was begun.".to_owned(),
                    false => format!(
                        "No slot is left half-way: the other {} are where they were.",
                        all - done
                    ),
                };
                self.voice.line(&text);
                Ok(Outcome::Partial)
            }
        }
    }

    /// Says which slots servers have let be.
    fn tell_called_off(&mut self, fleet: &Fleet, moves: &[Move]) {
        let slots = |source| {
            let of = moves.iter().filter(move |step| step.source == source);
            of.map(|step| step.slot).collect::<SlotSet>()
        };
        let sources: BTreeSet<usize> = moves.iter().map(|step| step.source).collect();
        for source in sources {
            let (slots, place) = (slots(source), fleet.view.nodes[source].place());
            let (count, slots) = (slots.len(), slots.plain());
            self.voice.line(&format!(
                "Called off: {count} slots stay at {place}: {slots}"
            ));
        }
        self.note(
            "called_off",
            moves.iter().map(|step| step.slot).collect::<Vec<_>>(),
        );
    }

    /// Whether the nodes tell of slots that are half-way. Who cannot be asked may.
    async fn leaves_open(&self, fleet: &mut Fleet) -> bool {
        !fleet.reload(&self.voice).await || !fleet.view.open_slots().is_empty()
    }

    /// Ends what another run has begun.
    async fn resume(&mut self, fleet: &mut Fleet) -> Result<Outcome, Over> {
        let all_ended = self.await_servers(fleet).await?;
        let found = resume::plan(&fleet.view);
        self.note_moves(fleet, &found.moves);
        let place = |node: usize| fleet.view.nodes[node].place();
        for step in &found.moves {
            let (slot, source, target) = (step.slot, place(step.source), place(step.target));
            self.voice
                .line(&format!("Slot {slot} goes on from {source} to {target}"));
        }
        for (slot, owner) in &found.told {
            self.voice.line(&format!(
                "Slot {slot} is at {}: tell everybody",
                place(*owner)
            ));
        }
        if !found.unclear.is_empty() {
            let slots: SlotSet = found.unclear.iter().copied().collect();
            let slots = slots.plain();
            self.voice.warning(&format!(
                "[WARNING] It is unclear where these slots go, 'fix' decides: {slots}"
            ));
        }
        if self.request.settings.dry_run {
            return Ok(Outcome::Done);
        }
        for (slot, owner) in &found.told {
            self.tell_all(fleet, *slot, *owner).await?;
        }
        let pace = self.pace();
        let carried = self
            .carry(fleet, &found.moves, pace, Manner::Progress)
            .await;
        match self.conclude(fleet, &found.moves, &carried).await? {
            Outcome::Done if !found.unclear.is_empty() || !all_ended => Ok(Outcome::Partial),
            outcome => Ok(outcome),
        }
    }

    /// Waits for what servers move by themselves: nobody has to be there for that. Returns whether
    /// all of it has moved.
    async fn await_servers(&mut self, fleet: &mut Fleet) -> Result<bool, Over> {
        let moving = carrier::under_way(fleet).await;
        let mut all_ended = true;
        for step in &moving {
            let source = fleet.view.nodes[step.source].place();
            let target = fleet.view.find(&step.target);
            let target = target.map_or(step.target.clone(), |node| {
                fleet.view.nodes[node].place().to_string()
            });
            let slots = &step.slots;
            self.voice.line(&format!(
                "{source} is moving slots {slots} to {target} by itself"
            ));
            if self.request.settings.dry_run {
                continue;
            }
            if let Err(text) = carrier::await_end(fleet, step).await {
                self.voice
                    .bad(&format!("[ERR] Slots {slots} did not move: {text}"));
                all_ended = false;
            }
        }
        if !moving.is_empty() && !self.request.settings.dry_run {
            self.settle(fleet).await;
            if !fleet.reload(&self.voice).await {
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(all_ended)
    }

    /// Tells every primary whose a slot is. The owner knows.
    async fn tell_all(&mut self, fleet: &mut Fleet, slot: u16, owner: usize) -> Result<(), Over> {
        let id = fleet.view.nodes[owner].id.clone();
        let primaries: Vec<usize> = fleet.view.primaries().collect();
        for node in primaries {
            let words = words!["CLUSTER", "SETSLOT", slot, "NODE", id];
            if let Err(trouble) = fleet.links[node].ask(&words).await {
                crate::fleet::replied(&self.voice, &fleet.view.nodes[node].place(), &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(())
    }

    fn ask_count(&self) -> Result<usize, Over> {
        let mut count = self.request.settings.slots;
        while !(1..=i64::from(SLOTS)).contains(&count) {
            let question = format!("How many slots do you want to move (from 1 to {SLOTS})? ");
            match self.voice.ask(&question) {
                Some(answer) => count = answer.trim().parse().unwrap_or(0),
                None => {
                    self.voice
                        .aside("ochre: nobody says how many slots to move");
                    return Err(Over(Outcome::Usage));
                }
            }
        }
        Ok(usize::try_from(count).unwrap_or(0))
    }

    fn primary(&self, fleet: &Fleet, name: &str) -> Option<usize> {
        let found = match self.is(Dialect::Ochre) {
            true => match fleet.view.find_all(name).as_slice() {
                [only] => Some(*only),
                _ => None,
            },
            false => fleet.view.find(name),
        };
        found.filter(|&node| fleet.view.nodes[node].is_primary())
    }

    fn refuse(&self, name: &str, plural: &str) {
        match self.voice.dialect {
            Dialect::Trib => self.voice.line(&format!(
                "*** The specified node is not known or {plural}not a master, please retry."
            )),
            Dialect::Cli | Dialect::Ochre => self.voice.bad(&unknown(name)),
        }
    }

    fn ask_target(&self, fleet: &Fleet) -> Result<usize, Over> {
        if let Some(name) = &self.request.settings.to {
            return self.primary(fleet, name).ok_or_else(|| {
                self.refuse(name, "");
                Over(Outcome::Unhealthy)
            });
        }
        loop {
            let answer = self.voice.ask("What is the receiving node ID? ");
            let name = answer.ok_or(Over(Outcome::Usage))?;
            match self.primary(fleet, name.trim()) {
                Some(target) => return Ok(target),
                None => self.refuse(name.trim(), ""),
            }
            if self.is(Dialect::Cli) {
                return Err(Over(Outcome::Unhealthy));
            }
        }
    }

    fn ask_sources(&self, fleet: &Fleet, target: usize) -> Result<Vec<usize>, Over> {
        let given = self.request.settings.from.clone();
        let sources = match given {
            Some(names) => self.read_sources(fleet, target, &names)?,
            None => self.ask_each_source(fleet, target)?,
        };
        if sources.is_empty() {
            match self.voice.dialect {
                Dialect::Trib => self
                    .voice
                    .line("*** No source nodes given, operation aborted"),
                Dialect::Cli | Dialect::Ochre => self
                    .voice
                    .aside("*** No source nodes given, operation aborted."),
            }
            return Err(Over(Outcome::Unhealthy));
        }
        Ok(sources)
    }

    fn all_sources(&self, fleet: &Fleet, target: usize) -> Vec<usize> {
        fleet.view.primaries().filter(|&n| n != target).collect()
    }

    fn read_sources(&self, fleet: &Fleet, target: usize, names: &str) -> Result<Vec<usize>, Over> {
        let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
        if names.contains(&"all") {
            return Ok(self.all_sources(fleet, target));
        }
        let mut sources = Vec::new();
        for name in names {
            let Some(source) = self.primary(fleet, name) else {
                self.refuse(name, "is ");
                return Err(Over(Outcome::Unhealthy));
            };
            if source == target {
                self.refuse_target();
                if self.is(Dialect::Trib) {
                    return Err(Over(Outcome::Unhealthy));
                }
            } else if !sources.contains(&source) {
                sources.push(source);
            }
        }
        Ok(sources)
    }

    fn refuse_target(&self) {
        match (self.voice.dialect, &self.request.settings.from) {
            (Dialect::Trib, Some(_)) => self
                .voice
                .bad("*** Target node is also listed among the source nodes!"),
            (Dialect::Trib, None) => self
                .voice
                .line("*** It is not possible to use the target node as source node."),
            (Dialect::Cli | Dialect::Ochre, _) => self
                .voice
                .bad("*** It is not possible to use the target node as source node."),
        }
    }

    fn ask_each_source(&self, fleet: &Fleet, target: usize) -> Result<Vec<usize>, Over> {
        self.voice.line(
            "Please enter all the source node IDs.\n  Type 'all' to use all the nodes as source \
             nodes for the hash slots.\n  Type 'done' once you entered all the source nodes IDs.",
        );
        let blank = if self.is(Dialect::Trib) { "" } else { " " };
        let mut sources = Vec::new();
        loop {
            let number = sources.len() + 1;
            let answer = self.voice.ask(&format!("Source node #{number}:{blank}"));
            let name = answer.ok_or(Over(Outcome::Usage))?;
            match name.trim() {
                "done" => return Ok(sources),
                "all" => return Ok(self.all_sources(fleet, target)),
                name => match self.primary(fleet, name) {
                    Some(source) if source == target => self.refuse_target(),
                    Some(source) if sources.contains(&source) => {}
                    Some(source) => sources.push(source),
                    None => self.refuse(name, "is "),
                },
            }
        }
    }

    fn show_plan(
        &self,
        fleet: &Fleet,
        sources: &[usize],
        target: usize,
        count: usize,
        moves: &[Move],
    ) {
        let voice = &self.voice;
        if self.is(Dialect::Ochre) {
            return self.show_summary(fleet, count, moves);
        }
        voice.line(&format!("\nReady to move {count} slots."));
        voice.line("  Source nodes:");
        for source in sources {
            voice.write(&describe(voice, &fleet.view, *source, "    "));
        }
        voice.line("  Destination node:");
        voice.write(&describe(voice, &fleet.view, target, "    "));
        voice.line("  Resharding plan:");
        for step in moves {
            let (slot, source) = (step.slot, &fleet.view.nodes[step.source].id);
            voice.line(&format!("    Moving slot {slot} from {source}"));
        }
    }

    /// The plan, a line for each pair of nodes.
    pub fn show_summary(&self, fleet: &Fleet, count: usize, moves: &[Move]) {
        let planned = moves.len();
        self.voice
            .line(&format!("{count} slots requested, {planned} planned:"));
        let mut pairs: std::collections::BTreeMap<(usize, usize), SlotSet> = Default::default();
        for step in moves {
            let pair = pairs.entry((step.source, step.target)).or_default();
            pair.insert(step.slot);
        }
        for ((source, target), slots) in pairs {
            let place = |node: usize| fleet.view.nodes[node].place();
            let (source, target, count) = (place(source), place(target), slots.len());
            let slots = slots.plain();
            self.voice
                .line(&format!("  {count} from {source} to {target}: {slots}"));
        }
    }
}
