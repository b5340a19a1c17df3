use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::{ExpiryCursor, Keyspace, Lapsing, ShardSet};

const DB: DbIndex = DbIndex(0);

fn on<R>(keyspace: &Keyspace, now: i64, run: impl FnOnce(&mut Db<'_>) -> R) -> (R, Vec<Lapsed>) {
    let mut locked = keyspace.lock(ShardSet::ALL);
    let result = run(&mut locked.db(DB, UnixMillis(now), Expire::Delete));
    (result, locked.take_lapsed())
}

fn set(db: &mut Db<'_>, key: &str, ttl: Ttl) {
    db.set_string(&db.key(key.as_bytes()), b"v", ttl);
}

fn has(db: &mut Db<'_>, key: &str) -> bool {
    db.contains(&db.key(key.as_bytes()))
}

#[test]
fn a_key_lapses_when_it_is_asked_for_past_its_expiry() {
    let keyspace = Keyspace::new(1, 1);
    on(&keyspace, 0, |db| set(db, "k", Ttl::At(UnixMillis(10))));
    // It lives through the last of its milliseconds, as in Redis.
    assert_eq!(on(&keyspace, 10, |db| has(db, "k")), (true, vec![]));
    let lapsed = vec![Lapsed {
        db: DB,
        key: Box::from(b"k".as_slice()),
    }];
    assert_eq!(on(&keyspace, 11, |db| has(db, "k")), (false, lapsed));
    assert_eq!(on(&keyspace, 11, |db| db.count()).0, (0, 0));
}

#[test]
fn a_replica_hides_what_it_may_not_delete() {
    let keyspace = Keyspace::new(1, 1);
    on(&keyspace, 0, |db| set(db, "k", Ttl::At(UnixMillis(10))));
    let mut locked = keyspace.lock(ShardSet::ALL);
    let mut hidden = locked.db(DB, UnixMillis(11), Expire::Hide);
    assert!(!has(&mut hidden, "k"));
    assert_eq!(hidden.count(), (1, 1));
}

#[test]
fn the_walk_of_expiry_finds_exactly_what_is_due() {
    let keyspace = Keyspace::new(1, 1);
    on(&keyspace, 0, |db| {
        for id in 0..5000 {
            let ttl = if id % 2 == 0 {
                Ttl::At(UnixMillis(id))
            } else {
                Ttl::Clear
            };
            set(db, &format!("key:{id}"), ttl);
        }
    });
    let mut locked = keyspace.lock(ShardSet::ALL);
    let (mut cursor, mut found) = (ExpiryCursor::default(), [Lapsing::default()]);
    while !locked.expire_step(&mut cursor, UnixMillis(2500), 16, &mut found) {}
    assert_eq!((found[0].deleted, locked.take_lapsed().len()), (1250, 1250));
    drop(locked);
    assert_eq!(on(&keyspace, 2500, |db| db.count()).0, (3750, 1250));
}

#[test]
fn a_slot_too_large_for_one_step_is_not_walked_again_for_nothing() {
    let keyspace = Keyspace::new(1, 1);
    on(&keyspace, 0, |db| {
        for id in 0..1000 {
            set(
                db,
                &format!("{{one}}{id}"),
                Ttl::At(UnixMillis(10 + id % 2 * 1000)),
            );
        }
    });
    let round = |now: i64| {
        let (mut cursor, mut found) = (ExpiryCursor::default(), [Lapsing::default()]);
        for steps in 1.. {
            on(&keyspace, now, |db| {
                set(db, "{one}late", Ttl::At(UnixMillis(900)));
            });
            let mut locked = keyspace.lock(ShardSet::ALL);
            if locked.expire_step(&mut cursor, UnixMillis(now), 16, &mut found) {
                return (found[0].deleted, steps);
            }
        }
        unreachable!("a walk ends")
    };
    let (deleted, steps) = round(100);
    assert!(deleted == 500 && steps > SHARDS + 20);
    assert_eq!(round(200), (0, SHARDS));
    // A key whose expiry was set while the walk was under way is found in time.
    assert_eq!(round(950).0, 1);
}

#[test]
fn watchers_learn_of_changes_flushes_and_swaps() {
    let keyspace = Keyspace::new(2, 1);
    let changes: [fn(&mut Db<'_>); 4] = [
        |db| set(db, "k", Ttl::Keep),
        |db| drop(db.remove(&db.key(b"k"))),
        |db| drop(db.detach_all()),
        |db| db.swap(DB, DbIndex(1)),
    ];
    for change in changes {
        let flag = Arc::new(WatchFlag::default());
        on(&keyspace, 0, |db| {
            set(db, "k", Ttl::Clear);
            db.watch(&db.key(b"k"), &flag);
            db.get(&db.key(b"k"));
            set(db, "other", Ttl::Clear);
        });
        assert!(!flag.is_raised());
        on(&keyspace, 0, change);
        assert!(flag.is_raised());
        on(&keyspace, 0, |db| db.unwatch(&db.key(b"k"), &flag));
    }
}

#[test]
fn watchers_learn_of_a_planned_change_only_if_it_happens() {
    let keyspace = Keyspace::new(1, 1);
    let flag = Arc::new(WatchFlag::default());
    let change = |db: &mut Db<'_>, key: &str, plan: Result<i64, ()>| {
        db.try_change(
            &db.key(key.as_bytes()),
            |_| plan,
            |entry, number| (entry.with_int(number), number),
        )
    };
    on(&keyspace, 7_000, |db| {
        assert_eq!(change(db, "k", Ok(1)), Ok(None));
        db.create(&db.key(b"k"), Entry::int(b"k", 1, None));
        assert_eq!(db.get(&db.key(b"k")).map(|entry| entry.access()), Some(7));
        assert_eq!(change(db, "k", Ok(2)), Ok(Some(2)));
        db.watch(&db.key(b"k"), &flag);
        assert_eq!(change(db, "k", Err(())), Err(()));
    });
    assert!(!flag.is_raised());
    let changed = on(&keyspace, 8_000, |db| {
        assert_eq!(change(db, "k", Ok(3)), Ok(Some(3)));
        db.peek(&db.key(b"k"))
            .map(|entry| (entry.text() == Text::Int(3), entry.access()))
    });
    assert_eq!(changed.0, Some((true, 8)));
    assert!(flag.is_raised());
}

#[test]
#[should_panic(expected = "declared")]
fn touching_an_undeclared_shard_is_an_assertion() {
    let keyspace = Keyspace::new(1, 1);
    let mut locked = keyspace.lock(ShardSet::NONE);
    let mut db = locked.db(DB, UnixMillis(0), Expire::Delete);
    has(&mut db, "k");
}

proptest! {
    #[test]
    fn scan_never_loses_a_present_key(
        stays in 1u32..500,
        changes in vec((any::<bool>(), 0u32..3000), 0..600),
        count in 1usize..50,
    ) {
        let keyspace = Keyspace::new(1, 7);
        let stay = |id: u32| ["stay:", &id.to_string()].concat();
        on(&keyspace, 0, |db| (0..stays).for_each(|id| set(db, &stay(id), Ttl::Clear)));
        let (mut seen, mut cursor) = (BTreeSet::new(), SlotPosition(0));
        let mut changes = changes.chunks(7);
        loop {
            cursor = on(&keyspace, 0, |db| {
                for &(put, id) in changes.next().unwrap_or_default() {
                    // One slot for all, so that its table grows and shrinks under the scan.
                    let key = ["{stay:1}", &id.to_string()].concat();
                    match put {
                        true => set(db, &key, Ttl::Clear),
                        false => drop(db.remove(&db.key(key.as_bytes()))),
                    }
                }
                db.scan(cursor, count, |entry| { seen.insert(entry.key().to_vec()); })
            }).0;
            if cursor == SlotPosition(0) {
                break;
            }
        }
        for id in 0..stays {
            prop_assert!(seen.contains(stay(id).as_bytes()));
        }
    }
}

#[test]
fn a_slot_counts_and_lists_its_own_keys() {
    let keyspace = Keyspace::new(1, 1);
    on(&keyspace, 0, |db| {
        for key in ["{a}1", "{a}2", "{a}3", "b"] {
            set(db, key, Ttl::Keep);
        }
        let slot = Slot::of(b"a");
        assert_eq!(db.slot_len(slot), 3);
        assert_eq!(db.slot_len(Slot::of(b"c")), 0);
        let listed: BTreeSet<_> = db.slot_keys(slot, 9).into_iter().collect();
        let expected = [b"{a}1".as_slice(), b"{a}2", b"{a}3"].map(Box::from);
        assert_eq!(listed, BTreeSet::from(expected));
        assert_eq!(db.slot_keys(slot, 2).len(), 2);
        db.remove(&db.key(b"{a}2"));
        assert_eq!(db.slot_len(slot), 2);
    });
}
