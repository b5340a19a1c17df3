use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Every type, nested, and two replies behind each other.
const REPLIES: &[u8] =
    b"*6\r\n%1\r\n+a\r\n:-7\r\n$-1\r\n=6\r\ntxt:hi\r\n!3\r\nERR\r\n~1\r\n#t\r\n*-1\r\n\
>2\r\n$0\r\n\r\n|1\r\n,1.5\r\n(99999999999999999999\r\n";

fn all(input: &[u8], cuts: &[usize]) -> Vec<Value> {
    let mut decoder = Decoder::default();
    let (mut values, mut start, mut end) = (Vec::new(), 0, 0);
    for cut in cuts.iter().copied().chain([input.len()]) {
        end = end.max(cut.min(input.len()));
        loop {
            let decoded = decoder.decode(&input[start..end]).expect("well formed");
            start += decoded.consumed;
            match decoded.value {
                Some(value) => values.push(value),
                None => break,
            }
        }
    }
    assert_eq!(start, input.len());
    assert!(decoder.is_idle());
    values
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_values(mut cuts in vec(0..REPLIES.len(), 0..9)) {
        cuts.sort_unstable();
        prop_assert_eq!(all(REPLIES, &cuts), all(REPLIES, &[]));
    }

    #[test]
    fn any_bytes_end_without_a_panic(input in vec(any::<u8>(), 0..64)) {
        let mut decoder = Decoder::default();
        let decoded = decoder.decode(&input);
        prop_assert!(decoded.is_err() || decoded.is_ok_and(|it| it.consumed <= input.len()));
    }
}

#[test]
fn every_type_is_decoded() {
    let values = all(REPLIES, &[]);
    let first = vec![
        Value::Map(vec![(Value::Simple(b"a".to_vec()), Value::Integer(-7))]),
        Value::Null,
        Value::Verbatim(*b"txt", b"hi".to_vec()),
        Value::Error(b"ERR".to_vec()),
        Value::Set(vec![Value::Boolean(true)]),
        Value::NullArray,
    ];
    let number = Value::BigNumber(b"99999999999999999999".to_vec());
    let attribute = Value::Attribute(vec![(Value::Double(b"1.5".to_vec()), number)]);
    let second = vec![Value::Bulk(Vec::new()), attribute];
    assert_eq!(values, [Value::Array(first), Value::Push(second)]);
}

#[test]
fn a_long_line_is_searched_once() {
    let mut decoder = Decoder::default();
    let mut input = vec![b'+'];
    for _ in 0..1000 {
        input.extend([b'x'; 1000]);
        let decoded = decoder.decode(&input).expect("a status goes on");
        assert_eq!(decoded.consumed, 0);
        assert_eq!(decoder.searched, input.len());
    }
}

#[test]
fn what_is_no_reply_is_refused_at_its_byte() {
    for (input, offset, what) in [
        (b"HTTP/1.1 400".as_slice(), 0, "unknown type"),
        (b"*2\r\n:1\r\nx", 8, "unknown type"),
        (b":one\r\n", 0, "not a number"),
        (b"$-2\r\n", 0, "negative length"),
        (b"$1\r\nabc", 0, "string longer than announced"),
        (b"#x\r\n", 0, "neither true nor false"),
        (b"+a\n", 0, "bare line feed"),
        (b"\n", 0, "unknown type"),
    ] {
        let refused = Decoder::default().decode(input).expect_err("no reply");
        assert_eq!((refused.offset, refused.what), (offset, what), "{input:?}");
    }
    let deep = b"*1\r\n".repeat(DEPTH_MAX + 1);
    assert!(Decoder::default().decode(&deep).is_err());
}

#[test]
fn announced_lengths_reserve_nothing() {
    let mut decoder = Decoder::default();
    for input in [
        b"$9223372036854775807\r\nabc".as_slice(),
        b"*9223372036854775807\r\n",
    ] {
        let decoded = decoder.decode(input).expect("incomplete");
        assert_eq!(decoded.value, None);
        decoder = Decoder::default();
    }
}
