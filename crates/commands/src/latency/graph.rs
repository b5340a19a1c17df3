//! An event's history as a picture of characters.
//!
//! ```text
//!     #
//!   _ | o         a column per sample, the oldest first; its height is the latency
//!   | |o|
//!   _|||o_
//!
//!   6543210       how long ago, read downwards
//!   sssssss
//! ```

use engine::latency::Event;

/// Samples beyond these are left out, the oldest first.
const COLUMNS_MAX: usize = 80;

const ROWS: usize = 4;

/// The tops of a column, by how much of its highest row it fills.
const TOPS: [char; 3] = ['_', 'o', '#'];

/// Draws an event as it is at `now`, in seconds of Unix time.
pub(super) fn draw(name: &str, event: &Event, now: i64) -> String {
    let skipped = event.samples.len().saturating_sub(COLUMNS_MAX);
    let samples: Vec<(i64, u64)> = event.samples.iter().skip(skipped).copied().collect();
    let latencies = || samples.iter().map(|(_, ms)| *ms);
    let (high, low) = (
        latencies().max().unwrap_or_default(),
        latencies().min().unwrap_or_default(),
    );
    let mut text = format!(
        "{name} - high {high} ms, low {low} ms (all time high {} ms)\n",
        event.max_ms
    );
    text += &"-".repeat(COLUMNS_MAX);
    text.push('\n');
    for row in (0..ROWS).rev() {
        text.extend(latencies().map(|ms| cell(step(ms, low, high), row)));
        text.push('\n');
    }
    text.push('\n');
    text + &labels(&samples, now)
}

/// The height of a column, in thirds of a row: 0 for the lowest.
fn step(ms: u64, low: u64, high: u64) -> usize {
    let steps = (ROWS * TOPS.len() - 1) as u64;
    let scaled = (ms - low).saturating_mul(steps);
    scaled.checked_div(high - low).unwrap_or_default() as usize
}

fn cell(step: usize, row: usize) -> char {
    let (top_row, top) = (step / TOPS.len(), TOPS[step % TOPS.len()]);
    match row {
        row if row > top_row => ' ',
        row if row == top_row => top,
        _ => '|',
    }
}

/// How long ago each sample was, written downwards below its column.
fn labels(samples: &[(i64, u64)], now: i64) -> String {
    let labels: Vec<Vec<char>> = samples
        .iter()
        .map(|(at, _)| ago(now - at).chars().collect())
        .collect();
    let height = labels.iter().map(Vec::len).max().unwrap_or_default();
    let mut text = String::new();
    for line in 0..height {
        text.extend(labels.iter().map(|label| label.get(line).unwrap_or(&' ')));
        text.push('\n');
    }
    text
}

fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86400),
    }
}
