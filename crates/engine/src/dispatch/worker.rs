//! What a thread that runs commands keeps for itself.

use std::mem;
use std::sync::Arc;

use config::Config;
use stdx::prng::Prng;

use super::words::recycle;
use crate::Engine;
use crate::args::Located;
use crate::clients::Wakes;
use crate::command::Entry;
use crate::log::{Effects, Log};
use crate::settings::Seen;
use crate::stats::WorkerStats;

pub struct Worker {
    pub stats: Arc<WorkerStats>,
    pub prng: Prng,
    /// How long commands have run on this thread, in nanoseconds.
    pub ran_nanos: u64,
    /// None while it is lent to what is being run.
    pub(super) config: Option<Seen>,
    pub(crate) effects: Effects,
    /// Where in the log the last effects of this thread ended.
    pub(crate) appended_to: u64,
    /// Words of the command under way that nobody else may see.
    pub(crate) redacted: Vec<usize>,
    /// Who is woken when the batch has been run.
    pub wakes: Wakes,
    /// Room for the words of the next requests.
    pub(super) spare: Vec<Located<'static>>,
}

impl Worker {
    pub fn new(engine: &Engine, seed: u64) -> Worker {
        Worker {
            stats: engine.stats.join(),
            prng: Prng::new(seed),
            ran_nanos: 0,
            config: Some(Seen::new(&engine.config)),
            effects: Effects::default(),
            appended_to: 0,
            redacted: Vec::new(),
            wakes: Wakes::default(),
            spare: Vec::new(),
        }
    }

    /// The configuration in force.
    #[inline]
    pub fn config(&mut self, engine: &Engine) -> &Config {
        let seen = self.lend_config(engine);
        self.config.insert(seen)
    }

    /// The same, until [`Worker::finish`] gives it back.
    #[inline]
    pub(super) fn lend_config(&mut self, engine: &Engine) -> Seen {
        let lent = self.config.take();
        let mut seen = lent.unwrap_or_else(|| Seen::new(&engine.config));
        seen.renew(&engine.config);
        seen
    }

    /// What was run leaves what it was lent for what is run next, and those it has sent something
    /// look.
    pub(super) fn finish(&mut self, config: Seen, located: Vec<Located<'_>>) {
        self.config = Some(config);
        self.spare = recycle(located);
        self.wakes.release();
    }

    /// Where in the log the last effects of this thread ended, since this was last called; 0 if
    /// there were none. Replies to whoever caused them wait until that much is in the files.
    #[inline]
    pub fn take_appended_to(&mut self) -> u64 {
        mem::take(&mut self.appended_to)
    }

    /// Enters what was done into the log. The locks it was done under are still held.
    #[inline]
    pub(crate) fn append_effects(&mut self, log: &Log) {
        self.appended_to = log.append(&mut self.effects);
    }

    /// Counts a command that ran so many times, for so long each time.
    #[inline]
    pub(super) fn count(&mut self, entry: &Entry, calls: u64, nanos: u64, config: &Config) {
        self.ran_nanos += calls * nanos;
        let stats = &self.stats.commands[usize::from(entry.id.0)];
        stats.record(calls, nanos);
        if config.latency.tracking {
            stats.track(calls, nanos);
        }
    }
}
