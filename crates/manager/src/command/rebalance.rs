//! `rebalance` and `drain`: everybody gets what its weight says.

use super::carrying::{Carried, Manner};
use super::{Errand, Outcome, Over};
use crate::fleet::{Fleet, replied};
use crate::link::Trouble;
use crate::plan::Move;
use crate::plan::rebalance::{Balance, Rounding, moves, plan, plan_by_measure};
use crate::request::Measure;
use crate::slots::SLOTS;
use crate::voice::Dialect;
use crate::words;

/// How many keys of a slot are looked at to know how much memory they take.
const SAMPLES: usize = 5;

impl Errand {
    pub async fn rebalance(&mut self) -> Result<Outcome, Over> {
        let place = self.place()?;
        let mut fleet = self.load(&place).await?;
        let weights = self.weights(&fleet)?;
        let health = self.check(&fleet, false);
        if !health.is_good() {
            let text = "*** Please fix your cluster problems before rebalancing";
            match self.is(Dialect::Trib) {
                true => self.voice.line(text),
                false => self.voice.bad(text),
            }
            return Err(Over(Outcome::Unhealthy));
        }
        match self.request.settings.by {
            Measure::Slots => self.rebalance_slots(&mut fleet, &weights).await,
            Measure::Keys | Measure::Memory => self.rebalance_content(&mut fleet, &weights).await,
        }
    }

    /// Moves everything away from nodes, so that they can go.
    pub async fn drain(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let mut fleet = self.load(&place).await?;
        let mut drained = Vec::new();
        for index in 1..self.request.args.len() {
            let name = self.request.arg(index);
            match fleet.view.find_all(&name).as_slice() {
                &[node] if fleet.view.nodes[node].is_primary() => drained.push(node),
                _ => {
                    self.voice.bad(&format!("[ERR] No such primary: {name}"));
                    return Err(Over(Outcome::Usage));
                }
            }
        }
        let health = self.check(&fleet, false);
        if !health.is_good() {
            self.voice
                .bad("*** Please fix your cluster problems before draining");
            return Err(Over(Outcome::Unhealthy));
        }
        let weights: Vec<(usize, f64)> = fleet
            .view
            .primaries()
            .filter(|node| drained.contains(node) || !fleet.view.nodes[*node].slots.is_empty())
            .map(|node| (node, if drained.contains(&node) { 0.0 } else { 1.0 }))
            .collect();
        if weights.iter().all(|(_, weight)| *weight == 0.0) {
            self.voice.bad("[ERR] Nobody is left to take the slots.");
            return Err(Over(Outcome::Usage));
        }
        let balance = plan(&fleet.view, &weights, 0.1, Rounding::Exact);
        let mut moves = moves(&fleet.view, &balance.transfers).concat();
        moves.retain(|step| drained.contains(&step.source));
        self.move_all(&mut fleet, &moves).await
    }

    /// Each primary that takes part, and its weight.
    fn weights(&self, fleet: &Fleet) -> Result<Vec<(usize, f64)>, Over> {
        let mut given: Vec<(usize, f64)> = Vec::new();
        for pair in &self.request.settings.weights {
            let Some((name, weight)) = pair.split_once('=') else {
                self.voice.bad(&format!("*** invalid input {pair}"));
                return Err(Over(Outcome::Unhealthy));
            };
            let found = fleet.view.find_all(name);
            let only = match (found.as_slice(), self.voice.dialect) {
                (&[only], _) => Some(only),
                (&[first, ..], Dialect::Cli) => Some(first),
                _ => None,
            };
            // redis-cli takes a replica's weight, and no notice of it.
            let lenient = self.is(Dialect::Cli);
            let only = only.filter(|&node| lenient || fleet.view.nodes[node].is_primary());
            let Some(node) = only else {
                let text = format!("*** No such master node {name}");
                match self.is(Dialect::Trib) {
                    true => self.voice.line(&text),
                    false => self.voice.bad(&text),
                }
                return Err(Over(Outcome::Unhealthy));
            };
            let weight = leading_number(weight).max(0.0);
            given.retain(|(other, _)| *other != node);
            given.push((node, weight));
        }
        let mut weights = Vec::new();
        for node in fleet.view.primaries() {
            let empty = fleet.view.nodes[node].slots.is_empty();
            if empty && !self.request.settings.use_empty {
                continue;
            }
            let own = given.iter().find(|(other, _)| *other == node);
            weights.push((node, own.map_or(1.0, |(_, weight)| *weight)));
        }
        Ok(weights)
    }

    async fn rebalance_slots(
        &mut self,
        fleet: &mut Fleet,
        weights: &[(usize, f64)],
    ) -> Result<Outcome, Over> {
        let rounding = match self.voice.dialect {
            Dialect::Ochre => Rounding::Exact,
            Dialect::Cli | Dialect::Trib => Rounding::Classic,
        };
        let threshold = self.request.settings.threshold;
        let balance = plan(&fleet.view, weights, threshold, rounding);
        let shown = match self.voice.dialect {
            Dialect::Trib => ruby_float(threshold),
            Dialect::Cli | Dialect::Ochre => format!("{threshold:.2}"),
        };
        if !balance.needed {
            self.voice.warning(&format!(
                "*** No rebalancing needed! All nodes are within the {shown}% threshold."
            ));
            return Ok(Outcome::Done);
        }
        self.show_balance(fleet, &balance);
        if self.is(Dialect::Ochre) {
            let moves = moves(&fleet.view, &balance.transfers).concat();
            return self.move_all(fleet, &moves).await;
        }
        self.transfer(fleet, &balance).await
    }

