//! What others see of a command that ran: monitors, the slow log, the latency monitor.

use config::Config;

use crate::Engine;
use crate::command::{Entry, Flags};
use crate::session::Session;
use crate::slowlog::{self, SlowCommand};

/// What is shown in place of a secret.
const REDACTED: &[u8] = b"(redacted)";

impl Engine {
    /// Shows a command to those who look on, and empties `redacted`, the places of its secrets.
    #[inline]
    pub(crate) fn observe(
        &self,
        session: &Session,
        entry: &Entry,
        words: &[&[u8]],
        redacted: &mut Vec<usize>,
        nanos: u64,
        config: &Config,
    ) {
        if !self.monitors.is_empty() {
            self.show_to_monitors(session, entry, words, redacted, config);
        }
        let blocked = session.blocked.as_ref();
        // What begins to wait for a key has not ended: then its whole duration is judged.
        if !blocked.is_some_and(|blocked| blocked.count_run(nanos)) {
            self.judge_duration(session, entry, (words, redacted), nanos, config);
        }
        if !redacted.is_empty() {
            redacted.clear();
        }
    }

    /// Notes how long a command took, if the slow log or the latency monitor wants to know.
    #[inline]
    pub(crate) fn judge_duration(
        &self,
        session: &Session,
        entry: &Entry,
        (words, redacted): (&[&[u8]], &[usize]),
        nanos: u64,
        config: &Config,
    ) {
        let micros = (nanos / 1000) as i64;
        let slow = config.latency.slow_log_threshold;
        if slow >= 0 && micros >= slow && !entry.flags.has(Flags::NO_SLOWLOG) {
            self.note_slow(session, &hidden(words, redacted), micros, config);
        }
        let threshold = config.latency.monitor_threshold;
        if threshold > 0 && micros / 1000 >= threshold as i64 {
            let event = if entry.flags.has(Flags::FAST) {
                "fast-command"
            } else {
                "command"
            };
            self.latency
                .add(event, self.now().0 / 1000, (micros / 1000) as u64);
        }
    }

    /// Notes how long something took that is no command, if the latency monitor wants to know.
    pub fn note_latency(&self, event: &str, nanos: u64) {
        let threshold = self.config.load().latency.monitor_threshold;
        let ms = nanos / 1_000_000;
        if threshold > 0 && ms >= threshold {
            self.latency.add(event, self.now().0 / 1000, ms);
        }
    }

    #[cold]
    fn show_to_monitors(
        &self,
        session: &Session,
        entry: &Entry,
        words: &[&[u8]],
        redacted: &[usize],
        config: &Config,
    ) {
        if !entry.flags.has(Flags::NO_MONITOR | Flags::ADMIN) {
            let words = hidden(words, redacted);
            let from = (session.db, &*session.client);
            self.monitors.feed(self, config, from, &words);
        }
    }

    #[cold]
    fn note_slow(&self, session: &Session, words: &[&[u8]], micros: i64, config: &Config) {
        let command = SlowCommand {
            id: 0,
            at: self.now().0 / 1000,
            micros,
            words: slowlog::shortened(words),
            addr: session.client.endpoints.addr.clone(),
            name: session.client.name.lock().clone(),
        };
        self.slowlog
            .add(command, config.latency.slow_log_len_max as usize);
    }
}

/// The words without the secrets among them.
fn hidden<'a>(words: &[&'a [u8]], redacted: &[usize]) -> Vec<&'a [u8]> {
    let mut shown = words.to_vec();
    for &place in redacted {
        if let Some(word) = shown.get_mut(place) {
            *word = REDACTED;
        }
    }
    shown
}
