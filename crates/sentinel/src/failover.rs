//! A failover, stage by stage.
//!
//! ```text
//!   WaitStart ─ votes ─▶ SelectReplica ─▶ SendPromotion ─▶ WaitPromotion
//!                                                              │ its INFO says `master`
//!   UpdateConfiguration ◀─ all follow, or time is over ─ ReconfigureReplicas
//! ```
//!
//! Until the promoted replica says that it is a master, a failover that does not get on is given
//! up. From then on its outcome is everybody's configuration, and it can only end.

use std::cmp::Reverse;

use crate::core::Core;
use crate::flaw::flawed;
use crate::link::{Asked, LinkId};
use crate::master::{Failover, Master, Peer, Reconfiguration, Replica, Role, Stage};
use crate::output::{Level, Output};

/// How long replicas are waited for that have not said how much they have.
const NEWS_MS: u64 = 500;

/// Sentinels that notice at the same moment stand for election one after the other, so far apart,
/// and two messages with their answers more: longer than a vote takes to be kept and heard of.
const TURN_MS: u64 = 40;

/// However slow the links are, nobody waits longer for one turn.
const TURN_MS_MAX: u64 = 500;

/// So many take turns. More would wait longer than it pays.
const TURNS_MAX: usize = 5;

/// Whoever knows nobody to promote lets others go first for so long: one that was reset while the
/// master was away may know of no replicas.
const HOPELESS_MS: u64 = 2_000;

impl Master {
    /// Begins a failover if enough Sentinels want one, and none was begun too short ago.
    pub fn fails_over_if_needed(&mut self, core: &mut Core) -> bool {
        let agreed = match flawed!(core, IgnoreQuorum) {
            true => self.base.is_down(),
            false => self.agreed_down_since_ms.is_some(),
        };
        if !agreed || self.failover.is_some() {
            return false;
        }
        let pause_ms = self.failover_timeout_ms.saturating_mul(2);
        if let Some(tried_ms) = self.tried_ms
            && core.since_ms(tried_ms) < pause_ms
            && !flawed!(core, RetryAtOnce)
        {
            if self.delay_logged_ms != Some(tried_ms) {
                self.delay_logged_ms = Some(tried_ms);
                let in_ms = tried_ms
                    .saturating_add(pause_ms)
                    .saturating_sub(core.now_ms);
                let when = core.calendar(in_ms);
                let line =
                    format!("Next failover delay: I will not start a failover before {when}");
                core.log(Level::Warning, line);
            }
            return false;
        }
        let agreed_ms = self.agreed_down_since_ms.unwrap_or(0);
        let waited_ms = self.tried_ms.map(|ms| ms.saturating_add(pause_ms));
        if core.since_ms(agreed_ms.max(waited_ms.unwrap_or(0))) < self.turn_ms(core) {
            return false;
        }
        self.begin_failover(core, false);
        true
    }

    /// How long this Sentinel lets others go first. Without that all who lose the master at once
    /// vote for themselves, and nobody is elected until all have waited for long.
    fn turn_ms(&self, core: &Core) -> u64 {
        let is_before = |(id, peer): &(&String, &Peer)| **id < core.id && !peer.base.is_down();
        let before = self.peers.iter().filter(is_before);
        let round_trips = before.map(|(_, peer)| core.links.get(peer.base.link).round_trip_ms);
        let turns = round_trips.map(|took_ms| (TURN_MS + 2 * took_ms).min(TURN_MS_MAX));
        let turn_ms = turns.take(TURNS_MAX).sum();
        match self.select_replica(core) {
            Some(_) => turn_ms,
            None => turn_ms + HOPELESS_MS,
        }
    }

    pub fn begin_failover(&mut self, core: &mut Core, is_forced: bool) {
        core.epoch += 1;
        self.failover = Some(Failover {
            epoch: core.epoch,
            stage: Stage::WaitStart,
            changed_ms: core.now_ms,
            is_forced,
            promoted: None,
        });
        let epoch = core.epoch.to_string();
        self.tell(core, Level::Warning, "+new-epoch", epoch);
        self.tell_self(core, Level::Warning, "+try-failover");
        self.tried_ms = Some(core.now_ms + core.draw_pause_ms());
    }

