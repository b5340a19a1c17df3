//! A spare replica moves to a primary that has lost all of its own.

use super::{Machine, Turn};
use crate::node::Flags;
use crate::output::Level;
use crate::table::Seat;

/// How long a primary is an orphan before it is helped: its replicas may just be starting.
const PATIENCE_MS: u64 = 5000;

impl Machine {
    /// The replica with the smallest name among those of the primaries that have most of them
    /// goes, so that one goes although nobody asks the others.
    pub(super) fn look_after_orphans(&mut self, turn: &mut Turn<'_>) {
        let Some(primary) = self.my().primary else {
            return;
        };
        let healthy = self.count_healthy_replicas();
        let count = |seat: Seat| healthy[usize::from(seat.0)];
        let mut orphan = None;
        for seat in self.nodes.seats() {
            let node = &mut self.nodes[seat];
            let is_orphan = node.is_voter()
                && !node.has_failed()
                && node.flags.has(Flags::MIGRATE_TO)
                && count(seat) == 0;
            match is_orphan {
                true => {
                    node.orphaned_ms.get_or_insert(turn.view.now_ms);
                    orphan = orphan.or(Some(seat));
                }
                false => node.orphaned_ms = None,
            }
        }
        let most = self.nodes.iter().filter(|(_, node)| node.is_primary());
        let most = most.map(|(seat, _)| count(seat)).max().unwrap_or(0);
        let spare = count(primary);
        let may_go = self.health.is_ok()
            && self.settings.allow_replica_migration
            && spare > self.settings.migration_barrier
            && spare >= 2
            && spare == most;
        let Some(orphan) = orphan.filter(|_| may_go) else {
            return;
        };
        let since_ms = self.nodes[orphan].orphaned_ms.unwrap_or(turn.now());
        let is_patient = turn.now().saturating_sub(since_ms) <= PATIENCE_MS;
        if is_patient || !self.is_the_one_to_go(most, &healthy) {
            return;
        }
        let id = self.nodes[orphan].id;
        turn.log(Level::Warning, format!("Migrating to orphaned master {id}"));
        self.follow(orphan, turn);
    }

    /// For each seat, how many replicas of it are there.
    fn count_healthy_replicas(&self) -> Vec<u32> {
        let mut counts = vec![0; self.nodes.width()];
        for (_, node) in self.nodes.iter() {
            if let Some(primary) = node.primary.filter(|_| !node.has_failed()) {
                counts[usize::from(primary.0)] += 1;
            }
        }
        counts
    }

    fn is_the_one_to_go(&self, most: u32, healthy: &[u32]) -> bool {
        let mine = self.my().id;
        let goes_first = |(_, node): (Seat, &crate::node::Node)| {
            let of = node.primary.filter(|_| !node.has_failed());
            of.is_some_and(|of| healthy[usize::from(of.0)] == most) && node.id < mine
        };
        !self.nodes.iter().any(goes_first)
    }
}
