//! Whether the cluster serves, and until when this node may.

use super::{Machine, TICK_MS, Turn};
use crate::flaw::flawed;
use crate::migration::DOUBT_MS;
use crate::output::{Level, Output};
use crate::slots::{SLOTS, SlotSet};

/// A primary that has just started does not serve before this: it may have been replaced.
const START_DELAY_MS: u64 = 2000;

/// A primary that was cut off waits as long as the node timeout, within these, before it serves
/// again: the others may still have something to tell.
const REJOIN_DELAY_MS: (u64, u64) = (500, 5000);

/// Nobody can be replaced faster than this, however short the timeout.
const LEASE_MS_MIN: u64 = 500;

#[derive(Debug)]
pub(super) struct Health {
    ok: bool,
    /// How many nodes with slots there are: they vote.
    pub voters: usize,
    /// How many nodes this one suspects.
    pub suspects: usize,
    started_ms: u64,
    /// When this node was last on the side of a minority.
    minority_ms: Option<u64>,
    /// When this node took its primary's place.
    promoted_ms: Option<u64>,
    /// Whether somebody has said that this node may have been replaced, and nobody who by.
    pub doubted: bool,
    lease_ms: u64,
}

impl Health {
    pub fn new(now_ms: u64) -> Health {
        Health {
            ok: false,
            voters: 0,
            suspects: 0,
            started_ms: now_ms,
            minority_ms: None,
            promoted_ms: None,
            doubted: false,
            lease_ms: 0,
        }
    }

    pub fn is_ok(&self) -> bool {
        self.ok
    }

    /// Until when nobody can have replaced this node.
    pub fn lease_until_ms(&self) -> u64 {
        self.lease_ms
    }

    pub fn started_ms(&self) -> u64 {
        self.started_ms
    }

    /// Nobody can have replaced a node that has just become a primary.
    pub fn note_promotion(&mut self, now_ms: u64) {
        self.promoted_ms = Some(now_ms);
        self.minority_ms = None;
    }
}

impl Machine {
    /// How many of those with slots are more than half.
    pub(super) fn majority(&self) -> usize {
        let voters = self
            .nodes
            .iter()
            .filter(|(_, node)| node.is_voter())
            .count();
        voters / 2 + 1
    }

    pub(super) fn judge_state(&mut self, turn: &mut Turn<'_>) {
        let now_ms = turn.now();
        self.drop_old_reservation(now_ms);
        let is_primary = self.my().is_primary();
        self.health.voters = self
            .nodes
            .iter()
            .filter(|(_, node)| node.is_voter())
            .count();
        let age_ms = now_ms.saturating_sub(self.health.started_ms);
        let is_early = age_ms < START_DELAY_MS || self.is_hushed(now_ms) || self.is_in_doubt(turn);
        if is_primary && !self.health.ok && is_early {
            return;
        }
        let mut ok = !self.settings.require_full_coverage || self.is_covered();
        if self.is_minority(now_ms) && !flawed!(self, ServeMinority) {
            let timeout_ms = self.settings.node_timeout_ms;
            let is_new = |at_ms: u64| now_ms.saturating_sub(at_ms) < timeout_ms;
            if !self.health.promoted_ms.is_some_and(is_new) {
                self.health.minority_ms = Some(now_ms);
            }
            ok = false;
        }
        if ok == self.health.ok {
            return;
        }
        if ok && is_primary && (self.was_cut_off(now_ms) || !self.is_beyond_heirs(turn)) {
            return;
        }
        self.health.ok = ok;
        self.todo.map_changed = true;
        let word = if ok { "ok" } else { "fail" };
        turn.log(Level::Warning, format!("Cluster state changed: {word}"));
    }

    /// Whether this node could not reach most of the others a moment ago.
    fn was_cut_off(&self, now_ms: u64) -> bool {
        let (min_ms, max_ms) = REJOIN_DELAY_MS;
        let delay_ms = self.settings.node_timeout_ms.clamp(min_ms, max_ms);
        let is_new = |at_ms: u64| now_ms.saturating_sub(at_ms) < delay_ms;
        self.health.minority_ms.is_some_and(is_new)
    }

    /// Who was elected in the place of this node and died unheard is no longer waited for: what
    /// this node is given from now on must not be his when he comes back.
    fn is_beyond_heirs(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.health.doubted {
            let Some(epoch) = self.reserve_epoch(turn.now()) else {
                return false;
            };
            self.take_reserved(epoch, turn);
            self.health.doubted = false;
        }
        true
    }

