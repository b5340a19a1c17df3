//! Who gives to whom, so that all have what their weights say.

use super::Move;
use super::reshard::apportion;
use crate::slots::SLOTS;
use crate::view::View;

/// A node that takes part, and its balance: what it has above what it should have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub node: usize,
    pub weight: f64,
    pub balance: i64,
}

/// So many slots go from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub source: usize,
    pub target: usize,
    pub slots: usize,
}

/// What there is to do about the balance.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// Ascending by balance.
    pub standings: Vec<Standing>,
    pub total_weight: f64,
    /// Whether any node is further from its share than the threshold allows.
    pub needed: bool,
    pub transfers: Vec<Transfer>,
}

/// Compares what nodes have with what their weights say. A weight is a node's number and how much
/// of it there is.
pub fn plan(view: &View, weights: &[(usize, f64)], threshold: f64, rounding: Rounding) -> Balance {
    let total_weight: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let shares = match rounding {
        Rounding::Exact => {
            let weights: Vec<f64> = weights.iter().map(|(_, weight)| *weight).collect();
            apportion(usize::from(SLOTS), &weights)
        }
        Rounding::Classic => weights
            .iter()
            .map(|(_, weight)| (f64::from(SLOTS) / total_weight * weight) as usize)
            .collect(),
    };
    let mut needed = false;
    let mut standings: Vec<Standing> = Vec::new();
    for (&(node, weight), share) in weights.iter().zip(shares) {
        let slots = view.nodes[node].slots.len();
        needed |= exceeds(slots, share, threshold);
        standings.push(Standing {
            node,
            weight,
            balance: slots as i64 - share as i64,
        });
    }
    level(&mut standings);
    standings.sort_by_key(|standing| standing.balance);
    let transfers = transfers(&standings);
    Balance {
        standings,
        total_weight,
        needed,
        transfers,
    }
}

pub use super::reshard::Rounding;

fn exceeds(slots: usize, share: usize, threshold: f64) -> bool {
    if threshold <= 0.0 {
        return false;
    }
    match slots {
        0 => share > 1,
        _ => (100.0 - 100.0 * share as f64 / slots as f64).abs() > threshold,
    }
}

/// Slots that rounding has left without a taker go to those who have too few; if nobody has, to
/// those with a weight.
fn level(standings: &mut [Standing]) {
    let mut left: i64 = standings.iter().map(|standing| standing.balance).sum();
    while left > 0 {
        let before = left;
        for standing in standings.iter_mut() {
            if left > 0 && standing.balance <= 0 && standing.weight > 0.0 {
                standing.balance -= 1;
                left -= 1;
            }
        }
        if left == before {
            let mut weighty = standings.iter_mut().filter(|s| s.weight > 0.0);
            match weighty.next() {
                Some(standing) => standing.balance -= left,
                None => return,
            }
            left = 0;
        }
    }
}

/// Those who have too much give to those who have too little, from both ends.
fn transfers(standings: &[Standing]) -> Vec<Transfer> {
    let mut balances: Vec<(usize, i64)> = standings.iter().map(|s| (s.node, s.balance)).collect();
    let mut transfers = Vec::new();
    let (mut taker, mut giver) = (0, balances.len().saturating_sub(1));
    while taker < giver {
        let slots = balances[taker].1.abs().min(balances[giver].1.abs());
        if slots > 0 {
            transfers.push(Transfer {
                source: balances[giver].0,
                target: balances[taker].0,
                slots: slots as usize,
            });
        }
        balances[taker].1 += slots;
        balances[giver].1 -= slots;
        if balances[taker].1 == 0 {
            taker += 1;
        }
        if balances[giver].1 == 0 {
            giver = giver.saturating_sub(1);
        }
    }
    transfers
}

/// The slots of each transfer, the lowest of each source first.
pub fn moves(view: &View, transfers: &[Transfer]) -> Vec<Vec<Move>> {
    let mut left: Vec<_> = view.nodes.iter().map(|node| node.slots.clone()).collect();
    let mut all = Vec::new();
    for transfer in transfers {
        let slots: Vec<u16> = left[transfer.source].iter().take(transfer.slots).collect();
        slots
            .iter()
            .for_each(|slot| left[transfer.source].remove(*slot));
        let moves = slots.into_iter().map(|slot| Move {
            slot,
            source: transfer.source,
            target: transfer.target,
        });
        all.push(moves.collect());
    }
    all
}

