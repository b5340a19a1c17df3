//! What to do about slots that are open, or that nobody serves.
//!
//! A slot that claims of nodes, marks and stray keys say different things about has one rightful
//! owner: who claims it. A node without a claim is never made the owner because of keys it holds,
//! unless the owner itself has marked the slot as going there, or nobody claims it at all.

use crate::node::Node;
use crate::view::View;
use crate::voice::Dialect;

/// What is known of a slot: how many keys each node holds in it, by the node's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub slot: u16,
    pub keys: Vec<u64>,
}

/// What to say or to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Heading(String),
    Warning(String),
    Bad(String),
    Line(String),
    /// Ends the migration at this node.
    Stable(usize),
    /// The node takes the slot, whatever it thought of it, and tells so with the highest epoch.
    Claim(usize),
    /// The node gives up its claim, if it has one.
    Release(usize),
    /// The node hears who the owner is.
    Tell {
        node: usize,
        owner: usize,
    },
    /// The node is ready to give the slot's keys away although it is no owner.
    Import {
        node: usize,
        from: usize,
    },
    /// Opens the slot on both ends, moves its keys and tells everybody.
    Move {
        source: usize,
        target: usize,
    },
    /// Moves the keys alone.
    Carry {
        source: usize,
        target: usize,
    },
}

/// There is nobody to make the owner. What there was to say has been gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hopeless(pub Vec<Step>);

/// What marks and keys say about an open slot.
struct Marks {
    owner: Option<usize>,
    /// Claimants, and under redis-cli whoever holds keys.
    owners: Vec<usize>,
    migrating: Vec<usize>,
    importing: Vec<usize>,
}

struct Repair<'a> {
    view: &'a View,
    facts: &'a Facts,
    dialect: Dialect,
    steps: Vec<Step>,
}

/// The steps that close an open slot.
pub fn open_slot(view: &View, facts: &Facts, dialect: Dialect) -> Result<Vec<Step>, Hopeless> {
    let mut repair = Repair {
        view,
        facts,
        dialect,
        steps: Vec::new(),
    };
    let mut marks = repair.read_marks();
    if marks.owner.is_none() {
        repair.choose_owner(&mut marks);
    }
    match marks.owner {
        Some(owner) => {
            repair.close(owner, &marks);
            Ok(repair.steps)
        }
        None => Err(Hopeless(repair.steps)),
    }
}

