use expect_test::expect;
use proptest::collection::vec;
use proptest::prelude::*;
use resp::value::Value;
use testkit::Node;

use super::check_resp3;
use crate::testing::check;

#[test]
fn lcs_returns_text_length_or_places() {
    check(expect![[r#"
        > MSET a ohmytext b mynewtext n 12345 m 2345
        OK
        > LCS a b
        "mytext"
        > LCS a b LEN
        (integer) 6
        > LCS a b IDX
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
           2) 1) 1) (integer) 2
                 2) (integer) 3
              2) 1) (integer) 0
                 2) (integer) 1
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN 4
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
              3) (integer) 4
        3) "len"
        4) (integer) 6
        > LCS a b idx withmatchlen
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
              3) (integer) 4
           2) 1) 1) (integer) 2
                 2) (integer) 3
              2) 1) (integer) 0
                 2) (integer) 1
              3) (integer) 2
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN 1 MINMATCHLEN 5
        1) "matches"
        2) (empty array)
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN -9223372036854775808
        1) "matches"
        2) 1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
           2) 1) 1) (integer) 2
                 2) (integer) 3
              2) 1) (integer) 0
                 2) (integer) 1
        3) "len"
        4) (integer) 6
        > LCS a b IDX MINMATCHLEN 9223372036854775807
        1) "matches"
        2) (empty array)
        3) "len"
        4) (integer) 6
        > LCS a b WITHMATCHLEN MINMATCHLEN 4
        "mytext"
        > LCS a b LEN LEN WITHMATCHLEN
        (integer) 6
        > LCS n m
        "2345"
        > LCS n m IDX WITHMATCHLEN
        1) "matches"
        2) 1) 1) 1) (integer) 1
                 2) (integer) 4
              2) 1) (integer) 0
                 2) (integer) 3
              3) (integer) 4
        3) "len"
        4) (integer) 4
        > LCS a a IDX WITHMATCHLEN
        1) "matches"
        2) 1) 1) 1) (integer) 0
                 2) (integer) 7
              2) 1) (integer) 0
                 2) (integer) 7
              3) (integer) 8
        3) "len"
        4) (integer) 8
    "#]]);
}

#[test]
fn lcs_of_nothing_is_empty() {
    check(expect![[r#"
        > SET a text
        OK
        > SET e ""
        OK
        > LCS nokey a
        ""
        > LCS a nokey LEN
        (integer) 0
        > LCS a e IDX
        1) "matches"
        2) (empty array)
        3) "len"
        4) (integer) 0
        > LCS nokey nokey IDX
        1) "matches"
        2) (empty array)
        3) "len"
        4) (integer) 0
        > LCS e e LEN
        (integer) 0
    "#]]);
}

#[test]
fn lcs_refuses_other_options() {
    check(expect![[r#"
        > LCS a
        (error) ERR wrong number of arguments for \'lcs\' command
        > LCS a b BAD
        (error) ERR syntax error
        > LCS a b LEN IDX
        (error) ERR If you want both the length and indexes, please just use IDX.
        > LCS a b IDX LEN BAD
        (error) ERR syntax error
        > LCS a b IDX MINMATCHLEN
        (error) ERR syntax error
        > LCS a b IDX MINMATCHLEN abc BAD
        (error) ERR value is not an integer or out of range
        > LCS a b IDX MINMATCHLEN 9223372036854775808
        (error) ERR value is not an integer or out of range
    "#]]);
}

#[test]
fn lcs_is_a_map_in_resp3() {
    check_resp3(expect![[r#"
        > MSET a ohmytext b mynewtext
        OK
        > LCS a b
        "mytext"
        > LCS a b LEN
        (integer) 6
        > LCS a b IDX WITHMATCHLEN
        1# "matches" => 
           1) 1) 1) (integer) 4
                 2) (integer) 7
              2) 1) (integer) 5
                 2) (integer) 8
              3) (integer) 4
           2) 1) 1) (integer) 2
                 2) (integer) 3
              2) 1) (integer) 0
                 2) (integer) 1
              3) (integer) 2
        2# "len" => (integer) 6
        > LCS a nokey IDX
        1# "matches" => (empty array)
        2# "len" => (integer) 0
    "#]]);
}

