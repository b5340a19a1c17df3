//! What patterns promise about the texts they match.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stdx::glob::{has_wildcards, literal_prefix, matches};

fuzz_target!(|input: (&[u8], &[u8], bool)| {
    let (pattern, text, nocase) = input;
    let fits = matches(pattern, text, nocase);
    if !nocase && fits {
        assert!(text.starts_with(literal_prefix(pattern)));
    }
    if !nocase && !has_wildcards(pattern) {
        assert_eq!(fits, pattern == text);
    }
    let escaped: Vec<u8> = text.iter().flat_map(|&byte| [b'\\', byte]).collect();
    assert!(matches(&escaped, text, nocase));
    let around = [b"*", &escaped[..], b"*"].concat();
    assert_eq!(matches(&around, text, nocase), !text.is_empty());
});
