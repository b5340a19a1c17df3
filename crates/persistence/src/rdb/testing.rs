//! What the tests of dumps share.

use datatypes::packed::HashSeed;
use datatypes::{HashLimits, SetLimits, SortedSetLimits, list};

use crate::{Limits, ValueRef};

pub(crate) const SEED: HashSeed = HashSeed(7);

/// What is asked for unless something else is configured.
pub(crate) const LIMITS: Limits = limits_of(128);

/// Limits with so many entries in everything that is small.
pub(crate) const fn limits_of(entries_max: usize) -> Limits {
    Limits {
        list: list::Limits {
            bytes_max: 8 << 10,
            count_max: usize::MAX,
            plain_bytes_min: list::Limits::PLAIN_BYTES_MIN,
        },
        set: SetLimits {
            ints_max: entries_max,
            seed: SEED,
        },
        sorted_set: SortedSetLimits {
            entries_max,
            value_bytes_max: 64,
            seed: SEED,
        },
        hash: HashLimits {
            entries_max,
            value_bytes_max: 64,
            seed: SEED,
        },
    }
}

/// Everything there is to know about a value, in an order of its own.
#[derive(Debug, PartialEq)]
pub(crate) struct Contents {
    pub encoding: &'static str,
    pub parts: Vec<(Vec<u8>, Vec<u8>)>,
}

pub(crate) fn read(value: ValueRef<'_>) -> Contents {
    use datatypes::Collection;
    let (encoding, mut parts): (_, Vec<(Vec<u8>, Vec<u8>)>) = match value {
        ValueRef::String(text) => ("string", vec![(text.to_vec(), Vec::new())]),
        ValueRef::List(list) => {
            let number = |(index, text): (usize, datatypes::Text<'_>)| {
                (format!("{index:08}").into_bytes(), text.to_vec())
            };
            (
                list.encoding(),
                list.iter().enumerate().map(number).collect(),
            )
        }
        ValueRef::Set(set) => (
            set.encoding(),
            set.iter()
                .map(|member| (member.to_vec(), Vec::new()))
                .collect(),
        ),
        ValueRef::Hash(hash) => (
            hash.encoding(),
            hash.iter()
                .map(|(field, value)| (field.to_vec(), value.to_vec()))
                .collect(),
        ),
        ValueRef::SortedSet(set) => (
            match set.encoding() {
                "listpack" => "zset listpack",
                large => large,
            },
            set.iter(0..set.len())
                .map(|(member, score)| (member.to_vec(), score.to_bits().to_be_bytes().to_vec()))
                .collect(),
        ),
    };
    parts.sort();
    Contents { encoding, parts }
}

/// The bytes that hexadecimal digits write, spaces left out.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let value = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    digits
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}
