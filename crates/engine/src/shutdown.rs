//! The end of the program, as far as clients and replicas feel it.
//!
//! A primary that is to end waits until its replicas have everything, for `shutdown-timeout` at
//! most. Nobody writes meanwhile, and whoever asked for the end waits with it. It is looked after
//! several times a second, like all that happens by itself.

use std::sync::Arc;

use ::replication::{Input, PeerId, WaitKind};
use keyspace::ShardSet;

use crate::Engine;
use crate::blocking::{Blocked, State, What};
use crate::context::Context;
use crate::host::{LogLevel, Shutdown};
use crate::pause::Holder;
use crate::reply::Done;
use crate::sync::Mutex;

/// The name that the question goes by which replicas are asked. No session has it.
const ASKER: PeerId = PeerId(0);

/// A shutdown that waits for replicas, if there is one.
#[derive(Debug, Default)]
pub struct Ending(Mutex<Option<Pending>>);

#[derive(Debug)]
struct Pending {
    how: Shutdown,
    /// What replicas are to confirm.
    offset: u64,
    until_nanos: u64,
    asked_by: Vec<Arc<Blocked>>,
}

impl Ending {
    pub fn is_pending(&self) -> bool {
        self.0.lock().is_some()
    }
}

impl Engine {
    /// Begins to shut down. Returns whether it waits for replicas; if not, it is to be carried out.
    /// No lock is held.
    pub fn begin_shutdown(&self, how: Shutdown) -> bool {
        self.host
            .log(LogLevel::Warning, "User requested shutdown...");
        let seconds = u64::from(self.config.load().process.shutdown_timeout);
        let is_primary = !self.standing.is_replica() && !self.persistence.is_loading();
        if how.now || seconds == 0 || !is_primary {
            self.report_lag(self.log.offset());
            return false;
        }
        // With every lock nothing is under way that the pause would have held back.
        let all = self.keyspace.lock(ShardSet::ALL);
        let offset = self.log.offset();
        if self.ending.is_pending() {
            return true;
        }
        if self.lagging(offset) == 0 {
            self.report_lag(offset);
            return false;
        }
        self.pause.hold_writes(Holder::Shutdown, true);
        *self.ending.0.lock() = Some(Pending {
            how,
            offset,
            until_nanos: self.host.monotonic_nanos() + seconds * 1_000_000_000,
            asked_by: Vec::new(),
        });
        drop(all);
        let line = "Waiting for replicas before shutting down.";
        self.host.log(LogLevel::Notice, line);
        let question = Input::Wait {
            client: ASKER,
            kind: WaitKind::Wait,
            offset,
            replicas: u32::MAX,
            timeout_ms: Some(seconds * 1000),
        };
        self.host.replicate(self, question, &mut Vec::new());
        true
    }

    /// The replicas that have not confirmed an offset.
    fn lagging(&self, offset: u64) -> usize {
        let mut lagging = 0;
        self.host.look_at_replication(self, &mut |machine, _| {
            let replicas = machine.online_replicas();
            lagging = replicas.filter(|replica| replica.acked < offset).count();
        });
        lagging
    }

    /// Carries a shutdown out that has waited for replicas, when they are there or its time is
    /// over.
    pub(crate) fn look_after_shutdown(&self) {
        let mut pending = self.ending.0.lock();
        let is_due = |pending: &mut Pending| {
            self.host.monotonic_nanos() >= pending.until_nanos || self.lagging(pending.offset) == 0
        };
        let Some(due) = pending.take_if(is_due) else {
            return;
        };
        drop(pending);
        self.report_lag(due.offset);
        if self.host.shut_down(due.how).is_err() {
            self.give_up_shutdown(due);
        }
    }

    /// Calls a shutdown off that still waits. Returns whether there was one.
    pub fn abort_shutdown(&self) -> bool {
        let pending = self.ending.0.lock().take();
        let Some(pending) = pending else {
            return self.host.abort_shutdown();
        };
        self.give_up_shutdown(pending);
        let line = "Shutdown manually aborted.";
        self.host.log(LogLevel::Notice, line);
        true
    }

    fn give_up_shutdown(&self, pending: Pending) {
        let nobody_waits = Input::Gone { peer: ASKER };
        self.host.replicate(self, nobody_waits, &mut Vec::new());
        self.pause.hold_writes(Holder::Shutdown, false);
        for blocked in pending.asked_by {
            if blocked.claim(State::Stayed) {
                blocked.client.wake();
            }
        }
    }

    /// Milliseconds that a shutdown still waits for replicas.
    pub(crate) fn shutdown_waits_ms(&self) -> Option<u64> {
        let until_nanos = self.ending.0.lock().as_ref()?.until_nanos;
        let left = until_nanos.saturating_sub(self.host.monotonic_nanos());
        Some(left / 1_000_000)
    }

    /// Tells the operator which replicas have not confirmed an offset now that the program ends.
    fn report_lag(&self, offset: u64) {
        let mut lines = Vec::new();
        self.host.look_at_replication(self, &mut |machine, view| {
            let replicas: Vec<_> = machine.online_replicas().collect();
            let behind = replicas.iter().filter(|replica| replica.acked < offset);
            for replica in behind.clone() {
                lines.push((
                    LogLevel::Warning,
                    format!(
                        "Lagging replica {}:{} reported offset {} behind master, lag={}, \
                         state=online.",
                        replica.ip,
                        replica.port,
                        offset - replica.acked,
                        replica.lag_seconds(view)
                    ),
                ));
            }
            if !replicas.is_empty() {
                let line = format!(
                    "{} of {} replicas are in sync when shutting down.",
                    replicas.len() - behind.count(),
                    replicas.len()
                );
                lines.push((LogLevel::Notice, line));
            }
        });
        for (level, line) in lines {
            self.host.log(level, &line);
        }
    }
}

impl Context<'_> {
    /// Has the session wait for the end of the program, or for its being called off. False if no
    /// shutdown waits any more.
    pub fn wait_for_end(&mut self) -> Option<Done> {
        let mut pending = self.engine.ending.0.lock();
        let pending = pending.as_mut()?;
        let command = self.command.id;
        let blocked = self.engine.block(self.session, command, None, What::End);
        pending.asked_by.push(blocked);
        Some(self.reply.nothing())
    }
}
