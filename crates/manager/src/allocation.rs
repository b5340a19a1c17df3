//! Who becomes a primary, which slots it gets, and who replicates whom, in a cluster to be made.

use stdx::prng::Prng;

use crate::slots::SLOTS;

/// A node that takes part: where it is, as one name for all that fail together.
pub type Zone = String;

/// Who does what. Nodes are numbers in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// Each with its first and its last slot.
    pub primaries: Vec<(usize, u16, u16)>,
    /// Each with the node it replicates, in the order in which they were found.
    pub replicas: Vec<(usize, usize)>,
    /// How many of the replicas were left over when each primary had its number.
    pub extra: usize,
}

/// How nodes are told apart that were not chosen as primaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The first comes last, so that a host's second node does not meet the host's first.
    Once,
    None,
}

/// Deals nodes out: primaries over as many hosts as there are, replicas away from their primary.
pub fn allocate(hosts: &[Zone], replicas: usize, rotation: Rotation) -> Allocation {
    let count = hosts.len() / (replicas + 1);
    let mut rest = interleave(hosts);
    let chosen: Vec<usize> = rest.drain(..count).collect();
    if rotation == Rotation::Once && !rest.is_empty() {
        rest.rotate_left(1);
    }
    let ranges = ranges(count);
    let primaries = chosen.iter().zip(ranges);
    let mut allocation = Allocation {
        primaries: primaries.map(|(&node, (a, b))| (node, a, b)).collect(),
        ..Allocation::default()
    };
    for &primary in &chosen {
        for _ in 0..replicas.min(rest.len()) {
            let replica = take_away_from(&mut rest, hosts, primary);
            allocation.replicas.push((replica, primary));
        }
    }
    allocation.extra = rest.len();
    for &primary in chosen.iter().cycle().take(rest.len()) {
        let replica = take_away_from(&mut rest, hosts, primary);
        allocation.replicas.push((replica, primary));
    }
    allocation
}

/// One node of each host in turn, until there is none left.
fn interleave(hosts: &[Zone]) -> Vec<usize> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, host) in hosts.iter().enumerate() {
        match groups.iter_mut().find(|(name, _)| name == host) {
            Some((_, group)) => group.push(index),
            None => groups.push((host, vec![index])),
        }
    }
    let longest = groups.iter().map(|(_, group)| group.len()).max();
    (0..longest.unwrap_or(0))
        .flat_map(|round| groups.iter().filter_map(move |(_, group)| group.get(round)))
        .copied()
        .collect()
}

/// The first node on another host than the primary's, or else the first.
fn take_away_from(rest: &mut Vec<usize>, hosts: &[Zone], primary: usize) -> usize {
    let elsewhere = rest.iter().position(|&node| hosts[node] != hosts[primary]);
    rest.remove(elsewhere.unwrap_or(0))
}

/// Slots in `count` rows, as equal as whole numbers allow.
pub fn ranges(count: usize) -> Vec<(u16, u16)> {
    let step = f64::from(SLOTS) / count as f64;
    let (mut first, mut cursor) = (0_u16, 0.0);
    (0..count)
        .map(|index| {
            let end = (cursor + step - 1.0_f64).round() as u16;
            let last = match index + 1 == count {
                true => SLOTS - 1,
                false => end.max(first),
            };
            let range = (first, last);
            first = last + 1;
            cursor += step;
            range
        })
        .collect()
}

/// How bad it is that nodes share hosts, and the replicas that make it so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affinity {
    pub score: u64,
    pub offenders: Vec<usize>,
}

/// What a replica beside its own primary costs, where two replicas together cost one each.
pub const BESIDE_PRIMARY: u64 = 10_000;

/// Judges who shares a host with whom.
pub fn affinity(hosts: &[Zone], allocation: &Allocation) -> Affinity {
    let mut found = Affinity::default();
    for &(primary, _, _) in &allocation.primaries {
        let group = allocation.replicas.iter().filter(|(_, of)| *of == primary);
        let group: Vec<usize> = group.map(|(replica, _)| *replica).collect();
        let mut judged: Vec<&str> = Vec::new();
        for &replica in &group {
            let host = hosts[replica].as_str();
            if judged.contains(&host) {
                continue;
            }
            judged.push(host);
            let together: Vec<usize> = group
                .iter()
                .copied()
                .filter(|&other| hosts[other] == host)
                .collect();
            if hosts[primary] == host {
                found.score += BESIDE_PRIMARY * together.len() as u64;
                found.offenders.extend(together);
            } else if together.len() > 1 {
                found.score += together.len() as u64;
                found.offenders.extend(together);
            }
        }
    }
    found
}

