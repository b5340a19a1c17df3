//! The figures of `MEMORY STATS`.

use engine::info::{KEY_TABLE_BYTES, MemoryFigures};
use engine::reply::{Done, Elements, Reply};
use keyspace::DbIndex;

/// Pairs besides those of the dbs.
const PAIRS: usize = 27;

pub(super) fn write(
    figures: &MemoryFigures,
    dbs: &[(DbIndex, u64, u64)],
    reply: &mut Reply<'_>,
) -> Done {
    let host = &figures.host;
    let mut map = reply.map(PAIRS + dbs.len());
    let clients = figures.clients;
    integer(&mut map, "peak.allocated", host.used_peak as i64);
    integer(&mut map, "total.allocated", host.used as i64);
    integer(&mut map, "startup.allocated", host.startup as i64);
    integer(&mut map, "replication.backlog", 0);
    integer(&mut map, "clients.slaves", 0);
    integer(&mut map, "clients.normal", clients as i64);
    for name in [
        "cluster.links",
        "aof.buffer",
        "lua.caches",
        "functions.caches",
    ] {
        integer(&mut map, name, 0);
    }
    dbs.iter().for_each(|db| write_db(&mut map, *db));
    let data = host.used.saturating_sub(host.startup);
    let each = data.checked_div(figures.keys).unwrap_or(0);
    integer(&mut map, "overhead.total", figures.overhead() as i64);
    integer(&mut map, "keys.count", figures.keys as i64);
    integer(&mut map, "keys.bytes-per-key", each as i64);
    integer(&mut map, "dataset.bytes", figures.dataset() as i64);
    double(&mut map, "dataset.percentage", figures.dataset_percent());
    double(&mut map, "peak.percentage", figures.peak_percent());
    integer(&mut map, "allocator.allocated", host.used as i64);
    integer(&mut map, "allocator.active", host.allocator_active as i64);
    integer(
        &mut map,
        "allocator.resident",
        host.allocator_resident as i64,
    );
    let ratios = [
        ("allocator-fragmentation", figures.allocator_fragmentation()),
        ("allocator-rss", figures.allocator_residence()),
        ("rss-overhead", figures.residence()),
    ];
    for (name, (ratio, bytes)) in ratios {
        double(&mut map, &format!("{name}.ratio"), ratio);
        integer(&mut map, &format!("{name}.bytes"), bytes);
    }
    let (ratio, bytes) = figures.fragmentation();
    double(&mut map, "fragmentation", ratio);
    integer(&mut map, "fragmentation.bytes", bytes);
    map.done()
}

fn write_db(map: &mut Elements<'_, '_>, (index, keys, _): (DbIndex, u64, u64)) {
    map.bulk(format!("db.{}", index.0).as_bytes());
    let mut db = map.element().map(3);
    let tables = keys * KEY_TABLE_BYTES;
    integer(&mut db, "overhead.hashtable.main", tables as i64);
    // An expiry lies in its key's entry, and a slot is a table: neither costs one of its own.
    integer(&mut db, "overhead.hashtable.expires", 0);
    integer(&mut db, "overhead.hashtable.slot-to-keys", 0);
    let _: Done = db.done();
}

fn integer(map: &mut Elements<'_, '_>, name: &str, number: i64) {
    map.bulk(name.as_bytes());
    map.integer(number);
}

fn double(map: &mut Elements<'_, '_>, name: &str, number: f64) {
    map.bulk(name.as_bytes());
    let _: Done = map.element().double(number);
}
