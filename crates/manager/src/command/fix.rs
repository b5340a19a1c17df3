//! `fix`: closes open slots, and has somebody serve those that nobody serves.

use resp::value::Value;

use super::carrying::Manner;
use super::{Errand, Outcome, Over};
use crate::carrier::Pace;
use crate::fleet::{Fleet, replied};
use crate::link::Trouble;
use crate::plan::Move;
use crate::plan::repair::{self, Facts, Step};
use crate::slots::SlotSet;
use crate::voice::Dialect;
use crate::words;

impl Errand {
    pub async fn fix(&mut self) -> Result<Outcome, Over> {
        let place = self.place()?;
        let mut fleet = self.load(&place).await?;
        if !self.is(Dialect::Trib) {
            self.show_info(&mut fleet).await?;
        }
        let health = self.check(&fleet, true);
        let open_done = self.fix_open(&mut fleet, &health.open).await;
        // What was open may have been without an owner.
        if !health.open.is_empty() && !self.request.settings.dry_run {
            fleet.reload(&self.voice).await;
        }
        let uncovered = fleet.view.uncovered();
        self.check_coverage(&uncovered);
        let covered = match uncovered.is_empty() {
            true => true,
            false => self.fix_coverage(&mut fleet, &uncovered).await?,
        };
        if self.request.settings.search_multiple_owners {
            self.fix_multiple_owners(&mut fleet).await?;
        }
        if self.is(Dialect::Ochre) && !self.request.settings.dry_run {
            return self.look_again(&mut fleet, open_done && covered).await;
        }
        match open_done && covered || self.is(Dialect::Trib) {
            true => Ok(Outcome::Done),
            false => Ok(Outcome::Unhealthy),
        }
    }

    /// Whether all is well once everybody has heard.
    async fn look_again(&mut self, fleet: &mut Fleet, fixed: bool) -> Result<Outcome, Over> {
        self.settle(fleet).await;
        fleet.reload(&self.voice).await;
        let health = self.check(fleet, false);
        self.check_coverage(&health.uncovered);
        match (health.is_good(), fixed) {
            (true, _) => Ok(Outcome::Done),
            (false, true) => Ok(Outcome::Partial),
            (false, false) => Ok(Outcome::Unhealthy),
        }
    }

    /// Whether the cluster may be mended without those who are not there.
    fn may_fix(&self, fleet: &Fleet, what: &str) -> bool {
        let away = fleet.view.unreachable_primaries;
        if away == 0 || self.request.settings.fix_with_unreachable || self.is(Dialect::Trib) {
            return true;
        }
        let (name, option) = match self.voice.dialect {
            Dialect::Ochre => ("ochre", "--fix-with-unreachable-masters"),
            _ => ("redis-cli", "--cluster-fix-with-unreachable-masters"),
        };
        self.voice.warning(&format!(
            "*** Fixing {what} with {away} unreachable masters is dangerous: {name} will assume \
             that slots about masters that are not reachable are not covered, and will try to \
             reassign them to the reachable nodes. This can cause data loss and is rarely what \
             you want to do. If you really want to proceed use the {option} option."
        ));
        false
    }

    async fn fix_open(&mut self, fleet: &mut Fleet, open: &[u16]) -> bool {
        if open.is_empty() {
            return true;
        }
        if !self.may_fix(fleet, "open slots") {
            return false;
        }
        for &slot in open {
            let facts = match gather(fleet, &[slot]).await {
                Ok(mut facts) => facts.remove(0),
                Err((node, trouble)) => {
                    replied(&self.voice, &fleet.view.nodes[node].place(), &trouble);
                    return false;
                }
            };
            let steps = repair::open_slot(&fleet.view, &facts, self.voice.dialect);
            let done = match steps {
                Ok(steps) => self.perform(fleet, slot, &steps).await,
                Err(repair::Hopeless(said)) => {
                    self.perform(fleet, slot, &said).await;
                    false
                }
            };
            if !done {
                return false;
            }
        }
        true
    }

