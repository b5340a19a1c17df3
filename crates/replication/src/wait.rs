//! Clients that wait until replicas have confirmed what they wrote.

use crate::flaw::flawed;
use crate::machine::Machine;
use crate::output::{Outcome, Output, WaitKind};
use crate::serve::{Replica, Stage};
use crate::{PeerId, View};

/// Asks all replicas how far they are.
const GETACK: &[u8] = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n";

#[derive(Debug)]
pub(crate) struct Waiter {
    client: PeerId,
    kind: WaitKind,
    offset: u64,
    replicas: u32,
    until_ms: Option<u64>,
}

/// What a client waits for.
pub(crate) struct Wanted {
    pub client: PeerId,
    pub kind: WaitKind,
    pub offset: u64,
    pub replicas: u32,
    pub timeout_ms: Option<u64>,
}

impl Machine {
    /// The replicas that have confirmed `offset`.
    pub fn confirmed(&self, offset: u64) -> u32 {
        let (unfinished, sent) = (
            flawed!(self, CountUnfinishedReplicas),
            flawed!(self, CountSentAsConfirmed),
        );
        let has = |replica: &&Replica| {
            let is_online = matches!(replica.stage, Stage::Online { .. });
            let confirms = is_online && replica.has_acked && replica.acked >= offset;
            confirms && !self.is_left_behind(replica)
                || unfinished && replica.snapshot().is_some()
                || sent && is_online && replica.sent >= offset
        };
        let count = self.replicas.values().filter(has).count();
        count as u32
    }

    pub(crate) fn wait(&mut self, view: &View, wanted: Wanted, out: &mut Vec<Output>) {
        let Wanted {
            client,
            kind,
            offset,
            replicas,
            timeout_ms,
        } = wanted;
        let over = |outcome| Output::WaitOver {
            client,
            kind,
            outcome,
        };
        if self.following.is_some() {
            out.push(over(Outcome::RoleChanged));
            return;
        }
        let count = self.confirmed(offset);
        if count >= replicas {
            out.push(over(Outcome::Confirmed(count)));
            return;
        }
        self.waiters.push(Waiter {
            client,
            kind,
            offset,
            replicas,
            until_ms: timeout_ms.map(|timeout_ms| view.now_ms.saturating_add(timeout_ms)),
        });
        // One question is enough for all that was written before it.
        if self.asked_at.is_none_or(|asked| asked < offset) && !self.replicas.is_empty() {
            self.asked_at = Some(view.log.end);
            out.push(Output::Append { bytes: GETACK });
        }
    }

    /// Serves those whose number is reached, and sends away those whose time is over.
    pub(crate) fn serve_waiters(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        let waiters = std::mem::take(&mut self.waiters);
        for waiter in waiters {
            let count = self.confirmed(waiter.offset);
            let outcome = match waiter.until_ms {
                _ if count >= waiter.replicas => Outcome::Confirmed(count),
                Some(until_ms) if until_ms <= now_ms => Outcome::TimedOut(count),
                _ => {
                    self.waiters.push(waiter);
                    continue;
                }
            };
            out.push(Output::WaitOver {
                client: waiter.client,
                kind: waiter.kind,
                outcome,
            });
        }
    }

    /// Nobody confirms to a node that is no primary.
    pub(crate) fn dismiss_waiters(&mut self, out: &mut Vec<Output>) {
        self.asked_at = None;
        for Waiter { client, kind, .. } in self.waiters.drain(..) {
            out.push(Output::WaitOver {
                client,
                kind,
                outcome: Outcome::RoleChanged,
            });
        }
    }

    pub(crate) fn forget_waiter(&mut self, client: PeerId) {
        self.waiters.retain(|waiter| waiter.client != client);
    }

    pub(crate) fn waiters_deadline(&self) -> Option<u64> {
        self.waiters
            .iter()
            .filter_map(|waiter| waiter.until_ms)
            .min()
    }
}
