//! Files that go from here to Debian's `redis-server`, and back.

use std::path::Path;

use resp::value::Value;
use stdx::prng::Prng;

use crate::process::{Folder, wait_until};
use crate::side::{Key, REDIS, Side, bytes, word};

/// Fills a server with keys of all types and sizes, some of which expire.
fn fill(side: &mut Side, seed: u64) {
    let prng = &mut Prng::new(seed);
    for number in 0..150 {
        let db = prng.below(3).to_string();
        side.value(&[b"SELECT", db.as_bytes()]);
        let key = format!("key:{number}").into_bytes();
        let count = [1, 5, 60, 700][prng.below(4) as usize];
        let kind = prng.below(6);
        for _ in 0..count {
            let (item, other) = (word(prng), word(prng));
            let score = (prng.below(2_000_000) as f64 / 7.0 - 1000.0).to_string();
            let words: Vec<&[u8]> = match kind {
                0 => vec![b"SET", &key, &item],
                1 => vec![b"RPUSH", &key, &item],
                2 => vec![b"SADD", &key, &item],
                3 => vec![b"HSET", &key, &item, &other],
                4 => vec![b"ZADD", &key, score.as_bytes(), &item],
                _ => vec![b"APPEND", &key, &item],
            };
            let reply = side.value(&words);
            assert!(!matches!(reply, Value::Error(_)), "{reply:?}");
        }
        if kind == 2 && prng.below(2) == 0 {
            // A set of numbers alone.
            side.value(&[b"DEL", &key]);
            for _ in 0..count {
                let number = prng.below(1 << 40).to_string();
                side.value(&[b"SADD", &key, number.as_bytes()]);
            }
        }
        if prng.below(3) == 0 {
            let at = (4_102_444_800_000 + prng.below(1_000_000)).to_string();
            side.value(&[b"PEXPIREAT", &key, at.as_bytes()]);
        }
    }
}

/// Fills one server, and has each of `sides` load what the one before has written.
fn pass_on(sides: &[bool], append_only: bool, seed: u64) {
    pass_on_with(&[], sides, append_only, seed);
}

/// `options` are for Ochre.
fn pass_on_with(options: &[&str], sides: &[bool], append_only: bool, seed: u64) {
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let folder = Folder::new();
    let log = ["--appendonly", if append_only { "yes" } else { "no" }];
    let arguments = |is_redis: bool| match is_redis {
        true => log.to_vec(),
        false => [&log, options].concat(),
    };
    let mut side = Side::start(sides[0], &folder, &arguments(sides[0]));
    fill(&mut side, seed);
    let everything = side.everything();
    assert!(everything.len() > 100);
    side.end(!append_only);
    for is_redis in &sides[1..] {
        let mut side = Side::start(*is_redis, &folder, &arguments(*is_redis));
        let found = side.everything();
        let names = |all: &[Key]| -> Vec<(usize, String)> {
            let name = |(db, key, _): &Key| (*db, String::from_utf8_lossy(key).into_owned());
            all.iter().map(name).collect()
        };
        assert_eq!(
            names(&everything),
            names(&found),
            "seed {seed}, redis: {is_redis}"
        );
        for (expected, found) in everything.iter().zip(&found) {
            assert_eq!(expected, found, "seed {seed}");
        }
        if append_only {
            side.value(&[b"BGREWRITEAOF"]);
            wait_until("the file is rewritten", || {
                let info = bytes(side.value(&[b"INFO", b"persistence"]));
                let info = String::from_utf8(info).unwrap();
                info.contains("aof_rewrite_in_progress:0")
                    && info.contains("aof_rewrite_scheduled:0")
            });
        }
        side.end(!append_only);
    }
}

#[test]
fn snapshots_go_back_and_forth() {
    for seed in 0..2 {
        pass_on(&[true, false, true, false], false, seed);
        pass_on(&[false, true, false], false, 10 + seed);
    }
}

#[test]
fn append_only_files_go_back_and_forth() {
    for seed in 0..2 {
        pass_on(&[true, false, true, false], true, 20 + seed);
        pass_on(&[false, true, false], true, 30 + seed);
    }
}

#[test]
fn sums_and_times_in_the_file_are_passed_over_by_the_other() {
    let options = ["--aof-checksum", "yes", "--aof-timestamp-enabled", "yes"];
    pass_on_with(&options, &[false, true, false], true, 40);
}
