//! Files that go from here to Debian's `redis-server`, and back.

use std::path::Path;

use resp::value::Value;
use rustix::process::Signal;
use stdx::prng::Prng;

use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::wire::Wire;

const REDIS: &str = "/usr/bin/redis-server";

/// A key: its db, its name, and what it holds.
type Key = (usize, Vec<u8>, Vec<Vec<u8>>);

/// A server of either kind.
struct Side {
    process: Process,
    wire: Wire,
}

impl Side {
    fn start(is_redis: bool, folder: &Folder, append_only: bool) -> Side {
        let log = if append_only { "yes" } else { "no" };
        loop {
            let port = free_port();
            let number = port.to_string();
            let words = [
                "--port",
                &number,
                "--save",
                "",
                "--dir",
                folder.root(),
                "--appendonly",
                log,
            ];
            let process = match is_redis {
                true => Process::start(Path::new(REDIS), "redis-server", &words, ""),
                false => {
                    let args = [&["server"][..], &words].concat();
                    Process::start(OCHRE.as_ref(), "ochre", &args, "")
                }
            };
            let mut process = process;
            let mut ended = false;
            wait_until("the server is ready", || {
                ended = process.has_ended();
                ended || process.output().contains("Ready to accept connections")
            });
            if !ended {
                let wire = Wire::connect(("127.0.0.1", port));
                return Side { process, wire };
            }
            let output = process.output();
            assert!(output.contains("Address already in use"), "{output}");
        }
    }

    /// Ends the server, with its snapshot file written.
    fn end(mut self, save: bool) {
        if save {
            assert_eq!(self.wire.ask("SAVE"), "+OK");
        }
        let id = self.process.id();
        rustix::process::kill_process(id, Signal::TERM).unwrap();
        assert_eq!(self.process.end().code, Some(0));
    }

    fn value(&mut self, words: &[&[u8]]) -> Value {
        let mut request = Vec::new();
        resp::reply::write_request(&mut request, words);
        self.wire.send(&request).unwrap();
        self.wire.try_next().expect("the server replies")
    }

    fn items(&mut self, words: &[&[u8]]) -> Vec<Vec<u8>> {
        match self.value(words) {
            Value::Array(items) => items.into_iter().map(bytes).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Everything there is, in an order that does not depend on the server.
    fn everything(&mut self) -> Vec<Key> {
        let mut all = Vec::new();
        for db in 0..3 {
            self.value(&[b"SELECT", db.to_string().as_bytes()]);
            let mut keys = self.items(&[b"KEYS", b"*"]);
            keys.sort();
            for key in keys {
                let holds = self.holds(&key);
                all.push((db, key, holds));
            }
        }
        all
    }

    fn holds(&mut self, key: &[u8]) -> Vec<Vec<u8>> {
        let kind = bytes(self.value(&[b"TYPE", key]));
        let mut holds = match &kind[..] {
            b"string" => vec![bytes(self.value(&[b"GET", key]))],
            b"list" => self.items(&[b"LRANGE", key, b"0", b"-1"]),
            b"zset" => self.items(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]),
            b"set" => {
                let mut members = self.items(&[b"SMEMBERS", key]);
                members.sort();
                members
            }
            b"hash" => {
                let flat = self.items(&[b"HGETALL", key]);
                let mut pairs: Vec<_> = flat.chunks(2).map(|pair| pair.join(&b'=')).collect();
                pairs.sort();
                pairs
            }
            other => panic!("{}", String::from_utf8_lossy(other)),
        };
        holds.push(bytes(self.value(&[b"PEXPIRETIME", key])));
        holds.push(kind);
        holds
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) | Value::Simple(bytes) => bytes,
        Value::Integer(number) => number.to_string().into_bytes(),
        other => panic!("{other:?}"),
    }
}

/// A word: short, long, a number, or anything at all.
fn word(prng: &mut Prng) -> Vec<u8> {
    match prng.below(6) {
        0 => prng.below(100).to_string().into_bytes(),
        1 => (prng.next_u64() as i64).to_string().into_bytes(),
        2 => vec![b'a' + prng.below(26) as u8; 60 + prng.below(200) as usize],
        3 => {
            let mut any = vec![0; prng.below(30) as usize + 1];
            prng.fill(&mut any);
            any
        }
        _ => format!("word:{}", prng.below(1000)).into_bytes(),
    }
}

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
    if !Path::new(REDIS).exists() {
        eprintln!("skipped: {REDIS} is not installed");
        return;
    }
    let folder = Folder::new();
    let mut side = Side::start(sides[0], &folder, append_only);
    fill(&mut side, seed);
    let everything = side.everything();
    assert!(everything.len() > 100);
    side.end(!append_only);
    for is_redis in &sides[1..] {
        let mut side = Side::start(*is_redis, &folder, append_only);
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
