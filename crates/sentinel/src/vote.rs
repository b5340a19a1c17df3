//! One vote of each Sentinel per epoch, and who has won.

use std::collections::BTreeMap;

use crate::core::Core;
use crate::flaw::flawed;
use crate::master::Master;
use crate::output::Level;

impl Master {
    /// Votes for a candidate, unless this epoch's vote is given already. Returns for whom the vote
    /// is, and of which epoch. A vote is on the disk before anybody hears of it.
    pub fn vote(&mut self, core: &mut Core, epoch: u64, candidate: &str) -> (Option<String>, u64) {
        if core.see_epoch(epoch) {
            self.tell(core, Level::Warning, "+new-epoch", epoch.to_string());
        }
        let is_open = self.leader_epoch < epoch || flawed!(core, VoteTwice);
        if is_open && core.epoch <= epoch {
            self.leader = Some(candidate.to_owned());
            self.leader_epoch = core.epoch;
            core.save();
            let text = format!("{candidate} {}", self.leader_epoch);
            self.tell(core, Level::Warning, "+vote-for-leader", text);
            // Whoever was voted for has his time before this Sentinel tries itself.
            if candidate != core.id {
                self.tried_ms = Some(core.now_ms + core.draw_pause_ms());
            }
        }
        (self.leader.clone(), self.leader_epoch)
    }

    /// Who has the votes of more than half of all that are known, and of a quorum. This Sentinel's
    /// own goes to whoever leads, or to itself.
    pub fn count_votes(&mut self, core: &mut Core, epoch: u64) -> Option<String> {
        let mut votes = BTreeMap::<String, usize>::new();
        for peer in self.peers.values() {
            if let Some(leader) = &peer.leader
                && peer.leader_epoch == epoch
            {
                *votes.entry(leader.clone()).or_default() += 1;
            }
        }
        let most = |votes: &BTreeMap<String, usize>| {
            let most = votes.iter().max_by_key(|(_, count)| **count);
            most.map(|(leader, count)| (leader.clone(), *count))
        };
        let candidate = most(&votes).map_or_else(|| core.id.clone(), |(leader, _)| leader);
        let (own, own_epoch) = self.vote(core, epoch, &candidate);
        if let Some(own) = own
            && own_epoch == epoch
        {
            *votes.entry(own).or_default() += 1;
        }
        let voters = self.peers.len() + 1;
        let needed = match flawed!(core, IgnoreMajority) {
            true => 1,
            false => (voters / 2 + 1).max(self.quorum as usize),
        };
        most(&votes)
            .filter(|(_, count)| *count >= needed)
            .map(|(leader, _)| leader)
    }
}
