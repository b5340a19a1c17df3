//! The latency monitor: the worst of each second, for every kind of event that took long.

use std::collections::{BTreeMap, VecDeque};

use crate::sync::Mutex;

/// Seconds that are remembered of every event.
pub const SAMPLES_MAX: usize = 160;

/// One event's history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Seconds of Unix time, and the longest of that second in milliseconds; oldest first.
    pub samples: VecDeque<(i64, u64)>,
    pub max_ms: u64,
}

#[derive(Debug, Default)]
pub struct LatencyMonitor {
    events: Mutex<BTreeMap<String, Event>>,
}

impl LatencyMonitor {
    pub fn add(&self, event: &str, at: i64, ms: u64) {
        let mut events = self.events.lock();
        let event = events.entry(event.to_owned()).or_default();
        event.max_ms = event.max_ms.max(ms);
        match event.samples.back_mut() {
            Some((last, worst)) if *last == at => *worst = (*worst).max(ms),
            _ => event.samples.push_back((at, ms)),
        }
        if event.samples.len() > SAMPLES_MAX {
            event.samples.pop_front();
        }
    }

    pub fn get(&self, event: &str) -> Option<Event> {
        self.events.lock().get(event).cloned()
    }

    pub fn all(&self) -> BTreeMap<String, Event> {
        self.events.lock().clone()
    }

    /// Forgets these events, or all if none is named. Returns how many there were.
    pub fn reset(&self, names: &[&str]) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        events.retain(|name, _| !names.is_empty() && !names.contains(&name.as_str()));
        before - events.len()
    }
}
