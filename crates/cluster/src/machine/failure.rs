//! Who has failed: suspected by one, agreed on by a majority, and taken back.

use super::{Machine, Save, Turn};
use crate::bus::{Body, Marks};
use crate::flaw::flawed;
use crate::node::Flags;
use crate::output::Level;
use crate::table::Seat;

/// Times the node timeout: how long a report counts, and how long a primary that failed must be
/// gone before it is taken back with its slots.
const TIMEOUTS: u64 = 2;

impl Machine {
    /// A primary says that a node cannot be reached.
    pub(super) fn note_report(&mut self, accused: Seat, by: Seat, turn: &mut Turn<'_>) {
        let now_ms = turn.now();
        let reports = &mut self.nodes[accused].reports;
        match reports.iter_mut().find(|(who, _)| *who == by) {
            Some((_, said_ms)) => *said_ms = now_ms,
            None => {
                reports.push((by, now_ms));
                let (by, accused) = (self.nodes[by].id, self.nodes[accused].id);
                let line = format!("Node {by} reported node {accused} as not reachable.");
                turn.log(Level::Verbose, line);
            }
        }
        self.judge_failure(accused, turn);
    }

    /// A primary says that a node can be reached.
    pub(super) fn withdraw_report(&mut self, accused: Seat, by: Seat, turn: &mut Turn<'_>) {
        self.drop_old_reports(accused, turn.now());
        let reports = &mut self.nodes[accused].reports;
        if let Some(at) = reports.iter().position(|(who, _)| *who == by) {
            reports.swap_remove(at);
            let (by, accused) = (self.nodes[by].id, self.nodes[accused].id);
            let line = format!("Node {by} reported node {accused} is back online.");
            turn.log(Level::Verbose, line);
        }
    }

    fn drop_old_reports(&mut self, accused: Seat, now_ms: u64) {
        let age_max_ms = self.settings.node_timeout_ms * TIMEOUTS;
        let is_fresh = |&(_, said_ms): &(Seat, u64)| now_ms.saturating_sub(said_ms) <= age_max_ms;
        self.nodes[accused].reports.retain(is_fresh);
    }

    pub(super) fn count_reports(&self, accused: Seat, now_ms: u64) -> usize {
        let age_max_ms = self.settings.node_timeout_ms * TIMEOUTS;
        let is_fresh = |&&(_, said_ms): &&(Seat, u64)| now_ms.saturating_sub(said_ms) <= age_max_ms;
        self.nodes[accused].reports.iter().filter(is_fresh).count()
    }

    /// This node has not heard of another for too long.
    pub(super) fn suspect(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        let node = &mut self.nodes[seat];
        if node.is_suspect() {
            return;
        }
        node.flags.set(Flags::MAYBE_FAILED);
        let line = format!("*** NODE {} possibly failing", node.id);
        turn.log(Level::Debug, line);
        self.todo.judge = true;
        self.health.suspects += 1;
        self.judge_failure(seat, turn);
    }

    /// A node that this one cannot reach has failed if a majority of those with slots says so.
    fn judge_failure(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        let flags = self.nodes[seat].flags;
        if !flags.has(Flags::MAYBE_FAILED) || flags.has(Flags::FAILED) {
            return;
        }
        self.drop_old_reports(seat, turn.now());
        let is_voter = |&&(by, _): &&(Seat, u64)| self.nodes[by].is_voter();
        let others = self.nodes[seat].reports.iter().filter(is_voter).count();
        let accusers = others + usize::from(self.my().is_voter());
        if accusers < self.majority() && !flawed!(self, FailAlone) {
            return;
        }
        let id = self.nodes[seat].id;
        turn.log(
            Level::Notice,
            format!("Marking node {id} as failing (quorum reached)."),
        );
        self.mark_failed(seat, turn.now());
        self.broadcast(&Body::Fail(id), Marks::default(), turn, |_, _| true);
    }

    fn mark_failed(&mut self, seat: Seat, now_ms: u64) {
        let node = &mut self.nodes[seat];
        node.flags.clear(Flags::MAYBE_FAILED);
        node.flags.set(Flags::FAILED);
        node.failed_ms = now_ms;
        self.todo.judge = true;
        self.todo.look_at_election = true;
        self.save(Save::Soon);
    }

    /// Somebody says that a majority has agreed.
    pub(super) fn take_fail(&mut self, sender: Seat, accused: Seat, turn: &mut Turn<'_>) {
        if accused == self.me || self.nodes[accused].has_failed() {
            return;
        }
        let (by, id) = (self.nodes[sender].id, self.nodes[accused].id);
        turn.log(
            Level::Notice,
            format!("FAIL message received from {by} about {id}"),
        );
        self.mark_failed(accused, turn.now());
    }

    /// Whether this node may have voted for another in the place of a primary that failed. Who
    /// was elected may have died before it told anybody, and has the slots when it comes back.
    pub(super) fn may_have_heir(&self, seat: Seat) -> bool {
        let node = &self.nodes[seat];
        let is_from_file = node.failed_ms == self.health.started_ms();
        node.has_failed()
            && node.is_voter()
            && match node.voted_ms {
                Some(voted_ms) => voted_ms >= node.failed_ms,
                // For whom it voted before it started, it does not know.
                None => is_from_file && self.last_vote_epoch > node.config_epoch,
            }
    }

    /// A node answers.
    pub(super) fn take_back(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        let timeout_ms = self.settings.node_timeout_ms;
        if self.nodes[seat].flags.has(Flags::MAYBE_FAILED) {
            self.nodes[seat].flags.clear(Flags::MAYBE_FAILED);
            self.todo.judge = true;
            self.save(Save::Soon);
        }
        let node = &mut self.nodes[seat];
        if !node.has_failed() {
            return;
        }
        let is_over = |since_ms: u64| turn.now().saturating_sub(since_ms) > timeout_ms * TIMEOUTS;
        let is_given_up = is_over(node.failed_ms) && node.voted_ms.is_none_or(is_over);
        let id = node.id;
        let line = match (node.is_primary(), node.slot_count) {
            (false, _) => format!("Clear FAIL state for node {id}: replica is reachable again."),
            (true, 0) => {
                format!("Clear FAIL state for node {id}: master without slots is reachable again.")
            }
            (true, _) if is_given_up => format!(
                "Clear FAIL state for node {id}: is reachable again and nobody is serving its \
                 slots after some time."
            ),
            (true, _) => return,
        };
        node.flags.clear(Flags::FAILED);
        self.todo.judge = true;
        self.save(Save::Soon);
        turn.log(Level::Notice, line);
    }
}
