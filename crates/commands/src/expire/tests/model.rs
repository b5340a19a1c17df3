//! Expiry, compared with a model that keeps one moment per key.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use resp::value::Value;

#[derive(Clone, Debug)]
enum Step {
    Set(u8),
    Expire(u8, i64),
    ExpireIf(u8, i64, usize),
    Persist(u8),
    Ask(u8),
    Advance(i64),
}

const CONDITIONS: &[&str] = &["NX", "XX", "GT", "LT"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..4_u8;
    let time = || prop_oneof![-2..3_i64, 1..3000_i64];
    let step = prop_oneof![
        2 => key().prop_map(Step::Set),
        2 => (key(), time()).prop_map(|(key, time)| Step::Expire(key, time)),
        3 => (key(), time(), 0..CONDITIONS.len())
            .prop_map(|(key, time, condition)| Step::ExpireIf(key, time, condition)),
        1 => key().prop_map(Step::Persist),
        3 => key().prop_map(Step::Ask),
        2 => (0..1500_i64).prop_map(Step::Advance),
    ];
    vec(step, 1..100)
}

/// What is known of each key: when it ends, if ever.
#[derive(Default)]
struct Model {
    now: i64,
    keys: BTreeMap<u8, Option<i64>>,
}

impl Model {
    fn expire(&mut self, key: u8, left: i64, condition: Option<&str>) -> i64 {
        let Some(&old) = self.keys.get(&key) else {
            return 0;
        };
        let to = self.now + left;
        let applies = match (condition, old) {
            (None, _) | (Some("NX"), None) | (Some("XX"), Some(_)) | (Some("LT"), None) => true,
            (Some("GT"), Some(old)) => to > old,
            (Some("LT"), Some(old)) => to < old,
            _ => false,
        };
        // A moment that is not ahead deletes at once, though a key lives through its last one.
        if applies && left <= 0 {
            self.keys.remove(&key);
        } else if applies {
            self.keys.insert(key, Some(to));
        }
        i64::from(applies)
    }

    fn persist(&mut self, key: u8) -> i64 {
        let expires = self.keys.get_mut(&key).map(|expiry| expiry.take());
        i64::from(expires.flatten().is_some())
    }

    fn left(&self, key: u8) -> i64 {
        match self.keys.get(&key) {
            None => -2,
            Some(None) => -1,
            Some(Some(at)) => at - self.now,
        }
    }

    fn forget_past(&mut self) {
        let now = self.now;
        self.keys
            .retain(|_, expiry| expiry.is_none_or(|at| at >= now));
    }
}

fn ask(node: &mut testkit::Node, line: &str) -> i64 {
    let words: Vec<Vec<u8>> = line
        .split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect();
    match node.command("", &words) {
        Some(Value::Integer(number)) => number,
        other => panic!("{line} answers with an integer, not {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn keys_live_as_long_as_the_model_says(steps in steps()) {
        let (mut node, mut model) = (testkit::Node::new(crate::table()), Model::default());
        for step in steps {
            match step {
                Step::Set(key) => {
                    let words = ["SET".into(), key.to_string().into_bytes(), b"v".to_vec()];
                    node.command("", &words);
                    model.keys.insert(key, None);
                }
                Step::Expire(key, left) => {
                    let said = ask(&mut node, &format!("PEXPIRE {key} {left}"));
                    prop_assert_eq!(said, model.expire(key, left, None));
                }
                Step::ExpireIf(key, left, condition) => {
                    let condition = CONDITIONS[condition];
                    let said = ask(&mut node, &format!("PEXPIRE {key} {left} {condition}"));
                    prop_assert_eq!(said, model.expire(key, left, Some(condition)));
                }
                Step::Persist(key) => {
                    prop_assert_eq!(ask(&mut node, &format!("PERSIST {key}")), model.persist(key));
                }
                Step::Ask(key) => {
                    prop_assert_eq!(ask(&mut node, &format!("PTTL {key}")), model.left(key));
                }
                Step::Advance(millis) => {
                    node.advance_micros(millis * 1000);
                    model.now += millis;
                    model.forget_past();
                }
            }
            // Keys end without being asked for.
            prop_assert_eq!(ask(&mut node, "DBSIZE"), model.keys.len() as i64);
        }
    }
}

#[test]
fn keys_end_without_being_asked_for() {
    let mut node = testkit::Node::new(crate::table());
    for number in 1..=3000 {
        let line = format!("SET key:{number} v PX {number}");
        let words: Vec<Vec<u8>> = line
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        node.command("", &words);
    }
    ask(&mut node, "PEXPIRE key:10 10000");
    node.advance_micros(1000);
    for gone in [0, 1000, 2000] {
        assert_eq!(ask(&mut node, "DBSIZE"), 3000 - gone + i64::from(gone > 10));
        node.advance_micros(1_000_000);
    }
    assert_eq!(ask(&mut node, "DBSIZE"), 1);
    node.advance_micros(10_000_000);
    assert_eq!(ask(&mut node, "DBSIZE"), 0);
}
