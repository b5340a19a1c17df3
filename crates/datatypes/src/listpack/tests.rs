use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let value = |digit: u8| char::from(digit).to_digit(16).expect("a digit") as u8;
    digits
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}

fn packed<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Listpack {
    let mut pack = Listpack::new();
    for text in texts {
        pack.push_back(Text::Bytes(text.as_ref()));
    }
    pack
}

fn texts(pack: &Listpack) -> Vec<Vec<u8>> {
    pack.iter().map(Text::to_vec).collect()
}

/// What Redis 7.0 wrote is read as what was put in, and written again byte for byte.
#[track_caller]
fn check_captured(captured: &str, expected: &[&str]) {
    let bytes = hex(captured);
    let pack = Listpack::from_bytes(&bytes).expect("a peer's listpack is valid");
    let expected: Vec<Vec<u8>> = expected.iter().map(|text| (*text).into()).collect();
    assert_eq!(texts(&pack), expected);
    assert_eq!(pack.len(), expected.len());
    assert_eq!(pack.as_bytes(), bytes);
    assert_eq!(packed(&expected).as_bytes(), bytes);
}

#[test]
fn integers_of_every_width_are_as_captured() {
    check_captured(
        "a40000001d00 0001 0101 7f01 c08002 dfff02 cfff02 f1001003 d00002 f1ffef03 f1ff7f03
         f200800004 f1008003 f2ff7fff04 f2ffff7f04 f30000800005 f200008004 f3ffff7fff05
         f3ffffff7f05 f4000000800000000009 f30000008005 f4ffffff7fffffffff09
         f4ffffffffffffff7f09 f4000000000000008009
         933932323333373230333638353437373538303814 822d3003 82303103 822b3103 82203103 8001 ff",
        &[
            "0",
            "1",
            "127",
            "128",
            "-1",
            "4095",
            "4096",
            "-4096",
            "-4097",
            "32767",
            "32768",
            "-32768",
            "-32769",
            "8388607",
            "8388608",
            "-8388608",
            "-8388609",
            "2147483647",
            "2147483648",
            "-2147483648",
            "-2147483649",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "-0",
            "01",
            "+1",
            " 1",
            "",
        ],
    );
}

#[test]
fn strings_hashes_and_sorted_sets_are_as_captured() {
    let (x, y) = ("x".repeat(63), "y".repeat(64));
    check_captured(
        &format!(
            "9b0000000400 816102 8b68656c6c6f20776f726c640c bf{}40 e040{}42 ff",
            "78".repeat(63),
            "79".repeat(64),
        ),
        &["a", "hello world", &x, &y],
    );
    check_captured(
        "250000000600846e616d6505856f636872650683616765042a018270690384332e313405ff",
        &["name", "ochre", "age", "42", "pi", "3.14"],
    );
    check_captured(
        "2d0000000800 857468726565 06 dffd02 836f6e65 04 0101 8374776f 04 83322e35 04
         84666f7572 05 83696e66 04 ff",
        &["three", "-3", "one", "1", "two", "2.5", "four", "inf"],
    );
}

/// One string of `len` bytes, captured with its middle left out.
#[track_caller]
fn check_long(len: usize, start: &str, end: &str) {
    let pack = packed([vec![b'z'; len]]);
    let (start, end) = (hex(start), hex(end));
    let mut expected = start.clone();
    expected.resize(start.len() + len, b'z');
    expected.extend(end);
    assert!(pack.as_bytes() == expected, "a string of {len} bytes");
    let read = Listpack::from_bytes(&expected).expect("a peer's listpack is valid");
    assert_eq!(read.iter().next_back().map(Text::len), Some(len));
}

#[test]
fn the_length_behind_grows_where_peers_let_it_grow() {
    check_long(125, "870000000100e07d", "7fff");
    check_long(126, "890000000100e07e", "0180ff");
    check_long(4095, "0a1000000100efff", "2081ff");
    check_long(4096, "0e1000000100f000100000", "2085ff");
    check_long(16377, "074000000100f0f93f0000", "7ffeff");
    check_long(16378, "094000000100f0fa3f0000", "00ffffff");
    check_long(16379, "0a4000000100f0fb3f0000", "018080ff");
    check_long(2_097_145, "080020000100f0f9ff1f00", "7ffffeff");
    check_long(2_097_146, "0a0020000100f0faff1f00", "00ffffffff");
    check_long(2_097_147, "0b0020000100f0fbff1f00", "01808080ff");
    // Captured with strings of 268,435,449 and 268,435,450 bytes.
    assert_eq!(element::back_bytes(268_435_454), 4);
    assert_eq!(element::back_bytes(268_435_455), 5);
}

#[test]
fn a_listpack_is_one_word() {
    assert_eq!(size_of::<Listpack>(), 8);
    let pack = packed(["12345", "b", "c"]);
    assert_eq!(pack.bytes_len(), 6 + 4 + 3 + 3 + 1);
    assert_eq!(pack.memory(), 24);
    assert_eq!(Listpack::new().memory(), 8);
}

