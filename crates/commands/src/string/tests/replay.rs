//! Whatever strings go through, a second node that replays the log ends with the same keys, and a
//! client of RESP3 is told the same as one of RESP2.

use config::Config;
use engine::log::Reader;
use keyspace::{DbIndex, Expire, ShardSet, Text};
use proptest::collection::vec;
use proptest::prelude::*;
use resp::value::Value;
use stdx::number;
use testkit::Node;

/// Begins to read a node's log.
pub(super) fn subscribe(node: &Node) -> Reader {
    let all = node.engine.keyspace.lock(ShardSet::ALL);
    node.engine.log.subscribe(&all)
}

/// The requests that the log has had since.
pub(super) fn read_log(node: &Node, reader: &Reader) -> Vec<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    node.engine.log.read(reader, &mut bytes);
    let (mut requests, mut rest) = (Vec::new(), bytes.as_slice());
    while !rest.is_empty() {
        let read = resp::value::read(rest).expect("the log is well formed");
        let (request, len) = read.expect("the log has whole requests");
        let Value::Array(words) = request else {
            panic!("no request: {request:?}")
        };
        let word = |value| match value {
            Value::Bulk(word) => word,
            other => panic!("no word: {other:?}"),
        };
        requests.push(words.into_iter().map(word).collect());
        rest = &rest[len..];
    }
    requests
}

/// Every key with its value and its expiry, those past it included.
fn contents(node: &Node) -> Vec<(Vec<u8>, Vec<u8>, Option<i64>)> {
    let mut locked = node.engine.keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), node.engine.now(), Expire::Ignore);
    let mut contents = Vec::new();
    db.walk(|entry| {
        let value = match entry.text() {
            Text::Bytes(bytes) => bytes.to_vec(),
            Text::Int(number) => number::text(number).to_vec(),
        };
        let expiry = entry.expiry().map(|at| at.0);
        contents.push((entry.key().to_vec(), value, expiry));
    });
    contents.sort();
    contents
}

/// A RESP3 reply as RESP2 has to say it.
fn in_resp2(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(in_resp2).collect()),
        Value::Map(pairs) => {
            let flat = pairs.into_iter().flat_map(|(key, value)| [key, value]);
            Value::Array(flat.map(in_resp2).collect())
        }
        other => other,
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Milliseconds pass, and what is due then may be deleted before anybody asks for it.
    Advance(i64, Expiry),
    Command(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    Active,
    Lazy,
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("{a}c")].prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (-20i64..20).prop_map(|number| number.to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => (-99i64..99).prop_map(|number| format!("{}.{}", number / 8, number.abs() % 8)),
        2 => "[a-c]{0,9}",
        1 => "[a-c]{40,50}",
    ]
}

/// The options that say when a key expires: soon, late, in the past, or by mistake.
fn expiry() -> impl Strategy<Value = Vec<String>> {
    let option = |name: &str, amount: i64| vec![name.to_owned(), amount.to_string()];
    prop_oneof![
        (1i64..4).prop_map(move |seconds| option("EX", seconds)),
        (-1i64..3000).prop_map(move |millis| option("PX", millis)),
        Just(option("EXAT", 1)),
        Just(option("EXAT", 99_999_999_999)),
        Just(option("PXAT", 1_767_225_601_000)),
        Just(vec!["PX".to_owned()]),
    ]
}

fn words(name: &str, words: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(words).collect()
}

fn set() -> impl Strategy<Value = Vec<String>> {
    let flags = prop::sample::subsequence(vec!["NX", "XX", "GET", "KEEPTTL"], 0..3);
    let expiry = prop::option::of(expiry());
    (key(), value(), flags, expiry).prop_map(|(key, value, flags, expiry)| {
        let flags = flags.into_iter().map(str::to_owned);
        words(
            "SET",
            [key, value]
                .into_iter()
                .chain(flags)
                .chain(expiry.unwrap_or_default()),
        )
    })
}

