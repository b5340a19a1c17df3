//! When data is saved, and the append-only file rewritten, without anybody asking.

use config::SavePoint;
use stdx::time::UnixMillis;

/// After a save that failed, the next waits so long.
const SAVE_RETRY_MS: i64 = 5_000;

/// Rewrites that fail so often in a row begin to wait for each other.
const REWRITE_FAILURES_MAX: u64 = 3;
const REWRITE_RETRY_MINUTES_MAX: u64 = 60;

/// Retries of what must not be left undone wait from a second up to a minute.
const HEALING_RETRY_MS: i64 = 1_000;
const HEALING_RETRY_MS_MAX: i64 = 60_000;

/// How saving has gone.
#[derive(Clone, Copy, Debug)]
pub struct SaveStanding {
    pub changes: u64,
    pub last_done: UnixMillis,
    pub last_tried: UnixMillis,
    pub last_ok: bool,
}

impl SaveStanding {
    /// Whether a save may be tried: not right after one that failed.
    pub fn may_try(&self, now: UnixMillis) -> bool {
        self.last_ok || now.0 - self.last_tried.0 > SAVE_RETRY_MS
    }

    /// The save point that says to save now.
    pub fn due<'a>(&self, points: &'a [SavePoint], now: UnixMillis) -> Option<&'a SavePoint> {
        let since_ms = now.0 - self.last_done.0;
        points.iter().find(|point| {
            self.changes >= point.changes
                && since_ms > point.seconds.saturating_mul(1000).min(i64::MAX as u64) as i64
                && self.may_try(now)
        })
    }
}

/// How large the append-only file is.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    pub bytes: u64,
    /// After the last rewrite, or at the start.
    pub base_bytes: u64,
}

impl Growth {
    /// By how many percent it has grown, if that is enough to rewrite it.
    pub fn due(&self, percentage: u32, bytes_min: u64) -> Option<u64> {
        if percentage == 0 || self.bytes <= bytes_min {
            return None;
        }
        let base = u128::from(self.base_bytes.max(1));
        let growth = (u128::from(self.bytes) * 100 / base).saturating_sub(100);
        let growth = u64::try_from(growth).unwrap_or(u64::MAX);
        (growth >= u64::from(percentage)).then_some(growth)
    }
}

/// How long an automatic rewrite waits after so many failures in a row, in minutes: not at all
/// after the first few, then a minute, and twice as long each time.
pub fn rewrite_wait_minutes(failures: u64) -> u64 {
    match failures.checked_sub(REWRITE_FAILURES_MAX) {
        None => 0,
        Some(more) => (1 << more.min(6)).min(REWRITE_RETRY_MINUTES_MAX),
    }
}

/// How long a rewrite that must succeed waits after so many failures in a row.
pub fn healing_wait_ms(failures: u64) -> i64 {
    match failures {
        0 => 0,
        _ => (HEALING_RETRY_MS << (failures - 1).min(10)).min(HEALING_RETRY_MS_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn standing(changes: u64, seconds_ago: i64) -> SaveStanding {
        SaveStanding {
            changes,
            last_done: UnixMillis(NOW.0 - seconds_ago * 1000),
            last_tried: UnixMillis(0),
            last_ok: true,
        }
    }

    fn point(seconds: u64, changes: u64) -> SavePoint {
        SavePoint { seconds, changes }
    }

    #[test]
    fn a_save_point_needs_changes_and_time() {
        let points = [point(100, 1), point(10, 50)];
        assert!(standing(0, 101).due(&points, NOW).is_none());
        assert!(standing(49, 100).due(&points, NOW).is_none());
        assert_eq!(standing(1, 101).due(&points, NOW), Some(&points[0]));
        assert_eq!(standing(50, 11).due(&points, NOW), Some(&points[1]));
    }

    #[test]
    fn a_failed_save_is_retried_after_a_while() {
        let points = [point(1, 1)];
        let mut failed = standing(5, 100);
        (failed.last_ok, failed.last_tried) = (false, UnixMillis(NOW.0 - 5000));
        assert!(failed.due(&points, NOW).is_none());
        failed.last_tried.0 -= 1;
        assert!(failed.due(&points, NOW).is_some());
    }

    #[test]
    fn growth_counts_from_the_last_rewrite() {
        let growth = |bytes, base_bytes| Growth { bytes, base_bytes };
        assert_eq!(growth(199, 100).due(100, 64), None);
        assert_eq!(growth(200, 100).due(100, 64), Some(100));
        assert_eq!(growth(200, 100).due(100, 200), None);
        assert_eq!(growth(200, 100).due(0, 64), None);
        assert_eq!(growth(65, 0).due(100, 64), Some(6400));
        assert_eq!(growth(u64::MAX, 0).due(100, 64), Some(u64::MAX));
    }

    #[test]
    fn retries_wait_longer_and_longer() {
        assert_eq!(
            [0, 2, 3, 4, 8, 9, 99].map(rewrite_wait_minutes),
            [0, 0, 1, 2, 32, 60, 60]
        );
        assert_eq!(
            [0, 1, 2, 3, 7, 99].map(healing_wait_ms),
            [0, 1_000, 2_000, 4_000, 60_000, 60_000]
        );
    }
}
