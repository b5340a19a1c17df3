use stdx::prng::Prng;

use super::*;

#[test]
fn the_mark_is_found_however_the_bytes_arrive() {
    let mark = *b"0123456789abcdefghijklmnopqrstuvwxyzABCD";
    let mut prng = Prng::new(5);
    for round in 0..2_000 {
        // The data ends with the beginning of a mark, which must not confuse the search.
        let mut bytes = vec![b'x'; prng.below(100) as usize];
        bytes.extend_from_slice(&mark[..prng.below(MARK_LEN as u64) as usize]);
        let len = bytes.len() + MARK_LEN;
        bytes.extend_from_slice(&mark);
        bytes.extend_from_slice(b"*1\r\n$4\r\nping\r\n");
        let (mut recent, mut taken, mut rest) = (Vec::new(), 0, &bytes[..]);
        loop {
            let piece = (1 + prng.below(1 + round % 70) as usize).min(rest.len());
            let (more, ends) = take_marked(&mark, &mut recent, &rest[..piece]);
            taken += more;
            if ends {
                break;
            }
            assert_eq!(more, piece);
            rest = &rest[piece..];
        }
        assert_eq!(taken, len);
    }
}

#[test]
fn headers() {
    let mark = [b'm'; MARK_LEN];
    let marked = [b"$EOF:", &mark[..]].concat();
    assert_eq!(Header::parse(&marked), Header::Marked(mark));
    assert_eq!(Header::parse(b"$18"), Header::Sized(18));
    assert_eq!(Header::parse(b"-ERR no"), Header::Refused);
    for line in [
        &b"$-5"[..],
        b"$EOF:abc",
        b"$x",
        b"$",
        b"foo",
        b"*1",
        &marked[..44],
    ] {
        assert_eq!(Header::parse(line), Header::Unknown);
    }
}
