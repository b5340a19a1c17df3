use super::*;

fn read(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let pack = to_listpack(bytes)?;
    Some(pack.iter().map(|text| text.to_vec()).collect())
}

#[test]
fn fields_and_values() {
    let texts = |texts: &[&str]| {
        let texts = texts.iter().map(|text| text.as_bytes().to_vec());
        Some(texts.collect::<Vec<_>>())
    };
    assert_eq!(read(b"\x00\xff"), texts(&[]));
    assert_eq!(read(b"\x01\x01f\x02\x0012\xff"), texts(&["f", "12"]));
    // Bytes that a value once took, and nobody counted.
    assert_eq!(
        read(b"\x02\x01f\x01\x02v..\x01g\x00\x00\xff"),
        texts(&["f", "v", "g", ""])
    );
    assert_eq!(read(b"\xfe\x01f\x01\x00v\xff"), texts(&["f", "v"]));
    let long = [
        b"\x01\xfe\x2c\x01\x00\x00",
        &[b'f'; 300][..],
        b"\x00\x00\xff",
    ]
    .concat();
    assert_eq!(read(&long), texts(&[&"f".repeat(300), ""]));
}

#[test]
fn contradictions_are_refused() {
    for bytes in [
        &b""[..],
        b"\xff",
        b"\x00",
        b"\x00\xff\xff",
        b"\x01\xff",
        b"\x00\x01f\x01\x00v\xff",
        b"\x01\x01f\xff",
        b"\x01\x01f\x01\xff",
        b"\x01\x01f\x01\x00\xff",
        b"\x01\x01f\x01\x01v\xff",
        b"\x01\x09f\x01\x00v\xff",
        b"\x01\x01f\x09\x00v\xff",
        b"\x01\xfe\xff\xff\xff\xfff\x01\x00v\xff",
        b"\x01\xfe\xff\xff\xff",
    ] {
        assert_eq!(read(bytes), None, "{bytes:?}");
    }
}
