//! Values whose bytes are not what their header promises, or no values at all.

use expect_test::expect;
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::Node;

use crate::testing::check;

#[test]
fn other_strings_are_refused() {
    check(expect![[r#"
        > SET k text
        OK
        > PFADD k a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFADD k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT nokey k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE d k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > EXISTS d
        (integer) 0
        > SET k 12345
        OK
        > PFADD k a
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFCOUNT k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFMERGE k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        OK
        > PFCOUNT k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET k "HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > PFCOUNT k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET k "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > PFCOUNT k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > PFDEBUG TODENSE k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > SET k "hyll\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
        OK
        > PFCOUNT k
        (error) WRONGTYPE Key is not a valid HyperLogLog string value.
        > GET k
        "hyll\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
    "#]]);
}

#[test]
fn runs_that_are_too_few_or_too_many_are_found_when_they_are_read() {
    check(expect![[r#"
        > PFADD k a b c
        (integer) 1
        > APPEND k hello
        (integer) 32
        > PFCOUNT k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFCOUNT k k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFMERGE k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFMERGE d k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG GETREG k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG TODENSE k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG DECODE k
        "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603 Z:10342 Z:11373 Z:12033"
        > PFADD k d
        (integer) 1
        > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"
        OK
        > PFCOUNT k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFADD k
        (integer) 0
        > PFADD k a
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG DECODE k
        ""
        > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f"
        OK
        > PFDEBUG DECODE k
        "Z:16129"
        > PFCOUNT k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFADD k a
        (integer) 1
        > GET k
        "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80q\xa6\x84M"
        > SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xff\x7f\xff\xff"
        OK
        > PFCOUNT k
        (error) INVALIDOBJ Corrupted HLL object detected
        > PFDEBUG GETREG k
        (error) INVALIDOBJ Corrupted HLL object detected
        > SET k "HYLL\x01aaaaaaaaaaa"
        OK
        > PFCOUNT k
        (integer) 7016996765293437281
        > PFCOUNT k k
        (error) INVALIDOBJ Corrupted HLL object detected
    "#]]);
}

#[test]
fn a_mistake_behind_good_elements_changes_nothing() {
    let mut node = Node::new(crate::table());
    // The runs end at register 12739: `a` belongs to 12711, `c` behind the end.
    let begin =
        "> SET k \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x71\\xc2\"\n";
    testkit::replay(&mut node, begin);
    let before = testkit::replay(&mut node, "> GET k\n");
    let refused = testkit::replay(&mut node, "> PFADD k a 1 2 3 4 5 6 7 8 9\n");
    assert!(refused.contains("INVALIDOBJ"), "{refused}");
    assert_eq!(testkit::replay(&mut node, "> GET k\n"), before);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        encoding in 0_u8..2,
        header in vec(any::<u8>(), 11),
        runs in vec(any::<u8>(), 0..300),
        dense: bool,
    ) {
        let mut value = [b"HYLL".as_slice(), &[encoding], &header, &runs].concat();
        if dense {
            value.resize(12304, 0x5a);
        }
        let mut node = Node::new(crate::table());
        let requests: [&[&[u8]]; 10] = [
            &[b"SET", b"{k}a", &value],
            &[b"PFADD", b"{k}a", b"x", b"y", b"z"],
            &[b"PFCOUNT", b"{k}a"],
            &[b"PFCOUNT", b"{k}a", b"{k}b"],
            &[b"PFMERGE", b"{k}b", b"{k}a"],
            &[b"PFDEBUG", b"DECODE", b"{k}a"],
            &[b"PFADD", b"{k}a", b"u", b"v", b"w"],
            &[b"PFDEBUG", b"TODENSE", b"{k}a"],
            &[b"PFDEBUG", b"GETREG", b"{k}a"],
            &[b"PFCOUNT", b"{k}a"],
        ];
        for request in requests {
            let words: Vec<Vec<u8>> = request.iter().map(|word| word.to_vec()).collect();
            prop_assert!(node.command("", &words).is_some());
        }
    }
}
