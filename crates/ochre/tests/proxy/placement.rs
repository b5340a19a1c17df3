//! The same keys on the same servers as Debian's nutcracker has them.

use std::path::Path;

use crate::arena::{Backend, Proxy};

const NUTCRACKER: &str = "/usr/sbin/nutcracker";
const KEYS: usize = 2000;

/// The keys of each server once the proxy has set all.
fn placed(backends: &[Backend], proxy: &Proxy) -> Vec<Vec<String>> {
    let mut wire = proxy.connect();
    let lines: Vec<String> = (0..KEYS)
        .map(|i| match i % 3 {
            0 => format!("SET k{i} 1"),
            1 => format!("SET user:{{{}}}:{i} 1", i / 7),
            _ => format!("SET \u{e9}{i}-\u{fffd} 1"),
        })
        .collect();
    for batch in lines.chunks(200) {
        wire.ask_all(batch);
    }
    let keys = |backend: &Backend| {
        let mut own = backend.connect();
        let listed = own.ask("KEYS *");
        let mut keys: Vec<String> = listed
            .split("\r\n")
            .skip(2)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        keys.sort();
        assert_eq!(own.ask("FLUSHALL"), "+OK");
        keys
    };
    backends.iter().map(keys).collect()
}

#[test]
fn keys_are_where_nutcracker_has_them() {
    let nutcracker = Path::new(NUTCRACKER);
    if !nutcracker.exists() {
        eprintln!("skipped: {NUTCRACKER} is not installed");
        return;
    }
    let backends: Vec<Backend> = (0..5).map(|_| Backend::start()).collect();
    let ports: Vec<u16> = backends.iter().map(|backend| backend.port).collect();
    for hash in [
        "fnv1a_64",
        "md5",
        "crc16",
        "crc32",
        "hsieh",
        "murmur",
        "jenkins",
        "one_at_a_time",
    ] {
        for distribution in ["ketama", "modula"] {
            let hash_line = format!("hash: {hash}");
            let distribution_line = format!("distribution: {distribution}");
            let tag = "hash_tag: \"{}\"";
            let lines = ["redis: true", tag, &hash_line, &distribution_line];
            let theirs = placed(
                &backends,
                &Proxy::start_program(nutcracker, &[], &ports, &lines),
            );
            let ours = placed(&backends, &Proxy::start(&ports, &lines));
            assert_eq!(ours, theirs, "{hash} {distribution}");
            assert_eq!(ours.iter().map(Vec::len).sum::<usize>(), KEYS);
        }
    }
}
