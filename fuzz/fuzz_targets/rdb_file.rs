//! However a snapshot is cut into pieces, it means the same; its values are whole or refused; and
//! memory follows the bytes that came.

#![no_main]

use datatypes::packed::HashSeed;
use libfuzzer_sys::fuzz_target;
use persistence::Limits;
use persistence::rdb::{Item, ScanOptions, Scanner, decode, dump, restore, string};
use stdx::crc64;
use stdx::prng::Prng;

/// Nobody who makes input knows it, or need know it.
const SEED: HashSeed = HashSeed(7);

fuzz_target!(|bytes: &[u8]| {
    // Nobody finds the first bytes by chance.
    let header: &[u8] = if bytes.starts_with(b"REDIS") {
        b""
    } else {
        b"REDIS0010"
    };
    let bytes = [header, bytes].concat();
    let mut chance = Prng::new(crc64::update(0, &bytes));
    let options = ScanOptions {
        verify: chance.below(2) == 0,
        pass_unsupported: chance.below(2) == 0,
    };
    let whole = scan(&[&bytes], options);
    assert_eq!(scan(&pieces(&bytes, &mut chance), options), whole);
});

fn pieces<'a>(mut stream: &'a [u8], chance: &mut Prng) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !stream.is_empty() {
        let len = 1 + chance.below(stream.len().min(40) as u64) as usize;
        let (piece, rest) = stream.split_at(len);
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

fn scan(pieces: &[&[u8]], options: ScanOptions) -> Vec<String> {
    let limits = Limits::with_seed(SEED);
    let (mut scanner, mut buffer, mut found) = (Scanner::new(options), Vec::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match scanner.next(&buffer) {
                Ok(None) => break,
                Ok(Some(Item::Record(record))) => {
                    let key =
                        string(&buffer[record.key()]).map(|key| key.into_bytes().into_owned());
                    let value = decode(record.kind, &buffer[record.value()], &limits);
                    let payload = value.map(|value| dump(value.as_ref(), false));
                    if let Ok(payload) = &payload {
                        assert!(
                            restore(payload, &limits).is_ok(),
                            "what was read can be written"
                        );
                    }
                    found.push(format!(
                        "{} {:?} {key:?} {payload:?}",
                        record.offset, record.expiry
                    ));
                }
                Ok(Some(item)) => found.push(format!("{item:?}")),
                Err(error) => {
                    found.push(error.to_string());
                    return found;
                }
            }
        }
        buffer.drain(..scanner.take_consumed());
    }
    found.push(format!("{:?}", scanner.finish(&buffer)));
    found
}
