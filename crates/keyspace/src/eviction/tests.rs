use std::collections::BTreeSet;

use stdx::prng::Prng;
use stdx::time::UnixMillis;

use crate::{DbIndex, Entry, Expire, Keyspace, ShardSet};

/// A keyspace with keys `0..keys`, every `nth` of which expires.
fn filled(keys: u32, nth: u32) -> Keyspace {
    let keyspace = Keyspace::new(1, 7);
    let mut locked = keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Ignore);
    for number in 0..keys {
        let bytes = number.to_string();
        let expiry = number.is_multiple_of(nth).then_some(UnixMillis(1000));
        let key = db.key(bytes.as_bytes());
        db.insert(&key, Entry::string(bytes.as_bytes(), b"v", expiry));
    }
    drop(locked);
    keyspace
}

/// The keys that many draws show.
fn drawn(keyspace: &Keyspace, only_volatile: bool) -> BTreeSet<Vec<u8>> {
    let mut prng = Prng::new(1);
    let mut seen = BTreeSet::new();
    let mut locked = keyspace.lock(ShardSet::NONE);
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Ignore);
    for _ in 0..4_000 {
        let from = prng.below(256) as usize;
        db.draw(
            from,
            only_volatile,
            1,
            &mut |bound| prng.below(bound),
            |entry| {
                seen.insert(entry.key().to_vec());
            },
        );
    }
    seen
}

#[test]
fn every_key_can_be_drawn() {
    assert_eq!(drawn(&filled(200, 3), false).len(), 200);
    assert_eq!(drawn(&filled(3, 5), false).len(), 3);
}

#[test]
fn only_keys_that_expire_are_drawn_if_asked() {
    let seen = drawn(&filled(500, 10), true);
    assert_eq!(seen.len(), 50);
    assert!(seen.iter().all(|key| key.ends_with(b"0")));
    assert!(drawn(&filled(10, 1), true).len() == 10);
}

#[test]
fn an_empty_db_shows_nothing() {
    assert!(drawn(&filled(0, 1), false).is_empty());
}
