//! A server of either kind, and everything that it holds.

use std::path::Path;

use resp::value::Value;
use rustix::process::Signal;
use stdx::prng::Prng;

use crate::process::{Folder, OCHRE, Process, free_port, wait_until};
use crate::wire::Wire;

pub const REDIS: &str = "/usr/bin/redis-server";

/// A key: its db, its name, and what it holds.
pub type Key = (usize, Vec<u8>, Vec<Vec<u8>>);

/// A server of either kind.
pub struct Side {
    pub process: Process,
    pub wire: Wire,
    pub port: u16,
}

impl Side {
    /// Starts a server that keeps its files in `folder`, with more directives.
    pub fn start(is_redis: bool, folder: &Folder, more: &[&str]) -> Side {
        loop {
            match Side::try_start(is_redis, folder, free_port(), more) {
                Ok(side) => return side,
                Err(output) => assert!(output.contains("Address already in use"), "{output}"),
            }
        }
    }

    /// As [`Side::start`], at a port that was this server's before.
    pub fn start_at(is_redis: bool, folder: &Folder, port: u16, more: &[&str]) -> Side {
        let started = Side::try_start(is_redis, folder, port, more);
        started.unwrap_or_else(|output| panic!("{output}"))
    }

    /// The error is what the server wrote before it ended.
    fn try_start(
        is_redis: bool,
        folder: &Folder,
        port: u16,
        more: &[&str],
    ) -> Result<Side, String> {
        let number = port.to_string();
        let own = ["--port", &number, "--save", "", "--dir", folder.root()];
        let words = [&own[..], more].concat();
        let mut process = match is_redis {
            true => Process::start(Path::new(REDIS), "redis-server", &words, ""),
            false => {
                let args = [&["server"][..], &words].concat();
                Process::start(OCHRE.as_ref(), "ochre", &args, "")
            }
        };
        let mut ended = false;
        wait_until("the server is ready", || {
            ended = process.has_ended();
            ended || process.output().contains("Ready to accept connections")
        });
        if ended {
            return Err(process.output());
        }
        let wire = Wire::connect(("127.0.0.1", port));
        Ok(Side {
            process,
            wire,
            port,
        })
    }

    /// Ends the server, with its snapshot file written.
    pub fn end(mut self, save: bool) {
        if save {
            assert_eq!(self.wire.ask("SAVE"), "+OK");
        }
        let id = self.process.id();
        rustix::process::kill_process(id, Signal::TERM).unwrap();
        assert_eq!(self.process.end().code, Some(0));
    }

    /// Waits for a line of the log.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str) {
        wait_until(text, || self.process.output().contains(text));
    }

    pub fn value(&mut self, words: &[&[u8]]) -> Value {
        let mut request = Vec::new();
        resp::reply::write_request(&mut request, words);
        self.wire.send(&request).unwrap();
        self.wire.try_next().expect("the server replies")
    }

    pub fn items(&mut self, words: &[&[u8]]) -> Vec<Vec<u8>> {
        match self.value(words) {
            Value::Array(items) => items.into_iter().map(bytes).collect(),
            value if has_become_another(&value) => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    /// Everything there is, in an order that does not depend on the server.
    pub fn everything(&mut self) -> Vec<Key> {
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

    pub fn holds(&mut self, key: &[u8]) -> Vec<Vec<u8>> {
        let kind = bytes(self.value(&[b"TYPE", key]));
        let mut holds = match &kind[..] {
            b"string" => match self.value(&[b"GET", key]) {
                Value::Null => Vec::new(),
                value if has_become_another(&value) => Vec::new(),
                value => vec![bytes(value)],
            },
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
            // It has expired meanwhile.
            b"none" => Vec::new(),
            other => panic!("{}", String::from_utf8_lossy(other)),
        };
        holds.push(bytes(self.value(&[b"PEXPIRETIME", key])));
        holds.push(kind);
        holds
    }
}

/// Servers that share the slots of a cluster, which they keep in these folders.
pub fn cluster(is_redis: bool, folders: &[Folder]) -> Vec<Side> {
    let start = |folder: &Folder| {
        let nodes = folder.path("nodes.conf");
        let words = ["--cluster-enabled", "yes", "--cluster-config-file", &nodes];
        Side::start(is_redis, folder, &words)
    };
    let mut sides: Vec<Side> = folders.iter().map(start).collect();
    let (count, first) = (sides.len(), sides[0].port);
    for (index, side) in sides.iter_mut().enumerate() {
        let (from, to) = (
            crate::clusters::SLOTS * index / count,
            crate::clusters::SLOTS * (index + 1) / count - 1,
        );
        let add = format!("CLUSTER ADDSLOTSRANGE {from} {to}");
        assert_eq!(side.wire.ask(&add), "+OK");
        side.wire
            .ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
        let meet = format!("CLUSTER MEET 127.0.0.1 {first}");
        assert_eq!(side.wire.ask(&meet), "+OK");
    }
    let known = format!("cluster_known_nodes:{count}\r");
    for side in &mut sides {
        wait_until("the cluster stands", || {
            let info = side.wire.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains(&known)
        });
    }
    sides
}

/// A replica's key may become another between two looks: whoever compares looks again.
fn has_become_another(value: &Value) -> bool {
    matches!(value, Value::Error(text) if text.starts_with(b"WRONGTYPE"))
}

pub fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) | Value::Simple(bytes) => bytes,
        Value::Integer(number) => number.to_string().into_bytes(),
        other => panic!("{other:?}"),
    }
}

/// A word: short, long, a number, or anything at all.
pub fn word(prng: &mut Prng) -> Vec<u8> {
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
