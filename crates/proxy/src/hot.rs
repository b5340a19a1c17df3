//! Hot keys: those that most requests are about, found by looking at some of them.

use std::sync::{Mutex, PoisonError};

/// Counts the keys that come most often in a fixed space: a key that finds no room takes the place,
/// and the count, of the one that came least often.
#[derive(Debug, Default)]
pub struct HotKeys(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    keys: Vec<(Box<[u8]>, u64)>,
    /// How many have been counted since all were last halved.
    counted: u64,
}

/// One of so many keys is looked at.
pub const STRIDE: u32 = 64;

const KEYS_MAX: usize = 256;
/// After so many keys all counts are halved, so that what was hot once is forgotten.
const HALVED_AFTER: u64 = 16 * 1024;
/// Longer keys are nobody's business.
const KEY_BYTES_MAX: usize = 1024;

impl HotKeys {
    pub fn count(&self, key: &[u8]) {
        if key.len() > KEY_BYTES_MAX {
            return;
        }
        let table = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.counted += 1;
        if table.counted >= HALVED_AFTER {
            table.counted = 0;
            table.keys.iter_mut().for_each(|(_, count)| *count /= 2);
            table.keys.retain(|(_, count)| *count > 0);
        }
        if let Some((_, count)) = table.keys.iter_mut().find(|(known, _)| **known == *key) {
            *count += 1;
        } else if table.keys.len() < KEYS_MAX {
            table.keys.push((key.into(), 1));
        } else if let Some(least) = table.keys.iter_mut().min_by_key(|(_, count)| *count) {
            *least = (key.into(), least.1 + 1);
        }
    }

    /// The hottest first, with about how many requests each has had of late.
    pub fn hottest(&self, count: usize) -> Vec<(Vec<u8>, u64)> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = table.keys.iter();
        let estimate = |count: u64| count * u64::from(STRIDE);
        let mut keys: Vec<_> = keys.map(|(key, n)| (key.to_vec(), estimate(*n))).collect();
        keys.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        keys.truncate(count);
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hot_stand_out_of_many() {
        let hot = HotKeys::default();
        for number in 0..20_000 {
            hot.count(format!("cold:{number}").as_bytes());
            if number % 10 == 0 {
                hot.count(b"hot");
            }
            if number % 20 == 0 {
                hot.count(b"warm");
            }
        }
        hot.count(&[0; 4096]);
        let hottest = hot.hottest(2);
        assert_eq!(
            (&hottest[0].0[..], &hottest[1].0[..]),
            (&b"hot"[..], &b"warm"[..])
        );
        assert!(hottest[0].1 > hottest[1].1);
        assert!(hot.hottest(1000).len() <= KEYS_MAX);
    }
}
