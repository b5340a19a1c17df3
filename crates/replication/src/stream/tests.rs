use stdx::prng::Prng;

use super::*;

/// Every unit, and whether it asks for an acknowledgement.
fn cut(cutter: &mut Cutter) -> Result<Vec<(Vec<u8>, bool)>, Corrupt> {
    let mut units = Vec::new();
    while let Some(unit) = cutter.next_unit()? {
        units.push((unit.bytes.to_vec(), unit.asks_ack));
    }
    Ok(units)
}

const UNITS: &[(&[u8], bool)] = &[
    (b"*1\r\n$4\r\nping\r\n", false),
    (b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", false),
    (b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n", true),
    (
        b"*1\r\n$5\r\nmulti\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n\n*1\r\n$4\r\nEXEC\r\n",
        false,
    ),
    (b"\n", false),
    (b"*2\r\n$8\r\nREPLCONF\r\n$0\r\n\r\n", false),
];

#[test]
fn any_split_gives_the_same_units() {
    let whole = UNITS.iter().flat_map(|(bytes, _)| bytes.iter().copied());
    let whole = whole.collect::<Vec<_>>();
    let mut prng = Prng::new(3);
    for _ in 0..500 {
        let mut cutter = Cutter::default();
        let (mut units, mut rest) = (Vec::new(), &whole[..]);
        while !rest.is_empty() {
            let len = (1 + prng.below(12) as usize).min(rest.len());
            cutter.push(&rest[..len]);
            rest = &rest[len..];
            units.extend(cut(&mut cutter).expect("the stream is sound"));
        }
        let expected = UNITS.iter().map(|(bytes, asks)| (bytes.to_vec(), *asks));
        assert_eq!(units, expected.collect::<Vec<_>>());
        assert_eq!(cutter.pending(), 0);
    }
}

#[test]
fn a_transaction_without_its_end_is_kept() {
    let mut cutter = Cutter::default();
    cutter.push(b"*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nping\r\n");
    assert_eq!(cut(&mut cutter), Ok(Vec::new()));
    assert_eq!(cutter.pending(), 29);
}

#[test]
fn what_no_primary_sends_is_corrupt() {
    for stream in [
        &b"PING\r\n"[..],
        b"+OK\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*9999999999\r\n",
        b"*1\n$4\r\nPING\r\n",
        b"*1\r\n:4\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$4\r\nPING\n\n",
        b"*1\r\n$99999999999\r\n",
        &[b'*'; 80],
        &[b'1'; 80],
    ] {
        let mut cutter = Cutter::default();
        cutter.push(stream);
        assert!(cut(&mut cutter).is_err(), "{}", stream.escape_ascii());
    }
}
