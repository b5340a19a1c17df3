//! Every reply belongs to its request, whoever dies meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use resp::value::Value;

use crate::arena::arena;

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
