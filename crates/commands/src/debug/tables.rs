//! `DEBUG HTSTATS` and `HTSTATS-KEY`: the tables that hold keys, members and fields.

use datatypes::{Hash, Set};
use engine::{Args, CommandResult, Context, Error};
use keyspace::{DbIndex, SLOTS, Slot};

/// All tables of a db as one. Each slot has its own, so that none is ever large.
#[derive(Default)]
struct Shape {
    tables: usize,
    keys: usize,
    buckets: usize,
    overflowing: usize,
    largest: usize,
}

pub(super) fn of_db(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let number = args.integer()?;
    let index = u16::try_from(number)
        .ok()
        .filter(|&index| index < cx.engine.keyspace.dbs())
        .ok_or(Error::text("ERR Out of range database"))?;
    let here = cx.db.index();
    cx.db.select(DbIndex(index));
    let mut shape = Shape::default();
    for slot in 0..SLOTS {
        let slot = Slot::new(u16::try_from(slot).expect("there are fewer slots than 65536"));
        let (keys, buckets, overflowing) = cx.db.table_shape(slot);
        shape.tables += usize::from(keys > 0);
        shape.keys += keys;
        shape.buckets += buckets;
        shape.overflowing += overflowing;
        shape.largest = shape.largest.max(keys);
    }
    let (_, volatile) = cx.db.count();
    cx.db.select(here);
    Ok(cx.reply.verbatim(describe(&shape, volatile).as_bytes()))
}

fn describe(shape: &Shape, volatile: usize) -> String {
    let Shape {
        tables,
        keys,
        buckets,
        overflowing,
        largest,
    } = shape;
    if *keys == 0 {
        return "[Dictionary HT]\nNo stats available for empty dictionaries\n".to_owned();
    }
    format!(
        "[Dictionary HT]\n table size: {buckets}\n number of elements: {keys}\n tables: {tables}\n \
         elements in the largest table: {largest}\n overflowing buckets: {overflowing}\n \
         elements that expire: {volatile}\n"
    )
}

/// The table of a large set or hash. Sorted sets find their members by other means.
pub(super) fn of_key(cx: &mut Context<'_>, args: &mut Args<'_>) -> CommandResult {
    let key = cx.db.key(args.bytes()?);
    let entry = cx.db.peek(&key).ok_or(Error::NoKey)?;
    let (set, hash) = (entry.value::<Set>(), entry.value::<Hash>());
    let (buckets, fullest) = match (set.as_deref(), hash.as_deref()) {
        (Some(Set::Table(table)), _) => table.shape(),
        (_, Some(Hash::Table(table))) => table.shape(),
        _ => {
            let text =
                "ERR The value stored at the specified key is not represented using an hash table";
            return Err(Error::text(text));
        }
    };
    let text = format!(
        "[Dictionary HT]\n table size: {buckets}\n number of elements: {}\n \
         elements in the fullest bucket: {fullest}\n",
        entry.elements()
    );
    Ok(cx.reply.verbatim(text.as_bytes()))
}
