use super::*;
use crate::aof::reader::{End, Reader, Record};
use datatypes::list::Limits as ListLimits;
use datatypes::packed::HashSeed;
use datatypes::{Hash, HashLimits, List, Set, SetLimits, SortedSet, SortedSetLimits};

/// The commands that were written, a line each.
fn lines(key: &str, value: &ValueRef<'_>, expiry: Option<i64>) -> Vec<String> {
    let mut out = Vec::new();
    write_key(key.as_bytes(), value, expiry, &mut out);
    read(&out)
}

fn read(out: &[u8]) -> Vec<String> {
    let mut reader = Reader::new(0);
    reader.feed(out);
    let mut lines = Vec::new();
    while let Some(record) = reader.next().expect("what is written can be read") {
        lines.push(match record {
            Record::Command(arguments) => {
                let words = arguments.iter().map(|word| word.escape_ascii().to_string());
                words.collect::<Vec<_>>().join(" ")
            }
            Record::Timestamp(seconds) => format!("#{seconds}"),
            Record::Annotation(_) => "#".to_owned(),
        });
    }
    assert_eq!(reader.end(), End::Clean);
    lines
}

fn words(lines: &[String]) -> Vec<usize> {
    lines.iter().map(|line| line.split(' ').count()).collect()
}

#[test]
fn strings_and_expiries() {
    let text = ValueRef::String(Text::Bytes(b"v \r\n"));
    assert_eq!(lines("s", &text, None), ["SET s v \\r\\n"]);
    let number = ValueRef::String(Text::Int(12345));
    let expected = ["SET s 12345", "PEXPIREAT s 1805241809310"];
    assert_eq!(lines("s", &number, Some(1_805_241_809_310)), expected);
}

#[test]
fn lists_in_batches() {
    let limits = ListLimits::of_directive(-2);
    for (len, batches) in [
        (1, vec![3]),
        (64, vec![66]),
        (65, vec![66, 3]),
        (150, vec![66, 66, 24]),
    ] {
        let mut list = List::new();
        for number in 0..len {
            list.push(datatypes::list::End::Tail, Text::Int(number), &limits);
        }
        let lines = lines("l", &ValueRef::List(&list), None);
        assert_eq!(words(&lines), batches);
        let joined = lines.join(" ").replace("RPUSH l ", "");
        let expected: Vec<String> = (0..len).map(|number| number.to_string()).collect();
        assert_eq!(joined, expected.join(" "));
    }
}

#[test]
fn sets_in_batches() {
    let mut set = Set::default();
    for number in 0..70 {
        set.insert(
            number.to_string().as_bytes(),
            &SetLimits {
                ints_max: 512,
                seed: HashSeed(0),
            },
        );
    }
    let lines = lines("s", &ValueRef::Set(&set), Some(7));
    assert_eq!(words(&lines), [66, 8, 3]);
    assert!(lines[0].starts_with("SADD s 0 1 2 "));
    assert_eq!(lines[2], "PEXPIREAT s 7");
}

#[test]
fn hashes_in_batches() {
    let mut hash = Hash::default();
    let limits = HashLimits {
        entries_max: 512,
        value_bytes_max: 64,
        seed: HashSeed(0),
    };
    for number in 0..70 {
        let (field, value) = (format!("f{number}"), format!("v{number}"));
        hash.insert(field.as_bytes(), value.as_bytes(), &limits);
    }
    let lines = lines("h", &ValueRef::Hash(&hash), None);
    assert_eq!(words(&lines), [130, 14]);
    assert!(lines[0].starts_with("HMSET h f0 v0 f1 v1 "));
}

#[test]
fn scores_with_seventeen_digits() {
    let limits = SortedSetLimits {
        entries_max: 128,
        value_bytes_max: 64,
        seed: HashSeed(0),
    };
    let scores = [
        (1e20, "a"),
        (f64::NEG_INFINITY, "b"),
        (f64::INFINITY, "c"),
        (0.1, "d"),
        (1e-300, "g"),
        (123_456_789_012_345_678.0, "h"),
        (3.0e5, "i"),
    ];
    let members: Vec<(Vec<u8>, f64)> = scores
        .iter()
        .map(|(score, member)| (member.as_bytes().to_vec(), *score))
        .collect();
    let set = SortedSet::of(&members, &limits);
    let expected = "ZADD z -inf b 1e-300 g 0.10000000000000001 d 300000 i \
                    1.2345678901234568e+17 h 1e+20 a inf c";
    assert_eq!(lines("z", &ValueRef::SortedSet(&set), None), [expected]);
}

#[test]
fn a_db_is_selected() {
    let mut out = Vec::new();
    write_select(3, &mut out);
    assert_eq!(out, b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n");
    assert_eq!(read(&out), ["SELECT 3"]);
}
