use super::*;
use stdx::prng::Prng;

/// Reads to the end or the first defect: how many bytes are sane, and what is wrong.
fn read(file: &[u8]) -> (u64, Option<Defect>) {
    // A buffer of three bytes: whatever is read is read in pieces.
    let input = io::BufReader::with_capacity(3, file);
    let mut records = Records::new(input, 0, 1);
    loop {
        match records.next(b"f").expect("memory can be read") {
            Next::Record | Next::Timestamp { .. } => {}
            Next::End => return (records.valid(), None),
            Next::Defect(defect) => return (records.valid(), Some(defect)),
        }
    }
}

#[test]
fn numbers_are_read_as_a_c_library_reads_them() {
    let cases: [(&[u8], i64, &[u8]); 9] = [
        (b"12\r\n", 12, b"\r\n"),
        (b" \t-3x", -3, b"x"),
        (b"+07", 7, b""),
        (b"x", 0, b"x"),
        (b" x", 0, b" x"),
        (b"-", 0, b"-"),
        (b"", 0, b""),
        (b"9223372036854775808", i64::MAX, b""),
        (b"-99999999999999999999", i64::MIN, b""),
    ];
    for (text, number, rest) in cases {
        assert_eq!(
            leading_number(text),
            (number, rest),
            "{}",
            text.escape_ascii()
        );
    }
}

#[test]
fn what_is_sane_is_sane_without_the_rest() {
    let sane = b"#TS:1\r\n*1\r\n$5\r\nMULTI\r\n\
                 *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*1\r\n$4\r\nEXEC\r\n";
    let (valid, defect) = read(sane);
    assert!(valid == sane.len() as u64 && defect.is_none());
    let mut prng = Prng::new(1);
    let mut defects = 0;
    for _ in 0..20_000 {
        let mut file = [sane.as_slice(), sane].concat();
        for _ in 0..=prng.below(3) {
            let at = prng.below(file.len() as u64) as usize;
            match prng.below(3) {
                0 => file.truncate(at.max(1)),
                1 => file[at] = b"*$#\r\n019- \0\xffE"[prng.below(13) as usize],
                _ => file[at] = prng.next_u64() as u8,
            }
        }
        let (valid, defect) = read(&file);
        defects += usize::from(defect.is_some());
        assert!(defect.is_some() || valid == file.len() as u64);
        let (again, defect) = read(&file[..valid as usize]);
        assert!(
            again == valid && defect.is_none(),
            "{}",
            file.escape_ascii()
        );
    }
    assert!(defects > 10_000);
}
