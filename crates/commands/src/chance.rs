//! Choosing elements by chance: what SRANDMEMBER and HRANDFIELD have in common.

use engine::{Args, Context, Error};
use stdx::number::parse_i64;
use stdx::prng::Prng;

/// How many elements a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// So many different ones, or all.
    Different(usize),
    /// So many, each chosen among all.
    Repeated(u64),
}

impl Wanted {
    /// Reads a count: negative for elements that may come again.
    pub fn parse(args: &mut Args<'_>) -> Result<Wanted, Error> {
        match parse_i64(args.bytes()?).ok_or(Error::NotInteger)? {
            i64::MIN => Err(Error::text(
                "ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            )),
            count @ 0.. => Ok(Wanted::Different(count as usize)),
            count => Ok(Wanted::Repeated(count.unsigned_abs())),
        }
    }

    pub fn count(self) -> u64 {
        match self {
            Wanted::Different(count) => count as u64,
            Wanted::Repeated(count) => count,
        }
    }
}

/// A source of chance of its own, which a closure may keep.
pub(crate) fn prng(cx: &mut Context<'_>) -> Prng {
    Prng::new(cx.worker.prng.next_u64())
}

/// Whether `wanted` of `len` elements are so few that drawing some twice costs less than looking
/// at all.
pub(crate) fn are_few(wanted: usize, len: usize) -> bool {
    wanted < len / 4
}

/// Chooses `wanted` of `len` items, every choice being equally likely. They stay in their order.
///
/// Each item is taken with the chance that is due to it: as many as are missing, of as many as are
/// left.
pub(crate) fn choose<T>(
    items: impl Iterator<Item = T>,
    len: usize,
    wanted: usize,
    mut random: Prng,
) -> impl Iterator<Item = T> {
    let (mut left, mut missing) = (len as u64, wanted as u64);
    items.filter(move |_| {
        let is_chosen = random.below(left) < missing;
        left -= 1;
        missing -= u64::from(is_chosen);
        is_chosen
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..10_000 {
            let chosen: Vec<usize> = choose(0..5, 5, 2, Prng::new(seed)).collect();
            *counts.entry(chosen).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 10, "two of five");
        assert!(
            counts.values().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn all_or_none_may_be_wanted() {
        assert!(choose(0..5, 5, 5, Prng::new(1)).eq(0..5));
        assert_eq!(choose(0..5, 5, 0, Prng::new(1)).count(), 0);
    }
}
