use super::shown;
use crate::{Config, Effect, Policy, SetError};

const TRUSTED: Policy = Policy {
    protected: true,
    loading: false,
};

/// The error of a change that must be refused.
#[track_caller]
fn check_error(pairs: &[(&str, &str)], policy: Policy, message: &str) {
    assert_eq!(
        set(&Config::default(), pairs, policy)
            .unwrap_err()
            .to_string(),
        message
    );
}

fn set(config: &Config, pairs: &[(&str, &str)], policy: Policy) -> Result<crate::Change, SetError> {
    let pairs: Vec<(&[u8], &[u8])> = pairs
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    config.set(&pairs, policy)
}

fn names(patterns: &[&str]) -> Vec<String> {
    let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
    Config::default()
        .get(&patterns)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn get_answers_each_directive_once() {
    assert_eq!(
        names(&["maxmemory", "maxmemory", "MAXMEMORY"]),
        ["maxmemory"]
    );
    assert_eq!(names(&["MaxMemory"]), ["MaxMemory"]);
    assert_eq!(names(&["slave*f", "SLAVEOF"]), ["slaveof"]);
    assert_eq!(names(&["REPLICAO?"]), ["replicaof"]);
    assert_eq!(names(&["h?", "nothing", "["]), ["hz"]);
    let found = names(&["maxmemory", "maxmemory*", "bind", "*of"]);
    assert!(found.contains(&"slaveof".to_owned()) && found.contains(&"replicaof".to_owned()));
}

#[test]
fn get_shows_hidden_directives_by_name_only() {
    assert_eq!(names(&["key-load-delay"]), ["key-load-delay"]);
    assert!(names(&["key-load-dela?", "user", "rename-command", "sentinel"]).is_empty());
}

#[test]
fn set_changes_all_or_nothing() {
    let config = Config::default();
    let pairs = [
        ("maxmemory", "10000001"),
        ("repl-backlog-size", "10000002"),
        ("save", "3000 5"),
    ];
    let change = set(&config, &pairs, Policy::default()).unwrap();
    assert_eq!(shown(&change.config, "maxmemory"), "10000001");
    assert_eq!(shown(&change.config, "save"), "3000 5");
    assert_eq!(change.effects, [Effect::EvictNow, Effect::ResizeBacklog]);

    check_error(
        &[
            ("maxmemory", "10000001"),
            ("maxmemory-clients", "200%"),
            ("timeout", "x"),
        ],
        Policy::default(),
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - \
         percentage argument must be less or equal to 100",
    );
}

#[test]
fn set_refuses_in_known_words() {
    let failed = |name: &str, why: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
    };
    for (pairs, policy, message) in [
        (
            &[("Nosuch", "1"), ("daemonize", "1")][..],
            TRUSTED,
            "ERR Unknown option or number of arguments for CONFIG SET - 'Nosuch'".to_owned(),
        ),
        (
            &[("user", "x")],
            TRUSTED,
            "ERR Unknown option or number of arguments for CONFIG SET - 'user'".to_owned(),
        ),
        (
            &[("daemonize", "1"), ("x", "1")],
            TRUSTED,
            failed("daemonize", "can't set immutable config"),
        ),
        (
            &[("dir", "/")],
            Policy::default(),
            failed("dir", "can't set protected config"),
        ),
        (
            &[("maxmemory", "zz"), ("maxmemory", "1")],
            TRUSTED,
            failed("maxmemory", "duplicate parameter"),
        ),
        (
            &[("MAXMEMORY", "zz")],
            TRUSTED,
            failed("maxmemory", "argument must be a memory value"),
        ),
        (
            &[("hash-max-ziplist-entries", "x")],
            TRUSTED,
            failed(
                "hash-max-ziplist-entries",
                "argument couldn't be parsed into an integer",
            ),
        ),
        (
            &[("dir", "x")],
            Policy {
                protected: true,
                loading: true,
            },
            "LOADING Redis is loading the dataset in memory".to_owned(),
        ),
    ] {
        check_error(pairs, policy, &message);
    }
}

#[test]
fn a_name_and_its_alias_are_two_arguments() {
    let pairs = [
        ("hash-max-ziplist-entries", "1"),
        ("hash-max-listpack-entries", "2"),
    ];
    let change = set(&Config::default(), &pairs, Policy::default()).unwrap();
    assert_eq!(change.config.encodings.hash_entries_max, 2);
}

#[test]
fn effects_follow_changes_and_files_that_may_have_changed() {
    let config = Config::default();
    let pairs = [("port", "6379"), ("tls-cert-file", ""), ("hz", "10")];
    let change = set(&config, &pairs, Policy::default()).unwrap();
    assert_eq!(change.effects, [Effect::ReloadTls]);

    let change = set(&config, &[("port", "1"), ("bind", "*")], Policy::default()).unwrap();
    assert_eq!(change.effects, [Effect::Rebind]);
    assert_eq!(
        change
            .refuse(Effect::Rebind, "Unable to listen on this port")
            .to_string(),
        "ERR CONFIG SET failed (possibly related to argument 'port') - \
         Unable to listen on this port"
    );
}

#[test]
fn every_answered_value_can_be_set_again() {
    let config = Config::default();
    for (name, value) in config.get(&[b"*"]) {
        match config.set(&[(name.as_bytes(), &value)], TRUSTED) {
            Ok(change) => assert_eq!(change.config, config, "{name}"),
            Err(error) => assert!(error.to_string().contains("immutable"), "{name}: {error}"),
        }
    }
}

#[test]
fn values_are_answered_in_one_spelling() {
    for (name, value, answered) in [
        ("maxmemory", "1GB", "1073741824"),
        ("maxmemory", "1k", "1000"),
        ("maxmemory", "1kb", "1024"),
        ("maxmemory", "18446744073709551616", "18446744073709551615"),
        ("maxmemory-clients", "5%", "5%"),
        ("maxmemory-clients", "0%", "0"),
        ("notify-keyspace-events", "KEA", "AKE"),
        ("notify-keyspace-events", "g$lshzxetdKEmn", "AnKEm"),
        ("notify-keyspace-events", "EKmdn", "dnKEm"),
        ("shutdown-on-sigterm", "default NOW", "now"),
        (
            "latency-tracking-info-percentiles",
            "1e1 33.3333333",
            "10 33.333333",
        ),
        ("oom-score-adj", "relative", "yes"),
        (
            "client-output-buffer-limit",
            "",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        ("bind", "", ""),
    ] {
        let change = set(&Config::default(), &[(name, value)], Policy::default()).unwrap();
        assert_eq!(shown(&change.config, name), answered, "{name} {value}");
    }
}
