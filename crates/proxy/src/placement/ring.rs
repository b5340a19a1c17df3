//! Distributions: which server a hash belongs to.

use stdx::prng::Prng;

use super::hash::md5_words;

/// How hashes are spread over servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// By points on a circle, so that a lost server moves only its own keys.
    Ketama,
    /// By the remainder of a division.
    Modula,
    /// By chance, anew for every key.
    Random,
}

/// Every distribution under the name that configuration files know.
pub const DISTRIBUTIONS: &[(&str, Distribution)] = &[
    ("ketama", Distribution::Ketama),
    ("modula", Distribution::Modula),
    ("random", Distribution::Random),
];

impl Distribution {
    pub fn by_name(name: &[u8]) -> Option<Distribution> {
        let found = DISTRIBUTIONS
            .iter()
            .find(|(text, _)| text.as_bytes() == name);
        found.map(|(_, distribution)| *distribution)
    }
}

/// What a ring must know of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What is hashed for its points, and what statistics call it.
    pub label: String,
    pub weight: u32,
}

/// The order that a pool's servers have before anything else: shorter labels first, then by bytes.
pub fn sort_by_label<T>(servers: &mut [T], label: impl Fn(&T) -> &str) {
    servers.sort_by(|a, b| {
        let (a, b) = (label(a).as_bytes(), label(b).as_bytes());
        (a.len(), a).cmp(&(b.len(), b))
    });
}

/// The servers that take part, laid out for lookups. Servers are told by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    points: Points,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Points {
    /// Ascending by value.
    Circle(Vec<(u32, u32)>),
    /// Each server as often as its weight says.
    List(Vec<u32>),
    Chance(Vec<u32>),
}

impl Default for Points {
    fn default() -> Points {
        Points::List(Vec::new())
    }
}

/// Points of a server whose weight is the average. An MD5 digest gives four of them.
const POINTS_PER_SERVER: f32 = 160.0;
const POINTS_PER_DIGEST: f32 = 4.0;

impl Ring {
    /// `live` are the indices, ascending, of the members that take part.
    pub fn new(distribution: Distribution, members: &[Member], live: &[usize]) -> Ring {
        let indices = live.iter().map(|&index| index as u32);
        let points = match distribution {
            Distribution::Ketama => Points::Circle(circle(members, live)),
            Distribution::Modula => Points::List(
                indices
                    .flat_map(|index| {
                        let weight = members[index as usize].weight;
                        std::iter::repeat_n(index, weight as usize)
                    })
                    .collect(),
            ),
            Distribution::Random => Points::Chance(indices.collect()),
        };
        Ring { points }
    }

    /// The server that `hash` belongs to; none if no server takes part.
    pub fn server(&self, hash: u32, chance: &mut Prng) -> Option<usize> {
        let server = match &self.points {
            Points::Circle(points) => {
                let at = points.partition_point(|&(value, _)| value < hash);
                points.get(at).or(points.first()).map(|&(_, server)| server)
            }
            Points::List(servers) => match servers.len() {
                0 => None,
                len => Some(servers[hash as usize % len]),
            },
            Points::Chance(servers) => match servers.len() {
                0 => None,
                len => Some(servers[chance.below(len as u64) as usize]),
            },
        };
        server.map(|server| server as usize)
    }

    /// The points of a circle, ascending: value and server.
    pub fn circle(&self) -> &[(u32, u32)] {
        match &self.points {
            Points::Circle(points) => points,
            Points::List(_) | Points::Chance(_) => &[],
        }
    }
}

fn circle(members: &[Member], live: &[usize]) -> Vec<(u32, u32)> {
    let weights: u64 = live
        .iter()
        .map(|&index| u64::from(members[index].weight))
        .sum();
    let mut points = Vec::new();
    for &index in live {
        let member = &members[index];
        for digest in 0..digests(member.weight, weights as f32, live.len() as f32) {
            let words = md5_words(format!("{}-{digest}", member.label).as_bytes());
            points.extend(words.map(|value| (value, index as u32)));
        }
    }
    points.sort_by_key(|&(value, _)| value);
    points
}

/// How many digests a server's points take. Each step is rounded to single precision, which is why
/// some numbers of equal servers have 156 points each and not 160.
fn digests(weight: u32, weights: f32, servers: f32) -> u32 {
    let share = weight as f32 / weights;
    let scaled = share * POINTS_PER_SERVER / POINTS_PER_DIGEST * servers;
    let nudged = (f64::from(scaled) + 0.000_000_000_1) as f32;
    nudged.floor() as u32
}
