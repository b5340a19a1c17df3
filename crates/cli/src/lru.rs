//! `--lru-test`: how well a cache of a bounded size serves requests of which few keys get most.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::Error;
use resp::value::Value;

use crate::program::fail;
use crate::session::Session;

const PIPELINE: usize = 250;
const CYCLE: Duration = Duration::from_secs(1);

/// With this exponent a fifth of the keys gets four fifths of the requests.
const ALPHA: f64 = 6.2;

/// Draws keys by a power law.
struct Draw {
    state: u64,
    keys: u64,
}

impl Draw {
    /// From 1, which is drawn most, to the number of keys.
    fn key(&mut self) -> String {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let share = (self.state >> 11) as f64 / (1u64 << 53) as f64;
        let power = ALPHA + 1.0;
        let whole = (self.keys as f64 + 1.0).powf(power) - 1.0;
        let drawn = (whole * share + 1.0).powf(power.recip()) as u64;
        format!("lru:{}", (self.keys + 1 - drawn.min(self.keys)).max(1))
    }
}

pub async fn run(session: &mut Session, keys: u64) -> ExitCode {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut draw = Draw {
        state: now.as_nanos() as u64 | 1,
        keys: keys.max(1),
    };
    loop {
        let begun = Instant::now();
        let (mut hits, mut misses) = (0u64, 0u64);
        while begun.elapsed() < CYCLE {
            match step(session, &mut draw).await {
                Ok((hit, missed)) => {
                    hits += hit;
                    misses += missed;
                }
                Err(message) => return fail(&message),
            }
        }
        let gets = hits + misses;
        let share = |part: u64| 100.0 * part as f64 / gets.max(1) as f64;
        let (hit, missed) = (share(hits), share(misses));
        let text = format!(
            "{gets} Gets/sec | Hits: {hits} ({hit:.2}%) | Misses: {misses} ({missed:.2}%)\n"
        );
        session.emit(text.as_bytes());
    }
}

/// Writes some keys, then reads some, and returns how many of these were there and how many not.
async fn step(session: &mut Session, draw: &mut Draw) -> Result<(u64, u64), String> {
    let text = |error: Error| error.to_string();
    let connection = session.connection().await.map_err(text)?;
    for _ in 0..PIPELINE {
        connection.queue(&["SET", &draw.key(), "value"]);
    }
    for _ in 0..PIPELINE {
        connection.queue(&["GET", &draw.key()]);
    }
    connection.flush().await.map_err(text)?;
    let (mut hits, mut misses) = (0, 0);
    for index in 0..2 * PIPELINE {
        match connection.receive().await.map_err(text)? {
            Value::Error(error) if error.starts_with(b"OOM") => {}
            Value::Error(error) => return Err(String::from_utf8_lossy(&error).into_owned()),
            _ if index < PIPELINE => {}
            Value::Null => misses += 1,
            _ => hits += 1,
        }
    }
    Ok((hits, misses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn few_keys_get_most_requests() {
        let mut draw = Draw {
            state: 1,
            keys: 100,
        };
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            let key: u64 = draw.key()["lru:".len()..].parse().unwrap();
            assert!((1..=100).contains(&key));
            *counts.entry(key).or_default() += 1;
        }
        let top: u32 = (1..=20).filter_map(|key| counts.get(&key)).sum();
        assert!((7_500..8_500).contains(&top), "{top}");
    }
}