impl Repair<'_> {
    fn keys(&self, node: usize) -> u64 {
        self.facts.keys[node]
    }

    fn node(&self, node: usize) -> &Node {
        &self.view.nodes[node]
    }

    fn place(&self, node: usize) -> String {
        self.node(node).place().to_string()
    }

    fn places(&self, nodes: &[usize]) -> String {
        let places: Vec<String> = nodes.iter().map(|&node| self.place(node)).collect();
        places.join(",")
    }

    fn heading(&mut self, text: String) {
        self.steps.push(Step::Heading(text));
    }

    fn read_marks(&mut self) -> Marks {
        let slot = self.facts.slot;
        self.heading(format!(">>> Fixing open slot {slot}"));
        let claimants = self.view.owners(slot);
        let mut owners = claimants.clone();
        if self.dialect == Dialect::Cli {
            for node in self.view.primaries() {
                if self.keys(node) > 0 && !claimants.contains(&node) {
                    owners.push(node);
                    let place = self.place(node);
                    self.steps.push(Step::Warning(format!(
                        "*** Found keys about slot {slot} in non-owner node {place}!"
                    )));
                }
            }
            owners.sort_unstable();
        }
        let owner = match owners.as_slice() {
            // Keys alone make no owner.
            [only] => claimants.contains(only).then_some(*only),
            _ => None,
        };
        let (mut migrating, mut importing) = (Vec::new(), Vec::new());
        for node in self.view.primaries() {
            if self.node(node).migrates(slot).is_some() {
                migrating.push(node);
            } else if self.node(node).imports(slot).is_some() {
                importing.push(node);
            } else if self.keys(node) > 0 && owner != Some(node) {
                let place = self.place(node);
                self.steps.push(Step::Warning(format!(
                    "*** Found keys about slot {slot} in node {place}!"
                )));
                importing.push(node);
            }
        }
        let always = self.dialect == Dialect::Trib;
        for (name, nodes) in [("migrating", &migrating), ("importing", &importing)] {
            if always || !nodes.is_empty() {
                let places = self.places(nodes);
                self.steps
                    .push(Step::Line(format!("Set as {name} in: {places}")));
            }
        }
        Marks {
            owner,
            owners,
            migrating,
            importing,
        }
    }

    /// Decides who is to have the slot, makes it so, and has the others hold their keys ready.
    fn choose_owner(&mut self, marks: &mut Marks) {
        let slot = self.facts.slot;
        self.heading(match self.dialect {
            Dialect::Trib => ">>> Nobody claims ownership, selecting an owner...".to_owned(),
            Dialect::Cli => ">>> No single clear owner for the slot, selecting an owner by # of \
                             keys..."
                .to_owned(),
            Dialect::Ochre => format!(">>> Slot {slot} has no single owner, choosing one..."),
        });
        let Some(owner) = self.best_owner(marks) else {
            self.steps.push(Step::Bad(
                "[ERR] Can't select a slot owner. Impossible to fix.".to_owned(),
            ));
            return;
        };
        let place = self.place(owner);
        self.steps.push(Step::Warning(format!(
            "*** Configuring {place} as the slot owner"
        )));
        self.steps.extend([Step::Stable(owner), Step::Claim(owner)]);
        marks.owner = Some(owner);
        marks.migrating.retain(|&node| node != owner);
        marks.importing.retain(|&node| node != owner);
        for node in marks.owners.clone().into_iter().filter(|&n| n != owner) {
            self.steps.push(Step::Release(node));
            self.steps.push(Step::Tell { node, owner });
            self.steps.push(Step::Import { node, from: owner });
            marks.migrating.retain(|&other| other != node);
            if !marks.importing.contains(&node) {
                marks.importing.push(node);
            }
        }
    }

    fn best_owner(&self, marks: &Marks) -> Option<usize> {
        let slot = self.facts.slot;
        let claimants = self.view.owners(slot);
        let most_keys = |nodes: &mut dyn Iterator<Item = usize>| {
            nodes.min_by_key(|&node| (std::cmp::Reverse(self.keys(node)), node))
        };
        match claimants.as_slice() {
            [claimant] => {
                // A slot on its way may as well be at home at the other end.
                let destination = self.node(*claimant).migrates(slot);
                let destination = destination.and_then(|id| self.view.find(id));
                let agreed = destination.filter(|node| marks.importing.contains(node));
                most_keys(&mut claimants.iter().copied().chain(agreed))
            }
            [] => {
                let holder = most_keys(&mut self.view.primaries().filter(|&n| self.keys(n) > 0));
                let marked = marks.importing.iter().chain(&marks.migrating).copied();
                holder.or_else(|| marked.min())
            }
            several => several
                .iter()
                .copied()
                .max_by_key(|&node| self.node(node).config_epoch),
        }
    }

    fn close(&mut self, owner: usize, marks: &Marks) {
        match (marks.migrating.as_slice(), marks.importing.as_slice()) {
            (&[source], &[target]) if source == owner => self.move_on(source, target),
            ([], [_, ..]) => self.gather(owner, &marks.importing),
            (&[source], importing @ [_, _, ..])
                if source == owner && importing.iter().all(|&node| self.keys(node) == 0) =>
            {
                self.choose_target(source, importing);
            }
            (&[only], []) if only == owner || self.keys(only) == 0 => self.shut(only),
            ([], []) => {}
            _ => {
                let others: Vec<usize> = marks
                    .migrating
                    .iter()
                    .chain(&marks.importing)
                    .copied()
                    .filter(|&node| node != owner)
                    .collect();
                if marks.migrating.contains(&owner) {
                    self.steps.push(Step::Stable(owner));
                }
                self.gather(owner, &others);
            }
        }
    }

    fn move_on(&mut self, source: usize, target: usize) {
        let slot = self.facts.slot;
        if self.dialect != Dialect::Trib {
            let (from, to) = (self.place(source), self.place(target));
            self.heading(format!(
                ">>> Case 1: Moving slot {slot} from {from} to {to}"
            ));
        }
        self.steps.push(Step::Move { source, target });
    }

    /// All keys go to the owner.
    fn gather(&mut self, owner: usize, holders: &[usize]) {
        let (slot, place) = (self.facts.slot, self.place(owner));
        let case = match self.dialect {
            Dialect::Trib => "",
            _ => "Case 2: ",
        };
        self.heading(format!(
            ">>> {case}Moving all the {slot} slot keys to its owner {place}"
        ));
        for &source in holders.iter().filter(|&&node| node != owner) {
            let from = self.place(source);
            let marked = self.node(source);
            if marked.migrates(slot).is_none() && marked.imports(slot).is_none() {
                // Without a mark the node would send its keys' readers away, us included.
                self.steps.push(Step::Import {
                    node: source,
                    from: owner,
                });
            }
            self.steps.push(Step::Carry {
                source,
                target: owner,
            });
            self.heading(format!(">>> Setting {slot} as STABLE in {from}"));
            self.steps.push(Step::Stable(source));
        }
        for node in self.view.primaries().filter(|&node| node != owner) {
            self.steps.push(Step::Tell { node, owner });
        }
    }

    fn choose_target(&mut self, source: usize, importing: &[usize]) {
        let (slot, from) = (self.facts.slot, self.place(source));
        let named = self.node(source).migrates(slot);
        let named = named.and_then(|id| self.view.find(id));
        match named.filter(|node| importing.contains(node)) {
            Some(target) => {
                let to = self.place(target);
                self.heading(format!(
                    ">>> Case 3: Moving slot {slot} from {from} to {to} and closing it on all the \
                     other importing nodes."
                ));
                self.steps.push(Step::Move { source, target });
                let others = importing.iter().filter(|&&node| node != target);
                self.steps.extend(others.map(|&node| Step::Stable(node)));
            }
            None => {
                self.heading(format!(
                    ">>> Case 3: Closing slot {slot} on both migrating and importing nodes."
                ));
                let all = std::iter::once(source).chain(importing.iter().copied());
                self.steps.extend(all.map(Step::Stable));
            }
        }
    }

    fn shut(&mut self, node: usize) {
        if self.dialect != Dialect::Trib {
            let (slot, place) = (self.facts.slot, self.place(node));
            self.heading(format!(">>> Case 4: Closing slot {slot} on {place}"));
        }
        self.steps.push(Step::Stable(node));
    }
}

