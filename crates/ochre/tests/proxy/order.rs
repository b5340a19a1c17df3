//! Every reply belongs to its request, whoever dies meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use resp::value::Value;

use crate::arena::{Backend, arena};
use crate::reload::{Own, ring};

const CLIENTS: usize = 200;
const ROUNDS: usize = 30;
const PIPELINE: usize = 20;

/// What a request must be answered by, if it is not an error of a server that has gone.
fn is_reply_to(request: usize, key: &str, value: &str, reply: &Value) -> bool {
    let bulk = |bytes: &[u8], wanted: &str| bytes == wanted.as_bytes();
    match (request % 4, reply) {
        // A server that is back says for a moment that it is loading.
        (_, Value::Error(text)) => [&b"ERR Connection"[..], b"ERR Broken pipe", b"LOADING "]
            .iter()
            .any(|start| text.starts_with(start)),
        (0, Value::Bulk(text)) => bulk(text, value),
        (1, Value::Simple(text)) => text == b"OK",
        (2, Value::Array(both)) => {
            both.iter()
                .zip([key, "other"])
                .all(|(found, key)| match found {
                    Value::Null => true,
                    Value::Bulk(text) => text.starts_with(format!("of-{key}-").as_bytes()),
                    _ => false,
                })
        }
        (3, Value::Bulk(text)) => text.starts_with(format!("of-{key}-").as_bytes()),
        (3, Value::Null) => true,
        _ => false,
    }
}

#[test]
fn every_reply_belongs_to_its_request() {
    let (mut backends, proxy) = arena(4, &["distribution: ketama", "hash: murmur"]);
    let (done, good) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (proxy, good) = (&proxy, &good);
                scope.spawn(move || talk(client, proxy, good))
            })
            .collect();
        let killer = scope.spawn(|| {
            let mut deaths = 0;
            while !done.load(Ordering::Relaxed) {
                let index = deaths % backends.len();
                backends[index].kill();
                backends[index].revive();
                deaths += 1;
            }
            deaths
        });
        let ended: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(killer.join().unwrap() > 0);
        ended.into_iter().for_each(|client| client.unwrap());
    });
    let sent = (CLIENTS * ROUNDS * PIPELINE) as u64;
    assert!(
        good.load(Ordering::Relaxed) > sent / 10,
        "{good:?} of {sent}"
    );
}

fn talk(client: usize, proxy: &crate::arena::Proxy, good: &AtomicU64) {
    let mut wire = proxy.connect();
    for round in 0..ROUNDS {
        let requests: Vec<(String, String, String)> = (0..PIPELINE)
            .map(|number| {
                let key = format!("k{client}-{number}");
                let value = format!("of-{key}-{round}");
                let line = match number % 4 {
                    0 => format!("ECHO {value}"),
                    1 => format!("SET {key} {value}"),
                    2 => format!("MGET {key} other"),
                    _ => format!("GET {key}"),
                };
                (line, key, value)
            })
            .collect();
        let lines: Vec<&String> = requests.iter().map(|(line, _, _)| line).collect();
        let replies = wire.ask_all(&lines);
        for (number, (reply, (line, key, value))) in replies.iter().zip(&requests).enumerate() {
            let fits = is_reply_to(number, key, value, reply);
            assert!(fits, "{line} was answered by {reply:?}");
            good.fetch_add(
                u64::from(!matches!(reply, Value::Error(_))),
                Ordering::Relaxed,
            );
        }
    }
}

/// While connections to servers that live are cut, reads never fail, and no write runs twice.
#[test]
fn nothing_is_run_twice_when_connections_are_cut() {
    let backends: Vec<Backend> = (0..4).map(|_| Backend::start()).collect();
    let servers: Vec<&Backend> = backends.iter().collect();
    let proxy = Own::start(&format!("limits.hold_ms = 60000\n{}", ring(&servers)));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let proxy = &proxy;
                scope.spawn(move || count(client, proxy))
            })
            .collect();
        let cutter = scope.spawn(|| {
            let mut wires: Vec<_> = backends.iter().map(Backend::connect).collect();
            let mut cuts = 0;
            while !done.load(Ordering::Relaxed) {
                let reply = wires[cuts % 4].ask("CLIENT KILL TYPE normal SKIPME yes");
                assert!(reply.starts_with(':'), "{reply}");
                cuts += 1;
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            cuts
        });
        let ended: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(cutter.join().unwrap() > 0);
        ended.into_iter().for_each(|client| client.unwrap());
    });
    let resent = proxy.figure("resent_requests_total");
    assert!(resent > 0, "no request has been in the way");
}

const COUNTERS: usize = 4;

/// Counts in pipelines over all servers, and reads in between.
fn count(client: usize, proxy: &Own) {
    let mut wire = proxy.connect();
    let key = |number: usize| format!("n{client}-{}", number % COUNTERS);
    let all: Vec<String> = (0..COUNTERS).map(key).collect();
    let (mut sent, mut last, mut good) = ([0; COUNTERS], [0; COUNTERS], [0; COUNTERS]);
    for _ in 0..ROUNDS {
        let lines: Vec<String> = (0..PIPELINE)
            .map(|number| match number % 3 {
                0 => format!("INCR {}", key(number)),
                1 => format!("MGET {}", all.join(" ")),
                _ => format!("GET {}", key(number)),
            })
            .collect();
        for (number, reply) in wire.ask_all(&lines).iter().enumerate() {
            let counter = number % COUNTERS;
            match (number % 3, reply) {
                (0, Value::Integer(value)) => {
                    assert!(*value > last[counter], "{value} behind {}", last[counter]);
                    last[counter] = *value;
                    (sent[counter], good[counter]) = (sent[counter] + 1, good[counter] + 1);
                }
                // It may have been done.
                (0, Value::Error(text)) => {
                    let known = [&b"ERR Connection reset"[..], b"ERR Broken pipe"];
                    assert!(
                        known.iter().any(|start| text.starts_with(start)),
                        "{reply:?}"
                    );
                    sent[counter] += 1;
                }
                (1, Value::Array(values)) => assert_eq!(values.len(), COUNTERS),
                (2, Value::Bulk(_) | Value::Null) => {}
                _ => panic!("{} was answered by {reply:?}", lines[number]),
            }
        }
    }
    for counter in 0..COUNTERS {
        let reply = wire.ask_all(&[format!("GET {}", key(counter))]);
        let value = match &reply[0] {
            Value::Bulk(text) => std::str::from_utf8(text).unwrap().parse().unwrap(),
            _ => 0,
        };
        let (sent, good) = (sent[counter], good[counter]);
        assert!(
            good <= value && value <= sent,
            "{good} <= {value} <= {sent}"
        );
    }
}