#[test]
fn too_many_to_count_are_walked() {
    let mut pack = Listpack::new();
    for number in 0..70_000 {
        pack.push_back(Text::Int(number % 100));
    }
    assert_eq!(pack.as_bytes()[4..6], [0xff, 0xff]);
    assert_eq!(pack.len(), 70_000);
    assert_eq!(pack.get(69_999), Some(Text::Int(99)));
    assert_eq!(pack.get(70_000), None);
    assert_eq!(pack.get(-70_000), Some(Text::Int(0)));
    assert_eq!(pack.get(-70_001), None);
    let read = Listpack::from_bytes(pack.as_bytes()).expect("it is valid");
    assert_eq!(read.len(), 70_000);
    let at = pack.seek(60_000).expect("there are more");
    assert_eq!(pack.split_off(at).len(), 10_000);
    assert_eq!(pack.len(), 60_000);
    assert_eq!(pack.as_bytes()[4..6], 60_000_u16.to_le_bytes());
}

#[test]
fn integers_written_as_strings_are_found_as_integers() {
    let bytes = hex("0b0000000100 823132 03 ff");
    let pack = Listpack::from_bytes(&bytes).expect("it is valid");
    assert_eq!(pack.iter().next(), Some(Text::Bytes(b"12")));
    let first = pack.first();
    assert_eq!(pack.find(first, Text::Bytes(b"12"), 1), first);
    assert_eq!(pack.find(first, Text::Int(12), 1), first);
    assert_eq!(pack.find(first, Text::Int(13), 1), None);
}

#[test]
fn finding_by_steps_sees_no_values() {
    let pack = packed(["a", "b", "b", "1", "1"]);
    let found = |wanted: &str, step| pack.find(pack.first(), Text::Bytes(wanted.as_bytes()), step);
    assert_eq!(found("b", 2), pack.seek(2));
    assert_eq!(found("1", 2), pack.seek(4));
    assert_eq!(found("1", 1), pack.seek(3));
    assert_eq!(found("c", 2), None);
    assert_eq!(Listpack::new().find(None, Text::Int(1), 1), None);
}

