//! A manifest that can be read lists names that are no paths, and is written so that it reads the
//! same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use persistence::aof::Manifest;

fuzz_target!(|text: &[u8]| {
    let Ok(manifest) = Manifest::parse(text) else {
        return;
    };
    for part in manifest.parts().chain(manifest.history()) {
        assert!(!part.name.is_empty() && !part.name.contains('/'));
    }
    let written = manifest.text();
    if !written.is_empty() {
        assert_eq!(Manifest::parse(&written), Ok(manifest));
    }
});