    /// Whether another may have been elected in the place of this node, which may not have heard
    /// of it yet. Whoever takes a greater epoch then has all its slots back, and what was written
    /// since is lost.
    pub(super) fn may_be_replaced(&self, now_ms: u64) -> bool {
        let is_new = now_ms.saturating_sub(self.health.started_ms) < START_DELAY_MS;
        let is_alone = self.answered_until() == u64::MAX;
        let is_answered = now_ms < self.answered_until();
        !is_alone && (is_new || !is_answered || self.was_cut_off(now_ms))
    }

    /// After a restart, remembers that another may have been told to take slots.
    pub(super) fn doubt(&mut self, handed_over: &SlotSet, now_ms: u64) {
        let is_mine = |&slot: &u16| self.slots.owner(slot) == Some(self.me);
        self.handing_over = handed_over.iter().filter(is_mine).collect();
        let is_there = !self.handing_over.is_empty();
        self.doubt_until_ms = is_there.then_some(now_ms + DOUBT_MS);
    }

    /// Whether a slot may be another's that was told to take it before a restart. Whoever took it
    /// says so; if nobody has said so for long, it is claimed with an epoch beyond his.
    fn is_in_doubt(&mut self, turn: &mut Turn<'_>) -> bool {
        let Some(until_ms) = self.doubt_until_ms else {
            return false;
        };
        let is_mine = |&slot: &u16| self.slots.owner(slot) == Some(self.me);
        let mine: SlotSet = self.handing_over.iter().filter(is_mine).collect();
        self.handing_over = mine.clone();
        if !mine.is_empty() && (turn.now() < until_ms || self.may_be_replaced(turn.now())) {
            return true;
        }
        // Nothing else is being handed over, for that needs a node that serves.
        let is_settled = mine.is_empty() || self.reclaim(&mine, turn).is_ok();
        if is_settled {
            self.doubt_until_ms = None;
        }
        !is_settled
    }

    /// Whether each slot has an owner that has not failed.
    fn is_covered(&self) -> bool {
        let served = self.nodes.iter().filter(|(_, node)| !node.has_failed());
        let slots: u32 = served.map(|(_, node)| u32::from(node.slot_count)).sum();
        slots == u32::from(SLOTS)
    }

    /// Whether most of those with slots are out of reach, or do not answer in time.
    fn is_minority(&self, now_ms: u64) -> bool {
        let is_there = |node: &crate::node::Node| node.is_voter() && !node.is_suspect();
        let reached = self.nodes.iter().filter(|(_, node)| is_there(node)).count();
        reached < self.majority() || self.answered_until() <= now_ms
    }

    /// Until when a majority's last answers say that this node was not replaced meanwhile.
    fn answered_until(&self) -> u64 {
        let asked_ms = self.majority_asked_ms();
        asked_ms.map_or(0, |at_ms| at_ms.saturating_add(self.lease_ms()))
    }

    /// When those of a majority were asked that have answered since, if one has.
    pub(super) fn majority_asked_ms(&self) -> Option<u64> {
        let others_needed = self.majority() - 1;
        if !self.my().is_voter() || others_needed == 0 || flawed!(self, ServeMinority) {
            return Some(u64::MAX);
        }
        let others = self
            .nodes
            .iter()
            .filter(|(seat, node)| *seat != self.me && node.is_voter());
        let mut answers: Vec<u64> = others.filter_map(|(_, node)| node.answered_ms).collect();
        answers.sort_unstable_by(|a, b| b.cmp(a));
        answers.get(others_needed - 1).copied()
    }

    /// How long an answer is good for.
    fn lease_ms(&self) -> u64 {
        self.settings.node_timeout_ms.max(LEASE_MS_MIN) + TICK_MS
    }

    /// Until when a primary may serve by what this node has told it. What it told before a restart
    /// nobody remembers.
    pub(super) fn assured_until(&self, primary: &crate::node::Node) -> u64 {
        let since_ms = primary.assured_ms.unwrap_or(self.health.started_ms);
        since_ms + self.lease_ms()
    }

    /// Tells until when writes may run, where that has changed.
    pub(super) fn renew_lease(&mut self, turn: &mut Turn<'_>) {
        let until_ms = self.answered_until();
        if until_ms != self.health.lease_ms {
            self.health.lease_ms = until_ms;
            turn.push(Output::Lease { until_ms });
        }
    }
}
