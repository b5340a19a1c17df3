//! The configuration in force, and how those who ask for it all the time keep up with it.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::{ArcSwap, Guard};
use config::Config;

use crate::sync::AtomicU64;

/// The configuration in force.
pub struct Settings {
    current: ArcSwap<Config>,
    /// How often it was replaced.
    changes: AtomicU64,
}

impl Settings {
    pub fn new(config: Config) -> Settings {
        Settings {
            current: ArcSwap::from_pointee(config),
            changes: AtomicU64::new(0),
        }
    }

    pub fn load(&self) -> Guard<Arc<Config>> {
        self.current.load()
    }

    pub fn load_full(&self) -> Arc<Config> {
        self.current.load_full()
    }

    pub(crate) fn store(&self, config: Config) {
        self.current.store(Arc::new(config));
        self.changes.fetch_add(1, Ordering::Release);
    }
}

/// The configuration as a thread last saw it. Looking whether it is still that costs a thread less
/// than loading it, which marks it as being in use.
pub(crate) struct Seen {
    config: Arc<Config>,
    changes: u64,
}

impl Seen {
    pub fn new(settings: &Settings) -> Seen {
        // In this order, so that a change between the two is seen when it is next renewed.
        let changes = settings.changes.load(Ordering::Acquire);
        let config = settings.load_full();
        Seen { config, changes }
    }

    /// Takes the configuration in force.
    #[inline]
    pub fn renew(&mut self, settings: &Settings) {
        if self.changes != settings.changes.load(Ordering::Acquire) {
            *self = Seen::new(settings);
        }
    }
}

impl Deref for Seen {
    type Target = Config;

    #[inline]
    fn deref(&self) -> &Config {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_renews_sees_what_was_stored() {
        let settings = Settings::new(Config::default());
        let mut seen = Seen::new(&settings);
        let mut changed = Config::clone(&settings.load());
        changed.process.hz += 1;
        let hz = (seen.process.hz, changed.process.hz);
        settings.store(changed);
        assert_eq!(seen.process.hz, hz.0);
        seen.renew(&settings);
        assert_eq!(seen.process.hz, hz.1);
        let config = Arc::as_ptr(&seen.config);
        seen.renew(&settings);
        assert_eq!(Arc::as_ptr(&seen.config), config, "it is the same");
    }
}
