use std::collections::BTreeMap;

use datatypes::packed::HashSeed;
use datatypes::{Hash, HashLimits, Shown};
use proptest::collection::vec;
use proptest::prelude::*;
use stdx::time::UnixMillis;

use crate::slot::SLOTS;
use crate::{
    Db, DbIndex, Entry, Expire, FrozenHead, Keyspace, Kind, SHARDS, Saved, ShardSet, Slot, Ttl,
};

/// What a key holds, and until when.
type Held = (Vec<u8>, Option<i64>);
type Contents = BTreeMap<(u16, Vec<u8>), Held>;

const KEYS: u8 = 40;

#[derive(Clone, Debug)]
enum Step {
    /// Appends to a string, by the way that looks before it changes.
    Append(u16, u8),
    Drain(usize),
    Edit(u16, u8, u8),
    Expire(u16, u8, Option<i64>),
    Flush(u16),
    Move(u8),
    Number(u16, u8, u8),
    Remove(u16, u8),
    Rename(u16, u8, u8),
    Set(u16, u8, u8, Ttl),
    /// Shows elements of what is frozen in any shard.
    Show(usize),
    Swap,
    Take(u16),
}

fn ttl() -> impl Strategy<Value = Ttl> {
    prop_oneof![
        Just(Ttl::Clear),
        Just(Ttl::Keep),
        (1..9i64).prop_map(|at| Ttl::At(UnixMillis(at))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let (db, key) = (0..2u16, 0..KEYS);
    let place = (db.clone(), key.clone());
    prop_oneof![
        8 => place.clone().prop_map(|(db, key)| Step::Append(db, key)),
        8 => (0..SHARDS).prop_map(Step::Drain),
        12 => (place.clone(), any::<u8>())
            .prop_map(|((db, key), field)| Step::Edit(db, key, field)),
        40 => ((db.clone(), 0..4u8), any::<u8>())
            .prop_map(|((db, key), field)| Step::Edit(db, key, field)),
        8 => (place.clone(), proptest::option::of(1..9i64))
            .prop_map(|((db, key), at)| Step::Expire(db, key, at)),
        1 => db.clone().prop_map(Step::Flush),
        6 => key.clone().prop_map(Step::Move),
        8 => (place.clone(), any::<u8>())
            .prop_map(|((db, key), number)| Step::Number(db, key, number)),
        8 => place.clone().prop_map(|(db, key)| Step::Remove(db, key)),
        8 => (place.clone(), key).prop_map(|((db, from), to)| Step::Rename(db, from, to)),
        16 => (place, any::<u8>(), ttl())
            .prop_map(|((db, key), value, ttl)| Step::Set(db, key, value, ttl)),
        8 => (1..20usize).prop_map(Step::Show),
        1 => Just(Step::Swap),
        12 => (1..800u16).prop_map(Step::Take),
    ]
}

fn name(key: u8) -> Vec<u8> {
    format!("key:{key}").into_bytes()
}

/// The value of an entry as text: a hash is its fields.
fn held(entry: &Entry) -> Held {
    let text = match entry.kind() {
        Kind::String => entry.text().to_vec(),
        _ => {
            let hash = entry.value::<Hash>().expect("strings and hashes are made");
            let mut fields: Vec<Vec<u8>> = hash.iter().map(|(field, _)| field.to_vec()).collect();
            fields.sort();
            fields.join(&b' ')
        }
    };
    (text, entry.expiry().map(|at| at.0))
}

/// What is there now.
fn contents(db: &mut Db<'_>) -> Contents {
    let mut all = Contents::new();
    for index in 0..2 {
        db.select(DbIndex(index));
        db.walk(|entry| {
            assert!(
                all.insert((index, entry.key().to_vec()), held(entry))
                    .is_none()
            );
        });
    }
    all
}

fn edit(db: &mut Db<'_>, key: u8, field: u8) {
    let (name, field) = (name(key), format!("field:{field}"));
    let key = db.key(&name);
    let limits = HashLimits {
        entries_max: 4,
        value_bytes_max: 64,
        seed: HashSeed(1),
    };
    let edited = db.edit(&key, |hash: &mut Hash| {
        hash.insert(field.as_bytes(), b"v", &limits);
    });
    if let Ok(None) = edited {
        let mut hash = Hash::default();
        hash.insert(field.as_bytes(), b"v", &limits);
        db.create(&key, Entry::holding(&name, hash, None));
    }
}

fn run(db: &mut Db<'_>, step: &Step) {
    match *step {
        Step::Append(index, key) => {
            db.select(DbIndex(index));
            let name = name(key);
            let plan = |entry: &Entry| match entry.kind() {
                Kind::String => Ok(entry.text().len()),
                _ => Err(()),
            };
            let change = |entry: Entry, len: usize| (entry.with_len(len + 1), ());
            let _ = db.try_change(&db.key(&name), plan, change);
        }
        Step::Edit(index, key, field) => {
            db.select(DbIndex(index));
            edit(db, key, field);
        }
        Step::Expire(index, key, at) => {
            db.select(DbIndex(index));
            db.set_expiry(&db.key(&name(key)), at.map(UnixMillis));
        }
        Step::Flush(index) => {
            db.select(DbIndex(index));
            drop(db.detach_all());
        }
        Step::Move(key) => {
            let name = name(key);
            db.select(DbIndex(1));
            let key = db.key(&name);
            if db.contains(&key) {
                return;
            }
            db.select(DbIndex(0));
            if let Some(entry) = db.extract(&key) {
                db.select(DbIndex(1));
                db.insert(&key, entry);
            }
        }
        Step::Number(index, key, number) => {
            db.select(DbIndex(index));
            let name = name(key);
            let change = |entry: Entry| match entry.kind() {
                Kind::String => (entry.with_int(number.into()), ()),
                _ => (entry, ()),
            };
            db.change(&db.key(&name), change);
        }
        Step::Remove(index, key) => {
            db.select(DbIndex(index));
            db.remove(&db.key(&name(key)));
        }
        Step::Rename(index, from, to) => {
            db.select(DbIndex(index));
            let (from, to) = (name(from), name(to));
            let (from, to) = (db.key(&from), db.key(&to));
            if from.bytes != to.bytes
                && let Some(entry) = db.extract(&from)
            {
                db.remove(&to);
                db.insert(&to, entry.renamed(to.bytes));
            }
        }
        Step::Set(index, key, value, ttl) => {
            db.select(DbIndex(index));
            db.set_string(&db.key(&name(key)), &[b'v', value], ttl);
        }
        Step::Swap => db.swap(DbIndex(0), DbIndex(1)),
        Step::Drain(_) | Step::Show(_) | Step::Take(_) => unreachable!("these change nothing"),
    }
}

/// A snapshot on its way.
#[derive(Default)]
struct Taking {
    next: usize,
    taken: Contents,
    /// What is being shown of each shard.
    shown: BTreeMap<usize, (FrozenHead, Vec<Vec<u8>>)>,
}

impl Taking {
    fn note(&mut self, (index, entry): (DbIndex, &Entry)) {
        let twice = self
            .taken
            .insert((index.0, entry.key().to_vec()), held(entry));
        assert!(twice.is_none(), "an entry is taken once");
    }

    fn keep(&mut self, mut saved: Saved) {
        while saved.show_copy(|item| self.note(item)) {}
        saved.for_each(|(index, entry)| self.note((index, &entry)));
    }

    /// Shows some of what is frozen in a shard. Returns whether there may be more.
    fn show(&mut self, db: &mut Db<'_>, shard: usize, budget: usize) -> bool {
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.shown.entry(shard) {
            let Some(head) = db.next_frozen(shard) else {
                return false;
            };
            vacant.insert((head, Vec::new()));
        }
        let (_, fields) = self.shown.get_mut(&shard).expect("it is there");
        let more = db.show_frozen(shard, budget, &mut |shown| match shown {
            Shown::Pair(field, _) => fields.push(field.to_vec()),
            other => panic!("a hash shows pairs, not {other:?}"),
        });
        if !more {
            let (head, mut fields) = self.shown.remove(&shard).expect("it is there");
            assert_eq!(fields.len(), head.len);
            fields.sort();
            let place = (head.db.0, head.entry.key().to_vec());
            let expiry = head.entry.expiry().map(|at| at.0);
            let twice = self.taken.insert(place, (fields.join(&b' '), expiry));
            assert!(twice.is_none(), "an entry is taken once");
        }
        true
    }

    fn show_all(&mut self, db: &mut Db<'_>) {
        for shard in 0..SHARDS {
            while self.show(db, shard, 7) {}
        }
    }

    fn take(&mut self, db: &mut Db<'_>, slots: usize) {
        for _ in self.next..SLOTS.min(self.next + slots) {
            let slot = Slot::new(self.next as u16);
            let mut saved = Saved::default();
            db.take_snapshot_slot(slot, &mut saved, |item| self.note(item));
            self.keep(saved);
            self.next += 1;
        }
    }

    fn run(&mut self, db: &mut Db<'_>, step: &Step) {
        match *step {
            Step::Drain(shard) => {
                let saved = db.take_saved(shard);
                self.keep(saved);
            }
            Step::Show(budget) => {
                for shard in 0..SHARDS {
                    self.show(db, shard, budget);
                }
            }
            Step::Take(slots) => self.take(db, slots.into()),
            ref step => run(db, step),
        }
    }
}

fn changes(steps: &[Step]) -> impl Iterator<Item = &Step> {
    let changes = |step: &&Step| !matches!(step, Step::Drain(_) | Step::Show(_) | Step::Take(_));
    steps.iter().filter(changes)
}

/// Whether any entry has a bit that only a pending slot's may have.
fn has_marks(db: &mut Db<'_>) -> bool {
    let mut marked = false;
    for index in 0..2 {
        db.select(DbIndex(index));
        db.walk(|entry| marked |= entry.is_changed());
    }
    marked
}

proptest! {
    #[test]
    fn a_snapshot_is_what_was_there_at_its_mark(
        before in vec(step(), 0..200),
        during in vec(step(), 0..200),
        again in vec(step(), 0..100),
    ) {
        let keyspace = Keyspace::new(2, 3);
        let mut locked = keyspace.lock(ShardSet::ALL);
        for step in changes(&before) {
            run(&mut locked.db(DbIndex(0), UnixMillis(0), Expire::Delete), step);
        }
        // What one snapshot leaves behind must not spoil the next.
        for during in [during, again] {
            let expected = contents(&mut locked.db(DbIndex(0), UnixMillis(0), Expire::Delete));
            locked.mark_snapshot();
            let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
            let mut taking = Taking::default();
            during.iter().for_each(|step| taking.run(&mut db, step));
            taking.take(&mut db, SLOTS);
            taking.show_all(&mut db);
            prop_assert_eq!(taking.taken, expected);
            prop_assert!(!has_marks(&mut db));
        }
    }

    #[test]
    fn an_abandoned_snapshot_leaves_nothing_behind(
        before in vec(step(), 0..100),
        during in vec(step(), 0..100),
        behind in vec(step(), 0..100),
    ) {
        let keyspace = Keyspace::new(2, 3);
        let mut locked = keyspace.lock(ShardSet::ALL);
        for step in changes(&before) {
            run(&mut locked.db(DbIndex(0), UnixMillis(0), Expire::Delete), step);
        }
        locked.mark_snapshot();
        let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
        let mut taking = Taking::default();
        during.iter().for_each(|step| taking.run(&mut db, step));
        (taking.next..SLOTS).for_each(|slot| {
            drop(db.abandon_snapshot_slot(Slot::new(slot as u16)));
        });
        (0..SHARDS).for_each(|shard| while db.abandon_frozen(shard, 5) {});
        prop_assert!(!has_marks(&mut db));
        changes(&behind).for_each(|step| run(&mut db, step));
        prop_assert!(!has_marks(&mut db));
        prop_assert!((0..SHARDS).all(|shard| db.take_saved(shard).is_empty()));
    }
}

#[test]
fn only_what_is_written_is_saved_and_once() {
    let keyspace = Keyspace::new(2, 3);
    let mut locked = keyspace.lock(ShardSet::ALL);
    let set = |db: &mut Db<'_>, key: &[u8]| db.set_string(&db.key(key), b"v", Ttl::Clear);
    for key in [b"a", b"b", b"c"] {
        set(
            &mut locked.db(DbIndex(0), UnixMillis(0), Expire::Delete),
            key,
        );
    }
    locked.mark_snapshot();
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    set(&mut db, b"a");
    set(&mut db, b"a");
    set(&mut db, b"new");
    let shard = db.key(b"a").slot.shard();
    let mut saved = db.take_saved(shard);
    assert_eq!(
        saved.copied_bytes(),
        Entry::string(b"a", b"v", None).memory()
    );
    assert!(saved.show_copy(|(_, entry)| assert_eq!(entry.key(), b"a")));
    assert!(!saved.show_copy(|_| panic!("it is saved once")));
    assert_eq!(saved.count(), 0);
    set(&mut db, b"a");
    assert!((0..SHARDS).all(|shard| db.take_saved(shard).is_empty()));
}

#[test]
fn strings_are_saved_as_they_were_however_long() {
    let keyspace = Keyspace::new(1, 3);
    let mut locked = keyspace.lock(ShardSet::ALL);
    let lengths = [0, 1, 100, 200, 255, 256, 300, 20_000];
    let name = |len: usize| format!("{{tag}}{len}").into_bytes();
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    for len in lengths {
        let value = vec![b'v'; len];
        db.set_string(&db.key(&name(len)), &value, Ttl::At(UnixMillis(len as i64)));
    }
    locked.mark_snapshot();
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    for len in lengths {
        db.set_string(&db.key(&name(len)), b"17", Ttl::Clear);
    }
    let mut saved = db.take_saved(db.key(b"{tag}").slot.shard());
    let (mut found, mut bytes) = (Vec::new(), 0);
    let mut note = |entry: &Entry| {
        bytes += entry.memory();
        let len = entry.text().len();
        assert_eq!(entry.key(), name(len));
        assert_eq!(entry.expiry(), Some(UnixMillis(len as i64)));
        assert!(entry.text() == datatypes::Text::Bytes(&vec![b'v'; len]));
        found.push(len);
    };
    let copied = saved.copied_bytes();
    while saved.show_copy(|(_, entry)| note(entry)) {}
    saved.for_each(|(_, entry)| note(&entry));
    found.sort_unstable();
    assert_eq!(found, lengths);
    assert_eq!(copied, bytes);
}

#[test]
fn a_string_is_saved_before_it_grows_unheard() {
    let keyspace = Keyspace::new(1, 3);
    let mut locked = keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    db.set_string(&db.key(b"k"), b"v", Ttl::Clear);
    locked.mark_snapshot();
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    let key = db.key(b"k");
    assert!(db.lengthen(&key, 3) && !db.lengthen(&key, 2));
    let mut saved = db.take_saved(key.slot.shard());
    let is_old = |entry: &Entry| entry.text() == datatypes::Text::Bytes(b"v");
    assert!(saved.show_copy(|(_, entry)| assert!(is_old(entry))));
    assert!(!saved.show_copy(|_| panic!("it is saved once")));
    let mut taken = 0;
    db.take_snapshot_slot(key.slot, &mut Saved::default(), |_| taken += 1);
    assert_eq!(taken, 0, "what has changed is not shown");
}

#[test]
fn a_flush_gives_whole_tables_away() {
    let keyspace = Keyspace::new(2, 3);
    let mut locked = keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    for number in 0..500 {
        let name = format!("{{tag}}{number}").into_bytes();
        db.set_string(&db.key(&name), b"v", Ttl::Clear);
    }
    locked.mark_snapshot();
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    db.set_string(&db.key(b"{tag}0"), b"w", Ttl::Clear);
    drop(db.detach_all());
    db.set_string(&db.key(b"{tag}1"), b"w", Ttl::Clear);
    let slot = db.key(b"{tag}").slot;
    let mut saved = Saved::default();
    db.take_snapshot_slot(slot, &mut saved, |_| {
        panic!("all that was there is given away")
    });
    assert_eq!(
        saved.copied_bytes(),
        Entry::string(b"{tag}0", b"v", None).memory()
    );
    let mut keys = std::collections::BTreeSet::new();
    while saved.show_copy(|(_, entry)| {
        keys.insert(entry.key().to_vec());
    }) {}
    keys.extend(saved.map(|(_, entry)| entry.key().to_vec()));
    assert_eq!(keys.len(), 500);
}

#[test]
fn a_slot_shows_what_it_held_without_a_snapshot() {
    let keyspace = Keyspace::new(2, 3);
    let mut locked = keyspace.lock(ShardSet::ALL);
    let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
    (0..30).for_each(|field| edit(&mut db, 0, field));
    let (name, small) = (name(0), b"{key:0}small");
    let slot = db.key(small).slot;
    assert_eq!(slot, db.key(&name).slot);
    for index in [1, 0] {
        db.select(DbIndex(index));
        db.set_string(&db.key(small), b"v", Ttl::Clear);
    }
    assert!(db.has_large(slot) && !db.has_large(Slot::new(slot.number() ^ 1)));
    let mut taken = Vec::new();
    db.freeze_slot(slot, |entry| taken.push(entry.key().to_vec()));
    assert_eq!(taken, [small]);
    edit(&mut db, 0, 200);
    db.remove(&db.key(&name));
    let shard = slot.shard();
    let head = db.next_frozen(shard).expect("it waits to be shown");
    assert_eq!(
        (head.db, head.entry.key(), head.len),
        (DbIndex(0), &*name, 30)
    );
    let mut fields = Vec::new();
    let mut show = |shown: Shown<'_>| match shown {
        Shown::Pair(field, _) => fields.push(field.to_vec()),
        other => panic!("{other:?} is no field"),
    };
    while db.show_frozen(shard, 4, &mut show) {}
    fields.sort();
    fields.dedup();
    assert!(fields.len() == 30 && !fields.contains(&b"field:200".to_vec()));
    assert!(db.next_frozen(shard).is_none());
    // Nothing is left behind that a snapshot would find.
    locked.mark_snapshot();
}
