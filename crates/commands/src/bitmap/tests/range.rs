use expect_test::expect;
use proptest::collection::vec;
use proptest::prelude::*;
use resp::value::Value;
use testkit::Node;

use crate::testing::check;

#[test]
fn bits_are_counted_in_ranges() {
    check(expect![[r#"
        > BITCOUNT k
        (integer) 0
        > BITCOUNT k 0 -1
        (integer) 0
        > SET k foobar
        OK
        > BITCOUNT k
        (integer) 26
        > BITCOUNT k 0 0
        (integer) 4
        > BITCOUNT k 1 1
        (integer) 6
        > BITCOUNT k 1 1 BYTE
        (integer) 6
        > BITCOUNT k 5 30 bit
        (integer) 17
        > BITCOUNT k 0 -1
        (integer) 26
        > BITCOUNT k 1 -2
        (integer) 18
        > BITCOUNT k -2 1
        (integer) 0
        > BITCOUNT k -2 1000
        (integer) 7
        > BITCOUNT k -1000 0
        (integer) 4
        > BITCOUNT k 1000 1001
        (integer) 0
        > BITCOUNT k 0 0 BIT
        (integer) 0
        > BITCOUNT k 0 5 BIT
        (integer) 3
        > BITCOUNT k 44 300 BIT
        (integer) 1
        > BITCOUNT k -3 -1 BIT
        (integer) 1
        > BITCOUNT k 7 8 BIT
        (integer) 0
        > BITCOUNT k 5 4 BIT
        (integer) 0
        > SET k 12345
        OK
        > BITCOUNT k
        (integer) 17
        > SET k ""
        OK
        > BITCOUNT k
        (integer) 0
        > BITCOUNT k 0 -1
        (integer) 0
        > BITCOUNT k 0 -1 BIT
        (integer) 0
    "#]]);
}

#[test]
fn mistakes_in_counting_show_in_their_order() {
    check(expect![[r#"
        > BITCOUNT k a b c d
        (integer) 0
        > SET k foobar
        OK
        > BITCOUNT k 0
        (error) ERR syntax error
        > BITCOUNT k a
        (error) ERR syntax error
        > BITCOUNT k a 1
        (error) ERR value is not an integer or out of range
        > BITCOUNT k 1 a
        (error) ERR value is not an integer or out of range
        > BITCOUNT k 0 1 nosuch
        (error) ERR syntax error
        > BITCOUNT k 5 1 nosuch
        (error) ERR syntax error
        > BITCOUNT k -1 -2 nosuch
        (integer) 0
        > BITCOUNT k a 1 nosuch
        (error) ERR value is not an integer or out of range
        > BITCOUNT k 0 1 BIT BIT
        (error) ERR syntax error
        > BITCOUNT k 0 1 ""
        (error) ERR syntax error
        > BITCOUNT k 9223372036854775808 0
        (error) ERR value is not an integer or out of range
        > BITCOUNT
        (error) ERR wrong number of arguments for \'bitcount\' command
    "#]]);
}

#[test]
fn extreme_ranges_are_moved_to_the_string() {
    check(expect![[r#"
        > SET k "\xff\xff"
        OK
        > BITCOUNT k -9223372036854775808 9223372036854775807
        (integer) 16
        > BITCOUNT k -9223372036854775808 9223372036854775807 BIT
        (integer) 16
        > BITCOUNT k 9223372036854775807 -9223372036854775808
        (integer) 0
        > BITCOUNT k 9223372036854775807 9223372036854775807 BIT
        (integer) 0
        > BITCOUNT k -9223372036854775808 -9223372036854775808
        (integer) 8
        > BITCOUNT k -9223372036854775807 -9223372036854775808
        (integer) 0
        > BITCOUNT k -4611686018427387904 4611686018427387904 BIT
        (integer) 16
        > BITPOS k 1 -9223372036854775808 9223372036854775807
        (integer) 0
        > BITPOS k 1 9223372036854775807
        (integer) -1
        > BITPOS k 0 9223372036854775807
        (integer) -1
        > BITPOS k 0 -9223372036854775808
        (integer) 16
        > BITPOS k 1 9223372036854775807 -9223372036854775808 BIT
        (integer) -1
        > BITPOS k 1 -9223372036854775808 -9223372036854775808 BIT
        (integer) 0
        > BITPOS k 0 0 9223372036854775807 BIT
        (integer) -1
    "#]]);
}

#[test]
fn the_first_bit_is_found_in_ranges() {
    check(expect![[r#"
        > BITPOS k 0
        (integer) 0
        > BITPOS k 1
        (integer) -1
        > BITPOS k 0 5 6
        (integer) 0
        > SET k ""
        OK
        > BITPOS k 0
        (integer) -1
        > BITPOS k 1
        (integer) -1
        > SET k "\xff\xf0\x00"
        OK
        > BITPOS k 0
        (integer) 12
        > BITPOS k 1
        (integer) 0
        > BITPOS k 0 0 0
        (integer) -1
        > BITPOS k 0 1
        (integer) 12
        > BITPOS k 1 2
        (integer) -1
        > BITPOS k 0 1 -1
        (integer) 12
        > BITPOS k 1 -2 -1 BYTE
        (integer) 8
        > BITPOS k 0 3 5 bit
        (integer) -1
        > BITPOS k 0 10 13 BIT
        (integer) 12
        > BITPOS k 0 11 11 BIT
        (integer) -1
        > BITPOS k 1 11 11 BIT
        (integer) 11
        > BITPOS k 1 12 -1 BIT
        (integer) -1
        > BITPOS k 0 -10 -1 BIT
        (integer) 14
        > BITPOS k 1 -1 -2
        (integer) -1
        > BITPOS k 0 3
        (integer) -1
        > BITPOS k 1 3
        (integer) -1
        > SET k "\xff\xff\xff"
        OK
        > BITPOS k 0
        (integer) 24
        > BITPOS k 0 0
        (integer) 24
        > BITPOS k 0 2
        (integer) 24
        > BITPOS k 0 0 -1
        (integer) -1
        > BITPOS k 0 0 -1 BIT
        (integer) -1
        > BITPOS k 0 3
        (integer) -1
        > BITPOS k 0 5
        (integer) -1
        > SET k 1
        OK
        > BITPOS k 1
        (integer) 2
        > BITPOS k 0 0 1
        (integer) 0
    "#]]);
}

#[test]
fn mistakes_in_searching_show_in_their_order() {
    check(expect![[r#"
        > BITPOS k 2
        (error) ERR The bit argument must be 1 or 0.
        > BITPOS k -1
        (error) ERR The bit argument must be 1 or 0.
        > BITPOS k abc
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 a b c d e
        (integer) -1
        > SET k foobar
        OK
        > BITPOS k 1 a
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 0 a
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 a b nosuch
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 0 b nosuch
        (error) ERR syntax error
        > BITPOS k 1 0 1 nosuch
        (error) ERR syntax error
        > BITPOS k 1 0 b BIT
        (error) ERR value is not an integer or out of range
        > BITPOS k 1 0 1 BIT BIT
        (error) ERR syntax error
        > BITPOS k 1 5 1 nosuch
        (error) ERR syntax error
        > BITPOS k
        (error) ERR wrong number of arguments for \'bitpos\' command
        > BITPOS
        (error) ERR wrong number of arguments for \'bitpos\' command
    "#]]);
}

/// Runs one command that replies an integer.
fn ask(node: &mut Node, words: &[&[u8]]) -> i64 {
    let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
    match node.command("", &words) {
        Some(Value::Integer(number)) => number,
        other => panic!("an integer, not {other:?}"),
    }
}

proptest! {
    #[test]
    fn counting_and_finding_agree_with_single_bits(
        bytes in vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..30),
        start in -300_i64..300,
        end in -300_i64..300,
    ) {
        let mut node = Node::new(crate::table());
        let words: Vec<Vec<u8>> = vec![b"SET".to_vec(), b"k".to_vec(), bytes.clone()];
        node.command("", &words);
        let bits: Vec<bool> = (0..bytes.len() * 8)
            .map(|at| bytes[at / 8] >> (7 - at % 8) & 1 == 1)
            .collect();
        let from_end = |at: i64| if at < 0 { (at + bits.len() as i64).max(0) } else { at };
        let range = from_end(start)..=from_end(end);
        let part = || (0_i64..).zip(&bits).filter(|(at, _)| range.contains(at));
        // Places before the beginning are the beginning, but counting sees which was further.
        let is_backwards = start < 0 && end < 0 && start > end;
        let (start, end) = (start.to_string(), end.to_string());
        let counted: [&[u8]; 5] = [b"BITCOUNT", b"k", start.as_bytes(), end.as_bytes(), b"BIT"];
        let ones = part().filter(|(_, bit)| **bit).count() as i64;
        prop_assert_eq!(ask(&mut node, &counted), if is_backwards { 0 } else { ones });
        for wanted in [false, true] {
            let digit: &[u8] = if wanted { b"1" } else { b"0" };
            let request: [&[u8]; 6] =
                [b"BITPOS", b"k", digit, start.as_bytes(), end.as_bytes(), b"BIT"];
            let first = part().find(|(_, bit)| **bit == wanted).map_or(-1, |(at, _)| at);
            prop_assert_eq!(ask(&mut node, &request), first);
        }
    }
}