/// Slots that nobody serves, told apart by where their keys are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uncovered {
    pub empty: Vec<u16>,
    /// With the node that holds the keys.
    pub single: Vec<(u16, usize)>,
    /// With all nodes that hold keys, those with most first.
    pub several: Vec<(u16, Vec<usize>)>,
}

pub fn uncovered(facts: &[Facts]) -> Uncovered {
    let mut found = Uncovered::default();
    for Facts { slot, keys } in facts {
        let mut holders: Vec<usize> = (0..keys.len()).filter(|&node| keys[node] > 0).collect();
        holders.sort_by_key(|&node| (std::cmp::Reverse(keys[node]), node));
        match holders.as_slice() {
            [] => found.empty.push(*slot),
            [only] => found.single.push((*slot, *only)),
            _ => found.several.push((*slot, holders)),
        }
    }
    found
}

/// Who serves slots without keys: always the primary that has fewest slots by then.
pub fn cover_empty(view: &View, slots: &[u16]) -> Vec<(u16, usize)> {
    let mut sizes: Vec<(usize, usize)> = view
        .primaries()
        .map(|node| (view.nodes[node].slots.len(), node))
        .collect();
    let mut covered = Vec::with_capacity(slots.len());
    for &slot in slots {
        if let Some(least) = sizes.iter_mut().min() {
            covered.push((slot, least.1));
            least.0 += 1;
        }
    }
    covered
}

/// The steps that bring a slot's keys together at the first of its holders.
pub fn gather_uncovered(holders: &[usize]) -> Vec<Step> {
    let Some((&target, others)) = holders.split_first() else {
        return Vec::new();
    };
    let mut steps = vec![Step::Claim(target), Step::Stable(target)];
    for &source in others {
        steps.extend([
            Step::Tell {
                node: source,
                owner: target,
            },
            Step::Import {
                node: source,
                from: target,
            },
            Step::Carry { source, target },
            Step::Stable(source),
        ]);
    }
    steps
}

#[cfg(test)]
mod tests;
