use datatypes::{Hash, List, Set, SortedSet, list};
use datatypes::{Text, list::End};

use super::*;
use crate::rdb::testing::{LIMITS, limits_of, read};

/// What Redis 7.0.15 answered to `DUMP`.
#[test]
fn payloads_are_those_of_the_original() {
    let text = |text: &'static str| Text::Bytes(text.as_bytes());
    for (value, payload) in [
        (Text::Int(12), "00c00c0a003c2af8515c04bcd5"),
        (text("12"), "00c00c0a003c2af8515c04bcd5"),
        (Text::Int(300), "00c12c010a00954261f265825c10"),
        (Text::Int(100_000), "00c2a08601000a00f12403506f2fa674"),
        (
            Text::Int(12_345_678_901),
            "000b31323334353637383930310a00304e52d727176510",
        ),
        (text("hello"), "000568656c6c6f0a006372df766534200a"),
        (
            text("abcdefghijklmnopqrst"),
            "00146162636465666768696a6b6c6d6e6f70717273740a0085f41a84e2b570f6",
        ),
        (
            text("abcdefghijklmnopqrstuv"),
            "00166162636465666768696a6b6c6d6e6f707172737475760a007be0a2d6f8c1a2e3",
        ),
        (text(""), "00000a005d9b5c400f7fa2da"),
    ] {
        check(ValueRef::String(value), payload);
    }
}

#[test]
fn collections_are_those_of_the_original() {
    let mut list = List::new();
    for element in ["a", "b", "1"] {
        list.push(End::Tail, Text::Bytes(element.as_bytes()), &LIMITS.list);
    }
    check(
        ValueRef::List(&list),
        "1201020f0f00000003008161028162020101ff0a00e01bab4a47ce5922",
    );
    let pairs = list::Limits::of_directive(2);
    let mut nodes = List::new();
    for element in ["a", "b", "c", "d", "e"] {
        nodes.push(End::Tail, Text::Bytes(element.as_bytes()), &pairs);
    }
    check(
        ValueRef::List(&nodes),
        "1203020d0d0000000200816102816202ff020d0d00000002008163028164
         02ff020a0a0000000100816502ff0a00ec5236a76020a1db",
    );
    let mut ints = Set::default();
    for member in ["1", "2", "3"] {
        ints.insert(member.as_bytes(), &LIMITS.set);
    }
    check(
        ValueRef::Set(&ints),
        "0b0e02000000030000000100020003000a00a5025ce26d6e4d1b",
    );
    let mut hash = Hash::default();
    hash.insert(b"f", b"v", &LIMITS.hash);
    hash.insert(b"g", b"1", &LIMITS.hash);
    check(
        ValueRef::Hash(&hash),
        "10121200000004008166028176028167020101ff0a0023c1a5e35dfae81c",
    );
    let mut small = SortedSet::default();
    let mut large = SortedSet::for_members(1, &limits_of(0).sorted_set);
    for (member, score) in [("a", 1.0), ("b", 2.5)] {
        small.put(member.as_bytes(), score, &LIMITS.sorted_set);
        large.put(member.as_bytes(), score, &LIMITS.sorted_set);
    }
    check(
        ValueRef::SortedSet(&small),
        "1114140000000400816102010181620283322e3504ff0a00d44c6ea4f644d9d7",
    );
    check(
        ValueRef::SortedSet(&large),
        "0502016200000000000004400161000000000000f03f0a00f46eb73919767291",
    );
}

/// Checks that a value has this payload, and is what the payload gives.
#[track_caller]
fn check(value: ValueRef<'_>, payload: &str) {
    let payload = crate::rdb::testing::hex(payload);
    assert_eq!(dump(value, true), payload);
    let again = restore(&payload, &LIMITS).unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(read(again.as_ref()).parts, read(value).parts);
}

#[test]
fn version_and_sum_are_checked() {
    let payload = dump(ValueRef::String(Text::Int(12)), true);
    assert!(restore(&payload, &LIMITS).is_ok());
    let damaged = |at: usize, byte: u8| {
        let mut damaged = payload.clone();
        damaged[at] = byte;
        restore(&damaged, &LIMITS).err()
    };
    for (at, byte) in payload.iter().enumerate() {
        assert_eq!(damaged(at, byte ^ 1), Some(RestoreError::VersionOrSum));
    }
    for len in 0..payload.len() {
        assert_eq!(
            restore(&payload[..len], &LIMITS).err(),
            Some(RestoreError::VersionOrSum)
        );
    }
    // Unlike in a file, a sum of 0 does not stand for none.
    let unsummed = [&payload[..payload.len() - 8], &[0; 8]].concat();
    assert_eq!(
        restore(&unsummed, &LIMITS).err(),
        Some(RestoreError::VersionOrSum)
    );
}