    async fn perform(&mut self, fleet: &mut Fleet, slot: u16, steps: &[Step]) -> bool {
        for step in steps {
            let done = match step {
                Step::Heading(text) => {
                    self.voice.heading(text);
                    continue;
                }
                Step::Warning(text) => {
                    self.voice.warning(text);
                    continue;
                }
                Step::Bad(text) => {
                    self.voice.bad(text);
                    continue;
                }
                Step::Line(text) => {
                    self.voice.line(text);
                    continue;
                }
                deed if self.request.settings.dry_run => {
                    self.announce(fleet, slot, deed);
                    continue;
                }
                Step::Move { source, target } => {
                    self.shift(fleet, slot, *source, *target, false).await
                }
                Step::Carry { source, target } => {
                    self.shift(fleet, slot, *source, *target, true).await
                }
                deed => self.tell(fleet, slot, deed).await,
            };
            if !done {
                return false;
            }
        }
        true
    }

    /// Says what would be done.
    fn announce(&self, fleet: &Fleet, slot: u16, deed: &Step) {
        let place = |node: &usize| fleet.view.nodes[*node].place();
        self.voice.line(&match deed {
            Step::Stable(node) => format!("Would end the migration of {slot} at {}", place(node)),
            Step::Claim(node) => format!("Would have {} take slot {slot}", place(node)),
            Step::Release(node) => format!("Would have {} give up slot {slot}", place(node)),
            Step::Tell { node, owner } => {
                let (node, owner) = (place(node), place(owner));
                format!("Would tell {node} that {owner} has slot {slot}")
            }
            Step::Import { node, from } => {
                let (node, from) = (place(node), place(from));
                format!("Would open slot {slot} at {node}, from {from}")
            }
            Step::Move { source, target } | Step::Carry { source, target } => {
                let (source, target) = (place(source), place(target));
                format!("Would move slot {slot} from {source} to {target}")
            }
            Step::Heading(text) | Step::Warning(text) | Step::Bad(text) | Step::Line(text) => {
                text.clone()
            }
        });
    }

    async fn shift(
        &mut self,
        fleet: &mut Fleet,
        slot: u16,
        source: usize,
        target: usize,
        keys_only: bool,
    ) -> bool {
        let pace = Pace {
            keys_only,
            measures: false,
            // redis-trib has always let the value win that is on its way.
            replace: self.request.settings.replace || self.is(Dialect::Trib),
            ..self.pace()
        };
        let step = Move {
            slot,
            source,
            target,
        };
        let carried = self.carry(fleet, &[step], pace, Manner::Lines).await;
        carried.failed.is_none()
    }

    async fn tell(&mut self, fleet: &mut Fleet, slot: u16, deed: &Step) -> bool {
        let id = |node: usize| fleet.view.nodes[node].id.clone();
        let (node, words) = match *deed {
            Step::Claim(node) => return self.claim(fleet, node, &[slot]).await,
            Step::Stable(node) => (node, words!["CLUSTER", "SETSLOT", slot, "STABLE"]),
            Step::Release(node) => (node, words!["CLUSTER", "DELSLOTS", slot]),
            Step::Tell { node, owner } => {
                let owner = id(owner);
                (node, words!["CLUSTER", "SETSLOT", slot, "NODE", owner])
            }
            Step::Import { node, from } => {
                let from = id(from);
                (node, words!["CLUSTER", "SETSLOT", slot, "IMPORTING", from])
            }
            _ => return true,
        };
        match fleet.links[node].ask(&words).await {
            Ok(_) => true,
            // It gave nothing up because it had nothing.
            Err(Trouble::Refused(text))
                if matches!(deed, Step::Release(_)) && text.contains("already unassigned") =>
            {
                true
            }
            Err(trouble) => {
                replied(&self.voice, &fleet.view.nodes[node].place(), &trouble);
                false
            }
        }
    }