    /// Goes as far as it can without hearing anything more.
    pub fn advance_failover(&mut self, core: &mut Core) {
        loop {
            let stage = self.stage();
            match stage {
                None | Some(Stage::UpdateConfiguration) => return,
                Some(Stage::WaitStart) => self.wait_for_votes(core),
                Some(Stage::SelectReplica) => self.select(core),
                Some(Stage::SendPromotion) => self.promote(core),
                Some(Stage::WaitPromotion) => self.give_up_late_promotion(core),
                Some(Stage::ReconfigureReplicas) => self.reconfigure_replicas(core),
            }
            if self.stage() == stage {
                return;
            }
        }
    }

    fn enter(&mut self, core: &Core, stage: Stage) {
        if let Some(failover) = &mut self.failover {
            failover.stage = stage;
            failover.changed_ms = core.now_ms;
        }
    }

    fn abort(&mut self, core: &mut Core, channel: &str, about: String) {
        self.tell(core, Level::Warning, channel, about);
        self.abandon_failover();
    }

    /// Others have gone on without this failover.
    pub fn abandon_failover(&mut self) {
        self.failover = None;
        for replica in self.replicas.values_mut() {
            replica.reconfiguration = Reconfiguration::None;
        }
    }

    fn is_late(&self, core: &Core) -> bool {
        let limit_ms = self.failover_timeout_ms;
        let failover = self.failover.as_ref();
        failover.is_some_and(|failover| core.since_ms(failover.changed_ms) > limit_ms)
    }

    fn wait_for_votes(&mut self, core: &mut Core) {
        let Some(failover) = &mut self.failover else {
            return;
        };
        // Failovers of other masters count the same epochs. Votes are given in the latest only.
        if !failover.is_forced {
            failover.epoch = core.epoch;
        }
        let failover = failover.clone();
        let leader = self.count_votes(core, failover.epoch);
        if leader.as_ref() != Some(&core.id) && !failover.is_forced {
            let limit_ms = core.periods.election_ms.min(self.failover_timeout_ms);
            let tried_ms = self.tried_ms.unwrap_or(failover.changed_ms);
            if core.since_ms(tried_ms) > limit_ms {
                let about = self.about(core);
                self.abort(core, "-failover-abort-not-elected", about);
            }
            return;
        }
        self.tell_self(core, Level::Warning, "+elected-leader");
        if core.failures.after_election {
            core.out.push(Output::Crash);
        }
        self.enter(core, Stage::SelectReplica);
        self.tell_self(core, Level::Warning, "+failover-state-select-slave");
    }

    fn select(&mut self, core: &mut Core) {
        if self.waits_for_news(core) {
            return;
        }
        let Some(name) = self.select_replica(core) else {
            let about = self.about(core);
            return self.abort(core, "-failover-abort-no-good-slave", about);
        };
        self.tell_replica(core, Level::Warning, "+selected-slave", &name);
        if let Some(failover) = &mut self.failover {
            failover.promoted = Some(name.clone());
        }
        self.enter(core, Stage::SendPromotion);
        let channel = "+failover-state-send-slaveof-noone";
        self.tell_replica(core, Level::Notice, channel, &name);
    }

    /// What replicas said while the master lived is outdated: how much they have now decides. They
    /// are asked, and waited for a little.
    fn waits_for_news(&self, core: &mut Core) -> bool {
        let Some(failover) = &self.failover else {
            return false;
        };
        let is_old = |replica: &Replica| match self.base.down_since_ms {
            Some(down_since_ms) => replica.base.last_info_ms < Some(down_since_ms),
            None => !replica.base.informs_within(core, 3 * core.periods.info_ms),
        };
        let old = self.replicas.values().filter(|replica| {
            let is_there = core.links.get(replica.base.link).is_up() && !replica.base.is_down();
            is_there && is_old(replica)
        });
        let links = old.map(|replica| replica.base.link).collect::<Vec<_>>();
        if links.is_empty() || core.since_ms(failover.changed_ms) >= NEWS_MS {
            return false;
        }
        self.ask_for_news(core, &links);
        true
    }

    /// Asks nodes for their state, unless they are to say it already.
    pub fn ask_for_news(&self, core: &mut Core, links: &[LinkId]) {
        for link in links {
            if !core.links.get(*link).awaits(Asked::Info(self.id)) {
                self.ask_info(core, *link);
            }
        }
    }

