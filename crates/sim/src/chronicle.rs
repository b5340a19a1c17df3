//! What has happened, kept by one who sees everything: the judge of the invariants.
//!
//! Each position of each history has one digest, whoever is there. A history that was given another
//! name is the same one up to where the name changed, so its past is looked up under the old name.

use std::collections::BTreeMap;
use std::fmt;

use replication::{History, ReplicationId};

/// A promise that was broken, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

/// A place in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub id: ReplicationId,
    pub offset: u64,
}

/// A write that replicas have confirmed to a client.
#[derive(Clone, Debug)]
struct Confirmed {
    place: Place,
    nodes: Vec<usize>,
}

#[derive(Debug, Default)]
pub struct Chronicle {
    digests: BTreeMap<Place, u64>,
    /// What a history was called before, and up to where.
    parents: BTreeMap<ReplicationId, Place>,
    /// How far each node has ever been in each history.
    reached: Vec<BTreeMap<ReplicationId, u64>>,
    confirmed: Vec<Confirmed>,
    violation: Option<Violation>,
}

impl Chronicle {
    pub fn of(nodes: usize) -> Chronicle {
        Chronicle {
            reached: vec![BTreeMap::new(); nodes],
            ..Chronicle::default()
        }
    }

    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub fn accuse(&mut self, invariant: &'static str, what: String) {
        self.violation.get_or_insert(Violation { invariant, what });
    }

    fn oldest_name(&self, mut place: Place) -> Place {
        while let Some(parent) = self.parents.get(&place.id)
            && place.offset <= parent.offset
        {
            place.id = parent.id;
        }
        place
    }

    /// A node calls its history so. Its second name says what it was.
    pub fn name(&mut self, node: usize, history: &History) {
        let Some(second) = history.second else {
            return;
        };
        if second.id == history.id {
            self.accuse(
                "D2",
                format!("node {node} calls two histories {}", history.id),
            );
            return;
        }
        let parent = Place {
            id: second.id,
            offset: second.limit - 1,
        };
        let known = *self.parents.entry(history.id).or_insert(parent);
        // Who has come later remembers an earlier end of the same past, or another part of it.
        if parent.id == known.id && parent.offset > known.offset {
            let what = format!("node {node} says {parent:?} is the past, but that is {known:?}");
            self.accuse("D2", what);
        }
    }

    /// D1: a node that stands at a place holds what everybody held there.
    pub fn stand(&mut self, node: usize, place: Place, digest: u64) {
        let reached = self.reached[node].entry(place.id).or_default();
        *reached = (*reached).max(place.offset);
        let place = self.oldest_name(place);
        let known = *self.digests.entry(place).or_insert(digest);
        if known != digest {
            let what = format!("node {node} holds {digest:x} at {place:?}, others held {known:x}");
            self.accuse("D1", what);
        }
    }

    /// D2: a stream goes on only from where its history has been.
    pub fn resume(&mut self, node: usize, place: Place, digest: u64) {
        let oldest = self.oldest_name(place);
        if !self.digests.contains_key(&oldest) {
            let what = format!("node {node} goes on from {place:?}, where nobody has been");
            self.accuse("D2", what);
        }
        self.stand(node, place, digest);
    }

    /// The nodes that have processed a place of this very history.
    fn processed(&self, place: Place) -> Vec<usize> {
        let oldest = self.oldest_name(place);
        let has = |(&id, &max): (&ReplicationId, &u64)| {
            let offset = place.offset;
            max >= offset && self.oldest_name(Place { id, offset }) == oldest
        };
        let nodes = self.reached.iter().enumerate();
        nodes
            .filter(|(_, reached)| reached.iter().any(has))
            .map(|(node, _)| node)
            .collect()
    }

    /// D4: what is said to be confirmed by so many has been processed by so many others.
    pub fn confirm(&mut self, primary: usize, place: Place, count: u32) {
        let nodes = self
            .processed(place)
            .into_iter()
            .filter(|node| *node != primary);
        let nodes = nodes.collect::<Vec<_>>();
        if nodes.len() < count as usize {
            let what =
                format!("node {primary} counts {count} for {place:?}, but only {nodes:?} have it");
            self.accuse("D4", what);
        }
        if count > 0 {
            self.confirmed.push(Confirmed { place, nodes });
        }
    }

    /// D5: a planned failover loses nothing, for the target has processed all there is.
    pub fn hand_over(&mut self, node: usize, place: Place, target: usize) {
        if !self.processed(place).contains(&target) {
            let what = format!("node {node} gives its role at {place:?} to {target}, who lacks it");
            self.accuse("D5", what);
        }
    }

    /// D5: whoever was chosen for having the most has what any of the candidates had confirmed.
    pub fn elect(&mut self, node: usize, at: Place, candidates: &[(usize, Place)]) {
        for Confirmed { place, nodes } in &self.confirmed {
            let (place, oldest) = (*place, self.oldest_name(*place));
            let has = |at: Place| {
                let then = Place {
                    id: at.id,
                    offset: place.offset,
                };
                at.offset >= place.offset && self.oldest_name(then) == oldest
            };
            let holder = candidates
                .iter()
                .find(|(node, at)| nodes.contains(node) && has(*at));
            if let Some((holder, _)) = holder
                && !has(at)
            {
                let what = format!("node {node} at {at:?} lacks {place:?}, which {holder} has");
                self.accuse("D5", what);
                return;
            }
        }
    }

    /// Whether a place belongs to the same history as another, not after it.
    pub fn is_past(&self, past: Place, of: Place) -> bool {
        let then = Place {
            id: of.id,
            offset: past.offset,
        };
        past.offset <= of.offset && self.oldest_name(then) == self.oldest_name(past)
    }
}
