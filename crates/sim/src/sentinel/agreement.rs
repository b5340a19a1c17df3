//! Whether everybody is of one mind.

use crate::sentinel::site::Tenant;
use crate::sentinel::world::{World, name_of};

impl World {
    /// What keeps everybody from being of one mind.
    pub fn disagreement(&self) -> Option<String> {
        (0..self.options.groups).find_map(|group| self.disagreement_of(group))
    }

    pub(super) fn disagreement_of(&self, group: usize) -> Option<String> {
        let nodes = self.nodes_of(group);
        let Some(master) = self.master_of(group) else {
            return Some(format!("group {group} has not one master"));
        };
        let place = self.place(master);
        for site in nodes.filter(|site| *site != master) {
            let node = self.node(site);
            if node.master.as_ref() != Some(&place) || !node.is_linked {
                return Some(format!(
                    "node {site} follows {:?}, linked: {}, and not {place:?}",
                    node.master, node.is_linked
                ));
            }
        }
        let name = name_of(group);
        let mut epochs = Vec::new();
        for site in &self.sites {
            let Tenant::Sentinel(sentinel) = &site.tenant else {
                continue;
            };
            let Some(machine) = &sentinel.machine else {
                return Some("a Sentinel is dead".to_owned());
            };
            let mut watched = machine.watched();
            let watched = watched.find(|watched| watched.name == name)?;
            let is_quiet = watched.failover.is_none() && !watched.is_down && !machine.is_tilted();
            let knows_all = watched.peers + 1 == self.options.sentinels
                && watched.replicas + 1 == self.options.nodes;
            if watched.current != place || !is_quiet || !knows_all {
                return Some(format!("{place:?} is not what is watched: {watched:?}"));
            }
            epochs.push(watched.config_epoch);
        }
        epochs.dedup();
        (epochs.len() > 1).then(|| format!("epochs of group {group}: {epochs:?}"))
    }

    pub fn nodes_of(&self, group: usize) -> std::ops::Range<usize> {
        let nodes = self.options.nodes;
        group * nodes..(group + 1) * nodes
    }

    /// The one node of a group that is up and follows nobody.
    pub fn master_of(&self, group: usize) -> Option<usize> {
        let is_master = |site: &usize| self.sites[*site].is_up && self.node(*site).master.is_none();
        let mut masters = self.nodes_of(group).filter(is_master);
        let master = masters.next()?;
        masters.next().is_none().then_some(master)
    }

    /// A node that no Sentinel knows, because one was reset while the node was away, is nobody's
    /// business but the operator's: he attaches it again.
    pub fn adopt_orphans(&mut self) {
        let mut known = Vec::new();
        let mut current = None;
        for site in &self.sites {
            let Tenant::Sentinel(sentinel) = &site.tenant else {
                continue;
            };
            let Some(machine) = &sentinel.machine else {
                return;
            };
            known.extend(machine.statements().into_iter().flatten());
            let places = machine.watched().map(|watched| {
                let name = watched.name.to_owned();
                (name, watched.current)
            });
            current.get_or_insert(places.collect::<Vec<_>>());
        }
        for group in 0..self.options.groups {
            let name = name_of(group);
            let current = current.iter().flatten();
            let place = { current }.find(|(known, _)| *known == name);
            let Some((_, place)) = place.cloned() else {
                continue;
            };
            for site in self.nodes_of(group) {
                let orphan = self.place(site);
                if known.contains(&orphan.0.clone().into_bytes()) || !self.sites[site].is_up {
                    continue;
                }
                self.follow(site, Some(place.clone()));
                // Whoever follows an orphan of his own has nobody to be replaced by.
                if let Some(master) = self.site_at(&place.0)
                    && self.node(master).master == Some(orphan)
                {
                    self.follow(master, None);
                }
            }
        }
    }
}
