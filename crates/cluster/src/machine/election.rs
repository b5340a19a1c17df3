//! A replica asks for its primary's place, and primaries vote.

use std::collections::BTreeSet;

use super::{Machine, Save, Turn};
use crate::bus::{Body, Header, Marks};
use crate::flaw::flawed;
use crate::id::NodeId;
use crate::input::{LinkId, PrimaryLink, View};
use crate::node::Flags;
use crate::output::Level;
use crate::slots::each_slot;
use crate::table::Seat;

/// A replica waits so long for the news of the failure to get around, and again up to as long.
const DELAY_MS: u64 = 500;

/// How much longer it waits for each replica that has more data.
const RANK_DELAY_MS: u64 = 1000;

/// How long votes are waited for at least.
const PATIENCE_MS_MIN: u64 = 2000;

/// How often it is said again why nothing is done.
const SAY_AGAIN_MS: u64 = 300_000;

/// What this node does to be elected.
#[derive(Debug, Default)]
pub(super) struct Election {
    attempt: Option<Attempt>,
    /// Why nothing is done, and when that was said.
    said: Option<(&'static str, u64)>,
}

#[derive(Debug)]
struct Attempt {
    /// When votes are asked for.
    due_ms: u64,
    rank: u64,
    is_manual: bool,
    /// Of the election, once votes were asked for.
    epoch: Option<u64>,
    votes: BTreeSet<NodeId>,
}

impl Machine {
    pub(super) fn forget_election(&mut self) {
        self.election = Election::default();
    }

    /// Does what the time has come for.
    pub(super) fn advance_election(&mut self, turn: &mut Turn<'_>) {
        let is_manual = self.takes_over_now();
        let Some(primary) = self.my().primary else {
            return;
        };
        let is_called = is_manual || self.nodes[primary].has_failed() && !self.settings.no_failover;
        if !is_called || self.nodes[primary].slot_count == 0 {
            self.election.said = None;
            return;
        }
        if !is_manual && self.data_is_too_old(turn.view) {
            return self.say_why_not(
                "Disconnected from master for longer than allowed. Please check the \
                 'cluster-replica-validity-factor' configuration option.",
                turn,
            );
        }
        let patience_ms = self.patience_ms();
        let retry_ms = match flawed!(self, RetryAtOnce) {
            true => 0,
            false => patience_ms * 2,
        };
        let now_ms = turn.now();
        let is_over = |attempt: &Attempt| {
            now_ms.saturating_sub(attempt.due_ms) > retry_ms
                || is_manual && !attempt.is_manual
                || self.is_lost(attempt)
        };
        let Some(attempt) = self.election.attempt.as_ref().filter(|it| !is_over(it)) else {
            return self.begin_attempt(is_manual, turn);
        };
        let (due_ms, epoch) = (attempt.due_ms, attempt.epoch);
        if epoch.is_none() && !is_manual {
            self.note_rank(turn);
        }
        if self
            .election
            .attempt
            .as_ref()
            .is_some_and(|it| now_ms < it.due_ms)
        {
            return self.say_why_not("Waiting the delay before I can start a new failover.", turn);
        }
        if now_ms.saturating_sub(due_ms) > patience_ms {
            return self.say_why_not("Failover attempt expired.", turn);
        }
        match epoch {
            None => self.ask_for_votes(turn),
            Some(epoch) => self.take_office_if_elected(epoch, turn),
        }
    }

    /// Whether somebody else has won the epoch, or a later one. Where many primaries die at once
    /// their heirs ask in the same moment; who was too late need not wait for votes that do not
    /// come. Each new attempt takes another's success, so they end.
    fn is_lost(&self, attempt: &Attempt) -> bool {
        let Some(epoch) = attempt.epoch else {
            return false;
        };
        let mut others = self.nodes.iter().filter(|(seat, _)| *seat != self.me);
        attempt.votes.len() < self.majority()
            && others.any(|(_, node)| node.is_primary() && node.config_epoch >= epoch)
    }

    fn patience_ms(&self) -> u64 {
        (self.settings.node_timeout_ms * 2).max(PATIENCE_MS_MIN)
    }

