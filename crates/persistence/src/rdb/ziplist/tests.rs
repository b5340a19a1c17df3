use proptest::prelude::*;

use super::*;

/// The elements as a ziplist.
fn ziplist(elements: &[Text<'_>]) -> Vec<u8> {
    let (mut body, mut before) = (Vec::new(), 0);
    let mut last = HEADER_BYTES;
    for element in elements {
        last = HEADER_BYTES + body.len();
        let start = body.len();
        match u8::try_from(before) {
            Ok(short @ ..0xfe) => body.push(short),
            _ => {
                body.push(0xfe);
                body.extend_from_slice(&(before as u32).to_le_bytes());
            }
        }
        push(*element, &mut body);
        before = body.len() - start;
    }
    let len = HEADER_BYTES + body.len() + 1;
    let mut bytes = (len as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&(last as u32).to_le_bytes());
    bytes.extend_from_slice(&(elements.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes.push(END);
    bytes
}

fn push(element: Text<'_>, body: &mut Vec<u8>) {
    let number = match element {
        Text::Int(number) => number,
        Text::Bytes(bytes) => {
            match bytes.len() {
                len @ ..0x40 => body.push(len as u8),
                len @ ..0x4000 => body.extend_from_slice(&(0x4000 | len as u16).to_be_bytes()),
                len => {
                    body.push(0x80);
                    body.extend_from_slice(&(len as u32).to_be_bytes());
                }
            }
            return body.extend_from_slice(bytes);
        }
    };
    let fits = |bits: u32| number >= -1 << (bits - 1) && number < 1 << (bits - 1);
    let (form, size) = match number {
        0..=12 => (0xf1 + number as u8, 0),
        _ if fits(8) => (0xfe, 1),
        _ if fits(16) => (0xc0, 2),
        _ if fits(24) => (0xf0, 3),
        _ if fits(32) => (0xd0, 4),
        _ => (0xe0, 8),
    };
    body.push(form);
    body.extend_from_slice(&number.to_le_bytes()[..size]);
}

fn read(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let pack = to_listpack(bytes)?;
    Some(pack.iter().map(|text| text.to_vec()).collect())
}

fn texts(elements: &[Vec<u8>]) -> Vec<Text<'_>> {
    elements
        .iter()
        .map(|bytes| Text::Bytes(bytes).shortest())
        .collect()
}

#[test]
fn every_form_is_read() {
    let numbers = [
        0,
        12,
        13,
        -1,
        127,
        -128,
        128,
        -32768,
        32768,
        -8388608,
        8388608,
        i64::MAX,
        i64::MIN,
    ];
    let numbers: Vec<Vec<u8>> = numbers
        .iter()
        .map(|n: &i64| n.to_string().into_bytes())
        .collect();
    let strings = [0, 63, 64, 250, 253, 254, 16_383, 16_384].map(|len| vec![b'x'; len]);
    for elements in [&numbers[..], &strings[..], &[]] {
        assert_eq!(read(&ziplist(&texts(elements))).as_deref(), Some(elements));
    }
}

#[test]
fn contradictions_are_refused() {
    let bytes = ziplist(&[Text::Int(1), Text::Bytes(b"two"), Text::Bytes(b"three")]);
    assert!(read(&bytes).is_some());
    let damaged = |at: usize, byte: u8| {
        let mut damaged = bytes.clone();
        damaged[at] = byte;
        read(&damaged)
    };
    // Bytes, last element, elements, length before, end.
    for at in [0, 3, 4, 7, 8, 10, 12, bytes.len() - 1] {
        assert_eq!(damaged(at, bytes[at] ^ 2), None, "byte {at}");
    }
    for form in [0xf1 - 2, 0xff, 0x81, 0xc1, 0xd1] {
        assert_eq!(damaged(11, form), None, "form {form:x}");
    }
    for len in 0..bytes.len() {
        assert_eq!(read(&bytes[..len]), None);
    }
}

#[test]
fn too_many_are_not_counted() {
    let mut bytes = ziplist(&[Text::Int(1), Text::Int(2)]);
    bytes[8..10].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(read(&bytes), Some(vec![b"1".to_vec(), b"2".to_vec()]));
}

proptest! {
    #[test]
    fn elements_come_back(
        elements in prop::collection::vec(
            prop_oneof![
                any::<i64>().prop_map(|number| number.to_string().into_bytes()),
                prop::collection::vec(any::<u8>(), 0..300),
            ],
            0..20,
        ),
    ) {
        prop_assert_eq!(read(&ziplist(&texts(&elements))), Some(elements));
    }

    #[test]
    fn damage_is_refused_or_read(
        elements in prop::collection::vec(prop::collection::vec(b'0'..b'3', 0..9), 1..6),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..3),
    ) {
        let mut bytes = ziplist(&texts(&elements));
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(pack) = to_listpack(&bytes) {
            prop_assert!(pack.bytes_len() <= 2 * bytes.len() + 16);
            prop_assert!(Listpack::from_bytes(pack.as_bytes()).is_ok());
        }
    }
}
