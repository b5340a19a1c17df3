use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The value as its text.
fn text(entry: &Entry) -> Vec<u8> {
    match entry.text() {
        Text::Int(number) => number.to_string().into_bytes(),
        Text::Bytes(bytes) => bytes.to_vec(),
    }
}

#[test]
fn a_small_key_takes_forty_bytes() {
    let entry = Entry::string(&[b'k'; 16], &[b'v'; 16], None);
    assert_eq!(entry.memory(), 40);
    assert_eq!(entry.with_expiry(Some(UnixMillis(1))).memory(), 48);
}

#[test]
fn encodings_are_those_of_redis() {
    let encoding = |value: &[u8]| Entry::string(b"k", value, None).encoding();
    assert_eq!(encoding(b"-12"), "int");
    assert_eq!(encoding(b"9223372036854775808"), "embstr");
    assert_eq!(encoding(&[b'a'; 44]), "embstr");
    assert_eq!(encoding(&[b'a'; 45]), "raw");
    let mut entry = Entry::string(b"k", b"1", None).with_len(3);
    entry.mark_raw();
    assert_eq!((entry.encoding(), text(&entry)), ("raw", b"1\0\0".to_vec()));
}

#[derive(Clone, Debug)]
enum Step {
    Expire(Option<i64>),
    Int(i64),
    Len(usize),
    Rename(Vec<u8>),
    Set(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![0usize..300, 16_300usize..16_500];
    prop_oneof![
        any::<Option<i64>>().prop_map(Step::Expire),
        any::<i64>().prop_map(Step::Int),
        len.prop_map(Step::Len),
        vec(any::<u8>(), 0..200).prop_map(Step::Rename),
        vec(any::<u8>(), 0..200).prop_map(Step::Set),
    ]
}

proptest! {
    #[test]
    fn every_change_keeps_the_rest(
        key in vec(any::<u8>(), 0..200),
        value in vec(any::<u8>(), 0..200),
        access in 0u32..1 << 24,
        steps in vec(step(), 0..20),
    ) {
        let mut entry = Entry::string(&key, &value, None);
        entry.set_access(access);
        let (mut key, mut value, mut expiry) = (key, value, None);
        for step in steps {
            entry = match step {
                Step::Expire(at) => {
                    expiry = at.map(UnixMillis);
                    entry.with_expiry(expiry)
                }
                Step::Int(number) => {
                    value = number.to_string().into_bytes();
                    entry.with_int(number)
                }
                Step::Len(len) => {
                    value.resize(len, 0);
                    entry.with_len(len)
                }
                Step::Rename(name) => {
                    key = name;
                    entry.renamed(&key)
                }
                Step::Set(bytes) => {
                    value = bytes;
                    entry.with_string(&value)
                }
            };
            prop_assert_eq!(entry.key(), &key);
            prop_assert_eq!(text(&entry), value.clone());
            prop_assert_eq!(entry.expiry(), expiry);
            prop_assert_eq!(entry.access(), access);
        }
    }
}
