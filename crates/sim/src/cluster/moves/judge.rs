//! What holds of migrations: at every look (S), and when all is over (Q).

use crate::chronicle::Violation;
use crate::cluster::broken;
use crate::cluster::site::Site;
use crate::cluster::world::World;

/// How long a migration holds writes, if nobody sleeps or waits for a disk.
const HELD_MAX_MS: u64 = 20_000;

impl World {
    /// Q: no migration is under way, nothing is hidden anywhere, and each slot has one owner.
    pub(super) fn has_settled(&self) -> bool {
        let owners = |slot: u16| {
            let owns = |site: &&Site| site.is_primary() && site.owns(slot);
            self.sites.iter().filter(owns).count()
        };
        let is_over = self
            .moves
            .as_ref()
            .is_none_or(|moves| moves.leaving.is_empty());
        is_over
            && World::slots().all(|slot| owners(slot) == 1)
            && self.sites.iter().all(|site| {
                site.imports.is_empty() && site.data.hidden.is_empty() && site.held.is_empty()
            })
    }

    /// L4, S: no writes are held for ever, however many failures there are. Where no majority
    /// answers none would run, and whose the slots are is settled behind that.
    pub(in crate::cluster) fn audit_moves(&mut self) {
        let Some(moves) = &mut self.moves else {
            return;
        };
        let (sites, now_ms) = (&self.sites, self.now_ms);
        for leaving in moves.leaving.values_mut() {
            let site = &sites[leaving.node];
            if site.lease_ms <= site.local(now_ms) && leaving.holds_since_ms.is_some() {
                leaving.holds_since_ms = Some(now_ms);
            }
        }
        let slack_ms = 10 * self.options.timeout_ms;
        let too_long = moves.leaving.iter().find(|(_, leaving)| {
            let held_ms = leaving
                .holds_since_ms
                .map(|since_ms| self.now_ms - since_ms);
            held_ms.is_some_and(|held_ms| held_ms > HELD_MAX_MS + slack_ms)
        });
        if let Some((name, leaving)) = too_long {
            let what = format!(
                "migration {name} holds writes for ever: {:?}",
                leaving.export
            );
            self.accuse("L4", what);
        }
    }

    /// Q: one owner of each slot, who has each acknowledged write once, in order.
    pub(super) fn judge_moves(&mut self) -> Result<(), Violation> {
        for slot in World::slots() {
            let owns = |node: &usize| {
                let site = &self.sites[*node];
                site.is_primary() && site.owns(slot)
            };
            let owners: Vec<usize> = (0..self.sites.len()).filter(owns).collect();
            let [owner] = owners[..] else {
                return broken("D9", format!("slot {slot} has the owners {owners:?}"));
            };
            let data = &self.sites[owner].data;
            let tags = data.slots.get(&slot).map_or(&[][..], Vec::as_slice);
            if tags.windows(2).any(|pair| pair[0] >= pair[1]) {
                return broken("D9", format!("slot {slot} holds {tags:?} at node {owner}"));
            }
            let written = self.moves.as_ref().map(|moves| &moves.written);
            let mut written = written.into_iter().flatten();
            let is_lost =
                |(tag, of): &(&u64, &u16)| **of == slot && tags.binary_search(tag).is_err();
            if let Some((tag, _)) = written.find(is_lost) {
                return broken(
                    "D9",
                    format!("write {tag} to slot {slot} is not at node {owner}"),
                );
            }
        }
        Ok(())
    }
}