#[test]
fn wrong_bytes_are_refused() {
    for wrong in [
        "",
        "ff",
        "0700000000",
        "070000000000",
        "070000000000fe",
        "080000000000ff",
        "070000000100ff",
        "0900000000000101ff",
        "0900000001000102ff",
        "0900000001000181ff",
        "090000000100f501ff",
        "090000000100c001ff",
        "0b0000000100f10102 04ff",
        "0e0000000100f0ffffffff 0505ff",
    ] {
        assert_eq!(Listpack::from_bytes(&hex(wrong)), Err(Invalid), "{wrong}");
    }
    assert!(Listpack::from_bytes(&hex("0900000001000101ff")).is_ok());
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (any::<i64>(), 0_u32..64).prop_map(|(bits, shift)| {
            (bits >> shift).to_string().into_bytes()
        }),
        4 => vec(any::<u8>(), 0..80),
        1 => (0_usize..5000).prop_map(|len| vec![b'l'; len]),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    PushFront(Vec<u8>),
    PushBack(Vec<u8>),
    Insert(usize, Vec<u8>),
    InsertBehind(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    Remove(usize),
    RemoveRange(usize, usize),
    Retain(u8),
    SplitAndSwap(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        text().prop_map(Step::PushFront),
        text().prop_map(Step::PushBack),
        (any::<usize>(), text()).prop_map(|(at, text)| Step::Insert(at, text)),
        (any::<usize>(), text()).prop_map(|(at, text)| Step::InsertBehind(at, text)),
        (any::<usize>(), text()).prop_map(|(at, text)| Step::Replace(at, text)),
        any::<usize>().prop_map(Step::Remove),
        (any::<usize>(), 0_usize..4).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        any::<u8>().prop_map(Step::Retain),
        any::<usize>().prop_map(Step::SplitAndSwap),
    ]
}

fn wants(text: &[u8], mask: u8) -> bool {
    text.last().is_none_or(|last| last & 3 != mask & 3)
}

/// Does the same to a listpack and to its model.
fn apply(pack: &mut Listpack, model: &mut VecDeque<Vec<u8>>, step: Step) {
    let at = |index: usize| index % model.len().max(1);
    let place = |index: usize| pack.seek(at(index) as isize);
    match step {
        Step::PushFront(text) => {
            pack.push_front(Text::Bytes(&text));
            model.push_front(text);
        }
        Step::PushBack(text) => {
            pack.push_back(Text::Bytes(&text));
            model.push_back(text);
        }
        Step::Insert(index, text) => {
            let (place, index) = (place(index).unwrap_or(pack.end()), at(index));
            pack.insert(place, Text::Bytes(&text));
            assert!(pack.is_at(place, Text::Bytes(&text)));
            model.insert(index, text);
        }
        Step::Retain(mask) => {
            let before = model.len();
            model.retain(|text| wants(text, mask));
            let removed = pack.retain(|text| text.with_bytes(|text| wants(text, mask)));
            assert_eq!(removed, before - model.len());
        }
        Step::SplitAndSwap(index) => {
            let (place, index) = (place(index).unwrap_or(pack.end()), at(index));
            let mut tail = pack.split_off(place);
            tail.append(pack);
            *pack = tail;
            model.rotate_left(index);
        }
        Step::RemoveRange(index, count) => {
            let (place, index) = (place(index).unwrap_or(pack.end()), at(index));
            let end = model.len().min(index + count);
            model.drain(index..end);
            assert_eq!(pack.remove_range(place, count), end - index);
        }
        Step::InsertBehind(index, text) => {
            if let Some(place) = place(index) {
                pack.insert_behind(place, Text::Bytes(&text));
                model.insert(at(index) + 1, text);
            }
        }
        Step::Replace(index, text) => {
            if let Some(place) = place(index) {
                pack.replace(place, Text::Bytes(&text));
                let index = at(index);
                model[index] = text;
            }
        }
        Step::Remove(index) => {
            if let Some(place) = place(index) {
                pack.remove(place);
                model.remove(at(index));
            }
        }
    }
}

fn check_reading(pack: &Listpack, model: &VecDeque<Vec<u8>>) {
    assert!(texts(pack).iter().eq(model));
    let backwards: Vec<Vec<u8>> = pack.iter().rev().map(Text::to_vec).collect();
    assert!(backwards.iter().eq(model.iter().rev()));
    assert_eq!(pack.len(), model.len());
    assert_eq!(pack.is_empty(), model.is_empty());
    assert_eq!(packed(model).as_bytes(), pack.as_bytes());
    assert_eq!(Listpack::from_bytes(pack.as_bytes()).as_ref(), Ok(pack));
    let (mut ahead, mut back) = (pack.first(), pack.last());
    for index in 0..model.len() {
        let from_end = index as isize - model.len() as isize;
        let place = ahead.expect("as many elements as the model");
        assert_eq!(pack.seek(index as isize), ahead);
        assert_eq!(pack.seek(from_end), ahead);
        assert!(pack.is_at(place, Text::Bytes(&model[index])));
        let found = pack.find(ahead, Text::Bytes(&model[index]), 1);
        assert_eq!(found, ahead);
        let behind = back.expect("as many elements as the model");
        assert_eq!(pack.seek(-1 - index as isize), back);
        (ahead, back) = (pack.next(place), pack.previous(behind));
    }
    assert_eq!((ahead, back), (None, None));
    assert_eq!(pack.seek(model.len() as isize), None);
    assert_eq!(pack.seek(-1 - model.len() as isize), None);
}

proptest! {
    #[test]
    fn agrees_with_a_vector(steps in vec(step(), 0..60)) {
        let (mut pack, mut model) = (Listpack::new(), VecDeque::new());
        for step in steps {
            apply(&mut pack, &mut model, step);
            check_reading(&pack, &model);
        }
    }

    #[test]
    fn text_takes_as_many_bytes_as_told(text in text()) {
        let size = Listpack::size_of(Text::Bytes(&text));
        prop_assert_eq!(packed([text]).bytes_len(), Listpack::EMPTY_BYTES + size);
    }

    /// Changed bytes are refused, or are another listpack that can be walked from both ends.
    #[test]
    fn damage_is_refused_or_harmless(
        texts in vec(text(), 0..8),
        flips in vec((any::<usize>(), any::<u8>()), 0..4),
        cut in 0_usize..3,
    ) {
        let mut bytes = packed(&texts).as_bytes().to_vec();
        for (at, bits) in flips {
            let at = at % bytes.len();
            bytes[at] ^= bits;
        }
        bytes.truncate(bytes.len() - cut);
        if let Ok(pack) = Listpack::from_bytes(&bytes) {
            prop_assert_eq!(pack.as_bytes(), bytes);
            let ahead: Vec<Vec<u8>> = pack.iter().map(Text::to_vec).collect();
            let mut back: Vec<Vec<u8>> = pack.iter().rev().map(Text::to_vec).collect();
            back.reverse();
            prop_assert_eq!(ahead, back);
        }
    }

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..64), honest in any::<bool>()) {
        let mut bytes = bytes;
        if honest && bytes.len() > HEADER {
            let len = bytes.len() as u32;
            bytes[..4].copy_from_slice(&len.to_le_bytes());
            bytes[4..6].copy_from_slice(&[0xff, 0xff]);
            *bytes.last_mut().expect("it is not empty") = END;
        }
        if let Ok(pack) = Listpack::from_bytes(&bytes) {
            prop_assert_eq!(pack.iter().count(), pack.iter().rev().count());
        }
    }
}