fn getex() -> impl Strategy<Value = Vec<String>> {
    let persist = Just(vec!["PERSIST".to_owned()]);
    let options = prop_oneof![Just(Vec::new()), persist, expiry(), expiry()];
    (key(), options).prop_map(|(key, options)| words("GETEX", [key].into_iter().chain(options)))
}

fn lcs() -> impl Strategy<Value = Vec<String>> {
    let options = vec!["LEN", "IDX", "WITHMATCHLEN"];
    let options = prop::sample::subsequence(options, 0..3);
    (key(), options).prop_map(|(key, options)| {
        words(
            "LCS",
            ["a".to_owned(), key]
                .into_iter()
                .chain(options.into_iter().map(str::to_owned)),
        )
    })
}

fn command() -> impl Strategy<Value = Vec<String>> {
    let of_key = prop::sample::select(vec!["GET", "GETDEL", "INCR", "DECR", "STRLEN"]);
    let of_value = vec![
        "SETNX",
        "GETSET",
        "APPEND",
        "INCRBY",
        "DECRBY",
        "INCRBYFLOAT",
    ];
    let of_value = prop::sample::select(of_value);
    let for_time = prop::sample::select(vec!["SETEX", "PSETEX"]);
    let of_range = prop::sample::select(vec!["GETRANGE", "SUBSTR"]);
    let of_pairs = prop::sample::select(vec!["MSET", "MSETNX"]);
    let offset = || (-12i64..60).prop_map(|offset| offset.to_string());
    prop_oneof![
        3 => set(),
        2 => getex(),
        3 => (of_key, key()).prop_map(|(name, key)| words(name, [key])),
        5 => (of_value, key(), value()).prop_map(|(name, k, v)| words(name, [k, v])),
        1 => (for_time, key(), -1i64..2000, value())
            .prop_map(|(name, k, time, v)| words(name, [k, time.to_string(), v])),
        1 => (of_range, key(), offset(), offset())
            .prop_map(|(name, k, start, end)| words(name, [k, start, end])),
        1 => (key(), offset(), value()).prop_map(|(k, at, v)| words("SETRANGE", [k, at, v])),
        1 => (of_pairs, vec((key(), value()), 1..4))
            .prop_map(|(name, pairs)| words(name, pairs.into_iter().flat_map(|(k, v)| [k, v]))),
        1 => vec(key(), 1..4).prop_map(|keys| words("MGET", keys)),
        1 => lcs(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (1i64..1500, prop::sample::select(vec![Expiry::Active, Expiry::Lazy]))
            .prop_map(|(millis, expiry)| Step::Advance(millis, expiry)),
        6 => command().prop_map(Step::Command),
    ]
}

/// A node of one db, so that its walks over the keys are short.
fn small_node() -> Node {
    let mut config = Config::default();
    config.process.databases = 1;
    Node::with_config(crate::table(), config)
}

proptest! {
    #[test]
    fn a_replayed_log_gives_the_same_keys(steps in vec(step(), 0..60)) {
        let (mut node, mut resp3, mut replica) = (small_node(), small_node(), small_node());
        resp3.command("", &[b"HELLO".to_vec(), b"3".to_vec()]);
        let reader = subscribe(&node);
        for step in steps {
            match step {
                Step::Advance(millis, expiry) => {
                    for node in [&mut node, &mut resp3] {
                        node.world.advance_micros(millis * 1000);
                        if expiry == Expiry::Active {
                            node.tick();
                        }
                    }
                }
                Step::Command(words) => {
                    let words: Vec<Vec<u8>> = words.into_iter().map(String::into_bytes).collect();
                    let reply = node.command("", &words);
                    prop_assert_eq!(resp3.command("", &words).map(in_resp2), reply);
                }
            }
        }
        // The replica's clock stands still: what expired must have been deleted by the log.
        for words in read_log(&node, &reader) {
            if words[0] != b"SELECT" {
                let reply = replica.command("", &words);
                let failed = matches!(reply, Some(Value::Error(_)));
                prop_assert!(!failed, "{:?} gave {:?}", words, reply);
            }
        }
        prop_assert_eq!(contents(&replica), contents(&node));
        prop_assert_eq!(contents(&resp3), contents(&node));
    }
}
