use super::*;

#[test]
fn lines_are_written_as_documented() {
    let mut out = Vec::new();
    write_timestamp(1_628_217_473, &mut out);
    write_check(b"123456789", &mut out);
    let text = String::from_utf8(out).expect("annotations are text");
    assert_eq!(text, "#TS:1628217473\r\n#CRC:e9c6d914c4b8d9ca:9\r\n");
}

#[test]
fn what_is_written_is_understood() {
    assert_eq!(timestamp(b"TS:1628217473"), Some(1_628_217_473));
    assert_eq!(timestamp(b"TS:x"), None);
    let check = check(b"CRC:e9c6d914c4b8d9ca:9").and_then(Result::ok);
    let check = check.expect("a sum can be read");
    assert_eq!(check.len, 9);
    assert!(check.fits(b"123456789") && !check.fits(b"123456780"));
}

#[test]
fn other_lines_are_not_about_sums_and_broken_ones_say_none() {
    assert_eq!(check(b"TS:1"), None);
    assert_eq!(check(b"crc:e9c6d914c4b8d9ca:9"), None);
    for line in [
        "CRC:",
        "CRC:e9c6d914c4b8d9ca",
        "CRC:e9c6d914c4b8d9ca:",
        "CRC:e9c6d914c4b8d9ca:-1",
        "CRC:e9c6d914c4b8d9ca:x",
        "CRC:e9c6d914c4b8d9c:9",
        "CRC:+9c6d914c4b8d9cag:9",
        "CRC:\u{e9}9c6d914c4b8d9c:9",
    ] {
        assert_eq!(check(line.as_bytes()), Some(Err(Unreadable)), "{line}");
    }
}
