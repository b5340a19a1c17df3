use stdx::time::UnixMillis;

use crate::{
    Db, DbIndex, Expire, ExpiryCursor, Keyspace, Lapsing, ShardSet, Slot, SlotPosition, Ttl,
};

const KEYS: usize = 2000;

fn on<R>(keyspace: &Keyspace, run: impl FnOnce(&mut Db<'_>) -> R) -> R {
    let mut locked = keyspace.lock(ShardSet::ALL);
    run(&mut locked.db(DbIndex(0), UnixMillis(100), Expire::Delete))
}

fn name(number: usize) -> String {
    format!("key:{number}")
}

/// Of many keys, those of every other slot are hidden; half of all have an expiry.
fn half_hidden() -> Keyspace {
    let keyspace = Keyspace::new(1, 7);
    on(&keyspace, |db| {
        for slot in (0..crate::SLOTS as u16).step_by(2) {
            db.hide_slot(Slot::new(slot), true);
        }
        for number in 0..KEYS {
            let ttl = match number % 2 {
                0 => Ttl::At(UnixMillis(1000)),
                _ => Ttl::Clear,
            };
            db.set_string(&db.key(name(number).as_bytes()), b"v", ttl);
        }
    });
    keyspace
}

fn is_shown(number: usize) -> bool {
    Slot::of(name(number).as_bytes()).number() % 2 == 1
}

#[test]
fn slots_are_hidden_all_together_or_not() {
    let keyspace = half_hidden();
    on(&keyspace, |db| {
        let mut hides = |slots: &[u16]| db.hides_all(slots.iter().copied().map(Slot::new));
        assert!(hides(&[]) && hides(&[0, 2, 256, 510, 16382]));
        assert!(!hides(&[0, 2, 257]) && !hides(&[16383]));
        // Slots of one shard, of which one is hidden.
        db.hide_slot(Slot::new(257), true);
        let mut hides = |slots: &[u16]| db.hides_all(slots.iter().copied().map(Slot::new));
        assert!(hides(&[257]) && !hides(&[1, 257]));
    });
}

#[test]
fn hidden_keys_are_in_no_list_and_no_count() {
    let keyspace = half_hidden();
    let shown = (0..KEYS).filter(|&number| is_shown(number));
    let volatile = shown.clone().filter(|number| number % 2 == 0).count();
    let mut expected: Vec<Vec<u8>> = shown.map(|number| name(number).into_bytes()).collect();
    expected.sort();
    assert!(expected.len() > KEYS / 4 && expected.len() < KEYS);
    on(&keyspace, |db| {
        assert_eq!(db.count(), (expected.len(), volatile));
        let mut walked = Vec::new();
        db.walk(|entry| walked.push(entry.key().to_vec()));
        walked.sort();
        assert_eq!(walked, expected);
        let (mut scanned, mut at) = (Vec::new(), SlotPosition::default());
        loop {
            at = db.scan(at, 10, |entry| scanned.push(entry.key().to_vec()));
            if at == SlotPosition::default() {
                break;
            }
        }
        scanned.sort();
        assert_eq!(scanned, expected);
        let mut draws = 0_u64;
        for _ in 0..500 {
            let drawn = db.random_key(|below| {
                draws = draws
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (draws >> 33) % below
            });
            assert_eq!(Slot::of(&drawn.expect("some are shown")).number() % 2, 1);
        }
    });
}

#[test]
fn who_names_a_hidden_key_finds_it() {
    let keyspace = half_hidden();
    let number = (0..KEYS).find(|&number| !is_shown(number));
    let key = name(number.expect("half of the slots are hidden"));
    let slot = Slot::of(key.as_bytes());
    on(&keyspace, |db| {
        assert!(db.contains(&db.key(key.as_bytes())));
        assert!(db.is_hidden(slot));
        assert_eq!((db.slot_len(slot), db.slot_keys(slot, 9).len()), (0, 0));
        let here = db.full_slot_len(slot);
        assert!(here > 0);
        assert_eq!(db.all_slot_keys(slot, usize::MAX).len(), here);
        let before = db.count().0;
        db.hide_slot(slot, false);
        assert_eq!((db.count().0, db.slot_len(slot)), (before + here, here));
        assert_eq!(db.hidden_slots().len(), crate::SLOTS / 2 - 1);
    });
}

#[test]
fn hidden_keys_do_not_expire_by_themselves() {
    let keyspace = half_hidden();
    let mut locked = keyspace.lock(ShardSet::ALL);
    let now = UnixMillis(5000);
    let (mut cursor, mut found) = (ExpiryCursor::default(), [Lapsing::default()]);
    while !locked.expire_step(&mut cursor, now, 100, &mut found) {}
    let mut db = locked.db(DbIndex(0), now, Expire::Delete);
    let (left, volatile) = db.count();
    assert_eq!((left > 0, volatile), (true, 0));
    let hidden = (0..crate::SLOTS as u16).step_by(2).map(Slot::new);
    let hidden: usize = hidden.map(|slot| db.full_slot_len(slot)).sum();
    assert_eq!(
        hidden,
        (0..KEYS).filter(|&number| !is_shown(number)).count()
    );
}

#[test]
fn what_is_flushed_is_hidden_no_longer() {
    let keyspace = half_hidden();
    on(&keyspace, |db| {
        drop(db.detach_all());
        assert_eq!((db.hidden_slots().len(), db.count()), (0, (0, 0)));
    });
}

#[test]
fn what_a_sibling_hides_stays_hidden_when_it_is_taken_over() {
    let (keyspace, sibling) = (Keyspace::new(1, 7), half_hidden());
    let shown = on(&sibling, |db| db.count());
    on(&keyspace, |db| {
        drop(db.take_over(sibling));
        assert_eq!(db.count(), shown);
        assert_eq!(db.hidden_slots().len(), crate::SLOTS / 2);
    });
}
