//! Clients that wait until replicas have confirmed what they wrote.
//!
//! `WAIT` asks for it, and is told how many did. In synchronous mode (`sync-replicas`) nobody has
//! to ask: the replies of writes are held back until enough replicas have confirmed them, and where
//! they do not in time, an error stands in the reply's place. The write is done all the same.

use std::ops::Range;
use std::sync::Arc;

use ::replication::{Input, Outcome, PeerId, WaitKind};
use resp::Protocol;
use resp::reply::Encoder;

use crate::Engine;
use crate::blocking::{Blocked, State, What};
use crate::clients::{Client, ClientFlags, ClientId};
use crate::command::CommandId;
use crate::context::Context;
use crate::reply::Done;
use crate::session::Session;
use crate::sync::Mutex;

/// What replicas are to confirm.
#[derive(Debug)]
pub(crate) struct Confirmation {
    /// Where in the log it ends.
    offset: u64,
    /// How many are to confirm it.
    replicas: u32,
    timeout_ms: Option<u64>,
    held: Option<Held>,
    outcome: Mutex<Option<Outcome>>,
}

/// Replies that are held back.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    /// Where in them the replies of writes are.
    writes: Vec<Range<usize>>,
}

impl Held {
    /// Takes replies off the end of `out`: from the first of these on, which are those of writes.
    pub fn take(out: &mut Vec<u8>, writes: &[Range<usize>]) -> Held {
        let start = writes[0].start;
        let moved = |range: &Range<usize>| range.start - start..range.end - start;
        Held {
            bytes: out.split_off(start),
            writes: writes.iter().map(moved).collect(),
        }
    }

    /// Writes the replies, with an error in place of each that is a write's.
    fn refuse(&self, error: &str, out: &mut Vec<u8>) {
        let mut behind = 0;
        for write in &self.writes {
            out.extend_from_slice(&self.bytes[behind..write.start]);
            write_error(error, out);
            behind = write.end;
        }
        out.extend_from_slice(&self.bytes[behind..]);
    }
}

fn write_error(text: &str, out: &mut Vec<u8>) {
    let protocol = Protocol::Resp2;
    Encoder { out, protocol }.error(text.as_bytes());
}

impl Confirmation {
    fn new(offset: u64, replicas: u32, timeout_ms: Option<u64>, held: Option<Held>) -> Self {
        Confirmation {
            offset,
            replicas,
            timeout_ms,
            held,
            outcome: Mutex::default(),
        }
    }

    fn kind(&self) -> WaitKind {
        match self.held {
            Some(_) => WaitKind::Write,
            None => WaitKind::Wait,
        }
    }

    /// Writes replies that are held back, with an error in place of each write's. Returns whether
    /// there are any.
    pub fn refuse(&self, error: &str, out: &mut Vec<u8>) -> bool {
        if let Some(held) = &self.held {
            held.refuse(error, out);
        }
        self.held.is_some()
    }
}

impl Context<'_> {
    /// Waits until so many replicas have confirmed what this session wrote, and replies how many
    /// have. Within another command nothing waits.
    pub fn wait_for_replicas(&mut self, replicas: u32, timeout_ms: Option<u64>) -> Done {
        let offset = self.session.written_to;
        if self.nested {
            let confirmed = self.engine.confirmed(offset);
            return self.reply.integer(i64::from(confirmed));
        }
        let confirmation = Confirmation::new(offset, replicas, timeout_ms, None);
        let command = self.command.id;
        let session = &mut *self.session;
        if let Some(blocked) = self.engine.begin_wait(session, command, confirmation) {
            self.engine.write_end(&blocked, self.reply.buffer());
        }
        self.reply.nothing()
    }
}

impl Engine {
    /// How many replicas have confirmed the log up to an offset.
    fn confirmed(&self, offset: u64) -> u32 {
        let mut confirmed = 0;
        self.host.look_at_replication(self, &mut |machine, _| {
            confirmed = machine.confirmed(offset)
        });
        confirmed
    }

