//! The cardinality that ranks tell of: the improved raw estimator of Otmar Ertl ("New cardinality
//! estimation algorithms for HyperLogLog sketches", 2017), which needs no table of corrections.

use super::{RANK_BITS, RANK_MAX, RANKS, REGISTERS};

/// 1 / (2 ln 2), the correction for infinitely many registers.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate, by how many registers have which rank.
///
/// A cardinality that no `i64` holds, as ranks that no element has may give, is the least one.
pub fn cardinality(histogram: &[u32; RANKS]) -> i64 {
    let registers = REGISTERS as f64;
    let saturated = f64::from(histogram[RANK_MAX]);
    let mut sum = registers * tau((registers - saturated) / registers);
    for rank in (1..=RANK_BITS as usize).rev() {
        sum = (sum + f64::from(histogram[rank])) * 0.5;
    }
    sum += registers * sigma(f64::from(histogram[0]) / registers);
    let estimate = (ALPHA * registers * registers / sum).round();
    if estimate < i64::MAX as f64 {
        estimate as i64
    } else {
        i64::MIN
    }
}

/// x + x² + 2x⁴ + 4x⁸ + ..., for what the empty registers hide.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// A third of 1 - x - (1 - √x)²/2 - (1 - ⁴√x)²/4 - ..., for what the saturated registers hide.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}
