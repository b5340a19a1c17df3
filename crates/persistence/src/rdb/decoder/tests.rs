use super::*;
use crate::rdb::testing::{LIMITS, hex, limits_of, read as contents};

/// Why these bytes are no value, and how far they were read.
#[track_caller]
fn refused(kind: u8, digits: &str) -> (u64, Reason) {
    match decode(kind, &hex(digits), &LIMITS) {
        Ok(value) => panic!("it is {:?}", contents(value.as_ref())),
        Err(error) => (error.offset, error.reason),
    }
}

fn structure(kind: u8, digits: &str) -> (u64, &'static str) {
    match refused(kind, digits) {
        (offset, Reason::Structure(what)) => (offset, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_are_distinct() {
    let set = "Duplicate set members detected";
    assert_eq!(structure(kind::SET, "02 0161 0161"), (5, set));
    assert_eq!(structure(kind::SET, "02 c001 0131"), (5, set));
    let hash = "Hash with dup elements";
    assert_eq!(structure(kind::HASH, "02 0161 0162 0161 0163"), (9, hash));
    let zset = "Duplicate zset fields detected";
    let zero = "00000000 00000000";
    assert_eq!(
        structure(kind::SORTED_SET, &format!("02 0161 {zero} 0161 {zero}")),
        (21, zset)
    );
    // The same in one piece: a 1 a 2, and with the integer 1 as a string beside it.
    let pack = "11 11000000 0400 816102 0101 816102 0201 ff";
    assert_eq!(
        structure(kind::HASH_LISTPACK, pack).1,
        "Hash listpack integrity check failed."
    );
    assert_eq!(
        structure(kind::SORTED_SET_LISTPACK, pack).1,
        "Zset listpack integrity check failed."
    );
    let twice = "0c 0c000000 0200 0101 813102 ff";
    assert_eq!(structure(kind::SET_LISTPACK, twice).1, set);
}

#[test]
fn a_hundred_fields_are_distinct() {
    let pack = |last: &str| {
        let mut pack = Listpack::new();
        (0..100).for_each(|n| {
            pack.push_back(Text::Bytes(format!("field:{n}").as_bytes()));
            pack.push_back(Text::Bytes(b"field:7"));
        });
        pack.push_back(Text::Bytes(last.as_bytes()));
        pack.push_back(Text::Int(1));
        let mut bytes = Vec::new();
        text::push_bytes(pack.as_bytes(), true, &mut bytes);
        bytes
    };
    for limits in [limits_of(8), limits_of(128)] {
        let decoded = |last| decode(kind::HASH_LISTPACK, &pack(last), &limits);
        assert!(decoded("field:99").is_err());
        let Ok(Value::Hash(hash)) = decoded("field:100") else {
            panic!("it is a hash")
        };
        assert_eq!(hash.len(), 101);
    }
}

#[test]
fn scores_are_numbers_and_in_order() {
    let nan = "Zset with NAN score detected";
    assert_eq!(
        structure(kind::SORTED_SET, "01 0161 000000000000f87f"),
        (11, nan)
    );
    assert_eq!(structure(kind::SORTED_SET_TEXT, "01 0161 fd"), (4, nan));
    assert_eq!(
        structure(kind::SORTED_SET_TEXT, "01 0161 03616263"),
        (7, nan)
    );
    let pack = "Zset listpack integrity check failed.";
    for broken in [
        // An odd one, no number, "nan", the wrong order, and the wrong order of members.
        "0a 0a000000 0100 816102 ff",
        "0d 0d000000 0200 816102 816202 ff",
        "0f 0f000000 0200 816102 836e616e04 ff",
        "11 11000000 0400 816102 0201 816202 0101 ff",
        "11 11000000 0400 816202 0101 816102 0101 ff",
    ] {
        assert_eq!(
            structure(kind::SORTED_SET_LISTPACK, broken).1,
            pack,
            "{broken}"
        );
    }
}

#[test]
fn scores_in_digits() {
    let bytes = hex("05 0161 ff 0162 fe 0163 03312e35 0164 022d32 0165 0431 653130");
    let bytes = [&bytes[..bytes.len() - 4], b"1e10"].concat();
    let Ok(Value::SortedSet(set)) = decode(kind::SORTED_SET_TEXT, &bytes, &LIMITS) else {
        panic!("it is a sorted set")
    };
    let scores = ["a", "b", "c", "d", "e"].map(|member| set.score(member.as_bytes()));
    let expected = [f64::NEG_INFINITY, f64::INFINITY, 1.5, -2.0, 1e10];
    assert_eq!(scores, expected.map(Some));
}

#[test]
fn pieces_are_whole() {
    for (kind, digits, what) in [
        (
            kind::SET_INTSET,
            "03 616263",
            "Intset integrity check failed.",
        ),
        // Descending.
        (
            kind::SET_INTSET,
            "0c 02000000 02000000 0200 0100",
            "Intset integrity check failed.",
        ),
        (
            kind::SORTED_SET_ZIPLIST,
            "03 616263",
            "Zset ziplist integrity check failed.",
        ),
        (
            kind::HASH_ZIPLIST,
            "03 616263",
            "Hash ziplist integrity check failed.",
        ),
        (
            kind::HASH_ZIPMAP,
            "03 616263",
            "Zipmap integrity check failed.",
        ),
        (
            kind::HASH_LISTPACK,
            "05 6162636465",
            "Hash listpack integrity check failed.",
        ),
        (
            kind::LIST_ZIPLIST,
            "03 616263",
            "List ziplist integrity check failed.",
        ),
        (
            kind::LIST_QUICKLIST,
            "01 03 616263",
            "Ziplist integrity check failed.",
        ),
        (
            kind::LIST_QUICKLIST_2,
            "01 02 03 616263",
            "Listpack integrity check failed.",
        ),
    ] {
        let end = hex(digits).len() as u64;
        assert_eq!(structure(kind, digits), (end, what), "{digits}");
    }
    let node = structure(kind::LIST_QUICKLIST_2, "01 03 03 616263");
    assert_eq!(node, (2, "Quicklist integrity check failed."));
    assert_eq!(refused(kind::STRING, "0161 00"), (2, Reason::Excess));
}

#[test]
fn other_types_are_named() {
    for (kind, text) in [
        (
            kind::STREAM_2,
            "Values of type 19 (stream-v2) are not supported",
        ),
        (24, "Values of type 24 (unknown) are not supported"),
        (8, "Invalid object type: 8"),
        (200, "Invalid object type: 200"),
    ] {
        assert_eq!(refused(kind, "00").1.to_string(), text);
    }
}

/// What is announced takes no memory, or these would take all there is.
#[test]
fn lengths_are_only_announced() {
    let most = "81 7fffffffffffffff";
    for kind in 0..=25 {
        for digits in [
            most.to_owned(),
            format!("{most} 0161"),
            format!("01 {most}"),
        ] {
            assert!(
                decode(kind, &hex(&digits), &LIMITS).is_err(),
                "{kind} {digits}"
            );
        }
    }
}

#[test]
fn a_node_of_its_own_stays_one() {
    let Ok(Value::List(list)) = decode(
        kind::LIST_QUICKLIST_2,
        &hex("02 01 03616263 02 0a 0a000000 0100 816102 ff"),
        &LIMITS,
    ) else {
        panic!("it is a list")
    };
    assert_eq!((list.len(), list.node_count()), (2, 2));
    assert!(matches!(list.node(0), Some(list::Node::Plain(b"abc"))));
}