    /// A node takes slots, whatever it thought of them, and with an epoch that convinces the rest.
    pub async fn claim(&mut self, fleet: &mut Fleet, node: usize, slots: &[u16]) -> bool {
        let listed = |name: &str| {
            let mut words = words!["CLUSTER", name];
            words.extend(slots.iter().map(|slot| slot.to_string().into_bytes()));
            words
        };
        let mut commands = vec![words!["MULTI"]];
        for &slot in slots {
            commands.push(words!["CLUSTER", "DELSLOTS", slot]);
        }
        commands.push(listed("ADDSLOTS"));
        commands.push(words!["CLUSTER", "BUMPEPOCH"]);
        commands.push(words!["EXEC"]);
        let place = fleet.view.nodes[node].place();
        let refused = match fleet.links[node].ask_all(&commands).await {
            Ok(mut replies) => match replies.pop() {
                Some(Value::Array(results)) => match results.get(slots.len()) {
                    Some(Value::Error(text)) => String::from_utf8_lossy(text).into_owned(),
                    _ => return true,
                },
                other => format!("{other:?}"),
            },
            Err(trouble) => trouble.to_string(),
        };
        replied(&self.voice, &place, &Trouble::Refused(refused));
        false
    }

    /// Returns whether anything was mended.
    async fn fix_coverage(&mut self, fleet: &mut Fleet, slots: &[u16]) -> Result<bool, Over> {
        if !self.may_fix(fleet, "slots coverage") {
            return Ok(false);
        }
        self.voice.heading(">>> Fixing slots coverage...");
        if self.is(Dialect::Trib) {
            let listed = crate::slots::listed(slots);
            self.voice
                .line(&format!("List of not covered slots: {listed}"));
        }
        let facts = match gather(fleet, slots).await {
            Ok(facts) => facts,
            Err((node, trouble)) => {
                replied(&self.voice, &fleet.view.nodes[node].place(), &trouble);
                return Ok(false);
            }
        };
        if self.is(Dialect::Trib) {
            self.list_holders(fleet, &facts);
        }
        let uncovered = repair::uncovered(&facts);
        self.note("empty_slots", uncovered.empty.as_slice());
        let mut fixed = 0;
        fixed += self.cover_empty(fleet, &uncovered.empty).await?;
        fixed += self.cover_single(fleet, &uncovered.single).await?;
        fixed += self.cover_several(fleet, &uncovered.several).await?;
        Ok(fixed > 0)
    }

    fn list_holders(&self, fleet: &Fleet, facts: &[Facts]) {
        for fact in facts {
            let holders = (0..fact.keys.len()).filter(|&node| fact.keys[node] > 0);
            let holders: Vec<String> = holders
                .map(|node| fleet.view.nodes[node].place().to_string())
                .collect();
            let (slot, count, holders) = (fact.slot, holders.len(), holders.join(", "));
            self.voice
                .line(&format!("Slot {slot} has keys in {count} nodes: {holders}"));
        }
    }

    /// Asks before slots of a kind are covered.
    fn agreed(&self, kind: &str, slots: &[u16], how: &str) -> Result<bool, Over> {
        let set: SlotSet = slots.iter().copied().collect();
        let (spelling, listed) = match self.voice.dialect {
            Dialect::Trib => ("folowing", crate::slots::listed(slots)),
            _ => ("following", set.bracketed()),
        };
        let line = format!("The {spelling} uncovered slots have {kind}:");
        self.voice.line(&line);
        self.voice.line(&listed);
        let settings = &self.request.settings;
        if settings.dry_run || self.is(Dialect::Ochre) && settings.yes {
            return Ok(true);
        }
        let question = format!("Fix these slots by {how}?");
        match self.voice.confirms(&question) {
            false if self.is(Dialect::Trib) => {
                self.voice.bad("*** Aborting...");
                Err(Over(Outcome::Unhealthy))
            }
            answer => Ok(answer),
        }
    }

    async fn cover_empty(&mut self, fleet: &mut Fleet, slots: &[u16]) -> Result<usize, Over> {
        let how = "covering with a random node";
        if slots.is_empty() || !self.agreed("no keys across the cluster", slots, how)? {
            return Ok(0);
        }
        let covered = repair::cover_empty(&fleet.view, slots);
        self.cover(fleet, &covered).await
    }

