//! Any value and any dump there and back, and any damage.

use std::collections::{BTreeMap, BTreeSet};

use datatypes::list::{self, End};
use datatypes::listpack::Listpack;
use datatypes::{Hash, List, Set, SortedSet, Text};
use proptest::prelude::*;
use stdx::crc64;

use crate::rdb::testing::{limits_of, read};
use crate::rdb::text::push_bytes;
use crate::rdb::*;
use crate::{Limits, Value};

/// What a value is made of.
#[derive(Clone, Debug)]
enum Sample {
    String(Vec<u8>),
    List(Vec<Vec<u8>>),
    Set(BTreeSet<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    SortedSet(BTreeMap<Vec<u8>, i32>),
}

fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        any::<i8>().prop_map(|number| number.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(0..3_u8, 0..300),
        (any::<u8>(), 0..9000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn sample() -> impl Strategy<Value = Sample> {
    let elements = || prop::collection::vec(element(), 1..12);
    prop_oneof![
        element().prop_map(Sample::String),
        elements().prop_map(Sample::List),
        elements().prop_map(|members| Sample::Set(members.into_iter().collect())),
        prop::collection::btree_set(any::<i32>(), 1..12).prop_map(|numbers| {
            let texts = numbers.iter().map(|number| number.to_string().into_bytes());
            Sample::Set(texts.collect())
        }),
        prop::collection::btree_map(element(), element(), 1..12).prop_map(Sample::Hash),
        prop::collection::btree_map(element(), any::<i32>(), 1..12).prop_map(Sample::SortedSet),
    ]
}

/// Limits of some small collections.
fn limits() -> impl Strategy<Value = Limits> {
    (0..16_usize, -5..8_i64).prop_map(|(entries_max, list)| Limits {
        list: list::Limits {
            plain_bytes_min: 2000,
            ..list::Limits::of_directive(list)
        },
        ..limits_of(entries_max)
    })
}

fn value_of(sample: &Sample, limits: &Limits) -> Value {
    match sample {
        Sample::String(bytes) => Value::String(bytes.clone()),
        Sample::List(elements) => {
            let mut list = List::new();
            for element in elements {
                list.push(End::Tail, Text::Bytes(element), &limits.list);
            }
            Value::List(list)
        }
        Sample::Set(members) => {
            let mut set = Set::default();
            for member in members {
                set.insert(member, &limits.set);
            }
            Value::Set(set)
        }
        Sample::Hash(fields) => {
            let mut hash = Hash::default();
            for (field, value) in fields {
                hash.insert(field, value, &limits.hash);
            }
            Value::Hash(hash)
        }
        Sample::SortedSet(members) => {
            let scored = members
                .iter()
                .map(|(member, score)| (member.clone(), score_of(*score)));
            let members: Vec<(Vec<u8>, f64)> = scored.collect();
            Value::SortedSet(SortedSet::of(&members, &limits.sorted_set))
        }
    }
}

/// Integers, fractions and infinities; no negative zero, which listpacks do not keep.
fn score_of(number: i32) -> f64 {
    match number {
        i32::MAX => f64::INFINITY,
        i32::MIN => f64::NEG_INFINITY,
        _ if number % 2 == 0 => f64::from(number >> 16),
        _ => f64::from(number) / 1000.0,
    }
}

fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    body.extend_from_slice(&(VERSION as u16).to_le_bytes());
    let sum = crc64::update(0, &body);
    body.extend_from_slice(&sum.to_le_bytes());
    body
}

/// A damage: at a place, so many bytes are put in the place of so many.
type Damage = (prop::sample::Index, Vec<u8>, usize);

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let byte = prop_oneof![
        any::<u8>(),
        Just(0xff),
        Just(0xfe),
        Just(0xf0),
        Just(0x80),
        Just(0xc3)
    ];
    let bytes = prop::collection::vec(byte, 0..4);
    prop::collection::vec((any::<prop::sample::Index>(), bytes, 0..4_usize), 1..4)
}

fn damage(bytes: &mut Vec<u8>, damages: &[Damage]) {
    for (at, instead, count) in damages {
        let at = at.index(bytes.len() + 1);
        let end = bytes.len().min(at + count);
        bytes.splice(at..end, instead.iter().copied());
    }
}

/// Takes a payload if it is one; then it must survive being dumped as any other.
fn check_taken(payload: &[u8], limits: &Limits) -> Result<(), TestCaseError> {
    let Ok(value) = restore(payload, limits) else {
        return Ok(());
    };
    let contents = read(value.as_ref());
    let again = restore(&dump(value.as_ref(), true), limits);
    let again = again.map_err(|error| TestCaseError::fail(format!("{error:?}: {contents:?}")))?;
    prop_assert_eq!(read(again.as_ref()).parts, contents.parts);
    Ok(())
}

proptest! {
    #[test]
    fn values_come_back_in_the_encoding_that_is_asked_for(
        sample in sample(),
        here in limits(),
        there in limits(),
        compress: bool,
    ) {
        let value = value_of(&sample, &there);
        let payload = dump(value.as_ref(), compress);
        let restored = restore(&payload, &here);
        let restored = restored.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        let wanted = value_of(&sample, &here);
        prop_assert_eq!(read(restored.as_ref()), read(wanted.as_ref()));
    }

    #[test]
    fn dumps_come_back_in_any_pieces(
        entries in prop::collection::vec(
            (element(), sample(), any::<Option<i64>>(), any::<u8>(), 0..3_u64),
            0..6,
        ),
        limits in limits(),
        pieces in 1..3000_usize,
        compress: bool,
        checksum: bool,
    ) {
        let mut writer = Writer::new(WriteOptions { compress, checksum });
        let mut dump = Vec::new();
        writer.header(&mut dump);
        let mut expected = Vec::new();
        for (key, sample, expiry, usage, db) in &entries {
            let value = value_of(sample, &limits);
            let usage = match usage % 3 {
                0 => Usage::Unknown,
                1 => Usage::Idle(u64::from(*usage) * 77),
                _ => Usage::Frequency(*usage),
            };
            writer.select(*db, &mut dump);
            let entry = Entry {
                key: Text::Bytes(key),
                value: value.as_ref(),
                expiry: *expiry,
                usage,
            };
            writer.record(&entry, &mut dump);
            expected.push((*db, key.clone(), *expiry, usage, read(value.as_ref()).parts));
        }
        writer.end(0, &mut dump);

        let mut scanner = Scanner::new(ScanOptions::default());
        let (mut buffer, mut found, mut sum) = (Vec::new(), Vec::new(), None);
        for piece in dump.chunks(pieces) {
            buffer.extend_from_slice(piece);
            while let Some(item) = scanner.next(&buffer).expect("it is a dump") {
                match item {
                    Item::Record(record) => {
                        let key = string(&buffer[record.key()]).expect("a key");
                        let value = decode(record.kind, &buffer[record.value()], &limits);
                        let parts = read(value.expect("a value").as_ref()).parts;
                        let key = key.into_bytes().into_owned();
                        found.push((record.db, key, record.expiry, record.usage, parts));
                    }
                    Item::End(end) => sum = Some(end),
                    _ => {}
                }
            }
            buffer.drain(..scanner.take_consumed());
        }
        prop_assert_eq!(scanner.finish(&buffer), Ok(()));
        prop_assert_eq!(sum, Some(if checksum { Sum::Right } else { Sum::Missing }));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn damaged_payloads_are_refused_or_whole(
        sample in sample(),
        limits in limits(),
        compress: bool,
        damages in damages(),
    ) {
        let value = value_of(&sample, &limits);
        let mut body = dump(value.as_ref(), compress);
        body.truncate(body.len() - 10);
        damage(&mut body, &damages);
        check_taken(&sealed(body), &limits)?;
    }

    /// Lengths around the damage are made right again.
    #[test]
    fn damaged_listpacks_are_refused_or_whole(
        elements in prop::collection::vec(element(), 1..8),
        limits in limits(),
        kind in prop::sample::select(vec![
            kind::HASH_LISTPACK,
            kind::SORTED_SET_LISTPACK,
            kind::SET_LISTPACK,
            kind::LIST_QUICKLIST_2,
        ]),
        damages in damages(),
    ) {
        let mut pack = Listpack::new();
        elements.iter().for_each(|element| pack.push_back(Text::Bytes(element)));
        let mut inner = pack.as_bytes()[6..pack.bytes_len() - 1].to_vec();
        damage(&mut inner, &damages);
        let mut bytes = (inner.len() as u32 + 7).to_le_bytes().to_vec();
        bytes.extend_from_slice(&[0xff, 0xff]);
        bytes.extend_from_slice(&inner);
        bytes.push(0xff);
        let mut body = vec![kind];
        if kind == kind::LIST_QUICKLIST_2 {
            body.extend_from_slice(&[1, 2]);
        }
        push_bytes(&bytes, false, &mut body);
        check_taken(&sealed(body), &limits)?;
    }

    #[test]
    fn damaged_dumps_are_errors_or_records(
        samples in prop::collection::vec(sample(), 1..4),
        limits in limits(),
        damages in damages(),
        pieces in 1..3000_usize,
    ) {
        let mut writer = Writer::new(WriteOptions { compress: true, checksum: false });
        let mut dump = Vec::new();
        writer.header(&mut dump);
        for sample in &samples {
            let value = value_of(sample, &limits);
            let entry = Entry {
                key: Text::Int(1),
                value: value.as_ref(),
                expiry: None,
                usage: Usage::Unknown,
            };
            writer.record(&entry, &mut dump);
        }
        writer.end(0, &mut dump);
        damage(&mut dump, &damages);
        prop_assert_eq!(outcome(&dump, pieces, &limits), outcome(&dump, usize::MAX, &limits));
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), kind in 0..26_u8) {
        let limits = limits_of(8);
        check_taken(&sealed([&[kind], &bytes[..]].concat()), &limits)?;
        let dump = [b"REDIS0010", &bytes[..]].concat();
        prop_assert_eq!(outcome(&dump, 1, &limits), outcome(&dump, usize::MAX, &limits));
    }
}

/// What becomes of a dump that may be none: what was found, and the error.
fn outcome(dump: &[u8], pieces: usize, limits: &Limits) -> (Vec<String>, Option<Error>) {
    let options = ScanOptions {
        verify: true,
        pass_unsupported: true,
    };
    let (mut scanner, mut buffer, mut found) = (Scanner::new(options), Vec::new(), Vec::new());
    for piece in dump.chunks(pieces.min(dump.len()).max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match scanner.next(&buffer) {
                Err(error) => return (found, Some(error)),
                Ok(None) => break,
                Ok(Some(Item::Record(record))) => {
                    let value = decode(record.kind, &buffer[record.value()], limits);
                    found.push(match value {
                        Ok(value) => format!("{:?}", read(value.as_ref())),
                        Err(error) => error.moved(record.offset).to_string(),
                    });
                }
                Ok(Some(item)) => found.push(format!("{item:?}")),
            }
        }
        buffer.drain(..scanner.take_consumed());
    }
    (found, scanner.finish(&buffer).err())
}
