//! Whatever sets and hashes go through, a second node that replays the log ends with the same.

use config::{Config, Permit};
use proptest::collection::vec;
use proptest::prelude::*;
use resp::value::Value;
use testkit::Node;

use crate::testing::{commands, subscribe};

/// Requests with few keys, members and fields, that meet again.
fn request() -> impl Strategy<Value = String> {
    let key = || prop::sample::select(vec!["{t}a", "{t}b", "{t}c"]);
    let member = || {
        prop_oneof![
            4 => (0..12).prop_map(|number: i32| number.to_string()),
            1 => "[a-d]{1,2}",
        ]
    };
    let members = move || vec(member(), 1..6).prop_map(|members| members.join(" "));
    let pairs = move || {
        let pair = (member(), member()).prop_map(|(field, value)| format!("{field} {value}"));
        vec(pair, 1..4).prop_map(|pairs| pairs.join(" "))
    };
    let store = prop::sample::select(vec!["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"]);
    prop_oneof![
        4 => (key(), members()).prop_map(|(key, members)| format!("SADD {key} {members}")),
        2 => (key(), members()).prop_map(|(key, members)| format!("SREM {key} {members}")),
        1 => key().prop_map(|key| format!("SPOP {key}")),
        1 => (key(), 0..6).prop_map(|(key, count)| format!("SPOP {key} {count}")),
        1 => (key(), key(), member())
            .prop_map(|(from, to, member)| format!("SMOVE {from} {to} {member}")),
        1 => (store, key(), key(), key())
            .prop_map(|(name, to, a, b)| format!("{name} {to} {a} {b}")),
        3 => (key(), pairs()).prop_map(|(key, pairs)| format!("HSET h{key} {pairs}")),
        2 => (key(), members()).prop_map(|(key, fields)| format!("HDEL h{key} {fields}")),
        1 => (key(), member()).prop_map(|(key, field)| format!("HSETNX h{key} {field} 1")),
        1 => (key(), member()).prop_map(|(key, field)| format!("HINCRBY h{key} {field} 3")),
        1 => (key(), member()).prop_map(|(key, field)| format!("HINCRBYFLOAT h{key} {field} 0.5")),
    ]
}

fn node() -> Node {
    let mut config = Config::default();
    config.security.debug_command = Permit::Yes;
    Node::with_config(crate::table(), config)
}

fn ask(node: &mut Node, request: &str) -> Value {
    let words: Vec<Vec<u8>> = request.split(' ').map(|word| word.into()).collect();
    node.command("", &words).expect("a reply")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_second_node_ends_with_the_same(requests in vec(request(), 1..120)) {
        let (mut first, mut second) = (node(), node());
        for node in [&mut first, &mut second] {
            ask(node, "CONFIG SET set-max-intset-entries 4 hash-max-listpack-entries 4");
        }
        let reader = subscribe(&first);
        for request in &requests {
            ask(&mut first, request);
        }
        let mut log = Vec::new();
        first.engine.log.read(&reader, &mut log);
        for request in commands(&log).lines() {
            let reply = ask(&mut second, request);
            prop_assert!(!matches!(reply, Value::Error(_)), "{}: {:?}", request, reply);
        }
        let digest = ask(&mut first, "DEBUG DIGEST");
        prop_assert!(!matches!(digest, Value::Error(_)), "{:?}", digest);
        prop_assert_eq!(digest, ask(&mut second, "DEBUG DIGEST"));
        for key in ["{t}a", "{t}b", "{t}c", "h{t}a", "h{t}b", "h{t}c"] {
            let encoding = format!("OBJECT ENCODING {key}");
            prop_assert_eq!(ask(&mut first, &encoding), ask(&mut second, &encoding));
        }
    }
}
