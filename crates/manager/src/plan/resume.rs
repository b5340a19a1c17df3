//! What a move that was cut short has left behind, and what ends it.
//!
//! Nodes remember by themselves what was going on: an open slot names the node at the other end.
//!
//! ```text
//!   source migrating   target importing   owner     what there is to do
//!   yes                yes                source    copy the rest, then hand over
//!   no                 yes                source    open the source, copy, hand over
//!   yes                no                 source    open the target, copy, hand over
//!   yes                no                 target    tell the rest who the owner is
//!   yes                no                 both      the same: the source has not heard of it
//! ```

use super::Move;
use crate::view::View;

/// What is to be done about slots that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Moves to be done from their first step; steps that were done before do no harm.
    pub moves: Vec<Move>,
    /// Slots whose owner has changed, and not everybody has heard.
    pub told: Vec<(u16, usize)>,
    /// Slots that tell no such story. They are for `fix`.
    pub unclear: Vec<u16>,
}

/// Reads what was going on from the marks.
pub fn plan(view: &View) -> Leftovers {
    let mut found = Leftovers::default();
    for slot in view.open_slots() {
        match story(view, slot) {
            Some((owner, target)) if owner == target => found.told.push((slot, owner)),
            Some((source, target)) => found.moves.push(Move {
                slot,
                source,
                target,
            }),
            None => found.unclear.push(slot),
        }
    }
    found
}

/// The owner of a slot, and where it goes.
fn story(view: &View, slot: u16) -> Option<(usize, usize)> {
    let owners = view.owners(slot);
    let owner = match *owners.as_slice() {
        [owner] => owner,
        [one, other] => {
            let goes = |from: usize, to: usize| {
                view.nodes[from].migrates(slot) == Some(view.nodes[to].id.as_str())
            };
            let heir = match (goes(one, other), goes(other, one)) {
                (true, false) => other,
                (false, true) => one,
                _ => return None,
            };
            return Some((heir, heir));
        }
        _ => return None,
    };
    let importing: Vec<usize> = view
        .primaries()
        .filter(|&node| view.nodes[node].imports(slot).is_some())
        .collect();
    let others_migrate = view
        .primaries()
        .filter(|&node| node != owner && view.nodes[node].migrates(slot).is_some());
    let named = view.nodes[owner].migrates(slot).map(|id| view.find(id));
    match (named, importing.as_slice()) {
        (Some(Some(target)), []) => Some((owner, target)),
        (Some(Some(target)), [only]) if *only == target => Some((owner, target)),
        (None, [only]) => {
            let from = view.nodes[*only].imports(slot).and_then(|id| view.find(id));
            (from == Some(owner)).then_some((owner, *only))
        }
        (None, []) => {
            let all_here = others_migrate
                .map(|node| view.nodes[node].migrates(slot))
                .all(|id| id.and_then(|id| view.find(id)) == Some(owner));
            all_here.then_some((owner, owner))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::view;

    #[test]
    fn every_row_of_the_table_is_told_apart() {
        let mut view = view(&[0..10, 10..20, 20..30]);
        let mark = |id: &str, slot| (slot, id.to_owned());
        view.nodes[0].migrating = vec![mark("b", 1), mark("b", 3), mark("gone", 5)];
        view.nodes[1].importing = vec![mark("a", 1), mark("a", 2)];
        view.nodes[1].migrating = vec![mark("a", 4)];
        view.nodes[2].importing = vec![mark("gone", 6), mark("c", 11)];
        let found = plan(&view);
        let to_b = |slot| Move {
            slot,
            source: 0,
            target: 1,
        };
        assert_eq!(found.moves, [to_b(1), to_b(2), to_b(3)]);
        assert_eq!(found.told, [(4, 0)]);
        view.nodes[1].slots.insert(3);
        assert_eq!(plan(&view).told, [(3, 1), (4, 0)]);
        assert_eq!(found.unclear, [5, 6, 11]);
    }
}