    async fn cover_single(
        &mut self,
        fleet: &mut Fleet,
        covered: &[(u16, usize)],
    ) -> Result<usize, Over> {
        let slots: Vec<u16> = covered.iter().map(|(slot, _)| *slot).collect();
        let how = "covering with those nodes";
        if slots.is_empty() || !self.agreed("keys in just one node", &slots, how)? {
            return Ok(0);
        }
        self.cover(fleet, covered).await
    }

    async fn cover(&mut self, fleet: &mut Fleet, covered: &[(u16, usize)]) -> Result<usize, Over> {
        let mut shares: std::collections::BTreeMap<usize, Vec<u16>> = Default::default();
        for &(slot, node) in covered {
            let place = fleet.view.nodes[node].place();
            self.voice
                .heading(&format!(">>> Covering slot {slot} with {place}"));
            shares.entry(node).or_default().push(slot);
        }
        if self.request.settings.dry_run {
            return Ok(covered.len());
        }
        for (node, slots) in shares {
            if !self.claim(fleet, node, &slots).await {
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(covered.len())
    }

    async fn cover_several(
        &mut self,
        fleet: &mut Fleet,
        covered: &[(u16, Vec<usize>)],
    ) -> Result<usize, Over> {
        let slots: Vec<u16> = covered.iter().map(|(slot, _)| *slot).collect();
        let how = "moving keys into a single node";
        if slots.is_empty() || !self.agreed("keys in multiple nodes", &slots, how)? {
            return Ok(0);
        }
        for (slot, holders) in covered {
            let place = fleet.view.nodes[holders[0]].place();
            self.voice
                .heading(&format!(">>> Covering slot {slot} moving keys to {place}"));
            let steps = repair::gather_uncovered(holders);
            if !self.perform(fleet, *slot, &steps).await {
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(covered.len())
    }

    async fn fix_multiple_owners(&mut self, fleet: &mut Fleet) -> Result<(), Over> {
        for (slot, owners) in self.find_multiple_owners(fleet).await? {
            self.voice
                .heading(&format!(">>> Fixing multiple owners for slot {slot}..."));
            let claimants = fleet.view.owners(slot);
            let by_epoch = |node: &&usize| fleet.view.nodes[**node].config_epoch;
            let owner = claimants.iter().max_by_key(by_epoch).or(owners.first());
            let Some(&owner) = owner else {
                continue;
            };
            let place = fleet.view.nodes[owner].place();
            self.voice
                .heading(&format!(">>> Setting slot {slot} owner: {place}"));
            let mut steps = vec![Step::Claim(owner), Step::Stable(owner)];
            for node in owners.into_iter().filter(|node| *node != owner) {
                steps.extend([
                    Step::Release(node),
                    Step::Import { node, from: owner },
                    Step::Carry {
                        source: node,
                        target: owner,
                    },
                    Step::Stable(node),
                    Step::Tell { node, owner },
                ]);
            }
            if !self.perform(fleet, slot, &steps).await {
                self.voice
                    .bad(&format!("Failed to fix multiple owners for slot {slot}"));
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(())
    }
}

/// How many keys everybody holds in these slots.
async fn gather(fleet: &mut Fleet, slots: &[u16]) -> Result<Vec<Facts>, (usize, Trouble)> {
    let mut facts: Vec<Facts> = slots
        .iter()
        .map(|slot| Facts {
            slot: *slot,
            keys: vec![0; fleet.view.nodes.len()],
        })
        .collect();
    let primaries: Vec<usize> = fleet.view.primaries().collect();
    for node in primaries {
        let counts = fleet.keys_in_slots(node, slots).await;
        let counts = counts.map_err(|trouble| (node, trouble))?;
        for (fact, count) in facts.iter_mut().zip(counts) {
            fact.keys[node] = count;
        }
    }
    Ok(facts)
}
