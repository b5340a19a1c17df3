//! Bytes of resident memory per small string key.

use super::load::{self, Value};
use super::sample::resident_bytes;
use super::table::Target::ValueMost;
use super::{Bench, Row};
use anyhow::Result;
use std::time::Duration;

/// What the loader's own buffers need to be given back.
const REST: Duration = Duration::from_secs(2);

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let counts: &[u64] = if bench.quick { &[1] } else { &[1, 5] };
    let cases = [(Value::Plain, "", 56.0), (Value::WithTtl, ", TTL", 64.0)];
    let mut rows = Vec::new();
    for &millions in counts {
        for (value, suffix, most) in cases {
            let what = format!("memory per key, {millions} M keys{suffix}");
            let keys = millions * 1_000_000;
            // The same keys give the same memory: one round tells all.
            let [values] = bench.compare(&what, 1, &[], |server| {
                let before = resident_bytes(server.pid())?;
                load::fill(server.port, keys, value)?;
                std::thread::sleep(REST);
                let grown = resident_bytes(server.pid())?.saturating_sub(before);
                Ok([grown as f64 / keys as f64])
            })?;
            rows.push(Row::new(what, "bytes", values, ValueMost(most)));
        }
    }
    Ok(rows)
}
