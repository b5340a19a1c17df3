//! The data of a simulated node.
//!
//! [`Store`] is the seam for the real engine; [`Model`] is a fold of commands that keeps a digest
//! of itself as it goes, so that two nodes can be compared after every command.

use std::collections::BTreeMap;

/// What a node holds. Equal commands in equal order make equal digests.
pub trait Store: Default {
    /// Applies a command of the stream, or one of a client.
    fn apply(&mut self, db: u8, words: &[&[u8]]);
    fn digest(&self) -> u64;
    fn is_empty(&self) -> bool;
    fn dump(&self) -> Vec<u8>;
    fn load(dump: &[u8]) -> Option<Self>;
    /// Every list, element by element, as numbers clients gave.
    fn lists(&self) -> Vec<Vec<u64>>;
}

/// Lists of numbers and counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    values: BTreeMap<(u8, Vec<u8>), Value>,
    /// The sum of what `fingerprint` says of each entry.
    digest: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    List(Vec<u64>, u64),
    Counter(i64),
}

/// A step of SplitMix64, which spreads any change over all bits.
pub fn mix(state: u64, more: u64) -> u64 {
    let mixed = (state ^ more).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

fn fingerprint(db: u8, key: &[u8], value: &Value) -> u64 {
    let key = key
        .iter()
        .fold(u64::from(db), |state, byte| mix(state, u64::from(*byte)));
    match value {
        Value::List(_, hash) => mix(key, *hash),
        Value::Counter(count) => mix(mix(key, 1), *count as u64),
    }
}

fn number(word: &[u8]) -> u64 {
    stdx::number::parse_i64(word).expect("the simulated clients write numbers") as u64
}

impl Model {
    fn change(&mut self, db: u8, key: &[u8], change: impl FnOnce(&mut Option<Value>)) {
        let mut value = self.values.remove(&(db, key.to_vec()));
        if let Some(value) = &value {
            self.digest = self.digest.wrapping_sub(fingerprint(db, key, value));
        }
        change(&mut value);
        if let Some(value) = value {
            self.digest = self.digest.wrapping_add(fingerprint(db, key, &value));
            self.values.insert((db, key.to_vec()), value);
        }
    }
}

impl Store for Model {
    fn apply(&mut self, db: u8, words: &[&[u8]]) {
        match words {
            [b"RPUSH", key, tag] => self.change(db, key, |value| {
                let tag = number(tag);
                match value {
                    Some(Value::List(tags, hash)) => {
                        tags.push(tag);
                        *hash = mix(*hash, tag);
                    }
                    _ => *value = Some(Value::List(vec![tag], mix(0, tag))),
                }
            }),
            [b"INCR", key] => self.change(db, key, |value| match value {
                Some(Value::Counter(count)) => *count += 1,
                _ => *value = Some(Value::Counter(1)),
            }),
            [b"DEL", key] => self.change(db, key, |value| *value = None),
            [b"FLUSHALL"] => *self = Model::default(),
            _ => {}
        }
    }

    fn digest(&self) -> u64 {
        self.digest
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn dump(&self) -> Vec<u8> {
        let mut dump = Vec::new();
        for ((db, key), value) in &self.values {
            dump.extend([*db, key.len() as u8]);
            dump.extend(key);
            let numbers = match value {
                Value::List(tags, _) => tags.clone(),
                Value::Counter(count) => vec![*count as u64],
            };
            dump.push(u8::from(matches!(value, Value::Counter(_))));
            dump.extend((numbers.len() as u32).to_le_bytes());
            numbers
                .iter()
                .for_each(|number| dump.extend(number.to_le_bytes()));
        }
        dump.extend(self.digest.to_le_bytes());
        dump
    }

    fn load(dump: &[u8]) -> Option<Model> {
        let (mut rest, digest) = dump.split_last_chunk::<8>()?;
        let mut model = Model::default();
        while let [db, len, more @ ..] = rest {
            let (key, more) = more.split_at_checked(usize::from(*len))?;
            let (&kind, more) = more.split_first()?;
            let (count, more) = more.split_first_chunk::<4>()?;
            let bytes = 8 * u32::from_le_bytes(*count) as usize;
            let (numbers, more) = more.split_at_checked(bytes)?;
            let mut numbers = numbers
                .as_chunks::<8>()
                .0
                .iter()
                .map(|chunk| u64::from_le_bytes(*chunk));
            let value = match kind {
                0 => {
                    let tags = numbers.collect::<Vec<_>>();
                    let hash = tags.iter().fold(0, |hash, tag| mix(hash, *tag));
                    Value::List(tags, hash)
                }
                _ => Value::Counter(numbers.next()? as i64),
            };
            model.change(*db, key, |slot| *slot = Some(value));
            rest = more;
        }
        (model.digest == u64::from_le_bytes(*digest)).then_some(model)
    }

    fn lists(&self) -> Vec<Vec<u64>> {
        let lists = self.values.values().filter_map(|value| match value {
            Value::List(tags, _) => Some(tags.clone()),
            Value::Counter(_) => None,
        });
        lists.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_brings_everything_back() {
        let mut model = Model::default();
        for words in [
            &[&b"RPUSH"[..], b"l", b"7"][..],
            &[b"RPUSH", b"l", b"8"],
            &[b"INCR", b"c"],
            &[b"INCR", b"gone"],
            &[b"DEL", b"gone"],
        ] {
            model.apply(1, words);
        }
        let dump = model.dump();
        assert_eq!(Model::load(&dump), Some(model.clone()));
        assert_eq!(model.lists(), [[7, 8]]);
        for at in 0..dump.len() {
            let mut torn = dump.clone();
            torn[at] ^= 1;
            assert_ne!(Model::load(&torn), Some(model.clone()), "byte {at}");
            assert_ne!(Model::load(&dump[..at]), Some(model.clone()), "cut at {at}");
        }
        model.apply(0, &[b"FLUSHALL"]);
        assert!(model.is_empty() && model.digest() == 0);
    }
}
