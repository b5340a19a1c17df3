use proptest::prelude::*;

use super::*;

fn pushed(text: &[u8], compress: bool) -> Vec<u8> {
    let mut into = Vec::new();
    push_bytes(text, compress, &mut into);
    into
}

#[test]
fn integers_are_short() {
    for (text, bytes) in [
        ("0", &[0xc0, 0][..]),
        ("-128", &[0xc0, 0x80]),
        ("128", &[0xc1, 0x80, 0]),
        ("-32769", &[0xc2, 0xff, 0x7f, 0xff, 0xff]),
        ("2147483647", &[0xc2, 0xff, 0xff, 0xff, 0x7f]),
        ("-2147483648", &[0xc2, 0, 0, 0, 0x80]),
        ("2147483648", b"\x0a2147483648"),
        ("01", b"\x0201"),
        ("-0", b"\x02-0"),
        ("", b"\x00"),
    ] {
        assert_eq!(pushed(text.as_bytes(), true), bytes, "{text}");
    }
}

#[test]
fn lengths_take_few_bytes() {
    for (len, bytes) in [
        (0, &[0][..]),
        (63, &[63]),
        (64, &[0x40, 64]),
        (16_383, &[0x7f, 0xff]),
        (16_384, &[0x80, 0, 0, 0x40, 0]),
        (u64::from(u32::MAX), &[0x80, 0xff, 0xff, 0xff, 0xff]),
        (1 << 32, &[0x81, 0, 0, 0, 1, 0, 0, 0, 0]),
    ] {
        let mut into = Vec::new();
        push_length(len, &mut into);
        assert_eq!(into, bytes);
        assert_eq!(length(bytes), Ok(Some((len, bytes.len()))));
        for short in 0..bytes.len() {
            assert_eq!(length(&bytes[..short]), Ok(None));
        }
    }
}

#[test]
fn other_forms_are_refused() {
    assert_eq!(length(&[0x82]), Err(Reason::Length(2)));
    assert_eq!(length(&[0xc0, 1]), Err(Reason::Length(3)));
    assert_eq!(read(&[0xc4, 1]), Err(Reason::StringForm(4)));
    assert_eq!(read(&[0xbf, 1]), Err(Reason::Length(2)));
    assert_eq!(read(&[0xc3, 1, 0xc0]), Err(Reason::Length(3)));
    assert_eq!(read(&[0xc3, 1, 1, 9]), Err(Reason::Compression));
}

#[test]
fn what_is_not_there_is_not_read() {
    let announced = [
        &[][..],
        &[5, 1, 2, 3, 4],
        &[0xc2, 1, 2, 3],
        &[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        &[
            0xc3, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1,
        ],
    ];
    for bytes in announced {
        assert_eq!(read(bytes), Err(Reason::Truncated), "{bytes:?}");
    }
    // Its bytes are there, and can never be so many.
    let packed = [
        0xc3, 1, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
    ];
    assert_eq!(read(&packed), Err(Reason::Compression));
}

#[test]
fn reading_reaches_as_far_as_it_can() {
    for (bytes, expected) in [
        (&[][..], 0),
        (&[0x41], 1),
        (&[0x41, 0], 2),
        (&[0x80, 0, 0, 0], 1),
        (&[3, 1, 2], 1),
        (&[3, 1, 2, 3], 4),
        (&[0xc1, 1], 1),
        (&[0xc5, 1], 1),
        (&[0xc3], 1),
        (&[0xc3, 2], 2),
        (&[0xc3, 2, 0x41], 3),
        (&[0xc3, 2, 9, 1], 3),
        (&[0xc3, 2, 9, 1, 1], 5),
        (&[0xc3, 5, 0x85], 3),
    ] {
        assert_eq!(reach(bytes), expected, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn strings_come_back(
        text in prop_oneof![
            prop::collection::vec(0..3_u8, 0..20_000),
            any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        ],
        compress: bool,
        behind in prop::collection::vec(any::<u8>(), 0..3),
    ) {
        let bytes = pushed(&text, compress);
        prop_assert!(bytes.len() <= text.len() + 5);
        prop_assert_eq!(end(&bytes), Ok(Some(bytes.len() as u64)));
        let more = [&bytes[..], &behind[..]].concat();
        let (string, size) = read(&more).expect("it was written so");
        prop_assert_eq!((string.len(), size), (text.len(), bytes.len()));
        prop_assert_eq!(string.into_bytes(), &text[..]);
        for short in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            prop_assert_eq!(read(&bytes[..short]), Err(Reason::Truncated));
        }
    }
}