    fn show_balance(&self, fleet: &Fleet, balance: &Balance) {
        let (count, weight) = (balance.standings.len(), balance.total_weight);
        let weight = match self.voice.dialect {
            Dialect::Trib => ruby_number(weight),
            Dialect::Cli | Dialect::Ochre => format!("{weight:.2}"),
        };
        self.voice.heading(&format!(
            ">>> Rebalancing across {count} nodes. Total weight = {weight}"
        ));
        if self.request.settings.verbose {
            for standing in &balance.standings {
                let place = fleet.view.nodes[standing.node].place();
                let slots = standing.balance;
                self.voice
                    .line(&format!("{place} balance is {slots} slots"));
            }
        }
    }

    /// Moves slots pair by pair, a mark for each.
    async fn transfer(&mut self, fleet: &mut Fleet, balance: &Balance) -> Result<Outcome, Over> {
        let all = moves(&fleet.view, &balance.transfers);
        for (transfer, moves) in balance.transfers.iter().zip(all) {
            let place = |node: usize| fleet.view.nodes[node].place();
            let (count, source, target) = (
                transfer.slots,
                place(transfer.source),
                place(transfer.target),
            );
            self.voice
                .line(&format!("Moving {count} slots from {source} to {target}"));
            let settings = &self.request.settings;
            if settings.simulate || settings.dry_run {
                self.voice.line(&"#".repeat(moves.len()));
                continue;
            }
            let carried = self.carry(fleet, &moves, self.pace(), Manner::Marks).await;
            self.voice.line("");
            if let Some(failed) = carried.failed {
                if self.is(Dialect::Cli) {
                    self.voice
                        .bad(&format!("*** clusterManagerMoveSlot: {failed}"));
                }
                return Err(Over(Outcome::Unhealthy));
            }
        }
        Ok(Outcome::Done)
    }

    /// Shows a plan of moves, and performs it.
    async fn move_all(&mut self, fleet: &mut Fleet, moves: &[Move]) -> Result<Outcome, Over> {
        self.show_summary(fleet, moves.len(), moves);
        self.note_moves(fleet, moves);
        let settings = &self.request.settings;
        if settings.dry_run || settings.simulate || moves.is_empty() {
            return Ok(Outcome::Done);
        }
        self.preflight(fleet, moves).await?;
        let pace = self.pace();
        let carried: Carried = self.carry(fleet, moves, pace, Manner::Progress).await;
        self.conclude(fleet, moves, &carried).await
    }

    async fn rebalance_content(
        &mut self,
        fleet: &mut Fleet,
        weights: &[(usize, f64)],
    ) -> Result<Outcome, Over> {
        let mut measures = vec![0; usize::from(SLOTS)];
        for &(node, _) in weights {
            let by_memory = self.request.settings.by == Measure::Memory;
            let measured = measure(fleet, node, by_memory, &mut measures).await;
            if let Err(trouble) = measured {
                replied(&self.voice, &fleet.view.nodes[node].place(), &trouble);
                return Err(Over(Outcome::Unhealthy));
            }
        }
        let threshold = self.request.settings.threshold;
        let moves = plan_by_measure(&fleet.view, weights, &measures, threshold);
        if moves.is_empty() {
            self.voice.warning(&format!(
                "*** No rebalancing needed! All nodes are within the {threshold:.2}% threshold, \
                 or one slot holds too much of it."
            ));
            return Ok(Outcome::Done);
        }
        self.move_all(fleet, &moves).await
    }
}

/// Keys, or estimated bytes, of every slot that a node has.
async fn measure(
    fleet: &mut Fleet,
    node: usize,
    by_memory: bool,
    measures: &mut [u64],
) -> Result<(), Trouble> {
    let slots: Vec<u16> = fleet.view.nodes[node].slots.iter().collect();
    let counts = fleet.keys_in_slots(node, &slots).await?;
    for (slot, count) in slots.into_iter().zip(counts) {
        let each = match by_memory && count > 0 {
            true => key_bytes(fleet, node, slot).await?,
            false => 1,
        };
        measures[usize::from(slot)] = count * each;
    }
    Ok(())
}

/// How many bytes a key of a slot takes on average, by a few of them.
async fn key_bytes(fleet: &mut Fleet, node: usize, slot: u16) -> Result<u64, Trouble> {
    use resp::value::Value;
    let link = &mut fleet.links[node];
    let listed = link
        .ask(&words!["CLUSTER", "GETKEYSINSLOT", slot, SAMPLES])
        .await?;
    let Value::Array(keys) = listed else {
        return Ok(1);
    };
    let usages: Vec<Vec<Vec<u8>>> = keys
        .into_iter()
        .filter_map(|key| match key {
            Value::Bulk(key) => Some(vec![b"MEMORY".to_vec(), b"USAGE".to_vec(), key]),
            _ => None,
        })
        .collect();
    let replies = link.ask_all(&usages).await?;
    let sizes: Vec<u64> = replies
        .iter()
        .filter_map(|reply| match reply {
            Value::Integer(bytes) => u64::try_from(*bytes).ok(),
            _ => None,
        })
        .collect();
    let sum: u64 = sizes.iter().sum();
    Ok(sum.checked_div(sizes.len() as u64).unwrap_or(1).max(1))
}

/// The number that a word begins with; none is 0.
fn leading_number(word: &str) -> f64 {
    let ends = (0..=word.len())
        .rev()
        .filter(|&end| word.is_char_boundary(end));
    ends.filter_map(|end| word[..end].trim_start().parse().ok())
        .next()
        .unwrap_or(0.0)
}

/// `2.0`, as Ruby writes it.
fn ruby_float(number: f64) -> String {
    match number.fract() == 0.0 {
        true => format!("{number:.1}"),
        false => number.to_string(),
    }
}

/// `4`, or `4.5`: Ruby adds whole weights as whole numbers.
fn ruby_number(number: f64) -> String {
    number.to_string()
}