    /// Whether this replica has not heard of its primary for too long before that failed.
    fn data_is_too_old(&self, view: &View) -> bool {
        let timeout_ms = self.settings.node_timeout_ms;
        let factor = u64::from(self.settings.replica_validity_factor);
        if factor == 0 || flawed!(self, IgnoreDataAge) {
            return false;
        }
        let age_ms = match view.primary_link {
            PrimaryLink::Up { heard_ms } => view.now_ms.saturating_sub(heard_ms),
            PrimaryLink::Down { since_ms: Some(at) } => view.now_ms.saturating_sub(at),
            PrimaryLink::Down { since_ms: None } => return true,
        };
        // Nobody can be blamed for the time it took to notice.
        let age_ms = age_ms.saturating_sub(timeout_ms);
        age_ms > self.settings.replication_ping_ms + timeout_ms.saturating_mul(factor)
    }

    /// How many replicas of the same primary have more data; or as much, and a smaller name, so
    /// that two do not split the votes between them.
    fn rank(&self, view: &View) -> u64 {
        let Some(primary) = self.my().primary else {
            return 0;
        };
        let is_ahead = |&seat: &Seat| {
            let node = &self.nodes[seat];
            let mine = view.replication_offset;
            let is_before = node.offset == mine && !node.is_suspect() && node.id < self.my().id;
            seat != self.me
                && !node.flags.has(Flags::NO_FAILOVER)
                && (node.offset > mine || is_before)
        };
        self.replicas_of(primary).filter(is_ahead).count() as u64
    }

    fn begin_attempt(&mut self, is_manual: bool, turn: &mut Turn<'_>) {
        let mut delay_ms = DELAY_MS + self.random_below(DELAY_MS);
        let mut rank = self.rank(turn.view);
        if is_manual || flawed!(self, RetryAtOnce) {
            (delay_ms, rank) = (0, 0);
        }
        delay_ms += rank * RANK_DELAY_MS;
        self.election.attempt = Some(Attempt {
            due_ms: turn.now() + delay_ms,
            rank,
            is_manual,
            epoch: None,
            votes: BTreeSet::new(),
        });
        let offset = turn.view.replication_offset;
        let line = format!(
            "Start of election delayed for {delay_ms} milliseconds (rank #{rank}, offset {offset})."
        );
        turn.log(Level::Warning, line);
        self.pong_fellows(turn);
        if is_manual {
            self.ask_for_votes(turn);
        }
    }

    /// Others may have told meanwhile that they have more data.
    fn note_rank(&mut self, turn: &mut Turn<'_>) {
        let rank = self.rank(turn.view);
        let Some(attempt) = &mut self.election.attempt else {
            return;
        };
        if rank <= attempt.rank || flawed!(self, RetryAtOnce) {
            return;
        }
        let added_ms = (rank - attempt.rank) * RANK_DELAY_MS;
        attempt.due_ms += added_ms;
        attempt.rank = rank;
        let line =
            format!("Replica rank updated to #{rank}, added {added_ms} milliseconds of delay.");
        turn.log(Level::Warning, line);
    }

    fn ask_for_votes(&mut self, turn: &mut Turn<'_>) {
        let epoch = self.next_epoch();
        let Some(attempt) = &mut self.election.attempt else {
            return;
        };
        attempt.epoch = Some(epoch);
        // If the primary was back for a while it is later than planned. The votes take their time
        // from now on, and so does the next attempt.
        attempt.due_ms = turn.now();
        let forced = attempt.is_manual;
        turn.log(
            Level::Warning,
            format!("Starting a failover election for epoch {epoch}."),
        );
        let marks = Marks {
            forced,
            ..Marks::default()
        };
        self.broadcast(&Body::AskVote, marks, turn, |_, _| true);
        self.todo.judge = true;
        if flawed!(self, PromoteUnelected) {
            self.take_office(epoch, turn);
        }
    }

    pub(super) fn count_vote(&mut self, sender: Seat, header: &Header<'_>) {
        let node = &mut self.nodes[sender];
        let Some(attempt) = &mut self.election.attempt else {
            return;
        };
        let is_meant = attempt
            .epoch
            .is_some_and(|epoch| header.current_epoch >= epoch);
        if is_meant && node.is_voter() {
            attempt.votes.insert(node.id);
            // Who votes has heard the question: it is an answer to serve by.
            node.answered_ms = node.answered_ms.max(Some(attempt.due_ms));
            self.todo.look_at_election = true;
        }
    }

