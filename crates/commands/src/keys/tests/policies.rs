//! What depends on the configuration.

use config::{ByteSize, Config, EvictionPolicy};
use expect_test::expect;

fn node(change: impl FnOnce(&mut Config)) -> testkit::Node {
    let mut config = Config::default();
    change(&mut config);
    testkit::Node::with_config(crate::table(), config)
}

#[track_caller]
fn check(change: impl FnOnce(&mut Config), transcript: expect_test::Expect) {
    let replayed = testkit::replay(&mut node(change), transcript.data());
    transcript.assert_eq(&replayed);
}

#[test]
fn a_policy_of_frequency_counts_uses() {
    check(
        |config| {
            config.memory.policy = EvictionPolicy::AllKeysLfu;
            config.memory.lfu_log_factor = 0;
        },
        expect![[r#"
            > SET k v
            OK
            > OBJECT FREQ k
            (integer) 5
            > GET k
            "v"
            > GET k
            "v"
            > OBJECT FREQ k
            (integer) 7
            > OBJECT IDLETIME k
            (error) ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
            > OBJECT IDLETIME nokey
            (nil)
            > OBJECT FREQ nokey
            (nil)
            @ +180s
            > OBJECT FREQ k
            (integer) 4
            > SET k other
            OK
            > OBJECT FREQ k
            (integer) 5
            > COPY k copy
            (integer) 1
            > OBJECT FREQ copy
            (integer) 6
            > SET i 5
            OK
            > OBJECT REFCOUNT i
            (integer) 2147483647
        "#]],
    );
}

#[test]
fn a_limit_of_memory_ends_the_sharing_of_integers() {
    check(
        |config| {
            config.memory.policy = EvictionPolicy::AllKeysLru;
            config.memory.limit = ByteSize(1 << 30);
        },
        expect![[r#"
            > SET i 5
            OK
            > OBJECT REFCOUNT i
            (integer) 1
        "#]],
    );
}

#[test]
fn large_values_are_freed_in_the_background() {
    let pending = |lazy: bool, command: &str| {
        let mut node = node(|config| config.memory.lazy_user_del = lazy);
        let large = vec![b'x'; 100_000];
        let words = |text: &str| {
            text.split(' ')
                .map(|word| word.as_bytes().to_vec())
                .collect()
        };
        let mut set: Vec<Vec<u8>> = words("SET k");
        set.push(large);
        node.command("", &set);
        let words: Vec<Vec<u8>> = words(command);
        node.command("", &words);
        let waiting = || {
            let pending = &node.engine.garbage.pending;
            pending.load(std::sync::atomic::Ordering::Relaxed)
        };
        let before = waiting();
        while node.engine.garbage.free_some(10) {}
        assert_eq!(waiting(), 0);
        before
    };
    assert_eq!(pending(false, "DEL k"), 0);
    assert_eq!(pending(true, "DEL k"), 1);
    assert_eq!(pending(false, "UNLINK k"), 1);
    assert_eq!(pending(false, "FLUSHALL"), 0);
    assert_eq!(pending(false, "FLUSHALL ASYNC"), 1);
}

#[test]
fn many_elements_are_freed_in_the_background_whatever_is_configured() {
    let mut node = node(|config| config.memory.lazy_user_del = false);
    let mut words = vec![b"SADD".to_vec(), b"s".to_vec()];
    words.extend((0..10_000).map(|id| format!("m{id}").into_bytes()));
    for deletes in ["DEL s", "SINTERSTORE s none", "RENAME k s", "SET s v"] {
        node.command("", &words);
        node.command("", &["SET", "k", "v"].map(|word| word.as_bytes().to_vec()));
        let request: Vec<Vec<u8>> = deletes.split(' ').map(|word| word.into()).collect();
        node.command("", &request);
        let pending = &node.engine.garbage.pending;
        let waiting = || pending.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(waiting(), 1, "{deletes}");
        while node.engine.garbage.free_some(1000) {}
        assert_eq!(waiting(), 0, "{deletes}");
        node.command("", &["DEL", "s"].map(|word| word.as_bytes().to_vec()));
    }
}
