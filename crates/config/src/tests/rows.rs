use std::collections::BTreeSet;

use super::{loaded, shown};
use crate::{Config, Directive, Mutability, Policy, directive, directives, rewrite};

const ANYTHING: Policy = Policy {
    protected: true,
    loading: false,
};

/// Values to try; every row takes some of them that are not its default.
const VALUES: &[&str] = &[
    "yes",
    "no",
    "7",
    "64",
    "2048",
    "2097152",
    "20%",
    "local",
    "debug",
    "always",
    "swapdb",
    "systemd",
    "user",
    "clients",
    "optional",
    "absolute",
    "allchannels",
    "hostname",
    "panic",
    "allkeys-lru",
    "KEA",
    "plain",
    "two words",
    "a\nb \"c\" \\ \u{1} # é",
    "now force",
    "900 1 30 100",
    "normal 1 2 3 pubsub 4 5 6",
    "1 -2 3",
    "12.5 100",
    "127.0.0.1 7000",
    "127.0.0.1 -::1",
    "{port} x",
    "",
];

fn assigned(row: &Directive, value: &str) -> Option<Config> {
    let mut config = Config::default();
    let words: Vec<Vec<u8>> = match row.multi {
        true => value
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect(),
        false => vec![value.as_bytes().to_vec()],
    };
    row.assign(&mut config, &words, crate::How::Live).ok()?;
    Some(config)
}

#[test]
fn every_row_round_trips_through_set_get_rewrite_and_load() {
    for row in directives() {
        let mut changed = 0;
        for value in VALUES {
            let Some(config) = assigned(row, value) else {
                continue;
            };
            changed += usize::from(config != Config::default());
            if row.mutability == Mutability::Live {
                let pairs = [(row.name.as_bytes(), value.as_bytes())];
                let change = Config::default().set(&pairs, ANYTHING).unwrap();
                assert_eq!(change.config, config, "{} {value:?}", row.name);
            }
            for force_all in [false, true] {
                let text = rewrite(b"", &config, force_all);
                let again = if row.name == "sentinel" {
                    continue;
                } else {
                    loaded(&text)
                };
                assert!(row.field.is_same(&again, &config), "{} {value:?}", row.name);
                assert_eq!(shown(&again, row.name), shown(&config, row.name));
                if !force_all {
                    assert_eq!(again, config, "{} {value:?}", row.name);
                }
            }
        }
        assert!(changed > 0, "{} was never changed", row.name);
    }
}

#[test]
fn names_are_unique_and_found_in_any_case_and_documented() {
    let mut names = BTreeSet::new();
    for row in directives() {
        for name in row.names() {
            assert!(names.insert(name), "{name} is there twice");
            let found = directive(name.to_ascii_uppercase().as_bytes()).unwrap();
            assert_eq!(found.name, row.name);
        }
        assert!(row.doc.ends_with('.') && row.doc.len() > 10, "{}", row.name);
        assert!(
            row.mutability != Mutability::FileOnly || row.multi,
            "{}",
            row.name
        );
    }
}

#[test]
fn defaults_are_those_of_redis_7_0_15() {
    let config = Config::default();
    let answered = config.get(&[b"*"]);
    let own = [
        "aof-checksum",
        "aof-load-corrupt-tail-max-size",
        "replica-full-sync-from-empty-master",
        "sync-replicas",
        "sync-replicas-timeout",
    ];
    assert_eq!(answered.len(), 192 + own.len());
    for name in own {
        assert_eq!(config.get(&[name.as_bytes()]).len(), 1, "{name}");
    }
    for (name, value) in [
        ("bind", "* -::*"),
        ("save", "3600 1 300 100 60 10000"),
        ("maxmemory", "0"),
        ("maxmemory-clients", "0"),
        ("proto-max-bulk-len", "536870912"),
        ("repl-backlog-size", "1048576"),
        ("oom-score-adj-values", "0 200 800"),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("list-max-ziplist-size", "-2"),
        ("lua-time-limit", "5000"),
        ("io-threads", "1"),
        ("unixsocketperm", "0"),
        ("replicaof", ""),
        ("loading-process-events-interval-bytes", "2097152"),
        (
            "client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
    ] {
        assert_eq!(shown(&config, name), value, "{name}");
    }
}

#[test]
fn the_number_of_threads_in_use_is_answered_but_not_pinned() {
    let mut config = Config::default();
    config.network.io_threads.set_effective(12);
    assert_eq!(shown(&config, "io-threads"), "12");
    assert_eq!(rewrite(b"", &config, false), b"");

    let config = loaded(b"io-threads 4");
    assert_eq!(config.network.io_threads.asked(), Some(4));
    assert!(rewrite(b"", &config, false).ends_with(b"\nio-threads 4\n"));
}
