use stdx::prng::Prng;

use super::hash::{HASHES, Hash};
use super::ring::{Distribution, Member, Ring, sort_by_label};
use super::roster::{Ejection, Roster};
use super::tagged;

const VECTORS: &str = include_str!("vectors.tsv");

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').collect())
}

fn key(text: &str) -> Vec<u8> {
    let digits = text.trim_start_matches('-').as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_hash_of_every_key_is_the_known_one() {
    let mut keys = Vec::new();
    let mut checked = 0;
    for row in rows() {
        match row[0] {
            "hash-keys" => keys = row[1..].iter().map(|text| key(text)).collect(),
            "hash" => {
                let hash = Hash::by_name(row[1].as_bytes()).unwrap();
                for (key, wanted) in keys.iter().zip(&row[2..]) {
                    assert_eq!(hash.of(key).to_string(), **wanted, "{hash:?} of {key:?}");
                    checked += 1;
                }
            }
            _ => {}
        }
    }
    assert_eq!(checked, HASHES.len() * keys.len());
}

/// What a pool of the vectors says, checked row by row.
#[derive(Default)]
struct Checker {
    keys: Vec<Vec<u8>>,
    members: Vec<Member>,
    live: Vec<usize>,
    maps: usize,
}

impl Checker {
    fn check(&mut self, row: &[&str]) {
        match row[0] {
            "keys" => self.keys = row[1..].iter().map(|text| key(text)).collect(),
            "pool" => self.start(&row[2..]),
            "sorted" => {
                let labels: Vec<&str> = self.members.iter().map(|m| m.label.as_str()).collect();
                assert_eq!(labels, row[1..]);
            }
            "counts" => {
                let ring = Ring::new(Distribution::Ketama, &self.members, &self.live);
                let count = |server: usize| {
                    let points = ring.circle().iter();
                    points
                        .filter(|&&(_, owner)| owner as usize == server)
                        .count()
                        .to_string()
                };
                let counts: Vec<String> = self.live.iter().map(|&server| count(server)).collect();
                assert_eq!(counts, row[1..]);
            }
            "first" | "last" => self.check_points(row[0] == "first", &row[1..]),
            "out" => {
                let out: usize = row[1].parse().unwrap();
                self.live.retain(|&server| server != out);
            }
            "map" => self.check_map(row),
            _ => {}
        }
    }

    fn start(&mut self, servers: &[&str]) {
        let member = |text: &&str| {
            let (label, weight) = text.rsplit_once('=').unwrap();
            let weight = weight.parse().unwrap();
            Member {
                label: label.to_owned(),
                weight,
            }
        };
        self.members = servers.iter().map(member).collect();
        sort_by_label(&mut self.members, |member| &member.label);
        self.live = (0..self.members.len()).collect();
    }

    fn check_points(&self, first: bool, wanted: &[&str]) {
        let ring = Ring::new(Distribution::Ketama, &self.members, &self.live);
        let name = |&(value, server): &(u32, u32)| {
            format!("{value}={}", self.members[server as usize].label)
        };
        let points = ring.circle();
        let range = match first {
            true => &points[..wanted.len()],
            false => &points[points.len() - wanted.len()..],
        };
        let found: Vec<String> = range.iter().map(name).collect();
        assert_eq!(found, wanted);
    }

    fn check_map(&mut self, row: &[&str]) {
        let distribution = Distribution::by_name(row[1].as_bytes()).unwrap();
        let hash = Hash::by_name(row[2].as_bytes()).unwrap();
        let ring = Ring::new(distribution, &self.members, &self.live);
        let mut chance = Prng::new(1);
        for (key, wanted) in self.keys.iter().zip(&row[3..]) {
            let server = ring.server(hash.of(key), &mut chance).unwrap();
            assert_eq!(server.to_string(), **wanted, "{row:?}: {key:?}");
        }
        self.maps += 1;
    }
}

#[test]
fn every_key_of_every_pool_is_where_it_was() {
    let mut checker = Checker::default();
    rows().for_each(|row| checker.check(&row));
    assert_eq!(checker.maps, 55);
}

#[test]
fn rounding_gives_some_numbers_of_servers_fewer_points() {
    let row = rows().find(|row| row[0] == "short").unwrap();
    let short: Vec<usize> = row[1..].iter().map(|text| text.parse().unwrap()).collect();
    for servers in 1..=125 {
        let members: Vec<Member> = (0..servers).map(|i| member(&i.to_string())).collect();
        let live: Vec<usize> = (0..servers).collect();
        let ring = Ring::new(Distribution::Ketama, &members, &live);
        let each = if short.contains(&servers) { 156 } else { 160 };
        assert_eq!(ring.circle().len(), each * servers, "{servers} servers");
    }
}

fn member(label: &str) -> Member {
    Member {
        label: label.to_owned(),
        weight: 1,
    }
}

#[test]
fn a_tag_is_what_stands_between_its_characters() {
    let braces = Some(*b"{}");
    for (key, wanted) in [
        ("a{tag}b", "tag"),
        ("a{}b", "a{}b"),
        ("a{b", "a{b"),
        ("a}b{c}", "c"),
        ("{a}{b}", "a"),
        ("{{a}}", "{a"),
        ("", ""),
    ] {
        assert_eq!(tagged(key.as_bytes(), braces), wanted.as_bytes(), "{key}");
    }
    assert_eq!(tagged(b"a$tag$b", Some(*b"$$")), b"tag");
    assert_eq!(tagged(b"a{tag}b", None), b"a{tag}b");
}

#[test]
fn chance_reaches_every_server_that_takes_part() {
    let members = [member("a"), member("b"), member("c")];
    let ring = Ring::new(Distribution::Random, &members, &[0, 2]);
    let mut chance = Prng::new(7);
    let mut hits = [0; 3];
    for _ in 0..1000 {
        hits[ring.server(1, &mut chance).unwrap()] += 1;
    }
    assert_eq!(hits[1], 0);
    assert!(hits[0] > 400 && hits[2] > 400, "{hits:?}");
}

fn roster(automatic: bool) -> Roster {
    let ejection = Ejection {
        automatic,
        failure_limit: 2,
        retry_ms: 100,
    };
    let members = vec![member("a"), member("b")];
    Roster::new(Distribution::Modula, members, ejection)
}

fn owners(roster: &Roster) -> [Option<usize>; 2] {
    let mut chance = Prng::new(1);
    [0, 1].map(|hash| roster.ring().server(hash, &mut chance))
}

#[test]
fn who_fails_too_often_leaves_the_ring_and_comes_back() {
    let mut roster = roster(true);
    assert!(!roster.failed(0, 1000));
    roster.answered(0);
    assert!(!roster.failed(0, 1010), "a good answer clears the count");
    assert!(roster.failed(0, 1020));
    assert_eq!(owners(&roster), [Some(1), Some(1)]);
    assert_eq!(roster.failures(0), 0);
    assert!(!roster.refresh(1120) && roster.is_ejected(0));
    assert!(roster.refresh(1121) && !roster.is_ejected(0));
    assert_eq!(owners(&roster), [Some(0), Some(1)]);
}

#[test]
fn with_everybody_out_no_key_has_a_server() {
    let mut roster = roster(true);
    for server in [0, 0, 1, 1] {
        roster.failed(server, 5);
    }
    assert_eq!(owners(&roster), [None, None]);
    assert_eq!(roster.next_return(), Some(105));
}

#[test]
fn without_ejection_the_ring_stays() {
    let mut roster = roster(false);
    assert!((0..10).all(|now| !roster.failed(0, now)));
    assert_eq!(owners(&roster), [Some(0), Some(1)]);
}
