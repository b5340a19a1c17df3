//! What is restored from a payload, whose sum is made right, can be dumped and restored again.

#![no_main]

use datatypes::packed::HashSeed;
use libfuzzer_sys::fuzz_target;
use persistence::Limits;
use persistence::rdb::{VERSION, dump, restore};
use stdx::crc64;

/// Nobody who makes input knows it, or need know it.
const SEED: HashSeed = HashSeed(7);

fuzz_target!(|body: &[u8]| {
    let limits = Limits::with_seed(SEED);
    let mut payload = [body, &(VERSION as u16).to_le_bytes()].concat();
    let sum = crc64::update(0, &payload);
    payload.extend_from_slice(&sum.to_le_bytes());
    let Ok(value) = restore(&payload, &limits) else {
        return;
    };
    for compress in [false, true] {
        let again = dump(value.as_ref(), compress);
        let Ok(again) = restore(&again, &limits) else {
            panic!("what was read can be written");
        };
        assert_eq!(
            dump(again.as_ref(), false).len(),
            dump(value.as_ref(), false).len()
        );
    }
});
