//! What Sentinels promise, looked at from outside after each of their steps.
//!
//! * N1: one vote per Sentinel and epoch, as told to others, over all its lives; one leader.
//!   Whoever lives again is asked at once for a vote that it has given already.
//! * N2: the epoch of a configuration never goes down in a Sentinel, over all its lives.
//! * N3: a failover begins when a quorum says that the master is down, and is carried out with
//!   the votes of more than half of all known.
//! * N4: after an attempt, or a vote for somebody else's, there is a pause.
//! * N5: who does not trust the clock does nothing.
//!
//! What an operator forces needs no quorum, no votes and no pause.

use std::collections::BTreeMap;

use sentinel::{Machine, Watched};

use crate::chronicle::Violation;
use crate::sentinel::options::Options;

/// For how long a peer's word counts: asked every second, and forgotten after five.
const WORD_MS: u64 = 5_000;

/// What is done only by who trusts the clock.
const ACTIONS: &[&str] = &[
    "+sdown",
    "-sdown",
    "+odown",
    "-odown",
    "+try-failover",
    "+elected-leader",
    "+selected-slave",
    "+promoted-slave",
    "+slave-reconf-sent",
    "+convert-to-slave",
    "+fix-slave-config",
    "+failover-end",
];

#[derive(Debug, Default)]
pub struct Judge {
    /// (voter, master, epoch) to the id it voted for.
    votes: BTreeMap<(usize, String, u64), String>,
    /// (master, epoch) to who was elected.
    leaders: BTreeMap<(String, u64), usize>,
    epochs: BTreeMap<(usize, String), u64>,
    /// (who was told, by whom, of which master) to when, and what.
    words: BTreeMap<(usize, usize, String), (u64, bool)>,
    tried: BTreeMap<(usize, String), u64>,
    pub switches: u64,
}

fn broken(invariant: &'static str, what: String) -> Result<(), Violation> {
    Err(Violation { invariant, what })
}

fn has_forced(machine: &Machine) -> bool {
    let mut failovers = machine.watched().filter_map(|watched| watched.failover);
    failovers.any(|failover| failover.is_forced)
}

impl Judge {
    /// A vote leaves its Sentinel.
    pub fn vote(
        &mut self,
        voter: usize,
        master: &str,
        epoch: u64,
        leader: &str,
    ) -> Result<(), Violation> {
        let key = (voter, master.to_owned(), epoch);
        let known = self.votes.entry(key).or_insert_with(|| leader.to_owned());
        match known == leader {
            true => Ok(()),
            false => broken(
                "N1",
                format!("{voter} votes for {known} and {leader} in epoch {epoch} of {master}"),
            ),
        }
    }

    /// The latest epoch in which a Sentinel is known to have voted, for each master.
    pub fn votes_of(&self, voter: usize) -> BTreeMap<String, u64> {
        let votes = self.votes.keys().filter(|(by, _, _)| *by == voter);
        // Epochs ascend, so the last of a master stays.
        votes
            .map(|(_, master, epoch)| (master.clone(), *epoch))
            .collect()
    }

    /// Somebody was voted for who is not the voter, so the voter waits.
    pub fn yields(&mut self, voter: usize, master: &str, now_ms: u64) {
        self.tried.insert((voter, master.to_owned()), now_ms);
    }

    /// A peer's word arrives.
    pub fn word(&mut self, told: usize, by: usize, master: &str, is_down: bool, now_ms: u64) {
        let key = (told, by, master.to_owned());
        self.words.insert(key, (now_ms, is_down));
    }

    /// A Sentinel begins another life.
    pub fn restart(&mut self, who: usize) {
        self.tried.retain(|(tried, _), _| *tried != who);
        self.words.retain(|(told, _, _), _| *told != who);
    }

    /// A step was made, and all that came of it was done.
    pub fn settle(&mut self, who: usize, machine: &Machine) -> Result<(), Violation> {
        for watched in machine.watched() {
            let key = (who, watched.name.to_owned());
            let epoch = self.epochs.entry(key).or_default();
            if watched.config_epoch < *epoch {
                let what = format!("{who}: {epoch} becomes {}", watched.config_epoch);
                return broken("N2", what);
            }
            *epoch = watched.config_epoch;
        }
        Ok(())
    }

