//! However a stream of requests is cut into pieces, it means the same; and what is handed out is
//! never more than what came.

#![no_main]

use libfuzzer_sys::fuzz_target;
use resp::request::{Batch, Limits, Parser, ProtocolError};

type Request = Vec<Vec<u8>>;

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>)| {
    let (unauthenticated, cuts, stream) = input;
    let limits = Limits {
        bulk_bytes_max: 512 * 1024 * 1024,
        unauthenticated,
    };
    let whole = parse(&[&stream], &limits);
    let handed_out: usize = whole.0.iter().flatten().map(Vec::len).sum();
    assert!(handed_out <= stream.len());
    assert_eq!(parse(&pieces(&stream, &cuts), &limits), whole);
});

/// Cuts `stream` into pieces of these lengths, and what is left.
fn pieces<'a>(mut stream: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &cut in cuts {
        let (piece, rest) = stream.split_at(stream.len().min(usize::from(cut)));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

fn parse(pieces: &[&[u8]], limits: &Limits) -> (Vec<Request>, Option<ProtocolError>) {
    let (mut parser, mut tail, mut requests) = (Parser::default(), Vec::new(), Vec::new());
    for piece in pieces {
        tail.extend_from_slice(piece);
        let mut batch = Batch::default();
        let parsed = parser.parse(&mut tail, limits, &mut batch);
        for index in 0..batch.len() {
            let words = batch.request(index).iter().map(|word| word.to_vec());
            requests.push(words.collect());
        }
        drop(batch);
        if parsed.error.is_some() {
            return (requests, parsed.error);
        }
        tail.drain(..parsed.consumed);
    }
    (requests, None)
}