/// Exchanges replicas while that makes it better, or at least no worse. Returns what it was before
/// and what it is.
pub fn optimize(hosts: &[Zone], allocation: &mut Allocation, random: &mut Prng) -> (u64, u64) {
    let before = affinity(hosts, allocation).score;
    let mut current = before;
    for _ in 0..500 * hosts.len() {
        let judged = affinity(hosts, allocation);
        current = judged.score;
        if current == 0 || allocation.replicas.len() < 2 {
            break;
        }
        let drawn = random.below(judged.offenders.len() as u64) as usize;
        let offender = judged.offenders[drawn];
        let one = allocation.replicas.iter().position(|(r, _)| *r == offender);
        let one = one.expect("an offender is a replica");
        let step = 1 + random.below(allocation.replicas.len() as u64 - 1) as usize;
        let other = (one + step) % allocation.replicas.len();
        exchange(allocation, one, other);
        let after = affinity(hosts, allocation).score;
        match after <= current {
            true => current = after,
            false => exchange(allocation, one, other),
        }
    }
    (before, current)
}

fn exchange(allocation: &mut Allocation, one: usize, other: usize) {
    let primary = allocation.replicas[one].1;
    allocation.replicas[one].1 = allocation.replicas[other].1;
    allocation.replicas[other].1 = primary;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> Vec<Zone> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn slots_are_cut_as_operators_know_them() {
        assert_eq!(ranges(3), [(0, 5460), (5461, 10_922), (10_923, 16_383)]);
        let firsts = |count| ranges(count).iter().map(|r| r.0).collect::<Vec<_>>();
        assert_eq!(firsts(5), [0, 3277, 6554, 9830, 13_107]);
        assert_eq!(firsts(7), [0, 2341, 4681, 7022, 9362, 11_703, 14_043]);
    }

    #[test]
    fn one_host_is_dealt_in_order() {
        let dealt = allocate(&hosts("aaaaaa"), 1, Rotation::None);
        assert_eq!(dealt.replicas, [(3, 0), (4, 1), (5, 2)]);
        let dealt = allocate(&hosts("aaaaaa"), 1, Rotation::Once);
        assert_eq!(dealt.replicas, [(4, 0), (5, 1), (3, 2)]);
        assert_eq!(affinity(&hosts("aaaaaa"), &dealt).score, 30_000);
    }

    #[test]
    fn replicas_go_to_other_hosts() {
        let hosts = hosts("aabbcc");
        let dealt = allocate(&hosts, 1, Rotation::Once);
        let primaries: Vec<usize> = dealt.primaries.iter().map(|p| p.0).collect();
        assert_eq!(primaries, [0, 2, 4]);
        assert_eq!(dealt.replicas, [(3, 0), (5, 2), (1, 4)]);
        assert_eq!(affinity(&hosts, &dealt), Affinity::default());
    }

    #[test]
    fn what_is_left_over_is_dealt_one_each() {
        let dealt = allocate(&hosts("aaaaaaaa"), 1, Rotation::None);
        assert_eq!((dealt.primaries.len(), dealt.extra), (4, 0));
        let dealt = allocate(&hosts("abcabcab"), 1, Rotation::None);
        assert_eq!(dealt.extra, 0);
        let dealt = allocate(&hosts("abcabca"), 1, Rotation::None);
        assert_eq!((dealt.primaries.len(), dealt.extra), (3, 1));
        assert_eq!(dealt.replicas.len(), 4);
    }

    #[test]
    fn exchanges_find_what_can_be_found() {
        let hosts = hosts("aabbcc");
        let mut dealt = allocate(&hosts, 1, Rotation::Once);
        dealt.replicas = vec![(1, 0), (3, 2), (5, 4)];
        let (before, after) = optimize(&hosts, &mut dealt, &mut Prng::new(1));
        assert_eq!((before, after), (30_000, 0));
        assert!(dealt.replicas.iter().all(|&(r, p)| hosts[r] != hosts[p]));
    }

    proptest! {
        #[test]
        fn every_node_and_every_slot_is_dealt_once(
            hosts in "[a-d]{3,30}",
            replicas in 0_usize..4,
            seed in any::<u64>(),
        ) {
            let hosts = self::hosts(&hosts);
            prop_assume!(hosts.len() / (replicas + 1) > 0);
            let mut dealt = allocate(&hosts, replicas, Rotation::Once);
            optimize(&hosts, &mut dealt, &mut Prng::new(seed));
            let mut nodes: Vec<usize> = dealt.primaries.iter().map(|p| p.0).collect();
            nodes.extend(dealt.replicas.iter().map(|r| r.0));
            nodes.sort_unstable();
            prop_assert_eq!(nodes, (0..hosts.len()).collect::<Vec<_>>());
            let mut next = 0;
            for (_, first, last) in &dealt.primaries {
                prop_assert_eq!(*first, next);
                next = last + 1;
            }
            prop_assert_eq!(next, SLOTS);
        }
    }
}
