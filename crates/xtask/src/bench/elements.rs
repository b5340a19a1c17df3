//! Bytes of resident memory per element of one large collection.

use super::collection::Collection;
use super::sample::resident_bytes;
use super::table::Target::ValueMost;
use super::{Bench, Row};
use anyhow::Result;
use std::time::Duration;

/// What the loader's own buffers need to be given back.
const REST: Duration = Duration::from_secs(2);

/// What is filled, and the bytes that an element may take.
const CASES: &[(&str, Collection, f64)] = &[
    ("member of a large set", Collection::SET, 34.0),
    ("field and value of a large hash", Collection::HASH, 52.0),
    ("member of a large sorted set", Collection::SORTED_SET, 56.0),
    ("element of a long list", Collection::LIST, 18.5),
    (
        "the same, pushed at its head",
        Collection::LIST_FROM_HEAD,
        18.5,
    ),
];

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let count = if bench.quick { 1_000_000 } else { 5_000_000 };
    let mut rows = Vec::new();
    for (name, collection, bytes_most) in CASES {
        let what = format!("memory per {name}, {} M", count / 1_000_000);
        // The same elements give the same memory: one round tells all.
        let [values] = bench.compare(&what, 1, &[], |server| {
            let before = resident_bytes(server.pid())?;
            collection.fill(server.port, "key", 0..count)?;
            std::thread::sleep(REST);
            let grown = resident_bytes(server.pid())?.saturating_sub(before);
            Ok([grown as f64 / count as f64])
        })?;
        rows.push(Row::new(what, "bytes", values, ValueMost(*bytes_most)));
    }
    Ok(rows)
}
