//! A reply is read from its own bytes and from no fewer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use resp::value::read;

fuzz_target!(|input: &[u8]| {
    let Ok(Some((value, len))) = read(input) else {
        return;
    };
    assert!(0 < len && len <= input.len());
    assert_eq!(read(&input[..len]), Ok(Some((value, len))));
    assert_eq!(read(&input[..len - 1]), Ok(None));
});
