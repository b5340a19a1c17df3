//! What clients may take: the memory of all together, and the replies that each leaves unread.
//!
//! When clients take more than `maxmemory-clients`, those that take most are closed, until the rest
//! fits. When one leaves more replies unread than its class may, or more than a little for too
//! long, it is closed too: by whoever sent it the last of them, or by the tick if nobody sends.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use config::{Config, OutputLimit};

use crate::Engine;
use crate::clients::{Client, ClientFlags, Request, Wakes};
use crate::host::LogLevel;
use crate::session::Session;

/// Bytes of replies that somebody may leave unread before authenticating.
const STRANGER_OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

impl Engine {
    /// Counts what a session takes now, and closes clients if all take too much.
    #[inline]
    pub fn settle(&self, client: &Client, config: &Config) {
        client.count();
        self.shrink_clients(config);
    }

    /// Closes clients until the memory of the rest is within `maxmemory-clients`.
    #[inline]
    pub(crate) fn shrink_clients(&self, config: &Config) {
        let limit = config.clients.memory.bytes(config.memory.limit);
        if limit > 0 && self.clients.tally.can_shrink_to(limit) {
            self.evict_clients(limit);
        }
    }

    #[cold]
    fn evict_clients(&self, limit: u64) {
        let mut clients = self.clients.all();
        clients.retain(|client| !client.has(ClientFlags::NO_EVICT));
        clients.sort_by_cached_key(|client| Reverse(client.usage.total()));
        for client in clients {
            if self.clients.tally.bytes() <= limit {
                return;
            }
            let mut line = "Evicting client: ".to_owned();
            self.describe(&client, Request::default(), &mut line);
            if self.kill(&client) {
                self.stats.evicted_clients.fetch_add(1, Ordering::Relaxed);
                self.host.log(LogLevel::Notice, &line);
            }
        }
        let line = "Over client maxmemory after evicting all evictable clients";
        if self.clients.tally.bytes() > limit {
            self.host.log(LogLevel::Warning, line);
        }
    }

    /// Closes a client that leaves too many replies unread, or some for too long. Returns whether
    /// it does.
    fn enforce_output_limit(&self, config: &Config, client: &Client) -> bool {
        let limit = output_limit(config, client);
        let unread = client.usage.output();
        let over = |limit: u64| limit > 0 && unread > limit;
        if !over(limit.soft.0) && !over(limit.hard.0) {
            client.note_slow(None);
            return false;
        }
        let now = self.now().0 / 1000;
        let slow_since = match over(limit.soft.0) {
            true => client.slow_since().or(Some(now)),
            false => None,
        };
        let too_long = slow_since.is_some_and(|since| now - since > limit.soft_seconds as i64);
        if over(limit.hard.0) || too_long {
            self.cut_off_reader(client, 0);
            return true;
        }
        client.note_slow(slow_since);
        false
    }

    /// Closes a session that leaves too many replies unread, or some for too long.
    pub fn check_output(&self, config: &Config, session: &Session) {
        let client = &session.client;
        if !session.authenticated && client.usage.output() > STRANGER_OUTPUT_BYTES_MAX {
            self.cut_off_reader(client, 0);
        } else {
            self.enforce_output_limit(config, client);
        }
    }

    /// How many bytes of replies a session may be sent at once, as things are.
    pub(crate) fn output_room(&self, config: &Config, session: &Session) -> usize {
        let most = match output_limit(config, &session.client).hard.0 {
            0 => u64::MAX,
            hard => hard,
        };
        let most = match session.authenticated {
            true => most,
            false => most.min(STRANGER_OUTPUT_BYTES_MAX),
        };
        most.saturating_sub(session.client.usage.output()) as usize
    }

    /// Sends a client bytes, unless that makes it one to be closed.
    pub(crate) fn send(
        &self,
        config: &Config,
        wakes: &mut Wakes,
        client: &Arc<Client>,
        bytes: &[u8],
    ) {
        client.leave(bytes);
        if !self.enforce_output_limit(config, client) {
            wakes.add(client);
        }
    }

    /// Closes a client for what it leaves unread, and for `own` bytes of replies beside.
    #[cold]
    pub(crate) fn cut_off_reader(&self, client: &Client, own: usize) {
        client.add_unsent(own);
        let mut line = "Client ".to_owned();
        self.describe(client, Request::default(), &mut line);
        line += " scheduled to be closed ASAP for overcoming of output buffer limits.";
        if self.kill(client) {
            let count = &self.stats.output_limit_disconnections;
            count.fetch_add(1, Ordering::Relaxed);
            self.host.log(LogLevel::Warning, &line);
        }
    }

    /// Closes clients that have left too much unread for too long while nobody sent them more.
    pub(crate) fn close_slow_readers(&self, config: &Config) {
        if self.clients.tally.slow.load(Ordering::Relaxed) == 0 {
            return;
        }
        for client in self.clients.all() {
            if client.slow_since().is_some() {
                self.enforce_output_limit(config, &client);
            }
        }
    }
}

/// The limit of a client's class.
fn output_limit<'a>(config: &'a Config, client: &Client) -> &'a OutputLimit {
    let limits = &config.clients.output_limits;
    match client {
        client if client.has(ClientFlags::REPLICA) => &limits.replica,
        client if client.has(ClientFlags::PUBSUB) => &limits.pubsub,
        _ => &limits.normal,
    }
}