    /// The replica to promote: of those that are well, the one with the lowest priority, then with
    /// the most data, then with the smallest run id.
    pub fn select_replica(&self, core: &Core) -> Option<String> {
        let is_well = |replica: &&Replica| {
            let link = core.links.get(replica.base.link);
            let fresh_ms = match self.base.is_down() {
                true => 5 * core.periods.ping_ms,
                false => 3 * core.periods.info_ms,
            };
            !replica.base.is_down()
                && link.is_up()
                && core.since_ms(link.last_valid_ms) <= 5 * core.periods.ping_ms
                && replica.priority > 0
                && replica.base.informs_within(core, fresh_ms)
        };
        let well = || self.replicas.values().filter(is_well);
        let gone_ms = match self.base.role {
            Role::Master => self.gone_ms(core),
            // Nobody is the master, and this Sentinel may have begun to watch long after the last
            // one was. Who has been without one for the shortest time is not outdated.
            Role::Replica => {
                let shortest_ms = well().map(|replica| replica.link_down_ms).min();
                self.gone_ms(core).max(shortest_ms.unwrap_or(0))
            }
        };
        let link_down_max_ms = gone_ms.saturating_add(self.down_after_ms.saturating_mul(10));
        let rank = |replica: &&Replica| {
            let id = replica.base.run_id.clone();
            (
                replica.priority,
                Reverse(replica.offset),
                id.is_none(),
                id.map(|id| id.to_ascii_lowercase()),
            )
        };
        let best = well()
            .filter(|replica| replica.link_down_ms <= link_down_max_ms)
            .min_by_key(rank);
        best.map(|replica| replica.base.name.clone())
    }

    /// For how long replicas may have been without this master at least. One that says it is a
    /// replica has been none since before it was asked.
    fn gone_ms(&self, core: &Core) -> u64 {
        let Some(since_ms) = self.base.down_since_ms else {
            return 0;
        };
        let down_ms = core.since_ms(since_ms);
        match self.base.role {
            Role::Master => down_ms,
            Role::Replica => {
                let role_ms = core.since_ms(self.base.role_since_ms);
                down_ms.max(role_ms + core.periods.info_ms)
            }
        }
    }

    fn promoted(&self) -> Option<&Replica> {
        let name = self.failover.as_ref()?.promoted.as_ref()?;
        self.replicas.get(name)
    }

    fn promote(&mut self, core: &mut Core) {
        let Some(promoted) = self.promoted() else {
            return;
        };
        let (name, link) = (promoted.base.name.clone(), promoted.base.link);
        if !core.links.get(link).is_up() {
            return self.give_up_late_promotion(core);
        }
        if !self.send_replica_of(core, link, "NO", "ONE") {
            return;
        }
        // Its answer to this says whether it has become a master.
        self.ask_info(core, link);
        let channel = "+failover-state-wait-promotion";
        self.tell_replica(core, Level::Notice, channel, &name);
        self.enter(core, Stage::WaitPromotion);
    }

    fn give_up_late_promotion(&mut self, core: &mut Core) {
        if self.is_late(core) {
            let about = self.about(core);
            self.abort(core, "-failover-abort-slave-timeout", about);
        }
    }

    /// The promoted replica says that it is a master: this is the configuration from now on.
    pub fn promotion_succeeded(&mut self, core: &mut Core) {
        let Some((name, epoch)) = self.failover.as_ref().and_then(|failover| {
            let name = failover.promoted.clone()?;
            Some((name, failover.epoch))
        }) else {
            return;
        };
        self.config_epoch = epoch;
        self.enter(core, Stage::ReconfigureReplicas);
        core.save();
        self.tell_replica(core, Level::Warning, "+promoted-slave", &name);
        if core.failures.after_promotion {
            core.out.push(Output::Crash);
        }
        self.tell_self(core, Level::Warning, "+failover-state-reconf-slaves");
        let to = self.current_address().clone();
        self.call_client_script(core, "leader", &self.base.address, &to);
        self.publish_everywhere(core);
    }

