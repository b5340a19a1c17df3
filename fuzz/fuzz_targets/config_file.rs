//! A configuration that can be read is written so that it reads the same.

#![no_main]

use config::{Config, LoadError, Sources, load, rewrite};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(config) = read(text) else { return };
    for force_all in [false, true] {
        let written = rewrite(text, &config, force_all);
        let shown = String::from_utf8_lossy(&written);
        match read(&written) {
            Ok(mut again) => {
                if force_all {
                    // "One thread per core", the default, cannot be spelled out.
                    again.network.io_threads = config.network.io_threads;
                }
                assert!(again == config, "it reads otherwise:\n{shown}");
            }
            Err(error) => panic!("{error}:\n{shown}"),
        }
    }
});

/// Reads a file that includes nothing.
fn read(text: &[u8]) -> Result<Config, LoadError> {
    let loaded = load(Sources {
        text,
        options: b"",
        sentinel: false,
        include: &mut |_| Err("No such file or directory".to_owned()),
    });
    loaded.map(|loaded| loaded.config)
}
