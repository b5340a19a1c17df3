//! Sessions that clients may resume, for so long and so many.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::server::StoresServerSessions;

/// How many sessions are kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// 0 means any number.
    pub count_max: usize,
    pub age_max: Duration,
}

impl Default for Sessions {
    /// As many as Redis keeps, for as long.
    fn default() -> Sessions {
        Sessions {
            count_max: 20_480,
            age_max: Duration::from_secs(300),
        }
    }
}

/// The sessions of one listener's settings.
pub(super) struct Store {
    limits: Sessions,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<Vec<u8>, (Instant, Vec<u8>)>,
    /// In the order they came. Some are gone already.
    order: VecDeque<(Instant, Vec<u8>)>,
}

impl Store {
    pub fn new(limits: Sessions) -> Store {
        Store {
            limits,
            kept: Mutex::default(),
        }
    }

    fn with<R>(&self, work: impl FnOnce(&mut Kept) -> R) -> R {
        // Nothing is left half done by whoever panics here.
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_valid(&self, since: Instant) -> bool {
        since.elapsed() <= self.limits.age_max
    }
}

impl Kept {
    /// Forgets the oldest while there are too many, and those that are too old.
    fn trim(&mut self, limits: &Sessions) {
        while let Some((since, key)) = self.order.front() {
            let is_gone = self.sessions.get(key).is_none_or(|(kept, _)| kept != since);
            let is_much = limits.count_max > 0 && self.order.len() > limits.count_max;
            if !is_gone && !is_much && since.elapsed() <= limits.age_max {
                break;
            }
            if !is_gone {
                self.sessions.remove(key);
            }
            self.order.pop_front();
        }
    }
}

impl StoresServerSessions for Store {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.with(|kept| {
            let now = Instant::now();
            kept.order.push_back((now, key.clone()));
            kept.sessions.insert(key, (now, value));
            kept.trim(&self.limits);
        });
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.with(|kept| {
            let (since, value) = kept.sessions.get(key)?;
            self.is_valid(*since).then(|| value.clone())
        })
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.with(|kept| {
            let (since, value) = kept.sessions.remove(key)?;
            self.is_valid(since).then_some(value)
        })
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({:?})", self.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(count_max: usize, age_max: Duration) -> Store {
        Store::new(Sessions { count_max, age_max })
    }

    #[test]
    fn the_oldest_sessions_go_first() {
        let store = store(2, Duration::from_secs(100));
        for key in [b"a", b"b", b"c"] {
            assert!(store.put(key.to_vec(), b"v".to_vec()));
        }
        assert_eq!(store.get(b"a"), None);
        assert_eq!(store.take(b"b"), Some(b"v".to_vec()));
        assert_eq!(store.take(b"b"), None);
        assert_eq!(store.get(b"c"), Some(b"v".to_vec()));
        for _ in 0..100 {
            store.put(b"same".to_vec(), b"w".to_vec());
        }
        assert!(store.with(|kept| kept.order.len() <= 2));
        assert_eq!(store.get(b"same"), Some(b"w".to_vec()));
    }

    #[test]
    fn sessions_end() {
        let store = store(0, Duration::ZERO);
        store.put(b"a".to_vec(), b"v".to_vec());
        assert_eq!(store.get(b"a"), None);
        store.put(b"b".to_vec(), b"v".to_vec());
        assert!(store.with(|kept| kept.sessions.len() <= 1));
    }
}
