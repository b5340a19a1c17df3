//! How fast snapshots are written, scanned and decoded, on one core.
//!
//!     cargo run --release -p ochre --example rdb_speed

use std::hint::black_box;
use std::time::{Duration, Instant};

use datatypes::packed::HashSeed;
use datatypes::{Hash, List, SortedSet, Text, list};
use persistence::rdb::{
    Entry, Item, Record, ScanOptions, Scanner, Usage, WriteOptions, Writer, decode, kind, string,
};
use persistence::{Limits, ValueRef};

const SEED: HashSeed = HashSeed(7);
const BLOCK_BYTES: usize = 1 << 20;

fn main() {
    let limits = Limits::with_seed(SEED);
    let text = |number: usize| format!("member:{number:09}").into_bytes();
    let mut hash = Hash::default();
    (0..100).for_each(|n| _ = hash.insert(&text(n), &text(n * 7), &limits.hash));
    let mut large_hash = Hash::default();
    (0..100_000).for_each(|n| _ = large_hash.insert(&text(n), &text(n * 7), &limits.hash));
    let mut list = List::new();
    (0..10_000).for_each(|n| list.push(list::End::Tail, Text::Bytes(&text(n)), &limits.list));
    let mut large_zset = SortedSet::default();
    (0..100_000).for_each(|n| _ = large_zset.put(&text(n), n as f64, &limits.sorted_set));
    let value = b"0123456789abcdef".to_vec();
    let long: Vec<u8> = (0..1000_u32)
        .map(|n| (n.wrapping_mul(n) >> 5) as u8)
        .collect();
    let string = |bytes| ValueRef::String(Text::Bytes(bytes));
    for compress in [false, true] {
        println!("compress: {compress}");
        measure(
            "strings, 16 and 16 bytes",
            5_000_000,
            string(&value),
            compress,
        );
        measure("strings of 1000 bytes", 500_000, string(&long), compress);
        measure(
            "hashes of 100 fields",
            50_000,
            ValueRef::Hash(&hash),
            compress,
        );
        measure(
            "hashes of 100000 fields",
            20,
            ValueRef::Hash(&large_hash),
            compress,
        );
        measure("lists of 10000", 500, ValueRef::List(&list), compress);
        measure(
            "sorted sets of 100000",
            20,
            ValueRef::SortedSet(&large_zset),
            compress,
        );
    }
}

fn measure(name: &str, count: usize, value: ValueRef<'_>, compress: bool) {
    let limits = Limits::with_seed(SEED);
    let mut dump = Vec::new();
    let writing = timed(|| dump = write(count, value, compress));
    drop(dump);
    let mut dump = Vec::new();
    let again = timed(|| dump = write(count, value, compress));
    let mut records = 0;
    let scanning = timed(|| scan(&dump, |_, _| records += 1));
    assert_eq!(records, count);
    let both = timed(|| {
        scan(&dump, |record, buffer| {
            black_box(string(&buffer[record.key()]).expect("a key"));
            let bytes = &buffer[record.value()];
            if record.kind == kind::STRING {
                black_box(string(bytes).expect("a string"));
            } else {
                black_box(decode(record.kind, bytes, &limits).expect("a value"));
            }
        });
    });
    let show = |time: Duration| {
        let seconds = time.as_secs_f64();
        let (records, bytes) = (
            count as f64 / seconds / 1e6,
            dump.len() as f64 / seconds / 1e9,
        );
        format!("{records:8.3} M/s {bytes:6.2} GB/s")
    };
    println!(
        "  {name:26} {:5} MB  write {}  scan {}  scan and decode {}",
        dump.len() / 1_000_000,
        show(writing.min(again)),
        show(scanning),
        show(both),
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn write(count: usize, value: ValueRef<'_>, compress: bool) -> Vec<u8> {
    let mut writer = Writer::new(WriteOptions {
        compress,
        checksum: true,
    });
    let mut dump = Vec::new();
    writer.header(&mut dump);
    let mut key = *b"key:000000000000";
    for number in 0..count {
        let digits = stdx::number::text_u64(number as u64);
        let at = key.len() - digits.len();
        key[at..].copy_from_slice(&digits);
        let entry = Entry {
            key: Text::Bytes(&key),
            value,
            expiry: None,
            usage: Usage::Unknown,
        };
        writer.record(&entry, &mut dump);
    }
    writer.end(0, &mut dump);
    dump
}

fn scan(dump: &[u8], mut visit: impl FnMut(&Record, &[u8])) {
    let mut scanner = Scanner::new(ScanOptions::default());
    let mut buffer = Vec::new();
    for block in dump.chunks(BLOCK_BYTES) {
        buffer.extend_from_slice(block);
        while let Some(item) = scanner.next(&buffer).expect("it is a dump") {
            if let Item::Record(record) = item {
                visit(&record, &buffer);
            }
        }
        buffer.drain(..scanner.take_consumed());
    }
    scanner.finish(&buffer).expect("it is whole");
}