    /// A Sentinel tells its subscribers something.
    pub fn hear(
        &mut self,
        who: usize,
        machine: &Machine,
        (channel, text): (&str, &str),
        was_tilted: bool,
        (now_ms, options): (u64, &Options),
    ) -> Result<(), Violation> {
        let is_forced = channel == "+try-failover" && has_forced(machine);
        let is_tilted = was_tilted && machine.is_tilted();
        if is_tilted && ACTIONS.contains(&channel) && !is_forced {
            return broken("N5", format!("{who}: {channel} {text} in tilt"));
        }
        self.check_event(who, machine, (channel, text), now_ms, options)
    }

    fn check_event(
        &mut self,
        who: usize,
        machine: &Machine,
        (channel, text): (&str, &str),
        now_ms: u64,
        options: &Options,
    ) -> Result<(), Violation> {
        let mut words = text.split(' ');
        let name = match channel {
            "+switch-master" => words.next(),
            _ => words.nth(1),
        };
        let mut watched = machine.watched();
        let Some(watched) = watched.find(|watched| Some(watched.name) == name) else {
            return Ok(());
        };
        let key = (who, watched.name.to_owned());
        match channel {
            "+switch-master" => {
                self.switches += 1;
                self.tried.remove(&key);
                self.words
                    .retain(|(told, _, name), _| *told != who || *name != watched.name);
            }
            "+reset-master" => {
                self.tried.remove(&key);
            }
            "+try-failover" => {
                let is_forced = watched.failover.is_some_and(|failover| failover.is_forced);
                let tried = self.tried.insert(key, now_ms);
                if !is_forced {
                    self.check_begin(who, &watched, tried, now_ms, options)?;
                }
            }
            "+elected-leader" => self.check_election(who, machine.id(), &watched, options)?,
            _ => {}
        }
        Ok(())
    }

    fn check_begin(
        &self,
        who: usize,
        watched: &Watched<'_>,
        tried: Option<u64>,
        now_ms: u64,
        options: &Options,
    ) -> Result<(), Violation> {
        let said = self
            .words
            .iter()
            .filter(|((told, _, name), (at_ms, is_down))| {
                *told == who && name == watched.name && *is_down && now_ms - at_ms <= WORD_MS
            });
        let count = said.count() + usize::from(watched.is_down);
        if count < options.quorum {
            let what = format!(
                "{who} begins with {count} of {}: {watched:?}",
                options.quorum
            );
            return broken("N3", what);
        }
        let pause_ms = 2 * options.failover_timeout_ms;
        match tried {
            Some(tried_ms) if now_ms - tried_ms < pause_ms => broken(
                "N4",
                format!("{who} begins {} ms after the last", now_ms - tried_ms),
            ),
            _ => Ok(()),
        }
    }

    fn check_election(
        &mut self,
        who: usize,
        id: &str,
        watched: &Watched<'_>,
        options: &Options,
    ) -> Result<(), Violation> {
        let Some(failover) = watched.failover.filter(|failover| !failover.is_forced) else {
            return Ok(());
        };
        let name = watched.name;
        self.vote(who, name, failover.epoch, id)?;
        let votes = self.votes.iter().filter(|((_, master, epoch), leader)| {
            master == name && *epoch == failover.epoch && *leader == id
        });
        let count = votes.count();
        let needed = options.quorum.max(watched.peers.div_ceil(2) + 1);
        if count < needed {
            let what = format!("{who} is elected with {count} of {needed} votes");
            return broken("N3", what);
        }
        let key = (name.to_owned(), failover.epoch);
        let leader = *self.leaders.entry(key).or_insert(who);
        match leader == who {
            true => Ok(()),
            false => broken(
                "N1",
                format!("{leader} and {who} lead {name} in epoch {}", failover.epoch),
            ),
        }
    }
}