/// Moves that even out what the slots hold, by any measure of it: keys or bytes. Slots without
/// anything stay where they are. `measures` has a number for every slot.
pub fn plan_by_measure(
    view: &View,
    weights: &[(usize, f64)],
    measures: &[u64],
    threshold: f64,
) -> Vec<Move> {
    let measure = |slot: u16| measures[usize::from(slot)];
    let held = |node: usize| view.nodes[node].slots.iter().map(measure).sum::<u64>();
    let total: u64 = weights.iter().map(|(node, _)| held(*node)).sum();
    let shares: Vec<f64> = weights.iter().map(|(_, weight)| *weight).collect();
    let shares = apportion(total as usize, &shares);
    let mut excess: Vec<(usize, i64)> = weights
        .iter()
        .zip(&shares)
        .map(|(&(node, _), &share)| (node, held(node) as i64 - share as i64))
        .collect();
    let slack = shares
        .iter()
        .map(|share| (*share as f64 * threshold / 100.0) as i64);
    let level = excess.iter().zip(slack).all(|((_, e), s)| e.abs() <= s);
    if level {
        return Vec::new();
    }
    let mut moves = Vec::new();
    for giver in 0..excess.len() {
        let source = excess[giver].0;
        let mut slots: Vec<u16> = view.nodes[source].slots.iter().collect();
        slots.retain(|slot| measure(*slot) > 0);
        slots.sort_by_key(|slot| (std::cmp::Reverse(measure(*slot)), *slot));
        for slot in slots {
            let size = measure(slot) as i64;
            let taker = (0..excess.len()).min_by_key(|&index| excess[index].1);
            let Some(taker) = taker.filter(|taker| *taker != giver) else {
                break;
            };
            // A move must not make the taker richer than the giver was poorer for it.
            if excess[giver].1 < size || excess[taker].1 + size > 0 && excess[giver].1 - size < 0 {
                continue;
            }
            if excess[taker].1 + size > excess[giver].1 {
                continue;
            }
            excess[giver].1 -= size;
            excess[taker].1 += size;
            let target = excess[taker].0;
            moves.push(Move {
                slot,
                source,
                target,
            });
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::view;
    use proptest::prelude::*;

    #[test]
    fn an_empty_node_gets_its_share() {
        let view = view(&[0..5461, 5461..10_923, 10_923..16_384, 0..0]);
        let weights = [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)];
        let balance = plan(&view, &weights, 2.0, Rounding::Classic);
        assert!(balance.needed);
        let transfers: Vec<_> = balance
            .transfers
            .iter()
            .map(|t| (t.source, t.target, t.slots))
            .collect();
        assert_eq!(transfers, [(1, 3, 1366), (2, 3, 1365), (0, 3, 1365)]);
        let moves = moves(&view, &balance.transfers);
        assert_eq!((moves[0][0].slot, moves[0][1365].slot), (5461, 6826));
    }

    #[test]
    fn level_clusters_are_left_alone() {
        let view = view(&[0..5461, 5461..10_923, 10_923..16_384]);
        let weights = [(0, 1.0), (1, 1.0), (2, 1.0)];
        assert!(!plan(&view, &weights, 2.0, Rounding::Classic).needed);
    }

    #[test]
    fn a_node_without_weight_is_emptied_and_it_ends() {
        let view = view(&[0..5461, 5461..10_923, 10_923..16_384]);
        for rounding in [Rounding::Classic, Rounding::Exact] {
            let balance = plan(&view, &[(0, 1.0), (1, 1.0), (2, 0.0)], 2.0, rounding);
            let given: usize = balance.transfers.iter().map(|t| t.slots).sum();
            assert_eq!(given, 5461);
            assert!(balance.transfers.iter().all(|t| t.source == 2));
        }
        // Nobody has too few, and slots are left: it must still end.
        let view = self::view(&[0..10, 10..20, 20..16_384]);
        drop(plan(&view, &[(2, 0.0)], 2.0, Rounding::Classic));
        drop(plan(&view, &[(2, 1.0), (0, 0.0)], 2.0, Rounding::Classic));
    }

    #[test]
    fn keys_are_evened_out_with_few_moves() {
        let view = view(&[0..4, 4..8]);
        let mut measures = vec![0; 16_384];
        measures[..8].copy_from_slice(&[100, 50, 30, 20, 0, 0, 0, 0]);
        let moves = plan_by_measure(&view, &[(0, 1.0), (1, 1.0)], &measures, 2.0);
        let moved: u64 = moves.iter().map(|m| measures[usize::from(m.slot)]).sum();
        assert_eq!((moved, moves.len()), (100, 1));
        let drained = plan_by_measure(&view, &[(0, 0.0), (1, 1.0)], &measures, 2.0);
        assert_eq!(drained.len(), 4);
    }

    proptest! {
        #[test]
        fn everything_given_is_taken(cuts in prop::collection::vec(0_u16..16_384, 1..6)) {
            let mut cuts = cuts;
            cuts.extend([0, 16_384]);
            cuts.sort_unstable();
            let parts: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
            let view = view(&parts);
            let weights: Vec<_> = (0..parts.len()).map(|node| (node, 1.0)).collect();
            let balance = plan(&view, &weights, 0.1, Rounding::Exact);
            let mut sizes: Vec<i64> = parts.iter().map(|part| part.len() as i64).collect();
            for moved in moves(&view, &balance.transfers).concat() {
                sizes[moved.source] -= 1;
                sizes[moved.target] += 1;
            }
            let (low, high) = (sizes.iter().min(), sizes.iter().max());
            prop_assert!(high.unwrap() - low.unwrap() <= 1, "{sizes:?}");
        }
    }
}
