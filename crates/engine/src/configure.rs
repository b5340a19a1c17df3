//! Replacing the configuration while the server runs.

use ::replication::Primary;
use config::{Change, Config, Effect, HostPort, Policy, SetError};

use crate::Engine;

impl Engine {
    /// Changes directives, all or none, and has the host carry out what follows from the change.
    /// Callers wait for each other, so that each builds on what the one before has set.
    pub fn configure(&self, pairs: &[(&[u8], &[u8])], policy: Policy) -> Result<(), SetError> {
        let _changing = self.changing_config.lock();
        let old = self.config.load_full();
        let change = old.set(pairs, policy)?;
        self.apply(&old, &change)?;
        self.slowlog
            .shrink(change.config.latency.slow_log_len_max as usize);
        self.judge_replicas(&change.config);
        self.config.store(change.config);
        Ok(())
    }

    /// Has the configuration say whom this node follows.
    pub fn remember_primary(&self, primary: Option<Primary>) {
        let _changing = self.changing_config.lock();
        let mut config = Config::clone(&self.config.load());
        config.replication.primary = primary.map(|primary| HostPort {
            host: primary.host.into_bytes(),
            port: primary.port,
        });
        self.config.store(config);
    }

    /// Carries out the effects one by one, so that the error names the directive at fault. What
    /// was carried out before is then taken back.
    fn apply(&self, old: &Config, change: &Change) -> Result<(), SetError> {
        for (done, &effect) in change.effects.iter().enumerate() {
            let Err(why) = self.host.apply(old, &change.config, &[effect]) else {
                continue;
            };
            self.take_back(old, &change.config, &change.effects[..done]);
            return Err(change.refuse(effect, why));
        }
        Ok(())
    }

    fn take_back(&self, old: &Config, changed: &Config, effects: &[Effect]) {
        for &effect in effects.iter().rev() {
            if let Err(why) = self.host.apply(changed, old, &[effect]) {
                let line = format!("a refused CONFIG SET left {effect:?} behind: {why}");
                self.host.log(crate::host::LogLevel::Warning, &line);
            }
        }
    }
}