    fn take_office_if_elected(&mut self, epoch: u64, turn: &mut Turn<'_>) {
        let attempt = self.election.attempt.as_ref();
        let votes = attempt.map_or(0, |attempt| attempt.votes.len());
        match votes >= self.majority() {
            true => self.take_office(epoch, turn),
            false => self.say_why_not("Waiting for votes, but majority still not reached.", turn),
        }
    }

    fn take_office(&mut self, epoch: u64, turn: &mut Turn<'_>) {
        turn.log(Level::Warning, "Failover election won: I'm the new master.");
        if self.my().config_epoch < epoch {
            self.set_my_epoch(epoch);
            self.won_epoch = epoch;
            turn.log(
                Level::Warning,
                format!("configEpoch set to {epoch} after successful failover"),
            );
        }
        self.replace_primary(turn);
    }

    fn say_why_not(&mut self, why: &'static str, turn: &mut Turn<'_>) {
        let now_ms = turn.now();
        let is_said = |&(said, at_ms): &(&str, u64)| said == why && now_ms < at_ms + SAY_AGAIN_MS;
        if !self.election.said.as_ref().is_some_and(is_said) {
            self.election.said = Some((why, now_ms));
            turn.log(
                Level::Warning,
                format!("Currently unable to failover: {why}"),
            );
        }
    }

    /// A replica asks for this node's vote. A vote is in the file before it is sent, so that
    /// nobody votes twice in an epoch, whatever happens in between.
    pub(super) fn vote(
        &mut self,
        sender: Seat,
        link: LinkId,
        header: &Header<'_>,
        turn: &mut Turn<'_>,
    ) {
        if !self.my().is_voter() {
            return;
        }
        let id = self.nodes[sender].id;
        if let Some(why) = self.why_no_vote(sender, header, turn.now()) {
            let line = format!("Failover auth denied to {id}: {why}");
            return turn.log(Level::Warning, line);
        }
        if let Some(primary) = self.nodes[sender].primary {
            self.nodes[primary].voted_ms = Some(turn.now());
        }
        self.nodes[sender].assured_ms = Some(turn.now());
        self.last_vote_epoch = self.current_epoch;
        self.save(Save::Now);
        // The answer goes where the node is known to be, not where somebody asks in its name.
        let link = self.nodes[sender].link.map_or(link, LinkId::Out);
        self.send(link, &Body::Vote, turn);
        let epoch = self.current_epoch;
        let line = format!("Failover auth granted to {id} for epoch {epoch}");
        turn.log(Level::Warning, line);
    }

    fn why_no_vote(&self, sender: Seat, header: &Header<'_>, now_ms: u64) -> Option<String> {
        let asked = header.current_epoch;
        let current = self.current_epoch;
        if asked < current {
            return Some(format!("reqEpoch ({asked}) < curEpoch({current})"));
        }
        if self.last_vote_epoch == current && !flawed!(self, VoteTwice) {
            return Some(format!("already voted for epoch {current}"));
        }
        if self.nodes[sender].is_primary() {
            return Some("it is a master node".to_owned());
        }
        let Some(primary) = self.nodes[sender].primary else {
            return Some("I don't know its master".to_owned());
        };
        let primary = &self.nodes[primary];
        if !primary.has_failed() && !header.marks.forced {
            return Some("its master is up".to_owned());
        }
        let rest_ms = self.assured_until(primary).saturating_sub(now_ms);
        if rest_ms > 0 && !header.marks.forced && !flawed!(self, VoteAgainstAnswer) {
            return Some(format!("its master may serve for {rest_ms} milliseconds"));
        }
        let silence_ms = self.settings.node_timeout_ms * 2;
        if let Some(voted_ms) = primary.voted_ms
            && now_ms.saturating_sub(voted_ms) < silence_ms
            && !flawed!(self, VoteTwice)
        {
            let rest_ms = silence_ms - (now_ms - voted_ms);
            return Some(format!(
                "can't vote about this master before {rest_ms} milliseconds"
            ));
        }
        let newer = each_slot(header.slots).find_map(|slot| {
            let owner = self.slots.claimant(slot)?;
            let epoch = self.nodes[owner].config_epoch;
            (epoch > header.config_epoch).then_some((slot, epoch))
        });
        newer.map(|(slot, epoch)| {
            let asked = header.config_epoch;
            format!("slot {slot} epoch ({epoch}) > reqEpoch ({asked})")
        })
    }
}