    /// Has a session wait for replicas. Returns the wait if it is over already.
    fn begin_wait(
        &self,
        session: &mut Session,
        command: CommandId,
        confirmation: Confirmation,
    ) -> Option<Arc<Blocked>> {
        let client = session.client.peer();
        session.client.set(ClientFlags::REPLICATES, true);
        let input = Input::Wait {
            client,
            kind: confirmation.kind(),
            offset: confirmation.offset,
            replicas: confirmation.replicas,
            timeout_ms: confirmation.timeout_ms,
        };
        let blocked = self.block(session, command, None, What::Replicas(confirmation));
        self.host.replicate(self, input, &mut Vec::new());
        blocked.is(State::Served).then(|| {
            self.forget_blocked(session);
            blocked
        })
    }

    /// A wait for replicas is over.
    pub fn end_wait(&self, client: PeerId, outcome: Outcome) {
        let waits = &self.blocking.confirmations;
        let Some(blocked) = waits.lock().remove(&ClientId(client.0)) else {
            return;
        };
        if let What::Replicas(confirmation) = &blocked.what {
            *confirmation.outcome.lock() = Some(outcome);
        }
        let state = match outcome {
            Outcome::RoleChanged => State::Dismissed,
            _ => State::Served,
        };
        if blocked.claim(state) {
            blocked.client.wake();
        }
    }

    /// Nobody waits for replicas any longer on behalf of this client.
    pub(crate) fn forget_confirmation(&self, client: &Client, has_ended: bool) {
        let known = self.blocking.confirmations.lock().remove(&client.id);
        if known.is_some() || !has_ended {
            let input = Input::Gone {
                peer: client.peer(),
            };
            self.host.replicate(self, input, &mut Vec::new());
        }
    }

    /// Writes how a wait for replicas has ended.
    pub(crate) fn write_confirmed(&self, confirmation: &Confirmation, out: &mut Vec<u8>) {
        let outcome = *confirmation.outcome.lock();
        let outcome =
            outcome.unwrap_or_else(|| Outcome::TimedOut(self.confirmed(confirmation.offset)));
        let Some(held) = &confirmation.held else {
            let (Outcome::Confirmed(count) | Outcome::TimedOut(count)) = outcome else {
                return;
            };
            let protocol = Protocol::Resp2;
            return Encoder { out, protocol }.integer(i64::from(count));
        };
        match outcome.error(confirmation.replicas) {
            Some(error) => {
                self.stats.count_error(error.as_bytes());
                held.refuse(&error, out);
            }
            None => out.extend_from_slice(&held.bytes),
        }
    }

    /// Whether replies of writes are held back until replicas have confirmed them.
    #[inline]
    pub(crate) fn is_synchronous(&self, config: &config::Config) -> bool {
        config.replication.sync_replicas > 0 && !self.standing.is_replica()
    }

    /// Holds replies back until replicas have confirmed what the session wrote. Returns whether
    /// the session waits: if not, the replies are behind `out` again.
    pub(crate) fn hold_replies(
        &self,
        session: &mut Session,
        command: CommandId,
        (offset, held): (u64, Held),
        out: &mut Vec<u8>,
    ) -> bool {
        let config = self.config.load();
        let timeout_ms = match config.replication.sync_timeout {
            0 => None,
            timeout => Some(timeout),
        };
        let replicas = config.replication.sync_replicas;
        let confirmation = Confirmation::new(offset, replicas, timeout_ms, Some(held));
        match self.begin_wait(session, command, confirmation) {
            Some(blocked) => {
                self.write_end(&blocked, out);
                false
            }
            None => true,
        }
    }

    /// As [`Engine::hold_replies`], of what was done for a session that waited for a key: its reply
    /// is in `out` from `mark` on.
    pub(crate) fn confirm_served(
        &self,
        session: &mut Session,
        command: CommandId,
        mark: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        session.written_to = self.log.offset();
        if !self.is_synchronous(&self.config.load()) || out.len() == mark {
            return false;
        }
        let write = mark..out.len();
        let held = Held::take(out, &[write]);
        self.hold_replies(session, command, (session.written_to, held), out)
    }
}