#[test]
fn lcs_refuses_a_table_larger_than_the_longest_string() {
    check(expect![[r##"
        # 11,584 bytes each make a table of 536,848,900, and one more each is too many.
        > SETRANGE a 11583 x
        (integer) 11584
        > SETRANGE b 11583 x
        (integer) 11584
        > LCS a b LEN
        (integer) 11584
        > LCS a b IDX WITHMATCHLEN
        1) "matches"
        2) 1) 1) 1) (integer) 0
                 2) (integer) 11583
              2) 1) (integer) 0
                 2) (integer) 11583
              3) (integer) 11584
        3) "len"
        4) (integer) 11584
        > APPEND a x
        (integer) 11585
        > APPEND b x
        (integer) 11585
        > LCS a b LEN
        (error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        > LCS a b
        (error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
        # One of them may be longer if the other is shorter.
        > SETRANGE a 134217726 x
        (integer) 134217727
        > LCS a nokey LEN
        (integer) 0
        > SETRANGE a 134217727 x
        (integer) 134217728
        > LCS a nokey LEN
        (error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len
    "##]]);
}

/// The places of a longest common subsequence, the last first, by the usual table.
fn by_table(a: &[u8], b: &[u8]) -> Vec<(usize, usize)> {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            table[i][j] = match a[i - 1] == b[j - 1] {
                true => table[i - 1][j - 1] + 1,
                false => table[i - 1][j].max(table[i][j - 1]),
            };
        }
    }
    let (mut places, mut i, mut j) = (Vec::new(), a.len(), b.len());
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            (i, j) = (i - 1, j - 1);
            places.push((i, j));
        } else if table[i - 1][j] > table[i][j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    places
}

/// The pairs of equal bytes that `LCS a b IDX` tells of, the last first.
fn places_of(reply: &Value) -> Vec<(usize, usize)> {
    let Value::Array(parts) = reply else {
        panic!("no array: {reply:?}")
    };
    let Value::Array(runs) = &parts[1] else {
        panic!("no matches: {reply:?}")
    };
    let range = |run: &Value, side: usize| match run {
        Value::Array(ranges) => match &ranges[side] {
            Value::Array(range) => match range[..] {
                [Value::Integer(first), Value::Integer(last)] => first as usize..last as usize + 1,
                _ => panic!("no range: {range:?}"),
            },
            other => panic!("no range: {other:?}"),
        },
        other => panic!("no match: {other:?}"),
    };
    let pairs = runs
        .iter()
        .flat_map(|run| range(run, 0).rev().zip(range(run, 1).rev()));
    pairs.collect()
}

proptest! {
    #[test]
    fn lcs_finds_what_the_usual_table_finds(
        a in vec(b'a'..b'e', 0..200),
        b in vec(b'a'..b'e', 0..200),
    ) {
        let mut node = Node::new(crate::table());
        let mut run = |words: &[&[u8]]| {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
            node.command("", &words).expect("every command has a reply")
        };
        run(&[b"MSET", b"a", &a, b"b", &b]);
        let places = by_table(&a, &b);
        let text: Vec<u8> = places.iter().rev().map(|&(i, _)| a[i]).collect();
        prop_assert_eq!(places_of(&run(&[b"LCS", b"a", b"b", b"IDX"])), places);
        let len = Value::Integer(text.len() as i64);
        prop_assert_eq!(run(&[b"LCS", b"a", b"b", b"LEN"]), len);
        prop_assert_eq!(run(&[b"LCS", b"a", b"b"]), Value::Bulk(text));
    }
}

#[test]
fn both_keys_are_looked_up() {
    check(expect![[r#"
        > CONFIG SET notify-keyspace-events Km
        OK
        > SADD a x
        (integer) 1
        listener> PSUBSCRIBE __keyspace@*
        1) "psubscribe"
        2) "__keyspace@*"
        3) (integer) 1
        > LCS a b
        (error) ERR The specified keys must contain string values
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:b"
        4) "keymiss"
        > LCS b a
        (error) ERR The specified keys must contain string values
        listener<
        1) "pmessage"
        2) "__keyspace@*"
        3) "__keyspace@0__:b"
        4) "keymiss"
        listener<
        (no reply)
    "#]]);
}
