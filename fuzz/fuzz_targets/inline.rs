//! A line of words means as a request what it means as a line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use resp::request::{Batch, Limits, Parser, ProtocolError};
use stdx::text::split_words;

const LIMITS: Limits = Limits {
    bulk_bytes_max: 512 * 1024 * 1024,
    unauthenticated: true,
};

fuzz_target!(|line: &[u8]| {
    if line.starts_with(b"*") || line.contains(&b'\n') {
        return;
    }
    let mut input = [line, b"\n"].concat();
    let (mut parser, mut batch) = (Parser::default(), Batch::default());
    let parsed = parser.parse(&mut input, &LIMITS, &mut batch);
    match split_words(line) {
        Err(_) => assert_eq!(parsed.error, Some(ProtocolError::UnbalancedQuotes)),
        Ok(words) => {
            assert_eq!((parsed.error, parsed.consumed), (None, line.len() + 1));
            assert_eq!(batch.len(), usize::from(!words.is_empty()));
            if !words.is_empty() {
                assert_eq!(batch.request(0), words);
            }
        }
    }
});
