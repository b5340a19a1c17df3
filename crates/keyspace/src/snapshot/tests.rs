use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use stdx::time::UnixMillis;

use crate::slot::SLOTS;
use crate::{Db, DbIndex, Expire, Keyspace, ShardSet, Slot, Text, Ttl};

type Contents = BTreeMap<(u16, Vec<u8>), Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Flush(u16),
    Remove(u16, u8),
    Set(u16, u8, u8),
    Swap,
    Take(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0..2u16).prop_map(Step::Flush),
        8 => (0..2u16, 0..40u8).prop_map(|(db, key)| Step::Remove(db, key)),
        16 => (0..2u16, 0..40u8, any::<u8>())
            .prop_map(|(db, key, value)| Step::Set(db, key, value)),
        1 => Just(Step::Swap),
        16 => (1..800u16).prop_map(Step::Take),
    ]
}

fn run(db: &mut Db<'_>, model: &mut Contents, step: &Step) {
    let name = |key: u8| format!("key:{key}").into_bytes();
    match *step {
        Step::Flush(index) => {
            db.select(DbIndex(index));
            drop(db.detach_all());
            model.retain(|(at, _), _| *at != index);
        }
        Step::Remove(index, key) => {
            db.select(DbIndex(index));
            let removed = db.remove(&db.key(&name(key))).is_some();
            assert_eq!(removed, model.remove(&(index, name(key))).is_some());
        }
        Step::Set(index, key, value) => {
            db.select(DbIndex(index));
            db.set_string(&db.key(&name(key)), &[b'v', value], Ttl::Clear);
            model.insert((index, name(key)), vec![b'v', value]);
        }
        Step::Swap => {
            db.swap(DbIndex(0), DbIndex(1));
            let swapped = std::mem::take(model).into_iter();
            model.extend(swapped.map(|((at, key), value)| ((1 - at, key), value)));
        }
        Step::Take(_) => unreachable!("taking is not a change"),
    }
}

fn take(db: &mut Db<'_>, slot: usize, into: &mut Contents) {
    db.take_snapshot_slot(Slot::new(slot as u16), |(index, entry)| {
        let Text::Bytes(value) = entry.text() else {
            panic!("every value begins with a letter")
        };
        let twice = into.insert((index.0, entry.key().to_vec()), value.to_vec());
        assert!(twice.is_none(), "an entry is taken once");
    });
}

proptest! {
    #[test]
    fn a_snapshot_is_what_was_there_at_its_mark(
        before in vec(step(), 0..200),
        during in vec(step(), 0..200),
    ) {
        let keyspace = Keyspace::new(2, 3);
        let mut locked = keyspace.lock(ShardSet::ALL);
        let mut model = Contents::new();
        for step in before.iter().filter(|step| !matches!(step, Step::Take(_))) {
            run(&mut locked.db(DbIndex(0), UnixMillis(0), Expire::Delete), &mut model, step);
        }
        locked.mark_snapshot();
        let (expected, mut taken, mut next) = (model.clone(), Contents::new(), 0);
        let mut db = locked.db(DbIndex(0), UnixMillis(0), Expire::Delete);
        for step in &during {
            match step {
                Step::Take(slots) => {
                    let end = SLOTS.min(next + usize::from(*slots));
                    (next..end).for_each(|slot| take(&mut db, slot, &mut taken));
                    next = end;
                }
                step => run(&mut db, &mut model, step),
            }
        }
        (next..SLOTS).for_each(|slot| take(&mut db, slot, &mut taken));
        prop_assert_eq!(taken, expected);
    }
}
