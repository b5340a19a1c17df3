//! What is known of a cluster: its nodes, and what is wrong with it.

use std::collections::BTreeMap;

use crate::node::Node;
use crate::slots::SlotSet;

/// What is known of a cluster. Nodes stand in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub nodes: Vec<Node>,
    /// Primaries that are listed, and could not be asked.
    pub unreachable_primaries: usize,
    /// Nodes that are listed, and could not be asked.
    pub unreachable: Vec<Node>,
    /// What each node says of the slots.
    pub signatures: Vec<String>,
}

impl View {
    /// The node of this id, in any case of letters.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.id.eq_ignore_ascii_case(id))
    }

    /// Nodes whose id begins so.
    pub fn find_all(&self, prefix: &str) -> Vec<usize> {
        let begins = |node: &Node| {
            let start = node.id.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        (0..self.nodes.len())
            .filter(|&index| begins(&self.nodes[index]))
            .collect()
    }

    pub fn primaries(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|&index| self.nodes[index].is_primary())
    }

    pub fn replicas_of(&self, id: &str) -> usize {
        let of = |node: &&Node| node.primary.as_deref() == Some(id);
        self.nodes.iter().filter(of).count()
    }

    /// The primary with the fewest replicas, the first of several.
    pub fn poorest_primary(&self) -> Option<usize> {
        self.primaries()
            .min_by_key(|&index| self.replicas_of(&self.nodes[index].id))
    }

    /// Replicas whose primary is not among the nodes.
    pub fn orphans(&self) -> impl Iterator<Item = &Node> {
        let known = |id: &str| self.nodes.iter().any(|node| node.id == id);
        self.nodes
            .iter()
            .filter(move |node| node.primary.as_deref().is_some_and(|id| !known(id)))
    }

    pub fn nodes_agree(&self) -> bool {
        self.signatures.windows(2).all(|pair| pair[0] == pair[1])
    }

    pub fn covered(&self) -> SlotSet {
        let mut covered = SlotSet::default();
        for node in &self.nodes {
            covered.extend(&node.slots);
        }
        covered
    }

    /// In ascending order.
    pub fn uncovered(&self) -> Vec<u16> {
        let covered = self.covered();
        (0..crate::slots::SLOTS)
            .filter(|slot| !covered.contains(*slot))
            .collect()
    }

    /// Slots that are on their way somewhere, in ascending order.
    pub fn open_slots(&self) -> Vec<u16> {
        let open = self
            .nodes
            .iter()
            .flat_map(|node| node.migrating.iter().chain(&node.importing));
        open.map(|(slot, _)| *slot)
            .collect::<SlotSet>()
            .iter()
            .collect()
    }

    /// Primaries that hold a slot by their own word.
    pub fn owners(&self, slot: u16) -> Vec<usize> {
        self.primaries()
            .filter(|&index| self.nodes[index].slots.contains(slot))
            .collect()
    }

    /// What the bus would take for a division: the config epochs that several primaries share.
    pub fn shared_epochs(&self) -> Vec<u64> {
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        for index in self.primaries() {
            *counts.entry(self.nodes[index].config_epoch).or_default() += 1;
        }
        let shared = counts.into_iter().filter(|(_, count)| *count > 1);
        shared.map(|(epoch, _)| epoch).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A view of primaries `a`, `b`, ... with these slots.
    pub fn view(slots: &[std::ops::Range<u16>]) -> View {
        let nodes = slots.iter().zip(b'a'..).map(|(slots, letter)| Node {
            id: char::from(letter).to_string(),
            host: "h".to_owned(),
            port: u16::from(letter),
            flags: vec!["master".to_owned()],
            slots: slots.clone().collect(),
            config_epoch: u64::from(letter),
            ..Node::default()
        });
        View {
            nodes: nodes.collect(),
            ..View::default()
        }
    }

    #[test]
    fn what_is_wrong_is_found() {
        let mut view = view(&[0..10, 5..16_383]);
        assert_eq!(view.uncovered(), [16_383]);
        assert_eq!((view.owners(7), view.owners(0)), (vec![0, 1], vec![0]));
        view.nodes[0].migrating.push((9, "b".to_owned()));
        view.nodes[1].importing.push((4, "a".to_owned()));
        assert_eq!(view.open_slots(), [4, 9]);
        view.nodes[1].config_epoch = view.nodes[0].config_epoch;
        assert_eq!(view.shared_epochs(), [97]);
        view.signatures = vec!["x".to_owned(), "x".to_owned()];
        assert!(view.nodes_agree());
        view.signatures.push("y".to_owned());
        assert!(!view.nodes_agree());
    }

    #[test]
    fn nodes_are_found_by_their_id_or_its_beginning() {
        let mut view = view(&[0..1, 1..2, 2..3]);
        view.nodes[2].id = "bc".to_owned();
        assert_eq!((view.find("B"), view.find("x")), (Some(1), None));
        assert_eq!(view.find_all("b"), [1, 2]);
        view.nodes[2].flags = vec!["slave".to_owned()];
        view.nodes[2].primary = Some("a".to_owned());
        assert_eq!(
            (view.replicas_of("a"), view.poorest_primary()),
            (1, Some(1))
        );
        assert_eq!(view.orphans().count(), 0);
        view.nodes[2].primary = Some("z".to_owned());
        assert_eq!(view.orphans().count(), 1);
    }
}
