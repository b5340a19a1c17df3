//! A failover that an operator asks for: nothing is lost, for the primary stops writes until the
//! replica has everything.
//!
//! ```text
//! replica                         primary
//!   │── stop writes ────────────────▶│  writes are stopped; nothing runs any longer
//!   │◀───────── ping: this offset ───│
//!   │  has everything up to there    │
//!   │── may I? (to everyone, forced) ▶
//! ```
//!
//! The offset is told in a later step than the one that stops writes, because only then nothing
//! can be written any more.

use super::{Machine, Save, TICK_MS, Turn};
use crate::bus::{Beat, Body, Header};
use crate::command::Failover;
use crate::flaw::flawed;
use crate::input::LinkId;
use crate::output::{Level, Output};
use crate::table::Seat;

/// How long a replica tries.
const TRY_MS: u64 = 5000;

/// How long a primary that has started again in between serves nothing: until the replica that it
/// had stopped writes for has given up.
pub(super) const HUSH_MS: u64 = TRY_MS + TICK_MS;

/// How long a primary waits: longer, so that no replica takes over when writes go on already.
const PAUSE_MS: u64 = 2 * TRY_MS;

#[derive(Debug)]
pub(super) enum Manual {
    /// This replica takes over.
    Taking {
        ends_ms: u64,
        /// Where the primary stopped.
        goal: Option<u64>,
        is_ready: bool,
    },
    /// This primary has stopped writes for a replica.
    Yielding {
        ends_ms: u64,
        replica: Seat,
        /// The step that stopped them is over, and so are all writes.
        is_stopped: bool,
        is_told: bool,
    },
}

impl Machine {
    /// The operator's word to a replica.
    pub(super) fn take_over(&mut self, how: Failover, primary: Seat, turn: &mut Turn<'_>) {
        self.end_manual(turn);
        if how == Failover::Takeover {
            turn.log(Level::Warning, "Taking over the master (user request).");
            self.bump_epoch(turn);
            return self.replace_primary(turn);
        }
        let is_forced = how == Failover::Force;
        self.manual = Some(Manual::Taking {
            ends_ms: turn.now() + TRY_MS,
            goal: None,
            is_ready: is_forced,
        });
        self.todo.look_at_election = true;
        if is_forced {
            turn.log(Level::Warning, "Forced failover user request accepted.");
            return;
        }
        turn.log(Level::Warning, "Manual failover user request accepted.");
        if let Some(link) = self.nodes[primary].link {
            self.send(LinkId::Out(link), &Body::StartFailover, turn);
        }
    }

    /// A replica asks this primary to stop writes.
    pub(super) fn pause_for(&mut self, sender: Seat, turn: &mut Turn<'_>) {
        if !self.my().is_primary() || self.nodes[sender].primary != Some(self.me) {
            return;
        }
        // The replica would take an epoch beyond that of whoever takes slots from here.
        if !self.handing_over.is_empty() {
            let line = "Manual failover put off: slots are being handed over.";
            return turn.log(Level::Warning, line);
        }
        self.end_manual(turn);
        let ends_ms = turn.now() + PAUSE_MS;
        self.manual = Some(Manual::Yielding {
            ends_ms,
            replica: sender,
            is_stopped: false,
            is_told: false,
        });
        self.todo.resume = false;
        // A restart must not make it forget, for the replica goes on.
        self.save(Save::Now);
        let until_ms = match flawed!(self, PauseForEver) {
            true => u64::MAX,
            false => ends_ms,
        };
        turn.push(Output::PauseWrites { until_ms });
        let id = self.nodes[sender].id;
        turn.log(
            Level::Warning,
            format!("Manual failover requested by replica {id}."),
        );
    }

    /// A step begins: what the one before asked for was done.
    pub(super) fn note_writes_stopped(&mut self) {
        if let Some(Manual::Yielding { is_stopped, .. }) = &mut self.manual {
            *is_stopped = true;
        }
    }

    /// Whether packets may say that the offset stands.
    pub(super) fn is_paused_for_sure(&self) -> bool {
        matches!(
            self.manual,
            Some(Manual::Yielding {
                is_stopped: true,
                ..
            })
        )
    }

    /// Whether a replica may be elected at any moment though this node serves.
    pub(super) fn is_yielding(&self) -> bool {
        matches!(self.manual, Some(Manual::Yielding { .. }))
    }

    pub(super) fn owes_paused_ping(&self) -> bool {
        matches!(self.manual, Some(Manual::Yielding { is_told: false, .. }))
    }

    /// The primary says where it has stopped.
    pub(super) fn note_paused_offset(
        &mut self,
        sender: Seat,
        header: &Header<'_>,
        turn: &mut Turn<'_>,
    ) {
        if !header.marks.paused || self.my().primary != Some(sender) {
            return;
        }
        let Some(Manual::Taking { goal, .. }) = &mut self.manual else {
            return;
        };
        if goal.is_none() {
            *goal = Some(header.offset);
            self.todo.look_at_election = true;
            let offset = header.offset;
            turn.log(
                Level::Warning,
                format!("Received replication offset for paused master manual failover: {offset}"),
            );
        }
    }

    /// Whether votes are asked for without waiting for the primary to fail.
    pub(super) fn takes_over_now(&self) -> bool {
        matches!(self.manual, Some(Manual::Taking { is_ready: true, .. }))
    }

    pub(super) fn advance_manual(&mut self, turn: &mut Turn<'_>) {
        let now_ms = turn.now();
        match &mut self.manual {
            None => {}
            Some(Manual::Taking { ends_ms, .. } | Manual::Yielding { ends_ms, .. })
                if *ends_ms < now_ms =>
            {
                turn.log(Level::Warning, "Manual failover timed out.");
                self.end_manual(turn);
            }
            Some(Manual::Taking { goal, is_ready, .. })
                if !*is_ready && *goal == Some(turn.view.replication_offset) =>
            {
                *is_ready = true;
                turn.log(
                    Level::Warning,
                    "All master replication stream processed, manual failover can start.",
                );
            }
            Some(Manual::Yielding {
                replica,
                is_stopped: true,
                is_told,
                ..
            }) => {
                *is_told = true;
                if let Some(link) = self.nodes[*replica].link {
                    self.send_heartbeat(Beat::Ping, LinkId::Out(link), turn);
                }
            }
            Some(Manual::Taking { .. } | Manual::Yielding { .. }) => {}
        }
    }

    /// Ends it, however it went. Writes go on once everybody here knows who has the slots.
    pub(super) fn end_manual(&mut self, _turn: &mut Turn<'_>) {
        if let Some(Manual::Yielding { .. }) = self.manual.take() {
            self.todo.resume = !flawed!(self, PauseForEver);
            self.save(Save::Soon);
        }
    }

    /// Whether a replica may still take over for which writes were stopped before a restart.
    pub(super) fn is_hushed(&self, now_ms: u64) -> bool {
        self.hushed_until_ms
            .is_some_and(|until_ms| now_ms < until_ms)
    }

    pub(super) fn forget_manual_of(&mut self, seat: Seat, turn: &mut Turn<'_>) {
        if matches!(self.manual, Some(Manual::Yielding { replica, .. }) if replica == seat) {
            self.end_manual(turn);
        }
    }
}