    /// Tells replicas to follow the promoted one, a few at a time, and ends when all do.
    fn reconfigure_replicas(&mut self, core: &mut Core) {
        let busy = |replica: &&Replica| {
            matches!(
                replica.reconfiguration,
                Reconfiguration::Sent { .. } | Reconfiguration::InProgress
            )
        };
        let mut under_way = self.replicas.values().filter(busy).count();
        let limit = self.parallel_syncs.max(1) as usize;
        for name in self.replicas.keys().cloned().collect::<Vec<_>>() {
            if under_way >= limit {
                break;
            }
            if self.is_promoted(&name) {
                continue;
            }
            let replica = &self.replicas[&name];
            let (link, state) = (replica.base.link, replica.reconfiguration);
            match state {
                Reconfiguration::Sent { at_ms }
                    if core.since_ms(at_ms) > core.periods.reconfigure_ms =>
                {
                    self.tell_replica(core, Level::Notice, "-slave-reconf-sent-timeout", &name);
                    self.set_reconfiguration(&name, Reconfiguration::Done);
                }
                Reconfiguration::None
                    if core.links.get(link).is_up() && self.point_to_promoted(core, &name) =>
                {
                    under_way += 1;
                    self.tell_replica(core, Level::Notice, "+slave-reconf-sent", &name);
                }
                _ => {}
            }
        }
        self.end_if_all_follow(core);
    }

    pub fn set_reconfiguration(&mut self, name: &str, state: Reconfiguration) {
        if let Some(replica) = self.replicas.get_mut(name) {
            replica.reconfiguration = state;
        }
    }

    fn point_to_promoted(&mut self, core: &mut Core, name: &str) -> bool {
        let Some(link) = self.replicas.get(name).map(|replica| replica.base.link) else {
            return false;
        };
        let to = self.current_address().clone();
        let (host, port) = (core.announced(&to), to.port.to_string());
        let is_sent = self.send_replica_of(core, link, &host, &port);
        if is_sent {
            let at_ms = core.now_ms;
            self.set_reconfiguration(name, Reconfiguration::Sent { at_ms });
        }
        is_sent
    }

    fn end_if_all_follow(&mut self, core: &mut Core) {
        let is_late = self.is_late(core);
        // One that is gone cannot be waited for without end: it is the master that is down, then.
        let is_gone = self
            .promoted()
            .is_none_or(|promoted| promoted.base.is_down());
        if is_gone && !is_late {
            return;
        }
        let is_left = |replica: &&Replica| {
            replica.reconfiguration != Reconfiguration::Done
                && !replica.base.is_down()
                && !self.is_promoted(&replica.base.name)
        };
        let mut left = self.replicas.values().filter(is_left).count();
        if is_late {
            left = 0;
            self.tell_self(core, Level::Warning, "+failover-end-for-timeout");
        }
        if left > 0 {
            return;
        }
        self.tell_self(core, Level::Warning, "+failover-end");
        self.enter(core, Stage::UpdateConfiguration);
        if !is_late {
            return;
        }
        // Whoever was not told yet is told now, and nobody waits for it.
        let untold = self.replicas.values().filter(|replica| {
            replica.reconfiguration == Reconfiguration::None
                && !self.is_promoted(&replica.base.name)
                && core.links.get(replica.base.link).is_up()
        });
        let untold = untold.map(|replica| replica.base.name.clone());
        for name in untold.collect::<Vec<_>>() {
            if self.point_to_promoted(core, &name) {
                self.tell_replica(core, Level::Notice, "+slave-reconf-sent-be", &name);
            }
        }
    }

    /// Watches the promoted replica as the master.
    pub fn finish_failover(&mut self, core: &mut Core) {
        if self.stage() != Some(Stage::UpdateConfiguration) {
            return;
        }
        let from = self.base.address.clone();
        let to = self.current_address().clone();
        // The state is over before peers are heard again, so that they are told the same by it.
        self.tell_switch(core, &from, &to);
        self.move_to(core, to);
    }

    /// Whether this master is there, and has said so lately.
    pub fn looks_sane(&self, core: &Core) -> bool {
        self.base.role == Role::Master
            && !self.base.is_down()
            && self.agreed_down_since_ms.is_none()
            && self.base.informs_within(core, 2 * core.periods.info_ms)
    }
}
