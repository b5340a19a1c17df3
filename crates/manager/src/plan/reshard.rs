//! Which slots to take from whom, when one node is to get a number of them.

use super::Move;
use crate::view::View;

/// How shares are rounded that are no whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Up for the largest source and down for the others, as it has always been done. The sum may
    /// be less than what was asked for.
    Classic,
    /// By largest remainder: the sum is what was asked for, if there is as much.
    Exact,
}

/// Takes `count` slots from the sources in proportion to what they have, the lowest first.
pub fn plan(
    view: &View,
    sources: &[usize],
    target: usize,
    count: usize,
    rounding: Rounding,
) -> Vec<Move> {
    let mut sources = sources.to_vec();
    sources.sort_by_key(|&node| std::cmp::Reverse(view.nodes[node].slots.len()));
    let sizes: Vec<usize> = sources.iter().map(|&n| view.nodes[n].slots.len()).collect();
    let shares = match rounding {
        Rounding::Classic => classic_shares(&sizes, count),
        Rounding::Exact => {
            let weights: Vec<f64> = sizes.iter().map(|size| *size as f64).collect();
            apportion(count.min(sizes.iter().sum()), &weights)
        }
    };
    let mut moves = Vec::new();
    for (&source, share) in sources.iter().zip(shares) {
        let left = count - moves.len();
        let slots = view.nodes[source].slots.iter().take(share.min(left));
        moves.extend(slots.map(|slot| Move {
            slot,
            source,
            target,
        }));
    }
    moves
}

fn classic_shares(sizes: &[usize], count: usize) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let share = |(index, size): (usize, &usize)| {
        let exact = count as f32 / total as f32 * *size as f32;
        match index {
            0 => exact.ceil() as usize,
            _ => exact.floor() as usize,
        }
    };
    sizes.iter().enumerate().map(share).collect()
}

/// Cuts a whole number in proportion to weights, by largest remainder. The sum is the number.
pub fn apportion(whole: usize, weights: &[f64]) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights
        .iter()
        .map(|weight| whole as f64 * weight / total)
        .collect();
    let mut shares: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    order.sort_by(|&a, &b| {
        let remainder = |i: usize| exact[i] - exact[i].floor();
        remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b))
    });
    let missing = whole.saturating_sub(shares.iter().sum());
    for &index in order.iter().cycle().take(missing) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::view;
    use proptest::prelude::*;

    #[test]
    fn the_classic_rounding_may_lose_slots() {
        let view = view(&[0..5461, 5461..10_923, 10_923..16_384, 0..0]);
        let moves = plan(&view, &[0, 1, 2], 3, 5, Rounding::Classic);
        let moves: Vec<(u16, usize)> = moves.iter().map(|m| (m.slot, m.source)).collect();
        assert_eq!(moves, [(5461, 1), (5462, 1), (0, 0), (10_923, 2)]);
        assert_eq!(plan(&view, &[0, 1, 2], 3, 5, Rounding::Exact).len(), 5);
    }

    #[test]
    fn nobody_gives_more_than_there_is() {
        let view = view(&[0..3, 3..4, 4..4]);
        for rounding in [Rounding::Classic, Rounding::Exact] {
            assert_eq!(plan(&view, &[0, 1], 2, 100, rounding).len(), 4);
            assert_eq!(plan(&view, &[2], 0, 5, rounding), []);
        }
    }

    proptest! {
        #[test]
        fn shares_are_near_and_sum_up(
            whole in 0_usize..20_000,
            weights in prop::collection::vec(0.0_f64..10.0, 1..10),
        ) {
            let shares = apportion(whole, &weights);
            let total: f64 = weights.iter().sum();
            prop_assume!(total > 0.0);
            prop_assert_eq!(shares.iter().sum::<usize>(), whole);
            for (share, weight) in shares.iter().zip(weights) {
                let exact = whole as f64 * weight / total;
                prop_assert!((*share as f64 - exact).abs() <= 1.0, "{} {}", share, exact);
            }
        }
    }
}
